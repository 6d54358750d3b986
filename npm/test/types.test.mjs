/** The generated TypeScript is what users type against: calls that must compile, calls that must not. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, source } from './where.mjs';

/** By its path: `.bin/tsc` may be that of the older one. */
const TSC = join(source, 'node_modules/typescript/bin/tsc');

test('methods have types', () => {
  const folder = mkdtempSync(join(root, 'types-'));
  const file = join(folder, 'calls.ts');
  writeFileSync(file, `
import { type Channel, Engine, type Message, type Reply, Store } from 'redstart';
import { isSealed, MemoryStorage, seal, sealed, type SealKey, type Storage, unseal } from 'redstart/storage';
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
const store: Store = await Store.open({ shared: 'app', config: { maxmemory: '64mb' } });
const later: Promise<string | null> = store.get('k');
const laterRaw: Promise<Uint8Array | null> = store.bytes.get('k');
const either: string | null = await (Math.random() < 0.5 ? engine : store).get('k');
const [first]: Reply[] = await store.pipeline().set('k', 1, { EX: 60 }).incr('k').hGetAll('h').exec();
const now: Reply[] = engine.multi().set('k', 1).get('k').exec();
const replies: Reply[] = await store.transaction(async (tx) => { await tx.watch('k'); return tx.multi().incr('k'); });
const sum: number = await store.transaction(async (tx) => Number(await tx.get('k')) + 1);
const step: [cursor: string, keys: string[]] = await store.scan(0, 'COUNT', 10);
for await (const key of store.scan({ match: 'k*', type: 'hash' })) { const text: string = key; }
for (const [member, score] of engine.zscan('z')) { const n: number = score; const m: string = member; }
for await (const { message, channel } of store.subscribe('news')) { const m: Message = { message, channel }; break; }
const end: () => void = await store.subscribe('news', (message) => {});
for await (const reply of store.live(['GET', 'k'])) { const r: Reply = reply; break; }
const channel: Channel = await store.connect();
{ await using scoped = await Store.open({ worker: true }); }
const sealKey: SealKey = await crypto.subtle.importKey('raw', new Uint8Array(32), 'HKDF', false, ['deriveKey']);
const file: Uint8Array = await seal(engine.snapshot(), 'text');
if (isSealed(file)) Engine.openSync({ snapshot: await unseal(file, sealKey) });
const sealedStorage: Storage = sealed(new MemoryStorage(), new Uint8Array(32));
{ await using scoped = await Store.open({ storage: sealedStorage }); }
// @ts-expect-error a key is missing
sealed(new MemoryStorage());
// @ts-expect-error a promise is no string
const wrong: string | null = store.get('k');
// @ts-expect-error no such command
store.pipeline().nosuch();
// @ts-expect-error a function is missing
store.transaction();
// @ts-expect-error no such option
engine.set('k', 'v', { EXX: 1 } as const satisfies { EX?: number });
// @ts-expect-error a key is missing
engine.get();
// @ts-expect-error no value
engine.set('k');
export { value, raw, count, all, reply, stop, later, laterRaw, either, first, now, replies, sum, step, end, channel, wrong };
`);
  const { status, stdout } = spawnSync(process.execPath, [
    TSC,
    '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext',
    '--lib', 'es2022,esnext.disposable,dom', '--skipLibCheck', 'false', file,
  ], { cwd: root, encoding: 'utf8' });
  spawnSync('rm', ['-r', folder]);
  assert.equal(status, 0, stdout);
});

/** Without `using`, and with no more of TypeScript's libraries than a program needs. */
const PLAIN = `
import { Engine, type ModuleSource, Store, type Reply } from 'redstart';
import { FileStorage } from 'redstart/storage/node';
import { connector } from 'redstart/ioredis';
import { listen } from 'redstart/socket';
import { seal, type SealKey } from 'redstart/storage';
import { requester, toFetchHandler } from 'redstart/upstash';
export async function run(source: ModuleSource, key: SealKey): Promise<unknown> {
  const engine = await Engine.open({ config: { maxmemory: '64mb' }, storage: new FileStorage('data') });
  const value: string | null = engine.get('k');
  engine.set('k', value ?? 1, { EX: 60, nx: true });
  const store = await Store.open();
  const replies: Reply[] = await store.pipeline().setNX('k', 1).zPopMax('z').exec();
  for await (const name of store.scan({ match: 'k*' })) { const text: string = name; void text; }
  const handler: (request: Request) => Promise<Response> = toFetchHandler(store, { token: 't' });
  return [source, replies, connector(engine), await listen(engine, { port: 0 }), requester(engine), handler, await seal(engine.snapshot(), key)];
}
`;

/** The oldest TypeScript that the package has types for, and the one that it is built with. */
for (const compiler of ['typescript4', 'typescript']) test(`the types are right for ${compiler}`, () => {
  const folder = mkdtempSync(join(root, 'types-'));
  writeFileSync(join(folder, 'plain.mts'), PLAIN);
  writeFileSync(join(folder, 'plain.cts'), PLAIN);
  copyFileSync(new URL('calls.mts', import.meta.url), join(folder, 'calls.mts'));
  const { version } = JSON.parse(readFileSync(join(source, 'node_modules', compiler, 'package.json'), 'utf8'));
  assert.match(version, compiler === 'typescript4' ? /^4\.9\./ : /^5\./);
  const options = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, target: 'es2022', typeRoots: [join(source, 'node_modules/@types')] };
  for (const more of [
    { lib: ['es2022'], types: ['node'] },
    { lib: ['es2022', 'dom', 'dom.iterable'], types: ['node'] },
  ]) {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, ...more, module: 'node16', moduleResolution: 'node16' }, files: ['plain.mts', 'plain.cts', 'calls.mts'] }));
    const { status, stdout } = spawnSync(process.execPath, [join(source, 'node_modules', compiler, 'bin/tsc'), '-p', folder], { cwd: root, encoding: 'utf8' });
    assert.equal(status, 0, `${version} with ${more.lib}\n${stdout}`);
  }
  rmSync(folder, { recursive: true });
});

test('the example Worker has types', () => {
  const folder = mkdtempSync(join(root, 'types-'));
  const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'], types: [] };
  const files = [join(root, 'examples/worker/src/index.ts'), join(source, 'src/object/cloudflare.d.ts')];
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', folder], { cwd: root, encoding: 'utf8' });
  spawnSync('rm', ['-r', folder]);
  assert.equal(status, 0, stdout);
});
