/**
 * The engine's methods with promises: for an engine in this process, in a worker, behind all tabs of a browser,
 * or behind a socket.
 *
 * Callers share one connection, on which the calls of a turn travel together and are run in their order.
 * What waits (BLPOP) gets a connection of its own meanwhile, and so does a transaction that watches keys.
 * If the connection is lost, its pending calls reject; the next call makes another where the host may come back.
 */

import type { Channel, Host } from './channel.js';
import { Client } from './client.js';
import { setTimer } from './clock.js';
import { Engine, type EngineOptions } from './engine.js';
import { ConnectionLostError, ReplyError, TransactionConflictError } from './error.js';
import { Feed, type Listener, Listeners, type Message, namesOf, type Way, WAYS } from './feed.js';
import type { Commands } from './generated/commands.js';
import { LiveQueries, type LiveQuery } from './live.js';
import { Queue, transactionOf, transactionReplies } from './queue.js';
import type { Reply } from './reply.js';
import type { Arg, Head, Input } from './request.js';
import { isWalk, SCANS, type Scans, type ScansAndWalks, walkLater } from './scan.js';
import { type Greeting, Session } from './session.js';
import { type Spawn, sharedHost, workerHost } from './spawn.js';
import { headOf, install, listed, named, plainArgs, type Request } from './table.js';
import { waits } from './waits.js';

/** How a store is to be, and where its engine lives; without any of these, in this process. */
export interface StoreOptions extends EngineOptions, Greeting {
  /** An engine that is there already. It stays when the store is closed. */
  engine?: Engine;
  /** `true`: in a worker of its own. Or the worker, in which `redstart/worker` was imported. */
  worker?: boolean | Spawn;
  /** One engine behind all tabs: `true`, or a name of your own for it. */
  shared?: boolean | string;
  /** Anything else that leads to an engine, such as `tcp()` of `redstart/socket`. */
  host?: Host & { close?(): void };
}

/** The store's methods with bytes where others give strings. */
export interface StoreBytes extends Commands<Uint8Array, 'later'>, Scans<Uint8Array, 'later'> {
  /** Any command by its name. */
  call(...command: Input[]): Promise<Reply>;
}

export interface Store extends Commands<string, 'later'>, ScansAndWalks<'later'> {}

/** They belong to one connection, and a store's callers share theirs. What to use instead. */
const REFUSED: { readonly [name: string]: string | undefined } = {
  __proto__: null as never,
  subscribe: 'subscribe()', psubscribe: 'psubscribe()', ssubscribe: 'ssubscribe()',
  unsubscribe: 'what subscribe() returned', punsubscribe: 'what psubscribe() returned', sunsubscribe: 'what ssubscribe() returned',
  multi: 'multi() or transaction()', exec: 'multi() or transaction()', discard: 'multi() or transaction()',
  watch: 'transaction()', unwatch: 'transaction()', hello: 'the options of Store.open()', auth: 'the options of Store.open()',
  reset: 'another store', monitor: 'connect()', sync: 'connect()', psync: 'connect()', 'client|reply': 'connect()', 'client|tracking': 'live()', 'client|caching': 'live()',
};
const IDLE_MAX = 4;
const TRIES = 32;

export class Store {
  /** The engine, where it lives in this process: for its clock, and for calls without promises. */
  readonly engine: Engine | undefined;
  private readonly host: Host & { close?(): void };
  private readonly greeting: Greeting;
  private readonly listeners = new Listeners();
  private readonly feeds = new Set<Feed<Message>>();
  private readonly lives = new Map<number, LiveQueries>();
  private session: Session | undefined;
  private idle: Session[] = [];
  private readonly busy = new Set<Session>();
  private database: number;
  private closed: Error | undefined;
  private pause_ms = 0;
  private view: StoreBytes | undefined;

  /** Opens a store, and waits until its engine is there. */
  static async open(options: StoreOptions = {}): Promise<Store> {
    const { engine, worker, shared, host, username, password, database, ...settings } = options;
    const greeting = { username, password, database };
    const places = [engine, worker, shared, host].filter((place) => place !== undefined && place !== false);
    if (places.length > 1) throw new TypeError('Store.open: expected one of engine, worker, shared and host');
    for (const [name, place] of Object.entries({ engine, host })) {
      if (place !== undefined && typeof (place as Partial<Host> | null)?.connect !== 'function') throw new TypeError(`${name}: expected an object with a function \`connect\``);
    }
    for (const [name, text] of Object.entries({ username, password })) {
      if (text !== undefined && typeof text !== 'string') throw new TypeError(`${name}: expected a text`);
    }
    if (database !== undefined && !(Number.isInteger(database) && database >= 0)) throw new TypeError(`database: expected a number from 0 on, got ${String(database)}`);
    let store: Store;
    if (host) {
      store = new Store(host, greeting);
    } else if (engine) {
      store = new Store({ connect: (address) => engine.connect(address) }, greeting, engine);
    } else if (worker) {
      store = new Store(workerHost(worker, settings), greeting);
    } else if (shared) {
      store = new Store(sharedHost(shared === true ? 'default' : shared, settings), greeting);
    } else {
      const own = await Engine.open(settings);
      store = new Store({ connect: (address) => own.connect(address), close: () => own.free() }, greeting, own);
    }
    try {
      // Whatever is wrong with the options or the engine is told here.
      await store.ready();
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  }

  private constructor(host: Host & { close?(): void }, greeting: Greeting, engine?: Engine) {
    this.host = host;
    this.greeting = greeting;
    this.database = greeting.database ?? 0;
    this.engine = engine;
  }

  /** Any command: `await store.call('SET', 'k', 'v', {EX: 60})`. */
  async call(...command: Input[]): Promise<Reply> {
    const { head, inputs } = named(command);
    return this.invoke(head, inputs, false);
  }

  /** Any command as one list. */
  async sendCommand(command: readonly Input[]): Promise<Reply> {
    return this.call(...listed(command, 'sendCommand'));
  }

  /** The same commands with bytes instead of strings in their replies: `await store.bytes.get('k')`. */
  get bytes(): StoreBytes {
    return (this.view ??= new BytesView(this) as unknown as StoreBytes);
  }

  /** Gathers commands, which travel together: `await store.pipeline().set('k', 1).incr('k').exec()`. */
  pipeline(): Queue<'later'> {
    return new Queue(async (requests) => this.main().sendAll(requests.map(queueable)));
  }

  /** Gathers commands, which are run as one transaction. */
  multi(): Queue<'later'> {
    return new Queue(async (requests) => transactionReplies(await this.main().sendAll(transactionOf(requests.map(queueable)))));
  }

  /**
   * A transaction that may read first. `work` gets a view of the store with a connection of its own: it watches
   * keys, reads, and returns a `multi()` that is to be run. If others changed a watched key in the meantime,
   * nothing was run, and `work` is called again. The replies are the result; so is anything else that it returns.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T extends Queue<'later'> ? Reply[] : T> {
    if (typeof work !== 'function') throw new TypeError('transaction: argument 1: expected a function');
    const session = this.take();
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const tx = new Transaction(session);
        const result: unknown = await work(tx as Transaction);
        if (!(result instanceof Queue)) {
          await session.send(headOf('unwatch'), [], false);
          return result as never;
        }
        const replies = await result.exec();
        if (replies !== null) return replies as never;
      }
      throw new TransactionConflictError(`transaction: others changed the watched keys ${TRIES} times`);
    } catch (error) {
      // Nothing may stay watched on a connection that others will use.
      if (!session.lost) await session.send(headOf('unwatch'), [], false).catch(() => session.close());
      throw error;
    } finally {
      this.give(session);
    }
  }

  /**
   * The reply to a command that reads, and again whenever a key that it read has changed:
   * `for await (const top of store.live(['ZREVRANGE', 'board', 0, 9, 'WITHSCORES'])) …`
   */
  live(command: readonly Input[], { bytes = false }: { bytes?: boolean } = {}): LiveQuery {
    if (this.closed) throw this.closed;
    const database = this.database;
    let lives = this.lives.get(database);
    if (!lives) this.lives.set(database, (lives = new LiveQueries(() => this.open(database))));
    return lives.query(command, bytes);
  }

  /** What is published on the channels, for `for await`; or to a function, and then what ends it is returned. */
  subscribe(channels: string | readonly string[]): Feed<Message>;
  subscribe(channels: string | readonly string[], listener: Listener): Promise<() => void>;
  subscribe(channels: string | readonly string[], listener?: Listener): Feed<Message> | Promise<() => void> {
    return this.listen('subscribe', channels, listener);
  }

  /** The same for all channels whose names match the patterns. */
  psubscribe(patterns: string | readonly string[]): Feed<Message>;
  psubscribe(patterns: string | readonly string[], listener: Listener): Promise<() => void>;
  psubscribe(patterns: string | readonly string[], listener?: Listener): Feed<Message> | Promise<() => void> {
    return this.listen('psubscribe', patterns, listener);
  }

  /** The same for shard channels. */
  ssubscribe(channels: string | readonly string[]): Feed<Message>;
  ssubscribe(channels: string | readonly string[], listener: Listener): Promise<() => void>;
  ssubscribe(channels: string | readonly string[], listener?: Listener): Feed<Message> | Promise<() => void> {
    return this.listen('ssubscribe', channels, listener);
  }

  /** A RESP connection to the engine, for clients that speak the protocol. */
  async connect(address?: string): Promise<Channel> {
    if (this.closed) throw this.closed;
    return this.host.connect(address);
  }

  /** A connection for commands as they come, with replies as RESP2 has them. @internal */
  async openClient(address?: string): Promise<Client> {
    const client = new Client(await this.connect(address));
    const { username = 'default', password } = this.greeting;
    const greeting = [...(password === undefined ? [] : [['AUTH', username, password]]), ...(this.database === 0 ? [] : [['SELECT', this.database]])];
    for (const reply of await Promise.all(greeting.map((command) => client.send(command)))) {
      if (!(reply instanceof ReplyError)) continue;
      client.close();
      throw reply;
    }
    return client;
  }

  /** Closes it: pending calls reject, subscriptions and live queries end. An engine of its own is let go. */
  close(): void {
    if (this.closed) return;
    const reason = (this.closed = new ConnectionLostError('the store was closed', { isFinal: true }));
    for (const lives of this.lives.values()) lives.close();
    for (const feed of this.feeds) feed.end();
    this.listeners.clear();
    for (const session of [this.session, ...this.idle, ...this.busy]) session?.close(reason);
    this.idle = [];
    this.host.close?.();
  }

  /** The server is not ended; what this does is to close the store. */
  async quit(): Promise<string> {
    await this.main().send(headOf('ping'), [], false);
    this.close();
    return 'OK';
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @internal */
  invoke(head: Head, inputs: readonly unknown[], bytes: boolean): Promise<Reply> {
    try {
      return this.start(head, plainArgs(head, inputs), bytes);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private start(head: Head, args: readonly Arg[], bytes: boolean): Promise<Reply> {
    const name = head.name;
    if (REFUSED[name] !== undefined || name === 'client') allowed({ head, args, bytes });
    if (name === 'quit') return this.quit();
    if (name === 'select') {
      return this.main().send(head, args, bytes).then((reply) => {
        this.database = Number(args[0]);
        return reply;
      });
    }
    if (!waits(name, args)) {
      return this.main().send(head, args, bytes);
    }
    const session = this.take();
    // The engine's own timers keep no process alive, but somebody waits here.
    const awake = this.engine && setInterval(() => undefined, 0x7fffffff);
    return session.send(head, args, bytes).finally(() => {
      clearInterval(awake);
      this.give(session);
    });
  }

  private async ready(): Promise<void> {
    // A session selects its database by itself, and does not wait for that.
    if (this.database === 0) await this.main().send(headOf('ping'), [], false);
    else await this.main().send(headOf('select'), [this.database], false);
  }

  private open(database = this.database): Session {
    if (this.closed) throw this.closed;
    let channel: Channel | Promise<Channel>;
    try {
      channel = this.host.connect();
    } catch (error) {
      channel = Promise.reject(error);
    }
    return new Session(channel, { ...this.greeting, database });
  }

  /** The connection that callers share. */
  private main(): Session {
    if (this.session && !this.session.lost) return this.session;
    const session = this.open();
    this.session = session;
    session.onPush = (push) => this.listeners.hear(push);
    session.onLost = (reason) => this.lost(session, reason);
    for (const way of WAYS) {
      const names = this.listeners.names(way);
      // If this connection is lost too, the next one subscribes again.
      if (names.length > 0) session.send(headOf(way), names, false, names.length).then(() => (this.pause_ms = 0), () => undefined);
    }
    return session;
  }

  /** Those who listen go on listening over another connection, where there can be one. */
  private lost(session: Session, reason: Error): void {
    if (this.session !== session || this.closed) return;
    this.session = undefined;
    if (reason instanceof ConnectionLostError && !reason.isFinal) {
      if (!WAYS.some((way) => this.listeners.names(way).length > 0)) return;
      this.pause_ms = Math.min(2 * this.pause_ms + 10, 2000);
      setTimer(() => {
        if (!this.closed && WAYS.some((way) => this.listeners.names(way).length > 0)) this.main();
      }, this.pause_ms);
      return;
    }
    for (const feed of [...this.feeds]) feed.end(reason);
    this.feeds.clear();
    this.listeners.clear();
  }

  /** A connection that nobody else uses meanwhile. */
  private take(): Session {
    this.main();
    let session = this.idle.pop();
    while (session?.lost) session = this.idle.pop();
    session ??= this.open();
    if (session.database !== this.database) void session.select(this.database).catch(() => undefined);
    this.busy.add(session);
    return session;
  }

  private give(session: Session): void {
    this.busy.delete(session);
    if (session.lost || this.closed) return;
    if (this.idle.length < IDLE_MAX && session.pending === 0) this.idle.push(session);
    else session.close();
  }

  private listen(way: Way, names: string | readonly string[], listener: Listener | undefined): Feed<Message> | Promise<() => void> {
    const list = namesOf(way, names);
    if (listener !== undefined && typeof listener !== 'function') throw new TypeError(`${way}: argument 2: expected a function to call with messages`);
    // The same function may listen twice, and each ends by itself.
    if (listener) return this.hear(way, list, (message, channel, pattern) => listener(message, channel, pattern));
    const hear = (message: string, channel: string, pattern?: string) =>
      feed.push(pattern === undefined ? { message, channel } : { message, channel, pattern });
    let stop: Promise<() => void> | undefined;
    const feed = new Feed<Message>(() => {
      this.feeds.delete(feed);
      void stop?.then((end) => end(), () => undefined);
    });
    this.feeds.add(feed);
    stop = this.hear(way, list, hear);
    stop.catch((error: Error) => feed.end(error));
    return feed;
  }

  private async hear(way: Way, names: readonly string[], listener: Listener): Promise<() => void> {
    const session = this.main();
    const fresh = this.listeners.add(way, names, listener);
    if (fresh.length > 0) {
      try {
        await session.send(headOf(way), fresh, false, fresh.length);
      } catch (error) {
        // A connection that was lost meanwhile subscribes again by itself.
        if (!(error instanceof ConnectionLostError) || error.isFinal) {
          this.listeners.remove(way, names, listener);
          throw error;
        }
      }
    }
    return () => {
      const unheard = this.listeners.remove(way, names, listener);
      if (unheard.length === 0 || !this.session || this.session.lost) return;
      this.session.send(headOf(way.replace('sub', 'unsub')), unheard, false, unheard.length).catch(() => undefined);
    };
  }
}

/** Throws where a command would change the connection that callers share. */
function allowed(request: Request): Request {
  const { head, args } = request;
  const name = head.name === 'client' ? `client|${String(args[0]).toLowerCase()}` : head.name;
  const instead = REFUSED[name];
  if (instead) throw new TypeError(`${name.replace('|', ' ')}: callers of a store share one connection: use ${instead}`);
  return request;
}

/** The same where the store would not see that the database is another one. */
function queueable(request: Request): Request {
  const { name } = request.head;
  if (name === 'select' || name === 'quit') throw new TypeError(`${name}: callers of a store share one connection: call it by itself`);
  return allowed(request);
}

export interface Transaction extends Commands<string, 'later'>, Scans<string, 'later'> {}

/** What `transaction` works with: the commands, on a connection of its own. */
export class Transaction {
  private readonly session: Session;

  /** @internal */
  constructor(session: Session) {
    this.session = session;
  }

  /** Any command. */
  async call(...command: Input[]): Promise<Reply> {
    const { head, inputs } = named(command);
    return this.invoke(head, inputs);
  }

  /** What is to be run if nothing that was watched has changed: return it. */
  multi(): Queue<'later'> {
    return new Queue(async (requests) => transactionReplies(await this.session.sendAll(transactionOf(requests.map(queueable)))));
  }

  /** @internal */
  async invoke(head: Head, inputs: readonly unknown[]): Promise<Reply> {
    const request: Request = { head, args: plainArgs(head, inputs), bytes: false };
    if (head.name !== 'watch' && head.name !== 'unwatch') queueable(request);
    return this.session.send(head, request.args, false);
  }
}

class BytesView {
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  async call(...command: Input[]): Promise<Reply> {
    const { head, inputs } = named(command);
    return this.store.invoke(head, inputs, true);
  }
}

type Method = (...inputs: never[]) => unknown;

for (const name of SCANS) {
  const head = headOf(name);
  Object.defineProperty(Store.prototype, name, {
    value(this: Store, ...inputs: Arg[]) {
      return isWalk(name, inputs) ? walkLater((command) => this.call(...command), name, inputs) : this.invoke(head, inputs, false);
    },
    writable: true,
    configurable: true,
  });
}
install(Store.prototype, (head) => function (this: Store, ...inputs: unknown[]) {
  return this.invoke(head, inputs, false);
} as Method);
install(Transaction.prototype, (head) => function (this: Transaction, ...inputs: unknown[]) {
  return this.invoke(head, inputs);
} as Method);
install(BytesView.prototype, (head) => function (this: BytesView, ...inputs: unknown[]) {
  return this.store.invoke(head, inputs, true);
} as Method);
