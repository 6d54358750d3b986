/**
 * Takes the screenshots in screenshots/ from the built page.
 * With a folder, `node test/shots.mjs FOLDER`, every panel alone instead, at 1280 and 375 px, dark and light, to look at.
 */
import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { browserOptions, serve } from '../../npm/test/browser.mjs';

const folder = process.argv[2];
const server = await serve(new URL('../dist', import.meta.url));
const browser = await chromium.launch(browserOptions);

/** A page in which every panel has played for a while. */
async function open(width, colorScheme, ms) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  await page.goto(`${server.url}/`);
  await page.waitForSelector('html[data-ready]');
  await page.locator('#queue').scrollIntoViewIfNeeded();
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Add 20' }).click();
  for (const name of ['One that never works', 'One that fails twice', 'Add 20']) await page.getByRole('button', { name }).click();
  for (const panel of await page.locator('section.panel').all()) {
    await panel.scrollIntoViewIfNeeded();
    await page.waitForTimeout(ms);
  }
  await page.evaluate(() => scrollTo(0, 0));
  return page;
}

async function type(page, ...lines) {
  const line = page.locator('redstart-repl input');
  for (const text of lines) {
    await line.fill(text);
    await line.press('Enter');
  }
}

try {
  if (folder) {
    await mkdir(folder, { recursive: true });
    for (const width of [1280, 375]) {
      for (const scheme of ['light', 'dark']) {
        const page = await open(width, scheme, 1500);
        for (const panel of await page.locator('section.panel').all()) await panel.screenshot({ path: `${folder}/${await panel.getAttribute('id')}-${width}-${scheme}.png` });
        await page.getByRole('button', { name: 'Learn Redis here' }).click();
        await page.locator('#console').screenshot({ path: `${folder}/lesson-${width}-${scheme}.png` });
        await page.close();
      }
    }
  } else {
    const save = (page, name, options) => page.screenshot({ path: new URL(`../screenshots/${name}.png`, import.meta.url).pathname, ...options });
    for (const scheme of ['light', 'dark']) {
      const page = await open(1280, scheme, 4000);
      await type(page, 'HSET bird name redstart weight 15', 'HGETALL bird', 'ZRANGE demo:board 0 2 REV', 'INCR greeting');
      await page.locator('redstart-repl input').pressSequentially('zadd ');
      await page.waitForTimeout(4000);
      await save(page, scheme);
      await page.locator('redstart-repl input').fill('');
      if (scheme === 'dark') await save(page, 'page', { fullPage: true });
      await page.close();
    }
    const phone = await open(375, 'dark', 2500);
    await phone.getByRole('button', { name: 'Learn Redis here' }).click();
    await save(phone, 'phone');
    await phone.close();
  }
} finally {
  await browser.close();
  server.close();
}
