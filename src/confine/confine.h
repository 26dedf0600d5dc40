/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The confinement of the kernel process: what is called before and after the
 * creation of the kernel.  Theory: confine.c.
 */
#ifndef CONFINE_CONFINE_H
#define CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmspace/vkernel.h"

enum confine_mode {
	CONFINE_AUTO,    /* what the host offers */
	CONFINE_REQUIRE, /* refuse to run with less than the core */
	CONFINE_OFF,     /* nothing: for debugging */
};

struct confine_options {
	enum confine_mode mode;
	bool user; /* --user: become uid and gid */
	uint32_t uid, gid;
};

struct confine;

/*
 * The first part.  Call it before the first thread starts and before the kernel
 * opens files of the host.
 * - The paths of the host in *config are replaced by paths that are valid
 *   afterwards; they live until confine_free().
 * - 0 and *out, which the caller frees.
 * - An errno, after a line on standard error: the kernel must not be created.
 */
int confine_start(const struct confine_options *, struct vkernel_config *config,
    struct confine **out);
/*
 * The second part: call it when the kernel has been created, before the first
 * guest code.
 * - 0; an errno, after a line on standard error: nothing may be run.
 */
int confine_finish(struct confine *);
/* One line that says what holds and what was lost, with a NUL. */
void confine_describe(const struct confine *, char *buf, size_t size);
/* NULL is allowed.  What holds stays. */
void confine_free(struct confine *);

#ifdef VMSPACE_DEBUG
/* Debug builds: try what an attacker would try who executes code in this
 * process.  `arg` names the targets (confine_probe.c).  A line for each attempt
 * goes to standard output.  Returns the number of attempts that succeeded. */
int confine_probe(struct confine *, const char *arg);
#endif

#endif /* CONFINE_CONFINE_H */
