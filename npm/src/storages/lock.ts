/**
 * One engine at a time: whoever opens a storage holds its lock until it closes it or dies.
 *
 * By its name in browsers, with a Web Lock, which ends with its tab or worker. Where there are none (pages that
 * came over plain http, old browsers) nothing is locked.
 */

/** How a storage deals with another engine that has it. */
export interface LockOptions {
  /**
   * How long to wait for an engine that has the storage open: milliseconds, `true` for as long as it takes, `false`
   * not at all. Two seconds unless set: a page that is loaded again may come before the old one has gone.
   */
  wait?: boolean | number;
}

const WAIT_MS = 2000;

/** In milliseconds, which may be Infinity. */
export function waitOf({ wait = WAIT_MS }: LockOptions): number {
  if (typeof wait === 'boolean') return wait ? Infinity : 0;
  if (!(wait >= 0)) throw new TypeError(`wait: expected milliseconds, true or false, got ${wait}`);
  return wait;
}

/** What is said to who comes second. */
export function inUse(what: string, hint: string): Error {
  return Object.assign(new Error(`${what} is in use by another engine: ${hint}`), { name: 'StorageLockedError' });
}

/** Gets the Web Lock of this name; what lets it go. */
export function lockByName(name: string, wait_ms: number): Promise<() => void> {
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
  if (!locks) return Promise.resolve(() => undefined);
  const giveUp = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise((resolve, reject) => {
    const taken = () => reject(inUse(`the storage ${name}`, 'close that one, or open it with `shared`, which is one engine for all tabs'));
    if (wait_ms > 0 && wait_ms !== Infinity) timer = setTimeout(() => giveUp.abort(), wait_ms);
    const options: WebLockOptions = wait_ms === 0 ? { ifAvailable: true } : { signal: giveUp.signal };
    locks
      .request(`redstart ${name}`, options, (lock) => {
        clearTimeout(timer);
        if (!lock) return taken();
        return new Promise<void>((release) => resolve(release));
      })
      .catch((error: unknown) => (giveUp.signal.aborted ? taken() : reject(error)));
  });
}

type WebLockOptions = globalThis.LockOptions;
