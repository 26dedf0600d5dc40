/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A pmap for embedders with an MMU of their own (an emulator): the machine is
 * a set of callbacks, and a translation is a pointer into the arena.
 *
 * Concepts: the contract is that of any machine (pmap.h), with its visibility
 * rule: between `remove` and `sync` the embedder may still use a removed
 * translation, after `sync` it may not.  An emulator with threads therefore
 * has to stop them, or make them read their tables again, in `sync` only.
 * A copy of an address space has a table of its own: the callback `fork`
 * makes an empty one, which faults fill.  Where there is no such callback, the
 * copy borrows the parent's table.
 *
 * Locking: `enter`, `remove` and `protect` are called with the pmap lock held.
 *
 * Limits: protections are passed on unchanged: VM_PROT_* and the host's PROT_*
 * have the same values.
 */
#include "machine/mmu/pmap_mmu.h"

#include <errno.h>
#include <stdlib.h>

#include "libk/kassert.h"

struct pmap_mmu {
	const struct vmspace_mmu *ops; /* [I] */
	void *arg;                     /* [I] */
	bool borrowed; /* [I] arg belongs to the parent's pmap */
};

int
pmap_mmu_machine(const struct vmspace_mmu *ops, void *arg, void **machine)
{
	struct pmap_mmu *mmu = malloc(sizeof(*mmu));

	if (mmu == NULL)
		return (ENOMEM);
	mmu->ops = ops;
	mmu->arg = arg;
	mmu->borrowed = false;
	*machine = mmu;
	return (0);
}

void
pmap_mmu_machine_free(void *machine)
{
	free(machine);
}

static void
mmu_unfork(void *machine)
{
	struct pmap_mmu *mmu = machine;

	if (mmu->ops->fork != NULL && mmu->ops->destroy != NULL)
		mmu->ops->destroy(mmu->arg);
	free(mmu);
}

static int
mmu_init(struct pmap *pm, void *machine)
{
	pm->md = machine;
	return (0);
}

static void
mmu_release(struct pmap *pm)
{
	struct pmap_mmu *mmu = pm->md;

	if (mmu->borrowed) {
		free(mmu);
		return;
	}
	mmu->ops->remove(
	    mmu->arg, VM_MIN_ADDRESS, VM_MAX_ADDRESS - VM_MIN_ADDRESS);
	mmu->ops->sync(mmu->arg);
	if (mmu->ops->destroy != NULL)
		mmu->ops->destroy(mmu->arg);
	free(mmu);
}

static void
mmu_map(struct pmap *pm, vm_offset_t va, vm_frame_t frame, unsigned npages,
    vm_prot_t prot, bool replaces)
{
	struct pmap_mmu *mmu = pm->md;
	struct vm_phys *ph = pm->sys->phys;

	mmu->ops->enter(mmu->arg, va, npages * PAGE_SIZE,
	    vm_page_ptr(ph, vm_phys_page(ph, frame)), (int)prot);
}

static void
mmu_unmap(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	struct pmap_mmu *mmu = pm->md;

	mmu->ops->remove(mmu->arg, sva, eva - sva);
}

static void
mmu_protect(struct pmap *pm, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot)
{
	struct pmap_mmu *mmu = pm->md;

	mmu->ops->protect(mmu->arg, sva, eva - sva, (int)prot);
}

static void
mmu_sync(struct pmap *pm)
{
	struct pmap_mmu *mmu = pm->md;

	mmu->ops->sync(mmu->arg);
}

static int
mmu_fork(struct pmap *parent, void **machine)
{
	struct pmap_mmu *mmu = parent->md;
	void *arg = mmu->arg;
	int error;

	if (mmu->ops->fork != NULL) {
		error = mmu->ops->fork(mmu->arg, &arg);
		if (error != 0)
			return (error);
	}
	error = pmap_mmu_machine(mmu->ops, arg, machine);
	if (error != 0)
		goto fail;
	((struct pmap_mmu *)*machine)->borrowed = mmu->ops->fork == NULL;
	return (0);
fail:
	if (mmu->ops->fork != NULL && mmu->ops->destroy != NULL)
		mmu->ops->destroy(arg);
	return (error);
}

const struct pmap_ops pmap_mmu_ops = {
    .name = "mmu",
    .init = mmu_init,
    .release = mmu_release,
    .map = mmu_map,
    .unmap = mmu_unmap,
    .protect = mmu_protect,
    .sync = mmu_sync,
    .fork = mmu_fork,
    .unfork = mmu_unfork,
};
