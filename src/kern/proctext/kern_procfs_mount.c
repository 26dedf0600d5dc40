/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/mounts, mountinfo and mountstats: the mounts of the name space of
 * the process that are below its root, with paths as seen from there.
 *
 * Concepts.  The root mount has VFS_MNT_ROOT as its parent, which is not in the
 * table, as on Linux.  The device numbers are those of the root of the mount,
 * which stat(2) gives for its files.
 *
 * Locking: the list of mounts is walked under its lock.
 *
 * Limits.  A grant of a directory of the host is shown as a whole file system.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>
#include <string.h>

#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

/* A field: blanks, backslashes and # as \ooo. */
static void
mount_field(struct procfs_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr(" \t\n\\#", *s) != NULL)
			procfs_printf(b, "\\%03o", (unsigned char)*s);
		else
			procfs_write(b, s, 1);
	}
}

/* The options of the mount itself. */
static void
mount_options(struct procfs_buf *b, const struct mnt *m)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
	    {VMNT_NOSUID, ",nosuid"},
	    {VMNT_NODEV, ",nodev"},
	    {VMNT_NOEXEC, ",noexec"},
	    {VMNT_NOATIME, ",noatime"},
	    {VMNT_NODIRATIME, ",nodiratime"},
	};

	procfs_printf(b, mnt_has(m, VMNT_RDONLY) ? "ro" : "rw");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mnt_has(m, names[i].flag))
			procfs_printf(b, "%s", names[i].name);
	if (!mnt_has(m, VMNT_NOATIME | VMNT_STRICTATIME))
		procfs_printf(b, ",relatime");
}

/* Those of the file system. */
static const char *
fs_rights(const struct mnt *m)
{
	return ((m->fs->flags & VMNT_RDONLY) != 0 ? "ro" : "rw");
}

static bool
mounts_line(void *arg, const struct mnt *m, const char *path)
{
	struct procfs_buf *b = arg;

	mount_field(b, m->fs->source);
	procfs_write(b, " ", 1);
	mount_field(b, path);
	procfs_printf(b, " %s ", m->fstype);
	/* One list: read-only if either is. */
	if (!mnt_has(m, VMNT_RDONLY) && (m->fs->flags & VMNT_RDONLY) != 0)
		procfs_printf(b, "ro,relatime");
	else
		mount_options(b, m);
	procfs_printf(b, " 0 0\n");
	return (true);
}

static bool
mountinfo_line(void *arg, const struct mnt *m, const char *path)
{
	const struct vplace root = {NULL, m->root};
	const struct vplace top = {NULL, m->fs->root};
	const uint64_t dev = m->root->dev;
	struct procfs_buf *b = arg;
	char part[VFS_PATH_MAX];

	procfs_printf(b, "%u %u %u:%u ", m->id,
	    m->parent != NULL ? m->parent->id : VFS_MNT_ROOT,
	    (unsigned)(dev >> 8 & 0xfff),
	    (unsigned)((dev & 0xff) | (dev >> 12 & 0xfff00)));
	if (vplace_path_locked(root, &top, part, sizeof(part)) != 0)
		(void)strcpy(part, "/");
	mount_field(b, part);
	procfs_write(b, " ", 1);
	mount_field(b, path);
	procfs_write(b, " ", 1);
	mount_options(b, m);
	procfs_printf(b, " - %s ", m->fstype);
	mount_field(b, m->fs->source);
	procfs_printf(b, " %s\n", fs_rights(m));
	return (true);
}

static bool
mountstats_line(void *arg, const struct mnt *m, const char *path)
{
	struct procfs_buf *b = arg;

	procfs_printf(b, "device ");
	mount_field(b, m->fs->source);
	procfs_printf(b, " mounted on ");
	mount_field(b, path);
	procfs_printf(b, " with fstype %s\n", m->fstype);
	return (true);
}

/* A line for each mount that the process can reach. */
static int
each_mount(struct procfs_proc *pi, struct procfs_buf *b,
    bool (*line)(void *arg, const struct mnt *, const char *path))
{
	struct proc_fs *fs = proc_fs_ref(pi->p);
	struct vplace root;
	struct mntns *ns;

	if (fs == NULL)
		return (EINVAL); /* as Linux says it of a zombie */
	kmutex_lock(&fs->lock);
	root = fs->root;
	ns = fs->ns;
	vplace_ref(&root);
	mntns_ref(ns);
	kmutex_unlock(&fs->lock);
	mntns_each(ns, &root, line, b);
	vplace_rele(&root);
	mntns_free(ns);
	proc_fs_free(pi->p->k, fs);
	return (0);
}

int
pid_text_mounts(struct procfs_proc *pi, struct procfs_buf *b)
{
	return (each_mount(pi, b, mounts_line));
}

int
pid_text_mountinfo(struct procfs_proc *pi, struct procfs_buf *b)
{
	return (each_mount(pi, b, mountinfo_line));
}

int
pid_text_mountstats(struct procfs_proc *pi, struct procfs_buf *b)
{
	return (each_mount(pi, b, mountstats_line));
}
