#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# mkstatic.sh OUTPUT ARCHIVE...: make one static library of several.  Its global
# names are those that would be visible in a shared library.
set -eu
out=$1
shift
obj=$out.o
trap 'rm -f "$obj"' EXIT
${LD:-ld} -r -o "$obj" --whole-archive "$@"
${OBJCOPY:-objcopy} --localize-hidden "$obj"
rm -f "$out"
${AR:-ar} rcs "$out" "$obj"
