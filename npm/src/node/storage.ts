/**
 * A storage of files, in the layout of Redis's append-only file since version 7: Node, Deno, Bun.
 *
 * A folder with a base (`appendonly.aof.3.base.rdb`), increments (`appendonly.aof.3.incr.aof`), and the manifest that
 * says which belong together. redis-server opens the same folder (`--appendonly yes --appenddirname FOLDER`).
 */

import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base, Storage } from '../storage.js';
import { type LockOptions, inUse, waitOf } from '../storages/lock.js';
import { lockFile } from './lock.js';

export type { LockOptions } from '../storages/lock.js';
export type { Base, Storage } from '../storage.js';

const NAME = 'appendonly.aof';
const LOCK = 'redstart.lock';
const PIECE_BYTES = 1 << 20;

interface Part {
  file: string;
  seq: number;
  type: 'b' | 'i';
  bytes: number;
}

export class FileStorage implements Storage {
  private readonly folder: string;
  private parts: Part[] = [];
  /** The increment that is written to. */
  private handle: FileHandle | undefined;
  /** The base that is being written. */
  private writing: FileHandle | undefined;
  private opening: Promise<void> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly wait_ms: number;
  /** An engine has loaded it and not closed it. */
  private isUsed = false;
  /** Engines that were refused, since another has this, and have not closed it yet. */
  private refused = 0;
  private release: (() => Promise<void>) | undefined;

  /** `folder` is made if it is not there. One engine at a time may use it, which is seen to by a file in it. */
  constructor(folder: string, lock: LockOptions = {}) {
    this.folder = folder;
    this.wait_ms = waitOf(lock);
  }

  async *load(): AsyncGenerator<Uint8Array> {
    if (this.isUsed) {
      this.refused++;
      throw inUse('this storage object', 'close that one first');
    }
    this.isUsed = true;
    await this.opened();
    for (const part of this.parts) {
      const handle = await open(join(this.folder, part.file));
      try {
        for (let at = 0; at < part.bytes; ) {
          const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(PIECE_BYTES, part.bytes - at)), 0, null, at);
          if (bytesRead === 0) break;
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await handle.close();
      }
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (!this.opening) await this.opened();
    await this.inTurn(async () => {
      const part = this.parts.at(-1)!;
      try {
        await writeAll(this.handle!, bytes, part.bytes);
        await this.handle!.datasync();
      } catch (error) {
        // What follows must not stand behind half a command.
        await this.handle!.truncate(part.bytes).catch(() => undefined);
        throw error;
      }
      part.bytes += bytes.length;
    });
  }

  sizes(): { base: number; journal: number } {
    const sum = (type: Part['type']) => this.parts.reduce((bytes, part) => bytes + (part.type === type ? part.bytes : 0), 0);
    return { base: sum('b'), journal: sum('i') };
  }

  begin(): Base {
    const seq = Math.max(0, ...this.parts.map((part) => part.seq)) + 1;
    const file = `${NAME}.${seq}.base.rdb`;
    const temporary = join(this.folder, `temp-${file}`);
    let bytes = 0;
    const begun = this.inTurn(async () => {
      await this.addIncrement(seq);
      this.writing = await open(temporary, 'w');
    });
    begun.catch(() => undefined);
    return {
      write: async (piece) => {
        await begun;
        await writeAll(this.writing!, piece, bytes);
        bytes += piece.length;
      },
      commit: () =>
        this.inTurn(async () => {
          await begun;
          await this.writing!.sync();
          await this.endWriting();
          await rename(temporary, join(this.folder, file));
          const gone = this.parts.filter((part) => part.seq < seq);
          await this.become([{ file, seq, type: 'b', bytes }, ...this.parts.filter((part) => part.seq >= seq)]);
          for (const part of gone) await unlink(join(this.folder, part.file)).catch(() => undefined);
        }),
      abort: async () => {
        await this.endWriting();
        await unlink(temporary).catch(() => undefined);
      },
    };
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.inTurn(async () => {
      // Whoever was refused has opened nothing.
      if (this.refused > 0) return void this.refused--;
      this.isUsed = false;
      this.opening = undefined;
      await this.endWriting();
      await this.handle?.close();
      this.handle = undefined;
      await this.release?.();
      this.release = undefined;
    });
  }

  private async endWriting(): Promise<void> {
    const handle = this.writing;
    this.writing = undefined;
    await handle?.close();
  }

  private opened(): Promise<void> {
    return (this.opening ??= this.inTurn(async () => {
      await mkdir(this.folder, { recursive: true });
      this.release = await lockFile(join(this.folder, LOCK), this.wait_ms);
      // What others left who were interrupted.
      for (const file of await readdir(this.folder)) {
        if (file.startsWith(`temp-${NAME}`)) await unlink(join(this.folder, file)).catch(() => undefined);
      }
      this.parts = await this.manifest();
      const last = this.parts.at(-1);
      if (last?.type !== 'i') return this.addIncrement((last?.seq ?? 0) + 1);
      this.handle = await open(join(this.folder, last.file), 'r+');
    }));
  }

  private async manifest(): Promise<Part[]> {
    let text: string;
    try {
      text = await readFile(join(this.folder, `${NAME}.manifest`), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const parts: Part[] = [];
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const [, file, seq, type] = /^file ([^/\s]+) seq (\d+) type ([bih])/.exec(line) ?? [];
      if (file === undefined) throw new Error(`the manifest in ${this.folder} has a line that is none: ${line}`);
      if (type === 'h') continue;
      const handle = await open(join(this.folder, file));
      const { size } = await handle.stat().finally(() => handle.close());
      parts.push({ file, seq: Number(seq), type: type as Part['type'], bytes: size });
    }
    return parts;
  }

  /** Another increment, to which is written from now on. */
  private async addIncrement(seq: number): Promise<void> {
    const file = `${NAME}.${seq}.incr.aof`;
    const handle = await open(join(this.folder, file), 'w');
    await this.become([...this.parts, { file, seq, type: 'i', bytes: 0 }]);
    await this.handle?.close();
    this.handle = handle;
  }

  private async become(parts: Part[]): Promise<void> {
    const temporary = join(this.folder, `temp-${NAME}.manifest`);
    const handle = await open(temporary, 'w');
    await handle.writeFile(parts.map(({ file, seq, type }) => `file ${file} seq ${seq} type ${type}\n`).join(''));
    await handle.sync();
    await handle.close();
    await rename(temporary, join(this.folder, `${NAME}.manifest`));
    // Names are durable when the folder is. Windows has no such call.
    await open(this.folder, 'r').then((folder) => folder.sync().finally(() => folder.close())).catch(() => undefined);
    this.parts = parts;
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => undefined);
    return result;
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, from, bytes.length - from, at + from);
    from += bytesWritten;
  }
}
