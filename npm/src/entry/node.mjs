// The file beside this one; where a bundler has moved the code away from it, the copy inside bytes.mjs.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { initSync, setLoader } from '../index.js';
try {
  initSync(readFileSync(fileURLToPath(new URL('./engine.wasm', import.meta.url))));
} catch {
  setLoader(async () => (await import('./bytes.mjs')).default());
}
export * from '../index.js';
