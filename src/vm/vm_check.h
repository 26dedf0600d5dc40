/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Checks of every invariant, for tests and debugging.
 */
#ifndef VM_VM_CHECK_H
#define VM_VM_CHECK_H

#include "vm/map/vm_space.h"

/*
 * 0 or the number of broken invariants, each printed to stderr.  The system
 * must be quiescent for vm_check_system(); vm_check_vmspace() takes the map
 * lock.
 */
int vm_check_vmspace(struct vmspace *);
int vm_check_system(struct vm_system *);

#endif /* VM_VM_CHECK_H */
