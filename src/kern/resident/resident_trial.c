/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Making a resident image: the program's loader is run twice, and compared.
 *
 * Purpose.  At its entry point a program finds memory that the loader has
 * prepared.  Most of it depends on the files alone, some of it on the process:
 * the address of the stack, the number of arguments, the number of the thread.
 * A copy for another process needs exactly those words to be changed.  There is
 * no list of symbols that names them for every version of every C library;
 * therefore two runs of the loader are compared.
 *
 * Concepts.  A trial is an exec by a process that other processes cannot find
 * (it is in no table and has no number), with no descriptors, and a made-up
 * environment and made-up arguments.  Its user code is driven by a thread of
 * its own until it jumps to the address in AT_ENTRY, which is not the program's
 * entry but a page that is not mapped: the loader is done.
 *
 * Two trials get the same random numbers (layout, AT_RANDOM, getrandom) and
 * differ in what may differ between execs: their stacks lie in different
 * places, the arguments are different in number, the thread has another number.
 * So a word that is equal in both does not depend on these.  A word that
 * differs must be explained: it is, in each trial, the address of one of the
 * places on the stack that the ABI defines, the number of arguments, or the
 * number of the thread.  The explanation is kept as a patch.  These words of a
 * C library are explained:
 *
 *	__libc_stack_end                      RP_SP
 *	_dl_argv, __libc_argv                 RP_ARGV
 *	_dl_argc, __libc_argc                 RP_ARGC
 *	program_invocation_name               RP_ARG0
 *	program_invocation_short_name         RP_ARG0BASE
 *	__environ                             RP_ENVP
 *	_dl_auxv, _dl_random, _dl_platform    RP_AUXV, RP_RANDOM, RP_PLATFORM
 *	the thread id in the descriptor of    RP_TID (one C library also gives
 *	the thread                            its address to set_tid_address)
 *
 * A value that the loader copies from the auxiliary vector is that of the
 * machine or of the files, and equal in both trials.  A pointer into a variable
 * of the environment is not explained.
 *
 * Three kinds of difference are ignored: pointers to addresses below the stack
 * pointer of both trials, times that the loader stores for its statistics, and
 * the number of the CPU whose features it has read.  Any other difference means
 * that this program cannot be resident: the log names the difference, and the
 * program starts cold until its file changes.
 *
 * A loader must also not have done anything outside of its memory: only calls
 * that look at files, map them, or return what is the same for all processes
 * are allowed (call_allowed).  No descriptor may be left open, no writable
 * memory be shared, and the vectors on the stack and the control registers must
 * be as exec has set them.  Each name that was looked at is kept for
 * resident.c.
 *
 * Locking and lifetime: no lock is held.  A trial is killed after TRIAL_NS,
 * when the process that waits for it is killed, and when memory runs out.  That
 * ends its user code and its sleep in a call.  The second trial's vmspace
 * becomes the image.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/resource.h"
#include "host/host.h"
#include "kern/proc/process.h"
#include "kern/resident/resident_trial.h"
#include "libk/kassert.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/vnode.h"
#include "vm/vmspace.h"

#define TRIAL_NS UINT64_C(5000000000)
#define TRIAL_STEP_NS UINT64_C(20000000)
#define FCW_RESET 0x037f /* x87 and SSE as after exec */
#define MXCSR_RESET 0x1f80
#define TRIAL_CALLS 100000
#define SHIFT_PAGES 37 /* how far apart the two stacks are */
#define CANARY_OFF 0x28

const unsigned trial_argc[2] = {1031, 1237};
const int trial_tid[2] = {0x5ead0bad, 0x6bed1dea};
static const char *const trial_arg0[2] = {"/trial/one", "/trials/zero"};
static const char *const trial_path[2] = {"/trial/exec", "/trials/exec-0"};
/* Variables that no program reads.  Their strings differ in place between the
 * trials, so a loader that copies the environment causes a difference. */
static const char *const trial_env[] = {"_VMSPACE_TRIAL_1=1",
    "_VMSPACE_TRIAL_2=2", "_VMSPACE_TRIAL_3=3", "_VMSPACE_TRIAL_4=4",
    "_VMSPACE_TRIAL_5=5", NULL};
#define TRIAL_ENVC(nr) (3 + 2 * (nr))

/* ---- random numbers ---- */

static uint64_t
resident_random(struct resident_trial *t)
{
	uint64_t z = t->seed + ++t->draws * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31));
}

void
resident_bytes(struct resident_trial *t, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)resident_random(t);
}

static uint64_t
resident_shift(const struct resident_trial *t)
{
	return ((uint64_t)(1 + t->nr * SHIFT_PAGES) * PAGE_SIZE);
}

static void
resident_note(
    struct resident_trial *t, const struct exec_image *img, uint64_t entry)
{
	t->lay = img->lay;
	t->sp = img->sp;
	t->trap = entry;
	t->prog = img->prog;
	t->stack_hi = img->vm->stack_top;
}

/* ---- the process of a trial ---- */

int
trial_refuse(struct resident_trial *t, const char *fmt, unsigned long long a,
    unsigned long long b)
{
	if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why), fmt, a, b);
	return (ENOEXEC);
}

static int
trial_fs(struct resident_trial *t)
{
	struct proc_fs first = {.cwd = t->img->ctx.root,
	    .root = t->img->ctx.root,
	    .ns = t->img->p->fs->ns,
	    .umask = 022};
	int error;

	kmutex_init(&first.lock, "trial fs", KRANK_FDTABLE, 0);
	error = proc_fs_copy(t->img->k, &first, &t->p->fs);
	kmutex_destroy(&first.lock);
	return (error);
}

static void
trial_settings(struct proc *to, const struct exec_image *img)
{
	struct proc *from = img->p;

	to->cred = cred_ref(img->cred);
	kmutex_lock(&from->lock);
	memcpy(to->rlim, from->rlim, sizeof(to->rlim));
	kmutex_unlock(&from->lock);
}

static int
trial_exec(struct resident_trial *t)
{
	const unsigned n = trial_argc[t->nr];
	const char **argv = calloc(n + 1, sizeof(*argv));
	const char *env[6] = {NULL};
	struct exec_args args;
	int error;

	if (argv == NULL)
		return (ENOMEM);
	for (unsigned i = 1; i < n; i++)
		argv[i] = "";
	argv[0] = trial_arg0[t->nr];
	memcpy(env, trial_env, TRIAL_ENVC(t->nr) * sizeof(env[0]));
	exec_args_init(&args);
	args.vp = t->img->vp;
	args.path = trial_path[t->nr];
	error = exec_args_set(&args, argv, env);
	if (error == 0)
		error = kern_exec(t->l, &args);
	exec_args_free(&args);
	free(argv);
	return (error);
}

/* After a failure trial_end() undoes what was done. */
static int
trial_start(struct resident_trial *t)
{
	struct vkernel *k = t->img->k;
	int error;

	t->p = proc_alloc(k);
	if (t->p == NULL)
		return (ENOMEM);
	t->p->trial = t;
	trial_settings(t->p, t->img);
	error = sigacts_create(k, NULL, &t->p->sigacts);
	if (error != 0)
		return (error);
	error = trial_fs(t);
	if (error != 0)
		return (error);
	error = fdtable_create(k->vfs, &t->p->fdt);
	if (error != 0)
		return (error);
	error = lwp_create(t->p, 0, &t->l);
	if (error != 0)
		return (error);
	error = trial_exec(t);
	if (error != 0)
		return (error);
	t->l->tid = trial_tid[t->nr];
	if (t->prog.base == 0)
		return (trial_refuse(t, "it is a static program", 0, 0));
	return (0);
}

void
trial_end(struct resident_trial *t)
{
	if (t->l != NULL) {
		cpu_unbind(t->l->cpu);
		lwp_undo(t->l);
	}
	if (t->p != NULL) {
		proc_undo(t->p);
		proc_release(t->p);
	}
	t->l = NULL;
	t->p = NULL;
}

/* ---- what a loader may do ---- */

/* Calls that look at files, map them, or return what is the same for all
 * processes; and which argument is a path. */
static const struct {
	const char *name;
	int path; /* -1: none */
} harmless[] = {
    {"open", 0},
    {"openat", 1},
    {"access", 0},
    {"faccessat", 1},
    {"faccessat2", 1},
    {"stat", 0},
    {"lstat", 0},
    {"newfstatat", 1},
    {"statx", 1},
    {"statfs", 0},
    {"readlink", 0},
    {"readlinkat", 1},
    {"fstat", -1},
    {"fstatfs", -1},
    {"read", -1},
    {"pread64", -1},
    {"lseek", -1},
    {"getdents64", -1},
    {"close", -1},
    {"fcntl", -1},
    {"mmap", -1},
    {"mprotect", -1},
    {"munmap", -1},
    {"mremap", -1},
    {"madvise", -1},
    {"brk", -1},
    {"arch_prctl", -1},
    {"set_tid_address", -1},
    {"set_robust_list", -1},
    {"rseq", -1},
    {"prlimit64", -1},
    {"uname", -1},
    {"getuid", -1},
    {"geteuid", -1},
    {"getgid", -1},
    {"getegid", -1},
    {"sched_getaffinity", -1},
    {"futex", -1},
};

/* call: the name of a call, NULL: it has none. */
static bool
call_is(const char *call, const char *name)
{
	return (call != NULL && strcmp(call, name) == 0);
}

/* Is the call harmless with these arguments?  If so, *path is the index of the
 * argument that is a path, or -1. */
static bool
call_allowed(const char *call, const uint64_t *a, int *path)
{
	size_t i = 0, n = sizeof(harmless) / sizeof(harmless[0]);
	const uint64_t changing = O_ACCMODE | O_CREAT | O_TRUNC;

	while (i < n && !call_is(call, harmless[i].name))
		i++;
	if (i == n)
		return (false);
	*path = harmless[i].path;
	if (call_is(call, "open"))
		return ((a[1] & changing) == O_RDONLY);
	if (call_is(call, "openat"))
		return ((a[2] & changing) == O_RDONLY);
	if (call_is(call, "prlimit64"))
		return (a[0] == 0 && a[1] == LX_RLIMIT_STACK && a[2] == 0);
	/* Refuse memory that the copies would share, and memory that a fork
	 * leaves out. */
	if (call_is(call, "mmap"))
		return ((a[3] & LX_MAP_TYPE) == LX_MAP_PRIVATE ||
			((a[3] & LX_MAP_ANONYMOUS) == 0 &&
			    (a[2] & LX_PROT_WRITE) == 0));
	if (call_is(call, "madvise"))
		return (a[2] != LX_MADV_DONTFORK && a[2] != LX_MADV_WIPEONFORK);
	if (call_is(call, "futex"))
		return (a[1] == (LX_FUTEX_WAKE | LX_FUTEX_PRIVATE_FLAG));
	if (call_is(call, "fcntl"))
		return (a[1] == F_GETFD || a[1] == F_SETFD || a[1] == F_GETFL);
	return (true);
}

int
trial_name(struct resident_image *ri, struct exec_image *img, const char *path,
    bool nofollow, unsigned *which)
{
	unsigned i;

	/* [0] is the program, however it was named. */
	for (i = 1; i < ri->nfiles; i++)
		if (ri->file[i].nofollow == nofollow &&
		    strcmp(ri->file[i].path, path) == 0)
			break;
	if (i == RESIDENT_FILES)
		return (ENOEXEC);
	if (i >= ri->nfiles) {
		i = ri->nfiles;
		ri->file[i].path = strdup(path);
		if (ri->file[i].path == NULL)
			return (ENOMEM);
		ri->file[i].nofollow = nofollow;
		ri->file[i].id = resident_identify(&img->ctx, path, nofollow);
		ri->nfiles++;
	}
	*which = i;
	return (0);
}

static int
resident_name(struct resident_trial *t, const char *path, struct vnode *vp)
{
	struct resident_id id = resident_id_of(vp);
	unsigned i;
	int error;

	/* The trial starts in the root directory, another exec need not. */
	if (path[0] != '/')
		return (trial_refuse(t, "its interpreter has no path", 0, 0));
	error = trial_name(t->ri, t->img, path, false, &i);
	if (error == 0 && !resident_same(&id, &t->ri->file[i].id))
		error = EAGAIN;
	return (error);
}

static void
resident_self(struct resident_trial *t)
{
	atomic_store(&t->itself, true);
}

/* Does the call look at a link rather than at what it leads to? */
static bool
call_nofollow(const char *call, const uint64_t *a)
{
	if (call_is(call, "newfstatat") || call_is(call, "faccessat2"))
		return ((a[3] & LX_AT_SYMLINK_NOFOLLOW) != 0);
	if (call_is(call, "statx"))
		return ((a[2] & LX_AT_SYMLINK_NOFOLLOW) != 0);
	if (call_is(call, "open"))
		return ((a[1] & O_NOFOLLOW) != 0);
	if (call_is(call, "openat"))
		return ((a[2] & O_NOFOLLOW) != 0);
	return (call_is(call, "lstat") || call_is(call, "readlink") ||
		call_is(call, "readlinkat"));
}

/* Before the call: record the name and what it leads to. */
static int
call_names(struct resident_trial *t, unsigned nr, const char *call,
    const uint64_t *a, int which)
{
	bool opens = call_is(call, "open") || call_is(call, "openat");
	char path[VFS_PATH_MAX];
	unsigned i;
	int error;

	t->opening = 0;
	if (which < 0)
		return (0);
	error = copyinstr(t->p->vmspace, path, a[which], sizeof(path), NULL);
	if (error != 0)
		return (trial_refuse(t,
		    "its loader makes system call %llu with a bad path", nr,
		    0));
	if (path[0] == '\0')
		return (0); /* the descriptor itself */
	if (path[0] != '/')
		return (trial_refuse(t,
		    "its loader makes system call %llu with a relative path",
		    nr, 0));
	error = trial_name(t->ri, t->img, path, call_nofollow(call, a), &i);
	if (error != 0)
		return (trial_refuse(
		    t, "its loader looks up too many names", 0, 0));
	if (!opens)
		return (0);
	if (t->ri->file[i].id.special)
		return (trial_refuse(t,
		    "its loader opens neither a file nor a directory", 0, 0));
	t->opening = i;
	return (0);
}

/* After the call: did the call find the file that was recorded?  Did it need
 * something that a trial does not have? */
static int
call_check(struct resident_trial *t)
{
	int64_t ret = (int64_t)t->l->cpu->tf.rax;
	struct resident_id id;
	struct file *f;
	bool same;

	if (t->l->exiting)
		return (trial_refuse(t, "its loader exits", 0, 0));
	if (atomic_load(&t->itself))
		return (trial_refuse(
		    t, "its loader looks up its own process", 0, 0));
	if (ret == -EBADF)
		return (trial_refuse(
		    t, "its loader uses an open descriptor", 0, 0));
	if (t->opening == 0 || ret < 0)
		return (0);
	if (fd_get(t->p->fdt, (int)ret, &f) != 0)
		return (EAGAIN);
	same = f->vp != NULL;
	if (same) {
		id = resident_id_of(f->vp);
		same = resident_same(&id, &t->ri->file[t->opening].id);
	}
	file_free(f);
	return (same ? 0 : EAGAIN); /* the file is being changed */
}

/* getrandom: the same in both trials. */
static void
call_random(struct resident_trial *t, const uint64_t *a)
{
	struct trapframe *tf = &t->l->cpu->tf;
	uint8_t buf[256];
	size_t n = a[1] < sizeof(buf) ? a[1] : sizeof(buf);

	resident_bytes(t, buf, n);
	tf->rcx = tf->rip;
	tf->r11 = tf->rflags;
	tf->rax = copyout(t->p->vmspace, buf, a[0], n) == 0
		      ? n
		      : (uint64_t) - (int64_t)EFAULT;
}

static int
trial_call(struct resident_trial *t)
{
	struct trapframe *tf = &t->l->cpu->tf;
	const uint64_t a[6] = {
	    tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9};
	unsigned nr = (unsigned)tf->orig_rax;
	const char *call = t->img->k->sysops->name(nr);
	int error, path;

	if (call_is(call, "getrandom")) {
		call_random(t, a);
		return (0);
	}
	if (!call_allowed(call, a, &path))
		return (trial_refuse(
		    t, "its loader makes system call %llu", nr, 0));
	error = call_names(t, nr, call, a, path);
	if (error != 0)
		return (error);
	(void)t->img->k->sysops->dispatch(t->l);
	return (call_check(t));
}

static int
trial_step(struct resident_trial *t, bool *done)
{
	struct cpu_event ev;
	int error;

	error = cpu_run(t->l->cpu, t->p->vmspace->pmap, &ev);
	if (error != 0)
		return (error);
	switch (ev.type) {
	case CPU_EV_SYSCALL:
		return (trial_call(t));
	case CPU_EV_FAULT:
		*done = ev.addr == t->trap && t->l->cpu->tf.rip == t->trap &&
			t->l->cpu->tf.rsp == t->sp;
		if (*done)
			return (0);
		error = vm_fault(t->p->vmspace, ev.addr, ev.access, 0);
		return (error == 0
			    ? 0
			    : trial_refuse(t, "its loader crashes at %#llx",
				  t->l->cpu->tf.rip, 0));
	case CPU_EV_INTERRUPT:
		return (atomic_load(&t->expired) ? EINTR : 0);
	default:
		return (trial_refuse(t, "its loader crashes", 0, 0));
	}
}

static void
trial_main(void *arg)
{
	struct resident_trial *t = arg;
	bool done = false;
	int error = 0;

	lwp_set_current(t->l);
	for (unsigned i = 0; error == 0 && !done; i++) {
		error = atomic_load(&t->expired) ? EINTR : trial_step(t, &done);
		if (error == 0 && i > TRIAL_CALLS)
			error =
			    trial_refuse(t, "its loader does not end", 0, 0);
	}
	lwp_set_current(NULL);
	kmutex_lock(&t->lock);
	t->error = error;
	t->over = true;
	kcond_broadcast(&t->cond);
	kmutex_unlock(&t->lock);
}

void
resident_expire(struct resident_trial *t)
{
	atomic_store(&t->expired, true);
}

/* End the trial: interrupt its user code and its sleeps. */
static void
trial_kill(struct resident_trial *t)
{
	kmutex_lock(&t->p->lock);
	t->p->exiting = true;
	lwp_notify(t->l);
	kmutex_unlock(&t->p->lock);
}

static bool
waiter_killed(struct lwp *l)
{
	bool killed;

	kmutex_lock(&l->p->lock);
	killed = lwp_killed_locked(l);
	kmutex_unlock(&l->p->lock);
	return (killed);
}

/* Wait until the trial's thread has ended. */
static void
trial_wait(struct resident_trial *t)
{
	uint64_t until = host_now_ns() + TRIAL_NS, now;
	bool over;

	for (;;) {
		now = host_now_ns();
		kmutex_lock(&t->lock);
		if (!t->over)
			(void)kcond_timedwait(
			    &t->cond, &t->lock, now + TRIAL_STEP_NS);
		over = t->over;
		kmutex_unlock(&t->lock);
		if (over)
			break;
		if (now > until && !atomic_load(&t->expired)) {
			t->late = true;
			atomic_store(&t->expired, true);
		}
		if (waiter_killed(t->img->l))
			atomic_store(&t->expired, true);
		if (atomic_load(&t->expired))
			trial_kill(t);
	}
	host_thread_join(t->thread);
}

int
trial_run(struct resident_trial *t)
{
	struct vkernel *k = t->img->k;
	int error;

	t->tsc[0] = __builtin_ia32_rdtsc();
	error = trial_start(t);
	if (error != 0)
		return (error);
	kmutex_lock(&k->resident_lock);
	LIST_INSERT_HEAD(&k->trials, t, link);
	kmutex_unlock(&k->resident_lock);
	error = host_thread_create(&t->thread, "resident", trial_main, t);
	if (error == 0) {
		trial_wait(t);
		error = t->error;
	}
	kmutex_lock(&k->resident_lock);
	LIST_REMOVE(t, link);
	kmutex_unlock(&k->resident_lock);
	t->tsc[1] = __builtin_ia32_rdtsc();
	if (t->late)
		return (trial_refuse(t, "its loader does not end", 0, 0));
	return (error);
}

/* ---- the result of a trial ---- */

/* Are rounding and exceptions of the floating point units those after exec? */
static bool
registers_plain(struct resident_trial *t)
{
	size_t size = cpu_xstate_size(t->l->cpu);
	uint8_t *x = size < 512 ? NULL : malloc(size);
	uint16_t fcw = 0;
	uint32_t mxcsr = 0;

	if (x == NULL)
		return (false);
	if (cpu_xstate_get(t->l->cpu, x, size) == 0) {
		memcpy(&fcw, x, sizeof(fcw));
		memcpy(&mxcsr, x + 24, sizeof(mxcsr));
	}
	free(x);
	/* The exception flags are ignored. */
	return (fcw == FCW_RESET && (mxcsr & ~0x3fu) == MXCSR_RESET);
}

/* Are argc, argv and envp on the stack as exec has made them? */
static bool
vectors_same(struct resident_trial *t)
{
	const size_t argc = trial_argc[t->nr], envc = TRIAL_ENVC(t->nr);
	const size_t n = 1 + argc + 1 + envc + 1;
	uint64_t *v = malloc(n * sizeof(*v));
	size_t done;
	bool same;

	if (v == NULL)
		return (false);
	same =
	    vm_pread(t->p->vmspace, v, n * sizeof(*v), t->sp, 0, &done) == 0 &&
	    v[0] == argc && v[argc + 1] == 0 && v[n - 1] == 0;
	for (size_t i = 1; same && i < n - 1; i++)
		same = i == argc + 1 ||
		       (v[i] > t->sp && v[i] < t->stack_hi &&
			   (i == 1 || v[i - 1] == 0 || v[i] > v[i - 1]));
	free(v);
	return (same);
}

int
trial_check(struct resident_trial *t)
{
	struct vm_entry_info e;
	vm_offset_t va = 0;
	struct file *f;
	int fd = 0;

	if (fd_next(t->p->fdt, &fd, &f)) {
		file_free(f);
		return (
		    trial_refuse(t, "its loader leaves descriptor %llu open",
			(unsigned long long)fd, 0));
	}
	if (t->p->nlwps != 1)
		return (trial_refuse(t, "its loader starts a thread", 0, 0));
	if (t->l->cpu->tf.gs_base != 0 || !registers_plain(t))
		return (
		    trial_refuse(t, "its loader sets control registers", 0, 0));
	if (!vectors_same(t))
		return (trial_refuse(t,
		    "its loader changes the arguments or the environment", 0,
		    0));
	while (vmspace_entry_info(t->p->vmspace, va, &e) == 0) {
		if ((e.eflags & MAP_ENTRY_SHARED) != 0 &&
		    (e.prot & VM_PROT_WRITE) != 0)
			return (trial_refuse(t,
			    "its loader maps shared memory at %#llx", e.start,
			    0));
		if (e.start <= t->sp && t->sp < e.end)
			t->stack_lo = e.start;
		va = e.end;
	}
	if (t->stack_lo == 0)
		return (trial_refuse(t, "its loader unmaps the stack", 0, 0));
	return (0);
}

/* ---- an image ---- */

static int
keep(struct resident_trial *b)
{
	struct resident_image *ri = b->ri;
	const struct trapframe *tf = &b->l->cpu->tf;
	uint64_t random = 0, canary = 0;
	size_t done;

	ri->prog = b->prog;
	ri->loaded = (struct exec_loaded){
	    .rdx = tf->rdx,
	    .fs_base = tf->fs_base,
	    .clear_tid = b->l->clear_tid,
	    .robust_list = b->l->robust_list,
	    .robust_len = b->l->robust_len,
	};
	for (unsigned i = 0; i < ri->npatches; i++)
		if (ri->patch[i].kind == RP_TID)
			ri->loaded.tid_at = ri->patch[i].at;
	ri->uid = b->l->cred->uid;
	ri->euid = b->l->cred->euid;
	ri->gid = b->l->cred->gid;
	ri->egid = b->l->cred->egid;
	ri->stack_limit = b->p->rlim[LX_RLIMIT_STACK].cur;
	ri->root = b->img->ctx.root.vp;
	vref(ri->root);
	(void)vm_pread(b->p->vmspace, &random, 8, b->lay.random, 0, &done);
	if (tf->fs_base != 0 && vm_pread(b->p->vmspace, &canary, 8,
				    tf->fs_base + CANARY_OFF, 0, &done) == 0)
		ri->canary = canary == (random & ~(uint64_t)0xff);
	/* The stack of the trial is not part of the image. */
	ri->vm = b->p->vmspace;
	vmspace_ref(ri->vm);
	cpu_unbind(b->l->cpu);
	return (vm_munmap(ri->vm, b->stack_lo, b->stack_hi - b->stack_lo));
}

/* Run the program in trial t and check what its loader did. */
static int
make_trial(struct resident_trial *t)
{
	int error;

	error = trial_run(t);
	return (error != 0 ? error : trial_check(t));
}

/* Make the image of both trials, b->ri.  On failure b->why says why, if it is
 * the program's fault. */
static int
make_image(struct resident_trial *a, struct resident_trial *b)
{
	struct resident_image *ri = b->ri;
	int error;

	/* File 0 is the program that is being executed, even if its path leads
	 * elsewhere by now. */
	ri->file[0].path = strdup(b->img->path);
	if (ri->file[0].path == NULL)
		return (ENOMEM);
	ri->file[0].id = resident_id_of(b->img->vp);
	ri->nfiles = 1;
	error = make_trial(a);
	if (error != 0) {
		memcpy(b->why, a->why, sizeof(b->why));
		return (error);
	}
	error = make_trial(b);
	if (error != 0)
		return (error);
	error = trial_compare(a, b);
	if (error != 0)
		return (error);
	return (keep(b));
}

static void
make_log(const struct exec_image *img, const char *why, int error)
{
	if (error == ENOEXEC)
		klog(&img->k->log, KLOG_WARN, "%s cannot be resident: %s",
		    img->path, why[0] != '\0' ? why : strerror(error));
	else if (error != 0)
		klog(&img->k->log, KLOG_INFO, "%s is not resident yet: %s",
		    img->path, strerror(error));
}

static void
trials_init(struct resident_trial t[2], struct exec_image *img,
    struct resident_image *ri)
{
	host_random(&t[0].seed, sizeof(t[0].seed));
	for (unsigned i = 0; i < 2; i++) {
		t[i].img = img;
		t[i].nr = i;
		t[i].seed = t[0].seed;
		t[i].ri = ri;
		kmutex_init(&t[i].lock, "trial", KRANK_LEAF, 0);
		kcond_init(&t[i].cond);
	}
}

static void
trials_destroy(struct resident_trial t[2])
{
	for (unsigned i = 0; i < 2; i++) {
		trial_end(&t[i]);
		kcond_destroy(&t[i].cond);
		kmutex_destroy(&t[i].lock);
	}
}

int
resident_make(struct exec_image *img, struct resident_image **out)
{
	struct resident_trial *t;
	struct resident_image *ri;
	int error;

	t = calloc(2, sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	ri = calloc(1, sizeof(*ri));
	if (ri == NULL) {
		free(t);
		return (ENOMEM);
	}
	atomic_init(&ri->refs, 1);
	ri->k = img->k;
	trials_init(t, img, ri);
	error = make_image(&t[0], &t[1]);
	make_log(img, t[1].why, error);
	trials_destroy(t);
	free(t);
	if (error != 0) {
		resident_free(ri);
		return (error);
	}
	*out = ri;
	return (0);
}

const struct resident_ops resident_ops = {
    .activate = imgact_resident,
    .random = resident_random,
    .bytes = resident_bytes,
    .shift = resident_shift,
    .name = resident_name,
    .note = resident_note,
    .self = resident_self,
    .shed = resident_shed,
};
