# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""PostgreSQL: initdb, pgbench on a UNIX socket, kill -9 of the server, recovery.
The server refuses to run as root: postgres.py gives up its rights first."""
import glob
import os
import signal
import subprocess
import time

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
HERE = os.getcwd()
DATA = HERE + "/data"
ENV = dict(os.environ, PGHOST=HERE, PGUSER="u", PGDATABASE="postgres",
           PATH=BIN + ":" + os.environ["PATH"])


def run(*argv, check=True, **kw):
    return subprocess.run(argv, env=ENV, check=check, capture_output=True,
                          text=True, timeout=120, **kw)


def start():
    log = open(HERE + "/log", "a")
    p = subprocess.Popen(
        [BIN + "/postgres", "-D", DATA, "-c", "listen_addresses=", "-k", HERE,
         "-c", "shared_buffers=16MB", "-c", "max_connections=20"],
        stdout=log, stderr=log, env=ENV)
    for _ in range(600):
        if run("psql", "-Atc", "select 1", check=False).stdout == "1\n":
            return p
        time.sleep(0.1)
    raise SystemExit("the server did not start: " + open(HERE + "/log").read())


def sql(text):
    print(run("psql", "-Atc", text).stdout, end="")


def main():
    if os.getuid() == 0:
        os.chown(HERE, 1, 1)
        os.setgroups([])
        os.setgid(1)
        os.setuid(1)
    run("initdb", "-D", DATA, "-U", "u", "-A", "trust", "--no-locale", "-E",
        "UTF8")
    p = start()
    run("pgbench", "-i", "-q", "-s", "1")
    out = run("pgbench", "-c", "4", "-j", "2", "-t", "50").stdout
    print([x for x in out.splitlines() if "actually processed" in x])
    sql("create table t as select g, g * g as q from generate_series(1, 5000) g")
    sql("select count(*), sum(q) from t")
    run("psql", "-c", "insert into t values (0, 7)")
    p.send_signal(signal.SIGKILL)
    p.wait()
    time.sleep(0.5)  # its children see the end of the postmaster
    p = start()
    sql("select count(*), sum(q) from t")
    sql("select (select sum(tbalance) from pgbench_tellers) = "
        "(select sum(delta) from pgbench_history)")
    print("recovered", "was not properly shut down" in open(HERE + "/log").read())
    p.send_signal(signal.SIGINT)
    print("stopped", p.wait(60))


main()
