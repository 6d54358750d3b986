/** What a bundled page does: the cases of an engine, of stores in the places that it has, and of a storage; then it says so. */
import { runAll } from '../cases.mjs';
import { runStorageCases } from '../storage-cases.mjs';
import { runStore } from '../store-cases.mjs';

/** `places`: where all cases are run; `others`: where a store is opened and asked. */
export async function run(redstart, Storage, places, others) {
  const { Store } = redstart;
  const results = { engine: await runAll(redstart) };
  const stores = Object.entries(places).map(async ([name, options]) => {
    results[name] = await runStore(redstart, () => Store.open(options));
  });
  const storage = async () => {
    results['a storage'] = await runStorageCases(redstart, (name) => new Storage(name));
  };
  const asked = Object.entries(others).map(async ([name, options]) => {
    const store = await Store.open(options);
    // A page that a development server has loaded again finds what it wrote before.
    await store.flushall();
    const n = await store.incr('n');
    store.close();
    results[name] = { passed: 1, failed: n === 1 ? [] : [`expected 1, got ${n}`] };
  });
  // They wait more than they work.
  const ended = await Promise.allSettled([...stores, storage(), ...asked]);
  const failed = ended.filter(({ status }) => status === 'rejected').map(({ reason }) => String(reason?.stack ?? reason));
  globalThis.results = { ...results, page: { passed: 0, failed } };
}
