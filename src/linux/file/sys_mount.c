/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on mounts: mount, umount2, pivot_root.
 *
 * A caller needs rights over its name space of mounts, not over the kernel
 * (kern_mounts_capable()).  The places are looked up as the caller, and then
 * changed by src/vfs/core/mntns.c.
 *
 * File systems.  tmpfs (and ramfs, which is the same here) is a new instance.
 * The others are the instance that the kernel was started with: proc, sysfs,
 * cgroup2, devtmpfs, and devpts, which is the folder pts of devtmpfs.  A disk
 * cannot be mounted: ENODEV.
 *
 * Limits.  Propagation types are accepted, and every mount is private.
 * MS_REMOUNT changes the flags of the mount, not those of other mounts of the
 * instance, and options of the file system are ignored then.
 */
#include "linux/lib/sys_int.h"

#include "abi/fcntl.h"
#include "abi/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/base/mountns.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vfs/tmpfs/tmpfs.h"

sys_fn sys_mount, sys_umount2, sys_pivot_root;

#define MOUNT_TYPE \
	(LX_MS_SHARED | LX_MS_PRIVATE | LX_MS_SLAVE | LX_MS_UNBINDABLE)

/* ---- options of tmpfs ---- */

struct tmpfs_options {
	uint64_t size; /* bytes */
	uint32_t mode, uid, gid;
};

/* "64k", "50%".  EINVAL. */
static int
option_size(const char *s, uint64_t memory, uint64_t *size)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	char *end;
	uint64_t n = strtoull(s, &end, 0);

	if (end == s)
		return (EINVAL);
	if (strcmp(end, "%") == 0) {
		*size = n > 100 ? memory : memory / 100 * n;
		return (0);
	}
	if (*end != '\0') {
		unit = strchr(units, *end | 0x20);
		if (unit == NULL || end[1] != '\0' ||
		    __builtin_mul_overflow(
			n, UINT64_C(1) << 10 * (unit - units + 1), &n))
			return (EINVAL);
	}
	*size = n;
	return (0);
}

static int
option_number(const char *s, int base, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(s, &end, base);

	if (end == s || *end != '\0' || n > UINT32_MAX)
		return (EINVAL);
	*out = (uint32_t)n;
	return (0);
}

static int
tmpfs_option(char *name, uint64_t memory, struct tmpfs_options *o)
{
	char *value = strchr(name, '=');
	int error;

	if (value != NULL)
		*value++ = '\0';
	else
		value = name + strlen(name);
	if (name[0] == '\0')
		return (0);
	if (strcmp(name, "size") == 0)
		return (option_size(value, memory, &o->size));
	if (strcmp(name, "mode") == 0) {
		error = option_number(value, 8, &o->mode);
		o->mode &= VS_PERM;
		return (error);
	}
	if (strcmp(name, "uid") == 0)
		return (option_number(value, 10, &o->uid));
	if (strcmp(name, "gid") == 0)
		return (option_number(value, 10, &o->gid));
	/* Limits of other kinds, and how memory is spread: no effect. */
	if (strcmp(name, "nr_inodes") == 0 || strcmp(name, "nr_blocks") == 0 ||
	    strcmp(name, "huge") == 0 || strcmp(name, "mpol") == 0 ||
	    strcmp(name, "inode32") == 0 || strcmp(name, "inode64") == 0 ||
	    strcmp(name, "noswap") == 0)
		return (0);
	return (EINVAL);
}

/* A new tmpfs, owned by the caller. */
static int
tmpfs_new(struct lwp *l, const char *source, char *data, struct vmount **out)
{
	const uint64_t memory = l->p->k->config.mem;
	struct tmpfs_options o = {.size = memory / 2, .mode = 01777};
	struct vfs_ctx ctx = lwp_vfs_ctx(l);
	char *save = NULL, *name;
	struct vmount *fs;
	struct vattr va;
	int error = 0;

	o.uid = ctx.uid;
	o.gid = ctx.gid;
	lwp_vfs_ctx_done(&ctx);
	for (name = strtok_r(data, ",", &save); name != NULL && error == 0;
	     name = strtok_r(NULL, ",", &save))
		error = tmpfs_option(name, memory, &o);
	if (error != 0)
		return (error);
	if (o.size == 0)
		o.size = INT64_MAX; /* as Linux: no limit of its own */
	error = tmpfs_mount_create(l->p->k->vfs, o.size, o.mode, &fs);
	if (error != 0)
		return (error);
	vmount_set_source(fs, source);
	va.uid = o.uid;
	va.gid = o.gid;
	error = vn_setattr(fs->root, &va, VA_UID | VA_GID);
	if (error != 0)
		vmount_destroy(fs);
	else
		*out = fs;
	return (error);
}

/* ---- mount(2) ---- */

static unsigned
mount_flags(uint64_t flags)
{
	unsigned f = (unsigned)flags &
		     (VMNT_RDONLY | VMNT_NOSUID | VMNT_NODEV | VMNT_NOEXEC);

	if ((flags & LX_MS_STRICTATIME) != 0)
		f |= VMNT_STRICTATIME;
	else if ((flags & LX_MS_NOATIME) != 0)
		f |= VMNT_NOATIME;
	if ((flags & LX_MS_NODIRATIME) != 0)
		f |= VMNT_NODIRATIME;
	return (f);
}

/* The vnode of the folder pts of devtmpfs, ref'ed. */
static int
devpts_root(struct vmount *fs, struct vnode **vpp)
{
	int error = fs->root->ops->lookup(fs->root, "pts", vpp);

	if (error == 0)
		vnode_set_name(*vpp, fs->root, "pts");
	return (error);
}

/* May the caller mount this file system?  In a user namespace only what shows
 * something that the user namespace owns. */
static bool
may_mount_type(struct lwp *l, const char *type)
{
	struct ns_set *set = proc_ns_ref(l->p);
	const struct userns *owner = (struct userns *)l->p->k->ns->of[NS_USER];
	bool may;

	if (strcmp(type, "proc") == 0)
		owner = l->p->pidns->ns.owner;
	else if (strcmp(type, "cgroup2") == 0)
		owner = set->of[NS_CGROUP]->owner;
	may = strcmp(type, "devpts") == 0 ||
	      cred_ns_capable(l->cred, owner, LX_CAP_SYS_ADMIN);
	ns_set_free(set);
	return (may);
}

/* Mount a file system of the kernel once more. */
static int
mount_shared(struct lwp *l, struct mntns *ns, const char *type, unsigned flags,
    const struct vplace *on)
{
	static const struct {
		const char *type, *instance;
	} kinds[] = {
	    {"proc", "proc"},
	    {"sysfs", "sysfs"},
	    {"cgroup2", "cgroup2"},
	    {"devtmpfs", "devtmpfs"},
	    {"devpts", "devtmpfs"},
	};
	struct vnode *root = NULL;
	struct vmount *fs = NULL;
	const char *name = NULL;
	int error = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].type, type) == 0) {
			name = kinds[i].type;
			fs = vfs_instance(l->p->k->vfs, kinds[i].instance);
		}
	if (fs == NULL)
		return (ENODEV);
	if (!may_mount_type(l, name))
		return (EPERM);
	if (strcmp(name, "devpts") == 0)
		error = devpts_root(fs, &root);
	if (error != 0)
		return (error);
	/* A /proc shows the processes of one name space. */
	if (strcmp(name, "proc") == 0 && l->p->pidns->level != 0) {
		ns_ref(&l->p->pidns->ns);
		error = procfs_mount_create_in(l->p->k->vfs, l->p->pidns, &fs);
		if (error != 0)
			return (error);
		fs->root->flags |= VN_ROOT;
	} else
		vmount_use(fs);
	error = mntns_mount(ns, fs, root, name, flags, on);
	if (error != 0)
		vmount_destroy(fs);
	vrele(root);
	return (error);
}

static int
mount_new(struct lwp *l, struct mntns *ns, const char *source, const char *type,
    unsigned flags, char *data, const struct vplace *on)
{
	struct vmount *fs;
	int error;

	if (type[0] == '\0')
		return (EINVAL);
	if (strcmp(type, "tmpfs") != 0 && strcmp(type, "ramfs") != 0)
		return (mount_shared(l, ns, type, flags, on));
	error = tmpfs_new(l, source, data, &fs);
	if (error != 0)
		return (error);
	error = mntns_mount(ns, fs, NULL, NULL, flags, on);
	if (error != 0)
		vmount_destroy(fs);
	return (error);
}

static int
mount_type(struct mntns *ns, uint64_t flags, const struct vplace *on)
{
	const uint64_t type = flags & MOUNT_TYPE;

	if ((type & (type - 1)) != 0 ||
	    (flags & ~(MOUNT_TYPE | LX_MS_REC | LX_MS_SILENT)) != 0)
		return (EINVAL);
	/* Each mount is private: only the place is checked. */
	return (mntns_check(ns, on));
}

static int
mount_remount(struct mntns *ns, uint64_t flags, const struct vplace *on)
{
	const unsigned atime =
	    VMNT_NOATIME | VMNT_NODIRATIME | VMNT_STRICTATIME;
	unsigned f = mount_flags(flags);

	if ((flags & (LX_MS_NOATIME | LX_MS_NODIRATIME | LX_MS_RELATIME |
			 LX_MS_STRICTATIME)) == 0 &&
	    on->mnt != NULL)
		f |= atomic_load(&on->mnt->flags) & atime;
	return (mntns_remount(ns, on, f));
}

/* The kernel's copies of the strings of mount(2). */
struct mount_args {
	char type[64];
	char source[256];
	char data[PAGE_SIZE];
};

/* MS_BIND and MS_MOVE: the source is a path. */
static int
mount_from(struct lwp *l, struct mntns *ns, uint64_t usource, uint64_t flags,
    const struct vplace *on)
{
	struct vplace from;
	int error;

	error = sys_path_place(l, LX_AT_FDCWD, usource, 0, &from, NULL);
	if (error == ENOENT && usource == 0)
		error = EINVAL;
	if (error != 0)
		return (error);
	if ((flags & LX_MS_BIND) != 0)
		error = mntns_bind(ns, &from, on, (flags & LX_MS_REC) != 0);
	else
		error = mntns_move(ns, &from, on);
	vplace_rele(&from);
	return (error);
}

static int
mount_call(struct lwp *l, struct mntns *ns, const uint64_t *a,
    struct mount_args *ma, const struct vplace *on)
{
	uint64_t flags = a[3];

	if ((flags & LX_MS_MGC_MASK) == LX_MS_MGC)
		flags &= ~LX_MS_MGC_MASK;
	if (!kern_mounts_capable(l, ns))
		return (EPERM);
	if ((flags & LX_MS_REMOUNT) != 0)
		return (mount_remount(ns, flags, on));
	if ((flags & (LX_MS_BIND | LX_MS_MOVE)) != 0 &&
	    ((flags & LX_MS_BIND) != 0 || (flags & MOUNT_TYPE) == 0))
		return (mount_from(l, ns, a[0], flags, on));
	if ((flags & MOUNT_TYPE) != 0)
		return (mount_type(ns, flags, on));
	return (mount_new(
	    l, ns, ma->source, ma->type, mount_flags(flags), ma->data, on));
}

/* Copy an optional string in.  EFAULT, EINVAL (too long). */
static int
mount_string(struct lwp *l, uint64_t uaddr, char *buf, size_t size)
{
	int error;

	buf[0] = '\0';
	if (uaddr == 0)
		return (0);
	error = copyinstr(lwp_vmspace(l), buf, uaddr, size, NULL);
	return (error == ENAMETOOLONG ? EINVAL : error);
}

int
sys_mount(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct mount_args *ma = kmem_alloc(sizeof(*ma));
	struct mntns *ns;
	struct vplace on;
	int error;

	if (ma == NULL)
		return (ENOMEM);
	error = mount_string(l, a[2], ma->type, sizeof(ma->type));
	if (error == EINVAL)
		error = ENODEV; /* no type has such a name */
	if (error == 0)
		error = mount_string(l, a[0], ma->source, sizeof(ma->source));
	if (error == EINVAL) /* a path, which is copied again where it is one */
		error = 0;
	if (error == 0)
		error = mount_string(l, a[4], ma->data, sizeof(ma->data));
	if (error == 0)
		error = sys_path_place(l, LX_AT_FDCWD, a[1], 0, &on, NULL);
	if (error == 0) {
		ns = kern_mountns_ref(l->p);
		error = mount_call(l, ns, a, ma, &on);
		vplace_rele(&on);
		mntns_free(ns);
	}
	kmem_free(ma);
	return (error);
}

int
sys_umount2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t flags = a[1] & UINT32_MAX;
	struct vplace at, root;
	struct vfs_ctx ctx;
	struct mntns *ns;
	int error;

	/* MNT_EXPIRE needs a mark that each use removes: not offered. */
	if ((flags & ~(LX_MNT_FORCE | LX_MNT_DETACH | LX_UMOUNT_NOFOLLOW)) != 0)
		return (EINVAL);
	error = sys_path_place(l, LX_AT_FDCWD, a[0],
	    (flags & LX_UMOUNT_NOFOLLOW) != 0 ? LX_AT_SYMLINK_NOFOLLOW : 0, &at,
	    NULL);
	if (error != 0)
		return (error);
	ns = kern_mountns_ref(l->p);
	if (!kern_mounts_capable(l, ns)) {
		error = EPERM;
		goto out;
	}
	ctx = lwp_vfs_ctx(l);
	root = ctx.root;
	error = mntns_umount(ns, &at, &root, (flags & LX_MNT_DETACH) != 0);
	lwp_vfs_ctx_done(&ctx);
out:
	vplace_rele(&at);
	mntns_free(ns);
	return (error);
}

int
sys_pivot_root(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace fresh, old;
	struct vfs_ctx ctx;
	struct mntns *ns;
	int error;

	ns = kern_mountns_ref(l->p);
	error = kern_mounts_capable(l, ns) ? 0 : EPERM;
	if (error == 0)
		error = sys_path_place(l, LX_AT_FDCWD, a[0], 0, &fresh, NULL);
	if (error != 0)
		goto out;
	error = sys_path_place(l, LX_AT_FDCWD, a[1], 0, &old, NULL);
	if (error != 0)
		goto out_fresh;
	ctx = lwp_vfs_ctx(l);
	error = fresh.vp->type != VDIR || old.vp->type != VDIR
		    ? ENOTDIR
		    : mntns_pivot(ns, &fresh, &old, &ctx.root);
	if (error == 0)
		kern_mounts_moved(l->p->k, &ctx.root, &fresh);
	lwp_vfs_ctx_done(&ctx);
	vplace_rele(&old);
out_fresh:
	vplace_rele(&fresh);
out:
	mntns_free(ns);
	return (error);
}
