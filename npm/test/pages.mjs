/**
 * A browser's pages, `node test/pages.mjs chromium|firefox`: the cases of engines, of stores in every place that a page
 * has for them, and of storages; tabs that share an engine, and pages that are closed without a word.
 */
import { openBrowser } from './browsers.mjs';
import { servePackage } from './browser.mjs';

const browser = await openBrowser(process.argv[2]);
// Where everything is installed by `cargo verify`, nothing may be left out.
if (!browser) process.exit(process.env.CI ? 1 : 0);
const server = await servePackage();
let failures = 0;

async function page() {
  const page = await browser.newPage();
  page.on('pageerror', (error) => told('an error in the page', [error.message]));
  await page.goto(`${server.url}/test/page.html`);
  return page;
}

/** Runs a function in a page of its own. */
async function onPage(action, argument) {
  const own = await page();
  try {
    return await own.evaluate(action, argument);
  } finally {
    await own.close();
  }
}

function told(what, failed, passed) {
  console.log(`${browser.name}, ${what}: ${passed === undefined ? '' : `${passed} passed, `}${failed.length} failed`);
  for (const line of failed) console.log(`  ${line}`);
  failures += failed.length;
}

function check(what, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) told(what, [`expected ${b}, got ${a}`]);
}

/** The cases of engines, with the entry that fetches and the one that has the engine inside. */
async function engines(entry) {
  const { passed, failed } = await onPage(async (entry) => {
    const [redstart, { runAll }] = await Promise.all([import(`/dist/${entry}.mjs`), import('/test/cases.mjs')]);
    return runAll(redstart);
  }, entry);
  told(`${entry}.mjs`, failed, passed);
}

/** The cases of stores; `leader`: as if the browser had no SharedWorker. */
async function stores(place, entry = 'browser') {
  const { passed, failed } = await onPage(async ([place, entry]) => {
    if (place === 'leader') delete globalThis.SharedWorker;
    const [redstart, { runStore }] = await Promise.all([import(`/dist/${entry}.mjs`), import('/test/store-cases.mjs')]);
    const options = { page: {}, worker: { worker: true }, 'shared worker': { shared: 'cases' }, leader: { shared: 'cases' } }[place];
    return runStore(redstart, () => redstart.Store.open(options));
  }, [place, entry]);
  told(`${entry}.mjs, ${place}`, failed, passed);
}

async function storages(kind) {
  const { passed, failed } = await onPage(async (kind) => {
    const [redstart, storages, { runStorageCases }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs'), import('/test/storage-cases.mjs')]);
    return runStorageCases(redstart, (name, options) => new storages[kind](name, options));
  }, kind);
  told(kind, failed, passed);
  try {
    const ms = await onPage(async (kind) => {
      const [{ Engine }, storages, { fill }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs'), import('/test/storage-cases.mjs')]);
      const engine = await Engine.open({ storage: new storages[kind]('closed') });
      const start = performance.now();
      fill(engine);
      await engine.saved();
      return performance.now() - start;
    }, kind);
    const open = await onPage(async (kind) => {
      const [{ Engine }, storages, { check }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs'), import('/test/storage-cases.mjs')]);
      const start = performance.now();
      const engine = await Engine.open({ storage: new storages[kind]('closed') });
      const open = performance.now() - start;
      check(engine);
      return open;
    }, kind);
    console.log(`${browser.name}, ${kind}: a page was closed and all is there; written in ${ms.toFixed(0)} ms, read in ${open.toFixed(0)} ms`);
  } catch (error) {
    told(`${kind}: a page was closed`, [error.message]);
  }
}

/** A storage that is encrypted, with a key that the page cannot give away. */
async function sealedStorage() {
  const { passed, failed } = await onPage(async () => {
    const [redstart, { IndexedDbStorage, sealed }, { runStorageCases }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs'), import('/test/storage-cases.mjs')]);
    const key = await crypto.subtle.importKey('raw', new Uint8Array(32), 'HKDF', false, ['deriveKey']);
    return runStorageCases(redstart, (name, options) => sealed(new IndexedDbStorage(name, options), key));
  });
  told('IndexedDbStorage, sealed', failed, passed);
}

/** Storages that a store names: what a worker acknowledged is there when its page is gone. */
async function named(options) {
  const counts = [];
  for (let life = 0; life < 2; life++) {
    counts.push(await onPage(async (options) => {
      const { Store } = await import('/dist/browser.mjs');
      const store = await Store.open(options);
      return store.incr('lives');
    }, options));
  }
  check(`storage of ${JSON.stringify(options)}`, counts, [1, 2]);
}

/** Two tabs on one engine, of which one is closed. */
async function tabs() {
  const open = async () => {
    const tab = await page();
    await tab.evaluate(async () => {
      const { Store } = await import('/dist/browser.mjs');
      globalThis.store = await Store.open({ shared: 'tabs' });
      globalThis.feed = store.subscribe('chat');
      await store.ping();
    });
    return tab;
  };
  const [first, second] = [await open(), await open()];
  await second.evaluate(() => store.set('k', 'from the second'));
  check('tabs: data is shared', await first.evaluate(() => store.get('k')), 'from the second');
  check('tabs: both are told', await second.evaluate(() => store.publish('chat', 'hello')), 2);
  check('tabs: the first hears', await first.evaluate(async () => (await feed.next()).value), { message: 'hello', channel: 'chat' });
  await second.evaluate(() => void store.blpop('jobs', 0).catch(() => {}));
  await second.close();
  const left = await first.evaluate(async () => {
    for (let tries = 0; tries < 500 && (await store.pubsub('NUMSUB', 'chat'))[1] !== 1; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    await store.rpush('jobs', 'job');
    return [await store.publish('chat', 'still here'), await store.lrange('jobs', 0, -1)];
  });
  check('tabs: a closed one is noticed', left, [1, ['job']]);
  await first.close();
}

try {
  for (const entry of ['browser', 'inline']) await engines(entry);
  for (const place of ['page', 'worker', 'shared worker', 'leader']) await stores(place);
  await stores('worker', 'inline');
  for (const kind of ['IndexedDbStorage', 'OpfsStorage']) await storages(kind);
  await sealedStorage();
  for (const options of [{ worker: true, storage: 'indexeddb:worker' }, { worker: true, storage: 'opfs:worker' }, { shared: 'kept', storage: 'indexeddb:shared' }]) await named(options);
  await tabs();
} finally {
  await browser.close();
  server.close();
}
process.exit(failures ? 1 : 0);
