#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Real programs, each natively and inside: same output, same exit status.

    run_programs.py --vmspace BUILD/vmspace [--group GROUP]... [--only TEXT]
                    [--json FILE] [--list]

VMSPACE_TEST_LONG=1 runs the long forms.  The exit status of a script shows that
it reached its end; the case names this status.  A missing program is a skip
(in CI a failure, if scripts/bootstrap installs it).
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programlib import Case, Record, Scratch, have  # noqa: E402
from programlib import run_case, vmtest  # noqa: E402

DUKTAPE = "/usr/share/duktape/duktape.c"
PERL_TREE = "/usr/share/perl"
LUA = "lua5.4" if have("lua5.4") else "lua"


def script(program, name, file, **kw):
    return Case(name, program, [program, "{g}/" + file], **kw)


def archive(pack, *options):
    needs = ("tar", PERL_TREE)
    sh = ["sh", "{g}/archive.sh"]
    return Case(f"{pack} of a tree", pack, [*sh, PERL_TREE, pack, *options],
                needs=needs, options=("--mem", "2G"), timeout=200,
                long_argv=[*sh, "/usr/include", pack, *options])


SHELL = [
    script("bash", "bash job control", "jobs.bash"),
    script("bash", "bash language", "language.bash"),
    Case("coreutils", "sort", ["bash", "{g}/coreutils.bash"], needs=("bash",)),
    Case("coreutils on a host directory", "sort", ["bash", "{g}/coreutils.bash"],
         needs=("bash",), rw=True),
    script("bash", "tmux", "tmux.bash", needs=("tmux",)),
]

LANGUAGES = [
    script("perl", "perl regular expressions", "regex.pl"),
    script("perl", "perl processes", "processes.pl", status=5),
    script("python3", "python subprocess", "py_subprocess.py"),
    script("python3", "python threads", "py_threads.py"),
    script("python3", "python multiprocessing", "py_multiprocessing.py"),
    script("python3", "python data", "py_data.py", timeout=120),
    script("python3", "python asyncio", "py_asyncio.py"),
    script("python3", "python asyncio on UNIX sockets", "py_asyncio_unix.py"),
    script("python3", "python mmap", "py_mmap.py"),
    script("python3", "python and /proc", "py_tasks.py"),
    script(LUA, "lua", "work.lua", status=4),
]

DATA = [
    Case("sqlite3 write-ahead log", "sqlite3", ["sh", "{g}/wal.sh"], rw=True,
         timeout=120, after=["sqlite3", "db", "pragma integrity_check; select "
                             "count(*), sum(v), max(k), min(id) from t;"]),
    Case("git", "git", ["sh", "{g}/git.sh"], timeout=120),
    Case("git on a host directory", "git", ["sh", "{g}/git.sh"], rw=True,
         timeout=120, after=["git", "-C", "repo", "fsck", "--full"]),
    archive("tar"),
    archive("xz", "-1"),
    archive("zstd", "-T2", "-3"),
    # The compiler alone needs twice as much memory.
    Case("make and gcc in little memory", "gcc",
         ["sh", "{g}/build.sh", "{g}/project"],
         options=("--mem", "96M", "--swap", "512M"),
         needs=("make", "objdump", DUKTAPE), timeout=200),
    Case("make and gcc on a host directory", "make",
         ["sh", "{g}/build.sh", "{g}/project"], rw=True,
         needs=("gcc", "objdump", DUKTAPE), timeout=200),
]

# gdb and strace are not installed by scripts/bootstrap.
DEBUG = [
    Case("gdb", "gdb", ["sh", "{g}/trace/gdb.sh", "{g}/trace"], big=True,
         needs=("gcc",), status=9, timeout=120),
    Case("strace", "strace", ["sh", "{g}/trace/strace.sh"], big=True,
         status=6),
    Case("LeakSanitizer", "gcc", ["sh", "{g}/trace/leak.sh", "{g}/trace"],
         status=8, timeout=120),
]

# scripts/bootstrap does not install these: they are hundreds of megabytes.
GO_ENV = {"GO111MODULE": "off", "GOCACHE": "{w}/cache", "GOPATH": "{w}/go",
          "GOFLAGS": "-trimpath", "GOTOOLCHAIN": "local"}
STAGE4 = [
    script("node", "node workers", "workers.js", big=True, status=3,
           timeout=120),
    script("node", "node child processes", "children.js", big=True, status=2),
    script("node", "node fork", "fork.js", big=True),
    Case("go program", "go", ["{c}/gowork"], big=True, status=6, env=GO_ENV,
         setup=["sh", "-c", "mkdir -p {w} && cd {g}/gowork && "
                "go build -o {c}/gowork main.go"]),
    Case("go build", "go",
         ["sh", "-c", "cd {g}/gowork && go build -o {w}/p "
          "main.go && cd {w} && ./p; sha256sum p"],
         big=True, env=GO_ENV, options=("--mem", "2G"), timeout=300),
    Case("java version", "java", ["java", "-version"], big=True),
    Case("java class", "java",
         ["java", "-Xmx128m", "-XX:-UsePerfData", "-cp", "{c}/classes",
          "Work"], needs=("javac",), big=True, status=4, timeout=120,
         setup=["javac", "-d", "{c}/classes", "{g}/Work.java"]),
    Case("javac", "javac",
         ["sh", "-c", "javac -d . {g}/Work.java && sha256sum *.class"],
         needs=("java",), big=True, timeout=120),
]

# The long run's own: scripts/bootstrap --all-programs installs them.
def large(name, program, argv, mem="2G", **kw):
    options = ("--mem", mem, *kw.pop("options", ()))
    return Case(name, program, argv, big=True, long=True, options=options,
                timeout=kw.pop("timeout", 200), **kw)


def sh(file, *args):
    return ["sh", "{g}/large/" + file, *args]


# Where scripts/bootstrap --all-programs installs guests/large/npm.
NPM = os.path.join(os.environ.get("XDG_CACHE_HOME")
                   or os.path.expanduser("~/.cache"), "vmspace", "npm")


def npm(package, **kw):
    return large(package, "node", sh(package + ".sh", NPM),
                 needs=(f"{NPM}/node_modules/{package}",), mem="4G", **kw)


LARGE = [
    large("chromium with its sandbox", "chromium",
          ["python3", "{g}/large/browser.py", "chromium",
           "{g}/large/page.html"]),
    large("firefox", "firefox-esr",
          ["python3", "{g}/large/browser.py", "firefox",
           "{g}/large/page.html"]),
    large("mono", "mono", sh("mono.sh"), needs=("mcs",), status=3),
    large("sanitizers", "clang", sh("sanitizers.sh"), needs=("gcc",),
          status=5),
    large("libFuzzer", "clang", sh("libfuzzer.sh")),
    large("AFL++", "afl-fuzz", sh("afl.sh"), status=4),
    large("valgrind", "valgrind", sh("valgrind.sh"), needs=("gcc",)),
    large("postgres", "psql", ["python3", "{g}/large/postgres.py"],
          needs=("python3", "/usr/lib/postgresql")),
    large("mariadb", "mariadb", ["python3", "{g}/large/mariadb.py"],
          needs=("/usr/sbin/mariadbd", "mariadb-install-db"), rw=True),
    large("ffmpeg", "ffmpeg", sh("ffmpeg.sh")),
    large("LibreOffice to PDF", "soffice", sh("office.sh")),
    large("cargo build and test", "cargo", sh("cargo.sh"), status=6,
          env={"CARGO_HOME": "{w}/cargo"}),
    large("go test -race", "go", sh("race.sh"), status=7,
          env=dict(GO_ENV, GO111MODULE="on", CGO_ENABLED="1")),
    large("javac and java with five collectors", "javac",
          sh("gcs.sh", "{g}")),
    large("R", "R", ["Rscript", "{g}/large/work.R"], status=4),
    large("LMDB and RocksDB", "gcc", sh("stores.sh"),
          needs=("g++", "/usr/include/lmdb.h", "/usr/include/rocksdb/db.h")),
    large("300 threads in 256 MiB", "gcc", ["{c}/threads"], mem="256M",
          setup=["gcc", "-O1", "-pthread", "-o", "{c}/threads",
                 "{g}/large/threads.c"]),
    large("ruby and rake", "ruby", sh("ruby.sh"), needs=("rake",), status=5),
    large("php", "php", sh("php.sh"), needs=("curl",)),
    large("ghc", "ghc", sh("ghc.sh")),
    large("fio", "fio", sh("fio.sh")),
    npm("vite"),
    npm("jest", status=3),
]

GROUPS = {"shell": SHELL, "languages": LANGUAGES, "data": DATA,
          "debug": DEBUG, "stage4": STAGE4, "large": LARGE}


def main():
    p = vmtest.arguments(__doc__, vmspace=False)
    p.add_argument("--group", action="append", choices=sorted(GROUPS))
    p.add_argument("--only", default="")
    p.add_argument("--json")
    p.add_argument("--timeout", type=float, help="instead of the case's own")
    p.add_argument("--list", action="store_true")
    opts = p.parse_args()
    cases = [c for g in opts.group or GROUPS for c in GROUPS[g]
             if opts.only in c.name]
    if opts.list:
        print("\n".join(c.name for c in cases))
        return 0
    vm, count = vmtest.Vmspace(opts.vmspace), vmtest.Cases()
    record = Record(opts.json)
    with Scratch() as scratch:
        for case in cases:
            case.timeout = opts.timeout or case.timeout
            run_case(vm, scratch, case, count, record)
    record.write()
    return count.finish()


if __name__ == "__main__":
    vmtest.main(main)
