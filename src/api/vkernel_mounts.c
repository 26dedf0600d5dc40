/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The file system view of a kernel instance: the root, the mounts that every
 * kernel has, and those of its configuration.
 *
 * Concepts.  The root is a directory of the host, read-only.  /proc, /sys,
 * /dev, /dev/shm and /tmp are mounted over it, where the root has such
 * directories, and then the configured mounts, in order.  A configured mount
 * that covers the root (--rw /) is made first, so that it does not hide /proc
 * and /dev of this kernel; it brings its own /tmp.  A missing mount point is
 * created if the file system below it is a tmpfs of this kernel.
 *
 * A path that is to be writable (VKERNEL_MOUNT_RW) names a file of the root.
 * It is resolved in the guest's view while only the root is mounted, and the
 * result, which contains no symbolic link, is appended to the host path of the
 * root.  Therefore a link in an untrusted root cannot direct the writable mount
 * outside the root.
 *
 * Errors: the first mount that fails ends the creation of the kernel and is
 * named in one log line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_file.h"
#include "api/vkernel_int.h"
#include "kern/proctext/kern_procfs.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"
#include "vfs/hostfs/hostfs.h"
#include "vfs/procfs/procfs.h"
#include "vfs/tmpfs/tmpfs.h"

#define TMP_MODE 01777u
#define RUN_MODE 0755u

static struct vfs_ctx
mounts_ctx(struct vkernel *k)
{
	struct vfs_ctx ctx = {
	    .vfs = k->vfs,
	    .umask = 022,
	    .cwd = k->vfs->root,
	    .root = k->vfs->root,
	};
	uint32_t uid, gid;

	host_ids(&uid, &ctx.uid, &gid, &ctx.gid);
	if (ctx.uid == 0)
		ctx.caps = VFS_CAPS_ALL;
	return (ctx);
}

static int
mounts_refused(struct vkernel *k, const char *what, const char *path, int error)
{
	klog(&k->log, KLOG_ERR, "cannot set up the %s %s: %s", what, path,
	    error == EPERM ? "it is on a procfs of the host, which no guest "
			     "may use; the guest has a /proc of its own"
			   : strerror(error));
	return (error);
}

/* The path of a writable mount without symbolic links, malloc'ed. */
static int
mounts_canonical(struct vkernel *k, const char *path, char **out)
{
	struct vfs_ctx ctx = mounts_ctx(k);
	struct nameidata nd = {0};
	struct vplace at;
	char *buf;
	int error;

	error = namei(&ctx, NULL, path, NAMEI_MNT, &nd);
	if (error != 0)
		return (error);
	buf = malloc(VFS_PATH_MAX);
	at = (struct vplace){nd.mnt, nd.vp};
	error =
	    buf == NULL ? ENOMEM : vplace_path(&at, NULL, buf, VFS_PATH_MAX);
	nameidata_rele(&nd);
	if (error != 0) {
		free(buf);
		return (error);
	}
	*out = buf;
	return (0);
}

/* Create the missing parts of a mount point, where that is possible. */
static int
mounts_make_point(struct vkernel *k, const char *path, bool dir)
{
	struct vfs_ctx ctx = mounts_ctx(k);
	char part[VFS_PATH_MAX];
	struct nameidata nd = {0};
	const char *slash = path;
	struct file *f;
	int error;

	error = namei(&ctx, NULL, path, 0, &nd);
	if (error == 0)
		vrele(nd.vp);
	if (error != ENOENT)
		return (error);
	if (strlen(path) >= sizeof(part))
		return (ENAMETOOLONG);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		error = vfs_mkdir(&ctx, NULL, part, RUN_MODE);
		if (error != 0 && error != EEXIST)
			goto out;
	}
	if (dir) {
		error = vfs_mkdir(&ctx, NULL, path, RUN_MODE);
		goto out;
	}
	error =
	    vfs_open(&ctx, NULL, path, O_CREAT | O_EXCL | O_WRONLY, 0644, &f);
	if (error == 0)
		file_free(f);
out:
	/* EROFS: the mount point is missing and the root is read-only. */
	return (error == EROFS ? ENOENT : error);
}

/* A mount that every kernel has.  If the root has no directory for it, it is
 * left out. */
static int
mounts_default(struct vkernel *k, const char *path, struct vmount *mp)
{
	int error = vfs_mount(k->vfs, mp, path);

	if (error == ENOENT || error == ENOTDIR) {
		klog(&k->log, KLOG_INFO, "the root has no directory %s", path);
		return (0);
	}
	return (error == 0 ? 0 : mounts_refused(k, "mount", path, error));
}

static bool
mounts_configures(struct vkernel *k, char *const *rw, const char *path)
{
	for (size_t i = 0; i < k->config.nmounts; i++) {
		const char *at =
		    rw[i] != NULL ? rw[i] : k->config.mounts[i].dst;

		if (strcmp(at, path) == 0)
			return (true);
	}
	return (false);
}

/* Does a configured mount cover the root?  Then it is made before those of the
 * kernel, which it would hide otherwise. */
static bool
mounts_is_root(struct vkernel *k, const struct vkernel_mount *m, const char *rw)
{
	char *path;
	bool is;

	if (m->kind == VKERNEL_MOUNT_DEVICE)
		return (false);
	if (rw != NULL)
		return (strcmp(rw, "/") == 0);
	if (mounts_canonical(k, m->dst, &path) != 0)
		return (false); /* it will be created, or refused */
	is = strcmp(path, "/") == 0;
	free(path);
	return (is);
}

/* /sys and the cgroup in it. */
static int
mounts_sys(struct vkernel *k)
{
	int cpus[LWP_CPUS], error;
	const unsigned n = (unsigned)host_cpus(cpus, LWP_CPUS);
	struct vmount *mp;

	error = procfs_tree_mount_create(
	    k->vfs, "sysfs", kern_sysfs_files, cpus, n, &mp);
	if (error != 0)
		return (error);
	error = mounts_default(k, "/sys", mp);
	if (error != 0)
		return (error);
	error = procfs_tree_mount_create(
	    k->vfs, "cgroup2", kern_cgroup_files, NULL, 0, &mp);
	if (error != 0)
		return (error);
	return (mounts_default(k, "/sys/fs/cgroup", mp));
}

/* The mounts of each kernel; tmp: also /tmp. */
static int
mounts_defaults(struct vkernel *k, bool tmp)
{
	const uint64_t limit = k->config.mem / 2;
	struct vmount *mp;
	int error;

	error = procfs_mount_create(k->vfs, &mp);
	if (error != 0)
		return (error);
	error = mounts_default(k, "/proc", mp);
	if (error != 0)
		return (error);
	error = mounts_sys(k);
	if (error != 0)
		return (error);
	error = devfs_mount_create(k->vfs, &mp);
	if (error != 0)
		return (error);
	error = mounts_default(k, "/dev", mp);
	if (error != 0)
		return (error);
	error = tmpfs_mount_create(k->vfs, limit, TMP_MODE, &mp);
	if (error != 0)
		return (error);
	error = mounts_default(k, "/dev/shm", mp);
	if (error != 0)
		return (error);
	if (!tmp)
		return (0);
	error = tmpfs_mount_create(k->vfs, limit, TMP_MODE, &mp);
	if (error != 0)
		return (error);
	return (mounts_default(k, "/tmp", mp));
}

/* The host path of a canonical path of the root, malloc'ed. */
static char *
mounts_host_path(struct vkernel *k, const char *path)
{
	const char *root = k->config.root;
	size_t n = strlen(root);
	char *out;

	while (n > 0 && root[n - 1] == '/')
		n--;
	if (asprintf(&out, "%.*s%s", (int)n, root, path) < 0)
		return (NULL);
	return (out);
}

/* Make a file of the host a device: its vnode is mounted over a node of devfs.
 */
static int
mounts_device(struct vkernel *k, const struct vkernel_mount *m)
{
	const struct vfs_device d = {.name = m->dst, .mode = 0666};
	char at[VFS_NAME_MAX + sizeof("/dev/")];
	struct vmount *mp;
	int error;

	error = hostfs_mount_create(
	    k->vfs, m->src, HOSTFS_DATA | (m->rdonly ? HOSTFS_RDONLY : 0), &mp);
	if (error != 0)
		return (mounts_refused(k, "device", m->src, error));
	error = mp->root->type == VDIR ? EISDIR : devfs_device_add(k->vfs, &d);
	if (error != 0) {
		vmount_destroy(mp);
		return (mounts_refused(k, "device", m->dst, error));
	}
	(void)snprintf(at, sizeof(at), "/dev/%s", m->dst);
	error = vfs_mount(k->vfs, mp, at);
	return (error == 0 ? 0 : mounts_refused(k, "device", at, error));
}

static int
mounts_one(struct vkernel *k, const struct vkernel_mount *m, const char *rw)
{
	const unsigned flags = k->config.allow_chown ? HOSTFS_CHOWN : 0;
	const char *at = rw != NULL ? rw : m->dst;
	struct vmount *mp;
	char *host;
	int error;

	switch (m->kind) {
	case VKERNEL_MOUNT_DEVICE:
		return (mounts_device(k, m));
	case VKERNEL_MOUNT_RW:
		host = mounts_host_path(k, rw);
		error = host == NULL
			    ? ENOMEM
			    : hostfs_mount_create(k->vfs, host, flags, &mp);
		free(host);
		break;
	case VKERNEL_MOUNT_BIND:
		error = hostfs_mount_create(k->vfs, m->src,
		    flags | (m->rdonly ? HOSTFS_RDONLY : 0), &mp);
		if (error != 0)
			return (mounts_refused(k, "mount of", m->src, error));
		break;
	default:
		error = tmpfs_mount_create(
		    k->vfs, k->config.mem / 2, TMP_MODE, &mp);
		break;
	}
	if (error != 0)
		return (mounts_refused(k, "mount", at, error));
	error = mounts_make_point(k, at, mp->root->type == VDIR);
	if (error != 0) {
		vmount_destroy(mp);
		return (mounts_refused(k, "mount", at, error));
	}
	error = vfs_mount(k->vfs, mp, at);
	return (error == 0 ? 0 : mounts_refused(k, "mount", at, error));
}

static int
mounts_root(struct vkernel *k)
{
	struct vmount *mp;
	int error;

	error = hostfs_mount_create(k->vfs, k->config.root, HOSTFS_RDONLY, &mp);
	if (error != 0)
		goto fail;
	error = vfs_mount(k->vfs, mp, NULL);
	if (error != 0)
		goto fail;
	if (k->vfs->root.vp->type == VDIR)
		return (0);
	error = ENOTDIR;
fail:
	return (mounts_refused(k, "root", k->config.root, error));
}

/* All mounts except the root.  rw has an entry for each configured mount; the
 * caller frees the paths in it. */
static int
mounts_all(struct vkernel *k, char **rw)
{
	const struct vkernel_mount *m = k->config.mounts;
	const size_t n = k->config.nmounts;
	bool root[VKERNEL_NMOUNTS_MAX];
	bool covered = false;
	int error;

	for (size_t i = 0; i < n; i++) {
		if (m[i].kind != VKERNEL_MOUNT_RW)
			continue;
		error = mounts_canonical(k, m[i].src, &rw[i]);
		if (error != 0)
			return (mounts_refused(
			    k, "writable path", m[i].src, error));
	}
	for (size_t i = 0; i < n; i++) {
		root[i] = mounts_is_root(k, &m[i], rw[i]);
		if (!root[i])
			continue;
		covered = true;
		error = mounts_one(k, &m[i], rw[i]);
		if (error != 0)
			return (error);
	}
	error =
	    mounts_defaults(k, !covered && !mounts_configures(k, rw, "/tmp"));
	if (error != 0)
		return (error);
	for (size_t i = 0; i < n; i++) {
		if (root[i])
			continue;
		error = mounts_one(k, &m[i], rw[i]);
		if (error != 0)
			return (error);
	}
	return (0);
}

int
vkernel_mounts(struct vkernel *k)
{
	const size_t n = k->config.nmounts;
	char **rw;
	int error;

	error = mounts_root(k);
	if (error != 0)
		return (error);
	rw = calloc(n + 1, sizeof(*rw));
	if (rw == NULL)
		return (ENOMEM);
	error = mounts_all(k, rw);
	for (size_t i = 0; i < n; i++)
		free(rw[i]);
	free(rw);
	return (error);
}
