/** The cases inside workerd, by miniflare. An engine is also made at module scope, where Workers allow least. */
import { worker } from './workers.mjs';

const contents = `
import * as redstart from 'redstart';
import { runAll } from './cases.mjs';
import { runStore } from './store-cases.mjs';
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
const miniflare = await worker({ contents });
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
