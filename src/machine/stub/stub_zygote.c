/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: starting the zygote, and giving it orders.
 *
 * Concepts: the zygote is the process that forks stubs (program/zygote.c).
 * The keeper thread starts it from the embedded stub image, has it move its
 * vdso to the address that is the same in all stubs and install the signal
 * handlers and the seccomp filter, and then gives it one order per stub.  An
 * order lies in slot 0 of the context memory; `reply` counts orders carried
 * out.
 *
 * Locking: the keeper makes all calls of this file.  sm->lock is taken for
 * zygote_up only.
 *
 * Guarantees: a zygote that is dead, or silent for order_ns, makes the order
 * fail with ECHILD; after stub_zygote_end() no stub of an unanswered order is
 * left.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/host_sock.h"
#include "mem/vm_page.h"

extern const char stub_image[], stub_image_end[];

int
stub_zygote_order(struct stub_machine *sm, uint32_t code, int32_t *result)
{
	struct stub_order *o = stub_order_block(sm);
	uint32_t before = atomic_load(&o->reply);
	uint64_t give_up = host_now_ns() + atomic_load(&sm->order_ns);
	int status;

	o->kernel_pid = host_getpid();
	atomic_store(&o->order, code);
	host_futex_wake(&o->order, 1, true);
	while (atomic_load(&o->reply) == before) {
		host_futex_wait(&o->reply, before, UINT64_C(100000000), true);
		if (atomic_load(&o->reply) != before)
			break;
		if (host_reap(sm->zygote_pid, false, &status) == 0) {
			sm->zygote_pid = 0;
			return (ECHILD);
		}
		if (host_now_ns() > give_up)
			return (ECHILD); /* it will not answer */
	}
	*result = o->result;
	return (0);
}

void
stub_zygote_end(struct stub_machine *sm)
{
	struct stub_order *o = stub_order_block(sm);
	int status, stray;

	if (sm->zygote_pidfd >= 0) {
		host_pidfd_kill(sm->zygote_pidfd);
		host_pidfd_reap(sm->zygote_pidfd);
		epoll_ctl(sm->epfd, EPOLL_CTL_DEL, sm->zygote_pidfd, NULL);
		close(sm->zygote_pidfd);
	} else if (sm->zygote_pid != 0) {
		host_kill(sm->zygote_pid, LX_SIGKILL);
		host_reap(sm->zygote_pid, true, &status);
	}
	/* The zygote may have forked a stub before it could reply. */
	stray = atomic_exchange(&o->child_pid, 0);
	if (stray > 0) {
		host_kill(stray, LX_SIGKILL);
		host_reap(stray, true, &status);
	}
	sm->zygote_pid = 0;
	sm->zygote_pidfd = -1;
	kmutex_lock(&sm->lock);
	sm->zygote_up = false;
	kmutex_unlock(&sm->lock);
}

/* Receive the listener's descriptor from the zygote and start to serve it. */
static int
take_listener(struct stub_machine *sm, int link)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct host_iovec iov = {&byte, 1};
	struct host_msg m = {.iov = &iov,
	    .niov = 1,
	    .control = &control,
	    .controlroom = sizeof(control)};
	struct host_sockaddr from;
	size_t got;
	int error, fd;

	error = host_recvmsg(link, &from, &m, 0, &got);
	if (error != 0)
		return (error);
	if (m.controllen < CMSG_LEN(sizeof(int)) ||
	    control.h.cmsg_level != SOL_SOCKET ||
	    control.h.cmsg_type != SCM_RIGHTS)
		return (EPROTO);
	memcpy(&fd, CMSG_DATA(&control.h), sizeof(fd));
	error = stub_listener_start(sm, fd);
	if (error != 0)
		close(fd);
	return (error);
}

/*
 * Signal handlers and filter, with what the machine wants to be asked for.  The
 * first zygote decides what the host offers; a later one must offer the same.
 */
static int
zygote_arm(struct stub_machine *sm, int link)
{
	struct stub_order *o = stub_order_block(sm);
	uint32_t ask = ARM_LISTEN;
	int32_t result = 0;
	int error;

	if (sm->armed ? sm->isolates : sm->wanted == STUB_ISOLATE_PROCESS)
		ask |= ARM_ISOLATE;
	if (sm->armed && !sm->listens)
		ask = 0;
	o->arm = ask | (sm->fsgsbase ? 0 : ARM_BASES);
	error = stub_zygote_order(sm, ORDER_ARM, &result);
	if (error == 0 && result != 0 && ask != 0 && !sm->armed &&
	    !sm->required) {
		klog(sm->sys->log, KLOG_INFO,
		    "the host does not offer seccomp user notification: %s; "
		    "guest processes are not isolated from each other",
		    strerror(-result));
		ask = 0;
		o->arm &= ~(ARM_LISTEN | ARM_ISOLATE);
		error = stub_zygote_order(sm, ORDER_ARM, &result);
	}
	if (error != 0)
		return (error);
	if (result != 0) {
		klog(sm->sys->log, KLOG_ERR,
		    "the host refuses the seccomp filter of a stub: %s; "
		    "vmspace needs a kernel with seccomp filters%s",
		    strerror(-result),
		    ask & ARM_ISOLATE ? " and, for --isolation process, with "
					"seccomp user notification"
				      : "");
		return (-result);
	}
	if (!sm->armed) { /* later, threads that run guests read them */
		sm->listens = (ask & ARM_LISTEN) != 0;
		sm->isolates = (ask & ARM_ISOLATE) != 0;
		sm->armed = true;
	}
	return (sm->listens ? take_listener(sm, link) : 0);
}

static int
zygote_setup(struct stub_machine *sm, int link)
{
	struct stub_order *o = stub_order_block(sm);
	int32_t result = 0;
	uint64_t vdso;
	int error;

	error = stub_zygote_order(sm, ORDER_PREPARE, &result);
	if (error != 0)
		return (error);
	vdso = o->vdso;
	if (result != 0) {
		klog(sm->sys->log, KLOG_INFO,
		    "the host refuses to move the vdso: %s; guests read "
		    "the time by system calls",
		    strerror(-result));
		vdso = 0;
	}
	atomic_store(&sm->vdso, vdso);
	return (zygote_arm(sm, link));
}

/* The host does not execute the stub image. */
static void
log_refusal(struct stub_machine *sm, int error)
{
	if (!sm->armed)
		klog(sm->sys->log, KLOG_ERR,
		    "cannot start the stub zygote: %s; the host must permit to "
		    "execute a memfd or a file in /tmp",
		    strerror(error));
	else if (!sm->lost)
		klog(sm->sys->log, KLOG_ERR,
		    "cannot replace the stub zygote: %s; a confined kernel "
		    "process executes nothing: guest processes go on, but no "
		    "other one can be started",
		    strerror(error));
	sm->lost = sm->armed;
}

int
stub_zygote_start(struct stub_machine *sm)
{
	char name[] = "vmspace-stub";
	char *argv[] = {name, NULL};
	struct epoll_event ev = {.events = EPOLLIN};
	int fds[6] = {0, 0, 0, sm->sys->phys->fd, sm->ctxfd};
	int error, link[2], nul, pid;

	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nul < 0) {
		error = errno;
		log_refusal(sm, error);
		return (error);
	}
	fds[0] = fds[1] = fds[2] = nul;
	error = host_socketpair(SOCK_STREAM, link);
	if (error != 0) {
		close(nul);
		return (error);
	}
	fds[STUB_FD_LINK] = link[1];
	memset(sm->ctxmem, 0, sizeof(struct stub_order));
	error = host_spawn_image(stub_image,
	    (size_t)(stub_image_end - stub_image), argv, fds, 6, &pid);
	close(nul);
	close(link[1]);
	if (error != 0) {
		log_refusal(sm, error);
		close(link[0]);
		return (error);
	}
	sm->zygote_pid = pid;
	error = host_pidfd_open(pid, &sm->zygote_pidfd);
	if (error != 0)
		goto fail;
	error = zygote_setup(sm, link[0]);
	if (error != 0)
		goto fail;
	ev.data.u64 = STUB_ZYGOTE_ID;
	if (epoll_ctl(sm->epfd, EPOLL_CTL_ADD, sm->zygote_pidfd, &ev) != 0) {
		error = errno;
		goto fail;
	}
	close(link[0]);
	return (0);
fail:
	close(link[0]);
	stub_zygote_end(sm);
	return (error);
}
