/** What is tested: it gets a client of ioredis, and knows nothing of where the data is. */

/** Carts that are forgotten after half an hour. */
export class Carts {
  constructor(redis) {
    this.redis = redis;
  }

  async add(user, item, count = 1) {
    const key = `cart:${user}`;
    await this.redis.multi().hincrby(key, item, count).expire(key, 1800).exec();
  }

  async items(user) {
    return this.redis.hgetall(`cart:${user}`);
  }
}

/** Orders, in a list: whoever packs them waits for the next one. */
export class Orders {
  constructor(redis) {
    this.redis = redis;
  }

  async place(order) {
    const price = await this.redis.hget('prices', order.item);
    if (price === null) throw new Error(`nobody sells ${order.item}`);
    await this.redis.rpush('orders', JSON.stringify({ ...order, total: price * order.count }));
  }

  /** The next order, or null when none comes in time. */
  async next(seconds) {
    const reply = await this.redis.blpop('orders', seconds);
    return reply && JSON.parse(reply[1]);
  }
}
