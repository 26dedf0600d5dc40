/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * UNIX sockets: names and connections of the three types, messages and their
 * flags, waiting, timeouts and signals, poll and epoll. (Files and credentials
 * in messages are tested by rights.c.)
 */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static int
sock(int type)
{
	int s = socket(AF_UNIX, type, 0);

	CHECK(s >= 0);
	return (s);
}

/* "@x" is an abstract name. */
static socklen_t
name(struct sockaddr_un *un, const char *text)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, text);
	if (text[0] != '@')
		return (sizeof(*un));
	un->sun_path[0] = '\0';
	return (
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text)));
}

static int
bind_to(int s, const char *text)
{
	struct sockaddr_un un;
	socklen_t len = name(&un, text);

	return (bind(s, (struct sockaddr *)&un, len));
}

static int
connect_to(int s, const char *text)
{
	struct sockaddr_un un;
	socklen_t len = name(&un, text);

	return (connect(s, (struct sockaddr *)&un, len));
}

static int
server(int type, const char *text, int backlog)
{
	int s = sock(type);

	CHECK(bind_to(s, text) == 0);
	CHECK(listen(s, backlog) == 0);
	return (s);
}

typedef int name_fn(int, struct sockaddr *, socklen_t *);

/* Prints the result of a name function in the notation of name(). */
static void
say_name(const char *what, name_fn *fn, int s)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);

	memset(&un, 0, sizeof(un));
	if (fn(s, (struct sockaddr *)&un, &len) != 0) {
		say("%s: %s", what, strerror(errno));
		return;
	}
	if (len > 2 && un.sun_path[0] == '\0')
		un.sun_path[0] = '@';
	say("%s: family %d, %u bytes, \"%s\"", what, un.sun_family,
	    (unsigned)len, un.sun_path);
}

static void
names(void)
{
	struct sockaddr_un un;
	struct stat st;
	int s = sock(SOCK_STREAM), t, c;

	say_name("new", getsockname, s);
	say_name("new", getpeername, s);
	CHECK_ERRNO(listen(s, 1), EINVAL);
	CHECK(bind_to(s, "sock") == 0);
	CHECK_ERRNO(bind_to(s, "other"), EINVAL);
	say_name("path", getsockname, s);
	CHECK(stat("sock", &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK_ERRNO(open("sock", O_RDWR), ENXIO);
	t = sock(SOCK_STREAM);
	CHECK_ERRNO(bind_to(t, "sock"), EADDRINUSE);
	CHECK_ERRNO(bind_to(t, "none/sock"), ENOENT);
	CHECK_ERRNO(connect_to(t, "sock"), ECONNREFUSED);
	CHECK_ERRNO(connect_to(t, "none"), ENOENT);
	CHECK(listen(s, 4) == 0);
	CHECK(connect_to(t, "sock") == 0);
	say_name("client", getsockname, t);
	say_name("client", getpeername, t);
	c = accept(s, NULL, NULL);
	say_name("server", getsockname, c);
	say_name("server", getpeername, c);
	CHECK_ERRNO(connect_to(t, "sock"), EISCONN);
	close(c);
	close(t);
	/* A second link to the name works as well; without a link the socket
	 * cannot be reached. */
	CHECK(link("sock", "hard") == 0 && rename("sock", "moved") == 0);
	CHECK(symlink("hard", "soft") == 0);
	t = sock(SOCK_STREAM);
	CHECK(connect_to(t, "soft") == 0);
	close(t);
	CHECK(unlink("hard") == 0 && unlink("moved") == 0);
	t = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(t, "soft"), ENOENT);
	CHECK(bind_to(t, "sock") == 0);
	close(s);
	close(t);
	s = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(s, "sock"), ECONNREFUSED);
	write_file("plain", "x", 1, 0600);
	CHECK_ERRNO(connect_to(s, "plain"), ECONNREFUSED);
	memset(&un, 0, sizeof(un));
	CHECK_ERRNO(bind(s, (struct sockaddr *)&un, 1), EINVAL);
	CHECK_ERRNO(bind(s, (struct sockaddr *)&un, 2), EINVAL);
	CHECK_ERRNO(bind(s, BAD, sizeof(un)), EFAULT);
	CHECK_ERRNO(bind(STDIN_FILENO, (struct sockaddr *)&un, 2), ENOTSOCK);
	CHECK_ERRNO(bind(99, (struct sockaddr *)&un, 2), EBADF);
	close(s);
	unlink("sock");
	unlink("soft");
	unlink("plain");
	say("names ok");
}

static void
abstract(void)
{
	int s = server(SOCK_STREAM, "@vmspace-guest-test", 1), t, u;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(un);

	t = sock(SOCK_STREAM);
	CHECK_ERRNO(bind_to(t, "@vmspace-guest-test"), EADDRINUSE);
	CHECK_ERRNO(connect_to(t, "@vmspace-guest-tes"), ECONNREFUSED);
	CHECK(connect_to(t, "@vmspace-guest-test") == 0);
	say_name("abstract", getpeername, t);
	close(s);
	/* The connection outlives the listener; the name is free. */
	u = sock(SOCK_DGRAM);
	CHECK(bind_to(u, "@vmspace-guest-test") == 0);
	close(t);
	close(u);
	s = sock(SOCK_DGRAM);
	CHECK(bind(s, (struct sockaddr *)&un, 2) == 0);
	CHECK(getsockname(s, (struct sockaddr *)&un, &len) == 0);
	CHECK(len == 8 && un.sun_path[0] == '\0');
	close(s);
	say("abstract ok");
}

static void
types(void)
{
	int s = server(SOCK_SEQPACKET, "seq", 1), t;
	int d = sock(SOCK_DGRAM);

	t = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(t, "seq"), EPROTOTYPE);
	CHECK_ERRNO(connect_to(d, "seq"), EPROTOTYPE);
	CHECK_ERRNO(listen(d, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(t, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept(d, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(send(t, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	CHECK_ERRNO(recv(t, &s, 1, 0), EINVAL);
	CHECK_ERRNO(send(d, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM | 0x10, 0), EINVAL);
	CHECK_ERRNO(socket(AF_MAX + 1, SOCK_STREAM, 0), EAFNOSUPPORT);
	close(s);
	close(t);
	close(d);
	unlink("seq");
	say("types ok");
}

static void
records(void)
{
	char buf[64];
	struct iovec iov[2] = {{buf, 3}, {buf + 10, 3}};
	struct msghdr h = {.msg_iov = iov, .msg_iovlen = 2};
	char *big = map_anon(MIB);
	int v[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v) == 0);
	CHECK(send(v[0], "0123456789", 10, 0) == 10);
	CHECK(send(v[0], "ab", 2, 0) == 2);
	CHECK(recv(v[1], buf, 4, MSG_PEEK) == 4);
	CHECK(recv(v[1], buf, 4, MSG_PEEK | MSG_TRUNC) == 10);
	CHECK(recvmsg(v[1], &h, 0) == 6 && (h.msg_flags & MSG_TRUNC) != 0);
	CHECK(memcmp(buf, "012", 3) == 0 && memcmp(buf + 10, "345", 3) == 0);
	CHECK(recvmsg(v[1], &h, 0) == 2 && (h.msg_flags & MSG_TRUNC) == 0);
	/* A message may fill the buffer; a larger one is refused, and no
	 * part of it is sent. */
	memset(big, 'x', MIB);
	CHECK(write(v[0], big, 100000) == 100000);
	CHECK_ERRNO(send(v[0], big, MIB, 0), EMSGSIZE);
	CHECK_ERRNO(write(v[0], big, MIB), EMSGSIZE);
	CHECK(read(v[1], big, MIB) == 100000);
	CHECK_ERRNO(recv(v[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	close(v[0]);
	CHECK(recv(v[1], buf, 1, 0) == 0);
	CHECK_ERRNO(send(v[1], buf, 1, MSG_NOSIGNAL), EPIPE);
	close(v[1]);
	CHECK(munmap(big, MIB) == 0);
	say("records ok");
}

static void
datagrams(void)
{
	struct sockaddr_un un;
	socklen_t len;
	char buf[16];
	int s = sock(SOCK_DGRAM), t = sock(SOCK_DGRAM), u = sock(SOCK_DGRAM);

	CHECK(bind_to(s, "ds") == 0);
	CHECK(connect_to(t, "ds") == 0);
	CHECK(send(t, "anon", 4, 0) == 4);
	len = sizeof(un);
	CHECK(recvfrom(s, buf, 16, 0, (struct sockaddr *)&un, &len) == 4);
	say("unnamed sender: %u bytes", (unsigned)len);
	CHECK(bind_to(t, "dt") == 0);
	CHECK(send(t, "", 0, 0) == 0);
	len = sizeof(un);
	CHECK(recvfrom(s, buf, 16, 0, (struct sockaddr *)&un, &len) == 0);
	say("sender \"%s\", %u bytes", un.sun_path, (unsigned)len);
	CHECK(sendto(s, "answer", 6, 0, (struct sockaddr *)&un, len) == 6);
	CHECK(recv(t, buf, 16, 0) == 6 && memcmp(buf, "answer", 6) == 0);
	/* A socket that is connected to one peer does not receive from
	 * others. */
	len = name(&un, "dt");
	CHECK_ERRNO(sendto(u, "x", 1, 0, (struct sockaddr *)&un, len), EPERM);
	len = name(&un, "none");
	CHECK_ERRNO(sendto(u, "x", 1, 0, (struct sockaddr *)&un, len), ENOENT);
	CHECK(shutdown(s, SHUT_RD) == 0);
	CHECK(recv(s, buf, 16, MSG_PEEK) == 0 && recv(s, buf, 16, 0) == 0);
	un.sun_family = AF_UNSPEC;
	CHECK(connect(t, (struct sockaddr *)&un, sizeof(un)) == 0);
	CHECK_ERRNO(send(t, "x", 1, 0), ENOTCONN);
	say_name("away", getpeername, t);
	close(s);
	len = name(&un, "ds");
	CHECK_ERRNO(
	    sendto(u, "x", 1, 0, (struct sockaddr *)&un, len), ECONNREFUSED);
	close(t);
	close(u);
	unlink("ds");
	unlink("dt");
	say("datagrams ok");
}

/* ---- streams between processes ---- */

static void
echo(void *arg)
{
	int s = *(int *)arg, c;
	char buf[4096];
	ssize_t n;

	for (int i = 0; i < 20; i++) {
		c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
		CHECK(c >= 0);
		while ((n = read(c, buf, sizeof(buf))) > 0)
			CHECK(write(c, buf, (size_t)n) == n);
		CHECK(n == 0);
		close(c);
	}
	_exit(0);
}

static void
streams(void)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char *out = map_anon(MIB), *in = map_anon(MIB);
	int s = server(SOCK_STREAM, "echo", 8), c;
	pid_t pid = fork();
	struct stat st;

	if (pid == 0)
		echo(&s);
	CHECK(pid > 0);
	fill_pages(out, 16, 1);
	for (int i = 0; i < 20; i++) {
		c = sock(SOCK_STREAM);
		CHECK(connect_to(c, "echo") == 0);
		CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
		CHECK(cred.pid == getpid() && cred.uid == getuid());
		CHECK(send(c, out, 16 * PAGE, 0) == (ssize_t)(16 * PAGE));
		CHECK(shutdown(c, SHUT_WR) == 0);
		CHECK(recv(c, in, MIB, MSG_WAITALL) == (ssize_t)(16 * PAGE));
		check_pages(in, 16, 1);
		CHECK(fstat(c, &st) == 0 && S_ISSOCK(st.st_mode));
		close(c);
	}
	wait_ok(pid);
	close(s);
	unlink("echo");
	CHECK(munmap(out, MIB) == 0 && munmap(in, MIB) == 0);
	say("streams ok");
}

static bool
owned_by(int fd, uid_t uid, gid_t gid)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return (st.st_uid == uid && st.st_gid == gid);
}

/* A socket belongs to the file system ids of the thread that made it. */
static void
owners(void)
{
	const uid_t uid = geteuid() == 0 ? 4712 : geteuid();
	const gid_t gid = geteuid() == 0 ? 4713 : getegid();
	const uid_t first_uid = geteuid();
	const gid_t first_gid = getegid();
	int s = server(SOCK_STREAM, "owner", 1), c = sock(SOCK_STREAM);
	int fd, sv[2];
	pid_t pid;

	CHECK(connect_to(c, "owner") == 0);
	CHECK(owned_by(s, first_uid, first_gid));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)syscall(SYS_setfsgid, gid);
		(void)syscall(SYS_setfsuid, uid);
		fd = accept(s, NULL, NULL);
		CHECK(fd >= 0 && owned_by(fd, uid, gid));
		CHECK(owned_by(c, first_uid, first_gid));
		CHECK(owned_by(sock(SOCK_DGRAM), uid, gid));
		CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
		CHECK(owned_by(sv[0], uid, gid) && owned_by(sv[1], uid, gid));
		if (!no_internet()) {
			fd = socket(AF_INET, SOCK_DGRAM, 0);
			CHECK(fd >= 0 && owned_by(fd, uid, gid));
		}
		_exit(0);
	}
	wait_ok(pid);
	close(c);
	close(s);
	unlink("owner");
	say("owners ok");
}

static void
no_op(int sig, siginfo_t *si, void *uc)
{
}

static void
timeout_of(int s, int option, long ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	CHECK(setsockopt(s, SOL_SOCKET, option, &tv, sizeof(tv)) == 0);
	memset(&tv, 0, sizeof(tv));
}

/* A signal in 50 ms. */
static void
alarm_soon(void)
{
	struct itimerval it = {{0, 0}, {0, 50000}};

	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

static void
waiting(void)
{
	int s = server(SOCK_STREAM, "wait", 0), c[4], n = 0, t, p[2];
	uint64_t start;
	pid_t pid;
	char ch;

	/* Signals: without SA_RESTART, with it, and with a timeout. */
	CHECK(pipe(p) == 0);
	set_handler(SIGALRM, no_op, 0);
	alarm_soon();
	CHECK_ERRNO(accept(s, NULL, NULL), EINTR);
	set_handler(SIGALRM, no_op, SA_RESTART);
	timeout_of(s, SO_RCVTIMEO, 5000);
	alarm_soon();
	CHECK_ERRNO(accept(s, NULL, NULL), EINTR);
	timeout_of(s, SO_RCVTIMEO, 100);
	start = now_ns();
	CHECK_ERRNO(accept(s, NULL, NULL), EAGAIN);
	CHECK(now_ns() - start >= 90000000);
	timeout_of(s, SO_RCVTIMEO, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		alarm_soon(); /* restarts */
		t = accept(s, NULL, NULL);
		CHECK(t >= 0);
		CHECK(write(t, "k", 1) == 1);
		_exit(0);
	}
	sleep_ms(150);
	t = sock(SOCK_STREAM);
	CHECK(connect_to(t, "wait") == 0);
	CHECK(read(t, &ch, 1) == 1 && ch == 'k');
	wait_ok(pid);
	close(t);
	/* A full backlog: a connect that may block waits until there is
	 * room. */
	for (; n < 4; n++) {
		c[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect_to(c[n], "wait") != 0)
			break;
	}
	CHECK(errno == EAGAIN);
	say("backlog 0 takes %d", n);
	timeout_of(c[n], SO_SNDTIMEO, 50);
	CHECK(fcntl(c[n], F_SETFL, 0) == 0);
	CHECK_ERRNO(connect_to(c[n], "wait"), EAGAIN);
	timeout_of(c[n], SO_SNDTIMEO, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(50);
		CHECK(accept(s, NULL, NULL) >= 0);
		CHECK(read(p[0], &ch, 1) == 1);
		_exit(0);
	}
	CHECK(connect_to(c[n], "wait") == 0);
	CHECK(write(p[1], "e", 1) == 1);
	wait_ok(pid);
	for (int i = 0; i <= n; i++)
		close(c[i]);
	close(p[0]);
	close(p[1]);
	close(s);
	unlink("wait");
	say("waiting ok");
}

static void
readiness(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
	int s = server(SOCK_STREAM, "poll", 4), c = sock(SOCK_STREAM), a;
	int ep = epoll_create1(0);
	struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT};

	CHECK(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev) == 0);
	CHECK(poll(&p, 1, 0) == 0 && epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK(connect_to(c, "poll") == 0);
	CHECK(poll(&p, 1, 1000) == 1 && p.revents == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, 1000) == 1 && ev.events == EPOLLIN);
	a = accept(s, NULL, NULL);
	CHECK(a >= 0);
	p.fd = a;
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	CHECK(write(c, "x", 1) == 1);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	ev.events = EPOLLIN | EPOLLRDHUP;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, a, &ev) == 0);
	close(c);
	CHECK(epoll_wait(ep, &ev, 1, 1000) == 1);
	say("epoll after close: %#x", (unsigned)ev.events);
	CHECK(poll(&p, 1, 0) == 1);
	say("poll after close: %#x", (unsigned)p.revents);
	close(a);
	/* A listener that is shut down. */
	CHECK(shutdown(s, SHUT_RD) == 0);
	CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
	CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(accept(s, NULL, NULL), EAGAIN);
	close(s);
	close(ep);
	unlink("poll");
	say("readiness ok");
}

static void
many(void)
{
	struct mmsghdr h[8];
	struct iovec iov[8];
	char buf[8][16];
	int v[2], on = 1, x;
	socklen_t len = sizeof(x);

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v) == 0);
	memset(h, 0, sizeof(h));
	for (int i = 0; i < 8; i++) {
		snprintf(buf[i], 16, "message %d", i);
		iov[i] = (struct iovec){buf[i], strlen(buf[i])};
		h[i].msg_hdr.msg_iov = &iov[i];
		h[i].msg_hdr.msg_iovlen = 1;
	}
	CHECK(sendmmsg(v[0], h, 5, 0) == 5 && h[4].msg_len == 9);
	for (int i = 0; i < 8; i++)
		iov[i].iov_len = 16;
	CHECK(recvmmsg(v[1], h, 8, MSG_WAITFORONE, NULL) == 5);
	CHECK(h[3].msg_len == 9 && memcmp(buf[3], "message 3", 9) == 0);
	CHECK_ERRNO(recvmmsg(v[1], h, 8, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK(getsockopt(v[0], SOL_SOCKET, SO_TYPE, &x, &len) == 0);
	CHECK(x == SOCK_DGRAM && len == 4);
	CHECK(getsockopt(v[0], SOL_SOCKET, SO_DOMAIN, &x, &len) == 0);
	CHECK(x == AF_UNIX);
	CHECK(setsockopt(v[0], SOL_SOCKET, SO_PASSCRED, &on, 4) == 0);
	CHECK_ERRNO(setsockopt(v[0], SOL_SOCKET, SO_PASSCRED, &on, 2), EINVAL);
	CHECK_ERRNO(setsockopt(v[0], SOL_SOCKET, 9999, &on, 4), ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(v[0], SOL_SOCKET, 9999, &x, &len), ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(v[0], SOL_SOCKET, SO_TYPE, BAD, &len), EFAULT);
	len = (socklen_t)-1;
	CHECK_ERRNO(getsockopt(v[0], SOL_SOCKET, SO_TYPE, &x, &len), EINVAL);
	close(v[0]);
	close(v[1]);
	say("many ok");
}

static volatile sig_atomic_t pipes;

static void
on_pipe(int sig, siginfo_t *si, void *uc)
{
	pipes++;
}

/* A message is sent completely or not at all; EPIPE without SIGPIPE after
 * the end. */
static void
whole_messages(void)
{
	struct iovec iov[2] = {{"abc", 3}, {BAD, 3}};
	char buf[16];
	int v[2];

	set_handler(SIGPIPE, on_pipe, 0);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v) == 0);
	CHECK_ERRNO(writev(v[0], iov, 2), EFAULT);
	CHECK_ERRNO(recv(v[1], buf, 16, MSG_DONTWAIT), EAGAIN);
	CHECK(write(v[0], "", 0) == 0);
	CHECK(recv(v[1], buf, 16, MSG_DONTWAIT) == 0);
	CHECK(shutdown(v[1], SHUT_RD) == 0);
	CHECK_ERRNO(write(v[0], "x", 1), EPIPE);
	close(v[0]);
	close(v[1]);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v) == 0);
	close(v[1]);
	CHECK_ERRNO(send(v[0], "x", 1, 0), EPIPE);
	CHECK_ERRNO(write(v[0], "x", 1), EPIPE);
	close(v[0]);
	CHECK(pipes == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	close(v[1]);
	CHECK_ERRNO(send(v[0], "x", 1, 0), EPIPE);
	CHECK(pipes == 1);
	CHECK_ERRNO(send(v[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(write(v[0], "x", 1), EPIPE);
	CHECK(pipes == 2);
	close(v[0]);
	set_disposition(SIGPIPE, SIG_IGN);
	say("whole messages ok");
}

/* A sender that is woken but finds no room returns at its timeout; the same
 * name can exist once for each type. */
static void
full(void)
{
	int s = sock(SOCK_DGRAM), t = sock(SOCK_DGRAM), u, v[2], n;
	struct sockaddr_un un;
	socklen_t len = name(&un, "@vmspace-guest-full");
	uint64_t start;
	char buf[16];

	CHECK(bind_to(s, "@vmspace-guest-full") == 0);
	timeout_of(t, SO_SNDTIMEO, 200);
	for (n = 0; n < 100000; n++)
		if (sendto(t, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&un,
			len) < 0)
			break;
	CHECK(errno == EAGAIN);
	start = now_ns();
	CHECK_ERRNO(sendto(t, "x", 1, 0, (struct sockaddr *)&un, len), EAGAIN);
	CHECK(now_ns() - start >= 150000000u && now_ns() - start < 5000000000u);
	u = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(u, "@vmspace-guest-full"), ECONNREFUSED);
	CHECK(bind_to(u, "@vmspace-guest-full") == 0);
	close(u);
	close(s);
	close(t);
	/* One socket of a pair is given a name while a message is queued. */
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v) == 0);
	CHECK(send(v[0], "mail", 4, 0) == 4);
	CHECK(bind_to(v[1], "@vmspace-guest-pair") == 0);
	CHECK(send(v[0], "more", 4, 0) == 4);
	CHECK(recv(v[1], buf, 16, MSG_DONTWAIT) == 4);
	CHECK(recv(v[1], buf, 16, MSG_DONTWAIT) == 4);
	close(v[0]);
	close(v[1]);
	/* An address is ignored on a connected record socket. */
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v) == 0);
	CHECK(sendto(v[0], "x", 1, 0, (struct sockaddr *)&un, len) == 1);
	close(v[0]);
	close(v[1]);
	say("full ok");
}

/* The first send to a peer that has been closed dissolves the connection. */
static void
lost_peer(void)
{
	int s = sock(SOCK_DGRAM), t = sock(SOCK_DGRAM);
	struct sockaddr_un un;
	socklen_t len = sizeof(un);

	CHECK(bind_to(s, "@vmspace-guest-lost") == 0);
	CHECK(connect_to(t, "@vmspace-guest-lost") == 0);
	close(s);
	CHECK(getpeername(t, (struct sockaddr *)&un, &len) == 0);
	CHECK_ERRNO(write(t, "x", 1), ECONNREFUSED);
	CHECK_ERRNO(write(t, "x", 1), ENOTCONN);
	len = sizeof(un);
	CHECK_ERRNO(getpeername(t, (struct sockaddr *)&un, &len), ENOTCONN);
	close(t);
	say("lost peer ok");
}

/* A write of no bytes asks the socket, too; a read of none does not. */
static void
empty_transfers(void)
{
	int s = sock(SOCK_STREAM), v[2];

	CHECK_ERRNO(write(s, "", 0), ENOTCONN);
	CHECK(read(s, NULL, 0) == 0);
	close(s);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	CHECK(write(v[0], "", 0) == 0);
	CHECK(shutdown(v[0], SHUT_WR) == 0);
	CHECK_ERRNO(write(v[0], "", 0), EPIPE);
	close(v[0]);
	close(v[1]);
	say("empty transfers ok");
}

int
main(void)
{
	umask(022);
	set_disposition(SIGPIPE, SIG_IGN);
	scratch_enter("sockets");
	names();
	abstract();
	types();
	records();
	datagrams();
	streams();
	owners();
	waiting();
	readiness();
	many();
	whole_messages();
	full();
	lost_peer();
	empty_transfers();
	scratch_remove();
	say("done");
	return (0);
}
