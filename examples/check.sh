#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# check.sh STATUS REGEX PROGRAM [ARG...]: run an example.  It must exit with STATUS,
# print a line that matches REGEX, and write nothing to standard error.
set -u
status=$1 want=$2
shift 2
err=$(mktemp)
trap 'rm -f "$err"' EXIT
out=$("$@" 2>"$err")
got=$?
printf '%s\n' "$out"
cat "$err" >&2
[ "$got" -eq "$status" ] || { echo "exit status $got, expected $status" >&2; exit 1; }
[ ! -s "$err" ] || exit 1
printf '%s\n' "$out" | grep -q -e "$want"
