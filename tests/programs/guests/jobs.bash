# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# Job control in a script: no terminal, process groups all the same.
set -m
group_of() { cut -d' ' -f5 "/proc/$1/stat"; }
until_state() { # PID STATE
	for _ in $(seq 200); do
		[ "$(cut -d' ' -f3 "/proc/$1/stat")" = "$2" ] && return 0
		sleep 0.02
	done
	echo "pid is not in state $2"
}
sleep 30 & one=$!
sleep 40 & two=$!
jobs
[ "$(group_of $one)" = "$one" ] && [ "$(group_of $two)" = "$two" ] &&
    [ "$(group_of $$)" != "$one" ] && echo "each job has its group"
kill -STOP %1
until_state $one T
jobs
bg %1 >/dev/null
until_state $one S
jobs
kill %2; wait %2; echo "terminated: $?"
kill -KILL %1; wait $one; echo "killed: $?"
jobs
(sleep 0.1; exit 7) &
fg %% >/dev/null; echo "fg: $?"
# One at a time, and not ended before it is waited for: bash loses the status of
# a job whose end it is told of right before it waits.
for i in 3 4 5; do (sleep 0.3; exit $i) & wait -n; echo "wait -n: $?"; done
wait -n; echo "nothing left: $?"
sleep 0.2 | cat | (cat; exit 5) &
wait $!; echo "pipeline: $?"
# A stopped pipeline goes on as a whole.
(for i in 1 2 3; do echo line $i; sleep 0.05; done) | sed 's/line/row/' > out &
kill -STOP %%; sleep 0.1; kill -CONT %%; wait; cat out
disown -a; jobs
suspended() { kill -STOP "$BASHPID"; echo resumed; }
suspended & pid=$!
until_state $pid T; jobs -s | sed 's/  */ /g'; kill -CONT $pid; wait $pid
set +m
sleep 30 & pid=$!
[ "$(group_of $pid)" = "$(group_of $$)" ] && echo "without: the shell's group"
kill $pid; wait $pid; echo $?
