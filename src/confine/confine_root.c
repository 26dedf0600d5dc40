/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A root that has only the grants.
 *
 * Concepts.  The new root is a file system in memory, read-only, with two
 * directories:
 *
 *	/view	the grants, at the paths that they have on the host; if / is
 *		granted, a copy of the host's tree
 *	/base	/proc/self/fd of this process, /proc/cpuinfo and /dev/null
 *
 * While the kernel is created, the root of the process is /view, so that the
 * paths of the configuration are valid.  Afterwards it is /base
 * (confine_helper.c): the kernel has its directories open, and resolves no path
 *of the host any more except those three.  Then no path leads to a UNIX socket
 *of the host either, which neither Landlock nor a read-only mount would
 *protect.
 *
 * Grants are mounted with nosuid and nodev, and read-only unless they are
 * writable.  Each procfs of the host is covered by an empty directory.
 *
 * Guarantees.  Until pivot_root() has succeeded, the process keeps the root
 * that it had.
 *
 * Limits.  open_tree(2) and mount_setattr(2), Linux 5.12.  A root of the host
 * that is an initramfs cannot be left by pivot_root(2).
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "abi/capability.h"
#include "abi/mount.h"
#include "abi/syscall.h"

#define SAFE (LX_MOUNT_ATTR_NOSUID | LX_MOUNT_ATTR_NODEV | LX_MOUNT_ATTR_NOEXEC)

/* What is built; all descriptors are O_PATH or of mounts. */
struct build {
	int top, view;
	const char *step; /* for the message */
};

/* ---- mounts ---- */

static int
set_attr(int fd, uint64_t set, unsigned flags)
{
	const struct lx_mount_attr a = {.set = set};

	return (syscall(LX_NR_MOUNT_SETATTR, fd, "", AT_EMPTY_PATH | flags, &a,
		    sizeof(a)) == 0
		    ? 0
		    : errno);
}

/* A new file system in memory, mounted nowhere.  -1 and errno. */
static int
new_tmpfs(void)
{
	int fs, fd = -1;

	fs = (int)syscall(LX_NR_FSOPEN, "tmpfs", LX_FSOPEN_CLOEXEC);
	if (fs < 0)
		return (-1);
	if (syscall(LX_NR_FSCONFIG, fs, LX_FSCONFIG_SET_STRING, "mode", "755",
		0) == 0 &&
	    syscall(
		LX_NR_FSCONFIG, fs, LX_FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(LX_NR_FSMOUNT, fs, LX_FSMOUNT_CLOEXEC, SAFE);
	close(fs);
	return (fd);
}

/* A copy of the mounts at fd and path, mounted nowhere.  -1 and errno. */
static int
copy_tree(int fd, const char *path, uint64_t attr, bool recursive)
{
	const unsigned flags = recursive ? LX_AT_RECURSIVE : 0;
	int tree, error;

	tree = (int)syscall(LX_NR_OPEN_TREE, fd, path,
	    AT_EMPTY_PATH | LX_OPEN_TREE_CLONE | LX_OPEN_TREE_CLOEXEC | flags);
	if (tree < 0)
		return (-1);
	error = set_attr(tree, attr, flags);
	if (error == 0)
		return (tree);
	close(tree);
	errno = error;
	return (-1);
}

/* The file of a path below a directory, without links; `make`: create what is
 * missing, the last part as directory or as file.  -1 and errno. */
static int
walk(int dir, const char *path, bool make, bool is_dir)
{
	char part[NAME_MAX + 1];
	const char *end;
	int fd, next, file;

	fd = openat(dir, ".", O_PATH | O_CLOEXEC);
	for (; fd >= 0; path = end) {
		path += strspn(path, "/");
		end = path + strcspn(path, "/");
		if (end == path)
			break;
		if ((size_t)(end - path) >= sizeof(part)) {
			close(fd);
			errno = ENAMETOOLONG;
			return (-1);
		}
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = '\0';
		if (make && (is_dir || *end != '\0'))
			(void)mkdirat(fd, part, 0755);
		else if (make) {
			file = openat(fd, part,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
			if (file >= 0)
				close(file);
		}
		next = openat(fd, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return (fd);
}

/* Mount `tree` (consumed; -1: errno says why there is none) at a path below a
 * directory.  0 or errno. */
static int
attach(int tree, int dir, const char *path, bool make, bool is_dir)
{
	int at, error = 0;

	if (tree < 0)
		return (errno);
	at = walk(dir, path, make, is_dir);
	if (at < 0 ||
	    syscall(LX_NR_MOVE_MOUNT, tree, "", at, "",
		LX_MOVE_MOUNT_F_EMPTY_PATH | LX_MOVE_MOUNT_T_EMPTY_PATH) != 0)
		error = errno;
	if (at >= 0)
		close(at);
	close(tree);
	return (error);
}

/* ---- the tree ---- */

static bool
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return (true);
	return (
	    strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

/* Does a grant that is already mounted, or one of the same path that may be
 * written, include this one? */
static bool
is_included(const struct confine *c, const struct confine_grant *g)
{
	const struct confine_grant *best = NULL;

	for (size_t i = 0; i < c->ngrants; i++) {
		const struct confine_grant *o = &c->grants[i];

		if (o->write && !g->write && strcmp(o->path, g->path) == 0)
			return (true);
		if (o->mounted && below(g->path, o->path) &&
		    (best == NULL || strlen(o->path) >= strlen(best->path)))
			best = o;
	}
	return (best != NULL && (best->write || !g->write));
}

static int
shorter(const void *a, const void *b)
{
	const struct confine_grant *x = a, *y = b;
	size_t n = strlen(x->path), m = strlen(y->path);

	return (n < m ? -1 : n > m);
}

/* Copy the trees of the grants, those that contain others first.  This is done
 * before the new root covers the old one: a copy of / would have it, too. */
static int
copy_grants(struct confine *c)
{
	qsort(c->grants, c->ngrants, sizeof(*c->grants), shorter);
	for (size_t i = 0; i < c->ngrants; i++) {
		struct confine_grant *g = &c->grants[i];
		uint64_t attr = LX_MOUNT_ATTR_NOSUID | LX_MOUNT_ATTR_NODEV;

		if (is_included(c, g))
			continue;
		if (!g->write)
			attr |= LX_MOUNT_ATTR_RDONLY;
		g->tree = copy_tree(g->fd, "", attr, true);
		if (g->tree < 0)
			return (errno);
		g->mounted = true;
	}
	return (0);
}

static int
mount_grants(struct confine *c, struct build *b)
{
	int error;

	for (size_t i = 0; i < c->ngrants; i++) {
		struct confine_grant *g = &c->grants[i];
		int tree = g->tree;

		if (tree < 0)
			continue;
		g->tree = -1;
		if (strcmp(g->path, "/") == 0) {
			error = attach(tree, b->top, "view", false, true);
			close(b->view);
			b->view = walk(b->top, "view", false, true);
		} else
			error = attach(tree, b->view, g->path, true, g->dir);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* The next field of a line of mountinfo, in place, with \ooo decoded. */
static char *
field(char **at)
{
	char *start = *at, *to = start, *p = start;

	for (; *p != '\0' && *p != ' ' && *p != '\n'; p++) {
		if (p[0] == '\\' && p[1] != '\0' && p[2] != '\0' &&
		    p[3] != '\0') {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
				       (p[3] - '0'));
			p += 3;
		} else
			*to++ = *p;
	}
	*at = *p != '\0' ? p + 1 : p;
	*to = '\0';
	return (start);
}

/* Cover each procfs in the view by an empty directory. */
static int
cover_proc(struct build *b)
{
	char *line = NULL, *at, *point, *type;
	size_t room = 0;
	struct statfs fs;
	struct stat st;
	int fd, error = 0;
	FILE *f;

	f = fopen("/proc/self/mountinfo", "re");
	if (f == NULL)
		return (errno);
	while (error == 0 && getline(&line, &room, f) > 0) {
		type = strstr(line, " - ");
		if (type == NULL)
			continue;
		type += 3;
		if (strncmp(type, "proc ", 5) != 0)
			continue;
		at = line;
		for (int i = 0; i < 4; i++)
			(void)field(&at);
		point = field(&at);
		fd = walk(b->view, point, false, true);
		if (fd < 0)
			continue; /* not below a grant */
		if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
		    fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
			error = attach(new_tmpfs(), fd, "", false, true);
			close(fd);
			fd = walk(b->view, point, false, true);
			if (error == 0 && fd >= 0)
				error = set_attr(fd, LX_MOUNT_ATTR_RDONLY, 0);
		}
		if (fd >= 0)
			close(fd);
	}
	free(line);
	(void)fclose(f);
	return (error);
}

/* What the kernel itself needs of the host. */
static int
make_base(const struct build *b)
{
	static const struct {
		const char *host, *base, *view;
		bool dir;
		uint64_t attr;
	} files[] = {
	    {"/proc/self/fd", "base/proc/self/fd", NULL, true,
		SAFE | LX_MOUNT_ATTR_RDONLY},
	    {"/proc/cpuinfo", "base/proc/cpuinfo", NULL, false,
		SAFE | LX_MOUNT_ATTR_RDONLY},
	    {"/dev/null", "base/dev/null", "dev/null", false,
		LX_MOUNT_ATTR_NOSUID | LX_MOUNT_ATTR_NOEXEC},
	};
	int error;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		error = attach(
		    copy_tree(AT_FDCWD, files[i].host, files[i].attr, false),
		    b->top, files[i].base, true, files[i].dir);
		if (error != 0)
			return (error);
		if (files[i].view == NULL)
			continue;
		error = attach(
		    copy_tree(AT_FDCWD, files[i].host, files[i].attr, false),
		    b->view, files[i].view, true, false);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Build the tree over the present root.  0 or errno, and *step. */
static int
build_tree(struct confine *c, struct build *b)
{
	int error;

	b->step = "grants without a path";
	for (size_t i = 0; i < c->ngrants; i++)
		if (c->grants[i].path == NULL)
			return (ENOENT);
	b->step = "private mounts";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return (errno);
	b->step = "copies of the grants";
	error = copy_grants(c);
	if (error != 0)
		return (error);
	b->step = "new root";
	b->top = new_tmpfs();
	if (b->top < 0 || syscall(LX_NR_MOVE_MOUNT, b->top, "", AT_FDCWD, "/",
			      LX_MOVE_MOUNT_F_EMPTY_PATH) != 0)
		return (errno);
	b->view = walk(b->top, "view", true, true);
	if (b->view < 0)
		return (errno);
	b->step = "mounts of the grants";
	error = mount_grants(c, b);
	if (error != 0)
		return (error);
	b->step = "/proc/self/fd, /proc/cpuinfo and /dev/null";
	error = make_base(b);
	if (error != 0)
		return (error);
	b->step = "procfs";
	error = cover_proc(b);
	if (error != 0)
		return (error);
	b->step = "read-only root";
	error = set_attr(b->top, LX_MOUNT_ATTR_RDONLY, 0);
	if (error != 0)
		return (error);
	b->step = "pivot_root";
	if (fchdir(b->top) != 0 || syscall(LX_NR_PIVOT_ROOT, ".", ".") != 0)
		return (errno);
	return (0);
}

/* The old root is mounted over the new one: detach it, and go to the view. */
static int
enter_view(struct confine *c, struct build *b, const char *cwd)
{
	if (umount2(".", MNT_DETACH) != 0 || fchdir(b->top) != 0)
		return (errno);
	c->base = walk(b->top, "base", false, true);
	if (c->base < 0 || fchdir(b->view) != 0 || chroot(".") != 0)
		return (errno);
	if (chdir(cwd) != 0 && chdir("/") != 0)
		return (errno);
	c->held |= HELD_MOUNT;
	return (0);
}

int
confine_root(struct confine *c)
{
	struct build b = {.top = -1, .view = -1};
	char cwd[PATH_MAX];
	int error;

	if (!c->own_mounts)
		return (0);
	if (!confine_capable(LX_CAP_SYS_CHROOT)) {
		confine_lose(c, "root of the grants (no CAP_SYS_CHROOT)");
		return (0);
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		strcpy(cwd, "/");
	error = build_tree(c, &b);
	if (error != 0) {
		confine_lose(
		    c, "root of the grants (%s: %s)", b.step, strerror(error));
		error = chdir(cwd) != 0 && chdir("/") != 0 ? errno : 0;
	} else
		error = enter_view(c, &b, cwd);
	if (b.view >= 0)
		close(b.view);
	if (b.top >= 0)
		close(b.top);
	if (error != 0)
		fprintf(stderr,
		    "vmspace: cannot leave the root of the host: %s; use "
		    "--confine=off to run without confinement\n",
		    strerror(error));
	return (error);
}
