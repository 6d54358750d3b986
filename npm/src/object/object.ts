/**
 * A Redis in a Durable Object.
 *
 * The engine lives in the object's memory; its journal in the object's SQLite database. Whatever comes in
 * (an RPC, a request, a message of a WebSocket, the alarm) runs on the engine, then what has changed is
 * written, then replies go out: the runtime holds them back until the write is durable. So what was
 * acknowledged is there when the object wakes up elsewhere.
 *
 * One alarm stands for the earliest expiry. It is exact to a second or a thousandth of the TTL, whichever is
 * more, so that many keys need few alarms; a key that is due is gone for its readers at once, as ever.
 * Waits that end are a timer's: a client can wait only while the object is awake.
 */

import { DurableObject } from 'cloudflare:workers';
import { join } from '../bytes.js';
import { type Connection, Engine, EngineDeadError, type EngineOptions } from '../index.js';
import type { Storage } from '../storage.js';
import { accessOf, type HandlerOptions, toFetchHandler, unauthorized } from '../upstash.js';
import { dataSet, expiries, expiriesIn } from './dataset.js';
import { Sockets } from './sockets.js';
import { SqliteStorage } from './sqlite.js';
import { count } from './wire.js';

/** How an object is to be. */
export interface ObjectOptions {
  /** Settings of redis.conf. `maxmemory` is 64mb unless set: with what else an isolate needs that fits into its 128 MB. */
  config?: EngineOptions['config'];
  /** What requests and WebSockets must bring; `env.REDIS_TOKEN` unless set. Without one there is RPC only. */
  token?: string | undefined;
  /** What those must bring that may only read; `env.REDIS_READ_ONLY_TOKEN` unless set. */
  readOnlyToken?: string | undefined;
  /** The most bytes a request's body may have; more are refused with status 413. 10 MiB unless set. */
  maxBody?: number;
  /** Where the data are kept; the object's SQLite database unless set. */
  storage?: Storage;
  /** Lines for the log. */
  log?: (line: string) => void;
}

/** The journal is rewritten by the object, not by the engine. */
const CONFIG = { maxmemory: '64mb', databases: 1, 'active-expire-effort': 10, 'auto-aof-rewrite-percentage': 0 };

/** The journal is rewritten when it is larger than the base, and than this. */
const REWRITE_MIN = 4 << 20;
/** One that is so many times larger than it should be is rewritten at once. */
const REWRITE_FACTOR = 4;
/** Alarms are at least so far apart. */
const ALARM_STEP_MS = 1000;
/** How often a busy socket keeps the object awake. */
const AWAKE_MS = 5_000;

export class RedisObject<Env = unknown> extends DurableObject<Env> {
  /** The engine, for methods of your own: what they change is kept before their replies go out. */
  protected readonly engine: Engine;
  readonly #storage: Storage;
  readonly #sockets: Sockets;
  readonly #access: HandlerOptions | undefined;
  readonly #handler: ((request: Request) => Promise<Response>) | undefined;
  /** Opens the object for a subscription by RPC, whose caller has no token. */
  readonly #door = crypto.randomUUID();
  /** What has changed and is not written yet. */
  #journal: Uint8Array[] = [];
  /** How far the clock for rounds of expiry is ahead. */
  #ahead = 0;
  /** When keys expire, rounded up. */
  readonly #expiries = new Set<number>();
  #alarmAt: number | undefined;
  /** Where requests are run whose replies are to be in RESP2. */
  #resp2: Connection | undefined;
  /** Callers that wait. */
  #waiting = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #awake: ReturnType<typeof setInterval> | undefined;
  /** A write that is under way, in storages that take time. */
  #saving: Promise<void> | undefined;
  readonly #log: ((line: string) => void) | undefined;
  /** How much was replayed, and the beginning of the command that comes next. */
  #replayed = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #baseBytes = 0;
  #journalBytes = 0;
  #rewriting = false;

  constructor(ctx: DurableObjectState, env: Env, options: ObjectOptions = {}) {
    super(ctx, env);
    const secrets = (env ?? {}) as { REDIS_TOKEN?: string; REDIS_READ_ONLY_TOKEN?: string };
    const token = options.token ?? secrets.REDIS_TOKEN;
    const readOnlyToken = options.readOnlyToken ?? secrets.REDIS_READ_ONLY_TOKEN;
    this.#log = options.log;
    refuse(options.config ?? {});
    this.engine = Engine.openSync({
      config: { ...CONFIG, ...options.config },
      clock: { now: () => Date.now(), mono: () => Date.now() + this.#ahead },
      journal: (bytes) => {
        if (this.#journal.push(bytes) === 1) this.#settleSoon();
      },
      ...(options.log ? { log: options.log } : {}),
    });
    if (token) {
      this.#access = { token, ...(readOnlyToken ? { readOnlyToken } : {}), ...(options.maxBody ? { maxBody: options.maxBody } : {}) };
      // Waits that end are a timer's, and that of a request would be nobody's.
      this.#handler = toFetchHandler(this.engine, { ...this.#access, blocking: false });
    }
    this.#storage = options.storage ?? new SqliteStorage(ctx.storage);
    this.#sockets = new Sockets(ctx, this.engine);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('PING', 'PONG'));
    const pieces = this.#storage.load();
    // At once where that can be, since a constructor that extends this one may use the engine.
    const isHere = Symbol.iterator in pieces;
    if (isHere) {
      for (const piece of pieces) this.#replay(piece);
      this.#loaded();
    }
    void ctx.blockConcurrencyWhile(async () => {
      if (!isHere) {
        for await (const piece of pieces) this.#replay(piece);
        this.#loaded();
      }
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? undefined;
      this.#sockets.restore();
      this.#sockets.onOutput = () => this.#settleSoon();
      await this.#settle();
    });
  }

  /** Runs requests in RESP and replies in RESP3, or in RESP2; `connect` makes them. */
  exchange(requests: Uint8Array, resp: 2 | 3 = 3): Uint8Array | Promise<Uint8Array> {
    const replies = this.#run(() => (resp === 2 ? this.#flat(requests) : this.engine.exchange(requests)));
    const saved = this.#settle();
    return saved ? saved.then(() => replies) : replies;
  }

  /** Runs one request that may wait. */
  async wait(request: Uint8Array): Promise<Uint8Array> {
    const connection = this.engine.connect('rpc:0');
    this.#waiting++;
    try {
      const reply = await new Promise<Uint8Array>((done, failed) => {
        connection.onData(() => {});
        connection.write('HELLO 3\r\n');
        connection.onData(done);
        connection.onClose(() => failed(new Error('the connection was closed')));
        this.#run(() => connection.write(request));
        void this.#settle();
      });
      await this.#settle();
      return reply;
    } finally {
      this.#waiting--;
      connection.close();
    }
  }

  /** What a request for a subscription has to show; `connect` knows. */
  door(): string {
    return this.#door;
  }

  /**
   * Upstash's REST protocol, and WebSockets: `/resp` speaks RESP, `/subscribe/<channel>…`,
   * `/psubscribe/<pattern>…` and `/ssubscribe/<channel>…` tell in JSON what is published.
   */
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (request.headers.get('upgrade')?.toLowerCase() === 'websocket') return this.#upgrade(request, url);
    if (!this.#handler) return unauthorized();
    const response = await this.#handler(request);
    await this.#settle();
    return response;
  }

  /** Expires what is due. */
  async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    const now = Date.now();
    for (const at of this.#expiries) if (at <= now) this.#expiries.delete(at);
    this.#run(() => this.#expireAll());
    await this.#settle();
  }

  async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#run(() => this.#sockets.receive(socket, message));
    await this.#settle();
  }

  async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    this.#sockets.close(socket);
    try {
      socket.close(code === 1005 || code === 1006 ? 1000 : code);
    } catch {
      // Newer runtimes have closed it.
    }
    await this.#settle();
  }

  async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1011);
  }

  #upgrade(request: Request, url: URL): Response {
    const inside = request.headers.get('x-redstart-door') === this.#door;
    const access = inside ? 'write' : this.#access && accessOf(request, this.#access, url);
    if (!access) return unauthorized();
    let path: string[];
    try {
      path = url.pathname.split('/').filter((part) => part !== '').map(decodeURIComponent);
    } catch {
      return new Response(null, { status: 400 });
    }
    const [way, ...names] = path;
    if (way === 'resp') return access === 'write' ? this.#sockets.open('resp', undefined, []) : unauthorized();
    if ((way === 'subscribe' || way === 'psubscribe' || way === 'ssubscribe') && names.length > 0) return this.#sockets.open('json', way, names);
    return new Response(null, { status: 404 });
  }

  /** The same with replies in RESP2, over a connection of its own. */
  #flat(requests: Uint8Array): Uint8Array {
    if (!this.#resp2?.isOpen) this.#resp2 = this.engine.connect('rpc:0');
    const connection = this.#resp2;
    const parts: Uint8Array[] = [];
    connection.onData((bytes) => parts.push(bytes));
    const wanted = count(requests);
    connection.write(requests);
    const replies = join(parts);
    // Replies that come later would be taken for those of others.
    if (count(replies) !== wanted) connection.close();
    return replies;
  }

  /** Whatever the engine cannot survive, the object does not: it starts again from what is stored. */
  #run<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof EngineDeadError) this.ctx.abort(error.message);
      throw error;
    }
  }

  /** Keeps what has changed, then lets go what is to be sent. A promise if the storage takes its time. */
  #settle(): Promise<void> | undefined {
    let saved: void | Promise<void> = undefined;
    try {
      if (this.#journal.length > 0) {
        const journal = join(this.#journal);
        this.#journal = [];
        // Without a deadline there is no key that expires.
        if (this.engine.deadline !== undefined) for (const at of expiriesIn(journal)) this.#expires(at);
        saved = this.#storage.append(journal);
        this.#journalBytes += journal.length;
      }
    } catch (error) {
      // The engine is ahead of the storage, so nothing that it says may go out.
      this.ctx.abort(`the journal cannot be written: ${error}`);
      throw error;
    }
    const send = this.#sockets.gather();
    this.#schedule();
    this.#think();
    if (!saved && !this.#saving) {
      send?.();
      return undefined;
    }
    const saving: Promise<void> = Promise.all([this.#saving, saved]).then(
      () => {
        if (this.#saving === saving) this.#saving = undefined;
        send?.();
      },
      (error) => {
        this.ctx.abort(`the journal cannot be written: ${error}`);
        throw error;
      },
    );
    return (this.#saving = saving);
  }

  /** After what runs now, which may be a method that changes more. */
  #settleSoon(): void {
    queueMicrotask(() => void this.#settle());
  }

  /** Gives the engine a piece of what the storage has. */
  #replay(piece: Uint8Array): void {
    const bytes = this.#rest.length > 0 ? join([this.#rest, piece]) : piece;
    const taken = this.engine.replay(bytes);
    this.#replayed += taken;
    this.#rest = bytes.subarray(taken);
  }

  #loaded(): void {
    if (this.#rest.length > 0) throw new Error(`the journal ends within the command at offset ${this.#replayed}`);
    // That it was read is no change.
    this.#journal = [];
    const { base, journal } = this.#storage.sizes();
    this.#baseBytes = base;
    this.#journalBytes = journal;
    for (const at of expiries(this.engine)) this.#expires(at);
  }

  /** Whether it is time for a new base. */
  #think(): void {
    const most = Math.max(REWRITE_MIN, this.#baseBytes);
    if (this.#rewriting || this.#journalBytes <= most) return;
    this.#rewriting = true;
    // Replies need not wait for it; but timers come after requests, and there may be no end of those.
    if (this.#journalBytes > REWRITE_FACTOR * most) queueMicrotask(() => void this.#rewrite());
    else setTimeout(() => void this.#rewrite(), 0);
  }

  /** Puts the data set as it is in the place of the journal. In one go, since a journal may say what was done, not what is. */
  async #rewrite(): Promise<void> {
    // What has changed belongs to the old journal; from here to the last piece nothing may.
    for (let saved; (saved = this.#settle()); ) await saved;
    const before = this.#journalBytes;
    const base = this.#storage.begin();
    const writes: unknown[] = [];
    let bytes = 0;
    try {
      for (const piece of dataSet(this.engine)) {
        bytes += piece.length;
        writes.push(base.write(piece));
      }
      this.#journalBytes = 0;
      await Promise.all(writes);
      await base.commit();
      this.#baseBytes = bytes;
    } catch (error) {
      // The journal goes on as it was; it is tried again when that has grown as much once more.
      this.#journalBytes += before;
      this.#baseBytes = this.#journalBytes;
      this.#log?.(`# the journal was not written anew: ${error}`);
      await base.abort();
    } finally {
      this.#rewriting = false;
    }
  }

  /** A key expires. Times are rounded up, the more the later they are. */
  #expires(at: number): void {
    const step = Math.max(ALARM_STEP_MS, 2 ** Math.ceil(Math.log2(Math.max(at - Date.now(), 1) / 1024)));
    this.#expiries.add(Math.ceil(at / step) * step);
  }

  /** Sees to it that time passes. */
  #schedule(): void {
    if (this.#expiries.size > 0) {
      let next = Infinity;
      for (const at of this.#expiries) if (at < next) next = at;
      if (this.#alarmAt === undefined || next < this.#alarmAt) {
        this.#alarmAt = next;
        void this.ctx.storage.setAlarm(next);
      }
    }
    const busy = this.#sockets.busy;
    const deadline = busy || this.#waiting > 0 ? this.engine.deadline : undefined;
    clearTimeout(this.#timer);
    this.#timer = deadline === undefined ? undefined : setTimeout(() => this.#tick(), Math.max(deadline, 1));
    if (busy && this.#awake === undefined) this.#awake = setInterval(() => this.#schedule(), AWAKE_MS);
    if (!busy && this.#awake !== undefined) {
      clearInterval(this.#awake);
      this.#awake = undefined;
    }
  }

  #tick(): void {
    this.#timer = undefined;
    this.#run(() => this.engine.tick());
    void this.#settle();
  }

  /** As many rounds as it takes to look at all keys that expire. */
  #expireAll(): void {
    const expiring = () => Number(/expires=(\d+)/.exec(String(this.engine.call('INFO', 'keyspace')))?.[1] ?? 0);
    const rounds = 4 + Math.ceil(expiring() / 64);
    // Those who wait go by the same clock.
    const waits = this.#waiting > 0 || this.#sockets.busy;
    for (let round = 0; round < (waits ? 1 : rounds); round++) {
      if (!waits) this.#ahead += 100;
      this.engine.tick();
    }
    if (this.#expiries.size === 0 && expiring() > 0) this.#expiries.add(Date.now() + ALARM_STEP_MS);
  }
}

/** Settings with which data would be lost, or nobody let in. */
function refuse(config: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(config)) {
    const lower = name.toLowerCase();
    // The data set is written anew from one database.
    if (lower === 'databases' && Number(value) !== 1) throw new TypeError('config: databases: an object has one: use an object per database');
    if (lower === 'requirepass' && value !== '') throw new TypeError('config: requirepass: callers by RPC have no password: use token');
  }
}
