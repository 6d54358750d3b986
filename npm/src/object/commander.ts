/** What a store in an object and a cluster of them share: every command as a method that gives a promise. */

import type { Input, Reply } from '../index.js';
import type { Commands } from '../generated/commands.js';
import { Queue, transactionOf, transactionReplies } from '../queue.js';
import { isWalk, SCANS, type Scans, type ScansAndWalks, walkLater } from '../scan.js';
import { headOf, install, listed, named, plainArgs, type Request } from '../table.js';
import type { Backend } from '../upstash.js';
import { type Flat, Rest } from './rest.js';

/** The same commands with bytes where others give strings. */
export interface RemoteBytes extends Commands<Uint8Array, 'later'>, Scans<Uint8Array, 'later'> {
  /** Any command by its name. */
  call(...command: Input[]): Promise<Reply>;
}

export interface Commander extends Commands<string, 'later'>, ScansAndWalks<'later'> {}

/** They belong to one connection, and callers share theirs. What to use instead. */
const REFUSED: { readonly [name: string]: string | undefined } = {
  __proto__: null as never,
  subscribe: 'subscribe()', psubscribe: 'psubscribe()', ssubscribe: 'ssubscribe()',
  unsubscribe: 'what subscribe() returned', punsubscribe: 'what psubscribe() returned', sunsubscribe: 'what ssubscribe() returned',
  multi: 'multi()', exec: 'multi()', discard: 'multi()', watch: 'a Store over objectHost()', unwatch: 'a Store over objectHost()',
  auth: 'the token', hello: 'a Store over objectHost()', select: 'an object per database', reset: 'a Store over objectHost()', quit: 'nothing: there is no connection',
  monitor: 'a Store over objectHost()', shutdown: 'nothing: the runtime ends objects', sync: 'nothing', psync: 'nothing',
  'client|reply': 'a Store over objectHost()', 'client|tracking': 'a Store over objectHost()', 'client|caching': 'a Store over objectHost()', 'client|setname': 'a Store over objectHost()',
};

/** Throws where a command would change the connection that callers share. */
export function allowed(request: Request): Request {
  const { head, args } = request;
  const name = head.name === 'client' ? `client|${String(args[0]).toLowerCase()}` : head.name;
  const instead = REFUSED[name];
  if (instead) throw new TypeError(`${name.replace('|', ' ')}: callers share one connection: use ${instead}`);
  return request;
}

export abstract class Commander {
  private view: RemoteBytes | undefined;

  /** Sends one command; an error reply rejects. @internal */
  abstract send(request: Request): Promise<Reply>;

  /** Sends commands together, errors among their replies. @internal */
  abstract sendAll(requests: readonly Request[], atomic: boolean): Promise<Reply[]>;

  /** The same with replies as RESP2 has them. @internal */
  protected abstract flat(): Flat;

  /** What `toFetchHandler` and `requester` of `redstart/upstash` run requests on. */
  backend(): Backend {
    return new Rest(this.flat());
  }

  /** Any command: `await store.call('SET', 'k', 'v', { EX: 60 })`. */
  async call(...command: Input[]): Promise<Reply> {
    const { head, inputs } = named(command);
    return this.invoke(head, inputs, false);
  }

  /** Any command as one list. */
  async sendCommand(command: readonly Input[]): Promise<Reply> {
    return this.call(...listed(command, 'sendCommand'));
  }

  /** The same commands with bytes instead of strings in their replies: `await store.bytes.get('k')`. */
  get bytes(): RemoteBytes {
    return (this.view ??= new BytesView(this) as unknown as RemoteBytes);
  }

  /** Gathers commands: `await store.pipeline().set('k', 1).incr('k').exec()`, errors among the replies. */
  pipeline(): Queue<'later'> {
    return new Queue(async (requests) => this.sendAll(requests.map(allowed), false));
  }

  /** Gathers commands that are run as one transaction. */
  multi(): Queue<'later'> {
    return new Queue(async (requests) => transactionReplies(await this.sendAll(transactionOf(requests.map(allowed)), true)));
  }

  /** @internal */
  invoke(head: Request['head'], inputs: readonly unknown[], bytes: boolean): Promise<Reply> {
    try {
      return this.send(allowed({ head, args: plainArgs(head, inputs), bytes }));
    } catch (error) {
      // All that is wrong is told by the promise.
      return Promise.reject(error);
    }
  }
}

class BytesView {
  readonly commander: Commander;

  constructor(commander: Commander) {
    this.commander = commander;
  }

  async call(...command: Input[]): Promise<Reply> {
    const { head, inputs } = named(command);
    return this.commander.invoke(head, inputs, true);
  }
}

type Method = (...inputs: never[]) => unknown;

for (const name of SCANS) {
  const head = headOf(name);
  Object.defineProperty(Commander.prototype, name, {
    value(this: Commander, ...inputs: unknown[]) {
      return isWalk(name, inputs) ? walkLater((command) => this.call(...command), name, inputs) : this.invoke(head, inputs, false);
    },
    writable: true,
    configurable: true,
  });
}
install(Commander.prototype, (head) => function (this: Commander, ...inputs: unknown[]) {
  return this.invoke(head, inputs, false);
} as Method);
install(BytesView.prototype, (head) => function (this: BytesView, ...inputs: unknown[]) {
  return this.commander.invoke(head, inputs, true);
} as Method);
