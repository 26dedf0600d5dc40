/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A vfs on host_fake for the tests of its own file systems and streams:
 * tmpfs on / and /tmp, devfs on /dev, procfs on /proc; and short forms of its
 * calls.  teardown() checks that no item of a zone, frame, host memory or
 * descriptor is left.
 */
#ifndef TESTS_UNIT_VFS_NODES_TESTLIB_H
#define TESTS_UNIT_VFS_NODES_TESTLIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>

#include "host/host_fake.h"
#include "host/host_file.h"
#include "machine/fake/pmap_soft.h"
#include "mem/vm_zone.h"
#include "pmap/pmap.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"
#include "vfs/procfs/procfs.h"
#include "vfs/tmpfs/tmpfs.h"
#include "vfs/vfs_create.h"
#include "vm/object/vm_object.h"
#include "vm/vmspace.h"
#include "vfs_io_testlib.h"

#define MEM ((uint64_t)32 << 20)
#define TMP_LIMIT ((uint64_t)4 << 20)
#define PG PAGE_SIZE
#define NOREPLACE 1u
#define EXCHANGE 2u

struct fx {
	struct host_fake fake;
	struct vm_system sys;
	struct vfs *vfs;
	struct vfs_ctx ctx;
	int fds;
};

static inline void
mount_on(struct fx *fx, struct vmount *mp, const char *path)
{
	if (path != NULL)
		assert_int_equal(vfs_mkdir(&fx->ctx, NULL, path, 0755), 0);
	assert_int_equal(vfs_mount(fx->vfs, mp, path), 0);
}

static inline int
setup(void **state)
{
	struct vm_system_config cf = {.mem = MEM, .pmap_ops = &pmap_soft_ops};
	struct fx *fx = calloc(1, sizeof(*fx));
	struct vmount *mp;

	signal(SIGPIPE, SIG_IGN);
	fx->fds = host_count_fds();
	cf.host = host_fake(&fx->fake);
	assert_int_equal(vm_system_init(&fx->sys, &cf), 0);
	assert_int_equal(vfs_create(&fx->sys, &fx->vfs), 0);
	fx->ctx.vfs = fx->vfs;
	fx->ctx.caps = VFS_CAPS_ALL;
	assert_int_equal(tmpfs_mount_create(fx->vfs, MEM, 0755, &mp), 0);
	mount_on(fx, mp, NULL);
	assert_int_equal(tmpfs_mount_create(fx->vfs, TMP_LIMIT, 01777, &mp), 0);
	mount_on(fx, mp, "/tmp");
	assert_int_equal(devfs_mount_create(fx->vfs, &mp), 0);
	mount_on(fx, mp, "/dev");
	assert_int_equal(procfs_mount_create(fx->vfs, &mp), 0);
	mount_on(fx, mp, "/proc");
	*state = fx;
	return (0);
}

static inline int
teardown(void **state)
{
	struct fx *fx = *state;

	vfs_destroy(fx->vfs);
	assert_int_equal(vm_check_system(&fx->sys), 0);
	assert_int_equal(vm_zone_set_live(fx->sys.zones), 0);
	assert_int_equal(
	    atomic_load(&fx->sys.phys->nfree), fx->sys.phys->npages);
	vm_system_destroy(&fx->sys);
	assert_int_equal(atomic_load(&fx->fake.live), 0);
	assert_int_equal(host_count_fds(), fx->fds);
	free(fx);
	return (0);
}

/* ---- shorthands ---- */

static inline struct file *
xopen(struct fx *fx, const char *path, int flags)
{
	return (io_open(&fx->ctx, path, flags, 0644));
}

static inline int
eopen(struct fx *fx, const char *path, int flags)
{
	return (io_try_open(&fx->ctx, path, flags, 0644));
}

static inline int
xwrite(struct fx *fx, struct file *f, const void *buf, size_t len, int64_t off)
{
	size_t done;
	int error =
	    io_move(&fx->ctx, f, (void *)(uintptr_t)buf, len, off, true, &done);

	return (error != 0 ? -error : (int)done);
}

static inline int
xread(struct fx *fx, struct file *f, void *buf, size_t len, int64_t off)
{
	size_t done;
	int error = io_move(&fx->ctx, f, buf, len, off, false, &done);

	return (error != 0 ? -error : (int)done);
}

static inline void
put(struct fx *fx, const char *path, const char *text)
{
	struct file *f = xopen(fx, path, O_WRONLY | O_CREAT | O_TRUNC);

	assert_int_equal(xwrite(fx, f, text, strlen(text), -1), strlen(text));
	file_free(f);
}

static inline void
expect_text(struct fx *fx, const char *path, const char *text)
{
	char buf[4096];
	struct file *f = xopen(fx, path, O_RDONLY);
	int n = xread(fx, f, buf, sizeof(buf) - 1, -1);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
	file_free(f);
}

static inline int
xattr(struct fx *fx, const char *path, struct vattr *va)
{
	struct nameidata nd;
	int error = namei(&fx->ctx, NULL, path, NAMEI_NOFOLLOW, &nd);

	if (error != 0)
		return (error);
	assert_int_equal(vn_getattr(nd.vp, va), 0);
	vrele(nd.vp);
	return (0);
}

static inline uint32_t
nlink_of(struct fx *fx, const char *path)
{
	struct vattr va;

	assert_int_equal(xattr(fx, path, &va), 0);
	return (va.nlink);
}

static inline int
trunc_to(struct file *f, uint64_t size)
{
	struct vattr va = {.size = size};

	return (vn_setattr(f->vp, &va, VA_SIZE));
}

static inline int
xrename(struct fx *fx, const char *a, const char *b, unsigned flags)
{
	return (vfs_rename(&fx->ctx, NULL, a, NULL, b, flags));
}

static inline int
xmkdir(struct fx *fx, const char *path)
{
	return (vfs_mkdir(&fx->ctx, NULL, path, 0755));
}

struct names {
	char text[8192]; /* " a b c" in the order given */
	unsigned n, stop;
};

static inline bool
names_add(void *arg, const char *name, size_t len, uint64_t ino, uint8_t dtype,
    uint64_t off)
{
	struct names *ns = arg;

	if (ns->stop != 0 && ns->n == ns->stop)
		return (false);
	ns->n++;
	assert_int_equal(strlen(name), len);
	assert_true(ino != 0 && dtype != 0 && off != 0);
	strcat(ns->text, " ");
	strcat(ns->text, name);
	return (true);
}

static inline void
listing(struct fx *fx, const char *path, struct names *ns)
{
	struct file *f = xopen(fx, path, O_RDONLY | O_DIRECTORY);

	memset(ns, 0, sizeof(*ns));
	assert_int_equal(file_getdents(f, names_add, ns), 0);
	file_free(f);
}

static inline bool
has(const struct names *ns, const char *name)
{
	char key[300];
	const char *p = ns->text;
	size_t len;

	snprintf(key, sizeof(key), " %s", name);
	len = strlen(key);
	while ((p = strstr(p, key)) != NULL) {
		if (p[len] == ' ' || p[len] == '\0')
			return (true);
		p++;
	}
	return (false);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif /* TESTS_UNIT_VFS_NODES_TESTLIB_H */
