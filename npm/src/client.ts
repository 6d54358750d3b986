/** Commands over a connection of their own, one promise each: for what waits, and for replies as RESP2 has them. */

import { join } from './bytes.js';
import type { Channel } from './channel.js';
import type { Connection } from './connection.js';
import { ReplyError } from './error.js';
import { Reader, replyEnd, type Reply } from './reply.js';
import type { Arg } from './request.js';

const encoder = new TextEncoder();

/** A command as RESP. */
export function encode(command: readonly Arg[]): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(`*${command.length}\r\n`)];
  for (const arg of command) {
    const bytes = arg instanceof Uint8Array ? arg : encoder.encode(String(arg));
    const head = encoder.encode(`$${bytes.length}\r\n`);
    parts.push(head, bytes, CRLF);
  }
  return join(parts);
}

const CRLF = encoder.encode('\r\n');

/** Whose turn it is, and how it wants its reply. */
interface Waiter {
  bytes: boolean;
  raw: boolean;
  command: string;
  done: (reply: Reply | Uint8Array) => void;
}

export class Client {
  readonly connection: Channel;
  private open = true;
  private closed: (() => void) | undefined;
  /** Gets what comes while no reply is waited for: messages, and what MONITOR shows. */
  onMessage: ((message: Reply) => void) | undefined;
  private readonly reader = new Reader();
  private waiters: Waiter[] = [];
  private rest: Uint8Array = new Uint8Array(0);

  /** On a new connection of an engine, or on a connection that is there. */
  constructor(place: { connect(address?: string): Connection } | Channel, address?: string) {
    this.connection = 'connect' in place ? place.connect(address) : place;
    this.connection.onData((bytes) => this.take(bytes));
    this.connection.onClose(() => {
      this.open = false;
      const waiters = this.waiters;
      this.waiters = [];
      for (const waiter of waiters) waiter.done(new ReplyError('ERR the connection is closed', waiter.command));
      this.closed?.();
    });
  }

  /** Calls `listener` once the connection is closed, by either side. */
  onClose(listener: () => void): void {
    this.closed = listener;
    if (!this.open) listener();
  }

  /** Whether its connection is open. */
  get isOpen(): boolean {
    return this.open;
  }

  /** Sends a command. The promise never rejects: an error is a `ReplyError` among the replies. */
  send(command: readonly Arg[], bytes = false): Promise<Reply> {
    return this.ask(command, { bytes, raw: false }) as Promise<Reply>;
  }

  /** The same with the reply as it came, in RESP. */
  raw(command: readonly Arg[]): Promise<Uint8Array> {
    return this.ask(command, { bytes: false, raw: true }) as Promise<Uint8Array>;
  }

  close(): void {
    this.connection.close();
  }

  private ask(command: readonly Arg[], how: { bytes: boolean; raw: boolean }): Promise<Reply | Uint8Array> {
    return new Promise((done) => {
      const name = String(command[0]).toLowerCase();
      if (!this.open) return done(new ReplyError('ERR the connection is closed', name));
      this.waiters.push({ ...how, command: name, done });
      this.connection.write(encode(command));
    });
  }

  private take(piece: Uint8Array): void {
    let bytes = piece;
    if (this.rest.length > 0) bytes = join([this.rest, piece]);
    let at = 0;
    this.reader.moved(bytes);
    for (let end: number; (end = replyEnd(bytes, at)) >= 0; at = end) {
      const isPush = bytes[at] === 0x3e;
      const waiter = isPush ? undefined : this.waiters.shift();
      if (waiter?.raw) {
        waiter.done(bytes.slice(at, end));
        continue;
      }
      this.reader.begin(at, end - at, waiter?.bytes ?? false, waiter?.command);
      const reply = this.reader.next();
      if (waiter) waiter.done(reply);
      else this.onMessage?.(reply);
    }
    this.rest = bytes.slice(at);
  }
}
