/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The pmap of an embedder: translations are given to the embedder's callbacks.
 */
#ifndef MACHINE_MMU_PMAP_MMU_H
#define MACHINE_MMU_PMAP_MMU_H

#include "pmap/pmap.h"
#include "vmspace/vmspace.h"

extern const struct pmap_ops pmap_mmu_ops;

/* Make the `machine` argument of pmap_create().  0, ENOMEM.  The pmap takes it
 * over: pmap_destroy() frees it and destroys arg. */
int pmap_mmu_machine(const struct vmspace_mmu *, void *arg, void **machine);
/* Free a machine that no pmap has taken over; does not destroy arg. */
void pmap_mmu_machine_free(void *machine);

#endif /* MACHINE_MMU_PMAP_MMU_H */
