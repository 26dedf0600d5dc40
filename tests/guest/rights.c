/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages of UNIX sockets that carry open files and credentials. A file that
 * is not received is closed, whatever the reason for the loss.
 */
#include "guest.h"

#include <sys/socket.h>
#include <sys/un.h>

#define NFD_MAX 253

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int) * 300) + CMSG_SPACE(64)];
};

/* Not through the C library, which checks the control messages itself. */
static long
raw_send(int s, const struct msghdr *h)
{
	return (syscall(SYS_sendmsg, s, h, MSG_NOSIGNAL));
}

/* Sends one byte and n descriptors. Returns the result of sendmsg. */
static ssize_t
send_fds(int s, const int *fds, size_t n)
{
	char byte = 'f';
	struct iovec iov = {&byte, 1};
	union control c;
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};

	memset(&c, 0, sizeof(c));
	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&c.head), fds, n * sizeof(int));
	return (raw_send(s, &h));
}

static void
send_fd(int s, int fd)
{
	CHECK(send_fds(s, &fd, 1) == 1);
}

/* The number of descriptors that arrive with a byte; *flags are those of the
 * message. */
static size_t
recv_fds(int s, int *fds, size_t room, int how, int *flags)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union control c;
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = room};
	size_t n = 0;

	CHECK(recvmsg(s, &h, how) == 1 && byte == 'f');
	*flags = h.msg_flags;
	if (h.msg_controllen >= CMSG_LEN(0) && c.head.cmsg_type == SCM_RIGHTS) {
		n = (c.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(&c.head), n * sizeof(int));
	}
	return (n);
}

static int
recv_fd(int s, int how)
{
	int fd, flags;

	CHECK(recv_fds(s, &fd, CMSG_SPACE(sizeof(int)), how, &flags) == 1);
	return (fd);
}

/* Are all write ends of the pipe closed, so that the reader sees the end? */
static bool
closed(int rd)
{
	char ch;

	CHECK(fcntl(rd, F_SETFL, O_NONBLOCK) == 0);
	return (read(rd, &ch, 1) == 0);
}

static void
pass_files(int type)
{
	int v[2], w[2], fd, fd2, p[2];
	char buf[16];

	CHECK(socketpair(AF_UNIX, type, 0, v) == 0);
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(write(fd, "contents", 8) == 8);
	send_fd(v[0], fd);
	fd2 = recv_fd(v[1], 0);
	CHECK(fd2 != fd && fcntl(fd2, F_GETFD) == 0);
	/* The descriptor refers to the same open file: offset and flags are
	 * shared. */
	CHECK(lseek(fd, 3, SEEK_SET) == 3 && read(fd2, buf, 5) == 5);
	CHECK(memcmp(buf, "tents", 5) == 0);
	close(fd2);
	send_fd(v[0], fd);
	fd2 = recv_fd(v[1], MSG_CMSG_CLOEXEC);
	CHECK(fcntl(fd2, F_GETFD) == FD_CLOEXEC);
	close(fd2);
	/* Received with MSG_PEEK, then received: two descriptors. */
	send_fd(v[0], fd);
	fd2 = recv_fd(v[1], MSG_PEEK);
	close(fd2);
	fd2 = recv_fd(v[1], 0);
	close(fd2);
	close(fd);
	/* Sent and closed: the message keeps the file open. */
	CHECK(pipe(p) == 0);
	send_fd(v[0], p[1]);
	close(p[1]);
	CHECK(!closed(p[0]));
	fd2 = recv_fd(v[1], 0);
	CHECK(write(fd2, "pipe", 4) == 4 && read(p[0], buf, 16) == 4);
	close(fd2);
	CHECK(closed(p[0]));
	close(p[0]);
	/* A socket sent through a socket. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, w) == 0);
	send_fd(v[0], w[0]);
	close(w[0]);
	fd2 = recv_fd(v[1], 0);
	CHECK(write(fd2, "deep", 4) == 4 && read(w[1], buf, 16) == 4);
	close(fd2);
	close(w[1]);
	close(v[0]);
	close(v[1]);
	unlink("file");
}

/* Bytes before, with and after the descriptor. */
static void
boundaries(void)
{
	int v[2], fd, flags, p[2];
	char buf[16];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0 && pipe(p) == 0);
	CHECK(write(v[0], "abc", 3) == 3);
	send_fd(v[0], p[1]);
	CHECK(write(v[0], "def", 3) == 3);
	CHECK(read(v[1], buf, 3) == 3);
	CHECK(recv_fds(v[1], &fd, sizeof(union control), 0, &flags) == 1);
	CHECK(flags == 0 && read(v[1], buf, 16) == 3);
	CHECK(memcmp(buf, "def", 3) == 0);
	close(fd);
	close(p[0]);
	close(p[1]);
	close(v[0]);
	close(v[1]);
}

static void
lost(void)
{
	int v[2], p[2], fds[4], flags;
	char ch;

	/* Received by read(), which cannot take descriptors. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0 && pipe(p) == 0);
	send_fd(v[0], p[1]);
	close(p[1]);
	CHECK(read(v[1], &ch, 1) == 1);
	CHECK(closed(p[0]));
	close(p[0]);
	/* No room for the second descriptor. */
	CHECK(pipe(p) == 0);
	fds[0] = dup(p[1]);
	fds[1] = p[1];
	CHECK(send_fds(v[0], fds, 2) == 1);
	close(fds[0]);
	close(p[1]);
	CHECK(recv_fds(v[1], fds, CMSG_LEN(sizeof(int)), 0, &flags) == 1);
	CHECK((flags & MSG_CTRUNC) != 0);
	close(fds[0]);
	CHECK(closed(p[0]));
	close(p[0]);
	/* No room for any descriptor. */
	CHECK(pipe(p) == 0);
	send_fd(v[0], p[1]);
	close(p[1]);
	CHECK(recv_fds(v[1], fds, 0, 0, &flags) == 0);
	CHECK((flags & MSG_CTRUNC) != 0 && closed(p[0]));
	close(p[0]);
	/* In a socket that is closed before it is read. */
	CHECK(pipe(p) == 0);
	send_fd(v[0], p[1]);
	close(p[1]);
	close(v[0]);
	CHECK(!closed(p[0]));
	close(v[1]);
	CHECK(closed(p[0]));
	close(p[0]);
}

/* Sockets that hold each other through messages; the last one holds all. */
static void
chain(void)
{
	int v[2], w[2], p[2];

	CHECK(pipe(p) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	send_fd(v[0], p[1]);
	close(p[1]);
	for (int i = 0; i < 200; i++) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, w) == 0);
		send_fd(w[0], v[0]);
		send_fd(w[0], v[1]);
		close(v[0]);
		close(v[1]);
		v[0] = w[0];
		v[1] = w[1];
	}
	CHECK(!closed(p[0]));
	close(v[0]);
	close(v[1]);
	CHECK(closed(p[0]));
	close(p[0]);
	/* A socket that holds itself: freed at the latest with the kernel. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	send_fd(v[0], v[1]);
	close(v[0]);
	close(v[1]);
}

static void
limits(void)
{
	int v[2], fds[NFD_MAX + 1], got[NFD_MAX + 1], flags;
	struct rlimit rl, old;
	size_t n;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	for (int i = 0; i <= NFD_MAX; i++)
		fds[i] = v[0];
	CHECK_ERRNO(send_fds(v[0], fds, NFD_MAX + 1), EINVAL);
	CHECK(send_fds(v[0], fds, NFD_MAX) == 1);
	n = recv_fds(v[1], got, sizeof(union control), 0, &flags);
	CHECK(n == NFD_MAX && flags == 0);
	for (size_t i = 0; i < n; i++)
		close(got[i]);
	/* As many as RLIMIT_NOFILE allows. */
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	rl = old;
	rl.rlim_cur = (rlim_t)v[1] + 3;
	CHECK(send_fds(v[0], fds, 5) == 1);
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	n = recv_fds(v[1], got, sizeof(union control), 0, &flags);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	CHECK(n == 2 && (flags & MSG_CTRUNC) != 0);
	close(got[0]);
	close(got[1]);
	fds[1] = 999;
	CHECK_ERRNO(send_fds(v[0], fds, 2), EBADF);
	close(v[0]);
	close(v[1]);
}

/* Control messages with wrong lengths. */
static void
malformed(void)
{
	static const size_t lengths[] = {0, 1, 15, 17, 100, SIZE_MAX};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union control c;
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
	int v[2];
	long r;

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v) == 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(&c, 0, sizeof(c));
		c.head.cmsg_level = SOL_SOCKET;
		c.head.cmsg_type = SCM_RIGHTS;
		c.head.cmsg_len = lengths[i];
		h.msg_controllen = CMSG_SPACE(sizeof(int));
		r = raw_send(v[0], &h);
		say("length %zd: %ld, errno %d", lengths[i], r,
		    r < 0 ? errno : 0);
	}
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	c.head.cmsg_type = 77;
	CHECK_ERRNO(raw_send(v[0], &h), EINVAL);
	h.msg_control = BAD;
	CHECK_ERRNO(raw_send(v[0], &h), EFAULT);
	close(v[0]);
	close(v[1]);
}

/* The credentials of the process that sent the next byte; *flags. */
static struct ucred
sender(int s)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union control c;
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof(c)};
	struct ucred cred;

	memset(&c, 0, sizeof(c));
	CHECK(recvmsg(s, &h, 0) == 1);
	CHECK(c.head.cmsg_type == SCM_CREDENTIALS &&
	      c.head.cmsg_len == CMSG_LEN(sizeof(cred)));
	memcpy(&cred, CMSG_DATA(&c.head), sizeof(cred));
	return (cred);
}

static void
senders(int type)
{
	struct ucred cred;
	int v[2], on = 1;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, type, 0, v) == 0);
	CHECK(setsockopt(v[1], SOL_SOCKET, SO_PASSCRED, &on, 4) == 0);
	CHECK(write(v[0], "x", 1) == 1);
	cred = sender(v[1]);
	CHECK(cred.pid == getpid() && cred.uid == getuid() &&
	      cred.gid == getgid());
	/* Not the process that has made the pair. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(send(v[0], "y", 1, 0) == 1 ? 0 : 1);
	wait_ok(pid);
	cred = sender(v[1]);
	CHECK(cred.pid == pid);
	CHECK(getsockopt(v[0], SOL_SOCKET, SO_PEERCRED, &cred,
		  &(socklen_t){sizeof(cred)}) == 0);
	CHECK(cred.pid == getpid());
	close(v[0]);
	close(v[1]);
}

/* A child of the process that has connected sends, before and after the
 * connection is accepted.  Other sockets keep no boundaries. */
static void
senders_connected(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "named"};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), s, c, on = 1, v[2];
	struct ucred cred;
	pid_t pid;
	char b[4];

	CHECK(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(listen(l, 5) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	CHECK(setsockopt(v[0], SOL_SOCKET, SO_PASSCRED, &on, 4) == 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(send(c, "z", 1, 0) == 1 ? 0 : 1);
		wait_ok(pid);
		if (i == 0) {
			s = accept(l, NULL, NULL);
			CHECK(s >= 0);
			CHECK(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, 4) ==
			      0);
		}
		cred = sender(s);
		CHECK(cred.pid == pid);
	}
	close(v[0]), close(v[1]), close(s), close(c), close(l);
	CHECK(unlink("named") == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	CHECK(write(v[0], "a", 1) == 1 && write(v[0], "b", 1) == 1);
	CHECK(read(v[1], b, 4) == 2);
	close(v[0]), close(v[1]);
	say("ids of senders");
}

int
main(void)
{
	set_disposition(SIGPIPE, SIG_IGN);
	scratch_enter("rights");
	pass_files(SOCK_STREAM);
	pass_files(SOCK_DGRAM);
	pass_files(SOCK_SEQPACKET);
	say("files ok");
	boundaries();
	lost();
	chain();
	say("files that were not received are closed");
	limits();
	malformed();
	senders(SOCK_STREAM);
	senders(SOCK_DGRAM);
	senders(SOCK_SEQPACKET);
	senders_connected();
	scratch_remove();
	say("done");
	return (0);
}
