/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fuzzing of system calls: the input is a program of calls, faults and stores
 * (fuzz_sys.h) that the scripted machine runs.
 *
 * Concepts. The position of a thread in the program is kept in r15, so that
 * fork and clone copy it, exec begins again, and a signal frame carries it; the
 * results of the last calls are in rbx, r12 and r13. A signal handler has no
 * code: the program goes on at its position, on the stack of the handler, and
 * may return by rt_sigreturn from whatever is there. A call that is to be
 * restarted is not made again either.
 *
 * Bounds. All threads of one input together make STEPS steps, then each of them
 * exits at its next one; FORKS of them may be new threads or processes.
 * Programs that sleep are killed (fuzz_kernel.c).
 *
 * Failures are: a crash or a finding of a sanitizer; a result that no system
 * call has (an errno beyond EHWPOISON, an internal number); a vmspace that
 * fails vm_check_vmspace(), which is called now and then and at the end of each
 * thread; a process that does not end; anything left at the end.
 */
#include "vm/vmspace.h"
#include "fuzz_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/mman.h"
#include "fuzz_elf.h"
#include "host/host.h"
#include "linux/lib/syscall.h"
#include "vmspace/vkernel.h"

#define STEPS 600
#define FORKS 24
#define CHECK_EVERY 97

static void sys_step(
    void *, struct cpu_thread *, struct pmap *, struct cpu_event *);
static void sys_populate(void);

struct fuzz_kernel fuzz_kernel = {
    .step = sys_step,
    .per_kernel = 100,
    .mem = (uint64_t)24 << 20,
    .idle_ns = UINT64_C(20000000),
    .populate = sys_populate,
};

static struct {
	struct sys_op ops[SYS_OPS_MAX];
	size_t n;
	_Atomic(int64_t) steps, forks; /* left */
	_Atomic(uint64_t) good, bad;   /* calls that succeeded, failed */
	uint8_t scratch[SCRATCH_SLOT * SCRATCH_SLOTS];
	int null;
} fz = {.null = -1};

/* The call that this thread has made, or -1. After rt_sigreturn and in a new
 * image rax is not a result. */
static _Thread_local int64_t made = -1;

static void
check_result(const struct trapframe *tf)
{
	const int64_t r = (int64_t)tf->rax;

	if (made < 0)
		return;
	if (r < 0 && r > -4096) {
		if (r < -EHWPOISON)
			fuzz_fail("call %lld: result %lld", (long long)made,
			    (long long)r);
		atomic_fetch_add_explicit(&fz.bad, 1, memory_order_relaxed);
	} else {
		atomic_fetch_add_explicit(&fz.good, 1, memory_order_relaxed);
	}
	made = -1;
}

static void
check_vm(void)
{
	if (vm_check_vmspace(lwp_current()->p->vmspace) != 0)
		fuzz_fail("vm_check_vmspace() found damage");
}

/* ---- user code ---- */

static void
call(struct trapframe *tf, struct cpu_event *ev, uint16_t nr,
    const uint64_t a[6])
{
	if ((nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone ||
		nr == SYS_clone3) &&
	    atomic_fetch_sub(&fz.forks, 1) <= 0)
		nr = SYS_getpid;
	made = nr == SYS_rt_sigreturn || nr == SYS_execve ||
		       nr == SYS_execveat || nr == SYS_vfork
		   ? -1
		   : nr;
	if (nr == SYS_rt_sigreturn)
		tf->rsp += 8; /* the handler's return */
	tf->rax = tf->orig_rax = nr;
	tf->rdi = a[0];
	tf->rsi = a[1];
	tf->rdx = a[2];
	tf->r10 = a[3];
	tf->r8 = a[4];
	tf->r9 = a[5];
	ev->type = CPU_EV_SYSCALL;
}

static void
fault(struct cpu_event *ev, uint64_t addr, vm_prot_t access)
{
	ev->type = CPU_EV_FAULT;
	ev->addr = addr;
	ev->access = access;
}

static void
store(struct lwp *l, uint64_t addr, uint64_t val)
{
	(void)copyout(l->p->vmspace, &val, addr, sizeof(val));
}

static void
refill(struct lwp *l)
{
	(void)copyout(l->p->vmspace, fz.scratch, SCRATCH, sizeof(fz.scratch));
}

static void
play(struct lwp *l, struct trapframe *tf, struct cpu_event *ev,
    const struct sys_op *op)
{
	const uint16_t nr = op->nr % SYS_NR_SPAN;
	uint64_t a[6];

	for (int i = 0; i < 6; i++)
		a[i] = sys_value(l, op->a[i]);
	ev->type = CPU_EV_INTERRUPT;
	switch (nr) {
	case OP_READ:
		fault(ev, a[0], VM_PROT_READ);
		break;
	case OP_WRITE:
		fault(ev, a[0], VM_PROT_WRITE);
		break;
	case OP_FETCH:
		fault(ev, a[0], VM_PROT_EXECUTE);
		break;
	case OP_STORE:
		store(l, a[0], a[1]);
		break;
	case OP_EXCEPTION:
		ev->type = CPU_EV_EXCEPTION;
		ev->signo = 1 + (int)(a[0] % 31);
		ev->code = 1;
		ev->addr = a[1];
		break;
	case OP_PAUSE:
		host_sleep_ns(200000);
		break;
	case OP_REFILL:
		refill(l);
		break;
	case OP_NOTHING:
		break;
	default:
		call(tf, ev, nr, a);
		break;
	}
}

static void
sys_step(
    void *arg, struct cpu_thread *ct, struct pmap *pmap, struct cpu_event *ev)
{
	static const uint64_t map[6] = {SCRATCH, SCRATCH_LEN, 3,
	    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED, UINT64_MAX};
	static const uint64_t none[6] = {0};
	struct lwp *l = lwp_current();
	struct trapframe *tf = &ct->tf;
	const int64_t left = atomic_fetch_sub(&fz.steps, 1);
	uint64_t at = tf->r15++;

	atomic_fetch_add(&fuzz_kernel.progress, 1);
	if (made >= 0) {
		tf->r13 = tf->r12;
		tf->r12 = tf->rbx;
		tf->rbx = tf->rax;
		check_result(tf);
	}
	if (left % CHECK_EVERY == 0)
		check_vm();
	if (at == 0) {
		call(tf, ev, SYS_mmap, map);
		return;
	}
	if (at == 1)
		refill(l);
	at--;
	if (left > 0 && at < sys_prologue_n) {
		play(l, tf, ev, &sys_prologue[at]);
	} else if (left > 0 && at - sys_prologue_n < fz.n) {
		play(l, tf, ev, &fz.ops[at - sys_prologue_n]);
	} else {
		check_vm();
		call(tf, ev, SYS_exit_group, none);
	}
}

/* ---- one input ---- */

static void
sys_populate(void)
{
	uint8_t buf[4096];

	fuzz_file("p", buf, elf_good(buf, false, NULL), 0755);
	fuzz_file("sh", "#!/p arg\n", 9, 0755);
	sys_scratch(fz.scratch);
	fz.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fz.null < 0)
		fuzz_fail("/dev/null: %s", strerror(errno));
}

static void
sys_run(const uint8_t *data, size_t len)
{
	struct vkernel *k = fuzz_kernel_get();
	const int fds[2] = {fz.null, fz.null}; /* opened by then */
	const struct vkernel_spawn sp = {.path = "/p", .fds = fds, .nfds = 2};
	int error, pid;

	fz.n = len / sizeof(fz.ops[0]);
	memcpy(fz.ops, data, fz.n * sizeof(fz.ops[0]));
	atomic_store(&fz.steps, STEPS);
	atomic_store(&fz.forks, FORKS);
	error = vkernel_spawn(k, &sp, &pid);
	if (error != 0)
		fuzz_fail("spawn: %s", strerror(error));
	(void)fuzz_kernel_wait(pid);
}

static bool
sys_finish(bool say, unsigned long inputs)
{
	const uint64_t good = atomic_load(&fz.good), bad = atomic_load(&fz.bad);

	fuzz_kernel_done(true);
	if (say)
		printf("fuzz_sys: %llu calls succeeded, %llu failed; %u "
		       "programs were killed; %u kernels, nothing left\n",
		    (unsigned long long)good, (unsigned long long)bad,
		    fuzz_kernel.kicked, fuzz_kernel.kernels);
	return (inputs < 1000 ||
		(good > bad / 4 && bad > good / 4 && good > inputs * 10));
}

const struct fuzz_target fuzz_target = {
    .name = "sys",
    .max = SYS_OPS_MAX * sizeof(struct sys_op),
    .seed = sys_seed,
    .make = sys_make,
    .mutate = sys_mutate,
    .run = sys_run,
    .finish = sys_finish,
};
