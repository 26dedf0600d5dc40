/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Unit tests of the table of mounts: binds, moves, name spaces, flags, limits,
 * and that nothing of them is left.  What programs see is in
 * tests/guest/mounts.c.
 */
#include "vfs_nodes_testlib.h"

#include "vfs/core/fs.h"
#include "vfs/core/vfs.h"
#include "vfs/hostfs/hostfs.h"

static struct vplace
place(struct fx *fx, const char *path)
{
	struct nameidata nd;

	assert_int_equal(namei(&fx->ctx, NULL, path, NAMEI_MNT, &nd), 0);
	return ((struct vplace){nd.mnt, nd.vp});
}

static int
bind(struct fx *fx, const char *from, const char *to, bool rec)
{
	struct vplace a = place(fx, from), b = place(fx, to);
	int error = mntns_bind(fx->vfs->ns, &a, &b, rec);

	vplace_rele(&a);
	vplace_rele(&b);
	return (error);
}

static int
unmount(struct fx *fx, const char *path, bool detach)
{
	struct vplace at = place(fx, path);
	int error = mntns_umount(fx->vfs->ns, &at, &fx->vfs->root, detach);

	vplace_rele(&at);
	return (error);
}

static int
new_tmpfs(struct fx *fx, const char *path)
{
	struct vplace at = place(fx, path);
	struct vmount *fs;
	int error;

	assert_int_equal(tmpfs_mount_create(fx->vfs, TMP_LIMIT, 0755, &fs), 0);
	error = mntns_mount(fx->vfs->ns, fs, NULL, NULL, 0, &at);
	if (error != 0)
		vmount_destroy(fs);
	vplace_rele(&at);
	return (error);
}

static void
expect_path(const struct vplace *at, const char *want)
{
	char buf[256];

	assert_int_equal(vplace_path(at, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, want);
}

static void
dirs(struct fx *fx)
{
	static const char *const names[] = {"/a", "/b", "/a/sub", "/a/sub/in"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(vfs_mkdir(&fx->ctx, NULL, names[i], 0755), 0);
}

/* One vnode at two places, each with its own path and its own "..". */
static void
test_bind(void **state)
{
	struct fx *fx = *state;
	struct vplace one, two, up;

	dirs(fx);
	assert_int_equal(bind(fx, "/a/sub", "/b", false), 0);
	one = place(fx, "/a/sub/in");
	two = place(fx, "/b/in");
	assert_ptr_equal(one.vp, two.vp);
	assert_ptr_not_equal(one.mnt, two.mnt);
	expect_path(&one, "/a/sub/in");
	expect_path(&two, "/b/in");
	up = place(fx, "/b/in/../..");
	expect_path(&up, "/");
	vplace_rele(&up);
	/* A directory that leaves the part that a mount shows. */
	assert_int_equal(
	    vfs_rename(&fx->ctx, NULL, "/a/sub/in", NULL, "/a/in", 0), 0);
	fx->ctx.cwd = two;
	assert_int_equal(eopen(fx, "..", O_RDONLY), ENOENT);
	fx->ctx.cwd = one;
	assert_int_equal(eopen(fx, "../in", O_RDONLY), 0);
	fx->ctx.cwd = (struct vplace){0};
	vplace_rele(&one);
	vplace_rele(&two);
	assert_int_equal(unmount(fx, "/b", false), 0);
	assert_int_equal(unmount(fx, "/b", false), EINVAL);
}

/* Instances live until their last vnode. */
static void
test_detach(void **state)
{
	struct fx *fx = *state;
	struct file *f;
	char buf[8];

	dirs(fx);
	assert_int_equal(new_tmpfs(fx, "/a"), 0);
	f = xopen(fx, "/a/f", O_CREAT | O_RDWR);
	assert_int_equal(xwrite(fx, f, "text", 4, 0), 4);
	assert_int_equal(unmount(fx, "/a", false), EBUSY);
	assert_int_equal(unmount(fx, "/a", true), 0);
	assert_int_equal(eopen(fx, "/a/f", O_RDONLY), ENOENT);
	assert_int_equal(xread(fx, f, buf, sizeof(buf), 0), 4);
	file_free(f);
	assert_int_equal(fx->vfs->nmnts, 4);
	/* Below a mount that goes. */
	assert_int_equal(new_tmpfs(fx, "/b"), 0);
	assert_int_equal(vfs_mkdir(&fx->ctx, NULL, "/b/c", 0755), 0);
	assert_int_equal(new_tmpfs(fx, "/b/c"), 0);
	assert_int_equal(unmount(fx, "/b", false), EBUSY);
	assert_int_equal(unmount(fx, "/b", true), 0);
	assert_int_equal(fx->vfs->nmnts, 4);
}

/* A read-only grant stays one, whatever the flags of its mounts are. */
static void
test_ceiling(void **state)
{
	struct fx *fx = *state;
	struct vplace at;
	struct vmount *mp;

	dirs(fx);
	assert_int_equal(
	    hostfs_mount_create(fx->vfs, "/etc", HOSTFS_RDONLY, &mp), 0);
	assert_int_equal(vfs_mount(fx->vfs, mp, "/a"), 0);
	assert_int_equal(bind(fx, "/a", "/b", false), 0);
	at = place(fx, "/b");
	assert_int_equal(mntns_remount(fx->vfs->ns, &at, 0), 0);
	vplace_rele(&at);
	assert_int_equal(eopen(fx, "/b/new", O_CREAT | O_WRONLY), EROFS);
	assert_int_equal(eopen(fx, "/b/passwd", O_WRONLY), EROFS);
	at = place(fx, "/b/..");
	expect_path(&at, "/");
	vplace_rele(&at);
}

/* What the mounts of the start cover stays hidden. */
static void
test_locked(void **state)
{
	struct fx *fx = *state;
	struct vplace at, b;
	struct vmount *mp;

	dirs(fx);
	file_free(xopen(fx, "/a/hidden", O_CREAT | O_WRONLY));
	assert_int_equal(tmpfs_mount_create(fx->vfs, TMP_LIMIT, 0755, &mp), 0);
	assert_int_equal(vfs_mount(fx->vfs, mp, "/a"), 0);
	assert_int_equal(unmount(fx, "/a", false), EINVAL);
	assert_int_equal(unmount(fx, "/a", true), EINVAL);
	at = place(fx, "/a");
	b = place(fx, "/b");
	assert_int_equal(mntns_move(fx->vfs->ns, &at, &b), EINVAL);
	vplace_rele(&at);
	vplace_rele(&b);
	/* A bind of what is around it, also when that is detached. */
	assert_int_equal(bind(fx, "/", "/b", false), 0);
	assert_int_equal(eopen(fx, "/b/a/hidden", O_RDONLY), ENOENT);
	assert_int_equal(unmount(fx, "/b/a", true), EINVAL);
	fx->ctx.cwd = at = place(fx, "/b");
	assert_int_equal(unmount(fx, "/b", true), 0);
	assert_int_equal(eopen(fx, "a", O_RDONLY), 0);
	assert_int_equal(eopen(fx, "a/hidden", O_RDONLY), ENOENT);
	b = place(fx, "a/..");
	assert_true(vplace_same(&at, &b));
	vplace_rele(&b);
	b = place(fx, "a");
	fx->ctx.cwd = (struct vplace){0};
	vplace_rele(&at);
	/* Its parent is gone. */
	fx->ctx.cwd = b;
	at = place(fx, "..");
	assert_true(vplace_same(&at, &b));
	fx->ctx.cwd = (struct vplace){0};
	vplace_rele(&at);
	vplace_rele(&b);
	assert_int_equal(fx->vfs->nmnts, 5);
}

/* A copy of a name space shows the same, and changes apart. */
static void
test_spaces(void **state)
{
	struct fx *fx = *state;
	struct vplace root = fx->vfs->root, *at[] = {&root};
	struct mntns *copy;

	dirs(fx);
	assert_int_equal(new_tmpfs(fx, "/a"), 0);
	vplace_ref(&root);
	assert_int_equal(mntns_copy(fx->vfs->ns, at, 1, false, &copy), 0);
	assert_int_equal(fx->vfs->nmnts, 10);
	assert_ptr_not_equal(root.mnt, fx->vfs->root.mnt);
	assert_int_equal(unmount(fx, "/a", false), 0);
	assert_int_equal(vfs_rename(&fx->ctx, NULL, "/a", NULL, "/z", 0), 0);
	/* Places of one name space are not changed through another. */
	assert_int_equal(mntns_umount(fx->vfs->ns, &root, &root, true), EINVAL);
	fx->ctx.root = fx->ctx.cwd = root;
	assert_int_equal(eopen(fx, "/z/f", O_CREAT | O_WRONLY), 0);
	assert_int_equal(bind(fx, "/b", "/tmp", false), EINVAL);
	fx->ctx.root = fx->ctx.cwd = (struct vplace){0};
	assert_int_equal(eopen(fx, "/z/f", O_RDONLY), ENOENT);
	mntns_free(copy);
	assert_ptr_equal(root.mnt->ns, NULL);
	vplace_rele(&root);
	assert_int_equal(fx->vfs->nmnts, 4);
	assert_int_equal(fx->vfs->nmntns, 1);
}

/* More mounts than a vfs may have, also in the midst of a copy. */
static void
test_limit(void **state)
{
	struct fx *fx = *state;
	struct vplace root = {0}, *at[] = {&root};
	struct mntns *copy;
	unsigned n = 0, before;

	dirs(fx);
	while (bind(fx, "/", "/b", true) == 0)
		n++;
	assert_in_range(n, 5, 12);
	before = fx->vfs->nmnts;
	assert_int_equal(bind(fx, "/", "/a", true), ENOSPC);
	assert_int_equal(mntns_copy(fx->vfs->ns, at, 0, false, &copy), ENOSPC);
	assert_int_equal(fx->vfs->nmnts, before);
	while (bind(fx, "/a", "/b", false) == 0)
		;
	assert_int_equal(fx->vfs->nmnts, VFS_MOUNTS_MAX);
	assert_int_equal(new_tmpfs(fx, "/a"), ENOSPC);
	while (unmount(fx, "/b", true) == 0)
		;
	assert_int_equal(fx->vfs->nmnts, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_bind, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_detach, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ceiling, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_spaces, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
