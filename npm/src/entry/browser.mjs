// Fetched at the first open(). Addresses stand where bundlers look for them.
import { setLoader, setSpawner, setStorages } from '../index.js';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
setStorages({
  indexeddb: async (name) => new (await import('./storages.mjs')).IndexedDbStorage(name),
  opfs: async (path) => new (await import('./storages.mjs')).OpfsStorage(path),
});
setSpawner({
  worker: () => new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module', name: 'redstart' }),
  shared: (name) => new SharedWorker(new URL('./worker.mjs', import.meta.url), { type: 'module', name }),
});
export * from '../index.js';
