/** The package as it would be published: its exports and types resolve in every way that they can be asked for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const run = (program, ...args) => {
  const { status, stdout, stderr } = spawnSync(`${here}node_modules/.bin/${program}`, args, { cwd: here, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
};

test('publint finds nothing', () => run('publint', '--strict'));

test('attw finds nothing', () => {
  // What is an ES module alone can be imported by CommonJS only with import(), which attw tells; node10 knows no exports.
  run('attw', '--pack', '.', '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--exclude-entrypoints', './engine.wasm');
});
