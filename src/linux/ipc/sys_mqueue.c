/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on POSIX message queues: decoding and copying, with the checks
 * in the order of Linux.  kern/ipc/mqueue.c implements the queues.
 *
 * SIGEV_THREAD names a netlink socket, by which the C library learns of a
 * message.  Netlink sockets of guests are the host's, to which only the host's
 * kernel can send: ENOSYS.  A descriptor of another kind fails as on Linux.  A
 * message is lost if copying it out fails, as on Linux.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/mqueue.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "kern/ipc/mqueue.h"
#include "linux/lib/sys_int.h"
#include "linux/socket/sys_sock.h"
#include "mem/kmem.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/vnode.h"

sys_fn sys_mq_open, sys_mq_unlink, sys_mq_timedsend, sys_mq_timedreceive,
    sys_mq_notify, sys_mq_getsetattr;

int
sys_mq_open(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_mq_attr attr;
	struct file *f;
	char *name;
	bool made;
	int error;

	if (a[3] != 0 && copyin(lwp_vmspace(l), &attr, a[3], sizeof(attr)) != 0)
		return (EFAULT);
	name = kmem_alloc(VFS_PATH_MAX);
	if (name == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, a[0], name);
	/* Before a queue is made. */
	if (error == 0 && name[0] != '\0' &&
	    fd_full(l->p->fdt, sys_fd_limit(l)))
		error = EMFILE;
	if (error == 0)
		error = mqueue_open(l, name, (int)a[1], (uint32_t)a[2],
		    a[3] != 0 ? &attr : NULL, &f, &made);
	if (error != 0)
		goto out;
	error = sys_fd_new(l, f, true, ret);
	if (error != 0 && made)
		(void)mqueue_unlink(l, name);
out:
	kmem_free(name);
	return (error);
}

int
sys_mq_unlink(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char *name = kmem_alloc(VFS_PATH_MAX);
	int error;

	if (name == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, a[0], name);
	if (error == 0)
		error = mqueue_unlink(l, name);
	kmem_free(name);
	return (error);
}

/* The queue's file of a descriptor, ref'ed.  mode: the access mode that is not
 * sufficient, or -1.  EBADF. */
static int
mq_file(struct lwp *l, int fd, int mode, struct file **out)
{
	struct file *f;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (!mqueue_is(f) || (atomic_load(&f->flags) & O_ACCMODE) == mode) {
		file_free(f);
		return (EBADF);
	}
	*out = f;
	return (0);
}

/* Copy the message in and send it. */
static int
mq_send(struct lwp *l, struct file *f, const uint64_t *a, uint64_t deadline)
{
	struct mq_msg *m;
	int error;

	if (a[2] > mqueue_msgsize(f))
		return (EMSGSIZE);
	m = mqueue_msg_create(a[2]);
	if (m == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), m->text, a[1], a[2]) != 0)
		error = EFAULT;
	else
		error = mqueue_send(l, f, m, (unsigned)a[3], deadline);
	if (error != 0)
		kmem_free(m);
	return (sys_restartable(error));
}

int
sys_mq_timedsend(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	struct file *f;
	int error =
	    sys_copyin_deadline_abs(l, a[4], LX_CLOCK_REALTIME, &deadline);

	if (error != 0)
		return (error);
	if ((uint32_t)a[3] >= LX_MQ_PRIO_MAX)
		return (EINVAL);
	error = mq_file(l, (int)a[0], O_RDONLY, &f);
	if (error != 0)
		return (error);
	error = mq_send(l, f, a, deadline);
	file_free(f);
	return (error);
}

/* Copy a message out: its priority first, as Linux does. */
static int
mq_copyout(
    struct lwp *l, const struct mq_msg *m, uint64_t utext, uint64_t uprio)
{
	uint32_t prio = m->prio;

	if (uprio != 0 &&
	    copyout(lwp_vmspace(l), &prio, uprio, sizeof(prio)) != 0)
		return (EFAULT);
	return (copyout(lwp_vmspace(l), m->text, utext, m->len));
}

int
sys_mq_timedreceive(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	struct mq_msg *m;
	struct file *f;
	int error =
	    sys_copyin_deadline_abs(l, a[4], LX_CLOCK_REALTIME, &deadline);

	if (error != 0)
		return (error);
	error = mq_file(l, (int)a[0], O_WRONLY, &f);
	if (error != 0)
		return (error);
	if (a[2] < mqueue_msgsize(f))
		error = EMSGSIZE;
	else
		error = mqueue_receive(l, f, deadline, &m);
	file_free(f);
	if (error != 0)
		return (sys_restartable(error));
	error = mq_copyout(l, m, a[1], a[3]);
	*ret = (int64_t)m->len;
	kmem_free(m);
	return (error);
}

/* EFAULT, EBADF, ENOTSOCK, EINVAL: it is no netlink socket; else ENOSYS. */
static int
mq_notify_thread(struct lwp *l, const struct lx_sigevent *ev)
{
	char cookie[LX_MQ_COOKIE_LEN];
	struct file *f;
	int error;

	if (copyin(lwp_vmspace(l), cookie, ev->value, sizeof(cookie)) != 0)
		return (EFAULT);
	error = sys_sock_file(l, ev->signo, &f);
	if (error != 0)
		return (error);
	error = file_socket(f)->domain == LX_AF_NETLINK ? ENOSYS : EINVAL;
	file_free(f);
	return (error);
}

static int
mq_notify_check(struct lwp *l, const struct lx_sigevent *ev)
{
	switch (ev->notify) {
	case LX_SIGEV_NONE:
		return (0);
	case LX_SIGEV_SIGNAL:
		return (ev->signo < 0 || ev->signo > KNSIG ? EINVAL : 0);
	case LX_SIGEV_THREAD:
		return (mq_notify_thread(l, ev));
	default:
		return (EINVAL);
	}
}

int
sys_mq_notify(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sigevent ev;
	struct file *f;
	int error;

	if (a[1] != 0) {
		if (copyin(lwp_vmspace(l), &ev, a[1], sizeof(ev)) != 0)
			return (EFAULT);
		error = mq_notify_check(l, &ev);
		if (error != 0)
			return (error);
	}
	error = mq_file(l, (int)a[0], -1, &f);
	if (error != 0)
		return (error);
	if (a[1] == 0)
		mqueue_notify_stop(l, f);
	else
		error = mqueue_notify(l, f, ev.notify, ev.signo, ev.value);
	file_free(f);
	return (error);
}

int
sys_mq_getsetattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vmspace *vm = lwp_vmspace(l);
	struct lx_mq_attr new, old;
	struct file *f;
	int error, fl;

	if (a[1] != 0) {
		if (copyin(vm, &new, a[1], sizeof(new)) != 0)
			return (EFAULT);
		if ((new.flags & ~(int64_t)O_NONBLOCK) != 0)
			return (EINVAL);
	}
	error = mq_file(l, (int)a[0], -1, &f);
	if (error != 0)
		return (error);
	mqueue_attr(f, &old);
	if (a[1] != 0) {
		fl = atomic_load(&f->flags) & ~O_NONBLOCK;
		error = file_setfl(f, fl | (int)new.flags);
	}
	file_free(f);
	if (error == 0 && a[2] != 0)
		error = copyout(vm, &old, a[2], sizeof(old));
	return (error);
}
