/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory policies and nodes, of a machine with one node of memory.
 *
 * Concepts.  A policy is its mode and the flags of that, in 16 bits; 0 is the
 * default.  A mode with nodes has node 0, since there is no other.  So a policy
 * changes no placement, and is stored to be reported: that of a thread in the
 * lwp, that of a range in its map entries.
 *
 * Limits.  Sets of nodes have NODES bits; a set bit beyond is EINVAL.  With the
 * flags STATIC_NODES and RELATIVE_NODES, what is reported is node 0, not the
 * set that the caller gave.
 */
#include <errno.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/mempolicy.h"
#include "kern/base/access.h"
#include "linux/lib/sys_int.h"
#include "linux/mem/sys_mem.h"
#include "mem/kmem.h"

#define NODES 64 /* that a set can name */
#define NODE0 UINT64_C(1)
#define PIECE 512 /* pages of move_pages at a time */
#define MODE_FLAGS                                           \
	(LX_MPOL_F_STATIC_NODES | LX_MPOL_F_RELATIVE_NODES | \
	    LX_MPOL_F_NUMA_BALANCING)

sys_fn sys_mbind, sys_set_mempolicy, sys_get_mempolicy, sys_migrate_pages,
    sys_move_pages, sys_set_mempolicy_home_node;

/* ---- sets of nodes ---- */

/* Copy in a set of maxnode - 1 bits.  EINVAL, EFAULT. */
static int
nodes_get(struct lwp *l, uint64_t uaddr, uint64_t maxnode, uint64_t *nodes)
{
	const uint64_t bits = maxnode - 1;
	uint64_t word;
	int error = 0;

	*nodes = 0;
	if (bits == 0 || uaddr == 0)
		return (0);
	if (bits > PAGE_SIZE * 8)
		return (EINVAL);
	for (uint64_t at = 0; error == 0 && at < bits; at += 64) {
		if (copyin(lwp_vmspace(l), &word, uaddr + at / 8,
			sizeof(word)) != 0)
			return (EFAULT);
		if (bits - at < 64)
			word &= (NODE0 << (bits - at)) - 1;
		if (at == 0)
			*nodes = word;
		else if (word != 0)
			error = EINVAL;
	}
	return (error);
}

/* Copy out a set, as long as the caller's.  EINVAL, EFAULT. */
static int
nodes_put(struct lwp *l, uint64_t uaddr, uint64_t maxnode, uint64_t nodes)
{
	uint64_t bytes = (maxnode - 1 + 63) / 64 * 8;

	if (bytes > PAGE_SIZE)
		return (EINVAL);
	if (bytes > sizeof(nodes) &&
	    copyout_zero(lwp_vmspace(l), uaddr + sizeof(nodes),
		bytes - sizeof(nodes)) != 0)
		return (EFAULT);
	if (bytes == 0)
		return (0);
	return (copyout(lwp_vmspace(l), &nodes, uaddr, sizeof(nodes)) != 0
		    ? EFAULT
		    : 0);
}

/* ---- policies ---- */

/* The policy of a mode with flags and nodes.  EINVAL. */
static int
policy_make(unsigned mode, uint64_t nodes, uint16_t *policy)
{
	const unsigned sets = LX_MPOL_F_STATIC_NODES | LX_MPOL_F_RELATIVE_NODES;
	unsigned flags = mode & MODE_FLAGS;

	mode &= ~(unsigned)MODE_FLAGS;
	if (mode == LX_MPOL_DEFAULT || mode == LX_MPOL_LOCAL) {
		if (nodes != 0 ||
		    (mode == LX_MPOL_LOCAL && (flags & sets) != 0))
			return (EINVAL);
		*policy =
		    (uint16_t)(mode != LX_MPOL_DEFAULT ? mode | flags : 0);
		return (0);
	}
	if (nodes == 0) {
		if (mode != LX_MPOL_PREFERRED || (flags & sets) != 0)
			return (EINVAL);
		mode = LX_MPOL_LOCAL;
	} else if ((flags & LX_MPOL_F_RELATIVE_NODES) == 0 &&
		   (nodes & NODE0) == 0)
		return (EINVAL); /* none of them exists */
	*policy = (uint16_t)(mode | flags);
	return (0);
}

/* Decode the three arguments of a policy.  EINVAL, EFAULT. */
static int
policy_get(struct lwp *l, uint64_t amode, uint64_t uaddr, uint64_t maxnode,
    uint16_t *policy)
{
	const unsigned mode = (unsigned)amode,
		       plain = mode & ~(unsigned)MODE_FLAGS;
	const unsigned sets = LX_MPOL_F_STATIC_NODES | LX_MPOL_F_RELATIVE_NODES;
	uint64_t nodes;
	int error;

	if (plain >= LX_MPOL_MAX || (mode & sets) == sets ||
	    ((mode & LX_MPOL_F_NUMA_BALANCING) != 0 && plain != LX_MPOL_BIND &&
		plain != LX_MPOL_PREFERRED_MANY))
		return (EINVAL);
	error = nodes_get(l, uaddr, maxnode, &nodes);
	return (error != 0 ? error : policy_make(mode, nodes, policy));
}

static bool
policy_has_nodes(uint16_t policy)
{
	unsigned mode = policy & ~(unsigned)MODE_FLAGS;

	return (mode != LX_MPOL_DEFAULT && mode != LX_MPOL_LOCAL);
}

int
sys_set_mempolicy(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint16_t policy;
	int error;

	error = policy_get(l, a[0], a[1], a[2], &policy);
	if (error == 0)
		l->mempolicy = policy;
	return (error);
}

/* The answer to MPOL_F_NODE: a node. */
static int
next_node(struct lwp *l, uint64_t addr, uint64_t flags, uint16_t policy)
{
	unsigned mode = policy & ~(unsigned)MODE_FLAGS;
	uint8_t byte;

	/* The page is brought in, as on Linux. */
	if ((flags & LX_MPOL_F_ADDR) != 0)
		return (copyin(lwp_vmspace(l), &byte, addr, 1));
	return (
	    mode == LX_MPOL_INTERLEAVE || mode == LX_MPOL_WEIGHTED_INTERLEAVE
		? 0
		: EINVAL);
}

int
sys_get_mempolicy(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t umode = a[0], unodes = a[1], maxnode = a[2], addr = a[3];
	const uint64_t flags = a[4];
	uint16_t policy = l->mempolicy;
	uint64_t nodes = NODE0;
	int32_t mode = 0;
	int error = 0;

	if ((unodes != 0 && maxnode < 1) ||
	    (flags & ~(uint64_t)(LX_MPOL_F_NODE | LX_MPOL_F_ADDR |
				 LX_MPOL_F_MEMS_ALLOWED)) != 0)
		return (EINVAL);
	if ((flags & LX_MPOL_F_MEMS_ALLOWED) != 0) {
		if ((flags & (LX_MPOL_F_NODE | LX_MPOL_F_ADDR)) != 0)
			return (EINVAL);
	} else {
		if ((flags & LX_MPOL_F_ADDR) != 0)
			error = vm_get_policy(lwp_vmspace(l), addr, &policy);
		else if (addr != 0)
			error = EINVAL;
		if (error == 0 && (flags & LX_MPOL_F_ADDR) != 0 && policy == 0)
			policy = l->mempolicy;
		if (error == 0 && (flags & LX_MPOL_F_NODE) != 0)
			error = next_node(l, addr, flags, policy);
		else
			mode = policy;
		if (!policy_has_nodes(policy))
			nodes = 0;
	}
	if (error != 0)
		return (error);
	if (umode != 0 &&
	    copyout(lwp_vmspace(l), &mode, umode, sizeof(mode)) != 0)
		return (EFAULT);
	return (unodes != 0 ? nodes_put(l, unodes, maxnode, nodes) : 0);
}

/* Whole pages.  EINVAL; *len 0: there is nothing to do. */
static int
range_check(uint64_t addr, uint64_t *len)
{
	if ((addr & PAGE_MASK) != 0 || *len > UINT64_MAX - PAGE_MASK ||
	    addr > UINT64_MAX - round_page(*len))
		return (EINVAL);
	*len = round_page(*len);
	return (0);
}

int
sys_mbind(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t flags = a[5];
	uint64_t len = a[1];
	uint16_t policy;
	int error;

	error = policy_get(l, a[2], a[3], a[4], &policy);
	if (error != 0)
		return (error);
	if ((flags & ~(uint64_t)(LX_MPOL_MF_STRICT | LX_MPOL_MF_MOVE |
				 LX_MPOL_MF_MOVE_ALL)) != 0)
		return (EINVAL);
	if ((flags & LX_MPOL_MF_MOVE_ALL) != 0 &&
	    !lwp_capable(l, LX_CAP_SYS_NICE))
		return (EPERM);
	error = range_check(a[0], &len);
	if (error != 0 || len == 0)
		return (error);
	return (vm_set_policy(lwp_vmspace(l), a[0], len, policy));
}

int
sys_set_mempolicy_home_node(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t len = a[1];
	int error;

	if ((a[0] & PAGE_MASK) != 0 || a[3] != 0 || a[2] != 0)
		return (EINVAL);
	error = range_check(a[0], &len);
	if (error != 0 || len == 0)
		return (error);
	return (vm_home_node(lwp_vmspace(l), a[0], len,
	    (1u << LX_MPOL_BIND) | (1u << LX_MPOL_PREFERRED_MANY),
	    (uint16_t)MODE_FLAGS));
}

/* ---- pages of a process ---- */

/* The address space of a process, held; 0: the caller's.  ESRCH, EPERM. */
static int
space_of(struct lwp *l, int pid, struct vmspace **vm)
{
	if (pid == 0 || pid == l->p->pid) {
		vmspace_hold(lwp_vmspace(l));
		*vm = lwp_vmspace(l);
		return (0);
	}
	return (sys_look_at(l, pid, vm));
}

int
sys_migrate_pages(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t from, to;
	struct vmspace *vm;
	int error;

	error = nodes_get(l, a[2], a[1], &from);
	if (error == 0)
		error = nodes_get(l, a[3], a[1], &to);
	if (error == 0)
		error = space_of(l, (int)a[0], &vm);
	if (error != 0)
		return (error);
	vmspace_drop(vm);
	if ((to & ~NODE0) != 0 && !lwp_capable(l, LX_CAP_SYS_NICE))
		return (EPERM);
	return ((to & NODE0) != 0 ? 0 : EINVAL);
}

/* The status of a page that the caller wants on `node`, or, below 0, of one
 * that it asks about. */
static int32_t
page_status(struct vmspace *vm, uint64_t addr)
{
	uint8_t there;
	int error;

	error = vm_mincore(vm, trunc_page(addr), PAGE_SIZE, &there);
	if (error != 0)
		return (-EFAULT);
	return ((there & 1) != 0 ? 0 : -ENOENT);
}

struct moves {
	struct vmspace *vm;
	uint64_t pages, nodes,
	    status; /* arrays of the caller; nodes may be 0 */
};

/* n of the pages, from number `at` on, through buffers. */
static int
move_piece(struct lwp *l, const struct moves *m, uint64_t at, uint64_t n,
    uint64_t *addr, int32_t *val)
{
	int error;

	if (copyin(lwp_vmspace(l), addr, m->pages + at * sizeof(*addr),
		n * sizeof(*addr)) != 0)
		return (EFAULT);
	if (m->nodes != 0) {
		if (copyin(lwp_vmspace(l), val, m->nodes + at * sizeof(*val),
			n * sizeof(*val)) != 0)
			return (EFAULT);
		for (uint64_t i = 0; i < n; i++)
			if (val[i] != 0)
				return (ENODEV);
	}
	for (uint64_t i = 0; i < n; i++)
		val[i] = page_status(m->vm, addr[i]);
	error = copyout(lwp_vmspace(l), val, m->status + at * sizeof(*val),
	    n * sizeof(*val));
	return (error != 0 ? EFAULT : 0);
}

static int
move_all(struct lwp *l, const struct moves *m, uint64_t count)
{
	uint64_t *addr = kmem_alloc(PIECE * sizeof(*addr)), n;
	int32_t *val = kmem_alloc(PIECE * sizeof(*val));
	int error = addr != NULL && val != NULL ? 0 : ENOMEM;

	for (uint64_t at = 0; error == 0 && at < count && !lwp_killed(l);
	     at += n) {
		n = count - at < PIECE ? count - at : PIECE;
		error = move_piece(l, m, at, n, addr, val);
	}
	kmem_free(addr);
	kmem_free(val);
	return (error);
}

int
sys_move_pages(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct moves m = {.pages = a[2], .nodes = a[3], .status = a[4]};
	const int flags = (int)a[5];
	int error;

	if ((flags & ~(LX_MPOL_MF_MOVE | LX_MPOL_MF_MOVE_ALL)) != 0)
		return (EINVAL);
	if ((flags & LX_MPOL_MF_MOVE_ALL) != 0 &&
	    !lwp_capable(l, LX_CAP_SYS_NICE))
		return (EPERM);
	if (a[1] > UINT64_MAX / sizeof(uint64_t) / 2)
		return (EFAULT);
	error = space_of(l, (int)a[0], &m.vm);
	if (error != 0)
		return (error);
	error = move_all(l, &m, a[1]);
	vmspace_drop(m.vm);
	return (error);
}
