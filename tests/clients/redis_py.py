"""A redis-py session, in RESP2 and in RESP3."""

import os
import redis

port = int(os.environ.get("PORT", "6379"))
for protocol in (2, 3):
    r = redis.Redis(port=port, protocol=protocol, decode_responses=True)
    r.flushall()
    assert r.set("user:1", "ada", ex=60)
    assert r.get("user:1") == "ada"
    assert 50 < r.ttl("user:1") <= 60
    assert r.get("nobody") is None

    r.hset("profile", mapping={"name": "ada", "born": 1815})
    assert r.hgetall("profile") == {"name": "ada", "born": "1815"}

    with r.pipeline(transaction=True) as pipe:
        pipe.set("a", 1).incr("a")
        assert pipe.execute() == [True, 2]

    r.zadd("board", {"x": 10, "y": 20.5})
    assert [tuple(row) for row in r.zrange("board", 0, -1, withscores=True)] == [("x", 10.0), ("y", 20.5)]

    listener = r.pubsub()
    listener.subscribe("news")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    assert r.publish("news", "hello") == 1
    assert listener.get_message(timeout=5)["data"] == "hello"
    listener.close()

    for i in range(100):
        r.set(f"scan:{i}", i)
    assert len(set(r.scan_iter("scan:*", count=20))) == 100
    assert r.info("server")["redis_version"]

    try:
        r.incr("user:1")
        raise SystemExit("INCR of a word passed")
    except redis.ResponseError as e:
        assert str(e) == "value is not an integer or out of range", e
    r.close()
print("redis-py: all as expected")
