/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * confine [-u | -l] PROGRAM ARGS...: runs a program as a container runtime
 * would: no ptrace, io_uring, userfaultfd, bpf, perf, process_vm_*, personality
 * changes, mounts, namespaces or keys (EPERM), no core files, no_new_privs. -u:
 * only namespaces are refused; -l: only Landlock is. confine -n: test that what
 * should be refused is, and print so.
 *
 * The filter is written out here, without libseccomp, so that the helper has no
 * dependencies.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in the profiles of containers. */
static const int container[] = {
    SYS_ptrace,
    425 /* io_uring_setup */,
    426,
    427,
    SYS_userfaultfd,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_open_by_handle_at,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_reboot,
    SYS_iopl,
    SYS_ioperm,
    SYS_quotactl,
};
static const int namespaces[] = {SYS_unshare, SYS_setns};
static const int landlock[] = {444, 445, 446};
#define NREFUSED_MAX 64
#define CLONE_NEW_ANY 0x7e020000u

static int
install(const int *refused, size_t n_refused)
{
	struct sock_filter f[2 * NREFUSED_MAX + 32];
	struct sock_fprog prog = {.filter = f};
	unsigned short n = 0;

#define INSN(...) f[n++] = (struct sock_filter)__VA_ARGS__
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
	/* Not killed: what a stub does with such calls is tested, too. */
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < n_refused; i++) {
		INSN(BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], 0, 1));
		INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	}
	/* personality(2): only the query, as in the profiles of containers. */
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
	    refused == container ? SYS_personality : -1U, 0, 4));
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 1, 0));
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	/* clone3(2) cannot be checked, so that the C library must use clone. */
	if (refused != landlock) {
		INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 435, 0, 1));
		INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
		INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
		INSN(BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])));
		INSN(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEW_ANY, 0, 1));
		INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	}
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
#undef INSN
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (-1);
	return (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

/* The filter must refuse calls; otherwise the tests that run under it prove
 * nothing. */
static int
self_test(void)
{
	static const int tried[] = {SYS_ptrace, 425, SYS_userfaultfd, SYS_bpf,
	    SYS_process_vm_readv, SYS_unshare};

	for (size_t i = 0; i < sizeof(tried) / sizeof(*tried); i++)
		if (syscall(tried[i], 0, 0, 0, 0, 0, 0) != -1 ||
		    errno != EPERM) {
			fprintf(stderr, "confine: call %d is not refused\n",
			    tried[i]);
			return (1);
		}
	if (syscall(SYS_clone, CLONE_NEW_ANY, 0, 0, 0, 0) != -1 ||
	    errno != EPERM) {
		fprintf(stderr, "confine: namespaces are not refused\n");
		return (1);
	}
	if (syscall(SYS_personality, 0x0040000) != -1 || errno != EPERM) {
		fprintf(stderr, "confine: personality is not refused\n");
		return (1);
	}
	if (syscall(SYS_personality, 0xffffffff) == -1) {
		fprintf(stderr, "confine: personality cannot be asked\n");
		return (1);
	}
	printf("confine: refuses what it should\n");
	return (0);
}

#define LIST(x) x, sizeof(x) / sizeof(*x)

int
main(int argc, char **argv)
{
	struct rlimit core = {0, 0}, nproc = {2000, 2000},
		      memlock = {65536, 65536};
	int at = 1, error;

	if (argc < 2) {
		fprintf(stderr, "usage: confine [-u | -l] PROGRAM ARGS...\n"
				"       confine -n\n");
		return (2);
	}
	if (strcmp(argv[1], "-u") == 0)
		at = 2, error = install(LIST(namespaces));
	else if (strcmp(argv[1], "-l") == 0)
		at = 2, error = install(LIST(landlock));
	else
		error = setrlimit(RLIMIT_CORE, &core) != 0 ||
			setrlimit(RLIMIT_MEMLOCK, &memlock) != 0 ||
			setrlimit(RLIMIT_NPROC, &nproc) != 0 ||
			install(LIST(container)) != 0;
	if (error != 0) {
		fprintf(stderr, "confine: %s\n", strerror(errno));
		return (125);
	}
	if (strcmp(argv[1], "-n") == 0)
		return (self_test());
	execvp(argv[at], argv + at);
	fprintf(stderr, "confine: %s: %s\n", argv[at], strerror(errno));
	return (127);
}
