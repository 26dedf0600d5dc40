/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The probe: what an attacker would try who executes code in the kernel
 * process.
 *
 * Purpose: it shows that the layers hold, in tests of debug builds
 * (tests/fault/attack.py).  It runs on a thread of the kernel process after
 * confine_finish(), and makes the host's calls directly.  Each attempt prints
 * one line, "NAME: held (reason)", "NAME: SUCCEEDED", or "NAME: REACHED THE
 * HOST (reason)" when no layer has refused the call.
 *
 * The argument: "GRANT,OUTSIDE,SECRET,PID,PORT,SOCKET": a directory of --rw; a
 * directory of the user beside it; a file that the user may read, outside of
 * the grants; a process of the same user; a port of 127.0.0.1 at which a
 * listener waits; the path of a UNIX socket that accepts connections.
 *
 * An attacker knows the descriptors of the process: where paths do not reach a
 * grant any more, the probe finds one by /proc/self/fd.
 *
 * Limits: success of an attempt changes the host, so tests only name files of
 * their own.
 */
#include "confine/confine_int.h"

#ifdef VMSPACE_DEBUG

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTARGETS 6
enum { GRANT, OUTSIDE, SECRET, PID, PORT, SOCKET };

struct probe {
	char *target[NTARGETS];
	int dir; /* of GRANT */
	int successes;
};

/* Has a layer of the confinement refused the call?  Another error means that
 * the host has looked at its arguments.  At each address that is tried a
 * listener waits: ECONNREFUSED comes from another network namespace. */
static bool
is_refusal(int error)
{
	return (error == EPERM || error == EACCES || error == ENOENT ||
		error == EXDEV || error == EBADF || error == ENETUNREACH ||
		error == ECONNREFUSED);
}

/* r: what the call returned. */
static void
attempt(struct probe *p, const char *name, long r)
{
	if (r < 0 && is_refusal(errno)) {
		printf("%s: held (%s)\n", name, strerrorname_np(errno));
		return;
	}
	if (r < 0)
		printf("%s: REACHED THE HOST (%s)\n", name,
		    strerrorname_np(errno));
	else
		printf("%s: SUCCEEDED\n", name);
	p->successes++;
}

/* As attempt(), of a descriptor, which is closed. */
static void
attempt_fd(struct probe *p, const char *name, long fd)
{
	attempt(p, name, fd);
	if (fd >= 0)
		close((int)fd);
}

static long
raw_open(int dir, const char *path, int flags)
{
	return (syscall(SYS_openat, dir, path, flags | O_CLOEXEC, 0600));
}

/* A descriptor of the directory of the grant: by its path, or of those that the
 * kernel has open.  -1: none. */
static int
find_grant(const char *path)
{
	struct stat st, want;
	char link[64], text[4096];
	ssize_t n;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return (fd);
	(void)memset(&want, 0, sizeof(want));
	for (fd = 3; fd < 4096; fd++) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlinkat(AT_FDCWD, link, text, sizeof(text) - 1);
		if (n <= 0 || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		text[n] = '\0';
		/* The path ends with that of the grant (below /view). */
		if ((size_t)n >= strlen(path) &&
		    strcmp(text + n - strlen(path), path) == 0)
			return (fd);
	}
	return (-1);
}

static void
try_files(struct probe *p)
{
	char path[4096];

	attempt_fd(p, "read a file outside",
	    raw_open(AT_FDCWD, p->target[SECRET], O_RDONLY));
	(void)snprintf(
	    path, sizeof(path), "../../../../../../../..%s", p->target[SECRET]);
	attempt_fd(p, "read a file outside, from the grant upwards",
	    raw_open(p->dir, path, O_RDONLY));
	(void)snprintf(path, sizeof(path), "%s/new", p->target[OUTSIDE]);
	attempt_fd(p, "create a file outside",
	    raw_open(AT_FDCWD, path, O_WRONLY | O_CREAT));
	attempt_fd(p, "write a file outside",
	    raw_open(AT_FDCWD, p->target[SECRET], O_WRONLY));
	attempt_fd(p, "list a directory outside",
	    raw_open(AT_FDCWD, p->target[OUTSIDE], O_RDONLY | O_DIRECTORY));
	attempt_fd(
	    p, "read /etc/shadow", raw_open(AT_FDCWD, "/etc/shadow", O_RDONLY));
	attempt_fd(p, "open its own memory",
	    raw_open(AT_FDCWD, "/proc/self/mem", O_RDWR));
	(void)snprintf(path, sizeof(path), "/proc/%s/environ", p->target[PID]);
	attempt_fd(
	    p, "read the host's procfs", raw_open(AT_FDCWD, path, O_RDONLY));
	(void)snprintf(path, sizeof(path), "../../%s/environ", p->target[PID]);
	attempt_fd(p, "read the host's procfs, from /proc/self/fd upwards",
	    raw_open((int)raw_open(AT_FDCWD, "/proc/self/fd", O_PATH), path,
		O_RDONLY));
	attempt(p, "open by handle",
	    syscall(SYS_open_by_handle_at, p->dir, "", O_RDONLY));
}

static void
try_grant(struct probe *p)
{
	int fd = (int)raw_open(p->dir, "probe", O_RDWR | O_CREAT);

	/* The grant itself must work, or what follows shows nothing. */
	printf("write below the grant: %s\n",
	    fd >= 0 ? "works" : strerrorname_np(errno));
	attempt(p, "make a set-uid file by chmod", fchmod(fd, 04755));
	(void)syscall(SYS_unlinkat, p->dir, "probe-id", 0);
	attempt_fd(p, "make a set-uid file by open",
	    syscall(SYS_openat, p->dir, "probe-id", O_WRONLY | O_CREAT, 04755));
	attempt(p, "make a set-uid file by mknod",
	    syscall(SYS_mknodat, p->dir, "probe-mk", S_IFREG | 04755, 0));
	attempt(p, "make a device",
	    syscall(SYS_mknodat, p->dir, "probe-dev", S_IFCHR | 0666,
		makedev(1, 1)));
	attempt(p, "give a file away", fchown(fd, 12345, 12345));
	attempt(p, "set an attribute",
	    syscall(SYS_fsetxattr, fd, "user.probe", "x", 1, 0));
	if (fd >= 0)
		close(fd);
}

/* Execute a file in a child; fd is consumed.  0: it has run and exited with 0;
 * -1 and errno. */
static long
execute_fd(int fd)
{
	char *const argv[] = {(char[]){"true"}, NULL};
	int status = 0;
	pid_t pid;

	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		(void)syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
		_exit(errno);
	}
	close(fd);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return (-1);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return (errno == 0 ? 0 : -1);
}

/* Execute a program of the host by descriptor.  0; -1 and errno. */
static long
execute(void)
{
	static const char *const paths[] = {"/usr/bin/true", "/bin/true"};
	int fd = -1;

	for (int i = 0; i < 2 && fd < 0; i++)
		fd = open(paths[i], O_PATH | O_CLOEXEC);
	for (int dir = 3; dir < 64 && fd < 0; dir++)
		fd = openat(dir, "usr/bin/true", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return (-1);
	return (execute_fd(fd));
}

/* Execute memory of this process; what is in it does not matter. */
static long
execute_memory(void)
{
	int fd = memfd_create("x", 0);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return (-1);
	return (execute_fd(fd) == 0 || errno == ENOEXEC || errno == EACCES
		    ? 0
		    : -1);
}

static void
try_processes(struct probe *p)
{
	const pid_t pid = (pid_t)atoi(p->target[PID]);
	char buf[8];
	struct iovec here = {buf, sizeof(buf)}, there = {p, sizeof(buf)};

	attempt(p, "signal a process of the user", kill(pid, SIGCONT));
	attempt(p, "kill a process of the user", kill(pid, SIGKILL));
	attempt(p, "trace a process", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	attempt(p, "read the memory of a process",
	    syscall(SYS_process_vm_readv, pid, &here, 1, &there, 1, 0));
	attempt(p, "set a limit of a process",
	    syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, buf));
	attempt(p, "execute a program of the host", execute());
	attempt(p, "execute memory", execute_memory());
	attempt(p, "become another user", setuid(geteuid() == 0 ? 1 : 0));
	attempt(p, "take another group", setgid(getegid() == 0 ? 1 : 0));
	attempt(p, "become dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static void
try_sockets(struct probe *p)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(p->target[PORT])),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	attempt_fd(
	    p, "make a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	attempt_fd(p, "make a netlink socket",
	    socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	attempt_fd(p, "make a packet socket", socket(AF_PACKET, SOCK_DGRAM, 0));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	attempt(p, "connect by TCP",
	    connect(fd, (const struct sockaddr *)&in, sizeof(in)));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	attempt(p, "send by UDP",
	    sendto(fd, "x", 1, 0, (const struct sockaddr *)&in, sizeof(in)));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)snprintf(
	    un.sun_path, sizeof(un.sun_path), "_%s", p->target[SOCKET]);
	un.sun_path[0] = '\0';
	attempt(p, "connect to an abstract socket",
	    connect(fd, (const struct sockaddr *)&un,
		(socklen_t)(sizeof(un.sun_family) + 1 +
			    strlen(p->target[SOCKET]))));
	(void)snprintf(
	    un.sun_path, sizeof(un.sun_path), "%s", p->target[SOCKET]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	attempt(p, "connect to a socket by path",
	    connect(fd, (const struct sockaddr *)&un, sizeof(un)));
	attempt(p, "change the directory", fchdir(p->dir));
}

static void
try_kernel(struct probe *p)
{
	char zero[256] = {0};
	void *page;

	attempt_fd(p, "io_uring_setup", syscall(SYS_io_uring_setup, 4, zero));
	attempt(p, "unshare a user namespace", unshare(CLONE_NEWUSER));
	attempt(p, "clone into a user namespace",
	    syscall(SYS_clone,
		CLONE_NEWUSER | CLONE_VM | CLONE_FS | CLONE_FILES |
		    CLONE_SIGHAND | CLONE_THREAD,
		NULL, NULL, NULL, NULL));
	attempt(p, "enter a namespace", setns(p->dir, 0));
	attempt(
	    p, "mount", mount("none", p->target[OUTSIDE], "tmpfs", 0, NULL));
	(void)umount2(p->target[OUTSIDE], MNT_DETACH);
	attempt(p, "change the root", chroot("/"));
	attempt_fd(p, "bpf", syscall(SYS_bpf, 0, zero, sizeof(zero)));
	attempt_fd(p, "perf", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
	attempt(p, "keyctl", syscall(SYS_keyctl, 0, -3, 1));
	attempt_fd(p, "userfaultfd", syscall(SYS_userfaultfd, 1));
	attempt(
	    p, "type into the terminal", syscall(SYS_ioctl, 0, 0x5412, "x"));
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attempt(p, "map executable memory", page == MAP_FAILED ? -1 : 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	attempt(p, "make memory executable",
	    mprotect(page, 4096, PROT_READ | PROT_EXEC));
	/* Refused with ENOMEM, so that realloc() copies. */
	page = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
	    (void *)0x7fff00000000);
	errno = EPERM;
	attempt(p, "move memory to the addresses of a stub",
	    page == MAP_FAILED ? -1 : 0);
	attempt(p, "find a segment of the host",
	    syscall(SYS_shmget, 0x76c0ffee, 4096, 0600));
}

static void *
probe_main(void *arg)
{
	struct probe *p = arg;

	try_grant(p);
	try_files(p);
	try_sockets(p);
	try_kernel(p);
	try_processes(p);
	return (NULL);
}

int
confine_probe(struct confine *c, const char *arg)
{
	struct probe p = {.successes = 0};
	char *copy = strdup(arg), *save = NULL, *part = copy;
	pthread_t thread;

	for (int i = 0; i < NTARGETS && copy != NULL; i++) {
		part = strtok_r(i == 0 ? copy : NULL, ",", &save);
		if (part == NULL)
			break;
		p.target[i] = part;
	}
	if (copy == NULL || part == NULL) {
		fprintf(stderr,
		    "vmspace: --confine-probe '%s': use "
		    "GRANT,OUTSIDE,SECRET,PID,PORT,SOCKET\n",
		    arg);
		free(copy);
		return (-1);
	}
	confine_filter_expect(true);
	p.dir = find_grant(p.target[GRANT]);
	if (pthread_create(&thread, NULL, probe_main, &p) != 0)
		p.successes = -1;
	else
		pthread_join(thread, NULL);
	confine_filter_expect(false);
	free(copy);
	return (p.successes);
}

#endif
