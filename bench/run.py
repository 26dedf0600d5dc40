# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""Benchmarks, all systems in one run.

Each figure is the median over interleaved rounds: round 1 of every system,
then round 2, so that a disturbance of the machine affects all of them.  The
spread printed is (max - min) / median.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import compare
import plot

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "results")

# name, title, unit, divisor of ns
MICRO = [
    ("getppid", "system call (getppid)", "us", 1e3),
    ("mmap64k", "mmap 64K, touch, munmap", "us", 1e3),
    ("fork", "fork+exit+wait, small", "us", 1e3),
    ("exec", "fork+exec+exit busybox true", "us", 1e3),
    ("touch", "first touch of 256 MiB, per page", "us", 1e3),
    ("bigfork", "fork() with 256 MiB written", "us", 1e3),
    ("cow", "write after fork, per page", "us", 1e3),
    ("munmap", "munmap of 256 MiB written", "us", 1e3),
    ("waitsmall", "wait() for a tiny process", "us", 1e3),
    ("waitbig", "wait() for a process of 1 GiB", "us", 1e3),
]


def run(cmd, timeout=120, env=None):
    """(output of a command, ""), or (None, the reason)."""
    try:
        r = subprocess.run(cmd, capture_output=True, text=True, env=env,
                           timeout=timeout, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as e:
        return None, str(e).split("\n")[0]
    if r.returncode != 0:
        return None, (r.stderr or r.stdout).strip().split("\n")[-1][:100]
    return r.stdout, ""


def build_micro(tmp):
    exe = os.path.join(tmp, "micro")
    subprocess.run(["cc", "-O2", "-static", "-o", exe,
                    os.path.join(HERE, "guest", "micro.c")], check=True)
    return exe


def systems(vmspace, before=None):
    """Prefixes of the systems under test, in the order of the columns."""
    found = {"native": [], "vmspace": [vmspace, "run", "--mem", "2G", "--"],
             "isolated": [vmspace, "run", "--isolation", "process", "--mem",
                          "2G", "--"]}
    if before:
        found["before"] = [before, *found["vmspace"][1:]]
    if shutil.which("runsc"):
        prefix = ["runsc", "--rootless", "--network=none",
                  "--ignore-cgroups", "do"]
        out, why = run(prefix + ["/bin/true"])
        if out is None:
            print(f"runsc: skipped: {why}", file=sys.stderr)
        else:
            found["runsc"] = prefix
    else:
        print("runsc: not installed", file=sys.stderr)
    qemu = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
    if qemu:
        found["qemu-user"] = [qemu]
    return found


def micro(found, exe, rounds):
    """{bench: {system: [ns, ...]}}"""
    busybox = shutil.which("busybox")
    res = {name: {s: [] for s in found} for name, *_ in MICRO}
    dead = set()
    for _ in range(rounds):
        for name, *_rest in MICRO:
            for s, prefix in found.items():
                if (name, s) in dead:
                    continue
                args = [busybox] if name == "exec" else []
                out, why = run(prefix + [exe, name] + args)
                if out is None:
                    dead.add((name, s))
                    print(f"{s}: {name}: no figure: {why}",
                          file=sys.stderr)
                    continue
                res[name][s].append(float(out.split()[1]))
    return res


def startup(found, rounds):
    cmds = [("start busybox", "start: busybox true, whole command",
             [shutil.which("busybox"), "true"])]
    py = "/usr/bin/python3"
    if os.path.exists(py):
        cmds.append(("start python3", "start: python3 -c pass, cold",
                     [py, "-c", "pass"]))
    res = {}
    for name, title, cmd in cmds:
        res[name] = {s: [] for s in found}
        for _ in range(rounds):
            for s, prefix in found.items():
                t = time.monotonic_ns()
                out, why = run(prefix + cmd)
                t = time.monotonic_ns() - t
                if out is None:
                    print(f"{s}: {name}: no figure: {why}",
                          file=sys.stderr)
                    continue
                res[name][s].append(float(t))
    return res, [(n, t, "ms", 1e6) for n, t, _ in cmds]


def resident(vmspace, exe, rounds, before=None):
    """The time of a program from fork to wait inside a running kernel: cold,
    from a resident image, and natively.  The environment is minimal, because a
    variable such as OPENBLAS_NUM_THREADS would make every start a cold one."""
    rows = []
    env = {"PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
    for name, cmd in (("true", ["/usr/bin/true"]),
                      ("python3 -c pass", ["/usr/bin/python3", "-c", "pass"])):
        if not os.path.exists(cmd[0]):
            continue
        how = {"native": [], "cold": [vmspace, "run", "--"],
               "resident": [vmspace, "run", "--resident", cmd[0], "--"]}
        if before:
            how["before"] = [before, *how["resident"][1:]]
        res = {h: [] for h in how}
        for _ in range(rounds):
            for h, prefix in how.items():
                out, why = run(prefix + [exe, "spawn", *cmd], env=env)
                if out is None:
                    print(f"{name}, {h}: no figure: {why}", file=sys.stderr)
                else:
                    res[h].append(float(out.split()[1]))
        if not all(res.values()):
            continue
        med = {h: statistics.median(v) for h, v in res.items()}
        print(f"{name} in a running kernel: "
              + ", ".join(f"{h} {m / 1e6:.2f} ms" for h, m in med.items())
              + f"; resident/cold {med['resident'] / med['cold']:.2f}x, "
              f"resident/native {med['resident'] / med['native']:.2f}x")
        if before:
            print(compare.line(name + ", resident", res["resident"],
                               res["before"]))
        rows.append({"key": "resident " + name, "title": name, "unit": "ns",
                     "median": med, "samples": res})
    return rows


def table(rows, res, found):
    names = list(found)
    head = f"{'':42}" + "".join(f"{s:>12}" for s in names) + \
        f"{'vm/native':>11}{'spread':>8}"
    if "before" in found:
        head += f"  {compare.HEAD}"
    print(head)
    out = []
    for key, title, unit, div in rows:
        med = {s: statistics.median(res[key][s]) for s in names
               if res[key].get(s)}
        cells = "".join(
            f"{med[s] / div:>9.2f} {unit}" if s in med else f"{'-':>12}"
            for s in names)
        ratio = spread = "-"
        if "vmspace" in med and "native" in med:
            v = res[key]["vmspace"]
            ratio = f"{med['vmspace'] / med['native']:.2f}x"
            spread = f"{100 * (max(v) - min(v)) / med['vmspace']:.0f}%"
        line = f"{title:42}{cells}{ratio:>11}{spread:>8}"
        if "before" in med and "vmspace" in med:
            line += "  " + compare.verdict(res[key]["vmspace"],
                                           res[key]["before"])
        print(line)
        out.append({"key": key, "title": title, "unit": "ns",
                    "median": med, "samples": res[key]})
    return out


def host(rounds):
    """The host and the number of rounds, for a result file."""
    return {"host": {"kernel": platform.release(), "cpus": os.cpu_count(),
                     "load": f"{os.getloadavg()[0]:.1f}",
                     "date": time.strftime("%Y-%m-%d")}, "rounds": rounds}


def write_results(name, result):
    """NAME.json in RESULTS, and its plots."""
    os.makedirs(RESULTS, exist_ok=True)
    path = os.path.join(RESULTS, name + ".json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
    print("written: " + ", ".join([path] + plot.draw(path, RESULTS)))


def print_host(rounds):
    print(f"host: {platform.release()}, {os.cpu_count()} CPUs, load "
          f"{os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}; medians of "
          f"{rounds} rounds")


def select(a, vmspace, before):
    """The systems that --only names; default: all that are installed."""
    found = systems(vmspace, before)
    only = a.only.split(",") if a.only else [s for s in found
                                              if s != "isolated"]
    return {s: p for s, p in found.items() if s in only}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("what", choices=["quick", "engine", "programs"],
                    nargs="?", default="quick")
    ap.add_argument("--build", default="build")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--only", help="comma list of systems; \"isolated\" "
                    "(vmspace with --isolation process) is measured only "
                    "where it is named")
    ap.add_argument("--cases", help="comma list of programs")
    ap.add_argument("--before", metavar="BUILD", help="build directory of "
                    "another revision, to be measured in the same rounds")
    a = ap.parse_args()
    before = {exe: os.path.abspath(os.path.join(a.before, exe))
              if a.before else None for exe in ("vmspace", "bench/engine")}
    for path in filter(None, before.values()):
        if not os.access(path, os.X_OK):
            ap.error(f"--before: no program '{path}'; build that revision as "
                     "scripts/bench builds this one")
    if a.what == "engine":
        sys.path.insert(0, os.path.join(HERE, "engine"))
        import table as engine
        result = engine.main(run, os.path.join(a.build, "bench", "engine"),
                             a.rounds, before["bench/engine"])
        write_results("engine", {**host(a.rounds), **result})
        return 0
    vmspace = os.path.abspath(os.path.join(a.build, "vmspace"))
    found = select(a, vmspace, before["vmspace"])
    # Not in /tmp, which guests do not share with the host.
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".bench-") as tmp:
        if a.what == "programs":
            import programs
            print_host(a.rounds)
            status, rows = programs.main(
                found, table, vmspace, a.rounds, tmp,
                a.cases.split(",") if a.cases else None)
            write_results("programs", {**host(a.rounds), "rows": rows})
            return status
        exe = build_micro(tmp)
        res = micro(found, exe, a.rounds)
        warm = resident(vmspace, exe, a.rounds, before["vmspace"])
    start, srows = startup(found, a.rounds * 4)
    print_host(a.rounds)
    rows = table([r for r in MICRO], res, found)
    rows += table(srows, start, found)
    write_results("quick", {**host(a.rounds), "rows": rows + warm})
    return 0


if __name__ == "__main__":
    sys.exit(main())
