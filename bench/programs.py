# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Whole programs, compared: common programs natively, in vmspace and in the
sandboxes that are installed.

A case is a shell script in a directory of its own (native and vmspace
write to it directly, by --rw; runsc has an overlay over it) on inputs that are
the same for all systems, and prints results that do not depend on the system.
Before the measurements the output of each system is compared with the native
one; a system whose output differs has no figure, and for vmspace the run fails.
The time is that of the whole command, with start and end of the kernel.
"""
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ENV = ("export LC_ALL=C PATH=/usr/bin:/bin HOME=$PWD GIT_CONFIG_NOSYSTEM=1 "
       "GIT_AUTHOR_DATE=2024-01-01T00:00:00Z "
       "GIT_COMMITTER_DATE=2024-01-01T00:00:00Z\n")

# key, title, programs it needs, script ($IN: the inputs; the current directory
# is empty)
CASES = [
    ("busybox", "busybox sh: a loop of 300,000", ["busybox"], """
busybox sh -c 'i=0; s=0; while [ $i -lt 300000 ]; do i=$((i+1))
s=$((s+i%7)); done; echo $s'"""),
    ("bash", "bash: strings, arrays, 300 subshells", ["bash"], """
bash -c 'declare -A n; for i in {1..30000}; do k=k$((i%97)); n[$k]=$((n[$k]+1))
w=${k/k/word}; done; t=0; for i in {1..300}; do t=$((t+$(echo $i))); done
echo $t $w ${n[k5]}'"""),
    ("pipeline", "tr | sort | uniq -c | sort, 6 MB", ["sort", "uniq", "tr"], """
tr -cs a-z '\\n' <$IN/text | sort | uniq -c | sort -k1,1rn -k2 | head -20"""),
    ("find", "find and grep -r of 1,000 files, 5 times", ["find", "grep"], """
for i in 1 2 3 4 5; do find $IN/tree -type f -size +0 | wc -l
grep -rl 'word1[0-9]' $IN/tree | wc -l; find $IN/tree -type f -printf '%s\\n' |
sort -u | wc -l; done"""),
    ("perl", "perl: regular expressions on 6 MB", ["perl"], r"""
perl -e 'my %n; while (<>) { s/(\w+) (\w+)/$2 $1/g; $n{lc $1}++ while
/\b(w\w+[13579])\b/g; } print scalar(keys %n), " ", (sort { $n{$b} <=> $n{$a} ||
$a cmp $b } keys %n)[0], "\n"' $IN/text"""),
    ("python-start", "python3 -c pass, ten times", ["python3"], """
for i in 1 2 3 4 5 6 7 8 9 10; do python3 -c pass; done; echo ok"""),
    ("python-compute", "python3: queens and a sieve", ["python3"], """
python3 $IN/compute.py"""),
    ("python-data", "python3: json, re, hashlib, zlib", ["python3"], """
python3 $IN/data.py $IN/text"""),
    ("lua", "lua: tables and strings", ["lua5.4"], """
lua5.4 $IN/work.lua"""),
    ("sqlite", "sqlite3: 200,000 inserts, index, join", ["sqlite3"], """
sqlite3 db <$IN/work.sql"""),
    ("git", "git: add, commit, diff, log of 1,000 files", ["git"], """
cp -r $IN/tree t; cd t; git init -q -b main .; git config user.name n
git config user.email e@x; git add .; git commit -qm one
for f in d1*/f1*; do echo more >>$f; done; git diff --stat | tail -1
git commit -qam two; git log --oneline; git status --short | wc -l
git fsck 2>&1 | tail -1"""),
    ("tar-xz", "tar and xz -1, both ways", ["tar", "xz"], """
tar -C $IN -cf - tree text | xz -1 -T1 >x.tar.xz; xz -dc x.tar.xz | tar -xf -
cat tree/*/* text | sha256sum"""),
    ("zstd", "zstd -3 and back, 12 MB", ["zstd"], """
cat $IN/text $IN/noise >big; zstd -q -3 -T1 big -o big.zst; rm big
zstd -q -d big.zst; sha256sum <big"""),
    ("gcc", "gcc -O2 of one file, and run it", ["gcc"], """
gcc -O2 -o a $IN/one.c && ./a"""),
    ("make", "make -j2 of 16 C files", ["make", "gcc"], """
cp -r $IN/project p; cd p; make -s -j2 && ./prog"""),
]

COMPUTE = """
def queens(n, row=0, cols=0, d1=0, d2=0):
    if row == n:
        return 1
    r, free = 0, ~(cols | d1 | d2) & ((1 << n) - 1)
    while free:
        bit = free & -free
        free ^= bit
        r += queens(n, row + 1, cols | bit, (d1 | bit) << 1, (d2 | bit) >> 1)
    return r
sieve = bytearray([1]) * 2000000
for i in range(2, 1415):
    if sieve[i]:
        sieve[i * i::i] = bytes(len(range(i * i, 2000000, i)))
print(queens(10), sum(sieve) - 2, sum(x * x % 7 for x in range(1500000)))
"""
DATA = """
import hashlib, json, re, sys, zlib
text = open(sys.argv[1]).read()
words = re.findall(r"w[a-z]+[0-9]+", text)
rows = [{"id": i, "word": w, "tags": [w[:3], w[-2:]]}
        for i, w in enumerate(words[:60000])]
back = json.loads(json.dumps(rows))
packed = zlib.compress(text.encode(), 3)
print(len(words), back == rows, zlib.decompress(packed) == text.encode(),
      hashlib.sha256(text.encode()).hexdigest()[:16],
      len(re.sub(r"(\\w)(\\d+)", r"\\2\\1", text)))
"""
LUA = """
local t, n = {}, 0
for i = 1, 300000 do t["k" .. i % 5000] = (t["k" .. i % 5000] or 0) + i end
for _, v in pairs(t) do n = n + v end
local function fib(x) return x < 2 and x or fib(x - 1) + fib(x - 2) end
local parts = {}
for i = 1, 100000 do parts[i] = string.format("%05d", i * 7 % 99991) end
table.sort(parts)
print(n, fib(27), #table.concat(parts), parts[77])
"""
SQL = """
pragma synchronous = off;
create table a(id integer primary key, k integer, v text);
begin;
with recursive c(x) as (select 1 union all select x + 1 from c where x < 200000)
insert into a select x, x * 7919 % 10007, 'value ' || x from c;
commit;
create index ak on a(k);
update a set v = v || '!' where k < 1000;
select count(*), sum(length(v)) from a;
select count(*) from a x join a y on x.k = y.k where x.id < 5000;
delete from a where k % 3 = 0;
select count(*) from a;
"""
UNIT = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item{n} {{ int key; char name[32]; struct item{n} *next; }};
static int cmp{n}(const void *a, const void *b)
{{ return (*(const int *)a > *(const int *)b) - (*(const int *)a <
    *(const int *)b); }}
{functions}
int unit{n}(int x)
{{ int v[64], s = 0; struct item{n} *l = NULL;
  for (int i = 0; i < 64; i++) v[i] = (i * 37 + x) % 101;
  qsort(v, 64, sizeof(v[0]), cmp{n});
  for (int i = 0; i < 64; i++) {{ struct item{n} *e = malloc(sizeof(*e));
    e->key = v[i]; snprintf(e->name, sizeof(e->name), "%d", v[i]);
    e->next = l; l = e; }}
  while (l) {{ struct item{n} *e = l; l = l->next; s += e->key +
    (int)strlen(e->name); free(e); }}
  return s + {calls}; }}
"""
FUNCTION = """static int f{n}_{i}(int a, int b)
{{ int r = {i}; for (int k = 0; k < (a & 15); k++) {{ switch ((b + k) % 5) {{
  case 0: r += a * k; break; case 1: r ^= b << (k & 7); break;
  case 2: r -= a / (k + 1); break; default: r += k * {i}; }} }} return r; }}
"""


def unit(n, functions):
    return UNIT.format(
        n=n, functions="".join(FUNCTION.format(n=n, i=i)
                               for i in range(functions)),
        calls=" + ".join(f"f{n}_{i}(x, {i})" for i in range(functions)))


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def make_inputs(top):
    rnd = random.Random(1)
    words = [f"w{''.join(rnd.choices('abcdefgh', k=rnd.randint(1, 7)))}"
             f"{rnd.randint(1, 99)}" for _ in range(8000)]

    def lines(n):
        return "".join(" ".join(rnd.choices(words, k=10)) + "\n"
                       for _ in range(n))

    put(f"{top}/text", lines(75000))
    with open(f"{top}/noise", "wb") as f:
        f.write(rnd.randbytes(6 << 20))
    for i in range(1000):
        put(f"{top}/tree/d{i % 40}/f{i}", f"word{i}\n" + lines(i % 30))
    for name, text in (("compute.py", COMPUTE), ("data.py", DATA),
                       ("work.lua", LUA), ("work.sql", SQL)):
        put(f"{top}/{name}", text)
    main = "#include <stdio.h>\n{}int main(void)\n{{ printf(\"%d\\n\", {}); " \
           "return 0; }}\n"
    put(f"{top}/one.c", unit(0, 60) + main.format("", "unit0(3)"))
    for n in range(16):
        put(f"{top}/project/u{n}.c", unit(n, 12))
    put(f"{top}/project/main.c", main.format(
        "".join(f"int unit{n}(int);\n" for n in range(16)),
        " + ".join(f"unit{n}({n})" for n in range(16))))
    put(f"{top}/project/Makefile",
        "CFLAGS = -O1\nO = main.o " + " ".join(f"u{n}.o" for n in range(16)) +
        "\nprog: $(O)\n\t$(CC) -o $@ $(O)\n")


def once(prefix, top, script, timeout=300):
    """(ns, output) of the script on a system; when output is None, ns is the
    reason."""
    work = tempfile.mkdtemp(dir=top, prefix="out-")
    text = f"cd {work}\nIN={top}/in\n{ENV}{script}\n"
    t = time.monotonic_ns()
    try:
        r = subprocess.run(prefix + ["/bin/sh", "-c", text], text=True,
                           capture_output=True, timeout=timeout, cwd="/",
                           stdin=subprocess.DEVNULL)
        t = time.monotonic_ns() - t
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e).split("\n", maxsplit=1)[0][-100:], None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if r.returncode != 0:
        return f"status {r.returncode}: {r.stderr.strip()[-100:]}", None
    return t, r.stdout


def same(found, top, cases):
    """{case: [systems that print what the native one prints]}, and if vmspace
    is among them everywhere."""
    good, fine = {}, True
    for key, _title, needs, script in cases:
        missing = [p for p in needs if not shutil.which(p, path="/usr/bin:/bin")]
        if missing:
            print(f"{key}: skipped: no {' '.join(missing)}", file=sys.stderr)
            continue
        good[key] = []
        _, want = once([], top, script)
        for s, prefix in found.items():
            why, out = once(prefix, top, script)
            if want is not None and out == want:
                good[key].append(s)
                continue
            fine = fine and s not in ("native", "vmspace")
            print(f"{s}: {key}: no figure: "
                  f"{'other output' if out is not None else why}",
                  file=sys.stderr)
    return good, fine


def main(found, table, vmspace, rounds, top, only):
    """0 or 1, and the rows.  found: the systems of run.py, and its table()."""
    found = {s: p for s, p in found.items() if s != "qemu-user"}
    for s in {"vmspace", "before", "isolated"} & set(found):
        found[s] = [*found[s][:-1], "--rw", top, "--"]
    make_inputs(f"{top}/in")
    cases = [c for c in CASES if not only or c[0] in only]
    good, fine = same(found, top, cases)
    cases = [c for c in cases if c[0] in good]
    res = {c[0]: {s: [] for s in found} for c in cases}
    for _ in range(rounds):
        for key, _title, _needs, script in cases:
            for s in good[key]:
                t, out = once(found[s], top, script)
                if out is None:
                    print(f"{s}: {key}: {t}", file=sys.stderr)
                    fine = fine and s not in ("native", "vmspace")
                else:
                    res[key][s].append(t)
    rows = table([(c[0], c[1], "ms", 1e6) for c in cases], res, found)
    for s in found:
        r = [row["median"][s] / row["median"]["native"] for row in rows
             if s in row["median"] and "native" in row["median"]]
        if s != "native" and r:
            print(f"{s}: {statistics.median(r):.2f}x native in the median, "
                  f"{math.exp(statistics.fmean(map(math.log, r))):.2f}x in the "
                  f"geometric mean of {len(r)} programs, {min(r):.2f}x to "
                  f"{max(r):.2f}x")
    return (0 if fine else 1), rows
