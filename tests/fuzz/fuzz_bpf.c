/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fuzz target: the filters that guests install for their system calls
 * (kern/base/seccomp.c).
 *
 * An input is what the filter reads, 64 bytes, and a program.  A program that
 * is accepted must end, and touch nothing but its own state (sanitizers); its
 * result must be the same when it runs twice.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/base/seccomp.h"

#define DATA sizeof(struct lx_seccomp_data)
#define INSN sizeof(struct lx_sock_filter)
#define INSNS_MAX 64

static struct {
	unsigned long accepted, refused;
} count;

/* Codes that a filter can have, and some that it cannot. */
static const uint16_t codes[] = {
    LX_BPF_LD | LX_BPF_ABS,
    LX_BPF_LD | LX_BPF_LEN,
    LX_BPF_LDX | LX_BPF_LEN,
    LX_BPF_LD | LX_BPF_IMM,
    LX_BPF_LDX | LX_BPF_IMM,
    LX_BPF_LD | LX_BPF_MEM,
    LX_BPF_LDX | LX_BPF_MEM,
    LX_BPF_ST,
    LX_BPF_STX,
    LX_BPF_MISC | LX_BPF_TAX,
    LX_BPF_MISC | LX_BPF_TXA,
    LX_BPF_RET | LX_BPF_K,
    LX_BPF_RET | LX_BPF_A,
    LX_BPF_JMP | LX_BPF_JA,
    LX_BPF_JMP | LX_BPF_JEQ,
    LX_BPF_JMP | LX_BPF_JGT | LX_BPF_X,
    LX_BPF_JMP | LX_BPF_JGE,
    LX_BPF_JMP | LX_BPF_JSET | LX_BPF_X,
    LX_BPF_ALU | LX_BPF_ADD,
    LX_BPF_ALU | LX_BPF_DIV | LX_BPF_X,
    LX_BPF_ALU | LX_BPF_LSH | LX_BPF_X,
    LX_BPF_ALU | LX_BPF_RSH,
    LX_BPF_ALU | LX_BPF_NEG,
    0x28,
    0x94,
};

static struct lx_sock_filter
an_insn(uint64_t *r, unsigned left)
{
	struct lx_sock_filter in = {.code = FUZZ_PICK(r, codes)};

	/* Mostly what can be accepted: near jumps, small operands. */
	in.jt = (uint8_t)rnd_below(r, left + 1);
	in.jf = (uint8_t)rnd_below(r, left + 1);
	switch (rnd_below(r, 8)) {
	case 0:
		in.k = (uint32_t)rnd_next(r);
		break;
	case 1:
		in.k = (uint32_t)rnd_below(r, 80);
		break;
	default:
		in.k = (uint32_t)rnd_below(r, 16) * 4 % (left + 4);
	}
	if (rnd_below(r, 64) == 0)
		in.code = (uint16_t)rnd_next(r);
	return (in);
}

static size_t
make(uint64_t *r, uint8_t *buf)
{
	unsigned n = 1 + (unsigned)rnd_below(r, INSNS_MAX);
	struct lx_sock_filter in;

	for (size_t i = 0; i < DATA; i++)
		buf[i] = (uint8_t)rnd_next(r);
	for (unsigned i = 0; i < n; i++) {
		in = an_insn(r, n - i - 1);
		/* The first words are stored, so that they may be loaded. */
		if (i < 3 && i + 1 < n)
			in = (struct lx_sock_filter){
			    .code = LX_BPF_ST, .k = 4 * i};
		if (i + 1 == n && rnd_below(r, 8) != 0)
			in.code = LX_BPF_RET | LX_BPF_A;
		memcpy(buf + DATA + i * INSN, &in, INSN);
	}
	return (DATA + n * INSN);
}

static size_t
mutate(uint64_t *r, uint8_t *buf, size_t len)
{
	if (len > 0)
		buf[rnd_below(r, len)] = (uint8_t)rnd_next(r);
	return (len);
}

static size_t
seed(unsigned i, uint8_t *buf, const char **name)
{
	static const struct lx_sock_filter all[] = {
	    {LX_BPF_LD | LX_BPF_ABS, 0, 0, 4},
	    {LX_BPF_JMP | LX_BPF_JEQ, 1, 0, 0xc000003e},
	    {LX_BPF_RET, 0, 0, LX_SECCOMP_RET_KILL_PROCESS},
	    {LX_BPF_RET, 0, 0, LX_SECCOMP_RET_ALLOW}};

	if (i > 0)
		return (SIZE_MAX);
	*name = "arch";
	memset(buf, 0, DATA);
	memcpy(buf + DATA, all, sizeof(all));
	return (DATA + sizeof(all));
}

static void
run(const uint8_t *data, size_t len)
{
	struct lx_sock_filter insn[INSNS_MAX];
	struct lx_seccomp_data d;
	struct seccomp_filter *f;
	uint32_t one;
	unsigned n;
	int error;

	if (len < DATA)
		return;
	n = (unsigned)((len - DATA) / INSN);
	if (n > INSNS_MAX)
		n = INSNS_MAX;
	memcpy(&d, data, sizeof(d));
	memcpy(insn, data + DATA, n * INSN);
	error = seccomp_filter_create(insn, n, &f);
	if (error != 0) {
		if (error != EINVAL)
			fuzz_fail("refused with %d", error);
		count.refused++;
		return;
	}
	count.accepted++;
	one = seccomp_filter_run(f, &d);
	if (seccomp_filter_run(f, &d) != one)
		fuzz_fail("two runs of one filter differ");
	seccomp_filter_free(f);
}

static bool
finish(bool say, unsigned long inputs)
{
	if (say)
		printf("%lu inputs: %lu programs accepted, %lu refused\n",
		    inputs, count.accepted, count.refused);
	return (count.accepted > 0 && count.refused > 0);
}

const struct fuzz_target fuzz_target = {
    .name = "bpf",
    .max = DATA + INSNS_MAX * INSN,
    .seed = seed,
    .make = make,
    .mutate = mutate,
    .run = run,
    .finish = finish,
};
