/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A guest that has taken over its stub: it jumps to the system calls of the
 * stub program with registers of its own.
 */
#ifndef TESTS_UNIT_STUB_SITES_H
#define TESTS_UNIT_STUB_SITES_H

#include "stub_fixture.h"

#define SITE_MARK 39 /* a system call of the guest, after the site's */

enum site_result {
	SITE_TRAPPED,  /* the filter raised SIGSYS */
	SITE_RETURNED, /* the host made the call */
	SITE_KILLED,   /* the stub was killed */
	SITE_OTHER,
};

/* Address of a symbol of the stub program. */
uint64_t site_address(const char *name);
/* A thread for site_call(). */
struct cpu_thread *site_thread(struct env *);
/* Make system call `nr` at the site, which is the address after its syscall
 * instruction.  *value: what the host returned. */
enum site_result site_call(struct env *, struct cpu_thread *, uint64_t site,
    uint64_t nr, const uint64_t arg[6], int64_t *value);

#endif /* TESTS_UNIT_STUB_SITES_H */
