/** Redis in Cloudflare's Durable Objects: an object to extend, and what calls it. */

export { RedisObject, type ObjectOptions } from './object.js';
export { Cluster, type ClusterOptions, hashSlot } from './cluster.js';
export { connect, objectHost, Remote, type Namespace, type Target } from './remote.js';
export { Commander, type RemoteBytes } from './commander.js';
export { SqliteStorage } from './sqlite.js';
export type { Base, Storage } from '../storage.js';
