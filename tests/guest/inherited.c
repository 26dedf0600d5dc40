/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A program that uses the descriptors it was started with.  The first argument
 * names the case; run_inherited.py sets the descriptors up and checks them
 * afterwards.
 */
#include "guest.h"

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sendfile.h>

/* Copy up to n bytes of standard input to standard output, in two reads. */
static void
do_read(size_t n)
{
	char buf[64];
	ssize_t a, b;

	CHECK(n <= sizeof(buf));
	a = read(0, buf, n / 2);
	CHECK(a >= 0);
	b = read(0, buf + a, n - n / 2);
	CHECK(b >= 0 && write(1, buf, (size_t)(a + b)) == a + b);
}

/* Lines to standard output and standard error in turns. */
static void
do_write(void)
{
	for (int i = 0; i < 4; i++) {
		char line[] = "out 0\n", other[] = "err 0\n";

		line[4] = other[4] = (char)('0' + i);
		CHECK(write(1, line, 6) == 6 && write(2, other, 6) == 6);
	}
}

/* A line for each byte that comes from standard input. */
static void
do_append(void)
{
	char c;

	while (read(0, &c, 1) == 1)
		CHECK(write(1, "guest\n", 6) == 6 && write(2, ".", 1) == 1);
}

/* Standard input is the file "0123456789", at offset 2, for reading. */
static void
do_read_only(void)
{
	int fd, p[2];
	struct stat st;
	char buf[16], *m;
	off_t at = 1;

	CHECK(fstat(0, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 10);
	CHECK(pread(0, buf, 4, 5) == 4 && memcmp(buf, "5678", 4) == 0);
	CHECK(lseek(0, 0, SEEK_CUR) == 2);
	CHECK_ERRNO(write(0, "x", 1), EBADF);
	CHECK_ERRNO(ftruncate(0, 0), EINVAL);
	m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 0, 0);
	CHECK(m != MAP_FAILED && memcmp(m, "0123456789", 10) == 0);
	CHECK_ERRNO(
	    (long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, 0, 0), EACCES);
	/* While the file is mapped, reads still advance the offset. */
	CHECK(read(0, buf, 3) == 3 && memcmp(buf, "234", 3) == 0);
	CHECK(lseek(0, 0, SEEK_CUR) == 5 && munmap(m, PAGE) == 0);
	CHECK(pipe(p) == 0 && sendfile(p[1], 0, &at, 3) == 3 && at == 4);
	CHECK(read(p[0], buf, 16) == 3 && memcmp(buf, "123", 3) == 0);
	CHECK(sendfile(p[1], 0, NULL, 2) == 2);
	CHECK(read(p[0], buf, 16) == 2 && memcmp(buf, "56", 2) == 0);
	CHECK(splice(0, NULL, p[1], NULL, 1, 0) == 1);
	CHECK(read(p[0], buf, 16) == 1 && buf[0] == '7');
	CHECK(lseek(0, -1, SEEK_END) == 9 && lseek(0, 8, SEEK_SET) == 8);
	CHECK(fsync(0) == 0);
	/* Opened by its link in /proc, the file has an offset of its own. */
	fd = open("/proc/self/fd/0", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 1) == 1 && buf[0] == '0');
	close(fd);
	if (inside()) {
		/* The descriptor can be read, but not written. */
		CHECK(open("/proc/self/fd/0", O_RDWR) == -1);
		CHECK_ERRNO(fchmod(0, 0777), EPERM);
		CHECK_ERRNO(futimens(0, NULL), EPERM);
	}
	say("read only");
}

static void
check_locks(void)
{
	struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = 2};
	int status;
	pid_t pid;

	CHECK(lseek(0, 4, SEEK_SET) == 4 && fcntl(0, F_SETLK, &lk) == 0);
	pid = fork();
	if (pid == 0) {
		lk = (struct flock){.l_type = F_WRLCK, .l_len = 5};
		CHECK(fcntl(0, F_GETLK, &lk) == 0 && lk.l_type == F_WRLCK);
		CHECK(lk.l_start == 4 && lk.l_len == 2);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(flock(0, LOCK_EX | LOCK_NB) == 0);
}

/* Standard input is the file "0123456789", at offset 0, for both. */
static void
do_read_write(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0);
	char buf[16] = "", *m;

	CHECK(write(0, "ab", 2) == 2 && pwrite(0, "X", 1, 9) == 1);
	CHECK(lseek(0, 0, SEEK_CUR) == 2);
	check_locks();
	CHECK(lseek(0, 2, SEEK_SET) == 2);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0);
	CHECK(m != MAP_FAILED && memcmp(m, "ab2345678X", 10) == 0);
	/* Stores to mapped pages and write() see each other. */
	CHECK(write(0, "cd", 2) == 2 && memcmp(m, "abcd", 4) == 0);
	m[4] = 'M';
	CHECK(read(0, buf, 2) == 2 && memcmp(buf, "M5", 2) == 0);
	CHECK(pread(0, buf, 10, 0) == 10 && memcmp(buf, "abcdM5678X", 10) == 0);
	CHECK(lseek(0, 0, SEEK_CUR) == 6);
	CHECK(munmap(m, PAGE) == 0);
	CHECK(ftruncate(0, 12) == 0);
	CHECK(fcntl(0, F_SETFL, O_APPEND) == 0);
	CHECK((fcntl(0, F_GETFL) & O_APPEND) != 0);
	CHECK(write(0, "end", 3) == 3 && lseek(0, 0, SEEK_CUR) == 15);
	CHECK(pwrite(0, "+", 1, 0) == 1 && lseek(0, 0, SEEK_END) == 16);
	CHECK(fallocate(0, 0, 0, 20) == 0);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ev), EPERM);
	say("read and write");
}

/* Standard input is a directory with the file "name". */
static void
do_directory(void)
{
	struct stat st, up;
	struct dirent *e;
	char buf[8];
	int fd, n = 0;
	DIR *d;

	CHECK(fstat(0, &st) == 0 && S_ISDIR(st.st_mode));
	CHECK_ERRNO(read(0, buf, 1), EISDIR);
	CHECK_ERRNO(pread(0, buf, 1, 0), EISDIR);
	fd = openat(0, "name", O_RDONLY);
	CHECK(
	    fd >= 0 && read(fd, buf, 5) == 5 && memcmp(buf, "text\n", 5) == 0);
	close(fd);
	d = fdopendir(dup(0));
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, "name") == 0;
	CHECK(n == 1 && closedir(d) == 0);
	if (inside()) {
		/* ".." leads no higher than this directory, and it is
		 * read-only. */
		CHECK(fstatat(0, "..", &up, 0) == 0 && up.st_ino == st.st_ino);
		CHECK_ERRNO(mkdirat(0, "sub", 0700), EROFS);
		CHECK_ERRNO(openat(0, "name", O_WRONLY), EROFS);
	}
	say("directory");
}

/* Standard input is /dev/null, standard error /dev/zero. */
static void
do_devices(void)
{
	char buf[4] = "abc", *m;
	struct stat st;

	CHECK(fstat(0, &st) == 0 && S_ISCHR(st.st_mode));
	CHECK(st.st_rdev == 0x103);
	CHECK(read(0, buf, 4) == 0 && pread(0, buf, 4, 100) == 0);
	CHECK(lseek(0, 10, SEEK_SET) == 0 && lseek(0, 0, SEEK_CUR) == 0);
	CHECK(pread(2, buf, 4, 7) == 4 && memcmp(buf, "\0\0\0", 4) == 0);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 2, 0);
	CHECK(m != MAP_FAILED && m[0] == 0);
	say("devices");
}

/* Standard input is a pipe. */
static void
do_pipe(void)
{
	char c;

	CHECK_ERRNO(pread(0, &c, 1, 0), ESPIPE);
	CHECK_ERRNO(lseek(0, 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(
	    (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 0, 0), ENODEV);
	CHECK_ERRNO(fsync(0), EINVAL);
	CHECK_ERRNO(sync_file_range(0, 0, 0, 0), ESPIPE);
	CHECK(fcntl(0, F_GETPIPE_SZ) > 0);
	say("pipe");
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2);
	if (strcmp(argv[1], "read") == 0)
		do_read(6);
	else if (strcmp(argv[1], "write") == 0)
		do_write();
	else if (strcmp(argv[1], "append") == 0)
		do_append();
	else if (strcmp(argv[1], "read-only") == 0)
		do_read_only();
	else if (strcmp(argv[1], "read-write") == 0)
		do_read_write();
	else if (strcmp(argv[1], "directory") == 0)
		do_directory();
	else if (strcmp(argv[1], "devices") == 0)
		do_devices();
	else if (strcmp(argv[1], "pipe") == 0)
		do_pipe();
	else
		return (2);
	return (0);
}
