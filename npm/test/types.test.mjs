/** The generated TypeScript is what users type against: calls that must compile, calls that must not. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const here = fileURLToPath(new URL('..', import.meta.url));

test('methods have types', () => {
  const folder = mkdtempSync(join(here, 'dist', 'types-'));
  const file = join(folder, 'calls.ts');
  writeFileSync(file, `
import { Engine, type Reply } from 'redstart';
const engine: Engine = await Engine.open({ config: { maxmemory: '64mb' }, clock: { now: () => 0 } });
const value: string | null = engine.get('k');
const raw: Uint8Array | null = engine.bytes.get(new Uint8Array(1));
const count: number = engine.del('a', 'b', ['c']);
engine.set('k', 1, { EX: 60, nx: true });
engine.set('k', 'v', 'EX', 60);
const all: { [field: string]: string } = engine.hGetAll('h');
const reply: Reply = engine.call('ANY', 1, { a: 2 });
const stop: () => void = engine.subscribe('c', (message: string) => {});
{ using scoped = engine; }
// @ts-expect-error no such option
engine.set('k', 'v', { EXX: 1 } as const satisfies { EX?: number });
// @ts-expect-error a key is missing
engine.get();
// @ts-expect-error no value
engine.set('k');
export { value, raw, count, all, reply, stop };
`);
  const { status, stdout } = spawnSync(`${here}node_modules/.bin/tsc`, [
    '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext',
    '--lib', 'es2022,esnext.disposable,dom', '--skipLibCheck', 'false', file,
  ], { cwd: here, encoding: 'utf8' });
  spawnSync('rm', ['-r', folder]);
  assert.equal(status, 0, stdout);
});
