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
 *		root of a mount that of the covered place; from the root of the
 *		process nowhere
 *	link	its text is put in front of what is left of the path, and the
 *		walk goes on from the link's directory, or from the root of the
 *		process when the text begins with a slash
 *	magic	links of our own procfs give the vnode itself (vops->follow)
 *
 * openat2(2) can restrict a walk.  A scoped one (RESOLVE_BENEATH, IN_ROOT) has
 * the directory where it starts as its root.  A directory that it is in may be
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
 * Locking and lifetime.  No lock is held between steps.  The walk owns the refs
 * of one place, the directory that it is in; the root and the start are
 * borrowed from the context.
 *
 * Guarantees.  Ends after at most VFS_MAXSYMLINKS links.  On failure no ref
 * is left and *nd holds NULLs.  The result is below ctx->root, unless it was
 * reached by a magic link or from a cwd that is outside, as in Linux.
 *
 * Limits.  What is left of the path and the texts of links together may be
 * 8191 bytes.  A directory that was never looked up by name has no "..", nor
 * has one that was moved out of the part that its mount shows.
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
	struct vplace root; /* borrowed */
	struct vplace dir;  /* ref'ed; where the walk is */
	const char *p;      /* what is left, in buf */
	int flags;          /* NAMEI_*, and those of NAMEI_RESOLVE() */
	unsigned links;
	char name[VFS_NAME_MAX + 1]; /* current component */
	char buf[2 * VFS_PATH_MAX];
};

/* Down through the mounts on *p, whose refs are those of the new place then.
 * EXDEV: *p is released. */
static int
cross_mounts(const struct walk *w, struct vplace *p)
{
	struct mnt *m;

	while ((m = mnt_on(p)) != NULL) {
		if ((w->flags & NO_XDEV) != 0) {
			mnt_rele(m);
			vplace_rele(p);
			return (EXDEV);
		}
		vref(m->root);
		vplace_rele(p);
		*p = (struct vplace){m, m->root};
	}
	return (0);
}

/* The refs of p pass. */
static void
walk_set_dir(struct walk *w, struct vplace p)
{
	vplace_rele(&w->dir);
	w->dir = p;
}

static void
walk_to_root(struct walk *w)
{
	vplace_ref(&w->root);
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

/* Replace *p by its parent: in its mount, or of the covered place.  False:
 * nothing is above; *p has no refs then. */
static bool
place_up(struct vplace *p)
{
	struct vplace up = {0};

	if (!mnt_is_root(p->mnt, p->vp)) {
		up.vp = vnode_parent(p->vp);
		if (up.vp != NULL && (up.mnt = p->mnt) != NULL)
			mnt_ref(up.mnt);
	} else if (p->mnt != NULL)
		(void)mnt_covered(p->mnt, &up);
	vplace_rele(p);
	*p = up;
	return (up.vp != NULL);
}

/* Is p the root of the walk, or below it? */
static bool
walk_below(const struct walk *w, struct vplace p)
{
	vplace_ref(&p);
	while (!vplace_same(&p, &w->root))
		if (!place_up(&p))
			return (false);
	vplace_rele(&p);
	return (true);
}

/* From the root of mounts down to the covered place that is not one.  *p is
 * ref'ed.  EXDEV; *stay: nothing is above. */
static int
walk_uncover(struct walk *w, struct vplace *p, bool *stay)
{
	struct vplace up;

	*stay = false;
	while (!vplace_same(p, &w->root) && mnt_is_root(p->mnt, p->vp)) {
		if (p->mnt == NULL || !mnt_covered(p->mnt, &up)) {
			*stay = true;
			return (0);
		}
		vplace_rele(p);
		*p = up;
		if ((w->flags & NO_XDEV) != 0)
			return (EXDEV);
	}
	return (0);
}

/* "..": to the parent, never above the root of the process. */
static int
walk_up(struct walk *w)
{
	struct vplace p = w->dir;
	struct vnode *up;
	bool stay;
	int error;

	vplace_ref(&p);
	error = walk_uncover(w, &p, &stay);
	if (error != 0 || stay)
		goto out;
	if (vplace_same(&p, &w->root)) {
		if ((w->flags & BENEATH) != 0)
			error = EXDEV;
	} else {
		up = vnode_parent(p.vp);
		/* A mount of a part must not lead out of that part. */
		if (up == NULL ||
		    (p.mnt != NULL && (p.mnt->root->flags & VN_ROOT) == 0 &&
			!vnode_is_ancestor(p.mnt->root, up))) {
			vrele(up);
			error = ENOENT;
			goto out;
		}
		vrele(p.vp);
		p.vp = up;
	}
	if (error == 0)
		error = cross_mounts(w, &p);
	if (error == 0) {
		walk_set_dir(w, p);
		return (
		    (w->flags & SCOPED) != 0 && !walk_below(w, p) ? EAGAIN : 0);
	}
out:
	vplace_rele(&p);
	return (error);
}

/* Give a mount to the result. */
static struct mnt *
walk_mnt(const struct walk *w, struct mnt *m)
{
	if ((w->flags & NAMEI_MNT) == 0 || m == NULL)
		return (NULL);
	mnt_ref(m);
	return (m);
}

static void
walk_set_parent(struct walk *w, const char *last, size_t len)
{
	struct nameidata *nd = w->nd;

	vref(w->dir.vp);
	nd->dvp = w->dir.vp;
	nd->dmnt = walk_mnt(w, w->dir.mnt);
	memcpy(nd->last, last, len + 1);
}

/* The walk ends in the directory it is in: "/", "." or "..". */
static int
walk_end_dir(struct walk *w, const char *last)
{
	struct nameidata *nd = w->nd;

	vref(w->dir.vp);
	nd->vp = w->dir.vp;
	nd->mnt = walk_mnt(w, w->dir.mnt);
	if ((w->flags & NAMEI_PARENT) != 0)
		walk_set_parent(w, last, strlen(last));
	return (0);
}

/* The walk ends at w->name in w->dir; p (its refs pass) may be no place. */
static int
walk_end(struct walk *w, struct vplace p, bool slash)
{
	struct nameidata *nd = w->nd;

	nd->trailing_slash = slash;
	if ((w->flags & NAMEI_PARENT) != 0)
		walk_set_parent(w, w->name, strlen(w->name));
	else if (p.vp->type != VDIR &&
		 (slash || (w->flags & NAMEI_DIRECTORY) != 0)) {
		vplace_rele(&p);
		return (ENOTDIR);
	}
	nd->vp = p.vp;
	nd->mnt = walk_mnt(w, p.mnt);
	mnt_rele(p.mnt);
	return (0);
}

/* The target of the magic link `lvp`. */
static int
walk_magic(struct walk *w, struct vnode *lvp, struct vplace *target)
{
	struct vplace p = {0};
	int error;

	/* Those in the root of procfs, such as "self", are ordinary links on
	 * Linux; procfs only knows where they lead. */
	if ((w->dir.vp->flags & VN_ROOT) == 0) {
		if ((w->flags & NO_MAGICLINKS) != 0)
			return (ELOOP);
		if ((w->flags & SCOPED) != 0)
			return (EXDEV);
	}
	error = lvp->ops->follow(lvp, w->ctx, &p);
	if (error != 0)
		return (error);
	if (p.mnt == NULL && p.vp->mount == lvp->mount) {
		p.mnt = w->dir.mnt;
		if (p.mnt != NULL)
			mnt_ref(p.mnt);
	} else if (p.mnt == NULL)
		p.mnt = mnt_of_vnode(w->ctx->vfs, w->root.mnt, p.vp);
	if ((w->flags & NO_XDEV) != 0 && p.mnt != w->dir.mnt) {
		vplace_rele(&p);
		return (EXDEV);
	}
	*target = p;
	return (0);
}

/*
 * Follow the link `lvp`.  *target is the place of a magic link, or none: the
 * text of the link is now in front of the rest.
 */
static int
walk_link(struct walk *w, struct vnode *lvp, struct vplace *target)
{
	char text[VFS_PATH_MAX];
	size_t len;
	int error;

	*target = (struct vplace){0};
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
	    ((w->flags & NO_XDEV) != 0 && w->dir.mnt != w->root.mnt))
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
walk_lookup(struct walk *w, struct vplace *p)
{
	struct vnode *dvp = w->dir.vp;
	int error;

	if (dvp->ops->lookup == NULL)
		return (ENOTDIR);
	error = dvp->ops->lookup(dvp, w->name, &p->vp);
	if (error != 0)
		return (error);
	vnode_set_name(p->vp, dvp, w->name);
	p->mnt = w->dir.mnt;
	if (p->mnt != NULL)
		mnt_ref(p->mnt);
	return (cross_mounts(w, p));
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
	struct vplace p, target;
	bool slash, last;
	int error;

	error = walk_next(w, &slash);
	if (error != 0)
		return (error);
	last = w->p[strspn(w->p, "/")] == '\0';
	if (w->dir.vp->type != VDIR)
		return (ENOTDIR);
	error = vn_access(w->dir.vp, 1, w->ctx);
	if (error != 0)
		return (error);
	if (strcmp(w->name, ".") == 0 || strcmp(w->name, "..") == 0) {
		if (w->name[1] == '.')
			error = walk_up(w);
		*done = last;
		return (error == 0 && last ? walk_end_dir(w, w->name) : error);
	}
	error = walk_lookup(w, &p);
	if (error == ENOENT && last && (w->flags & NAMEI_PARENT) != 0) {
		*done = true;
		return (walk_end(w, (struct vplace){0}, slash));
	}
	if (error != 0)
		return (error);
	if (p.vp->type == VLNK && walk_follows(w, last, slash)) {
		error = walk_link(w, p.vp, &target);
		vplace_rele(&p);
		if (error != 0 || target.vp == NULL)
			return (error);
		p = target;
	}
	if (last) {
		*done = true;
		return (walk_end(w, p, slash));
	}
	walk_set_dir(w, p);
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
namei(const struct vfs_ctx *ctx, const struct vplace *start, const char *path,
    int flags, struct nameidata *nd)
{
	struct walk w;
	size_t len;
	int error;

	nd->vp = nd->dvp = NULL;
	nd->mnt = nd->dmnt = NULL;
	nd->last[0] = '\0';
	nd->trailing_slash = false;
	len = strnlen(path, VFS_PATH_MAX);
	if (len == VFS_PATH_MAX)
		return (ENAMETOOLONG);
	w.ctx = ctx;
	w.nd = nd;
	w.flags = flags;
	w.links = 0;
	w.root = ctx->root.vp != NULL ? ctx->root : ctx->vfs->root;
	w.dir = start != NULL ? *start : ctx->cwd;
	if ((flags & BENEATH) != 0 && path[0] == '/')
		return (EXDEV);
	if ((flags & SCOPED) != 0 && w.dir.vp != NULL)
		w.root = w.dir;
	if (path[0] == '/' || w.dir.vp == NULL)
		w.dir = w.root;
	vplace_ref(&w.dir);
	if (len == 0) {
		if ((flags & NAMEI_EMPTY) == 0)
			error = ENOENT;
		else if ((flags & NAMEI_DIRECTORY) != 0 &&
			 w.dir.vp->type != VDIR)
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
	vplace_rele(&w.dir);
	return (error);
}

void
nameidata_rele(struct nameidata *nd)
{
	vrele(nd->vp);
	vrele(nd->dvp);
	mnt_rele(nd->mnt);
	mnt_rele(nd->dmnt);
}
