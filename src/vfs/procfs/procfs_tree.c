/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fixed trees of texts, for sysfs and cgroup2.
 *
 * Concepts.  The maker of a mount gives a table of paths.  The directories are
 * made of it once: a node for each component, which names its parent by index.
 * A component with %d is one node that stands for a name with each of the
 * numbers of the mount (the CPUs), so the tree does not grow with these; a
 * vnode has the node and the number.  Texts are made by procfs_text.c like
 * those of /proc.
 *
 *      "devices/system/cpu/cpu%d/topology/core_id"
 *
 * Locking and lifetime: trees do not change.  A directory has one vnode at a
 * time, which the hash of the mount keeps.
 *
 * Guarantees.  Nothing can be written; the mount is read-only.
 *
 * Limits.  One %d in a path.  Lookups are linear in the size of the tree.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/statfs.h"
#include "libk/kassert.h"
#include "mem/vm_types.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"

#define NAME_MAX_HERE 64 /* bytes of a name, with its NUL */

struct tree_node {
	unsigned parent;
	const char *name; /* in the path, `len` bytes */
	size_t len;
	const struct procfs_tree_file *file; /* NULL: a directory */
};

/* All [I]. */
struct procfs_tree {
	struct tree_node *node; /* 0: the root */
	unsigned n;
	int *num; /* what %d stands for */
	unsigned nnums;
	bool cgroup;
};

/* ---- making ---- */

/* The child of a directory with that component, or 0. */
static unsigned
tree_child(
    const struct procfs_tree *t, unsigned dir, const char *name, size_t len)
{
	for (unsigned i = 1; i < t->n; i++)
		if (t->node[i].parent == dir && t->node[i].len == len &&
		    memcmp(t->node[i].name, name, len) == 0)
			return (i);
	return (0);
}

/* Add the components of a path; t->node has room for them. */
static void
tree_add(struct procfs_tree *t, const struct procfs_tree_file *file)
{
	const char *name = file->path, *end;
	unsigned dir = 0, i;
	bool last;

	for (; *name != '\0'; name = last ? end : end + 1) {
		end = strchrnul(name, '/');
		last = *end == '\0';
		KASSERT((size_t)(end - name) + 8 < NAME_MAX_HERE);
		i = tree_child(t, dir, name, (size_t)(end - name));
		if (i == 0) {
			i = t->n++;
			t->node[i] = (struct tree_node){.parent = dir,
			    .name = name,
			    .len = (size_t)(end - name),
			    .file = last ? file : NULL};
		}
		dir = i;
	}
}

static unsigned
tree_components(const struct procfs_tree_file *files)
{
	unsigned n = 1;

	for (; files->path != NULL; files++) {
		n++;
		for (const char *p = files->path; *p != '\0'; p++)
			n += *p == '/';
	}
	return (n);
}

void
procfs_tree_free(struct procfs_tree *t)
{
	if (t == NULL)
		return;
	free(t->node);
	free(t->num);
	free(t);
}

int
procfs_tree_mount_create(struct vfs *vfs, const char *fstype,
    const struct procfs_tree_file *files, const int *numbers, unsigned nnumbers,
    struct vmount **mpp)
{
	const struct procfs_node root = {.kind = PN_TREEDIR};
	struct procfs_tree *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return (ENOMEM);
	t->node = calloc(tree_components(files), sizeof(*t->node));
	t->num = calloc(nnumbers + 1, sizeof(*t->num));
	if (t->node == NULL || t->num == NULL) {
		procfs_tree_free(t);
		return (ENOMEM);
	}
	t->cgroup = strcmp(fstype, "cgroup2") == 0;
	t->n = 1;
	t->nnums = nnumbers;
	for (unsigned i = 0; i < nnumbers; i++)
		t->num[i] = numbers[i];
	for (; files->path != NULL; files++)
		tree_add(t, files);
	return (procfs_mount_make(vfs, fstype, VMNT_RDONLY, &root, t, mpp));
}

/* ---- directories ---- */

static const struct procfs_tree *
tree_of(const struct vnode *vp)
{
	const struct procfs_mount *pm = vp->mount->data;

	return (pm->tree);
}

/* Has the component a name for each number? */
static bool
tree_many(const struct tree_node *tn)
{
	return (memchr(tn->name, '%', tn->len) != NULL);
}

/* The name of a node, with `num` in the place of %d. */
static void
tree_name(const struct tree_node *tn, int num, char name[NAME_MAX_HERE])
{
	const char *percent = memchr(tn->name, '%', tn->len);
	const size_t at = percent != NULL ? (size_t)(percent - tn->name) : 0;

	if (percent == NULL)
		(void)snprintf(
		    name, NAME_MAX_HERE, "%.*s", (int)tn->len, tn->name);
	else
		(void)snprintf(name, NAME_MAX_HERE, "%.*s%d%.*s", (int)at,
		    tn->name, num, (int)(tn->len - at - 2), percent + 2);
}

static void
tree_node_init(
    const struct procfs_tree *t, unsigned i, int num, struct procfs_node *n)
{
	*n = (struct procfs_node){
	    .kind = t->node[i].file != NULL ? PN_TREE : PN_TREEDIR,
	    .idx = i,
	    .num = num};
}

/*
 * The entry at *at of a directory or after, and *at past it: its name and node.
 * Positions are (index of the tree's node, index of the number).
 */
static bool
tree_next(const struct vnode *dvp, uint64_t *at, char name[NAME_MAX_HERE],
    struct procfs_node *n)
{
	const struct procfs_node *dir = procfs_node(dvp);
	const struct procfs_tree *t = tree_of(dvp);
	const uint64_t per = t->nnums + 1;
	uint64_t i = *at / per, j = *at % per;

	for (; i < t->n; i++, j = 0) {
		const struct tree_node *tn = &t->node[i];

		if (i == 0 || tn->parent != dir->idx ||
		    j >= (tree_many(tn) ? t->nnums : 1))
			continue;
		tree_node_init(
		    t, (unsigned)i, tree_many(tn) ? t->num[j] : dir->num, n);
		tree_name(tn, n->num, name);
		*at = i * per + j + 1;
		return (true);
	}
	return (false);
}

/* Directories have one vnode each, so that a mount on one is found. */
static int
tree_vget(struct vmount *mp, const struct procfs_node *n, struct vnode **vpp)
{
	struct vnode *vp, *other;
	int error;

	if (n->kind != PN_TREEDIR)
		return (procfs_vget(mp, n, vpp));
	vp = vnode_hash_get(mp, mp->dev, procfs_ino(n), NULL);
	if (vp == NULL) {
		error = procfs_vget(mp, n, &vp);
		if (error != 0)
			return (error);
		other = vnode_hash_insert(vp);
		if (other != NULL) {
			vrele(vp);
			vp = other;
		}
	}
	*vpp = vp;
	return (0);
}

int
procfs_tree_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	char have[NAME_MAX_HERE];
	struct procfs_node n;
	uint64_t at = 0;

	while (tree_next(dvp, &at, have, &n))
		if (strcmp(have, name) == 0)
			return (tree_vget(dvp->mount, &n, vpp));
	return (ENOENT);
}

int
procfs_tree_readdir(
    struct vnode *vp, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	char name[NAME_MAX_HERE];
	struct procfs_node n;

	while (tree_next(vp, &off, name, &n))
		if (!fn(arg, name, strlen(name), procfs_ino(&n),
			vtype_dtype(n.kind == PN_TREE ? VREG : VDIR), off))
			break;
	return (0);
}

int
procfs_tree_text(struct vnode *vp, struct procfs_buf *b)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	(void)procfs_ops_of(vp, &arg);
	return (tree_of(vp)->node[n->idx].file->text(arg, n->num, b));
}

int
procfs_tree_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	*sf = (struct vfs_statfs){
	    .type =
		tree_of(vp)->cgroup ? LX_CGROUP2_SUPER_MAGIC : LX_SYSFS_MAGIC,
	    .bsize = PAGE_SIZE,
	    .namelen = VFS_NAME_MAX,
	};
	return (0);
}
