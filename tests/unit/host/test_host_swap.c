/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Opening swap: which files are accepted and which are refused, and that no
 * file is left over or overwritten.
 */
#include "host/host_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/loop.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/stat.h"
#include "host/host.h"

#define MIB ((uint64_t)1 << 20)
#define MAGIC_OFF 4086

static char dir[64];
static int base_fds;

static int
setup(void **state)
{
	base_fds = host_count_fds();
	snprintf(dir, sizeof(dir), "/tmp/vmspace-swap-test.XXXXXX");
	return (mkdtemp(dir) == NULL ? -1 : 0);
}

/* The directory is empty and no descriptor is left. */
static int
teardown(void **state)
{
	if (rmdir(dir) != 0)
		return (-1);
	return (host_count_fds() == base_fds ? 0 : -1);
}

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return (path);
}

/* A file of `len` bytes of 'd', with mkswap's signature if `magic`. */
static void
make(const char *name, size_t len, bool magic)
{
	int fd;
	char *buf = malloc(len + 1);

	memset(buf, 'd', len);
	if (magic)
		memcpy(buf + MAGIC_OFF, "SWAPSPACE2", 10);
	assert_int_equal(host_openat(AT_FDCWD, in_dir(name),
			     O_WRONLY | O_CREAT | O_EXCL, 0600, &fd),
	    0);
	assert_int_equal(host_pwrite_full(fd, buf, len, 0), 0);
	host_close(fd);
	free(buf);
}

static int
try_open(const char *path, uint64_t size)
{
	uint64_t want = size;
	int fd = -7, error = host_swap_open(path, &want, &fd);

	if (error == 0) {
		host_close(fd);
		return (0);
	}
	assert_int_equal(fd, -7);
	assert_int_equal(want, size);
	return (error);
}

/* A new file of this size that has no name. */
static void
check_unlinked(int fd, uint64_t size)
{
	struct host_stat st;
	char c = 'x';
	int fl;

	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.nlink, 0);
	assert_int_equal(st.mode, LX_S_IFREG | 0600);
	assert_int_equal(st.size, size);
	assert_int_equal(st.blocks, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(host_getfl(fd, &fl), 0);
	assert_int_equal(fl & O_ACCMODE, O_RDWR);
	assert_int_equal(host_pwrite_full(fd, &c, 1, size - 1), 0);
}

/* ---- new files ---- */

static void
test_temporary(void **state)
{
	char *old = getenv("TMPDIR");
	uint64_t size = 3 * MIB, size2 = 5 * MIB;
	int fd, fd2;

	old = old == NULL ? NULL : strdup(old);
	setenv("TMPDIR", dir, 1);
	assert_int_equal(host_swap_open(NULL, &size, &fd), 0);
	assert_int_equal(host_swap_open(NULL, &size2, &fd2), 0);
	check_unlinked(fd, 3 * MIB);
	check_unlinked(fd2, 5 * MIB);
	host_close(fd);
	host_close(fd2);
	assert_int_equal(try_open(NULL, 0), EINVAL);
	setenv("TMPDIR", in_dir("none"), 1);
	assert_int_equal(try_open(NULL, MIB), ENOENT);
	/* A relative TMPDIR is ignored. */
	setenv("TMPDIR", "none", 1);
	assert_int_equal(try_open(NULL, MIB), 0);
	unsetenv("TMPDIR");
	assert_int_equal(try_open(NULL, MIB), 0);
	if (old != NULL)
		setenv("TMPDIR", old, 1);
	free(old);
}

static void
test_directory(void **state)
{
	uint64_t size = 2 * MIB;
	int fd;

	assert_int_equal(host_swap_open(dir, &size, &fd), 0);
	assert_int_equal(size, 2 * MIB);
	check_unlinked(fd, 2 * MIB);
	host_close(fd);
	assert_int_equal(try_open(dir, 0), EINVAL);
	/* A directory in which no file can be created. */
	assert_int_not_equal(try_open("/proc", MIB), 0);
}

static void
test_new_name(void **state)
{
	uint64_t size = MIB, size2 = 2 * MIB;
	int fd, fd2;

	assert_int_equal(host_swap_open(in_dir("swap"), &size, &fd), 0);
	check_unlinked(fd, MIB);
	assert_int_equal(access(in_dir("swap"), F_OK), -1);
	/* The name is free again, so that another open creates a new file. */
	assert_int_equal(host_swap_open(in_dir("swap"), &size2, &fd2), 0);
	check_unlinked(fd2, 2 * MIB);
	host_close(fd2);
	host_close(fd);
	assert_int_equal(try_open(in_dir("swap"), 0), EINVAL);
	assert_int_equal(access(in_dir("swap"), F_OK), -1);
	assert_int_equal(try_open(in_dir("none/swap"), MIB), ENOENT);
	assert_int_equal(try_open("", MIB), ENOENT);
}

/* ---- existing files ---- */

static void
test_empty_file(void **state)
{
	uint64_t size = MIB;
	struct host_stat st;
	int fd;

	make("empty", 0, false);
	assert_int_equal(try_open(in_dir("empty"), 0), EINVAL);
	assert_int_equal(host_swap_open(in_dir("empty"), &size, &fd), 0);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.size, MIB);
	/* An existing file keeps its name. */
	assert_int_equal(st.nlink, 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	host_close(fd);
	unlink(in_dir("empty"));
}

static void
test_signature(void **state)
{
	struct host_stat st;
	uint64_t size;
	int fd;

	make("mkswap", 16384, true);
	size = 0;
	assert_int_equal(host_swap_open(in_dir("mkswap"), &size, &fd), 0);
	assert_int_equal(size, 16384);
	host_close(fd);
	/* A smaller request does not truncate the file. */
	size = 8192;
	assert_int_equal(host_swap_open(in_dir("mkswap"), &size, &fd), 0);
	assert_int_equal(size, 8192);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.size, 16384);
	host_close(fd);
	size = 65536;
	assert_int_equal(host_swap_open(in_dir("mkswap"), &size, &fd), 0);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.size, 65536);
	host_close(fd);
	unlink(in_dir("mkswap"));
}

/* A file with data is refused and not changed. */
static void
data_stays(size_t len)
{
	char *buf = malloc(len), *want = malloc(len);
	struct host_stat st;
	size_t done;
	int fd;

	make("data", len, false);
	assert_int_equal(try_open(in_dir("data"), MIB), EEXIST);
	assert_int_equal(try_open(in_dir("data"), 0), EEXIST);
	assert_int_equal(
	    host_openat(AT_FDCWD, in_dir("data"), O_RDONLY, 0, &fd), 0);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.size, len);
	memset(want, 'd', len);
	assert_int_equal(host_pread_full(fd, buf, len, 0, &done), 0);
	assert_memory_equal(buf, want, len);
	host_close(fd);
	unlink(in_dir("data"));
	free(want);
	free(buf);
}

static void
test_data(void **state)
{
	data_stays(1);
	data_stays(MAGIC_OFF);
	data_stays(MAGIC_OFF + 5);
	data_stays(4096);
	data_stays(100000);
}

static void
test_types(void **state)
{
	static const char *const link_to[] = {"empty", "none", "mkswap"};

	make("empty", 0, false);
	make("mkswap", 16384, true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(symlink(link_to[i], in_dir("link")), 0);
		assert_int_equal(try_open(in_dir("link"), MIB), ELOOP);
		unlink(in_dir("link"));
	}
	assert_int_equal(access(in_dir("none"), F_OK), -1);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(try_open(in_dir("fifo"), MIB), EINVAL);
	assert_int_equal(try_open("/dev/null", MIB), EINVAL);
	unlink(in_dir("fifo"));
	unlink(in_dir("empty"));
	unlink(in_dir("mkswap"));
}

static void
test_locked(void **state)
{
	uint64_t size = MIB;
	int fd, other;

	make("shared", 0, false);
	assert_int_equal(host_swap_open(in_dir("shared"), &size, &fd), 0);
	/* The file still has no contents, but it is locked. */
	assert_int_equal(host_pwrite_full(fd, "SWAPSPACE2", 10, MAGIC_OFF), 0);
	assert_int_equal(try_open(in_dir("shared"), MIB), EBUSY);
	host_close(fd);
	assert_int_equal(try_open(in_dir("shared"), MIB), 0);
	/* A shared lock of another descriptor refuses it as well. */
	assert_int_equal(
	    host_openat(AT_FDCWD, in_dir("shared"), O_RDONLY, 0, &other), 0);
	assert_int_equal(host_flock(other, LOCK_SH), 0);
	assert_int_equal(try_open(in_dir("shared"), MIB), EBUSY);
	host_close(other);
	unlink(in_dir("shared"));
}

/* ---- block devices ---- */

/* Make a loop device on a file of the directory; it is removed when fd is
 * closed.  Skips the test if the host has none. */
static int
loop_device(const char *name, char *path, size_t size)
{
	struct loop_config cf = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int ctl, back, fd = -1, error;
	long nr = -1;

	error = host_openat(AT_FDCWD, "/dev/loop-control", O_RDWR, 0, &ctl);
	if (error == 0) {
		error = host_ioctl(ctl, LOOP_CTL_GET_FREE, NULL, &nr);
		host_close(ctl);
	}
	snprintf(path, size, "/dev/loop%ld", nr);
	if (error == 0)
		error = host_openat(AT_FDCWD, path, O_RDWR, 0, &fd);
	if (error == 0) {
		assert_int_equal(
		    host_openat(AT_FDCWD, in_dir(name), O_RDWR, 0, &back), 0);
		cf.fd = (uint32_t)back;
		error = host_ioctl(fd, LOOP_CONFIGURE, &cf, &nr);
		host_close(back);
		if (error != 0)
			host_close(fd);
	}
	unlink(in_dir(name));
	if (error != 0) {
		print_message("skipped: no loop device: %s\n", strerror(error));
		skip();
	}
	return (fd);
}

static void
test_device(void **state)
{
	char path[32];
	uint64_t size = 0;
	int fd, dev;

	make("disk", MIB, true);
	dev = loop_device("disk", path, sizeof(path));
	assert_int_equal(host_swap_open(path, &size, &fd), 0);
	assert_int_equal(size, MIB);
	assert_int_equal(try_open(path, MIB), EBUSY);
	host_close(fd);
	size = 10 * MIB;
	assert_int_equal(host_swap_open(path, &size, &fd), 0);
	assert_int_equal(size, MIB);
	host_close(fd);
	size = MIB / 2;
	assert_int_equal(host_swap_open(path, &size, &fd), 0);
	assert_int_equal(size, MIB / 2);
	host_close(fd);
	/* A device without the signature is refused. */
	assert_int_equal(host_pwrite_full(dev, "x", 1, MAGIC_OFF), 0);
	assert_int_equal(try_open(path, MIB), EEXIST);
	host_close(dev);
}

/* A device that the host has mounted, or uses as swap, is refused. */
static void
test_device_in_use(void **state)
{
	char path[32];
	int dev, mount;

	make("disk", MIB, true);
	dev = loop_device("disk", path, sizeof(path));
	assert_int_equal(
	    host_openat(AT_FDCWD, path, O_RDONLY | O_EXCL, 0, &mount), 0);
	assert_int_equal(try_open(path, MIB), EBUSY);
	host_close(mount);
	assert_int_equal(try_open(path, MIB), 0);
	host_close(dev);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_temporary),
	    T(test_directory),
	    T(test_new_name),
	    T(test_empty_file),
	    T(test_signature),
	    T(test_data),
	    T(test_types),
	    T(test_locked),
	    T(test_device),
	    T(test_device_in_use),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
