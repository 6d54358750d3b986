/**
 * Storages in Chromium, beyond the cases of test/storage-cases.mjs: two tabs that want the same one, a quota that is
 * reached, and a page that lives on while a large data set is written.
 */
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { browserOptions, servePackage } from './browser.mjs';

const server = await servePackage();
const browser = await chromium.launch(browserOptions);
const context = await browser.newContext();

/** A page that has an engine in a storage of this name. */
async function withEngine(kind, name, options) {
  const page = await context.newPage();
  await page.goto(`${server.url}/test/page.html`);
  await page.evaluate(async ([kind, name, options]) => {
    const [{ Engine }, storages] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs')]);
    globalThis.engine = await Engine.open({ storage: new storages[kind](name, options) });
  }, [kind, name, options]);
  return page;
}

/** A storage is one tab's, until that is closed or loaded again. */
async function tabs(kind) {
  const first = await withEngine(kind, 'tabs');
  await first.evaluate(() => engine.set('k', 'kept'));
  const refused = await withEngine(kind, 'tabs', { wait: false }).then(() => 'nothing', (error) => error.message);
  assert.match(refused, /StorageLockedError: the storage \w+:tabs is in use by another engine: close that one, or open it with `shared`/);
  const waiting = withEngine(kind, 'tabs', { wait: true });
  await first.evaluate(() => engine.saved());
  await first.close();
  const second = await waiting;
  assert.equal(await second.evaluate(() => engine.get('k')), 'kept');
  await second.close();
  console.log(`chromium, ${kind}: a second tab is told so, and has it when the first is closed`);
}

/** The browser says that there is no more room; then there is. */
async function quota(kind) {
  const page = await withEngine(kind, 'quota');
  const devtools = await context.newCDPSession(page);
  const room = (quotaSize) => devtools.send('Storage.overrideQuotaForOrigin', { origin: server.url, ...(quotaSize === undefined ? {} : { quotaSize }) });
  await page.evaluate(() => (engine.set('k', 1), engine.saved()));
  await room(1);
  const [saved, refused] = await page.evaluate(async () => {
    let saved = 'nothing';
    for (let i = 0; i < 64 && saved === 'nothing'; i++) {
      engine.append('large', new Uint8Array(1 << 20));
      saved = await engine.saved().then(() => 'nothing', (error) => error.name);
    }
    globalThis.large = engine.strlen('large');
    try {
      engine.set('k', 2);
    } catch (error) {
      return [saved, error.message];
    }
    return [saved, 'nothing'];
  });
  assert.equal(saved, 'QuotaExceededError');
  assert.match(refused, /^MISCONF Errors writing to the AOF file: ./);
  assert.doesNotMatch(refused, /: null$/);
  assert.equal(await page.evaluate(() => engine.get('k')), '1');
  await room();
  await page.waitForFunction(() => {
    try {
      return engine.set('k', 3) === 'OK';
    } catch {
      return false;
    }
  });
  const large = await page.evaluate(() => engine.saved().then(() => large));
  await page.close();
  const again = await withEngine(kind, 'quota');
  assert.deepEqual(await again.evaluate(() => [engine.get('k'), engine.strlen('large')]), ['3', large]);
  await again.close();
  console.log(`chromium, ${kind}: over the quota writes are refused (${refused}), and go on when there is room`);
}

/** A large data set is written while the page lives on. */
async function smooth(kind) {
  const page = await withEngine(kind, 'smooth');
  const [whole, longest, turns, bytes] = await page.evaluate(async () => {
    for (let i = 0; i < 200_000; i++) engine.set(`key:${i}`, `value ${i} ${'x'.repeat(i % 100)}`);
    await engine.saved();
    await engine.compact();
    let longest = 0;
    let turns = 0;
    let last = performance.now();
    let done = false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      turns++;
      if (!done) port2.postMessage(null);
    };
    port2.postMessage(null);
    await engine.compact();
    done = true;
    const start = performance.now();
    const { length } = engine.snapshot();
    return [performance.now() - start, longest, turns, length];
  });
  // That it is so many turns does not depend on how fast they are.
  assert.ok(turns > bytes / (1 << 20), `${turns} turns`);
  await page.close();
  console.log(`chromium, ${kind}: a base of ${(bytes / 1e6).toFixed(1)} MB held up the page for ${longest.toFixed(0)} ms at most (all at once: ${whole.toFixed(0)} ms)`);
}

try {
  for (const kind of ['IndexedDbStorage', 'OpfsStorage']) {
    await tabs(kind);
    // Chromium lets IndexedDB write on.
    if (kind === 'OpfsStorage') await quota(kind);
    await smooth(kind);
  }
} finally {
  await browser.close();
  server.close();
}
