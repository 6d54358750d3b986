/**
 * The database as a file: dump.rdb, which redis-server reads as well.
 *
 * It is made and read by an engine of its own in this tab; keys go there and back with DUMP and RESTORE. So it is
 * the same for an engine behind all tabs and for a server.
 */

import { Engine, type Store } from 'redstart';

const BATCH = 256;

/** An RDB file of what is in the store. */
export async function exported(store: Store): Promise<Uint8Array> {
  const engine = await Engine.open();
  let keys: string[] = [];
  const copy = async () => {
    const all = keys;
    keys = [];
    const [dumps, ends] = await Promise.all([Promise.all(all.map((key) => store.bytes.dump(key))), Promise.all(all.map((key) => store.pexpiretime(key)))]);
    all.forEach((key, i) => {
      // What has ended meanwhile is not there.
      if (dumps[i]) engine.call('RESTORE', key, Math.max(0, Number(ends[i])), dumps[i] as Uint8Array, 'REPLACE', 'ABSTTL');
    });
  };
  for await (const key of store.scan({ count: BATCH })) {
    if (keys.push(key) === BATCH) await copy();
  }
  await copy();
  engine.call('FUNCTION', 'RESTORE', (await store.bytes.call('FUNCTION', 'DUMP')) as Uint8Array);
  const file = engine.snapshot();
  engine.free();
  return file;
}

/** Puts what is in an RDB file in the place of what is in the store; how many keys that is. */
export async function imported(store: Store, file: Uint8Array): Promise<number> {
  const engine = await Engine.open({ snapshot: file });
  // What is no such file is told before anything is lost.
  const keys = [...engine.scan()];
  const functions = engine.bytes.call('FUNCTION', 'DUMP') as Uint8Array;
  await store.flushall();
  for (let from = 0; from < keys.length; from += BATCH) {
    const some = keys.slice(from, from + BATCH);
    await Promise.all(some.map((key) => store.call('RESTORE', key, Math.max(0, Number(engine.pexpiretime(key))), engine.bytes.dump(key) as Uint8Array, 'REPLACE', 'ABSTTL')));
  }
  await store.call('FUNCTION', 'RESTORE', functions, 'FLUSH');
  engine.free();
  return keys.length;
}

/** Has the browser save it. */
export function download(name: string, bytes: Uint8Array): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
