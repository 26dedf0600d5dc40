/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory policies.
 * Source: set_mempolicy(2), get_mempolicy(2), mbind(2), move_pages(2),
 * include/uapi/linux/mempolicy.h.
 */
#ifndef ABI_MEMPOLICY_H
#define ABI_MEMPOLICY_H

#define LX_MPOL_DEFAULT 0
#define LX_MPOL_PREFERRED 1
#define LX_MPOL_BIND 2
#define LX_MPOL_INTERLEAVE 3
#define LX_MPOL_LOCAL 4
#define LX_MPOL_PREFERRED_MANY 5
#define LX_MPOL_WEIGHTED_INTERLEAVE 6
#define LX_MPOL_MAX 7 /* no mode */

/* Flags of a mode. */
#define LX_MPOL_F_STATIC_NODES 0x8000
#define LX_MPOL_F_RELATIVE_NODES 0x4000
#define LX_MPOL_F_NUMA_BALANCING 0x2000

/* get_mempolicy */
#define LX_MPOL_F_NODE 1
#define LX_MPOL_F_ADDR 2
#define LX_MPOL_F_MEMS_ALLOWED 4

/* mbind, move_pages */
#define LX_MPOL_MF_STRICT 1
#define LX_MPOL_MF_MOVE 2
#define LX_MPOL_MF_MOVE_ALL 4

#endif /* ABI_MEMPOLICY_H */
