/** Runs the cases in every runtime. `node test/run.mjs [name...]` runs some. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${here}node_modules/.bin/${name}`;
const RUNTIMES = {
  node: [process.execPath, '--test', 'test/node.test.mjs', 'test/clients.test.mjs', 'test/upstash.test.mjs', 'test/node-cjs.test.cjs', 'test/types.test.mjs', 'test/readme.test.mjs', 'test/scripts.test.mjs', 'test/store.test.mjs', 'test/package.test.mjs', 'test/lua.test.mjs', 'test/libraries.test.mjs', 'test/storage.test.mjs'],
  deno: [bin('deno'), 'run', '--no-prompt', '--no-config', '--quiet', 'test/deno.mjs'],
  'deno with workers': [bin('deno'), 'run', '--no-prompt', '--no-config', '--quiet', '--allow-read=dist', 'test/deno.mjs'],
  bun: [bin('bun'), 'test/bun.mjs'],
  workerd: [process.execPath, 'test/workerd.mjs'],
  'durable-objects': [process.execPath, 'test/object.mjs'],
  'bullmq-workerd': [process.execPath, 'test/bullmq-workerd.mjs'],
  examples: [process.execPath, 'test/examples.mjs'],
  'edge-runtime': [process.execPath, 'test/edge-runtime.mjs'],
  chromium: [process.execPath, 'test/chromium.mjs'],
  tabs: [process.execPath, 'test/tabs.mjs'],
  repl: [process.execPath, 'test/repl.mjs'],
  'chromium-storage': [process.execPath, 'test/chromium-storage.mjs'],
};
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES);
const failed = [];
for (const name of names) {
  const [program, ...args] = RUNTIMES[name];
  const { status } = spawnSync(program, args, { cwd: here, stdio: 'inherit' });
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
