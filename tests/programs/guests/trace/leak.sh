#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# LeakSanitizer: it stops the threads of its process by ptrace, from a process
# that shares the memory.  DIR is that of this script.
set -u
gcc -g -fsanitize=address "$1/leak.c" -o leak -pthread || exit 1
./leak
echo "no leak: $?"
./leak x 2>log
echo "leak: $?"
grep -o '^SUMMARY.*' log
exit 8
