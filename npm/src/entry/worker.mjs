// An engine in a worker or SharedWorker. It does not import browser.mjs, which names this file: bundlers would go in circles.
import { serveScope, setLoader, setStorages } from '../index.js';
// Not with import(): bundlers that make a worker one script cannot.
import { IndexedDbStorage, OpfsStorage } from './storages.mjs';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
setStorages({ indexeddb: async (name) => new IndexedDbStorage(name), opfs: async (path) => new OpfsStorage(path) });
serveScope(globalThis);
export { serveScope };
