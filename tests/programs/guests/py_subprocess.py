# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""subprocess: pipes, groups, signals, timeouts, descriptors."""
import os
import signal
import subprocess
import sys

print(subprocess.run(["sort", "-r"], input="a\nc\nb\n", text=True,
                     capture_output=True, check=True).stdout)
print(subprocess.run("echo out; echo err >&2; exit 4", shell=True,
                     capture_output=True))
try:
    subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired as e:
    print("timeout", e.cmd)
p = subprocess.Popen(["sleep", "10"], start_new_session=True)
os.killpg(p.pid, signal.SIGTERM)
print(p.wait())
a = subprocess.Popen(["seq", "100000"], stdout=subprocess.PIPE)
b = subprocess.Popen(["wc", "-l"], stdin=a.stdout, stdout=subprocess.PIPE)
a.stdout.close()
print(b.communicate()[0], a.wait())
big = os.urandom(8 << 20)
print(subprocess.run(["cat"], input=big, stdout=subprocess.PIPE,
                     check=True).stdout == big)
r, w = os.pipe()
with subprocess.Popen([sys.executable, "-c",
                       f"import os; os.write({w}, b'inherited')"],
                      pass_fds=[w]):
    os.close(w)
    print(os.read(r, 100))
print([subprocess.call(["sh", "-c", f"exit {i}"]) for i in range(10)])
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError as e:
    print(e.errno)
print(subprocess.run(["env"], env={"ONLY": "this"}, capture_output=True,
                     check=True).stdout)
pids = [os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {i}"], {})
        for i in range(5)]
print([os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids])
print(subprocess.run([sys.executable, "-c", "import os; os.abort()"],
                     capture_output=True).returncode)
