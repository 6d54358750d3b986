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
  mono: () => {
    const now = teller();
    return now === Date.now ? Date.now() : performance.now();
  },
};

/** What there was when this was loaded: tests put clocks and timers of their own in their places, which they move by hand. */
const real = { now: Date.now, performance: globalThis.performance?.now, setTimeout: globalThis.setTimeout };

/** What tells the monotonic time: with timers that a test moves, a clock that goes with them. */
function teller(): () => number {
  if (typeof performance === 'undefined') return Date.now;
  const isMoved = Date.now !== real.now && performance.now === real.performance && globalThis.setTimeout !== real.setTimeout;
  return isMoved ? Date.now : performance.now;
}

/** A clock that can be put forward. */
export class Time {
  private readonly clock: Clock;
  private offset = 0;
  /** What the monotonic clock is ahead by, besides. */
  private ahead = 0;
  /** What told the time, if that is the system. */
  private teller: unknown;
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
    let mono = (this.clock.mono ? this.clock.mono() : this.clock.now()) + this.offset + this.ahead;
    if (this.clock === system) {
      const by = teller();
      // Another one begins anywhere: this one goes on from where it was.
      if (this.teller !== undefined && this.teller !== by) {
        this.ahead += this.last - mono;
        mono = this.last;
      }
      this.teller = by;
    }
    if (mono > this.last) this.last = mono;
    return this.last;
  }

  /** The monotonic clock within a millisecond, given what `now` shows: the system's is asked once in that time. */
  recent(now: number): number {
    // One that tests have put there may stand still.
    if (now === this.seen && this.clock === system && Date.now === real.now) return this.last;
    this.seen = now;
    return this.mono();
  }

  /** A timer for this time on the monotonic clock has gone off: one that a test moves tells the time by that. */
  reach(at: number): void {
    if (globalThis.setTimeout !== real.setTimeout) this.ahead += Math.max(0, at - this.mono());
  }

  /** Goes on from where another is. */
  follow(other: Time): void {
    this.offset = other.offset;
    this.ahead = other.ahead;
    this.teller = other.teller;
    this.last = other.last;
  }

  advance(ms: number): void {
    this.offset += ms;
  }
}

/** The longest that a timer can be set for. */
const LONGEST_MS = 0x7fffffff;

/** A timer that was set. */
export interface Timer {
  /** How long for. */
  readonly ms: number;
  /** What set it: where that is another by now, it may never go off. */
  readonly by: unknown;
  cancel(): void;
}

declare const Deno: undefined | { unrefTimer?(handle: unknown): void };

/** Sets a timer that keeps no process alive; `undefined` where the runtime allows none just now. */
export function setTimer(action: () => void, wanted_ms: number): Timer | undefined {
  const { setTimeout: by, clearTimeout: clear } = globalThis;
  const ms = Math.min(Math.max(wanted_ms, 1), LONGEST_MS);
  try {
    const handle: unknown = setTimeout(action, ms);
    if (typeof handle === 'object' && handle !== null && 'unref' in handle) {
      (handle as { unref(): void }).unref();
    } else if (typeof Deno !== 'undefined') {
      Deno.unrefTimer?.(handle);
    }
    return { ms, by, cancel: () => clear.call(globalThis, handle as number) };
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
