/** The package's store as panels use it: typed replies, errors among the replies, and how long round trips took. */

import { type Input, Store, webSocket } from 'redstart';

/** Where the database is: in memory behind all tabs, the same and kept by the browser, or on a server. */
export type Kind = 'memory' | 'browser' | 'server';

const CONFIG = { maxmemory: '256mb', 'notify-keyspace-events': 'KEA' };
const KEPT = 'indexeddb:redstart-demo';

/** Opens the store. Where a browser has no way to share an engine, it lives in this tab. */
export async function open(kind: Kind): Promise<Store> {
  if (kind === 'server') return Store.open({ host: webSocket(new URL('redis', location.href.replace(/^http/, 'ws')).href.replace(/[?#].*$/, '')) });
  const settings = kind === 'browser' ? { config: CONFIG, storage: KEPT, durability: 'relaxed' as const } : { config: CONFIG };
  const canShare = typeof SharedWorker === 'function' || (typeof BroadcastChannel === 'function' && navigator.locks);
  return Store.open(canShare ? { ...settings, shared: `demo ${kind}` } : settings);
}

/** A command that took long, as this page saw it. */
export interface Slow {
  command: string;
  ms: number;
}

const SLOW_MAX = 64;

export class Client {
  readonly store: Store;
  readonly kind: Kind;
  /** The slowest round trips first. */
  readonly slow: Slow[] = [];

  constructor(store: Store, kind: Kind) {
    this.store = store;
    this.kind = kind;
  }

  /** Runs a command; an error reply rejects. */
  async call<T = unknown>(...command: Input[]): Promise<T> {
    const start = performance.now();
    try {
      return (await this.store.call(...command)) as T;
    } finally {
      this.measure(command, performance.now() - start);
    }
  }

  /** Several at once, which travel together; an error is one of the replies. */
  all<T = unknown[]>(...commands: Input[][]): Promise<T> {
    return Promise.all(commands.map((command) => this.call(...command).catch((error: Error) => error))) as Promise<T>;
  }

  private measure(command: readonly Input[], ms: number): void {
    // What waits is not slow.
    if (command.includes('BLOCK') || String(command[0]).startsWith('BZ')) return;
    const least = this.slow.at(-1);
    if (this.slow.length >= SLOW_MAX && least && ms <= least.ms) return;
    const text = command.map((arg) => (arg instanceof Uint8Array ? '…' : String(arg))).join(' ');
    this.slow.push({ command: text.slice(0, 120), ms });
    this.slow.sort((a, b) => b.ms - a.ms);
    this.slow.length = Math.min(this.slow.length, SLOW_MAX);
  }
}
