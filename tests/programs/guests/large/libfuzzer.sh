# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# libFuzzer with ASan: a clean run, a crash that is found, and workers that are
# forked.
cat >f.c <<'C'
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int
LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	if (n > 3 && d[0] == 'F' && d[1] == 'U' && d[2] == 'Z')
		abort();
	return (0);
}
C
clang -g -fsanitize=fuzzer,address f.c -o f || exit 1
./f -runs=2000 -seed=1 -max_len=2 >1.log 2>&1
echo clean $?
./f -runs=3000000 -seed=1 >2.log 2>&1
echo crash $? "$(grep -c 'deadly signal' 2.log)" "$(ls crash-* | wc -l)"
./f -fork=2 -ignore_crashes=1 -runs=5000 -max_len=2 >3.log 2>&1
echo workers $?
./f -timeout=1 -detect_leaks=0 -runs=2000 -max_len=2 >4.log 2>&1
echo no leak detection $?
