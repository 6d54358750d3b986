/**
 * Connections over a port: a worker's, a SharedWorker's, a thread's, or a pair of BroadcastChannels.
 *
 * All connections of a page share one port. What they send in a turn is one message: a list of a connection's
 * number, then its bytes (moved, not copied, where they are many), a text (a new connection's address) or
 * `null` (its end). Few bytes that are all that a turn sends, as a call and its reply are, go as a text without a
 * list, a character per byte behind the number: browsers take a tenth less time for that, there and back. The first
 * message each way is an object that says the version, and what else there is to say.
 *
 * Neither side is told by the browser that the other one died. So each holds a Web Lock for as long as it lives,
 * and the other one waits for it; where there are no locks, the port's own events must do.
 */

import { latin1, latin1Bytes } from './ascii.js';
import type { Channel, Host } from './channel.js';
import { soon } from './clock.js';
import type { Engine, EngineOptions } from './engine.js';
import { ConnectionLostError, ReplyError } from './error.js';

declare const REDSTART_VERSION: string;
export const VERSION = REDSTART_VERSION;

type Bits = Uint8Array | string | null;
type List = (number | Bits)[];

/** What a page says first. */
export interface Opening {
  redstart: string;
  settings: EngineOptions;
  /** The lock that the page holds. */
  lock: string | undefined;
}

/** What it is answered. */
interface Answer {
  redstart: string;
  lock?: string | undefined;
  error?: { name: string; message: string };
}

/** What the kinds of ports have in common. */
export interface PortLike {
  // The kinds differ in what they, and their listeners, take.
  postMessage(message: unknown, transfer?: any[]): void;
  addEventListener?(type: string, listener: (event: any) => void): void;
  on?(type: string, listener: (value: any) => void): unknown;
  start?(): void;
  close?(): void;
  unref?(): void;
}

/** Calls `listener` with messages, and `gone` if the port says that its other end is no more. */
export function receive(port: PortLike, listener: (message: unknown) => void, gone: (why: unknown) => void): void {
  if (port.addEventListener) {
    port.addEventListener('message', (event: MessageEvent) => listener(event.data));
    port.addEventListener('error', gone);
    port.addEventListener('close', gone);
    port.start?.();
  } else {
    port.on?.('message', listener);
    port.on?.('error', gone);
    port.on?.('exit', gone);
    port.on?.('close', gone);
  }
}

/** Fewer bytes are copied: that is faster than to move them. */
const MOVED = 4096;
/** So many bytes are a text if they go alone. */
const TEXT = 512;
const SPACE = 32;

/** What has come, as a list; `undefined`: it is something else. */
function listOf(message: unknown): List | undefined {
  if (typeof message === 'string') {
    let id = 0;
    let at = 0;
    for (let unit; (unit = message.charCodeAt(at++)) !== SPACE && at < message.length; ) id = 10 * id + unit - 48;
    return [id, latin1Bytes(message, at)];
  }
  return Array.isArray(message) ? (message as List) : undefined;
}

/** Gathers what goes out in a turn. */
class Outbox {
  private list: List = [];
  private readonly port: PortLike;

  constructor(port: PortLike) {
    this.port = port;
  }

  add(id: number, what: Bits): void {
    if (this.list.length === 0) soon(() => this.flush());
    this.list.push(id, what);
  }

  flush(): void {
    const list = this.list;
    if (list.length === 0) return;
    this.list = [];
    const first = list[1];
    if (list.length === 2 && first instanceof Uint8Array && first.length <= TEXT) return this.port.postMessage(`${list[0]} ${latin1(first)}`);
    const moved: ArrayBuffer[] = [];
    for (let i = 1; i < list.length; i += 2) {
      const bytes = list[i];
      if (!(bytes instanceof Uint8Array)) continue;
      const { buffer } = bytes;
      // A small part of a large buffer would take all of it along, which may be others' too.
      const isWhole = bytes.byteOffset === 0 && 2 * bytes.length >= buffer.byteLength;
      if (bytes.length >= MOVED && isWhole && buffer instanceof ArrayBuffer) moved.push(buffer);
      else if (!isWhole) list[i] = bytes.slice();
    }
    this.port.postMessage(list, moved);
  }
}

const locks = (): LockManager | undefined => (typeof navigator === 'undefined' ? undefined : navigator.locks);

/** Holds a lock of its own for as long as this page or worker lives; its name, and what lets it go. */
export async function hold(what: string): Promise<{ name: string | undefined; release: () => void }> {
  const manager = locks();
  if (!manager) return { name: undefined, release: () => undefined };
  const name = `redstart ${what} ${crypto.randomUUID()}`;
  let release: () => void = () => undefined;
  await new Promise<void>((held, failed) => {
    manager.request(name, () => new Promise<void>((done) => {
      release = done;
      held();
    })).catch(failed);
  });
  return { name, release };
}

/** Calls `gone` when the one who holds the lock is no more. Returns what stops that. */
export function watch(name: string | undefined, gone: () => void): () => void {
  const manager = locks();
  if (!manager || !name) return () => undefined;
  const stop = new AbortController();
  manager.request(name, { signal: stop.signal }, gone).catch(() => undefined);
  return () => stop.abort();
}

/** An engine at the other end of a port. */
export class PortHost implements Host {
  /** Called once when the other end is gone. */
  onLost: ((reason: Error) => void) | undefined;
  private readonly port: PortLike;
  private readonly outbox: Outbox;
  private readonly isFinal: boolean;
  private readonly channels = new Map<number, PortChannel>();
  private next = 1;
  private reason: Error | undefined;
  private release: () => void = () => undefined;
  private unwatch: () => void = () => undefined;
  private answered: { resolve: () => void; reject: (error: Error) => void } | undefined;

  /** Opens the engine there. `isFinal`: if the other end is gone, it will not be back. */
  static async open(port: PortLike, settings: EngineOptions, isFinal: boolean): Promise<PortHost> {
    const host = new PortHost(port, isFinal);
    const answer = new Promise<void>((resolve, reject) => (host.answered = { resolve, reject }));
    receive(port, (message) => host.take(message), (why) => host.lose(why));
    const { name, release } = await hold('tab');
    host.release = release;
    try {
      port.postMessage({ redstart: VERSION, settings, lock: name } satisfies Opening);
    } catch (error) {
      throw new TypeError(`Store.open: an option cannot go to a worker: ${(error as Error).message}`, { cause: error });
    }
    await answer;
    return host;
  }

  private constructor(port: PortLike, isFinal: boolean) {
    this.port = port;
    this.outbox = new Outbox(port);
    this.isFinal = isFinal;
  }

  connect(address = 'embedded:0'): Channel {
    if (this.reason) throw this.reason;
    const id = this.next++;
    this.outbox.add(id, address);
    const channel = new PortChannel((what) => {
      if (what === null) this.channels.delete(id);
      if (!this.reason) this.outbox.add(id, what);
    });
    this.channels.set(id, channel);
    return channel;
  }

  close(): void {
    if (this.reason) return;
    this.outbox.flush();
    this.port.postMessage({ redstart: VERSION, close: true });
    this.lose(new ConnectionLostError('the store was closed', { isFinal: true }));
  }

  /** The other end is gone. */
  lose(why?: unknown): void {
    if (this.reason) return;
    const text = (why as { message?: string } | undefined)?.message;
    const reason = why instanceof ConnectionLostError
      ? why
      : new ConnectionLostError(`the engine is gone${text ? `: ${text}` : ''}`, { isFinal: this.isFinal, cause: why instanceof Error ? why : undefined });
    this.reason = reason;
    this.unwatch();
    this.release();
    this.answered?.reject(reason);
    const channels = [...this.channels.values()];
    this.channels.clear();
    for (const channel of channels) channel.end(reason);
    this.onLost?.(reason);
  }

  private take(message: unknown): unknown {
    const list = listOf(message);
    if (list) {
      for (let i = 0; i < list.length; i += 2) {
        const id = list[i] as number;
        const channel = this.channels.get(id);
        const bytes = list[i + 1] as Bits;
        if (bytes instanceof Uint8Array) channel?.deliver(bytes);
        else if (bytes === null) {
          this.channels.delete(id);
          channel?.end(new ConnectionLostError('the engine has closed the connection'));
        }
      }
      return undefined;
    }
    const answer = message as Answer | null;
    if (typeof answer !== 'object' || answer === null || typeof answer.redstart !== 'string') return;
    if (!this.answered) return answer.error && this.lose(answer.error);
    const { resolve, reject } = this.answered;
    this.answered = undefined;
    if (answer.redstart !== VERSION) {
      reject(new Error(`the worker runs redstart ${answer.redstart}, and this page ${VERSION}`));
    } else if (answer.error) {
      const { name, message } = answer.error;
      reject(name === 'ReplyError' ? new ReplyError(message) : Object.assign(new Error(message), { name }));
    } else {
      this.unwatch = watch(answer.lock, () => this.lose());
      resolve();
    }
  }
}

/** A connection of a `PortHost`. */
class PortChannel implements Channel {
  private readonly send: (what: Uint8Array | null) => void;
  private data: ((bytes: Uint8Array) => void) | undefined;
  private closed: ((reason?: Error) => void) | undefined;
  private waiting: Uint8Array[] = [];
  private isOpen = true;
  private reason: Error | undefined;

  constructor(send: (what: Uint8Array | null) => void) {
    this.send = send;
  }

  write(bytes: Uint8Array): void {
    if (!this.isOpen) throw this.reason ?? new ConnectionLostError('the connection is closed');
    this.send(bytes);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.data = listener;
    const waiting = this.waiting;
    this.waiting = [];
    for (const bytes of waiting) listener(bytes);
  }

  onClose(listener: (reason?: Error) => void): void {
    this.closed = listener;
    if (!this.isOpen) listener(this.reason);
  }

  close(): void {
    if (!this.isOpen) return;
    this.send(null);
    this.end();
  }

  deliver(bytes: Uint8Array): void {
    if (this.data) this.data(bytes);
    else this.waiting.push(bytes);
  }

  end(reason?: Error): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.reason = reason;
    this.closed?.(reason);
  }
}

/** Serves an engine on a port. `left` is called when the other end has closed the port or is gone. */
export function serve(port: PortLike, open: (settings: EngineOptions) => Promise<Engine>, lock: Promise<{ name: string | undefined }>, left: () => void): void {
  const outbox = new Outbox(port);
  const connections = new Map<number, ReturnType<Engine['connect']>>();
  let engine: Engine | undefined;
  let early: List = [];
  let isGone = false;
  let unwatch = () => {};

  const leave = () => {
    if (isGone) return;
    isGone = true;
    unwatch();
    // What waits there must take nothing more for somebody who is not there.
    try {
      for (const connection of connections.values()) connection.close();
    } catch {
      // An engine that died has none.
    }
    connections.clear();
    left();
  };

  const act = (list: List) => {
    try {
      perform(list);
    } catch (error) {
      // The engine died: who is connected must know.
      port.postMessage({ redstart: VERSION, error: { name: (error as Error).name, message: (error as Error).message } } satisfies Answer);
      leave();
    }
  };

  const perform = (list: List) => {
    for (let i = 0; i < list.length; i += 2) {
      const id = list[i] as number;
      const what = list[i + 1] as Bits;
      if (typeof what === 'string') {
        const connection = engine!.connect(what);
        connections.set(id, connection);
        connection.onData((bytes) => outbox.add(id, bytes));
        connection.onClose(() => {
          if (connections.delete(id) && !isGone) outbox.add(id, null);
        });
      } else if (what === null) {
        const connection = connections.get(id);
        connections.delete(id);
        connection?.close();
      } else {
        const connection = connections.get(id);
        if (connection?.isOpen) connection.write(what);
      }
    }
  };

  const begin = async ({ redstart, settings, lock: tab }: Opening) => {
    const answer: Answer = { redstart: VERSION, lock: (await lock).name };
    try {
      if (redstart === VERSION) {
        unwatch = watch(tab, leave);
        engine = await open(settings);
      }
    } catch (error) {
      engine = undefined;
      answer.error = { name: (error as Error).name, message: (error as Error).message };
    }
    port.postMessage(answer);
    if (!engine) return leave();
    const list = early;
    early = [];
    if (!isGone) act(list);
  };

  receive(port, (message) => {
    if (isGone) return;
    const list = listOf(message);
    if (list) {
      if (engine) act(list);
      else early.push(...list);
    } else if (typeof message === 'object' && message !== null && 'redstart' in message) {
      if ('close' in message) leave();
      else void begin(message as Opening);
    }
  }, leave);
}
