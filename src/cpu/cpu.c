/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The cpu contract: dispatch to the back-end, and the checks that are common to
 * all back-ends.
 *
 * Concepts: register contents come from guests (sigreturn, ptrace), so that
 * cpu_run() sanitises them before a machine uses them.  Flags are masked to
 * those that user code may set.  An instruction pointer outside the user half
 * of the address space is a general protection fault of the guest, and the
 * machine does not run.  A segment base outside the user half becomes 0.
 *
 * Locking and lifetime: a cpu_thread belongs to one host thread.  Other threads
 * may call only cpu_interrupt(), while the cpu_thread exists.
 */
#include "cpu/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/signal.h"
#include "libk/kassert.h"

#define USER_END (UINT64_C(1) << 47)
#define TRAP_GP 13

int
cpu_thread_create(
    const struct cpu_ops *ops, void *machine, struct cpu_thread **out)
{
	struct cpu_thread *ct;
	int error;

	ct = calloc(1, sizeof(*ct));
	if (ct == NULL)
		return (ENOMEM);
	ct->ops = ops;
	ct->machine = machine;
	ct->tf.rflags = TF_RFLAGS_FIXED;
	ct->tf.orig_rax = UINT64_MAX;
	error = ops->thread_create(ct);
	if (error != 0) {
		free(ct);
		return (error);
	}
	*out = ct;
	return (0);
}

void
cpu_thread_destroy(struct cpu_thread *ct)
{
	ct->ops->thread_destroy(ct);
	free(ct);
}

int
cpu_run(struct cpu_thread *ct, struct pmap *pmap, struct cpu_event *ev)
{
	struct trapframe *tf = &ct->tf;

	memset(ev, 0, sizeof(*ev));
	tf->rflags = (tf->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	if (tf->fs_base >= USER_END)
		tf->fs_base = 0;
	if (tf->gs_base >= USER_END)
		tf->gs_base = 0;
	if (tf->rip >= USER_END) {
		ev->type = CPU_EV_EXCEPTION;
		ev->signo = LX_SIGSEGV;
		ev->code = LX_SI_KERNEL;
		ev->trapno = TRAP_GP;
		return (0);
	}
	return (ct->ops->run(ct, pmap, ev));
}

void
cpu_interrupt(struct cpu_thread *ct)
{
	ct->ops->interrupt(ct);
}

void
cpu_unbind(struct cpu_thread *ct)
{
	ct->ops->unbind(ct);
}

int
cpu_share(struct cpu_thread *child, struct cpu_thread *parent)
{
	KASSERT(child->ops == parent->ops);
	return (child->ops->share(child, parent));
}

int
cpu_prepare(struct cpu_thread *ct, struct pmap *pmap)
{
	return (ct->ops->prepare(ct, pmap));
}

size_t
cpu_xstate_size(struct cpu_thread *ct)
{
	return (ct->ops->xstate_size(ct));
}

int
cpu_xstate_get(struct cpu_thread *ct, void *buf, size_t size)
{
	return (ct->ops->xstate_get(ct, buf, size));
}

int
cpu_xstate_set(struct cpu_thread *ct, const void *buf, size_t size)
{
	return (ct->ops->xstate_set(ct, buf, size));
}

int
cpu_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src)
{
	KASSERT(dst->ops == src->ops);
	return (dst->ops->xstate_copy(dst, src));
}

void
cpu_xstate_reset(struct cpu_thread *ct)
{
	/* Back-ends accept NULL for the state after exec, without failure. */
	KVERIFY(ct->ops->xstate_set(ct, NULL, 0) == 0);
}

uint64_t
cpu_vdso(const struct cpu_ops *ops, void *machine)
{
	return (ops->vdso(machine));
}

void
cpu_bind(struct cpu_thread *ct, const uint8_t cpus[CPU_MAX / 8])
{
	uint64_t word;

	if (cpus == NULL) {
		atomic_store(&ct->bound, false);
		return;
	}
	for (unsigned i = 0; i < CPU_MAX / 64; i++) {
		memcpy(&word, cpus + i * sizeof(word), sizeof(word));
		atomic_store(&ct->cpus[i], word);
	}
	atomic_store_explicit(&ct->bound, true, memory_order_release);
}

void
cpu_bind_as(struct cpu_thread *ct, struct cpu_thread *other)
{
	for (unsigned i = 0; i < CPU_MAX / 64; i++)
		atomic_store(&ct->cpus[i], atomic_load(&other->cpus[i]));
	atomic_store(&ct->bound, atomic_load(&other->bound));
}
