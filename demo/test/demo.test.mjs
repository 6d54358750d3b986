/** The built page in a real browser: one fact per panel, two tabs, both widths, and a server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { browserOptions, serve } from '../../npm/test/browser.mjs';
import { attach } from '../bridge.mjs';

const REDIS_PORT = 17_399;
let web, browser, page;
const errors = [];
const LINE = 'redstart-repl input';
/** What the browser says when a page is left while something is on its way to it. */
const CUT_OFF = /net::ERR_(ABORTED|CONNECTION_CLOSED|CONNECTION_RESET)/;

/** A tab in which nothing moves by itself. */
async function open(context, query = '') {
  const made = await context.newPage();
  made.on('pageerror', (error) => errors.push(error.message));
  made.on('console', (message) => message.type() === 'error' && !CUT_OFF.test(message.text()) && errors.push(message.text()));
  await made.goto(`${web.url}/${query}`);
  await made.waitForSelector('html[data-ready]');
  return made;
}

const fresh = () => browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });

before(async () => {
  web = await serve(new URL('../dist', import.meta.url));
  attach(web.server, REDIS_PORT);
  browser = await chromium.launch(browserOptions);
  page = await open(await fresh());
});

after(async () => {
  await browser?.close();
  web?.server.closeAllConnections();
  web?.close();
});

/** Runs a line in the console; gives the last line of the reply. */
async function ask(line, at = page) {
  const lines = at.locator('#screen > div');
  const asked = at.locator('#screen > .asked');
  const [before, askedBefore] = [await lines.count(), await asked.count()];
  await at.locator(LINE).fill(line);
  await at.locator(LINE).press('Enter');
  await at.waitForFunction(([all, own]) => {
    const { shadowRoot } = document.querySelector('redstart-repl');
    return shadowRoot.querySelectorAll('#screen > .asked').length > own && shadowRoot.querySelectorAll('#screen > div').length > all + 1;
  }, [before, askedBefore]);
  return lines.last().textContent();
}

/** A panel that has started. */
async function panel(id, at = page) {
  const found = at.locator(`#${id}`);
  await found.scrollIntoViewIfNeeded();
  await at.waitForSelector(`#${id}[data-started]`);
  return found;
}

const press = (within, name) => within.getByRole('button', { name, exact: true }).click();
const figure = async (within, name) => Number((await within.locator(`[data-figure="${name}"]`).textContent()).replace(/[^\d.]/g, ''));

/** Waits until something is so; what it last was is in the error. */
async function until(look, isSo, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const last = await look();
    if (isSo(last)) return last;
    if (Date.now() > end) assert.fail(`still ${JSON.stringify(last)} after ${ms} ms`);
    await new Promise((wait) => setTimeout(wait, 50));
  }
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
  const line = page.locator(LINE);
  await line.fill('');
  await line.pressSequentially('hgetal');
  assert.match(await page.locator('redstart-repl .hint').textContent(), /HGETALL/);
  await line.press('Tab');
  assert.equal(await line.inputValue(), 'hgetall ');
  assert.match(await page.locator('redstart-repl .hint').textContent(), /^HGETALL key /);
  assert.match(await page.locator('redstart-repl .ghost').textContent(), /hgetall key$/);
  await line.press('Escape');
  await line.press('ArrowUp');
  assert.equal(await line.inputValue(), 'GET "open');
});

test('a lesson goes on when its command has been run, and not for another', async () => {
  await press(page, 'Learn Redis here');
  const lesson = page.locator('#lesson');
  await ask('PING');
  assert.equal(await lesson.locator('strong').textContent(), '1 of 5');
  await press(lesson, 'Type it for me');
  assert.equal(await page.locator(LINE).inputValue(), 'SET greeting hello');
  await page.locator(LINE).press('Enter');
  await until(() => lesson.locator('strong').textContent(), (text) => text === '2 of 5');
  await press(page, 'Learn Redis here');
});

test('every lesson’s line is done by what it proposes', async () => {
  const at = await open(await fresh());
  await press(at, 'Learn Redis here');
  const lesson = at.locator('#lesson');
  const steps = [];
  for (;;) {
    steps.push(await lesson.locator('.try').textContent());
    await press(lesson, 'Type it for me');
    await at.locator(LINE).press('Enter');
    await until(() => lesson.locator('.after').textContent(), (text) => text.startsWith('✓'));
    if (await lesson.getByRole('button', { name: 'Skip' }).isDisabled()) break;
    await until(() => lesson.locator('.try').textContent(), (text) => text !== steps.at(-1));
  }
  assert.ok(steps.length > 20, `${steps.length} steps`);
  await at.context().close();
});

test('the monitor shows rates, keys and the busiest commands', async () => {
  const at = await panel('monitor');
  await until(() => figure(at, 'commands/s'), (rate) => rate > 0);
  assert.ok((await figure(at, 'keys')) > 0);
  assert.match(await at.locator('tbody td').first().textContent(), /^[A-Z]+/);
  assert.ok((await at.locator('canvas').count()) === 2);
  await at.getByRole('tab', { name: 'Slowest trips' }).click();
  await until(() => at.locator('table:not([hidden]) tbody td').nth(1).textContent(), (text) => / ms$/.test(text));
});

test('the hit rate of the cache rises with use, and falls when it is emptied', async () => {
  const at = await panel('cache');
  for (let i = 0; i < 3; i++) {
    await press(at, 'Ask 10 times');
    await until(() => figure(at, 'requests'), (count) => count === 10 * (i + 1));
  }
  const warm = await at.locator('.squares .hit').count();
  assert.ok(warm > 0, 'no hits');
  assert.ok((await at.locator('.squares .miss').count()) > 0, 'no misses');
  assert.ok((await figure(at, 'from cache')) < (await figure(at, 'from source')));
  await press(at, 'Empty it');
  assert.equal(await ask('EXISTS demo:cache:product:0'), '(integer) 0');
});

test('a session lives by visits, ends by itself and by logging out', async () => {
  const at = await panel('sessions');
  const live = at.locator('.session:not(.gone)');
  await press(at, 'Log in');
  await press(at, 'Log in');
  await until(() => live.count(), (count) => count === 2);
  await live.first().getByRole('button', { name: /^Visit/ }).click();
  await until(() => live.first().locator('code').textContent(), (text) => text.endsWith('· 2'));
  await live.first().getByRole('button', { name: 'Log out' }).click();
  await until(() => live.count(), (count) => count === 1);
  await ask(`EVAL "for _, key in ipairs(redis.call('KEYS', 'demo:session:*')) do redis.call('PEXPIRE', key, 30) end" 0`);
  await until(() => live.count(), (count) => count === 0);
});

test('the rate limiter refuses the 11th', async () => {
  const at = await panel('limiter');
  await press(at, 'Send 15');
  await until(() => figure(at, 'refused'), (refused) => refused === 5);
  assert.equal(await figure(at, 'let through'), 10);
  await ask('DEL demo:limit:you');
  await press(at, 'Send one');
  await until(() => figure(at, 'let through'), (passed) => passed === 11);
});

test('the nearest driver is whoever is nearest', async () => {
  const at = await panel('drivers');
  const first = () => at.locator('tbody td').first().textContent();
  await until(first, (name) => /\d{3}$/.test(name));
  // Where one step up leads: no lorry that comes by is nearer.
  await ask('GEOADD demo:drivers 11.58 48.54 Nearby');
  await at.locator('svg').press('ArrowUp');
  await until(first, (name) => name === 'Nearby');
  // Lisbon is far from there.
  const box = await at.locator('svg').boundingBox();
  await at.locator('svg').click({ position: { x: box.width * 0.12, y: box.height * 0.82 } });
  await until(first, (name) => name !== 'Nearby');
});

test('the map has land', async () => {
  const at = await panel('drivers');
  await until(() => at.locator('.land').count(), (count) => count === 1);
});

test('the leaderboard follows a write from anywhere', async () => {
  const at = await panel('board');
  assert.equal(await at.locator('li').count(), 7);
  await ask('ZADD demo:board 5000 Console');
  await until(() => at.locator('li', { hasText: 'Console' }).locator('.place').allTextContents(), ([place]) => place === '1');
  await ask('DEL demo:board');
  await until(() => at.locator('li:not(.gone)').count(), (count) => count === 0);
});

test('a flag that is set anywhere is seen in all tabs', async () => {
  const other = await open(page.context());
  const [here, there] = [await panel('flags'), await panel('flags', other)];
  await ask('HSET demo:flags dark 1');
  for (const at of [here, there]) await until(() => at.locator('.shop.dark').count(), (count) => count === 1);
  await there.getByRole('switch', { name: 'New search' }).click();
  await until(() => here.locator('.shop.search').count(), (count) => count === 1);
  await other.close();
});

test('tabs chat with each other, and know who is here', async () => {
  const other = await open(page.context());
  const [here, there] = [await panel('chat'), await panel('chat', other)];
  await there.locator('input').fill('hello from the other tab');
  await there.locator('input').press('Enter');
  await until(() => here.locator('.messages p').last().textContent(), (text) => text.endsWith('hello from the other tab'));
  await until(() => there.locator('.here').textContent(), (text) => text.includes('Here too'));
  await ask('PUBLISH demo:chat "from the console"');
  for (const at of [here, there]) await until(() => at.locator('.messages p').last().textContent(), (text) => text === 'from the console');
  await other.close();
});

test('of two tabs one gets the lock, and a holder that dies loses it in time', async () => {
  const other = await open(page.context());
  const [here, there] = [await panel('lock'), await panel('lock', other)];
  await ask('SET demo:lock "console|x" PX 100000');
  await press(here, 'Try once');
  await press(there, 'Try once');
  for (const at of [here, there]) await until(() => figure(at, 'lost'), (lost) => lost === 1);
  await ask('DEL demo:lock');
  await press(here, 'Die holding it');
  await press(here, 'Try once');
  await until(() => figure(here, 'won'), (won) => won === 1);
  await press(there, 'Try once');
  await until(() => figure(there, 'lost'), (lost) => lost === 2);
  await until(() => ask('EXISTS demo:lock'), (reply) => reply === '(integer) 0');
  await press(there, 'Try once');
  await until(() => figure(there, 'won'), (won) => won === 1);
  assert.equal(await figure(there, 'fencing token'), 2);
  await other.close();
});

test('the engine lives on when the tab that opened it is gone', async () => {
  const context = await fresh();
  const first = await open(context);
  await ask('SET left-behind yes', first);
  const second = await open(context);
  await first.locator(LINE).fill('BLPOP wanted 0');
  await first.locator(LINE).press('Enter');
  await first.close();
  assert.equal(await ask('GET left-behind', second), '"yes"');
  // The dead tab's client is gone too: what it waited for stays for others.
  await until(() => ask('INFO clients', second).then(() => second.locator('#screen > .text', { hasText: 'blocked_clients' }).last().textContent()), (line) => line === 'blocked_clients:0');
  await context.close();
});

test('a job that fails twice is retried twice, by BullMQ', async () => {
  const at = await panel('queue');
  await press(at, 'One that fails twice');
  await until(() => figure(at, 'done'), (done) => done === 1, 20_000);
  assert.equal(await figure(at, 'retried'), 2);
  await press(at, '100 quick ones');
  await until(() => figure(at, 'done'), (done) => done === 101, 20_000);
  await until(() => at.locator('[data-state=completed] output').textContent(), (text) => text === '101');
});

test('what a dead consumer has not acknowledged, the other takes over', async () => {
  const at = await panel('sensors');
  await press(at, 'Play Sensors');
  await until(() => figure(at, 'readings'), (count) => count > 20);
  for (let i = 0; (await figure(at, 'taken over')) === 0; i++) {
    assert.ok(i < 10, 'nothing was taken over');
    await at.getByRole('switch', { name: 'alpha' }).uncheck();
    await page.waitForTimeout(5000);
    await at.getByRole('switch', { name: 'alpha' }).check();
    await page.waitForTimeout(500);
  }
  await press(at, 'Pause Sensors');
});

test('bitmaps and HyperLogLogs count', async () => {
  const at = await panel('counters');
  const sum = at.locator('.day').first().locator('output');
  const before = Number(await sum.textContent());
  const cell = at.getByRole('button', { name: 'User 5, Mon' });
  const was = (await cell.getAttribute('class'))?.includes('hit') ?? false;
  await cell.click();
  await until(() => sum.textContent(), (text) => Number(text) === before + (was ? -1 : 1));
  for (let i = 0; i < 4; i++) await press(at, '1,000 visitors');
  await until(() => figure(at, 'exact'), (count) => count > 3000);
  assert.ok((await figure(at, 'PFCOUNT')) > 2500);
  assert.ok((await figure(at, 'off by')) < 5);
});

test('the page goes by keys alone', async () => {
  await page.locator(LINE).press('Escape');
  await page.evaluate(() => document.activeElement.blur());
  const here = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  assert.equal(await here(), 'monitor');
  await page.keyboard.press('k');
  assert.equal(await here(), 'console');
  await page.keyboard.press('/');
  assert.equal(await here(), 'repl');
  const lesson = page.locator('#lesson');
  if (await lesson.isHidden()) await page.locator('#lesson-open').click();
  await lesson.locator('select').press('Escape');
  assert.equal(await lesson.isHidden(), true);
  assert.equal(await here(), 'lesson-open');
});

test('nothing jumps or overflows, on a phone either', async () => {
  for (const width of [1280, 768, 375]) {
    await page.setViewportSize({ width, height: 844 });
    await page.waitForTimeout(200);
    const tops = () => page.evaluate(() => [...document.querySelectorAll('section.panel, #chips')].map((at) => Math.round(at.getBoundingClientRect().top + scrollY)));
    const before = await tops();
    for (let i = 1; i < 4; i++) await ask(`ECHO ${'word'.repeat(i * 10)}`);
    await page.locator(LINE).fill('zrangebyscore ');
    // All panels play for a while.
    for (const play of await page.locator('.play').all()) await play.click();
    await page.waitForTimeout(1500);
    for (const play of await page.locator('.play').all()) await play.click();
    assert.deepEqual(await tops(), before, `${width} px`);
    const wide = await page.evaluate(() => [...document.querySelectorAll('section.panel')].filter((at) => at.scrollWidth > at.clientWidth + 1).map((at) => at.id));
    assert.deepEqual(wide, [], `${width} px`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  }
});

test('nothing jumps while the page loads', async () => {
  for (const width of [1280, 390]) {
    const context = await browser.newContext({ viewport: { width, height: 844 } });
    await context.addInitScript(() => {
      window.shifted = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shifted += entry.value))).observe({ type: 'layout-shift', buffered: true });
    });
    const at = await open(context);
    await at.waitForTimeout(500);
    const shifted = await at.evaluate(() => window.shifted);
    // Browsers call up to 0.1 good; figures take their places, which is less than a hundredth.
    assert.ok(shifted < 0.02, `${width} px: ${shifted}`);
    await context.close();
  }
});

test('where there are no SharedWorkers one of the tabs leads', async () => {
  const context = await fresh();
  await context.addInitScript(() => delete globalThis.SharedWorker);
  const at = await open(context);
  assert.equal(await ask('PING', at), 'PONG');
  const other = await open(context);
  await ask('SET shared yes', at);
  assert.equal(await ask('GET shared', other), '"yes"');
  await at.bringToFront();
  const limiter = await panel('limiter', at);
  await press(limiter, 'Send 15');
  await until(() => figure(limiter, 'refused'), (refused) => refused === 5);
  await context.close();
});

/** A redstart-server that has been built, or else a redis-server. */
const binary = process.env.REDSTART_SERVER ?? ['target/release/redstart-server', 'target/debug/redstart-server'].map((name) => fileURLToPath(new URL(`../../${name}`, import.meta.url))).concat('/usr/bin/redis-server').find(existsSync);

/** Whether the browser's database has a text. */
async function stored(text) {
  const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const db = await done(indexedDB.open('redstart-demo'));
  const pieces = await done(db.transaction('pieces').objectStore('pieces').getAll());
  db.close();
  return pieces.some((piece) => new TextDecoder('latin1').decode(piece).includes(text));
}

test('what is in this browser is there again after a reload, and in memory it is not', async () => {
  const context = await fresh();
  const [kept, memory] = [await open(context), await open(context, '?at=memory')];
  for (const at of [kept, memory]) {
    await ask('SET note kept', at);
    await ask('ZADD demo:board 9999 Reloaded', at);
  }
  await until(() => kept.evaluate(stored, 'Reloaded'), Boolean);
  await kept.reload();
  await memory.reload();
  for (const at of [kept, memory]) await at.waitForSelector('html[data-ready]');
  assert.equal(await ask('GET note', kept), '"kept"');
  assert.equal(await ask('GET note', memory), '(nil)');
  await until(async () => (await panel('board', kept)).locator('li', { hasText: 'Reloaded' }).locator('.place').allTextContents(), ([place]) => place === '1');
  assert.equal(await kept.locator('#places [aria-current]').textContent(), 'this browser');
  assert.equal(await memory.locator('#places [aria-current]').textContent(), 'memory');
  await context.close();
});

test('a second tab sees what changes, live', async () => {
  const context = await fresh();
  const [here, there] = [await open(context), await open(context)];
  const rows = (await panel('board', there)).locator('li', { hasText: 'Console' });
  await ask('ZADD demo:board 5000 Console', here);
  await until(() => rows.locator('.place').allTextContents(), ([place]) => place === '1');
  const days = await panel('counters', there);
  await ask('DEL demo:days:Mon', here);
  await until(() => days.locator('.day').first().locator('output').textContent(), (text) => text === '0');
  await ask('SETBIT demo:days:Mon 5 1', here);
  await until(() => days.locator('.day').first().locator('output').textContent(), (text) => text === '1');
  assert.match(await days.getByRole('button', { name: 'User 5, Mon' }).getAttribute('class'), /hit/);
  await context.close();
});

test('the database goes out as dump.rdb, and comes in as one', async () => {
  const context = await fresh();
  const at = await open(context);
  await ask('SET there "a file" EX 1000', at);
  await ask('RPUSH queue a b c', at);
  const [download] = await Promise.all([at.waitForEvent('download'), at.getByRole('button', { name: 'Export' }).click()]);
  assert.equal(download.suggestedFilename(), 'dump.rdb');
  const path = await download.path();
  assert.equal(readFileSync(path).subarray(0, 5).toString(), 'REDIS');
  await ask('FLUSHALL', at);
  await ask('SET other x', at);
  const into = async (files) => at.locator('#import-file').setInputFiles(files);
  await into({ name: 'none.rdb', mimeType: 'application/octet-stream', buffer: Buffer.from('no such file') });
  await at.locator('#notice').waitFor();
  assert.equal(await ask('GET other', at), '"x"');
  await into(path);
  await until(() => at.locator('#screen > .none').last().textContent(), (text) => /^[\w-]+(\.rdb)?: [\d,]+ keys have taken the place/.test(text));
  assert.equal(await ask('GET there', at), '"a file"');
  // TTL rounds: for half a second it is what was set.
  assert.match(await ask('TTL there', at), /^\(integer\) (9\d\d|1000)$/);
  assert.equal(await ask('LLEN queue', at), '(integer) 3');
  assert.equal(await ask('EXISTS other', at), '(integer) 0');
  await context.close();
});

test('the same panels run against a server', { skip: !binary && 'no server has been built' }, async () => {
  const server = spawn(binary, ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  try {
    await until(() => new Promise((done) => {
      const socket = connect(REDIS_PORT, '127.0.0.1', () => done(true)).on('error', () => done(false));
      socket.on('connect', () => socket.destroy());
    }), Boolean);
    const context = await fresh();
    const at = await open(context, '?at=server');
    assert.match(await at.locator('#lead').textContent(), /redstart-server/);
    const limiter = await panel('limiter', at);
    await press(limiter, 'Send 15');
    await until(() => figure(limiter, 'refused'), (refused) => refused === 5);
    const queue = await panel('queue', at);
    await press(queue, 'One that fails twice');
    await until(() => figure(queue, 'done'), (done) => done === 1, 20_000);
    for (const id of ['drivers', 'flags', 'lock', 'sensors', 'counters', 'chat', 'board', 'cache', 'sessions']) {
      assert.equal(await (await panel(id, at)).locator('.foot .error').count(), 0, id);
    }
    server.kill();
    await at.locator('#notice').waitFor();
    await press(at, 'Try again');
    await until(() => at.locator('#notice').textContent(), (text) => text.startsWith('There is no connection'));
    await context.close();
  } finally {
    server.kill();
  }
});

test('the bridge lets no other site in', async () => {
  const status = (origin) => new Promise((done, fail) => {
    const asked = request(`${web.url}/redis`, { headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': 13, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', ...(origin ? { origin } : {}) } });
    asked.on('response', (response) => done(response.statusCode)).on('upgrade', (_, socket) => (socket.destroy(), done(101))).on('error', fail).end();
  });
  assert.equal(await status('https://example.com'), 403);
  assert.equal(await status(undefined), 403);
  assert.equal(await status('null'), 403);
  assert.equal(await status(web.url), 101);
});

test('no errors were logged', () => assert.deepEqual(errors, []));
