/** The cases in a browser tab: the plain entry, which fetches the engine, and the inlined one. */
import { chromium } from 'playwright-core';
import { browserOptions, serve } from './browser.mjs';

const server = await serve(new URL('..', import.meta.url));
const browser = await chromium.launch(browserOptions);
let failures = 0;
try {
  for (const entry of ['browser', 'inline']) {
    const page = await browser.newPage();
    await page.goto(`${server.url}/test/page.html`);
    const { passed, failed } = await page.evaluate(async (entry) => {
      const [redstart, { runAll }] = await Promise.all([import(`/dist/${entry}.mjs`), import('/test/cases.mjs')]);
      return runAll(redstart);
    }, entry);
    console.log(`chromium, ${entry}.mjs: ${passed} passed, ${failed.length} failed`);
    for (const line of failed) console.log(`  ${line}`);
    failures += failed.length;
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
}
process.exit(failures ? 1 : 0);
