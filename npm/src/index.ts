/** Redis in this process. Start with `await Engine.open()`. */

export { Engine, type Bytes, type EngineOptions } from './engine.js';
export { Store, type StoreBytes, type StoreOptions, type Transaction } from './store.js';
export type { Durability } from './keeper.js';
export type { Base, Storage } from './storage.js';
export type { Queue } from './queue.js';
export type { LiveQuery } from './live.js';
export type { Feed, Listener, Message } from './feed.js';
export type { KeyScanOptions, ScanOptions } from './scan.js';
export type { Channel, Host } from './channel.js';
export { webSocket } from './websocket.js';
export type { Spawn, WorkerLike } from './spawn.js';
export type { PortLike } from './port.js';
export { Client } from './client.js';
export { Connection } from './connection.js';
export type { Clock } from './clock.js';
export { ConnectionLostError, EngineDeadError, ReplyError, TransactionConflictError } from './error.js';
export { init, initSync, type ModuleSource } from './module.js';
export type { Arg, Fields, Input, Options } from './request.js';
export type { Reply } from './reply.js';
export type { Commands } from './generated/commands.js';
/** @internal */
export { setLoader } from './module.js';
/** @internal */
export { setSpawner } from './spawn.js';
/** @internal */
export { serveScope } from './worker.js';
/** @internal */
export { setStorages } from './storage.js';
