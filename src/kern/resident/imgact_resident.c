/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * exec from a resident image: a copy instead of a load.
 *
 * The copy has everything of the image but a stack.  It gets a stack at a new
 * random address, made as for any exec.  Then the words in which loader and
 * constructors have stored addresses of the old stack are changed
 * (resident_trial.c knows them), and the canary of the stack protector is drawn
 * anew: no frame with the old canary is left.  The registers are those that the
 * loader had at the entry.
 *
 * Pages are copied only for the words that change; all others stay shared with
 * the image until the program writes to them.
 */
#include <errno.h>
#include <string.h>

#include "abi/resource.h"
#include "kern/resident/resident.h"
#include "host/host.h"
#include "vm/vmspace.h"
#include "libk/kassert.h"

#define CANARY_OFF 0x28 /* from fs_base, where the compiler looks for it */

/* A place for the stack that leaves the mappings of the image the room that
 * exec would have left them. */
static void
place_stack(struct exec_image *img)
{
	struct vmspace *vm = img->vm;
	const uint64_t gap = exec_stack_gap(vm->stack_limit);
	const vm_offset_t top = exec_stack_top(img);

	if (top - gap - STACK_GUARD >= vm->mmap_top)
		vm->stack_top = top;
}

static uint64_t
patch_value(const struct exec_image *img, enum resident_kind kind)
{
	const struct exec_layout *l = &img->lay;
	const char *arg0 = img->args.argv[0], *base = strrchr(arg0, '/');

	switch (kind) {
	case RP_SP:
		return (img->sp);
	case RP_ARGV:
		return (img->sp + 8);
	case RP_ENVP:
		return (l->envp);
	case RP_AUXV:
		return (l->auxv);
	case RP_RANDOM:
		return (l->random);
	case RP_PLATFORM:
		return (l->platform);
	case RP_EXECFN:
		return (l->execfn);
	case RP_ARG0:
		return (l->arg0);
	case RP_ARG0BASE:
		return (l->arg0 + (base != NULL ? base + 1 - arg0 : 0));
	case RP_ENTRY:
		return (img->prog.aentry);
	case RP_ARGC:
		return (img->args.argc);
	case RP_TID:
		return ((uint64_t)pidns_own(img->p));
	}
	return (0);
}

static int
patch_put(struct vmspace *vm, vm_offset_t at, const void *val, size_t len)
{
	size_t done;

	return (vm_pwrite(vm, val, len, at, VM_FAULT_FORCE, &done));
}

static int
patch_all(struct exec_image *img, const struct resident_image *ri)
{
	uint64_t val;
	int error;

	for (unsigned i = 0; i < ri->npatches; i++) {
		const struct resident_patch *p = &ri->patch[i];

		val = patch_value(img, p->kind);
		error = patch_put(img->vm, p->at, &val,
		    p->kind == RP_ARGC || p->kind == RP_TID ? 4 : 8);
		if (error != 0)
			return (error);
	}
	if (!ri->canary)
		return (0);
	/* As the C library makes it: its lowest byte is 0, so that no string
	 * contains it. */
	memcpy(&val, img->random, sizeof(val));
	val &= ~(uint64_t)0xff;
	return (patch_put(
	    img->vm, ri->loaded.fs_base + CANARY_OFF, &val, sizeof(val)));
}

int
imgact_resident(struct exec_image *img)
{
	const uint64_t data = proc_rlimit_cur(img->p, LX_RLIMIT_DATA);
	const uint64_t as = proc_rlimit_cur(img->p, LX_RLIMIT_AS);
	const uint64_t memlock = proc_rlimit_cur(img->p, LX_RLIMIT_MEMLOCK);
	struct resident_image *ri = resident_get(img);
	int error;

	if (ri == NULL)
		return (ENOEXEC);
	error = vmspace_fork(ri->vm, &img->vm);
	if (error != 0)
		goto fail;
	vm_map_lock(&img->vm->map);
	place_stack(img);
	img->vm->data_limit = data;
	img->vm->map.as_limit = as;
	img->vm->map.lock_limit = memlock;
	vm_map_unlock(&img->vm->map);
	img->prog = ri->prog;
	img->entry = ri->prog.aentry;
	error = exec_stack(img);
	if (error != 0)
		goto fail_vm;
	error = patch_all(img, ri);
	if (error != 0)
		goto fail_vm;
	img->resident = true;
	img->loaded = ri->loaded;
	resident_free(ri);
	return (0);
fail_vm:
	vmspace_free(img->vm);
	img->vm = NULL;
fail:
	resident_free(ri);
	/* A cold start may still succeed. */
	return (error == E2BIG ? E2BIG : ENOEXEC);
}
