/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The software pmap: tables without a machine.
 */
#ifndef MACHINE_FAKE_PMAP_SOFT_H
#define MACHINE_FAKE_PMAP_SOFT_H

#include "pmap/pmap.h"

extern const struct pmap_ops pmap_soft_ops; /* `machine` is ignored */

#endif /* MACHINE_FAKE_PMAP_SOFT_H */
