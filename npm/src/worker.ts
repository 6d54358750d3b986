/** The other side of `Store.open({worker})` and `{shared}`: import `redstart/worker` in a worker, and it serves an engine. */

import { Engine, type EngineOptions } from './engine.js';
import { hold, type PortLike, serve } from './port.js';

/** What is global in a worker. */
interface Scope extends PortLike {
  onconnect?: unknown;
  close?(): void;
}

/** Serves an engine from here: a worker's or a SharedWorker's global scope, or a thread's parent port. */
export function serveScope(scope: Scope): void {
  // All tabs get the same engine, as the first of them wants it.
  let opened: Promise<Engine> | undefined;
  const open = async (settings: EngineOptions): Promise<Engine> => {
    const isFirst = opened === undefined;
    const made = (opened ??= Engine.open(settings));
    try {
      const engine = await made;
      // Wrong settings are told by the first call.
      engine.ping();
      return engine;
    } catch (error) {
      if (opened === made) opened = undefined;
      // One that died still has its storage.
      await made.then((engine) => engine.close()).catch(() => undefined);
      // One that was ended or died is followed by another.
      if (isFirst) throw error;
      return open(settings);
    }
  };
  const held = hold('worker');
  if ('onconnect' in scope) {
    scope.addEventListener!('connect', (event: MessageEvent) => {
      const port = event.ports[0]!;
      serve(port, open, held, () => port.close());
    });
    return;
  }
  serve(scope, open, held, () => {
    // Not before all is saved.
    const end = () => scope.close?.();
    if (opened) opened.then((engine) => engine.close()).then(end, end);
    else end();
  });
}
