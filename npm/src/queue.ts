/**
 * Commands that are gathered and run together: `pipeline()` in one message, `multi()` also as one transaction.
 *
 *     const [ok, count] = await store.multi().set('k', 1).incr('n').exec();
 */

import type { Commands } from './generated/commands.js';
import type { Reply } from './reply.js';
import type { Head, Input } from './request.js';
import type { Scans } from './scan.js';
import { headOf, install, listed, type Out, plainArgs, type Request, requestOf } from './table.js';

/** Runs what was gathered; errors stand among the replies. `null`: a watched key has changed, and nothing was run. */
export type Runner = (requests: readonly Request[]) => Reply[] | null | Promise<Reply[] | null>;

type Queued<M extends 'now' | 'later'> = M extends 'now' ? 'queued' : 'queuedForLater';

export interface Queue<M extends 'now' | 'later' = 'later'>
  extends Omit<Commands<string, Queued<M>>, 'exec'>,
    Scans<string, Queued<M>> {}

export class Queue<M extends 'now' | 'later' = 'later'> {
  private requests: Request[] = [];
  private readonly runner: Runner;

  /** @internal */
  constructor(runner: Runner) {
    this.runner = runner;
  }

  /** How many commands were gathered. */
  get length(): number {
    return this.requests.length;
  }

  /** Any command: `queue.call('SET', 'k', 'v', {EX: 60})`. */
  call(...command: Input[]): this {
    this.requests.push(requestOf(command));
    return this;
  }

  /** Any command as one list; with `bytes` its strings come as bytes. */
  sendCommand(command: readonly Input[], bytes = false): this {
    this.requests.push(requestOf(listed(command, 'sendCommand'), bytes));
    return this;
  }

  /**
   * Runs the commands and gives their replies in order. A command that failed has its `ReplyError` there;
   * if a transaction as a whole is refused, that error is thrown. If a key has changed that was watched before
   * (`watch` on an engine, or in `transaction`), nothing was run, and it is `null`, though the type does not say so.
   */
  exec(): Out<M, Reply[]> {
    const requests = this.requests;
    this.requests = [];
    return this.runner(requests) as Out<M, Reply[]>;
  }
}

install(Queue.prototype, (head: Head) => function (this: Queue, ...inputs: unknown[]) {
  (this as unknown as { requests: Request[] }).requests.push({ head, args: plainArgs(head, inputs), bytes: false });
  return this;
} as (...inputs: never[]) => unknown);

const MULTI: Request = { head: headOf('multi'), args: [], bytes: false };
const EXEC: Request = { head: headOf('exec'), args: [], bytes: false };

/** `requests` between MULTI and EXEC. */
export function transactionOf(requests: readonly Request[]): Request[] {
  // The replies come with EXEC's: as bytes if any of them is wanted so.
  return [MULTI, ...requests, { ...EXEC, bytes: requests.some((request) => request.bytes) }];
}

/** What the transaction replied, given all replies to `transactionOf`. Throws if it was refused. */
export function transactionReplies(replies: readonly Reply[]): Reply[] | null {
  const last = replies.at(-1)!;
  if (!(last instanceof Error)) return last as Reply[] | null;
  // EXECABORT does not say why; the first command that could not be queued does.
  const cause = replies.slice(1, -1).find((reply) => reply instanceof Error);
  if (cause) (last as Error).cause = cause;
  throw last;
}
