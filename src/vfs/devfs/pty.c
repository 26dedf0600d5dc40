/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pseudo-terminals: /dev/ptmx and /dev/pts.
 *
 * Concepts.  A pty is a pair of files with a line discipline between them
 * (pty_ldisc.c).  Neither is a terminal of the host: the host's job control
 * does not know the guest's processes, and a confined kernel may not open a
 * terminal.  The bytes wait in two queues in memory.  The state of a pair of
 * host sockets follows that of the queues (pty_queue.c), so that the host does
 * poll and epoll for them as for all other streams.
 *
 *	master file -> m ===== s <- slave files
 *	                  pty
 *
 * Opening /dev/ptmx makes a pty with a number, and it is /dev/pts/NUMBER as
 * long as the master is open.  When the last slave file is closed, s is shut
 * down: the master reads what is left, and then EIO.  A shutdown cannot be
 * undone, so the next open of a slave makes a new pair of sockets, one of which
 * takes the descriptor number of m, and registers the master again with the
 * epoll instances that it is in.  When the master is closed,
 * vfs_tty_ops.hangup() is called, and slaves read the end of the file.
 *
 * Locking and lifetime.  Files ref the pty; the table points to it weakly,
 * under the lock of the table, which comes before that of the pty.  A session
 * points to the pty as long as its master is open: kern clears that in
 * hangup().  The number of m does not change, so the master waits at it without
 * the lock; a slave has a dup of s.  Signals are sent after pty->lock has been
 * released.
 *
 * Limits.  See docs/decisions/006.  PTY_MAX in one kernel.  Input typed after
 * the last slave was closed is lost.
 */
#include "vfs/devfs/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/termios.h"
#include "host/host.h"
#include "host/host_file.h"
#include "host/host_sock.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/eventpoll.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/tty.h"

#define TENTH_NS UINT64_C(100000000)

/* What file.data points to. */
struct pty_file {
	struct pty *pty; /* ref'ed */
	int fd;          /* m, or an own dup of s */
	bool master;
};

static const struct fileops master_fileops, slave_fileops;

static bool
nonblocking(const struct file *f)
{
	return ((atomic_load(&f->flags) & O_NONBLOCK) != 0);
}

/* ---- the pty ---- */

void
pty_free(struct pty *pty)
{
	struct pty_table *t = pty->table;

	if (atomic_fetch_sub(&pty->refs, 1) != 1)
		return;
	kmutex_lock(&t->lock);
	t->pty[pty->nr] = NULL;
	kmutex_unlock(&t->lock);
	if (pty->m >= 0)
		(void)host_close(pty->m);
	(void)host_close(pty->s);
	kmutex_destroy(&pty->lock);
	kmem_free(pty);
}

bool
pty_tryref(struct pty *pty)
{
	uint32_t old = atomic_load(&pty->refs);

	while (old != 0)
		if (atomic_compare_exchange_weak(&pty->refs, &old, old + 1))
			return (true);
	return (false);
}

bool
pty_live(struct pty *pty)
{
	bool live;

	kmutex_lock(&pty->lock);
	live = pty->m >= 0;
	kmutex_unlock(&pty->lock);
	return (live);
}

unsigned
pty_number(const struct pty *pty)
{
	return (pty->nr);
}

/* Lock held.  The last slave is closed: the master reads EIO from now on. */
static void
shut_locked(struct pty *pty)
{
	(void)host_shutdown(pty->s, 2);
	pty->closed = true;
}

/* Lock held.  A new pair of sockets, and a terminal in its first state. */
static int
reopen_locked(struct pty *pty)
{
	int error, fds[2];

	error = pty_bells_create(fds);
	if (error != 0)
		return (error);
	error = host_dup_over(fds[0], pty->m);
	(void)host_close(fds[0]);
	if (error != 0) {
		(void)host_close(fds[1]);
		return (error);
	}
	(void)host_close(pty->s);
	pty->s = fds[1];
	pty->closed = false;
	pty_flush(pty, 1);
	pty_bells_reset(pty);
	return (0);
}

/* Enter a pty under the lowest free number. */
static int
table_enter(struct pty_table *t, struct pty *pty)
{
	/* The kernel's terminal, if there is one, is number 0. */
	unsigned nr = t->mp->vfs->tty_fd >= 0 ? 1 : 0;

	kmutex_lock(&t->lock);
	while (nr < PTY_MAX && t->pty[nr] != NULL)
		nr++;
	pty->nr = nr;
	if (nr < PTY_MAX)
		t->pty[nr] = pty;
	kmutex_unlock(&t->lock);
	return (nr < PTY_MAX ? 0 : ENOSPC);
}

static int
pty_create(struct pty_table *t, const struct vfs_ctx *ctx, struct pty **out)
{
	struct pty *pty;
	int error, fds[2];

	pty = kmem_zalloc(sizeof(*pty));
	if (pty == NULL)
		return (ENOMEM);
	error = pty_bells_create(fds);
	if (error != 0)
		goto fail;
	pty->m = fds[0];
	pty->s = fds[1];
	pty->table = t;
	atomic_init(&pty->mode, 0620);
	pty->uid = ctx->uid;
	pty->gid = ctx->gid;
	pty->locked = true;
	atomic_init(&pty->refs, 1);
	kmutex_init(&pty->lock, "pty", KRANK_LEAF, 0);
	pty_ldisc_init(pty);
	error = table_enter(t, pty);
	if (error != 0)
		goto fail_lock;
	*out = pty;
	return (0);
fail_lock:
	kmutex_destroy(&pty->lock);
	(void)host_close(fds[1]);
	(void)host_close(fds[0]);
fail:
	kmem_free(pty);
	return (error);
}

/* ---- files ---- */

static void
file_set(struct file *f, struct pty_file *pf, struct pty *pty, bool master)
{
	pf->pty = pty;
	pf->master = master;
	f->data = pf;
	f->ops = master ? &master_fileops : &slave_fileops;
}

int
pty_open_master(struct pty_table *t, struct file *f, const struct vfs_ctx *ctx)
{
	struct pty_file *pf = kmem_zalloc(sizeof(*pf));
	struct pty *pty;
	int error;

	if (pf == NULL)
		return (ENOMEM);
	error = pty_create(t, ctx, &pty);
	if (error != 0) {
		kmem_free(pf);
		return (error);
	}
	pf->fd = pty->m;
	pty->master = f;
	file_set(f, pf, pty, true);
	return (0);
}

/*
 * Lock held.  Count a slave file, which gets a descriptor of s.  *moved: the
 * master's file, ref'ed, if m is another socket now; otherwise untouched.
 */
static int
slave_enter_locked(
    struct pty *pty, const struct vfs_ctx *ctx, int *fdp, struct file **moved)
{
	int error;

	if (pty->locked || pty->m < 0)
		return (EIO);
	if (pty->exclusive[0] && !vfs_ctx_capable(ctx, LX_CAP_SYS_ADMIN))
		return (EBUSY);
	if (pty->closed) {
		error = reopen_locked(pty);
		if (error != 0)
			return (error);
		if (file_tryref(pty->master))
			*moved = pty->master;
	}
	error = host_dup(pty->s, fdp);
	if (error != 0)
		return (error);
	pty->slaves++;
	return (0);
}

int
pty_open_slave(struct pty *pty, struct file *f, const struct vfs_ctx *ctx)
{
	struct pty_file *pf = kmem_zalloc(sizeof(*pf));
	struct file *moved = NULL;
	int error;

	if (pf == NULL) {
		error = ENOMEM;
		goto fail;
	}
	kmutex_lock(&pty->lock);
	error = slave_enter_locked(pty, ctx, &pf->fd, &moved);
	kmutex_unlock(&pty->lock);
	if (moved != NULL) {
		eventpoll_file_moved(moved);
		file_free(moved);
	}
	if (error != 0)
		goto fail;
	file_set(f, pf, pty, false);
	return (0);
fail:
	kmem_free(pf);
	pty_free(pty);
	return (error);
}

/* Locked.  Has the other side gone? */
static bool
file_dead(const struct pty_file *pf)
{
	return (pf->master ? pf->pty->closed : pf->pty->m < 0);
}

struct pty *
pty_of_file(const struct file *f, bool *master)
{
	struct pty_file *pf = f->data;

	if (f->ops != &master_fileops && f->ops != &slave_fileops)
		return (NULL);
	*master = pf->master;
	return (pf->pty);
}

int
pty_open_peer(const struct file *master, int flags, const struct vfs_ctx *ctx,
    struct file **fp)
{
	const struct pty_file *pf = master->data;
	const struct vplace root = {NULL, pf->pty->table->mp->root};
	char path[16];

	/* From the root of this devfs, which the guest's /dev may not be. */
	snprintf(path, sizeof(path), "pts/%u", pf->pty->nr);
	flags &= O_ACCMODE | O_NONBLOCK | O_NOCTTY;
	return (vfs_open(ctx, &root, path, flags, 0, fp));
}

bool
pty_tostop(struct pty *pty)
{
	bool stop;

	kmutex_lock(&pty->lock);
	stop = (pty->tio.lflag & LX_TOSTOP) != 0;
	kmutex_unlock(&pty->lock);
	return (stop);
}

static void
pty_close(struct file *f)
{
	struct pty_file *pf = f->data;
	struct pty *pty = pf->pty;
	struct vfs *vfs = f->vfs;
	int m = -1;

	kmutex_lock(&pty->lock);
	if (pf->master) {
		m = pty->m;
		pty->m = -1;
		pty->master = NULL;
	} else if (--pty->slaves == 0)
		shut_locked(pty);
	kmutex_unlock(&pty->lock);
	if (!pf->master)
		(void)host_close(pf->fd);
	if (m >= 0) {
		(void)host_close(m);
		if (vfs->tty_ops != NULL)
			vfs->tty_ops->hangup(vfs->tty_arg, pty);
	}
	pty_free(pty);
	kmem_free(pf);
}

/* EAGAIN, EINTR, ETIMEDOUT. */
static int
file_wait(struct file *f, struct vfs_retry *w, const struct vfs_waiter *waiter)
{
	struct pty_file *pf = f->data;

	if (nonblocking(f))
		return (EAGAIN);
	return (vfs_wait_retry(waiter, pf->fd, w));
}

static void
signals_send(struct vfs *vfs, struct pty *pty, uint64_t signals)
{
	if (vfs->tty_ops == NULL)
		return;
	for (int sig = 1; sig < 32; sig++)
		if ((signals >> sig & 1) != 0)
			vfs->tty_ops->signal(vfs->tty_arg, pty, sig);
}

/* Locked.  Put some of uio, *n bytes, into a queue. */
static int
write_locked(struct pty_file *pf, struct uio *uio, uint64_t *signals, size_t *n)
{
	struct pty *pty = pf->pty;
	uint8_t buf[PTY_STEP];

	/* Without slaves, input is no error; without a master, output is. */
	if (file_dead(pf)) {
		*n = pf->master ? uiomove(buf, sizeof(buf), uio) : 0;
		return (pf->master ? 0 : EIO);
	}
	*n = pf->master ? pty_input_room(pty) : pty_output_room(pty);
	*n = uiomove(buf, *n, uio);
	if (pf->master)
		pty_input(pty, buf, *n, signals);
	else
		pty_output(pty, buf, *n);
	return (0);
}

/* Write as the master (typing) or as a slave (printing). */
static int
pty_write(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const size_t before = uio->resid;
	struct pty_file *pf = f->data;
	struct pty *pty = pf->pty;
	struct vfs_retry w = {.events = LX_POLLOUT, .deadline = UINT64_MAX};
	uint64_t signals;
	int error = 0;
	size_t n;

	while (error == 0 && uio->resid > 0) {
		signals = 0;
		kmutex_lock(&pty->lock);
		error = write_locked(pf, uio, &signals, &n);
		if (error != 0 || n == 0 || uio->resid == 0)
			pty_bells(pty); /* once for all steps */
		kmutex_unlock(&pty->lock);
		signals_send(f->vfs, pty, signals);
		if (error == 0 && n == 0)
			error = file_wait(f, &w, waiter);
		else
			w.pause = 0; /* bytes were written */
	}
	return (uio->resid < before ? 0 : error);
}

/* Locked.  Read the output; *dead: no more will come. */
static void
master_take(struct pty *pty, struct uio *uio, bool *dead)
{
	const uint8_t data = 0; /* the head of a packet */
	uint8_t buf[PTY_LINE];
	size_t n;

	if (pty->packet && pty->out.n > 0)
		(void)uiomove((void *)(uintptr_t)&data, 1, uio);
	while (uio->resid > 0 && pty->out.n > 0) {
		n = uio->resid < sizeof(buf) ? uio->resid : sizeof(buf);
		n = pty_queue_get(&pty->out, buf, n);
		(void)uiomove(buf, n, uio);
	}
	*dead = pty->closed;
	pty_bells(pty);
}

static int
master_read(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const size_t before = uio->resid;
	struct pty_file *pf = f->data;
	struct vfs_retry w = {.events = LX_POLLIN, .deadline = UINT64_MAX};
	int error = 0;
	bool dead;

	while (error == 0 && uio->resid == before && before > 0) {
		kmutex_lock(&pf->pty->lock);
		master_take(pf->pty, uio, &dead);
		kmutex_unlock(&pf->pty->lock);
		if (uio->resid < before)
			break;
		error = dead ? EIO : file_wait(f, &w, waiter);
	}
	return (error);
}

/* Until when a slave waits for the next byte, after `got` bytes; 0: not at all.
 * *over: the read is complete. */
static uint64_t
read_deadline(struct pty *pty, size_t got, bool *over)
{
	unsigned min, time;
	bool canon;

	kmutex_lock(&pty->lock);
	canon = (pty->tio.lflag & LX_ICANON) != 0;
	min = pty->tio.cc[LX_VMIN];
	time = pty->tio.cc[LX_VTIME];
	kmutex_unlock(&pty->lock);
	*over = got > 0 && (canon || got >= min);
	if (canon || (time == 0 && min > 0) || (min > 0 && got == 0))
		return (UINT64_MAX);
	if (time == 0)
		return (0);
	return (host_now_ns() + time * TENTH_NS);
}

static int
slave_read(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const size_t before = uio->resid;
	struct pty_file *pf = f->data;
	struct pty *pty = pf->pty;
	struct vfs_retry w = {.events = LX_POLLIN};
	uint8_t buf[PTY_LINE];
	size_t got, total = 0;
	bool over;
	int error;

	while (uio->resid > 0) {
		kmutex_lock(&pty->lock);
		got = 0;
		over = file_dead(pf);
		error = over ? 0
			     : pty_take(pty, buf,
				   uio->resid < sizeof(buf) ? uio->resid
							    : sizeof(buf),
				   &got);
		pty_bells(pty);
		kmutex_unlock(&pty->lock);
		total += uiomove(buf, got, uio);
		if (got > 0)
			w.pause = 0;
		if (error == 0 && got == 0)
			break; /* end of file */
		w.deadline = read_deadline(pty, total, &over);
		if (over)
			break;
		error = w.deadline == 0 ? ETIMEDOUT : file_wait(f, &w, waiter);
		if (error == ETIMEDOUT)
			break;
		if (error != 0)
			return (uio->resid < before ? 0 : error);
	}
	return (0);
}

static short
pty_poll(struct file *f, short events, int *hostfd)
{
	const short in = LX_POLLIN | LX_POLLRDNORM;
	struct pty_file *pf = f->data;
	short r = hostfd_ready(pf->fd, events);
	bool dead, empty;

	kmutex_lock(&pf->pty->lock);
	dead = !pf->master && file_dead(pf);
	empty = pf->pty->out.n == 0;
	kmutex_unlock(&pf->pty->lock);
	if (dead)
		r |= (short)(LX_POLLERR | LX_POLLHUP |
			     (events & (in | LX_POLLOUT)));

	*hostfd = pf->fd;
	r &= (short)~LX_POLLRDHUP; /* of sockets only */
	/* poll() finds a socket readable at its end, but a master only while
	 * there is output to read. */
	if (pf->master && (r & LX_POLLHUP) != 0 && empty)
		r &= (short)~in;
	return (r);
}

static int
pty_getattr(struct file *f, struct vattr *va)
{
	return (vn_getattr(f->vp, va));
}

/* ---- ioctl ---- */

static int
set_termios(struct pty *pty, uint32_t cmd, const void *kbuf, size_t size)
{
	struct lx_termios2 t;

	kmutex_lock(&pty->lock);
	t = pty->tio;
	memcpy(&t, kbuf, size < sizeof(t) ? size : sizeof(t));
	if (cmd == LX_TCSETSF || cmd == LX_TCSETSF2)
		pty_flush(pty, 1);
	pty_set_termios(pty, &t);
	pty_bells(pty);
	kmutex_unlock(&pty->lock);
	return (0);
}

static bool
set_winsize(struct pty *pty, const void *kbuf)
{
	bool changed;

	kmutex_lock(&pty->lock);
	changed = memcmp(pty->winsize, kbuf, sizeof(pty->winsize)) != 0;
	memcpy(pty->winsize, kbuf, sizeof(pty->winsize));
	kmutex_unlock(&pty->lock);
	return (changed);
}

/* ioctls of the terminal, by master or slave. */
static int
ioctl_tty(struct file *f, uint32_t cmd, void *kbuf, size_t size, uint64_t arg)
{
	struct pty_file *pf = f->data;
	struct pty *pty = pf->pty;

	switch (cmd) {
	case LX_TCGETS:
	case LX_TCGETS2:
		kmutex_lock(&pty->lock);
		memcpy(kbuf, &pty->tio, size);
		kmutex_unlock(&pty->lock);
		return (0);
	case LX_TCSETS:
	case LX_TCSETSW:
	case LX_TCSETSF:
	case LX_TCSETS2:
	case LX_TCSETSW2:
	case LX_TCSETSF2:
		return (set_termios(pty, cmd, kbuf, size));
	case LX_TIOCGWINSZ:
		kmutex_lock(&pty->lock);
		memcpy(kbuf, pty->winsize, sizeof(pty->winsize));
		kmutex_unlock(&pty->lock);
		return (0);
	case LX_TIOCSWINSZ:
		if (set_winsize(pty, kbuf))
			signals_send(f->vfs, pty, UINT64_C(1) << LX_SIGWINCH);
		return (0);
	case LX_TCFLSH:
		if (arg > 2)
			return (EINVAL);
		kmutex_lock(&pty->lock);
		/* 0 input, 1 output, 2 both, as the slave has them. */
		pty_flush(pty, pf->master && arg < 2 ? 2 - (unsigned)arg
						     : (unsigned)arg + 1);
		pty_bells(pty);
		kmutex_unlock(&pty->lock);
		return (0);
	case LX_TCSBRK:
	case LX_TCSBRKP:
	case LX_TCXONC:
		return (0);
	default:
		return (ENOTTY);
	}
}

/* ioctls with an int.  Master and slave each have their own TIOCEXCL. */
static int
ioctl_int(struct pty_file *pf, uint32_t cmd, void *kbuf, size_t size)
{
	struct pty *pty = pf->pty;
	int32_t v = 0;

	if (size != 0)
		memcpy(&v, kbuf, sizeof(v));
	kmutex_lock(&pty->lock);
	if (cmd == LX_TIOCSPTLCK)
		pty->locked = v != 0;
	else if (cmd == LX_TIOCPKT)
		pty->packet = v != 0;
	else if (cmd == LX_TIOCEXCL || cmd == LX_TIOCNXCL)
		pty->exclusive[pf->master] = cmd == LX_TIOCEXCL;
	else if (cmd == LX_TIOCGPTN)
		v = (int32_t)pty->nr;
	else if (cmd == LX_TIOCGPTLCK)
		v = pty->locked;
	else if (cmd == LX_TIOCGPKT)
		v = pty->packet;
	else if (cmd == LX_TIOCGEXCL)
		v = pty->exclusive[pf->master];
	else if (cmd == LX_FIONREAD)
		v = (int32_t)(pf->master ? pty->out.n : pty_readable(pty));
	else
		v = 0; /* TIOCOUTQ; TIOCGETD: N_TTY */
	kmutex_unlock(&pty->lock);
	if (size != 0)
		memcpy(kbuf, &v, sizeof(v));
	return (0);
}

static int
pty_ioctl(struct file *f, unsigned long lcmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	struct pty_file *pf = f->data;
	uint32_t cmd = (uint32_t)lcmd;
	int error;

	switch (cmd) {
	case LX_TIOCGPTN:
	case LX_TIOCSPTLCK:
	case LX_TIOCGPTLCK:
	case LX_TIOCPKT:
	case LX_TIOCGPKT:
		if (!pf->master)
			return (ENOTTY);
		/* FALLTHROUGH */
	case LX_FIONREAD:
	case LX_TIOCOUTQ:
	case LX_TIOCEXCL:
	case LX_TIOCNXCL:
	case LX_TIOCGEXCL:
	case LX_TIOCGETD:
		error = ioctl_int(pf, cmd, kbuf, size);
		break;
	default:
		error = ioctl_tty(f, cmd, kbuf, size, arg);
	}
	if (error == 0)
		*ret = 0;
	return (error);
}

static int
master_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	return (uio->write ? pty_write(f, uio, waiter)
			   : master_read(f, uio, waiter));
}

static int
slave_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	return (uio->write ? pty_write(f, uio, waiter)
			   : slave_read(f, uio, waiter));
}

static const struct fileops master_fileops = {
    .caps = FCAP_STREAM | FCAP_TTY | FCAP_POLLFD | FCAP_ASYNC,
    .rw = master_rw,
    .ioctl = pty_ioctl,
    .poll = pty_poll,
    .getattr = pty_getattr,
    .close = pty_close,
    .name = "ptmx",
};

static const struct fileops slave_fileops = {
    .caps = FCAP_STREAM | FCAP_TTY | FCAP_POLLFD | FCAP_ASYNC,
    .rw = slave_rw,
    .ioctl = pty_ioctl,
    .poll = pty_poll,
    .getattr = pty_getattr,
    .close = pty_close,
    .name = "pts",
};
