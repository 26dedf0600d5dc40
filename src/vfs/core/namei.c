/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name lookup: from a path to a vnode that is below the root.
 *
 * Purpose.  The guest's root may be a directory of the host, which holds
 * symbolic links that are meant for the host, whose tree other processes
 * change at any time, and below which the host's own /proc may be found.  No
 * path, link or race may lead to a file that is not below the root.
 *
 * Concepts.  The walk is done here, a component at a time.  A file system is
 * only asked to look up one name in one directory that it has already
 * returned, never for "..", never for a path, and never to follow a link:
 *
 *	name	vops->lookup, then down through what is mounted there
 *	"."	nothing
 *	".."	the parent the directory was found in (vnode.parent); from the
 *		root of a mount that of the covered vnode; from the root of the
 *		process nowhere
 *	link	its text is put in front of what is left of the path, and the
 *		walk goes on from the link's directory, or from the root of the
 *		process when the text begins with a slash
 *	magic	links of our own procfs give the vnode itself (vops->follow)
 *
 * openat2(2) can restrict a walk.  A scoped one (RESOLVE_BENEATH, IN_ROOT) has
 *the directory where it starts as its root.  A directory that it is in may be
 * moved out of that root meanwhile; after each ".." the walk checks that its
 * directory is still below, and fails with EAGAIN if not.
 *
 * If a directory is replaced by a link between two steps, the walk sees one of
 * the two.  A check and its use never see different files, because both use the
 * same vnode.  A link in the host's /proc such as "self/root" is followed by
 * its text, like any other link.
 *
 * Data structures.  One buffer of twice the longest path holds the text that
 * is left at its end; link texts are copied in front of it.
 *
 * Locking and lifetime.  No lock is held between steps.  The walk owns one
 * ref, that of the directory it is in; the root and the start are borrowed
 * from the context.
 *
 * Guarantees.  Ends after at most VFS_MAXSYMLINKS links.  On failure no ref
 * is left and *nd holds NULLs.  The result is below ctx->root, unless it was
 * reached by a magic link or from a cwd that is outside, as in Linux.
 *
 * Limits.  What is left of the path and the texts of links together may be
 * 8191 bytes.  A directory that was never looked up by name has no "..".
 */

#include <errno.h>
#include <string.h>

#include "abi/fcntl.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

#define NO_XDEV NAMEI_RESOLVE(LX_RESOLVE_NO_XDEV)
#define NO_MAGICLINKS NAMEI_RESOLVE(LX_RESOLVE_NO_MAGICLINKS)
#define NO_SYMLINKS NAMEI_RESOLVE(LX_RESOLVE_NO_SYMLINKS)
#define BENEATH NAMEI_RESOLVE(LX_RESOLVE_BENEATH)
#define SCOPED (BENEATH | NAMEI_RESOLVE(LX_RESOLVE_IN_ROOT))

struct walk {
	const struct vfs_ctx *ctx;
	struct nameidata *nd;
	struct vnode *root;    /* borrowed; what is mounted on ctx->root */
	struct vnode *rawroot; /* borrowed; ctx->root itself, or scoped: root */
	struct vnode *dir;     /* ref'ed; where the walk is */
	const char *p;         /* what is left, in buf */
	int flags;             /* NAMEI_*, and those of NAMEI_RESOLVE() */
	unsigned links;
	char name[VFS_NAME_MAX + 1]; /* current component */
	char buf[2 * VFS_PATH_MAX];
};

/* Down through the mounts on vp, whose ref passes in any case.  EXDEV. */
static int
cross_mounts(const struct walk *w, struct vnode *vp, struct vnode **out)
{
	struct vmount *mp;
	struct vnode *root;

	while ((mp = vnode_mounted_here(vp)) != NULL) {
		if ((w->flags & NO_XDEV) != 0) {
			vrele(vp);
			return (EXDEV);
		}
		root = mp->root;
		vref(root);
		vrele(vp);
		vp = root;
	}
	*out = vp;
	return (0);
}

static void
walk_set_dir(struct walk *w, struct vnode *vp)
{
	vrele(w->dir);
	w->dir = vp;
}

static void
walk_to_root(struct walk *w)
{
	vref(w->root);
	walk_set_dir(w, w->root);
}

/* Put `len` bytes of text in front of what is left. */
static int
walk_prepend(struct walk *w, const char *text, size_t len)
{
	char *at = w->buf + (w->p - w->buf);

	if (len > (size_t)(at - w->buf))
		return (ENAMETOOLONG);
	at -= len;
	memcpy(at, text, len);
	w->p = at;
	return (0);
}

/* Is vp the root of the walk, or below it? */
static bool
walk_below(const struct walk *w, struct vnode *vp)
{
	struct vnode *up;

	vref(vp);
	while (vp != w->root) {
		if ((vp->flags & VN_ROOT) == 0)
			up = vnode_parent(vp);
		else {
			up = vp->mount->covers;
			if (up != NULL)
				vref(up);
		}
		vrele(vp);
		if (up == NULL)
			return (false);
		vp = up;
	}
	vrele(vp);
	return (true);
}

/* "..": to the parent, never above the root of the process. */
static int
walk_up(struct walk *w)
{
	struct vnode *vp = w->dir, *up;
	int error;

	for (;;) {
		if (vp == w->root || vp == w->rawroot) {
			if ((w->flags & BENEATH) != 0)
				return (EXDEV);
			walk_to_root(w);
			return (0);
		}
		if ((vp->flags & VN_ROOT) == 0)
			break;
		if (vp->mount->covers == NULL)
			return (0);
		if ((w->flags & NO_XDEV) != 0)
			return (EXDEV);
		vp = vp->mount->covers;
	}
	up = vnode_parent(vp);
	if (up == NULL)
		return (ENOENT);
	error = cross_mounts(w, up, &up);
	if (error != 0)
		return (error);
	walk_set_dir(w, up);
	return ((w->flags & SCOPED) != 0 && !walk_below(w, up) ? EAGAIN : 0);
}

/* The walk ends in the directory it is in: "/", "." or "..". */
static int
walk_end_dir(struct walk *w, const char *last)
{
	struct nameidata *nd = w->nd;

	vref(w->dir);
	nd->vp = w->dir;
	if ((w->flags & NAMEI_PARENT) != 0) {
		vref(w->dir);
		nd->dvp = w->dir;
		memcpy(nd->last, last, strlen(last) + 1);
	}
	return (0);
}

/* The walk ends at w->name in w->dir; vp (its ref passes) may be NULL. */
static int
walk_end(struct walk *w, struct vnode *vp, bool slash)
{
	struct nameidata *nd = w->nd;

	nd->trailing_slash = slash;
	if ((w->flags & NAMEI_PARENT) != 0) {
		vref(w->dir);
		nd->dvp = w->dir;
		memcpy(nd->last, w->name, sizeof(nd->last));
	} else if (vp->type != VDIR &&
		   (slash || (w->flags & NAMEI_DIRECTORY) != 0)) {
		vrele(vp);
		return (ENOTDIR);
	}
	nd->vp = vp;
	return (0);
}

/* The target of the magic link `lvp`. */
static int
walk_magic(struct walk *w, struct vnode *lvp, struct vnode **target)
{
	struct vnode *vp;
	int error;

	/* Those in the root of procfs, such as "self", are ordinary links on
	 * Linux; procfs only knows where they lead. */
	if ((w->dir->flags & VN_ROOT) == 0) {
		if ((w->flags & NO_MAGICLINKS) != 0)
			return (ELOOP);
		if ((w->flags & SCOPED) != 0)
			return (EXDEV);
	}
	error = lvp->ops->follow(lvp, w->ctx, &vp);
	if (error != 0)
		return (error);
	if ((w->flags & NO_XDEV) != 0 && vp->mount != w->dir->mount) {
		vrele(vp);
		return (EXDEV);
	}
	*target = vp;
	return (0);
}

/*
 * Follow the link `lvp`.  *target is the vnode of a magic link, or NULL: the
 * text of the link is now in front of the rest.
 */
static int
walk_link(struct walk *w, struct vnode *lvp, struct vnode **target)
{
	char text[VFS_PATH_MAX];
	size_t len;
	int error;

	*target = NULL;
	if ((w->flags & NO_SYMLINKS) != 0 || ++w->links > VFS_MAXSYMLINKS)
		return (ELOOP);
	if (lvp->ops->follow != NULL)
		return (walk_magic(w, lvp, target));
	if (lvp->ops->readlink == NULL)
		return (EINVAL);
	error = lvp->ops->readlink(lvp, w->ctx, text, sizeof(text), &len);
	if (error != 0)
		return (error);
	if (len == 0)
		return (ENOENT);
	if (len >= sizeof(text))
		return (ENAMETOOLONG);
	error = walk_prepend(w, text, len);
	if (error != 0 || text[0] != '/')
		return (error);
	if ((w->flags & BENEATH) != 0 ||
	    ((w->flags & NO_XDEV) != 0 && w->dir->mount != w->root->mount))
		return (EXDEV);
	walk_to_root(w);
	return (0);
}

/* Take the next component into w->name; *slash: a slash follows it. */
static int
walk_next(struct walk *w, bool *slash)
{
	size_t len = strcspn(w->p, "/");

	if (len > VFS_NAME_MAX)
		return (ENAMETOOLONG);
	memcpy(w->name, w->p, len);
	w->name[len] = '\0';
	w->p += len;
	*slash = *w->p == '/';
	return (0);
}

static int
walk_lookup(struct walk *w, struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	if (w->dir->ops->lookup == NULL)
		return (ENOTDIR);
	error = w->dir->ops->lookup(w->dir, w->name, &vp);
	if (error != 0)
		return (error);
	vnode_set_name(vp, w->dir, w->name);
	return (cross_mounts(w, vp, vpp));
}

/* Is a link to be followed? */
static bool
walk_follows(const struct walk *w, bool last, bool slash)
{
	if (!last || (w->flags & NAMEI_NOFOLLOW) == 0)
		return (true);
	return (slash && (w->flags & NAMEI_PARENT) == 0);
}

/*
 * One step.  *done: the walk has ended and *nd is set (when 0 is returned).
 */
static int
walk_step(struct walk *w, bool *done)
{
	struct vnode *vp, *target;
	bool slash, last;
	int error;

	error = walk_next(w, &slash);
	if (error != 0)
		return (error);
	last = w->p[strspn(w->p, "/")] == '\0';
	if (w->dir->type != VDIR)
		return (ENOTDIR);
	error = vn_access(w->dir, 1, w->ctx);
	if (error != 0)
		return (error);
	if (strcmp(w->name, ".") == 0 || strcmp(w->name, "..") == 0) {
		if (w->name[1] == '.')
			error = walk_up(w);
		*done = last;
		return (error == 0 && last ? walk_end_dir(w, w->name) : error);
	}
	error = walk_lookup(w, &vp);
	if (error == ENOENT && last && (w->flags & NAMEI_PARENT) != 0) {
		*done = true;
		return (walk_end(w, NULL, slash));
	}
	if (error != 0)
		return (error);
	if (vp->type == VLNK && walk_follows(w, last, slash)) {
		error = walk_link(w, vp, &target);
		vrele(vp);
		if (error != 0 || target == NULL)
			return (error);
		vp = target;
	}
	if (last) {
		*done = true;
		return (walk_end(w, vp, slash));
	}
	walk_set_dir(w, vp);
	return (0);
}

static int
walk_run(struct walk *w)
{
	bool done = false;
	int error;

	while (!done) {
		w->p += strspn(w->p, "/");
		if (*w->p == '\0')
			return (walk_end_dir(w, "/"));
		error = walk_step(w, &done);
		if (error != 0)
			return (error);
	}
	return (0);
}

/*
 * Resolve a path; see lookup.h.
 * - No locks held; may do I/O.
 * - With NAMEI_PARENT and a path that ends in "/", "." or "..", vp and dvp
 *   are both that directory and `last` says which it was.
 */
int
namei(const struct vfs_ctx *ctx, struct vnode *start, const char *path,
    int flags, struct nameidata *nd)
{
	struct vmount *mp;
	struct walk w;
	size_t len;
	int error;

	nd->vp = nd->dvp = NULL;
	nd->last[0] = '\0';
	nd->trailing_slash = false;
	len = strnlen(path, VFS_PATH_MAX);
	if (len == VFS_PATH_MAX)
		return (ENAMETOOLONG);
	w.ctx = ctx;
	w.nd = nd;
	w.flags = flags;
	w.links = 0;
	w.rawroot = w.root = ctx->root != NULL ? ctx->root : ctx->vfs->root;
	while ((mp = vnode_mounted_here(w.root)) != NULL)
		w.root = mp->root;
	w.dir = start != NULL ? start : ctx->cwd;
	if ((flags & BENEATH) != 0 && path[0] == '/')
		return (EXDEV);
	if ((flags & SCOPED) != 0 && w.dir != NULL)
		w.rawroot = w.root = w.dir;
	if (path[0] == '/' || w.dir == NULL)
		w.dir = w.root;
	vref(w.dir);
	if (len == 0) {
		if ((flags & NAMEI_EMPTY) == 0)
			error = ENOENT;
		else if ((flags & NAMEI_DIRECTORY) != 0 && w.dir->type != VDIR)
			error = ENOTDIR;
		else
			error = walk_end_dir(&w, ".");
	} else {
		w.p = w.buf + sizeof(w.buf) - 1;
		w.buf[sizeof(w.buf) - 1] = '\0';
		error = walk_prepend(&w, path, len);
		KASSERT(error == 0);
		error = walk_run(&w);
	}
	vrele(w.dir);
	return (error);
}
