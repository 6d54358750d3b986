/**
 * Upstash's REST protocol on an engine of one's own: `@upstash/redis` unchanged, with or without HTTP.
 *
 * `requester(engine)` goes into `new Redis(…)` in place of a URL and a token; `toFetchHandler(engine, …)`
 * is a server for any runtime that has `Request` and `Response`.
 */

import { type Arg, Client, type Engine, type Reply, ReplyError } from './index.js';

/** What a batch or a single command comes to. */
type Result = { result: unknown } | { error: string };

/** What is about a connection, which requests over HTTP share. */
const OF_A_CONNECTION = new Set([
  'auth', 'asking', 'client', 'discard', 'exec', 'hello', 'monitor', 'multi', 'psubscribe', 'punsubscribe', 'quit', 'readonly', 'readwrite',
  'reset', 'select', 'ssubscribe', 'subscribe', 'sunsubscribe', 'swapdb', 'unsubscribe', 'unwatch', 'watch', 'shutdown', 'sync', 'psync',
]);

/** Commands of connections that a reader may send, and those that read too much at once. */
const HARMLESS = new Set(['ping', 'echo']);
const TOO_MUCH = new Set(['keys', 'scan']);

/** Runs commands for many requests on one connection. */
class Runner {
  private readonly engine: Engine;
  private shared: Client | undefined;
  private readonly flags = new Map<string, readonly string[]>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** A connection for one purpose, in RESP2. */
  client(): Client {
    return new Client(this.engine, 'upstash:0');
  }

  /** Why the command may not be sent; nothing if it may. */
  refused(command: readonly Arg[], readOnly: boolean): string | undefined {
    const name = String(command[0]).toLowerCase();
    const waits = this.flagsOf(name).includes('blocking') && (!/^xread/.test(name) || command.some((arg) => String(arg).toLowerCase() === 'block'));
    if (waits || OF_A_CONNECTION.has(name)) return `ERR Command is not available: '${name}'`;
    if (!readOnly) return undefined;
    const reads = HARMLESS.has(name) || (this.flagsOf(name).includes('readonly') && !TOO_MUCH.has(name));
    return reads ? undefined : `NOPERM this user has no permissions to run the '${name}' command`;
  }

  async run(command: readonly Arg[], readOnly: boolean, bytes: boolean): Promise<Reply> {
    const refused = this.refused(command, readOnly);
    if (refused) return new ReplyError(refused);
    if (!this.shared?.connection.isOpen) this.shared = this.client();
    return this.shared.send(scripted(command), bytes);
  }

  async raw(command: readonly Arg[], readOnly: boolean): Promise<Uint8Array> {
    const refused = this.refused(command, readOnly);
    if (refused) return new TextEncoder().encode(`-${refused}\r\n`);
    if (!this.shared?.connection.isOpen) this.shared = this.client();
    return this.shared.raw(scripted(command));
  }

  /** All of them in one transaction: their replies, or the error that refused the whole. */
  async transaction(commands: readonly (readonly Arg[])[], readOnly: boolean, bytes: boolean): Promise<Reply[] | ReplyError> {
    for (const command of commands) {
      const refused = this.refused(command, readOnly);
      if (refused) return new ReplyError(refused);
    }
    const client = this.client();
    try {
      void client.send(['MULTI']);
      for (const command of commands) void client.send(scripted(command));
      return (await client.send(['EXEC'], bytes)) as Reply[] | ReplyError;
    } finally {
      client.close();
    }
  }

  private flagsOf(name: string): readonly string[] {
    let flags = this.flags.get(name);
    if (!flags) {
      const [info] = this.engine.call('COMMAND', 'INFO', name) as [null | [string, number, string[]]];
      flags = info?.[2] ?? [];
      if (this.flags.size < 1024) this.flags.set(name, flags);
    }
    return flags;
  }
}

/** Upstash's own scripts have a flag that Redis does not know. */
function scripted(command: readonly Arg[]): readonly Arg[] {
  const [name, script, ...rest] = command;
  if (!/^(eval|eval_ro|script)$/i.test(String(name))) return command;
  const at = /^script$/i.test(String(name)) ? 2 : 1;
  const text = command[at];
  if (typeof text !== 'string' || !text.startsWith('#!lua') || !text.includes('allow-key-locking')) return command;
  const cleaned = text.replace(/^(#!lua[^\n]*)/, (line) => {
    const kept = line.replace(/,?allow-key-locking,?/, (found) => (found.startsWith(',') && found.endsWith(',') ? ',' : ''));
    return kept.replace(/ +flags=(?= |$)/, '');
  });
  return at === 1 ? [name!, cleaned, ...rest] : [name!, script!, cleaned, ...rest.slice(1)];
}

/** Replies as JSON has them: bytes as text or base64, integers that a number cannot hold as text. */
function plain(reply: Reply, base64: boolean): unknown {
  if (reply instanceof Uint8Array) return base64 ? toBase64(reply) : new TextDecoder().decode(reply);
  if (typeof reply === 'string') return base64 && reply !== 'OK' ? toBase64(new TextEncoder().encode(reply)) : reply;
  if (typeof reply === 'bigint') return String(reply);
  if (reply instanceof ReplyError) return reply.message;
  if (Array.isArray(reply)) return reply.map((item) => plain(item, base64));
  return reply;
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

function result(reply: Reply, base64: boolean): Result {
  return reply instanceof ReplyError ? { error: reply.message } : { result: plain(reply, base64) };
}

/** What `@upstash/redis` asks of whatever carries its requests. */
export interface UpstashRequest {
  path?: string[];
  body?: unknown;
  onMessage?: (data: string) => void;
  signal?: AbortSignal;
}

/** A carrier of requests: `new Redis(requester(engine))` of `@upstash/redis`. */
export interface Requester {
  readYourWrites?: boolean;
  upstashSyncToken?: string;
  request<T>(request: UpstashRequest): Promise<T>;
}

/** Carries the requests of `@upstash/redis` to `engine`, in this process and without HTTP. */
export function requester(engine: Engine): Requester {
  const runner = new Runner(engine);
  const carry = async ({ path, body, onMessage, signal }: UpstashRequest): Promise<unknown> => {
    const [way, ...names] = path ?? [];
    switch (way) {
      case 'pipeline':
        return Promise.all((body as Arg[][]).map(async (command) => result(await runner.run(words(command), false, false), false)));
      case 'multi-exec': {
        const replies = await runner.transaction((body as Arg[][]).map(words), false, false);
        return replies instanceof ReplyError ? { error: replies.message } : replies.map((reply) => result(reply, false));
      }
      case 'subscribe':
      case 'psubscribe': {
        const stop = listen(runner, way, names.map(decodeURIComponent), (line) => onMessage?.(line));
        signal?.addEventListener('abort', stop);
        return { result: 1 };
      }
      default: {
        const reply = await runner.run(words(body as Arg[]), false, false);
        // The client throws what is thrown here, as it does with what a server refuses.
        if (reply instanceof ReplyError) throw new Error(`${reply.message}, command was: ${JSON.stringify(body)}`);
        return { result: plain(reply, false) };
      }
    }
  };
  return { readYourWrites: false, upstashSyncToken: '', request: carry as Requester['request'] };
}

/** Arguments as they are sent: JSON's other values as text. */
function words(command: unknown): Arg[] {
  if (!Array.isArray(command) || command.length === 0) throw new TypeError('ERR failed to parse command: expected a list of arguments');
  return command.map((arg) => (typeof arg === 'string' || typeof arg === 'number' || arg instanceof Uint8Array ? arg : typeof arg === 'object' ? JSON.stringify(arg) : String(arg)));
}

/** Calls `line` with each message as Upstash words it, until the function that is returned is called. */
function listen(runner: Runner, way: 'subscribe' | 'psubscribe' | 'monitor', names: readonly string[], line: (text: string) => void): () => void {
  const client = runner.client();
  client.onMessage = (message) => line(typeof message === 'string' ? JSON.stringify(message) : (message as Reply[]).map(String).join(','));
  void client.send([way, ...names]).then((reply) => line(typeof reply === 'string' ? JSON.stringify(reply) : Array.isArray(reply) ? reply.map(String).join(',') : String(reply)));
  return () => client.close();
}

/** How a fetch handler is to be. */
export interface HandlerOptions {
  /** Requests must have this token, as `Authorization: Bearer …` or `?_token=…`. */
  token: string;
  /** Requests with this one may only read. */
  readOnlyToken?: string;
  /** The most bytes a body may have; more are refused with status 413. 10 MiB unless set. */
  maxBody?: number;
}

/** What the token of a request allows; nothing if it has none that is known. */
export function accessOf(request: Request, options: HandlerOptions, url: URL = new URL(request.url)): 'write' | 'read' | undefined {
  const given = /^Bearer (.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? url.searchParams.get('_token') ?? '';
  if (same(given, options.token)) return 'write';
  return options.readOnlyToken !== undefined && same(given, options.readOnlyToken) ? 'read' : undefined;
}

/** The answer to a request without a token that is known. */
export function unauthorized(): Response {
  return refuse(401, 'WRONGPASS invalid or missing auth token');
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/**
 * A server for Upstash's REST protocol: single commands (in the path or the body), `/pipeline`,
 * `/multi-exec`, `/subscribe`, `/psubscribe` and `/monitor` as server-sent events, the encodings `base64`
 * and `resp2`.
 */
export function toFetchHandler(engine: Engine, options: HandlerOptions): (request: Request) => Promise<Response> {
  if (!options.token) throw new TypeError('toFetchHandler: expected a token');
  const runner = new Runner(engine);
  const limit = options.maxBody ?? 10 * 1024 * 1024;

  return async (request) => {
    const url = new URL(request.url);
    const access = accessOf(request, options, url);
    if (!access) return unauthorized();
    const readOnly = access === 'read';
    if (!['GET', 'POST', 'PUT', 'HEAD'].includes(request.method)) return refuse(405, 'ERR method not allowed');
    url.searchParams.delete('_token');

    const body = await bounded(request, limit);
    if (body === undefined) return refuse(413, `ERR max request size exceeded. Limit: ${limit} bytes`);
    const base64 = request.headers.get('upstash-encoding')?.toLowerCase() === 'base64';
    const format = request.headers.get('upstash-response-format')?.toLowerCase() ?? 'json';
    if (format !== 'json' && format !== 'resp2') return refuse(400, 'ERR unsupported response format');
    if (format === 'resp2' && base64) return refuse(400, 'ERR base64 encoding goes with json only');

    const path = url.pathname.split('/').filter((part) => part !== '');
    try {
      const [first = ''] = path;
      if (first === 'pipeline' || first === 'multi-exec') {
        const commands = JSON.parse(new TextDecoder().decode(body)) as unknown;
        if (!Array.isArray(commands)) return refuse(400, 'ERR failed to parse pipeline: expected a list of commands');
        return await batch(runner, first, commands.map(words), readOnly, base64, format);
      }
      const wantsEvents = first === 'subscribe' || first === 'psubscribe' || first === 'monitor';
      if (wantsEvents) {
        if (first === 'monitor' && readOnly) return refuse(400, "NOPERM this user has no permissions to run the 'monitor' command");
        return events(runner, first, path.slice(1).map(decodeURIComponent));
      }
      const command = path.length > 0 ? inPath(path, url.searchParams, request.method, body) : words(JSON.parse(new TextDecoder().decode(body)));
      if (format === 'resp2') return new Response((await runner.raw(command, readOnly)) as unknown as BodyInit, { headers: { 'content-type': 'application/octet-stream' } });
      const reply = await runner.run(command, readOnly, true);
      return answer(result(reply, base64), reply instanceof ReplyError ? 400 : 200);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError || error instanceof URIError) {
        return refuse(400, error.message.startsWith('ERR ') ? error.message : `ERR failed to parse command: ${error.message}`);
      }
      throw error;
    }
  };
}

async function batch(runner: Runner, way: string, commands: Arg[][], readOnly: boolean, base64: boolean, format: string): Promise<Response> {
  if (way === 'pipeline') {
    if (format === 'resp2') {
      const parts = await Promise.all(commands.map((command) => runner.raw(command, readOnly)));
      return new Response(new Blob(parts as unknown as BlobPart[]), { headers: { 'content-type': 'application/octet-stream' } });
    }
    return answer(await Promise.all(commands.map(async (command) => result(await runner.run(command, readOnly, true), base64))), 200);
  }
  if (format === 'resp2') return refuse(400, 'ERR resp2 does not go with multi-exec');
  const replies = await runner.transaction(commands, readOnly, true);
  if (replies instanceof ReplyError) return answer({ error: replies.message }, 400);
  return answer(replies.map((reply) => result(reply, base64)), 200);
}

function events(runner: Runner, way: 'subscribe' | 'psubscribe' | 'monitor', names: readonly string[]): Response {
  let stop = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      stop = listen(runner, way, names, (line) => controller.enqueue(encoder.encode(`data: ${line}\n\n`)));
    },
    cancel: () => stop(),
  });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } });
}

/** `/set/key/value?EX=60`: the words of the path, the body of a POST, and the query. */
function inPath(path: readonly string[], query: URLSearchParams, method: string, body: Uint8Array): Arg[] {
  const command: Arg[] = path.map(decodeURIComponent);
  if ((method === 'POST' || method === 'PUT') && body.length > 0) command.push(body);
  for (const [name, value] of query) {
    command.push(name);
    if (value !== '') command.push(value);
  }
  return command;
}

/** The body; nothing if there is more of it than `limit` bytes. */
async function bounded(request: Request, limit: number): Promise<Uint8Array | undefined> {
  if (!request.body) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Compares in a time that depends on the length alone. */
function same(given: string, token: string): boolean {
  const [a, b] = [new TextEncoder().encode(given), new TextEncoder().encode(token)];
  let differs = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) differs |= a[i]! ^ b[i % b.length]!;
  return differs === 0;
}

function answer(body: unknown, status: number): Response {
  return new Response(JSON.stringify(body), { status, headers: JSON_TYPE });
}

function refuse(status: number, error: string): Response {
  return answer({ error }, status);
}
