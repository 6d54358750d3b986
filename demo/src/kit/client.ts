/** A client: commands as promises over one wire, written together when they are made together. */

import { type Arg, joined, Parser, request, type Value, value } from './resp.ts';
import type { Place, Wire } from './wire.ts';

export type Listener = (message: string, channel: string) => void;

/** A command that took long, as this page saw it. */
export interface Slow {
  command: string;
  ms: number;
  at: number;
}

interface Waiter {
  done(value: Value): void;
  command: readonly Arg[];
  start: number;
}

/** What is said of a command that gets no reply. */
export const CLOSED = 'the connection is closed';
const SLOW_MAX = 64;

export class Client {
  readonly place: Place;
  /** The slowest round trips first. */
  readonly slow: Slow[] = [];
  onClosed: (() => void) | undefined;
  private readonly wire: Wire;
  private readonly parser = new Parser();
  private readonly waiters: Waiter[] = [];
  private readonly listeners = new Map<string, Set<Listener>>();
  private outbox: Uint8Array[] = [];
  private open = true;

  constructor(place: Place, protocol: 2 | 3 = 3) {
    this.place = place;
    this.wire = place.open({
      data: (bytes) => this.take(bytes),
      closed: () => {
        this.open = false;
        for (const waiter of this.waiters.splice(0)) waiter.done(new Error(CLOSED));
        this.onClosed?.();
      },
    });
    if (protocol === 3) void this.send(['HELLO', 3]);
  }

  /** Runs a command; an error reply rejects. */
  async call<T = Value>(...command: Arg[]): Promise<T> {
    const reply = await this.send(command);
    if (reply instanceof Error) throw reply;
    return reply as T;
  }

  /** Several at once; an error is one of the replies. */
  all<T = Value[]>(...commands: Arg[][]): Promise<T> {
    return Promise.all(commands.map((command) => this.send(command))) as Promise<T>;
  }

  /** Listens to a channel, or to a pattern with a `*`. Returns what ends it. */
  subscribe(channel: string, listener: Listener): () => void {
    const kind = channel.includes('*') ? 'PSUBSCRIBE' : 'SUBSCRIBE';
    let all = this.listeners.get(channel);
    if (!all) {
      all = new Set();
      this.listeners.set(channel, all);
      this.write([kind, channel]);
    }
    all.add(listener);
    return () => {
      all.delete(listener);
      if (all.size > 0) return;
      this.listeners.delete(channel);
      this.write([kind.replace('SUB', 'UNSUB'), channel]);
    };
  }

  /** Another client of the same place, for what waits. */
  duplicate(protocol: 2 | 3 = 3): Client {
    return new Client(this.place, protocol);
  }

  close(): void {
    this.open = false;
    this.wire.close();
  }

  private send(command: readonly Arg[]): Promise<Value> {
    return new Promise((done) => {
      if (!this.open) return done(new Error(CLOSED));
      this.waiters.push({ done, command, start: performance.now() });
      this.write(command);
    });
  }

  private write(command: readonly Arg[]): void {
    if (this.outbox.length === 0) {
      queueMicrotask(() => {
        const bytes = joined(this.outbox);
        this.outbox = [];
        if (this.open) this.wire.write(bytes);
      });
    }
    this.outbox.push(request(command));
  }

  private take(bytes: Uint8Array): void {
    for (const node of this.parser.feed(bytes)) {
      if (node.type === 'push') {
        this.hear(value(node) as Value[]);
        continue;
      }
      const waiter = this.waiters.shift();
      if (!waiter) continue;
      this.measure(waiter);
      waiter.done(value(node));
    }
  }

  private hear(push: Value[]): void {
    const [kind, ...rest] = push as string[];
    const [listened, channel, message] = kind === 'pmessage' ? [rest[0], rest[1], rest[2]] : [rest[0], rest[0], rest[1]];
    if (kind !== 'message' && kind !== 'pmessage') return;
    for (const listener of [...(this.listeners.get(listened!) ?? [])]) listener(message!, channel!);
  }

  private measure(waiter: Waiter): void {
    const ms = performance.now() - waiter.start;
    const least = this.slow.at(-1);
    if (this.slow.length >= SLOW_MAX && least && ms <= least.ms) return;
    const command = waiter.command.map((arg) => (arg instanceof Uint8Array ? '…' : String(arg))).join(' ');
    this.slow.push({ command: command.slice(0, 120), ms, at: Date.now() });
    this.slow.sort((a, b) => b.ms - a.ms);
    this.slow.length = Math.min(this.slow.length, SLOW_MAX);
  }
}
