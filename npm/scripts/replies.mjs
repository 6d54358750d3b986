/**
 * What commands reply over the direct connection, by TypeScript type. `S`: string, or bytes through `engine.bytes`.
 *
 * `name()` is the reply to a call with the arguments that every call has. `name` is the reply to one with a count more
 * then; where other things may follow, it is the reply to all calls. Those that stand nowhere have the type `Reply`.
 * `test/replies.test.mjs` checks all of them.
 */
const ENTRIES = '[id: S, fields: S[]][]';
const SCORED = '[member: S, score: number]';

export const REPLIES = {
  number: `append decr decrby incr incrby strlen setrange bitcount bitpos setnx msetnx del exists expire expireat pexpire
    pexpireat expiretime pexpiretime ttl pttl persist touch unlink renamenx copy move dbsize publish spublish hset hsetnx
    hdel hexists hincrby hlen hstrlen lpush rpush lpushx rpushx llen lrem linsert sadd srem scard sismember
    smove sunionstore sinterstore sdiffstore sintercard zcard zcount zlexcount zrem zremrangebyrank
    zremrangebyscore zremrangebylex zunionstore zinterstore zdiffstore zrangestore zintercard pfadd pfcount
    client|id client|kill client|unblock client|getredir lastsave command|count pubsub|numpat geoadd xlen xdel xtrim
    xack getbit setbit bitop geosearchstore hsetex msetex delex delifeq acl|deluser commandlog|len slowlog|len
    latency|reset xgroup|destroy xgroup|createconsumer xgroup|delconsumer cluster|keyslot`,
  'number | null': `zscore zincrby zadd object|refcount object|freq object|idletime memory|usage lpos() zrank()
    zrevrank()`,
  'number[]': `smismember hexpire hpexpire hexpireat hpexpireat httl hpttl hexpiretime hpexpiretime hpersist
    script|exists xdelex xackdel bitfield_ro`,
  '(number | null)[]': 'zmscore bitfield',
  'S | null': `get getdel getset lindex hget randomkey rpoplpush lmove blmove brpoplpush object|encoding
    client|getname xadd dump digest geodist lpop() rpop() spop() srandmember() hrandfield() zrandmember()`,
  S: `echo getrange substr lolwut info client|info client|list acl|whoami acl|genpass incrbyfloat hincrbyfloat
    script|load function|load function|dump latency|doctor memory|doctor memory|malloc-stats lcs()`,
  string: `mset setex psetex hmset ltrim lset rename select flushdb flushall type auth multi discard watch unwatch quit
    config|set config|resetstat client|setname client|setinfo client|pause client|unpause client|no-evict
    client|no-touch client|capa client|tracking client|caching swapdb acl|setuser script|flush function|restore
    function|delete function|flush pfmerge pfselftest restore restore-asking xgroup|create xgroup|setid xsetid
    hotkeys|start hotkeys|reset memory|purge commandlog|reset slowlog|reset`,
  'string | null': 'client|reply hotkeys|stop',
  'S | null | string': 'set getex',
  'string | S': 'ping acl|dryrun',
  '(S | null)[]': 'mget hmget hgetex hgetdel geohash sort_ro sort()',
  '(S | null)[] | number': 'sort',
  'S[]': `lrange smembers sunion sinter sdiff keys hkeys hvals pubsub|channels pubsub|shardchannels command|list
    command|getkeys acl|list acl|users acl|cat zrangebylex zrevrangebylex zrange() zrevrange() zrangebyscore()
    zrevrangebyscore() spop srandmember`,
  'S[] | null': 'lpop rpop',
  'string[]': `acl|help client|help cluster|help command|help commandlog|help config|help function|help hotkeys|help
    latency|help memory|help module|help object|help pubsub|help script|help slowlog|help xgroup|help xinfo|help`,
  'S | S[] | [field: S, value: S][] | null': 'hrandfield',
  [`S | S[] | ${SCORED}[] | null`]: 'zrandmember',
  [`S[] | ${SCORED}[]`]: 'zrange zrevrange zrangebyscore zrevrangebyscore zunion zinter zdiff',
  [`${SCORED} | []`]: 'zpopmin() zpopmax()',
  [`${SCORED}[]`]: 'zpopmin zpopmax',
  'number | [rank: number, score: number] | null': 'zrank zrevrank',
  'number | number[] | null': 'lpos',
  '[key: S, element: S] | null': 'blpop brpop',
  '[key: S, elements: S[]] | null': 'lmpop blmpop',
  '[key: S, member: S, score: number] | null': 'bzpopmin bzpopmax',
  [`[key: S, elements: ${SCORED}[]] | null`]: 'zmpop bzmpop',
  '([longitude: number, latitude: number] | null)[]': 'geopos',
  'S[] | [member: S, ...more: Reply[]][]': 'geosearch georadius_ro georadiusbymember_ro',
  'S[] | [member: S, ...more: Reply[]][] | number': 'georadius georadiusbymember',
  [`${ENTRIES} | null`]: 'xrange xrevrange',
  [`{ [stream: string]: ${ENTRIES} } | null`]: 'xread',
  '{ [stream: string]: [id: S, fields: S[] | null][] } | null': 'xreadgroup',
  [`${ENTRIES} | S[]`]: 'xclaim',
  [`[next: S, entries: ${ENTRIES} | S[], deleted: S[]]`]: 'xautoclaim',
  '[count: number, first: S | null, last: S | null, consumers: [consumer: S, count: S][] | null]': 'xpending()',
  '{ [name: string]: S | number | null }[]': 'xinfo|groups xinfo|consumers',
  '{ [field: string]: S }': 'hgetall config|get',
  '{ [name: string]: Reply }': `xinfo|stream function|stats command|docs latency|histogram memory|stats
    client|trackinginfo hello`,
  '{ [name: string]: Reply } | null': 'acl|getuser',
  '{ [name: string]: Reply }[]': 'function|list',
  '(S | number)[]': 'pubsub|numsub pubsub|shardnumsub',
  '[local: number, replicas: number]': 'waitaof',
  'Reply[] | null': 'exec',
  '[cursor: S, keys: S[]]': 'scan sscan hscan zscan',
  '[seconds: S, microseconds: S]': 'time',
};
