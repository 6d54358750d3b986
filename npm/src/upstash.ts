/**
 * Upstash's REST protocol on an engine of one's own: `@upstash/redis` unchanged, with or without HTTP.
 *
 * `requester(engine)` goes into `new Redis(…)` in place of a URL and a token; `toFetchHandler(engine, …)`
 * is a server for any runtime that has `Request` and `Response`. In an engine's place may be a store, or the
 * objects of `redstart/durable-object`.
 */

import { type Arg, Client, ConnectionLostError, type Engine, EngineDeadError, type Reply, ReplyError, type Store } from './index.js';
import { waits } from './waits.js';

/** What a batch or a single command comes to. */
type Result = { result: unknown } | { error: string };

/** Events that a request may ask for. */
export type Events = 'subscribe' | 'psubscribe' | 'monitor';

/** What commands are run on. Replies are as RESP2 has them, and errors stand among them. */
export interface Backend {
  send(command: readonly Arg[], bytes: boolean): Promise<Reply>;
  /** The same with the reply in RESP2. */
  raw(command: readonly Arg[]): Promise<Uint8Array>;
  /** Runs a command that waits. Where this is missing, such commands are refused. */
  wait?(command: readonly Arg[], bytes: boolean, signal: AbortSignal | undefined): Promise<Reply>;
  /** All of them in one transaction: their replies, or the error that refused the whole. */
  transaction(commands: readonly (readonly Arg[])[], bytes: boolean): Promise<Reply[] | ReplyError>;
  /** Tells what comes, as lists of words, until the function that is returned is called; or that nothing more will come. */
  listen(way: Events, names: readonly string[], tell: (words: readonly string[]) => void, ended: () => void): () => void;
  flags(name: string): readonly string[] | Promise<readonly string[]>;
}

/** Where commands may be run: an engine, a store wherever its engine lives, an object or a cluster of them. */
export type Place = Engine | Store | { backend(): Backend };

/** An engine or a store, by a connection that requests share. */
class Connected implements Backend {
  private readonly open: () => Client | Promise<Client>;
  private shared: Client | Promise<Client> | undefined;
  private readonly known = new Map<string, readonly string[]>();

  constructor(place: Engine | Store) {
    this.open = 'openClient' in place ? () => place.openClient('upstash:0') : () => new Client(place, 'upstash:0');
  }

  async send(command: readonly Arg[], bytes: boolean): Promise<Reply> {
    const client = this.client();
    return client instanceof Client ? client.send(command, bytes) : (await client).send(command, bytes);
  }

  async raw(command: readonly Arg[]): Promise<Uint8Array> {
    const client = this.client();
    return client instanceof Client ? client.raw(command) : (await client).raw(command);
  }

  async wait(command: readonly Arg[], bytes: boolean, signal: AbortSignal | undefined): Promise<Reply> {
    const client = await this.open();
    const close = () => client.close();
    if (signal?.aborted) close();
    signal?.addEventListener('abort', close);
    // The engine's own timers keep no process alive, but somebody waits here.
    const awake = setInterval(() => undefined, 0x7fffffff);
    try {
      return await client.send(command, bytes);
    } finally {
      clearInterval(awake);
      signal?.removeEventListener('abort', close);
      close();
    }
  }

  async transaction(commands: readonly (readonly Arg[])[], bytes: boolean): Promise<Reply[] | ReplyError> {
    const client = await this.client();
    // They are written in one go, so nobody's commands come between them.
    void client.send(['MULTI']);
    for (const command of commands) void client.send(command);
    return (await client.send(['EXEC'], bytes)) as Reply[] | ReplyError;
  }

  listen(way: Events, names: readonly string[], tell: (words: readonly string[]) => void, ended: () => void): () => void {
    let stopped = false;
    let client: Client | undefined;
    const heard = (message: Reply) => {
      if (!stopped) tell((Array.isArray(message) ? message : [message instanceof Error ? message.message : message]).map(String));
    };
    const end = () => {
      if (!stopped) ended();
      stopped = true;
    };
    void (async () => {
      client = await this.open();
      if (stopped) return client.close();
      // The reply is told a turn later than what comes behind it: they keep their order.
      const early: Reply[] = [];
      client.onMessage = (message) => void early.push(message);
      heard(await client.send([way, ...names]));
      client.onMessage = heard;
      early.forEach(heard);
      client.onClose(end);
    })().catch((error: Error) => {
      heard(error as ReplyError);
      end();
    });
    return () => {
      stopped = true;
      client?.close();
    };
  }

  flags(name: string): readonly string[] | Promise<readonly string[]> {
    return (
      this.known.get(name) ??
      this.send(['COMMAND', 'INFO', name], false).then((reply) => {
        const [info] = reply as [null | [string, number, string[]]];
        const flags = info?.[2] ?? [];
        if (this.known.size < 1024) this.known.set(name, flags);
        return flags;
      })
    );
  }

  private client(): Client | Promise<Client> {
    const shared = this.shared;
    if (shared && (!(shared instanceof Client) || shared.isOpen)) return shared;
    const opening = (this.shared = this.open());
    if (!(opening instanceof Client)) {
      opening.then(
        (client) => (this.shared = client),
        () => (this.shared = undefined),
      );
    }
    return opening;
  }
}

/** What is about a connection, which requests over HTTP share. */
const OF_A_CONNECTION = new Set([
  'auth', 'asking', 'client', 'discard', 'exec', 'hello', 'monitor', 'multi', 'psubscribe', 'punsubscribe', 'quit', 'readonly', 'readwrite',
  'reset', 'select', 'ssubscribe', 'subscribe', 'sunsubscribe', 'swapdb', 'unsubscribe', 'unwatch', 'watch', 'shutdown', 'sync', 'psync',
]);

/** Commands of connections that a reader may send, and those that read too much at once. */
const HARMLESS = new Set(['ping', 'echo']);
const TOO_MUCH = new Set(['keys', 'scan']);

/** Commands of several words, some of which read keys. */
const CONTAINERS = new Set(['memory', 'object', 'xinfo']);

/** How a request is to be run. */
interface How {
  readOnly: boolean;
  bytes: boolean;
  signal?: AbortSignal | undefined;
}

/** Runs commands for many requests. */
class Runner {
  private readonly backend: Backend;
  private readonly wait: Backend['wait'];
  private requests = 0;

  constructor(place: Place, mayWait = true) {
    if (typeof place !== 'object' || place === null || !('backend' in place || 'connect' in place)) {
      throw new TypeError('argument 1: expected an engine, a store or what connect() of redstart/durable-object gives');
    }
    this.backend = 'backend' in place ? place.backend() : new Connected(place);
    this.wait = mayWait ? this.backend.wait?.bind(this.backend) : undefined;
  }

  /** Says how far the data are that a reply is of. There is one copy of them, so that any later one is as good. */
  get token(): string {
    return this.requests.toString(36);
  }

  async run(command: readonly Arg[], how: How): Promise<Reply> {
    this.requests++;
    const name = nameOf(command);
    const refused = this.refused(name, command) ?? (how.readOnly ? await this.forbidden(name, command) : undefined);
    if (refused) return new ReplyError(refused);
    if (waits(name, command)) return this.wait!(command, how.bytes, how.signal);
    const plain = name === 'scan' ? withoutTypes(command) : undefined;
    return plain ? this.scan(plain, how.bytes) : this.backend.send(scripted(command), how.bytes);
  }

  async raw(command: readonly Arg[], readOnly: boolean): Promise<Uint8Array> {
    this.requests++;
    const name = nameOf(command);
    const refused = this.refused(name, command) ?? (readOnly ? await this.forbidden(name, command) : undefined) ?? (waits(name, command) ? notHere(name) : undefined);
    return refused ? new TextEncoder().encode(`-${refused}\r\n`) : this.backend.raw(scripted(command));
  }

  /** All of them in one transaction: their replies, or the error that refused the whole. */
  async transaction(commands: readonly (readonly Arg[])[], how: How): Promise<Reply[] | ReplyError> {
    this.requests++;
    for (const command of commands) {
      const name = nameOf(command);
      const refused = this.refused(name, command) ?? (how.readOnly ? await this.forbidden(name, command) : undefined) ?? (waits(name, command) ? notHere(name) : undefined);
      if (refused) return new ReplyError(refused);
    }
    return this.backend.transaction(commands.map(scripted), how.bytes);
  }

  /** Calls `line` with each message as Upstash words it, until the function that is returned is called. */
  listen(way: Events, names: readonly string[], line: (text: string) => void, ended: () => void): () => void {
    return this.backend.listen(way, names, (words) => line(way === 'monitor' && words[0] === 'OK' ? '"OK"' : words.join(',')), ended);
  }

  /** Why nobody may send the command; nothing if they may. */
  private refused(name: string, command: readonly Arg[]): string | undefined {
    if (waits(name, command) && !this.wait) return notHere(name);
    if (name === 'client' && String(command[1]).toLowerCase() === 'setinfo') return undefined;
    return OF_A_CONNECTION.has(name) ? notHere(name) : undefined;
  }

  /** Why a reader may not send it. */
  private async forbidden(name: string, command: readonly Arg[]): Promise<string | undefined> {
    const whole = CONTAINERS.has(name) && typeof command[1] === 'string' ? `${name}|${command[1].toLowerCase()}` : name;
    const reads = HARMLESS.has(name) || (!TOO_MUCH.has(name) && (await this.backend.flags(whole)).includes('readonly'));
    return reads ? undefined : `NOPERM this user has no permissions to run the '${name}' command`;
  }

  /** SCAN with the type of each key behind it, which only Upstash has. */
  private async scan(command: readonly Arg[], bytes: boolean): Promise<Reply> {
    const reply = await this.backend.send(command, bytes);
    if (!Array.isArray(reply)) return reply;
    const [cursor, keys] = reply as [Reply, (string | Uint8Array)[]];
    const types = await Promise.all(keys.map((key) => this.backend.send(['TYPE', key], bytes)));
    return [cursor, keys.flatMap((key, i) => [key, types[i]!])];
  }
}

function nameOf(command: readonly Arg[]): string {
  return String(command[0]).toLowerCase();
}

function notHere(name: string): string {
  return `ERR Command is not available: '${name}'`;
}

/** A SCAN that has WITHTYPE, without it. */
function withoutTypes(command: readonly Arg[]): readonly Arg[] | undefined {
  // Behind the cursor options have a value each.
  for (let at = 2; at < command.length; at += 2) {
    if (String(command[at]).toLowerCase() === 'withtype') return [...command.slice(0, at), ...command.slice(at + 1)];
  }
  return undefined;
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

/** A text of a value's own may begin with what is otherwise a mark of the encoding. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Replies as JSON has them: bytes as text or base64, integers that a number cannot hold as text. */
function plain(reply: Reply, base64: boolean, inside = false): unknown {
  if (reply instanceof Uint8Array) return base64 ? toBase64(reply) : decoder.decode(reply);
  // OK goes as it is, but not within lists, where the client would take it for base64.
  if (typeof reply === 'string') return base64 && (inside || reply !== 'OK') ? toBase64(new TextEncoder().encode(reply)) : reply;
  if (typeof reply === 'bigint') return base64 ? btoa(String(reply)) : String(reply);
  if (reply instanceof ReplyError) return base64 ? toBase64(new TextEncoder().encode(reply.message)) : reply.message;
  if (Array.isArray(reply)) return reply.map((item) => plain(item, base64, true));
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

/** Carries the requests of `@upstash/redis` to `place`, in this process and without HTTP. */
export function requester(place: Place): Requester {
  const runner = new Runner(place);
  const refused = (text: string, body: unknown) => `${text}, command was: ${JSON.stringify(body)}`;
  const how = { readOnly: false, bytes: false };
  const carry = async ({ path, body, onMessage, signal }: UpstashRequest): Promise<unknown> => {
    const [way, ...names] = path ?? [];
    switch (way) {
      case 'pipeline':
        return Promise.all((body as Arg[][]).map(async (command) => result(await runner.run(words(command), { ...how, signal }), false)));
      case 'multi-exec': {
        const replies = await runner.transaction((body as Arg[][]).map(words), how);
        // For batches the client throws what is thrown here, and knows no other way to be told.
        if (replies instanceof ReplyError) throw Object.assign(new Error(refused(replies.message, body)), { name: 'UpstashError' });
        return replies.map((reply) => result(reply, false));
      }
      case 'subscribe':
      case 'psubscribe': {
        if (signal?.aborted) return { result: 1 };
        const stop = runner.listen(way, names, (line) => onMessage?.(line), () => signal?.removeEventListener('abort', stop));
        signal?.addEventListener('abort', stop);
        return { result: 1 };
      }
      default: {
        const reply = await runner.run(words(body), { ...how, signal });
        return reply instanceof ReplyError ? { error: refused(reply.message, body) } : { result: plain(reply, false) };
      }
    }
  };
  const own: Requester = {
    readYourWrites: true,
    upstashSyncToken: '',
    request: (async (request: UpstashRequest) => {
      const answer = await carry(request);
      if (own.readYourWrites) own.upstashSyncToken = runner.token;
      return answer;
    }) as Requester['request'],
  };
  return own;
}

/** Arguments as they are sent: JSON's other values as text. */
function words(command: unknown): Arg[] {
  if (!Array.isArray(command) || command.length === 0) throw new TypeError('ERR failed to parse command: expected a list of arguments');
  return command.map((arg) => (typeof arg === 'string' || typeof arg === 'number' || arg instanceof Uint8Array ? arg : (JSON.stringify(arg) ?? 'null')));
}

/** A body in JSON. Integers that a number would not hold exactly are the text that they were written as. */
function parsed(body: Uint8Array): unknown {
  const text = new TextDecoder().decode(body);
  return JSON.parse(/\d{16}/.test(text) ? quoted(text) : text);
}

/** JSON with its long integers as strings. */
function quoted(json: string): string {
  let out = '';
  // What is between strings, and each string as it is.
  for (let at = 0; at < json.length; ) {
    let quote = json.indexOf('"', at);
    if (quote < 0) quote = json.length;
    out += json.slice(at, quote).replace(/-?\d[\d.eE+-]*/g, (number) => (/^-?[1-9]\d{15,}$/.test(number) ? `"${number}"` : number));
    let end = quote + 1;
    while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
    out += json.slice(quote, end + 1);
    at = end + 1;
  }
  return out;
}

/** How a fetch handler is to be. */
export interface HandlerOptions {
  /** Requests must have this token, as `Authorization: Bearer …` or `?_token=…`. */
  token: string;
  /** Requests with this one may only read. */
  readOnlyToken?: string;
  /** The most bytes a body may have; more are refused with status 413. 10 MiB unless set. */
  maxBody?: number;
  /** Whether commands may wait (`BLPOP`), each on a connection of its own, until its request is aborted. `true` unless set. */
  blocking?: boolean;
}

/** What the token of a request allows; nothing if it has none that is known. */
export function accessOf(request: Request, options: HandlerOptions, url: URL = new URL(request.url)): 'write' | 'read' | undefined {
  const given = /^Bearer (.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? url.searchParams.get('_token') ?? '';
  // A token that is empty, such as a variable that is not set, lets nobody in.
  if (given === '') return undefined;
  if (same(given, options.token)) return 'write';
  return options.readOnlyToken !== undefined && same(given, options.readOnlyToken) ? 'read' : undefined;
}

/** The answer to a request without a token that is known. */
export function unauthorized(): Response {
  return refuse(401, 'WRONGPASS invalid or missing auth token');
}

/** So many bytes may wait for a reader of events, as with Redis's subscribers. */
const UNREAD_MAX = 32 << 20;

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/**
 * A server for Upstash's REST protocol: single commands (in the path or the body), `/pipeline`,
 * `/multi-exec`, `/subscribe`, `/psubscribe` and `/monitor` as server-sent events, the encodings `base64`
 * and `resp2`.
 */
export function toFetchHandler(place: Place, options: HandlerOptions): (request: Request) => Promise<Response> {
  const { token, readOnlyToken, maxBody: limit = 10 * 1024 * 1024 } = options;
  if (typeof token !== 'string' || token === '') throw new TypeError('toFetchHandler: token: expected a text');
  if (readOnlyToken !== undefined && typeof readOnlyToken !== 'string') throw new TypeError('toFetchHandler: readOnlyToken: expected a text');
  if (!(typeof limit === 'number' && limit >= 0)) throw new TypeError(`toFetchHandler: maxBody: expected a number of bytes, got ${String(limit)}`);
  const runner = new Runner(place, options.blocking);

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
    const how = { readOnly, bytes: true, signal: request.signal };
    try {
      const [first = ''] = path;
      if (first === 'pipeline' || first === 'multi-exec') {
        const commands = parsed(body);
        if (!Array.isArray(commands)) return refuse(400, 'ERR failed to parse pipeline: expected a list of commands');
        return synced(await batch(runner, first, commands.map(words), how, base64, format), runner);
      }
      if (first === 'subscribe' || first === 'psubscribe' || first === 'monitor') {
        if (first === 'monitor' && readOnly) return refuse(400, "NOPERM this user has no permissions to run the 'monitor' command");
        const names = path.slice(1).map(decodeURIComponent);
        if (first !== 'monitor' && names.length === 0) return refuse(400, `ERR wrong number of arguments for '${first}' command`);
        return events(runner, first, names, request.signal);
      }
      const command = path.length > 0 ? inPath(path, url.searchParams, request.method, body) : words(parsed(body));
      if (format === 'resp2') return synced(binary(await runner.raw(command, readOnly)), runner);
      const reply = await runner.run(command, how);
      return synced(answer(result(reply, base64), reply instanceof ReplyError ? 400 : 200), runner);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof TypeError || error instanceof URIError || error instanceof RangeError) {
        return refuse(400, error.message.startsWith('ERR ') ? error.message : `ERR failed to parse command: ${error.message}`);
      }
      if (error instanceof ConnectionLostError || error instanceof EngineDeadError) return refuse(503, `ERR ${error.message}`);
      throw error;
    }
  };
}

async function batch(runner: Runner, way: string, commands: Arg[][], how: How, base64: boolean, format: string): Promise<Response> {
  if (way === 'pipeline') {
    if (format === 'resp2') return binary(new Blob((await Promise.all(commands.map((command) => runner.raw(command, how.readOnly)))) as unknown as BlobPart[]));
    return answer(await Promise.all(commands.map(async (command) => result(await runner.run(command, how), base64))), 200);
  }
  if (format === 'resp2') return refuse(400, 'ERR resp2 does not go with multi-exec');
  const replies = await runner.transaction(commands, how);
  if (replies instanceof ReplyError) return answer({ error: replies.message }, 400);
  return answer(replies.map((reply) => result(reply, base64)), 200);
}

function events(runner: Runner, way: Events, names: readonly string[], signal: AbortSignal | undefined): Response {
  let stop = () => {};
  let close = () => {};
  let ended = false;
  const end = () => {
    ended = true;
    stop();
    signal?.removeEventListener('abort', close);
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const encoder = new TextEncoder();
      close = () => {
        if (ended) return;
        end();
        controller.close();
      };
      // A message of several lines has as many lines of data.
      const line = (text: string) => {
        if (ended) return;
        controller.enqueue(encoder.encode(`data: ${text.replace(/\r\n?|\n/g, '\ndata: ')}\n\n`));
        if (controller.desiredSize! >= -UNREAD_MAX) return;
        end();
        controller.error(new Error('it is not read as fast as messages come'));
      };
      if (signal?.aborted) return close();
      stop = runner.listen(way, names, line, close);
      signal?.addEventListener('abort', close);
    },
    cancel: end,
  }, { highWaterMark: 0, size: (chunk) => chunk!.length });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } });
}

/** What the client sends back with its next request, to read what it has written. */
function synced(response: Response, runner: Runner): Response {
  response.headers.set('upstash-sync-token', runner.token);
  return response;
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

function binary(body: unknown): Response {
  return new Response(body as BodyInit, { headers: { 'content-type': 'application/octet-stream' } });
}

function refuse(status: number, error: string): Response {
  return answer({ error }, status);
}
