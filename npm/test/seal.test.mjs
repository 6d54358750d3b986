/** Encrypted snapshots, and storages that are encrypted: against node:crypto, and against whatever goes wrong. */
import assert from 'node:assert/strict';
import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as redstart from 'redstart';
import { isSealed, MemoryStorage, seal, sealed, unseal } from 'redstart/storage';
import { FileStorage } from 'redstart/storage/node';
import { check, fill, storageCases } from './storage-cases.mjs';

const { Engine } = redstart;
const root = mkdtempSync(join(tmpdir(), 'redstart-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const folder = () => join(root, String(folders++));

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const other = new Uint8Array(32).fill(9);
const bytes = (buffer) => new Uint8Array(buffer);

/** The format, written down a second time. */
function reference(plaintext, salt) {
  const header = Buffer.concat([Buffer.from('REDSEAL\x01', 'latin1'), salt]);
  const fileKey = Buffer.from(hkdfSync('sha256', key, salt, 'redstart snapshot 1', 32));
  const parts = [header];
  for (let n = 0, at = 0; ; n++, at += 65_536) {
    const isLast = plaintext.length - at <= 65_536;
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(n, 7);
    nonce[11] = isLast ? 1 : 0;
    const cipher = createCipheriv('aes-256-gcm', fileKey, nonce).setAAD(header);
    parts.push(cipher.update(plaintext.subarray(at, at + 65_536)), cipher.final(), cipher.getAuthTag());
    if (isLast) return bytes(Buffer.concat(parts));
  }
}

for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
  test(`${size} bytes are sealed as the format says, and come back`, async () => {
    const plaintext = bytes(randomBytes(size));
    const file = await seal(plaintext, key);
    assert.equal(file.length, 40 + size + 16 * Math.max(1, Math.ceil(size / 65_536)));
    assert.ok(isSealed(file) && !isSealed(plaintext));
    assert.deepEqual(file, reference(plaintext, Buffer.from(file.subarray(8, 40))));
    assert.deepEqual(await unseal(file, key), plaintext);
    assert.notDeepEqual(await seal(plaintext, key), file);
  });
}

const VECTOR = '5245445345414c01202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fff7cd3dba93587060d0872c83b23330feb8102aeb7224d3152';

test('a file with a known salt is these bytes', async () => {
  const plaintext = Buffer.from('REDIS0011');
  const file = reference(plaintext, Buffer.from(key.map((byte) => byte + 32)));
  assert.equal(Buffer.from(file).toString('hex'), VECTOR);
  assert.deepEqual(await unseal(file, key), bytes(plaintext));
});

test('a key comes as bytes, digits, base64 or a CryptoKey', async () => {
  const file = await seal(key, key);
  const hex = Buffer.from(key).toString('hex');
  const imported = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveKey', 'deriveBits']);
  for (const same of [hex, hex.toUpperCase(), `${hex}\n`, Buffer.from(key).toString('base64'), Buffer.from(key), imported]) {
    assert.deepEqual(await unseal(file, same), key);
    assert.deepEqual(await unseal(await seal(key, same), key), key);
  }
});

test('what is no key is told, and never shown', async () => {
  const file = await seal(key, key);
  const aes = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const text = Buffer.from(key).toString('base64');
  for (const [wrong, got] of [
    [key.subarray(1), '31 bytes'], [new Uint8Array(33), '33 bytes'], ['', 'another text of 0 characters'],
    ['00'.repeat(31), 'another text of 62 characters'], ['0g'.repeat(32), 'another text of 64 characters'], [text.slice(1), 'another text of 43 characters'],
    [text.replace('8=', '9='), 'another text of 44 characters'], [text.replace('/', '_').replace(/^./, '_'), 'another text of 44 characters'],
    [aes, 'one for AES-GCM with encrypt'], [undefined, 'undefined'], [null, 'object'], [7, 'number'],
  ]) {
    const error = { name: 'TypeError', message: `key: expected 32 bytes, 64 hexadecimal digits, 44 characters of base64 or a CryptoKey for HKDF with deriveKey, got ${got}` };
    await assert.rejects(seal(key, wrong), error);
    await assert.rejects(unseal(file, wrong), error);
    assert.throws(() => sealed(new MemoryStorage(), wrong), error);
  }
});

test('what is not as it was sealed is told, with the place', async () => {
  const file = await seal(bytes(randomBytes(200_000)), key);
  const rejects = async (wrong, why, k = key) => assert.rejects(unseal(wrong, k), { name: 'SealError', message: `the snapshot cannot be opened: ${why}` });
  const with_ = (at, byte) => Uint8Array.from(file, (old, i) => (i === at ? byte ?? old ^ 1 : old));
  const chunk = (n) => file.subarray(40 + n * 65_552, Math.min(file.length, 40 + (n + 1) * 65_552));
  const made = (...n) => bytes(Buffer.concat([file.subarray(0, 40), ...n.map(chunk)]));

  await rejects(file, 'wrong key or damaged at byte 40', other);
  // The salt, data, a tag; in chunks behind the first; the last byte.
  for (const at of [8, 39, 40, 65_591]) await rejects(with_(at), 'wrong key or damaged at byte 40');
  await rejects(with_(65_592), 'damaged or cut off behind byte 65592');
  await rejects(with_(file.length - 1), `damaged or cut off behind byte ${40 + 3 * 65_552}`);
  await rejects(file.subarray(0, file.length - 1), `damaged or cut off behind byte ${40 + 3 * 65_552}`);
  for (const length of [8, 39, 40, 55]) await rejects(file.subarray(0, length), `it is cut off at byte ${length}`);
  for (const n of [1, 2, 3]) await rejects(file.subarray(0, 40 + n * 65_552), `it is cut off at byte ${40 + n * 65_552}`);
  await rejects(bytes(Buffer.concat([file, Buffer.from('x')])), `damaged or cut off behind byte ${40 + 3 * 65_552}`);
  await rejects(made(1, 0, 2, 3), 'wrong key or damaged at byte 40');
  await rejects(made(0, 2, 1, 3), 'damaged or cut off behind byte 65592');
  await rejects(made(0, 1, 3), `damaged or cut off behind byte ${40 + 2 * 65_552}`);
  await rejects(made(0, 0, 1, 2, 3), 'damaged or cut off behind byte 65592');
  await rejects(bytes(Buffer.from('REDIS0011')), 'it is not sealed');
  await rejects(new Uint8Array(), 'it is not sealed');
  await rejects(with_(7, 2), 'it is sealed in another form (2)');
  assert.deepEqual(await unseal(made(0, 1, 2, 3), key), await unseal(file, key));
});

test('a snapshot of an engine is sealed, unsealed and opened', async () => {
  const engine = await Engine.open();
  fill(engine);
  const snapshot = engine.snapshot();
  const file = await seal(snapshot, key);
  assert.equal(Buffer.from(file).includes('redstart'), false);
  check(await Engine.open({ snapshot: await unseal(file, key) }));
});

for (const [name, run] of Object.entries(storageCases)) {
  test(`sealed files: ${name}`, async () => {
    const path = folder();
    await run(redstart, (options) => sealed(new FileStorage(path, options), key));
  });
  test(`sealed memory: ${name}`, async () => {
    const storage = Object.assign(sealed(new MemoryStorage(), key), { shares: true });
    await run(redstart, () => storage);
  });
}

/** A folder with a base and a journal of several runs, and its files. */
async function kept() {
  const path = folder();
  let engine = await Engine.open({ storage: sealed(new FileStorage(path), key) });
  fill(engine);
  await engine.compact();
  for (const value of ['first words', 'second words']) {
    engine.set('behind', value);
    await engine.saved();
  }
  await engine.close();
  engine = await Engine.open({ storage: sealed(new FileStorage(path), key) });
  engine.append('behind', ', and more');
  await engine.close();
  return path;
}
const files = (path) => Object.fromEntries(readdirSync(path).sort().map((name) => [name, readFileSync(join(path, name))]));
const open = (path, k = key) => Engine.open({ storage: sealed(new FileStorage(path), k) });

test('nothing that is stored can be read, and the base is a sealed snapshot', async () => {
  const path = await kept();
  const { 'appendonly.aof.2.base.rdb': base, ...others } = files(path);
  // Words that are long enough not to come about by chance.
  for (const file of [base, ...Object.values(others)]) for (const word of ['redstart', 'words', 'behind']) assert.equal(file.includes(word), false);
  check(await Engine.open({ snapshot: await unseal(bytes(base), key) }));
  const engine = await open(path);
  assert.equal(engine.get('behind'), 'second words, and more');
  await engine.close();
});

test('with another key, or damaged, it is not opened and left as it is', async () => {
  const path = await kept();
  const [base, journal] = ['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof'];
  const whole = files(path);
  const fails = async (message, k) => {
    const before = files(path);
    await assert.rejects(open(path, k), { name: 'SealError', message });
    assert.deepEqual(files(path), before);
    for (const name of [base, journal]) writeFileSync(join(path, name), whole[name]);
  };
  await fails('the base cannot be opened: wrong key or damaged at byte 40', other);
  const flip = (name, at) => writeFileSync(join(path, name), whole[name].map((byte, i) => (i === at ? byte ^ 1 : byte)));
  const offsets = [...recordsOf(whole[journal])];
  flip(base, 100_000);
  await fails('the base cannot be opened: damaged or cut off behind byte 65592');
  for (const [n, at] of offsets.entries()) {
    for (const byte of [0, 3, 7, 8, 20]) {
      flip(journal, at + byte);
      await fails(`the journal cannot be opened: ${n === 0 ? 'wrong key or ' : ''}damaged at byte ${at}`.replace('wrong key or ', byte < 8 ? '' : 'wrong key or '));
    }
  }
  // A record is gone, a run is gone, the first run is of another time.
  const [, second, third] = offsets;
  const runs = whole[journal].lastIndexOf('REDJRNL');
  const without = (from, to) => writeFileSync(join(path, journal), Buffer.concat([whole[journal].subarray(0, from), whole[journal].subarray(to)]));
  without(second, third);
  await fails(`the journal cannot be opened: damaged at byte ${second}`);
  without(0, runs);
  await fails('the journal cannot be opened: something is missing before byte 40');
  without(third, runs);
  await fails(`the journal cannot be opened: something is missing before byte ${third + 40}`);
  without(0, 40);
  await fails('the journal cannot be opened: it is not sealed');
  const engine = await open(path);
  assert.equal(engine.get('behind'), 'second words, and more');
  await engine.close();
});

/** Where the records of a journal begin. */
function* recordsOf(journal) {
  for (let at = 0; at < journal.length; ) {
    if (journal.subarray(at, at + 7).equals(Buffer.from('REDJRNL'))) {
      at += 40;
      continue;
    }
    yield at;
    at += 8 + journal.readUInt32BE(at);
  }
}

test('a journal without a base is not opened with another key either', async () => {
  const path = folder();
  let engine = await open(path);
  engine.set('k', 'v');
  await engine.close();
  await assert.rejects(open(path, other), { message: 'the journal cannot be opened: wrong key or damaged at byte 40' });
  engine = await open(path);
  assert.equal(engine.get('k'), 'v');
  await engine.close();
});

test('a journal is read up to where it was cut off, and goes on', async () => {
  const path = await kept();
  const journal = join(path, 'appendonly.aof.2.incr.aof');
  const whole = readFileSync(journal);
  const all = files(path);
  const run = whole.lastIndexOf('REDJRNL');
  const last = [...recordsOf(whole)].at(-1);
  for (const length of [whole.length - 1, last + 9, last + 3, last, run + 41, run + 20, run + 3]) {
    for (const name of readdirSync(path)) rmSync(join(path, name));
    for (const [name, file] of Object.entries(all)) writeFileSync(join(path, name), file);
    writeFileSync(journal, whole.subarray(0, length));
    let engine = await open(path);
    assert.equal(engine.get('behind'), 'second words', `${length} of ${whole.length}`);
    engine.append('behind', ' again');
    await engine.close();
    engine = await open(path);
    assert.equal(engine.get('behind'), 'second words again');
    await engine.close();
  }
});

test('an append that failed and was stored all the same does not count twice', async () => {
  const inner = new MemoryStorage();
  let isBad = false;
  const storage = sealed({
    load: () => inner.load(),
    sizes: () => inner.sizes(),
    begin: () => inner.begin(),
    append: async (piece) => {
      await inner.append(piece);
      if (isBad) throw new Error('the answer was lost');
    },
    close: () => inner.close(),
  }, key);
  const engine = await Engine.open({ storage });
  for (let i = 0; i < 3; i++) {
    engine.incr('n');
    await engine.saved();
    isBad = true;
    engine.incr('n');
    await assert.rejects(engine.saved(), { message: 'the answer was lost' });
    isBad = false;
    await engine.saved();
    // Whether there is a base in between or not.
    if (i === 1) await engine.compact();
  }
  await engine.close();
  const again = await Engine.open({ storage: sealed(inner, key) });
  assert.equal(again.get('n'), '6');
  await again.close();
});

test('bases that are begun and given up, with and without appends in between, leave it whole', async () => {
  const inner = new MemoryStorage();
  let isBad = false;
  const make = () => sealed({
    load: () => inner.load(),
    sizes: () => inner.sizes(),
    begin() {
      const base = inner.begin();
      return { write: (piece) => base.write(piece), commit: async () => { if (isBad) throw new Error('no'); await base.commit(); }, abort: () => base.abort() };
    },
    append: (piece) => inner.append(piece),
    close: () => inner.close(),
  }, key);
  let n = 0;
  // Each digit is a step: append, a base, one that is given up, opened anew.
  for (const steps of ['2', '20', '1', '12', '120', '1210', '0120', '0220', '02320', '2320', '0123', '3320', '10213201023']) {
    let engine = await Engine.open({ storage: make() });
    for (const step of steps) {
      isBad = step === '2';
      if (step === '0') n++, engine.incr('n');
      else if (step === '3') await engine.close(), (engine = await Engine.open({ storage: make() }));
      else if (isBad) await assert.rejects(engine.compact(), { message: 'no' });
      else await engine.compact();
    }
    await engine.close();
    engine = await Engine.open({ storage: make() });
    assert.equal(engine.get('n') ?? '0', String(n), steps);
    await engine.close();
  }
});

test('a storage that is not sealed is taken over by a snapshot, and not opened as if it were', async () => {
  const [path, sealedPath] = [folder(), folder()];
  let engine = await Engine.open({ storage: new FileStorage(path) });
  fill(engine);
  await engine.close();
  await assert.rejects(open(path), { name: 'SealError', message: 'the journal cannot be opened: it is not sealed' });
  engine = await Engine.open({ storage: new FileStorage(path) });
  await engine.compact();
  const copy = await Engine.open({ snapshot: engine.snapshot(), storage: sealed(new FileStorage(sealedPath), key) });
  await Promise.all([engine.close(), copy.close()]);
  await assert.rejects(open(path), { name: 'SealError', message: 'the base cannot be opened: it is not sealed' });
  engine = await open(sealedPath);
  check(engine);
  await engine.close();
});
