// An engine in a worker or SharedWorker. It does not import browser.mjs, which names this file: bundlers would go in circles.
import { serveScope, setLoader, setStorages } from '../index.js';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
setStorages({
  indexeddb: async (name) => new (await import('./storages.mjs')).IndexedDbStorage(name),
  opfs: async (path) => new (await import('./storages.mjs')).OpfsStorage(path),
});
serveScope(globalThis);
export { serveScope };
