/**
 * A storage in the origin's private file system, a file for each piece: in windows and workers.
 *
 * A file that is written through a stream takes its place when the stream is closed, whole or not at all.
 */

import { type LockOptions, lockByName, waitOf } from './lock.js';
import { type Place, PiecesStorage, type Shelf } from './pieces.js';

const CURRENT = 'current';

const name = ({ generation, kind, n }: Place) => `${generation}.${kind}.${n}`;

class OpfsShelf implements Shelf {
  private readonly path: string;
  private readonly wait_ms: number;
  private folder!: FileSystemDirectoryHandle;
  private release: (() => void) | undefined;

  constructor(path: string, wait_ms: number) {
    this.path = path.split('/').filter(Boolean).join('/');
    this.wait_ms = wait_ms;
  }

  async open(): ReturnType<Shelf['open']> {
    this.release = await lockByName(`opfs:${this.path}`, this.wait_ms);
    this.folder = await navigator.storage.getDirectory();
    for (const part of this.path.split('/').filter(Boolean)) this.folder = await this.folder.getDirectoryHandle(part, { create: true });
    const pieces: (Place & { bytes: number })[] = [];
    let current = 0;
    for await (const [file, handle] of (this.folder as unknown as { entries(): AsyncIterable<[string, FileSystemHandle]> }).entries()) {
      if (handle.kind !== 'file') continue;
      const content = await (handle as FileSystemFileHandle).getFile();
      const [, generation, kind, n] = /^(\d+)\.(base|journal)\.(\d+)$/.exec(file) ?? [];
      if (file === CURRENT) current = Number(await content.text());
      // A piece has bytes: an empty file is one whose first write was interrupted.
      else if (kind && content.size > 0) pieces.push({ generation: Number(generation), kind: kind as Place['kind'], n: Number(n), bytes: content.size });
    }
    return { current, pieces };
  }

  async read(place: Place): Promise<Uint8Array> {
    const file = await (await this.folder.getFileHandle(name(place))).getFile();
    return new Uint8Array(await file.arrayBuffer());
  }

  write(place: Place, bytes: Uint8Array): Promise<void> {
    return this.put(name(place), bytes);
  }

  turn(generation: number): Promise<void> {
    return this.put(CURRENT, new TextEncoder().encode(String(generation)));
  }

  async remove(places: readonly Place[]): Promise<void> {
    for (const place of places) await this.folder.removeEntry(name(place));
  }

  close(): void {
    this.release?.();
    this.release = undefined;
  }

  private async put(file: string, bytes: Uint8Array): Promise<void> {
    const handle = await this.folder.getFileHandle(file, { create: true });
    const stream = await handle.createWritable();
    try {
      await stream.write(bytes as Uint8Array<ArrayBuffer>);
    } catch (error) {
      await stream.abort().catch(() => undefined);
      throw error;
    }
    await stream.close();
  }
}

export class OpfsStorage extends PiecesStorage {
  /** `path` is the folder's, from the root of the origin's file system. */
  constructor(path = 'redstart', lock: LockOptions = {}) {
    super(new OpfsShelf(path, waitOf(lock)));
  }
}
