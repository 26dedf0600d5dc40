/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Space and seals of files in memory: fallocate and holes, memfd_create with
 * its seals, programs in a memfd, O_TMPFILE and linkat, set-id bits that go,
 * O_NOATIME; and mappings below 2 GiB.
 */
#include "guest.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 0x10U
#endif
#ifndef FALLOC_FL_ZERO_RANGE
#define FALLOC_FL_COLLAPSE_RANGE 0x08
#define FALLOC_FL_ZERO_RANGE 0x10
#endif
#define SEAL_EXEC 0x20
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int
memfd(unsigned flags)
{
	int fd = (int)syscall(SYS_memfd_create, "space", flags);

	CHECK(fd >= 0);
	return (fd);
}

static blkcnt_t
blocks_of(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return (st.st_blocks);
}

static void
holes(void)
{
	int fd = memfd(0);
	char b[3 * PAGE];

	CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(fd, 0, SEEK_HOLE), ENXIO);
	CHECK(ftruncate(fd, 100 * PAGE) == 0);
	CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK(lseek(fd, 50, SEEK_HOLE) == 50);
	CHECK(pwrite(fd, "abc", 3, 10 * PAGE + 7) == 3);
	CHECK(pwrite(fd, "abc", 3, 11 * PAGE) == 3);
	CHECK(lseek(fd, 0, SEEK_DATA) == 10 * PAGE);
	CHECK(lseek(fd, 10 * PAGE + 5, SEEK_DATA) == 10 * PAGE + 5);
	CHECK(lseek(fd, 10 * PAGE + 5, SEEK_HOLE) == 12 * PAGE);
	CHECK(lseek(fd, 0, SEEK_CUR) == 12 * PAGE);
	CHECK_ERRNO(lseek(fd, 12 * PAGE, SEEK_DATA), ENXIO);
	CHECK_ERRNO(lseek(fd, 100 * PAGE, SEEK_HOLE), ENXIO);
	CHECK_ERRNO(lseek(fd, -1, SEEK_HOLE), ENXIO);
	CHECK(pwrite(fd, "z", 1, 99 * PAGE + 1) == 1);
	CHECK(ftruncate(fd, 99 * PAGE + 100) == 0);
	CHECK(lseek(fd, 99 * PAGE, SEEK_HOLE) == 99 * PAGE + 100);
	CHECK(blocks_of(fd) == 3 * 8);
	/* Parts of pages are cleared, whole pages go. */
	memset(b, 'x', sizeof(b));
	CHECK(pwrite(fd, b, sizeof(b), 0) == (ssize_t)sizeof(b));
	CHECK(fallocate(fd, PUNCH, 100, 2 * PAGE) == 0);
	CHECK(pread(fd, b, sizeof(b), 0) == (ssize_t)sizeof(b));
	CHECK(b[99] == 'x' && all_zero(b + 100, 2 * PAGE));
	CHECK(b[100 + 2 * PAGE] == 'x' && b[sizeof(b) - 1] == 'x');
	CHECK(lseek(fd, 0, SEEK_HOLE) == PAGE);
	CHECK(lseek(fd, PAGE, SEEK_DATA) == 2 * PAGE);
	CHECK(fallocate(fd, PUNCH, 10, 20) == 0);
	CHECK(pread(fd, b, 64, 0) == 64 && b[9] == 'x' && b[30] == 'x');
	CHECK(all_zero(b + 10, 20) && size_of(fd) == 99 * PAGE + 100);
	close(fd);
	say("holes");
}

static void
allocation(void)
{
	int fd = memfd(0), p[2], ro;
	char path[32];
	char *m;

	CHECK(fallocate(fd, 0, 0, 10 * PAGE) == 0);
	CHECK(size_of(fd) == 10 * PAGE && blocks_of(fd) == 80);
	CHECK(fallocate(fd, 0, 0, 5) == 0 && size_of(fd) == 10 * PAGE);
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 4 * PAGE, PAGE) == 0);
	m = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	memset(m, 'm', 10 * PAGE);
	/* A mapping sees the hole, and can fill it again. */
	CHECK(fallocate(fd, PUNCH, PAGE, 2 * PAGE) == 0);
	CHECK(all_zero(m + PAGE, 2 * PAGE) && m[3 * PAGE] == 'm');
	m[PAGE] = 'n';
	CHECK(pread(fd, path, 1, PAGE) == 1 && path[0] == 'n');
	CHECK(munmap(m, 10 * PAGE) == 0);
	CHECK(fallocate(fd, PUNCH, 0, 1000 * PAGE) == 0);
	CHECK(size_of(fd) == 10 * PAGE && blocks_of(fd) == 0);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(
	    fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, 0x4000, 0, PAGE), EOPNOTSUPP);
	CHECK_ERRNO(fallocate(fd, 0, -1, PAGE), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, INT64_MAX - 10, 100), EFBIG);
	/* Linux would take all memory of the machine. */
	if (inside())
		CHECK_ERRNO(fallocate(fd, 0, 0, (off_t)1 << 50), ENOSPC);
	CHECK(size_of(fd) == 10 * PAGE && blocks_of(fd) == 0);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(fallocate(p[1], 0, 0, PAGE), ESPIPE);
	CHECK_ERRNO(fallocate(p[0], 0, 0, PAGE), EBADF);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	CHECK(ro >= 0);
	CHECK_ERRNO(fallocate(ro, 0, 0, PAGE), EBADF);
	CHECK_ERRNO(fallocate(ro, 0x4000, 0, PAGE), EOPNOTSUPP);
	close(ro), close(fd), close(p[0]), close(p[1]);
	say("allocation");
}

/* Flags of one write. */
static void
write_flags(void)
{
	struct iovec v = {"12345", 5};
	int fd = memfd(0);
	char b[16];

	CHECK(write(fd, "abc", 3) == 3 && lseek(fd, 1, SEEK_SET) == 1);
	/* RWF_APPEND | RWF_DSYNC, at an offset that does not count. */
	CHECK(syscall(SYS_pwritev2, fd, &v, 1, 0L, 0L, 0x12) == 5);
	CHECK(lseek(fd, 0, SEEK_CUR) == 1 && size_of(fd) == 8);
	CHECK(pread(fd, b, 16, 0) == 8 && memcmp(b, "abc12345", 8) == 0);
	CHECK(syscall(SYS_pwritev2, fd, &v, 1, -1L, -1L, 0x4) == 5);
	CHECK(lseek(fd, 0, SEEK_CUR) == 6);
	v.iov_base = b;
	CHECK(syscall(SYS_preadv2, fd, &v, 1, 0L, 0L, 0x1) == 5);
	CHECK(memcmp(b, "a1234", 5) == 0);
	CHECK_ERRNO(
	    syscall(SYS_preadv2, fd, &v, 1, 0L, 0L, 0x4000000), EOPNOTSUPP);
	close(fd);
	say("flags of a write");
}

static void
seals(void)
{
	int fd = memfd(0), ro;
	char b[2 * PAGE] = {0}, path[32];
	char *m;

	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	close(fd);
	fd = memfd(MFD_ALLOW_SEALING);
	CHECK(fcntl(fd, F_GET_SEALS) == 0 && ftruncate(fd, PAGE) == 0);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	CHECK(ro >= 0);
	CHECK_ERRNO(fcntl(ro, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	CHECK(fcntl(ro, F_GET_SEALS) == F_SEAL_GROW);
	CHECK_ERRNO(ftruncate(fd, PAGE + 1), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, PAGE + 1), EPERM);
	CHECK_ERRNO(pwrite(fd, b, 1, PAGE), EPERM);
	CHECK(pwrite(fd, b, sizeof(b), 0) == (ssize_t)PAGE);
	CHECK(ftruncate(fd, 100) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	CHECK_ERRNO(ftruncate(fd, 99), EPERM);
	CHECK(ftruncate(fd, 100) == 0);
	/* A writable shared mapping, also one that may become writable, is in
	 * the way; a private one is not. */
	m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK(munmap(m, PAGE) == 0);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED);
	m[0] = 1;
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK(munmap(m, PAGE) == 0);
	CHECK_ERRNO(pwrite(fd, b, 1, 0), EPERM);
	CHECK_ERRNO(fallocate(fd, PUNCH, 0, PAGE), EPERM);
	CHECK_ERRNO(
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED);
	m[0] = 2;
	CHECK(pread(fd, b, 1, 0) == 1 && b[0] == 0 && munmap(m, PAGE) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	CHECK(fcntl(fd, F_GET_SEALS) ==
	      (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL));
	close(ro), close(fd);
	say("seals");
}

/* Mappings from before stay writable; no others. */
static void
future_write(void)
{
	int fd = memfd(MFD_ALLOW_SEALING), p[2];
	char *m, *r, c = 'q';
	pid_t pid;

	CHECK(ftruncate(fd, PAGE) == 0);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
	m[5] = 'w';
	CHECK_ERRNO(pwrite(fd, &c, 1, 0), EPERM);
	CHECK_ERRNO(
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(r != MAP_FAILED && r[5] == 'w');
	CHECK_ERRNO(mprotect(r, PAGE, PROT_READ | PROT_WRITE), EACCES);
	/* The mapping of another process is in the way, too. */
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p[1]);
		CHECK(read(p[0], &c, 1) == 0);
		_exit(0);
	}
	close(p[0]);
	CHECK(munmap(m, PAGE) == 0);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	close(p[1]);
	wait_ok(pid);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK(munmap(r, PAGE) == 0);
	close(fd);
	say("seal against future writes");
}

static void
exec_seal(void)
{
	int fd = memfd(MFD_NOEXEC_SEAL);
	struct stat st;

	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0666);
	CHECK(fcntl(fd, F_GET_SEALS) == SEAL_EXEC);
	CHECK_ERRNO(fchmod(fd, 0777), EPERM);
	CHECK(fchmod(fd, 0600) == 0);
	close(fd);
	fd = memfd(MFD_EXEC | MFD_ALLOW_SEALING);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0777);
	CHECK(fcntl(fd, F_ADD_SEALS, SEAL_EXEC) == 0);
	CHECK(
	    fcntl(fd, F_GET_SEALS) == (SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW |
					  F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	close(fd);
	CHECK_ERRNO(
	    syscall(SYS_memfd_create, "x", MFD_EXEC | MFD_NOEXEC_SEAL), EINVAL);
	say("seal of the x bits");
}

static int
run(int fd, const char *arg)
{
	char *argv[] = {"space", (char *)(uintptr_t)arg, NULL};
	char *envp[] = {NULL};
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(100 + (errno == ETXTBSY));
	}
	return (WEXITSTATUS(wait_status(pid)));
}

/* A program in a memfd runs while the memfd is open for writing. */
static void
programs(void)
{
	int fd = memfd(MFD_CLOEXEC), self = open("/proc/self/exe", O_RDONLY), w;
	char path[32], link[64];
	off_t size;
	ssize_t n;

	CHECK(self >= 0);
	size = size_of(self);
	for (off_t at = 0; at < size;) {
		n = sendfile(fd, self, &at, (size_t)(size - at));
		CHECK(n > 0);
	}
	CHECK(run(fd, "seven") == 7);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = '\0';
	CHECK(strcmp(link, "/memfd:space (deleted)") == 0);
	/* Opened again for writing, it is a writer like any other. */
	w = open(path, O_WRONLY);
	CHECK(w >= 0 && run(fd, "seven") == 101);
	CHECK(close(w) == 0 && run(fd, "seven") == 7);
	close(fd), close(self);
	say("programs");
}

/* As a user without capabilities, descriptors that the user opened itself. */
static void
nameless_user(void *dirfd)
{
	const int dir = *(int *)dirfd;
	int old = openat(dir, ".", O_TMPFILE | O_RDWR, 0600), fd, p[2];
	pid_t child;

	CHECK(old >= 0);
	if (geteuid() == 0)
		CHECK(setresgid(1000, 1000, 1000) == 0 &&
		      setresuid(1000, 1000, 1000) == 0);
	else
		CHECK(setresuid(-1, geteuid(), -1) == 0); /* new credentials */
	CHECK_ERRNO(linkat(old, "", dir, "space-old", AT_EMPTY_PATH), ENOENT);
	fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_ERRNO(
		    linkat(fd, "", dir, "space-user", AT_EMPTY_PATH), ENOENT);
		_exit(0);
	}
	wait_ok(child);
	CHECK(linkat(fd, "", dir, "space-user", AT_EMPTY_PATH) == 0);
	CHECK(unlinkat(dir, "space-user", 0) == 0);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(linkat(p[0], "", dir, "space-4", AT_EMPTY_PATH), EXDEV);
	CHECK(fchdir(dir) == 0);
	CHECK_ERRNO(linkat(AT_FDCWD, "", dir, "space-4", AT_EMPTY_PATH), EPERM);
}

static void
nameless(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0640), d;
	char path[32], b[4];
	struct stat st;

	/* The file systems of some hosts have none. */
	if (fd < 0 && errno == EOPNOTSUPP)
		return;
	CHECK(fd >= 0 && write(fd, "hi", 2) == 2);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK((st.st_mode & 0777) == 0640);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, path, dir, "space-1", 0), EXDEV);
	CHECK(linkat(AT_FDCWD, path, dir, "space-1", AT_SYMLINK_FOLLOW) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 1);
	CHECK(linkat(fd, "", dir, "space-2", AT_EMPTY_PATH) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 2);
	CHECK_ERRNO(linkat(fd, "", dir, "space-2", AT_EMPTY_PATH), EEXIST);
	CHECK_ERRNO(linkat(fd, "", dir, "space-3", 0), ENOENT);
	d = openat(dir, "space-2", O_RDONLY);
	CHECK(d >= 0 && read(d, b, 4) == 2 && memcmp(b, "hi", 2) == 0);
	CHECK(unlinkat(dir, "space-1", 0) == 0);
	CHECK(unlinkat(dir, "space-2", 0) == 0);
	CHECK_ERRNO(linkat(fd, "", dir, "space-1", AT_EMPTY_PATH), ENOENT);
	close(fd), close(d);
	/* O_EXCL: never to get a name. */
	fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(fd, "", dir, "space-1", AT_EMPTY_PATH), ENOENT);
	CHECK_ERRNO(
	    linkat(AT_FDCWD, path, dir, "space-1", AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
	CHECK_ERRNO(openat(dir, ".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(
	    openat(dir, ".", O_TMPFILE | O_CREAT | O_RDWR, 0600), EINVAL);
	CHECK_ERRNO(openat(dir, "none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	in_child(nameless_user, &dir);
}

static void
nameless_files(void)
{
	static const char *const places[] = {"/dev/shm", "/var/tmp"};
	char name[64];
	int dir;

	CHECK_ERRNO(open("/dev/null", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	for (int i = 0; i < 2; i++) {
		snprintf(
		    name, sizeof(name), "%s/guest-space-XXXXXX", places[i]);
		CHECK(mkdtemp(name) != NULL && chmod(name, 0777) == 0);
		dir = open(name, O_PATH | O_DIRECTORY);
		CHECK(dir >= 0);
		nameless(dir);
		CHECK(close(dir) == 0 && rmdir(name) == 0);
	}
	say("files without a name");
}

static mode_t
mode_of(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return (st.st_mode & 07777);
}

/* As another user, through descriptors that root has opened. */
static void
set_id(void)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
	char path[32];

	if (geteuid() != 0) {
		close(fd);
		say("set-id bits");
		return;
	}
	CHECK(fd >= 0 && fchmod(fd, 06777) == 0);
	CHECK(write(fd, "x", 1) == 1 && mode_of(fd) == 06777);
	CHECK(ftruncate(fd, 0) == 0 && mode_of(fd) == 06777);
	CHECK(fchown(fd, (uid_t)-1, (gid_t)-1) == 0 && mode_of(fd) == 0777);
	CHECK(fchmod(fd, 06777) == 0);
	CHECK(fchown(fd, 1001, 1001) == 0 && mode_of(fd) == 0777);
	for (int i = 0; i < 3; i++) {
		CHECK(fchmod(fd, 06777) == 0);
		CHECK(setegid(1002) == 0 && seteuid(1002) == 0);
		if (i == 0)
			CHECK(write(fd, "x", 1) == 1);
		else if (i == 1)
			CHECK(ftruncate(fd, 5) == 0);
		else
			CHECK(fallocate(fd, 0, 0, PAGE) == 0);
		CHECK(mode_of(fd) == 0777);
		CHECK(seteuid(0) == 0 && setegid(0) == 0);
	}
	/* Only the owner and root may leave the time of access alone. */
	CHECK(setegid(1002) == 0 && seteuid(1002) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(open(path, O_RDONLY | O_NOATIME), EPERM);
	CHECK_ERRNO(fcntl(fd, F_SETFL, O_NOATIME), EPERM);
	CHECK(seteuid(0) == 0 && setegid(0) == 0);
	CHECK(fcntl(fd, F_SETFL, O_NOATIME) == 0);
	close(fd);
	say("set-id bits");
}

static void
low_memory(void)
{
	const uint64_t low = (uint64_t)1 << 31;
	char *p[40], *q;

	for (int i = 0; i < 40; i++) {
		p[i] = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		CHECK(p[i] != MAP_FAILED);
		CHECK((uintptr_t)p[i] < low - 16 * PAGE);
		p[i][0] = (char)i;
	}
	q = mmap((void *)0x50000000, PAGE, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK(q == (void *)0x50000000);
	CHECK_ERRNO(mmap(NULL, low, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0),
	    ENOMEM);
	for (int i = 0; i < 40; i++)
		CHECK(p[i][0] == (char)i && munmap(p[i], 16 * PAGE) == 0);
	CHECK(munmap(q, PAGE) == 0);
	say("below 2 GiB");
}

/* FALLOC_FL_ZERO_RANGE of a file in /tmp; a tmpfs of the host has none. */
static void
zero_range(void)
{
	int fd = open("/tmp/zero", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[3 * PAGE], *m;

	CHECK(fd >= 0);
	memset(buf, 'z', sizeof(buf));
	CHECK(write(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE - 9, PAGE) != 0) {
		CHECK(!inside() && errno == EOPNOTSUPP);
		close(fd);
		return;
	}
	m = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	CHECK(all_zero(m + PAGE - 9, PAGE) && m[PAGE - 10] == 'z');
	CHECK(m[2 * PAGE - 9] == 'z' && size_of(fd) == 3 * PAGE);
	CHECK(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0,
		  8 * PAGE) == 0);
	CHECK(size_of(fd) == 3 * PAGE && all_zero(m, 3 * PAGE));
	CHECK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2 * PAGE, PAGE + 5) == 0);
	CHECK(size_of(fd) == 3 * PAGE + 5 && all_zero(m, 4 * PAGE));
	CHECK(munmap(m, 4 * PAGE) == 0);
	close(fd);
	CHECK(unlink("/tmp/zero") == 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "seven") == 0)
		return (7);
	holes();
	allocation();
	write_flags();
	seals();
	future_write();
	exec_seal();
	programs();
	nameless_files();
	set_id();
	low_memory();
	zero_range();
	return (0);
}
