// An ioredis session: pipeline, transaction, pub/sub, blocking pop, scan stream.
import assert from "node:assert/strict";
import { Redis } from "ioredis";

const port = Number(process.env.PORT ?? 6379);
const redis = new Redis({ port });
await redis.flushall();

assert.equal(await redis.set("user:1", "ada", "EX", 60), "OK");
assert.equal(await redis.get("user:1"), "ada");
assert.ok((await redis.ttl("user:1")) > 50);

await redis.hset("profile", { name: "ada", born: "1815" });
assert.deepEqual(await redis.hgetall("profile"), { name: "ada", born: "1815" });

const piped = await redis.pipeline().incr("hits").incr("hits").lrange("none", 0, -1).exec();
assert.deepEqual(piped, [[null, 1], [null, 2], [null, []]]);

const moved = await redis.multi().set("a", "1").incr("a").exec();
assert.deepEqual(moved, [[null, "OK"], [null, 2]]);

await redis.zadd("board", 10, "x", 30, "z", 20, "y");
assert.deepEqual(await redis.zrange("board", 0, 1, "REV", "WITHSCORES"), ["z", "30", "y", "20"]);

const subscriber = redis.duplicate();
const heard = new Promise((resolve) => subscriber.on("message", (channel, text) => resolve([channel, text])));
await subscriber.subscribe("news");
assert.equal(await redis.publish("news", "hello"), 1);
assert.deepEqual(await heard, ["news", "hello"]);

const blocked = redis.duplicate();
const popped = blocked.blpop("queue", 5);
await new Promise((resolve) => setTimeout(resolve, 50));
await redis.rpush("queue", "job");
assert.deepEqual(await popped, ["queue", "job"]);

for (let i = 0; i < 100; i += 1) await redis.set(`scan:${i}`, i);
const seen = new Set();
for await (const keys of redis.scanStream({ match: "scan:*", count: 20 })) for (const key of keys) seen.add(key);
assert.equal(seen.size, 100);

await assert.rejects(redis.incr("user:1"), /ERR value is not an integer or out of range/);
assert.equal((await redis.getBuffer("user:1")).toString(), "ada");

for (const client of [redis, subscriber, blocked]) client.disconnect();
console.log("ioredis: all as expected");
