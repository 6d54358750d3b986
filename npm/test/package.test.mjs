/** The package as it would be published: its exports and types resolve in every way that they can be asked for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bin, dist, source } from './where.mjs';

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

test('the pages that README.md links to are in the package, and so are the licences', () => {
  const root = new URL('..', dist);
  const pages = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)];
  assert.ok(pages.length > 10);
  for (const page of pages) {
    const at = new URL(page, root);
    for (const [, to] of readFileSync(at, 'utf8').matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)) {
      // The server is another part of the repository.
      if (!to.includes('native-server/')) assert.ok(existsSync(new URL(to, at)), `${page}: ${to}`);
    }
  }
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) assert.ok(existsSync(new URL(name, root)), name);
});
