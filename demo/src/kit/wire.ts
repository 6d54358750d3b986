/**
 * Where the database is, and how bytes get there.
 *
 * A place opens wires: RESP connections, bytes in and bytes out. There are three places:
 * - `shared`: one engine in a SharedWorker, behind all tabs of this page;
 * - `tab`: an engine in this tab, where there are no SharedWorkers;
 * - `server`: a redstart-server, through the WebSocket of bridge.mjs.
 * Everything above is the same for all three.
 */

import type { Engine } from 'redstart';

export type Kind = 'shared' | 'tab' | 'server';

export interface Wire {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Who listens at the end of a wire. */
export interface Ears {
  data(bytes: Uint8Array): void;
  closed(): void;
}

export interface Place {
  kind: Kind;
  open(ears: Ears): Wire;
}

/** What tabs and the worker say to each other. */
export type ToWorker = { open: number } | { id: number; bytes: Uint8Array } | { close: number } | { tab: string };
export type ToTab = { id: number; bytes: Uint8Array } | { closed: number } | { failed: string };

/** How the page's own engines are set up. */
export const CONFIG = { 'notify-keyspace-events': 'KEA', maxmemory: '256mb', 'slowlog-log-slower-than': 1000 };

export async function place(kind: Kind): Promise<Place> {
  if (kind === 'server') return server(new URL('redis', location.href.replace(/^http/, 'ws')).href.replace(/[?#].*$/, ''));
  if (kind === 'shared' && typeof SharedWorker === 'function') return shared();
  const { Engine } = await import('redstart');
  return tab(await Engine.open({ config: CONFIG }));
}

function tab(engine: Engine): Place {
  return {
    kind: 'tab',
    open(ears) {
      const connection = engine.connect();
      connection.onData((bytes) => ears.data(bytes));
      connection.onClose(() => ears.closed());
      return { write: (bytes) => connection.write(bytes), close: () => connection.close() };
    },
  };
}

function shared(): Place {
  const worker = new SharedWorker(new URL('../engine.worker.ts', import.meta.url), { type: 'module', name: 'redstart demo' });
  const { port } = worker;
  const all = new Map<number, Ears>();
  let next = 1;
  port.onmessage = ({ data }: MessageEvent<ToTab>) => {
    if ('failed' in data) throw new Error(`the engine could not start: ${data.failed}`);
    if ('bytes' in data) all.get(data.id)?.data(data.bytes);
    else {
      all.get(data.closed)?.closed();
      all.delete(data.closed);
    }
  };
  const tell = (message: ToWorker) => port.postMessage(message, 'bytes' in message ? [message.bytes.buffer as ArrayBuffer] : []);
  // The worker waits for this lock: it gets it when this tab is gone, however it went.
  const name = `redstart-demo-tab-${crypto.randomUUID?.() ?? Math.random()}`;
  void navigator.locks?.request(name, () => {
    tell({ tab: name });
    return new Promise(() => {});
  });
  return {
    kind: 'shared',
    open(ears) {
      const id = next++;
      all.set(id, ears);
      tell({ open: id });
      return {
        write: (bytes) => tell({ id, bytes }),
        close: () => tell({ close: id }),
      };
    },
  };
}

function server(address: string): Place {
  return {
    kind: 'server',
    open(ears) {
      const socket = new WebSocket(address);
      socket.binaryType = 'arraybuffer';
      let early: Uint8Array[] = [];
      socket.onopen = () => {
        for (const bytes of early) socket.send(bytes as Uint8Array<ArrayBuffer>);
        early = [];
      };
      socket.onmessage = ({ data }) => ears.data(new Uint8Array(data as ArrayBuffer));
      socket.onclose = () => ears.closed();
      return {
        write: (bytes) => (socket.readyState === WebSocket.CONNECTING ? early.push(bytes) : socket.send(bytes as Uint8Array<ArrayBuffer>)),
        close: () => socket.close(),
      };
    },
  };
}
