/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Common declarations of the fuzz targets, the driver and the libFuzzer glue.
 *
 * A target is one struct: how to make inputs, how to change one, how to run
 * one. driver.c runs it with inputs that are the same each time; libfuzzer.c
 * gives it to libFuzzer. The targets run on the kernel of fuzz_kernel.c.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "testrand.h"
#include "machine/fake/cpu_fake.h"

#define FUZZ_PICK(r, v) ((v)[rnd_below(r, sizeof(v) / sizeof((v)[0]))])

/* ---- targets ---- */

struct fuzz_target {
	const char *name;
	size_t max; /* bytes of an input */
	/* Seed number i: its length and its name; SIZE_MAX past the last
	 * seed. */
	size_t (*seed)(unsigned i, uint8_t *buf, const char **name);
	/* A new input: a changed seed, or a random one. */
	size_t (*make)(uint64_t *, uint8_t *buf);
	/* Changes an input in place; returns its new length. */
	size_t (*mutate)(uint64_t *, uint8_t *buf, size_t len);
	void (*run)(const uint8_t *data, size_t len);
	/* After the last input: destroys and checks everything. True: the
	 * inputs reached both accepted and refused cases. Prints one line
	 * when `say`. */
	bool (*finish)(bool say, unsigned long inputs);
};
extern const struct fuzz_target fuzz_target;

/* Descriptors that other code in this process opens: libFuzzer's symbolizer. */
extern const unsigned fuzz_other_fds;

/* Prints one line to standard error and calls abort() (fuzz_fail.c). */
_Noreturn void fuzz_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* ---- the kernel under test (fuzz_kernel.c) ---- */

struct fuzz_kernel {
	void (*step)(void *, struct cpu_thread *, struct pmap *,
	    struct cpu_event *); /* user code */
	unsigned per_kernel;     /* inputs until it is destroyed and checked */
	uint64_t mem;            /* guest memory, bytes */
	/* After so long without a step all processes are killed. */
	uint64_t idle_ns;
	/* Fill the root directory, once; the paths are below fk->dir. */
	void (*populate)(void);
	_Atomic(uint64_t) progress; /* step() counts its calls here */

	struct vkernel *k;
	struct cpu_fake fake;
	char dir[48];     /* host directory that is /; dir/rw is /rw */
	unsigned inputs;  /* of this kernel */
	unsigned fds;     /* open in this process before the first */
	unsigned kernels; /* destroyed and found clean */
	unsigned kicked;  /* inputs whose processes were killed as idle */
};
extern struct fuzz_kernel fuzz_kernel;

/* A kernel for one input. */
struct vkernel *fuzz_kernel_get(void);
/*
 * Waits until no process is left; kills all when none has made a step for
 * idle_ns. Returns the status of `pid`.
 */
int fuzz_kernel_wait(int pid);
/* Destroys the kernel and checks; with `last` also removes the directory. */
void fuzz_kernel_done(bool last);
/* Writes a file below the root. */
void fuzz_file(const char *name, const void *data, size_t len, unsigned mode);
void fuzz_remove(const char *name);

#endif /* FUZZ_FUZZ_H */
