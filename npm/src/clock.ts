/** The two clocks of an engine, and its timer. */

/** A clock to give an engine, in milliseconds. */
export interface Clock {
  /** Since 1970, like `Date.now()`. Keys expire by it. */
  now(): number;
  /** A clock that never goes back, for waiting clients; derived from `now` if not given. */
  mono?(): number;
}

const system: Clock = {
  now: () => Date.now(),
  mono: () => (typeof performance === 'undefined' ? Date.now() : performance.now()),
};

/** A clock that can be put forward. */
export class Time {
  private readonly clock: Clock;
  private offset = 0;
  /** The last reading of the monotonic clock. */
  last = 0;
  /** What the other one showed at a reading for `recent`. */
  private seen = -1;

  constructor(clock: Clock | undefined) {
    this.clock = clock ?? system;
  }

  now(): number {
    return this.clock.now() + this.offset;
  }

  mono(): number {
    const mono = (this.clock.mono ? this.clock.mono() : this.clock.now()) + this.offset;
    if (mono > this.last) this.last = mono;
    return this.last;
  }

  /** The monotonic clock within a millisecond, given what `now` shows: the system's is asked once in that time. */
  recent(now: number): number {
    if (now === this.seen && this.clock === system) return this.last;
    this.seen = now;
    return this.mono();
  }

  /** Goes on from where another is. */
  follow(other: Time): void {
    this.offset = other.offset;
    this.last = other.last;
  }

  advance(ms: number): void {
    this.offset += ms;
  }
}

type Handle = ReturnType<typeof setTimeout>;
declare const Deno: undefined | { unrefTimer?(handle: unknown): void };

/** Sets a timer that keeps no process alive; `undefined` where the runtime allows none just now. */
export function setTimer(action: () => void, ms: number): Handle | undefined {
  try {
    const handle: unknown = setTimeout(action, Math.min(Math.max(ms, 1), 0x7fffffff));
    if (typeof handle === 'object' && handle !== null && 'unref' in handle) {
      (handle as { unref(): void }).unref();
    } else if (typeof Deno !== 'undefined') {
      Deno.unrefTimer?.(handle);
    }
    return handle as Handle;
  } catch {
    // Workers allow no timers outside a request. Expired keys are still never seen.
    return undefined;
  }
}

/** Does something in a microtask: as `queueMicrotask`, which takes some microseconds in a browser. */
export function soon(action: () => void): void {
  void Promise.resolve().then(action);
}

declare const scheduler: undefined | { yield?(): Promise<void> };
declare const setImmediate: undefined | ((action: () => void) => void);

/** Lets the event loop do what else there is: a page draws, a server answers. */
export function nextTurn(): Promise<void> {
  if (typeof scheduler !== 'undefined' && scheduler.yield) return scheduler.yield();
  return new Promise((resolve) => {
    // A hidden page's timers are slow, messages are not.
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else setTimeout(resolve, 0);
  });
}
