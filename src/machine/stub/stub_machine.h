/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: host processes that run user code natively.  One machine
 * per kernel instance; it supplies pmap_stub_ops and cpu_stub_ops with their
 * `machine` argument.  Theory: docs/stub.md and stub_machine.c.
 */
#ifndef MACHINE_STUB_STUB_MACHINE_H
#define MACHINE_STUB_STUB_MACHINE_H

#include "cpu/cpu.h"
#include "pmap/pmap.h"

struct stub_machine;

/*
 * What a guest that has taken over its stub can map: any frame of the arena, or
 * the frames of its own pmap.
 */
enum stub_isolation {
	STUB_ISOLATE_AUTO, /* STUB_ISOLATE_DEFAULT, if the host offers it */
	STUB_ISOLATE_SANDBOX,
	STUB_ISOLATE_PROCESS,
};

struct stub_machine_stats {
	uint64_t maps, unmaps, protects; /* host calls made in stubs */
	uint64_t handovers;              /* kernel -> user switches */
	uint64_t spins;                  /* of them, answered while spinning */
	uint64_t stubs_created, stubs_live, resets;
	uint64_t refused; /* calls of stubs that were not ordered */
	bool isolates;    /* in mode STUB_ISOLATE_PROCESS */
};

extern const struct pmap_ops pmap_stub_ops;
extern const struct cpu_ops cpu_stub_ops;

/*
 * Start the machine for a vm_system whose arena exists.  It gets ready while
 * the caller goes on.
 * - 0; ENOMEM, EMFILE.
 */
int stub_machine_create(
    struct vm_system *, enum stub_isolation, struct stub_machine **);
/*
 * Wait until the machine is ready, or return why it cannot be.
 * - 0; ENOMEM, EMFILE, EPERM/ENOSYS (no seccomp), EACCES (image cannot be
 *   executed), ENOTSUP: the host does not offer STUB_ISOLATE_PROCESS.  One log
 *   line says what the host refused.
 */
int stub_machine_wait(struct stub_machine *);
/* No pmap or cpu_thread of it may be left.  Kills and reaps every process. */
void stub_machine_destroy(struct stub_machine *);
void stub_machine_stats(struct stub_machine *, struct stub_machine_stats *);

#endif /* MACHINE_STUB_STUB_MACHINE_H */
