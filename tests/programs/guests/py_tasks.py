# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Threads and mappings in /proc."""

import mmap
import os
import threading
import time

me = os.getpid()
done = threading.Event()
threads = [threading.Thread(target=done.wait) for _ in range(4)]
for t in threads:
    t.start()
tid = threads[0].native_id


def field(path, name):
    with open(path) as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1])


def stat(path):
    with open(path) as f:
        return f.read().rsplit(")", 1)[1].split()[0]


tids = sorted(int(x) for x in os.listdir("/proc/self/task"))
print("threads", tids == sorted([me] + [t.native_id for t in threads]))
task = f"/proc/self/task/{tid}"
print("status", field(task + "/status", "Tgid") == me,
      field(task + "/status", "Pid") == tid,
      field("/proc/self/status", "Threads"))
for _ in range(200):
    if stat(task + "/stat") == "S":
        break
    time.sleep(0.02)
print("states", stat(task + "/stat"), stat("/proc/thread-self/stat"))
print("names", os.path.exists(f"/proc/{tid}/stat"),
      str(tid) in os.listdir("/proc"),
      os.path.exists("/proc/self/task/4194999"))


def of_thread():
    own = threading.get_native_id()
    print("self", os.readlink("/proc/thread-self") == f"{me}/task/{own}",
          field("/proc/thread-self/status", "Pid") == own)


t = threading.Thread(target=of_thread)
t.start()
t.join()
done.set()
for t in threads:
    t.join()
for _ in range(200):  # they end a moment after they can be joined
    if len(os.listdir("/proc/self/task")) == 1:
        break
    time.sleep(0.02)
print("after", os.listdir("/proc/self/task") == [str(me)],
      os.path.exists(task))

# A mapping of which a half is used.
m = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
m.madvise(mmap.MADV_NOHUGEPAGE)
for i in range(0, 4 << 20, 4096):
    m[i] = 1
found = {}
with open("/proc/self/smaps") as f, open("/proc/self/maps") as g:
    text = f.read()
    heads = g.read().splitlines()
current = None
for line in text.splitlines():
    key, _, rest = line.partition(" ")
    if not key.endswith(":"):
        current = {}
        found[key] = current
    elif rest.endswith(" kB"):
        current[key] = int(rest.split()[0])
print("entries", abs(len(found) - len(heads)) <= 2)
big = [e for e in found.values() if e["Size:"] >= 8 << 10 and
       4 << 10 <= e["Rss:"] < 8 << 10 and e["Private_Dirty:"] >= 4 << 10]
print("half of it", len(big) >= 1 and all(
    e["Rss:"] == e["Shared_Clean:"] + e["Shared_Dirty:"] +
    e["Private_Clean:"] + e["Private_Dirty:"] for e in found.values()))
