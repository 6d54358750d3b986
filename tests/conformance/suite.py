#!/usr/bin/env python3
"""Runs Redis 7.0's own Tcl suite in drop-in mode: the suite starts the server under test itself.

    suite.py --server BINARY [UNIT GLOB...]      default: the units in baseline.json
    suite.py --server redis-server --record      writes baseline.json anew from what that server passes

Each unit runs in a process, a scratch tree and a block of ports of its own. The suite comes from Debian's
source package, fetched once into the user's cache folder. Python's standard library only.

What counts is in skips.toml; the run fails when the share of passed cases is below its level, or when what
failed and what is listed there disagree.
"""
import argparse
import collections
import concurrent.futures
import fcntl
import fnmatch
import glob
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "redstart-tests")
TCLSH = shutil.which("tclsh8.6") or "tclsh"
SECONDS_PER_UNIT = 600
# The suite calls a unit hung after this many seconds without a finished case.
SECONDS_WITHOUT_PROGRESS = 60
RERUNS = 4


def say(*words):
    print(*words, flush=True)


# ---------------------------------------------------------------- the suite's source
def source():
    """The folder of the unpacked Debian source package of Redis 7.0."""
    dst = os.path.join(CACHE, "redis-7.0")
    if os.path.isfile(dst + "/tests/test_helper.tcl"):
        return dst
    say("fetching Debian's source package of redis 7.0")
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redstart-apt.") as d:
        for sub in ("lists/partial", "cache/archives/partial", "dl"):
            os.makedirs(f"{d}/{sub}")
        with open(d + "/sources.list", "w") as f:
            f.write("\n".join(deb_src_lines()) + "\n")
        apt = ["apt-get", "-qq", "-o", f"Dir::Etc::sourcelist={d}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
               "-o", f"Dir::State::lists={d}/lists", "-o", f"Dir::Cache={d}/cache", "-o", "APT::Sandbox::User=root"]
        checked(apt + ["update"])
        checked(apt + ["source", "--download-only", "redis"], cwd=d + "/dl")
        descriptions = sorted(glob.glob(d + "/dl/redis_*7.0.*.dsc"))
        if not descriptions:
            sys.exit("conformance: Debian's sources here hold no redis 7.0")
        checked(["dpkg-source", "--no-check", "-x", descriptions[-1], dst])
    return dst


def deb_src_lines():
    """This machine's own package sources for Debian 12, as sources of source packages."""
    found = set()
    for name in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for stanza in re.split(r"\n\s*\n", open(name).read()):
            fields = dict(l.split(":", 1) for l in stanza.splitlines() if ":" in l and not l.startswith("#"))
            fields = {k.strip(): v.strip() for k, v in fields.items()}
            signed = fields.get("Signed-By", "")
            options = f"[signed-by={signed}] " if signed.startswith("/") else ""
            for uri in fields.get("URIs", "").split():
                for suite in fields.get("Suites", "").split():
                    found.add(f"deb-src {options}{uri} {suite} main")
    for name in ["/etc/apt/sources.list"] + glob.glob("/etc/apt/sources.list.d/*.list"):
        if os.path.exists(name):
            for line in open(name):
                m = re.match(r"\s*deb(?:-src)?\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+main", line)
                if m:
                    found.add(f"deb-src {m[1] or ''}{m[2]} {m[3]} main")
    return sorted(l for l in found if "bookworm" in l)


def checked(command, cwd=None):
    p = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode:
        sys.exit("conformance: %s failed: %s" % (command[0], re.sub(r"https?://\S+", "(mirror)", p.stdout)[-1500:]))


# ---------------------------------------------------------------- one scratch tree per worker
def make_tree(tree, src, server):
    shutil.copytree(src + "/tests", tree + "/tests", symlinks=True)
    os.symlink(src + "/utils", tree + "/utils")
    os.makedirs(tree + "/src")
    os.symlink(server, tree + "/src/redis-server")
    # They are the server itself, which goes by its name.
    for tool in ("check-aof", "check-rdb"):
        os.symlink(server, f"{tree}/src/redis-{tool}")
    for tool in ("cli", "benchmark", "sentinel"):
        found = shutil.which("redis-" + tool)
        if found:
            os.symlink(found, f"{tree}/src/redis-{tool}")
    shorten_startup(tree + "/tests/support/server.tcl")
    leave_out_debugger(tree + "/tests/unit/scripting.tcl")


def leave_out_debugger(path):
    """The unit debugs a script outside of any case: without a debugger that would end the whole unit."""
    text = open(path).read()
    outside = "external:skip\"}} {\n    r script debug sync\n" + 2 * "    r eval {return 'hello'} 0\n"
    with open(path, "w") as f:
        f.write(text.replace(outside, "external:skip\"}} {\n"))


def shorten_startup(path):
    """A server that is dead or silent costs seconds, not the suite's two minutes."""
    text = open(path).read()
    text = text.replace("expr {120*1000/$checkperiod}", "expr {20*1000/$checkperiod}")
    head, mark, tail = text.partition("proc wait_server_started")
    dead = ("        if {[catch {exec kill -0 $pid}] && ![regexp -- \" PID: $pid\" [exec cat $stdout]]\n"
            "            && ![regexp {Failed listening on port} [exec cat $stdout]]} {set maxiter 1}\n")
    tail = tail.replace("        after $checkperiod\n", dead + "        after $checkperiod\n", 1)
    with open(path, "w") as f:
        f.write(head + mark + tail)


class Ports:
    """1000 ports below the ephemeral range (bus ports lie 10000 above), held by a lock file."""

    def __init__(self):
        os.makedirs(CACHE + "/ports", exist_ok=True)
        while True:
            for base in range(19000, 10999, -1000):
                f = open(f"{CACHE}/ports/{base}", "w")
                try:
                    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    f.close()
                    continue
                self.lock, self.base = f, base
                return
            time.sleep(1)

    def free(self, count):
        for port in range(self.base, self.base + count):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    pass
        sys.exit("conformance: no free port")


def sweep(tree):
    """Ends what a unit left running: processes whose folder lies in its tree."""
    for _ in range(20):
        mine = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                cwd = os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue
            if int(pid) != os.getpid() and (cwd == tree or cwd.startswith(tree + "/")):
                mine.append(int(pid))
        if not mine:
            return
        for pid in mine:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


# ---------------------------------------------------------------- one unit
LINE = re.compile(r"^\[(ok|err|exception|skip|ignore|ready|TIMEOUT|\d+/\d+ done)\]: ?(.*)$")
BETWEEN = re.compile(r"^(Testing (unit|integration|solo)|Waiting for process|Forcing process|Killing still running|"
                     r"Logged crash report|\s+The End$|===== (Start|End) of server|Port \d+ was already busy)")


def parse(text):
    """What the suite printed: passed names, failures as (name, detail), and how it ended."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    ok, errors, busy, timeout, exception, detail = [], [], [], False, None, None
    for line in text.split("\n"):
        m = LINE.match(line)
        if m:
            kind, rest = m.groups()
            detail = None
            if kind == "ok":
                ok.append(re.sub(r" \(\d+ ms\)$", "", rest))
            elif kind in ("err", "exception"):
                detail = [rest]
                if kind == "err":
                    errors.append(detail)
                else:
                    exception = detail
            elif kind == "TIMEOUT":
                timeout = True
            continue
        m = re.match(r"^sock\w+ => \(IN PROGRESS\) (.*)$", line)
        if m:
            busy.append(m[1])
        if m or BETWEEN.match(line):
            detail = None
        elif detail is not None:
            detail.append(line)
    failed = []
    for lines in errors:
        body = "\n".join(lines).rstrip()
        m = re.match(r"^(.*?) in (tests/\S+\.tcl)(?:\n(.*))?$", body, re.S)
        failed.append((m[1], m[3] or "") if m else ("(outside a case) " + lines[0][:100], body))
    ended = "The End" in text
    return dict(ok=ok, failed=failed, busy=busy if timeout else [], ended=ended,
                exception=None if exception is None else "\n".join(exception))


def run_unit(unit, tree, ports, skipped, log_dir):
    skipped, lost, seconds = list(skipped), [], 0.0
    for attempt in range(1 + RERUNS):
        shutil.rmtree(tree + "/tests/tmp", ignore_errors=True)
        os.makedirs(tree + "/tests/tmp")
        manager = ports.free(60)
        command = [TCLSH, "tests/test_helper.tcl", "--single", unit, "--clients", "1", "--dont-clean", "--durable",
                   "--timeout", str(SECONDS_WITHOUT_PROGRESS), "--baseport", str(manager + 32),
                   "--portcount", str(ports.base + 990 - manager - 32)]
        for name in skipped:
            command += ["--skiptest", name]
        log = f"{log_dir}/{unit.replace('/', '_')}.{attempt + 1}.log"
        start = time.time()
        with open(log, "wb") as out:
            p = subprocess.Popen(command, cwd=tree, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, TERM="dumb", LC_ALL="C.UTF-8"), start_new_session=True)
            try:
                p.wait(SECONDS_PER_UNIT)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()
        seconds += time.time() - start
        sweep(tree)
        r = parse(open(log, errors="replace").read())
        # Skip what hung, or what killed its server (an I/O error, then refused connections), and go again.
        gone = [n for n in r["busy"] if n not in skipped]
        for (name, text), (_, after) in zip(r["failed"], r["failed"][1:]):
            if not gone and "I/O error" in text and "couldn't open socket" in after and name not in skipped:
                gone = [name]
        if not gone:
            break
        skipped += gone
        lost += gone
    failed = r["failed"] + [(name, "hung, or its server died") for name in lost]
    if not r["ended"] or r["exception"]:
        failed.append(("(unit ended early)", r["exception"] or "see " + log))
    return dict(unit=unit, ok=r["ok"], failed=failed, seconds=seconds, log=log)


# ---------------------------------------------------------------- counting
def plain(name):
    """Case names without the numbers that differ from run to run."""
    return re.sub(r"\d+", "#", name)


class Skips:
    def __init__(self):
        with open(HERE + "/skips.toml", "rb") as f:
            self.table = tomllib.load(f)
        self.level = self.table["level"]

    def reason(self, kind, unit, name):
        """Why a case is listed, or None. A listed name matches any numbers in it."""
        for entry in self.table.get(kind, []):
            if fnmatch.fnmatch(unit, entry["unit"]):
                for case in entry["cases"]:
                    regex = len(case) > 1 and case[0] == case[-1] == "/"
                    if re.search(case[1:-1], name) if regex else plain(case) == plain(name):
                        return entry["reason"]
        return None


def judge(result, baseline, skips):
    """Passed and wanted counts of one unit, the misses, and listed misses that pass."""
    unit = result["unit"]
    wanted = collections.Counter(plain(n) for n in baseline if not skips.reason("later", unit, n))
    have = collections.Counter(map(plain, result["ok"]))
    passed = wanted & have
    misses = sorted((wanted - have).elements())
    unlisted = [n for n in misses if not skips.reason("differs", unit, n)]
    stale = sorted({n for n in passed if not (wanted - have)[n] and skips.reason("differs", unit, n)})
    return sum(passed.values()), sum(wanted.values()), misses, unlisted, stale


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--server", required=True)
    ap.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    ap.add_argument("--record", action="store_true")
    ap.add_argument("--details", action="store_true", help="print why each case failed")
    ap.add_argument("units", nargs="*")
    args = ap.parse_args()
    server = os.path.realpath(shutil.which(args.server) or args.server)
    if os.path.basename(server) == "redis-check-rdb":
        server = os.path.abspath(shutil.which(args.server) or args.server)
    skips = Skips()
    with open(HERE + "/baseline.json") as f:
        baseline = json.load(f)
    src = source()
    found = (glob.glob(f"{src}/tests/{part}/**/*.tcl", recursive=True) for part in ("unit", "integration"))
    every = sorted(os.path.relpath(p, src + "/tests")[:-4] for paths in found for p in paths)
    units = [u for u in every if any(fnmatch.fnmatch(u, g) for g in args.units)] if args.units else list(baseline)
    if not units:
        sys.exit("conformance: no such unit: " + " ".join(args.units))

    base = tempfile.mkdtemp(prefix="rs-tcl.")     # short: paths of unix sockets end at 108 bytes
    logs = tempfile.mkdtemp(prefix="redstart-conformance-logs.")
    trees = queue.Queue()
    made = []
    for job in range(args.jobs):
        made.append(f"{base}/{job}")
        make_tree(made[-1], src, server)
        trees.put((made[-1], Ports()))

    def work(unit):
        tree, ports = trees.get()
        try:
            later = [n for n in baseline.get(unit, []) if skips.reason("later", unit, n)]
            return run_unit(unit, tree, ports, [] if args.record else later, logs)
        finally:
            trees.put((tree, ports))

    results = {}
    try:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for done in concurrent.futures.as_completed([pool.submit(work, u) for u in units]):
                r = done.result()
                results[r["unit"]] = r
                report(r, baseline.get(r["unit"], []), skips, args.details)
    finally:
        for tree in made:
            sweep(tree)
        shutil.rmtree(base, ignore_errors=True)
    if args.record:
        for unit in units:
            baseline[unit] = results[unit]["ok"]
        rows = ["%s: [\n%s\n]" % (json.dumps(u), ",\n".join(json.dumps(n) for n in names)) for u, names in baseline.items()]
        with open(HERE + "/baseline.json", "w") as f:
            f.write("{\n" + ",\n".join(rows) + "\n}\n")
        return 0
    return summary(results, baseline, skips, logs)


def report(r, baseline, skips, details):
    passed, wanted, _, unlisted, stale = judge(r, baseline, skips)
    say("%-24s %4d of %4d  %5.0f s%s" % (r["unit"], passed, wanted, r["seconds"],
                                       "  %d cases outside the baseline passed" % len(r["ok"]) if not baseline else ""))
    why = {plain(name): text for name, text in r["failed"]}
    if not r["ok"]:
        say("    no case passed at all: see " + r["log"])
        unlisted = []
    for name in unlisted:
        say("    missed: %s" % name)
        if details and why.get(name):
            say("        " + "\n        ".join(why[name].strip().split("\n")[:8]))
    for name, text in r["failed"]:
        if name.startswith("("):
            say("    %s: %s" % (name, text.strip().split("\n")[0][:200]))
    for name in stale:
        say("    listed as differing, and passes: %s" % name)


def summary(results, baseline, skips, logs):
    rows = [judge(r, baseline.get(unit, []), skips) for unit, r in results.items()]
    passed, wanted = sum(r[0] for r in rows), sum(r[1] for r in rows)
    unlisted, stale = sum(len(r[3]) for r in rows), sum(len(r[4]) for r in rows)
    later = sum(1 for u in results for n in baseline.get(u, []) if skips.reason("later", u, n))
    ratio = passed / wanted if wanted else 1.0
    say("logs: " + logs)
    say("conformance: %d of %d cases (%.1f %%, level %.1f %%), %d more wait for a later release" % (
        passed, wanted, 100 * ratio, 100 * skips.level, later))
    if unlisted or stale:
        say("conformance: %d misses are not listed in skips.toml, %d listed ones pass" % (unlisted, stale))
    failed = ratio < skips.level or unlisted or stale
    say("test result: %s. %d passed; %d failed; %d ignored" % ("FAILED" if failed else "ok", passed, wanted - passed, later))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
