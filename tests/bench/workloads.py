"""What peers.py asks servers to do, and the data that is there before."""
import random


def cmd(*args):
    out = [b"*%d\r\n" % len(args)]
    for a in args:
        if not isinstance(a, bytes):
            a = str(a).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(a), a))
    return b"".join(out)


def chunked(cmds, per=1000):
    """Groups an iterator of encoded commands into (bytes, count) chunks."""
    buf = []
    for c in cmds:
        buf.append(c)
        if len(buf) == per:
            yield b"".join(buf), per
            buf = []
    if buf:
        yield b"".join(buf), len(buf)


V3, V1K = "xxx", "x" * 1024
R = 100000          # keyspace of the speed workloads (--keyspace)
LUA = "return redis.call('SET', KEYS[1], ARGV[1])"
LUA_1000 = "for i = 1, 1000 do redis.call('INCR', KEYS[1]) end"


def pre_kv(c, val, n, prefix=b"key:"):
    v = val.encode()
    c.load(chunked((b"*3\r\n$3\r\nSET\r\n$%d\r\n%b%012d\r\n$%d\r\n%b\r\n" % (len(prefix) + 12, prefix, i, len(v), v)
                    for i in range(R)), 500))


def pre_list(c, n):
    per = 500
    one = cmd("RPUSH", "mylist", *[V3] * per)
    c.load(((one, 1) for _ in range((n + per - 1) // per)))


def pre_hash(c, n):
    c.load(chunked((cmd("HSET", "myhash", *sum((["element:%012d" % j, V3] for j in range(i, i + 100)), []))
                    for i in range(0, R, 100)), 10))


def pre_hkeys(c, n):
    c.load(chunked((cmd("HSET", "h:%012d" % i, "f1", V3, "f2", V3, "f3", V3, "f4", V3) for i in range(R)), 500))


def pre_zset(c, n):
    rnd = random.Random(7)
    c.load(chunked((cmd("ZADD", "myzset", *sum(([str(rnd.randrange(R)), "element:%012d" % j]
                                                for j in range(i, i + 100)), []))
                    for i in range(0, R, 100)), 10))


def pre_stream(c, n):
    c.load(chunked((cmd("XADD", "mystream", "%d-0" % i, "field", V3) for i in range(1, 100001)), 500))


def pre_geo(c, n):
    rnd = random.Random(7)
    c.load(chunked((cmd("GEOADD", "mygeo", "%.6f" % rnd.uniform(-10, 30), "%.6f" % rnd.uniform(35, 60), "place:%d" % i)
                    for i in range(100000)), 500))


def pre_sets(c, n):
    for name, first in (("set:a", 0), ("set:b", 5000)):
        c.load(((cmd("SADD", name, *["element:%012d" % i for i in range(first, first + 10000)]), 1),))


# name, command, dataset loaded before ("" none), fresh = reload before every run,
# pipelines, quick pipelines
K = "key:__rand_int__"
WL = [
    ("ping", ["PING"], "", 0, (1, 16), (16,)),
    ("set_3", ["SET", K, V3], "kv3", 0, (1, 16), (1, 16)),
    ("get_3", ["GET", K], "kv3", 0, (1, 16, 64), (1, 16, 64)),
    ("eval_set", ["EVAL", LUA, "1", K, V3], "kv3", 0, (1, 16), (16,)),
    ("mset_10", ["MSET"] + [K, V3] * 10, "kv3", 0, (1, 16), ()),
    ("set_1k", ["SET", K, V1K], "kv1k", 0, (1, 16), ()),
    ("get_1k", ["GET", K], "kv1k", 0, (1, 16), (16,)),
    ("incr", ["INCR", "counter:__rand_int__"], "ctr", 0, (1, 16), (16,)),
    ("lpush", ["LPUSH", "mylist", V3], "", 1, (1, 16), (16,)),
    ("lpop", ["LPOP", "mylist"], "listn", 1, (1, 16), ()),
    ("lrange_100", ["LRANGE", "mylist", "0", "99"], "list1000", 0, (1, 16), (16,)),
    ("sadd", ["SADD", "myset", "element:__rand_int__"], "", 1, (1, 16), ()),
    ("hset", ["HSET", "myhash", "element:__rand_int__", V3], "hash", 0, (1, 16), (16,)),
    ("hset_small", ["HSET", "h:__rand_int__", "f3", V3], "hkeys", 0, (16,), ()),
    ("zadd", ["ZADD", "myzset", "__rand_int__", "element:__rand_int__"], "zset", 0, (1, 16), (16,)),
    ("zrange_10", ["ZRANGE", "myzset", "__rand_int__", "+inf", "BYSCORE", "LIMIT", "0", "10"], "zset", 0, (1, 16), ()),
    ("xadd", ["XADD", "mystream", "*", "field", V3], "", 1, (1, 16), (16,)),
    ("xread_10", ["XREAD", "COUNT", "10", "STREAMS", "mystream", "50000-0"], "stream", 0, (1, 16), (16,)),
    ("geosearch", ["GEOSEARCH", "mygeo", "FROMLONLAT", "2.35", "48.85", "BYRADIUS", "50", "km"], "geo", 0, (1, 16), (16,)),
    ("bitcount_1m", ["BITCOUNT", "mybits"], "bits", 0, (1, 16), (16,)),
    ("pfadd", ["PFADD", "myhll", "element:__rand_int__"], "hll", 0, (1, 16), (16,)),
    ("sinter_10k", ["SINTER", "set:a", "set:b"], "sets", 0, (1, 16), (16,)),
    ("eval_1000", ["EVAL", LUA_1000, "1", "counter"], "", 0, (1, 16), (16,)),
]
PRE = {
    "": lambda c, n: None,
    "kv3": lambda c, n: pre_kv(c, V3, n),
    "kv1k": lambda c, n: pre_kv(c, V1K, n),
    "ctr": lambda c, n: pre_kv(c, "1", n, b"counter:"),
    "listn": lambda c, n: pre_list(c, n + 1000),
    "list1000": lambda c, n: pre_list(c, 1000),
    "hash": pre_hash, "hkeys": pre_hkeys, "zset": pre_zset,
    "stream": pre_stream, "geo": pre_geo, "sets": pre_sets,
    "bits": lambda c, n: c("SETRANGE", "mybits", "0", b"\x5a\x01\xff\x00" * (1 << 18)),
    "hll": lambda c, n: c.load(chunked((cmd("PFADD", "myhll", "element:%012d" % i) for i in range(20000)), 500)),
}
