/**
 * Commands over one connection: a promise each, all those of a turn in one piece of bytes.
 *
 * Requests are written into a buffer that is sent when the turn is over (in a microtask), so that a hundred
 * calls in a row cost one message to a worker. The connection speaks RESP3: replies say what they are, and
 * what was pushed (messages, invalidations) is told from replies.
 */

import type { Channel } from './channel.js';
import { soon } from './clock.js';
import { ConnectionLostError, ReplyError } from './error.js';
import { Reader, replyEnd, type Reply } from './reply.js';
import { type Arg, type Memory, Writer } from './request.js';
import { headOf, type Request } from './table.js';

/** Those of up to 64 bytes are not made apart from their array, which takes most of the time that others take. */
const ROOM = 64;

/** Bytes that requests are written to. */
class Batch implements Memory {
  heap: Uint8Array = new Uint8Array(ROOM);

  room(bytes: number, keep: number): number {
    if (bytes <= this.heap.length) return 0;
    const larger = new Uint8Array(bytes);
    if (keep > 0) larger.set(this.heap.subarray(0, keep));
    this.heap = larger;
    return 0;
  }

  /** What was written, for somebody who may keep it. */
  take(length: number): Uint8Array {
    // To share few bytes takes more time than to copy them.
    if (this.heap.length === ROOM) return this.heap.slice(0, length);
    const bytes = this.heap.subarray(0, length);
    this.heap = new Uint8Array(ROOM);
    return bytes;
  }
}

/** Whose turn it is, and how it wants its reply. */
interface Waiter {
  command: string;
  bytes: boolean;
  /** Pushes that are the reply, as with SUBSCRIBE; 0: an ordinary reply is. */
  confirmations: number;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

const CONFIRMS = /^[ps]?(un)?subscribe$/;

/** How a session begins. */
export interface Greeting {
  username?: string;
  password?: string;
  database?: number;
}

export class Session {
  /** What was pushed: messages and invalidations. */
  onPush: ((push: Reply[]) => void) | undefined;
  /** Called once when the connection is gone. */
  onLost: ((reason: Error) => void) | undefined;
  /** Why the connection is gone, if it is. */
  lost: Error | undefined;
  /** The database that was selected last. */
  database = 0;
  private channel: Channel | undefined;
  private readonly batch = new Batch();
  private readonly writer = new Writer(this.batch);
  private readonly reader = new Reader();
  /** Queue of waiters: those before `next` have had their reply. */
  private waiters: Waiter[] = [];
  private next = 0;
  private begun = false;
  private flushing = false;
  private rest: Uint8Array | undefined;

  constructor(channel: Channel | Promise<Channel>, greeting: Greeting = {}) {
    this.reader.shares = true;
    if ('then' in channel) {
      channel.then((channel) => this.attach(channel), (error: Error) => this.lose(error));
    } else {
      this.attach(channel);
    }
    const auth: Arg[] = greeting.password === undefined ? [] : ['AUTH', greeting.username ?? 'default', greeting.password];
    const refused = (error: Error) => {
      this.lose(error);
      this.channel?.close();
    };
    this.send(headOf('hello'), [3, ...auth], false).catch(refused);
    if (greeting.database) this.select(greeting.database).catch(refused);
  }

  /** Commands that wait for their reply. */
  get pending(): number {
    return this.waiters.length - this.next;
  }

  /** Sends a command; an error reply rejects. */
  send(head: Request['head'], args: readonly Arg[], bytes: boolean, confirmations = 0): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(this.lostBefore(head.name));
      this.write(head, args);
      this.waiters.push({ command: head.name, bytes, confirmations, resolve, reject });
    });
  }

  /** Sends commands together; errors stand among the replies. Rejects only if the connection is lost. */
  sendAll(requests: readonly Request[]): Promise<Reply[]> {
    return Promise.all(
      requests.map(({ head, args, bytes }) =>
        this.send(head, args, bytes).catch((error: Error) => {
          if (error instanceof ReplyError) return error;
          throw error;
        }),
      ),
    );
  }

  async select(database: number): Promise<Reply> {
    const reply = await this.send(headOf('select'), [database], false);
    this.database = database;
    return reply;
  }

  close(reason: Error = new ConnectionLostError('the connection was closed')): void {
    this.flush();
    this.lose(reason);
    this.channel?.close();
  }

  private write(head: Request['head'], args: readonly Arg[]): void {
    const bytes = head.bytes(args.length);
    if (!this.begun) {
      this.begun = true;
      this.writer.begin(ROOM);
    }
    this.writer.request(bytes, args);
    if (this.flushing) return;
    this.flushing = true;
    soon(() => this.flush());
  }

  private flush(): void {
    this.flushing = false;
    // Kept until the channel is there.
    if (!this.begun || !this.channel || this.lost) return;
    this.begun = false;
    const bytes = this.batch.take(this.writer.length);
    try {
      this.channel.write(bytes);
    } catch (error) {
      this.lose(error as Error);
    }
  }

  private attach(channel: Channel): void {
    if (this.lost) return channel.close();
    this.channel = channel;
    channel.onData((bytes) => this.take(bytes));
    channel.onClose((reason) => this.lose(reason ?? new ConnectionLostError('the connection was closed')));
    this.flush();
  }

  private lostBefore(command: string): Error {
    const reason = this.lost!;
    return reason instanceof ConnectionLostError ? new ConnectionLostError(reason.message, { command, isFinal: reason.isFinal, cause: reason.cause }) : reason;
  }

  private lose(reason: Error): void {
    if (this.lost) return;
    this.lost = reason;
    const waiters = this.waiters.slice(this.next);
    this.waiters = [];
    this.next = 0;
    for (const waiter of waiters) waiter.reject(this.lostBefore(waiter.command));
    this.onLost?.(reason);
  }

  private take(piece: Uint8Array): void {
    let bytes = piece;
    if (this.rest) {
      bytes = new Uint8Array(this.rest.length + piece.length);
      bytes.set(this.rest);
      bytes.set(piece, this.rest.length);
      this.rest = undefined;
    }
    let at = 0;
    this.reader.moved(bytes);
    for (let end: number; (end = replyEnd(bytes, at)) >= 0; at = end) {
      const isPush = bytes[at] === 0x3e;
      const waiter = this.waiters[this.next];
      this.reader.begin(at, end - at, !isPush && (waiter?.bytes ?? false), waiter?.command);
      const reply = this.reader.next();
      if (!isPush) {
        this.done();
        if (reply instanceof ReplyError) waiter?.reject(reply);
        else waiter?.resolve(reply);
      } else if (waiter?.confirmations && CONFIRMS.test(String((reply as Reply[])[0]))) {
        if (--waiter.confirmations > 0) continue;
        this.done();
        waiter.resolve(null);
      } else {
        this.onPush?.(reply as Reply[]);
      }
    }
    if (at < bytes.length) this.rest = at === 0 ? bytes : bytes.subarray(at);
  }

  /** The first waiter has its reply. */
  private done(): void {
    this.next++;
    if (this.next < 64 || this.next * 2 < this.waiters.length) return;
    this.waiters = this.waiters.slice(this.next);
    this.next = 0;
  }
}
