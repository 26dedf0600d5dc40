# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Sixteen threads: locks, conditions, queues, local data, barriers."""
import concurrent.futures
import hashlib
import queue
import sys
import threading
import time

N = 16
sys.setswitchinterval(0.0005)
total, lock = 0, threading.Lock()


def add():
    global total
    for _ in range(5000):
        with lock:
            total += 1


ts = [threading.Thread(target=add) for _ in range(N)]
for t in ts:
    t.start()
for t in ts:
    t.join()
print(total)

q, out = queue.Queue(8), queue.Queue()


def work():
    while (x := q.get()) is not None:
        out.put(hashlib.sha256(x).hexdigest()[:8])


ts = [threading.Thread(target=work) for _ in range(N)]
for t in ts:
    t.start()
for i in range(2000):
    q.put(str(i).encode() * 100)
for _ in ts:
    q.put(None)
for t in ts:
    t.join()
print(out.qsize(), sorted(out.get() for _ in range(2000))[:3])

barrier, seen = threading.Barrier(N), []


def rounds():
    for i in range(20):
        if barrier.wait() == 0:
            seen.append(i)


ts = [threading.Thread(target=rounds) for _ in range(N)]
for t in ts:
    t.start()
for t in ts:
    t.join()
print(seen)
with concurrent.futures.ThreadPoolExecutor(N) as ex:
    print(sum(ex.map(lambda n: sum(range(n)), range(0, 20000, 50))))
cond, turn = threading.Condition(), [0]


def ping(me):
    for _ in range(200):
        with cond:
            cond.wait_for(lambda: turn[0] % 2 == me)
            turn[0] += 1
            cond.notify_all()


ts = [threading.Thread(target=ping, args=(i,)) for i in (0, 1)]
for t in ts:
    t.start()
for t in ts:
    t.join()
print(turn)
fired = threading.Event()
threading.Timer(0.05, fired.set).start()
print(fired.wait(10))
data = b"x" * (8 << 20)  # hashlib lets the lock go
with concurrent.futures.ThreadPoolExecutor(4) as ex:
    print(set(ex.map(lambda _: hashlib.sha1(data).hexdigest(), range(8))))
sem, most, now = threading.Semaphore(3), 0, 0


def limited():
    global most, now
    with sem:
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1


ts = [threading.Thread(target=limited) for _ in range(N)]
for t in ts:
    t.start()
for t in ts:
    t.join()
print(most, now, threading.active_count())
