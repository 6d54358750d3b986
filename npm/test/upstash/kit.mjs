/** What the cases of `@upstash/redis` share. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export const eq = assert.deepEqual;
export const TOKEN = 'a token of some length';
export const now = () => Math.floor(Date.now() / 1000);
export const near = (got, wanted, by = 5) => assert.ok(Math.abs(got - wanted) <= by, `${got} is not near ${wanted}`);
export const sorted = (list) => [...list].sort();

export const sicily = (redis) => redis.geoadd('g', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }, { longitude: 15.087269, latitude: 37.502669, member: 'Catania' });
export async function stream(redis) {
  await redis.xadd('x', '1-1', { n: 1 });
  await redis.xadd('x', '2-1', { o: { deep: true } });
  await redis.xadd('x', '3-1', { t: 'text' });
}
export async function group(redis) {
  await stream(redis);
  await redis.xgroup('x', { type: 'CREATE', group: 'g', id: '0' });
}
export async function until(holds) {
  for (const end = Date.now() + 10_000; !(await holds()); await sleep(2)) assert.ok(Date.now() < end, String(holds));
}
