/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A fuzz target for libFuzzer: its entry points. Two of three changes are made
 * by the mutator of the target, the others by that of libFuzzer.
 */
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t len, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

const unsigned fuzz_other_fds = 16;

static void
at_end(void)
{
	(void)fuzz_target.finish(false, 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return (atexit(at_end));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len <= fuzz_target.max)
		fuzz_target.run(data, len);
	return (0);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)
{
	uint64_t r = seed;

	/* Targets write up to their own limit. */
	if (max < fuzz_target.max || rnd_below(&r, 3) == 0)
		return (LLVMFuzzerMutate(data, len, max));
	return (fuzz_target.mutate(&r, data, len));
}
