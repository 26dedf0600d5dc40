/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptors of processes: pidfd_open(2), CLONE_PIDFD.
 *
 * Concepts.  The file holds the process, so that its number cannot come to mean
 * another process.  An eventfd is readable from the time when the process is a
 * zombie; poll and epoll wait on it.  A file is made before its process is
 * known, because clone must fail before the child runs.
 *
 * Locking and lifetime.  k->proctree protects the list of the files of a
 * process.  A file holds its process, and the process points to its files
 * weakly: the last close takes the file off the list.  A process that is
 * PROC_DEAD has been reaped.
 *
 * Guarantees.  A file is readable as soon as wait(2) can find the zombie.
 *
 * Limits.  A file keeps the structure of a reaped process, which stays charged
 * to the process that made it.
 */
#include "kern/base/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "abi/poll.h"
#include "host/host_file.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"

/* Key: [I] immutable, [t] k->proctree */
struct pidfd {
	struct vkernel *k;         /* [I] */
	struct proc *p;            /* [t] set once; held */
	int eventfd;               /* [I] */
	struct kmem_acct *fd_cost; /* [I] */
	LIST_ENTRY(pidfd) link;    /* [t] on p->pidfds */
};

static short
pidfd_poll(struct file *f, short events, int *hostfd)
{
	struct pidfd *pf = f->data;
	short r = 0;

	*hostfd = pf->eventfd;
	kmutex_lock(&pf->k->proctree);
	if (pf->p != NULL && pf->p->state == PROC_ZOMBIE)
		r = LX_POLLIN | LX_POLLRDNORM;
	else if (pf->p != NULL && pf->p->state == PROC_DEAD)
		r = LX_POLLIN | LX_POLLRDNORM | LX_POLLHUP;
	kmutex_unlock(&pf->k->proctree);
	return (r & (short)(events | LX_POLLHUP));
}

static void
pidfd_close(struct file *f)
{
	struct pidfd *pf = f->data;

	if (pf->p != NULL) {
		kmutex_lock(&pf->k->proctree);
		LIST_REMOVE(pf, link);
		kmutex_unlock(&pf->k->proctree);
		proc_drop(pf->p);
	}
	(void)host_close(pf->eventfd);
	kmem_fd_uncharge(pf->fd_cost, 1);
	kmem_free(pf);
}

static void
pidfd_info(struct file *f, file_info_fn *fn, void *arg)
{
	struct pidfd *pf = f->data;
	char line[64];
	int pid = -1;

	kmutex_lock(&pf->k->proctree);
	if (pf->p != NULL && pf->p->state != PROC_DEAD)
		pid = pf->p->pid;
	kmutex_unlock(&pf->k->proctree);
	(void)snprintf(line, sizeof(line), "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
	fn(arg, line);
}

static const struct fileops pidfd_fileops = {
    .caps = FCAP_POLLFD,
    .poll = pidfd_poll,
    .info = pidfd_info,
    .close = pidfd_close,
    .name = "pidfd",
};

int
pidfd_create(struct vkernel *k, int flags, struct file **fp)
{
	struct pidfd *pf;
	int error;

	pf = kmem_zalloc(sizeof(*pf));
	if (pf == NULL)
		return (ENOMEM);
	pf->k = k;
	error = kmem_fd_charge(1, &pf->fd_cost);
	if (error != 0)
		goto fail;
	error = host_eventfd(0, O_NONBLOCK, &pf->eventfd);
	if (error != 0)
		goto fail_charge;
	error = file_create(k->vfs, &pidfd_fileops, NULL,
	    O_RDWR | (flags & O_NONBLOCK), -1, pf, fp);
	if (error == 0)
		return (0);
	(void)host_close(pf->eventfd);
fail_charge:
	kmem_fd_uncharge(pf->fd_cost, 1);
fail:
	kmem_free(pf);
	return (error);
}

bool
pidfd_is(const struct file *f)
{
	return (f->ops == &pidfd_fileops);
}

void
pidfd_bind_locked(struct file *f, struct proc *p)
{
	struct pidfd *pf = f->data;

	kmutex_assert_owned(&pf->k->proctree);
	KASSERT(pidfd_is(f) && pf->p == NULL);
	proc_hold(p);
	pf->p = p;
	LIST_INSERT_HEAD(&p->pidfds, pf, link);
	if (p->state == PROC_ZOMBIE || p->state == PROC_DEAD)
		(void)host_eventfd_signal(pf->eventfd);
}

struct proc *
pidfd_proc_hold(struct file *f)
{
	struct pidfd *pf = f->data;
	struct proc *p;

	KASSERT(pidfd_is(f));
	kmutex_lock(&pf->k->proctree);
	p = pf->p;
	if (p != NULL)
		proc_hold(p);
	kmutex_unlock(&pf->k->proctree);
	return (p);
}

void
pidfd_exited_locked(struct proc *p)
{
	struct pidfd *pf;

	kmutex_assert_owned(&p->k->proctree);
	LIST_FOREACH (pf, &p->pidfds, link)
		(void)host_eventfd_signal(pf->eventfd);
}
