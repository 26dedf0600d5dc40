/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The software pmap: tables without a machine.
 *
 * Purpose: unit and model tests, kernels on cpu_fake, and the baseline of the
 * engine benchmarks.  No CPU has translations of its own, so that every
 * operation, sync included, has nothing to do.
 */
#include "machine/fake/pmap_soft.h"

static int
soft_init(struct pmap *pm, void *machine)
{
	return (0);
}

static void
soft_release(struct pmap *pm)
{
}

static void
soft_map(struct pmap *pm, vm_offset_t va, vm_frame_t frame, unsigned npages,
    vm_prot_t prot, bool replaces)
{
}

static void
soft_unmap(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
}

static void
soft_protect(struct pmap *pm, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot)
{
}

/* True: no machine has to follow the change. */
static bool
soft_rebuild(struct pmap *pm, uint64_t count)
{
	return (true);
}

static void
soft_sync(struct pmap *pm)
{
}

const struct pmap_ops pmap_soft_ops = {
    .name = "soft",
    .init = soft_init,
    .release = soft_release,
    .map = soft_map,
    .unmap = soft_unmap,
    .protect = soft_protect,
    .rebuild = soft_rebuild,
    .sync = soft_sync,
};
