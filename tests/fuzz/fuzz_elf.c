/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fuzzing of exec: any file is given to vkernel_spawn() on a kernel with
 * scripted user code.
 *
 * An accepted program is checked before it "runs": the registers, the first
 * words of its stack, the bytes of its segments against the file, the whole
 * vmspace (vm_check_vmspace). Then it fetches its first instruction, pushes a
 * word, and ends. If one of the two addresses is not mapped the process
 * receives SIGSEGV, which is correct.
 *
 * Failures are: a crash or a finding of a sanitizer; an errno that execve(2)
 * does not have; a file that runs although elf_rules.c says that it must be
 * refused, or the reverse; memory that differs from the file; anything left
 * when the kernel is destroyed.
 *
 * Other files in the root: /ld (a correct interpreter), /sh (a correct static
 * program), /dyn (a program that names /ld), /s and /loop (scripts), /noexec.
 * The input is /self while it runs, and has a second name of its own, so that
 * nothing of the previous input is cached for it.
 */
#include "vm/vmspace.h"
#include "fuzz_elf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libk/kassert.h"
#include "vmspace/vkernel.h"
#include "kern/base/lwp.h"
#include "kern/base/vkernel.h"
#include "kern/base/proc.h"

#define ARGC 3
#define WORDS 96 /* words of the stack that are checked */

static void elf_step(
    void *, struct cpu_thread *, struct pmap *, struct cpu_event *);
static void elf_populate(void);

struct fuzz_kernel fuzz_kernel = {
    .step = elf_step,
    .per_kernel = 500,
    .mem = (uint64_t)16 << 20,
    .idle_ns = UINT64_C(1000000000),
    .populate = elf_populate,
};

static struct {
	const uint8_t *data; /* the file, without the mark */
	size_t len;
	bool interp; /* data is the file of the interpreter */
	unsigned name;
	unsigned long accepted, refused, started;
} fz;

/* ---- user code ---- */

static bool
get(void *vm, uint64_t addr, void *buf, size_t len)
{
	return (copyin(vm, buf, addr, len) == 0);
}

/* argc, argv[0] and the auxv are at the places that the psABI defines. */
static void
check_stack(struct vmspace *vm, const struct trapframe *tf)
{
	uint64_t w[WORDS], i;
	char c;

	if (tf->rsp % 16 != 0)
		fuzz_fail("stack pointer %llx", (unsigned long long)tf->rsp);
	/* The rest of the range is the string of the environment. */
	if (!get(vm, tf->rsp, w, sizeof(w)))
		fuzz_fail("cannot read the stack");
	if (w[0] < ARGC || w[0] > 16 || w[w[0] + 1] != 0)
		fuzz_fail("argc %llu", (unsigned long long)w[0]);
	if (!get(vm, w[1], &c, 1) || !get(vm, w[w[0]], &c, 1))
		fuzz_fail("cannot read argv");
	for (i = w[0] + 4; i + 1 < WORDS && w[i] != AT_NULL; i += 2)
		if (w[i] == AT_PAGESZ && w[i + 1] != 4096)
			fuzz_fail("AT_PAGESZ is %llu, not 4096",
			    (unsigned long long)w[i + 1]);
	if (i + 1 >= WORDS)
		fuzz_fail("auxv does not end");
}

static uint64_t
aux(struct proc *p, uint64_t type)
{
	for (int i = 0; i + 1 < PROC_AUXV; i += 2)
		if (p->saved_auxv[i] == type)
			return (p->saved_auxv[i + 1]);
	return (0);
}

static void
check_image(struct proc *p, const struct trapframe *tf)
{
	uint64_t entry = aux(p, AT_ENTRY), bias;
	const char *why = NULL;
	Elf64_Ehdr eh;

	if (fz.data[0] == '#' && !fz.interp)
		return; /* another file was loaded */
	memcpy(&eh, fz.data, sizeof(eh));
	if (fz.interp)
		bias = aux(p, AT_BASE);
	else
		bias = entry - eh.e_entry;
	if (eh.e_type == ET_EXEC && bias != 0)
		fuzz_fail("a fixed program was moved");
	if (!fz.interp &&
	    p->vmspace->code_start != elf_lowest(fz.data, fz.len) + bias)
		fuzz_fail("wrong start of the code");
	if ((fz.interp || aux(p, AT_BASE) == 0) && tf->rip != eh.e_entry + bias)
		fuzz_fail("entry %llx", (unsigned long long)tf->rip);
	why = elf_compare(fz.data, fz.len, bias, get, p->vmspace);
	if (why != NULL)
		fuzz_fail("%s", why);
}

static void
elf_step(
    void *arg, struct cpu_thread *ct, struct pmap *pmap, struct cpu_event *ev)
{
	struct proc *p = lwp_current()->p;
	struct trapframe *tf = &ct->tf;

	atomic_fetch_add(&fuzz_kernel.progress, 1);
	ev->type = CPU_EV_FAULT;
	switch (tf->r15++) {
	case 0:
		if (tf->rip >= VM_MAX_ADDRESS)
			fuzz_fail("rip %llx", (unsigned long long)tf->rip);
		check_stack(p->vmspace, tf);
		check_image(p, tf);
		if (vm_check_vmspace(p->vmspace) != 0)
			fuzz_fail("vm_check_vmspace() found damage");
		fz.started++;
		ev->addr = tf->rsp - 8;
		ev->access = VM_PROT_WRITE;
		break;
	case 1:
		ev->addr = tf->rip;
		ev->access = VM_PROT_EXECUTE;
		break;
	default:
		ev->type = CPU_EV_SYSCALL;
		tf->rax = tf->orig_rax = SYS_exit_group;
		tf->rdi = 0;
		break;
	}
}

/* ---- one input ---- */

static void
elf_populate(void)
{
	uint8_t buf[4096];

	fuzz_file("ld", buf, elf_good(buf, true, NULL), 0755);
	fuzz_file("sh", buf, elf_good(buf, false, NULL), 0755);
	fuzz_file("noexec", buf, elf_good(buf, false, NULL), 0644);
	fuzz_file("dyn", buf, elf_good(buf, true, "/ld"), 0755);
	fuzz_file("s", "#!/sh x\n", 8, 0755);
	fuzz_file("loop", "#!/loop\n", 8, 0755);
}

/* The errors that execve(2) lists under ERRORS. */
static bool
errno_ok(int error)
{
	static const int ok[] = {E2BIG, EACCES, EFAULT, EINVAL, EIO, EISDIR,
	    ELIBBAD, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENOENT, ENOEXEC,
	    ENOMEM, ENOTDIR, EPERM, ETXTBSY};

	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++)
		if (error == ok[i])
			return (true);
	return (false);
}

static void
check_verdict(int error)
{
	const char *why;

	if (error != 0 && !errno_ok(error))
		fuzz_fail("exec: %s", strerror(error));
	switch (elf_verdict_of(fz.data, fz.len, fz.interp, &why)) {
	case ELF_MUST_REFUSE:
		if (error == 0)
			fuzz_fail("accepted: %s", why);
		break;
	case ELF_MUST_ACCEPT:
		if (error != 0)
			fuzz_fail("refused (%s): %s", strerror(error), why);
		break;
	case ELF_MAY:
		break;
	}
}

static void
elf_run(const uint8_t *data, size_t len)
{
	static const char *const argv[ARGC + 1] = {"prog", "one", "", NULL};
	static const int none[] = {-1};
	static char pad[WORDS * 8 + 1];
	const char *const envp[] = {pad, NULL};
	char name[16], path[20], self[80], good[64];
	struct vkernel_spawn sp = {
	    .path = path,
	    .argv = argv,
	    .envp = envp,
	    .fds = none,
	    .nfds = 1,
	};
	struct vkernel *k = fuzz_kernel_get();
	uint8_t buf[4096];
	int error, pid;

	memset(pad, 'E', sizeof(pad) - 1);
	snprintf(name, sizeof(name), "e%u", fz.name++);
	snprintf(path, sizeof(path), "/%s", name);
	snprintf(good, sizeof(good), "%s/%s", fuzz_kernel.dir, name);
	snprintf(self, sizeof(self), "%s/self", fuzz_kernel.dir);
	fz.interp = len > 0 && data[0] == ELF_AS_INTERP;
	fz.data = data + fz.interp;
	fz.len = len - fz.interp;
	fuzz_file(name, fz.data, fz.len, 0755);
	if (link(good, self) != 0)
		fuzz_fail("%s: %s", self, strerror(errno));
	if (fz.interp) {
		fuzz_file("main", buf, elf_good(buf, true, path), 0755);
		strcpy(path, "/main");
	}
	error = vkernel_spawn(k, &sp, &pid);
	check_verdict(error);
	if (error == 0)
		(void)fuzz_kernel_wait(pid);
	fz.accepted += error == 0;
	fz.refused += error != 0;
	fuzz_remove("self");
	fuzz_remove("main");
	fuzz_remove(name);
}

static bool
elf_finish(bool say, unsigned long inputs)
{
	fuzz_kernel_done(true);
	if (say)
		printf("fuzz_elf: %lu accepted, %lu refused, %lu checked; "
		       "%u kernels, nothing left\n",
		    fz.accepted, fz.refused, fz.started, fuzz_kernel.kernels);
	return (inputs < 1000 ||
		(fz.started > inputs / 10 && fz.refused > inputs / 10));
}

const struct fuzz_target fuzz_target = {
    .name = "elf",
    .max = ELF_INPUT_MAX,
    .seed = elf_seed,
    .make = elf_make,
    .mutate = elf_mutate,
    .run = elf_run,
    .finish = elf_finish,
};
