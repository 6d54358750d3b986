/** Which commands wait until there is something for them, and hold up what comes behind them on their connection. */

const WAITING = new Set(['blmove', 'blmpop', 'blpop', 'brpop', 'brpoplpush', 'bzmpop', 'bzpopmax', 'bzpopmin', 'wait', 'waitaof']);

/** Whether a command waits; `name` in lower case. */
export function waits(name: string, args: readonly unknown[]): boolean {
  return WAITING.has(name) || (name.startsWith('xread') && args.some((arg) => String(arg).toUpperCase() === 'BLOCK'));
}
