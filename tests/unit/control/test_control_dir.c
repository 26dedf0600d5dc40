/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The directory of kernels: names, stale directories, files that do not belong
 * there, and a BASE that is not the user's alone.  Root's BASE is that of the
 * host, so that root tests as another user.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control_dir.h"

#define USER 12345

static char run[] = "/tmp/control-XXXXXX", base[64];

static int
setup_group(void **state)
{
	if (mkdtemp(run) == NULL)
		return (-1);
	if (geteuid() == 0 &&
	    (chown(run, USER, USER) != 0 || seteuid(USER) != 0))
		return (-1);
	snprintf(base, sizeof(base), "%s/vmspace", run);
	return (setenv("XDG_RUNTIME_DIR", run, 1));
}

static int
teardown_group(void **state)
{
	(void)rmdir(base);
	if (getuid() == 0 && seteuid(0) != 0)
		return (-1);
	return (rmdir(run));
}

static const char *
path(const char *name)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s/%s", base, name);
	return (buf);
}

static void
put(const char *name, const char *text)
{
	int fd =
	    open(path(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static bool
exists(const char *name)
{
	struct stat st;

	return (lstat(path(name), &st) == 0);
}

static bool
count(void *arg, const struct vmspace_entry *e)
{
	(*(int *)arg)++;
	return (true);
}

static int
listed(void)
{
	int n = 0;

	assert_int_equal(vmspace_dir_list(count, &n), 0);
	return (n);
}

static void
test_names(void **state)
{
	char name[VMSPACE_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	name[VMSPACE_NAME_MAX + 1] = '\0';
	assert_non_null(vmspace_name_check(name));
	name[VMSPACE_NAME_MAX] = '\0';
	assert_null(vmspace_name_check(name));
	assert_null(vmspace_name_check("9a_.-Z"));
	for (const char *const *bad = (const char *const[]){"", ".", "..", "-a",
		 "_a", "a/b", "a b", "a\n", "\xc3\xa4", NULL};
	     *bad != NULL; bad++) {
		int fd;

		assert_non_null(vmspace_name_check(*bad));
		assert_int_equal(control_dir_socket(*bad, &fd), ENOENT);
	}
}

static void
test_enter(void **state)
{
	const char *const labels[] = {"a=b", NULL};
	struct vmspace_dir *d, *second;
	int fd, fd2, sock;

	assert_int_equal(
	    vmspace_dir_enter("one", "/bin/x y", labels, &d, &fd), 0);
	assert_string_equal(vmspace_dir_name(d), "one");
	assert_int_equal(listed(), 1);
	assert_int_equal(
	    vmspace_dir_enter("one", "x", NULL, &second, &fd2), EEXIST);
	assert_int_equal(control_dir_socket("one", &sock), 0);
	(void)close(sock);
	/* Names that are chosen. */
	assert_int_equal(
	    vmspace_dir_enter(NULL, "/bin/x y", NULL, &second, &fd2), 0);
	assert_string_equal(vmspace_dir_name(second), "x-1");
	assert_int_equal(listed(), 2);
	vmspace_dir_leave(second);
	vmspace_dir_leave(d);
	(void)close(fd);
	(void)close(fd2);
	assert_false(exists("one"));
	assert_int_equal(control_dir_socket("one", &sock), ENOENT);
	assert_int_equal(vmspace_dir_enter("a/b", "x", NULL, &d, &fd), EINVAL);
}

/* Entries of processes that do not exist, or of another start time, and what
 * makes no sense. */
static void
test_stale(void **state)
{
	static const char *const texts[] = {
	    "{\"pid\": 99999999, \"start\": 0, \"command\": \"x\"}",
	    "{\"pid\": 1, \"start\": 77777777777, \"command\": \"x\"}",
	    "{\"pid\": -1, \"start\": 0, \"command\": \"x\"}",
	    "{\"pid\": \"1\", \"command\": 5}", "[]", "{", ""};
	struct vmspace_dir *d;
	int fd;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(mkdir(path("stale"), 0700), 0);
		put("stale/state.json", texts[i]);
		assert_int_equal(listed(), 0);
		assert_false(exists("stale"));
	}
	assert_int_equal(mkdir(path("stale"), 0700), 0);
	put("stale/state.json", texts[0]);
	assert_int_equal(vmspace_dir_enter("stale", "x", NULL, &d, &fd), 0);
	vmspace_dir_leave(d);
	(void)close(fd);
}

static void
test_foreign(void **state)
{
	assert_int_equal(mkdir(path("mine"), 0700), 0);
	put("mine/other", "x");
	put("plain", "x");
	assert_int_equal(symlink("/etc", path("link")), 0);
	assert_int_equal(listed(), 0);
	assert_true(exists("mine/other"));
	assert_true(exists("plain"));
	assert_true(exists("link"));
	assert_int_equal(unlink(path("mine/other")), 0);
	assert_int_equal(unlink(path("plain")), 0);
	assert_int_equal(unlink(path("link")), 0);
	assert_int_equal(listed(), 0);
	assert_false(exists("mine"));
}

/* A BASE that others can enter, of another user, or a link. */
static void
test_base(void **state)
{
	struct vmspace_dir *d;
	int fd, n = 0;

	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(vmspace_dir_list(count, &n), EPERM);
	assert_int_equal(vmspace_dir_enter("x", "x", NULL, &d, &fd), EPERM);
	assert_int_equal(control_dir_socket("x", &fd), EPERM);
	assert_int_equal(rmdir(base), 0);
	assert_int_equal(vmspace_dir_list(count, &n), 0);
	assert_int_equal(symlink("/tmp", base), 0);
	assert_int_not_equal(vmspace_dir_enter("x", "x", NULL, &d, &fd), 0);
	assert_int_not_equal(vmspace_dir_list(count, &n), 0);
	assert_int_equal(unlink(base), 0);
	if (getuid() != 0)
		return;
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(mkdir(base, 0700), 0);
	assert_int_equal(chown(base, USER + 1, USER), 0);
	assert_int_equal(seteuid(USER), 0);
	assert_int_not_equal(vmspace_dir_enter("x", "x", NULL, &d, &fd), 0);
	assert_int_equal(rmdir(base), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_enter),
	    cmocka_unit_test(test_stale),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_base),
	};

	return (cmocka_run_group_tests(tests, setup_group, teardown_group));
}
