/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Confine the kernel process.
 *
 * Purpose: the kernel process parses data of hostile guests.  If a guest
 * exploits a bug in it, the damage is limited: the process can gain no
 * privileges (no_new_privs); with Landlock it can change files only below the
 * paths of --rw and --bind, opens TCP connections only with --net host, reaches
 * no abstract UNIX socket except its own, and signals no process except its own
 * stubs.  Reading is not restricted, because the default --root contains every
 * file that the user may read.
 *
 * Landlock restricts the calling thread and the threads that it starts.
 * cmd_confine() must therefore be called before the first thread starts.
 *
 * Limits: on a host without Landlock (before Linux 5.13, or turned off) only
 * no_new_privs applies.  Rights that the host's version does not know are not
 * restricted.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/syscall.h"
#include "cmd/cmd.h"
#include "vmspace/vkernel.h"

/* From the host kernel's ABI; older libc headers do not have them. */
#define LANDLOCK_VERSION 1u
#define RULE_PATH_BENEATH 1
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_REMOVE_AND_MAKE (UINT64_C(0x1ff) << 4) /* bits 4..12 */
#define FS_REFER (UINT64_C(1) << 13)              /* version 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)           /* version 3 */
#define NET_TCP UINT64_C(3)                       /* version 4 */
#define SCOPE_ALL UINT64_C(3)                     /* version 6 */
#define FS_ON_FILES (FS_WRITE_FILE | FS_TRUNCATE)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* A file that the guest's path names while only the root is mounted.  The host
 * resolves links below `root` as the guest will: a link cannot lead a rule out
 * of the root, and a rule is made for the file that will be mounted. */
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

/* fd is consumed; -1: mounting it will fail, with a message. */
static void
allow(int ruleset, int fd, uint64_t rights)
{
	struct path_beneath_attr pb = {.allowed = rights, .fd = fd};

	if (fd < 0)
		return;
	if (syscall(LX_NR_LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, &pb,
		0) != 0 &&
	    errno == EINVAL) {
		pb.allowed &= FS_ON_FILES; /* not a directory */
		syscall(LX_NR_LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH,
		    &pb, 0);
	}
	close(pb.fd);
}

static void
allow_mount(int ruleset, const struct vkernel_config *c,
    const struct vkernel_mount *m, uint64_t rights)
{
	if ((m->kind == VKERNEL_MOUNT_BIND ||
		m->kind == VKERNEL_MOUNT_DEVICE) &&
	    !m->rdonly)
		allow(ruleset, open(m->src, O_PATH | O_CLOEXEC), rights);
	if (m->kind == VKERNEL_MOUNT_RW)
		allow(ruleset,
		    open_in_root(c->root == NULL ? "/" : c->root, m->src),
		    rights);
}

void
cmd_confine(const struct vkernel_config *c)
{
	struct ruleset_attr a = {.fs = FS_WRITE_FILE | FS_REMOVE_AND_MAKE};
	size_t size = sizeof(a.fs);
	long version;
	int rs;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	version =
	    syscall(LX_NR_LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);
	if (version < 1)
		return;
	if (version >= 2)
		a.fs |= FS_REFER;
	if (version >= 3)
		a.fs |= FS_TRUNCATE;
	if (version >= 4) {
		a.net = c->net_host ? 0 : NET_TCP;
		size += sizeof(a.net);
	}
	if (version >= 6) {
		a.scoped = SCOPE_ALL;
		size += sizeof(a.scoped);
	}
	rs = (int)syscall(LX_NR_LANDLOCK_CREATE_RULESET, &a, size, 0);
	if (rs < 0)
		return;
	allow(rs, open("/dev/null", O_PATH | O_CLOEXEC), a.fs & FS_ON_FILES);
	for (size_t i = 0; i < c->nmounts; i++)
		allow_mount(rs, c, &c->mounts[i], a.fs);
	syscall(LX_NR_LANDLOCK_RESTRICT_SELF, rs, 0);
	close(rs);
}
