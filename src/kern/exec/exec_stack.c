/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The first stack of a program, as the System V psABI and Linux define it.
 *
 *	stack_top   8 zero bytes
 *	            AT_EXECFN string
 *	            environment strings     env_start .. env_end
 *	            argument strings        arg_start .. arg_end
 *	            "x86_64", 16 random bytes
 *	            (padding)
 *	            auxv pairs, AT_NULL     auxv_start .. auxv_end
 *	            envp pointers, NULL
 *	            argv pointers, NULL
 *	sp          argc                    16-byte aligned
 *
 * The contents are built in kernel memory and copied out once; their size is
 * bounded by EXEC_ARG_MAX and a few KiB.  The mapping of the stack has room for
 * the contents and STACK_SLACK more, and grows down by faults.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/auxv.h"
#include "abi/resource.h"
#include "abi/time.h"
#include "kern/exec/imgact.h"
#include "vm/vmspace.h"
#include "libk/kassert.h"

#define STACK_SLACK ((uint64_t)128 << 10)
#define STACK_INITIAL ((uint64_t)132 << 10)
#define STACK_TAIL 8
#define RANDOM_BYTES 16

static const char platform[] = "x86_64";

/* The contents of the stack: buf[0] is at user address base. */
struct stack_picture {
	char *buf;
	uint64_t base, top;
	uint64_t str;    /* next string goes here, upwards */
	uint64_t vector; /* next word goes here, upwards */
};

static uint64_t
put_string(struct stack_picture *sp, const char *s)
{
	const uint64_t addr = sp->str;
	const size_t len = strlen(s) + 1;

	memcpy(sp->buf + (addr - sp->base), s, len);
	sp->str += len;
	return (addr);
}

static void
put_word(struct stack_picture *sp, uint64_t w)
{
	memcpy(sp->buf + (sp->vector - sp->base), &w, sizeof(w));
	sp->vector += sizeof(w);
}

static void
aux(struct exec_image *img, uint64_t type, uint64_t val)
{
	KVERIFY(img->nauxv + 2 <= PROC_AUXV);
	img->auxv[img->nauxv++] = type;
	img->auxv[img->nauxv++] = val;
}

static void
aux_build(
    struct exec_image *img, uint64_t execfn, uint64_t plat, uint64_t random)
{
	const uint64_t vdso = cpu_vdso(img->k->cpu_ops, img->k->machine);
	const uint64_t minsigstk = host_auxval(LX_AT_MINSIGSTKSZ);
	unsigned eax, ebx, ecx, edx = 0;

	(void)__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	img->nauxv = 0;
	if (vdso != 0)
		aux(img, LX_AT_SYSINFO_EHDR, vdso);
	if (minsigstk != 0)
		aux(img, LX_AT_MINSIGSTKSZ, minsigstk);
	aux(img, LX_AT_HWCAP, edx);
	aux(img, LX_AT_PAGESZ, PAGE_SIZE);
	aux(img, LX_AT_CLKTCK, LX_USER_HZ);
	aux(img, LX_AT_PHDR, img->prog.phdr);
	aux(img, LX_AT_PHENT, 56);
	aux(img, LX_AT_PHNUM, img->prog.phnum);
	aux(img, LX_AT_BASE, img->prog.base);
	aux(img, LX_AT_FLAGS, 0);
	/* A trial ends when the loader jumps to AT_ENTRY: give it an address
	 * that is not mapped. */
	aux(img, LX_AT_ENTRY,
	    img->p->trial != NULL ? img->vm->stack_top + RESIDENT_TRAP
				  : img->prog.aentry);
	aux(img, LX_AT_UID, proc_id_shown(img->p, false, img->cred->uid));
	aux(img, LX_AT_EUID, proc_id_shown(img->p, false, img->cred->euid));
	aux(img, LX_AT_GID, proc_id_shown(img->p, true, img->cred->gid));
	aux(img, LX_AT_EGID, proc_id_shown(img->p, true, img->cred->egid));
	aux(img, LX_AT_SECURE, img->secure);
	aux(img, LX_AT_RANDOM, random);
	aux(img, LX_AT_HWCAP2, host_auxval(LX_AT_HWCAP2) & LX_HWCAP2_FSGSBASE);
	aux(img, LX_AT_EXECFN, execfn);
	aux(img, LX_AT_PLATFORM, plat);
	aux(img, LX_AT_NULL, 0);
}

/* Fill the contents, and the addresses that /proc shows. */
static void
stack_fill(struct exec_image *img, struct stack_picture *sp)
{
	const struct exec_args *a = &img->args;
	struct vmspace *vm = img->vm;
	uint64_t random, plat, execfn, arg, env;

	random = sp->str;
	if (img->p->trial != NULL)
		img->k->resident->bytes(
		    img->p->trial, img->random, RANDOM_BYTES);
	else
		host_random(img->random, RANDOM_BYTES);
	memcpy(sp->buf + (random - sp->base), img->random, RANDOM_BYTES);
	sp->str += RANDOM_BYTES;
	plat = put_string(sp, platform);
	arg = vm->arg_start = sp->str;
	for (size_t i = 0; i < a->argc; i++)
		put_string(sp, a->argv[i]);
	env = vm->arg_end = vm->env_start = sp->str;
	for (size_t i = 0; i < a->envc; i++)
		put_string(sp, a->envp[i]);
	vm->env_end = sp->str;
	execfn = put_string(sp, img->path);
	KVERIFY(sp->str + STACK_TAIL <= sp->top);

	put_word(sp, a->argc);
	for (size_t i = 0; i < a->argc; i++) {
		put_word(sp, arg);
		arg += strlen(a->argv[i]) + 1;
	}
	put_word(sp, 0);
	img->lay = (struct exec_layout){.envp = sp->vector,
	    .random = random,
	    .platform = plat,
	    .execfn = execfn,
	    .arg0 = vm->arg_start};
	for (size_t i = 0; i < a->envc; i++) {
		put_word(sp, env);
		env += strlen(a->envp[i]) + 1;
	}
	put_word(sp, 0);
	aux_build(img, execfn, plat, random);
	vm->auxv_start = img->lay.auxv = sp->vector;
	for (unsigned i = 0; i < img->nauxv; i++)
		put_word(sp, img->auxv[i]);
	vm->auxv_end = sp->vector;
	if (img->p->trial != NULL)
		img->k->resident->note(
		    img->p->trial, img, vm->stack_top + RESIDENT_TRAP);
}

static int
stack_map(struct exec_image *img, uint64_t used)
{
	struct vmspace *vm = img->vm;
	uint64_t size = round_page(used + STACK_SLACK);
	vm_prot_t prot = VM_PROT_READ | VM_PROT_WRITE;
	vm_offset_t addr;
	int error;

	if (size < STACK_INITIAL)
		size = STACK_INITIAL;
	if (img->prog.stack_exec)
		prot |= VM_PROT_EXECUTE;
	addr = vm->stack_top - size;
	error = vm_mmap(vm, &addr, size, prot, VM_PROT_ALL,
	    VMM_NOREPLACE | VMM_GROWSDOWN | VMM_STACK, NULL, 0);
	return (error == EEXIST ? ENOMEM : error);
}

int
exec_stack(struct exec_image *img)
{
	const struct exec_args *a = &img->args;
	const uint64_t limit = proc_rlimit_cur(img->p, LX_RLIMIT_STACK) / 4;
	struct stack_picture sp = {.top = img->vm->stack_top};
	uint64_t strings, words, max;
	int error;

	words = (1 + a->argc + 1 + a->envc + 1 + PROC_AUXV) * sizeof(uint64_t);
	max = limit < STACK_SLACK ? STACK_SLACK : limit;
	if (max > EXEC_ARG_MAX)
		max = EXEC_ARG_MAX;
	if (a->bytes + (a->argc + a->envc) * sizeof(uint64_t) > max)
		return (E2BIG);
	strings = a->bytes + strlen(img->path) + 1 + sizeof(platform) +
		  RANDOM_BYTES + STACK_TAIL;
	sp.str = (sp.top - strings) & ~(uint64_t)15;
	sp.base = sp.vector = (sp.str - words) & ~(uint64_t)15;
	img->sp = sp.base;
	error = stack_map(img, sp.top - sp.base);
	if (error != 0)
		return (error);
	sp.buf = calloc(1, sp.top - sp.base);
	if (sp.buf == NULL)
		return (ENOMEM);
	stack_fill(img, &sp);
	error = copyout(img->vm, sp.buf, sp.base, sp.top - sp.base);
	free(sp.buf);
	return (error == EFAULT ? ENOMEM : error);
}
