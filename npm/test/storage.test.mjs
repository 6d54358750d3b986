/** Storages in Node: the cases of test/storage-cases.mjs, files that redis-server reads, torn files, forks. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import * as redstart from 'redstart';
import { MemoryStorage, PiecesStorage, sealed } from 'redstart/storage';
import { FileStorage } from 'redstart/storage/node';
import { check, fill, storageCases } from './storage-cases.mjs';

const { Engine } = redstart;
const root = mkdtempSync(join(tmpdir(), 'redstart-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const folder = () => join(root, String(folders++));

for (const [name, run] of Object.entries(storageCases)) {
  test(`files: ${name}`, async () => {
    const path = folder();
    await run(redstart, (options) => new FileStorage(path, options));
  });
  test(`memory: ${name}`, async () => {
    const storage = Object.assign(new MemoryStorage(), { shares: true });
    await run(redstart, () => storage);
  });
}

for (const [kind, wrap] of [['', (storage) => storage], [', sealed', (storage) => sealed(storage, new Uint8Array(32))]]) {
  test(`of what is longer than a piece and fails amid it nothing is left${kind}`, async () => {
    const pieces = new Map();
    const name = ({ generation, kind, n }) => `${generation}.${kind}.${n}`;
    let [current, room, isStuck] = [0, Infinity, false];
    const make = () => wrap(new PiecesStorage({
      open: async () => ({ current, pieces: [...pieces.values()].map(({ piece, ...place }) => ({ ...place, bytes: piece.length })) }),
      read: async (place) => pieces.get(name(place)).piece,
      write: async (place, piece) => {
        if (room-- <= 0) throw new Error('the shelf is full');
        pieces.set(name(place), { ...place, piece: piece.slice() });
      },
      turn: async (generation) => void (current = generation),
      remove: async (places) => {
        if (isStuck) throw new Error('the shelf is stuck');
        for (const place of places) if (!pieces.delete(name(place))) throw new Error('no such piece');
      },
    }));
    const engine = await Engine.open({ storage: make() });
    engine.set('k', 1);
    await engine.saved();
    room = 2;
    engine.set('large', new Uint8Array(3 << 20));
    await assert.rejects(engine.saved(), { message: 'the shelf is full' });
    [room, isStuck] = [Infinity, true];
    await assert.rejects(engine.saved(), { message: 'the shelf is stuck' });
    isStuck = false;
    await engine.saved();
    engine.incr('k');
    await engine.close();
    const again = await Engine.open({ storage: make() });
    assert.deepEqual([again.get('k'), again.strlen('large')], ['2', 3 << 20]);
    await again.close();
  });
}

test('a journal that ends amid a command is read up to there, and goes on', async () => {
  const path = folder();
  const engine = await Engine.open({ storage: new FileStorage(path) });
  engine.set('a', 1);
  engine.set('b', 2);
  await engine.close();
  const file = join(path, 'appendonly.aof.1.incr.aof');
  truncateSync(file, readFileSync(file).length - 3);
  const again = await Engine.open({ storage: new FileStorage(path) });
  assert.deepEqual(again.mget('a', 'b'), ['1', null]);
  again.set('c', 3);
  await again.close();
  const last = await Engine.open({ storage: new FileStorage(path) });
  assert.deepEqual(last.mget('a', 'b', 'c'), ['1', null, '3']);
  await last.close();
});

test('a journal with something else in it is an error that says where, and is left as it is', async () => {
  const path = folder();
  const engine = await Engine.open({ storage: new FileStorage(path) });
  engine.set('a', 1);
  await engine.close();
  const file = join(path, 'appendonly.aof.1.incr.aof');
  const good = readFileSync(file);
  const bad = Buffer.concat([good, Buffer.from('this is no command\r\n')]);
  writeFileSync(file, bad);
  await assert.rejects(Engine.open({ storage: new FileStorage(path) }), { message: `no command at offset ${good.length} of the journal` });
  assert.deepEqual(readFileSync(file), bad);
});

const server = process.env.REDIS_SERVER ?? 'redis-server';
const hasServer = spawnSync(server, ['--version']).status === 0;

test('redis-check-aof finds the files good', { skip: !hasServer || spawnSync('redis-check-aof', ['--version']).error }, async () => {
  const path = folder();
  const engine = await Engine.open({ storage: new FileStorage(path) });
  fill(engine);
  await engine.compact();
  engine.set('behind', 1);
  await engine.close();
  assert.deepEqual(readdirSync(path).sort(), ['appendonly.aof.1.base.rdb', 'appendonly.aof.1.incr.aof', 'appendonly.aof.manifest'].map((name) => name.replace('.1.', '.2.')));
  const { stdout, status } = spawnSync('redis-check-aof', [join(path, 'appendonly.aof.manifest')], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('redis-server opens the files, and what it writes is opened here', { skip: !hasServer }, async () => {
  const path = folder();
  const engine = await Engine.open({ storage: new FileStorage(path) });
  fill(engine);
  await engine.compact();
  engine.set('behind', 1);
  await engine.close();
  const socket = join(root, `${folders}.sock`);
  const child = spawn(server, ['--port', '0', '--unixsocket', socket, '--dir', root, '--appenddirname', basename(path), '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const { default: Redis } = await import('ioredis');
  const client = new Redis(socket, { retryStrategy: (n) => (n < 100 ? 50 : null) });
  client.on('error', () => {});
  try {
    assert.equal(await client.dbsize(), 10_007);
    assert.equal(await client.get('key:77'), 'value 77');
    assert.equal((await client.xpending('events', 'workers'))[0], 9);
    assert.equal(await client.fcall('one', 0), 1);
    assert.equal(await client.del('behind'), 1);
    assert.equal(await client.set('key:5', 'value 5', 'EX', 3600), 'OK');
  } finally {
    await client.call('SHUTDOWN').catch(() => {});
    client.disconnect();
    child.kill();
    await ended;
  }
  const again = await Engine.open({ storage: new FileStorage(path) });
  check(again);
  await again.close();
});

test('a snapshot makes another engine, and a broken one an error with its offset', async () => {
  const engine = await Engine.open();
  fill(engine);
  const snapshot = engine.snapshot();
  const other = await Engine.open({ snapshot });
  check(other);
  const broken = await Engine.open({ snapshot: snapshot.subarray(0, snapshot.length >> 1) });
  assert.throws(() => broken.ping(), /offset \d+/);
});

test('a fork has everything, and goes its own way', async () => {
  const engine = await Engine.open({ config: { 'hash-max-listpack-entries': 3 } });
  fill(engine);
  engine.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  engine.call('ACL', 'SETUSER', 'ada', 'on', '>secret', '~k*', '+get');
  engine.set('soon', 'x', { PX: 1000 });
  engine.advance(400);
  const fork = engine.fork();
  fork.advance(0);
  assert.equal(fork.dbsize(), 10_007);
  const left = fork.pttl('soon');
  assert.ok(left <= 600 && left > 0, String(left));
  assert.deepEqual(fork.configGet('maxmemory-policy', 'hash-max-listpack-entries'), engine.configGet('maxmemory-policy', 'hash-max-listpack-entries'));
  assert.deepEqual(fork.call('ACL', 'LIST'), engine.call('ACL', 'LIST'));
  fork.set('key:1', 'other');
  fork.advance(10_000);
  assert.deepEqual([fork.get('soon'), engine.get('soon')], [null, 'x']);
  engine.del('soon');
  check(engine);
  assert.equal(fork.get('key:1'), 'other');
  engine.free();
  assert.equal(fork.get('key:2'), 'value 2');
  const frozen = fork.fork({ clock: { now: () => 5 }, config: { databases: 8 } });
  assert.equal(frozen.time()[0], '10');
});

test('options that are none are refused', async () => {
  assert.throws(() => Engine.openSync({ storage: new MemoryStorage() }), /storage: takes `await/);
  await assert.rejects(Engine.open({ durability: 'most' }), /durability: expected/);
});

/** A process that opens a folder, says so and waits; killed, it says no more. */
async function holder(path) {
  const code = `import { Engine } from 'redstart'; import { FileStorage } from 'redstart/storage/node';
    const engine = await Engine.open({ storage: new FileStorage(${JSON.stringify(path)}) });
    engine.set('k', 'kept'); await engine.saved(); console.log('open'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: new URL('..', import.meta.url), stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('a folder belongs to one process, until that one dies', async () => {
  const path = folder();
  const child = await holder(path);
  await assert.rejects(Engine.open({ storage: new FileStorage(path, { wait: false }) }), {
    name: 'StorageLockedError',
    message: `the storage is in use by another engine: process ${child.pid} holds ${join(path, 'redstart.lock')}; if that is no such process, remove the file`,
  });
  const waiting = Engine.open({ storage: new FileStorage(path, { wait: true }) });
  child.kill('SIGKILL');
  const engine = await waiting;
  assert.equal(engine.get('k'), 'kept');
  await engine.close();
  assert.ok(!readdirSync(path).includes('redstart.lock'));
});

test('a lock of a process whose number another one has now is stale', { skip: process.platform !== 'linux' }, async () => {
  const path = folder();
  await (await Engine.open({ storage: new FileStorage(path) })).close();
  for (const text of [`${process.pid} 1 x\n`, `${process.ppid} 1 x\n`, '', 'nonsense']) {
    writeFileSync(join(path, 'redstart.lock'), text);
    const engine = await Engine.open({ storage: new FileStorage(path, { wait: false }) });
    await engine.close();
  }
});

test('of many who want a folder one gets it at a time', async () => {
  const path = folder();
  let inside = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const engine = await Engine.open({ storage: new FileStorage(path, { wait: true }) });
      assert.equal(++inside, 1);
      engine.incr('n');
      inside--;
      await engine.close();
    }),
  );
  const engine = await Engine.open({ storage: new FileStorage(path) });
  assert.equal(engine.get('n'), '8');
  await engine.close();
});

test('a disk that is full refuses writes, and nothing that was saved is lost', { skip: process.platform !== 'linux' }, async () => {
  const path = folder();
  // A file may have 64 KiB.
  const code = `import { Engine } from 'redstart'; import { FileStorage } from 'redstart/storage/node';
    const engine = await Engine.open({ storage: new FileStorage(${JSON.stringify(path)}) });
    let saved = 0;
    try { for (;; saved++) { engine.rpush('l', saved + 'x'.repeat(1000)); await engine.saved(); } } catch (error) { console.log(error.code); }
    try { engine.set('k', 1); } catch (error) { console.log(error.message); }
    console.log(engine.llen('l') === saved + 1, saved);
    process.exit();`;
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', code], { cwd: new URL('..', import.meta.url), encoding: 'utf8' });
  const [error, refused, length] = stdout.split('\n');
  assert.equal(error, 'EFBIG');
  assert.match(refused, /^MISCONF Errors writing to the AOF file: EFBIG: file too large/);
  const engine = await Engine.open({ storage: new FileStorage(path) });
  assert.equal(length, `true ${engine.llen('l')}`);
  await engine.close();
});
