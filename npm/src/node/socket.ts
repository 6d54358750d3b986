/** An engine behind Node's streams and sockets: for clients that take a stream, and for those that dial. */

import { createServer, type ListenOptions, type Server } from 'node:net';
import { Duplex } from 'node:stream';
import type { Engine } from '../index.js';

export { dial, type DialOptions } from './dial.js';

type Done = (error?: Error | null) => void;
type Chunk = { chunk: Uint8Array | string; encoding: BufferEncoding };

/** In a Worker what keeps the process awake would keep the object awake, and nothing ends there while somebody waits. */
const KEEPS_AWAKE = globalThis.navigator?.userAgent !== 'Cloudflare-Workers';

/** As they are now: tests put others there, which go only when they are told to. */
const { setInterval, clearInterval } = globalThis;
const nextTick = process.nextTick.bind(process);

/** A connection to an engine that looks like a `net.Socket` to clients of Redis. */
export class EngineSocket extends Duplex {
  readonly connecting = false;
  private readonly wire;
  /** Keeps the process alive while a command waits, as a socket would; the engine's own timers do not. */
  private awake: ReturnType<typeof setInterval> | undefined;
  private answered = false;

  constructor(engine: Engine, address?: string) {
    super({ allowHalfOpen: false });
    this.wire = engine.connect(address);
    this.wire.onData((bytes) => {
      this.answered = true;
      this.rest();
      this.push(bytes);
    });
    this.wire.onClose(() => {
      this.rest();
      if (!this.destroyed) this.push(null);
    });
  }

  override _read(): void {}

  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, done: Done): void {
    this.feed([{ chunk, encoding }], done);
  }

  override _writev(chunks: Chunk[], done: Done): void {
    this.feed(chunks, done);
  }

  /** Later, as with a socket: clients note what they have sent after they have sent it. */
  private feed(chunks: readonly Chunk[], done: Done): void {
    nextTick(() => {
      // As with a socket that the other side has closed: that it ended is told by itself, and is on its way.
      if (!this.wire.isOpen) return done();
      try {
        const bytes = chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
        this.answered = false;
        this.wire.write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes));
        if (KEEPS_AWAKE && !this.answered && this.wire.isOpen) this.awake ??= setInterval(() => undefined, 0x7fffffff);
        done();
      } catch (error) {
        done(error as Error);
      }
    });
  }

  private rest(): void {
    clearInterval(this.awake);
    this.awake = undefined;
  }

  override _final(done: Done): void {
    this.wire.close();
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.wire.close();
    done(error);
  }

  // What clients set on a socket means nothing here.
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/**
 * Serves an engine on a port, or at a path, which clients in this process can dial without a network:
 * `await listen(engine, {path: '/tmp/app.sock'})`. It ends when the engine is freed, as by SHUTDOWN.
 */
export async function listen(engine: Engine, where: ListenOptions): Promise<Server> {
  if (engine.isFreed) throw new Error('listen: the engine was freed');
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const address = socket.remoteAddress === undefined ? 'unix:0' : `${socket.remoteAddress}:${socket.remotePort}`;
    let inner: EngineSocket;
    try {
      inner = new EngineSocket(engine, address);
    } catch {
      // The engine is gone.
      return void socket.destroy();
    }
    // A client that goes away in the middle is no error of ours.
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
    inner.on('close', () => socket.destroy());
    socket.on('close', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  });
  const forget = engine.whenFreed(() => server.close());
  server.once('close', forget);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
