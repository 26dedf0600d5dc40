/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Filters of system calls that guests install for themselves (seccomp(2)).
 *
 * Purpose.  Programs that sandbox themselves or their children (browsers,
 * bubblewrap, container tools) do it inside as they do on Linux.  The filters
 * hold between guests; the kernel does not rely on them.
 *
 * Concepts.  A filter is a program of classic BPF over the number and the
 * arguments of a call.  It is checked once: every jump goes forward to an
 * instruction of the program, every load is inside of its data, a word of
 * memory is stored before it is loaded, and the last instruction returns.  So
 * each run ends, after at most as many steps as there are instructions.
 *
 * Filters form a list by `prev`, newest first, which is a tree for all lwps
 * together: a fork shares its parent's list.  All filters of a list run, and
 * the strictest result counts.  Strict mode is a filter without a program.
 *
 * Locking.  A filter is immutable, and lives as long as a list has it.  The
 * pointer of an lwp changes under the lock of its process; only seccomp(2) with
 * TSYNC changes that of another lwp, and only to a list that ends with the old
 * one.  So an lwp that runs its filters without the lock uses filters that
 * stay.
 *
 * Guarantees.  A list has at most PATH_MAX_INSNS instructions, as on Linux, so
 * that a call costs a bounded time; memory is charged to the maker.
 *
 * Limits.  No listener (SECCOMP_RET_USER_NOTIF is ENOSYS, as without one), no
 * log.
 */
#include "kern/base/seccomp.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "abi/signal.h"
#include "abi/syscall.h"
#include "kern/base/lwp.h"
#include "mem/kmem.h"

#define PATH_MAX_INSNS 32768
#define PATH_COST 4 /* of a filter, besides its instructions */
#define WORDS (sizeof(struct lx_seccomp_data) / sizeof(uint32_t))

struct seccomp_filter {
	_Atomic(unsigned) refs;
	struct seccomp_filter *prev; /* own ref; set once, at installation */
	unsigned n;
	struct lx_sock_filter insn[];
};

/* Strict mode: shared by all, never freed and never written. */
static const struct seccomp_filter strict_filter;
#define STRICT_MODE ((struct seccomp_filter *)(uintptr_t)&strict_filter)

/* ---- checking a program ---- */

enum kind {
	BAD,
	PLAIN,
	WORD,
	MEMORY_LOAD,
	MEMORY_STORE,
	DIVIDE,
	SHIFT,
	JUMP,
	BRANCH,
	RETURN
};

static enum kind
kind_of_alu(uint16_t code)
{
	if (code == (LX_BPF_ALU | LX_BPF_NEG))
		return (PLAIN);
	switch (LX_BPF_OP(code)) {
	case LX_BPF_ADD:
	case LX_BPF_SUB:
	case LX_BPF_MUL:
	case LX_BPF_OR:
	case LX_BPF_AND:
	case LX_BPF_XOR:
		return (PLAIN);
	case LX_BPF_DIV:
		return ((code & LX_BPF_X) != 0 ? PLAIN : DIVIDE);
	case LX_BPF_LSH:
	case LX_BPF_RSH:
		return ((code & LX_BPF_X) != 0 ? PLAIN : SHIFT);
	default:
		return (BAD);
	}
}

static enum kind
kind_of_jump(uint16_t code)
{
	switch (LX_BPF_OP(code)) {
	case LX_BPF_JA:
		return ((code & LX_BPF_X) != 0 ? BAD : JUMP);
	case LX_BPF_JEQ:
	case LX_BPF_JGT:
	case LX_BPF_JGE:
	case LX_BPF_JSET:
		return (BRANCH);
	default:
		return (BAD);
	}
}

/* What has to be checked of an instruction. */
static enum kind
kind_of(uint16_t code)
{
	switch (code) {
	case LX_BPF_LD | LX_BPF_ABS:
		return (WORD);
	case LX_BPF_LD | LX_BPF_LEN:
	case LX_BPF_LDX | LX_BPF_LEN:
	case LX_BPF_LD | LX_BPF_IMM:
	case LX_BPF_LDX | LX_BPF_IMM:
	case LX_BPF_MISC | LX_BPF_TAX:
	case LX_BPF_MISC | LX_BPF_TXA:
		return (PLAIN);
	case LX_BPF_LD | LX_BPF_MEM:
	case LX_BPF_LDX | LX_BPF_MEM:
		return (MEMORY_LOAD);
	case LX_BPF_ST:
	case LX_BPF_STX:
		return (MEMORY_STORE);
	case LX_BPF_RET | LX_BPF_K:
	case LX_BPF_RET | LX_BPF_A:
		return (RETURN);
	}
	if (code > 0xff)
		return (BAD);
	if (LX_BPF_CLASS(code) == LX_BPF_ALU)
		return (kind_of_alu(code));
	return (LX_BPF_CLASS(code) == LX_BPF_JMP ? kind_of_jump(code) : BAD);
}

/*
 * Check instruction i of n.  stored: for each instruction the words of memory
 * that hold something on every way to it; passed on to those that follow.
 */
static bool
insn_valid(
    const struct lx_sock_filter *f, unsigned i, unsigned n, uint16_t *stored)
{
	const struct lx_sock_filter *in = &f[i];
	const unsigned left = n - i - 1; /* behind this one */
	uint16_t now = stored[i];
	enum kind kind = kind_of(in->code);

	switch (kind) {
	case BAD:
		return (false);
	case WORD:
		if (in->k % sizeof(uint32_t) != 0 ||
		    in->k >= sizeof(struct lx_seccomp_data))
			return (false);
		break;
	case MEMORY_LOAD:
	case MEMORY_STORE:
		if (in->k >= LX_BPF_MEMWORDS)
			return (false);
		if (kind == MEMORY_LOAD && (now >> in->k & 1) == 0)
			return (false);
		if (kind == MEMORY_STORE)
			now |= (uint16_t)(1u << in->k);
		break;
	case DIVIDE:
		if (in->k == 0)
			return (false);
		break;
	case SHIFT:
		if (in->k >= 32)
			return (false);
		break;
	case JUMP:
		if (in->k >= left)
			return (false);
		stored[i + 1 + in->k] &= now;
		return (true);
	case BRANCH:
		if (in->jt >= left || in->jf >= left)
			return (false);
		stored[i + 1 + in->jt] &= now;
		stored[i + 1 + in->jf] &= now;
		return (true);
	case RETURN:
		return (true);
	case PLAIN:
		break;
	}
	if (left == 0)
		return (false); /* the end would be run over */
	stored[i + 1] &= now;
	return (true);
}

static int
program_check(const struct lx_sock_filter *f, unsigned n)
{
	uint16_t *stored = kmem_alloc(n * sizeof(*stored));
	int error = 0;

	if (stored == NULL)
		return (ENOMEM);
	memset(stored, 0xff, n * sizeof(*stored));
	stored[0] = 0;
	for (unsigned i = 0; i < n && error == 0; i++)
		if (!insn_valid(f, i, n, stored))
			error = EINVAL;
	/* On Linux the last one must return, even if nothing leads to it. */
	if (error == 0 && kind_of(f[n - 1].code) != RETURN)
		error = EINVAL;
	kmem_free(stored);
	return (error);
}

int
seccomp_filter_create(
    const struct lx_sock_filter *insn, unsigned n, struct seccomp_filter **out)
{
	struct seccomp_filter *f;
	int error;

	if (n == 0 || n > LX_BPF_MAXINSNS)
		return (EINVAL);
	f = kmem_zalloc(sizeof(*f) + n * sizeof(*insn));
	if (f == NULL)
		return (ENOMEM);
	atomic_init(&f->refs, 1);
	f->n = n;
	memcpy(f->insn, insn, n * sizeof(*insn));
	error = program_check(f->insn, n);
	if (error != 0) {
		kmem_free(f);
		return (error);
	}
	*out = f;
	return (0);
}

void
seccomp_filter_free(struct seccomp_filter *f)
{
	struct seccomp_filter *prev;

	/* Not recursive: a list can be long. */
	for (; f != NULL && f != STRICT_MODE; f = prev) {
		if (atomic_fetch_sub(&f->refs, 1) != 1)
			return;
		prev = f->prev;
		kmem_free(f);
	}
}

static struct seccomp_filter *
filter_ref(struct seccomp_filter *f)
{
	if (f != NULL && f != STRICT_MODE)
		atomic_fetch_add(&f->refs, 1);
	return (f);
}

/* ---- running it ---- */

/* Registers of a run. */
struct run {
	uint32_t a, x, mem[LX_BPF_MEMWORDS];
	uint32_t data[WORDS];
};

/* False: a division by zero, which ends the run with 0. */
static bool
run_alu(struct run *r, const struct lx_sock_filter *in)
{
	const uint32_t v = (in->code & LX_BPF_X) != 0 ? r->x : in->k;

	switch (LX_BPF_OP(in->code)) {
	case LX_BPF_ADD:
		r->a += v;
		break;
	case LX_BPF_SUB:
		r->a -= v;
		break;
	case LX_BPF_MUL:
		r->a *= v;
		break;
	case LX_BPF_DIV:
		if (v == 0)
			return (false);
		r->a /= v;
		break;
	case LX_BPF_OR:
		r->a |= v;
		break;
	case LX_BPF_AND:
		r->a &= v;
		break;
	case LX_BPF_XOR:
		r->a ^= v;
		break;
	case LX_BPF_LSH:
		r->a <<= v & 31;
		break;
	case LX_BPF_RSH:
		r->a >>= v & 31;
		break;
	case LX_BPF_NEG:
		r->a = -r->a;
		break;
	}
	return (true);
}

/* How many instructions are left out. */
static uint32_t
run_jump(const struct run *r, const struct lx_sock_filter *in)
{
	const uint32_t v = (in->code & LX_BPF_X) != 0 ? r->x : in->k;
	bool yes = false;

	switch (LX_BPF_OP(in->code)) {
	case LX_BPF_JA:
		return (in->k);
	case LX_BPF_JEQ:
		yes = r->a == v;
		break;
	case LX_BPF_JGT:
		yes = r->a > v;
		break;
	case LX_BPF_JGE:
		yes = r->a >= v;
		break;
	case LX_BPF_JSET:
		yes = (r->a & v) != 0;
		break;
	}
	return (yes ? in->jt : in->jf);
}

static void
run_move(struct run *r, const struct lx_sock_filter *in)
{
	switch (in->code) {
	case LX_BPF_LD | LX_BPF_ABS:
		r->a = r->data[in->k / sizeof(uint32_t)];
		break;
	case LX_BPF_LD | LX_BPF_LEN:
		r->a = sizeof(struct lx_seccomp_data);
		break;
	case LX_BPF_LDX | LX_BPF_LEN:
		r->x = sizeof(struct lx_seccomp_data);
		break;
	case LX_BPF_LD | LX_BPF_IMM:
		r->a = in->k;
		break;
	case LX_BPF_LDX | LX_BPF_IMM:
		r->x = in->k;
		break;
	case LX_BPF_LD | LX_BPF_MEM:
		r->a = r->mem[in->k];
		break;
	case LX_BPF_LDX | LX_BPF_MEM:
		r->x = r->mem[in->k];
		break;
	case LX_BPF_ST:
		r->mem[in->k] = r->a;
		break;
	case LX_BPF_STX:
		r->mem[in->k] = r->x;
		break;
	case LX_BPF_MISC | LX_BPF_TAX:
		r->x = r->a;
		break;
	case LX_BPF_MISC | LX_BPF_TXA:
		r->a = r->x;
		break;
	}
}

static uint32_t
run_one(const struct seccomp_filter *f, const struct lx_seccomp_data *d)
{
	struct run r = {0};

	memcpy(r.data, d, sizeof(r.data));
	for (unsigned i = 0; i < f->n; i++) {
		const struct lx_sock_filter *in = &f->insn[i];

		switch (LX_BPF_CLASS(in->code)) {
		case LX_BPF_RET:
			return (
			    in->code == (LX_BPF_RET | LX_BPF_A) ? r.a : in->k);
		case LX_BPF_ALU:
			if (!run_alu(&r, in))
				return (0);
			break;
		case LX_BPF_JMP:
			i += run_jump(&r, in);
			break;
		default:
			run_move(&r, in);
		}
	}
	return (LX_SECCOMP_RET_KILL_PROCESS); /* not reached: it was checked */
}

/* Strict mode: what is not one of its four calls is killed. */
static uint32_t
run_strict(const struct lx_seccomp_data *d)
{
	switch (d->nr) {
	case LX_NR_READ:
	case LX_NR_WRITE:
	case LX_NR_EXIT:
	case LX_NR_RT_SIGRETURN:
		return (LX_SECCOMP_RET_ALLOW);
	default:
		return (LX_SECCOMP_RET_KILL_THREAD | LX_SIGKILL);
	}
}

uint32_t
seccomp_filter_run(
    const struct seccomp_filter *f, const struct lx_seccomp_data *d)
{
	uint32_t result = LX_SECCOMP_RET_ALLOW, one;

	if (f == STRICT_MODE)
		return (run_strict(d));
	for (; f != NULL; f = f->prev) {
		one = run_one(f, d);
		/* Actions are ordered as signed numbers. */
		if ((int32_t)(one & LX_SECCOMP_RET_ACTION) <
		    (int32_t)(result & LX_SECCOMP_RET_ACTION))
			result = one;
	}
	return (result);
}

/* ---- lwps ---- */

/* Does list `f` end with `old`? */
static bool
is_ancestor(const struct seccomp_filter *old, const struct seccomp_filter *f)
{
	if (old == NULL)
		return (true);
	for (; f != NULL; f = f->prev)
		if (f == old)
			return (true);
	return (false);
}

/* Can each lwp of the process take over the list of l?  0, or the tid of one
 * that cannot. */
static int
others_fit_locked(struct lwp *l, const struct seccomp_filter *mine)
{
	struct lwp *o;

	LIST_FOREACH (o, &l->p->lwps, link)
		if (o != l && !is_ancestor(atomic_load(&o->seccomp), mine))
			return (o->tid);
	return (0);
}

int
seccomp_install(struct lwp *l, struct seccomp_filter *f, bool all, int *tid)
{
	struct seccomp_filter *drop = f, *mine;
	unsigned long insns = f->n;
	struct lwp *o;
	int error = 0;

	kmutex_lock(&l->p->lock);
	mine = atomic_load(&l->seccomp);
	for (const struct seccomp_filter *i = mine; i != NULL; i = i->prev)
		insns += i->n + PATH_COST;
	if (mine == STRICT_MODE)
		error = EINVAL;
	else if (insns > PATH_MAX_INSNS)
		error = ENOMEM;
	else if (all && (*tid = others_fit_locked(l, mine)) != 0)
		error = EAGAIN;
	if (error == 0) {
		f->prev = mine; /* with the ref of the lwp */
		atomic_store(&l->seccomp, f);
		drop = NULL;
	}
	if (error == 0 && all)
		LIST_FOREACH (o, &l->p->lwps, link)
			if (o != l) {
				/* Its own ref stays in the new list. */
				struct seccomp_filter *old =
				    atomic_load(&o->seccomp);

				atomic_store(&o->seccomp, filter_ref(f));
				seccomp_filter_free(old);
			}
	kmutex_unlock(&l->p->lock);
	seccomp_filter_free(drop);
	return (error);
}

int
seccomp_set_strict(struct lwp *l)
{
	struct seccomp_filter *mine;

	kmutex_lock(&l->p->lock);
	mine = atomic_load(&l->seccomp);
	if (mine == NULL)
		atomic_store(&l->seccomp, STRICT_MODE);
	kmutex_unlock(&l->p->lock);
	return (mine == NULL || mine == STRICT_MODE ? 0 : EINVAL);
}

int
seccomp_mode(const struct lwp *l, unsigned *filters)
{
	const struct seccomp_filter *f = atomic_load(&l->seccomp);

	*filters = 0;
	if (f == NULL)
		return (LX_SECCOMP_MODE_DISABLED);
	if (f == STRICT_MODE)
		return (LX_SECCOMP_MODE_STRICT);
	for (; f != NULL; f = f->prev)
		(*filters)++;
	return (LX_SECCOMP_MODE_FILTER);
}

void
seccomp_inherit_locked(struct lwp *maker, struct lwp *l)
{
	struct seccomp_filter *old = atomic_load(&l->seccomp);

	/* TSYNC of a sibling may have found the new lwp already. */
	atomic_store(&l->seccomp, filter_ref(atomic_load(&maker->seccomp)));
	seccomp_filter_free(old);
}

void
seccomp_drop(struct lwp *l)
{
	seccomp_filter_free(atomic_load(&l->seccomp));
	atomic_store(&l->seccomp, NULL);
}

uint32_t
seccomp_decide(struct lwp *l)
{
	const struct trapframe *tf = &l->cpu->tf;
	struct lx_seccomp_data d = {
	    .nr = (int32_t)tf->orig_rax,
	    .arch = LX_AUDIT_ARCH_X86_64,
	    .ip = tf->rip,
	    .args = {tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9},
	};

	return (seccomp_filter_run(atomic_load(&l->seccomp), &d));
}
