/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Landlock rules.
 *
 * Concepts.  A rule is made for each grant: to read, and where it is writable
 * to write, make and remove files (no devices).  Nothing may be executed: the
 * zygote is a memfd, which Landlock does not restrict.  Besides the grants the
 * process reads /proc/cpuinfo, for the guest's file of that name, and uses
 * /dev/null.  A file that is inherited as standard descriptor may be opened
 * again, in the way in which it is open: hostfs does that by /proc/self/fd.
 *
 * Landlock restricts the calling thread and the threads and processes that it
 * starts.  It must therefore be called before the first thread starts.
 *
 * Limits.  Landlock does not restrict what O_PATH allows: names, owners, sizes
 * and times of files.  A right that the host's version does not know is not
 * restricted.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/landlock.h"
#include "abi/syscall.h"

#define LL(name) LX_LANDLOCK_FS_##name
#define FS_READ (LL(READ_FILE) | LL(READ_DIR))
#define FS_MAKE                                                           \
	(LL(REMOVE_DIR) | LL(REMOVE_FILE) | LL(MAKE_DIR) | LL(MAKE_REG) | \
	    LL(MAKE_SOCK) | LL(MAKE_FIFO) | LL(MAKE_SYM) | LL(REFER))
#define FS_WRITE (LL(WRITE_FILE) | LL(TRUNCATE))
#define FS_DEVICES (LL(MAKE_CHAR) | LL(MAKE_BLOCK))
#define FS_OF_FILES (LL(READ_FILE) | FS_WRITE)

int
confine_landlock_version(void)
{
	long v = syscall(LX_NR_LANDLOCK_CREATE_RULESET, NULL, 0,
	    LX_LANDLOCK_CREATE_RULESET_VERSION);

	return (v < 0 ? 0 : (int)v);
}

/* A rule for a file that fd names.  0 or errno. */
static int
allow(int ruleset, int fd, uint64_t rights)
{
	struct lx_landlock_path_beneath pb = {.allowed = rights, .fd = fd};

	if (syscall(LX_NR_LANDLOCK_ADD_RULE, ruleset,
		LX_LANDLOCK_RULE_PATH_BENEATH, &pb, 0) == 0)
		return (0);
	return (errno);
}

/* A file that the kernel itself needs; path is below the root, or below the
 * directory that will be the root. */
static void
allow_path(
    const struct confine *c, int ruleset, const char *path, uint64_t rights)
{
	int fd;

	fd = c->base >= 0 ? openat(c->base, path + 1, O_PATH | O_CLOEXEC)
			  : open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return; /* the host does not have it */
	(void)allow(ruleset, fd, rights);
	close(fd);
}

/* Standard descriptors.  Pipes and sockets have no path: EBADFD. */
static void
allow_inherited(int ruleset, uint64_t fs)
{
	for (int fd = 0; fd < 3; fd++) {
		int flags = fcntl(fd, F_GETFL), mode = flags & O_ACCMODE;
		uint64_t rights = 0;

		if (flags < 0 || (flags & O_PATH) != 0)
			continue;
		if (mode != O_WRONLY)
			rights |= LL(READ_FILE);
		if (mode != O_RDONLY)
			rights |= FS_WRITE & fs;
		if (allow(ruleset, fd, rights | LL(READ_DIR)) == EINVAL)
			(void)allow(ruleset, fd, rights);
	}
}

static uint64_t
rights_of(int version)
{
	uint64_t fs = LL(EXECUTE) | FS_READ | FS_MAKE | FS_WRITE | FS_DEVICES |
		      LL(IOCTL_DEV);

	if (version < 2)
		fs &= ~LL(REFER);
	if (version < 3)
		fs &= ~LL(TRUNCATE);
	if (version < 5)
		fs &= ~LL(IOCTL_DEV);
	return (fs);
}

/* Rules for all that may be used; 0 or errno. */
static int
allow_all(const struct confine *c, int rs, uint64_t fs)
{
	int error = 0;

	for (size_t i = 0; i < c->ngrants && error == 0; i++) {
		const struct confine_grant *g = &c->grants[i];
		uint64_t rights = FS_READ;

		if (g->write)
			rights |= FS_MAKE | FS_WRITE;
		if (!g->dir)
			rights &= FS_OF_FILES;
		error = allow(rs, g->fd, rights & fs);
	}
	allow_path(c, rs, "/dev/null", (LL(READ_FILE) | FS_WRITE) & fs);
	allow_path(c, rs, "/proc/cpuinfo", LL(READ_FILE));
	allow_inherited(rs, fs);
	return (error);
}

void
confine_landlock(struct confine *c)
{
	const int version = confine_landlock_version();
	struct lx_landlock_ruleset a = {.fs = rights_of(version)};
	size_t size = sizeof(a.fs);
	int rs, error;

	if (version < 1) {
		confine_lose(c, "landlock (the host has none)");
		return;
	}
	if (version >= 4) {
		/* It also restricts sockets that another process has made. */
		if (!c->config->net_host && c->config->net_socket == NULL)
			a.net = LX_LANDLOCK_NET_BIND_TCP |
				LX_LANDLOCK_NET_CONNECT_TCP;
		size += sizeof(a.net);
	}
	if (version >= 6) {
		a.scoped =
		    LX_LANDLOCK_SCOPE_ABSTRACT_UNIX | LX_LANDLOCK_SCOPE_SIGNAL;
		size += sizeof(a.scoped);
	}
	rs = (int)syscall(LX_NR_LANDLOCK_CREATE_RULESET, &a, size, 0);
	if (rs < 0) {
		confine_lose(c, "landlock (%s)", strerror(errno));
		return;
	}
	error = allow_all(c, rs, a.fs);
	if (error == 0 && syscall(LX_NR_LANDLOCK_RESTRICT_SELF, rs, 0) != 0)
		error = errno;
	close(rs);
	if (error != 0) {
		confine_lose(c, "landlock (%s)", strerror(error));
		return;
	}
	c->landlock = version;
	c->held |= HELD_LL_FILES;
	c->held |= a.net != 0 ? HELD_LL_TCP : 0;
	c->held |= a.scoped != 0 ? HELD_LL_SCOPE : 0;
}
