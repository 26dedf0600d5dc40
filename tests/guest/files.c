/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files in /tmp (tmpfs inside, the file system of the host natively): creation,
 * links, rename, unlinked files, append, holes, directories, symbolic links,
 * times; and, inside, that nothing outside can be written or reached.
 */
#include "guest.h"

#include <dirent.h>
#include <sys/statfs.h>

static void
creation(void)
{
	struct stat st;
	char buf[16];
	int fd, fd2;

	umask(027);
	fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0666);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(st.st_mode == (S_IFREG | 0640) && st.st_size == 0 &&
	      st.st_nlink == 1 && st.st_uid == geteuid());
	CHECK_ERRNO(open("f", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
	CHECK_ERRNO(open("nf", O_RDWR), ENOENT);
	CHECK_ERRNO(open("f/x", O_RDWR | O_CREAT, 0600), ENOTDIR);
	CHECK_ERRNO(open(".", O_RDWR), EISDIR);
	CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK(write(fd, "hello", 5) == 5 && lseek(fd, 0, SEEK_CUR) == 5);
	fd2 = open("f", O_WRONLY | O_APPEND);
	CHECK(fd2 >= 0 && write(fd2, " world", 6) == 6);
	CHECK(lseek(fd, 0, SEEK_END) == 11);
	CHECK(pread(fd, buf, 16, 6) == 5 && memcmp(buf, "world", 5) == 0);
	CHECK(lseek(fd2, 0, SEEK_SET) == 0 && write(fd2, "!", 1) == 1);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 12);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(read(fd2, buf, 1), EBADF);
	CHECK(close(fd2) == 0);
	fd2 = open("f", O_WRONLY | O_TRUNC);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
	CHECK(close(fd) == 0 && close(fd2) == 0 && unlink("f") == 0);
	umask(022);
	say("creation");
}

static void
links(void)
{
	struct stat a, b;
	char buf[16];
	int fd;

	write_file("one", "data", 4, 0644);
	CHECK(link("one", "two") == 0);
	CHECK(stat("one", &a) == 0 && stat("two", &b) == 0);
	CHECK(a.st_ino == b.st_ino && b.st_nlink == 2);
	CHECK_ERRNO(link("one", "two"), EEXIST);
	CHECK_ERRNO(link("nothing", "x"), ENOENT);
	/* Both names are the same file: no change. */
	CHECK(rename("one", "two") == 0);
	CHECK(access("one", F_OK) == 0);
	CHECK(unlink("one") == 0 && stat("two", &b) == 0 && b.st_nlink == 1);
	CHECK(symlink("two", "sym") == 0);
	CHECK(lstat("sym", &a) == 0 && S_ISLNK(a.st_mode) && a.st_size == 3);
	CHECK(stat("sym", &a) == 0 && S_ISREG(a.st_mode));
	CHECK(readlink("sym", buf, sizeof(buf)) == 3);
	CHECK(readlink("sym", buf, 2) == 2);
	CHECK_ERRNO(readlink("two", buf, 2), EINVAL);
	CHECK_ERRNO(open("sym", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(symlink("x", "sym"), EEXIST);
	CHECK(symlink("loop", "loop") == 0);
	CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
	CHECK(unlink("loop") == 0);
	/* An unlinked file that is open still exists. */
	fd = open("two", O_RDWR);
	CHECK(fd >= 0 && unlink("two") == 0);
	CHECK_ERRNO(open("sym", O_RDONLY), ENOENT);
	CHECK(pwrite(fd, "DATA", 4, 0) == 4 && read(fd, buf, 16) == 4);
	CHECK(memcmp(buf, "DATA", 4) == 0 && fstat(fd, &a) == 0 &&
	      a.st_nlink == 0);
	CHECK(close(fd) == 0 && unlink("sym") == 0);
	say("links");
}

static void
renames(void)
{
	struct stat st;

	write_file("a", "A", 1, 0644);
	write_file("b", "BB", 2, 0644);
	CHECK(rename("a", "b") == 0);
	CHECK(stat("b", &st) == 0 && st.st_size == 1);
	CHECK_ERRNO(stat("a", &st), ENOENT);
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	CHECK_ERRNO(rename("d", "d/e/f"), EINVAL);
	CHECK_ERRNO(rename("b", "d"), EISDIR);
	CHECK_ERRNO(rename("d", "b"), ENOTDIR);
	CHECK(mkdir("g", 0755) == 0);
	CHECK_ERRNO(rename("g", "d"), ENOTEMPTY);
	CHECK(rename("d", "g") == 0 && stat("g/e", &st) == 0);
	CHECK(rename("b", "g/e/b") == 0 && stat("g/e/b", &st) == 0);
	CHECK_ERRNO(rmdir("g"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("g/e/b"), ENOTDIR);
	CHECK_ERRNO(unlink("g"), EISDIR);
	CHECK_ERRNO(mkdir("g", 0755), EEXIST);
	CHECK(unlink("g/e/b") == 0 && rmdir("g/e") == 0 && rmdir("g") == 0);
	say("rename");
}

static void
sizes(void)
{
	struct stat st;
	char buf[64];
	int fd = open("s", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && pwrite(fd, "end", 3, 1 << 20) == 3);
	CHECK(fstat(fd, &st) == 0 && st.st_size == (1 << 20) + 3);
	CHECK(pread(fd, buf, 64, 4096) == 64 && all_zero(buf, 64));
	CHECK(ftruncate(fd, 10) == 0 && ftruncate(fd, 5000) == 0);
	CHECK(pread(fd, buf, 64, 0) == 64 && all_zero(buf, 64));
	CHECK(truncate("s", 3) == 0 && lseek(fd, 0, SEEK_END) == 3);
	CHECK(pread(fd, buf, 64, 3) == 0 && pread(fd, buf, 64, 100) == 0);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK_ERRNO(truncate(".", 0), EISDIR);
	CHECK(chmod("s", 0400) == 0 && stat("s", &st) == 0 &&
	      (st.st_mode & 07777) == 0400);
	CHECK(fchmod(fd, 04711) == 0 && fstat(fd, &st) == 0 &&
	      (st.st_mode & 07777) == 04711);
	CHECK(close(fd) == 0 && unlink("s") == 0);
	say("sizes and modes");
}

static void
times(void)
{
	struct timespec ts[2] = {
	    {1000000000, 123000000}, {1100000000, 456000000}};
	struct stat st, st2;

	write_file("t", "x", 1, 0644);
	CHECK(utimensat(AT_FDCWD, "t", ts, 0) == 0 && stat("t", &st) == 0);
	CHECK(st.st_atim.tv_sec == 1000000000 &&
	      st.st_mtim.tv_sec == 1100000000 &&
	      st.st_mtim.tv_nsec == 456000000);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "t", ts, 0) == 0 && stat("t", &st2) == 0);
	CHECK(st2.st_atim.tv_sec == 1000000000 &&
	      st2.st_mtim.tv_sec > 1600000000);
	CHECK(unlink("t") == 0);
	say("times");
}

static void
directories(void)
{
	bool seen[300] = {0};
	struct dirent *de;
	char name[32], cwd[256];
	int n = 0, dirfd;
	struct stat st;
	DIR *d;

	CHECK(mkdir("dir", 0700) == 0 && chdir("dir") == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		write_file(name, "", 0, 0600);
	}
	d = opendir(".");
	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		n = atoi(de->d_name + 6);
		CHECK(n >= 0 && n < 300 && !seen[n]);
		CHECK(de->d_type == DT_REG || de->d_type == DT_UNKNOWN);
		seen[n] = true;
		/* Removing an entry does not disturb the reading of the
		 * directory. */
		CHECK(unlink(de->d_name) == 0);
	}
	closedir(d);
	for (int i = 0; i < 300; i++)
		CHECK(seen[i]);
	CHECK(stat(".", &st) == 0 && S_ISDIR(st.st_mode));
	CHECK(mkdir("sub", 0700) == 0);
	dirfd = open("sub", O_RDONLY | O_DIRECTORY);
	CHECK(dirfd >= 0 && mkdirat(dirfd, "deep", 0700) == 0);
	CHECK(fchdir(dirfd) == 0 && chdir("deep") == 0);
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK(strcmp(cwd + strlen(cwd) - 13, "/dir/sub/deep") == 0);
	CHECK_ERRNO(syscall(SYS_getcwd, cwd, 3), ERANGE);
	CHECK(unlinkat(dirfd, "deep", AT_REMOVEDIR) == 0);
	CHECK_ERRNO(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENOENT);
	CHECK(chdir("../..") == 0);
	CHECK(close(dirfd) == 0 && rmdir("sub") == 0);
	CHECK(chdir("..") == 0 && rmdir("dir") == 0);
	CHECK_ERRNO(chdir("dir"), ENOENT);
	say("directories");
}

static void
refused(const char *path)
{
	CHECK_ERRNO(open(path, O_WRONLY | O_CREAT, 0600), EROFS);
}

/* The files of the host are read-only, and no path leads out of the root. */
static void
outside(void)
{
	struct stat root, up;
	struct statfs fs;

	if (inside()) {
		refused("/guest-was-here");
		refused("/etc/guest-was-here");
		refused("/tmp/../guest-was-here");
		refused("../../../../../guest-was-here");
		CHECK(symlink("/etc", "etc") == 0);
		refused("etc/guest-was-here");
		CHECK(symlink("../../../../..//etc/x", "far") == 0);
		refused("far");
		CHECK_ERRNO(mkdir("/guest-was-here", 0700), EROFS);
		CHECK_ERRNO(unlink("/etc/passwd"), EROFS);
		CHECK_ERRNO(rename("/etc/passwd", "/etc/pw"), EROFS);
		CHECK_ERRNO(link("/etc/passwd", "/etc/pw"), EROFS);
		CHECK_ERRNO(truncate("/etc/passwd", 0), EROFS);
		CHECK_ERRNO(chmod("/etc/passwd", 0777), EROFS);
		CHECK_ERRNO(open("/etc/passwd", O_RDWR), EROFS);
		CHECK_ERRNO(link("/etc/passwd", "pw"), EXDEV);
		CHECK(unlink("etc") == 0 && unlink("far") == 0);
		CHECK(statfs("/tmp", &fs) == 0 && fs.f_type == 0x01021994);
	}
	CHECK(stat("/", &root) == 0 && stat("/..", &up) == 0);
	CHECK(root.st_ino == up.st_ino && root.st_dev == up.st_dev);
	CHECK(stat("/../../../..", &up) == 0 && root.st_ino == up.st_ino);
	say("outside");
}

/* Every ioctl of terminals, on a regular file. */
static int
ioctl_tty(void)
{
	char winsize[8];
	int fd = open(".", O_RDONLY), r;

	CHECK(fd >= 0);
	r = (int)syscall(SYS_ioctl, fd, 0x5413, winsize);
	close(fd); /* a close that succeeds does not change errno */
	return (r);
}

static void
devices(void)
{
	unsigned char a[64], b[64];
	struct stat st;
	int fd;

	fd = open("/dev/null", O_RDWR);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(fd, a, 1) == 0);
	CHECK(
	    fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	memset(a, 1, 64);
	CHECK(fd >= 0 && read(fd, a, 64) == 64 && all_zero(a, 64));
	CHECK(write(fd, a, 64) == 64);
	close(fd);
	fd = open("/dev/full", O_RDWR);
	CHECK(fd >= 0 && read(fd, a, 64) == 64 && all_zero(a, 64));
	CHECK_ERRNO(write(fd, a, 1), ENOSPC);
	close(fd);
	fd = open("/dev/urandom", O_RDONLY);
	CHECK(fd >= 0 && read(fd, a, 64) == 64 && read(fd, b, 64) == 64 &&
	      memcmp(a, b, 64) != 0);
	close(fd);
	CHECK_ERRNO(ioctl_tty(), ENOTTY);
	say("devices");
}

int
main(void)
{
	scratch_enter("files");
	creation();
	links();
	renames();
	sizes();
	times();
	directories();
	outside();
	devices();
	scratch_remove();
	return (0);
}
