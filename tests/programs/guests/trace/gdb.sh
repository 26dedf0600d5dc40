#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# gdb: breakpoints, steps, a stack, calls, watching memory, threads, system
# calls, and attaching to a running process.  DIR is that of this script.
set -u
dir=$1
gcc -g -O0 "$dir/traced.c" -o traced -pthread || exit 1
clean() {
	sed -e 's/0x[0-9a-f][0-9a-f]*/ADDR/g' -e 's/LWP [0-9]*/LWP N/g' \
	    -e 's/process [0-9]*/process N/g' -e 's,/[^ ]*/traced,traced,g' \
	    -e '/^warning: /d' -e '/libthread_db/d' -e '/^\[/d' -e '/^$/d'
}
gdb -nx -q -batch -ex 'set can-use-hw-watchpoints 0' -ex 'break inner' \
    -ex run -ex bt -ex 'info args' -ex finish -ex next -ex step \
    -ex 'print counter' -ex continue -ex 'print $rip == (long)inner + 11' \
    -ex delete -ex 'print outer(100)' -ex 'watch counter' -ex continue \
    -ex delete -ex 'break inner if n == 7' -ex continue -ex bt \
    -ex 'print $_thread' -ex 'thread apply all -q -s print counter' \
    -ex 'set var counter = 50' -ex delete -ex 'catch syscall write' \
    -ex continue -ex continue -ex 'print $_siginfo.si_signo' \
    -ex delete -ex continue ./traced 2>&1 | clean
./traced wait &
pid=$!
sleep 0.3
gdb -nx -q -batch -p "$pid" -ex 'break spin' -ex 'up-silently 100' \
    -ex 'info symbol main' -ex 'print done' -ex 'set var done = 1' \
    -ex detach 2>&1 | clean | grep -v ' in \|^[0-9]*	\|^__\|No such file'
wait "$pid"
echo "attached program: $?"
exit 9
