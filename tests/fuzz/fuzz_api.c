/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fuzzing of the vmspace calls: the input is a list of calls (struct op) with
 * hostile arguments, on a few vmspaces. Refs and holds are counted here, as the
 * calls require of their caller.
 *
 * Failures are: a crash or a finding of a sanitizer; a result that is not an
 * errno; an out-pointer that a failed call has written; bytes that differ from
 * those just stored; an MMU that is called for memory that it does not have, or
 * that has translations that it must not have; a vmspace that fails
 * vm_check_vmspace(); anything left at the end.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/vkernel_int.h"
#include "vm/vmspace.h"
#include "vmspace/vkernel.h"
#include "vmspace/vmspace.h"

#define OPS_MAX 200
#define SPACES 6
#define PINS 8
#define BUF_MAX (64u << 10)
#define MMU_PAGES 512
#define POISON ((uintptr_t)0x5a5a5a5a5a5a5a5a)

enum {
	OP_CREATE,
	OP_CREATE_MMU,
	OP_FORK,
	OP_REF,
	OP_FREE,
	OP_HOLD,
	OP_DROP,
	OP_MMAP,
	OP_MUNMAP,
	OP_MPROTECT,
	OP_MCONTROL,
	OP_MSYNC,
	OP_PREAD,
	OP_PWRITE,
	OP_PIN,
	OP_UNPIN,
	OP_FAULT,
	OP_CTL,
	OP_STAT,
	OP_SHRINK,
	OP_NULL,
	OP_KERNEL, /* the calls of vkernel.h: op_kernel() */
	OP_PROC,
	OP_N
};

struct op {
	uint8_t code, slot, a, b;
	uint32_t c;
	uint64_t addr, len;
};

/* A table of translations, as an embedder would keep it. */
struct mmu {
	bool live;
	unsigned n;
	uintptr_t page[MMU_PAGES];
	int prot[MMU_PAGES];
};

static void step(
    void *, struct cpu_thread *, struct pmap *, struct cpu_event *);
static void populate(void);

struct fuzz_kernel fuzz_kernel = {
    .step = step,
    .per_kernel = 200,
    .mem = (uint64_t)16 << 20,
    .idle_ns = UINT64_C(20000000),
    .populate = populate,
};

static struct {
	struct vkernel *k;
	struct space {
		struct vmspace *vm;
		unsigned refs, holds;
		bool mmu;
	} s[SPACES];
	struct pin {
		struct vmspace *vm; /* held */
		void *ptr;
		size_t run;
		int prot;
	} pin[PINS];
	struct vmspace_frame frame;
	int fd[3]; /* read and write, read only, no file */
	uint64_t good, bad;
	char *buf, *back;
} st;

static void
step(void *arg, struct cpu_thread *ct, struct pmap *pm, struct cpu_event *ev)
{
	fuzz_fail("user code ran without a machine");
}

static void
populate(void)
{
}

static int
check_error(const char *call, int error)
{
	if (error < 0 || error > 133)
		fuzz_fail("%s: %d is not an errno", call, error);
	if (error == 0)
		st.good++;
	else
		st.bad++;
	return (error);
}

/* ---- the MMU ---- */

static void
mmu_remove(void *arg, uintptr_t addr, size_t len)
{
	struct mmu *m = arg;

	for (unsigned i = 0; i < m->n;) {
		if (m->page[i] >= addr && m->page[i] - addr < len) {
			m->n--;
			m->page[i] = m->page[m->n];
			m->prot[i] = m->prot[m->n];
		} else
			i++;
	}
}

static void
mmu_enter(void *arg, uintptr_t addr, size_t len, void *ptr, int prot)
{
	struct mmu *m = arg;
	volatile char *p = ptr;

	if (!m->live || (addr & 4095) != 0 || (len & 4095) != 0 || len == 0 ||
	    ((uintptr_t)ptr & 4095) != 0 || (prot & ~7) != 0)
		fuzz_fail("mmu enter with invalid arguments");
	mmu_remove(arg, addr, len);
	for (size_t off = 0; off < len; off += 4096) {
		(void)p[off];
		if (m->n == MMU_PAGES)
			continue;
		m->page[m->n] = addr + off;
		m->prot[m->n++] = prot;
	}
}

static void
mmu_protect(void *arg, uintptr_t addr, size_t len, int prot)
{
	struct mmu *m = arg;

	for (unsigned i = 0; i < m->n; i++)
		if (m->page[i] >= addr && m->page[i] - addr < len)
			m->prot[i] &= prot;
}

static void
mmu_sync(void *arg)
{
	struct mmu *m = arg;

	if (!m->live)
		fuzz_fail("mmu sync after destruction");
}

static int
mmu_fork(void *arg, void **child)
{
	struct mmu *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return (ENOMEM);
	m->live = true;
	*child = m;
	return (0);
}

static void
mmu_destroy(void *arg)
{
	struct mmu *m = arg;

	if (!m->live || m->n != 0)
		fuzz_fail("mmu destroyed with %u translations", m->n);
	m->live = false;
	free(m);
}

static const struct vmspace_mmu mmu_ops = {
    .enter = mmu_enter,
    .remove = mmu_remove,
    .protect = mmu_protect,
    .sync = mmu_sync,
    .fork = mmu_fork,
    .destroy = mmu_destroy,
};

/* ---- calls ---- */

static void
space_forget_unused(struct space *s)
{
	if (s->refs + s->holds == 0)
		s->vm = NULL;
}

static struct space *
space_new(struct vmspace *vm, bool mmu)
{
	for (int i = 0; i < SPACES; i++) {
		struct space *s = &st.s[i];

		if (s->vm != NULL)
			continue;
		*s = (struct space){.vm = vm, .refs = 1, .mmu = mmu};
		return (s);
	}
	vmspace_free(vm);
	return (NULL);
}

static void
op_create(const struct op *op)
{
	struct vmspace *vm = (void *)POISON;
	struct mmu *m = NULL;
	int error;

	if (op->code == OP_CREATE_MMU) {
		m = calloc(1, sizeof(*m));
		if (m == NULL)
			return;
		m->live = true;
		error = check_error(
		    "create_mmu", vmspace_create_mmu(st.k, &mmu_ops, m, &vm));
	} else
		error = check_error("create", vmspace_create(st.k, &vm));
	if (error == 0)
		space_new(vm, m != NULL);
	else {
		free(m);
		if ((uintptr_t)vm != POISON)
			fuzz_fail("create touched its out-pointer");
	}
}

static void
op_life(const struct op *op, struct space *s)
{
	struct vmspace *vm = (void *)POISON;

	switch (op->code) {
	case OP_FORK:
		if (check_error("fork", vmspace_fork(s->vm, &vm)) == 0)
			space_new(vm, s->mmu);
		else if ((uintptr_t)vm != POISON)
			fuzz_fail("fork touched its out-pointer");
		break;
	case OP_REF:
		if (check_error("tryref", vmspace_tryref(s->vm)) == 0) {
			if (s->refs == 0)
				fuzz_fail(
				    "tryref succeeded after the last ref");
			s->refs++;
		} else if (s->refs != 0)
			fuzz_fail("tryref of a live vmspace failed");
		break;
	case OP_FREE:
		if (s->refs == 0)
			break;
		s->refs--;
		vmspace_free(s->vm);
		break;
	case OP_HOLD:
		s->holds++;
		vmspace_hold(s->vm);
		break;
	case OP_DROP:
		if (s->holds == 0)
			break;
		s->holds--;
		vmspace_drop(s->vm);
		break;
	}
	space_forget_unused(s);
}

static void
op_mmap(const struct op *op, struct space *s)
{
	uintptr_t at = op->addr, was = at;
	int fd = op->a % 4 == 3 ? (int)op->c : st.fd[op->a % 4];

	if (check_error("mmap",
		vmspace_mmap(s->vm, &at, op->len, op->b & 15, (int)op->c, fd,
		    (off_t)(op->slot & 0x80 ? op->len : 0))) != 0 &&
	    at != was)
		fuzz_fail("mmap touched its address");
}

static void
op_copy(const struct op *op, struct space *s)
{
	size_t len = op->len % (BUF_MAX + 1), done = POISON, more = POISON;
	int error;

	if (op->code == OP_PREAD) {
		error = check_error("pread",
		    vmspace_pread(s->vm, st.buf, len, op->addr, &done));
		if (done > len || (error == 0 && done != len))
			fuzz_fail("pread: %zu of %zu bytes", done, len);
		return;
	}
	memset(st.buf, (int)op->c, len);
	error = check_error(
	    "pwrite", vmspace_pwrite(s->vm, st.buf, len, op->addr, &done));
	if (done > len || (error == 0 && done != len))
		fuzz_fail("pwrite: %zu of %zu bytes", done, len);
	/* Memory that can be written can be read, and holds what was
	 * written. */
	error = vmspace_pread(s->vm, st.back, done, op->addr, &more);
	if (error == 0 && memcmp(st.buf, st.back, done) != 0)
		fuzz_fail("pread does not return what pwrite stored");
}

static void
op_pin(const struct op *op, struct space *s)
{
	struct pin *p = &st.pin[op->a % PINS];
	void *ptr = (void *)POISON;
	size_t run = POISON;
	int error;

	if (p->vm != NULL) {
		vmspace_unpin(p->vm, p->ptr, p->run, p->prot);
		vmspace_drop(p->vm);
		p->vm = NULL;
	}
	if (op->code == OP_UNPIN)
		return;
	error = check_error("pin",
	    vmspace_pin(s->vm, op->addr, op->len, op->b & 7, &ptr, &run));
	if (error != 0) {
		if ((uintptr_t)ptr != POISON || run != POISON)
			fuzz_fail("pin touched its out-pointers");
		return;
	}
	if (run == 0 || run > op->len)
		fuzz_fail("pin: %zu bytes", run);
	if ((op->b & PROT_WRITE) != 0)
		memset(ptr, (int)op->c, run);
	vmspace_hold(s->vm);
	*p = (struct pin){
	    .vm = s->vm, .ptr = ptr, .run = run, .prot = op->b & 7};
}

static void
op_other(const struct op *op, struct space *s)
{
	struct vmspace_stat vs;
	uint64_t given;

	switch (op->code) {
	case OP_MUNMAP:
		check_error("munmap", vmspace_munmap(s->vm, op->addr, op->len));
		break;
	case OP_MPROTECT:
		check_error("mprotect",
		    vmspace_mprotect(s->vm, op->addr, op->len, op->b & 15));
		break;
	case OP_MCONTROL:
		check_error("mcontrol", vmspace_mcontrol(s->vm, op->addr,
					    op->len, (int)(op->b % 30) - 2));
		break;
	case OP_MSYNC:
		check_error("msync", vmspace_msync(s->vm, op->addr, op->len));
		break;
	case OP_FAULT:
		check_error("fault", vmspace_fault(s->vm, op->addr, op->b & 7));
		break;
	case OP_CTL:
		/* There is no machine here, so nothing can run. */
		if (check_error(
			"ctl", vmspace_ctl(s->vm, (enum vmspace_ctl)(op->b % 4),
				   &st.frame)) == 0 &&
		    op->b % 4 == VMSPACE_CTL_RUN)
			fuzz_fail("ctl ran without a machine");
		break;
	case OP_STAT:
		vmspace_stat(s->vm, &vs);
		if (vs.exiting != (s->refs == 0))
			fuzz_fail("stat: exiting with %u refs", s->refs);
		break;
	case OP_SHRINK:
		check_error("shrink",
		    vkernel_shrink(st.k, op->len % (16u << 20), &given));
		break;
	case OP_NULL:
		if (vmspace_fork(NULL, NULL) != EINVAL ||
		    vmspace_pread(NULL, NULL, op->len, op->addr, NULL) !=
			EINVAL ||
		    vmspace_mmap(s->vm, NULL, op->len, 0, 0, 0, 0) != EINVAL ||
		    vmspace_pin(s->vm, op->addr, op->len, 1, NULL, NULL) !=
			EINVAL ||
		    vmspace_ctl(s->vm, VMSPACE_CTL_RUN, NULL) != EINVAL ||
		    vkernel_shrink(NULL, 0, NULL) != EINVAL)
			fuzz_fail("NULL is not EINVAL");
		break;
	}
}

/* ---- vkernel.h ---- */

static int
no_page(void *arg, uint64_t page, bool write, uint64_t *offset)
{
	*offset = page * 4096 + (write ? 1 : 0);
	return (page % 3 == 0 ? EIO : 0);
}

static const char *
some_name(const struct op *op, char buf[300])
{
	static const char *const names[] = {
	    "a", "window", "", ".", "..", "a/b", "null", NULL};

	if (op->a % 10 < 8)
		return (names[op->a % 8]);
	memset(buf, 'n', 299);
	buf[op->a % 10 == 8 ? 255 : 299] = '\0';
	return (buf);
}

static void
op_kernel(const struct op *op)
{
	static const struct vkernel_device_ops ops = {.fault = no_page};
	struct vkernel_swap swap = {.kind = (enum vkernel_swap_kind)(op->b % 4),
	    .fd = op->a % 2 == 0 ? -1 : st.fd[2],
	    .size = op->len,
	    .priority = (int)op->c};
	struct vkernel_spawn spawn = {
	    .path = op->a % 2 == 0 ? "/nothere" : NULL, .nfds = (int)op->c};
	char buf[300];
	unsigned area = 77;
	uint64_t off = POISON;
	void *ptr = (void *)POISON;
	int n = 77, error = 0;

	switch (op->a % 11) {
	case 0:
		error = vkernel_kill(st.k, (int)op->c, op->b - 3);
		break;
	case 1:
		error = vkernel_wait(st.k, (int)op->c, &n);
		break;
	case 2:
		(void)vkernel_stopped(st.k, (int)op->c);
		break;
	case 3:
		error = vkernel_swapon(st.k, &swap, &area);
		if (error != 0 && area != 77)
			fuzz_fail("swapon touched its out-pointer");
		break;
	case 4:
		error = vkernel_swapoff(st.k, op->b % 40);
		break;
	case 5:
		error = vkernel_devmem_alloc(st.k, op->len, &off, &ptr);
		if (error != 0 && (off != POISON || (uintptr_t)ptr != POISON))
			fuzz_fail("devmem_alloc touched its out-pointers");
		break;
	case 6:
		error = vkernel_device_add(st.k, some_name(op, buf), op->len,
		    op->b % 4 == 0 ? NULL : &ops, NULL);
		break;
	case 7:
		error = vkernel_window_create(
		    st.k, some_name(op, buf), op->len, &ptr);
		if (error != 0 && (uintptr_t)ptr != POISON)
			fuzz_fail("window_create touched its out-pointer");
		break;
	case 8:
		error = vkernel_window_wake(
		    st.k, some_name(op, buf), op->addr, (int)op->c);
		break;
	case 9:
		error = vkernel_spawn(st.k, op->b % 4 == 0 ? NULL : &spawn, &n);
		if (error == 0)
			fuzz_fail("spawn without a program succeeded");
		break;
	default:
		if (vkernel_create(NULL, NULL) != EINVAL ||
		    vkernel_spawn(NULL, NULL, NULL) != EINVAL ||
		    vkernel_wait(NULL, 1, NULL) != EINVAL ||
		    vkernel_kill(NULL, 1, 1) != EINVAL ||
		    vkernel_swapon(st.k, NULL, &area) != EINVAL ||
		    vkernel_swap_open(NULL, NULL, NULL) != EINVAL ||
		    vkernel_devmem_alloc(st.k, 1, NULL, NULL) != EINVAL ||
		    vkernel_window_create(st.k, "w", 1, NULL) != EINVAL ||
		    vkernel_proc_read(st.k, NULL, 0, NULL, 0, NULL) != EINVAL)
			fuzz_fail("NULL is not EINVAL");
		break;
	}
	check_error("vkernel", error);
}

static bool
some_entry(void *arg, const char *name, enum vkernel_proc_type type)
{
	unsigned *n = arg;

	if (name[0] == '\0' || type > VKERNEL_PROC_LINK)
		fuzz_fail("empty name or unknown type in /proc");
	return (++*n < 1000);
}

static void
op_proc(const struct op *op)
{
	static const char *const paths[] = {"", "/", "meminfo", "self",
	    "mounts", "zones", "objects", "swaps", "sys", "sys/vm",
	    "sys/vm/resident", "1/mem", "../x", "a//b/", "vmstat",
	    "sys/kernel/random/uuid"};
	static const char *const lines[] = {"+/bin/ls", "-/bin/ls", "+", "x",
	    "add /", "remove /bin/ls\n", "+/a\nb"};
	const char *path = paths[op->a % 16], *line = lines[op->b % 7];
	size_t done = POISON, len = op->len % (BUF_MAX + 1);
	unsigned n = 0;
	int error;

	switch (op->c % 3) {
	case 0:
		error = vkernel_proc_list(st.k, path, some_entry, &n);
		break;
	case 1:
		error =
		    vkernel_proc_read(st.k, path, op->addr, st.buf, len, &done);
		if (error == 0 ? done > len : done != POISON)
			fuzz_fail("proc_read: %zu bytes", done);
		break;
	default:
		error = vkernel_proc_write(
		    st.k, path, op->addr, line, strlen(line), &done);
		if (error == 0 ? done != strlen(line) : done != POISON)
			fuzz_fail("proc_write: %zu bytes", done);
		break;
	}
	check_error("proc", error);
}

static void
play(const struct op *op)
{
	struct space *s = &st.s[op->slot % SPACES];

	if (op->code == OP_CREATE || op->code == OP_CREATE_MMU) {
		op_create(op);
		return;
	}
	if (op->code == OP_KERNEL) {
		op_kernel(op);
		return;
	}
	if (op->code == OP_PROC) {
		op_proc(op);
		return;
	}
	if (s->vm == NULL)
		return;
	if (op->code >= OP_FORK && op->code <= OP_DROP)
		op_life(op, s);
	else if (op->code == OP_MMAP)
		op_mmap(op, s);
	else if (op->code == OP_PREAD || op->code == OP_PWRITE)
		op_copy(op, s);
	else if (op->code == OP_PIN || op->code == OP_UNPIN)
		op_pin(op, s);
	else
		op_other(op, s);
}

static void
start(void)
{
	char name[128];

	st.k = fuzz_kernel_get();
	if (st.buf != NULL)
		return;
	st.buf = malloc(BUF_MAX);
	st.back = malloc(BUF_MAX);
	snprintf(name, sizeof(name), "%s/api-file", fuzz_kernel.dir);
	fuzz_file("api-file", name, sizeof(name), 0644);
	st.fd[0] = open(name, O_RDWR | O_CLOEXEC);
	st.fd[1] = open(name, O_RDONLY | O_CLOEXEC);
	st.fd[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (st.buf == NULL || st.back == NULL || st.fd[0] < 0 || st.fd[1] < 0 ||
	    st.fd[2] < 0 || ftruncate(st.fd[0], 40000) != 0)
		fuzz_fail("setup: %s", strerror(errno));
	fuzz_kernel.fds += 3;
}

static void
api_run(const uint8_t *data, size_t len)
{
	static const struct op unpin = {.code = OP_UNPIN};
	struct op op;

	start();
	for (size_t i = 0; i + sizeof(op) <= len && i < OPS_MAX * sizeof(op);
	     i += sizeof(op)) {
		memcpy(&op, data + i, sizeof(op));
		op.code %= OP_N;
		play(&op);
	}
	for (unsigned i = 0; i < PINS; i++) {
		struct op o = unpin;

		o.a = (uint8_t)i;
		op_pin(&o, NULL);
	}
	for (int i = 0; i < SPACES; i++) {
		struct space *s = &st.s[i];

		if (s->vm != NULL && vm_check_vmspace(s->vm) != 0)
			fuzz_fail("vm_check_vmspace() found damage");
		while (s->refs > 0) {
			s->refs--;
			vmspace_free(s->vm);
		}
		while (s->holds > 0) {
			s->holds--;
			vmspace_drop(s->vm);
		}
		s->vm = NULL;
	}
}

/* ---- inputs ---- */

static uint64_t
some_address(uint64_t *r)
{
	static const uint64_t odd[] = {0, 1, 4095, 4096, 0xffff, 0x7fffffffffff,
	    0x7ffffffff000, 0x800000000000, 0x8000000000000000, UINT64_MAX,
	    UINT64_MAX - 4095, 0x10000};

	/* Mostly one small area, so that the calls overlap. */
	if (rnd_below(r, 8) != 0)
		return (0x10000000 + rnd_below(r, 64) * 4096 +
			(rnd_below(r, 4) == 0 ? rnd_below(r, 4096) : 0));
	return (FUZZ_PICK(r, odd));
}

static uint64_t
some_length(uint64_t *r)
{
	static const uint64_t odd[] = {0, 1, 4095, 4097, 0x7fffffff000,
	    0x800000000000, UINT64_MAX, UINT64_MAX - 4095, INT64_MAX,
	    (uint64_t)1 << 32};

	if (rnd_below(r, 8) != 0)
		return ((1 + rnd_below(r, 32)) * 4096 -
			(rnd_below(r, 4) == 0 ? rnd_below(r, 4096) : 0));
	return (FUZZ_PICK(r, odd));
}

static void
some_op(uint64_t *r, struct op *op)
{
	static const uint32_t flags[] = {MAP_PRIVATE | MAP_ANONYMOUS,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, MAP_SHARED | MAP_FIXED,
	    MAP_PRIVATE | MAP_FIXED, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, MAP_SHARED, 0, 0xffff};

	memset(op, 0, sizeof(*op));
	op->code = (uint8_t)rnd_below(r, OP_N);
	op->slot = (uint8_t)rnd_next(r);
	op->a = (uint8_t)rnd_next(r);
	op->b = rnd_below(r, 2) == 0 ? 3 : (uint8_t)rnd_next(r);
	op->c =
	    op->code == OP_MMAP ? FUZZ_PICK(r, flags) : (uint32_t)rnd_next(r);
	op->addr = some_address(r);
	op->len = some_length(r);
}

static size_t
api_make(uint64_t *r, uint8_t *buf)
{
	size_t n = 10 + rnd_below(r, OPS_MAX - 10);
	struct op op;

	for (size_t i = 0; i < n; i++) {
		some_op(r, &op);
		/* The first calls create vmspaces. */
		if (i < 3)
			op.code = (uint8_t)(i == 1 ? OP_CREATE_MMU : OP_CREATE);
		else if (i < 6) {
			op.code = OP_MMAP;
			op.slot = (uint8_t)(i - 3);
			op.b = 3;
			op.c = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
			op.addr = 0x10000000;
			op.len = 64 * 4096;
		}
		memcpy(buf + i * sizeof(op), &op, sizeof(op));
	}
	return (n * sizeof(op));
}

static size_t
api_seed(unsigned i, uint8_t *buf, const char **name)
{
	static const char *const names[] = {"calls-0", "calls-1", "calls-2"};
	uint64_t r = i;

	if (i >= sizeof(names) / sizeof(names[0]))
		return (SIZE_MAX);
	*name = names[i];
	return (api_make(&r, buf));
}

static size_t
api_mutate(uint64_t *r, uint8_t *buf, size_t len)
{
	size_t n = len / sizeof(struct op);
	struct op op;

	if (n == 0)
		return (api_make(r, buf));
	some_op(r, &op);
	memcpy(buf + rnd_below(r, n) * sizeof(op), &op, sizeof(op));
	return (n * sizeof(op));
}

static bool
api_finish(bool say, unsigned long inputs)
{
	for (int i = 0; st.buf != NULL && i < 3; i++)
		close(st.fd[i]);
	if (st.buf != NULL)
		fuzz_kernel.fds -= 3;
	fuzz_remove("api-file");
	fuzz_kernel_done(true);
	free(st.buf);
	free(st.back);
	if (say)
		printf("%lu inputs: %llu calls succeeded, %llu failed; %u "
		       "kernels\n",
		    inputs, (unsigned long long)st.good,
		    (unsigned long long)st.bad, fuzz_kernel.kernels);
	return (inputs < 100 || (st.good > inputs && st.bad > inputs));
}

const struct fuzz_target fuzz_target = {
    .name = "api",
    .max = OPS_MAX * sizeof(struct op),
    .seed = api_seed,
    .make = api_make,
    .mutate = api_mutate,
    .run = api_run,
    .finish = api_finish,
};
