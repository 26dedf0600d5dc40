/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The parts of the system-call fuzzer: programs (sys_inputs.c), the values of
 * their arguments (sys_values.c), the target (fuzz_sys.c).
 *
 * A program is a sequence of struct sys_op, as bytes. A rest that is shorter
 * than one op is ignored, so any bytes are a program.
 */
#ifndef FUZZ_FUZZ_SYS_H
#define FUZZ_FUZZ_SYS_H

#include "fuzz.h"
#include "kern/base/lwp.h"

#define SYS_OPS_MAX 256
#define SYS_NR_SPAN 512 /* numbers are taken modulo this */

/* Numbers that are not system calls but other actions of user code. */
enum {
	OP_READ = 480, /* fault at argument 0 */
	OP_WRITE,
	OP_FETCH,
	OP_STORE,     /* argument 1 to *(argument 0) */
	OP_EXCEPTION, /* signal: argument 0 */
	OP_NOTHING,   /* an event without a reason */
	OP_PAUSE,     /* let other threads run */
	OP_REFILL,    /* write the first contents of the scratch area again */
};

enum sys_pool {
	POOL_RAW,   /* the value itself */
	POOL_ODD,   /* boundaries of all kinds */
	POOL_PTR,   /* the scratch area: slot, and where in it */
	POOL_PATH,  /* strings in it */
	POOL_MAP,   /* pages of the area for mappings */
	POOL_STACK, /* around the stack pointer */
	POOL_FD,
	POOL_SIZE,
	POOL_RET, /* results of the last calls */
	POOL_PID,
	POOL_BIT,
	POOL_PROT,
	POOL_MMAP,
	POOL_OPEN,
	POOL_CLONE,
	POOL_N,
};

struct sys_arg {
	uint8_t pool, idx;
};

struct sys_op {
	uint16_t nr;
	struct sys_arg a[6];
};
_Static_assert(sizeof(struct sys_op) == 14, "packed by nature");

/* sys_inputs.c: as in struct fuzz_target. */
size_t sys_seed(unsigned i, uint8_t *buf, const char **name);
size_t sys_make(uint64_t *, uint8_t *buf);
size_t sys_mutate(uint64_t *, uint8_t *buf, size_t len);
/* The first calls of every program. */
extern const struct sys_op sys_prologue[];
extern const unsigned sys_prologue_n;

/* sys_values.c */
#define SCRATCH UINT64_C(0x10000000) /* templates, one slot each 256 bytes */
#define SCRATCH_SLOT 256
#define SCRATCH_SLOTS 64
#define SCRATCH_LEN ((uint64_t)SCRATCH_SLOT * SCRATCH_SLOTS * 2)
#define PLAYGROUND UINT64_C(0x20000000) /* 256 pages */

struct lwp;
uint64_t sys_value(struct lwp *, struct sys_arg);
/* Stores the first contents of the scratch area. */
void sys_scratch(uint8_t buf[SCRATCH_SLOT * SCRATCH_SLOTS]);

/* Slots of the scratch area that do not hold strings. */
enum {
	SLOT_PATHS = 0, /* to SLOT_TIME - 1 */
	SLOT_TIME = 24,
	SLOT_IOV,
	SLOT_SIGSET,
	SLOT_ACTION,
	SLOT_POLL,
	SLOT_EPOLL,
	SLOT_STACK,
	SLOT_RLIMIT,
	SLOT_ARGV,
	SLOT_ROBUST,
	SLOT_CLONE,
	SLOT_HOW,
	SLOT_LOCK,
	SLOT_TIMER,
	SLOT_SIGINFO,
	SLOT_SCHED,
	SLOT_PSELECT,
	SLOT_SOCKADDR,
	SLOT_MSGHDR,
	SLOT_CONTROL,
	SLOT_FREE, /* zeros, from here on */
};

#endif /* FUZZ_FUZZ_SYS_H */
