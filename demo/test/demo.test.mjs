/** The built page in a real browser: the three panels, by keyboard alone, in both widths. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { browserOptions, serve } from '../../npm/test/browser.mjs';

let server, browser, page;
const errors = [];

before(async () => {
  server = await serve(new URL('../dist', import.meta.url));
  browser = await chromium.launch(browserOptions);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(`${server.url}/`);
  await page.waitForSelector('html[data-ready]');
});

after(async () => {
  await browser?.close();
  server?.close();
});

async function ask(line) {
  await page.locator('#line').fill(line);
  await page.locator('#line').press('Enter');
  return page.locator('#screen > div').last().textContent();
}

test('the console replies as redis-cli does', async () => {
  assert.equal(await ask('SET n 41'), 'OK');
  assert.equal(await ask('INCR n'), '(integer) 42');
  assert.equal(await ask('GET none'), '(nil)');
  assert.equal(await ask('LPUSH n x'), '(error) WRONGTYPE Operation against a key holding the wrong kind of value');
  assert.equal(await ask('ECHO "a \\"b\\""'), '"a \\"b\\""');
  assert.match(await ask('GET "open'), /a quote is open/);
});

test('Tab completes, and the hint tells the arguments', async () => {
  const line = page.locator('#line');
  await line.fill('');
  await line.pressSequentially('hgetal');
  assert.match(await page.locator('#hint').textContent(), /HGETALL/);
  await line.press('Tab');
  assert.equal(await line.inputValue(), 'hgetall ');
  assert.match(await page.locator('#hint').textContent(), /^HGETALL key /);
  assert.match(await page.locator('#ghost').textContent(), /hgetall key$/);
  await line.press('Escape');
  await line.press('ArrowUp');
  assert.equal(await line.inputValue(), 'GET "open');
});

test('a blocked command waits and is served by another client', async () => {
  await ask('BLPOP queue 0');
  await page.evaluate(() => document.querySelector('#line').blur());
  await page.locator('#board button').first().click();
  await page.waitForTimeout(50);
  assert.equal(await page.locator('#screen > div').last().textContent(), 'BLPOP queue 0');
  // Its connection runs nothing more until then, as in Redis.
  await page.reload();
  await page.waitForSelector('html[data-ready]');
});

test('the leaderboard follows a write from anywhere', async () => {
  assert.equal(await page.locator('#board li').count(), 5);
  await ask('ZADD leaderboard 5000 Console');
  await page.waitForFunction(() => [...document.querySelectorAll('#board li:not(.gone)')].some((li) => li.textContent.includes('Console') && li.querySelector('.place').textContent === '1'));
  await ask('DEL leaderboard');
  await page.waitForFunction(() => document.querySelectorAll('#board li:not(.gone)').length === 0);
});

test('both panes of the chat hear both, and the console', async () => {
  const input = page.locator('.pane input').first();
  await input.fill('hello');
  await input.press('Enter');
  assert.equal(await ask('PUBLISH chat "from the console"'), '(integer) 2');
  for (const pane of [0, 1]) {
    const texts = await page.locator('.pane').nth(pane).locator('p').allTextContents();
    assert.deepEqual(texts.slice(-2), ['hello', 'from the console']);
  }
});

test('nothing jumps or overflows, on a phone either', async () => {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 });
    const box = () => page.locator('#prompt').boundingBox();
    const before = await box();
    for (let i = 0; i < 5; i++) await ask(`ECHO ${'word '.repeat(i * 10)}`.trim().replace(/ECHO$/, 'PING'));
    await page.locator('#line').fill('zrangebyscore ');
    assert.deepEqual(await box(), before);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  }
});

test('no errors were logged', () => assert.deepEqual(errors, []));
