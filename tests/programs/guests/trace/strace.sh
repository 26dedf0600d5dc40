#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# strace -f of a pipeline: its result, and how often some calls were made.
set -u
strace -f -o log sh -c 'printf "b\na\n" | sort | tail -n 1; exit 4'
echo "status $?"
for call in execve dup2 exit_group pipe2 wait4; do
	# Calls of several processes may be split in two lines.
	printf '%s %s\n' "$call" "$(grep -c " $call(" log)"
done
grep -c '+++ exited with' log
strace -f -c -o counts sh -c 'true | true'
echo "status $?, $(grep -c 'execve$' counts)"
strace -e trace=exit_group -o log sh -c 'kill -TERM $$'
echo "status $?, $(grep -c 'killed by SIGTERM' log)"
exit 6
