/** The console in Chromium. `node test/repl.mjs FOLDER` leaves pictures of it there. */
import { chromium } from 'playwright-core';
import { browserOptions, servePackage } from './browser.mjs';

const folder = process.argv[2];
const server = await servePackage();
const browser = await chromium.launch(browserOptions);
let failures = 0;
function check(what, got, wanted) {
  if (JSON.stringify(got) === JSON.stringify(wanted)) return;
  failures++;
  console.log(`  ${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
}

try {
  const page = await browser.newPage({ viewport: { width: 800, height: 480 } });
  page.on('pageerror', (error) => {
    failures++;
    console.log(`  in the page: ${error.message}`);
  });
  await page.goto(`${server.url}/test/page.html`);
  await page.evaluate(async () => {
    const [{ Engine }] = await Promise.all([import('/dist/browser.mjs'), import('/dist/repl.mjs')]);
    globalThis.engine = await Engine.open();
    document.body.innerHTML = '<redstart-repl prompt="redstart> "></redstart-repl>';
    globalThis.repl = document.querySelector('redstart-repl');
    repl.host = engine;
    globalThis.times = [];
    repl.addEventListener('reply', ({ detail }) => times.push(detail.microseconds));
  });
  const lines = () => page.evaluate(() => [...repl.shadowRoot.querySelectorAll('#screen > div')].map((line) => [line.className, line.textContent]));
  const type = async (text) => {
    await page.locator('redstart-repl input').pressSequentially(text);
    await page.keyboard.press('Enter');
    await page.waitForTimeout(50);
  };
  await type('set greeting "hello, \\"tab\\""');
  await type('get greeting');
  await type('hset bird name redstart weight 15');
  await type('hgetall bird');
  await type('get nothing');
  await type('incr greeting');
  check('replies are as redis-cli shows them', await lines(), [
    ['asked', 'set greeting "hello, \\"tab\\""'], ['status', 'OK'],
    ['asked', 'get greeting'], ['text', '"hello, \\"tab\\""'],
    ['asked', 'hset bird name redstart weight 15'], ['number', '(integer) 2'],
    ['asked', 'hgetall bird'], ['text', '1# "name" => "redstart"'], ['text', '2# "weight" => "15"'],
    ['asked', 'get nothing'], ['none', '(nil)'],
    ['asked', 'incr greeting'], ['error', '(error) ERR value is not an integer or out of range'],
  ]);
  check('the page is told of replies', await page.evaluate(() => times.length), 6);
  const input = page.locator('redstart-repl input');
  await input.pressSequentially('zrang');
  await page.keyboard.press('Tab');
  check('Tab completes', await input.inputValue(), 'zrange');
  await input.pressSequentially(' ');
  check('the grammar is shown', (await page.locator('redstart-repl .hint').textContent()).startsWith('ZRANGE key '), true);
  if (folder) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.addStyleTag({ content: ':root { color-scheme: light dark }' });
      await page.screenshot({ path: `${folder}/repl-${colorScheme}.png` });
    }
  }
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowUp');
  check('the arrow gives the last line', await input.inputValue(), 'incr greeting');
  await page.keyboard.press('Escape');
  await type('clear');
  await type('subscribe news');
  await page.evaluate(() => engine.publish('news', 'hi'));
  check('messages come in', (await lines()).map(([, text]) => text), ['subscribe news', '1) "subscribe"', '2) "news"', '3) (integer) 1', '1) "message"', '2) "news"', '3) "hi"']);
  await type('clear');
  await type('quit');
  await type('get "greeting');
  await type('echo again');
  check('a closed connection is replaced', (await lines()).map(([, text]) => text), [
    'quit', 'OK', '(the connection was closed; the next command opens another)',
    'get "greeting', 'Invalid argument(s): a quote is open', 'echo again', '"again"',
  ]);
  await page.evaluate(async () => {
    const { Store } = await import('/dist/browser.mjs');
    repl.clear();
    repl.host = globalThis.store = await Store.open({ worker: true });
    await repl.run('blpop q 0.01');
    await repl.run('set k v');
  });
  check('a store is a host too', (await lines()).map(([, text]) => text), ['blpop q 0.01', '(nil)', 'set k v', 'OK']);
  await page.evaluate(async () => {
    const other = document.createElement('redstart-repl');
    document.body.replaceChildren(other);
    await other.run('ping');
    globalThis.repl = other;
  });
  check('without a host it says so', (await lines()).at(-1), ['error', 'the console has no host: set its property `host` to an engine or a store']);
  check('and the connection of the other one is gone', await page.evaluate(async () => (await store.info('clients')).match(/connected_clients:(\d+)/)[1]), '2');
  console.log(`chromium, repl: ${failures} failed`);
} finally {
  await browser.close();
  server.close();
}
process.exit(failures ? 1 : 0);
