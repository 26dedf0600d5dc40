/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Names of UNIX sockets.
 *
 * Concepts.  The bytes go through sockets of the host, but their names are
 * the guest's: a path in its files, or an abstract name in this kernel.  At
 * the host a socket is bound to an abstract name that this kernel makes when
 * the socket first needs one: a random key of the kernel, the number of the
 * socket, and the pid, uid and gid of the guest that first bound or connected
 * it.  So an accepting socket reads from the host's peer name the ids of its
 * peer (for SO_PEERCRED) and the number of the socket (for its name), also when
 * that socket is closed already.  Connecting looks the guest's name up among
 * the bound sockets, and connects to the host's name of the socket found.
 *
 * A socket bound to a path holds a ref of the node that bind made; that node
 * is what connect finds, so renames and hard links work as on Linux and a
 * removed name does not.  A socket in the file system that no guest has bound
 * is refused: guests reach no socket of the host by its path.
 *
 * Other processes of the host can see and reach abstract names there, and can
 * make names that look like ours.  So the name proves nothing: the host must
 * report this process as the peer of an accepted connection and as the sender
 * of a datagram (socket.c).
 *
 * Locking.  vfs->sockets->lock for names and the list of bound sockets.  Path
 * lookup happens without it; `binding` keeps a second bind out meanwhile.
 *
 * Limits.  A sender or peer that was closed before its name was asked for is
 * shown as unnamed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/socket.h"
#include "abi/stat.h"
#include "host/host.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/socket/socket_int.h"

#define UNIX_PATH 108 /* bytes of a name, terminator included */
#define FAMILY 2      /* bytes before it */

/* A name at the host, after the family. */
struct unix_host_name {
	char zero; /* abstract */
	uint64_t key, id;
	struct sock_cred cred;
} __attribute__((packed));

static void
unnamed(struct host_sockaddr *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->family = LX_AF_UNIX;
	sa->len = FAMILY;
}

/* ---- names at the host ---- */

/* Other processes of the host can send to the socket from now on: have the host
 * add the pid of the sender to each message. */
static int
reachable(struct file *f, struct socket *so)
{
	int on = 1;

	atomic_store(&so->reachable, true);
	return (host_setsockopt(
	    f->hostfd, LX_SOL_SOCKET, LX_SO_PASSCRED, &on, sizeof(on)));
}

int
unix_unpair(struct file *f, struct socket *so)
{
	int error = 0;

	kmutex_lock(&so->vfs->sockets->lock);
	if (so->paired && so->type == LX_SOCK_DGRAM) {
		error = reachable(f, so);
		so->paired = false;
		so->dest.kind = SOCK_TO_UNKNOWN;
	}
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

/* Lock held.  Bind the socket to a name of the host, unless it has one. */
static int
host_bind_locked(
    struct file *f, struct socket *so, const struct sock_cred *self)
{
	struct sock_table *s = so->vfs->sockets;
	struct unix_host_name n = {.key = s->key, .cred = *self};
	struct host_sockaddr sa;
	int error;

	if (so->id != 0)
		return (0);
	n.id = atomic_fetch_add(&s->last_id, 1) + 1;
	unnamed(&sa);
	sa.len = FAMILY + sizeof(n);
	memcpy(sa.raw + FAMILY, &n, sizeof(n));
	if (so->type == LX_SOCK_DGRAM && !so->paired) {
		error = reachable(f, so);
		if (error != 0)
			return (error);
	}
	error = host_bind(f->hostfd, &sa);
	if (error != 0)
		return (error);
	so->id = n.id;
	so->host = sa;
	so->cred = n.cred;
	return (0);
}

int
unix_host_bind(struct file *f, struct socket *so, const struct vfs_ctx *ctx)
{
	struct sock_cred self = sock_self(&ctx->waiter);
	int error;

	kmutex_lock(&so->vfs->sockets->lock);
	error = host_bind_locked(f, so, &self);
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

bool
unix_host_parse(const struct vfs *vfs, const struct host_sockaddr *sa,
    uint64_t *id, struct sock_cred *cred)
{
	struct unix_host_name n;

	if (sa->len != FAMILY + sizeof(n) || sa->family != LX_AF_UNIX)
		return (false);
	memcpy(&n, sa->raw + FAMILY, sizeof(n));
	if (n.zero != '\0' || n.key != vfs->sockets->key)
		return (false);
	*id = n.id;
	*cred = n.cred;
	return (true);
}

void
unix_name_of(struct vfs *vfs, uint64_t id, struct host_sockaddr *sa)
{
	struct socket *so;

	unnamed(sa);
	kmutex_lock(&vfs->sockets->lock);
	LIST_FOREACH (so, &vfs->sockets->socks, link)
		if (so->id == id) {
			*sa = so->name;
			break;
		}
	kmutex_unlock(&vfs->sockets->lock);
}

/* ---- names of the guest ---- */

enum name_kind { NAME_NONE, NAME_PATH, NAME_ABSTRACT };

/* The path goes to `path`, UNIX_PATH + 1 bytes.  EINVAL. */
static int
name_parse(const struct host_sockaddr *sa, enum name_kind *kind, char *path)
{
	size_t n;

	if (sa->len < FAMILY || sa->len > FAMILY + UNIX_PATH ||
	    sa->family != LX_AF_UNIX)
		return (EINVAL);
	n = sa->len - FAMILY;
	*kind = n == 0                 ? NAME_NONE
		: sa->raw[FAMILY] == 0 ? NAME_ABSTRACT
				       : NAME_PATH;
	memcpy(path, sa->raw + FAMILY, n);
	path[n] = '\0';
	return (0);
}

/* Lock held. */
static struct socket *
find_abstract(struct vfs *vfs, int type, const struct host_sockaddr *sa)
{
	struct socket *so;

	LIST_FOREACH (so, &vfs->sockets->socks, link)
		if (so->vp == NULL && so->type == type &&
		    so->name.len == sa->len &&
		    memcmp(so->name.raw, sa->raw, sa->len) == 0)
			return (so);
	return (NULL);
}

static struct socket *
find_vnode(struct vfs *vfs, const struct vnode *vp)
{
	struct socket *so;

	LIST_FOREACH (so, &vfs->sockets->socks, link)
		if (so->vp == vp)
			return (so);
	return (NULL);
}

/* A free five-digit abstract name. */
static int
bind_auto(struct vfs *vfs, struct socket *so)
{
	char digits[8];
	uint32_t r;

	for (int i = 0; i < 64; i++) {
		host_random(&r, sizeof(r));
		(void)snprintf(digits, sizeof(digits), "%05x", r & 0xfffff);
		unnamed(&so->name);
		memcpy(so->name.raw + FAMILY + 1, digits, 5);
		so->name.len = FAMILY + 6;
		if (find_abstract(vfs, so->type, &so->name) == NULL)
			return (0);
	}
	so->name.len = 0;
	return (ENOSPC);
}

/* Make the node and ref it. */
static int
bind_path(const char *path, const struct vfs_ctx *ctx, struct vnode **vpp)
{
	struct nameidata nd;
	int error;

	error = vfs_mknod(ctx, NULL, path, LX_S_IFSOCK | 0777, 0);
	if (error != 0)
		return (error == EEXIST ? EADDRINUSE : error);
	error = namei(ctx, NULL, path, NAMEI_NOFOLLOW, &nd);
	if (error != 0)
		return (error);
	if (nd.vp->type != VSOCK) { /* replaced meanwhile */
		vrele(nd.vp);
		return (EADDRINUSE);
	}
	*vpp = nd.vp;
	return (0);
}

/* Begin to bind: one thread at a time, and only once. */
static int
bind_begin(struct socket *so)
{
	int error = 0;

	kmutex_lock(&so->vfs->sockets->lock);
	if (so->bound || so->binding)
		error = EINVAL;
	else
		so->binding = true;
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

/* Lock held.  Give the socket the name, if no other socket has it. */
static int
take_name(struct socket *so, enum name_kind kind,
    const struct host_sockaddr *sa, const struct vnode *vp)
{
	const struct socket *other;

	if (kind == NAME_NONE)
		return (bind_auto(so->vfs, so));
	other = kind == NAME_ABSTRACT ? find_abstract(so->vfs, so->type, sa)
				      : find_vnode(so->vfs, vp);
	if (other != NULL)
		return (EADDRINUSE);
	so->name = *sa;
	return (0);
}

/* Publish the name and end the bind; the ref of vp passes on success. */
static int
bind_commit(struct socket *so, enum name_kind kind,
    const struct host_sockaddr *sa, struct vnode *vp)
{
	struct sock_table *s = so->vfs->sockets;
	int error;

	kmutex_lock(&s->lock);
	error = take_name(so, kind, sa, vp);
	if (error == 0) {
		so->binding = false;
		so->vp = vp;
		so->bound = true;
		LIST_INSERT_HEAD(&s->socks, so, link);
	}
	kmutex_unlock(&s->lock);
	return (error);
}

/* End a bind that failed. */
static void
bind_cancel(struct socket *so)
{
	kmutex_lock(&so->vfs->sockets->lock);
	so->binding = false;
	kmutex_unlock(&so->vfs->sockets->lock);
}

/* What bind() returns for a path if the socket cannot be bound for the reason
 * `error`: Linux makes the node first. */
static int
path_error(const char *path, const struct vfs_ctx *ctx, int error)
{
	struct nameidata nd;
	int first = namei(ctx, NULL, path, NAMEI_PARENT | NAMEI_NOFOLLOW, &nd);

	if (first != 0)
		return (first);
	if (nd.vp != NULL)
		error = EADDRINUSE;
	vrele(nd.vp);
	vrele(nd.dvp);
	return (error);
}

int
unix_bind(struct file *f, struct socket *so, const struct host_sockaddr *sa,
    const struct vfs_ctx *ctx)
{
	char path[UNIX_PATH + 1];
	struct host_sockaddr name = *sa;
	struct vnode *vp = NULL;
	enum name_kind kind;
	int error;

	error = name_parse(sa, &kind, path);
	if (error != 0)
		return (error);
	if (kind == NAME_PATH) { /* getsockname() returns the zero, too */
		name.len = FAMILY + (uint32_t)strlen(path) + 1;
		memcpy(name.raw + FAMILY, path, name.len - FAMILY);
	}
	error = bind_begin(so);
	if (error != 0)
		return (
		    kind == NAME_PATH ? path_error(path, ctx, error) : error);
	error = unix_host_bind(f, so, ctx);
	if (error != 0)
		goto fail;
	if (kind == NAME_PATH) {
		error = bind_path(path, ctx, &vp);
		if (error != 0)
			goto fail;
	}
	error = bind_commit(so, kind, &name, vp);
	if (error == 0)
		return (0);
	vrele(vp);
fail:
	bind_cancel(so);
	return (error);
}

void
unix_unbind(struct socket *so)
{
	struct vnode *vp = NULL;

	kmutex_lock(&so->vfs->sockets->lock);
	if (so->bound) {
		LIST_REMOVE(so, link);
		so->bound = false;
		vp = so->vp;
		so->vp = NULL;
	}
	kmutex_unlock(&so->vfs->sockets->lock);
	vrele(vp);
}

/* The node of a path, ref'ed, if the caller may send to it. */
static int
resolve_path(const char *path, const struct vfs_ctx *ctx, struct vnode **vpp)
{
	struct nameidata nd;
	int error;

	error = namei(ctx, NULL, path, 0, &nd);
	if (error != 0)
		return (error);
	if (nd.vp->type != VSOCK) {
		error = ECONNREFUSED;
		goto fail;
	}
	error = vn_access(nd.vp, 2, ctx);
	/* A read-only mount protects files, not what is sent to a socket. */
	if (error != 0 && error != EROFS)
		goto fail;
	*vpp = nd.vp;
	return (0);
fail:
	vrele(nd.vp);
	return (error);
}

int
unix_resolve(struct socket *so, const struct host_sockaddr *to,
    const struct vfs_ctx *ctx, struct host_sockaddr *host,
    struct host_sockaddr *name, struct sock_cred *cred)
{
	struct vfs *vfs = so->vfs;
	struct vnode *vp = NULL;
	char path[UNIX_PATH + 1];
	enum name_kind kind;
	struct socket *t;
	int error;

	error = name_parse(to, &kind, path);
	if (error != 0)
		return (error);
	if (kind == NAME_NONE)
		return (EINVAL);
	if (kind == NAME_PATH) {
		error = resolve_path(path, ctx, &vp);
		if (error != 0)
			return (error);
	}
	kmutex_lock(&vfs->sockets->lock);
	t = kind == NAME_PATH ? find_vnode(vfs, vp)
			      : find_abstract(vfs, so->type, to);
	if (t == NULL)
		error = ECONNREFUSED;
	else if (t->type != so->type)
		error = EPROTOTYPE;
	else {
		*host = t->host;
		*name = t->name;
		*cred = t->cred;
	}
	kmutex_unlock(&vfs->sockets->lock);
	vrele(vp);
	return (error);
}
