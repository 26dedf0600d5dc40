/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fuzz target: a guest that has taken over its stub.
 *
 * A real stub machine runs two threads of one hostile stub.  An input is a list
 * of actions:
 *
 *   code     becomes user code: it stores into the thread's context, calls the
 *            system-call sites of the stub's text with all arguments forged,
 *            returns from forged signal frames, starts threads that the kernel
 *            does not know, makes system calls and faults
 *   store    another thread stores into the contexts, at any moment: the state
 *            word, the event, operations, the signal frame and its extended
 *            state.  The guest has all that memory; a third thread of the stub
 *            could do the same
 *   kernel   the kernel process interrupts the threads, enters and removes
 *            translations, and syncs
 *
 * After the actions the threads are interrupted until both have returned, as a
 * guest process that is killed.  Then a second stub, which is honest, must give
 * the event that its code makes; the calls of the kernel must have returned
 * what their contracts permit; and in the end no process and no descriptor is
 * left.  An input that hangs fails by the driver's time limit.
 *
 * Limits: the hostile stub maps only frames of its own through its mmap site,
 * because it could map those of the honest one.
 */
#include "fuzz.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "host/host.h"
#include "machine/stub/program/stub_sys.h"
#include "machine/stub/stub_int.h"
#include "machine/stub/stub_machine.h"
#include "mem/vm_page.h"

#define CODE UINT64_C(0x400000)
#define DATA UINT64_C(0x500000)
#define OTHER UINT64_C(0x600000)
#define OTHER_PAGES 16
#define ACTIONS_MAX 48
#define THREADS 2
#define CODE_ROOM 160      /* the longest piece of user code */
#define XSTATE_LEAST 0x400 /* a frame is at least so far from the end */
#define MS UINT64_C(1000000)
#define RUN_NS (15 * MS)

enum what { CODE_STORE, CODE_SITE, CODE_RETURN, CODE_CALL, STORE, KERNEL };

struct action {
	uint8_t what, where, size, kind;
	uint32_t arg;
	uint64_t val;
};

/* One guest: a pmap, a page of code and a page of data. */
struct guest {
	struct pmap *pm;
	struct vm_page *code, *data;
	struct cpu_thread *ct[THREADS];
	struct host_thread *host[THREADS];
	_Atomic(int) returned;
	int n;
};

static struct {
	struct vm_system sys;
	struct stub_machine *sm;
	struct guest honest;
	int fds;
	bool up;
	_Atomic(bool) stop;
	_Atomic(unsigned long) events[CPU_EV_DEAD + 1], refused;
} st;

/* ---- the stub's text ---- */

enum {
	SITE_MMAP,
	SITE_MPROTECT,
	SITE_MUNMAP,
	SITE_FUTEX,
	SITE_ALTSTACK,
	SITE_ARCH,
	SITE_RETURN,
	SITE_MASK,
	SITE_CLONE,
	NSITES
};
static const int site_nr[NSITES] = {9, 10, 11, 202, 131, 158, 15, 14, 56};
static uint64_t site[NSITES];

/* Address of the code that makes system call nr; with `r10` that which sets
 * %r10 first. */
static uint64_t
site_find(int nr, bool r10)
{
	extern const char stub_image[], stub_image_end[];
	const Elf64_Ehdr *eh = (const void *)stub_image;
	const Elf64_Phdr *ph = (const void *)(stub_image + eh->e_phoff);
	uint8_t code[10] = {0x49, 0x89, 0xca, 0xb8, (uint8_t)nr,
	    (uint8_t)(nr >> 8), 0, 0, 0x0f, 0x05};
	const uint8_t *want = r10 ? code : code + 3;
	const char *text, *at;

	for (unsigned i = 0; i < eh->e_phnum; i++, ph++) {
		if (ph->p_type != PT_LOAD || ph->p_vaddr != STUB_TEXT_BASE)
			continue;
		text = stub_image + ph->p_offset;
		if (text + ph->p_filesz > stub_image_end)
			break;
		at = memmem(
		    text, ph->p_filesz, want, (size_t)(code + 10 - want));
		if (at != NULL)
			return (STUB_TEXT_BASE + (uint64_t)(at - text));
	}
	fuzz_fail("the stub's text has no system call %d", nr);
}

/* ---- guests ---- */

static struct vm_page *
frame_new(void)
{
	struct vm_page *m = vm_phys_alloc(st.sys.phys, 0);

	if (m == NULL)
		fuzz_fail("no frame");
	memset(vm_page_ptr(st.sys.phys, m), 0, PAGE_SIZE);
	return (m);
}

static void
map_page(struct guest *g, vm_offset_t va, struct vm_page *m, vm_prot_t prot)
{
	if (pmap_enter(g->pm, va, vm_page_frame(st.sys.phys, m), 1, prot) != 0)
		fuzz_fail("no table node");
}

static struct cpu_thread *
thread_new(void)
{
	struct cpu_thread *ct;

	if (cpu_thread_create(&cpu_stub_ops, st.sm, &ct) != 0)
		fuzz_fail("no thread");
	ct->tf.rip = CODE;
	ct->tf.rsp = DATA + PAGE_SIZE - 256;
	return (ct);
}

static void
guest_make(struct guest *g, const void *code, size_t len)
{
	memset(g, 0, sizeof(*g));
	if (pmap_create(&st.sys, st.sys.pmap_ops, st.sys.machine, &g->pm) != 0)
		fuzz_fail("no pmap");
	g->code = frame_new();
	g->data = frame_new();
	memcpy(vm_page_ptr(st.sys.phys, g->code), code, len);
	map_page(g, CODE, g->code, VM_PROT_READ | VM_PROT_EXECUTE);
	map_page(g, DATA, g->data, VM_PROT_READ | VM_PROT_WRITE);
	g->ct[0] = thread_new();
	g->n = 1;
}

static void
guest_free(struct guest *g)
{
	for (int i = 0; i < g->n; i++)
		cpu_thread_destroy(g->ct[i]);
	pmap_remove(g->pm, 0, VM_MAX_ADDRESS);
	pmap_sync(g->pm);
	pmap_destroy(g->pm);
	vm_phys_free(st.sys.phys, g->code);
	vm_phys_free(st.sys.phys, g->data);
}

/* The honest guest's code: mov $39,%eax; syscall; jmp back */
static const uint8_t honest_code[] = {
    0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};

static void
machine_up(void)
{
	struct vm_system_config cfg = {
	    .host = host_linux(), .mem = 4 << 20, .pmap_ops = &pmap_stub_ops};

	if (st.up)
		return;
	st.fds = host_count_fds();
	if (vm_system_init(&st.sys, &cfg) != 0 ||
	    stub_machine_create(&st.sys,
		getenv("FUZZ_STUB_ISOLATED") != NULL ? STUB_ISOLATE_PROCESS
						     : STUB_ISOLATE_AUTO,
		&st.sm) != 0 ||
	    stub_machine_wait(st.sm) != 0)
		fuzz_fail("no stub machine");
	st.sys.machine = st.sm;
	for (int i = 0; i < NSITES; i++)
		site[i] =
		    site_find(site_nr[i], i < SITE_RETURN && site_nr[i] != 131);
	guest_make(&st.honest, honest_code, sizeof(honest_code));
	st.up = true;
}

/* The honest guest makes its system call, whatever the other one has done. */
static void
check_honest(void)
{
	struct cpu_thread *ct = st.honest.ct[0];
	struct cpu_event ev;
	int error;

	for (int i = 0; i < 3; i++) {
		error = cpu_run(ct, st.honest.pm, &ev);
		if (error != 0 || ev.type != CPU_EV_SYSCALL ||
		    ct->tf.orig_rax != 39 || ct->tf.rip != CODE + 7)
			fuzz_fail("the other guest: error %d, event %d at %#lx",
			    error, (int)ev.type, (unsigned long)ct->tf.rip);
	}
}

/* ---- hostile user code ---- */

struct assembler {
	uint8_t *at, *end;
};

static void
emit(struct assembler *as, const void *bytes, size_t n)
{
	memcpy(as->at, bytes, n);
	as->at += n;
}

/* movabs $val,%reg; reg is its number. */
static void
emit_set(struct assembler *as, unsigned reg, uint64_t val)
{
	const uint8_t op[2] = {
	    (uint8_t)(0x48 | (reg >> 3)), (uint8_t)(0xb8 | (reg & 7))};

	emit(as, op, 2);
	emit(as, &val, 8);
}

/* The fields of a context that the kernel reads or the stub obeys. */
static const uint16_t field[] = {offsetof(struct stub_ctx, state),
    offsetof(struct stub_ctx, state), offsetof(struct stub_ctx, state),
    offsetof(struct stub_ctx, stub_waits),
    offsetof(struct stub_ctx, kernel_waits), offsetof(struct stub_ctx, spin),
    offsetof(struct stub_ctx, cmd), offsetof(struct stub_ctx, nops),
    offsetof(struct stub_ctx, event), offsetof(struct stub_ctx, event),
    offsetof(struct stub_ctx, op_index), offsetof(struct stub_ctx, op_errno),
    offsetof(struct stub_ctx, tid), offsetof(struct stub_ctx, set_bases),
    offsetof(struct stub_ctx, fsgsbase), offsetof(struct stub_ctx, ev_code),
    offsetof(struct stub_ctx, ev_syscall), offsetof(struct stub_ctx, ev_arch),
    offsetof(struct stub_ctx, ev_addr), offsetof(struct stub_ctx, fs_base),
    offsetof(struct stub_ctx, gs_base), offsetof(struct stub_ctx, uc),
    offsetof(struct stub_ctx, uc)};

/* Offset in the contexts that an action stores to. */
static uint64_t
action_offset(const struct action *a)
{
	const uint64_t base = (a->arg >> 24) % (THREADS + 1) * CTX_STRIDE;
	const uint64_t in = a->arg & 0xffffff;

	switch (a->where % 8) {
	case 0: /* operations */
		return (base + CTX_OPS_OFF + in % 0x1000 / 8 * 8);
	case 1:
	case 2: /* frames lie at the top of the stack */
		return (base + CTX_STRIDE - 8 - in % 0x1400 / 8 * 8);
	default:
		return (base + field[in % (sizeof(field) / sizeof(field[0]))]);
	}
}

static void
code_store(struct assembler *as, const struct action *a)
{
	static const uint8_t store8[] = {0x48, 0x89, 0x08};
	static const uint8_t store4[] = {0x89, 0x08};

	emit_set(as, 0, STUB_CTX_BASE + action_offset(a));
	emit_set(as, 1, a->val);
	if (a->size % 2 == 0)
		emit(as, store8, sizeof(store8));
	else
		emit(as, store4, sizeof(store4));
}

/* Call a site with arguments that its filter may accept. */
static void
code_site(struct assembler *as, const struct action *a, struct guest *g)
{
	static const uint8_t call[] = {0xff, 0xd0};
	const unsigned which = a->where % NSITES;
	const uint64_t addr = a->arg % 4 == 0   ? DATA
			      : a->arg % 4 == 1 ? OTHER
						: STUB_CTX_BASE;
	uint64_t r[6] = {addr, PAGE_SIZE, a->val & 7, 0x11, 3,
	    (uint64_t)vm_page_frame(st.sys.phys, g->data) * PAGE_SIZE};
	static const unsigned reg[6] = {7, 6, 2, 1, 8, 9};

	switch (which) {
	case SITE_FUTEX:
		r[0] = STUB_CTX_BASE;
		r[1] = a->val & 1;
		r[2] = a->arg & 7;
		r[3] = 0;
		break;
	case SITE_ALTSTACK:
		r[0] = DATA + 64;
		r[1] = 0;
		break;
	case SITE_MASK:
		r[0] = 2;
		r[1] = DATA + a->arg % 512 / 8 * 8;
		r[2] = 0;
		r[3] = 8;
		break;
	case SITE_CLONE:
		r[0] = THREAD_FLAGS;
		r[1] = STUB_CTX_BASE + (a->arg % 8 + 1) * CTX_STRIDE - 32;
		break;
	case SITE_ARCH:
		r[0] = 0x1002;
		r[1] = a->val;
		break;
	default:
		if (a->kind % 8 == 0 && which != SITE_MMAP)
			r[a->size % 6] = a->val;
		break;
	}
	for (unsigned i = 0; i < 6; i++)
		emit_set(as, reg[i], r[i]);
	emit_set(as, 0, site[which]);
	emit(as, call, sizeof(call));
}

/* Return from a forged frame in the data page, to the start of the code. */
static void
code_return(struct assembler *as, const struct action *a, struct guest *g)
{
	static const uint8_t jump[] = {0xff, 0xe0};
	const uint64_t at = 0x200 + a->arg % 4 * 0x200;
	struct lx_ucontext *f =
	    (void *)((char *)vm_page_ptr(st.sys.phys, g->data) + at);

	memset(f, 0, sizeof(*f));
	f->mc.rip = a->kind % 4 == 0 ? a->val : CODE;
	f->mc.rsp = DATA + PAGE_SIZE - 256;
	f->mc.rflags = 0x202;
	f->mc.cs = LX_USER_CS;
	f->mc.ss = LX_USER_DS;
	f->mc.fpstate = a->size % 4 == 0 ? a->val : 0;
	f->sigmask = a->size % 2 == 0 ? UINT64_MAX : a->val;
	f->stack.sp = STUB_CTX_BASE + CTX_STACK_OFF + a->arg % 3 * CTX_STRIDE;
	f->stack.size = CTX_STACK_SIZE;
	emit_set(as, 4, DATA + at); /* %rsp */
	emit_set(as, 0, site[SITE_RETURN]);
	emit(as, jump, sizeof(jump));
}

/* A system call, or a fault. */
static void
code_call(struct assembler *as, const struct action *a)
{
	static const uint8_t call[] = {0x0f, 0x05};
	static const uint8_t load[] = {0x48, 0x8b, 0x08};

	if (a->kind % 2 == 0) {
		emit_set(as, 0, a->val);
		emit(as, call, sizeof(call));
	} else {
		emit_set(as, 0, OTHER + a->arg % (2 * OTHER_PAGES) * PAGE_SIZE);
		emit(as, load, sizeof(load));
	}
}

static size_t
make_code(uint8_t *code, const struct action *a, size_t n, struct guest *g)
{
	struct assembler as = {.at = code, .end = code + PAGE_SIZE};
	uint8_t back[5] = {0xe9};
	int32_t rel;

	for (size_t i = 0; i < n && as.at + CODE_ROOM < as.end; i++) {
		switch ((enum what)a[i].what) {
		case CODE_STORE:
			code_store(&as, &a[i]);
			break;
		case CODE_SITE:
			code_site(&as, &a[i], g);
			break;
		case CODE_RETURN:
			code_return(&as, &a[i], g);
			break;
		case CODE_CALL:
			code_call(&as, &a[i]);
			break;
		case STORE:
		case KERNEL:
			break;
		}
	}
	rel = (int32_t)(code - as.at) - (int32_t)sizeof(back);
	memcpy(back + 1, &rel, sizeof(rel));
	emit(&as, back, sizeof(back));
	return ((size_t)(as.at - code));
}

/* ---- the attack ---- */

static struct guest *victim;

/* Threads of the host layer start with all signals blocked, and a blocked fault
 * ends the process before the driver can say which input it was. */
static void
unblock_faults(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigaddset(&set, SIGBUS);
	sigaddset(&set, SIGFPE);
	sigaddset(&set, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Run until the guest is dead, refused, or to stop. */
static void
runner(void *arg)
{
	struct cpu_thread *ct = arg;
	struct cpu_event ev;
	int error;

	unblock_faults();
	do {
		error = cpu_run(ct, victim->pm, &ev);
		if (error != 0)
			break;
		if (ev.type > CPU_EV_DEAD)
			fuzz_fail("event %d", (int)ev.type);
		atomic_fetch_add(&st.events[ev.type], 1);
		if (ev.type == CPU_EV_EXCEPTION || ev.type == CPU_EV_FAULT)
			ct->tf.rip = CODE;
	} while (ev.type != CPU_EV_DEAD && !atomic_load(&st.stop));
	if (error != 0 && error != EAGAIN && error != ENOMEM && error != EPROTO)
		fuzz_fail("cpu_run: error %d", error);
	atomic_fetch_add(&st.refused, error != 0);
	cpu_leave(ct);
	atomic_fetch_add(&victim->returned, 1);
}

/* The address need not be aligned: guest code does not care. */
__attribute__((no_sanitize("alignment"))) static void
store_once(char *at, const struct action *a)
{
	if (a->size % 2 == 0)
		*(volatile uint64_t *)(void *)at = a->val;
	else
		*(volatile uint32_t *)(void *)at = (uint32_t)a->val;
}

/* Where an action stores that aims at the signal frame of an event, or at the
 * software bytes of its extended state: the context says where both are. */
static uint64_t
frame_offset(const char *ctx, const struct action *a)
{
	const uint64_t base = (a->arg >> 24) % THREADS * CTX_STRIDE;
	const volatile struct stub_ctx *c = (const void *)(ctx + base);
	const uint64_t room = CTX_STRIDE - XSTATE_LEAST;
	uint64_t at = c->uc - STUB_CTX_BASE - base;

	if (at >= room)
		return (base + CTX_STRIDE - 8);
	if (a->kind % 4 != 0)
		return (base + at +
			(a->kind % 2 != 0
				? offsetof(struct lx_ucontext, mc.fpstate)
				: a->arg % sizeof(struct lx_ucontext) / 8 * 8));
	memcpy(&at, ctx + base + at + offsetof(struct lx_ucontext, mc.fpstate),
	    sizeof(at));
	at -= STUB_CTX_BASE + base;
	if (at >= room)
		return (base + CTX_STRIDE - 8);
	return (base + at / 8 * 8 + LX_FPX_SW_OFFSET + a->arg % 48 / 8 * 8);
}

/* Many times, because the kernel reads what it needs soon after an event. */
static void
do_store(const struct guest *g, const struct action *a)
{
	const struct stub_cpu *sc = g->ct[0]->md;
	char *ctx = sc->stub->ctx;

	for (unsigned i = 0; i <= a->kind; i++)
		store_once(ctx + (a->where % 8 == 1 ? frame_offset(ctx, a)
						    : action_offset(a)),
		    a);
}

static void
do_kernel(struct guest *g, const struct action *a)
{
	const vm_offset_t va = OTHER + a->arg % OTHER_PAGES * PAGE_SIZE;

	switch (a->where % 6) {
	case 0:
		cpu_interrupt(g->ct[a->arg % (unsigned)g->n]);
		break;
	case 1:
		pmap_remove(g->pm, va, OTHER + OTHER_PAGES * PAGE_SIZE);
		(void)pmap_sync_start(g->pm);
		pmap_sync(g->pm);
		break;
	case 2:
		pmap_protect(g->pm, va, va + PAGE_SIZE, VM_PROT_READ);
		pmap_sync(g->pm);
		break;
	case 3:
		host_sleep_ns(a->val % (2 * MS));
		break;
	default:
		map_page(g, va, g->data, VM_PROT_READ);
		break;
	}
}

/* Interrupt the threads until both have returned. */
static void
guest_stop(struct guest *g)
{
	atomic_store(&st.stop, true);
	while (atomic_load(&g->returned) < g->n) {
		for (int i = 0; i < g->n; i++)
			cpu_interrupt(g->ct[i]);
		host_sleep_ns(MS);
	}
	for (int i = 0; i < g->n; i++)
		host_thread_join(g->host[i]);
}

/* Bind both threads, by events that come before any user code. */
static void
guest_bind(struct guest *g)
{
	struct cpu_event ev;

	cpu_interrupt(g->ct[0]);
	if (cpu_run(g->ct[0], g->pm, &ev) != 0 || ev.type != CPU_EV_INTERRUPT)
		fuzz_fail("no stub");
	g->ct[1] = thread_new();
	if (cpu_share(g->ct[1], g->ct[0]) != 0)
		fuzz_fail("no second thread");
	g->n = THREADS;
	cpu_leave(g->ct[0]);
}

static void
attack(struct guest *g, const struct action *a, size_t n)
{
	const uint64_t until = host_now_ns() + RUN_NS;

	do {
		for (size_t i = 0; i < n; i++) {
			if (a[i].what == STORE)
				do_store(g, &a[i]);
			else if (a[i].what == KERNEL)
				do_kernel(g, &a[i]);
		}
		if (a[0].size % 4 == 0)
			host_sleep_ns(MS / 10);
	} while (host_now_ns() < until && atomic_load(&g->returned) < g->n);
}

static void
stub_run_input(const uint8_t *data, size_t len)
{
	struct action a[ACTIONS_MAX];
	const size_t n = len / sizeof(a[0]);
	struct guest g;

	machine_up();
	memcpy(a, data, n * sizeof(a[0]));
	for (size_t i = 0; i < n; i++)
		a[i].what %= KERNEL + 1;
	guest_make(&g, honest_code, 0);
	make_code(vm_page_ptr(st.sys.phys, g.code), a, n, &g);
	guest_bind(&g);
	victim = &g;
	atomic_store(&st.stop, false);
	for (int i = 0; i < g.n; i++)
		if (host_thread_create(
			&g.host[i], "hostile", runner, g.ct[i]) != 0)
			fuzz_fail("no host thread");
	attack(&g, a, n);
	guest_stop(&g);
	check_honest();
	guest_free(&g);
}

/* ---- inputs ---- */

/* A value that means something to one of the two sides. */
static uint64_t
some_value(uint64_t *r)
{
	static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 7, 11, 31, 39, 100,
	    101, 128, 129, 0x1000, 0xffffffff, UINT64_MAX, INT64_MAX, CODE,
	    DATA, OTHER, STUB_TEXT_BASE, STUB_CTX_BASE,
	    STUB_CTX_BASE + CTX_STRIDE - 8, STUB_CTX_BASE + CTX_STACK_OFF,
	    STUB_CTX_BASE + (UINT64_C(1) << 40), STUB_CTX_BASE - PAGE_SIZE,
	    STUB_GUEST_END, LX_FP_XSTATE_MAGIC1};

	switch (rnd_below(r, 4)) {
	case 0:
		return (rnd_next(r));
	case 1:
		return (STUB_CTX_BASE + rnd_below(r, 3 * CTX_STRIDE) / 8 * 8);
	default:
		return (FUZZ_PICK(r, values));
	}
}

static void
some_action(uint64_t *r, struct action *a)
{
	const uint64_t bits = rnd_next(r);

	a->what = (uint8_t)rnd_below(r, KERNEL + 1);
	a->where = (uint8_t)bits;
	a->size = (uint8_t)(bits >> 8);
	a->kind = (uint8_t)(bits >> 16);
	a->arg = (uint32_t)(bits >> 32);
	a->val = some_value(r);
}

static size_t
stub_make(uint64_t *r, uint8_t *buf)
{
	const size_t n = 1 + (size_t)rnd_below(r, ACTIONS_MAX);
	/* Some inputs have one kind of action only, so that the others do not
	 * end the guest first. */
	const uint64_t only = rnd_below(r, 12);
	struct action a;

	for (size_t i = 0; i < n; i++) {
		some_action(r, &a);
		if (only <= KERNEL && a.what != KERNEL)
			a.what = (uint8_t)only;
		memcpy(buf + i * sizeof(a), &a, sizeof(a));
	}
	return (n * sizeof(a));
}

static size_t
stub_seed(unsigned i, uint8_t *buf, const char **name)
{
	static const char *const names[] = {
	    "actions-0", "actions-1", "actions-2", "actions-3"};
	uint64_t r = i;

	if (i >= sizeof(names) / sizeof(names[0]))
		return (SIZE_MAX);
	*name = names[i];
	return (stub_make(&r, buf));
}

static size_t
stub_mutate(uint64_t *r, uint8_t *buf, size_t len)
{
	const size_t n = len / sizeof(struct action);
	struct action a;

	if (n == 0)
		return (stub_make(r, buf));
	some_action(r, &a);
	memcpy(buf + rnd_below(r, n) * sizeof(a), &a, sizeof(a));
	return (n * sizeof(a));
}

static bool
stub_finish(bool say, unsigned long inputs)
{
	unsigned long n[CPU_EV_DEAD + 1];

	if (st.up) {
		guest_free(&st.honest);
		stub_machine_destroy(st.sm);
		vm_system_destroy(&st.sys);
		if (host_count_fds() != st.fds)
			fuzz_fail("descriptors are left");
		if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 ||
		    errno != ECHILD)
			fuzz_fail("a process is left");
	}
	for (int i = 0; i <= CPU_EV_DEAD; i++)
		n[i] = atomic_load(&st.events[i]);
	if (say)
		printf("%lu inputs: %lu system calls, %lu faults, %lu "
		       "exceptions, %lu interrupts, %lu deaths, %lu refusals\n",
		    inputs, n[CPU_EV_SYSCALL], n[CPU_EV_FAULT],
		    n[CPU_EV_EXCEPTION], n[CPU_EV_INTERRUPT], n[CPU_EV_DEAD],
		    atomic_load(&st.refused));
	return (
	    inputs < 50 || (n[CPU_EV_SYSCALL] != 0 && n[CPU_EV_FAULT] != 0 &&
			       n[CPU_EV_DEAD] > inputs / 10));
}

const struct fuzz_target fuzz_target = {
    .name = "stub",
    .max = ACTIONS_MAX * sizeof(struct action),
    .seed = stub_seed,
    .make = stub_make,
    .mutate = stub_mutate,
    .run = stub_run_input,
    .finish = stub_finish,
};
