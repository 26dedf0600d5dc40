# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""json, re, hashlib on 64 MiB, zlib, pickle, struct, decimal, sqlite3."""
import decimal
import hashlib
import json
import pickle
import random
import re
import sqlite3
import struct
import zlib

random.seed(7)
rows = [{"id": i, "name": f"n{random.randrange(10**6)}",
         "tags": [random.choice("abcdef") for _ in range(5)],
         "x": random.random()} for i in range(20000)]
text = json.dumps(rows)
print(len(text), hashlib.md5(text.encode()).hexdigest(),
      json.loads(text) == rows)
print(len(re.findall(r'"name": "n(\d)\1', text)),
      re.sub(r"(\d+)", lambda m: str(len(m[1])), text[:80]))
block = bytes(random.randrange(256) for _ in range(1 << 16))
for name in ("md5", "sha1", "sha256", "sha3_256", "blake2b"):
    h = hashlib.new(name)
    for _ in range(1024 if name in ("sha256", "blake2b") else 64):
        h.update(block)
    print(name, h.hexdigest())
z = zlib.compress(text.encode(), 6)
print(zlib.decompress(z) == text.encode(), zlib.crc32(text.encode()))
print(pickle.loads(pickle.dumps(rows)) == rows,
      struct.unpack("<Hid", struct.pack("<Hid", 7, -5, 2.5)))
decimal.getcontext().prec = 200
print(decimal.Decimal(2).sqrt())
for where in (":memory:", "py.db"):
    db = sqlite3.connect(where)
    db.execute("create table t(id integer primary key, name text, x real)")
    with db:
        db.executemany("insert into t values(:id, :name, :x)", rows)
    db.create_function("half", 1, lambda v: v / 2)
    print(db.execute("select count(*), sum(half(id)), min(name) from t "
                     "where x < 0.5").fetchone())
    try:
        db.execute("insert into t values(1, '', 0)")
    except sqlite3.IntegrityError as e:
        print(e)
    db.rollback()
    print(db.execute("pragma integrity_check").fetchone())
    db.close()
print(pow(3, 10**5, 10**50), sum(int(c) for c in str(2**5000)))
