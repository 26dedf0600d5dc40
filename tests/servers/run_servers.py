#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Servers from Debian packages inside, clients outside, on loopback.

    run_servers.py --vmspace BUILD/vmspace [--json FILE]

redis-server under redis-benchmark with 50 clients, with a BGSAVE in the middle:
the data are right afterwards, also in a native server that loads what was saved
inside; the same over a UNIX socket without any network; nginx with 10,000
requests, each answer checked.  Each ends cleanly at SIGTERM and leaves nothing
behind.  VMSPACE_TEST_LONG=1 makes the loads ten times as large.
"""

import contextlib
import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "programs"))
import vmtest  # noqa: E402
from programlib import Record  # noqa: E402

TIMES = 10 if vmtest.LONG else 1  # as many requests
SECONDS = 60 * vmtest.SLOW


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def directory():
    """A directory that the unprivileged workers of a server can read."""
    with tempfile.TemporaryDirectory(prefix="servers-", dir="/var/tmp") as d:
        os.chmod(d, 0o755)
        yield d


@contextlib.contextmanager
def server(argv, log):
    """A running server, which is ended in every case."""
    with open(log, "wb") as f:
        p = vmtest.start(argv, stdout=f, stderr=f)
    try:
        yield p
    finally:
        vmtest.kill_group(p)


def text_of(path):
    with open(path, errors="replace") as f:
        return f.read()


def stop(env, name, p, log, sig=signal.SIGTERM):
    """End the server: status 0, no message, and no process left."""
    os.kill(p.pid, sig)
    try:
        status = p.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        status = "none in time"
    left = vmtest.left_behind()
    said = [x for x in text_of(log).splitlines() if x.startswith("vmspace")]
    env.cases.check(f"{name} ends at {sig.name}",
                    status == 0 and not left and not said,
                    f"status {status}, left {left}, {said}\n"
                    + text_of(log)[-2000:])


class Redis:
    """A client: commands as lists of words, replies as bytes or numbers."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET
        self.s = socket.socket(family)
        self.s.settimeout(SECONDS)
        self.s.connect(address)
        self.f = self.s.makefile("rb")

    def close(self):
        self.f.close()
        self.s.close()

    def send(self, *words):
        out = b"*%d\r\n" % len(words)
        for w in words:
            w = w if isinstance(w, bytes) else str(w).encode()
            out += b"$%d\r\n%s\r\n" % (len(w), w)
        self.s.sendall(out)

    def reply(self):
        line = self.f.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.f.read(int(rest) + 2)
            return data[:-2]
        return rest

    def __call__(self, *words):
        self.send(*words)
        return self.reply()


def value(i):
    """The value of key i: 1 to 4096 bytes that depend on i."""
    h = hashlib.sha256(b"%d" % i).digest()
    return (h * 128)[:1 + i * 37 % 4096]


def redis_fill(r, n):
    for i in range(n):
        r.send("SET", f"own:{i}", value(i))
    return sum(r.reply() == b"OK" for _ in range(n)) == n


def redis_wrong(r, n):
    for i in range(n):
        r.send("GET", f"own:{i}")
    return [i for i in range(n) if r.reply() != value(i)]


def redis_connect(address):
    found = []

    def there():
        try:
            r = Redis(address)
            if r("PING") == b"PONG":
                found.append(r)
        except (OSError, RuntimeError):
            pass
        return bool(found)
    vmtest.wait_until(there, SECONDS, 0.05)
    return found[0] if found else None


def redis_options(d, port):
    return ["--port", str(port), "--bind", "127.0.0.1", "--dir", d,
            "--save", "", "--enable-debug-command", "local",
            "--dbfilename", "dump.rdb"]


def saved(r, before):
    def done():
        info = r("INFO", "persistence")
        return (b"rdb_bgsave_in_progress:0" in info
                and r("LASTSAVE") > before)
    return (vmtest.wait_until(done, SECONDS, 0.1)
            and b"rdb_last_bgsave_status:ok" in r("INFO", "persistence"))


def redis_load(env, r, port):
    """Fifty clients, and a BGSAVE while they run."""
    n = 20000 * TIMES
    with tempfile.TemporaryFile() as out:
        bench = vmtest.start(
            ["redis-benchmark", "-p", str(port), "-c", "50", "-n", str(n),
             "-t", "set,get,incr,lpush,sadd", "-r", "1000", "--csv"],
            stdout=out, stderr=out)
        time.sleep(0.3)
        before = r("LASTSAVE") - 1
        begun = r("BGSAVE").startswith(b"Background saving")
        busy = bench.poll() is None
        ok = saved(r, before)
        try:
            status = bench.wait(timeout=SECONDS * TIMES * 2)
        finally:
            vmtest.kill_group(bench)
        out.seek(0)
        lines = out.read().decode(errors="replace").splitlines()
    env.cases.check("redis: 50 clients", status == 0 and
                    sum(x.startswith('"') for x in lines) == 6,
                    f"status {status}\n" + "\n".join(lines[-20:]))
    env.cases.check("redis: BGSAVE under load", begun and busy and ok,
                    f"begun {begun}, while loaded {busy}, saved {ok}")


def native_digest(d):
    """The data that a native server loads from a file saved inside."""
    port = free_port()
    with server([redis_server(d), *redis_options(d, port)],
                os.path.join(d, "native.log")):
        r = redis_connect(("127.0.0.1", port))
        if r is None:
            return None
        digest = r("DEBUG", "DIGEST")
        r.close()
        return digest


def redis_server(d):
    """Its path.  Debian's package of the tools has it by another name, and
    unlike the one of the server does not start it."""
    found = shutil.which("redis-server")
    if found is None:
        found = os.path.join(d, "redis-server")
        if not os.path.islink(found):
            os.symlink(shutil.which("redis-check-rdb"), found)
    return found


def redis_net(env):
    with directory() as d:
        port, log = free_port(), os.path.join(d, "log")
        argv = env.vm.argv(
            [redis_server(d), *redis_options(d, port)],
            ["--net", "host", "--rw", d, "--cwd", d])
        with server(argv, log) as p:
            r = redis_connect(("127.0.0.1", port))
            if not env.cases.check("redis: starts", r is not None,
                                   text_of(log)[-2000:]):
                return
            n = 2000 * TIMES
            filled = redis_fill(r, n)
            redis_load(env, r, port)
            wrong = redis_wrong(r, n)
            env.cases.check("redis: the data is right afterwards",
                            filled and not wrong, f"{len(wrong)} wrong")
            r("SAVE")
            digest = r("DEBUG", "DIGEST")
            r.close()
            stop(env, "redis", p, log)
        theirs = native_digest(d)
        env.cases.check("redis: a native server loads the same data",
                        digest is not None and digest == theirs,
                        f"{digest} and {theirs}")


def redis_unix(env):
    """Server and client in one kernel, which has no network."""
    script = """
$0 --port 0 --unixsocket /tmp/r.sock --save '' --dir /tmp \\
    --daemonize no >/tmp/log 2>&1 &
i=0
while [ $i -lt 100 ] && ! redis-cli -s /tmp/r.sock ping >/dev/null 2>&1; do
    sleep 0.1; i=$((i + 1))
done
redis-benchmark -s /tmp/r.sock -c 50 -n 5000 -t set,get -q >/tmp/bench
grep -c 'requests per second' /tmp/bench
redis-cli -s /tmp/r.sock set key 'value of it'
redis-cli -s /tmp/r.sock get key
redis-cli -s /tmp/r.sock shutdown nosave
wait
echo "status $?"
"""
    with directory() as d:
        r = env.vm.run(["/bin/sh", "-c", script, redis_server(d)],
                       ["--verbose"], timeout=SECONDS * 2)
    env.cases.check("redis: over a UNIX socket, without network",
                    r.status == 0 and
                    r.text() == "2\nOK\nvalue of it\nstatus 0\n",
                    f"status {r.status}\n{r.text()}{r.errtext()[-2000:]}")


NGINX = """
{user}
worker_processes 2;
daemon off;
pid {d}/pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log {d}/access;
    client_body_temp_path {d}/body; proxy_temp_path {d}/proxy;
    fastcgi_temp_path {d}/fastcgi; uwsgi_temp_path {d}/uwsgi;
    scgi_temp_path {d}/scgi;
    sendfile on; keepalive_requests 100000;
    server {{ listen 127.0.0.1:{port}; root {d}/www; }}
}}
"""


def nginx_files(d, port):
    www = os.path.join(d, "www")
    os.mkdir(www)
    files = {}
    for i, size in enumerate((0, 1, 500, 4096, 20000, 300000)):
        files[f"/file{i}"] = os.urandom(size)
        with open(www + f"/file{i}", "wb") as f:
            f.write(files[f"/file{i}"])
    # As root, the workers become an ordinary user; it must be able to read
    # the files.
    user = "user nobody nogroup;" if os.getuid() == 0 else ""
    with open(os.path.join(d, "conf"), "w") as f:
        f.write(NGINX.format(d=d, port=port, user=user))
    return files


def http_client(port, files, n, wrong):
    """n requests on one connection, which the server may close."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    names = sorted(files)
    for i in range(n):
        # A large file in some of the requests.
        name = names[i % 4 if i % 20 else i // 20 % len(names)]
        try:
            c.request("GET", name)
            r = c.getresponse()
            if r.status != 200 or r.read() != files[name]:
                wrong.append(f"{name}: {r.status}")
        except (OSError, http.client.HTTPException) as e:
            wrong.append(f"{name}: {e!r}")
            c.close()
    c.close()


def nginx_load(port, files, total):
    wrong = []
    threads = [threading.Thread(target=http_client,
                                args=(port, files, total // 8, wrong))
               for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return wrong


def listening(port):
    def there():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False
    return vmtest.wait_until(there, SECONDS, 0.05)


def nginx(env, sig):
    with directory() as d:
        port, log = free_port(), os.path.join(d, "log")
        files = nginx_files(d, port)
        # As root, nginx gives its directories to the user of its workers.
        argv = env.vm.argv([shutil.which("nginx"), "-c", d + "/conf"],
                           ["--net", "host", "--allow-chown", "--rw", d])
        total = 10000 * TIMES if sig == signal.SIGTERM else 400
        with server(argv, log) as p:
            if not env.cases.check("nginx: starts", listening(port),
                                   text_of(log)[-2000:]):
                return
            wrong = nginx_load(port, files, total)
            env.cases.check(f"nginx: {total} requests", not wrong,
                            f"{len(wrong)} wrong: {wrong[:5]}\n"
                            + text_of(log)[-1000:])
            stop(env, "nginx", p, log, sig)
        lines = text_of(os.path.join(d, "access")).count("\" 200 ")
        env.cases.check("nginx: its log has all requests", lines == total,
                        f"{lines} lines")


INET = """
import errno, os, socket, struct, time
def name(f, *a):
    try:
        return f(*a)
    except OSError as e:
        return errno.errorcode[e.errno]
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
c = socket.socket()
print("refused:", [name(c.connect, ("127.0.0.1", port)) for _ in range(3)])
l = socket.create_server(("127.0.0.1", 0))
l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 3, 0))
name(c.connect, l.getsockname())
b, peer = l.accept()
print("names:", peer == c.getsockname(), b.getpeername() == peer)
print("inherited:", struct.unpack("ll", b.getsockopt(
    socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)))
# Much unsent data with SO_LINGER: close() does not wait for it.
c.setblocking(False)
while not isinstance(name(c.send, bytes(65536)), str):
    pass
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
start = time.monotonic()
c.close()
print("lingers:", time.monotonic() - start > 5)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("datagram:", v.sendto(b"x" * 60000, u.getsockname()),
      len(u.recv(65536)), name(v.sendto, b"x" * 70000, u.getsockname()))
u.settimeout(0.1)
print("timeout:", name(u.setsockopt, socket.SOL_SOCKET, 36, 1),
      name(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1))
try:
    u.recv(1)
except TimeoutError:
    print("in time")
"""
INET_OUTPUT = """refused: ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']
names: True True
inherited: (3, 0)
lingers: False
datagram: 60000 60000 EMSGSIZE
timeout: EPERM EPERM
in time
"""


def inet(env):
    """Internet sockets as programs see them, and the calls that are refused."""
    r = env.vm.run([shutil.which("python3", path="/usr/bin:/bin"), "-c", INET],
                   ["--net", "host"], timeout=SECONDS)
    env.cases.check("Internet sockets", r.status == 0 and not r.err and
                    r.text() == INET_OUTPUT, r.text() + r.errtext())


class Cases(vmtest.Cases):
    """Also for scripts/mkprograms.py."""

    def __init__(self, record):
        super().__init__()
        self.record = record

    def told(self, name, result):
        program = {"redis": "redis-benchmark", "nginx": "nginx"}.get(
            name.split()[0].rstrip(":"), "python3")
        self.record.add(name, program, result)

    def ok(self, name, note=""):
        super().ok(name, note)
        self.told(name, "ok")

    def fail(self, name, why):
        super().fail(name, why)
        self.told(name, "FAIL")


class Env:
    def __init__(self, opts):
        self.vm = vmtest.Vmspace(opts.vmspace)
        self.record = Record(opts.json)
        self.cases = Cases(self.record)


def main():
    p = vmtest.arguments(__doc__)
    p.add_argument("--json")
    env = Env(p.parse_args())
    vmtest.become_subreaper()
    inet(env)
    # The directories where Debian installs servers.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if shutil.which("redis-benchmark") and (
            shutil.which("redis-server") or shutil.which("redis-check-rdb")):
        redis_net(env)
        redis_unix(env)
    else:
        env.cases.missing("redis", "redis-server or redis-benchmark")
    if shutil.which("nginx"):
        nginx(env, signal.SIGTERM)
        nginx(env, signal.SIGQUIT)
    else:
        env.cases.missing("nginx", "nginx")
    env.record.write()
    return env.cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
