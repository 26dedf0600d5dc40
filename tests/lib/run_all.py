# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Build everything and run all suites: scripts/test calls this.

There are three builds: `build` (assertions on; all suites run there),
`build-asan` (address and undefined-behaviour sanitizers) and `build-tsan`
(thread sanitizer).  A meson test counts as one case, unless it prints "cases: P
passed, F failed, S skipped": then these count.  The last line is the sum, "N
passed, N failed, N skipped".
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CASES = re.compile(r"^cases: (\d+) passed, (\d+) failed, (\d+) skipped$",
                   re.M)
SKIPS = re.compile(r"^(?:skip|SKIP)[: ].*$", re.M)

# build directory -> (setup options, environment, [(suite, tests or None)])
PLAN = {
    "build": ([], {}, [
        ("lint", None), ("unit", None), ("protocol", None), ("model", None),
        ("stress", None), ("kern", None), ("fuzz", None), ("guest", None),
        ("resident", None),
        ("inspect", None), ("command", None), ("control", None),
        ("servers", None), ("example", None), ("differential", None),
        ("programs", None), ("fault", None)]),
    "build-asan": (
        ["-Db_sanitize=address,undefined"],
        {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
         "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
         "VMSPACE_TEST_SLOW": "4", "VMSPACE_READER_SECONDS": "3"},
        [("unit", None), ("kern", None), ("fuzz", None),
         ("model", ["vm_model"]),
         ("stress", ["fork_rounds", "readers", "swap"]),
         ("guest", ["aio", "bigmsg", "cow64", "execs", "filemap", "forkwait", "protsegv",
                    "locks", "msg", "procmem", "rights", "sem", "signals",
                    "sockets", "swapcalls", "threads", "files", "loopback",
                    "mqueue", "seccomp", "xattrs"]),
         ("control", ["hostile"]), ("resident", None)]),
    "build-tsan": (
        ["-Db_sanitize=thread"],
        # Debug builds check lock order by rank.  The detector goes by
        # addresses, and takes an object in recycled memory for an inversion.
        {"TSAN_OPTIONS": "halt_on_error=1:detect_deadlocks=0",
         "VMSPACE_TEST_SLOW": "6", "VMSPACE_READER_SECONDS": "3"},
        [("unit", None), ("kern", None), ("stress", None),
         ("guest", ["forkwait", "locks", "msg", "procmem", "rights", "sem",
                    "signals", "sockets", "swapcalls", "threads", "pipes", "aio",
                    "mqueue", "pilocks", "seccomp"]),
         ("control", ["hostile"]), ("resident", None)]),
}


def setup(build, options):
    return subprocess.run(["scripts/setup", build, *options],
                          cwd=TOP).returncode == 0


def compile_build(build):
    r = subprocess.run(["ninja", "-C", os.path.join(TOP, build)],
                       capture_output=True, text=True)
    if r.returncode != 0:
        print(r.stdout[-4000:], r.stderr[-2000:])
    return r.returncode == 0


def known(build):
    """{suite: [test names]} of a build."""
    r = subprocess.run(["meson", "introspect", "--tests",
                        os.path.join(TOP, build)],
                       capture_output=True, text=True, check=True)
    out = {}
    for t in json.loads(r.stdout):
        for s in t["suite"]:
            out.setdefault(s.split(":")[-1], []).append(t["name"])
    return out


class Sum:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, p, f, s):
        self.passed += p
        self.failed += f
        self.skipped += s

    def line(self):
        return (f"{self.passed} passed, {self.failed} failed, "
                f"{self.skipped} skipped")


def count(entry, total, build):
    """Add one entry of meson's test log to the sum, and print it."""
    result, name = entry["result"], entry["name"]
    out = entry.get("stdout") or ""
    m = CASES.search(out)
    if m:
        p, f, s = (int(x) for x in m.groups())
        if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT") and f == 0:
            f = 1
        total.add(p, f, s)
    elif result in ("OK", "EXPECTEDFAIL"):
        total.add(1, 0, 0)
    elif result == "SKIP":
        total.add(0, 0, 1)
    else:
        total.add(0, 1, 0)
    mark = {"OK": "ok", "SKIP": "skip"}.get(result, "FAIL")
    detail = f"  ({m.group(0)})" if m else ""
    print(f"{mark:5}{build:12}{name:32}{entry['duration']:7.1f} s{detail}")
    for reason in SKIPS.findall(out)[:20]:
        print(f"      {reason}")
    if mark == "FAIL":
        tail = (out + "\n" + (entry.get("stderr") or ""))[-6000:]
        print("      " + tail.replace("\n", "\n      "))


def run_suite(build, suite, names, env, total):
    log = os.path.join(TOP, build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    full = dict(os.environ)
    full.update(env)
    cmd = ["meson", "test", "-C", os.path.join(TOP, build), "--no-rebuild",
           "--suite", suite, "--num-processes", str(os.cpu_count() or 1),
           "--timeout-multiplier", env.get("VMSPACE_TEST_SLOW", "1"),
           *(names or [])]
    r = subprocess.run(cmd, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=full)
    entries = []
    if os.path.exists(log):
        with open(log, encoding="utf-8") as f:
            entries = [json.loads(x) for x in f if x.strip()]
    for e in entries:
        count(e, total, build)
    if not entries:
        print(f"FAIL {build:12}{suite}: no result (meson test: "
              f"{r.returncode})")
        total.add(0, 1, 0)
    sys.stdout.flush()


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("suite", nargs="*", help="only these suites")
    a = ap.parse_args()
    total = Sum()
    start = time.monotonic()
    for build, (options, env, suites) in PLAN.items():
        wanted = [(s, t) for s, t in suites if not a.suite or s in a.suite]
        if not wanted:
            continue
        print(f"== {build}: building")
        sys.stdout.flush()
        if not setup(build, options) or not compile_build(build):
            print(f"FAIL {build:12}does not build")
            total.add(0, 1, 0)
            continue
        have = known(build)
        for suite, names in wanted:
            if suite not in have:
                print(f"FAIL {build:12}suite {suite} has no tests")
                total.add(0, 1, 0)
                continue
            for n in names or ():
                if n not in have[suite]:
                    print(f"FAIL {build:12}suite {suite} has no test {n}: "
                          "correct PLAN in tests/lib/run_all.py")
                    total.add(0, 1, 0)
            if names is not None:
                names = [n for n in names if n in have[suite]]
            run_suite(build, suite, names, env, total)
    print(f"time: {time.monotonic() - start:.0f} s")
    print(total.line())
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
