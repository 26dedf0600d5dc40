/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The comparison of two trials: every word of private memory in which they
 * differ is explained, or the program cannot be resident.  What makes them
 * differ is described in resident_trial.c.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/resident/resident_trial.h"
#include "host/host.h"
#include "vm/vmspace.h"

#define LOADER_SPAN ((uint64_t)1 << 20) /* of the loader's mappings */
#define TICKS_MIN 1000

static bool
kind_of(const struct resident_trial *a, const struct resident_trial *b,
    uint64_t wa, uint64_t wb, enum resident_kind *kind)
{
	const struct {
		enum resident_kind kind;
		uint64_t a, b;
	} known[] = {
	    {RP_SP, a->sp, b->sp},
	    {RP_ARGV, a->sp + 8, b->sp + 8},
	    {RP_ENVP, a->lay.envp, b->lay.envp},
	    {RP_AUXV, a->lay.auxv, b->lay.auxv},
	    {RP_RANDOM, a->lay.random, b->lay.random},
	    {RP_PLATFORM, a->lay.platform, b->lay.platform},
	    {RP_EXECFN, a->lay.execfn, b->lay.execfn},
	    {RP_ARG0, a->lay.arg0, b->lay.arg0},
	    {RP_ARG0BASE, a->lay.arg0 + TRIAL_BASE(0),
		b->lay.arg0 + TRIAL_BASE(1)},
	    {RP_ENTRY, a->trap, b->trap},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (wa == known[i].a && wb == known[i].b) {
			*kind = known[i].kind;
			return (true);
		}
	return (false);
}

static int
patch_add(struct resident_image *ri, vm_offset_t at, enum resident_kind kind)
{
	if (ri->npatches == RESIDENT_PATCHES)
		return (ENOEXEC);
	ri->patch[ri->npatches++] =
	    (struct resident_patch){.at = at, .kind = kind};
	return (0);
}

/* EBX of CPUID leaf 1 without the number of the CPU that executed it. */
static bool
is_cpu(uint32_t ha, uint32_t hb)
{
	unsigned eax, ebx = 0, ecx, edx;

	return (((ha ^ hb) & 0xffffff) == 0 &&
		__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 &&
		((ha ^ ebx) & 0xffffff) == 0);
}

/* 32 bits that differ: a count or a number. */
static int
explain_half(
    struct resident_image *ri, vm_offset_t at, uint32_t ha, uint32_t hb)
{
	if (ha == hb || is_cpu(ha, hb))
		return (0);
	if (ha == trial_argc[0] && hb == trial_argc[1])
		return (patch_add(ri, at, RP_ARGC));
	if (ha == (uint32_t)trial_tid[0] && hb == (uint32_t)trial_tid[1])
		return (patch_add(ri, at, RP_TID));
	return (ENOEXEC);
}

/* Times that the loader stores in its own data: the value of the machine's
 * clock at some moment of the trial, or the number of ticks that an action
 * took. */
static bool
is_time(const struct resident_trial *a, const struct resident_trial *b,
    vm_offset_t at, uint64_t wa, uint64_t wb)
{
	if (at < b->prog.base || at - b->prog.base >= LOADER_SPAN)
		return (false);
	if (wa >= a->tsc[0] && wa <= a->tsc[1] && wb >= b->tsc[0] &&
	    wb <= b->tsc[1])
		return (true);
	return (wa <= a->tsc[1] - a->tsc[0] && wb <= b->tsc[1] - b->tsc[0] &&
		wa > TICKS_MIN && wb > TICKS_MIN);
}

static int
explain(struct resident_trial *a, struct resident_trial *b, vm_offset_t at,
    uint64_t wa, uint64_t wb)
{
	enum resident_kind kind;
	int error;

	if (wa == wb)
		return (0);
	if (kind_of(a, b, wa, wb, &kind))
		return (patch_add(b->ri, at, kind));
	/* Pointers into frames of functions that have returned. */
	if (wa >= a->stack_lo && wa < a->sp && wb >= b->stack_lo && wb < b->sp)
		return (0);
	if (is_time(a, b, at, wa, wb))
		return (0);
	error = explain_half(b->ri, at, (uint32_t)wa, (uint32_t)wb);
	if (error == 0)
		error = explain_half(
		    b->ri, at + 4, (uint32_t)(wa >> 32), (uint32_t)(wb >> 32));
	return (error);
}

static int
compare_page(struct resident_trial *a, struct resident_trial *b, vm_offset_t va)
{
	uint64_t pa[PAGE_SIZE / 8], pb[PAGE_SIZE / 8];
	size_t done;
	int error;

	if ((va >= a->stack_lo && va < a->stack_hi) ||
	    (va >= b->stack_lo && va < b->stack_hi))
		return (0);
	error =
	    vm_pread(a->p->vmspace, pa, sizeof(pa), va, VM_FAULT_FORCE, &done);
	if (error == 0)
		error = vm_pread(
		    b->p->vmspace, pb, sizeof(pb), va, VM_FAULT_FORCE, &done);
	if (error != 0)
		return (trial_refuse(
		    b, "page %#llx exists in one trial only", va, 0));
	for (size_t i = 0; i < PAGE_SIZE / 8; i++)
		if (explain(a, b, va + i * 8, pa[i], pb[i]) != 0) {
			(void)trial_refuse(b,
			    "the word at %#llx differs between two trials",
			    va + i * 8, 0);
			klog(&b->img->k->log, KLOG_INFO,
			    "resident %s: %#llx: %#llx, %#llx", b->img->path,
			    (unsigned long long)(va + i * 8),
			    (unsigned long long)pa[i],
			    (unsigned long long)pb[i]);
			return (ENOEXEC);
		}
	return (0);
}

/* Compare all private pages that either of them has. */
static int
compare_all(struct resident_trial *a, struct resident_trial *b)
{
	struct vmspace *vms[2] = {a->p->vmspace, b->p->vmspace};
	vm_offset_t *va;
	size_t n;
	int error;

	b->ri->npatches = 0;
	for (int v = 0; v < 2; v++) {
		error = vmspace_private_pages(vms[v], &va, &n);
		if (error != 0)
			return (error);
		for (size_t i = 0; i < n && error == 0; i++)
			/* The second time only the pages that the first does
			 * not have. */
			if (v == 0 || !vmspace_private_page(vms[0], va[i]))
				error = compare_page(a, b, va[i]);
		free(va);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* exec_loaded.tid_at has room for one place: a process that vkernel_spawn() is
 * making has no number at exec, and stores it there when it starts. */
static int
check_tid(struct resident_trial *b)
{
	const struct resident_image *ri = b->ri;
	unsigned n = 0;

	for (unsigned i = 0; i < ri->npatches; i++)
		n += ri->patch[i].kind == RP_TID;
	return (n <= 1 ? 0
		       : trial_refuse(b,
			     "its loader stores the thread id in %llu places",
			     n, 0));
}

int
trial_compare(struct resident_trial *a, struct resident_trial *b)
{
	int error = compare_all(a, b);

	return (error != 0 ? error : check_tid(b));
}
