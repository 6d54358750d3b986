/** Redis in this process. Start with `await Engine.open()`. */

export { Engine, type Bytes, type EngineOptions, type Listener } from './engine.js';
export { Client } from './client.js';
export { Connection } from './connection.js';
export type { Clock } from './clock.js';
export { EngineDeadError, ReplyError } from './error.js';
export { init, initSync, type ModuleSource } from './module.js';
export type { Arg, Input, Options } from './request.js';
export type { Reply } from './reply.js';
export type { Commands } from './generated/commands.js';
/** @internal */
export { setLoader } from './module.js';
