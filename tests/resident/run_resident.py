#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Resident images: the same results as from a cold start, no use of an image
whose file has changed, new entropy in each process, and memory that is given
back."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "lib"))
import vmtest  # noqa: E402

SPLIT = "=====\n"
# Program, and a shell line that uses it.
PROGRAMS = (
    ("ls", "ls -ld / /etc/passwd"), ("cat", "cat /etc/hostname /nothere"),
    ("sort", "printf 'b\\na\\nc\\n' | sort -r"),
    ("mawk", "mawk 'BEGIN { print ENVIRON[\"FOO\"], 6 * 7 }'"),
    ("perl", "perl -e 'print \"@ARGV $0 $ENV{FOO}\\n\"; exit 3' q w"),
    ("bash", "A='x y' bash -c 'echo $0 $1 $A $FOO; exit 5' zero one"),
    ("dash", "dash -c 'echo $# $0 $FOO' a b c"),
    ("grep", "echo text | grep -c t"), ("sed", "echo hello | sed s/l/L/g"),
    ("date", "date -u -d @86400"), ("tr", "echo abc | tr a-c A-C"),
    ("env", "env -i ONE=1 TWO=2 env"), ("id", "id -u"),
    ("tar", "tar --version | head -1"), ("xz", "echo x | xz -c | xz -dc"),
    ("gzip", "echo x | gzip -c | gzip -dc"),
    ("find", "find /etc/hostname -printf '%f\\n'"),
    ("head", "seq 5 | head -2"), ("tail", "seq 5 | tail -2"),
    ("wc", "seq 100 | wc -l"), ("cut", "echo a:b:c | cut -d: -f2"),
    ("uniq", "printf 'a\\na\\nb\\n' | uniq -c"), ("od", "echo abc | od -c"),
    ("md5sum", "echo abc | md5sum"), ("sha256sum", "echo abc | sha256sum"),
    ("stat", "stat -c %s /etc/passwd"), ("dd", "echo abc | dd 2>/dev/null"),
    ("expr", "expr 6 '*' 7"), ("diff", "diff /etc/hostname /etc/passwd | wc -l"),
    ("cmp", "cmp /etc/hostname /etc/hostname"),
    ("xargs", "seq 3 | xargs -n1 echo n"), ("seq", "seq 3"),
    ("basename", "basename /a/b/c.d .d"), ("readlink", "readlink -f /proc"),
    ("nl", "printf 'x\\ny\\n' | nl"), ("tee", "echo t | tee /tmp/t; cat /tmp/t"),
    ("python3", "python3 -c 'import sys, os; print(sys.argv, os.environ"
                "[\"FOO\"])' x y"),
    ("git", "git --version"), ("make", "make --version | head -1"),
)

MAIN_C = r"""
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
extern const char *word(void);
extern char **environ;
extern char *program_invocation_short_name;
static void *thread(void *arg) { return arg; }
int main(int argc, char **argv)
{
	uint64_t canary, local;
	pthread_mutexattr_t ma;
	pthread_mutex_t m;
	pthread_t t;
	void *r;

	__asm__("mov %%fs:0x28, %0" : "=r"(canary));
	if (argc > 1 && strcmp(argv[1], "entropy") == 0) {
		printf("%llx %llx %llx\n", (unsigned long long)canary,
		    *(unsigned long long *)getauxval(AT_RANDOM),
		    (unsigned long long)(uintptr_t)&local >> 12);
		return 0;
	}
	/* A mutex that knows its owner by the tid that libc has noted. */
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_settype(&ma, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&m, &ma);
	if (pthread_mutex_lock(&m) != 0 || m.__data.__owner != syscall(SYS_gettid))
		return 1;
	if (pthread_mutex_unlock(&m) != 0)
		return 2;
	if (pthread_create(&t, NULL, thread, argv) != 0 ||
	    pthread_join(t, &r) != 0 || r != argv)
		return 3;
	if (getauxval(AT_ENTRY) == 0 || environ != argv + argc + 1 ||
	    strcmp(getenv("FOO"), "foo") != 0)
		return 4;
	printf("%s %s %d %s %s\n", word(), VERSION, argc, argv[argc - 1],
	    program_invocation_short_name);
	return 0;
}
"""


# A library whose constructor has an effect that a copy must not inherit, and a
# program that prints it: name, declarations, constructor, printf() arguments.
# Resident or refused, the output is that of a cold start.
CONSTRUCTORS = (
    ("reads its own entry point", "int v; volatile char c;",
     "v = 1; c = *(volatile char *)getauxval(AT_ENTRY); v = 2;", '"%d", v'),
    ("sets a variable", "", 'setenv("CTOR", "1", 1);',
     '"%s %s", getenv("FOO"), getenv("CTOR")'),
    ("changes rounding", "", "_mm_setcsr(_mm_getcsr() | 0x8040);",
     '"%x", _mm_getcsr()'),
    ("stores the name of its program", "char s[256];",
     "strcpy(s, (char *)getauxval(AT_EXECFN));", '"%s", s'),
    ("shares memory", "int *sh;",
     "sh = mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);"
     "mprotect(sh, 4096, PROT_READ);",
     '"%d", (mprotect(sh, 4096, 3), ++*sh)'),
    ("inspects its own process", "char s[256];",
     'if (readlink("/proc/./self/exe", s, 255) < 0) s[0] = 0;', '"%s", s'),
    ("reads the mounts", "int e;",
     'int fd = open("/proc/mounts", O_RDONLY); e = fd < 0; close(fd);',
     '"%d", e'),
    ("reads a dangling link", "char s[256];",
     'readlink("dangling", s, 255);', '"%s", s'),
    ("has memory that fork does not copy", "char *p;",
     "p = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); p[0] = 7;"
     "madvise(p, 4096, MADV_DONTFORK);", '"%d", p[0]'),
    ("inspects a descriptor", "int e; struct stat st;",
     "e = fstat(1, &st);", '"%d", e'),
    ("sets a segment base", "unsigned long g;",
     "syscall(SYS_arch_prctl, 0x1001, 0x12345000UL);",
     '"%lx", (syscall(SYS_arch_prctl, 0x1004, &g), g)'),
    ("reads a limit", "struct rlimit r;",
     "getrlimit(RLIMIT_NOFILE, &r);", '"%ld", (long)r.rlim_cur'),
)
HEADERS = "".join(f"#include <{h}.h>\n" for h in (
    "elf", "fcntl", "stdio", "stdlib", "string", "time", "unistd",
    "xmmintrin", "sys/auxv", "sys/mman", "sys/resource", "sys/stat",
    "sys/syscall"))
# Takes a seed from the clock of the machine: it must differ each time.
SEED = ("unsigned long s;", "s = __builtin_ia32_rdtsc();", '"%lx", s')
# Allocates memory, but only while the file hog-on exists.
HOG = ("", 'if (access("hog-on", F_OK) == 0) for (;;) {'
       "char *p = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);"
       "if (p == MAP_FAILED) break; memset(p, 1, 1 << 20); }", '"fed"')

UNSET = "unset ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS"


class Runner:
    def __init__(self, opts, cases):
        self.vmspace = os.path.realpath(opts.vmspace)
        self.guests = os.path.realpath(opts.guests)
        self.cases = cases

    def run(self, script, *options, timeout=60):
        # With options of a sanitizer no program starts warm.
        script = f"{UNSET}; {script}"
        sh = "/bin/sh"
        return vmtest.run([self.vmspace, "run", "--env", "FOO=foo", *options,
                           "--", sh, "-c", script], timeout=timeout)


def listing(text):
    """{path: (state, warm, cold)} of /proc/sys/vm/resident."""
    found = {}
    for line in text.splitlines():
        f = line.split()
        if len(f) >= 6 and f[2] == "warm":
            found[f[0]] = (f[1], int(f[3]), int(f[5]))
    return found


def same_results(r):
    seen = 0
    # With a sanitizer a few of them are enough.
    programs = PROGRAMS if vmtest.SLOW == 1 else PROGRAMS[:6]
    for name, line in programs:
        exe = shutil.which(name, path=vmtest.STABLE_ENV["PATH"])
        if exe is None:
            r.cases.skip(f"{name}", "not installed")
            continue
        script = f"for i in 1 2 3; do {line}\necho \"status $?\"; done; " \
            f"echo =====; while read l; do echo \"$l\"; done " \
            "</proc/sys/vm/resident"
        cold = r.run(script)
        warm = r.run(script, "--resident", name)
        out, _, text = warm.text().partition(SPLIT)
        state = next(iter(listing(text).values()), ("none", 0, 0))
        ok = (out == cold.text().partition(SPLIT)[0]
              and warm.err == cold.err and warm.status == cold.status == 0
              and state[0] == "ready" and state[1] >= 2)
        seen += ok
        r.cases.check(f"{name}: the same, cold and resident", ok,
                      f"{state}\n{cold.text()}{cold.errtext()}--\n"
                      f"{warm.text()}{warm.errtext()}")
    if programs is PROGRAMS:
        r.cases.check("at least thirty programs", seen >= 30, f"{seen}")


def guest_programs(r):
    for name in ("threads", "signals", "forkwait", "files", "misc"):
        exe = os.path.join(r.guests, name + "-dynamic")
        if not os.path.exists(exe):
            continue
        res = vmtest.run([r.vmspace, "run", "--env", "GUEST_INSIDE=1",
                          "--resident", exe, "--", exe], timeout=120)
        r.cases.check(f"guest program {name}", res.status == 0 and not res.err,
                      f"{res.status}\n{res.text()}{res.errtext()}")


def build(where):
    def cc(*args):
        subprocess.run(["cc", "-O1", "-fPIC", *args], cwd=where, check=True,
                       capture_output=True)
    with open(os.path.join(where, "main.c"), "w", encoding="utf-8") as f:
        f.write(MAIN_C)
    for n, word in enumerate(("first", "second", "third")):
        with open(os.path.join(where, "w.c"), "w", encoding="utf-8") as f:
            f.write(f'const char *word(void) {{ return "{word}"; }}\n')
        cc("-shared", "-Wl,-soname,libword.so", "-o", f"libword.{n}", "w.c")
    shutil.copy(os.path.join(where, "libword.0"),
                os.path.join(where, "libword.so"))
    ld = next(p for p in ("/lib64/ld-linux-x86-64.so.2",) if os.path.exists(p))
    shutil.copy(os.path.realpath(ld), os.path.join(where, "ld.so"))
    for n in (1, 2):
        cc(f'-DVERSION="v{n}"', "-D_GNU_SOURCE", "-o", f"prog.{n}", "main.c",
           "-L.", "-l:libword.so", f"-Wl,-rpath,{where}", "-pthread",
           f"-Wl,--dynamic-linker,{where}/ld.so")
    shutil.copy(os.path.join(where, "prog.1"), os.path.join(where, "prog"))


# Title, commands, whether the next start is cold, and what it prints.
CHANGES = (
    ("nothing", ":", False, "first v1 3 b prog"),
    ("the library is replaced",
     "cp libword.1 t && mv t libword.so", True, "second v1 3 b prog"),
    ("the library is rewritten in place",
     "cat libword.2 >libword.so", True, "third v1 3 b prog"),
    ("the program is replaced",
     "cp prog.2 t && mv t prog", True, "third v2 3 b prog"),
    ("the interpreter is replaced",
     "cp ld.so t && mv t ld.so", True, "third v2 3 b prog"),
    ("the time of the library is set", "touch -d 2020-01-01 libword.so",
     True, "third v2 3 b prog"),
    ("a directory is listed", "ls >/dev/null", False, "third v2 3 b prog"),
)


def changes(r, where):
    build(where)
    script = [f"cd {where}; show() {{ while read l; do echo \"$l\"; done "
              "</proc/sys/vm/resident; }; ./prog a b; ./prog a b;"]
    for _name, what, _cold, _want in CHANGES:
        script.append(f"{what}; echo @; ./prog a b; show; ./prog a b; "
                      "./prog a b; show;")
    res = r.run("\n".join(script), "--bind", f"{where}:{where}", "--resident",
                f"{where}/prog")
    steps = res.text().split("@\n")
    if len(steps) != len(CHANGES) + 1:
        r.cases.check("changes of files", False,
                      f"{res.status}\n{res.text()}{res.errtext()}")
        return
    warm = cold = 0
    for part, (name, _what, is_cold, want) in zip(steps[1:], CHANGES):
        lines = [x for x in part.splitlines() if not x.startswith("gen")]
        outs = [x for x in lines if " warm " not in x]
        counts = [listing(x) for x in lines if " warm " in x]
        first = next(iter(counts[0].values())) if counts else None
        last = next(iter(counts[-1].values())) if counts else None
        ok = (outs == [want] * 3 and first is not None
              and first[2] == cold + is_cold and last[0] == "ready"
              and last[1] > warm and last[2] == cold + is_cold)
        r.cases.check(f"{name}: {'cold' if is_cold else 'warm'}", ok, part)
        if last is not None:
            warm, cold = last[1], last[2]


def entropy(r, where):
    res = r.run(f"cd {where}; for i in 1 2 3 4 5 6; do ./prog entropy; done",
                "--bind", f"{where}:{where}", "--resident", f"{where}/prog")
    rows = [x.split() for x in res.text().splitlines()]
    columns = list(zip(*rows))
    r.cases.check("canary, AT_RANDOM and stack are new each time",
                  len(rows) == 6 and all(len(set(c)) == 6 for c in columns)
                  and all(row[0].endswith("00") for row in rows), res.text())


def circumstances(r):
    ls = os.path.realpath(shutil.which("ls"))
    res = r.run(f"{ls} -d /; LD_LIBRARY_PATH=/tmp {ls} -d /; "
                f"MALLOC_ARENA_MAX=1 {ls} -d /; (ulimit -s 4000; {ls} -d /); "
                f"{ls} -d /; while read l; do echo $l; done "
                "</proc/sys/vm/resident", "--resident", "ls")
    state = next(iter(listing(res.text()).values()), None)
    r.cases.check("variables of the loader and another stack: cold",
                  state == ("ready", 2, 3), res.text() + res.errtext())
    static = os.path.join(r.guests, "eat")
    res = r.run(f"{static} 1 >/dev/null; while read l; do echo $l; done "
                "</proc/sys/vm/resident", "--resident", static)
    r.cases.check("a static program is refused, and runs",
                  "refused" in res.text()
                  and "cannot be resident: it is a static program"
                  in res.errtext(), res.text() + res.errtext())


def control(r):
    if os.getuid() != 0:
        r.cases.skip("marks", "only the guest's root may write them")
        return
    res = r.run("f=/proc/sys/vm/resident; echo +/bin/ls >$f && "
                "echo add /usr/bin/env >$f && while read l; do echo $l; done "
                "<$f; for t in +/bin/ls -/nothere nonsense + +relative; do "
                "echo $t >$f && echo accepted; done; echo remove /bin/ls >$f; "
                "echo -/usr/bin/env >$f; while read l; do echo $l; done <$f")
    r.cases.check("marks are added, listed and removed",
                  res.text() == "/usr/bin/env cold warm 0 cold 0\n"
                  "/bin/ls cold warm 0 cold 0\n"
                  and len(res.errtext().splitlines()) == 5,
                  res.text() + res.errtext())


def build_ctor(where, name, decl, body, show):
    lib, main = (os.path.join(where, f"{name}-{x}.c") for x in ("lib", "main"))
    with open(lib, "w", encoding="utf-8") as f:
        f.write(f"{HEADERS}{decl}\nvoid used(void) {{}}\n__attribute__(("
                f"constructor)) static void ctor(void) {{ {body} }}\n")
    extern = "".join(f"extern {d.strip()};\n" for d in decl.split(";")
                     if d.strip())
    with open(main, "w", encoding="utf-8") as f:
        f.write(f"{HEADERS}{extern}void used(void);\nint main(void) {{ used();"
                f" printf({show}); puts(\"\"); return 0; }}\n")
    for args in (["-shared", "-fPIC", "-o", f"lib{name}.so", lib],
                 ["-o", name, main, "-L.", f"-l{name}",
                  f"-Wl,-rpath,{where}"]):
        subprocess.run(["cc", "-O1", "-w", "-D_GNU_SOURCE", *args], cwd=where,
                       check=True, capture_output=True)


def constructors(r, where):
    os.symlink("leads/nowhere", os.path.join(where, "dangling"))
    for n, (title, decl, body, show) in enumerate(CONSTRUCTORS):
        name = f"ctor{n}"
        build_ctor(where, name, decl, body.replace(
            '"dangling"', f'"{where}/dangling"'), show)
        script = f"cd {where}; for i in 1 2 3; do ./{name}; done"
        bind = ["--bind", f"{where}:{where}"]
        cold = r.run(script, *bind)
        warm = r.run(script, *bind, "--resident", f"{where}/{name}")
        r.cases.check(f"a constructor that {title}",
                      cold.status == warm.status == 0
                      and cold.out == warm.out and len(cold.out) > 3,
                      f"{cold.text()}{cold.errtext()}--\n{warm.text()}"
                      f"{warm.errtext()}")
    build_ctor(where, "seed", *SEED)
    res = r.run(f"cd {where}; for i in 1 2 3 4; do ./seed; done", "--bind",
                f"{where}:{where}", "--resident", f"{where}/seed")
    r.cases.check("a constructor that takes a seed",
                  len(set(res.text().split())) == 4, res.text())
    build_ctor(where, "hog", *HOG)
    res = r.run(f"cd {where}; sleep 3 & >hog-on; (sleep 0.5; rm hog-on) & "
                "./hog; ./hog; wait %1; echo $?", "--mem", "64M",
                "--overcommit", "never", "--bind", f"{where}:{where}",
                "--resident", f"{where}/hog")
    r.cases.check("a constructor that allocates memory causes no other kill",
                  res.status == 0 and res.text().splitlines()[-2:]
                  == ["fed", "0"], res.text() + res.errtext())
    musl = shutil.which("musl-gcc")
    if musl is None:
        r.cases.skip("a program with another C library", "no musl-gcc")
        return
    with open(os.path.join(where, "m.c"), "w", encoding="utf-8") as f:
        f.write("#include <stdio.h>\nint main(int c, char **v) "
                "{ return printf(\"%d %s\\n\", c, v[c - 1]) < 0; }\n")
    subprocess.run([musl, "-O1", "-o", "musl", "m.c"], cwd=where, check=True)
    res = r.run(f"cd {where}; ./musl a b; ./musl c; while read l; do echo $l; "
                "done </proc/sys/vm/resident", "--bind", f"{where}:{where}",
                "--resident", f"{where}/musl")
    state = next(iter(listing(res.text()).values()), None)
    r.cases.check("a program with another C library",
                  res.text().startswith("3 b\n2 c\n")
                  and state == ("ready", 2, 0), res.text() + res.errtext())


def host_changes(r, where):
    """The host rewrites a library in place, while the guest runs."""
    prog, lib = (os.path.join(where, x) for x in ("prog", "libword.so"))
    ready, go = (os.path.join(where, x) for x in ("ready", "go"))
    p = vmtest.start(
        [r.vmspace, "run", "--env", "FOO=foo", "--resident", prog, "--rw",
         where, "--", "/bin/sh", "-c",
         f"{UNSET}; cd {where}; ./prog a b; ./prog a b; >ready; while [ ! -e go ]; do "
         "sleep 0.05; done; ./prog a b; ./prog a b; ./prog a b"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for _ in range(400):
        if os.path.exists(ready) or p.poll() is not None:
            break
        time.sleep(0.05)
    with open(os.path.join(where, "libword.1"), "rb") as f, \
            open(lib, "r+b") as out:
        out.write(f.read())
    with open(go, "w", encoding="utf-8"):
        pass
    out, _ = p.communicate(timeout=60)
    words = [x.split()[0] for x in out.decode().splitlines() if x]
    r.cases.check("the host rewrites a library in place",
                  words[:2] == ["first"] * 2 and words[2:] == ["second"] * 3,
                  out.decode())


def memory(r, where):
    remove_running(r, where)
    page_out(r, where)


def remove_running(r, where):
    """An image is removed while a copy of it runs."""
    if os.getuid() != 0:
        return
    res = r.run(f"cd {where}; ./prog a >/dev/null; {shutil.which('sleep')} 1 & "
                "sleep 0.3; echo -$(readlink -f $(which sleep)) "
                ">/proc/sys/vm/resident; wait $!; echo $?; ./prog a b; "
                "while read l; do case $l in *sleep*) echo $l;; esac; done "
                "</proc/sys/vm/resident", "--bind", f"{where}:{where}",
                "--resident", "sleep", "--resident", f"{where}/prog")
    r.cases.check("an image is removed while a copy runs",
                  res.text().splitlines()[:1] == ["0"]
                  and "sleep" not in res.text(), res.text() + res.errtext())


def page_out(r, where):
    eat = os.path.join(r.guests, "eat")
    script = (f"cd {where}; ./prog a b; {eat} 40 0 free >/dev/null; "
              "while read l; do echo $l; done </proc/sys/vm/resident; "
              "./prog a b")
    res = r.run(script, "--bind", f"{where}:{where}", "--mem", "24M", "--swap",
                "128M", "--resident", f"{where}/prog")
    swap = [int(x.split()[-1]) for x in res.text().splitlines()
            if x.startswith("generation")]
    r.cases.check("an image is paged out and can still be used",
                  res.status == 0 and swap and swap[0] > 0
                  and res.text().splitlines()[-1].endswith("3 b prog"),
                  res.text() + res.errtext())
    res = r.run(script, "--bind", f"{where}:{where}", "--mem", "24M",
                "--resident", f"{where}/prog")
    state = next(iter(listing(res.text()).values()), None)
    r.cases.check("images are removed before a process is killed for memory",
                  state is not None and state[0] == "cold"
                  and res.text().splitlines()[-1].endswith("3 b prog"),
                  res.text() + res.errtext())


def main():
    p = vmtest.arguments(__doc__, "guests")
    opts = p.parse_args()
    vmtest.become_subreaper()
    cases = vmtest.Cases()
    r = Runner(opts, cases)
    control(r)
    circumstances(r)
    with tempfile.TemporaryDirectory(dir="/var/tmp",
                                     prefix="vmspace-res-") as where:
        changes(r, where)
        entropy(r, where)
        memory(r, where)
    with tempfile.TemporaryDirectory(dir="/var/tmp",
                                     prefix="vmspace-res-") as where:
        constructors(r, where)
    with tempfile.TemporaryDirectory(dir="/var/tmp",
                                     prefix="vmspace-res-") as where:
        build(where)
        host_changes(r, where)
    guest_programs(r)
    same_results(r)
    cases.check_no_process_left()
    return cases.finish()


if __name__ == "__main__":
    vmtest.main(main)
