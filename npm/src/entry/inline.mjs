// The engine inside the code: nothing to fetch, nothing for a bundler to copy.
import { setLoader, setSpawner, setStorages } from '../index.js';
async function engine() {
  const text = atob('ENGINE');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
setLoader(engine);
setStorages({
  indexeddb: async (name) => new (await import('./storages.mjs')).IndexedDbStorage(name),
  opfs: async (path) => new (await import('./storages.mjs')).OpfsStorage(path),
});
setSpawner({
  async worker() {
    const { default: code } = await import('./inline-worker.mjs');
    const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const worker = new Worker(address, { name: 'redstart' });
    worker.addEventListener('message', () => URL.revokeObjectURL(address), { once: true });
    worker.postMessage({ engine: await engine() });
    return worker;
  },
});
export * from '../index.js';
