/** As much of Cloudflare's types as is used here; programs have the whole from `wrangler types`. */

interface WebSocketPair {
  0: WebSocket;
  1: WebSocket;
}
declare const WebSocketPair: new () => WebSocketPair;
declare class WebSocketRequestResponsePair {
  constructor(request: string, response: string);
}

interface SqlStorageCursor<T> extends Iterable<T> {
  toArray(): T[];
  one(): T;
}
interface DurableObjectStorage {
  sql: {
    exec<T = Record<string, ArrayBuffer | string | number | null>>(query: string, ...bindings: unknown[]): SqlStorageCursor<T>;
  };
  transactionSync<T>(closure: () => T): T;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}
interface DurableObjectState {
  storage: DurableObjectStorage;
  blockConcurrencyWhile<T>(closure: () => Promise<T>): Promise<T>;
  acceptWebSocket(socket: WebSocket, tags?: string[]): void;
  getWebSockets(tag?: string): WebSocket[];
  setWebSocketAutoResponse(pair?: WebSocketRequestResponsePair): void;
  abort(reason?: string): void;
}
interface DurableObjectId {
  toString(): string;
}
interface DurableObjectNamespace {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId): { fetch(request: Request): Promise<Response> };
}
interface WebSocket {
  accept(): void;
  serializeAttachment(attachment: unknown): void;
  deserializeAttachment(): unknown;
}
interface Response {
  readonly webSocket: WebSocket | null;
}
interface ResponseInit {
  webSocket?: WebSocket | null;
}

declare module 'cloudflare:workers' {
  export abstract class DurableObject<Env = unknown> {
    protected ctx: DurableObjectState;
    protected env: Env;
    constructor(ctx: DurableObjectState, env: Env);
  }
}
