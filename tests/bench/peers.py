#!/usr/bin/env python3
"""Compares RESP servers on one small machine, interleaved: CPU per operation, ops/s, bytes per element.

    peers.py --redstart BINARY [--memory] [--quick] [--only REGEX] [SERVER ...]

SERVER is NAME=COMMAND, or a NAME of peers.json; none: every peer that is here, then Redstart, then `limit`, a
responder that only answers +OK. Ratios are to the first one: Valkey where it is present, else Redis.
`sh tests/bench/setup.sh` (root, Debian) gets the peers into target/peers; REDSTART_PEERS names another folder.

COMMAND may hold
    {port}  the loopback port to listen on
    {dir}   a fresh working folder (under the new root when the command is `chroot ROOT ...`)
    {opts}  options that switch persistence off, redis.conf style
    {peers} the folder of the peers

What is measured
    server CPU/op  the process's CPU clock (every thread, user and system, ns resolution), read just before and
                   after the load generator runs, over the requests it sent. This is the figure to compare: it
                   needs no saturated server, and other work moves it far less than ops/s.
    user/sys       split of the above, from utime/stime (10 ms ticks: coarse).
    ops/s, p50..   as the load generator reports them.
    ratio          per round, server / first server; the median over rounds.
    foreign        CPU time on the two CPUs that neither server nor generator used, as a share of the run. A run
                   above --max-foreign is repeated (--retries), the quietest one is kept; --nice rt holds other
                   work off instead.
    memory         RSS per element for a set of datasets, a fresh server for each.

How far to trust it: differences under 5 % at pipeline 16 or 10 % at pipeline 1 mean nothing.
The server is pinned to --server-cpu, the generator and this program to --gen-cpu.
Python 3's standard library only; taskset and redis-benchmark must be installed.
"""
import argparse, csv, io, itertools, json, os, random, re, shlex, shutil, signal, socket
import statistics as st
import subprocess, sys, tempfile, time

import workloads
from workloads import PRE, WL, chunked, cmd

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
REPO = os.path.dirname(os.path.dirname(HERE))
PEERS = os.environ.get("REDSTART_PEERS") or os.path.join(REPO, "target", "peers")
OPTS = "--save '' --appendonly no"


def log(*a):
    print(*a, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- RESP client
class Err(str):
    pass


class Client:
    def __init__(self, port, timeout=60):
        self.s = socket.create_connection(("127.0.0.1", port), timeout)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")

    def close(self):
        self.f.close()
        self.s.close()

    def reply(self):
        line = self.f.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("server closed the connection")
        t, rest = line[:1], line[1:-2]
        if t == b"+":
            return rest.decode()
        if t == b"-":
            return Err(rest.decode())
        if t == b":":
            return int(rest)
        if t == b"$":
            n = int(rest)
            return None if n < 0 else self.f.read(n + 2)[:-2]
        if t == b"*":
            return [self.reply() for _ in range(max(0, int(rest)))]
        raise ValueError("bad reply %r" % line)

    def __call__(self, *args):
        self.s.sendall(cmd(*args))
        return self.reply()

    def load(self, chunks, lines_per_reply=1):
        """Pipelined load: chunks yields (bytes, commands); replies are counted."""
        s, want, got = self.s, 0, 0
        s.setblocking(False)
        import select
        ep = select.poll()
        ep.register(s, select.POLLIN | select.POLLOUT)
        it, buf, tail = iter(chunks), None, b"\n"
        more = True
        try:
            while more or got < want:
                if buf is None and more:
                    nxt = next(it, None)
                    if nxt is None:
                        more = False
                        ep.modify(s, select.POLLIN)
                        continue
                    buf = memoryview(nxt[0])
                    want += nxt[1] * lines_per_reply
                for _, ev in ep.poll(30000):
                    if ev & select.POLLIN:
                        d = s.recv(1 << 20)
                        if not d:
                            raise ConnectionError("server closed during load")
                        t = tail + d
                        if b"\n-" in t:
                            i = t.index(b"\n-")
                            raise RuntimeError("load: " + t[i + 1:i + 200].decode("latin1"))
                        tail = d[-1:]
                        got += d.count(b"\n")
                    if ev & select.POLLOUT and buf is not None:
                        try:
                            n = s.send(buf[:1 << 18])
                        except BlockingIOError:
                            n = 0
                        buf = buf[n:] if n < len(buf) else None
                    if ev & (select.POLLHUP | select.POLLERR):
                        raise ConnectionError("server hung up during load")
        finally:
            s.settimeout(60)
        return want




# ------------------------------------------------------------------- servers
def free_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    p = s.getsockname()[1]
    s.close()
    return p


def prio(nice):
    """Command prefix: nice level, or SCHED_FIFO for `--nice rt`."""
    return ["chrt", "-f", "10"] if nice == "rt" else ["nice", "-n", str(nice)] if nice else []


def group_nice(pid, nice):
    """Under sched_autogroup, niceness counts per session: set the session's too."""
    if nice and nice != "rt":
        try:
            with open("/proc/%d/autogroup" % pid, "w") as f:
                f.write("%d" % nice)
        except OSError:
            pass


def descendants(pid):
    kids = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open("/proc/%s/stat" % d) as f:
                    kids.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(d))
            except OSError:
                pass
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += kids.get(p, [])
    return out


def listener_pid(root, port):
    """The process under root that holds the socket listening on port."""
    inodes = set()
    for t in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(t) as f:
                for l in f.readlines()[1:]:
                    w = l.split()
                    if w[3] == "0A" and int(w[1].rsplit(":", 1)[1], 16) == port:
                        inodes.add("socket:[%s]" % w[9])
        except OSError:
            pass
    for p in descendants(root):
        try:
            for fd in os.listdir("/proc/%d/fd" % p):
                if os.readlink("/proc/%d/fd/%s" % (p, fd)) in inodes:
                    return p
        except OSError:
            pass
    return root


class Server:
    live = []

    def __init__(self, name, command, cpu, nice=0, wait=120):
        self.name, self.port = name, free_port()
        argv = shlex.split(command.replace("{opts}", OPTS).replace("{peers}", PEERS))
        root = ""
        if "chroot" in [os.path.basename(a) for a in argv]:
            i = [os.path.basename(a) for a in argv].index("chroot") + 1
            while argv[i].startswith("-"):
                i += 1
            root = argv[i].rstrip("/")
        self.root = root
        self.dir = tempfile.mkdtemp(prefix="bench-%s-" % name, dir=(root or "") + "/tmp")
        inner = self.dir[len(root):]
        argv = [a.replace("{port}", str(self.port)).replace("{dir}", inner) for a in argv]
        pre = ["taskset", "-c", str(cpu)] + prio(nice)
        self.logfile = open(os.path.join(self.dir, "server.out"), "wb")
        t0 = time.perf_counter()
        self.p = subprocess.Popen(pre + argv, stdin=subprocess.DEVNULL, stdout=self.logfile,
                                  stderr=subprocess.STDOUT, start_new_session=True)
        Server.live.append(self)
        group_nice(self.p.pid, nice)
        self.first_pong = None
        while self.first_pong is None:
            if self.p.poll() is not None:
                Server.live.remove(self)
                raise SystemExit("%s: ended at start (%s): %s" % (
                    name, self.p.returncode, open(self.logfile.name, errors="replace").read()[-600:]))
            if time.perf_counter() - t0 > wait:
                raise SystemExit("%s: no PONG in %d s" % (name, wait))
            try:
                c = Client(self.port, 30)
                while True:
                    r = c("PING")
                    if isinstance(r, (str, bytes)) and not isinstance(r, Err):
                        self.first_pong = time.perf_counter() - t0
                        break
                    time.sleep(0.0005)
                c.close()
            except (OSError, ConnectionError):
                time.sleep(0.0002)
        self.pid = listener_pid(self.p.pid, self.port)
        self.clk = ((~self.pid) << 3) | 2          # CPU clock of another process
        self.state = None

    def client(self):
        return Client(self.port)

    def info(self):
        c = self.client()
        r = c("INFO", "all")
        c.close()
        if not isinstance(r, bytes):
            return {}
        return dict(l.split(":", 1) for l in r.decode(errors="replace").splitlines() if ":" in l)

    def version(self):
        i = self.info()
        v = i.get("valkey_version") or i.get("redis_version") or ""
        return {k: x for k, x in (("version", v), ("allocator", i.get("mem_allocator", "")),
                                  ("gcc", i.get("gcc_version", "")), ("multiplexing", i.get("multiplexing_api", "")),
                                  ("io_threads", i.get("io_threads_active", ""))) if x}

    def cpu(self):
        return time.clock_gettime(self.clk)

    def cpu_split(self):
        with open("/proc/%d/stat" % self.pid) as f:
            w = f.read().rsplit(")", 1)[1].split()
        return int(w[11]) / TICK, int(w[12]) / TICK

    def rss(self):
        """(Rss, Anonymous) in bytes; smaps_rollup is exact, statm the fallback."""
        try:
            with open("/proc/%d/smaps_rollup" % self.pid) as f:
                d = dict((l.split(":")[0], int(l.split()[1]) * 1024) for l in f.readlines()[1:])
            return d["Rss"], d.get("Anonymous", 0)
        except (OSError, KeyError):
            with open("/proc/%d/statm" % self.pid) as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"), 0

    def stop(self):
        if self in Server.live:
            Server.live.remove(self)
        if self.p.poll() is None:
            for p in reversed(descendants(self.p.pid)):
                try:
                    os.kill(p, signal.SIGTERM)
                except OSError:
                    pass
            try:
                self.p.wait(8)
            except subprocess.TimeoutExpired:
                for p in reversed(descendants(self.p.pid)):
                    try:
                        os.kill(p, signal.SIGKILL)
                    except OSError:
                        pass
                self.p.wait()
        self.logfile.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def stop_all():
    for s in list(Server.live):
        s.stop()


def prepare(srv, ds, fresh, n):
    if not fresh and srv.state == ds:
        return
    c = srv.client()
    r = c("FLUSHALL")
    if isinstance(r, Err):
        raise SystemExit("%s: FLUSHALL: %s" % (srv.name, r))
    PRE[ds](c, n)
    c.close()
    srv.state = None if fresh else ds


def cpu_idle():
    out = {}
    with open("/proc/stat") as f:
        for l in f:
            w = l.split()
            if w[0][:3] == "cpu" and w[0] != "cpu":
                out[int(w[0][3:])] = (int(w[4]) + int(w[5])) / TICK
    return out


def wait_quiet(A):
    """Waits up to A.wait_quiet seconds (in all: a budget) for two idle CPUs."""
    t0 = time.time()
    while A.wait_quiet and time.time() - t0 < A.wait_quiet and A.quiet_budget > 0:
        i0 = cpu_idle()
        time.sleep(0.15)
        i1 = cpu_idle()
        if min(i1[c] - i0[c] for c in (A.server_cpu, A.gen_cpu)) >= 0.13:
            break
        A.quiet_budget -= 0.15


def generate(A, srv, argv, n, P, c=50):
    """One run of the load generator against srv; returns a sample or raises."""
    g = ["taskset", "-c", str(A.gen_cpu)] + prio(A.nice) + shlex.split(A.bench)
    g += ["-p", str(srv.port), "-n", str(n), "-c", str(c), "-P", str(P), "-r", str(workloads.R), "--csv"] + argv
    u0, s0 = srv.cpu_split()
    i0, c0, t0 = cpu_idle(), srv.cpu(), time.perf_counter()
    p = subprocess.Popen(g, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    group_nice(p.pid, A.nice)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, ru = os.wait4(p.pid, 0)
    t1, c1, i1 = time.perf_counter(), srv.cpu(), cpu_idle()
    p.returncode = status
    p.stdout.close(); p.stderr.close()
    u1, s1 = srv.cpu_split()
    rows = [r for r in csv.reader(io.StringIO(out.decode(errors="replace"))) if len(r) >= 2]
    if status or not rows:
        raise RuntimeError("%s: %s: generator failed: %s" % (srv.name, " ".join(argv)[:60], err.decode()[-300:]))
    head = rows[0] if rows[0][0] == "test" else []
    row = rows[-1]
    d = dict(zip(head, row))
    wall, cpu, gcpu = t1 - t0, c1 - c0, ru.ru_utime + ru.ru_stime
    busy = {k: wall - (i1[k] - i0[k]) for k in i1}
    foreign = max(0.0, busy.get(A.server_cpu, 0) - cpu, busy.get(A.gen_cpu, 0) - gcpu) / wall
    f = lambda k: float(d[k]) if k in d else None
    return {"ops": float(row[1]), "cpu_us": cpu / n * 1e6, "user_us": (u1 - u0) / n * 1e6,
            "sys_us": (s1 - s0) / n * 1e6, "avg_ms": f("avg_latency_ms"), "p50_ms": f("p50_latency_ms"),
            "p99_ms": f("p99_latency_ms"), "gen_us": gcpu / n * 1e6, "wall": wall,
            "srv_util": cpu / wall, "gen_util": gcpu / wall, "foreign": foreign}


def med(xs):
    xs = [x for x in xs if x is not None]
    return st.median(xs) if xs else None


def geomean(xs):
    xs = [x for x in xs if x]
    return st.geometric_mean(xs) if xs else None


def answers(srv, argv):
    """Whether a server knows the workload's command at all."""
    c = srv.client()
    r = c(*[a.replace("__rand_int__", "000000000001") for a in argv])
    c.close()
    srv.state = None
    return not isinstance(r, Err)


def run_bench(A, servers):
    wl = []
    for name, argv, ds, fresh, ps, qs in WL:
        for P in (qs if A.quick else ps):
            w = "%s_P%d" % (name, P)
            if not A.only or re.search(A.only, w):
                wl.append((w, argv, ds, fresh, P))
    order = {w[0]: i for i, w in enumerate(WL)}
    wl.sort(key=lambda w: (order[w[0].rsplit("_P", 1)[0]], w[4]))
    live = [Server(n, c, A.server_cpu, nice=A.nice) for n, c in servers]
    vers = {s.name: s.version() for s in live}
    for s in live:
        log("%-10s pid %d %s" % (s.name, s.pid, " ".join("%s=%s" % x for x in vers[s.name].items())))
    res = {}
    t_all = time.time()
    for w, argv, ds, fresh, P in wl:
        lacking = [s.name for s in live if not answers(s, argv)]
        if lacking:
            log("%-14s left out: %s cannot answer %s" % (w, ", ".join(lacking), argv[0]))
            continue
        # request count: what the first server does in --seconds, same for all
        n0 = {1: 6000, 16: 60000}.get(P, 100000)
        prepare(live[0], ds, fresh, n0)
        g = generate(A, live[0], argv, n0, P)
        n = max(n0, min(int(g["ops"] * A.seconds), A.max_n)) // 1000 * 1000
        R_ = res[w] = {"n": n, "P": P, "samples": {s.name: [] for s in live}}
        for r in range(A.rounds):
            for s in live[r % len(live):] + live[:r % len(live)]:
                best = None
                for _ in range(1 + A.retries):
                    prepare(s, ds, fresh, n)
                    wait_quiet(A)
                    x = generate(A, s, argv, n, P)
                    if best is None or x["foreign"] < best["foreign"]:
                        best = x
                    if x["foreign"] <= A.max_foreign:
                        break
                R_["samples"][s.name].append(best)
        base = R_["samples"][live[0].name]
        R_["median"] = {}
        for s in live:
            xs = R_["samples"][s.name]
            m = {k: med([x[k] for x in xs]) for k in xs[0]}
            m["ops_ratio"] = med([x["ops"] / b["ops"] for x, b in zip(xs, base)])
            m["cpu_ratio"] = med([x["cpu_us"] / b["cpu_us"] for x, b in zip(xs, base)])
            R_["median"][s.name] = m
        log("%-14s n=%-8d %s" % (w, n, "  ".join("%s %.0fk/s %.2fus" % (
            s.name, R_["median"][s.name]["ops"] / 1e3, R_["median"][s.name]["cpu_us"]) for s in live)))
    stop_all()
    return {"mode": "bench", "servers": dict(servers), "versions": vers, "workloads": res,
            "rounds": A.rounds, "seconds": A.seconds, "generator": A.bench, "keyspace": A.keyspace,
            "elapsed_s": round(time.time() - t_all, 1)}


def table(rows, head):
    rows = [[("" if c is None else str(c)) for c in r] for r in rows]
    w = [max(len(head[i]), *(len(r[i]) for r in rows)) if rows else len(head[i]) for i in range(len(head))]
    line = lambda r: "| " + " | ".join(c.ljust(w[i]) if i == 0 else c.rjust(w[i]) for i, c in enumerate(r)) + " |"
    return "\n".join([line(head), "|" + "|".join(("-" * (x + 2)) if i == 0 else "-" * (x + 1) + ":"
                                                 for i, x in enumerate(w)) + "|"] + [line(r) for r in rows])


def fmt(x, d=2):
    return "" if x is None else "%.*f" % (d, x)


def show_bench(res):
    names = list(res["servers"])
    W = res["workloads"]
    b = names[0]
    out = []
    head = ["workload"] + [n + " us" for n in names] + [n + "/" + b for n in names[1:]]
    rows, acc = [], {n: {} for n in names}
    for w, r in W.items():
        m = r["median"]
        rows.append([w] + ["%s (%s)" % (fmt(m[n]["cpu_us"]), fmt(m[n]["user_us"])) for n in names]
                    + [fmt(m[n]["cpu_ratio"]) for n in names[1:]])
        for n in names:
            acc[n].setdefault(r["P"], []).append((m[n]["cpu_ratio"], m[n]["ops_ratio"]))
    for P in sorted({r["P"] for r in W.values()}):
        rows.append(["geomean P%d" % P] + [""] * len(names) + [fmt(geomean([x[0] for x in acc[n][P]])) for n in names[1:]])
    out += ["Server CPU, microseconds per operation, user part in brackets (lower is better; ratio of the whole to %s)\n" % b, table(rows, head)]
    head = ["workload"] + [n + " kops" for n in names] + [n + "/" + b for n in names[1:]]
    rows = []
    for w, r in W.items():
        m = r["median"]
        rows.append([w] + [fmt(m[n]["ops"] / 1e3, 1) for n in names] + [fmt(m[n]["ops_ratio"]) for n in names[1:]])
    for P in sorted({r["P"] for r in W.values()}):
        rows.append(["geomean P%d" % P] + [""] * len(names) + [fmt(geomean([x[1] for x in acc[n][P]])) for n in names[1:]])
    out += ["\nThroughput, thousand operations per second (higher is better; ratio to %s)\n" % b, table(rows, head)]
    head = ["workload", "n"]
    for n in names:
        head += [n + " p50", "p99", "user/sys us", "util srv/gen", "foreign"]
    rows = []
    for w, r in W.items():
        row = [w, r["n"]]
        for n in names:
            m = r["median"][n]
            row += [fmt(m["p50_ms"]), fmt(m["p99_ms"]), fmt(m["user_us"]) + "/" + fmt(m["sys_us"]),
                    "%.0f/%.0f%%" % (100 * m["srv_util"], 100 * m["gen_util"]), "%.0f%%" % (100 * m["foreign"])]
        rows.append(row)
    out += ["\nLatency (ms), CPU split and utilisation (medians)\n", table(rows, head)]
    return "\n".join(out)


# -------------------------------------------------------------------- memory
def ds_str(vlen):
    def gen(lo, hi):
        for i in range(lo, hi):
            yield b"*3\r\n$3\r\nSET\r\n$16\r\nk:%014d\r\n$%d\r\nv:%0*d\r\n" % (i, vlen, vlen - 2, i)
    return gen, 1, 16 + vlen


def ds_hash(lo, hi):
    for i in range(lo, hi):
        yield cmd("HSET", "h:%014d" % i, *sum((["field%d" % j, "v%07d" % (i * 10 + j)] for j in range(10)), []))


def ds_list(lo, hi):
    for i in range(lo, hi):
        yield cmd("RPUSH", "l:%014d" % i, *["item-%07d" % (i * 100 + j) for j in range(100)])


def ds_set(lo, hi):
    rnd = random.Random(lo)
    for i in range(lo, hi):
        yield cmd("SADD", "s:%014d" % i, *rnd.sample(range(1000000), 50))


def ds_zset(lo, hi):
    for i in range(lo, hi):
        rnd = random.Random(i)
        for j in range(0, 100000, 100):
            yield cmd("ZADD", "z:%014d" % i, *sum(([rnd.randrange(10 ** 7), "member:%09d" % k]
                                                  for k in range(j, j + 100)), []))


def ds_stream(lo, hi):
    for i in range(lo, hi):
        k = "x:%014d" % i
        for j in range(100000):
            yield cmd("XADD", k, "*", "a", "%08d" % j, "b", "%08d" % (j * 7))


# name: (generator of keys lo..hi, elements per key, user bytes per element, reply lines)
DS = {
    "str16_16": ds_str(16) + (1,),
    "str16_100": ds_str(100) + (1,),
    "hash10": (ds_hash, 10, 14 + 1.6, 1),
    "list100": (ds_list, 100, 12 + .16, 1),
    "set50int": (ds_set, 50, 6 + .32, 1),
    "zset100k": (ds_zset, 100000, 16 + 7, 1),
    "stream100k": (ds_stream, 100000, 18, 2),
}


def settle(s, quiet=3.0, limit=16.0):
    """Waits till RSS (rehash, query buffers, allocator decay) stands still."""
    t0 = last = time.time()
    prev = s.rss()
    while time.time() - t0 < limit:
        time.sleep(0.25)
        r = s.rss()
        if abs(r[0] - prev[0]) > 65536:
            prev, last = r, time.time()
        if time.time() - last > quiet:
            break
    return s.rss()


def run_memory(A, servers):
    res, vers = {}, {}
    N = A.n
    for name in DS:
        if A.only and not re.search(A.only, name):
            continue
        gen, per, user, lines = DS[name]
        keys = max(1, N // per)
        # one-value strings: also over one doubling, as hash tables grow by steps
        steps = [keys]
        if name == "str16_16" and not A.quick:
            steps = [int(keys * f) for f in (1, 1.19, 1.41, 1.68, 2)]
        for sname, command in servers:
            s = Server(sname, command, A.server_cpu, nice=A.nice)
            vers.setdefault(sname, s.version())
            c = s.client()
            # page in code paths with about 1000 elements, then drop them
            warm = itertools.islice(gen(10 ** 9, 10 ** 9 + 1000), 1000 if lines > 1 else max(10, 1000 // per))
            c.load(chunked(warm, 50), lines)
            c("FLUSHALL")
            s.info()
            r0 = settle(s, 1.0, 4.0)
            u0 = int(s.info().get("used_memory", 0))
            done = 0
            for k in steps:
                c0, t0 = s.cpu(), time.time()
                c.load(chunked(gen(done, k), 200 if per > 20 else 1000), lines)
                t1, c1 = time.time(), s.cpu()
                c.close()
                r1 = settle(s)
                u1 = int(s.info().get("used_memory", 0))
                c = s.client()
                dn = name if len(steps) == 1 or k == keys else "%s_x%.2f" % (name, k / keys)
                e = k * per
                x = {"keys": k, "elements": e, "user_bytes": user, "rss_per_el": (r1[0] - r0[0]) / e,
                     "anon_per_el": (r1[1] - r0[1]) / e, "used_per_el": (u1 - u0) / e if u1 else None,
                     "rss_per_key": (r1[0] - r0[0]) / k, "rss_base": r0[0], "load_s": t1 - t0,
                     "load_cpu_us": (c1 - c0) / max(1, (k - done) * per) * 1e6}
                n = c("DBSIZE")
                if isinstance(n, int) and n != k:
                    log("%s %s: DBSIZE %s, expected %d" % (sname, dn, n, k))
                done = k
                res.setdefault(dn, {})[sname] = x
                log("%-15s %-10s rss %.1f B/el, used %s B/el, load %.1fs" % (
                    dn, sname, x["rss_per_el"], fmt(x["used_per_el"], 1), x["load_s"]))
            c.close()
            s.stop()
    return {"mode": "memory", "servers": dict(servers), "versions": vers, "datasets": res, "n": N}


def show_memory(res):
    names, b = list(res["servers"]), list(res["servers"])[0]
    head = ["dataset", "elements", "user B"]
    for n in names:
        head += [n + " RSS", "used"]
    head += [n + "/" + b for n in names[1:]]
    rows = []
    for d, r in res["datasets"].items():
        row = [d, r[b]["elements"], fmt(r[b]["user_bytes"], 1)]
        for n in names:
            row += [fmt(r[n]["rss_per_el"], 1), fmt(r[n]["used_per_el"], 1)]
        rows.append(row + [fmt(r[n]["rss_per_el"] / r[b]["rss_per_el"]) if r[b]["rss_per_el"] else "" for n in names[1:]])
    sw = [d for d in res["datasets"] if d == "str16_16" or d.startswith("str16_16_x")][:-1]
    if len(sw) > 2:
        avg = {n: st.mean(res["datasets"][d][n]["rss_per_el"] for d in sw) for n in names}
        au = {n: med([st.mean(res["datasets"][d][n]["used_per_el"] or 0 for d in sw)]) for n in names}
        row = ["str16_16 mean over a doubling", "", "32.0"]
        for n in names:
            row += [fmt(avg[n], 1), fmt(au[n], 1)]
        rows.append(row + [fmt(avg[n] / avg[b]) for n in names[1:]])
    base = table([[n, fmt(med([r[n]["rss_base"] for r in res["datasets"].values()]) / 1048576, 1)] for n in names],
                 ["server", "empty RSS MiB"])
    return "Bytes per element: RSS growth, and used_memory growth from INFO (ratio of RSS to %s)\n\n" % b + \
        table(rows, head) + "\n\n" + base


# ---------------------------------------------------------------------- main
def present(command):
    """Whether the program of a peer's command is on this machine."""
    if not command:
        return False
    argv = shlex.split(command.replace("{peers}", PEERS))
    if argv[0] == "chroot":
        return os.path.exists(argv[1] + argv[2])
    return shutil.which(argv[0]) is not None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("servers", nargs="*", metavar="SERVER")
    ap.add_argument("--memory", action="store_true")
    ap.add_argument("--redstart", metavar="BINARY", help="the release server")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--rounds", type=int)
    ap.add_argument("--seconds", type=float, help="length of one run on the first server")
    ap.add_argument("--keyspace", type=int, default=workloads.R, help="random keys in the speed workloads (default %(default)s)")
    ap.add_argument("--max-n", type=int, default=4000000)
    ap.add_argument("--n", type=int, default=1000000, help="elements per dataset (--memory)")
    ap.add_argument("--only", help="regular expression on workload or dataset names")
    ap.add_argument("--bench", default="redis-benchmark", help="load generator command (redis-benchmark or valkey-benchmark)")
    ap.add_argument("--server-cpu", type=int, default=0)
    ap.add_argument("--gen-cpu", type=int, default=1)
    ap.add_argument("--nice", default=0, type=lambda x: x if x == "rt" else int(x), metavar="N|rt",
                    help="priority of server and generator on a shared machine: a (negative) niceness, or rt for SCHED_FIFO")
    ap.add_argument("--max-foreign", type=float, default=0.06)
    ap.add_argument("--retries", type=int, default=1)
    ap.add_argument("--wait-quiet", type=float, default=0, metavar="S")
    ap.add_argument("--quiet-budget", type=float, default=600, metavar="S", help="total time --wait-quiet may spend")
    ap.add_argument("--json")
    ap.add_argument("--show", metavar="FILE", help="print the tables of an earlier --json FILE")
    ap.add_argument("--list", action="store_true", help="list workloads and datasets")
    A = ap.parse_args()
    show = {"bench": show_bench, "memory": show_memory}
    if A.list:
        for w in WL:
            print("%-12s P%-12s %s" % (w[0], ",".join(map(str, w[4])), " ".join(x if len(x) < 60 else x[:8] + "..." for x in w[1])))
        print("datasets:", " ".join(DS))
        return
    if A.show:
        r = json.load(open(A.show))
        print(show[r["mode"]](r))
        return
    if A.rounds is None:
        A.rounds = 2 if A.quick else 3
    if A.nice == "rt":
        A.retries = 0          # other work can't take the CPUs from us then
    if A.seconds is None:
        A.seconds = 0.7 if A.quick else 0.9
    with open(os.path.join(HERE, "peers.json")) as f:
        known = json.load(f)
    if A.redstart:
        known["redstart"] = shlex.quote(os.path.abspath(A.redstart)) + " --port {port} --dir {dir} --bind 127.0.0.1 {opts}"
    servers = []
    for a in A.servers or [n for n in ("valkey9", "redis7", "redstart", "limit") if present(known.get(n))]:
        n, eq, c = a.partition("=")
        if not eq and n not in known:
            ap.error("no command for %s (known: %s)" % (n, " ".join(known)))
        if n != "limit" or not A.memory:
            servers.append((n, c or known[n]))
    if not any(n == "valkey9" for n, _ in servers):
        log("no Valkey here (sh tests/bench/setup.sh gets it): ratios are to " + servers[0][0])
    workloads.R = A.keyspace
    os.sched_setaffinity(0, {A.gen_cpu})
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))
    t0 = time.time()
    try:
        res = (run_memory if A.memory else run_bench)(A, servers)
    finally:
        stop_all()
    res["total_s"] = round(time.time() - t0, 1)
    res["date"] = time.strftime("%Y-%m-%d %H:%M")
    res["machine"] = {"kernel": os.uname().release, "cpus": os.cpu_count()}
    if A.json:
        with open(A.json, "w") as f:
            json.dump(res, f, indent=1)
    print(show[res["mode"]](res))
    log("took %.0f s" % (time.time() - t0))


if __name__ == "__main__":
    main()
