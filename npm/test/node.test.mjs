import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as redstart from 'redstart';
import { cases } from './cases.mjs';

for (const [name, run] of Object.entries(cases)) test(name, () => run(redstart));

test('every command of the table is a method', async () => {
  const engine = await redstart.Engine.open();
  const table = JSON.parse(readFileSync(new URL(import.meta.resolve('redstart/commands.json')), 'utf8'));
  const names = table.map(({ name }) => name).filter((name) => !name.includes('|'));
  assert.ok(names.length > 100);
  assert.deepEqual(names.filter((name) => typeof engine[name.replaceAll('-', '_')] !== 'function'), []);
  assert.deepEqual(names.filter((name) => !/subscribe|reset/.test(name) && typeof engine.bytes[name.replaceAll('-', '_')] !== 'function'), []);
});
