/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Calls with several wrong arguments, and with arguments at the limits of
 * their types: which error wins.
 */
#include <sys/uio.h>

#include "guest.h"

/* Behind the addresses of user space. */
#define KERNEL_SIDE ((void *)(uintptr_t)0xffff800000000000)

/* A descriptor with n bytes of text. */
static int
text_file(int flags, size_t n)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/argorder.%d", (int)getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	for (size_t i = 0; i < n; i++)
		CHECK(write(fd, "x", 1) == 1);
	close(fd);
	fd = open(name, flags);
	CHECK(fd >= 0 && unlink(name) == 0);
	return (fd);
}

static long
raw_read(int fd, void *buf, uint64_t len)
{
	return (syscall(SYS_read, fd, buf, len));
}

/* The descriptor is checked first, then the ranges, then flags. */
static void
ranges(void)
{
	int fd = text_file(O_RDWR, 8), wo = text_file(O_WRONLY, 0);
	struct iovec iov[2];
	char buf[16];

	CHECK_ERRNO(raw_read(fd, buf, UINT64_MAX), EFAULT);
	CHECK_ERRNO(raw_read(fd, buf, INT64_MAX), EFAULT);
	CHECK_ERRNO(raw_read(fd, KERNEL_SIDE, 0), EFAULT);
	CHECK_ERRNO(raw_read(-1, KERNEL_SIDE, UINT64_MAX), EBADF);
	CHECK_ERRNO(raw_read(wo, buf, UINT64_MAX), EBADF);
	CHECK_ERRNO(syscall(SYS_write, fd, buf, UINT64_MAX), EFAULT);
	CHECK_ERRNO(syscall(SYS_pread64, fd, buf, UINT64_MAX, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_pread64, -1, buf, UINT64_MAX, -1L), EINVAL);
	CHECK_ERRNO(pread(fd, buf, 8, INT64_MAX), EINVAL);

	CHECK_ERRNO(readv(-1, BAD, -1), EBADF);
	CHECK_ERRNO(readv(wo, BAD, -1), EBADF);
	CHECK_ERRNO(readv(fd, BAD, -1), EINVAL);
	CHECK_ERRNO(readv(fd, BAD, 1), EFAULT);
	iov[0] = (struct iovec){buf, 4};
	iov[1] = (struct iovec){buf, INT64_MAX};
	CHECK_ERRNO(readv(fd, iov, 2), EFAULT);
	CHECK_ERRNO(writev(fd, iov, 2), EFAULT);
	iov[1].iov_len = SIZE_MAX;
	CHECK_ERRNO(readv(fd, iov, 2), EINVAL);
	iov[1] = (struct iovec){KERNEL_SIDE, 4};
	CHECK_ERRNO(readv(fd, iov, 2), EFAULT);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	CHECK_ERRNO(syscall(SYS_preadv2, -1, iov, 1, 0, 0, 0x40000000), EBADF);
	CHECK_ERRNO(
	    syscall(SYS_preadv2, fd, iov, 1, 0, 0, 0x40000000), EOPNOTSUPP);
	close(fd);
	close(wo);
	say("ranges of reads and writes");
}

/* At the end of a file a read does not look at its buffer. */
static void
end_of_file(void)
{
	int fd = text_file(O_RDWR, 8), proc = open("/proc/self/stat", O_RDONLY);
	struct iovec iov = {BAD, 4};

	CHECK(raw_read(fd, BAD, 1) == -1 && errno == EFAULT);
	CHECK(lseek(fd, 8, SEEK_SET) == 8);
	CHECK(raw_read(fd, BAD, 1) == 0);
	CHECK(readv(fd, &iov, 1) == 0);
	CHECK(pread(fd, BAD, 1, 8) == 0);
	CHECK(pread(fd, BAD, 1, 1 << 20) == 0);
	CHECK_ERRNO(pread(fd, BAD, 1, 7), EFAULT);
	CHECK(proc >= 0);
	CHECK_ERRNO(raw_read(proc, BAD, 1), EFAULT);
	/* What is made when it is read cannot be mapped. */
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, proc, 0) == MAP_FAILED &&
	      errno == ENODEV);
	close(fd);
	close(proc);
	say("end of a file");
}

static void
signal_numbers(void)
{
	pid_t pid;

	CHECK_ERRNO(kill(999999, 99), ESRCH);
	CHECK_ERRNO(kill(-999999, 99), ESRCH);
	CHECK_ERRNO(kill(getpid(), 99), EINVAL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0);
		CHECK_ERRNO(kill(0, 99), EINVAL);
		CHECK_ERRNO(kill(-getpid(), -1), EINVAL);
		_exit(0);
	}
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_ERRNO(setpgid(-1, 0), EINVAL);
	CHECK_ERRNO(setpgid(-1, 5), ESRCH);
	say("numbers of signals and processes");
}

static void
copies(void)
{
	int in = text_file(O_RDWR, 8), out = text_file(O_RDWR, 0);
	int64_t a = -1, b = 0;

	CHECK_ERRNO(
	    syscall(SYS_copy_file_range, in, &a, out, &b, 10, 0), EOVERFLOW);
	CHECK_ERRNO(
	    syscall(SYS_copy_file_range, in, &b, out, &a, 10, 0), EOVERFLOW);
	a = -100;
	CHECK_ERRNO(
	    syscall(SYS_copy_file_range, in, &a, out, &b, 10, 0), EINVAL);
	close(in);
	close(out);
	say("offsets of copies");
}

static void
memory(void)
{
	char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *top = (char *)(uintptr_t)-PAGE;
	struct iovec iov = {m, 8};

	CHECK(m != MAP_FAILED);
	CHECK(msync(m, SIZE_MAX, MS_SYNC) == 0);
	CHECK_ERRNO(msync(m + 1, SIZE_MAX, MS_SYNC), EINVAL);
	CHECK_ERRNO(mlock(top, 2 * PAGE), EINVAL);
	CHECK_ERRNO(munlock(top, 2 * PAGE), EINVAL);
	CHECK(process_vm_readv(999999, &iov, 0, &iov, 1, 0) == 0);
	CHECK_ERRNO(process_vm_readv(999999, &iov, 1, &iov, 1, 0), ESRCH);
	CHECK(munmap(m, PAGE) == 0);
	say("ranges of memory");
}

/* A value that is too short is found before an option that does not exist. */
static void
options_of(int fd, int level_error)
{
	socklen_t len = 4;
	int v = 1;

	CHECK(fd >= 0);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, 999, &v, 1), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, 999, &v, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_TYPE, &v, 3), EINVAL);
	CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_TYPE, &v, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(fd, 999, 1, &v, 4), level_error);
	CHECK_ERRNO(getsockopt(fd, 999, 1, &v, &len), EOPNOTSUPP);
	CHECK_ERRNO(getsockopt(fd, SOL_SOCKET, 999, &v, &len), ENOPROTOOPT);
	CHECK_ERRNO(
	    getsockopt(fd, SOL_SOCKET, 57 /* SO_COOKIE */, &v, &len), EINVAL);
	close(fd);
}

static void
options(void)
{
	options_of(socket(AF_UNIX, SOCK_STREAM, 0), EOPNOTSUPP);
	if (!no_internet()) {
		options_of(socket(AF_INET, SOCK_STREAM, 0), ENOPROTOOPT);
		options_of(socket(AF_INET, SOCK_DGRAM, 0), ENOPROTOOPT);
		CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 999), EINVAL);
		CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, -1), EINVAL);
		CHECK_ERRNO(socket(AF_INET6, SOCK_STREAM, 999), EINVAL);
		CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, 17), EPROTONOSUPPORT);
	}
	say("options of sockets");
}

static void
names(void)
{
	char buf[16];
	int fd = text_file(O_RDONLY, 0);

	CHECK_ERRNO(mknod("/tmp/argorder.dir", S_IFDIR | 0700, 0), EPERM);
	CHECK_ERRNO(mknod("/tmp/argorder.lnk", S_IFLNK | 0700, 0), EINVAL);
	CHECK_ERRNO(readlinkat(fd, "", buf, sizeof(buf)), ENOENT);
	CHECK_ERRNO(readlink("/tmp", buf, sizeof(buf)), EINVAL);
	close(fd);
	say("kinds of names");
}

int
main(void)
{
	ranges();
	end_of_file();
	signal_numbers();
	copies();
	memory();
	options();
	names();
	return (0);
}
