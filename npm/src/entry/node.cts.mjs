// As node.mjs, for require().
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { initSync, setLoader, setSpawner, setStorages } from '../index.js';
try {
  initSync(readFileSync(join(__dirname, 'engine.wasm')));
} catch {
  setLoader(async () => require('./bytes.cjs')());
}
setSpawner({ worker: () => new Worker(join(__dirname, 'worker.node.mjs')) });
setStorages({ file: async (folder) => new (require('./storage.cjs').FileStorage)(folder) });
export * from '../index.js';
