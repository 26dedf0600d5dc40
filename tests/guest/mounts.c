/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Mounts and name spaces of mounts: mount, umount2, pivot_root, chroot, unshare
 * and clone with CLONE_NEWNS.  Natively this needs root, as inside.
 */
#include "guest.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/vfs.h>

#define BASE "/tmp/guest-mounts"

static void
make(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool
has(const char *path)
{
	return (access(path, F_OK) == 0);
}

/* The options of the mount at `path`, as mountinfo has them. */
static const char *
options(const char *path)
{
	static char line[1024], at[512], opts[256];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*d %*d %*s %*s %511s %255s", at, opts) ==
			2 &&
		    strcmp(at, path) == 0)
			found = true;
	fclose(f);
	return (found ? opts : "none");
}

static int
tmpfs(const char *at, unsigned long flags)
{
	return (mount("none", at, "tmpfs", flags, "mode=0755,size=1m"));
}

static int
bind_to(const char *from, const char *to)
{
	return (mount(from, to, NULL, MS_BIND, NULL));
}

static int
flags_of(const char *path)
{
	struct statfs sf;

	CHECK(statfs(path, &sf) == 0);
	return (
	    (int)(sf.f_flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)));
}

static void
errors(void)
{
	CHECK_ERRNO(mount("none", BASE "/absent", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", BASE "/d", "no-such-type", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", BASE "/d", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(mount("none", BASE "/f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERRNO(mount("none", BASE "/d", "tmpfs", 0, "nonsense"), EINVAL);
	CHECK_ERRNO(mount(BASE "/f", BASE "/d", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount(BASE "/x", BASE "/d", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERRNO(mount(BASE "/d", BASE "/e", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERRNO(
	    mount(NULL, BASE "/d", NULL, MS_REMOUNT | MS_RDONLY, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, BASE "/d", NULL, MS_PRIVATE, NULL), EINVAL);
	CHECK_ERRNO(
	    mount(NULL, BASE, NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
	/* A mount that would keep its own name space. */
	CHECK_ERRNO(
	    mount("/proc/self/ns/mnt", BASE "/f", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(
	    mount(BASE "/f", "/proc/self/ns/mnt", NULL, MS_BIND, NULL), ENOENT);
	CHECK_ERRNO(umount2(BASE "/d", 0), EINVAL);
	CHECK_ERRNO(umount2(BASE "/absent", 0), ENOENT);
	CHECK_ERRNO(umount2(BASE, 0x100), EINVAL);
	CHECK_ERRNO(mount("x", BAD, "tmpfs", 0, NULL), EFAULT);
	say("errors");
}

static unsigned long long
mnt_id_of(const char *path)
{
	unsigned long long sx[32]; /* struct statx */

	CHECK(syscall(SYS_statx, AT_FDCWD, path, 0, 0x1000, sx) == 0);
	return (sx[18]); /* stx_mnt_id */
}

/* A handle is opened through the mount of the descriptor, and ustat finds a
 * file system that a process has mounted. */
static void
handles(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char data[128];
	} h = {.bytes = sizeof(h.data)};
	int fd, id, at;
	char us[32];
	struct stat st;

	CHECK(tmpfs(BASE "/d", 0) == 0);
	make(BASE "/d/f", "text");
	CHECK(bind_to(BASE "/d", BASE "/e") == 0);
	CHECK(mount(NULL, BASE "/e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
		  NULL) == 0);
	CHECK(mnt_id_of(BASE "/d") != mnt_id_of(BASE "/e"));
	CHECK(syscall(SYS_name_to_handle_at, AT_FDCWD, BASE "/d/f", &h, &id,
		  0) == 0);
	CHECK((unsigned long long)id == mnt_id_of(BASE "/d"));
	CHECK(syscall(SYS_name_to_handle_at, AT_FDCWD, BASE "/e/f", &h, &id,
		  0) == 0);
	CHECK((unsigned long long)id == mnt_id_of(BASE "/e"));
	at = open(BASE "/e", O_RDONLY);
	CHECK(at >= 0);
	CHECK_ERRNO(syscall(SYS_open_by_handle_at, at, &h, O_RDWR), EROFS);
	fd = (int)syscall(SYS_open_by_handle_at, at, &h, O_RDONLY);
	CHECK(fd >= 0);
	close(fd);
	close(at);
	at = open(BASE "/d", O_RDONLY);
	fd = (int)syscall(SYS_open_by_handle_at, at, &h, O_RDWR);
	CHECK(at >= 0 && fd >= 0);
	close(fd);
	close(at);
	CHECK(stat(BASE "/d", &st) == 0);
	CHECK(syscall(SYS_ustat, st.st_dev, us) == 0);
	CHECK(umount(BASE "/e") == 0 && umount(BASE "/d") == 0);
	say("handles");
}

static void
read_only(void)
{
	int fd;

	CHECK(tmpfs(BASE "/d", MS_NOSUID) == 0);
	CHECK(flags_of(BASE "/d") == MS_NOSUID);
	make(BASE "/d/f", "text");
	CHECK(mkdir(BASE "/d/sub", 0755) == 0);
	CHECK(bind_to(BASE "/d", BASE "/e") == 0);
	CHECK(mount(NULL, BASE "/e", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL) == 0);
	CHECK(flags_of(BASE "/e") == (MS_RDONLY | MS_NODEV));
	say("options %s", options(BASE "/e"));
	/* One instance, two mounts. */
	CHECK_ERRNO(open(BASE "/e/f", O_WRONLY), EROFS);
	CHECK_ERRNO(open(BASE "/e/new", O_CREAT | O_WRONLY, 0600), EROFS);
	CHECK_ERRNO(mkdir(BASE "/e/new", 0700), EROFS);
	CHECK_ERRNO(unlink(BASE "/e/f"), EROFS);
	CHECK_ERRNO(rmdir(BASE "/e/sub"), EROFS);
	CHECK_ERRNO(rename(BASE "/e/f", BASE "/e/g"), EROFS);
	CHECK_ERRNO(chmod(BASE "/e/f", 0600), EROFS);
	CHECK_ERRNO(chown(BASE "/e/f", 1, 1), EROFS);
	CHECK_ERRNO(truncate(BASE "/e/f", 0), EROFS);
	CHECK_ERRNO(utimensat(AT_FDCWD, BASE "/e/f", NULL, 0), EROFS);
	CHECK_ERRNO(access(BASE "/e/f", W_OK), EROFS);
	CHECK_ERRNO(link(BASE "/e/f", BASE "/e/g"), EROFS);
	CHECK_ERRNO(symlink("x", BASE "/e/g"), EROFS);
	CHECK_ERRNO(mknod(BASE "/e/g", S_IFIFO | 0600, 0), EROFS);
	fd = open(BASE "/e/f", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_ERRNO(fchmod(fd, 0600), EROFS);
	close(fd);
	CHECK(chmod(BASE "/d/f", 0600) == 0);
	CHECK_ERRNO(rmdir(BASE "/d"), EBUSY);
	CHECK_ERRNO(rename(BASE "/d", BASE "/z"), EBUSY);
	CHECK(mount(NULL, BASE "/e", NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
	/* Across mounts, although it is one instance. */
	CHECK_ERRNO(link(BASE "/d/f", BASE "/e/g"), EXDEV);
	CHECK_ERRNO(rename(BASE "/d/f", BASE "/e/g"), EXDEV);
	/* A file that is open for writing. */
	fd = open(BASE "/e/f", O_WRONLY);
	CHECK(fd >= 0);
	CHECK_ERRNO(mount(NULL, BASE "/e", NULL,
			MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
	    EBUSY);
	CHECK(write(fd, "w", 1) == 1);
	close(fd);
	CHECK(mount(NULL, BASE "/e", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
		  NULL) == 0);
	CHECK(umount(BASE "/e") == 0 && umount(BASE "/d") == 0);
	CHECK(!has(BASE "/d/f"));
	say("read-only mounts");
}

static void
forbidden(void)
{
	char *const argv[] = {"x", NULL};
	int fd, status;
	pid_t pid;

	CHECK(tmpfs(BASE "/d", MS_NOEXEC | MS_NODEV) == 0);
	make(BASE "/d/script", "#!/bin/sh\n");
	CHECK(chmod(BASE "/d/script", 0755) == 0);
	CHECK_ERRNO(access(BASE "/d/script", X_OK), EACCES);
	pid = fork();
	if (pid == 0) {
		execv(BASE "/d/script", argv);
		_exit(errno == EACCES ? 7 : 8);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	fd = open(BASE "/d/script", O_RDONLY);
	CHECK_ERRNO(
	    mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	close(fd);
	make(BASE "/d/null", "");
	CHECK(bind_to("/dev/null", BASE "/d/null") == 0);
	fd = open(BASE "/d/null", O_RDWR);
	CHECK(fd >= 0);
	close(fd);
	CHECK(mount(NULL, BASE "/d/null", NULL, MS_REMOUNT | MS_BIND | MS_NODEV,
		  NULL) == 0);
	CHECK_ERRNO(open(BASE "/d/null", O_RDWR), EACCES);
	CHECK_ERRNO(unlink(BASE "/d/null"), EBUSY);
	CHECK_ERRNO(umount(BASE "/d"), EBUSY);
	CHECK(umount(BASE "/d/null") == 0);
	CHECK(umount(BASE "/d") == 0);
	say("noexec and nodev");
}

static void
busy(void)
{
	char buf[8];
	int fd, dir;

	CHECK(tmpfs(BASE "/d", 0) == 0);
	make(BASE "/d/f", "kept");
	CHECK(mkdir(BASE "/d/sub", 0755) == 0);
	CHECK(chdir(BASE "/d/sub") == 0);
	CHECK_ERRNO(umount(BASE "/d"), EBUSY);
	CHECK(chdir(BASE) == 0);
	fd = open(BASE "/d/f", O_RDWR);
	dir = open(BASE "/d/sub", O_PATH);
	CHECK_ERRNO(umount(BASE "/d"), EBUSY);
	CHECK(umount2(BASE "/d", MNT_DETACH) == 0);
	CHECK(!has(BASE "/d/f"));
	CHECK(pread(fd, buf, sizeof(buf), 0) == 4);
	CHECK(pwrite(fd, "more", 4, 4) == 4);
	/* ".." ends at the root of the mount. */
	CHECK(faccessat(dir, "../f", F_OK, 0) == 0);
	CHECK(faccessat(dir, "../../f", F_OK, 0) == 0);
	close(fd);
	close(dir);
	/* Stacked mounts. */
	CHECK(tmpfs(BASE "/d", 0) == 0);
	make(BASE "/d/low", "");
	CHECK(tmpfs(BASE "/d", 0) == 0);
	CHECK(!has(BASE "/d/low"));
	CHECK(umount(BASE "/d") == 0 && has(BASE "/d/low"));
	CHECK(umount(BASE "/d") == 0);
	say("busy and detached mounts");
}

static void
trees(void)
{
	CHECK(tmpfs(BASE "/d", 0) == 0);
	CHECK(mkdir(BASE "/d/a", 0755) == 0 && mkdir(BASE "/d/b", 0755) == 0);
	CHECK(tmpfs(BASE "/d/a", 0) == 0);
	make(BASE "/d/a/f", "");
	CHECK(bind_to(BASE "/d", BASE "/e") == 0);
	CHECK(has(BASE "/e/a") && !has(BASE "/e/a/f"));
	CHECK(umount(BASE "/e") == 0);
	CHECK(mount(BASE "/d", BASE "/e", NULL, MS_BIND | MS_REC, NULL) == 0);
	CHECK(has(BASE "/e/a/f"));
	CHECK_ERRNO(umount(BASE "/e"), EBUSY);
	CHECK(umount2(BASE "/e", MNT_DETACH) == 0);
	CHECK(has(BASE "/d/a/f"));
	/* Part of an instance, and its "..". */
	CHECK(bind_to(BASE "/d/b", BASE "/e") == 0);
	make(BASE "/e/g", "");
	CHECK(has(BASE "/d/b/g") && has(BASE "/e/../d/b/g"));
	CHECK(chdir(BASE "/e") == 0 && has("../f") && chdir(BASE) == 0);
	CHECK(umount(BASE "/e") == 0);
	/* Moves. */
	CHECK_ERRNO(mount(BASE "/d", BASE "/d/a", NULL, MS_MOVE, NULL), ELOOP);
	CHECK(mount(BASE "/d", BASE "/e", NULL, MS_MOVE, NULL) == 0);
	CHECK(has(BASE "/e/a/f") && !has(BASE "/d/a"));
	CHECK(umount2(BASE "/e", MNT_DETACH) == 0);
	say("trees of mounts");
}

static void
spaces(void)
{
	pid_t pid;
	int status;

	pid = (pid_t)syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		CHECK(tmpfs(BASE "/d", 0) == 0);
		make(BASE "/d/inner", "");
		_exit(has(BASE "/d/inner") ? 7 : 8);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WEXITSTATUS(status) == 7 && !has(BASE "/d/inner"));
	CHECK_ERRNO(
	    syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0),
	    EINVAL);
	pid = fork();
	if (pid == 0) {
		CHECK(setresuid(1234, 1234, 1234) == 0);
		CHECK_ERRNO(unshare(CLONE_NEWNS), EPERM);
		CHECK_ERRNO(tmpfs(BASE "/d", 0), EPERM);
		CHECK_ERRNO(umount(BASE), EPERM);
		CHECK_ERRNO(chroot(BASE), EPERM);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	say("name spaces");
}

static void
roots(void)
{
	char cwd[256];
	int status, up;
	pid_t pid;

	CHECK(tmpfs(BASE "/d", 0) == 0);
	CHECK(mkdir(BASE "/d/old", 0755) == 0 && mkdir(BASE "/d/r", 0755) == 0);
	make(BASE "/d/here", "");
	pid = fork();
	if (pid == 0) { /* chroot, and the way out that is left */
		up = open("/", O_PATH);
		CHECK(chroot(BASE "/d/r") == 0 && chdir("/") == 0);
		CHECK(chdir("../../..") == 0 && !has("here"));
		CHECK(
		    getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
		CHECK(fchdir(up) == 0 && has("tmp"));
		CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0 &&
		      strcmp(cwd, "(unreachable)/") == 0);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	pid = fork();
	if (pid == 0) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		CHECK_ERRNO(
		    syscall(SYS_pivot_root, BASE "/e", BASE "/e"), EINVAL);
		CHECK_ERRNO(
		    syscall(SYS_pivot_root, BASE "/d", BASE "/e"), EINVAL);
		CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/"), EBUSY);
		CHECK(syscall(SYS_pivot_root, BASE "/d", BASE "/d/old") == 0);
		CHECK(chdir("/") == 0);
		CHECK(has("/here") && has("/old/tmp") && has("/old" BASE));
		CHECK(umount2("/old", MNT_DETACH) == 0);
		CHECK(!has("/old/tmp"));
		CHECK(tmpfs("/r", 0) == 0);
		make("/r/second", "");
		/* The root that is replaced is put over the new one. */
		up = open("/", O_RDONLY | O_DIRECTORY);
		CHECK(chdir("/r") == 0);
		CHECK(syscall(SYS_pivot_root, ".", ".") == 0);
		CHECK(fchdir(up) == 0);
		CHECK(umount2(".", MNT_DETACH) == 0);
		CHECK(chdir("/") == 0 && has("/second") && !has("/here"));
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	CHECK(has(BASE "/d/here"));
	CHECK(umount(BASE "/d") == 0);
	say("roots");
}

int
main(void)
{
	if (geteuid() != 0) {
		say("not root");
		return (0);
	}
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	(void)mkdir(BASE, 0755);
	CHECK(tmpfs(BASE, 0) == 0);
	CHECK(mkdir(BASE "/d", 0755) == 0 && mkdir(BASE "/e", 0755) == 0);
	make(BASE "/f", "");
	CHECK(chdir(BASE) == 0);
	errors();
	handles();
	read_only();
	forbidden();
	busy();
	trees();
	spaces();
	roots();
	CHECK(chdir("/") == 0 && umount(BASE) == 0);
	say("ok");
	return (0);
}
