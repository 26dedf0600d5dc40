/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Extended attributes: values and lists, flags, name spaces and who may use
 * them, limits, types of files, links and descriptors, and the order of errors.
 */
#include "guest.h"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#define USER 1000

/* Does a list of n bytes have this name, and each name its NUL? */
static bool
listed(const char *list, ssize_t n, const char *name)
{
	bool found = false;

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
		found |= strcmp(list + at, name) == 0;
	return (n == 0 || (list[n - 1] == '\0' && found));
}

static void
values(void)
{
	char buf[64], list[256];
	ssize_t n;

	write_file("f", "x", 1, 0644);
	CHECK_ERRNO(getxattr("f", "user.a", buf, sizeof(buf)), ENODATA);
	CHECK(listxattr("f", list, sizeof(list)) == 0);
	CHECK(setxattr("f", "user.a", "one", 3, 0) == 0);
	CHECK(getxattr("f", "user.a", NULL, 0) == 3);
	CHECK(getxattr("f", "user.a", buf, 3) == 3);
	CHECK(memcmp(buf, "one", 3) == 0);
	CHECK_ERRNO(getxattr("f", "user.a", buf, 2), ERANGE);
	/* Replacing: longer, shorter, empty. */
	CHECK(setxattr("f", "user.a", "longer", 6, 0) == 0);
	CHECK(getxattr("f", "user.a", buf, sizeof(buf)) == 6);
	CHECK(memcmp(buf, "longer", 6) == 0);
	CHECK(setxattr("f", "user.a", NULL, 0, 0) == 0);
	CHECK(getxattr("f", "user.a", buf, sizeof(buf)) == 0);
	CHECK(getxattr("f", "user.a", buf, 1) == 0);
	/* The list. */
	CHECK(setxattr("f", "user.bcd", "v", 1, 0) == 0);
	n = listxattr("f", NULL, 0);
	CHECK(n == 7 + 9);
	CHECK(listxattr("f", list, (size_t)n) == n);
	CHECK(listed(list, n, "user.a") && listed(list, n, "user.bcd"));
	CHECK_ERRNO(listxattr("f", list, (size_t)n - 1), ERANGE);
	/* The other two ways to name the file. */
	int fd = open("f", O_RDONLY);

	CHECK(fd >= 0 && fgetxattr(fd, "user.bcd", buf, 1) == 1);
	CHECK(fsetxattr(fd, "user.fd", "1", 1, 0) == 0);
	CHECK(flistxattr(fd, list, sizeof(list)) == n + 8);
	CHECK(lgetxattr("f", "user.fd", buf, 1) == 1 && buf[0] == '1');
	CHECK(fremovexattr(fd, "user.fd") == 0);
	CHECK_ERRNO(fremovexattr(fd, "user.fd"), ENODATA);
	CHECK(close(fd) == 0);
	/* They belong to the file, not to the name. */
	CHECK(link("f", "g") == 0 && rename("f", "h") == 0);
	CHECK(getxattr("g", "user.bcd", buf, 1) == 1);
	CHECK(removexattr("h", "user.bcd") == 0);
	CHECK_ERRNO(getxattr("g", "user.bcd", buf, 1), ENODATA);
	CHECK(lremovexattr("g", "user.a") == 0);
	CHECK(listxattr("h", list, sizeof(list)) == 0);
	CHECK(unlink("g") == 0 && unlink("h") == 0);
	say("values");
}

static void
flags(void)
{
	char buf[8];

	write_file("f", "x", 1, 0644);
	CHECK_ERRNO(setxattr("f", "user.a", "1", 1, XATTR_REPLACE), ENODATA);
	CHECK(setxattr("f", "user.a", "1", 1, XATTR_CREATE) == 0);
	CHECK_ERRNO(setxattr("f", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	CHECK(getxattr("f", "user.a", buf, 8) == 1 && buf[0] == '1');
	CHECK(setxattr("f", "user.a", "3", 1, XATTR_REPLACE) == 0);
	CHECK(getxattr("f", "user.a", buf, 8) == 1 && buf[0] == '3');
	CHECK_ERRNO(setxattr("f", "user.a", "2", 1, 4), EINVAL);
	CHECK(unlink("f") == 0);
	say("flags");
}

static void
limits(void)
{
	char name[300], *big = map_anon(65536 + PAGE);

	write_file("f", "x", 1, 0644);
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[255] = '\0';
	CHECK(setxattr("f", name, "v", 1, 0) == 0);
	CHECK(getxattr("f", name, big, 10) == 1);
	CHECK(removexattr("f", name) == 0);
	name[255] = 'n';
	name[256] = '\0';
	CHECK_ERRNO(setxattr("f", name, "v", 1, 0), ERANGE);
	CHECK_ERRNO(getxattr("f", name, big, 1), ERANGE);
	CHECK_ERRNO(removexattr("f", name), ERANGE);
	CHECK_ERRNO(setxattr("f", "", "v", 1, 0), ERANGE);
	CHECK_ERRNO(setxattr("f", "user.a", big, 65537, 0), E2BIG);
	CHECK_ERRNO(setxattr("f", BAD, "v", 1, 0), EFAULT);
	CHECK_ERRNO(setxattr("f", "user.a", BAD, 5, 0), EFAULT);
	CHECK_ERRNO(getxattr(BAD, "user.a", NULL, 0), EFAULT);
	CHECK(setxattr("f", "user.a", "abc", 3, 0) == 0);
	CHECK_ERRNO(getxattr("f", "user.a", BAD, 3), EFAULT);
	CHECK_ERRNO(listxattr("f", BAD, 100), EFAULT);
	/* The argument is checked before the file is looked up. */
	CHECK_ERRNO(setxattr("nonesuch", "user.a", "v", 1, 4), EINVAL);
	CHECK_ERRNO(setxattr("nonesuch", "", "v", 1, 0), ERANGE);
	CHECK_ERRNO(setxattr("nonesuch", "user.a", big, 65537, 0), E2BIG);
	CHECK_ERRNO(setxattr("nonesuch", "user.a", "v", 1, 0), ENOENT);
	CHECK_ERRNO(fsetxattr(-1, "user.a", "v", 1, 0), EBADF);
	CHECK(unlink("f") == 0);
	if (inside()) {
		/* A tmpfs takes the longest value, and as many names as a list
		 * may have. */
		write_file("f", "x", 1, 0644);
		memset(big, 'b', 65536);
		CHECK(setxattr("f", "user.big", big, 65536, 0) == 0);
		memset(big, 0, 65536);
		CHECK(getxattr("f", "user.big", big, 65536) == 65536);
		CHECK(big[0] == 'b' && big[65535] == 'b');
		name[255] = '\0';
		int made = 0;

		for (;; made++) {
			snprintf(name + 5, 8, "%06d", made);
			name[11] = 'n';
			if (setxattr("f", name, "v", 1, 0) != 0)
				break;
			CHECK(made < 300);
		}
		CHECK(errno == ENOSPC && made == (65536 - 9) / 256);
		CHECK(listxattr("f", big, 65536) == 9 + made * 256);
		CHECK(unlink("f") == 0);
	}
	CHECK(munmap(big, 65536 + PAGE) == 0);
	say("limits");
}

static void
spaces(void)
{
	char buf[64];

	write_file("f", "x", 1, 0644);
	CHECK_ERRNO(setxattr("f", "user.", "v", 1, 0), EINVAL);
	CHECK_ERRNO(getxattr("f", "user.", buf, 1), EINVAL);
	CHECK_ERRNO(setxattr("f", "nospace", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERRNO(getxattr("f", "other.a", buf, 1), EOPNOTSUPP);
	CHECK_ERRNO(removexattr("f", "other.a"), EOPNOTSUPP);
	CHECK_ERRNO(getxattr("f", "security.a", buf, 1), ENODATA);
	CHECK_ERRNO(setxattr("f", "security.capability", "v", 1, 0), EINVAL);
	if (geteuid() == 0) {
		CHECK(setxattr("f", "trusted.a", "t", 1, 0) == 0);
		CHECK(getxattr("f", "trusted.a", buf, 1) == 1);
		CHECK(setxattr("f", "security.a", "s", 1, 0) == 0);
		CHECK(getxattr("f", "security.a", buf, 1) == 1);
		CHECK(listxattr("f", NULL, 0) == 10 + 11);
	}
	CHECK(unlink("f") == 0);
	say("spaces");
}

/* user.* is for regular files and directories. */
static void
types(void)
{
	char buf[8];
	int fds[2], fd;

	CHECK(mkdir("d", 0755) == 0 && mkfifo("p", 0644) == 0);
	CHECK(symlink("d", "l") == 0 && symlink("nonesuch", "dangling") == 0);
	CHECK(setxattr("d", "user.a", "d", 1, 0) == 0);
	CHECK(getxattr("l", "user.a", buf, 1) == 1 && buf[0] == 'd');
	CHECK_ERRNO(lgetxattr("l", "user.a", buf, 1), ENODATA);
	CHECK_ERRNO(lsetxattr("l", "user.a", "v", 1, 0), EPERM);
	CHECK_ERRNO(lremovexattr("l", "user.a"), EPERM);
	CHECK(llistxattr("l", buf, 1) == 0);
	CHECK_ERRNO(getxattr("dangling", "user.a", buf, 1), ENOENT);
	if (geteuid() == 0) {
		CHECK(lsetxattr("dangling", "trusted.a", "v", 1, 0) == 0);
		CHECK(lgetxattr("dangling", "trusted.a", buf, 1) == 1);
	}
	CHECK_ERRNO(getxattr("p", "user.a", buf, 1), ENODATA);
	CHECK_ERRNO(setxattr("p", "user.a", "v", 1, 0), EPERM);
	CHECK_ERRNO(getxattr("/dev/null", "user.a", buf, 1), ENODATA);
	CHECK_ERRNO(setxattr("/dev/null", "user.a", "v", 1, 0), EPERM);
	CHECK_ERRNO(getxattr("/proc/self/stat", "user.a", buf, 1), EOPNOTSUPP);
	CHECK(listxattr("/proc/self/stat", buf, 8) == 0);
	CHECK(pipe(fds) == 0);
	CHECK_ERRNO(fgetxattr(fds[0], "user.a", buf, 1), ENODATA);
	CHECK_ERRNO(fsetxattr(fds[0], "user.a", "v", 1, 0), EPERM);
	CHECK(flistxattr(fds[0], buf, 1) == 0);
	CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
	fd = open("d", O_PATH);
	CHECK_ERRNO(fgetxattr(fd, "user.a", buf, 1), EBADF);
	CHECK_ERRNO(fsetxattr(fd, "user.a", "v", 1, 0), EBADF);
	CHECK_ERRNO(flistxattr(fd, buf, 1), EBADF);
	CHECK_ERRNO(fremovexattr(fd, "user.a"), EBADF);
	CHECK(close(fd) == 0);
	CHECK(unlink("p") == 0 && unlink("l") == 0);
	CHECK(unlink("dangling") == 0 && rmdir("d") == 0);
	say("types");
}

/* What a user may do with the files of root. */
static void
as_user(void *arg)
{
	char buf[64];

	CHECK(setresgid(USER, USER, USER) == 0);
	CHECK(setresuid(USER, USER, USER) == 0);
	CHECK(getxattr("readable", "user.a", buf, 1) == 1);
	CHECK_ERRNO(setxattr("readable", "user.a", "v", 1, 0), EACCES);
	CHECK_ERRNO(removexattr("readable", "user.a"), EACCES);
	CHECK_ERRNO(getxattr("closed", "user.a", buf, 1), EACCES);
	CHECK(listxattr("closed", NULL, 0) == 7); /* not trusted.a */
	CHECK(setxattr("open", "user.a", "new", 3, 0) == 0);
	CHECK_ERRNO(getxattr("open", "trusted.a", buf, 1), ENODATA);
	CHECK_ERRNO(setxattr("open", "trusted.a", "v", 1, 0), EPERM);
	CHECK_ERRNO(removexattr("open", "trusted.a"), EPERM);
	CHECK_ERRNO(setxattr("open", "security.a", "v", 1, 0), EPERM);
	/* A sticky directory. */
	CHECK_ERRNO(setxattr("sticky", "user.a", "v", 1, 0), EPERM);
	CHECK(setxattr("common", "user.a", "v", 1, 0) == 0);
}

static void
rights(void)
{
	static const char *const files[] = {"readable", "closed", "open"};
	static const mode_t modes[] = {0644, 0600, 0666};

	if (geteuid() != 0) {
		say("rights");
		return;
	}
	CHECK(chmod(".", 0755) == 0);
	for (int i = 0; i < 3; i++) {
		write_file(files[i], "x", 1, modes[i]);
		CHECK(setxattr(files[i], "user.a", "r", 1, 0) == 0);
		CHECK(setxattr(files[i], "trusted.a", "t", 1, 0) == 0);
	}
	CHECK(mkdir("sticky", 0755) == 0 && chmod("sticky", 01777) == 0);
	CHECK(mkdir("common", 0755) == 0 && chmod("common", 0777) == 0);
	in_child(as_user, NULL);
	for (int i = 0; i < 3; i++)
		CHECK(unlink(files[i]) == 0);
	CHECK(rmdir("sticky") == 0 && rmdir("common") == 0);
	say("rights");
}

/* A change is a change of the inode: ctime and an event. */
static void
changes(void)
{
	struct inotify_event ev[4];
	struct stat before, after;
	int fd;

	write_file("f", "x", 1, 0644);
	fd = inotify_init1(IN_NONBLOCK);
	CHECK(fd >= 0 && inotify_add_watch(fd, "f", IN_ATTRIB) > 0);
	CHECK(stat("f", &before) == 0);
	sleep_ms(20);
	CHECK(setxattr("f", "user.a", "v", 1, 0) == 0);
	CHECK(read(fd, ev, sizeof(ev)) == sizeof(ev[0]));
	CHECK(ev[0].mask == IN_ATTRIB);
	CHECK(stat("f", &after) == 0);
	CHECK(after.st_ctim.tv_sec != before.st_ctim.tv_sec ||
	      after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
	CHECK(removexattr("f", "user.a") == 0);
	CHECK(read(fd, ev, sizeof(ev)) == sizeof(ev[0]));
	CHECK_ERRNO(removexattr("f", "user.a"), ENODATA);
	CHECK_ERRNO(read(fd, ev, sizeof(ev)), EAGAIN);
	CHECK(close(fd) == 0 && unlink("f") == 0);
	say("changes");
}

int
main(void)
{
	scratch_enter("xattrs");
	values();
	flags();
	limits();
	spaces();
	types();
	rights();
	changes();
	scratch_remove();
	return (0);
}
