// The file beside this one; where a bundler has moved the code away from it, the copy inside bytes.mjs.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { initSync, setLoader, setSpawner, setStorages } from '../index.js';
try {
  initSync(readFileSync(fileURLToPath(new URL('./engine.wasm', import.meta.url))));
} catch {
  setLoader(async () => (await import('./bytes.mjs')).default());
}
setSpawner({ worker: () => new Worker(fileURLToPath(new URL('./worker.node.mjs', import.meta.url))) });
setStorages({ file: async (folder) => new (await import('./storage.mjs')).FileStorage(folder) });
export * from '../index.js';
