/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The machine of pmap_mmu_ops: callbacks of an embedder.
 */
#ifndef MACHINE_MMU_PMAP_MMU_H
#define MACHINE_MMU_PMAP_MMU_H

#include "pmap/pmap.h"
#include "vmspace/vmspace.h"

/* The machine for pmap_create(): 0, ENOMEM.  The pmap frees it, if it comes
 * to one; arg is destroyed then, too. */
int pmap_mmu_machine(const struct vmspace_mmu *, void *arg, void **machine);
void pmap_mmu_machine_free(void *machine); /* without destroying arg */

#endif /* MACHINE_MMU_PMAP_MMU_H */
