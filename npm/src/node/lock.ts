/**
 * One engine at a time in a folder: a file says which process has it, and when that one began.
 *
 * The file appears in one step with what it says. One whose process is no more is stale, and is put aside by whoever
 * comes next; so is one of a process that has the number of a dead one (Linux tells when a process began) and
 * one of a thread that died in this process (Linux tells which files are open). Deno allows no look at other
 * processes, and has locks of the operating system instead.
 */

import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, readlink, realpath, rename, unlink, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { inUse } from '../storages/lock.js';

const POLL_MS = 50;

declare const Deno: undefined | { open(path: string, options: object): Promise<DenoFile> };
interface DenoFile {
  tryLock?(exclusive: boolean): Promise<boolean>;
  close(): void;
}

type Release = () => Promise<void>;

/** Makes the file `path`, or says who has it; what lets it go. */
export async function lockFile(path: string, wait_ms: number): Promise<Release> {
  const end = Date.now() + wait_ms;
  for (;;) {
    const got = await take(path);
    if (typeof got === 'function') return got;
    if (Date.now() >= end) {
      const hint = `process ${got} holds ${path}`;
      throw inUse('the storage', `${hint}; if that is no such process, remove the file`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What lets the lock go, or which process has it. */
async function take(path: string): Promise<Release | string> {
  const denoFile = typeof Deno === 'undefined' ? undefined : await Deno.open(`${path}.deno`, { write: true, create: true });
  if (denoFile?.tryLock && !(await denoFile.tryLock(true))) {
    denoFile.close();
    return 'of Deno';
  }
  const mine = `${process.pid} ${await startOf(process.pid)} ${randomUUID()}\n`;
  let holder: string | undefined;
  let handle: FileHandle | undefined;
  try {
    while (!(await appear(path, mine))) {
      const text = await readText(path);
      if (text === undefined) continue;
      // Of Deno's processes the lock has told.
      if (!denoFile && (await isHeld(path, text))) {
        holder = text.split(' ')[0]!;
        return holder;
      }
      const aside = `${path}.${randomUUID()}`;
      await rename(path, aside).catch(ignoreMissing);
      const moved = await readText(aside);
      // Somebody was faster, and it is theirs.
      if (moved !== undefined && moved !== text) await link(aside, path).catch(() => undefined);
      await unlink(aside).catch(ignoreMissing);
    }
    // For as long as it is held, for other threads to see.
    handle = await open(path, 'r');
    holder = mine;
  } finally {
    if (holder !== mine) denoFile?.close();
  }
  return async () => {
    if ((await readText(path)) === mine) await unlink(path).catch(ignoreMissing);
    await handle.close();
    denoFile?.close();
  };
}

/** Makes a file that says `text`, if there is none. */
async function appear(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { flag: 'wx' });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // A file system without links.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      },
    );
  } finally {
    await unlink(temporary).catch(ignoreMissing);
  }
}

/** Whether the process that wrote `text` is there and has the file. */
async function isHeld(path: string, text: string): Promise<boolean> {
  const [pid, start] = text.split(' ') as [string, string | undefined];
  if (!/^\d+$/.test(pid) || start === undefined) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // Another user's process is one as well.
    if (codeOf(error) === 'ESRCH') return false;
  }
  if (start === '') return true;
  if ((await startOf(Number(pid))) !== start) return false;
  return Number(pid) !== process.pid || (await isOpenHere(path));
}

/** When a process began, in the system's own measure; an empty text where it does not tell. */
async function startOf(pid: number): Promise<string> {
  const text = await readText(`/proc/${pid}/stat`).catch(() => undefined);
  const [state, ...rest] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined ? '' : state === 'Z' ? 'dead' : rest[18]!;
}

async function isOpenHere(path: string): Promise<boolean> {
  const whole = await realpath(path).catch(() => path);
  for (const fd of await readdir('/proc/self/fd').catch(() => [])) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) === whole) return true;
  }
  return false;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(ignoreMissing);
