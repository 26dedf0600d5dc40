/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: extended attributes.
 *
 * Data structures.  A node has a tree of its attributes by name.  An attribute
 * is one piece of memory, name and value, and is replaced as a whole.
 *
 * Locking.  tm->lock.  Memory is allocated before it is taken and freed after.
 *
 * Guarantees.  A failed call leaves the attributes as they were.  The names of
 * a file together fit into a list of LX_XATTR_LIST_MAX bytes: one more is
 * ENOSPC.  Memory is charged as names of files are (tmpfs.c).
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/xattr.h"
#include "host/host.h"
#include "mem/kmem.h"

#define TRUSTED "trusted."

static int
tmpfs_xattr_cmp(const struct tmpfs_xattr *a, const struct tmpfs_xattr *b)
{
	return (strcmp(a->name, b->name));
}

RB_GENERATE(tmpfs_xattrs, tmpfs_xattr, by_name, tmpfs_xattr_cmp)

static const void *
xattr_value(const struct tmpfs_xattr *x)
{
	return (x->name + x->namelen);
}

static struct tmpfs_xattr *
xattr_find(struct tmpfs_node *node, const char *name)
{
	struct tmpfs_xattr *x = RB_ROOT(&node->xattrs);
	int c;

	kmutex_assert_owned(&node->tm->lock);
	while (x != NULL) {
		c = strcmp(name, x->name);
		if (c == 0)
			return (x);
		x = c < 0 ? RB_LEFT(x, by_name) : RB_RIGHT(x, by_name);
	}
	return (NULL);
}

static struct tmpfs_xattr *
xattr_alloc(struct tmpfs_mount *tm, const char *name, const void *v, size_t len)
{
	const size_t namelen = strlen(name) + 1;
	struct tmpfs_xattr *x = tmpfs_alloc(tm, sizeof(*x) + namelen + len);

	if (x == NULL)
		return (NULL);
	x->namelen = namelen;
	x->len = len;
	memcpy(x->name, name, namelen);
	if (len > 0)
		memcpy(x->name + namelen, v, len);
	return (x);
}

int
tmpfs_getxattr(
    struct vnode *vp, const char *name, void *buf, size_t size, size_t *len)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	const struct tmpfs_xattr *x;
	int error = 0;

	kmutex_lock(&node->tm->lock);
	x = xattr_find(node, name);
	if (x == NULL)
		error = ENODATA;
	else if (size != 0 && x->len > size)
		error = ERANGE;
	else {
		*len = x->len;
		if (size != 0)
			memcpy(buf, xattr_value(x), x->len);
	}
	kmutex_unlock(&node->tm->lock);
	return (error);
}

int
tmpfs_listxattr(
    struct vnode *vp, bool trusted, char *buf, size_t size, size_t *len)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_xattr *x;
	size_t used = 0;
	int error = 0;

	kmutex_lock(&node->tm->lock);
	RB_FOREACH (x, tmpfs_xattrs, &node->xattrs) {
		if (!trusted && strncmp(x->name, TRUSTED, strlen(TRUSTED)) == 0)
			continue;
		if (size != 0 && x->namelen > size - used) {
			error = ERANGE;
			break;
		}
		if (size != 0)
			memcpy(buf + used, x->name, x->namelen);
		used += x->namelen;
	}
	kmutex_unlock(&node->tm->lock);
	if (error == 0)
		*len = used;
	return (error);
}

/* Lock held.  May the attribute be set, or with `new` NULL be removed? */
static int
xattr_check(const struct tmpfs_node *node, const struct tmpfs_xattr *old,
    const struct tmpfs_xattr *new, int flags)
{
	if (old != NULL)
		return ((flags & LX_XATTR_CREATE) != 0 ? EEXIST : 0);
	if (new == NULL || (flags & LX_XATTR_REPLACE) != 0)
		return (ENODATA);
	return (
	    new->namelen > LX_XATTR_LIST_MAX - node->xattr_names ? ENOSPC : 0);
}

int
tmpfs_setxattr(
    struct vnode *vp, const char *name, const void *v, size_t len, int flags)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	struct tmpfs_xattr *new = NULL, *old;
	int error;

	if (v != NULL) {
		new = xattr_alloc(tm, name, v, len);
		if (new == NULL)
			return (ENOSPC);
	}
	kmutex_lock(&tm->lock);
	old = xattr_find(node, name);
	error = xattr_check(node, old, new, flags);
	if (error != 0) {
		kmutex_unlock(&tm->lock);
		kmem_free(new);
		return (error);
	}
	if (old != NULL) {
		RB_REMOVE(tmpfs_xattrs, &node->xattrs, old);
		node->xattr_names -= old->namelen;
	}
	if (new != NULL) {
		RB_INSERT(tmpfs_xattrs, &node->xattrs, new);
		node->xattr_names += new->namelen;
	}
	node->ctime = (int64_t)host_realtime_ns();
	kmutex_unlock(&tm->lock);
	kmem_free(old);
	return (0);
}

void
tmpfs_xattrs_free(struct tmpfs_node *node)
{
	struct tmpfs_xattr *x;

	while ((x = RB_MIN(tmpfs_xattrs, &node->xattrs)) != NULL) {
		RB_REMOVE(tmpfs_xattrs, &node->xattrs, x);
		kmem_free(x);
	}
}
