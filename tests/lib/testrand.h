/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The random numbers of all tests, fuzz targets and guest programs: splitmix64
 * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * 2014).  The state is one word, and any value is a valid seed, zero included.
 * The same seed gives the same sequence in every build, so a failed run can be
 * repeated.
 *
 * Where inputs must not depend on the compiler, draw at most once in a full
 * expression: compilers differ in the order in which they evaluate operands
 * and arguments.
 */
#ifndef TESTS_TESTRAND_H
#define TESTS_TESTRAND_H

#include <stdint.h>

/* All 64 bits are random. */
static inline uint64_t
rnd_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31));
}

/* A number in 0..n-1; n is not 0. */
static inline uint64_t
rnd_below(uint64_t *state, uint64_t n)
{
	return (rnd_next(state) % n);
}

#endif /* TESTS_TESTRAND_H */
