/** What commands reply over the direct connection, by TypeScript type. `S`: string, or bytes through `engine.bytes`. */
export const REPLIES = {
  number: `append decr decrby incr incrby strlen setrange bitcount bitpos setnx msetnx del exists expire expireat pexpire
    pexpireat expiretime pexpiretime ttl pttl persist touch unlink renamenx copy move dbsize publish spublish hset hsetnx
    hdel hexists hincrby hlen hstrlen lpush rpush lpushx rpushx llen lrem linsert sadd srem scard sismember
    smove sunionstore sinterstore sdiffstore sintercard zadd|plain zcard zcount zlexcount zrem zremrangebyrank
    zremrangebyscore zremrangebylex zunionstore zinterstore zdiffstore zrangestore zintercard pfadd pfcount
    object|refcount object|freq object|idletime client|id client|kill client|unblock lastsave sort_store wait
    command|count pubsub|numpat geoadd xlen xdel xtrim xack`,
  'S | null': `get getdel getset lindex hget randomkey rpoplpush lmove blmove brpoplpush object|encoding
    client|getname srandmember|one`,
  S: `echo getrange substr lolwut info client|info client|list`,
  string: `mset setex psetex hmset ltrim lset rename select flushdb flushall type auth multi discard watch unwatch quit
    config|set config|resetstat config|rewrite client|setname client|setinfo client|pause client|unpause client|reply
    client|no-evict client|no-touch swapdb`,
  'S | null | string': 'set getex',
  '(S | null)[]': 'mget hmget',
  'S[]': `lrange smembers sunion sinter sdiff keys hkeys hvals pubsub|channels pubsub|shardchannels command|list`,
  'number[]': 'smismember',
  '{ [field: string]: S }': 'hgetall config|get',
  'number | null': 'zscore zincrby',
  'string | S': 'ping',
  'Reply[] | null': 'exec',
  '(number | null)[]': 'zmscore',
  '[cursor: S, keys: S[]]': 'scan sscan hscan zscan',
  '[seconds: S, microseconds: S]': 'time',
};
