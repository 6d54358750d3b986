/**
 * The little of Node that BullMQ touches when it runs in a page. vite.config.js puts this module in place of
 * `node:…` for BullMQ's files, and its `Buffer`, `process` and `setImmediate` in place of the globals.
 */

type Heard = (...args: unknown[]) => void;

export class EventEmitter {
  private readonly heard = new Map<string | symbol, { listener: Heard; once: boolean }[]>();
  private max = 10;

  on(event: string | symbol, listener: Heard, once = false): this {
    this.heard.set(event, [...(this.heard.get(event) ?? []), { listener, once }]);
    return this;
  }
  addListener(event: string | symbol, listener: Heard): this {
    return this.on(event, listener);
  }
  once(event: string | symbol, listener: Heard): this {
    return this.on(event, listener, true);
  }
  off(event: string | symbol, listener: Heard): this {
    const all = [...(this.heard.get(event) ?? [])];
    const at = all.findLastIndex((one) => one.listener === listener);
    if (at >= 0) all.splice(at, 1);
    this.heard.set(event, all);
    return this;
  }
  removeListener(event: string | symbol, listener: Heard): this {
    return this.off(event, listener);
  }
  removeAllListeners(event?: string | symbol): this {
    if (event === undefined) this.heard.clear();
    else this.heard.delete(event);
    return this;
  }
  emit(event: string | symbol, ...args: unknown[]): boolean {
    const all = this.heard.get(event) ?? [];
    if (all.length === 0 && event === 'error') throw args[0];
    for (const { listener, once } of all) {
      if (once) this.off(event, listener);
      listener.apply(this, args);
    }
    return all.length > 0;
  }
  listeners(event: string | symbol): Heard[] {
    return (this.heard.get(event) ?? []).map(({ listener }) => listener);
  }
  listenerCount(event: string | symbol): number {
    return this.heard.get(event)?.length ?? 0;
  }
  setMaxListeners(max: number): this {
    this.max = max;
    return this;
  }
  getMaxListeners(): number {
    return this.max;
  }
}

export const Buffer = {
  from: (text: string) => ({ toString: () => btoa(String.fromCharCode(...new TextEncoder().encode(text))) }),
  byteLength: (text: string) => new TextEncoder().encode(text).length,
  isBuffer: (value: unknown) => value instanceof Uint8Array,
};

export const process = { env: {} as { [name: string]: string }, pid: 1, cwd: () => '/', on: () => {}, execArgv: [] };

export const setImmediate = (action: () => void) => setTimeout(action, 0);

// Served pages without TLS have no randomUUID.
export const randomUUID = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export class Readable {}
export const URL = globalThis.URL;
export const debuglog = () => () => {};
export const hostname = () => 'page';
export const join = (...parts: string[]) => parts.join('/');
export const existsSync = () => false;
export const parentPort = null;

/** What a page cannot do: processors in other processes, and the hashes of clients that are not used here. */
function missing(): never {
  throw new Error('not in a page');
}
export { missing as createHash, missing as createServer, missing as dirname, missing as extname, missing as fork, missing as statSync };
export class Worker {
  constructor() {
    missing();
  }
}
