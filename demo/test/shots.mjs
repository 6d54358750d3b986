/** Takes the screenshots in screenshots/ from the built page. */
import { chromium } from 'playwright-core';
import { browserOptions, serve } from '../../npm/test/browser.mjs';

const server = await serve(new URL('../dist', import.meta.url));
const browser = await chromium.launch(browserOptions);
const SHOTS = [
  ['light', { width: 1280, height: 800 }, 'light'],
  ['dark', { width: 1280, height: 800 }, 'dark'],
];
try {
  for (const [name, viewport, colorScheme] of SHOTS) {
    const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
    await page.goto(`${server.url}/`);
    await page.waitForSelector('html[data-ready]');
    const line = page.locator('#line');
    for (const command of ['HSET bird name redstart weight 15', 'HGETALL bird', 'ZRANGE leaderboard 0 2 REV WITHSCORES', 'INCR greeting']) {
      await line.fill(command);
      await line.press('Enter');
    }
    await line.fill('zadd');
    await line.pressSequentially(' ');
    await page.screenshot({ path: new URL(`../screenshots/${name}.png`, import.meta.url).pathname });
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
}
