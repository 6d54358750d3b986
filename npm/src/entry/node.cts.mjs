// As node.mjs, for require().
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initSync, setLoader } from '../index.js';
try {
  initSync(readFileSync(join(__dirname, 'engine.wasm')));
} catch {
  setLoader(async () => require('./bytes.cjs')());
}
export * from '../index.js';
