# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""MariaDB: a server whose InnoDB uses asynchronous I/O of the host, clients on a
UNIX socket, kill -9, recovery."""
import os
import shutil
import signal
import subprocess
import time

HERE = os.getcwd()
SOCK = HERE + "/s"
DATA = HERE + "/data"
COMMON = ["--no-defaults", "--datadir=" + DATA, "--socket=" + SOCK,
          "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"]
USER = ["--user=root"] if os.getuid() == 0 else []
SERVER = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")


def sql(text, check=True):
    r = subprocess.run(["mariadb", "--no-defaults", "-S", SOCK, "-N", "-B",
                        "-e", text], capture_output=True, text=True,
                       timeout=60, check=check)
    return r.stdout


def start():
    log = open(HERE + "/log", "a")
    p = subprocess.Popen([SERVER, *COMMON, *USER, "--skip-networking",
                          "--skip-grant-tables", "--innodb-use-native-aio=1"],
                         stdout=log, stderr=log)
    for _ in range(600):
        if sql("select 1", check=False) == "1\n":
            return p
        time.sleep(0.1)
    raise SystemExit("the server did not start: " + open(HERE + "/log").read())


def main():
    subprocess.run(["mariadb-install-db", *COMMON, *USER,
                    "--auth-root-authentication-method=normal"], check=True,
                   capture_output=True, timeout=180)
    p = start()
    print(sql("select @@innodb_use_native_aio"), end="")
    sql("create database d; create table d.t (k int primary key, v int) "
        "engine=innodb; insert into d.t select seq, seq * 3 from "
        "d.seq_1_to_20000")
    print(sql("select count(*), sum(v) from d.t"), end="")
    sql("insert into d.t values (0, 1)")
    p.send_signal(signal.SIGKILL)
    p.wait()
    p = start()
    print(sql("select count(*), sum(v) from d.t; check table d.t"), end="")
    print("recovered", "Starting crash recovery" in open(HERE + "/log").read()
          or "crash recovery" in open(HERE + "/log").read())
    p.send_signal(signal.SIGTERM)
    print("stopped", p.wait(120))


main()
