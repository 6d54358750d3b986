/** The cases inside workerd, by miniflare. An engine is also made at module scope, where Workers allow least. */
import { fileURLToPath } from 'node:url';
import { Miniflare } from 'miniflare';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const worker = `
import * as redstart from './dist/workerd.mjs';
import { runAll } from './test/cases.mjs';
import { runStore } from './test/store-cases.mjs';
const early = redstart.Engine.openSync();
export default {
  async fetch() {
    early.set('k', 'v');
    const result = await runAll(redstart);
    const store = await runStore(redstart, () => redstart.Store.open());
    result.passed += store.passed;
    result.failed.push(...store.failed);
    if (early.get('k') !== 'v') result.failed.push('an engine made at module scope');
    return Response.json(result);
  },
};`;
const root = path('..');
const miniflare = new Miniflare({
  compatibilityDate: '2026-04-01',
  modulesRoot: root,
  modules: [
    { type: 'ESModule', path: `${root}worker.mjs`, contents: worker },
    { type: 'ESModule', path: `${root}dist/workerd.mjs` },
    { type: 'ESModule', path: `${root}dist/core.mjs` },
    { type: 'ESModule', path: `${root}test/cases.mjs` },
    { type: 'ESModule', path: `${root}test/store-cases.mjs` },
    { type: 'CompiledWasm', path: `${root}dist/engine.wasm` },
  ],
});
let failures = 1;
try {
  const response = await miniflare.dispatchFetch('http://localhost/');
  const { passed, failed } = await response.json();
  console.log(`workerd: ${passed} passed, ${failed.length} failed`);
  for (const line of failed) console.log(`  ${line}`);
  failures = failed.length;
} finally {
  await miniflare.dispose();
}
process.exit(failures ? 1 : 0);
