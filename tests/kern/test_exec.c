/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * exec on the scripted machine: what the new program finds, what a failed exec
 * leaves unchanged, and what other processes see meanwhile: a process always
 * has a text vnode, and a look-up of it returns the old program or the new one,
 * never nothing.
 */
#include "fixture.h"
#include "kern/base/proc.h"
#include "kern/base/sigpending.h"

#include "abi/signal.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfs/core/vnode.h"

/* ---- the stack of a new program ---- */

static void
get_string(struct user *u, uint64_t at, char buf[256])
{
	buf[0] = '\0';
	U_CHECK(copyinstr(u->l->p->vmspace, buf, at, 256, NULL) == 0, 0);
}

static uint64_t
get_aux(struct user *u, uint64_t type)
{
	uint64_t at = u->l->p->vmspace->auxv_start;

	for (; u_get64(u, at) != AT_NULL; at += 16)
		if (u_get64(u, at) == type)
			return (u_get64(u, at + 8));
	return (UINT64_MAX);
}

static void
check_args(struct user *u, const char *const *argv)
{
	uint64_t sp = u->tf->rsp, argc = u_get64(u, sp);
	char buf[256];
	uint64_t i;

	U_CHECK(sp % 16 == 0, sp);
	for (i = 0; argv[i] != NULL; i++) {
		get_string(u, u_get64(u, sp + 8 + 8 * i), buf);
		U_CHECK(strcmp(buf, argv[i]) == 0, i);
	}
	U_CHECK(argc == i, argc);
	U_CHECK(u_get64(u, sp + 8 + 8 * i) == 0, 0);
}

static void
prog_first(struct user *u)
{
	static const char *const argv[] = {"prog", "one", "two", NULL};
	char buf[256];

	U_BEGIN
	check_args(u, argv);
	get_string(u, u_get64(u, u->tf->rsp + 40), buf);
	U_CHECK(strcmp(buf, "A=1") == 0, 0);
	get_string(u, get_aux(u, AT_EXECFN), buf);
	U_CHECK(strcmp(buf, "/bin/p0") == 0, 0);
	get_string(u, get_aux(u, AT_PLATFORM), buf);
	U_CHECK(strcmp(buf, "x86_64") == 0, 0);
	U_CHECK(get_aux(u, AT_PAGESZ) == 4096, 0);
	U_CHECK(
	    get_aux(u, AT_PHDR) == 0x400000 + 4096 - 512, get_aux(u, AT_PHDR));
	U_CHECK(get_aux(u, AT_PHNUM) == 3, 0);
	U_CHECK(get_aux(u, AT_ENTRY) == 0x400000 + FX_ENTRY, 0);
	U_CHECK(get_aux(u, AT_BASE) == 0, 0);
	U_CHECK(strcmp(u->l->p->comm, "p0") == 0, 0);
	/* The bytes of the file, the zeroed rest of their page, and bss. */
	U_CHECK((uint8_t)u_get32(u, 0x402000 + 96) != 0, 0);
	U_CHECK(u_get64(u, 0x402000 + 104) == 0, 0);
	U_CHECK(u_get64(u, 0x402000 + 9992) == 0, 0);
	u_put64(u, 0x402000 + 9992, 1);
	U_EXIT(0);
	U_END;
}

static void
test_stack(void **state)
{
	fx_boot(&fx);
	fx.prog[0] = prog_first;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static void
prog_pie(struct user *u)
{
	U_BEGIN
	U_CHECK(u->tf->rip >= 0x555555554000, u->tf->rip);
	U_CHECK(get_aux(u, AT_ENTRY) == u->tf->rip, 0);
	U_EXIT(9);
	U_END;
}

static void
prog_exec_pie(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_execve, u_str(u, 0, "/bin/pie1"), 0, 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void
prog_interp(struct user *u)
{
	U_BEGIN
	U_CHECK(get_aux(u, AT_BASE) != 0, 0);
	U_CHECK(
	    u->tf->rip == get_aux(u, AT_BASE) + FX_ENTRY + 16 * 3, u->tf->rip);
	U_CHECK(get_aux(u, AT_ENTRY) == 0x400000 + FX_ENTRY + 16 * 4, 0);
	U_EXIT(8);
	U_END;
}

static void
prog_exec_dynamic(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_execve, u_str(u, 0, "/bin/dynamic"), 0, 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void
test_pie_and_interp(void **state)
{
	unsigned char elf[8192];
	size_t len;

	len = fx_elf(elf, 3, true, NULL);
	fx_file(&fx, "lib/ld.so", elf, len, 0755);
	len = fx_elf(elf, 4, false, "/lib/ld.so");
	fx_file(&fx, "bin/dynamic", elf, len, 0755);
	fx_boot(&fx);
	fx.prog[0] = prog_exec_pie;
	fx.prog[1] = prog_pie;
	fx.prog[2] = prog_exec_dynamic;
	fx.prog[3] = prog_interp;
	assert_int_equal(fx_run(&fx, 0), WEXIT(9));
	assert_int_equal(fx_run(&fx, 2), WEXIT(8));
}

/* ---- scripts ---- */

static void
prog_script(struct user *u)
{
	static const char *const argv[] = {
	    "/bin/p1", "-a b", "/bin/outer", "x", NULL};

	U_BEGIN
	check_args(u, argv);
	U_CHECK(strcmp(u->l->p->comm, "outer") == 0, 0);
	U_EXIT(5);
	U_END;
}

static void
prog_exec_script(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 2), u_str(u, 0, "ignored"));
	u_put64(u, u_buf(u, 2) + 8, u_str(u, 1, "x"));
	u_put64(u, u_buf(u, 2) + 16, 0);
	U_SYS(SYS_execve, u_str(u, 3, "/bin/outer"), u_buf(u, 2), 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void
test_script(void **state)
{
	static const char outer[] = "#! /bin/p1 \t -a b \nrest\n";

	fx_file(&fx, "bin/outer", outer, strlen(outer), 0755);
	fx_boot(&fx);
	fx.prog[0] = prog_exec_script;
	fx.prog[1] = prog_script;
	assert_int_equal(fx_run(&fx, 0), WEXIT(5));
}

/* ---- errors ---- */

static const struct {
	const char *path;
	int error;
} bad[] = {
    {"/bin/absent", ENOENT},
    {"/absent/x", ENOENT},
    {"/bin/p0/x", ENOTDIR},
    {"", ENOENT},
    {"/bin", EACCES},
    {"/bin/noexec", EACCES},
    {"/bin/empty", ENOEXEC},
    {"/bin/short", ENOEXEC},
    {"/bin/garbage", ENOEXEC},
    {"/bin/nointerp", ENOENT},
    {"/bin/badinterp", ELIBBAD},
    {"/bin/dirinterp", EACCES},
    {"/bin/s0", ELOOP},
    {"/bin/noscript", ENOENT},
    {"/bin/emptyscript", ENOEXEC},
    {"/bin/longscript", ENOEXEC},
};
#define NBAD ((uint64_t)(sizeof(bad) / sizeof(bad[0])))

static void
make_bad(void)
{
	static const char garbage[] = "\177ELFgarbage";
	unsigned char elf[8192];
	char name[32], text[512];
	size_t len;

	len = fx_elf(elf, 1, false, NULL);
	fx_file(&fx, "bin/noexec", elf, len, 0644);
	fx_file(&fx, "bin/short", elf, 40, 0755);
	fx_file(&fx, "bin/empty", "", 0, 0755);
	fx_file(&fx, "bin/garbage", garbage, sizeof(garbage), 0755);
	fx_file(&fx, "lib/bad.so", garbage, sizeof(garbage), 0755);
	len = fx_elf(elf, 1, false, "/lib/absent.so");
	fx_file(&fx, "bin/nointerp", elf, len, 0755);
	len = fx_elf(elf, 1, false, "/lib/bad.so");
	fx_file(&fx, "bin/badinterp", elf, len, 0755);
	len = fx_elf(elf, 1, false, "/lib");
	fx_file(&fx, "bin/dirinterp", elf, len, 0755);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "bin/s%d", i);
		snprintf(text, sizeof(text), "#!/bin/%s%d\n",
		    i == 5 ? "p" : "s", i == 5 ? 1 : i + 1);
		fx_file(&fx, name, text, strlen(text), 0755);
	}
	fx_file(&fx, "bin/noscript", "#!/bin/absent\n", 14, 0755);
	fx_file(&fx, "bin/emptyscript", "#! \t\n", 5, 0755);
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	fx_file(&fx, "bin/longscript", text, sizeof(text), 0755);
}

static void
prog_errors(struct user *u)
{
	U_BEGIN
	u->tf->r12 = u->l->p->vmspace->id;
	u->tf->r13 = (uint64_t)(uintptr_t)u->l->p->textvp;
	for (u->tf->rbx = 0; u->tf->rbx < NBAD; u->tf->rbx++) {
		U_SYS(SYS_execve, u_str(u, 0, bad[u->tf->rbx].path), 0, 0);
		U_CHECK(U_RET == -bad[u->tf->rbx].error, U_RET);
		if (U_RET != -bad[u->tf->rbx].error)
			fprintf(stderr, "%s\n", bad[u->tf->rbx].path);
		U_CHECK(u->l->p->vmspace->id == u->tf->r12, 0);
		U_CHECK((uint64_t)(uintptr_t)u->l->p->textvp == u->tf->r13, 0);
		U_CHECK(strcmp(u->l->p->comm, "p0") == 0, 0);
	}
	/* s1 is one level less than the limit. */
	U_SYS(SYS_execve, u_str(u, 0, "/bin/s1"), 0, 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void
prog_exit42(struct user *u)
{
	U_BEGIN
	U_EXIT(42);
	U_END;
}

static void
test_errors(void **state)
{
	make_bad();
	fx_boot(&fx);
	fx.prog[0] = prog_errors;
	fx.prog[1] = prog_exit42;
	assert_int_equal(fx_run(&fx, 0), WEXIT(42));
}

/* Arguments: too many, and a bad pointer; and a file that is open for
 * writing. */
static void
prog_arguments(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), 0x1000, 0);
	U_CHECK(U_RET == -EFAULT, U_RET);
	u_put64(u, u_buf(u, 2), 0x1000);
	u_put64(u, u_buf(u, 2) + 8, 0);
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), u_buf(u, 2), 0);
	U_CHECK(U_RET == -EFAULT, U_RET);
	/* 300,000 pointers to one string are more than 2 MiB. */
	U_SYS(SYS_mmap, 0, 4 << 20, 3, 0x22, (uint64_t)-1, 0);
	u->tf->r12 = u->tf->rax;
	for (uint64_t i = 0; i < 300000; i++)
		u_put64(u, u->tf->r12 + i * 8, u_buf(u, 3));
	(void)u_str(u, 3, "argument");
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), u->tf->r12, 0);
	U_CHECK(U_RET == -E2BIG, U_RET);
	/* 100,000 are less than 2 MiB in all. */
	u_put64(u, u->tf->r12 + 100000 * 8, 0);
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p2"), u->tf->r12, 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void
prog_many(struct user *u)
{
	char buf[256];

	U_BEGIN
	U_CHECK(u_get64(u, u->tf->rsp) == 100000, 0);
	get_string(u, u_get64(u, u->tf->rsp + 8 + 99999 * 8), buf);
	U_CHECK(strcmp(buf, "argument") == 0, 0);
	U_EXIT(3);
	U_END;
}

static void
prog_textbusy(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_open, u_str(u, 0, "/tmp/prog"), O_RDWR | O_CREAT, 0755);
	U_CHECK(U_RET >= 0, U_RET);
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_write, u->tf->r12, 0x400000, 4096);
	U_CHECK(U_RET == 4096, U_RET);
	U_SYS(SYS_execve, u_str(u, 0, "/tmp/prog"), 0, 0);
	U_CHECK(U_RET == -ETXTBSY, U_RET);
	U_SYS(SYS_close, u->tf->r12);
	/* The second segment is missing, but its page is not touched. */
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_execve, u_str(u, 0, "/bin/p4"), 0, 0);
		U_CHECK(false, U_RET);
	}
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 1));
	U_CHECK(u_get32(u, u_buf(u, 1)) == WEXIT(44), 0);
	U_EXIT(0);
	U_END;
}

static void
prog_self_busy(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_open, u_str(u, 0, "/rw/p4"), O_WRONLY);
	U_CHECK(
	    U_RET == -EROFS || U_RET == -ETXTBSY || U_RET == -ENOENT, U_RET);
	U_EXIT(44);
	U_END;
}

static void
test_arguments(void **state)
{
	fx_boot(&fx);
	fx.prog[0] = prog_arguments;
	fx.prog[1] = prog_exit42;
	fx.prog[2] = prog_many;
	fx.prog[3] = prog_textbusy;
	fx.prog[4] = prog_self_busy;
	assert_int_equal(fx_run(&fx, 0), WEXIT(3));
	assert_int_equal(fx_run(&fx, 3), 0);
}

/* ---- what exec resets and keeps ---- */

static void
prog_keep(struct user *u)
{
	U_BEGIN
	if (strcmp(u->l->p->comm, "p0") == 0) {
		U_SYS(SYS_pipe2, u_buf(u, 1), O_CLOEXEC);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_dup, (uint64_t)u_get32(u, u_buf(u, 1)));
		U_CHECK(U_RET == u_get32(u, u_buf(u, 1)) + 2, U_RET);
		u_put64(u, u_buf(u, 1), 0x400800);
		u_put64(u, u_buf(u, 1) + 8, LX_SA_RESTORER);
		u_put64(u, u_buf(u, 1) + 16, 0x400100);
		u_put64(u, u_buf(u, 1) + 24, 0);
		U_SYS(SYS_rt_sigaction, LX_SIGUSR1, u_buf(u, 1), 0, 8);
		u_put64(u, u_buf(u, 1), LX_SIG_IGN);
		U_SYS(SYS_rt_sigaction, LX_SIGUSR2, u_buf(u, 1), 0, 8);
		U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), 0, 0);
		U_CHECK(false, U_RET);
	}
	U_SYS(SYS_rt_sigaction, LX_SIGUSR1, 0, u_buf(u, 1), 8);
	U_CHECK(u_get64(u, u_buf(u, 1)) == LX_SIG_DFL, 0);
	U_SYS(SYS_rt_sigaction, LX_SIGUSR2, 0, u_buf(u, 1), 8);
	U_CHECK(u_get64(u, u_buf(u, 1)) == LX_SIG_IGN, 0);
	U_SYS(SYS_fcntl, 3, 1);
	U_CHECK(U_RET == -EBADF, U_RET);
	U_SYS(SYS_fcntl, 5, 1);
	U_CHECK(U_RET == 0, U_RET);
	U_EXIT(2);
	U_END;
}

static void
test_resets_and_keeps(void **state)
{
	fx_boot(&fx);
	fx.prog[0] = fx.prog[1] = prog_keep;
	assert_int_equal(fx_run(&fx, 0), WEXIT(2));
}

/* ---- a process has a text vnode at all times ---- */

#define EXECS 1000
static _Atomic(int) execs;
static _Atomic(bool) stop_watch;

static void
prog_again(struct user *u)
{
	U_BEGIN
	if (atomic_fetch_add(&execs, 1) >= EXECS)
		U_EXIT(0);
	U_SYS(SYS_execve,
	    u_str(
		u, 0, strcmp(u->l->p->comm, "p0") == 0 ? "/bin/p1" : "/bin/p0"),
	    0, 0);
	U_CHECK(false, U_RET);
	U_END;
}

static void *
watch(void *arg)
{
	struct proc *p = arg;
	uintptr_t bad_seen = 0;
	struct vnode *vp;
	struct vmspace *vm;
	char buf[64];
	vm_offset_t va;

	while (!atomic_load(&stop_watch)) {
		vp = proc_textvp_ref(p);
		vm = proc_vmspace_hold(p);
		if (vp == NULL || atomic_load(&vp->refs) == 0 ||
		    vp->type != VREG)
			bad_seen += p->state != PROC_ZOMBIE && !p->exiting;
		if (vm != NULL) {
			va = vm->arg_start;
			(void)copyin(vm, buf, va, sizeof(buf));
			vmspace_drop(vm);
		}
		vrele(vp);
	}
	return ((void *)bad_seen);
}

static void
test_text_vnode(void **state)
{
	pthread_t t[2];
	struct proc *p;
	void *bad_seen;
	int pid, status;

	atomic_store(&execs, 0);
	atomic_store(&stop_watch, false);
	fx_boot(&fx);
	fx.prog[0] = fx.prog[1] = prog_again;
	pid = fx_spawn(&fx, 0);
	p = proc_find_hold(fx.k, pid);
	assert_non_null(p);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, watch, p), 0);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(status, 0);
	atomic_store(&stop_watch, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &bad_seen);
		assert_null(bad_seen);
	}
	proc_drop(p);
	assert_int_equal(atomic_load(&fx.k->nexecs), EXECS + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FX_TEST(test_stack),
	    FX_TEST(test_pie_and_interp),
	    FX_TEST(test_script),
	    FX_TEST(test_errors),
	    FX_TEST(test_arguments),
	    FX_TEST(test_resets_and_keeps),
	    FX_TEST(test_text_vnode),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
