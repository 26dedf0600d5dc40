/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The process at the other end of a socket (SO_PEERGROUPS, SO_PEERPIDFD), and
 * the mount of a file (statx).
 */
#include "guest.h"

#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#define PEERPIDFD 77
#define MNT_ID 0x1000u
#define ATTR_MOUNT_ROOT 0x2000u

struct statx_head {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t words[10];
	uint64_t attributes_mask;
	uint64_t times[8];
	uint32_t devs[4];
	uint64_t mnt_id;
	uint64_t spare[13];
};

static int
peer_groups(int fd, gid_t *groups, socklen_t *len)
{
	return (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, len));
}

static void
groups(void)
{
	const gid_t set[3] = {5, 7, 9};
	gid_t got[8] = {0};
	socklen_t len = sizeof(got);
	int v[2], s, n;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	n = getgroups(0, NULL);
	if (n <= 8)
		CHECK(peer_groups(v[0], got, &len) == 0 &&
		      len == (socklen_t)n * sizeof(gid_t));
	close(v[0]);
	close(v[1]);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(peer_groups(s, got, &len), ENODATA);
	CHECK_ERRNO(getsockopt(s, SOL_SOCKET, PEERPIDFD, got, &len), ENODATA);
	close(s);
	if (!no_internet()) {
		s = socket(AF_INET, SOCK_DGRAM, 0);
		CHECK_ERRNO(peer_groups(s, got, &len), ENODATA);
		CHECK_ERRNO(
		    getsockopt(s, SOL_SOCKET, PEERPIDFD, got, &len), ENODATA);
		close(s);
	}
	if (geteuid() != 0 || setgroups(3, set) != 0)
		return;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, v) == 0);
	len = sizeof(got);
	CHECK(peer_groups(v[0], got, &len) == 0 && len == sizeof(set));
	CHECK(memcmp(got, set, sizeof(set)) == 0);
	len = 8;
	CHECK_ERRNO(peer_groups(v[0], got, &len), ERANGE);
	CHECK(len == sizeof(set));
	CHECK_ERRNO(peer_groups(v[0], BAD, &len), EFAULT);
	close(v[0]);
	close(v[1]);
}

static void
pidfds(void)
{
	char path[64], text[512];
	struct pollfd p;
	int v[2], fd = -1, n, f;
	socklen_t len = sizeof(fd);
	const char *line;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v) == 0);
	CHECK(getsockopt(v[0], SOL_SOCKET, PEERPIDFD, &fd, &len) == 0);
	CHECK(fd > v[1] && len == sizeof(fd));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	CHECK(poll(&p, 1, 0) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = open(path, O_RDONLY);
	n = (int)read(f, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = '\0';
	line = strstr(text, "Pid:\t");
	CHECK(line != NULL && atoi(line + 5) == getpid());
	close(f);
	close(fd);
	close(v[0]);
	close(v[1]);
}

static struct statx_head
stat_of(int dir, const char *path, int flags)
{
	struct statx_head sx = {0};

	CHECK(syscall(SYS_statx, dir, path, flags, 0x7ffu | MNT_ID, &sx) == 0);
	CHECK((sx.mask & MNT_ID) != 0);
	CHECK((sx.attributes_mask & ATTR_MOUNT_ROOT) != 0);
	return (sx);
}

static void
mounts(void)
{
	struct statx_head root = stat_of(AT_FDCWD, "/", 0), other;
	char text[256], *at;
	int fd, n, p[2];

	CHECK((root.attributes & ATTR_MOUNT_ROOT) != 0);
	other = stat_of(AT_FDCWD, "/proc", 0);
	CHECK((other.attributes & ATTR_MOUNT_ROOT) != 0);
	CHECK(other.mnt_id != root.mnt_id);
	fd = open("/proc/self/status", O_RDONLY);
	other = stat_of(fd, "", 0x1000 /* AT_EMPTY_PATH */);
	CHECK((other.attributes & ATTR_MOUNT_ROOT) == 0);
	/* The number is that of fdinfo and mountinfo. */
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", fd);
	n = open(text, O_RDONLY);
	CHECK(read(n, text, sizeof(text)) > 0);
	close(n);
	close(fd);
	at = strstr(text, "mnt_id:\t");
	CHECK(at != NULL && (uint64_t)atoi(at + 8) == other.mnt_id);
	CHECK(pipe(p) == 0);
	other = stat_of(p[0], "", 0x1000);
	CHECK(other.mnt_id != root.mnt_id);
}

int
main(void)
{
	groups();
	say("groups of a peer");
	pidfds();
	say("descriptor of a peer");
	mounts();
	say("mounts of files");
	return (0);
}
