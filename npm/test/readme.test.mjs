/** The examples in README.md do what it says: `// value` at a line's end is what the line gives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Engine } from 'redstart';
import { dist } from './where.mjs';

const blocks = [...readFileSync(new URL('../README.md', dist), 'utf8').matchAll(/```js\n(.*?)```/gs)].map((m) => m[1]);
const AsyncFunction = (async () => {}).constructor;

test('the examples run', async () => {
  assert.ok(blocks.length >= 4);
  for (const block of blocks) {
    const engine = await Engine.open();
    const body = block
      // Inside a function modules are imported as values.
      .replace(/^import (\w+) from (.*);$/gm, 'const { default: $1 } = await load($2);')
      .replace(/^import (\{.*\}) from (.*);$/gm, 'const $1 = await load($2);')
      .replace(/^const \{ Engine \} = .*$/m, '')
      .replace(/const engine = /, 'engine = ')
      .replace(/^(.+;) +\/\/ ((?:'|\{ \w+:|\[).*)$/gm, (_, code, value) => `assert.deepEqual(${code.slice(0, -1)}, ${value});`)
      .replace(/assert\.deepEqual\(engine\.report\(\).*$/m, 'engine.report();');
    await new AsyncFunction('Engine', 'assert', 'engine', 'process', 'console', 'load', body)(
      Engine, assert, engine, { stdout: { write() {} } }, { log() {} }, (name) => import(name),
    );
  }
});
