/**
 * A whole Redis in this process, called synchronously.
 *
 * Each call writes its request into the engine's memory, runs it, and reads the reply there. Nothing is
 * awaited: a few calls in a row cannot be interrupted, so they are a transaction by nature.
 */

import { type Clock, setTimer, Time } from './clock.js';
import { Connection } from './connection.js';
import { ReplyError } from './error.js';
import { type Commands, ALIASES, NAMES, PAIRS } from './generated/commands.js';
import { moduleNow, ready } from './module.js';
import { type Event, Native } from './native.js';
import { Reader, type Reply } from './reply.js';
import { type Arg, areArgs, flatten, Head, type Input } from './request.js';

/** How an engine is to be. */
export interface EngineOptions {
  /** 32 bytes that chance and hash seeds derive from: the same seed and calls, the same replies. */
  seed?: Uint8Array;
  /** Settings of redis.conf by their names, such as `{maxmemory: '64mb'}`. */
  config?: { readonly [name: string]: string | number | boolean };
  /** Another clock than the system's. No timer is set then: time passes when you call `advance` or `tick`. */
  clock?: Clock;
  /** Lines for the log, which begin with Redis's level: `.`, `-`, `*` or `#`. */
  log?: (line: string) => void;
}

/** Gets what is published on a channel; `pattern` is set where the subscription was to a pattern. */
export type Listener = (message: string, channel: string, pattern?: string) => void;

/** What `Engine.bytes` is: the same commands, with bytes where others give strings. */
export interface Bytes extends Commands<Uint8Array> {
  /** Any command by its name. */
  call(...command: Input[]): Reply;
}

export interface Engine extends Commands<string> {}

/** Heads by the names of commands, also of those that are none. */
const heads = new Map<string, Head>();
const RAW = new Head('');
const HEADS_MAX = 512;

function headOf(name: string): Head {
  let head = heads.get(name);
  if (!head) {
    head = new Head(name, PAIRS.has(name));
    if (heads.size < HEADS_MAX) heads.set(name, head);
  }
  return head;
}

export class Engine {
  private readonly options: EngineOptions;
  private readonly clocks: Time;
  private native: Native | undefined;
  private freed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private view: Bytes | undefined;
  private readonly connections = new Map<number, Connection>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private pushes: Reply[][] = [];
  private queue: (() => void)[] = [];
  private dispatching = false;

  /** Loads the module if it is not there yet, and opens an engine of its own. */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    await ready();
    return new Engine(options);
  }

  /** The same where the module is there already: in Node, Deno, Bun and Workers at once, elsewhere after `open`. */
  static openSync(options: EngineOptions = {}): Engine {
    moduleNow();
    return new Engine(options);
  }

  private constructor(options: EngineOptions) {
    this.options = options;
    this.clocks = new Time(options.clock);
  }

  /** Any command: `engine.call('SET', 'k', 'v', {EX: 60})`. */
  call(...command: Input[]): Reply {
    return this.invoke(RAW, command, false);
  }

  /** Any command as one list. */
  sendCommand(command: readonly Input[]): Reply {
    return this.invoke(RAW, command, false);
  }

  /** The same commands with bytes instead of strings in their replies: `engine.bytes.get('k')`. */
  get bytes(): Bytes {
    return (this.view ??= new BytesView(this) as unknown as Bytes);
  }

  /**
   * Calls `listener` with what is published on the channels. Returns a function that ends this.
   * Messages come before the call that published them returns.
   */
  subscribe(channels: string | readonly string[], listener: Listener): () => void {
    return this.listen('subscribe', channels, listener);
  }

  /** The same for all channels whose names match the patterns. */
  psubscribe(patterns: string | readonly string[], listener: Listener): () => void {
    return this.listen('psubscribe', patterns, listener);
  }

  /** The same for shard channels. */
  ssubscribe(channels: string | readonly string[], listener: Listener): () => void {
    return this.listen('ssubscribe', channels, listener);
  }

  /** A RESP connection, for clients that speak the protocol. `address` is what CLIENT LIST shows. */
  connect(address = 'embedded:0'): Connection {
    const native = this.live();
    const id = native.connect(address);
    const connection = new Connection(
      {
        receive: (id, bytes) => {
          this.live().receive(id, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
          this.settle();
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
    if (!(ms >= 0)) throw new RangeError(`advance: expected milliseconds, got ${ms}`);
    this.clocks.advance(ms);
    this.tick();
  }

  /** Lets the engine see what time it is, as its own timer does. */
  tick(): void {
    this.live().timeout();
    this.settle();
  }

  /** Back to how a new connection is: no transaction, no subscriptions, database 0. */
  reset(): string {
    const reply = this.invoke(headOf('reset'), [], false) as string;
    this.invoke(headOf('hello'), [3], false);
    this.listeners.clear();
    return reply;
  }

  /** Bytes in use, bytes of WebAssembly memory, connections. */
  report(): { usedMemory: number; wasmMemory: number; connections: number } {
    return this.live().report();
  }

  /** Lets go of everything. Later calls throw. */
  free(): void {
    this.freed = true;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    const connections = [...this.connections.values()];
    this.connections.clear();
    this.native?.free();
    for (const connection of connections) connection.end();
  }

  [Symbol.dispose](): void {
    this.free();
  }

  /** @internal */
  invoke(head: Head, inputs: readonly unknown[], bytes: boolean): Reply {
    const native = this.native ?? this.live();
    if (head === RAW) {
      const [name, ...rest] = inputs;
      if (typeof name !== 'string') throw new TypeError('expected the name of a command');
      // As redis-cli has it: `CONFIG GET` may be one word or two.
      head = headOf(name.trim().toLowerCase().replace(/\s+/g, '|'));
      inputs = rest;
    }
    const args: readonly Arg[] = areArgs(inputs) ? inputs : flatten(head, inputs);
    const reader = native.run(head, args, bytes);
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
    if (this.timer === undefined) this.schedule();
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  /** The engine itself, made at the first call: Workers have no entropy and no clock before. */
  private live(): Native {
    if (this.native) return this.native;
    const { clock: _, log: __, config, ...others } = this.options;
    const settings = Object.entries(config ?? {}).map(([name, value]) => [
      name,
      value === true ? 'yes' : value === false ? 'no' : String(value),
    ]);
    if (this.freed) throw new Error('the engine was freed');
    this.native = new Native({ ...others, config: settings }, this.clocks);
    return this.native;
  }

  private listen(command: 'subscribe' | 'psubscribe' | 'ssubscribe', names: string | readonly string[], listener: Listener): () => void {
    if (typeof listener !== 'function') throw new TypeError(`${command}: expected a function to call with messages`);
    const list = typeof names === 'string' ? [names] : [...names];
    const kind = command.replace('subscribe', '');
    const fresh = list.filter((name) => !this.listeners.has(`${kind}:${name}`));
    if (fresh.length > 0) this.invoke(headOf(command), fresh, false);
    for (const name of list) {
      const set = this.listeners.get(`${kind}:${name}`) ?? new Set();
      set.add(listener);
      this.listeners.set(`${kind}:${name}`, set);
    }
    return () => {
      const idle: string[] = [];
      for (const name of list) {
        const set = this.listeners.get(`${kind}:${name}`);
        if (set?.delete(listener) && set.size === 0) {
          this.listeners.delete(`${kind}:${name}`);
          idle.push(name);
        }
      }
      if (idle.length > 0 && this.native && !this.native.isDead) this.invoke(headOf(`${kind}unsubscribe`), idle, false);
    };
  }

  /** Does what the engine wants done, and hands out messages, in order. */
  private settle(): void {
    const native = this.native!;
    do {
      for (const event of native.events()) this.take(event);
    } while (native.pending);
    for (const push of this.pushes) this.queue.push(() => this.hear(push));
    this.pushes = [];
    if (this.timer === undefined) this.schedule();
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
        this.queue.push(() => connection?.deliver(event.bytes));
        break;
      }
      case 'close': {
        const connection = this.connections.get(event.connection);
        this.connections.delete(event.connection);
        this.queue.push(() => connection?.end());
        break;
      }
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

  private hear(push: Reply[]): void {
    const [kind, ...rest] = push as string[];
    const call = (key: string, message: string, channel: string, pattern?: string) => {
      for (const listener of [...(this.listeners.get(key) ?? [])]) listener(message, channel, pattern);
    };
    if (kind === 'message') call(`:${rest[0]}`, rest[1]!, rest[0]!);
    else if (kind === 'smessage') call(`s:${rest[0]}`, rest[1]!, rest[0]!);
    else if (kind === 'pmessage') call(`p:${rest[0]}`, rest[2]!, rest[1]!, rest[0]!);
  }

  /** Sets a timer for what the engine has to do next, if anything. */
  private schedule(): void {
    if (this.options.clock || this.freed) return;
    const ms = this.native!.wait();
    if (ms < 0) return;
    // A timer must not keep an engine alive that nobody has any more.
    const self = typeof WeakRef === 'function' ? new WeakRef(this) : { deref: () => this };
    this.timer = setTimer(() => {
      const engine = self.deref();
      if (!engine) return;
      engine.timer = undefined;
      if (engine.native && !engine.native.isDead) engine.tick();
    }, ms);
  }
}

class BytesView {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  call(...command: Input[]): Reply {
    return this.engine.invoke(RAW, command, true);
  }
}

function define(target: object, name: string, value: unknown): void {
  if (!Object.hasOwn(target, name)) Object.defineProperty(target, name, { value, writable: true, configurable: true });
}

function install(method: string, name: string): void {
  const head = headOf(name);
  define(Engine.prototype, method, function (this: Engine, ...inputs: unknown[]) {
    return this.invoke(head, inputs, false);
  });
  define(BytesView.prototype, method, function (this: BytesView, ...inputs: unknown[]) {
    return this.engine.invoke(head, inputs, true);
  });
}

for (const name of NAMES) if (!name.includes('|')) install(name.replaceAll('-', '_'), name);
for (const [alias, name] of Object.entries(ALIASES)) install(alias, name);
