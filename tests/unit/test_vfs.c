/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The vfs core and hostfs, on a scratch directory of the host: descriptor
 * tables against a model, name lookup and attempts to leave the root by
 * links, "..", magic links and races, read-only against writable mounts, the
 * one cache of mappings and read/write, and that nothing is left at the end.
 */
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
#include "pmap/pmap.h"
#include "vfs/vfs_int.h"
#include "vm/vm_zone.h"
#include "vm/vmspace.h"

#define BASE ((vm_offset_t)0x10000000)

struct env {
	int fds; /* open before */
	struct vm_system sys;
	struct vfs *vfs;
	struct vfs_ctx ctx;
	char dir[64];
};

/* ---- the host's side ---- */

static void
hpath(struct env *e, const char *name, char out[4200])
{
	(void)snprintf(out, 4200, "%s/%s", e->dir, name);
}

static void
hmkdir(struct env *e, const char *name)
{
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(mkdir(p, 0755), 0);
}

static void
hlink(struct env *e, const char *text, const char *name)
{
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(symlink(text, p), 0);
}

static void
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

static size_t
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

static uint64_t
hino(struct env *e, const char *name)
{
	struct stat st;
	char p[4200];

	hpath(e, name, p);
	assert_int_equal(lstat(p, &st), 0);
	return (st.st_ino);
}

static int
rm_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return (remove(path));
}

/* ---- environment ---- */

static void
env_mount(struct env *e, const char *hostpath, bool rdonly, const char *at)
{
	struct vmount *mp;

	assert_int_equal(hostfs_mount_create(e->vfs, hostpath, rdonly, &mp), 0);
	assert_int_equal(vfs_mount(e->vfs, mp, at), 0);
}

static void
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
	    .umask = 022,
	    .cwd = e->vfs->root,
	    .root = e->vfs->root,
	};
}

static void
env_init(struct env *e, bool rdonly)
{
	env_init_mem(e, rdonly, UINT64_C(32) << 20);
}

static void
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
static int
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

static void
found(struct env *e, const char *path, const char *hname)
{
	uint64_t ino = 0;

	assert_int_equal(look(e, path, 0, &ino), 0);
	assert_int_equal(ino, hino(e, hname));
}

static int
fopen_(struct env *e, const char *path, int flags, struct file **f)
{
	return (vfs_open(&e->ctx, NULL, path, flags, 0666, f));
}

static int
try_open(struct env *e, const char *path, int flags)
{
	struct file *f;
	int error = fopen_(e, path, flags, &f);

	if (error == 0)
		file_free(f);
	return (error);
}

static struct file *
xopen(struct env *e, const char *path, int flags)
{
	struct file *f = NULL;

	assert_int_equal(fopen_(e, path, flags, &f), 0);
	return (f);
}

static int
fwrite_(struct env *e, struct file *f, const void *buf, size_t len, int64_t at,
    size_t *done)
{
	struct host_iovec iov;
	struct uio uio;
	int error;

	uio_init1(&uio, &iov, (void *)(uintptr_t)buf, len,
	    at < 0 ? 0 : (uint64_t)at, true);
	error = file_write(f, &uio, &e->ctx, at >= 0);
	*done = len - uio.resid;
	return (error);
}

static int
fread_(struct env *e, struct file *f, void *buf, size_t len, int64_t at,
    size_t *done)
{
	struct host_iovec iov;
	struct uio uio;
	int error;

	uio_init1(&uio, &iov, buf, len, at < 0 ? 0 : (uint64_t)at, false);
	error = file_read(f, &uio, &e->ctx, at >= 0);
	*done = len - uio.resid;
	return (error);
}

static void
xwrite(struct env *e, struct file *f, const void *buf, size_t len, int64_t at)
{
	size_t done;

	assert_int_equal(fwrite_(e, f, buf, len, at, &done), 0);
	assert_int_equal(done, len);
}

static size_t
xread(struct env *e, struct file *f, void *buf, size_t len, int64_t at)
{
	size_t done;

	assert_int_equal(fread_(e, f, buf, len, at, &done), 0);
	return (done);
}

static uint32_t
rnd(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return (*s >> 8);
}

/* ---- uio ---- */

static void
test_uio(void **state)
{
	char a[4] = "abcd", b[4] = "efgh", out[8];
	struct host_iovec iov[3] = {{a, 3}, {NULL, 0}, {b, 4}};
	struct uio u = {.iov = iov, .niov = 3, .resid = 6, .write = true};

	assert_int_equal(uiomove(out, 2, &u), 2);
	uio_advance(&u, 2);
	assert_int_equal(u.off, 4);
	assert_int_equal(uiomove(out + 2, 8, &u), 2);
	assert_memory_equal(out, "abfg", 4);
	assert_int_equal(u.resid, 0);
	iov[0] = (struct host_iovec){a, 4};
	u = (struct uio){.iov = iov, .niov = 1, .resid = 4};
	assert_int_equal(uiomove(out, 1, &u), 1);
	assert_int_equal(uiozero(9, &u), 3);
	assert_memory_equal(a, "a\0\0\0", 4);
}

/* ---- descriptors against a model ---- */

#define MODEL 300

static void
fd_check(struct fdtable *t, struct file *const *m, const bool *cx)
{
	struct file *f;
	bool c;
	int fd, next = 0;

	for (fd = 0; fd < MODEL; fd++) {
		if (m[fd] == NULL) {
			assert_int_equal(fd_get(t, fd, &f), EBADF);
			continue;
		}
		assert_true(fd_next(t, &next, &f));
		assert_int_equal(next, fd);
		assert_ptr_equal(f, m[fd]);
		file_free(f);
		assert_int_equal(fd_get_cloexec(t, fd, &c), 0);
		assert_int_equal(c, cx[fd]);
		next = fd + 1;
	}
	assert_false(fd_next(t, &next, NULL));
}

static void
fd_step(
    struct fdtable *t, struct file *f, struct file **m, bool *cx, uint32_t *s)
{
	int fd = (int)(rnd(s) % MODEL), got = -1, want;
	unsigned hi = (unsigned)fd + rnd(s) % 20;
	bool c = rnd(s) % 2;
	uint32_t limit = rnd(s) % 4 == 0 ? 200 : MODEL;
	int error;

	switch (rnd(s) % 8) {
	case 0:
	case 1:
	case 2:
		for (want = fd; want < MODEL && m[want] != NULL; want++)
			;
		error = fd_alloc(t, f, fd, c, limit, &got);
		if ((uint32_t)fd >= limit) {
			assert_int_equal(error, EINVAL);
			break;
		}
		if ((uint32_t)want >= limit) {
			assert_int_equal(error, EMFILE);
			break;
		}
		assert_int_equal(error, 0);
		assert_int_equal(got, want);
		file_ref(f);
		m[got] = f;
		cx[got] = c;
		break;
	case 3:
		error = fd_install(t, f, fd, c, limit);
		assert_int_equal(error, (uint32_t)fd >= limit ? EBADF : 0);
		if (error != 0)
			break;
		file_ref(f);
		m[fd] = f;
		cx[fd] = c;
		break;
	case 4:
	case 5:
		assert_int_equal(fd_close(t, fd), m[fd] != NULL ? 0 : EBADF);
		m[fd] = NULL;
		break;
	case 6:
		assert_int_equal(fd_close_range(t, (unsigned)fd, hi, c), 0);
		for (unsigned n = (unsigned)fd; n <= hi && n < MODEL; n++) {
			cx[n] = c;
			m[n] = c ? m[n] : NULL;
		}
		break;
	default:
		assert_int_equal(
		    fd_set_cloexec(t, fd, c), m[fd] != NULL ? 0 : EBADF);
		cx[fd] = c;
		break;
	}
}

static void
test_fdtable(void **state)
{
	struct file *m[MODEL] = {NULL}, *f[8];
	bool cx[MODEL] = {false};
	struct fdtable *t, *t2;
	uint32_t s = 4711;
	struct env e;
	int fd;

	env_init(&e, false);
	assert_int_equal(fdtable_create(e.vfs, &t), 0);
	for (int i = 0; i < 8; i++)
		f[i] = xopen(&e, "/", O_RDONLY);
	for (int i = 0; i < 20000; i++) {
		fd_step(t, f[rnd(&s) % 8], m, cx, &s);
		if (i % 500 == 0)
			fd_check(t, m, cx);
	}
	assert_int_equal(fd_get(t, -1, &f[0]), EBADF);
	assert_int_equal(fd_close(t, -1), EBADF);
	assert_int_equal(fd_close_range(t, 2, 1, false), EINVAL);
	assert_int_equal(fdtable_fork(t, &t2), 0);
	fd_check(t2, m, cx);
	fdtable_cloexec(t2);
	for (fd = 0; fd < MODEL; fd++) {
		if (cx[fd])
			m[fd] = NULL;
	}
	fd_check(t2, m, cx);
	fdtable_ref(t2);
	fdtable_free(t2);
	fd_check(t2, m, cx);
	fdtable_free(t2);
	fdtable_free(t);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(atomic_load(&f[i]->refs), 1);
		file_free(f[i]);
	}
	env_fini(&e);
}

/* ---- lookup ---- */

static void
tree(struct env *e)
{
	hmkdir(e, "a");
	hmkdir(e, "a/b");
	hwrite(e, "a/b/c", "hello", 5);
	hlink(e, "/a/b", "abs");
	hlink(e, "a/./b/../b//", "rel");
	hlink(e, "../../../../../../../../etc", "up");
	hlink(e, "/etc/passwd", "passwd");
	hlink(e, "loop2", "loop1");
	hlink(e, "loop1", "loop2");
	hlink(e, "nowhere", "dangling");
	hlink(e, "/", "a/b/root");
	hlink(e, "../..", "a/b/upup");
	hlink(e, "c", "a/b/toc");
}

static void
test_namei(void **state)
{
	char name[32], text[32], longname[300];
	struct env e;
	uint64_t ino;

	env_init(&e, false);
	tree(&e);
	found(&e, "/", ".");
	found(&e, "..", ".");
	found(&e, "/../../a/../..//a/", "a");
	found(&e, "a/b/c", "a/b/c");
	found(&e, "//a///b/./c", "a/b/c");
	found(&e, "abs/c", "a/b/c");
	found(&e, "rel/c", "a/b/c");
	found(&e, "rel/../b/toc", "a/b/c");
	found(&e, "a/b/root/abs/upup/a", "a");
	found(&e, "abs/..", "a");
	assert_int_equal(look(&e, "", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "", NAMEI_EMPTY, &ino), 0);
	assert_int_equal(ino, hino(&e, "."));
	assert_int_equal(look(&e, "up", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "up/passwd", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "passwd", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "../../etc/passwd", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "dangling", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "dangling", NAMEI_NOFOLLOW, &ino), 0);
	assert_int_equal(ino, hino(&e, "dangling"));
	assert_int_equal(look(&e, "loop1", 0, NULL), ELOOP);
	assert_int_equal(look(&e, "loop1/x", 0, NULL), ELOOP);
	assert_int_equal(look(&e, "a/b/c/", 0, NULL), ENOTDIR);
	assert_int_equal(look(&e, "a/b/c/.", 0, NULL), ENOTDIR);
	assert_int_equal(look(&e, "a/b/c/..", 0, NULL), ENOTDIR);
	assert_int_equal(look(&e, "a/b/toc/", 0, NULL), ENOTDIR);
	assert_int_equal(look(&e, "a/b/toc/", NAMEI_NOFOLLOW, NULL), ENOTDIR);
	assert_int_equal(look(&e, "abs/", NAMEI_NOFOLLOW, &ino), 0);
	assert_int_equal(ino, hino(&e, "a/b"));
	assert_int_equal(look(&e, "a/x/y", NAMEI_PARENT, NULL), ENOENT);
	assert_int_equal(look(&e, "a/x", NAMEI_PARENT, NULL), 0);
	assert_int_equal(look(&e, "a/b/c", NAMEI_DIRECTORY, NULL), ENOTDIR);
	memset(longname, 'n', sizeof(longname));
	longname[255] = '\0';
	assert_int_equal(look(&e, longname, 0, NULL), ENOENT);
	longname[255] = 'n';
	longname[256] = '\0';
	assert_int_equal(look(&e, longname, 0, NULL), ENAMETOOLONG);
	hlink(&e, "a", "l1");
	for (int i = 2; i <= 41; i++) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		(void)snprintf(text, sizeof(text), "l%d", i - 1);
		hlink(&e, text, name);
	}
	found(&e, "l40", "a");
	assert_int_equal(look(&e, "l41", 0, NULL), ELOOP);
	env_fini(&e);
}

static void
test_namei_limits(void **state)
{
	static char path[VFS_PATH_MAX + 8];
	struct env e;

	env_init(&e, false);
	memset(path, '/', sizeof(path));
	path[VFS_PATH_MAX - 1] = '\0';
	assert_int_equal(look(&e, path, 0, NULL), 0);
	path[VFS_PATH_MAX - 1] = '/';
	path[VFS_PATH_MAX] = '\0';
	assert_int_equal(look(&e, path, 0, NULL), ENAMETOOLONG);
	env_fini(&e);
}

static void
test_parent(void **state)
{
	struct nameidata nd;
	struct env e;

	env_init(&e, false);
	tree(&e);
	assert_int_equal(namei(&e.ctx, NULL, "a/b/new/", NAMEI_PARENT, &nd), 0);
	assert_null(nd.vp);
	assert_string_equal(nd.last, "new");
	assert_true(nd.trailing_slash);
	assert_int_equal(nd.dvp->ino, hino(&e, "a/b"));
	vrele(nd.dvp);
	assert_int_equal(namei(&e.ctx, NULL, "dangling", NAMEI_PARENT, &nd), 0);
	assert_null(nd.vp);
	assert_string_equal(nd.last, "nowhere");
	vrele(nd.dvp);
	assert_int_equal(namei(&e.ctx, NULL, "a/..", NAMEI_PARENT, &nd), 0);
	assert_ptr_equal(nd.vp, e.vfs->root);
	assert_string_equal(nd.last, "..");
	vrele(nd.vp);
	vrele(nd.dvp);
	env_fini(&e);
}

/* A process whose root is below the root of the vfs. */
static void
test_chroot(void **state)
{
	struct nameidata nd;
	char buf[128], tiny[4];
	struct env e;

	env_init(&e, false);
	tree(&e);
	hwrite(&e, "secret", "x", 1);
	assert_int_equal(namei(&e.ctx, NULL, "a/b", 0, &nd), 0);
	e.ctx.root = e.ctx.cwd = nd.vp;
	found(&e, "..", "a/b");
	found(&e, "/../../c", "a/b/c");
	found(&e, "root/c", "a/b/c");
	found(&e, "upup/c", "a/b/c");
	assert_int_equal(look(&e, "/../../secret", 0, NULL), ENOENT);
	assert_int_equal(look(&e, "upup/secret", 0, NULL), ENOENT);
	assert_int_equal(vnode_path(nd.vp, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/a/b");
	assert_int_equal(vnode_path(nd.vp, nd.vp, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/");
	assert_int_equal(
	    vnode_path(e.vfs->root, nd.vp, buf, sizeof(buf)), ENOENT);
	assert_int_equal(
	    vnode_path(nd.vp, NULL, tiny, sizeof(tiny)), ENAMETOOLONG);
	e.ctx.root = e.ctx.cwd = e.vfs->root;
	vrele(nd.vp);
	env_fini(&e);
}

/* The host's /proc below our root is text, and no way out. */
static void
test_host_proc(void **state)
{
	static const char *const ways[] = {
	    "/p/self/root/etc/passwd",
	    "/p/self/cwd/../../../../etc/passwd",
	    "/p/self/exe",
	    "/p/thread-self/root/bin/sh",
	    "/p/1/root/etc/passwd",
	};
	struct env e;
	char path[64];

	env_init(&e, true);
	hmkdir(&e, "p");
	env_mount(&e, "/proc", true, "/p");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_not_equal(look(&e, ways[i], 0, NULL), 0);
	/* "root" says "/", which is our root. */
	(void)snprintf(path, sizeof(path), "/p/%d/root", getpid());
	found(&e, path, ".");
	for (int fd = 0; fd < 64; fd++) {
		struct stat st;
		uint64_t ino = 0;

		(void)snprintf(path, sizeof(path), "/p/%d/fd/%d", getpid(), fd);
		if (look(&e, path, 0, &ino) == 0) {
			assert_int_equal(fstat(fd, &st), 0);
			assert_int_equal(ino, hino(&e, "."));
		}
	}
	env_fini(&e);
}

/* Devices and sockets of the host cannot be opened. */
static void
test_host_devices(void **state)
{
	struct env e;

	env_init(&e, false);
	hmkdir(&e, "d");
	env_mount(&e, "/dev", false, "/d");
	assert_int_equal(try_open(&e, "/d/null", O_RDONLY), EACCES);
	assert_int_equal(try_open(&e, "/d/zero", O_RDWR), EACCES);
	assert_int_equal(try_open(&e, "/d/null", O_PATH), 0);
	assert_int_equal(
	    vfs_mknod(&e.ctx, NULL, "/null", HOST_S_IFCHR | 0666, 0x103),
	    EPERM);
	env_fini(&e);
}

/* ---- races ---- */

struct racer {
	struct env *e;
	_Atomic(bool) stop;
	pthread_t pt;
};

/* Swap the directory "d" and the link "l", and move "m/x/y" in and out. */
static void *
race_host(void *arg)
{
	struct racer *r = arg;
	char d[4200], l[4200], in[4200], out[4200];

	hpath(r->e, "d", d);
	hpath(r->e, "l", l);
	hpath(r->e, "m/x/y", in);
	hpath(r->e, "y", out);
	while (!atomic_load(&r->stop)) {
		(void)renameat2(AT_FDCWD, d, AT_FDCWD, l, RENAME_EXCHANGE);
		(void)rename(in, out);
		(void)rename(out, in);
	}
	return (NULL);
}

static void
race_look(struct env *e, const char *path, const uint64_t *good, int ngood)
{
	uint64_t ino = 0;
	int error, i;

	error = look(e, path, 0, &ino);
	if (error != 0) {
		assert_true(
		    error == ENOENT || error == ENOTDIR || error == ELOOP);
		return;
	}
	for (i = 0; i < ngood && good[i] != ino; i++)
		;
	assert_true(i < ngood);
}

static void
test_race(void **state)
{
	static const char *const names[] = {
	    ".", "d", "d/passwd", "m", "m/x", "m/x/y", "y"};
	uint64_t good[8];
	struct racer r;
	struct env e;

	env_init(&e, true);
	hmkdir(&e, "d");
	hwrite(&e, "d/passwd", "mine", 4);
	hlink(&e, "../../../../../../../etc", "l");
	hmkdir(&e, "m");
	hmkdir(&e, "m/x");
	hmkdir(&e, "m/x/y");
	for (int i = 0; i < 6; i++)
		good[i] = hino(&e, names[i]);
	r.e = &e;
	atomic_init(&r.stop, false);
	assert_int_equal(pthread_create(&r.pt, NULL, race_host, &r), 0);
	for (int i = 0; i < 4000; i++) {
		race_look(&e, "d/passwd", &good[2], 1);
		race_look(&e, "l/passwd", &good[2], 1);
		race_look(&e, "d/../d/passwd", &good[2], 1);
		race_look(&e, "m/x/y/../../..", good, 6);
		race_look(&e, "y/..", good, 6);
		race_look(&e, "m/x/y/../../../../../../m", good, 6);
		race_look(&e, "d/..", good, 1);
	}
	atomic_store(&r.stop, true);
	assert_int_equal(pthread_join(r.pt, NULL), 0);
	env_fini(&e);
}

/* ---- read-only ---- */

static void
test_rdonly(void **state)
{
	struct vattr va = {.size = 0};
	struct nameidata nd;
	struct env e;
	char buf[8];

	env_init(&e, true);
	tree(&e);
	assert_int_equal(try_open(&e, "a/b/c", O_RDONLY), 0);
	assert_int_equal(try_open(&e, "a/b/c", O_WRONLY), EROFS);
	assert_int_equal(try_open(&e, "a/b/c", O_RDWR), EROFS);
	assert_int_equal(try_open(&e, "a/b/c", O_RDONLY | O_TRUNC), EROFS);
	assert_int_equal(try_open(&e, "a/b/c", O_RDONLY | O_CREAT), 0);
	assert_int_equal(
	    try_open(&e, "a/b/c", O_RDONLY | O_CREAT | O_EXCL), EEXIST);
	assert_int_equal(try_open(&e, "a/b/n", O_WRONLY | O_CREAT), EROFS);
	assert_int_equal(try_open(&e, "a/b/n", O_WRONLY), ENOENT);
	assert_int_equal(try_open(&e, "a/x/n", O_WRONLY | O_CREAT), ENOENT);
	assert_int_equal(try_open(&e, "a", O_WRONLY), EISDIR);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "a", 0777), EEXIST);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "n", 0777), EROFS);
	assert_int_equal(vfs_symlink(&e.ctx, "x", NULL, "n"), EROFS);
	assert_int_equal(
	    vfs_mknod(&e.ctx, NULL, "n", HOST_S_IFIFO | 0666, 0), EROFS);
	assert_int_equal(
	    vfs_link(&e.ctx, NULL, "a/b/c", NULL, "n", false), EROFS);
	assert_int_equal(
	    vfs_link(&e.ctx, NULL, "a/b/c", NULL, "a", false), EEXIST);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/b/c", false), EROFS);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/b", true), EROFS);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/x/y", false), ENOENT);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a", NULL, "z", 0), EROFS);
	assert_int_equal(namei(&e.ctx, NULL, "a/b/c", 0, &nd), 0);
	assert_int_equal(vn_setattr(nd.vp, &va, VA_SIZE), EROFS);
	assert_int_equal(vn_setattr(nd.vp, &va, VA_MODE), EROFS);
	assert_int_equal(vn_access(nd.vp, 2, &e.ctx), EROFS);
	assert_int_equal(vn_access(nd.vp, 4, &e.ctx), 0);
	assert_int_equal(vn_access(nd.vp, 1, &e.ctx), EACCES);
	assert_int_equal(
	    nd.vp->ops->write(nd.vp, &(struct uio){.write = true}, 0), EROFS);
	vrele(nd.vp);
	assert_int_equal(hread(&e, "a/b/c", buf, 8), 5);
	env_fini(&e);
}

/* ---- a writable mount ---- */

static void
test_open(void **state)
{
	struct file *f, *g;
	struct vattr va;
	struct env e;
	uint64_t pos;
	size_t done;
	char buf[16];

	env_init(&e, false);
	tree(&e);
	f = xopen(&e, "n", O_RDWR | O_CREAT | O_EXCL);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.mode & 07777, 0644);
	assert_int_equal(try_open(&e, "n", O_CREAT | O_EXCL), EEXIST);
	xwrite(&e, f, "0123456789", 10, -1);
	assert_int_equal(f->off, 10);
	assert_int_equal(file_seek(f, -4, SEEK_END, &pos), 0);
	assert_int_equal(pos, 6);
	assert_int_equal(xread(&e, f, buf, 16, -1), 4);
	assert_memory_equal(buf, "6789", 4);
	assert_int_equal(xread(&e, f, buf, 16, -1), 0);
	assert_int_equal(xread(&e, f, buf, 3, 1), 3);
	assert_memory_equal(buf, "123", 3);
	assert_int_equal(file_seek(f, 3, SEEK_DATA, &pos), 0);
	assert_int_equal(pos, 3);
	assert_int_equal(file_seek(f, 3, SEEK_HOLE, &pos), 0);
	assert_int_equal(pos, 10);
	assert_int_equal(file_seek(f, 10, SEEK_DATA, &pos), ENXIO);
	assert_int_equal(file_seek(f, -1, SEEK_SET, &pos), EINVAL);
	g = xopen(&e, "n", O_WRONLY | O_APPEND);
	xwrite(&e, g, "ab", 2, -1);
	xwrite(&e, g, "cd", 2, 0);
	assert_int_equal(fread_(&e, g, buf, 1, -1, &done), EBADF);
	assert_int_equal(xread(&e, f, buf, 16, 10), 4);
	assert_memory_equal(buf, "abcd", 4);
	file_free(g);
	assert_int_equal(try_open(&e, "n", O_WRONLY | O_TRUNC), 0);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.size, 0);
	file_free(f);
	assert_int_equal(try_open(&e, "a", O_RDONLY | O_DIRECTORY), 0);
	assert_int_equal(try_open(&e, "n", O_RDONLY | O_DIRECTORY), ENOTDIR);
	assert_int_equal(try_open(&e, "a", O_RDWR), EISDIR);
	assert_int_equal(try_open(&e, "a", O_CREAT), EISDIR);
	assert_int_equal(try_open(&e, "new/", O_CREAT), EISDIR);
	assert_int_equal(try_open(&e, "abs", O_NOFOLLOW), ELOOP);
	assert_int_equal(try_open(&e, "abs", O_NOFOLLOW | O_PATH), 0);
	assert_int_equal(try_open(&e, "dangling", O_CREAT | O_EXCL), EEXIST);
	assert_int_equal(try_open(&e, "dangling", O_CREAT | O_WRONLY), 0);
	found(&e, "dangling", "nowhere");
	assert_int_equal(try_open(&e, "a", O_TMPFILE | O_RDWR), EOPNOTSUPP);
	/* A file that its owner may not write is writable by its creator. */
	assert_int_equal(
	    vfs_open(&e.ctx, NULL, "ro", O_CREAT | O_WRONLY, 0444, &f), 0);
	xwrite(&e, f, "x", 1, -1);
	file_free(f);
	f = xopen(&e, "n", O_PATH);
	assert_int_equal(fread_(&e, f, buf, 1, -1, &done), EBADF);
	assert_int_equal(fwrite_(&e, f, buf, 1, 0, &done), EBADF);
	assert_int_equal(file_seek(f, 0, SEEK_SET, &pos), EBADF);
	assert_int_equal(file_setfl(f, 0), EBADF);
	assert_int_equal(file_getattr(f, &va), 0);
	file_free(f);
	f = xopen(&e, "a", O_RDONLY);
	assert_int_equal(fread_(&e, f, buf, 1, -1, &done), EISDIR);
	file_free(f);
	env_fini(&e);
}

static void
test_access(void **state)
{
	struct vattr va = {.mode = 0750};
	struct nameidata nd;
	struct env e;

	env_init(&e, false);
	tree(&e);
	assert_int_equal(namei(&e.ctx, NULL, "a", 0, &nd), 0);
	assert_int_equal(vn_setattr(nd.vp, &va, VA_MODE), 0);
	assert_int_equal(vn_getattr(nd.vp, &va), 0);
	assert_int_equal(va.mode & 07777, 0750);
	e.ctx.uid = va.uid + 1;
	e.ctx.gid = va.gid;
	assert_int_equal(vn_access(nd.vp, 5, &e.ctx), 0);
	assert_int_equal(vn_access(nd.vp, 2, &e.ctx), EACCES);
	e.ctx.gid = va.gid + 1;
	assert_int_equal(vn_access(nd.vp, 1, &e.ctx), EACCES);
	assert_int_equal(look(&e, "a/b", 0, NULL), EACCES);
	assert_int_equal(try_open(&e, "a", O_RDONLY), EACCES);
	e.ctx.uid = 0;
	vrele(nd.vp);
	env_fini(&e);
}

static void
test_text(void **state)
{
	struct nameidata nd;
	struct file *f;
	struct env e;

	env_init(&e, false);
	tree(&e);
	assert_int_equal(namei(&e.ctx, NULL, "a/b/c", 0, &nd), 0);
	assert_int_equal(vn_text_ref(nd.vp), 0);
	assert_int_equal(try_open(&e, "a/b/c", O_WRONLY), ETXTBSY);
	assert_int_equal(try_open(&e, "a/b/c", O_RDONLY | O_TRUNC), ETXTBSY);
	assert_int_equal(try_open(&e, "a/b/c", O_RDONLY), 0);
	vn_text_rele(nd.vp);
	f = xopen(&e, "a/b/c", O_RDWR);
	assert_int_equal(vn_text_ref(nd.vp), ETXTBSY);
	file_free(f);
	assert_int_equal(vn_text_ref(nd.vp), 0);
	vn_text_rele(nd.vp);
	vrele(nd.vp);
	env_fini(&e);
}

static void
test_names(void **state)
{
	struct nameidata nd;
	struct vnode *b;
	struct env e;
	char buf[64];

	env_init(&e, false);
	tree(&e);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "x/", 0777), 0);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "x", 0777), EEXIST);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "/", 0777), EEXIST);
	assert_int_equal(vfs_mkdir(&e.ctx, NULL, "q/r", 0777), ENOENT);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "x", false), EISDIR);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a", true), ENOTEMPTY);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/b/c", true), ENOTDIR);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/b/c/", false), ENOTDIR);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/.", true), EINVAL);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/..", true), ENOTEMPTY);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "/", true), EBUSY);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "..", false), EISDIR);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "abs/", true), ENOTDIR);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "abs", false), 0);
	assert_int_equal(vfs_symlink(&e.ctx, "a/b", NULL, "abs"), 0);
	found(&e, "abs", "a/b");
	assert_int_equal(vfs_symlink(&e.ctx, "a", NULL, "abs"), EEXIST);
	assert_int_equal(vfs_symlink(&e.ctx, "", NULL, "new"), ENOENT);
	assert_int_equal(vfs_symlink(&e.ctx, "a", NULL, "new/"), ENOENT);
	assert_int_equal(
	    vfs_link(&e.ctx, NULL, "a/b/c", NULL, "x/c2", false), 0);
	found(&e, "x/c2", "a/b/c");
	assert_int_equal(vfs_link(&e.ctx, NULL, "a", NULL, "y", false), EPERM);

	assert_int_equal(namei(&e.ctx, NULL, "a/b", 0, &nd), 0);
	b = nd.vp;
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a", NULL, "a/b/a", 0), EINVAL);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "x/c2", NULL, "a", 0), EISDIR);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/b/c", NULL, "a", 0), ENOTEMPTY);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/b", NULL, "a", 0), ENOTEMPTY);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "x", NULL, "a/b/c", 0), ENOTDIR);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "no", NULL, "a", 0), ENOENT);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a/.", NULL, "q", 0), EBUSY);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a/b", NULL, "x", 1), EEXIST);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/b", NULL, "no", 2), ENOENT);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a/b", NULL, "x", 3), EINVAL);
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a/b", NULL, "x/b", 1), 0);
	assert_int_equal(vnode_path(b, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/x/b");
	e.ctx.cwd = b;
	found(&e, "..", "x");
	e.ctx.cwd = e.vfs->root;
	assert_int_equal(vfs_rename(&e.ctx, NULL, "x/b", NULL, "a", 2), 0);
	assert_int_equal(vnode_path(b, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/a");
	found(&e, "a/toc", "a/c");
	/* Two names of one file: nothing happens. */
	assert_int_equal(vfs_rename(&e.ctx, NULL, "a/c", NULL, "x/c2", 0), 0);
	found(&e, "a/c", "x/c2");
	vrele(b);
	env_fini(&e);
}

/* ---- directories ---- */

struct dents {
	unsigned n, max;
	uint64_t off;
	bool seen[1000];
	int dots;
};

static bool
dents_fn(void *arg, const char *name, size_t len, uint64_t ino, uint8_t dtype,
    uint64_t off)
{
	struct dents *d = arg;
	int n;

	assert_int_equal(strlen(name), len);
	assert_int_not_equal(ino, 0);
	if (d->n == d->max)
		return (false);
	d->n++;
	d->off = off;
	if (name[0] == '.') {
		d->dots++;
		assert_int_equal(dtype, 4);
		return (true);
	}
	assert_int_equal(sscanf(name, "f%d", &n), 1);
	assert_false(d->seen[n]);
	d->seen[n] = true;
	return (true);
}

static void
test_getdents(void **state)
{
	struct dents d = {.max = 7};
	struct file *f;
	struct env e;
	char name[16];
	uint64_t pos;
	unsigned total = 0;

	env_init(&e, true);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		hwrite(&e, name, "", 0);
	}
	f = xopen(&e, "/", O_RDONLY);
	do {
		d.n = 0;
		assert_int_equal(file_getdents(f, dents_fn, &d), 0);
		total += d.n;
		if (d.n > 0)
			assert_int_equal(f->off, d.off);
	} while (d.n > 0);
	assert_int_equal(total, 1002);
	assert_int_equal(d.dots, 2);
	assert_int_equal(file_seek(f, 0, SEEK_SET, &pos), 0);
	memset(&d, 0, sizeof(d));
	d.max = UINT32_MAX;
	assert_int_equal(file_getdents(f, dents_fn, &d), 0);
	assert_int_equal(d.n, 1002);
	file_free(f);
	f = xopen(&e, "f0", O_RDONLY);
	assert_int_equal(file_getdents(f, dents_fn, &d), ENOTDIR);
	file_free(f);
	env_fini(&e);
}

/* ---- mounts ---- */

static void
test_mounts(void **state)
{
	struct vmount *mp;
	struct nameidata nd;
	struct env e;
	char rw[4200], buf[64];

	env_init(&e, true);
	tree(&e);
	hmkdir(&e, "a/rw");
	hmkdir(&e, "a/rw/sub");
	hpath(&e, "a/rw", rw);
	assert_int_equal(try_open(&e, "a/rw/f", O_CREAT | O_RDWR), EROFS);
	env_mount(&e, rw, false, "/a/rw/");
	assert_int_equal(try_open(&e, "a/rw/f", O_CREAT | O_RDWR), 0);
	assert_int_equal(try_open(&e, "a/f", O_CREAT | O_RDWR), EROFS);
	found(&e, "a/rw/f", "a/rw/f");
	found(&e, "a/rw/..", "a");
	found(&e, "a/rw/sub/../../b", "a/b");
	found(&e, "a/rw/../../../..", ".");
	assert_int_equal(namei(&e.ctx, NULL, "a/rw/sub", 0, &nd), 0);
	assert_int_equal(vnode_path(nd.vp, NULL, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/a/rw/sub");
	assert_string_equal(nd.vp->mount->target, "/a/rw");
	vrele(nd.vp);
	assert_int_equal(
	    vfs_link(&e.ctx, NULL, "a/b/c", NULL, "a/rw/c", false), EXDEV);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/rw/f", NULL, "a/f", 0), EXDEV);
	/* A file over a file; a directory over a file is refused. */
	hpath(&e, "a/rw/f", rw);
	env_mount(&e, rw, false, "/a/b/c");
	assert_int_equal(try_open(&e, "a/b/c", O_RDWR), 0);
	assert_int_equal(hostfs_mount_create(e.vfs, e.dir, true, &mp), 0);
	assert_int_equal(vfs_mount(e.vfs, mp, "/a/b/c"), ENOTDIR);
	assert_int_equal(hostfs_mount_create(e.vfs, e.dir, true, &mp), 0);
	assert_int_equal(vfs_mount(e.vfs, mp, "/nowhere"), ENOENT);
	assert_int_equal(hostfs_mount_create(e.vfs, e.dir, true, &mp), 0);
	assert_int_equal(vfs_mount(e.vfs, mp, NULL), EBUSY);
	/* Stacked on the same place, and a mount point is busy. */
	env_mount(&e, e.dir, false, "/a/rw");
	found(&e, "a/rw/a", "a");
	found(&e, "a/rw/..", "a");
	env_mount(&e, e.dir, true, "/a/rw/a/b");
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "a/rw/a/b", true), EBUSY);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/rw/a/b", NULL, "a/rw/q", 0), EBUSY);
	env_fini(&e);
}

/* ---- one cache ---- */

static struct vmspace *
map_file(struct env *e, struct file *f, uint64_t len, bool shared)
{
	struct vm_object *obj;
	struct vmspace *vm;
	vm_offset_t va = BASE;

	assert_int_equal(vmspace_create(&e->sys, &vm), 0);
	assert_int_equal(vnode_object(f->vp, &obj), 0);
	assert_int_equal(
	    vm_mmap(vm, &va, len, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL,
		VMM_FIXED | (shared ? VMM_SHARED : 0), obj, 0),
	    0);
	return (vm);
}

static void
test_one_cache(void **state)
{
	static char big[3 * 4096 + 100], got[sizeof(big)];
	struct vattr va = {0};
	struct vmspace *vm, *priv;
	struct file *f;
	struct env e;

	env_init(&e, false);
	memset(big, 'a', sizeof(big));
	hwrite(&e, "f", big, sizeof(big));
	f = xopen(&e, "f", O_RDWR);
	vm = map_file(&e, f, 8 * 4096, true);
	priv = map_file(&e, f, 8 * 4096, false);
	assert_int_equal(copyin(vm, got, BASE, sizeof(big)), 0);
	assert_memory_equal(got, big, sizeof(big));
	/* A store is seen by read, a write by both mappings. */
	assert_int_equal(copyout(vm, "MAP", BASE + 4090, 3), 0);
	assert_int_equal(xread(&e, f, got, 5, 4089), 5);
	assert_memory_equal(got, "aMAPa", 5);
	xwrite(&e, f, "WRITE", 5, 4094);
	assert_int_equal(copyin(vm, got, BASE + 4089, 12), 0);
	assert_memory_equal(got, "aMAPaWRITEaa", 12);
	assert_int_equal(copyin(priv, got, BASE + 4089, 12), 0);
	assert_memory_equal(got, "aMAPaWRITEaa", 12);
	/* A private store is nobody else's. */
	assert_int_equal(copyout(priv, "mine", BASE, 4), 0);
	assert_int_equal(xread(&e, f, got, 4, 0), 4);
	assert_memory_equal(got, "aaaa", 4);
	/* Growth by write, seen through the mapping. */
	assert_int_equal(copyin(vm, got, BASE + 4 * 4096, 1), EFAULT);
	xwrite(&e, f, "end", 3, 5 * 4096);
	assert_int_equal(copyin(vm, got, BASE + 5 * 4096, 4), 0);
	assert_memory_equal(got, "end\0", 4);
	/* Write-back. */
	assert_int_equal(vn_fsync(f->vp), 0);
	assert_int_equal(hread(&e, "f", got, sizeof(got)), sizeof(got));
	assert_memory_equal(got + 4089, "aMAPaWRITEaa", 12);
	/* Truncation: what goes, and zeroes after it grows again. */
	assert_int_equal(copyout(vm, "xx", BASE + 2 * 4096 + 50, 2), 0);
	va.size = 2 * 4096 + 10;
	assert_int_equal(vn_setattr(f->vp, &va, VA_SIZE), 0);
	assert_int_equal(copyin(vm, got, BASE + 3 * 4096, 1), EFAULT);
	va.size = 4 * 4096;
	assert_int_equal(vn_setattr(f->vp, &va, VA_SIZE), 0);
	assert_int_equal(copyin(vm, got, BASE + 2 * 4096, 100), 0);
	assert_memory_equal(got, "aaaaaaaaaa\0\0\0", 13);
	assert_int_equal(got[50], 0);
	assert_int_equal(vn_getattr(f->vp, &va), 0);
	assert_int_equal(va.size, 4 * 4096);
	vmspace_free(priv);
	vmspace_free(vm);
	file_free(f);
	env_fini(&e);
}

/* Stores, writes and write-backs of one page at once; none may be lost. */
struct cacher {
	struct env *e;
	struct file *f;
	struct vmspace *vm;
	_Atomic(bool) stop;
	_Atomic(int) bad;
};

#define ROUNDS 3000

static void *
cache_store(void *arg)
{
	struct cacher *c = arg;
	uint32_t got;
	size_t done;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		if (copyout(c->vm, &i, BASE + 64, sizeof(i)) != 0 ||
		    fread_(c->e, c->f, &got, sizeof(got), 64, &done) != 0 ||
		    got != i)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void *
cache_write(void *arg)
{
	struct cacher *c = arg;
	uint32_t got;
	size_t done;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		if (fwrite_(c->e, c->f, &i, sizeof(i), 128, &done) != 0 ||
		    copyin(c->vm, &got, BASE + 128, sizeof(got)) != 0 ||
		    got != i ||
		    fread_(c->e, c->f, &got, sizeof(got), 128, &done) != 0 ||
		    got != i)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void *
cache_sync(void *arg)
{
	struct cacher *c = arg;
	struct vm_object *obj;

	if (vnode_object(c->f->vp, &obj) != 0)
		return (NULL);
	while (!atomic_load(&c->stop)) {
		if (vnode_pager_sync(obj, 0, 0) != 0)
			atomic_fetch_add(&c->bad, 1);
		(void)vm_pageout_reclaim(&c->e->sys, 4);
	}
	return (NULL);
}

static void
test_cache_race(void **state)
{
	struct cacher c = {0};
	pthread_t pt[3];
	struct env e;
	uint32_t got[2];
	char page[4096];

	env_init(&e, false);
	memset(page, 0, sizeof(page));
	hwrite(&e, "f", page, sizeof(page));
	c.e = &e;
	c.f = xopen(&e, "f", O_RDWR);
	c.vm = map_file(&e, c.f, 4096, true);
	assert_int_equal(pthread_create(&pt[0], NULL, cache_store, &c), 0);
	assert_int_equal(pthread_create(&pt[1], NULL, cache_write, &c), 0);
	assert_int_equal(pthread_create(&pt[2], NULL, cache_sync, &c), 0);
	assert_int_equal(pthread_join(pt[0], NULL), 0);
	assert_int_equal(pthread_join(pt[1], NULL), 0);
	atomic_store(&c.stop, true);
	assert_int_equal(pthread_join(pt[2], NULL), 0);
	assert_int_equal(atomic_load(&c.bad), 0);
	vmspace_free(c.vm);
	file_free(c.f);
	assert_int_equal(hread(&e, "f", page, sizeof(page)), sizeof(page));
	memcpy(&got[0], page + 64, 4);
	memcpy(&got[1], page + 128, 4);
	assert_int_equal(got[0], ROUNDS);
	assert_int_equal(got[1], ROUNDS);
	env_fini(&e);
}

/*
 * The two races of read and write with a write-back, made to happen: the
 * write-back of the whole object runs right behind the host's transfer.
 */
static const struct vops *hook_ops;
static _Atomic(int) hook_left;

static void
hook_sync(struct vnode *vp)
{
	if (atomic_fetch_sub(&hook_left, 1) > 0)
		assert_int_equal(
		    vnode_pager_sync(vnode_object_peek(vp), 0, 0), 0);
}

static int
hook_read(struct vnode *vp, struct uio *uio, int flags)
{
	int error = hook_ops->read(vp, uio, flags);

	if (flags != 0) /* not the pager's */
		hook_sync(vp);
	return (error);
}

static int
hook_write(struct vnode *vp, struct uio *uio, int flags)
{
	int error = hook_ops->write(vp, uio, flags);

	if (flags != 0)
		hook_sync(vp);
	return (error);
}

static void
test_cache_hook(void **state)
{
	struct vmspace *vm;
	struct vops ops;
	struct file *f;
	struct env e;
	char buf[8];

	env_init(&e, false);
	hwrite(&e, "f", "aaaaaaaa", 8);
	f = xopen(&e, "f", O_RDWR);
	vm = map_file(&e, f, 4096, true);
	hook_ops = f->vp->ops;
	ops = *hook_ops;
	ops.read = hook_read;
	ops.write = hook_write;
	f->vp->ops = &ops;
	/* The read gets the old bytes, then the page is no longer dirty. */
	assert_int_equal(copyout(vm, "S", BASE, 1), 0);
	atomic_store(&hook_left, 1);
	assert_int_equal(xread(&e, f, buf, 8, 0), 8);
	assert_memory_equal(buf, "Saaaaaaa", 8);
	/* The write-back puts the page's old bytes over what was written. */
	assert_int_equal(copyout(vm, "T", BASE, 1), 0);
	atomic_store(&hook_left, 1);
	xwrite(&e, f, "W", 1, 4);
	assert_int_equal(hread(&e, "f", buf, 8), 8);
	assert_memory_equal(buf, "TaaaWaaa", 8);
	assert_int_equal(copyin(vm, buf, BASE, 8), 0);
	assert_memory_equal(buf, "TaaaWaaa", 8);
	f->vp->ops = hook_ops;
	vmspace_free(vm);
	file_free(f);
	env_fini(&e);
}

/* Appends do not overlap, and neither do writes at a shared offset. */
static void *
append_run(void *arg)
{
	struct cacher *c = arg;
	char rec[16] = "0123456789abcde";
	size_t done;

	for (int i = 0; i < 500; i++) {
		if (fwrite_(c->e, c->f, rec, 16, -1, &done) != 0 || done != 16)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void
test_append(void **state)
{
	struct cacher c = {0};
	pthread_t pt[4];
	struct vattr va;
	struct file *own[2];
	struct env e;

	env_init(&e, false);
	c.e = &e;
	for (int pass = 0; pass < 2; pass++) {
		int fl =
		    O_RDWR | O_CREAT | O_TRUNC | (pass == 0 ? O_APPEND : 0);

		c.f = own[pass] = xopen(&e, pass == 0 ? "ap" : "sh", fl);
		for (int i = 0; i < 4; i++)
			assert_int_equal(
			    pthread_create(&pt[i], NULL, append_run, &c), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_join(pt[i], NULL), 0);
		assert_int_equal(file_getattr(c.f, &va), 0);
		assert_int_equal(va.size, 4 * 500 * 16);
		file_free(own[pass]);
	}
	assert_int_equal(atomic_load(&c.bad), 0);
	env_fini(&e);
}

static void
test_unlinked(void **state)
{
	struct vmspace *vm;
	struct vattr va;
	struct file *f;
	struct env e;
	char buf[8];

	env_init(&e, false);
	f = xopen(&e, "t", O_RDWR | O_CREAT);
	xwrite(&e, f, "gone", 4, -1);
	vm = map_file(&e, f, 4096, true);
	assert_int_equal(copyout(vm, "G", BASE, 1), 0);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "t", false), 0);
	assert_int_equal(look(&e, "t", 0, NULL), ENOENT);
	assert_int_equal(xread(&e, f, buf, 8, 0), 4);
	assert_memory_equal(buf, "Gone", 4);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.nlink, 0);
	/* A new file of this name is another file. */
	assert_int_equal(try_open(&e, "t", O_CREAT | O_WRONLY), 0);
	file_free(f);
	assert_int_equal(copyin(vm, buf, BASE, 4), 0);
	assert_memory_equal(buf, "Gone", 4);
	assert_int_equal(e.vfs->root->mount->ninactive, 0);
	vmspace_free(vm);
	assert_int_equal(e.vfs->root->mount->ninactive, 0);
	env_fini(&e);
}

static void
touch_pages(struct env *e, const char *name, char want)
{
	struct vmspace *vm;
	struct file *f;
	char c;

	f = xopen(e, name, O_RDONLY);
	vm = map_file(e, f, 4096, false);
	file_free(f);
	assert_int_equal(copyin(vm, &c, BASE, 1), 0);
	assert_int_equal(c, want);
	vmspace_free(vm);
}

static void
test_inactive(void **state)
{
	struct vmount *mp;
	struct env e;
	char name[16];
	int64_t in;

	host_raise_nofile();
	env_init(&e, true);
	mp = e.vfs->root->mount;
	hwrite(&e, "f", "old", 3);
	touch_pages(&e, "f", 'o');
	assert_int_equal(mp->ninactive, 1);
	in = counter_read(&e.sys.stat[VMST_FILE_IN]);
	touch_pages(&e, "f", 'o'); /* from the pages that were kept */
	assert_int_equal(counter_read(&e.sys.stat[VMST_FILE_IN]), in);
	usleep(20000); /* the host's clock ticks */
	hwrite(&e, "f", "New", 3);
	touch_pages(&e, "f", 'N');
	assert_int_equal(counter_read(&e.sys.stat[VMST_FILE_IN]), in + 1);
	for (int i = 0; i < VFS_MAXINACTIVE + 100; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		hwrite(&e, name, name, strlen(name));
		touch_pages(&e, name, 'f');
	}
	assert_int_equal(mp->ninactive, VFS_MAXINACTIVE);
	assert_true(host_count_fds() <= e.fds + 2 * VFS_MAXINACTIVE + 16);
	env_fini(&e);
}

/* ---- everything at once, for the sanitizers ---- */

static void *
stress_run(void *arg)
{
	struct env *e = arg;
	uint32_t s = (uint32_t)(uintptr_t)pthread_self();
	char a[16], b[16], buf[64];
	struct nameidata nd;
	struct file *f;
	size_t done;

	for (int i = 0; i < 1500; i++) {
		(void)snprintf(
		    a, sizeof(a), "d%u/f%u", rnd(&s) % 2, rnd(&s) % 4);
		(void)snprintf(
		    b, sizeof(b), "d%u/f%u", rnd(&s) % 2, rnd(&s) % 4);
		switch (rnd(&s) % 8) {
		case 0:
			(void)vfs_rename(
			    &e->ctx, NULL, a, NULL, b, rnd(&s) % 3);
			break;
		case 1:
			(void)vfs_unlink(&e->ctx, NULL, a, false);
			break;
		case 2:
			(void)vfs_link(&e->ctx, NULL, a, NULL, b, false);
			break;
		case 3:
			if (namei(&e->ctx, NULL, a, 0, &nd) == 0) {
				(void)vnode_path(nd.vp, NULL, buf, sizeof(buf));
				vrele(nd.vp);
			}
			break;
		case 4:
			(void)vfs_rename(&e->ctx, NULL, "d0", NULL, "d1", 2);
			break;
		default:
			if (fopen_(e, a, O_RDWR | O_CREAT, &f) != 0)
				break;
			(void)fwrite_(e, f, a, strlen(a), -1, &done);
			(void)fread_(e, f, buf, sizeof(buf), 0, &done);
			file_free(f);
			break;
		}
	}
	return (NULL);
}

static void
test_stress(void **state)
{
	pthread_t pt[4];
	struct env e;

	env_init(&e, false);
	hmkdir(&e, "d0");
	hmkdir(&e, "d1");
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&pt[i], NULL, stress_run, &e), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(pt[i], NULL), 0);
	env_fini(&e);
}

static void *
fifo_writer(void *arg)
{
	struct env *e = arg;
	struct file *f;
	size_t done;

	if (fopen_(e, "fifo", O_WRONLY, &f) != 0)
		return (NULL);
	(void)fwrite_(e, f, "ping", 4, -1, &done);
	file_free(f);
	return (NULL);
}

static void
test_fifo(void **state)
{
	struct file *f;
	struct env e;
	pthread_t pt;
	char buf[8];
	size_t n = 0;

	env_init(&e, false);
	assert_int_equal(
	    vfs_mknod(&e.ctx, NULL, "fifo", HOST_S_IFIFO | 0666, 0), 0);
	assert_int_equal(try_open(&e, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	assert_int_equal(try_open(&e, "fifo", O_RDONLY | O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&pt, NULL, fifo_writer, &e), 0);
	f = xopen(&e, "fifo", O_RDONLY);
	n = xread(&e, f, buf, 8, -1);
	assert_int_equal(n, 4);
	assert_memory_equal(buf, "ping", 4);
	assert_int_equal(pthread_join(pt, NULL), 0);
	assert_int_equal(xread(&e, f, buf, 8, -1), 0);
	assert_int_equal(fread_(&e, f, buf, 8, 0, &n), ESPIPE);
	file_free(f);
	env_fini(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uio),
	    cmocka_unit_test(test_fdtable),
	    cmocka_unit_test(test_namei),
	    cmocka_unit_test(test_namei_limits),
	    cmocka_unit_test(test_parent),
	    cmocka_unit_test(test_chroot),
	    cmocka_unit_test(test_host_proc),
	    cmocka_unit_test(test_host_devices),
	    cmocka_unit_test(test_race),
	    cmocka_unit_test(test_rdonly),
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_access),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_getdents),
	    cmocka_unit_test(test_mounts),
	    cmocka_unit_test(test_one_cache),
	    cmocka_unit_test(test_cache_race),
	    cmocka_unit_test(test_cache_hook),
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_unlinked),
	    cmocka_unit_test(test_inactive),
	    cmocka_unit_test(test_stress),
	    cmocka_unit_test(test_fifo),
	};

	return (cmocka_run_group_tests_name("vfs", tests, NULL, NULL));
}
