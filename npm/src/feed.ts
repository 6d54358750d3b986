/** Subscriptions: messages to functions, or to `for await` as they come. */

import type { Reply } from './reply.js';

/** Gets what is published on a channel; `pattern` is set where the subscription was to a pattern. */
export type Listener = (message: string, channel: string, pattern?: string) => void;

/** What was published. */
export interface Message {
  message: string;
  channel: string;
  /** Where the subscription was to a pattern: the pattern. */
  pattern?: string;
}

/** Values that come by themselves, for `for await`. Those that nobody has taken yet wait in order. */
export class Feed<T> implements AsyncIterableIterator<T> {
  private values: T[] = [];
  private takers: { resolve: (result: IteratorResult<T>) => void; reject: (error: Error) => void }[] = [];
  private ended = false;
  private error: Error | undefined;
  private readonly stop: () => void;

  /** `stop` is called once, when the reader has had enough. */
  constructor(stop: () => void) {
    this.stop = stop;
  }

  push(value: T): void {
    if (this.ended) return;
    const taker = this.takers.shift();
    if (taker) taker.resolve({ value, done: false });
    else this.values.push(value);
  }

  /** No more will come; with an error, the reader gets it after what is waiting. */
  end(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    const takers = this.takers;
    this.takers = [];
    takers.forEach((taker, i) => (error && i === 0 ? taker.reject(error) : taker.resolve({ value: undefined, done: true })));
    if (takers.length === 0) this.error = error;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.values.length > 0) return Promise.resolve({ value: this.values.shift()!, done: false });
    const error = this.error;
    this.error = undefined;
    if (error) return Promise.reject(error);
    if (this.ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.takers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    if (!this.ended) {
      this.stop();
      this.end();
    }
    this.values = [];
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    void this.return();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

export type Way = 'subscribe' | 'psubscribe' | 'ssubscribe';
export const WAYS: readonly Way[] = ['subscribe', 'psubscribe', 'ssubscribe'];

/** Who listens to what. */
export class Listeners {
  private readonly byName = new Map<string, Set<Listener>>();

  /** Adds a listener; the names that nobody listened to before. */
  add(way: Way, names: readonly string[], listener: Listener): string[] {
    return names.filter((name) => {
      const key = `${way}:${name}`;
      const set = this.byName.get(key);
      if (set) set.add(listener);
      else this.byName.set(key, new Set([listener]));
      return set === undefined;
    });
  }

  /** Takes it away; the names that nobody listens to any more. */
  remove(way: Way, names: readonly string[], listener: Listener): string[] {
    return names.filter((name) => {
      const key = `${way}:${name}`;
      const set = this.byName.get(key);
      if (!set?.delete(listener) || set.size > 0) return false;
      this.byName.delete(key);
      return true;
    });
  }

  clear(): void {
    this.byName.clear();
  }

  /** All that is listened to. */
  names(way: Way): string[] {
    return [...this.byName.keys()].filter((key) => key.startsWith(`${way}:`)).map((key) => key.slice(way.length + 1));
  }

  /** Hands a pushed message to its listeners. */
  hear(push: readonly Reply[]): void {
    const [kind, a, b, c] = push as string[];
    if (kind === 'message') this.call(`subscribe:${a}`, b!, a!);
    else if (kind === 'smessage') this.call(`ssubscribe:${a}`, b!, a!);
    else if (kind === 'pmessage') this.call(`psubscribe:${a}`, c!, b!, a!);
  }

  private call(key: string, message: string, channel: string, pattern?: string): void {
    for (const listener of [...(this.byName.get(key) ?? [])]) {
      try {
        listener(message, channel, pattern);
      } catch (error) {
        // A listener's mistake is not the caller's.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Names of channels as a list; the error names the argument. */
export function namesOf(way: Way, names: string | readonly string[]): string[] {
  const list = typeof names === 'string' ? [names] : Array.isArray(names) ? [...(names as string[])] : [];
  if (list.length === 0 || list.some((name) => typeof name !== 'string')) {
    throw new TypeError(`${way}: argument 1: expected the name of a channel, or a list of them`);
  }
  return list;
}
