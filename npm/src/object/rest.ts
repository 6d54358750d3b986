/** Upstash's REST protocol over objects: what `toFetchHandler` of `redstart/upstash` runs its requests on. */

import { join } from '../bytes.js';
import { type Arg, type Listener, type Reply, ReplyError } from '../index.js';
import { NAMES } from '../generated/commands.js';
import { transactionOf } from '../queue.js';
import { headOf, type Request } from '../table.js';
import type { Backend, Events } from '../upstash.js';

/** A store in an object or over many, whose replies are as RESP2 has them. */
export interface Flat {
  send(request: Request): Promise<Reply>;
  sendAll(requests: readonly Request[], atomic: boolean): Promise<Reply[]>;
  subscribe(channels: readonly string[], listener: Listener, lost: () => void): Promise<() => void>;
  psubscribe(patterns: readonly string[], listener: Listener, lost: () => void): Promise<() => void>;
}

const names = new Set(NAMES);
const encoder = new TextEncoder();

export class Rest implements Backend {
  private readonly flat: Flat;
  private readonly known = new Map<string, readonly string[]>();

  constructor(flat: Flat) {
    this.flat = flat;
  }

  async send(command: readonly Arg[], bytes: boolean): Promise<Reply> {
    try {
      return await this.flat.send(requestOf(command, bytes));
    } catch (error) {
      if (error instanceof ReplyError) return error;
      throw error;
    }
  }

  async raw(command: readonly Arg[]): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    write(await this.send(command, true), parts);
    return join(parts);
  }

  async transaction(commands: readonly (readonly Arg[])[], bytes: boolean): Promise<Reply[] | ReplyError> {
    try {
      const requests = transactionOf(commands.map((command) => requestOf(command, bytes)));
      return (await this.flat.sendAll(requests, true)).at(-1) as Reply[] | ReplyError;
    } catch (error) {
      if (error instanceof ReplyError) return error;
      throw error;
    }
  }

  listen(way: Events, names: readonly string[], tell: (words: readonly string[]) => void, ended: () => void): () => void {
    if (way === 'monitor') {
      tell(["ERR Command is not available: 'monitor'"]);
      ended();
      return () => undefined;
    }
    const heard: Listener = (message, channel, pattern) => tell(way === 'subscribe' ? ['message', channel, message] : ['pmessage', pattern!, channel, message]);
    let stopped = false;
    let stop: (() => void) | undefined;
    this.flat[way](names, heard, ended).then(
      (end) => {
        if (stopped) return end();
        stop = end;
        names.forEach((name, i) => tell([way, name, String(i + 1)]));
      },
      (error: Error) => {
        if (stopped) return;
        tell([error.message]);
        ended();
      },
    );
    return () => {
      stopped = true;
      stop?.();
    };
  }

  async flags(name: string): Promise<readonly string[]> {
    let flags = this.known.get(name);
    if (!flags) {
      const [info] = (await this.send(['COMMAND', 'INFO', name], false)) as [null | [string, number, string[]]];
      flags = info?.[2] ?? [];
      if (this.known.size < 1024) this.known.set(name, flags);
    }
    return flags;
  }
}

/** A command as it was sent. */
function requestOf(command: readonly Arg[], bytes: boolean): Request {
  const name = String(command[0]).toLowerCase();
  // These would be two words.
  if (/[|\s]/.test(name)) throw new ReplyError(`ERR unknown command '${command[0]}', with args beginning with: `, name);
  return whole({ head: headOf(name), args: command.slice(1), bytes });
}

/** A command of a container is one of its own, with keys of its own. */
export function whole(request: Request): Request {
  const [first] = request.args;
  if (typeof first !== 'string') return request;
  const name = `${request.head.name}|${first.toLowerCase()}`;
  return names.has(name) ? { ...request, head: headOf(name), args: request.args.slice(1) } : request;
}

/** A reply in RESP2, where it did not come as one: of several objects. */
function write(reply: Reply, parts: Uint8Array[]): void {
  if (reply instanceof Uint8Array) parts.push(encoder.encode(`$${reply.length}\r\n`), reply, encoder.encode('\r\n'));
  else if (Array.isArray(reply)) {
    parts.push(encoder.encode(`*${reply.length}\r\n`));
    for (const item of reply) write(item, parts);
  } else if (reply instanceof ReplyError) parts.push(encoder.encode(`-${reply.message}\r\n`));
  else if (typeof reply === 'number' || typeof reply === 'bigint') parts.push(encoder.encode(`:${reply}\r\n`));
  else parts.push(encoder.encode(reply === null ? '$-1\r\n' : `+${reply}\r\n`));
}
