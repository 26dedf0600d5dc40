/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mkfilter OUTPUT: makes the seccomp programs of the kernel process, as a C
 * file, while vmspace is built.  libseccomp makes them here, so that the
 * command needs neither the library nor the time.
 *
 * What the kernel process may call once it has been created is in the tables
 * below: what src/host calls, and what libc and liburing need.  Everything else
 * traps, except for four calls that libc, or a thread of the kernel, makes
 * where it can do without (quiet[]).
 *
 * Nothing is executed: a new zygote would need a filter that permits all that a
 * stub does, and an attacker could execute anything under it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/ioctl.h"
#include "abi/membarrier.h"
#include "confine/filter/filter.h"

#define INSNS_MAX 4096
#define CALLS_MAX 512
#define SET_ID (S_ISUID | S_ISGID)
#define CLONE_PERMITTED                                                     \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	    CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |            \
	    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_VFORK | SIGCHLD)
/* Signals between the threads of the C library. */
#define SIG_LIBC1 32
#define SIG_LIBC2 33

/* Without conditions. */
static const char *const plain[] = {
    /* descriptors */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv",
    "pwritev", "preadv2", "pwritev2", "close", "close_range", "dup3", "lseek",
    "pipe2", "splice", "tee", "ftruncate", "fallocate", "fsync", "fdatasync",
    "syncfs", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "poll", "ppoll", "timerfd_create", "timerfd_settime",
    "timerfd_gettime", "memfd_create", "io_uring_enter",
    /* files */
    "fstat", "newfstatat", "statx", "fstatfs", "getdents64", "readlinkat",
    "mkdirat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat",
    "utimensat", "access", "faccessat", "faccessat2", "getcwd", "fgetxattr",
    "flistxattr",
    /* memory */
    "munmap", "madvise", "brk",
    /* threads and processes */
    "futex", "exit", "exit_group", "gettid", "getpid", "getppid", "getuid",
    "geteuid", "getgid", "getegid", "getgroups", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "set_robust_list", "rseq",
    "wait4", "waitid", "pidfd_open", "setsid", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "rt_sigtimedwait", "restart_syscall",
    /* time and the host */
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
    "gettimeofday", "getcpu", "getrandom", "uname", "sysinfo",
    /* sockets that exist */
    "bind", "connect", "listen", "accept4", "getsockname", "getpeername",
    "getsockopt", "setsockopt", "sendmsg", "recvmsg", "shutdown"};

/* One argument must be one of the values. */
struct choice {
	const char *name;
	unsigned arg;
	uint64_t values[24]; /* ends with END */
};
#define END UINT64_MAX
static const struct choice choices[] = {
    {"prctl", 0, {PR_SET_NAME, PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, END}},
    {"fcntl", 1,
	{F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ,
	    F_SETPIPE_SZ, F_ADD_SEALS, END}},
    {"ioctl", 1,
	{LX_TCGETS, LX_TCSETS, LX_TCSETSW, LX_TCSETSF, LX_TCSBRK, LX_TCXONC,
	    LX_TCFLSH, LX_TIOCOUTQ, LX_TIOCGWINSZ, LX_TIOCSWINSZ, LX_FIONREAD,
	    LX_TCSBRKP, LX_TCGETS2, LX_TCSETS2, LX_TCSETSW2, LX_TCSETSF2,
	    SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, END}},
    {"kill", 1, {SIGKILL, SIGSTOP, END}},
    {"tgkill", 2, {0, SIGUSR1, SIGALRM, SIGABRT, SIG_LIBC1, SIG_LIBC2, END}},
    {"pidfd_send_signal", 1, {SIGKILL, END}},
    {"socketpair", 0, {AF_UNIX, END}},
    {"membarrier", 0, {LX_MEMBARRIER_CMD_QUERY, LX_MEMBARRIER_CMD_GLOBAL, END}},
    {"personality", 0, {0xffffffff, ADDR_NO_RANDOMIZE, END}},
};

/* Bits of one argument must have a value. */
struct bits {
	const char *name;
	unsigned arg;
	uint64_t mask, value;
};
static const struct bits bits[] = {
    {"mmap", 2, PROT_EXEC, 0},
    {"mprotect", 2, PROT_EXEC, 0},
    {"clone", 0, ~(uint64_t)CLONE_PERMITTED, 0},
    /* A directory keeps the set-gid bit of its own; hostfs has no others. */
    {"fchmod", 1, S_ISUID, 0},
    {"chmod", 1, S_ISUID, 0},
    {"fchmodat", 2, S_ISUID, 0},
    {"openat", 3, SET_ID, 0},
    {"mknodat", 2, S_IFMT, S_IFIFO},
    {"mknodat", 2, S_IFMT, S_IFSOCK},
};

/* Of ioctl(), too: what interfaces there are (only answers). */
static const uint64_t interface_requests[] = {LX_SIOCGIFNAME, LX_SIOCGIFCONF,
    LX_SIOCGIFFLAGS, LX_SIOCGIFADDR, LX_SIOCGIFDSTADDR, LX_SIOCGIFBRDADDR,
    LX_SIOCGIFNETMASK, LX_SIOCGIFMETRIC, LX_SIOCGIFMTU, LX_SIOCGIFHWADDR,
    LX_SIOCGIFINDEX, LX_SIOCGIFTXQLEN, LX_SIOCGIFMAP, LX_SIOCATMARK};

/* All that the broker of a network calls after it has entered it, besides
 * socket(). */
static const char *const broker_calls[] = {
    "read", "sendmsg", "close", "exit_group", "exit", "rt_sigreturn"};

/*
 * Refused without a report:
 *   clone3     glibc then uses clone(), whose flags can be checked
 *   mremap     realloc() then copies; executable memory must not be moved
 *   execve...  the keeper, when the zygote was killed
 */
static const struct {
	const char *name;
	int error;
} quiet[] = {
    {"clone3", ENOSYS},
    {"mremap", ENOMEM},
    {"execve", EPERM},
    {"execveat", EPERM},
};

struct maker {
	scmp_filter_ctx ctx;
	unsigned ncalls;
	bool counted[CALLS_MAX];
};

static void
check(int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "mkfilter: %s: %s\n", what, strerror(-error));
	exit(1);
}

static int
number(struct maker *m, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr < 0 || nr >= CALLS_MAX) {
		fprintf(stderr,
		    "mkfilter: libseccomp does not know the call %s; use "
		    "version 2.5 or later\n",
		    name);
		exit(1);
	}
	if (!m->counted[nr])
		m->ncalls++;
	m->counted[nr] = true;
	return (nr);
}

static void
allow(struct maker *m, const char *name, unsigned n,
    const struct scmp_arg_cmp *cmp)
{
	check(seccomp_rule_add_array(
		  m->ctx, SCMP_ACT_ALLOW, number(m, name), n, cmp),
	    name);
}

/* Streams, datagrams, and the host's tables of routes, interfaces and sockets.
 */
static void
rules_net_sockets(struct maker *m)
{
	static const struct {
		int family, type, protocol; /* -1: any */
	} kinds[] = {{AF_INET, SOCK_STREAM, -1}, {AF_INET, SOCK_DGRAM, -1},
	    {AF_INET6, SOCK_STREAM, -1}, {AF_INET6, SOCK_DGRAM, -1},
	    {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
	    {AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE},
	    {AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG},
	    {AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG}};
	struct scmp_arg_cmp cmp[3];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		cmp[0] = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)kinds[i].family);
		cmp[1] = SCMP_A1(
		    SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)kinds[i].type);
		cmp[2] = SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)kinds[i].protocol);
		allow(m, "socket", kinds[i].protocol < 0 ? 2 : 3, cmp);
	}
}

/* A filter that refuses everything. */
static void
begin(struct maker *m, uint32_t refuse)
{
	scmp_filter_ctx ctx = seccomp_init(refuse);

	memset(m, 0, sizeof(*m));
	m->ctx = ctx;
	check(ctx == NULL ? -ENOMEM : 0, "seccomp_init");
	check(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, refuse),
	    "SCMP_FLTATR_ACT_BADARCH");
	check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2),
	    "SCMP_FLTATR_CTL_OPTIMIZE");
}

static void
make_broker(struct maker *m)
{
	begin(m, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < sizeof(broker_calls) / sizeof(char *); i++)
		allow(m, broker_calls[i], 0, NULL);
	rules_net_sockets(m);
}

static void
make(struct maker *m, unsigned variant)
{
	struct scmp_arg_cmp cmp[2];

	begin(m, SCMP_ACT_TRAP);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		allow(m, plain[i], 0, NULL);
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct choice *c = &choices[i];

		for (size_t v = 0; c->values[v] != END; v++) {
			cmp[0] = SCMP_CMP(c->arg, SCMP_CMP_EQ, c->values[v]);
			allow(m, c->name, 1, cmp);
		}
	}
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		cmp[0] = SCMP_CMP(bits[i].arg, SCMP_CMP_MASKED_EQ, bits[i].mask,
		    bits[i].value);
		allow(m, bits[i].name, 1, cmp);
	}
	/* To ask for a limit of this process, not to set one. */
	cmp[0] = SCMP_A0(SCMP_CMP_EQ, 0);
	cmp[1] = SCMP_A2(SCMP_CMP_EQ, 0);
	allow(m, "prlimit64", 2, cmp);
	for (size_t i = 0; i < sizeof(interface_requests) / sizeof(uint64_t);
	     i++) {
		cmp[0] = SCMP_A1(SCMP_CMP_EQ, interface_requests[i]);
		allow(m, "ioctl", 1, cmp);
	}
	cmp[0] = SCMP_A0(SCMP_CMP_EQ, AF_UNIX);
	allow(m, "socket", 1, cmp);
	if ((variant & FILTER_NET_HOST) != 0)
		rules_net_sockets(m);
	if ((variant & FILTER_ALLOW_CHOWN) != 0)
		allow(m, "fchownat", 0, NULL);
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		check(seccomp_rule_add(m->ctx,
			  SCMP_ACT_ERRNO((uint16_t)quiet[i].error),
			  seccomp_syscall_resolve_name(quiet[i].name), 0),
		    quiet[i].name);
}

/* The program of a filter; returns the number of instructions. */
static unsigned
export_program(scmp_filter_ctx ctx, struct sock_filter *f)
{
	FILE *tmp = tmpfile();
	size_t n;

	if (tmp == NULL) {
		perror("mkfilter: cannot make a temporary file");
		exit(1);
	}
	check(seccomp_export_bpf(ctx, fileno(tmp)), "seccomp_export_bpf");
	rewind(tmp);
	n = fread(f, sizeof(*f), INSNS_MAX, tmp);
	fclose(tmp);
	return ((unsigned)n);
}

static void
print_names(FILE *out)
{
	char *name;

	fprintf(out, "const char *const confine_call_names[] = {\n");
	for (int nr = 0; nr < CALLS_MAX; nr++) {
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);
		if (name != NULL)
			fprintf(out, "    [%d] = \"%s\",\n", nr, name);
		free(name);
	}
	fprintf(out,
	    "};\nconst size_t confine_ncall_names =\n"
	    "    sizeof(confine_call_names) / sizeof(confine_call_names[0]);"
	    "\n");
}

/* Print the instructions as an array, and free the filter.  Returns their
 * number. */
static unsigned
print_program(FILE *out, struct maker *m, const char *name)
{
	struct sock_filter f[INSNS_MAX];
	unsigned n = export_program(m->ctx, f);

	seccomp_release(m->ctx);
	fprintf(out, "static const struct sock_filter %s[] = {\n", name);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "    {0x%04x, %u, %u, 0x%08x},\n", f[i].code,
		    f[i].jt, f[i].jf, f[i].k);
	fprintf(out, "};\n");
	return (n);
}

int
main(int argc, char **argv)
{
	unsigned n[FILTER_NVARIANTS], calls[FILTER_NVARIANTS], broker;
	char name[16];
	struct maker m;
	FILE *out;

	out = argc == 2 ? fopen(argv[1], "w") : NULL;
	if (out == NULL) {
		fprintf(stderr, "usage: mkfilter OUTPUT\n");
		return (2);
	}
	fprintf(out, "/* Made by mkfilter. */\n"
		     "#include \"confine/filter/filter.h\"\n");
	for (unsigned v = 0; v < FILTER_NVARIANTS; v++) {
		make(&m, v);
		calls[v] = m.ncalls;
		(void)snprintf(name, sizeof(name), "v%u", v);
		n[v] = print_program(out, &m, name);
	}
	make_broker(&m);
	broker = print_program(out, &m, "of_broker");
	fprintf(out,
	    "const struct confine_program confine_broker_program = {\n"
	    "    of_broker, %u, %u};\n",
	    broker, m.ncalls);
	fprintf(out,
	    "const struct confine_program confine_programs[FILTER_NVARIANTS] "
	    "= {\n");
	for (unsigned v = 0; v < FILTER_NVARIANTS; v++)
		fprintf(out, "    {v%u, %u, %u},\n", v, n[v], calls[v]);
	fprintf(out, "};\n");
	print_names(out);
	return (fclose(out) == 0 ? 0 : 1);
}
