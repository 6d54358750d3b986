/**
 * Live queries: the reply to a command, and again whenever a key that it read has changed.
 *
 * A connection of its own tracks what it reads (CLIENT TRACKING): the engine tells once that a key has changed,
 * and forgets that it was read. So a query that nobody takes from costs nothing, however often its keys change:
 * it is only marked, and asks again when its reader wants the next reply. The last state is never lost, those
 * in between are not shown, and a reply that is the same as the one before is not given again.
 */

import { ConnectionLostError, ReplyError } from './error.js';
import { READS } from './generated/commands.js';
import type { Reply } from './reply.js';
import type { Arg, Input } from './request.js';
import type { Session } from './session.js';
import { headOf, listed, type Request, requestOf } from './table.js';
import { waits } from './waits.js';

/** What `live` returns: for `for await`, and to be ended by `return()` or `using`. */
export type LiveQuery<T = Reply> = AsyncIterableIterator<T> & Disposable & AsyncDisposable;

/** All live queries that share one connection. */
export class LiveQueries {
  private readonly open: () => Session;
  private session: Session | undefined;
  private readonly byKey = new Map<string, Set<Query>>();
  private readonly queries = new Set<Query>();
  private pause_ms = 0;

  /** `open` makes a connection; `again` says whether a lost one may be replaced. */
  constructor(open: () => Session) {
    this.open = open;
  }

  query(command: readonly Input[], bytes = false): LiveQuery {
    const request = requestOf(listed(command, 'live'), bytes);
    // Words that say which subcommand it is are part of some names.
    const name = request.head.name;
    const isRead = READS.has(name) || READS.has(`${name}|${String(request.args[0]).toLowerCase()}`);
    if (!isRead) throw new TypeError(`live: expected a command that only reads, got ${name}`);
    if (waits(name, request.args)) throw new TypeError(`live: expected a command that does not wait, got ${name} with BLOCK`);
    if (request.args.length === 0) throw readsNone(name);
    const query = new Query(this, request);
    this.queries.add(query);
    return query;
  }

  /** Ends all of them, with an error if there is one. */
  close(reason?: Error): void {
    for (const query of [...this.queries]) query.end(reason);
    this.session?.close();
    this.session = undefined;
  }

  /** @internal */
  async ask(query: Query, request: Request): Promise<Reply> {
    for (;;) {
      const session = this.session ?? this.begin();
      try {
        if (!query.keys) this.watch(query, await this.keysOf(session, request));
        const reply = await session.send(request.head, request.args, request.bytes);
        this.pause_ms = 0;
        return reply;
      } catch (error) {
        if (!session.lost || query.ended) throw error;
        if (this.session === session) this.session = undefined;
        // Another one may be there soon: a tab that takes over, a server that comes back.
        this.pause_ms = Math.min(2 * this.pause_ms + 10, 2000);
        if (!(error instanceof ConnectionLostError) || error.isFinal) throw error;
        await new Promise((resolve) => setTimeout(resolve, this.pause_ms));
      }
    }
  }

  /** @internal */
  forget(query: Query): void {
    this.queries.delete(query);
    for (const key of query.keys ?? []) {
      const set = this.byKey.get(key);
      set?.delete(query);
      if (set?.size === 0) this.byKey.delete(key);
    }
    if (this.queries.size > 0) return;
    this.session?.close();
    this.session = undefined;
  }

  private begin(): Session {
    const session = this.open();
    this.session = session;
    session.onPush = (push) => this.hear(push);
    session.onLost = () => {
      if (this.session === session) this.session = undefined;
      for (const query of this.queries) query.mark();
    };
    // An engine that cannot do it says so to every query: the commands behind it fail with the connection.
    session.send(headOf('client'), ['TRACKING', 'ON'], false).catch((error: Error) => session.close(error));
    return session;
  }

  /** The keys that a command reads, as the engine sees it. */
  private async keysOf(session: Session, request: Request): Promise<string[]> {
    const words = request.head.name.split('|');
    const args: Arg[] = ['GETKEYS', ...words, ...request.args];
    // As bytes, since keys need not be text.
    try {
      const keys = (await session.send(headOf('command'), args, true)) as Uint8Array[];
      return keys.map(keyText);
    } catch (error) {
      if (error instanceof ReplyError && error.message.includes('no key arguments')) throw readsNone(request.head.name);
      throw error;
    }
  }

  private watch(query: Query, keys: string[]): void {
    query.keys = keys;
    if (query.ended) return;
    for (const key of keys) {
      const set = this.byKey.get(key) ?? new Set();
      set.add(query);
      this.byKey.set(key, set);
    }
  }

  private hear(push: readonly Reply[]): void {
    if (push[0] !== 'invalidate') return;
    const keys = push[1] as string[] | null;
    // No keys: all of them, as FLUSHALL does it.
    if (!keys) for (const query of this.queries) query.mark();
    else for (const key of keys) for (const query of this.byKey.get(key) ?? []) query.mark();
  }
}

function readsNone(name: string): TypeError {
  return new TypeError(`live: expected a command that names the keys it reads, got ${name.replace('|', ' ')}`);
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A key as pushes have it: as text, in which what is no UTF-8 looks alike. Such keys wake each other, no more. */
function keyText(key: Uint8Array): string {
  return decoder.decode(key);
}

class Query implements LiveQuery {
  keys: string[] | undefined;
  ended = false;
  private readonly all: LiveQueries;
  private readonly request: Request;
  private dirty = true;
  private last: Reply | undefined;
  private wake: (() => void) | undefined;
  private error: Error | undefined;
  /** The one who asked last: replies are given in the order in which they were asked for. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(all: LiveQueries, request: Request) {
    this.all = all;
    this.request = request;
  }

  /** A key has changed. */
  mark(): void {
    this.dirty = true;
    this.wake?.();
  }

  next(): Promise<IteratorResult<Reply>> {
    const result = this.turn.then(() => this.take());
    this.turn = result.catch(() => undefined);
    return result;
  }

  return(): Promise<IteratorResult<Reply>> {
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  end(error?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
    this.all.forget(this);
    this.wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  private async take(): Promise<IteratorResult<Reply>> {
    while (!this.ended) {
      if (!this.dirty) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        this.wake = undefined;
        continue;
      }
      // Before it is asked: what changes from now on marks it again.
      this.dirty = false;
      let value: Reply;
      try {
        value = await this.all.ask(this, this.request);
      } catch (error) {
        if (this.ended) break;
        this.end();
        throw error;
      }
      if (this.ended) break;
      if (this.last !== undefined && same(this.last, value)) continue;
      // A copy, since the reader may change what it is given.
      this.last = typeof value === 'object' && value !== null ? structuredClone(value) : value;
      return { value, done: false };
    }
    const error = this.error;
    this.error = undefined;
    if (error) throw error;
    return { value: undefined, done: true };
  }
}

/** Whether two replies are the same. */
function same(a: Reply, b: Reply): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as { [key: string]: Reply }, b as { [key: string]: Reply }];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && same(left[key]!, right[key]!));
}
