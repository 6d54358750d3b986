/**
 * Storages in a browser: the cases of test/storage-cases.mjs in IndexedDB and the origin's private file system, and a
 * page that is closed, without a word, while its data set is in one.
 */
import { chromium } from 'playwright-core';
import { browserOptions, serve } from './browser.mjs';

const server = await serve(new URL('..', import.meta.url));
const browser = await chromium.launch(browserOptions);
const context = await browser.newContext();
let failures = 0;

async function onPage(action, argument) {
  const page = await context.newPage();
  try {
    await page.goto(`${server.url}/test/page.html`);
    return await page.evaluate(action, argument);
  } finally {
    await page.close();
  }
}

try {
  for (const kind of ['IndexedDbStorage', 'OpfsStorage']) {
    const { passed, failed } = await onPage(async (kind) => {
      const [redstart, storages, { runStorageCases }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/storages.mjs'), import('/test/storage-cases.mjs')]);
      return runStorageCases(redstart, (name) => new storages[kind](name));
    }, kind);
    console.log(`chromium, ${kind}: ${passed} passed, ${failed.length} failed`);
    for (const line of failed) console.log(`  ${line}`);
    failures += failed.length;

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
      console.log(`chromium, ${kind}: a page was closed and all is there; written in ${ms.toFixed(0)} ms, read in ${open.toFixed(0)} ms`);
    } catch (error) {
      console.log(`chromium, ${kind}: a page was closed: ${error.message}`);
      failures++;
    }
  }
} finally {
  await browser.close();
  server.close();
}
process.exit(failures ? 1 : 0);
