/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A hostfs on a scratch directory of the host, for the tests of the vfs core:
 * short forms of the host's calls there and of the vfs's.  env_fini() checks
 * that no item of a zone, frame or descriptor is left.
 */
#ifndef TESTS_UNIT_VFS_TESTLIB_H
#define TESTS_UNIT_VFS_TESTLIB_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host_file.h"
#include "machine/fake/pmap_soft.h"
#include "mem/vm_zone.h"
#include "pmap/pmap.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/hostfs/hostfs.h"
#include "vfs/vfs_create.h"
#include "vm/vmspace.h"
#include "vfs_io_testlib.h"

#define BASE ((vm_offset_t)0x10000000)

struct env {
	int fds; /* open before */
	struct vm_system sys;
	struct vfs *vfs;
	struct vfs_ctx ctx;
	char dir[64];
};

/* ---- the host's side ---- */

static inline void
hpath(struct env *e, const char *name, char out[4200])
{
	(void)snprintf(out, 4200, "%s/%s", e->dir, name);
}

static inline void
hmkdir(struct env *e, const char *name)
{
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(mkdir(p, 0755), 0);
}

static inline void
hlink(struct env *e, const char *text, const char *name)
{
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(symlink(text, p), 0);
}

static inline void
hwrite(struct env *e, const char *name, const void *data, size_t len)
{
	char p[4200];
	FILE *f;

	hpath(e, name, p);
	f = fopen(p, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline size_t
hread(struct env *e, const char *name, void *buf, size_t len)
{
	char p[4200];
	size_t n;
	FILE *f;

	hpath(e, name, p);
	f = fopen(p, "r");
	assert_non_null(f);
	n = fread(buf, 1, len, f);
	fclose(f);
	return (n);
}

static inline uint64_t
hino(struct env *e, const char *name)
{
	struct stat st;
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(lstat(p, &st), 0);
	return (st.st_ino);
}

static inline int
rm_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return (remove(path));
}

/* ---- environment ---- */

static inline void
env_mount(struct env *e, const char *hostpath, bool rdonly, const char *at)
{
	struct vmount *mp;

	assert_int_equal(hostfs_mount_create(e->vfs, hostpath, rdonly, &mp), 0);
	assert_int_equal(vfs_mount(e->vfs, mp, at), 0);
}

static inline void
env_init_mem(struct env *e, bool rdonly, uint64_t mem)
{
	struct vm_system_config cf = {
	    .host = host_linux(),
	    .mem = mem,
	    .pmap_ops = &pmap_soft_ops,
	};

	memset(e, 0, sizeof(*e));
	e->fds = host_count_fds();
	strcpy(e->dir, "/tmp/vmspace-vfs-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	assert_int_equal(vm_system_init(&e->sys, &cf), 0);
	assert_int_equal(vfs_create(&e->sys, &e->vfs), 0);
	env_mount(e, e->dir, rdonly, NULL);
	e->ctx = (struct vfs_ctx){
	    .vfs = e->vfs,
	    .caps = VFS_CAPS_ALL,
	    .umask = 022,
	    .cwd = e->vfs->root,
	    .root = e->vfs->root,
	};
}

static inline void
env_init(struct env *e, bool rdonly)
{
	env_init_mem(e, rdonly, UINT64_C(32) << 20);
}

static inline void
env_fini(struct env *e)
{
	vfs_destroy(e->vfs);
	assert_int_equal(vm_zone_set_live(e->sys.zones), 0);
	vm_system_destroy(&e->sys);
	assert_int_equal(nftw(e->dir, rm_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(host_count_fds(), e->fds);
}

/* ---- shorthands ---- */

/* errno of looking path up; *ino of what was found. */
static inline int
look(struct env *e, const char *path, int flags, uint64_t *ino)
{
	struct nameidata nd;
	int error = namei(&e->ctx, NULL, path, flags, &nd);

	if (error != 0) {
		assert_null(nd.vp);
		assert_null(nd.dvp);
		return (error);
	}
	if (ino != NULL)
		*ino = nd.vp != NULL ? nd.vp->ino : 0;
	vrele(nd.vp);
	vrele(nd.dvp);
	return (0);
}

static inline void
found(struct env *e, const char *path, const char *hname)
{
	uint64_t ino = 0;

	assert_int_equal(look(e, path, 0, &ino), 0);
	assert_int_equal(ino, hino(e, hname));
}

static inline int
fopen_(struct env *e, const char *path, int flags, struct file **f)
{
	return (vfs_open(&e->ctx, NULL, path, flags, 0666, f));
}

static inline int
try_open(struct env *e, const char *path, int flags)
{
	return (io_try_open(&e->ctx, path, flags, 0666));
}

static inline struct file *
xopen(struct env *e, const char *path, int flags)
{
	return (io_open(&e->ctx, path, flags, 0666));
}

static inline int
fwrite_(struct env *e, struct file *f, const void *buf, size_t len, int64_t at,
    size_t *done)
{
	return (
	    io_move(&e->ctx, f, (void *)(uintptr_t)buf, len, at, true, done));
}

static inline int
fread_(struct env *e, struct file *f, void *buf, size_t len, int64_t at,
    size_t *done)
{
	return (io_move(&e->ctx, f, buf, len, at, false, done));
}

static inline void
xwrite(struct env *e, struct file *f, const void *buf, size_t len, int64_t at)
{
	size_t done;

	assert_int_equal(fwrite_(e, f, buf, len, at, &done), 0);
	assert_int_equal(done, len);
}

static inline size_t
xread(struct env *e, struct file *f, void *buf, size_t len, int64_t at)
{
	size_t done;

	assert_int_equal(fread_(e, f, buf, len, at, &done), 0);
	return (done);
}

#endif /* TESTS_UNIT_VFS_TESTLIB_H */
