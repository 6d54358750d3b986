/** Storages for runtimes without files, and the interface of your own; encryption for these and for snapshots. */

export { isSealed, seal, type SealKey, unseal } from '../seal.js';
export type { Base, Storage } from '../storage.js';
export { IndexedDbStorage } from './indexeddb.js';
export { MemoryStorage } from './memory.js';
export type { LockOptions } from './lock.js';
export { OpfsStorage } from './opfs.js';
export { PiecesStorage, type Place, type Shelf } from './pieces.js';
export { sealed } from './sealed.js';
