#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# mkstatic.sh OUTPUT ARCHIVE...: one static library of several, whose only
# global names are those that would be visible in a shared one.
set -eu
out=$1
shift
obj=$out.o
trap 'rm -f "$obj"' EXIT
${LD:-ld} -r -o "$obj" --whole-archive "$@"
${OBJCOPY:-objcopy} --localize-hidden "$obj"
rm -f "$out"
${AR:-ar} rcs "$out" "$obj"
