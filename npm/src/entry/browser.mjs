// Fetched at the first open(). Addresses stand where bundlers look for them.
import { setLoader, setSpawner } from '../index.js';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
setSpawner({
  worker: () => new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module', name: 'redstart' }),
  shared: (name) => new SharedWorker(new URL('./worker.mjs', import.meta.url), { type: 'module', name }),
});
export * from '../index.js';
