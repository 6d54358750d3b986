// A node-redis session, in RESP2 and in RESP3.
import assert from "node:assert/strict";
import { createClient } from "redis";

const port = Number(process.env.PORT ?? 6379);
for (const RESP of [2, 3]) {
  const redis = createClient({ RESP, socket: { port } });
  await redis.connect();
  await redis.flushAll();

  assert.equal(await redis.set("user:1", "ada", { expiration: { type: "EX", value: 60 } }), "OK");
  assert.equal(await redis.get("user:1"), "ada");
  assert.equal(await redis.get("nobody"), null);

  await redis.hSet("profile", { name: "ada", born: "1815" });
  assert.deepEqual({ ...(await redis.hGetAll("profile")) }, { name: "ada", born: "1815" });

  assert.deepEqual(await redis.multi().set("a", "1").incr("a").exec(), ["OK", 2]);

  await redis.zAdd("board", [{ score: 10, value: "x" }, { score: 20.5, value: "y" }]);
  assert.deepEqual(await redis.zRangeWithScores("board", 0, -1), [
    { value: "x", score: 10 },
    { value: "y", score: 20.5 },
  ]);

  const subscriber = redis.duplicate();
  await subscriber.connect();
  const heard = new Promise((resolve) => subscriber.pSubscribe("n*", (text, channel) => resolve([channel, text])));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await redis.publish("news", "hello");
  assert.deepEqual(await heard, ["news", "hello"]);

  await Promise.all(Array.from({ length: 100 }, (_, i) => redis.set(`scan:${i}`, String(i))));
  const seen = new Set();
  for await (const keys of redis.scanIterator({ MATCH: "scan:*" })) for (const key of [keys].flat()) seen.add(key);
  assert.equal(seen.size, 100);

  await assert.rejects(redis.incr("user:1"), /value is not an integer or out of range/);
  await subscriber.close();
  await redis.close();
}
console.log("node-redis: all as expected");
