/**
 * A whole Redis in this process, called synchronously.
 *
 * Each call writes its request into the engine's memory, runs it, and reads the reply there. Nothing is
 * awaited: a few calls in a row cannot be interrupted, so they are a transaction by nature.
 */

import { type Clock, setTimer, Time, type Timer } from './clock.js';
import { Connection } from './connection.js';
import { EngineDeadError, ReplyError } from './error.js';
import { Feed, type Listener, Listeners, type Message, namesOf, type Way } from './feed.js';
import type { Commands } from './generated/commands.js';
import { type Durability, Keeper } from './keeper.js';
import { LiveQueries, type LiveQuery } from './live.js';
import { moduleNow, ready } from './module.js';
import { DIRECT, type Event, Native } from './native.js';
import { Queue, transactionOf, transactionReplies } from './queue.js';
import { Reader, type Reply } from './reply.js';
import type { Arg, Head, Input } from './request.js';
import { isWalk, SCANS, type Scans, type ScansAndWalks, walk } from './scan.js';
import { Session } from './session.js';
import { type Storage, storageNamed } from './storage.js';
import { headOf, install, listed, named, type Request } from './table.js';

/** How an engine is to be. */
export interface EngineOptions {
  /** 32 bytes that chance and hash seeds derive from: the same seed and calls, the same replies. */
  seed?: Uint8Array;
  /** Settings of redis.conf by their names, such as `{maxmemory: '64mb'}`. */
  config?: { readonly [name: string]: string | number | boolean };
  /** Another clock than the system's. No timer is set then: time passes when you call `advance` or `tick`. */
  clock?: Clock;
  /** An RDB file to begin with, as `snapshot()` gives it or redis-server writes it. */
  snapshot?: Uint8Array;
  /**
   * Where the data set outlives this engine. Only with `await Engine.open`. By its name, such as `indexeddb:app`,
   * `opfs:app` or in Node `file:data`, it can be said to an engine in a worker too.
   */
  storage?: Storage | string;
  /**
   * With `strict`, unless set, each turn of the event loop is saved for itself, and connections get replies when
   * what they promise is saved; with `relaxed`, what a tenth of a second did is saved together.
   */
  durability?: Durability;
  /**
   * Gets the journal as it comes, in the turn that made it and before the replies that promise it: for a host that
   * keeps it by itself, in place of `storage`.
   */
  journal?: (bytes: Uint8Array) => void;
  /** Lines for the log, which begin with Redis's level: `.`, `-`, `*` or `#`. */
  log?: (line: string) => void;
}

/**
 * A call may give the engine something to do this soon (the first key that expires), and not sooner than that:
 * whether a timer that goes off before is the right one is not asked at each call.
 */
const FAR_MS = 100;

/** What `Engine.bytes` is: the same commands, with bytes where others give strings. */
export interface Bytes extends Commands<Uint8Array>, Scans<Uint8Array, 'now'> {
  /** Any command by its name. */
  call(...command: Input[]): Reply;
}

export interface Engine extends Commands<string>, ScansAndWalks<'now'> {}

export class Engine {
  private readonly options: EngineOptions;
  private readonly clocks: Time;
  private native: Native | undefined;
  private freed = false;
  private timer: Timer | undefined;
  /** When it goes off, on the engine's monotonic clock. */
  private timerAt = 0;
  /** It goes off so late that a call may give the engine something to do before. */
  private isFar = false;
  private view: Bytes | undefined;
  private readonly connections = new Map<number, Connection>();
  private readonly listeners = new Listeners();
  private readonly lives = new Map<number, LiveQueries>();
  private pushes: Reply[][] = [];
  private queue: (() => void)[] = [];
  private dispatching = false;
  private keeper: Keeper | undefined;
  private readonly endings = new Set<() => void>();

  /** Loads the module if it is not there yet, and opens an engine of its own. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    await ready();
    const engine = new Engine(options);
    const storage = typeof options.storage === 'string' ? await storageNamed(options.storage) : options.storage;
    if (storage) await engine.remember(storage, options.durability ?? 'strict');
    return engine;
  }

  /** The same where the module is there already: in Node, Deno, Bun and Workers at once, elsewhere after `open`. */
  static openSync(options: EngineOptions = {}): Engine {
    if (options?.storage) throw new TypeError('storage: takes `await Engine.open(…)`, since reading it takes time');
    moduleNow();
    return new Engine(options);
  }

  private constructor(options: EngineOptions) {
    check(options);
    this.options = options;
    this.clocks = new Time(options.clock);
  }

  /** Any command: `engine.call('SET', 'k', 'v', {EX: 60})`. */
  call(...command: Input[]): Reply {
    const { head, inputs } = named(command);
    return this.invoke(head, inputs, false);
  }

  /** Any command as one list. */
  sendCommand(command: readonly Input[]): Reply {
    return this.call(...listed(command, 'sendCommand'));
  }

  /** The same commands with bytes instead of strings in their replies: `engine.bytes.get('k')`. */
  get bytes(): Bytes {
    return (this.view ??= new BytesView(this) as unknown as Bytes);
  }

  /** Gathers commands: `engine.pipeline().set('k', 1).incr('k').exec()`. */
  pipeline(): Queue<'now'> {
    return new Queue((requests) => requests.map((request) => this.attempt(request)));
  }

  /** Gathers commands, which are run as one transaction. MULTI itself is `engine.call('MULTI')`. */
  multi(): Queue<'now'> {
    return new Queue((requests) => transactionReplies(transactionOf(requests).map((request) => this.attempt(request))));
  }

  /**
   * As a store's, so that both take the same function if it does not wait: what `work` returns is the result, or the
   * replies if that is a `multi()`. Nothing can come between here, with or without it.
   */
  transaction<T>(work: (tx: this) => T): T extends Queue<'now'> ? Reply[] : T {
    if (typeof work !== 'function') throw new TypeError('transaction: argument 1: expected a function');
    try {
      const result: unknown = work(this);
      if (typeof (result as PromiseLike<unknown> | null)?.then === 'function') throw new TypeError('transaction: expected a function that does not wait: on an engine nothing does');
      return (result instanceof Queue ? result.exec() : result) as never;
    } finally {
      if (this.native && !this.native.isDead) this.invoke(headOf('unwatch'), [], false);
    }
  }

  /**
   * The reply to a command that reads, and again whenever a key that it read has changed:
   * `for await (const top of engine.live(['ZREVRANGE', 'board', 0, 9, 'WITHSCORES'])) …`
   */
  live(command: readonly Input[], { bytes = false }: { bytes?: boolean } = {}): LiveQuery {
    const database = Number(/ db=(\d+)/.exec(String(this.call('CLIENT', 'INFO')))?.[1] ?? 0);
    let lives = this.lives.get(database);
    if (!lives) this.lives.set(database, (lives = new LiveQueries(() => new Session(this.connect(), { database }))));
    return lives.query(command, bytes);
  }

  /**
   * Calls `listener` with what is published on the channels, and returns a function that ends this. Messages come
   * before the call that published them returns. Without a listener they are there for `for await`.
   */
  subscribe(channels: string | readonly string[]): Feed<Message>;
  subscribe(channels: string | readonly string[], listener: Listener): () => void;
  subscribe(channels: string | readonly string[], listener?: Listener): Feed<Message> | (() => void) {
    return this.listen('subscribe', channels, listener);
  }

  /** The same for all channels whose names match the patterns. */
  psubscribe(patterns: string | readonly string[]): Feed<Message>;
  psubscribe(patterns: string | readonly string[], listener: Listener): () => void;
  psubscribe(patterns: string | readonly string[], listener?: Listener): Feed<Message> | (() => void) {
    return this.listen('psubscribe', patterns, listener);
  }

  /** The same for shard channels. */
  ssubscribe(channels: string | readonly string[]): Feed<Message>;
  ssubscribe(channels: string | readonly string[], listener: Listener): () => void;
  ssubscribe(channels: string | readonly string[], listener?: Listener): Feed<Message> | (() => void) {
    return this.listen('ssubscribe', channels, listener);
  }

  /** A RESP connection, for clients that speak the protocol. `address` is what CLIENT LIST shows. */
  connect(address = 'embedded:0'): Connection {
    const native = this.alive();
    const id = native.connect(address);
    const connection = new Connection(
      {
        receive: (id, bytes) => {
          const native = this.alive();
          const output = native.exchange(id, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
          if (output.length > 0) this.afterSaving(() => connection.deliver(output));
          if (native.pending) return this.settle();
          // What waits here may do so for less than any timer.
          if (native.hasDeadline) this.schedule();
          this.dispatch();
        },
        disconnect: (id) => {
          this.connections.delete(id);
          if (!this.native || this.native.isDead) return;
          this.native.disconnect(id);
          this.settle();
        },
      },
      id,
    );
    this.connections.set(id, connection);
    return connection;
  }

  /** Puts the engine's clocks forward: keys expire and waits time out as if so many milliseconds had passed. */
  advance(ms: number): void {
    if (!(typeof ms === 'number' && ms >= 0 && ms < Infinity)) throw new RangeError(`advance: argument 1: expected milliseconds, got ${String(ms)}`);
    this.clocks.advance(ms);
    this.stopTimer();
    this.tick();
  }

  /** Lets the engine see what time it is, as its own timer does. */
  tick(): void {
    this.alive().timeout();
    this.settle();
  }

  /**
   * Milliseconds until `tick` has something to do: waits that end, keys that expire; `undefined`: only calls
   * change anything. For those who gave a clock of their own, since no timer is set then.
   */
  get deadline(): number | undefined {
    const at = this.native ? this.native.deadline() : -1;
    return at < 0 ? undefined : Math.max(0, at - this.clocks.mono());
  }

  /** Runs whole requests in RESP, and returns the replies as RESP3: for those who carry them elsewhere. */
  exchange(requests: Uint8Array): Uint8Array {
    if (!(requests instanceof Uint8Array)) throw new TypeError('exchange: argument 1: expected bytes');
    const native = this.native ?? this.alive();
    const replies = native.exchange(DIRECT, requests);
    if (native.pending) this.settle();
    if (native.hasDeadline) this.schedule();
    return replies;
  }

  /** Runs the commands of a journal that are whole; how many bytes they took. The rest comes again, with what follows. */
  replay(journal: Uint8Array): number {
    if (!ArrayBuffer.isView(journal)) throw new TypeError('replay: argument 1: expected bytes');
    const taken = this.alive().replay(journal);
    this.settle();
    return taken;
  }

  /** Back to how a new connection is: no transaction, no subscriptions, database 0. */
  reset(): string {
    const reply = this.invoke(headOf('reset'), [], false) as string;
    this.invoke(headOf('hello'), [3], false);
    this.listeners.clear();
    return reply;
  }

  /** The data set, with functions, as an RDB file: redis-server reads it, and `open({ snapshot })`. */
  snapshot(): Uint8Array {
    return this.alive().dump();
  }

  /**
   * An engine of its own with the same keys, functions, settings, users and time. Options given here go before
   * this engine's; connections, subscriptions and the storage stay with this one.
   */
  fork(options: EngineOptions = {}): Engine {
    const { storage: _, durability: __, snapshot: ___, journal: ____, ...own } = this.options;
    const fork = new Engine({ ...own, ...options, snapshot: options.snapshot ?? this.snapshot(), config: { ...own.config, ...options.config } });
    fork.clocks.follow(this.clocks);
    const [mine, its] = [this, fork].map((engine) => engine.call('CONFIG', 'GET', '*') as { [name: string]: string });
    for (const [name, value] of Object.entries(mine!)) {
      // The journal is the storage's.
      if (its![name] === value || name === 'appendonly' || options.config?.[name] !== undefined) continue;
      fork.call('CONFIG', 'SET', name, value);
    }
    const known = fork.call('ACL', 'LIST') as string[];
    for (const line of this.call('ACL', 'LIST') as string[]) {
      const [, name, ...rules] = line.split(' ');
      if (known.includes(line)) continue;
      // `reset` is more than nothing: it shows in the list.
      if (name === 'default') rules.unshift('reset');
      fork.call('ACL', 'SETUSER', name!, ...rules);
    }
    return fork;
  }

  /** Resolves when all that was done is in the storage; rejects with what the storage says. */
  async saved(): Promise<void> {
    await this.keeper?.saved();
  }

  /** Writes the data set into the storage anew, without the journal of how it came about. */
  async compact(): Promise<void> {
    await this.keeper?.compact();
  }

  /** Saves all, then lets go of everything. */
  async close(): Promise<void> {
    const keeper = this.keeper;
    this.free();
    await keeper?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Bytes in use, bytes of WebAssembly memory, connections. */
  report(): { usedMemory: number; wasmMemory: number; connections: number } {
    return this.alive().report();
  }

  /** Whether it was freed, closed or shut down. @internal */
  get isFreed(): boolean {
    return this.freed;
  }

  /** Calls `listener` when the engine is freed; what ends this. @internal */
  whenFreed(listener: () => void): () => void {
    this.endings.add(listener);
    return () => this.endings.delete(listener);
  }

  /** Lets go of everything. Later calls throw. */
  free(): void {
    this.freed = true;
    this.stopTimer();
    const connections = [...this.connections.values()];
    this.connections.clear();
    this.native?.free();
    // What is not in the storage yet still goes there.
    void this.keeper?.close().catch(() => undefined);
    for (const connection of connections) connection.end();
    const endings = [...this.endings];
    this.endings.clear();
    for (const ending of endings) ending();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  /** @internal */
  invoke(head: Head, inputs: readonly unknown[], bytes: boolean): Reply {
    const native = this.native ?? this.alive();
    const isOpen = this.timer === undefined || this.isFar;
    const reader = native.run(head, inputs, bytes, isOpen);
    let reply: Reply = null;
    while (reader.more) {
      if (reader.isPush) {
        this.pushes.push(reader.next() as Reply[]);
        native.pending = true;
      } else {
        reply = reader.next();
      }
    }
    if (native.pending) this.settle();
    if (isOpen && native.hasDeadline) this.schedule();
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  /** The engine itself, made at the first call: Workers have no entropy and no clock before. */
  private alive(): Native {
    if (this.native) return this.native;
    if (this.freed) throw new EngineDeadError('the engine was freed');
    const { storage, journal, snapshot, config, seed } = this.options;
    let settings = '';
    for (const [name, value] of Object.entries(config ?? {})) {
      const text = value === true ? 'yes' : value === false ? 'no' : String(value);
      if (text.includes('\0')) throw new TypeError(`config: ${name}: a NUL byte`);
      settings += `${name}\0${text}\0`;
    }
    // The journal is the append-only file.
    if (storage || journal) settings += 'appendonly\0yes\0';
    const native = new Native(seed ?? crypto.getRandomValues(new Uint8Array(32)), settings, this.clocks);
    if (snapshot) native.load(snapshot);
    return (this.native = native);
  }

  /** Takes over what a storage has, and gives it what changes from now on. */
  private async remember(storage: Storage, durability: Durability): Promise<void> {
    const native = this.alive();
    const keeper = new Keeper(storage, durability, {
      settle: () => this.settle(),
      beginBase: () => {
        native.beginBase();
        this.settle();
      },
      basePiece: (bytes) => native.basePiece(bytes),
      endBase: (isStored) => {
        if (native.isDead) return;
        native.endBase(isStored);
        this.settle();
      },
      failed: (reason) => {
        if (!native.isDead) native.journalFailed(reason);
      },
    });
    try {
      const { isWhole } = await Keeper.read(storage, native);
      this.keeper = keeper;
      this.settle();
      // What was begun with is not in the storage yet; and behind half a command nothing may be written.
      if (this.options.snapshot || !isWhole) await keeper.compact();
    } catch (error) {
      this.free();
      await keeper.close().catch(() => undefined);
      throw error;
    }
  }

  /** Runs a command; an error is its reply. */
  private attempt({ head, args, bytes }: Request): Reply {
    try {
      return this.invoke(head, args, bytes);
    } catch (error) {
      if (error instanceof ReplyError) return error;
      throw error;
    }
  }

  private listen(way: Way, names: string | readonly string[], listener: Listener | undefined): Feed<Message> | (() => void) {
    const list = namesOf(way, names);
    if (listener !== undefined && typeof listener !== 'function') throw new TypeError(`${way}: argument 2: expected a function to call with messages`);
    // The same function may listen twice, and each ends by itself.
    if (listener) return this.hearing(way, list, (message, channel, pattern) => listener(message, channel, pattern));
    const feed = new Feed<Message>(() => stop());
    const stop = this.hearing(way, list, (message, channel, pattern) =>
      feed.push(pattern === undefined ? { message, channel } : { message, channel, pattern }),
    );
    return feed;
  }

  private hearing(way: Way, names: readonly string[], listener: Listener): () => void {
    const fresh = this.listeners.add(way, names, listener);
    if (fresh.length > 0) {
      try {
        this.invoke(headOf(way), fresh, false);
      } catch (error) {
        this.listeners.remove(way, names, listener);
        throw error;
      }
    }
    return () => {
      const unheard = this.listeners.remove(way, names, listener);
      if (unheard.length > 0 && this.native && !this.native.isDead) this.invoke(headOf(way.replace('sub', 'unsub')), unheard, false);
    };
  }

  /** Does what the engine wants done, and hands out messages, in order. */
  private settle(): void {
    const native = this.native!;
    do {
      for (const event of native.events()) this.take(event);
    } while (native.pending);
    if (this.pushes.length > 0) {
      for (const push of this.pushes) this.queue.push(() => this.listeners.hear(push));
      this.pushes = [];
    }
    this.schedule();
    this.dispatch();
  }

  /** Hands out what waits, unless that is going on already. */
  private dispatch(): void {
    if (this.dispatching) return;
    this.dispatching = true;
    try {
      for (let next; (next = this.queue.shift()); ) {
        try {
          next();
        } catch (error) {
          // A listener's mistake is not the caller's.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    } finally {
      this.dispatching = false;
    }
  }

  private take(event: Event): void {
    switch (event.kind) {
      case 'send': {
        const connection = this.connections.get(event.connection);
        this.afterSaving(() => connection?.deliver(event.bytes));
        break;
      }
      case 'close': {
        const connection = this.connections.get(event.connection);
        this.connections.delete(event.connection);
        this.afterSaving(() => connection?.end());
        break;
      }
      case 'journal':
        this.keeper?.add(event.bytes);
        this.options.journal?.(event.bytes);
        break;
      case 'push': {
        const reader = new Reader();
        reader.moved(event.bytes);
        reader.begin(0, event.bytes.length, false, undefined);
        while (reader.more) this.pushes.push(reader.next() as Reply[]);
        break;
      }
      case 'log':
        this.options.log?.(event.line);
        break;
      case 'shutdown':
        this.queue.push(() => this.free());
        break;
    }
  }

  private afterSaving(action: () => void): void {
    if (this.keeper) this.queue.push(() => this.keeper!.after(action));
    else this.queue.push(action);
  }

  /** Sets a timer for what the engine has to do next, if anything, unless there is one for that time or before. */
  private schedule(): void {
    if (this.options.clock || this.freed) return;
    const at = this.native!.deadline();
    if (at < 0) return;
    if (this.timer !== undefined) {
      if (at >= this.timerAt && this.timer.by === globalThis.setTimeout) return;
      this.timer.cancel();
    }
    const now = this.clocks.mono();
    const ms = Math.max(0, at - now);
    this.timerAt = at;
    this.isFar = ms > FAR_MS;
    // A timer must not keep an engine alive that nobody has any more.
    const self = typeof WeakRef === 'function' ? new WeakRef(this) : { deref: () => this };
    const timer = setTimer(() => {
      const engine = self.deref();
      if (!engine) return;
      engine.timer = undefined;
      engine.isFar = false;
      engine.clocks.reach(now + timer!.ms);
      if (engine.native && !engine.native.isDead) engine.tick();
    }, ms);
    this.timer = timer;
  }

  private stopTimer(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.isFar = false;
  }
}

const isFunction = (value: unknown) => typeof value === 'function';
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const hasMethods = (value: unknown, ...names: string[]) => isObject(value) && names.every((name) => isFunction((value as { [name: string]: unknown })[name]));

/** What each option has to be, if it is given. */
const OPTIONS: { readonly [name in keyof EngineOptions]-?: [is: (value: unknown) => boolean, what: string] } = {
  seed: [(value) => ArrayBuffer.isView(value) && value.byteLength === 32, '32 bytes'],
  config: [(value) => isObject(value) && !Array.isArray(value), 'an object of settings'],
  clock: [(value) => hasMethods(value, 'now'), 'an object with a function `now`'],
  snapshot: [(value) => ArrayBuffer.isView(value), 'the bytes of an RDB file'],
  storage: [(value) => typeof value === 'string' || hasMethods(value, 'load', 'append', 'sizes', 'begin'), 'a storage or its name, such as `indexeddb:app`'],
  durability: [(value) => value === 'strict' || value === 'relaxed', "'strict' or 'relaxed'"],
  journal: [isFunction, 'a function'],
  log: [isFunction, 'a function'],
};

/** Throws for what is no option, or has the wrong type; what the settings say the engine looks at itself. */
function check(options: EngineOptions): void {
  if (!isObject(options)) throw new TypeError(`options: expected an object, got ${String(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new TypeError(`unknown option: ${name}`);
    const [is, what] = OPTIONS[name as keyof EngineOptions];
    if (value !== undefined && !is(value)) throw new TypeError(`${name}: expected ${what}${typeof value === 'object' ? '' : `, got ${String(value)}`}`);
  }
}

class BytesView {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  call(...command: Input[]): Reply {
    const { head, inputs } = named(command);
    return this.engine.invoke(head, inputs, true);
  }
}

for (const name of SCANS) {
  const head = headOf(name);
  Object.defineProperty(Engine.prototype, name, {
    value(this: Engine, ...inputs: Arg[]) {
      return isWalk(name, inputs) ? walk((command) => this.call(...command), name, inputs) : this.invoke(head, inputs, false);
    },
    writable: true,
    configurable: true,
  });
}
type Method = (...inputs: never[]) => unknown;
install(Engine.prototype, (head) => function (this: Engine, ...inputs: unknown[]) {
  return this.invoke(head, inputs, false);
} as Method);
install(BytesView.prototype, (head) => function (this: BytesView, ...inputs: unknown[]) {
  return this.engine.invoke(head, inputs, true);
} as Method);
