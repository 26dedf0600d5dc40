/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name spaces of host names, System V IPC, users, process numbers and networks:
 * clone, unshare, setns.  Natively this needs root, as inside.  Those of mounts
 * are in mounts.c.
 */
#include "guest.h"

#include <dirent.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/utsname.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#define USER 1234
#define KEY 0x76734e53
#define LONG_NAME                                  \
	"0123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789"

static pid_t
clone_with(unsigned long flags)
{
	return ((pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
}

/* The child must end with 7. */
static void
expect_child(pid_t pid)
{
	int status;

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static int
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	CHECK(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return (error);
}

static const char *
name(void)
{
	static struct utsname u;

	CHECK(uname(&u) == 0);
	return (u.nodename);
}

static void
link_of(int pid, const char *kind, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	n = readlink(path, buf, size - 1);
	CHECK(n > 0);
	buf[n] = '\0';
}

/* The files of /proc/sys are those names; in a name space of the caller's own,
 * which has the names "inner" and "dom" before and after. */
static void
name_files(void)
{
	const char *const host = "/proc/sys/kernel/hostname";
	const char *const domain = "/proc/sys/kernel/domainname";
	char text[80];
	struct stat st;
	pid_t pid;

	CHECK(stat(host, &st) == 0 && (st.st_mode & 07777) == 0644);
	CHECK(stat(domain, &st) == 0 && (st.st_mode & 07777) == 0644);
	read_file(host, text, sizeof(text));
	CHECK(strcmp(text, "inner\n") == 0);
	CHECK(put(host, "by-file\nmore\n") == 0);
	CHECK(strcmp(name(), "by-file") == 0);
	CHECK(put(domain, "domain.example") == 0);
	read_file(domain, text, sizeof(text));
	CHECK(strcmp(text, "domain.example\n") == 0);
	CHECK(put(host, LONG_NAME) == 0 && strlen(name()) == 64);
	CHECK(put(host, "\n") == 0 && name()[0] == '\0');
	CHECK(put(domain, "dom\n") == 0 && put(host, "inner\n") == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setgid(1234) == 0 && setuid(1234) == 0);
		CHECK_ERRNO(open(host, O_WRONLY), EACCES);
		_exit(7);
	}
	expect_child(pid);
}

static void
host_names(void)
{
	char before[65], mine[64], its[64], path[64];
	int go[2], ready[2], fd, pidfd;
	pid_t pid;
	char c;

	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	strcpy(before, name());
	pid = fork();
	if (pid == 0) {
		CHECK(unshare(CLONE_NEWUTS) == 0);
		CHECK_ERRNO(sethostname(LONG_NAME, 65), EINVAL);
		CHECK(sethostname("inner", 5) == 0);
		CHECK(setdomainname("dom", 3) == 0);
		CHECK(strcmp(name(), "inner") == 0);
		name_files();
		CHECK(write(ready[1], "r", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		_exit(7);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(strcmp(name(), before) == 0);
	link_of(getpid(), "uts", mine, sizeof(mine));
	link_of(pid, "uts", its, sizeof(its));
	CHECK(strcmp(mine, its) != 0 && strncmp(its, "uts:[", 5) == 0);
	link_of(getpid(), "ipc", mine, sizeof(mine));
	link_of(pid, "ipc", its, sizeof(its));
	CHECK(strcmp(mine, its) == 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	expect_child(({
		pid_t other = fork();
		if (other == 0) {
			CHECK_ERRNO(setns(fd, CLONE_NEWIPC), EINVAL);
			CHECK_ERRNO(setns(ready[0], 0), EINVAL);
			CHECK(setns(fd, CLONE_NEWUTS) == 0);
			CHECK(strcmp(name(), "inner") == 0);
			_exit(7);
		}
		other;
	}));
	expect_child(({
		pid_t other = fork();
		if (other == 0) {
			CHECK(setns(pidfd, CLONE_NEWUTS) == 0);
			CHECK(strcmp(name(), "inner") == 0);
			CHECK(setresuid(USER, USER, USER) == 0);
			CHECK_ERRNO(sethostname("x", 1), EPERM);
			CHECK_ERRNO(setns(fd, 0), EPERM);
			CHECK_ERRNO(unshare(CLONE_NEWUTS), EPERM);
			_exit(7);
		}
		other;
	}));
	CHECK(write(go[1], "g", 1) == 1);
	expect_child(pid);
	/* The file keeps it alive. */
	CHECK(setns(fd, 0) == 0 && strcmp(name(), "inner") == 0);
	close(fd);
	close(pidfd);
	say("host names");
}

static void
ipc(void)
{
	const int id = shmget(KEY, PAGE, IPC_CREAT | 0600);
	pid_t pid;

	CHECK(id >= 0);
	pid = clone_with(CLONE_NEWIPC);
	if (pid == 0) {
		struct shmid_ds ds;
		int own;

		CHECK_ERRNO(shmget(KEY, PAGE, 0), ENOENT);
		CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
		own = shmget(KEY, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
		CHECK(own >= 0 && shmctl(own, IPC_STAT, &ds) == 0);
		CHECK(ds.shm_segsz == 2 * PAGE);
		_exit(7); /* its segment goes with the name space */
	}
	expect_child(pid);
	CHECK(shmget(KEY, PAGE, 0) == id);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	say("System V IPC");
}

/* An ordinary user who becomes root of a user namespace. */
static void
as_user(void)
{
	struct stat st;
	gid_t groups[8];

	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(USER, USER, USER) == 0);
	CHECK(setresuid(USER, USER, USER) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) ==
	      0); /* its files in /proc are its own */
	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	CHECK(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
	CHECK(stat("/", &st) == 0 && st.st_uid == 65534);
	CHECK_ERRNO(setresuid(0, 0, 0), EINVAL);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK(put("/proc/self/uid_map", "0 0 1") == EPERM);
	CHECK(put("/proc/self/uid_map", "0 1234") == EINVAL);
	CHECK(put("/proc/self/uid_map", "0 1234 2") == EPERM);
	CHECK(put("/proc/self/gid_map", "0 1234 1") == EPERM);
	CHECK(put("/proc/self/setgroups", "deny") == 0);
	CHECK(put("/proc/self/setgroups", "allow") == EPERM);
	CHECK(put("/proc/self/uid_map", "0 1234 1\n") == 0);
	CHECK(put("/proc/self/gid_map", "0 1234 1") == 0);
	CHECK(put("/proc/self/uid_map", "0 1234 1") == EPERM);
	CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0);
	CHECK(getgroups(8, groups) == 0);
	CHECK_ERRNO(setresuid(5, 5, 5), EINVAL);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
	CHECK(stat("/", &st) == 0 && st.st_uid == 65534);
	/* Rights over what belongs to the name space, and no others. */
	CHECK_ERRNO(sethostname("x", 1), EPERM);
	CHECK(unshare(CLONE_NEWUTS) == 0 && sethostname("mine", 4) == 0);
	CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("/tmp/d", 0755) == 0);
	CHECK(stat("/tmp/d", &st) == 0 && st.st_uid == 0);
	CHECK_ERRNO(chown("/tmp/d", 7, 7), EINVAL);
	CHECK(umount("/tmp") == 0);
	CHECK_ERRNO(mount("proc", "/tmp", "proc", 0, NULL), EPERM);
	CHECK_ERRNO(mount("sysfs", "/tmp", "sysfs", 0, NULL), EPERM);
	/* What the mounts of the parent hide stays hidden. */
	CHECK_ERRNO(umount2("/proc", MNT_DETACH), EINVAL);
	CHECK(chroot("/proc") == 0 && access("/self", F_OK) == 0);
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EPERM);
}

static void
users(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		as_user();
		_exit(7);
	}
	expect_child(pid);
	CHECK_ERRNO(clone_with(CLONE_NEWUSER | CLONE_FS), EINVAL);
	CHECK(put("/proc/self/uid_map", "0 0 1") == EPERM);
	/* Root's: the map of all ids. */
	pid = clone_with(CLONE_NEWUSER);
	if (pid == 0) {
		CHECK(put("/proc/self/uid_map", "0 0 4294967295") == EPERM ||
		      getuid() == 0);
		_exit(7);
	}
	expect_child(pid);
	say("users");
}

/* The numbers in the folder of /proc, in order. */
static void
list(const char *path, char *buf, size_t size)
{
	DIR *d = opendir(path);
	struct dirent *e;

	CHECK(d != NULL);
	buf[0] = '\0';
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
			snprintf(buf + strlen(buf), size - strlen(buf), "%s ",
			    e->d_name);
	closedir(d);
}

static volatile sig_atomic_t sender;

static void
on_signal(int signo, siginfo_t *si, void *uc)
{
	sender = si->si_pid;
}

/* Number 1 of a name space. */
static void
as_init(int alive)
{
	struct sigaction sa = {
	    .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	char buf[256];
	siginfo_t si;
	pid_t pid, tid;
	int status, stored = 0;

	CHECK(getpid() == 1 && syscall(SYS_gettid) == 1 && getppid() == 0);
	CHECK(getpgrp() == 0 && getsid(0) == 0);
	CHECK_ERRNO(kill(2, 0), ESRCH);
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(getpid() == 2 && getppid() == 1);
		CHECK(setsid() == 2 && getpgrp() == 2 && getsid(0) == 2);
		/* Its init does not die by its hand. */
		CHECK(kill(1, SIGKILL) == 0 && kill(1, SIGTERM) == 0);
		CHECK(kill(1, SIGUSR1) == 0);
		_exit(5);
	}
	CHECK(pid == 2);
	CHECK(waitid(P_PID, 2, &si, WEXITED | WNOWAIT) == 0 && si.si_pid == 2);
	CHECK(sender == 2);
	CHECK(waitpid(2, &status, 0) == 2 && WEXITSTATUS(status) == 5);
	CHECK_ERRNO(waitpid(2, NULL, 0), ECHILD);
	tid = (pid_t)syscall(
	    SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &stored, 0, 0);
	if (tid == 0)
		_exit(0);
	CHECK(tid == 3 && stored == 3 && wait(NULL) == 3);
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
	list("/proc", buf, sizeof(buf));
	CHECK(strcmp(buf, "1 ") == 0);
	CHECK(readlink("/proc/self", buf, sizeof(buf)) == 1 && buf[0] == '1');
	list("/proc/self/task", buf, sizeof(buf));
	CHECK(strcmp(buf, "1 ") == 0);
	/* A nested name space; its processes have numbers here, too. */
	pid = clone_with(CLONE_NEWPID);
	if (pid == 0)
		_exit(getpid() == 1 ? 7 : 8);
	expect_child(pid);
	/* An orphan, whose parent becomes this process. */
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			while (getppid() != 1)
				usleep(1000);
			_exit(9);
		}
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 9);
	/* A process that outlives its init is killed. */
	if (fork() == 0) {
		CHECK(dup(alive) >= 0);
		for (;;)
			pause();
	}
}

static void
numbers(void)
{
	char c;
	int p[2];
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = clone_with(CLONE_NEWPID);
	if (pid == 0) {
		close(p[0]);
		as_init(p[1]);
		_exit(7);
	}
	close(p[1]);
	expect_child(pid);
	CHECK(read(p[0], &c, 1) == 0); /* all ends are closed */
	close(p[0]);
	/* unshare: the next child is number 1, the caller stays. */
	pid = fork();
	if (pid == 0) {
		const pid_t me = getpid();

		CHECK(unshare(CLONE_NEWPID) == 0 && getpid() == me);
		pid = fork();
		if (pid == 0)
			_exit(getpid() == 1 ? 7 : 8);
		expect_child(pid);
		CHECK_ERRNO(fork(), ENOMEM);
		_exit(7);
	}
	expect_child(pid);
	say("process numbers");
}

/* Capabilities of a new user namespace count in it alone. */
static void
rights(void)
{
	struct rlimit rl = {10, 10};
	const pid_t outer = getpid();
	int fd, status;
	pid_t pid;

	fd = open("/tmp/ns-rights", O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0);
	close(fd);
	pid = fork();
	if (pid == 0) {
		CHECK(setresgid(USER, USER, USER) == 0);
		CHECK(setresuid(USER, USER, USER) == 0);
		CHECK(unshare(CLONE_NEWUSER) == 0);
		CHECK(prctl(PR_GET_DUMPABLE) == 0);
		CHECK_ERRNO(open("/tmp/ns-rights", O_RDONLY), EACCES);
		CHECK_ERRNO(kill(outer, 0), EPERM);
		CHECK_ERRNO(setresuid(0, 0, 0), EINVAL);
		CHECK_ERRNO(sethostname("x", 1), EPERM);
		CHECK_ERRNO(
		    mount("none", "/tmp", NULL, MS_REMOUNT | MS_BIND, NULL),
		    EPERM);
		CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, -5), EACCES);
		CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
		rl.rlim_max = 20;
		CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &rl), EPERM);
		CHECK_ERRNO(chown("/tmp/ns-rights", -1, 0), EINVAL);
		CHECK_ERRNO(chmod("/tmp/ns-rights", 0666), EPERM);
		CHECK_ERRNO(
		    syscall(SYS_ptrace, PTRACE_ATTACH, outer, 0, 0), EPERM);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(unlink("/tmp/ns-rights") == 0);
	say("rights");
}

/* Lines of a table of sockets. */
static int
lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0, c;

	CHECK(f != NULL);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return (n);
}

/* A new name space of networks has none of the sockets of the old one, and no
 * connection to it. */
static void
networks(void)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	char before[64], after[64];
	int l, s, p[2];
	pid_t pid;

	if (no_internet())
		return;
	l = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(l >= 0 && bind(l, (void *)&sin, sizeof(sin)) == 0);
	CHECK(listen(l, 1) == 0 && getsockname(l, (void *)&sin, &len) == 0);
	CHECK(lines_of("/proc/net/tcp") >= 2);
	link_of(getpid(), "net", before, sizeof(before));
	pid = clone_with(CLONE_NEWNET);
	if (pid == 0) {
		link_of(getpid(), "net", after, sizeof(after));
		CHECK(strcmp(before, after) != 0);
		CHECK(lines_of("/proc/net/tcp") == 1);
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
		/* Inside there is not even a socket. */
		s = socket(AF_INET, SOCK_STREAM, 0);
		CHECK(inside() ? s == -1 && errno == EACCES : s >= 0);
		CHECK(s == -1 || connect(s, (void *)&sin, sizeof(sin)) == -1);
		/* What was opened before stays what it was. */
		CHECK(getsockname(l, (void *)&sin, &len) == 0);
		_exit(7);
	}
	expect_child(pid);
	close(l);
}

int
main(void)
{
	if (geteuid() != 0) {
		say("not root");
		return (0);
	}
	host_names();
	ipc();
	users();
	numbers();
	networks();
	rights();
	say("ok");
	return (0);
}
