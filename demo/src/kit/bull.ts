/** BullMQ over a client of the page: the interface that it asks of a Redis client, in terms of plain commands. */

import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import type { Client } from './client.ts';
import { EventEmitter } from './node.ts';
import type { Arg, Value } from './resp.ts';

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

function object(flat: string[]): { [field: string]: string } {
  const made: { [field: string]: string } = {};
  for (let i = 0; i < flat.length; i += 2) made[flat[i]!] = flat[i + 1]!;
  return made;
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
  private readonly source: Client;
  private readonly client: Client;
  private readonly scripts: Map<string, Script>;

  constructor(source: Client, scripts = new Map<string, Script>()) {
    super();
    this.source = source;
    // In RESP2, since that is what BullMQ's replies look like.
    this.client = source.duplicate(2);
    this.scripts = new Map([...scripts].map(([name, { lua, numberOfKeys }]) => [name, { lua, numberOfKeys, sha: undefined }]));
    this.setMaxListeners(100);
    Object.assign(this, commands((command) => this.client.call(...command)));
  }

  async connect(): Promise<void> {}

  disconnect(): void {
    if (this.status === 'end') return;
    this.status = 'end';
    this.client.close();
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
    return new BullClient(this.source, this.scripts);
  }

  defineCommand(name: string, { lua, numberOfKeys }: { lua: string; numberOfKeys: number }): void {
    this.scripts.set(name, { lua, numberOfKeys, sha: undefined });
    (this as unknown as { [name: string]: unknown })[name] = (...args: unknown[]) => this.runCommand(name, args);
  }

  async runCommand(name: string, args: unknown[]): Promise<Value> {
    const script = this.scripts.get(name)!;
    script.sha ??= this.client.call<string>('SCRIPT', 'LOAD', script.lua);
    return this.client.call('EVALSHA', await script.sha, script.numberOfKeys, ...flat(args));
  }

  async hgetall(key: string): Promise<{ [field: string]: string }> {
    return object(await this.client.call<string[]>('HGETALL', key));
  }

  multi() {
    const queue: { command: Arg[]; read: (reply: Value) => unknown }[] = [];
    const add = (command: Arg[], read = (reply: Value): unknown => reply) => {
      queue.push({ command, read });
      return transaction;
    };
    const transaction = {
      ...commands(add),
      hgetall: (key: string) => add(['HGETALL', key], (reply) => object(reply as string[])),
      runCommand: (name: string, args: unknown[]) => {
        const { lua, numberOfKeys } = this.scripts.get(name)!;
        return add(['EVAL', lua, numberOfKeys, ...flat(args)]);
      },
      exec: async () => {
        const replies = (await this.client.all<Value[]>(['MULTI'], ...queue.map(({ command }) => command), ['EXEC'])).at(-1);
        if (replies instanceof Error) throw replies;
        return (replies as Value[]).map((reply, i) => (reply instanceof Error ? [reply, null] : [null, queue[i]!.read(reply)]));
      },
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
