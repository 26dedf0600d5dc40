/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The life of an address space.
 *
 * Purpose: creation, fork, references, and termination in two stages.
 *
 * Concepts: the owner of a *ref* uses the address space: a process runs in it.
 * The owner of a *hold* keeps the structure valid while it looks: procfs, the
 * debugger, statistics.  Both are counted in one atomic word (vm_life.c),
 * which also carries the two flags, so that each transition is one
 * compare-and-swap:
 *
 *      LIVE (refs > 0) --last free--> EXIT1 (contents are released)
 *                      --last drop--> EXIT2 (back to the zone)
 *
 * Stage 1 runs in the thread that gave up the last ref: the map is emptied
 * and marked dead, translations are removed and synced, objects released.
 * Memory comes back here, whatever third parties still hold.  That thread
 * still owns the hold that came with its ref, so stage 2 cannot start before
 * stage 1 has finished: the order needs no waiting and no extra state.
 *
 * Stage 2 runs in the thread that dropped the last hold, which may be any: it
 * unlinks the vmspace from its system, destroys pmap and map, retires the
 * generation id and gives the structure back.
 *
 * Data structures: struct vmspace lives in a type-stable zone and starts with
 * its life word.  The word is never reset by hand: between two lives it keeps
 * EXIT2 and zero holds, so that a stale pointer is refused by tryhold, and
 * vm_life_init() is the last step of making a new life.  A thread with a stale
 * pointer compares the generation id after a successful tryhold.
 *
 * Locking and lifetime: free and drop are called without locks.  Stage 1
 * takes the map lock for writing, so it waits for third parties only as long
 * as they hold that lock: one page or one entry.  sys->list_lock protects the
 * list of vmspaces; a scanner holds it while it calls tryhold.
 *
 * vmspace_fork() holds the parent's map lock while it builds the child's map;
 * the child is on the list by then, with its own map locked.
 *
 * Guarantees: each stage runs exactly once, stage 2 after stage 1.  After
 * stage 1 every operation on the vmspace returns ESRCH and a reader finds an
 * empty map, never the bytes of another process.  A failed fork leaves nothing.
 * What the stages expect is checked in release builds as well (KVERIFY).
 *
 * Limits: those of the life word, 2^27 refs.
 */
#include "vm/vmspace.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/map/vm_map_int.h"
#include "mem/vm_zone.h"

#define STACK_LIMIT_DEFAULT ((uint64_t)8 << 20)

static inline uint64_t
life_word(const struct vmspace *vm)
{
	return (atomic_load_explicit(&vm->life.w, memory_order_relaxed));
}

/* The words are those around the transition, exact unless another thread
 * changes the word at the same time. */
static inline void
life_trace(struct vm_system *sys, uint64_t id, uint64_t before, uint64_t after)
{
	ktrace(sys->trace, KT_LIFE, id, before, after);
}

void
vmspace_expect(const struct vmspace *vm, const char *call, bool ref)
{
#ifdef VMSPACE_DEBUG
	uint64_t word = vm != NULL ? life_word(vm) : 0;

	if (vm == NULL)
		kpanic("%s: NULL", call);
	if ((word & VM_LIFE_EXIT2) != 0 || vm_life_holds(&vm->life) == 0)
		kpanic("%s: the vmspace was destroyed or never created", call);
	if (ref && vm_life_refs(&vm->life) == 0)
		kpanic("%s: no ref (%u holds)", call, vm_life_holds(&vm->life));
#else
	(void)vm;
	(void)call;
	(void)ref;
#endif
}

/* from: a pmap to be like, or NULL. */
static int
alloc_like(struct vm_system *sys, const struct pmap_ops *ops, void *machine,
    struct pmap *from, struct vmspace **out)
{
	struct vmspace *vm;
	int error;

	vm = zalloc(sys->z_vmspace);
	if (vm == NULL)
		return (ENOMEM);
	_Static_assert(offsetof(struct vmspace, life) == 0, "life comes first");
	memset(
	    (char *)vm + sizeof(vm->life), 0, sizeof(*vm) - sizeof(vm->life));
	error = from != NULL ? pmap_create_like(from, &vm->pmap)
			     : pmap_create(sys, ops, machine, &vm->pmap);
	if (error != 0) {
		zfree(sys->z_vmspace, vm);
		return (error);
	}
	vm->sys = sys;
	vm->id = atomic_fetch_add(&sys->next_id, 1);
	vm_map_init(&vm->map, sys, vm->pmap, VM_MIN_ADDRESS, VM_MAX_ADDRESS);
	vm->mmap_top = VM_MAX_ADDRESS;
	vm->stack_limit = STACK_LIMIT_DEFAULT;
	vm->data_limit = UINT64_MAX;
	vm_life_init(&vm->life);
	life_trace(sys, vm->id, 0, life_word(vm));

	kmutex_lock(&sys->list_lock);
	TAILQ_INSERT_TAIL(&sys->vmspaces, vm, link);
	kmutex_unlock(&sys->list_lock);
	*out = vm;
	return (0);
}

int
vmspace_alloc_on(struct vm_system *sys, const struct pmap_ops *ops,
    void *machine, struct vmspace **out)
{
	return (alloc_like(sys, ops, machine, NULL, out));
}

int
vmspace_alloc(struct vm_system *sys, struct vmspace **out)
{
	return (vmspace_alloc_on(sys, sys->pmap_ops, sys->machine, out));
}

static void
copy_layout(struct vmspace *to, const struct vmspace *from)
{
	to->brk_start = from->brk_start;
	to->brk_end = from->brk_end;
	to->mmap_top = from->mmap_top;
	to->stack_top = from->stack_top;
	to->stack_limit = from->stack_limit;
	to->data_limit = from->data_limit;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->auxv_start = from->auxv_start;
	to->auxv_end = from->auxv_end;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	atomic_store(&to->barriers, atomic_load(&from->barriers));
}

int
vmspace_fork(struct vmspace *parent, struct vmspace **out)
{
	struct vmspace *child;
	int error;

	if (parent == NULL || out == NULL)
		return (EINVAL);
	vmspace_expect(parent, __func__, false);
	error = alloc_like(parent->sys, NULL, NULL, parent->pmap, &child);
	if (error != 0)
		return (error);
	vm_map_lock_quiet(&parent->map);
	if (parent->map.dead) {
		vm_map_unlock(&parent->map);
		vmspace_free(child);
		return (ESRCH);
	}
	vm_map_lock(&child->map);
	error = vm_map_fork(&parent->map, &child->map);
	copy_layout(child, parent);
	/* The child's first: it has no trash, the parent's may need that no
	 * lock is held. */
	vm_map_unlock(&child->map);
	vm_map_unlock(&parent->map);
	/* Other threads of the parent may run on write translations. */
	pmap_sync(parent->pmap);
	if (error != 0) {
		vmspace_free(child);
		return (error);
	}
	vm_stat_add(parent->sys, VMST_FORK, 1);
	*out = child;
	return (0);
}

void
vmspace_ref(struct vmspace *vm)
{
	uint64_t before = life_word(vm);

	vmspace_expect(vm, __func__, true);
	vm_life_ref(&vm->life);
	life_trace(vm->sys, vm->id, before, life_word(vm));
}

int
vmspace_tryref(struct vmspace *vm)
{
	uint64_t before;

	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	before = life_word(vm);
	if (!vm_life_tryref(&vm->life))
		return (ESRCH);
	life_trace(vm->sys, vm->id, before, life_word(vm));
	return (0);
}

void
vmspace_hold(struct vmspace *vm)
{
	vmspace_expect(vm, __func__, false);
	vm_life_hold(&vm->life);
}

bool
vmspace_tryhold(struct vmspace *vm)
{
	return (vm_life_tryhold(&vm->life));
}

static void
terminate_contents(struct vmspace *vm)
{
	struct vm_map *map = &vm->map;
	struct vm_map_list dead;

	KVERIFY(vm_life_exiting(&vm->life));
	KVERIFY(vm_life_refs(&vm->life) == 0);
	KVERIFY(vm_life_holds(&vm->life) > 0);
	TAILQ_INIT(&dead);
	vm_map_lock(map);
	KVERIFY(!map->dead);
	map->dead = true;
	vm_map_delete_all(map, &dead);
	vm_map_unlock(map);
	vm_map_entry_list_destroy(map, &dead);
}

static void
terminate_structure(struct vmspace *vm)
{
	struct vm_system *sys = vm->sys;
	uint64_t word = life_word(vm);

	KVERIFY((word & (VM_LIFE_EXIT1 | VM_LIFE_EXIT2)) ==
		(VM_LIFE_EXIT1 | VM_LIFE_EXIT2));
	KVERIFY(vm_life_refs(&vm->life) == 0);
	KVERIFY(vm_life_holds(&vm->life) == 0);
	KVERIFY(vm->map.dead && vm->map.nentries == 0);
	KVERIFY(vm->id != 0);
	kmutex_lock(&sys->list_lock);
	TAILQ_REMOVE(&sys->vmspaces, vm, link);
	kmutex_unlock(&sys->list_lock);
	pmap_destroy(vm->pmap);
	vm->pmap = NULL;
	vm_map_destroy(&vm->map);
	vm->id = 0;
	zfree(sys->z_vmspace, vm);
}

/* Stage 1: the caller owns the hold of the last ref.  Stage 2: no ref and no
 * hold is left.  No locks held. */
static void
vmspace_terminate(struct vmspace *vm, int stage)
{
	klock_assert_none();
	if (stage == 1)
		terminate_contents(vm);
	else
		terminate_structure(vm);
}

void
vmspace_free(struct vmspace *vm)
{
	struct vm_system *sys = vm->sys;
	uint64_t id = vm->id, before = life_word(vm);

	vmspace_expect(vm, __func__, true);
	if (!vm_life_free(&vm->life)) {
		/* Not ours any more: the word may not be read again. */
		life_trace(sys, id, before, before - 1);
		return;
	}
	life_trace(sys, id, before, life_word(vm));
	if (atomic_load(&vm->kept))
		sys->space_gone(sys->space_gone_arg, vm);
	vmspace_terminate(vm, 1);
	vmspace_drop(vm);
}

void
vmspace_drop(struct vmspace *vm)
{
	struct vm_system *sys = vm->sys;
	uint64_t id = vm->id, before = life_word(vm);

	vmspace_expect(vm, __func__, false);
	if (!vm_life_drop(&vm->life))
		return;
	life_trace(sys, id, before, VM_LIFE_EXIT1 | VM_LIFE_EXIT2);
	vmspace_terminate(vm, 2);
}
