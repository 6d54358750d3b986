#!/usr/bin/env python3
"""What saving costs, next to a peer: snapshots under load, loading, the append-only file.

    saving.py --redstart BINARY [--keys N] [--nice rt] [SERVER]

SERVER is a name of peers.json (valkey9 where nothing is said). For each of the two, with N keys of 16+16 bytes:

    set       p99 of SET at pipeline 1, ten connections, without a snapshot
    saving    the same while one snapshot follows the other, how long each took, and the most memory that the
              server and its children had of their own meanwhile, to what it had before
    save      SAVE with nobody else there
    load      from start to the first PONG, with the file that was saved
    aof       SET at pipeline 16, fifty connections, with appendonly yes: CPU of the server and ops/s

The rest is as in peers.py, whose parts this uses. Snapshots of a peer run in a child, on another processor if
there is one free: they are as long as they are.
"""
import argparse, csv, io, json, os, shlex, shutil, signal, subprocess, sys, tempfile, threading, time

import peers
from peers import Server, chunked, descendants, ds_str, fmt, log, table


def own_bytes(pid):
    """Memory that is a process's alone, in bytes."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            sizes = dict((l.split(":")[0], int(l.split()[1]) * 1024) for l in f.readlines()[1:])
        return sizes["Pss"]
    except (OSError, KeyError, ValueError):
        return 0


class Saves(threading.Thread):
    """One background save after the other, until told to stop."""

    def __init__(self, server):
        super().__init__()
        self.server, self.stopping, self.seconds, self.peak = server, False, [], 0

    def run(self):
        client = self.server.client()
        while not self.stopping:
            client("BGSAVE")
            t0 = time.perf_counter()
            looks = 0
            while True:
                # Looking at the pages of a process holds it up, so not often.
                looks += 1
                if looks % 20 == 0:
                    self.peak = max(self.peak, sum(own_bytes(p) for p in descendants(self.server.p.pid)))
                fields = client("INFO", "persistence").decode()
                if "rdb_bgsave_in_progress:0" in fields:
                    break
                time.sleep(0.01)
            self.seconds.append(time.perf_counter() - t0)
        client.close()


def benchmark(A, server, n, pipeline, connections):
    """Figures of one run of SET on the keys that are there."""
    argv = ["taskset", "-c", str(A.gen_cpu)] + peers.prio(A.nice) + shlex.split(A.bench)
    argv += ["-p", str(server.port), "-n", str(n), "-c", str(connections), "-P", str(pipeline), "-r", str(A.keys), "--csv"]
    argv += ["SET", "k:00__rand_int__", "v" * 16]
    cpu = server.cpu()
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    head, row = list(csv.reader(io.StringIO(out)))[-2:]
    figures = dict(zip(head, row))
    return {"ops": float(row[1]), "p99_ms": float(figures["p99_latency_ms"]), "max_ms": float(figures["max_latency_ms"]),
            "cpu_us": (server.cpu() - cpu) / n * 1e6}


def measure(A, name, command):
    root = command.split()[1] if command.startswith("chroot") else ""
    root = shlex.split(root.replace("{peers}", peers.PEERS))[0].rstrip("/") if root else ""
    folder = tempfile.mkdtemp(prefix="saving-", dir=(root or "") + "/tmp")
    command = command.replace("{dir}", folder[len(root):])
    found = {}
    try:
        server = Server(name, command, A.server_cpu, nice=A.nice)
        client = server.client()
        client.load(chunked(ds_str(16)[0](0, A.keys), 1000))
        found["set"] = benchmark(A, server, A.requests, 1, 10)
        before = own_bytes(server.pid)
        saves = Saves(server)
        saves.start()
        time.sleep(0.05)
        found["saving"] = benchmark(A, server, A.requests, 1, 10)
        saves.stopping = True
        saves.join()
        found["bgsave_s"] = sum(saves.seconds) / len(saves.seconds)
        found["saves"] = len(saves.seconds)
        found["peak"] = saves.peak / before
        t0 = time.perf_counter()
        client("SAVE")
        found["save_s"] = time.perf_counter() - t0
        client.close()
        server.stop()
        server = Server(name, command, A.server_cpu, nice=A.nice)
        found["load_s"] = server.first_pong
        assert server.client()("DBSIZE") >= A.keys
        server.stop()
        os.remove(os.path.join(folder, "dump.rdb"))
        for policy in ("everysec", "always"):
            options = "--save '' --appendonly yes --appendfsync %s --auto-aof-rewrite-percentage 0 --appenddirname %s" % (policy, policy)
            server = Server(name, command.replace("{opts}", options), A.server_cpu, nice=A.nice)
            found[policy] = benchmark(A, server, A.requests * (10 if policy == "everysec" else 2), 16, 50)
            server.stop()
    finally:
        peers.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    return found


ROWS = [
    ("SET p99, ms", lambda f: f["set"]["p99_ms"]),
    ("SET p99 while saving, ms", lambda f: f["saving"]["p99_ms"]),
    ("  to without", lambda f: f["saving"]["p99_ms"] / f["set"]["p99_ms"]),
    ("SET worst, ms", lambda f: f["set"]["max_ms"]),
    ("SET worst while saving, ms", lambda f: f["saving"]["max_ms"]),
    ("BGSAVE under load, s", lambda f: f["bgsave_s"]),
    ("peak memory while saving", lambda f: f["peak"]),
    ("SAVE, s", lambda f: f["save_s"]),
    ("start to PONG with the file, s", lambda f: f["load_s"]),
    ("everysec: us/op", lambda f: f["everysec"]["cpu_us"]),
    ("everysec: kops/s", lambda f: f["everysec"]["ops"] / 1e3),
    ("always: us/op", lambda f: f["always"]["cpu_us"]),
    ("always: kops/s", lambda f: f["always"]["ops"] / 1e3),
]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("peer", nargs="?", default="valkey9")
    ap.add_argument("--redstart", required=True, metavar="BINARY")
    ap.add_argument("--keys", type=int, default=1_000_000)
    ap.add_argument("--requests", type=int, default=200_000)
    ap.add_argument("--bench", default="redis-benchmark")
    ap.add_argument("--server-cpu", default="0-%d" % (os.cpu_count() - 1), help="processors of a server and its children (default %(default)s)")
    ap.add_argument("--gen-cpu", default="0-%d" % (os.cpu_count() - 1))
    ap.add_argument("--nice", default=0, type=lambda x: x if x == "rt" else int(x))
    ap.add_argument("--json")
    A = ap.parse_args()
    with open(os.path.join(peers.HERE, "peers.json")) as f:
        known = json.load(f)
    known["redstart"] = shlex.quote(os.path.abspath(A.redstart)) + " --port {port} --dir {dir} --bind 127.0.0.1 {opts}"
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
    results = {}
    for name in (A.peer, "redstart"):
        results[name] = measure(A, name, known[name])
        log("%s: %s" % (name, results[name]))
    if A.json:
        with open(A.json, "w") as f:
            json.dump(results, f, indent=1)
    rows = []
    for title, figure in ROWS:
        theirs, ours = (figure(results[name]) for name in (A.peer, "redstart"))
        rows.append([title, fmt(theirs, 3), fmt(ours, 3), fmt(ours / theirs) if theirs else ""])
    print(table(rows, ["%d keys" % A.keys, A.peer, "redstart", "redstart/" + A.peer]))


if __name__ == "__main__":
    main()
