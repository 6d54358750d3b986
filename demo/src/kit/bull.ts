/**
 * BullMQ over the page's store: the interface that it asks of a Redis client, in terms of plain commands.
 *
 * It reads replies as Redis gave them before RESP3: pairs as one list, scores as text.
 */

import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import type { Arg, Reply } from 'redstart';
import type { Client } from './client.ts';
import { EventEmitter } from './node.ts';

export { Queue, Worker };
export type { Job } from 'bullmq';

interface Script {
  lua: string;
  numberOfKeys: number;
  sha: Promise<string> | undefined;
}
type Run = (command: Arg[]) => unknown;
type Fields = { [field: string]: string | number };

const pairs = (fields: Fields) => Object.entries(fields).flat();

/** A reply in the form of RESP2. */
function plain(command: readonly Arg[], reply: Reply): Reply {
  switch (command[0]) {
    case 'ZRANGE':
    case 'ZREVRANGE':
      return command.includes('WITHSCORES') ? (reply as [string, number][]).flatMap(([member, score]) => [member, String(score)]) : reply;
    case 'ZSCORE':
      return reply === null ? null : String(reply);
    case 'BZPOPMIN':
      return reply && (reply as [string, string, number]).map(String);
    case 'XREAD':
      return reply && Object.entries(reply as { [stream: string]: Reply });
    default:
      return reply;
  }
}

/** BullMQ gives its scripts' arguments as they are, or as one list. */
function flat(args: unknown[]): Arg[] {
  const list = args.length === 1 && Array.isArray(args[0]) ? args[0] : args;
  return list.map((arg) => (arg instanceof Uint8Array ? arg : arg == null ? '' : String(arg)));
}

/** Commands that are the same alone and in a transaction. */
function commands(run: Run) {
  return {
    hget: (key: string, field: string) => run(['HGET', key, field]),
    hmget: (key: string, ...fields: string[]) => run(['HMGET', key, ...fields.flat()]),
    hset: (key: string, fields: Fields | string, ...rest: Arg[]) => run(['HSET', key, ...(typeof fields === 'object' ? pairs(fields) : [fields, ...rest])]),
    hdel: (key: string, ...fields: string[]) => run(['HDEL', key, ...fields]),
    hexists: (key: string, field: string) => run(['HEXISTS', key, field]),
    get: (key: string) => run(['GET', key]),
    set: (key: string, text: Arg, { PX, EX }: { PX?: number; EX?: number } = {}) => run(['SET', key, text, ...(PX ? ['PX', PX] : EX ? ['EX', EX] : [])]),
    del: (...keys: string[]) => run(['DEL', ...keys]),
    zrange: (key: string, from: number, to: number, options?: { WITHSCORES?: boolean }) => run(['ZRANGE', key, from, to, ...(options?.WITHSCORES ? ['WITHSCORES'] : [])]),
    zrevrange: (key: string, from: number, to: number, options?: { WITHSCORES?: boolean }) => run(['ZREVRANGE', key, from, to, ...(options?.WITHSCORES ? ['WITHSCORES'] : [])]),
    zcard: (key: string) => run(['ZCARD', key]),
    zscore: (key: string, member: string) => run(['ZSCORE', key, member]),
    lrange: (key: string, from: number, to: number) => run(['LRANGE', key, from, to]),
    llen: (key: string) => run(['LLEN', key]),
    ltrim: (key: string, from: number, to: number) => run(['LTRIM', key, from, to]),
    lpos: (key: string, member: string) => run(['LPOS', key, member]),
    smembers: (key: string) => run(['SMEMBERS', key]),
    hscan: (key: string, cursor: Arg, { COUNT = 100 }: { COUNT?: number } = {}) => run(['HSCAN', key, cursor, 'COUNT', COUNT]),
    sscan: (key: string, cursor: Arg, { COUNT = 100 }: { COUNT?: number } = {}) => run(['SSCAN', key, cursor, 'COUNT', COUNT]),
    xadd: (key: string, id: string, fields: Fields, { MAXLEN, approximate }: { MAXLEN?: number; approximate?: boolean } = {}) => run(['XADD', key, ...(MAXLEN === undefined ? [] : ['MAXLEN', approximate ? '~' : '=', MAXLEN]), id, ...pairs(fields)]),
    xread: (streams: { key: string; id: string }[], { BLOCK, COUNT }: { BLOCK?: number; COUNT?: number } = {}) => run(['XREAD', ...(COUNT === undefined ? [] : ['COUNT', COUNT]), ...(BLOCK === undefined ? [] : ['BLOCK', BLOCK]), 'STREAMS', ...streams.map(({ key }) => key), ...streams.map(({ id }) => id)]),
    xtrim: (key: string, strategy: string, threshold: number, options?: { approximate?: boolean }) => run(['XTRIM', key, strategy, options?.approximate ? '~' : '=', threshold]),
    bzpopmin: (key: string, timeout: number) => run(['BZPOPMIN', key, timeout]),
    info: () => run(['INFO']),
    clientSetName: (name: string) => run(['CLIENT', 'SETNAME', name]),
    clientList: () => run(['CLIENT', 'LIST']),
    clientInfo: () => run(['CLIENT', 'INFO']),
    scan: (cursor: Arg, { MATCH, COUNT }: { MATCH?: string; COUNT?: number }) => run(['SCAN', cursor, ...(MATCH ? ['MATCH', MATCH] : []), ...(COUNT ? ['COUNT', COUNT] : [])]),
  };
}

/** What `connection` of a Queue or a Worker takes. */
class BullClient extends EventEmitter {
  status = 'ready';
  readonly isCluster = false;
  readonly options = {};
  private readonly client: Client;
  private readonly scripts: Map<string, Script>;

  constructor(client: Client, scripts = new Map<string, Script>()) {
    super();
    this.client = client;
    this.scripts = new Map([...scripts].map(([name, { lua, numberOfKeys }]) => [name, { lua, numberOfKeys, sha: undefined }]));
    this.setMaxListeners(100);
    Object.assign(this, commands((command) => this.run(command)));
  }

  private async run(command: Arg[]): Promise<Reply> {
    return plain(command, await this.client.call<Reply>(...command));
  }

  async connect(): Promise<void> {}

  disconnect(): void {
    if (this.status === 'end') return;
    this.status = 'end';
    setTimeout(() => {
      this.emit('close');
      this.emit('end');
    });
  }

  async quit(): Promise<string> {
    this.disconnect();
    return 'OK';
  }

  duplicate(): BullClient {
    return new BullClient(this.client, this.scripts);
  }

  defineCommand(name: string, { lua, numberOfKeys }: { lua: string; numberOfKeys: number }): void {
    this.scripts.set(name, { lua, numberOfKeys, sha: undefined });
    (this as unknown as { [name: string]: unknown })[name] = (...args: unknown[]) => this.runCommand(name, args);
  }

  async runCommand(name: string, args: unknown[]): Promise<Reply> {
    const script = this.scripts.get(name)!;
    script.sha ??= this.client.call<string>('SCRIPT', 'LOAD', script.lua);
    return this.client.call('EVALSHA', await script.sha, script.numberOfKeys, ...flat(args));
  }

  hgetall(key: string): Promise<{ [field: string]: string }> {
    return this.client.call('HGETALL', key);
  }

  multi() {
    const queue = this.client.store.multi();
    const queued: Arg[][] = [];
    const add = (command: Arg[]) => {
      queued.push(command);
      queue.call(...command);
      return transaction;
    };
    const transaction = {
      ...commands(add),
      hgetall: (key: string) => add(['HGETALL', key]),
      runCommand: (name: string, args: unknown[]) => {
        const { lua, numberOfKeys } = this.scripts.get(name)!;
        return add(['EVAL', lua, numberOfKeys, ...flat(args)]);
      },
      exec: async () => (await queue.exec()).map((reply, i) => (reply instanceof Error ? [reply, null] : [null, plain(queued[i]!, reply)])),
    };
    return transaction;
  }

  pipeline() {
    return this.multi();
  }

  /** For `obliterate` and the like, which no panel does. */
  scanStream(): never {
    throw new Error('not in a page');
  }
}

export function connection(source: Client): ConnectionOptions {
  return new BullClient(source) as unknown as ConnectionOptions;
}
