/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Corners of calls on files: scripts that are executed by a descriptor, old
 * calls about file systems, alarm clocks, attributes of terminals and sockets,
 * offsets at the end of the range, senders of streams, and what queued signals
 * carry.
 */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#ifndef RLIMIT_NLIMITS
#define RLIMIT_NLIMITS 16
#endif

static char dir[] = "/tmp/filerestXXXXXX";

static int
execveat_status(int fd, const char *path, int flags)
{
	char *argv[] = {"x", NULL};
	int st;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		syscall(SYS_execveat, fd, path, argv, argv + 1, flags);
		_exit(errno);
	}
	CHECK(waitpid(child, &st, 0) == child && WIFEXITED(st));
	return (WEXITSTATUS(st));
}

/* The interpreter could not open a script whose descriptor is closed. */
static void
scripts(void)
{
	int fd = open("script", O_CREAT | O_RDWR, 0700), d;

	CHECK(fd >= 0 && write(fd, "#!/bin/true\n", 12) == 12);
	close(fd);
	fd = open("script", O_RDONLY);
	CHECK(execveat_status(fd, "", AT_EMPTY_PATH) == 0);
	CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	CHECK(execveat_status(fd, "", AT_EMPTY_PATH) == ENOENT);
	d = open(".", O_RDONLY | O_CLOEXEC);
	CHECK(execveat_status(d, "script", 0) == ENOENT);
	CHECK(fcntl(d, F_SETFD, 0) == 0);
	CHECK(execveat_status(d, "script", 0) == 0);
	CHECK(execveat_status(fd, "", 0) == ENOENT);
	CHECK(execveat_status(fd, "", AT_EMPTY_PATH | 0x4000000) == EINVAL);
	close(d);
	close(fd);
	CHECK(unlink("script") == 0);
	say("scripts by descriptor");
}

static void
old_calls(void)
{
	struct stat st;
	char text[64];
	uint64_t us[8];
	long n;

	CHECK(stat(".", &st) == 0);
	CHECK(syscall(SYS_ustat, (unsigned)st.st_dev, us) == 0);
	CHECK_ERRNO(syscall(SYS_ustat, 0xffffu, us), EINVAL);
	CHECK_ERRNO(syscall(SYS_ustat, (unsigned)st.st_dev, BAD), EFAULT);
	n = syscall(SYS_sysfs, 3);
	CHECK(n > 3);
	for (long i = 0; i < n; i++) {
		CHECK(syscall(SYS_sysfs, 2, i, text) == 0);
		CHECK(syscall(SYS_sysfs, 1, text) == i);
	}
	CHECK_ERRNO(syscall(SYS_sysfs, 2, n, text), EINVAL);
	CHECK_ERRNO(syscall(SYS_sysfs, 1, "none such"), EINVAL);
	CHECK_ERRNO(syscall(SYS_sysfs, 4), EINVAL);
	say("ustat, sysfs");
}

/* A file is opened by its handle, as long as it exists. */
static void
handles(void)
{
	struct {
		unsigned bytes;
		int type;
		char data[128];
	} h = {.bytes = 0}, h2;
	int fd = open("named", O_CREAT | O_RDWR, 0600), d, again, id, id2;
	struct stat st, st2;

	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fstat(fd, &st) == 0);
	CHECK_ERRNO(
	    syscall(SYS_name_to_handle_at, AT_FDCWD, "named", &h, &id, 0),
	    EOVERFLOW);
	CHECK(h.bytes > 0 && h.bytes <= 128);
	h.bytes = 128;
	CHECK(
	    syscall(SYS_name_to_handle_at, AT_FDCWD, "named", &h, &id, 0) == 0);
	h2 = h;
	h2.bytes = 128;
	CHECK(syscall(SYS_name_to_handle_at, fd, "", &h2, &id2,
		  AT_EMPTY_PATH) == 0);
	CHECK(id == id2 && h.bytes == h2.bytes && h.type == h2.type);
	CHECK(memcmp(h.data, h2.data, h.bytes) == 0);
	close(fd);
	h2.bytes = 129;
	CHECK_ERRNO(
	    syscall(SYS_name_to_handle_at, AT_FDCWD, "named", &h2, &id, 0),
	    EINVAL);
	CHECK_ERRNO(
	    syscall(SYS_name_to_handle_at, AT_FDCWD, "named", &h, &id, 0x40000),
	    EINVAL);
	d = open(".", O_RDONLY);
	if (geteuid() == 0) {
		again = (int)syscall(SYS_open_by_handle_at, d, &h, O_RDONLY);
		CHECK(again >= 0 && fstat(again, &st2) == 0);
		CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
		close(again);
		CHECK_ERRNO(syscall(SYS_open_by_handle_at, d, &h2, 0), EINVAL);
		CHECK(unlink("named") == 0);
		CHECK_ERRNO(syscall(SYS_open_by_handle_at, d, &h, 0), ESTALE);
	} else {
		CHECK_ERRNO(syscall(SYS_open_by_handle_at, d, &h, 0), EPERM);
		CHECK(unlink("named") == 0);
	}
	close(d);
	say("handles of files");
}

static void
alarm_clocks(void)
{
	struct itimerspec its = {.it_value.tv_nsec = 1000000};
	uint64_t n;
	int fd;

	if (geteuid() != 0)
		return;
	for (int clock = 8; clock <= 9; clock++) {
		fd = timerfd_create(clock, 0);
		CHECK(fd >= 0 && timerfd_settime(fd, 0, &its, NULL) == 0);
		CHECK(read(fd, &n, sizeof(n)) == sizeof(n) && n >= 1);
		close(fd);
	}
}

static void
terminals(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), s;
	struct pollfd p = {.fd = m, .events = POLLIN | POLLRDHUP};
	struct epoll_event ev = {.events = EPOLLRDHUP};
	struct stat st;
	int ep;

	CHECK(m >= 0 && unlockpt(m) == 0);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	CHECK(s >= 0 && fchmod(s, 0600) == 0);
	CHECK(stat(ptsname(m), &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(chmod(ptsname(m), 0666) == 0 && fstat(s, &st) == 0);
	CHECK((st.st_mode & 07777) == 0666);
	if (geteuid() == 0) {
		CHECK(fchown(s, 7, 8) == 0 && stat(ptsname(m), &st) == 0);
		CHECK(st.st_uid == 7 && st.st_gid == 8);
	}
	close(s);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLHUP);
	ep = epoll_create1(0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, m, &ev) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1);
	CHECK((ev.events & EPOLLRDHUP) == 0 && (ev.events & EPOLLHUP) != 0);
	close(ep);
	close(m);
	say("terminals");
}

static void
offsets(void)
{
	int fd = memfd_create("offsets", 0), d;
	char c = 0;

	CHECK(fd >= 0);
	CHECK(lseek(fd, INT64_MAX, SEEK_SET) == INT64_MAX);
	CHECK_ERRNO(write(fd, &c, 1), EINVAL);
	CHECK_ERRNO(read(fd, &c, 1), EINVAL);
	close(fd);
	fd = (int)syscall(SYS_openat, AT_FDCWD, ".", O_RDONLY);
	CHECK(fd >= 0 && (syscall(SYS_fcntl, fd, F_GETFL) & 0100000) != 0);
	close(fd);
	d = open("/dev/shm", O_RDONLY);
	if (d >= 0) {
		CHECK_ERRNO(lseek(d, 0, SEEK_END), EINVAL);
		close(d);
	}
	say("offsets");
}

/* The name of the sender of what the socket receives next. */
static void
expect_sender(int s, const char *name)
{
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	char c;

	memset(&from, 0, sizeof(from));
	CHECK(recvfrom(s, &c, 1, 0, (void *)&from, &len) == 1);
	CHECK(strcmp(from.sun_path, name) == 0);
	CHECK(len == (name[0] == '\0' ? 0 : 2 + strlen(name) + 1));
}

static void
senders(int type)
{
	struct sockaddr_un server = {
	    .sun_family = AF_UNIX, .sun_path = "server"};
	struct sockaddr_un client = {
	    .sun_family = AF_UNIX, .sun_path = "client"};
	int l = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0), a;

	CHECK(bind(l, (void *)&server, sizeof(server)) == 0);
	CHECK(bind(c, (void *)&client, sizeof(client)) == 0);
	CHECK(listen(l, 1) == 0);
	CHECK(connect(c, (void *)&server, sizeof(server)) == 0);
	a = accept(l, NULL, NULL);
	CHECK(a >= 0 && write(c, "x", 1) == 1 && write(a, "y", 1) == 1);
	expect_sender(a, "client");
	expect_sender(c, "server");
	close(a);
	close(c);
	close(l);
	CHECK(unlink("server") == 0 && unlink("client") == 0);
}

static void
sockets(void)
{
	struct ucred who = {.pid = 0x3ffffff};
	char control[CMSG_SPACE(sizeof(who))], byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	socklen_t len = sizeof(int);
	struct stat st;
	int s, type, v[2];

	senders(SOCK_STREAM);
	senders(SOCK_SEQPACKET);
	s = socket(AF_UNIX, SOCK_RAW, 0);
	CHECK(s >= 0);
	CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len) == 0);
	CHECK(type == SOCK_DGRAM);
	CHECK(fchmod(s, 0700) == 0 && fstat(s, &st) == 0);
	CHECK((st.st_mode & 07777) == 0700);
	if (geteuid() == 0) {
		CHECK(fchown(s, 3, -1) == 0 && fstat(s, &st) == 0);
		CHECK(st.st_uid == 3);
	}
	close(s);
	CHECK(socketpair(AF_UNIX, SOCK_RAW, 0, v) == 0);
	if (geteuid() == 0) {
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_CREDENTIALS;
		h->cmsg_len = CMSG_LEN(sizeof(who));
		memcpy(CMSG_DATA(h), &who, sizeof(who));
		CHECK_ERRNO(sendmsg(v[0], &m, 0), ESRCH);
	}
	close(v[0]);
	close(v[1]);
	say("sockets");
}

/* The directory of a process that has ended, as a working directory. */
static void
ended(void)
{
	char path[64];
	struct stat st;
	int end, status;
	pid_t child = waiting_child(&end), user;

	snprintf(path, sizeof(path), "/proc/%d", child);
	user = fork();
	if (user == 0) {
		CHECK(chdir(path) == 0);
		close(end);
		while (kill(child, 0) == 0)
			usleep(1000);
		CHECK_ERRNO(open("status", O_RDONLY), ESRCH);
		CHECK_ERRNO(stat("stat", &st), ESRCH);
		CHECK_ERRNO(syscall(SYS_getcwd, path, sizeof(path)), ENOENT);
		_exit(0);
	}
	close(end);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(waitpid(user, &status, 0) == user && status == 0);
	say("directory of a process that has ended");
}

static void
queued(void)
{
	const struct timespec now = {0, 0};
	unsigned char in[128], out[128];
	int sig = SIGRTMIN;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	memset(in, 0x5a, sizeof(in));
	memcpy(in + 8, &(int){-60}, sizeof(int));
	CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), sig, in) == 0);
	CHECK(syscall(SYS_rt_sigtimedwait, &set, out, &now, 8) == sig);
	CHECK(memcmp(in + 4, out + 4, 8) == 0); /* si_errno, si_code */
	CHECK(memcmp(in + 16, out + 16, 32) == 0);
	for (int i = 48; i < 128; i++)
		CHECK(out[i] == 0);
	say("a queued signal is kept");
}

int
main(void)
{
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	scripts();
	old_calls();
	handles();
	alarm_clocks();
	terminals();
	offsets();
	sockets();
	ended();
	queued();
	CHECK(chdir("/") == 0 && rmdir(dir) == 0);
	return (0);
}
