#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
"""An interactive shell on a pseudo-terminal, driven by a script: the same
dialogue natively and inside.

    run_terminal.py --vmspace BUILD/vmspace [--only TEXT] [--json FILE]
                    [--show]

Each case is a function that types and waits for the expected output; it runs
in a shell of its own, natively first (an error there is an error of the case),
then inside.  The notes of both runs must be the same.
"""

import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programlib import Record, Scratch, have, vmtest  # noqa: E402

PROMPT = "vm> "
SECONDS = 10
# Escape and control sequences; the rest is text.
ESCAPES = re.compile(r"\x1b\[[?>=]?[0-9;]*[a-zA-Z]|\x1b[=>]|"
                     r"\x1b\][^\x07]*\x07|\x1bP[^\x1b]*\x1b\\|\r")
# Waits until there is a stopped job, and prints it.
STOPPED = "until jobs -s | grep -q .; do sleep 0.05; done; jobs"
UP, LEFT, RIGHT = "\x1b[A", "\x1b[D", "\x1b[C"


class Wrong(Exception):
    """The expected output did not appear."""


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, argv, cwd, env, show=False):
        self.master, self.slave = os.openpty()
        self.resize(24, 80)
        self.modes = termios.tcgetattr(self.slave)
        self.text, self.mark, self.status, self.show = "", 0, None, show
        self.notes = []
        self.pid = os.fork()
        if self.pid == 0:
            self.child(argv, cwd, env)

    def child(self, argv, cwd, env):
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.closerange(3, 64)
            os.chdir(cwd)
            vmtest.default_signals()
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def pump(self, seconds):
        """Read what arrives within the time; False: nothing arrived."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        if self.show:
            sys.stderr.write(data.decode("utf-8", "replace"))
        self.text += data.decode("utf-8", "replace")
        return True

    def seen(self):
        """The text since the last match."""
        return ESCAPES.sub("", self.text)[self.mark:]

    def wait(self, pattern, seconds=SECONDS):
        """Wait for a match of pattern; the text up to it is consumed."""
        end = time.monotonic() + seconds * vmtest.SLOW
        while True:
            m = re.search(pattern, self.seen(), re.M)
            if m:
                self.mark += m.end()
                return m
            if time.monotonic() > end:
                raise Wrong(f"waited for {pattern!r}, got {self.seen()!r}")
            self.pump(0.05)

    def prompt(self):
        self.wait(re.escape(PROMPT) + r"\Z")

    def line(self, text, pattern=None):
        """Run a command; with a pattern, note the match in its output."""
        self.type(text + "\r")
        if pattern is not None:
            m = self.wait(pattern)
            self.notes.append(m.groups() or m.group())
        self.prompt()

    def start(self, text, cooked=True):
        """Start a program that reads the terminal, and wait until the shell
        has restored its modes (readline sets its own)."""
        self.type(text + "\r")
        end = time.monotonic() + SECONDS * vmtest.SLOW
        while cooked and time.monotonic() < end:
            if termios.tcgetattr(self.master)[3] & termios.ICANON:
                break
            self.pump(0.02)
        self.settle()

    def settle(self):
        """Wait for a moment without output."""
        end = time.monotonic() + SECONDS * vmtest.SLOW
        while self.pump(0.3) and time.monotonic() < end:
            pass

    def end(self):
        """Wait for the end; the exit status."""
        end = time.monotonic() + SECONDS * vmtest.SLOW
        while self.status is None:
            self.pump(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                raise Wrong(f"does not end; {self.seen()!r}")
        while self.pump(0):
            pass
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)
        os.close(self.slave)


# ---- the cases: each starts at the prompt of a shell on a new terminal ----

def prompt_and_commands(t):
    t.line("echo $((6 * 7))", r"^42$")
    t.line("ls nothere; echo =$?", r"^=2$")
    t.line("for i in 1 2 3; do\recho row $i\rdone", r"^row 1\nrow 2\nrow 3$")
    t.line("test -t 0 -a -t 1 -a -t 2 && echo a terminal", r"^a terminal$")


def line_editing(t):
    t.line("echo ac" + LEFT + "b", r"^abc$")
    t.line("bc\x01echo a\x05d", r"^abcd$")
    t.line("garbage\x15echo kept", r"^kept$")
    t.line("echo one two\x17three", r"^one three$")
    t.line("echo xyz" + LEFT * 3 + "\x0bend", r"^end$")
    t.line("ech" + LEFT * 3 + RIGHT * 3 + "oo\x7f right", r"^right$")
    t.line("echo swap\x14", r"^swpa$")
    t.line("touch unique_name")
    t.line("echo uni\t", r"^unique_name")


def history(t):
    t.line("echo first $((1 + 1))", r"^first 2$")
    t.line("echo second", r"^second$")
    t.line(UP + UP, r"^first 2$")
    t.line("!ech", r"^first 2$")
    t.line("\x12sec", r"^second$")
    t.line("history | wc -l", r"^\d+$")


def interrupt_at_the_prompt(t):
    t.type("unfinished")
    t.wait("unfinished")
    t.settle()
    t.type("\x03")
    t.prompt()
    t.line("echo =$?", r"^=130$")


def interrupt_of_a_program(t):
    t.start("sleep 100")
    t.type("\x03")
    t.prompt()
    t.line("echo =$?", r"^=130$")
    t.start("sh -c 'sleep 100 | cat; echo not here'")
    t.type("\x03")
    t.prompt()
    t.start("ulimit -c 0; sleep 100")
    t.type("\x1c")
    t.prompt()
    t.line("echo =$?", r"^=131$")
    t.line("trap 'echo caught' INT; echo set", r"^set$")
    t.type("\x03")
    t.line("", r"caught")


def stop_and_resume(t):
    t.start("sleep 100")
    t.type("\x1a")
    t.wait(r"\[1\]\+ +Stopped +sleep 100")
    t.prompt()
    t.line("jobs", r"^\[1\]\+ +Stopped +sleep 100$")
    t.line("bg", r"^\[1\]\+ sleep 100 &$")
    t.line("jobs", r"^\[1\]\+ +Running +sleep 100 &$")
    t.start("fg")
    t.wait(r"^sleep 100\n")
    t.type("\x1a")
    t.wait("Stopped")
    t.prompt()
    t.line("kill %1; wait 2>/dev/null; echo =$?", r"^=\d+$")
    t.line("sleep 0.2; jobs; echo none", r"^none$")


def background_terminal_use(t):
    t.line("cat &", r"^\[1\]")
    t.line(STOPPED, r"\[1\]\+ +Stopped +cat")
    t.start("fg")
    t.wait(r"^cat\n")
    t.type("typed\r")
    t.wait(r"^typed\ntyped\n")
    t.type("\x04")
    t.prompt()
    t.line("stty tostop; (echo from behind) &", r"^\[1\]")
    t.line(STOPPED, r"\[1\]\+ +Stopped")
    t.line("stty -tostop; fg", r"^from behind$")


def window_size(t):
    t.line("stty size", r"^24 80$")
    t.resize(33, 101)
    time.sleep(0.1)
    t.line("stty size; echo =$LINES $COLUMNS", r"^33 101\n=33 101$")
    t.type("sh -c 'trap \"stty size; exit\" WINCH; echo ready; "
           "while :; do sleep 0.05; done'\r")
    t.wait(r"^ready\n")
    t.resize(40, 120)
    t.notes.append(t.wait(r"^40 120$").group())
    t.prompt()


def raw_keys(t):
    t.line("old=$(stty -g)")
    t.type("stty raw -echo; dd bs=1 count=1 2>/dev/null | od -An -c; "
           "stty $old\r")
    t.settle()
    t.type("\x03")
    t.wait(r"003")
    t.prompt()
    t.start("read -rsn1 key; echo \"=$key=\"", cooked=False)
    t.type("k")
    t.wait(r"^=k=$")
    t.prompt()
    t.line("read -t 0.2 -p 'wait: ' x; echo =$(($? > 128))", r"=1$")
    t.line("stty -a | grep -o 'icanon.*echo '", r"icanon iexten echo")


def end_of_file(t):
    t.start("cat; echo =$?")
    t.type("some text\r")
    t.wait(r"^some text\nsome text\n")
    t.type("\x04")
    t.wait(r"^=0$")
    t.prompt()


def pager(t):
    t.type("seq 300 | less\r")
    t.wait(r"^22\n23\n:\Z")
    t.type(" ")
    t.wait(r"^45\n46\n:\Z")
    t.type("/^250\r")
    t.wait(r"250\n(.*\n)*:\Z")
    t.type("q")
    t.prompt()
    t.line("echo back", r"^back$")


def editor(t):
    t.start("vi -u NONE file", cooked=False)
    t.type("ihello from vi\x1b")
    t.settle()
    t.type("yypA again\x1b:wq\r")
    t.prompt()
    t.line("cat file", r"^hello from vi\nhello from vi again$")


def python_prompt(t):
    t.type("python3 -q\r")
    t.wait(r">>> \Z")
    t.type("print(6 *" + " 7)\r")
    t.wait(r"^42$")
    t.wait(r">>> \Z")
    t.start("import time; time.sleep(100)")
    t.type("\x03")
    t.wait(r"^KeyboardInterrupt$")
    t.wait(r">>> \Z")
    t.type("\x04")
    t.prompt()


def name_of_the_terminal(t):
    t.line("[ -c \"$(tty)\" ] && echo named", r"^named$")
    t.line("echo written > \"$(tty)\"", r"^written$")
    t.line("echo controlling > /dev/tty", r"^controlling$")
    t.line("python3 -c 'import os; print(os.ttyname(0) == os.ttyname(1), "
           "os.path.samestat(os.stat(os.ttyname(0)), os.fstat(0)))'",
           r"^True True$")
    t.line("ps -o tty= -p $$ | grep -c '?'", r"^0$")


CASES = {
    prompt_and_commands: (),
    line_editing: (),
    history: (),
    interrupt_at_the_prompt: (),
    interrupt_of_a_program: (),
    stop_and_resume: (),
    background_terminal_use: (),
    window_size: (),
    raw_keys: (),
    end_of_file: (),
    pager: ("less",),
    editor: ("vi",),
    python_prompt: ("python3",),
    name_of_the_terminal: ("python3", "ps"),
}


def dialogue(argv, case, scratch, show):
    """(notes, error text) of one case in one shell."""
    scratch.fresh()
    env = dict(vmtest.STABLE_ENV, HOME=scratch.w, PS1=PROMPT, TERM="xterm",
               HISTFILE="/dev/null", LESSHISTFILE="-", LESS="")
    t = Terminal(argv, scratch.w, env, show)
    error = ""
    try:
        t.prompt()
        case(t)
        t.type("exit 7\r")
        t.notes.append(("status", t.end()))
        if termios.tcgetattr(t.slave) != t.modes:
            error = (f"the modes of the terminal have changed: "
                     f"{termios.tcgetattr(t.slave)}, was {t.modes}")
    except Wrong as e:
        error = str(e)
    finally:
        t.close()
    if "vmspace:" in t.text:
        error += "\n" + ESCAPES.sub("", t.text)
    return t.notes, error


def run_case(vm, scratch, case, count, record, show):
    name = "terminal: " + case.__name__.replace("_", " ")
    for program in ("bash", *CASES[case]):
        if not have(program):
            count.missing(name, program)
            record.add(name, "bash", "skip", why=f"{program} is missing")
            return
    shell = ["/bin/bash", "--norc", "--noprofile", "-i"]
    began = time.monotonic()
    native = dialogue(shell, case, scratch, show)
    middle = time.monotonic()
    ours = dialogue(vm.argv(shell, ["--tmpfs", scratch.w, "--cwd",
                                    scratch.w]), case, scratch, show)
    facts = dict(native=round(middle - began, 2),
                 inside=round(time.monotonic() - middle, 2))
    wrong = ""
    if native[1]:
        wrong += "natively (the case is wrong): " + native[1] + "\n"
    if ours[1]:
        wrong += "inside: " + ours[1] + "\n"
    elif native[0] != ours[0]:
        wrong += f"notes {ours[0]}, natively {native[0]}\n"
    if wrong:
        count.fail(name, wrong)
        record.add(name, "bash", "FAIL", **facts)
    else:
        count.ok(name, f"({facts['native']:.2f} s, inside "
                       f"{facts['inside']:.2f} s)")
        record.add(name, "bash", "ok", **facts)


def main():
    p = vmtest.arguments(__doc__)
    p.add_argument("--only", default="")
    p.add_argument("--json")
    p.add_argument("--show", action="store_true")
    opts = p.parse_args()
    vm, count = vmtest.Vmspace(opts.vmspace), vmtest.Cases()
    record = Record(opts.json)
    with Scratch() as scratch:
        for case in CASES:
            if opts.only in case.__name__.replace("_", " "):
                run_case(vm, scratch, case, count, record, opts.show)
    record.write()
    return count.finish()


if __name__ == "__main__":
    vmtest.main(main)
