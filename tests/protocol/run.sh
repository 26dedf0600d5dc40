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
# failed.  As many checks run at a time as there are CPUs; each is a call of
# this script with the names of a model and a mutation.
set -u

# check MODELDIR TMP MODEL:MUTATION(0: none)
if [ $# = 3 ]; then
	models=$1 tmp=$2 model=${3%:*} mut=${3#*:}
else
	models=$1 tmp=$(mktemp -d) || exit 1
	trap 'rm -rf "$tmp"' EXIT
fi

if ! command -v spin >/dev/null; then
	echo "SKIP protocol: spin is not installed"
	exit 77
fi

fail()
{
	echo "FAIL $name: $1"
	[ -f "$tmp/$name/out" ] && tail -n 40 "$tmp/$name/out"
	exit 1
}

check()
{
	name=$model-mut$mut
	mkdir "$tmp/$name" && cd "$tmp/$name" || exit 1
	opt=-O0 # compiling takes longer than finding most mutations
	[ "$mut" = 0 ] && opt=-O2
	if ! spin -DMUT="$mut" -a "$models/$model.pml" >gen 2>&1 ||
	    ! cc $opt -w -DMEMLIM=3000 -DSAFETY -DCOLLAPSE -o pan pan.c; then
		cat gen
		fail "does not build"
	fi
	./pan -m200000 -w24 >out 2>&1
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' out)
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
	if grep -q -e 'max search depth too small' -e 'out of memory' \
	    -e 'Search not completed' out && [ "${errors:-0}" = 0 ]; then
		fail "search was not exhaustive"
	elif [ "$mut" = 0 ] && [ "$errors" != 0 ]; then
		fail "${errors:-no result} errors"
	elif [ "$mut" != 0 ] && [ "${errors:-0}" = 0 ]; then
		fail "the seeded bug was not found"
	fi
	what=$(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' out)
	echo "ok $name ($states states${what:+; found: $what})"
}

if [ $# = 3 ]; then
	check
	exit 0
fi

# MODEL:MUTATIONS
for m in vmspace:4 pageout:5 handover:6 shootdown:6 exec:7 objlife:7; do
	for mut in $(seq 0 "${m#*:}"); do
		echo "${m%:*}:$mut"
	done
done | xargs -n 1 -P "$(nproc)" "$0" "$models" "$tmp"
