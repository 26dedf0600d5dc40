/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ioctl, and job control on the terminal.
 *
 * Sessions and foreground groups are the guest's own (session.c) and
 * independent of the session that this process has on the host's terminal.
 * Requests about them are therefore handled here and never reach the host.
 * Requests about descriptors (FIOCLEX etc.) are handled here as well.  All
 * other requests go to the file; ioctl_size() gives the size of the argument to
 * copy in and out.  An unknown request is ENOTTY.
 *
 * A background process that reads the terminal gets SIGTTIN; one that changes
 * it gets SIGTTOU.  If the process blocks or ignores the signal, a read fails
 * with EIO and a change succeeds; otherwise, if its group is orphaned, both
 * fail with EIO.  With TOSTOP, a write counts as a change.
 *
 * A slave whose master is closed supports only requests about the descriptor.
 * All others are EIO, except TIOCSPGRP, which is ENOTTY.
 */
#include "host/host_file.h"
#include "abi/ioctl.h"
#include "abi/signal.h"
#include "abi/termios.h"
#include "linux/file/sys_netif.h"
#include "linux/lib/sys_int.h"
#include "linux/file/sys_uffd.h"
#include "kern/ipc/uffd.h"
#include "kern/base/session.h"
#include "kern/sig/ctty.h"
#include "kern/sig/sigio.h"
#include "vfs/devfs/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/vnode.h"
#include "vfs/socket/socket.h"
#include "vfs/devfs/tty.h"

#define IOCTL_MAX 256 /* bytes of an argument */

sys_fn sys_ioctl;

/* The terminal that f is, as struct session names it; NULL: none.  *master: f
 * is the master of a pty. */
static const void *
tty_of(struct lwp *l, const struct file *f, bool *master)
{
	const struct pty *pty = pty_of_file(f, master);

	if (pty != NULL)
		return (pty);
	*master = false;
	return (file_can(f, FCAP_TTY) ? l->p->k : NULL);
}

/* True: f is the terminal of the lwp's session, and the lwp is in the
 * background.  *pgid: its group. */
static bool
tty_behind(struct lwp *l, const struct file *f, int *pgid)
{
	struct proc *p = l->p;
	bool master = false;
	const void *tty;
	int fg;

	if (!file_can(f, FCAP_TTY))
		return (false);
	tty = pty_of_file(f, &master);
	if (tty == NULL && p->k->tty_fd >= 0)
		tty = p->k;
	if (tty == NULL || master || session_get_fg(p, tty, false, &fg) != 0)
		return (false);
	kmutex_lock(&p->k->proctree);
	*pgid = p->pgid;
	kmutex_unlock(&p->k->proctree);
	return (fg != *pgid && fg != 0);
}

int
sys_tty_background(struct lwp *l, const struct file *f, int signo)
{
	struct proc *p = l->p;
	bool refused;
	int pgid;

	if (!tty_behind(l, f, &pgid))
		return (0);
	kmutex_lock(&p->lock);
	refused = (l->sigmask & KSIGBIT(signo)) != 0 || ksig_ignored(p, signo);
	kmutex_unlock(&p->lock);
	if (refused || pgrp_orphaned(p->k, pgid)) {
		if (signo == LX_SIGTTIN)
			return (EIO);
		return (refused ? 0 : EIO);
	}
	(void)ksig_kill_pgrp(p->k, pgid,
	    &(struct ksiginfo){.signo = signo, .code = LX_SI_KERNEL});
	return (ERESTARTSYS);
}

int
sys_tty_output(struct lwp *l, const struct file *f)
{
	bool master, stop;
	struct pty *pty;
	int pgid;

	if (!tty_behind(l, f, &pgid))
		return (0);
	pty = pty_of_file(f, &master);
	stop = pty != NULL ? pty_tostop(pty) : host_tty_tostop(f->hostfd);
	return (stop ? sys_tty_background(l, f, LX_SIGTTOU) : 0);
}

void
sys_tty_opened(struct lwp *l, const struct file *f)
{
	bool master;
	const struct pty *pty = pty_of_file(f, &master);

	if (pty != NULL && !master)
		(void)session_set_ctty(l->p, pty);
}

/* Requests about process groups and sessions.  ENOTTY if f is not a terminal.
 */
static int
ioctl_tty(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	struct vmspace *vm = lwp_vmspace(l);
	bool master;
	const void *tty = tty_of(l, f, &master);
	int32_t v = 0;
	int error, id;

	if (tty == NULL)
		return (ENOTTY);
	switch (cmd) {
	case LX_TIOCGPGRP:
		error = session_get_fg(l->p, tty, master, &id);
		break;
	case LX_TIOCGSID:
		error = session_get_sid(l->p, tty, master, &id);
		break;
	case LX_TIOCSPGRP:
		if (copyin(vm, &v, arg, sizeof(v)) != 0)
			return (EFAULT);
		error = sys_tty_background(l, f, LX_SIGTTOU);
		if (error != 0)
			return (error);
		if (v > 0)
			v = pidns_in(l->p->k, l->p->pidns, v);
		return (v == 0 ? ESRCH : session_set_fg(l->p, tty, v));
	case LX_TIOCSCTTY:
		return (
		    session_set_ctty(l->p, tty)); /* for a master: its slave */
	default:
		return (master ? ENOTTY : session_notty(l->p, tty));
	}
	if (error != 0)
		return (error);
	v = pidns_out(l->p->k, l->p->pidns, id);
	return (copyout(vm, &v, arg, sizeof(v)));
}

/* Open the slave of a master. */
static int
ioctl_peer(struct lwp *l, struct file *f, uint64_t arg, int64_t *ret)
{
	const int flags = (int)arg;
	struct vfs_ctx ctx;
	struct file *peer;
	bool master;
	int error;

	if (pty_of_file(f, &master) == NULL)
		return (ENOTTY);
	if (!master)
		return (EIO);
	ctx = lwp_vfs_ctx(l);
	error = pty_open_peer(f, flags, &ctx, &peer);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (error);
	if ((flags & O_NOCTTY) == 0)
		sys_tty_opened(l, peer);
	return (sys_fd_new(l, peer, (flags & O_CLOEXEC) != 0, ret));
}

static int
ioctl_nonblock(struct lwp *l, struct file *f, uint64_t arg)
{
	int flags = atomic_load(&f->flags);
	int32_t on;

	if (copyin(lwp_vmspace(l), &on, arg, sizeof(on)) != 0)
		return (EFAULT);
	return (file_setfl(f, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

static int
ioctl_async(struct lwp *l, struct file *f, int fd, uint64_t arg)
{
	int flags = atomic_load(&f->flags), error;
	int32_t on;

	if (copyin(lwp_vmspace(l), &on, arg, sizeof(on)) != 0)
		return (EFAULT);
	if (((flags & O_ASYNC) != 0) == (on != 0))
		return (0);
	if (!file_can(f, FCAP_ASYNC))
		return (ENOTTY);
	error = sigio_async(l, f, fd, on != 0);
	if (error != 0)
		return (error);
	return (file_setfl(f, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

/* Bytes from the offset to the end of a regular file. */
static int
ioctl_fionread(struct lwp *l, struct file *f, uint64_t arg)
{
	uint64_t pos = 0;
	struct vattr va;
	int32_t n;
	int error;

	error = vn_getattr(f->vp, &va);
	if (error == 0)
		error = file_seek(f, 0, SEEK_CUR, &pos);
	if (error != 0)
		return (error);
	/* As on Linux: negative behind the end, and cut to 32 bits. */
	n = (int32_t)(uint32_t)(va.size - pos);
	return (copyout(lwp_vmspace(l), &n, arg, sizeof(n)));
}

static int
ioctl_file(
    struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg, int64_t *ret)
{
	uint8_t kbuf[IOCTL_MAX];
	long res = 0;
	size_t size;
	int dir, error;

	error = ioctl_size(cmd, &size, &dir);
	if (error != 0)
		return (error);
	if (size > sizeof(kbuf))
		return (ENOTTY);
	if ((cmd >= LX_TCSETS && cmd <= LX_TCFLSH) || cmd == LX_TIOCSTI) {
		error = sys_tty_background(l, f, LX_SIGTTOU);
		if (error != 0)
			return (error);
	}
	memset(kbuf, 0, sizeof(kbuf));
	if ((dir & 1) && copyin(lwp_vmspace(l), kbuf, arg, size) != 0)
		return (EFAULT);
	error = file_ioctl(f, cmd, kbuf, size, arg, &res);
	if (error != 0)
		return (sys_restartable(error));
	if ((dir & 2) && copyout(lwp_vmspace(l), kbuf, arg, size) != 0)
		return (EFAULT);
	*ret = res;
	return (0);
}

/* FIGETBSZ: the size of a block; FIOQSIZE: the bytes on the disk of a file or
 * directory. */
static int
ioctl_sizes(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	struct vattr va;
	uint64_t bytes;
	int32_t block;
	int error;

	if (cmd == LX_FIOQSIZE &&
	    (f->vp == NULL || (f->vp->type != VREG && f->vp->type != VDIR)))
		return (ENOTTY);
	error = file_getattr(f, &va);
	if (error != 0)
		return (error);
	bytes = va.blocks * 512;
	if (cmd == LX_FIOQSIZE)
		return (copyout(lwp_vmspace(l), &bytes, arg, sizeof(bytes)));
	block = (int32_t)va.blksize;
	return (copyout(lwp_vmspace(l), &block, arg, sizeof(block)));
}

/* The requests with struct termio, by those with struct termios: they have the
 * lower halves of the flags and the first characters. */
static int
ioctl_termio(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	const uint32_t low = UINT16_MAX;
	struct lx_termios t;
	struct lx_termio old;
	long res;
	int error = 0;

	if (cmd != LX_TCGETA)
		error = sys_tty_background(l, f, LX_SIGTTOU);
	if (error != 0)
		return (error);
	error = file_ioctl(f, LX_TCGETS, &t, sizeof(t), 0, &res);
	if (error != 0)
		return (error);
	memset(&old, 0, sizeof(old));
	if (cmd == LX_TCGETA) {
		old.iflag = (uint16_t)t.iflag;
		old.oflag = (uint16_t)t.oflag;
		old.cflag = (uint16_t)t.cflag;
		old.lflag = (uint16_t)t.lflag;
		old.line = t.line;
		memcpy(old.cc, t.cc, sizeof(old.cc));
		return (copyout(lwp_vmspace(l), &old, arg, sizeof(old)));
	}
	if (copyin(lwp_vmspace(l), &old, arg, sizeof(old)) != 0)
		return (EFAULT);
	t.iflag = (t.iflag & ~low) | old.iflag;
	t.oflag = (t.oflag & ~low) | old.oflag;
	t.cflag = (t.cflag & ~low) | old.cflag;
	t.lflag = (t.lflag & ~low) | old.lflag;
	t.line = old.line;
	memcpy(t.cc, old.cc, sizeof(old.cc));
	cmd = cmd == LX_TCSETA    ? LX_TCSETS
	      : cmd == LX_TCSETAW ? LX_TCSETSW
				  : LX_TCSETSF;
	return (sys_restartable(file_ioctl(f, cmd, &t, sizeof(t), 0, &res)));
}

/* The owner of a socket by ioctl. */
static int
ioctl_owner(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	int32_t id;

	if (cmd == LX_FIOGETOWN || cmd == LX_SIOCGPGRP) {
		id = sys_file_getown(l, f);
		return (copyout(lwp_vmspace(l), &id, arg, sizeof(id)));
	}
	if (copyin(lwp_vmspace(l), &id, arg, sizeof(id)) != 0)
		return (EFAULT);
	return (sys_file_setown(l, f, id));
}

static int
ioctl_socket(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	return (cmd >= LX_FIOSETOWN && cmd <= LX_SIOCGPGRP
		    ? ioctl_owner(l, f, cmd, arg)
		    : sys_sock_ioctl(l, f, cmd, arg));
}

/* Requests about the file, not about its descriptor. */
static int
ioctl_request(
    struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg, int64_t *ret)
{
	bool master;
	struct pty *pty = pty_of_file(f, &master);

	if (pty != NULL && !master && !pty_live(pty))
		return (cmd == LX_TIOCSPGRP ? ENOTTY : EIO);
	if (uffd_of_file(f) != NULL)
		return (sys_uffd_ioctl(l, uffd_of_file(f), cmd, arg));
	switch (cmd) {
	case LX_TIOCGPGRP:
	case LX_TIOCSPGRP:
	case LX_TIOCGSID:
	case LX_TIOCSCTTY:
	case LX_TIOCNOTTY:
		return (ioctl_tty(l, f, cmd, arg));
	case LX_FIGETBSZ:
	case LX_FIOQSIZE:
		return (ioctl_sizes(l, f, cmd, arg));
	case LX_TCGETA:
	case LX_TCSETA:
	case LX_TCSETAW:
	case LX_TCSETAF:
		return (ioctl_termio(l, f, cmd, arg));
	case LX_TIOCGPTPEER:
		return (ioctl_peer(l, f, arg, ret));
	case LX_FIONREAD:
		if (f->vp != NULL && f->vp->type == VREG)
			return (ioctl_fionread(l, f, arg));
		/* FALLTHROUGH */
	default:
		if (LX_SIOC_IS_SOCKET(cmd) && file_socket(f) != NULL)
			return (ioctl_socket(l, f, cmd, arg));
		return (ioctl_file(l, f, cmd, arg, ret));
	}
}

int
sys_ioctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint32_t cmd = (uint32_t)a[1];
	int fd = (int)a[0], error;
	struct file *f;

	error = sys_get_open_file(l, fd, &f);
	if (error != 0)
		return (error);
	switch (cmd) {
	case LX_FIOCLEX:
	case LX_FIONCLEX:
		error = fd_set_cloexec(l->p->fdt, fd, cmd == LX_FIOCLEX);
		break;
	case LX_FIONBIO:
		error = ioctl_nonblock(l, f, a[2]);
		break;
	case LX_FIOASYNC:
		error = ioctl_async(l, f, fd, a[2]);
		break;
	case LX_FICLONE:
	case LX_FICLONERANGE:
	case LX_FIDEDUPERANGE:
	case LX_FS_IOC_FIEMAP:
		error = sys_file_share(l, f, cmd, a[2]);
		break;
	default:
		error = ioctl_request(l, f, cmd, a[2], ret);
	}
	file_free(f);
	return (error);
}
