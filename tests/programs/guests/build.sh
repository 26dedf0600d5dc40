# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# build.sh PROJECT: make of a C project, its result run; then nothing to do,
# and little after a change.
set -e
cp -r "$1" p; cd p
make -s -j2; sha256sum duktape.o main.o table.o libtable.a
make -s check
make -j2 | grep -v Entering; touch table.sh; make -n | cut -c1-40; make -s
./js nothere || echo $?
objdump -d js | wc -l; size js | tail -1 | cut -f1; strip -o s js; nm libtable.a
echo 'int main(void) { return x; }' > bad.c; cc bad.c 2>&1 | head -3 || true
cc -Wall -Wextra -g3 -S -o main.s -I/usr/share/duktape main.c; wc -l < main.s; make -s clean; ls
