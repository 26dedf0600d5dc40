#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
#
# Check the protocol models exhaustively with spin.  A model must have no error.
# Each of its seeded mutations must have one, found by an assertion or by an
# invalid end state, not by a lack of memory or depth.
#
# usage: run.sh MODELDIR
# One line for each check, "ok NAME" or "FAIL NAME: why"; exit status 1 if any
# failed.
set -u
models=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

if ! command -v spin >/dev/null; then
	echo "SKIP protocol: spin is not installed"
	exit 77
fi

fail()
{
	echo "FAIL $1: $2"
	[ -f "$tmp/$1/out" ] && tail -n 40 "$tmp/$1/out"
	failed=1
}

# check MODEL MUTATION(0: none)
check()
{
	name=$1-mut$2
	dir=$tmp/$name
	mkdir "$dir" && cd "$dir" || exit 1
	opt=-O0 # compiling takes longer than finding most mutations
	[ "$2" = 0 ] && opt=-O2
	if ! spin -DMUT="$2" -a "$models/$1.pml" >gen 2>&1 ||
	    ! cc $opt -w -DMEMLIM=3000 -DSAFETY -DCOLLAPSE -o pan pan.c; then
		cat gen
		fail "$name" "does not build"
		return
	fi
	./pan -m200000 -w24 >out 2>&1
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' out)
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
	if grep -q -e 'max search depth too small' -e 'out of memory' \
	    -e 'Search not completed' out && [ "${errors:-0}" = 0 ]; then
		fail "$name" "search was not exhaustive"
	elif [ "$2" = 0 ] && [ "$errors" != 0 ]; then
		fail "$name" "${errors:-no result} errors"
	elif [ "$2" != 0 ] && [ "${errors:-0}" = 0 ]; then
		fail "$name" "the seeded bug was not found"
	else
		what=$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' out)
		echo "ok $name ($states states${what:+; found: $what})"
	fi
}

# MODEL:MUTATIONS
for m in vmspace:4 pageout:5 handover:6 shootdown:6 exec:7 objlife:7; do
	for mut in $(seq 0 "${m#*:}"); do
		check "${m%:*}" "$mut"
	done
done
exit $failed
