/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * confine [-n] PROGRAM ARGS...: runs a program as a container runtime would: no
 * ptrace, io_uring, userfaultfd, bpf, perf, process_vm_*, personality changes,
 * mounts, namespaces or keys (EPERM), no core files, no_new_privs. -n: print
 * first what is refused, and test that it is.
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

static const int refused[] = {
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
#define NREFUSED (sizeof(refused) / sizeof(*refused))

static int
install(void)
{
	struct sock_filter f[2 * NREFUSED + 16];
	struct sock_fprog prog = {.filter = f};
	unsigned short n = 0;

#define INSN(...) f[n++] = (struct sock_filter)__VA_ARGS__
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < NREFUSED; i++) {
		INSN(BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], 0, 1));
		INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	}
	/* personality(2): only the query, as in the profiles of containers. */
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4));
	INSN(BPF_STMT(
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
	INSN(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 1, 0));
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	INSN(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
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

int
main(int argc, char **argv)
{
	struct rlimit core = {0, 0}, nproc = {2000, 2000},
		      memlock = {65536, 65536};

	if (argc < 2) {
		fprintf(stderr, "usage: confine [-n] PROGRAM ARGS...\n");
		return (2);
	}
	if (setrlimit(RLIMIT_CORE, &core) != 0 ||
	    setrlimit(RLIMIT_MEMLOCK, &memlock) != 0 ||
	    setrlimit(RLIMIT_NPROC, &nproc) != 0 || install() != 0) {
		fprintf(stderr, "confine: %s\n", strerror(errno));
		return (125);
	}
	if (strcmp(argv[1], "-n") == 0)
		return (self_test());
	execvp(argv[1], argv + 1);
	fprintf(stderr, "confine: %s: %s\n", argv[1], strerror(errno));
	return (127);
}
