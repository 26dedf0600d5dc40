/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The vfs core and hostfs, on a scratch directory of the host: descriptor
 * tables against a model, name lookup and attempts to leave the root by
 * links, "..", magic links and races, read-only against writable mounts.
 */
#include "vfs_testlib.h"

#include <sys/xattr.h>

#include "abi/stat.h"
#include "testrand.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/xattr.h"
#include "vfs/hostfs/hostfs.h"

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
    struct fdtable *t, struct file *f, struct file **m, bool *cx, uint64_t *s)
{
	int fd = (int)((unsigned)rnd_below(s, MODEL)), got = -1, want;
	unsigned hi = (unsigned)fd + (unsigned)rnd_below(s, 20);
	bool c = (unsigned)rnd_below(s, 2);
	uint32_t limit = (unsigned)rnd_below(s, 4) == 0 ? 200 : MODEL;
	int error;

	switch (rnd_below(s, 8)) {
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
	uint64_t s = 4711;
	struct env e;
	int fd;

	env_init(&e, false);
	assert_int_equal(fdtable_create(e.vfs, &t), 0);
	for (int i = 0; i < 8; i++)
		f[i] = xopen(&e, "/", O_RDONLY);
	for (int i = 0; i < 20000; i++) {
		fd_step(t, f[rnd_below(&s, 8)], m, cx, &s);
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
	assert_ptr_equal(nd.vp, e.vfs->root.vp);
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
	e.ctx.root = e.ctx.cwd = (struct vplace){e.vfs->root.mnt, nd.vp};
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
	    vnode_path(e.vfs->root.vp, nd.vp, buf, sizeof(buf)), ENOENT);
	assert_int_equal(
	    vnode_path(nd.vp, NULL, tiny, sizeof(tiny)), ENAMETOOLONG);
	e.ctx.root = e.ctx.cwd = e.vfs->root;
	vrele(nd.vp);
	env_fini(&e);
}

/* A procfs of the host: a mount of it is refused, and a walk into it finds an
 * empty directory, so its links lead nowhere. */
static void
test_host_proc(void **state)
{
	static const char *const ways[] = {
	    "/h/proc/self",
	    "/h/proc/self/root/etc/passwd",
	    "/h/proc/self/cwd/../../../../etc/passwd",
	    "/h/proc/thread-self/root/bin/sh",
	    "/h/proc/1/root/etc/passwd",
	    "/h/proc/version",
	};
	struct vmount *mp;
	struct env e;
	char path[64];

	env_init(&e, true);
	hmkdir(&e, "h");
	assert_int_equal(
	    hostfs_mount_create(e.vfs, "/proc", HOSTFS_RDONLY, &mp), EPERM);
	assert_int_equal(
	    hostfs_mount_create(e.vfs, "/proc/self/status", HOSTFS_RDONLY, &mp),
	    EPERM);
	env_mount(&e, "/", true, "/h");
	assert_int_equal(look(&e, "/h/proc", 0, NULL), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_int_equal(look(&e, ways[i], 0, NULL), ENOENT);
	(void)snprintf(path, sizeof(path), "/h/proc/%d/mem", getpid());
	assert_int_equal(look(&e, path, 0, NULL), ENOENT);
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
	    vfs_mknod(&e.ctx, NULL, "/null", LX_S_IFCHR | 0666, 0x103), EPERM);
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
	    vfs_mknod(&e.ctx, NULL, "n", LX_S_IFIFO | 0666, 0), EROFS);
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
	assert_int_equal(try_open(&e, "a", O_TMPFILE | O_RDONLY), EINVAL);
	assert_int_equal(try_open(&e, "n", O_TMPFILE | O_RDWR), ENOTDIR);
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
	e.ctx.caps = 0;
	assert_int_equal(vn_access(nd.vp, 5, &e.ctx), 0);
	assert_int_equal(vn_access(nd.vp, 2, &e.ctx), EACCES);
	e.ctx.gid = va.gid + 1;
	assert_int_equal(vn_access(nd.vp, 1, &e.ctx), EACCES);
	assert_int_equal(look(&e, "a/b", 0, NULL), EACCES);
	assert_int_equal(try_open(&e, "a", O_RDONLY), EACCES);
	/* Only to read, and to search a directory; user id 0 is nothing. */
	e.ctx.uid = 0;
	assert_int_equal(vn_access(nd.vp, 1, &e.ctx), va.uid == 0 ? 0 : EACCES);
	e.ctx.uid = va.uid + 1;
	e.ctx.caps = UINT64_C(1) << LX_CAP_DAC_READ_SEARCH;
	assert_int_equal(vn_access(nd.vp, 5, &e.ctx), 0);
	assert_int_equal(vn_access(nd.vp, 2, &e.ctx), EACCES);
	e.ctx.caps = UINT64_C(1) << LX_CAP_DAC_OVERRIDE;
	assert_int_equal(vn_access(nd.vp, 7, &e.ctx), 0);
	e.ctx.uid = 0;
	e.ctx.caps = VFS_CAPS_ALL;
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
	e.ctx.cwd = (struct vplace){e.vfs->root.mnt, b};
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
	vrele(nd.vp);
	assert_int_equal(
	    vfs_link(&e.ctx, NULL, "a/b/c", NULL, "a/rw/c", false), EXDEV);
	assert_int_equal(
	    vfs_rename(&e.ctx, NULL, "a/rw/f", NULL, "a/f", 0), EXDEV);
	/* A file over a file; a directory over a file is refused. */
	hpath(&e, "a/rw/f", rw);
	env_mount(&e, rw, false, "/a/b/c");
	assert_int_equal(try_open(&e, "a/b/c", O_RDWR), 0);
	assert_int_equal(
	    hostfs_mount_create(e.vfs, e.dir, HOSTFS_RDONLY, &mp), 0);
	assert_int_equal(vfs_mount(e.vfs, mp, "/a/b/c"), ENOTDIR);
	assert_int_equal(
	    hostfs_mount_create(e.vfs, e.dir, HOSTFS_RDONLY, &mp), 0);
	assert_int_equal(vfs_mount(e.vfs, mp, "/nowhere"), ENOENT);
	assert_int_equal(
	    hostfs_mount_create(e.vfs, e.dir, HOSTFS_RDONLY, &mp), 0);
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

/* ---- extended attributes of the host ---- */

/* Of the host's attributes a guest sees those of user., and sets none. */
static void
test_xattrs(void **state)
{
	struct nameidata nd;
	char p[4200], buf[64];
	struct env e;
	size_t len = 99;

	env_init(&e, false);
	hwrite(&e, "f", "x", 1);
	hpath(&e, "f", p);
	if (setxattr(p, "user.one", "value", 5, 0) != 0) {
		env_fini(&e);
		skip(); /* this host's file system has none */
	}
	assert_int_equal(setxattr(p, "user.b", "", 0, 0), 0);
	(void)setxattr(p, "trusted.hidden", "t", 1, 0);
	assert_int_equal(namei(&e.ctx, NULL, "f", 0, &nd), 0);
	assert_int_equal(
	    vn_getxattr(nd.vp, &e.ctx, "user.one", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(buf, "value", 5);
	assert_int_equal(
	    vn_getxattr(nd.vp, &e.ctx, "user.one", NULL, 0, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(
	    vn_getxattr(nd.vp, &e.ctx, "user.one", buf, 4, &len), ERANGE);
	assert_int_equal(
	    vn_getxattr(nd.vp, &e.ctx, "user.two", buf, 4, &len), ENODATA);
	assert_int_equal(
	    vn_getxattr(nd.vp, &e.ctx, "trusted.hidden", buf, 4, &len),
	    ENODATA);
	assert_int_equal(vn_listxattr(nd.vp, &e.ctx, NULL, 0, &len), 0);
	assert_int_equal(len, sizeof("user.one") + sizeof("user.b"));
	assert_int_equal(vn_listxattr(nd.vp, &e.ctx, buf, len, &len), 0);
	assert_true(memcmp(buf, "user.one\0user.b", len) == 0 ||
		    memcmp(buf, "user.b\0user.one", len) == 0);
	assert_int_equal(
	    vn_listxattr(nd.vp, &e.ctx, buf, len - 1, &len), ERANGE);
	assert_int_equal(
	    vn_setxattr(nd.vp, &e.ctx, "user.one", "v", 1, 0), EOPNOTSUPP);
	assert_int_equal(vn_removexattr(nd.vp, &e.ctx, "user.one"), EOPNOTSUPP);
	vrele(nd.vp);
	assert_int_equal(getxattr(p, "user.one", buf, sizeof(buf)), 5);
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
	    cmocka_unit_test(test_xattrs),
	};

	return (cmocka_run_group_tests_name("vfs", tests, NULL, NULL));
}
