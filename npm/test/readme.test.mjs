/**
 * The examples in README.md and docs/ do what they say: `// value` at a line's end is what the line gives. Code for
 * other runtimes begins with the name of an example, which has it word for word and is run there.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Engine } from 'redstart';
import { dist, source } from './where.mjs';

const pages = { README: readFileSync(new URL('../README.md', dist), 'utf8') };
for (const name of readdirSync(`${source}docs`)) pages[name] = readFileSync(`${source}docs/${name}`, 'utf8');
const code = (text, kind) => [...text.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))].map((m) => m[1]);
const AsyncFunction = (async () => {}).constructor;

for (const [name, text] of Object.entries(pages)) test(`the examples of ${name} run`, async () => {
  assert.match(text, /^# /);
  for (const [, file, lines] of text.matchAll(/```ts\n\/\/ (examples\/\S+)\n(.*?)```/gs)) {
    assert.ok(readFileSync(source + file, 'utf8').includes(lines.trim()), `${file} is another`);
  }
  // Others may be running the same.
  const folder = mkdtempSync(join(tmpdir(), 'redstart-'));
  for (const block of code(text, 'js')) {
    const engine = await Engine.open();
    const body = block
      .replaceAll("'/tmp/", `'${folder}/`)
      // Inside a function modules are imported as values.
      .replace(/^import (\w+) from (.*);$/gm, 'const { default: $1 } = await load($2);')
      .replace(/^import (\{.*\}) from (.*);$/gm, 'const $1 = await load($2);')
      .replace(/^const \{ Engine \} = .*$/m, '')
      .replace(/const engine = /, 'engine = ')
      .replace(/^(.+;) +\/\/ ((?:'|\{ \w+:|\[|true).*)$/gm, (_, code, value) => `assert.deepEqual(${code.slice(0, -1)}, ${value});`)
      .replace(/assert\.deepEqual\(engine\.report\(\).*$/m, 'engine.report();');
    await new AsyncFunction('Engine', 'assert', 'engine', 'process', 'console', 'load', body)(
      Engine, assert, engine, { stdout: { write() {} } }, { log() {} }, (name) => import(name),
    );
  }
  rmSync(folder, { recursive: true, force: true });
});

test('links lead somewhere', () => {
  const anchors = (text) => new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')));
  for (const [name, text] of Object.entries(pages)) {
    const base = name === 'README' ? new URL(`file://${source}README.md`) : new URL(`file://${source}docs/${name}`);
    for (const [, to] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(to)) continue;
      const [path, anchor] = to.split('#');
      const file = path === '' ? base : new URL(path, base);
      assert.ok(existsSync(file), `${name}: ${to}`);
      if (anchor) assert.ok(anchors(readFileSync(file, 'utf8')).has(anchor), `${name}: ${to}`);
    }
  }
});
