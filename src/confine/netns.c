/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A network of the sandbox's own.
 *
 * Purpose.  Programs that talk to themselves or to each other over 127.0.0.1
 * or ::1, as test suites with servers do, work without the host's network.
 *
 * Concepts.  A socket belongs to the network namespace in which it was made,
 * not to that of the process that uses it.  So a small process, the broker,
 * enters a namespace of its own and makes the sockets there; the kernel process
 * asks for each with a message, and the answer carries the descriptor.  The
 * kernel process itself need not be in that namespace, which an ordinary user
 * can reach only together with a user namespace (confine.c says why that is
 * avoided), and its filter refuses to make Internet sockets as without a
 * network.  The sockets are real ones: all of TCP and UDP is the host's.
 *
 * The broker enters the namespace when it is asked for the first socket: most
 * programs need none, and a namespace costs the host milliseconds.  Then it
 * gives up all rights; its own filter leaves it little more than socket(2).
 * Ports below 1024 are opened to everybody in the namespace: the kernel process
 * has no rights, and decides itself which guests may use them (sock_bind()).
 *
 * Protocol: SOCK_SEQPACKET.  A request is a struct request; the answer is an
 * errno as int32_t, with the descriptor if it is 0.  End of file ends the
 * broker.
 *
 * Locking: the lock of struct netns is held from a request to its answer.
 *
 * Guarantees.  The broker has no descriptor but its own, receives no signal of
 * a terminal, and ends with the kernel process.  What it is sent can make it do
 * nothing but make sockets of the namespace, of three families, and pass its
 * tables (nettables.c), which it has open.
 *
 * Limits.  Where the host permits no namespace (a user without user
 * namespaces), guests get sockets of the kernel's own (vfs/socket/inet.c).  The
 * host's memory for routes and connections of the namespace is not counted,
 * buffers of sockets are.
 */
#include "confine/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/socket.h"
#include "confine/confine_int.h"
#include "confine/nettables.h"
#include "libk/klock.h"

#define ANSWER_SECONDS 30 /* the broker of a busy host; then it is given up */

struct netns {
	pid_t pid;
	int fd; /* to the broker; -1: given up */
	struct kmutex lock;
};

/* A socket, or, with the domain REQUEST_TABLE, the table number `type`. */
struct request {
	int32_t domain, type, protocol;
};
#define REQUEST_TABLE (-1)

/* Room for one descriptor. */
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

/* ---- the broker ---- */

#define BROKER_FD 0 /* its only descriptor */

/* Keep only the socket.  0 or errno. */
static int
broker_close_all(int sock)
{
	if (dup2(sock, BROKER_FD) < 0)
		return (errno);
	if (close_range(BROKER_FD + 1, ~0u, 0) == 0)
		return (0);
	/* Linux before 5.9. */
	for (long fd = sysconf(_SC_OPEN_MAX) - 1; fd > BROKER_FD; fd--)
		(void)close((int)fd);
	return (0);
}

static int
loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return (errno);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0)
		error = errno;
	close(fd);
	return (error);
}

/* Enter the namespace, open its tables and give up all else.  0 or errno. */
static int
broker_enter(struct nettables *tables)
{
	int error;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWNET) != 0)
		return (errno);
	error = loopback_up();
	if (error != 0)
		return (error);
	/* Where it cannot be written, low ports stay refused. */
	(void)confine_write_file(
	    "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	nettables_open(tables);
	error = confine_keep_caps(0);
	if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		error = errno;
	if (error == 0)
		error = confine_filter_broker();
	return (error);
}

/* Send an answer, with a descriptor unless it is -1. */
static void
broker_answer(int32_t error, int fd)
{
	union control control = {0};
	struct iovec iov = {&error, sizeof(error)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	(void)sendmsg(BROKER_FD, &m, MSG_NOSIGNAL);
}

struct broker {
	/* -1 at first, then the result of broker_enter(): after an error it may
	 * be half-way, and is not tried again. */
	int entered;
	struct nettables tables;
};

/* *keep: the descriptor stays the broker's. */
static int
broker_do(struct broker *br, const struct request *r, int *fd, bool *keep)
{
	if (br->entered < 0)
		br->entered = broker_enter(&br->tables);
	if (br->entered != 0)
		return (ENONET);
	if (r->domain == REQUEST_TABLE) {
		*keep = true;
		if (r->type < 0 || r->type >= NETTABLES ||
		    br->tables.fd[r->type] < 0)
			return (ENOENT);
		*fd = br->tables.fd[r->type];
		return (0);
	}
	if (r->domain != AF_INET && r->domain != AF_INET6 &&
	    r->domain != AF_NETLINK)
		return (EAFNOSUPPORT);
	*fd = socket(r->domain,
	    (r->type & LX_SOCK_TYPE_MASK) | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    r->protocol);
	return (*fd < 0 ? errno : 0);
}

static _Noreturn void
broker_main(int sock)
{
	struct request r;
	sigset_t all;
	ssize_t n;
	struct broker br = {.entered = -1};
	bool keep;
	int error, fd;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)prctl(PR_SET_NAME, "vmspace-net", 0, 0, 0);
	if (broker_close_all(sock) != 0)
		_exit(1);
	for (;;) {
		n = read(BROKER_FD, &r, sizeof(r));
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(r))
			_exit(0);
		fd = -1;
		keep = false;
		error = broker_do(&br, &r, &fd, &keep);
		broker_answer(error, fd);
		if (fd >= 0 && !keep)
			close(fd);
	}
}

/* ---- the kernel process ---- */

int
netns_start(struct netns **out)
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	struct netns *n = calloc(1, sizeof(*n));
	int fds[2], error;

	if (n == NULL)
		return (ENOMEM);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
		error = errno;
		goto fail;
	}
	if (setsockopt(
		fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
	    (n->pid = fork()) < 0) {
		error = errno;
		close(fds[0]);
		close(fds[1]);
		goto fail;
	}
	if (n->pid == 0)
		broker_main(fds[1]);
	close(fds[1]);
	n->fd = fds[0];
	kmutex_init(&n->lock, "netns", KRANK_LEAF, 0);
	*out = n;
	return (0);
fail:
	free(n);
	return (error);
}

/* Receive an answer.  0 and *error, and *fd if that is 0; ENETDOWN. */
static int
receive(int sock, int32_t *error, int *fd)
{
	union control control;
	struct iovec iov = {error, sizeof(*error)};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*error))
		return (ENETDOWN);
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(*fd)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	else if (*error == 0)
		*error = ENFILE; /* this process can take no more */
	return (0);
}

/* Locked.  The broker sees the end of file, and ends. */
static void
give_up(struct netns *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static int
ask(struct netns *n, struct request r, int *out)
{
	struct iovec iov = {&r, sizeof(r)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int32_t answer = 0;
	int error = ENETDOWN, fd = -1;

	kmutex_lock(&n->lock);
	if (n->fd >= 0) {
		if (sendmsg(n->fd, &m, MSG_NOSIGNAL) == sizeof(r))
			error = receive(n->fd, &answer, &fd);
		if (error != 0) /* a late answer would be taken for the next */
			give_up(n);
	}
	kmutex_unlock(&n->lock);
	if (error == 0)
		error = answer;
	if (error == 0)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return (error);
}

int
netns_socket(void *arg, int domain, int type, int protocol, int *out)
{
	return (ask(arg, (struct request){domain, type, protocol}, out));
}

int
netns_table(void *arg, const char *name, int *out)
{
	const int i = nettables_index(name);

	if (i < 0)
		return (ENOENT);
	return (ask(arg, (struct request){REQUEST_TABLE, i, 0}, out));
}

void
netns_shutdown(struct netns *n)
{
	if (n == NULL)
		return;
	kmutex_lock(&n->lock);
	give_up(n);
	kmutex_unlock(&n->lock);
}

void
netns_stop(struct netns *n)
{
	if (n == NULL)
		return;
	netns_shutdown(n);
	while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
		;
	kmutex_destroy(&n->lock);
	free(n);
}
