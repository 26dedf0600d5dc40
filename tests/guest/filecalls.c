/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Arguments of calls on files at the edge of what is allowed: offsets, flags of
 * preadv2, access modes, O_PATH descriptors, openat2 and its ways to resolve a
 * path, structures that may grow, times, and directory entries for a buffer
 * that ends early, and requests to share blocks.
 */
#include "guest.h"

#include <poll.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <sys/xattr.h>

/* <linux/openat2.h>, which musl's compiler does not find */
struct open_how {
	uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#define RESOLVE_IN_ROOT 0x10

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8
#endif
#ifndef RWF_APPEND
#define RWF_APPEND 0x10
#endif

/* musl does not have them. */
static ssize_t
preadv2_(int fd, const struct iovec *v, int n, off_t off, int flags)
{
	return (syscall(SYS_preadv2, fd, v, n, off, 0L, flags));
}

static ssize_t
pwritev2_(int fd, const struct iovec *v, int n, off_t off, int flags)
{
	return (syscall(SYS_pwritev2, fd, v, n, off, 0L, flags));
}

/* O_WRONLY | O_RDWR; O_ACCMODE of musl has more bits. */
#define ACC_NONE 3

static const off_t END = INT64_MAX;
static char buf[8192];

/* A file of n bytes, open for reading and writing. */
static int
file_of(const char *name, size_t n)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	memset(buf, 'x', n);
	CHECK(fd >= 0 && write(fd, buf, n) == (ssize_t)n);
	return (fd);
}

/* No transfer ends beyond the last offset. */
static void
offsets(void)
{
	struct iovec iov = {buf, 10};
	int fd = file_of("f", 100), fds[2];
	loff_t at;

	CHECK(pipe(fds) == 0);
	CHECK_ERRNO(pread(fd, buf, 10, END), EINVAL);
	CHECK_ERRNO(pread(fd, buf, 10, END - 5), EINVAL);
	CHECK(pread(fd, buf, 0, END) == 0);
	CHECK_ERRNO(pwrite(fd, buf, 10, END - 5), EINVAL);
	CHECK_ERRNO(preadv(fd, &iov, 1, END - 5), EINVAL);
	CHECK_ERRNO(pwritev(fd, &iov, 1, END - 5), EINVAL);
	CHECK_ERRNO(pread(fd, buf, 10, -1), EINVAL);
	CHECK_ERRNO(pread(-1, buf, 10, -1), EINVAL);
	CHECK_ERRNO(pread(-1, buf, 10, 0), EBADF);
	/* A pipe has no offsets, whichever end it is. */
	CHECK_ERRNO(pread(fds[0], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(pread(fds[1], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fds[0], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(lseek(fd, END - 10, SEEK_END), EINVAL);
	CHECK(lseek(fd, 50, SEEK_SET) == 50);
	CHECK_ERRNO(lseek(fd, END - 10, SEEK_CUR), EINVAL);
	CHECK(lseek(fd, 0, SEEK_CUR) == 50);
	CHECK_ERRNO(sync_file_range(fd, END, 10, 0), EINVAL);
	CHECK_ERRNO(sync_file_range(fd, -1, 0, 0), EINVAL);
	CHECK_ERRNO(sync_file_range(fd, 0, 0, 8), EINVAL);
	CHECK_ERRNO(sync_file_range(-1, -1, 0, 8), EBADF);
	CHECK_ERRNO(sync_file_range(fds[0], 0, 0, 0), ESPIPE);
	at = END - 5;
	CHECK_ERRNO(splice(fd, &at, fds[1], NULL, 10, 0), EINVAL);
	CHECK(write(fds[1], "ab", 2) == 2);
	CHECK_ERRNO(splice(fds[0], NULL, fd, &at, 10, 0), EINVAL);
	CHECK(read(fds[0], buf, 10) == 2);
	CHECK(close(fds[0]) == 0 && close(fds[1]) == 0 && close(fd) == 0);
	say("offsets");
}

static void
rwf(void)
{
	struct iovec iov = {buf, 4};
	int fd = file_of("f", 100), fds[2];

	/* Without waiting. */
	CHECK(preadv2_(fd, &iov, 1, 0, RWF_NOWAIT) == 4);
	CHECK(pipe(fds) == 0);
	CHECK_ERRNO(preadv2_(fds[0], &iov, 1, -1, RWF_NOWAIT), EAGAIN);
	CHECK(write(fds[1], "ab", 2) == 2);
	CHECK(preadv2_(fds[0], &iov, 1, -1, RWF_NOWAIT) == 2);
	CHECK(pwritev2_(fds[1], &iov, 1, -1, RWF_NOWAIT) == 4);
	CHECK(read(fds[0], buf, 10) == 4);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) == 4096);
	iov.iov_len = 4096;
	CHECK(pwritev2_(fds[1], &iov, 1, -1, RWF_NOWAIT) == 4096);
	CHECK_ERRNO(pwritev2_(fds[1], &iov, 1, -1, RWF_NOWAIT), EAGAIN);
	CHECK((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0);
	iov.iov_len = 4;
	CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
	/* Where a write goes. */
	CHECK(pwritev2_(fd, &iov, 1, 0, RWF_APPEND) == 4 && size_of(fd) == 104);
	CHECK(preadv2_(fd, &iov, 1, 0, RWF_APPEND) == 4);
	CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
	CHECK(pwritev2_(fd, &iov, 1, 0, 0) == 4 && size_of(fd) == 108);
	CHECK(pwritev2_(fd, &iov, 1, 0, RWF_NOAPPEND) == 4);
	CHECK(size_of(fd) == 108);
	CHECK_ERRNO(
	    pwritev2_(fd, &iov, 1, 0, RWF_NOAPPEND | RWF_APPEND), EINVAL);
	CHECK_ERRNO(preadv2_(fd, &iov, 1, 0, 0x1000), EOPNOTSUPP);
	CHECK(close(fd) == 0);
	say("rwf");
}

/* Access mode 3 needs both permissions and gives none. */
static void
access_mode(void)
{
	struct flock lock = {.l_type = F_RDLCK};
	struct stat st;
	int64_t size;
	int fd, n;

	CHECK(close(file_of("f", 100)) == 0);
	fd = open("f", ACC_NONE);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFL) & ACC_NONE) == ACC_NONE);
	CHECK_ERRNO(read(fd, buf, 1), EBADF);
	CHECK_ERRNO(write(fd, buf, 1), EBADF);
	CHECK_ERRNO(ftruncate(fd, 10), EINVAL);
	CHECK_ERRNO(fallocate(fd, 0, 0, 10), EBADF);
	CHECK(size_of(fd) == 100);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	CHECK(errno == EACCES);
	CHECK_ERRNO(fcntl(fd, F_SETLK, &lock), EBADF);
	CHECK(ioctl(fd, FIONREAD, &n) == 0 && n == 100);
	CHECK(ioctl(fd, 2 /* FIGETBSZ */, &n) == 0 && n > 0);
	CHECK(ioctl(fd, 0x5460 /* FIOQSIZE */, &size) == 0);
	CHECK(fstat(fd, &st) == 0 && size == st.st_blocks * 512);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(open(".", ACC_NONE), EISDIR);
	fd = open("/dev/null", ACC_NONE);
	CHECK(fd >= 0);
	CHECK_ERRNO(read(fd, buf, 1), EBADF);
	CHECK_ERRNO(write(fd, buf, 1), EBADF);
	CHECK(close(fd) == 0);
	CHECK(mkfifo("p", 0600) == 0);
	CHECK_ERRNO(open("p", ACC_NONE | O_NONBLOCK), EINVAL);
	CHECK(unlink("p") == 0);
	say("access_mode");
}

static void
path_only(void)
{
	struct pollfd pfd;
	struct timeval none = {0, 0};
	fd_set set;
	int fd = open("f", O_PATH);

	CHECK(fd >= 0);
	CHECK_ERRNO(syncfs(fd), EBADF);
	CHECK_ERRNO(sync_file_range(fd, 0, 0, 0), EBADF);
	CHECK(posix_fadvise(fd, 0, 0, 0) == EBADF);
	CHECK_ERRNO(pread(fd, buf, 1, 0), EBADF);
	CHECK_ERRNO(preadv2_(fd, &(struct iovec){buf, 1}, 1, 0, 0), EBADF);
	pfd = (struct pollfd){.fd = fd, .events = POLLIN};
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLNVAL);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK(select(fd + 1, &set, NULL, NULL, &none) == 1);
	CHECK(select(fd + 1, NULL, NULL, &set, &none) == 1);
	CHECK(FD_ISSET(fd, &set));
	CHECK(close(fd) == 0);
	say("path_only");
}

/* openat2 with a structure of `size` bytes: 0 or the errno. */
static int
try_open(int dir, const char *path, uint64_t flags, uint64_t mode,
    uint64_t resolve, size_t size)
{
	static struct {
		struct open_how how;
		uint64_t rest[600];
	} arg;
	long fd;

	arg.how.flags = flags;
	arg.how.mode = mode;
	arg.how.resolve = resolve;
	arg.rest[2] = size == 0 ? 1 : 0;
	if (size == 0)
		size = sizeof(arg.how) + 24;
	fd = syscall(SYS_openat2, dir, path, &arg, size);
	if (fd < 0)
		return (errno);
	CHECK(close((int)fd) == 0);
	return (0);
}

static void
how_arguments(void)
{
	const size_t n = sizeof(struct open_how);
	const int d = AT_FDCWD;

	CHECK(try_open(d, "f", O_RDONLY, 0, 0, n) == 0);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0, n + 24) == 0);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0, 4096) == 0);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0, 4097) == E2BIG);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0, 0) == E2BIG);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0, n - 1) == EINVAL);
	CHECK(try_open(d, "f", UINT64_C(1) << 40, 0, 0, n) == EINVAL);
	CHECK(try_open(d, "f", UINT64_C(0x80000000), 0, 0, n) == EINVAL);
	CHECK(try_open(d, "f", UINT64_C(0x20000000), 0, 0, n) == EINVAL);
	CHECK(try_open(d, "f", O_RDONLY, 0600, 0, n) == EINVAL);
	CHECK(try_open(d, "f", O_CREAT | O_RDWR, 0600, 0, n) == 0);
	CHECK(try_open(d, "f", O_CREAT | O_RDWR, 0200000, 0, n) == EINVAL);
	CHECK(try_open(d, "f", O_RDONLY, 0, 0x100, n) == EINVAL);
	CHECK(try_open(d, "f", O_PATH | O_RDWR, 0, 0, n) == EINVAL);
	CHECK(try_open(d, "f", O_PATH | O_NOFOLLOW, 0, 0, n) == 0);
	CHECK(try_open(d, "f", ACC_NONE, 0, 0, n) == 0);
	CHECK(try_open(d, "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT,
		  n) == EINVAL);
	say("how_arguments");
}

static void
resolve(void)
{
	static const char *const paths[] = {"f", "link", "/f", "abs", "up",
	    "in", "root", "../f", "e/../f", "e/..", "..", ".", "e/../../f",
	    "magic/f", "link/", "nonesuch"};
	static const int ways[] = {RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
	    RESOLVE_BENEATH, RESOLVE_IN_ROOT};
	const size_t n = sizeof(struct open_how);
	char text[64];
	int dir, made;

	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	write_file("d/f", "inner", 5, 0644);
	CHECK(symlink("f", "d/link") == 0);
	CHECK(symlink("/nonesuch-either", "d/abs") == 0);
	CHECK(symlink("../f", "d/up") == 0);
	CHECK(symlink("e/../f", "d/in") == 0);
	CHECK(symlink("/f", "d/root") == 0);
	CHECK(symlink("/proc/self/cwd", "d/magic") == 0);
	dir = open("d", O_PATH);
	CHECK(dir >= 0);
	for (int w = 0; w < 4; w++)
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			say("resolve %#x %s: %s", ways[w], paths[i],
			    strerror(try_open(
				dir, paths[i], O_RDONLY, 0, ways[w], n)));
	/* The last link, when it is not followed. */
	CHECK(try_open(dir, "link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS,
		  n) == 0);
	CHECK(try_open(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0,
		  RESOLVE_NO_MAGICLINKS, n) == ELOOP);
	CHECK(try_open(AT_FDCWD, "/proc/self/exe", O_PATH | O_NOFOLLOW, 0,
		  RESOLVE_NO_MAGICLINKS, n) == 0);
	CHECK(try_open(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_XDEV,
		  n) == EXDEV);
	CHECK(try_open(dir, "f", O_RDONLY, 0, RESOLVE_NO_XDEV, n) == 0);
	CHECK(try_open(dir, "e/../../f", O_RDONLY, 0, RESOLVE_NO_XDEV, n) == 0);
	CHECK(try_open(AT_FDCWD, "/proc/self/stat", O_RDONLY, 0,
		  RESOLVE_NO_XDEV, n) == EXDEV);
	/* Making a file, too, stays below. */
	CHECK(try_open(dir, "../new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH,
		  n) == EXDEV);
	CHECK(try_open(
		  dir, "new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH, n) == 0);
	CHECK(unlink("d/new") == 0);
	CHECK_ERRNO(unlink("new"), ENOENT);
	/* In a root of its own an absolute path begins there. */
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};

	made = (int)syscall(SYS_openat2, dir, "/../../root", &how, n);
	CHECK(made >= 0 && read(made, text, sizeof(text)) == 5);
	CHECK(memcmp(text, "inner", 5) == 0 && close(made) == 0);
	CHECK(try_open(-1, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT, n) == EBADF);
	CHECK(try_open(-1, "/f", O_RDONLY, 0, RESOLVE_BENEATH, n) == EXDEV);
	CHECK(close(dir) == 0);
	CHECK(unlink("d/f") == 0 && unlink("d/link") == 0);
	CHECK(unlink("d/abs") == 0 && unlink("d/up") == 0);
	CHECK(unlink("d/in") == 0 && unlink("d/root") == 0);
	CHECK(unlink("d/magic") == 0 && rmdir("d/e") == 0 && rmdir("d") == 0);
	say("resolve");
}

/* While a process walks down and up again, another moves its directory out of
 * the root: no walk may be found outside. */
static void
resolve_race(void)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	char text[8];
	int dir, fd, got;
	pid_t pid;

	CHECK(mkdir("r", 0755) == 0 && mkdir("r/a", 0755) == 0);
	CHECK(mkdir("r/a/b", 0755) == 0);
	write_file("secret", "outside", 7, 0644);
	write_file("r/secret", "inside", 6, 0644);
	dir = open("r", O_PATH);
	CHECK(dir >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (;;) {
			(void)rename("r/a/b", "moved");
			(void)rename("moved", "r/a/b");
		}
	}
	for (int i = 0; i < 2000; i++) {
		fd = (int)syscall(
		    SYS_openat2, dir, "a/b/../../secret", &how, sizeof(how));
		if (fd < 0) {
			CHECK(errno == ENOENT || errno == EAGAIN);
			continue;
		}
		got = (int)read(fd, text, sizeof(text));
		CHECK(got == 6 && memcmp(text, "inside", 6) == 0);
		CHECK(close(fd) == 0);
	}
	CHECK(kill(pid, SIGKILL) == 0 && WIFSIGNALED(wait_status(pid)));
	(void)rename("moved", "r/a/b");
	CHECK(close(dir) == 0 && unlink("secret") == 0);
	CHECK(unlink("r/secret") == 0 && rmdir("r/a/b") == 0);
	CHECK(rmdir("r/a") == 0 && rmdir("r") == 0);
	say("resolve_race");
}

/* clone3 takes a structure that is larger than it knows. */
static void
larger_clone(void)
{
	static uint64_t args[600];
	long pid;

	memset(args, 0, sizeof(args));
	args[4] = SIGCHLD;
	pid = syscall(SYS_clone3, args, sizeof(uint64_t) * 20);
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(7);
	CHECK(WEXITSTATUS(wait_status((pid_t)pid)) == 7);
	args[19] = 1;
	CHECK_ERRNO(syscall(SYS_clone3, args, sizeof(uint64_t) * 20), E2BIG);
	args[19] = 0;
	CHECK_ERRNO(syscall(SYS_clone3, args, sizeof(args)), E2BIG);
	args[0] = UINT64_C(1) << 50;
	CHECK_ERRNO(syscall(SYS_clone3, args, sizeof(uint64_t) * 11), EINVAL);
	say("larger_clone");
}

static void
times(void)
{
	struct timespec omit[2] = {{-1, UTIME_OMIT}, {-1, UTIME_OMIT}};
	struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
	struct timespec one[2] = {{5, 0}, {0, UTIME_OMIT}};
	struct stat st;
	int fd = open("f", O_RDONLY);

	CHECK(fd >= 0);
	/* Omitting both is nothing to do, whatever the rest is. */
	CHECK(utimensat(AT_FDCWD, "nonesuch", omit, 0) == 0);
	CHECK(syscall(SYS_utimensat, -1, NULL, omit, 0) == 0);
	CHECK(utimensat(99, "f", omit, 0x80) == 0);
	/* The file is found before the times are looked at. */
	CHECK_ERRNO(utimensat(AT_FDCWD, "nonesuch", bad, 0), ENOENT);
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW),
	    EINVAL);
	CHECK_ERRNO(syscall(SYS_utimensat, -1, NULL, NULL, 0), EBADF);
	CHECK(syscall(SYS_utimensat, fd, NULL, one, 0) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_atim.tv_sec == 5);
	/* Times beyond what a file can have. */
	one[0].tv_sec = INT64_C(1) << 60;
	CHECK(utimensat(AT_FDCWD, "f", one, 0) == 0);
	CHECK(stat("f", &st) == 0 && st.st_atim.tv_sec > INT64_C(1) << 33);
	CHECK(close(fd) == 0);
	say("times");
}

/* A buffer whose memory ends early gets the entries that fit. */
static void
entries(void)
{
	char *mem = map_anon(2 * PAGE), name[32];
	int fd, seen = 0;
	long n;

	CHECK(munmap(mem + PAGE, PAGE) == 0);
	CHECK(mkdir("many", 0755) == 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "many/file%02d", i);
		write_file(name, "", 0, 0600);
	}
	fd = open("many", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, BAD, 4096), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, mem + PAGE - 8, 4096), EFAULT);
	for (;;) {
		char *at = mem + PAGE - 100;
		char *end;

		n = syscall(SYS_getdents64, fd, at, 4096);
		CHECK(n >= 0 && n <= 100);
		if (n == 0)
			break;
		for (end = at + n; at < end; seen++) {
			uint16_t len;

			memcpy(&len, at + 16, sizeof(len));
			at += len;
		}
		CHECK(at == end);
	}
	CHECK(seen == 42);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK_ERRNO(syscall(SYS_getdents64, fd, mem, 0), EINVAL);
	CHECK(close(fd) == 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "many/file%02d", i);
		CHECK(unlink(name) == 0);
	}
	CHECK(rmdir("many") == 0 && munmap(mem, PAGE) == 0);
	say("entries");
}

/* <linux/fs.h> and <linux/fiemap.h>, which musl's compiler does not find */
#define FICLONE_ 0x40049409ul
#define FICLONERANGE_ 0x4020940dul
#define FIDEDUPERANGE_ 0xc0189436ul
#define FIEMAP_ 0xc020660bul

struct clone_range {
	int64_t src;
	uint64_t off, len, to;
};
struct dedupe {
	uint64_t off, len;
	uint16_t n, reserved1;
	uint32_t reserved2;
	struct {
		int64_t fd;
		uint64_t off, done;
		int32_t status;
		uint32_t reserved;
	} to[1];
};

/* The clone was made, or the file system has none: vmspace's have none. */
static bool
cloned(int r)
{
	return (r == 0 ? getenv("GUEST_INSIDE") == NULL : errno == EOPNOTSUPP);
}

static void
dedupe(int rd, int wr, int dir)
{
	struct dedupe d = {.len = PAGE, .n = 1, .to = {{.fd = wr}}};
	int p[2];

	CHECK(pipe(p) == 0);
	CHECK_ERRNO(ioctl(rd, FIDEDUPERANGE_, NULL), EFAULT);
	CHECK_ERRNO(ioctl(wr, FIDEDUPERANGE_, &d), EINVAL);
	CHECK_ERRNO(ioctl(p[0], FIDEDUPERANGE_, &d), EINVAL);
	CHECK_ERRNO(ioctl(dir, FIDEDUPERANGE_, &d), EISDIR);
	CHECK(cloned(ioctl(rd, FIDEDUPERANGE_, &d)));
	d.reserved1 = 1;
	CHECK_ERRNO(ioctl(rd, FIDEDUPERANGE_, &d), EINVAL);
	d.reserved1 = 0;
	d.n = 128;
	CHECK_ERRNO(ioctl(rd, FIDEDUPERANGE_, &d), ENOMEM);
	CHECK_ERRNO(ioctl(p[0], FIEMAP_, &d), EOPNOTSUPP);
	CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

/* The requests by which two files share blocks. */
static void
sharing(void)
{
	int rd, wr, dir, path, app, p[2];
	struct clone_range r = {.len = 0};

	write_file("from", "data", 4, 0600);
	rd = open("from", O_RDONLY);
	wr = open("to", O_WRONLY | O_CREAT, 0600);
	app = open("to", O_WRONLY | O_APPEND);
	path = open("from", O_PATH);
	dir = open(".", O_RDONLY);
	CHECK(rd >= 0 && wr >= 0 && app >= 0 && path >= 0 && dir >= 0);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(ioctl(wr, FICLONE_, 999), EBADF);
	CHECK_ERRNO(ioctl(wr, FICLONE_, path), EBADF);
	CHECK_ERRNO(ioctl(wr, FICLONE_, app), EBADF);
	CHECK_ERRNO(ioctl(rd, FICLONE_, rd), EBADF);
	CHECK_ERRNO(ioctl(app, FICLONE_, rd), EBADF);
	CHECK_ERRNO(ioctl(wr, FICLONE_, dir), EISDIR);
	CHECK_ERRNO(ioctl(dir, FICLONE_, rd), EISDIR);
	CHECK_ERRNO(ioctl(wr, FICLONE_, p[0]), EXDEV);
	CHECK_ERRNO(ioctl(p[1], FICLONE_, rd), EXDEV);
	CHECK_ERRNO(ioctl(p[1], FICLONE_, p[0]), EINVAL);
	CHECK_ERRNO(ioctl(wr, FICLONERANGE_, NULL), EFAULT);
	CHECK_ERRNO(ioctl(p[1], FICLONERANGE_, NULL), EFAULT);
	r.src = path;
	CHECK_ERRNO(ioctl(wr, FICLONERANGE_, &r), EBADF);
	r.src = rd;
	CHECK(cloned(ioctl(wr, FICLONE_, rd)));
	CHECK(cloned(ioctl(wr, FICLONERANGE_, &r)));
	dedupe(rd, wr, dir);
	CHECK(close(rd) == 0 && close(wr) == 0 && close(dir) == 0);
	CHECK(close(path) == 0 && close(app) == 0);
	CHECK(close(p[0]) == 0 && close(p[1]) == 0);
	CHECK(unlink("from") == 0 && unlink("to") == 0);
	say("sharing");
}

int
main(void)
{
	scratch_enter("filecalls");
	offsets();
	rwf();
	access_mode();
	path_only();
	how_arguments();
	resolve();
	resolve_race();
	larger_clone();
	times();
	entries();
	sharing();
	CHECK(unlink("f") == 0);
	scratch_remove();
	return (0);
}
