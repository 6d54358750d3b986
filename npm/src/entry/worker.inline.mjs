// An engine in a worker that is made of a text: the page sends the WebAssembly first.
import { serveScope, setLoader, setStorages } from '../index.js';
import { IndexedDbStorage, OpfsStorage } from '../storages/index.js';
const engine = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data.engine), { once: true }));
setLoader(() => engine);
setStorages({ indexeddb: async (name) => new IndexedDbStorage(name), opfs: async (path) => new OpfsStorage(path) });
serveScope(globalThis);
