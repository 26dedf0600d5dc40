# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# AFL++: the fork server, its shared memory and its time limits; it finds the
# input that ends in an abort.
set -e
cat >a.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int
main(void)
{
	char b[9] = {0};

	if (read(0, b, 8) > 1 && b[0] == 'A' && b[1] == 'B')
		abort();
	return (0);
}
C
export AFL_QUIET=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_BENCH_UNTIL_CRASH=1
afl-cc a.c -o a >cc.log 2>&1
mkdir in
echo AA >in/1
afl-fuzz -i in -o out -V 60 -s 1 -- ./a >fuzz.log 2>&1 || true
for f in out/default/crashes/id:*; do
	sh -c './a <"$1"' sh "$f" 2>err && echo no crash || echo crash "$(head -c 2 "$f")" $?
done
exit 4
