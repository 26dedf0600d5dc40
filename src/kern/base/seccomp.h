/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Filters of system calls that guests install for themselves.  Theory:
 * seccomp.c.
 */
#ifndef KERN_BASE_SECCOMP_H
#define KERN_BASE_SECCOMP_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/seccomp.h"

struct lwp;
struct seccomp_filter;

/*
 * A filter of n instructions, which are copied and checked.
 * - 0 and *out, with one ref.
 * - EINVAL: no valid program; ENOMEM.
 */
int seccomp_filter_create(
    const struct lx_sock_filter *, unsigned n, struct seccomp_filter **out);
/* Drop a ref; NULL is allowed. */
void seccomp_filter_free(struct seccomp_filter *);
/* The result of a list of filters for a call: that of the strictest. */
uint32_t seccomp_filter_run(
    const struct seccomp_filter *, const struct lx_seccomp_data *);

/*
 * Install a filter on the calling lwp; with `all`, on each lwp of its process.
 * Takes over the ref of the filter, also after an error.
 * - 0.
 * - EINVAL: the lwp is in strict mode; ENOMEM: too many instructions.
 * - EAGAIN with `all`: *tid is an lwp that has other filters.
 */
int seccomp_install(struct lwp *, struct seccomp_filter *, bool all, int *tid);
/* Only read, write, exit and rt_sigreturn from now on.  EINVAL: the lwp has
 * filters. */
int seccomp_set_strict(struct lwp *);
/* LX_SECCOMP_MODE_*; filters: how many there are. */
int seccomp_mode(const struct lwp *, unsigned *filters);
/* A new lwp gets what its maker has.  Proc lock of the maker held. */
void seccomp_inherit_locked(struct lwp *maker, struct lwp *);
/* The lwp is freed. */
void seccomp_drop(struct lwp *);
/* What is to be done with the call in the registers: LX_SECCOMP_RET_*.  Own
 * host thread only. */
uint32_t seccomp_decide(struct lwp *);

#endif /* KERN_BASE_SECCOMP_H */
