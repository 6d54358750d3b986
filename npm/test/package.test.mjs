/** The package as it would be published: its exports and types resolve in every way that they can be asked for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { bin, source } from './where.mjs';

/** What is packed: the tarball that all tests run on, or else the source tree. */
const what = process.env.REDSTART_TARBALL;
const run = (program, ...args) => {
  const { status, stdout, stderr } = spawnSync(bin(program), args, { cwd: source, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
};

test('publint finds nothing', () => run('publint', '--strict', ...(what ? [what] : [])));

test('attw finds nothing', () => {
  // What is an ES module alone can be imported by CommonJS only with import(), which attw tells; node10 knows no exports.
  run('attw', ...(what ? [what] : ['--pack', '.']), '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--exclude-entrypoints', './engine.wasm');
});
