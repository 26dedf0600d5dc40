/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the options grant: files and directories of the host, each with all
 * below it.
 *
 * Concepts.  A grant is held by an O_PATH descriptor, and its path without
 * links is that which the host gives for the descriptor.  The Landlock rule and
 * the mount of a grant are both made from the descriptor, so that they are for
 * the same file whatever is renamed meanwhile.  A path of --rw names a file of
 * the root: the host resolves it below the root, as the guest will, so that a
 * link in an untrusted root cannot make a grant outside of it.
 *
 * The paths in the configuration are replaced by those without links, because
 * the links that lead to a grant do not exist in a root that has only the
 * grants.
 *
 * Limits.  Without a procfs of the host the paths are unknown: confine_root.c
 * then leaves the root as it is.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "abi/syscall.h"

/* A file that the guest's path names while only the root is mounted. */
static int
open_in_root(const char *root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int dir, fd;

	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return (-1);
	fd = (int)syscall(LX_NR_OPENAT2, dir, path, &how, sizeof(how));
	close(dir);
	return (fd);
}

/* The path of an open file without links, malloc'ed; NULL: unknown. */
static char *
path_of(int fd)
{
	char link[64], path[PATH_MAX];
	struct stat at, here;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || (size_t)n == sizeof(path) - 1 || path[0] != '/')
		return (NULL);
	path[n] = '\0';
	/* A file that was removed, or that lies outside of our root. */
	if (fstat(fd, &here) != 0 || lstat(path, &at) != 0 ||
	    here.st_dev != at.st_dev || here.st_ino != at.st_ino)
		return (NULL);
	return (strdup(path));
}

/* Add a grant; fd is consumed.  -1 as fd: the mount will fail. */
static int
grant_add(struct confine *c, int fd, const char *what, const char *name,
    bool write, char **path)
{
	struct confine_grant *g = &c->grants[c->ngrants];
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return (0);
	if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
		fprintf(stderr,
		    "vmspace: cannot set up the %s %s: it is on a procfs of "
		    "the host, which no guest may use; the guest has a /proc "
		    "of its own\n",
		    what, name);
		close(fd);
		return (EPERM);
	}
	g->fd = fd;
	g->tree = -1;
	g->write = write;
	g->dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	g->path = path_of(fd);
	*path = g->path;
	c->ngrants++;
	return (0);
}

static int
grant_mount(struct confine *c, struct vkernel_mount *m, const char *root)
{
	const bool device = m->kind == VKERNEL_MOUNT_DEVICE;
	char *path = NULL;
	int error;

	if (m->kind == VKERNEL_MOUNT_RW)
		return (grant_add(c, open_in_root(root, m->src), "mount",
		    m->src, true, &path));
	if (!device && m->kind != VKERNEL_MOUNT_BIND)
		return (0);
	error = grant_add(c, open(m->src, O_PATH | O_CLOEXEC),
	    device ? "device" : "mount of", m->src, !m->rdonly, &path);
	if (error == 0 && path != NULL)
		m->src = path;
	return (error);
}

int
confine_grants_find(struct confine *c, struct vkernel_config *config)
{
	const char *root = config->root != NULL ? config->root : "/";
	char *path = NULL;
	int error;

	c->grants = calloc(config->nmounts + 1, sizeof(*c->grants));
	c->mounts = calloc(config->nmounts + 1, sizeof(*c->mounts));
	if (c->grants == NULL || c->mounts == NULL) {
		fprintf(stderr, "vmspace: out of memory\n");
		return (ENOMEM);
	}
	error = grant_add(c, open(root, O_PATH | O_DIRECTORY | O_CLOEXEC),
	    "root", root, false, &path);
	if (error != 0)
		return (error);
	for (size_t i = 0; i < config->nmounts; i++) {
		c->mounts[i] = config->mounts[i];
		error = grant_mount(c, &c->mounts[i], root);
		if (error != 0)
			return (error);
	}
	if (config->root != NULL && path != NULL)
		config->root = path;
	config->mounts = c->mounts;
	return (0);
}

void
confine_grants_close(struct confine *c)
{
	for (size_t i = 0; i < c->ngrants; i++) {
		if (c->grants[i].fd >= 0)
			close(c->grants[i].fd);
		if (c->grants[i].tree >= 0)
			close(c->grants[i].tree);
		c->grants[i].fd = c->grants[i].tree = -1;
	}
}

void
confine_grants_free(struct confine *c)
{
	confine_grants_close(c);
	for (size_t i = 0; i < c->ngrants; i++)
		free(c->grants[i].path);
	free(c->grants);
	c->grants = NULL;
	c->ngrants = 0;
}
