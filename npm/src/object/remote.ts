/**
 * A store in a Durable Object, as those see it who call it.
 *
 * Calls of one turn travel together: they are written into one buffer as RESP, sent by one RPC when the
 * microtasks come, and run as one pipeline. Nothing of theirs is an object on the way, so that a batch costs
 * what its bytes cost.
 */

import { type Channel, ConnectionLostError, type Host, type Listener, type Reply, ReplyError } from '../index.js';
import { Writer } from '../request.js';
import { Reader } from '../reply.js';
import type { Request as Command } from '../table.js';
import { waits } from '../waits.js';
import { Commander } from './commander.js';
import { Buffer, read } from './wire.js';

/** A stub of a `RedisObject`, as much of it as is needed. */
export interface Target {
  exchange(requests: Uint8Array, resp?: 2 | 3): Promise<Uint8Array>;
  wait(request: Uint8Array): Promise<Uint8Array>;
  door(): Promise<string>;
  fetch(request: Request): Promise<Response>;
}

/** A namespace of `RedisObject`s, as much of it as is needed. */
export interface Namespace {
  idFromName(name: string): unknown;
  get(id: never): unknown;
}

const BATCH = 4096;
/** A batch that is larger is sent at once: an RPC may have 32 MiB. */
const BATCH_MAX = 8 << 20;

/** A call that is under way. */
interface Call {
  command: string;
  bytes: boolean;
  done(reply: Reply): void;
  failed(error: unknown): void;
}

export class Remote extends Commander {
  private readonly find: () => Target;
  private readonly resp: 2 | 3;
  private target: Target | undefined;
  /** How many RPCs are under way. */
  private under = 0;
  private readonly buffer = new Buffer();
  private readonly writer = new Writer(this.buffer);
  private readonly reader = new Reader();
  private calls: Call[] = [];
  private readonly flushed = () => void this.flush();

  /** @internal */
  constructor(find: () => Target, resp: 2 | 3 = 3) {
    super();
    this.find = find;
    this.resp = resp;
    this.reader.shares = true;
  }

  /**
   * Calls `listener` with what is published on the channels. The function that comes ends this; `lost` is called if
   * the object does, by being restarted.
   */
  subscribe(channels: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return this.listen('subscribe', channels, listener, lost);
  }

  /** The same for all channels whose names match the patterns. */
  psubscribe(patterns: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return this.listen('psubscribe', patterns, listener, lost);
  }

  /** The same for shard channels. */
  ssubscribe(channels: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return this.listen('ssubscribe', channels, listener, lost);
  }

  /** @internal */
  override send(command: Command): Promise<Reply> {
    return waits(command.head.name, command.args) ? this.alone(command) : this.push(command);
  }

  /** @internal */
  override sendAll(commands: readonly Command[]): Promise<Reply[]> {
    // A transaction must not be cut in two.
    if (this.writer.length > BATCH_MAX / 2) void this.flush();
    return Promise.all(
      commands.map((command) =>
        this.push(command, Infinity).catch((error: unknown) => {
          if (error instanceof ReplyError) return error;
          throw error;
        }),
      ),
    );
  }

  /** @internal */
  override flat(): Remote {
    return new Remote(this.find, 2);
  }

  /** A WebSocket to the object. @internal */
  async socket(path: string): Promise<WebSocket> {
    const response = await this.carry(path, async (target) => {
      const headers = { upgrade: 'websocket', 'x-redstart-door': await target.door() };
      return target.fetch(new Request(`https://redstart/${path}`, { headers }));
    });
    const socket = response.webSocket;
    if (!socket) throw new ConnectionLostError(`the object answers ${response.status} to ${path}`);
    return socket;
  }

  /** @internal */
  async listen(way: string, names: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    if (typeof listener !== 'function') throw new TypeError(`${way}: argument 2: expected a function to call with messages`);
    const socket = await this.socket([way, ...(typeof names === 'string' ? [names] : names)].map(encodeURIComponent).join('/'));
    socket.addEventListener('message', ({ data }) => {
      const { message, channel, pattern } = JSON.parse(String(data)) as { message?: string; channel?: string; pattern?: string };
      if (message !== undefined) listener(message, channel!, pattern);
    });
    let ended = false;
    const closed = () => {
      if (!ended) lost?.();
      ended = true;
    };
    socket.addEventListener('close', closed);
    socket.addEventListener('error', closed);
    socket.accept();
    return () => {
      if (ended) return;
      ended = true;
      socket.close(1000);
    };
  }

  private push({ head, args, bytes }: Command, most = BATCH_MAX): Promise<Reply> {
    return new Promise((done, failed) => {
      if (this.calls.length === 0) {
        this.writer.begin(BATCH);
        queueMicrotask(this.flushed);
      }
      this.writer.request(head.bytes(args.length), args);
      this.calls.push({ command: head.name, bytes, done, failed });
      if (this.writer.length > most) void this.flush();
    });
  }

  /** Sends what has gathered. */
  private async flush(): Promise<void> {
    const calls = this.calls;
    if (calls.length === 0) return;
    this.calls = [];
    const requests = this.buffer.heap.slice(0, this.writer.length);
    this.writer.begin(0);
    this.buffer.shrink(BATCH_MAX / 8);
    let bytes: Uint8Array;
    try {
      bytes = await this.carry(calls[0]!.command, (target) => target.exchange(requests, this.resp));
    } catch (error) {
      for (const call of calls) call.failed(error);
      return;
    }
    const reader = this.reader;
    read(reader, bytes, false);
    for (const call of calls) {
      if (!reader.more) {
        call.failed(new ConnectionLostError('the object sent fewer replies than there were commands', { command: call.command }));
        continue;
      }
      reader.as(call.bytes, call.command);
      const reply = reader.next();
      if (reply instanceof ReplyError) call.failed(reply);
      else call.done(reply);
    }
  }

  private async alone({ head, args, bytes }: Command): Promise<Reply> {
    const buffer = new Buffer();
    const writer = new Writer(buffer);
    writer.begin(BATCH);
    writer.request(head.bytes(args.length), args);
    const got = await this.carry(head.name, (target) => target.wait(buffer.heap.slice(0, writer.length)));
    const reader = new Reader();
    read(reader, got, bytes, head.name);
    const reply = reader.next();
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  private async carry<T>(command: string, what: (target: Target) => Promise<T>): Promise<T> {
    // A stub whose object has failed stays broken, and one of two stubs may overtake the other: so there is
    // another one whenever none is in use.
    if (this.under === 0) this.target = this.find();
    this.under++;
    try {
      return await what((this.target ??= this.find()));
    } catch (error) {
      this.target = undefined;
      throw new ConnectionLostError(`the object failed: ${(error as Error)?.message ?? error}`, { command, cause: error });
    } finally {
      this.under--;
    }
  }
}

/** The store in the object `name`: `connect(env.REDIS, 'sessions')`. */
export function connect(namespace: Namespace, name: string): Remote {
  return new Remote(() => namespace.get(namespace.idFromName(name) as never) as Target);
}

/**
 * Connections to the object `name` over WebSockets, for a `Store` with all that needs a connection (live
 * queries, WATCH), or for clients that speak RESP: `Store.open({ host: objectHost(env.REDIS, 'sessions') })`.
 */
export function objectHost(namespace: Namespace, name: string): Host {
  const remote = connect(namespace, name);
  return {
    async connect(): Promise<Channel> {
      const socket = await remote.socket('resp');
      socket.binaryType = 'arraybuffer';
      socket.accept();
      return {
        write: (bytes) => socket.send(bytes as unknown as ArrayBuffer),
        onData: (listener) => socket.addEventListener('message', ({ data }) => listener(new Uint8Array(data as ArrayBuffer))),
        onClose(listener) {
          const closed = () => listener(new ConnectionLostError('the connection to the object was closed'));
          socket.addEventListener('close', closed);
          socket.addEventListener('error', closed);
        },
        close: () => socket.close(1000),
      };
    },
  };
}
