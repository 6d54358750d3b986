/** One engine behind real tabs of Chromium, of which some are killed, in both ways that there are; the cases are in pages.mjs. */
import { chromium } from 'playwright-core';
import { browserOptions, servePackage } from './browser.mjs';

const server = await servePackage();
const browser = await chromium.launch(browserOptions);
let failures = 0;

function check(what, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a === b) return;
  failures++;
  console.log(`  ${what}: expected ${b}, got ${a}`);
}

async function tab(context) {
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    failures++;
    console.log(`  in the page: ${error.message}`);
  });
  await page.goto(`${server.url}/test/page.html`);
  return page;
}

/** Ends the process that a tab lives in. */
async function kill(context, page) {
  const crashed = page.waitForEvent('crash');
  const session = await context.newCDPSession(page);
  void session.send('Page.crash').catch(() => {});
  await crashed;
}

/** In a page: what a call takes there and back, beside an empty message, and one of many; in microseconds. */
async function roundTrips() {
  // The clock is too coarse for one; others use the machine too, so the best of some hundreds counts as well.
  const times = { alone: [], echo: [] };
  const time = async (list, call) => {
    const start = performance.now();
    for (let i = 0; i < 200; i++) await call();
    list.push(((performance.now() - start) / 200) * 1000);
    list.sort((a, b) => a - b);
  };
  const echo = globalThis.SharedWorker && new SharedWorker('/test/echo.mjs').port;
  for (let block = 0; block < 15; block++) {
    await time(times.alone, () => store.get('k'));
    if (echo) {
      await time(times.echo, () => new Promise((resolve) => {
        echo.onmessage = resolve;
        echo.postMessage(null);
      }));
    }
  }
  const start = performance.now();
  await Promise.all(Array.from({ length: 10_000 }, () => store.get('k')));
  return { ...times, together: ((performance.now() - start) / 10_000) * 1000 };
}

/** Two tabs, and what is left when one of them is killed. */
async function tabs(how) {
  const context = await browser.newContext();
  const open = async (page) => page.evaluate(async (how) => {
    if (how === 'leader') delete globalThis.SharedWorker;
    globalThis.redstart = await import('/dist/browser.mjs');
    globalThis.store = await redstart.Store.open({ shared: 'tabs', storage: `indexeddb:${how}`, config: { 'maxmemory-policy': 'allkeys-lru' } });
    globalThis.heard = [];
    globalThis.lives = [];
    await store.subscribe('chat', (message) => heard.push(message));
    void (async () => {
      for await (const top of store.live(['ZREVRANGE', 'board', 0, 0, 'WITHSCORES'])) lives.push(top);
    })().catch((error) => lives.push(error.name));
  }, how);
  const until = (page, test) => page.waitForFunction(test, undefined, { timeout: 5000 }).then(() => true, () => false);

  const first = await tab(context);
  await open(first);
  const second = await tab(context);
  await open(second);

  await second.evaluate(() => store.set('k', 'from the second'));
  check(`${how}: data is shared`, await first.evaluate(() => store.get('k')), 'from the second');
  check(`${how}: messages reach both tabs`, await second.evaluate(() => store.publish('chat', 'hello')), 2);
  check(`${how}: the first tab heard`, await until(first, () => heard[0] === 'hello'), true);
  check(`${how}: the second tab heard`, await until(second, () => heard[0] === 'hello'), true);
  await second.evaluate(() => store.zadd('board', 5, 'Ada'));
  check(`${how}: a live query sees the other tab`, await until(first, () => JSON.stringify(lives.at(-1)) === '[["Ada",5]]'), true);

  // A job that a dead tab waited for is not lost, and neither is what it was told that it wrote.
  await second.evaluate(() => {
    void store.blpop('jobs', 0).catch(() => {});
    void store.transaction(async (tx) => {
      await tx.watch('k');
      await new Promise(() => {});
    });
    return store.incr('acknowledged');
  });
  await kill(context, second);
  const after = await first.evaluate(async () => {
    const start = performance.now();
    // Until the dead tab's connections are gone.
    while (Number(/connected_clients:(\d+)/.exec(await store.info('clients'))[1]) > 4 && performance.now() - start < 3000) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const noticed = performance.now() - start;
    const subscribers = await store.publish('chat', 'still here');
    await store.rpush('jobs', 'job');
    return { acknowledged: await store.get('acknowledged'), k: await store.get('k'), subscribers, jobs: await store.lrange('jobs', 0, -1), noticed };
  });
  const { noticed, ...left } = after;
  check(`${how}: the first tab goes on`, left, { acknowledged: '1', k: 'from the second', subscribers: 1, jobs: ['job'] });
  await first.evaluate(() => store.zadd('board', 9, 'Lin'));
  check(`${how}: its live query goes on`, await until(first, () => JSON.stringify(lives.at(-1)) === '[["Lin",9]]'), true);

  // In the process of the first tab, as the engine is.
  if (how !== 'leader') await first.evaluate(() => void (globalThis.echo = new SharedWorker('/test/echo.mjs')));
  const third = await tab(context);
  await open(third);
  check(`${how}: a third tab finds it all`, await third.evaluate(() => store.get('k')), 'from the second');
  const { together, ...another } = await third.evaluate(roundTrips);
  console.log(`chromium, two tabs, ${how}: a dead tab is noticed after ${noticed.toFixed(0)} ms; 10000 calls together take ${together.toFixed(1)} µs each`);
  const show = (list) => `${list[list.length >> 1].toFixed(0)} µs, ${list[0].toFixed(0)} at best`;
  const tell = (whose, { alone, echo }) => console.log(`  a round trip to ${whose} process: ${show(alone)}${echo.length > 0 ? `; an empty message's: ${show(echo)}` : ''}`);
  tell('another', another);
  if (how === 'shared worker') tell('its own', await first.evaluate(roundTrips));
  if (how === 'shared worker') await versions(first);

  // The tab that was there first is killed, and with it the engine where it lived in that tab's process.
  await third.evaluate(() => {
    globalThis.pending = store.blpop('nothing', 0).then(() => 'replied', (error) => error.name);
    return store.ping();
  });
  await kill(context, first);
  const { names, kept } = await third.evaluate(async () => {
    const names = new Set();
    const start = performance.now();
    const told = pending.then((name) => names.add(name));
    while (performance.now() - start < 500) {
      try {
        await store.set('new', 1);
        await new Promise((resolve) => setTimeout(resolve, 5));
      } catch (error) {
        names.add(error.name);
      }
    }
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, 500))]);
    const kept = [await store.get('k'), await store.get('acknowledged'), await store.lrange('jobs', 0, -1)];
    return { names: [...names], kept };
  });
  const survived = names.length === 0;
  if (!survived) check(`${how}: what was pending is told by name`, names, ['ConnectionLostError']);
  check(`${how}: nothing that was acknowledged is lost`, kept, ['from the second', '1', ['job']]);
  check(`${how}: the next call goes on`, await third.evaluate(() => store.set('k', 'anew')), 'OK');
  console.log(`chromium, ${how}: the engine ${survived ? 'outlived' : 'ended with'} the tab that opened it`);
  check(`${how}: it is subscribed still`, await third.evaluate(async () => {
    for (let tries = 0; tries < 100 && (await store.publish('chat', 'again')) === 0; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
    return heard.at(-1);
  }), 'again');
  await third.evaluate(() => store.zadd('board', 1, 'Zoe'));
  check(`${how}: and its live query lives`, await until(third, () => JSON.stringify(lives.at(-1)).includes('Zoe') || JSON.stringify(lives.at(-1)).includes('Lin')), true);
  await context.close();
}

/** Another version of the package has another worker. */
async function versions(page) {
  const value = await page.evaluate(async () => {
    const source = await (await fetch('/dist/core.mjs')).text();
    const other = source.replaceAll('"0.1.0"', '"0.1.1"');
    if (other === source) return 'the version is not in the code';
    const core = URL.createObjectURL(new Blob([other], { type: 'text/javascript' }));
    const entry = (await (await fetch('/dist/browser.mjs')).text()).replaceAll('"./core.mjs"', JSON.stringify(core)).replaceAll('import.meta.url', JSON.stringify(new URL('/dist/browser.mjs', location.href).href));
    const module = await import(URL.createObjectURL(new Blob([entry], { type: 'text/javascript' })));
    try {
      const store = await module.Store.open({ shared: 'tabs' });
      return await store.get('k');
    } catch (error) {
      return error.message;
    }
  });
  // The worker's script is this version's here, so that its name is another one, and it says what it is.
  check('another version is refused by name', value, 'the worker runs redstart 0.1.0, and this page 0.1.1');
}

try {
  for (const how of ['shared worker', 'leader']) await tabs(how);
} finally {
  await browser.close();
  server.close();
}
if (failures > 0) console.log(`chromium, tabs: ${failures} failed`);
process.exit(failures ? 1 : 0);
