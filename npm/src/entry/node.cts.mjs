// As node.mjs, for require().
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { initSync, setLoader, setSpawner } from '../index.js';
try {
  initSync(readFileSync(join(__dirname, 'engine.wasm')));
} catch {
  setLoader(async () => require('./bytes.cjs')());
}
setSpawner({ worker: () => new Worker(join(__dirname, 'worker.node.mjs')) });
export * from '../index.js';
