/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Kernels on cpu_fake for tests: user programs are C functions.
 *
 * A program is a function that is called for each step of user code, on the
 * host thread of the lwp. It is written as a straight line with U_SYS() for
 * system calls; the position is kept in r15, so that fork copies it and exec
 * starts at the beginning. Values that must survive a step are kept in rbx,
 * r12, r13 or r14, or in the memory of the test. /bin/pN in the guest is an ELF
 * file whose entry point selects program N; /bin/pieN is the same as ET_DYN.
 */
#ifndef TESTS_KERN_FIXTURE_H
#define TESTS_KERN_FIXTURE_H

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "kern/base/proc.h"
#include "api/vkernel_int.h"
#include "machine/fake/cpu_fake.h"

#define FX_PROGRAMS 16
#define FX_ENTRY 0x100   /* page offset of the entry of program 0 */
#define FX_HANDLER 0x800 /* page offset of signal handler 0 */

/* One step of user code. */
struct user {
	struct lwp *l;
	struct trapframe *tf;
	struct cpu_event *ev;
};
typedef void program_fn(struct user *);

struct fixture {
	struct vkernel *k; /* NULL: not booted */
	struct cpu_fake fake;
	struct host_fake hf;
	bool use_hf;
	char dir[64]; /* host directory that is the root */
	program_fn *prog[FX_PROGRAMS];
	program_fn *handler[FX_PROGRAMS];
	_Atomic(int) failed; /* checks that failed in programs */
	_Atomic(int) logged; /* log lines that contain `logword` */
	const char *logword;
	uint64_t mem;
};

/* The fixture of the test that runs. */
extern struct fixture fx;

/* For cmocka: fx_init(), with fx_boot(), and the end of both, which also
 * destroys a kernel that the test has booted and left. */
int fx_setup(void **state);
int fx_setup_booted(void **state);
int fx_teardown(void **state);
#define FX_TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
#define FX_TEST_BOOTED(fn) \
	cmocka_unit_test_setup_teardown(fn, fx_setup_booted, fx_teardown)

/* A root directory with programs; fx_boot creates a kernel on it. */
void fx_init(struct fixture *);
void fx_boot(struct fixture *);
int fx_try_boot(struct fixture *);
/* Destroys the kernel and asserts: no leaks, no failed checks. */
void fx_shutdown(struct fixture *);
void fx_done(struct fixture *); /* removes the directory */
/* Spawn /bin/pN; returns its pid.  fx_run also waits: wait(2) status. */
int fx_spawn(struct fixture *, int n);
int fx_run(struct fixture *, int n);
/* A file in the root: path relative to it. */
void fx_file(struct fixture *, const char *path, const void *data, size_t len,
    unsigned mode);
/* A small valid ELF: returns its length. */
size_t fx_elf(unsigned char buf[8192], int n, bool pie, const char *interp);

void u_sys(struct user *, long nr, const uint64_t a[6]);
/* User memory below the stack pointer: slot 0..15 of 256 bytes. */
uint64_t u_buf(struct user *, int slot);
uint64_t u_str(struct user *, int slot, const char *s);
uint64_t u_get64(struct user *, uint64_t addr);
int u_get32(struct user *, uint64_t addr);
void u_put64(struct user *, uint64_t addr, uint64_t val);
void u_fail(
    struct user *, const char *file, int line, const char *what, long got);

#define U_RET ((int64_t)u->tf->rax)
#define U_BEGIN               \
	switch (u->tf->r15) { \
	case 0:;
#define U_SYS(nr, ...)                                          \
	do {                                                    \
		u->tf->r15 = __LINE__;                          \
		u_sys(u, nr, (const uint64_t[6]){__VA_ARGS__}); \
		return;                                         \
	case __LINE__:;                                         \
	} while (0)
#define U_FAULT(va, acc)                    \
	do {                                \
		u->tf->r15 = __LINE__;      \
		u->ev->type = CPU_EV_FAULT; \
		u->ev->addr = (va);         \
		u->ev->access = (acc);      \
		return;                     \
	case __LINE__:;                     \
	} while (0)
#define U_PAUSE()                               \
	do {                                    \
		u->tf->r15 = __LINE__;          \
		u->ev->type = CPU_EV_INTERRUPT; \
		host_sleep_ns(200000);          \
		return;                         \
	case __LINE__:;                         \
	} while (0)
#define U_EXIT(status) U_SYS(SYS_exit_group, (uint64_t)(status))
#define U_CHECK(cond, got)                                                 \
	do {                                                               \
		if (!(cond))                                               \
			u_fail(u, __FILE__, __LINE__, #cond, (long)(got)); \
	} while (0)
#define U_END \
	}     \
	u_sys(u, SYS_exit_group, (const uint64_t[6]){98})

#define WEXIT(n) ((n) << 8)

#endif /* TESTS_KERN_FIXTURE_H */
