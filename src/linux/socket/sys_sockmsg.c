/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages: sendto, recvfrom, sendmsg, recvmsg and their plural forms; reads
 * and writes of sockets, which are messages without flags.
 *
 * Concepts.  A call is decoded to a list of user ranges, an address and
 * control records; user memory is pinned and handed to the socket as a uio
 * (see sys_io.c).  A record socket moves one message, which is copied if its
 * memory cannot be pinned as a whole; a stream moves one piece after the other.
 * This kernel handles the control records of UNIX sockets: descriptors become
 * files that travel in a parcel (vfs/socket/sock_rights.c), and the sender that
 * a record names is checked against the ids of the caller.  Control records of
 * Internet sockets are passed to the host, but only those of the levels IP,
 * IPv6 and UDP.
 *
 * Guarantees.  A received file is closed if the control buffer has no room for
 * it (MSG_CTRUNC) or no descriptor is free.  A file that has got a descriptor
 * keeps it even if storing the other results fails, as on Linux.
 *
 * Limits.  MSG_ZEROCOPY is ignored, MSG_FASTOPEN is EOPNOTSUPP.  More than 4
 * KiB of control records are ENOBUFS.
 */
#include "abi/capability.h"
#include "abi/socket.h"
#include "abi/uio.h"
#include "linux/socket/sys_sock.h"
#include "linux/file/sys_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "kern/base/proc.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"

sys_fn sys_sendto, sys_recvfrom, sys_sendmsg, sys_recvmsg, sys_sendmmsg,
    sys_recvmmsg;

#define PIECE_FIRST ((size_t)64 << 10)
#define PIECE ((size_t)252 << 10) /* fits in a vm_iov wherever it begins */
#define CONTROL_MAX 4096

/* A call in progress. */
struct msg_call {
	struct file *f; /* ref'ed */
	const struct lx_iovec *iov;
	int niov;
	struct lx_iovec one, *many; /* memory of iov: one range, or allocated */
	int flags;                  /* of the call */
	size_t pinned;              /* bytes of the last piece */
	struct sock_msg m;
	struct file **files; /* to send: refs, malloc'ed */
	int nfiles;
	uint8_t *control; /* of an Internet socket, malloc'ed */
};

/* ---- moving bytes ---- */

/* The position behind the first `done` bytes of the call's memory. */
static struct sys_io_cursor
cursor_at(const struct msg_call *c, uint64_t done)
{
	struct sys_io_cursor cur = {.iov = c->iov, .n = c->niov};

	while (cur.i < cur.n && done >= c->iov[cur.i].len)
		done -= c->iov[cur.i++].len;
	cur.skip = cur.i < cur.n ? done : 0;
	return (cur);
}

/* Send or receive once. */
static int
msg_once(struct lwp *l, struct msg_call *c, struct uio *uio, bool send)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	struct vfs_ctx ctx;
	int error;

	c->m.uio = uio;
	if (send && c->m.addr.len != 0) {
		ctx = lwp_vfs_ctx(l);
		c->m.ctx = &ctx;
	}
	error = send ? sock_send(c->f, &c->m, c->flags, &waiter)
		     : sock_recv(c->f, &c->m, c->flags, &waiter);
	if (c->m.ctx != NULL) {
		lwp_vfs_ctx_done(&ctx);
		c->m.ctx = NULL;
	}
	c->m.uio = NULL;
	return (error);
}

static int
msg_pinned(struct lwp *l, struct msg_call *c, struct vm_iov *v, bool send)
{
	struct uio uio = {
	    .iov = v->iov, .niov = v->niov, .resid = v->len, .write = send};
	int error = msg_once(l, c, &uio, send);

	if (error == 0 && !send)
		vm_iov_commit(v, c->m.done < v->len ? c->m.done : v->len);
	return (error);
}

/* Send or receive a whole message through memory of the kernel. */
static int
msg_copied(struct lwp *l, struct msg_call *c, uint64_t all, bool send)
{
	struct sys_message m;
	int error;

	error = sys_message_begin(l, &m, c->iov, c->niov, all, send);
	if (error != 0)
		return (error);
	error = msg_once(l, c, &m.uio, send);
	return (sys_message_end(l, &m, error));
}

/*
 * Pin one piece of the user's memory, from *cur on, and send or receive it.
 * - message != 0: it is a message, and its ranges have so many bytes.
 * - EFAULT: a message to send cannot be read.
 */
static int
msg_piece(struct lwp *l, struct msg_call *c, struct sys_io_cursor *cur,
    size_t max, bool send, uint64_t message)
{
	struct vm_iov v;
	int error;

	error =
	    sys_io_pin(l, cur, max, send ? VM_PROT_READ : VM_PROT_WRITE, &v);
	if (error != 0)
		goto out;
	if (message != 0 && sys_io_scattered(&v, message)) {
		vm_iov_release(&v);
		return (msg_copied(l, c, message, send));
	}
	c->pinned = v.len;
	error = send && v.len < message ? EFAULT : msg_pinned(l, c, &v, send);
out:
	vm_iov_release(&v);
	return (error);
}

/* Send all bytes; *ret: how many.  Files go with the first piece. */
static int
msg_send(struct lwp *l, struct msg_call *c, int64_t *ret)
{
	struct socket *so = file_socket(c->f);
	uint64_t total = sys_iov_total(c->iov, c->niov), sent = 0;
	bool record = sock_is_record(so);
	struct sys_io_cursor cur;
	size_t max = record ? SYS_MESSAGE_MAX : PIECE_FIRST, want;
	int error;

	if ((c->flags & LX_MSG_FASTOPEN) != 0)
		return (EOPNOTSUPP);
	if (record && total > SYS_MESSAGE_MAX)
		return (EMSGSIZE);
	do {
		cur = cursor_at(c, sent);
		want = total - sent < max ? (size_t)(total - sent) : max;
		error = msg_piece(l, c, &cur, want, true, record ? total : 0);
		if (error != 0)
			break;
		sent += c->m.done;
		c->m.nfiles = 0;
		c->m.has_cred = false;
		max = PIECE;
	} while (!record && c->m.done == c->pinned && sent < total);
	if (error != 0 && sent == 0) {
		if (error == EPIPE && (c->flags & LX_MSG_NOSIGNAL) == 0)
			sys_sigpipe(l, c->f);
		return (sys_sock_restart(error, &so->snd_ns));
	}
	*ret = (int64_t)sent;
	return (0);
}

/* Receive a message, or the bytes that a stream has; with MSG_WAITALL as many
 * as were requested. */
static int
msg_recv(struct lwp *l, struct msg_call *c, int64_t *ret)
{
	struct socket *so = file_socket(c->f);
	uint64_t total = sys_iov_total(c->iov, c->niov), got = 0;
	const bool record = sock_is_record(so);
	/* Bytes of one sender, which SO_PASSCRED names, end the call, too. */
	const bool more = !record && !atomic_load(&so->passcred) &&
			  (c->flags & (LX_MSG_PEEK | LX_MSG_OOB)) == 0;
	const bool all = !record && (c->flags & LX_MSG_WAITALL) != 0 &&
			 (c->flags & (LX_MSG_PEEK | LX_MSG_OOB)) == 0;
	struct sys_io_cursor cur;
	int error;

	do {
		cur = cursor_at(c, got);
		error = msg_piece(l, c, &cur, record ? SYS_MESSAGE_MAX : PIECE,
		    false, record ? total : 0);
		if (error != 0)
			break;
		got += c->m.done;
		if (!all) /* only what is there already */
			c->flags |= LX_MSG_DONTWAIT;
		/* The call ends at bytes that carry files, so that the next
		 * receive does not replace them. */
	} while (c->m.done != 0 && got < total && c->m.nfiles == 0 &&
		 (all || (more && c->m.done == c->pinned)));
	if (error != 0 && got == 0)
		return (sys_sock_restart(error, &so->rcv_ns));
	*ret = (int64_t)got;
	return (0);
}

static void
msg_done(struct msg_call *c)
{
	for (int i = 0; i < c->nfiles; i++)
		file_free(c->files[i]);
	kmem_free(c->files);
	kmem_free(c->control);
	kmem_free(c->many);
	file_free(c->f);
}

/* ---- control records to send ---- */

/* SCM_RIGHTS: add the files of n descriptors to those to send. */
static int
control_rights(struct lwp *l, struct msg_call *c, const uint8_t *data, size_t n)
{
	struct file **files;
	int32_t fd;
	int error;

	if (n > (size_t)(SOCK_RIGHTS_MAX - c->nfiles))
		return (EINVAL);
	files = kmem_realloc(
	    c->files, ((size_t)c->nfiles + n + 1) * sizeof(struct file *));
	if (files == NULL)
		return (ENOMEM);
	c->files = files;
	for (size_t i = 0; i < n; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		error = fd_get(l->p->fdt, fd, &files[c->nfiles]);
		if (error != 0)
			return (error);
		c->nfiles++;
	}
	return (0);
}

/* SCM_CREDENTIALS: ids that are not the sender's own need a capability. */
static int
control_cred(struct lwp *l, struct msg_call *c, const uint8_t *data)
{
	const struct cred *own = l->cred;
	struct proc *other;
	struct sock_cred cred;

	memcpy(&cred, data, sizeof(cred));
	cred.pid = pidns_in(l->p->k, l->p->pidns, cred.pid);
	cred.uid = proc_id_kernel(l->p, false, cred.uid);
	cred.gid = proc_id_kernel(l->p, true, cred.gid);
	if (cred.uid == UINT32_MAX || cred.gid == UINT32_MAX)
		return (EINVAL);
	if (cred.pid != l->p->pid &&
	    !cred_ns_capable(own, l->p->pidns->ns.owner, LX_CAP_SYS_ADMIN))
		return (EPERM);
	if (cred.uid != own->uid && cred.uid != own->euid &&
	    cred.uid != own->suid && !lwp_capable_here(l, LX_CAP_SETUID))
		return (EPERM);
	if (cred.gid != own->gid && cred.gid != own->egid &&
	    cred.gid != own->sgid && !lwp_capable_here(l, LX_CAP_SETGID))
		return (EPERM);
	if (cred.pid != l->p->pid) {
		other = proc_find_hold(l->p->k, cred.pid);
		if (other == NULL)
			return (ESRCH);
		proc_drop(other);
	}
	c->m.cred = cred;
	c->m.has_cred = true;
	return (0);
}

static int
control_unix(struct lwp *l, struct msg_call *c, const struct sock_cmsg *h,
    const uint8_t *data)
{
	size_t len = (size_t)h->len - sizeof(*h);

	if (h->level != LX_SOL_SOCKET)
		return (0);
	if (h->type == LX_SCM_RIGHTS)
		return (control_rights(l, c, data, len / sizeof(int32_t)));
	if (h->type == LX_SCM_CREDENTIALS && len == sizeof(struct sock_cred))
		return (control_cred(l, c, data));
	return (EINVAL);
}

static bool
control_for_host(const struct sock_cmsg *h)
{
	return (h->level == LX_SOL_IP || h->level == LX_SOL_IPV6 ||
		h->level == LX_SOL_UDP);
}

/*
 * Decode the control records of a message: those of UNIX sockets here, those
 * of Internet sockets are only checked, because the host decodes them.
 */
static int
control_records(struct lwp *l, struct msg_call *c, bool unix_, uint64_t len)
{
	struct sock_cmsg h;
	size_t at = 0;
	int error;

	while (at < len && len - at >= sizeof(h)) {
		memcpy(&h, c->control + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			return (EINVAL);
		if (unix_) {
			error =
			    control_unix(l, c, &h, c->control + at + sizeof(h));
			if (error != 0)
				return (error);
		} else if (!control_for_host(&h)) {
			if (h.level == LX_SOL_SOCKET &&
			    h.type != LX_SCM_RIGHTS &&
			    h.type != LX_SCM_CREDENTIALS)
				return (EINVAL);
			/* Ignored, as on Linux: of a level that does not exist.
			 */
			h.level = INT32_MAX;
			memcpy(c->control + at, &h, sizeof(h));
		}
		at += SOCK_CMSG_ALIGN(h.len);
	}
	return (0);
}

/* Copy the control records in and decode them.  c owns what is allocated, also
 * after an error. */
static int
control_in(struct lwp *l, struct msg_call *c, uint64_t uaddr, uint64_t len)
{
	bool unix_ = file_socket(c->f)->domain == LX_AF_UNIX;
	int error;

	if (len == 0)
		return (0);
	if (len > CONTROL_MAX)
		return (ENOBUFS);
	if (file_socket(c->f)->inherited)
		return (EPERM);
	c->control = kmem_alloc(len);
	if (c->control == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), c->control, uaddr, len) != 0)
		return (EFAULT);
	error = control_records(l, c, unix_, len);
	if (error != 0)
		return (error);
	if (!unix_) {
		c->m.control = c->control;
		c->m.controllen = len;
	}
	c->m.files = c->files;
	c->m.nfiles = c->nfiles;
	return (0);
}

/* ---- control records received ---- */

struct control_out {
	uint64_t uaddr, left, used;
	int flags; /* MSG_CTRUNC */
};

static int
control_put(struct lwp *l, struct control_out *o, int type, const void *data,
    size_t len)
{
	struct sock_cmsg h = {
	    .len = sizeof(h) + len, .level = LX_SOL_SOCKET, .type = type};
	uint64_t space;

	if (o->left < h.len) {
		o->flags |= LX_MSG_CTRUNC;
		if (o->left < sizeof(h))
			return (0);
		h.len = o->left;
	}
	if (copyout(lwp_vmspace(l), &h, o->uaddr, sizeof(h)) != 0 ||
	    copyout(lwp_vmspace(l), data, o->uaddr + sizeof(h),
		(size_t)h.len - sizeof(h)) != 0)
		return (EFAULT);
	space = SOCK_CMSG_ALIGN(h.len);
	if (space > o->left)
		space = o->left;
	o->uaddr += space;
	o->left -= space;
	o->used += space;
	return (0);
}

/* Give descriptors to as many files as the control buffer has room for. */
static int
control_put_files(struct lwp *l, struct control_out *o, struct msg_call *c)
{
	int32_t fds[SOCK_RIGHTS_MAX];
	int n = 0, room = 0, error;
	int64_t fd;

	if (o->left > sizeof(struct sock_cmsg))
		room = o->left - sizeof(struct sock_cmsg) > sizeof(fds)
			   ? SOCK_RIGHTS_MAX
			   : (int)((o->left - sizeof(struct sock_cmsg)) /
				   sizeof(fds[0]));
	while (n < room && n < c->m.nfiles) {
		file_ref(c->m.files[n]);
		if (sys_fd_new(l, c->m.files[n],
			(c->flags & LX_MSG_CMSG_CLOEXEC) != 0, &fd) != 0)
			break;
		fds[n++] = (int32_t)fd;
	}
	if (n < c->m.nfiles)
		o->flags |= LX_MSG_CTRUNC;
	if (n == 0)
		return (0);
	error =
	    control_put(l, o, LX_SCM_RIGHTS, fds, (size_t)n * sizeof(fds[0]));
	for (int i = 0; i < n && error != 0; i++)
		(void)fd_close(l->p->fdt, fds[i]);
	return (error);
}

static int
control_out(struct lwp *l, struct msg_call *c, struct control_out *o)
{
	struct socket *so = file_socket(c->f);
	uint64_t n;
	int error;

	if (so->domain != LX_AF_UNIX) {
		n = c->m.controllen < o->left ? c->m.controllen : o->left;
		o->used = n;
		return (n == 0 ? 0
			       : copyout(lwp_vmspace(l), c->m.control, o->uaddr,
				     (size_t)n));
	}
	if (atomic_load(&so->passcred) && c->m.has_cred) {
		sys_cred_shown(l, &c->m.cred);
		error = control_put(
		    l, o, LX_SCM_CREDENTIALS, &c->m.cred, sizeof(c->m.cred));
		if (error != 0)
			return (error);
	}
	return (c->m.nfiles > 0 ? control_put_files(l, o, c) : 0);
}

static void
received_done(struct msg_call *c)
{
	for (int i = 0; i < c->m.nfiles; i++)
		file_free(c->m.files[i]);
	free(c->m.files);
	c->m.files = NULL;
	c->m.nfiles = 0;
}

/* ---- the calls ---- */

static int
to_or_from(struct lwp *l, const uint64_t *a, struct msg_call *c)
{
	memset(c, 0, sizeof(*c));
	if ((int64_t)a[2] < 0)
		return (EINVAL);
	c->one = (struct lx_iovec){.base = a[1],
	    .len = a[2] < LX_MAX_RW_COUNT ? a[2] : LX_MAX_RW_COUNT};
	c->iov = &c->one;
	c->niov = 1;
	c->flags = (int)a[3];
	return (sys_sock_file(l, (int)a[0], &c->f));
}

int
sys_sendto(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct msg_call c;
	int error;

	error = to_or_from(l, a, &c);
	if (error != 0)
		return (error);
	if (a[4] != 0) {
		error = sys_copyin_sockaddr(l, a[4], (int32_t)a[5], &c.m.addr);
		if (error != 0)
			goto out;
	}
	error = msg_send(l, &c, ret);
out:
	msg_done(&c);
	return (error);
}

int
sys_recvfrom(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct msg_call c;
	int error;

	error = to_or_from(l, a, &c);
	if (error != 0)
		return (error);
	error = msg_recv(l, &c, ret);
	received_done(&c);
	if (error == 0 && a[4] != 0)
		error = sys_copyout_sockaddr(l, &c.m.addr, a[4], a[5]);
	msg_done(&c);
	return (error);
}

/* Decode a msghdr for descriptor fd; msg_done() only if it succeeds. */
static int
msg_begin(struct lwp *l, int fd, uint64_t uhdr, int flags, struct msg_call *c,
    struct lx_msghdr *h)
{
	int error;

	memset(c, 0, sizeof(*c));
	c->flags = flags;
	error = sys_sock_file(l, fd, &c->f);
	if (error != 0)
		return (error);
	if (copyin(lwp_vmspace(l), h, uhdr, sizeof(*h)) != 0)
		error = EFAULT;
	else if (h->namelen < 0)
		error = EINVAL;
	else if (h->iovlen > LX_IOV_MAX)
		error = EMSGSIZE;
	else
		error =
		    sys_copyin_iov(l, h->iov, h->iovlen, &c->many, &c->niov);
	if (error != 0) {
		msg_done(c);
		return (error);
	}
	c->iov = c->many;
	return (0);
}

static int
sendmsg_one(struct lwp *l, int fd, uint64_t uhdr, int flags, int64_t *ret)
{
	struct lx_msghdr h;
	struct msg_call c;
	int error;

	error = msg_begin(l, fd, uhdr, flags, &c, &h);
	if (error != 0)
		return (error);
	if (h.name != 0 && h.namelen != 0) {
		error = sys_copyin_sockaddr(
		    l, h.name, h.namelen < 128 ? h.namelen : 128, &c.m.addr);
		if (error != 0)
			goto out;
	}
	if (h.control != 0) {
		error = control_in(l, &c, h.control, h.controllen);
		if (error != 0)
			goto out;
	}
	error = msg_send(l, &c, ret);
out:
	msg_done(&c);
	return (error);
}

/* Store the results of a receive in the user's msghdr. */
static int
recvmsg_results(
    struct lwp *l, struct msg_call *c, uint64_t uhdr, const struct lx_msghdr *h)
{
	struct control_out o = {
	    .uaddr = h->control, .left = h->control != 0 ? h->controllen : 0};
	struct lx_msghdr out = *h;
	int error;

	if ((int64_t)o.left < 0 || o.left > INT32_MAX)
		o.left = INT32_MAX;
	if (c->m.nfiles > 0 && o.left == 0)
		o.flags |= LX_MSG_CTRUNC;
	error = control_out(l, c, &o);
	if (error != 0)
		return (error);
	if (h->name != 0) {
		error = sys_copyout_sockaddr(l, &c->m.addr, h->name,
		    uhdr + offsetof(struct lx_msghdr, namelen));
		if (error != 0)
			return (error);
	}
	out.flags = (uint32_t)((c->m.flags & ~LX_MSG_CMSG_CLOEXEC) | o.flags |
			       (c->flags & LX_MSG_CMSG_CLOEXEC));
	out.controllen = o.used;
	error = copyout(lwp_vmspace(l), &out.controllen,
	    uhdr + offsetof(struct lx_msghdr, controllen),
	    sizeof(out.controllen));
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &out.flags,
	    uhdr + offsetof(struct lx_msghdr, flags), sizeof(out.flags)));
}

static int
recvmsg_one(struct lwp *l, int fd, uint64_t uhdr, int flags, int64_t *ret)
{
	struct lx_msghdr h;
	struct msg_call c;
	int error;

	error = msg_begin(l, fd, uhdr, flags, &c, &h);
	if (error != 0)
		return (error);
	if (file_socket(c.f)->domain != LX_AF_UNIX && h.control != 0 &&
	    h.controllen != 0) {
		c.m.controlroom = h.controllen < CONTROL_MAX
				      ? (size_t)h.controllen
				      : CONTROL_MAX;
		c.control = kmem_zalloc(c.m.controlroom);
		c.m.control = c.control;
		if (c.control == NULL) {
			error = ENOMEM;
			goto out;
		}
	}
	error = msg_recv(l, &c, ret);
	if (error == 0)
		error = recvmsg_results(l, &c, uhdr, &h);
	received_done(&c);
out:
	msg_done(&c);
	return (error);
}

int
sys_sendmsg(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sendmsg_one(l, (int)a[0], a[1], (int)a[2], ret));
}

int
sys_recvmsg(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (recvmsg_one(l, (int)a[0], a[1], (int)a[2], ret));
}

static int
mmsg_store_len(struct lwp *l, uint64_t uhdr, int64_t n)
{
	uint32_t len = (uint32_t)n;

	return (copyout(lwp_vmspace(l), &len,
	    uhdr + offsetof(struct lx_mmsghdr, len), sizeof(len)));
}

int
sys_sendmmsg(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t n = (uint32_t)a[2] < LX_IOV_MAX ? (uint32_t)a[2] : LX_IOV_MAX;
	uint64_t uhdr = a[1], i;
	int64_t sent = 0;
	int error = 0;

	for (i = 0; i < n; i++, uhdr += sizeof(struct lx_mmsghdr)) {
		error = sendmsg_one(l, (int)a[0], uhdr, (int)a[3], &sent);
		if (error == 0)
			error = mmsg_store_len(l, uhdr, sent);
		if (error != 0)
			break;
	}
	if (i == 0)
		return (error);
	*ret = (int64_t)i;
	return (0);
}

int
sys_recvmmsg(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t n = (uint32_t)a[2] < LX_IOV_MAX ? (uint32_t)a[2] : LX_IOV_MAX;
	uint64_t uhdr = a[1], deadline, i;
	int flags = (int)a[3], error;
	int64_t got = 0;

	error = sys_copyin_deadline(l, a[4], &deadline);
	if (error != 0)
		return (error);
	for (i = 0; i < n; i++, uhdr += sizeof(struct lx_mmsghdr)) {
		error = recvmsg_one(
		    l, (int)a[0], uhdr, flags & ~LX_MSG_WAITFORONE, &got);
		if (error == 0)
			error = mmsg_store_len(l, uhdr, got);
		if (error != 0)
			break;
		if ((flags & LX_MSG_WAITFORONE) != 0)
			flags |= LX_MSG_DONTWAIT;
		if (ktime_remaining(deadline) == 0) {
			i++;
			break;
		}
	}
	if (a[4] != 0 && i > 0)
		(void)sys_copyout_timespec(l, ktime_remaining(deadline), a[4]);
	if (i == 0)
		return (error);
	*ret = (int64_t)i;
	return (0);
}
