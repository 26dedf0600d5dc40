/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What an embedder does to the processes of its kernel: waiting without
 * blocking, giving up, being told of ends, pausing, and terminals.  The
 * programs are those of the host, by its shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmspace/vkernel.h"

#define PATIENCE 20 /* seconds until a test gives up */

static struct vkernel *k;

static int
setup(void **state)
{
	const struct vkernel_config config = {.mem = 64u << 20};

	return (vkernel_create(&config, &k));
}

static int
teardown(void **state)
{
	uint64_t leaks = 1;

	vkernel_destroy_check(k, &leaks);
	assert_int_equal(leaks, 0);
	return (0);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* Start a shell command on the terminal, or with fd as standard output. */
static int
start(const char *command, int fd, struct vkernel_pty *pty)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
	const int fds[] = {-1, fd, fd};
	const struct vkernel_spawn sp = {
	    .path = "sh",
	    .argv = argv,
	    .envp = envp,
	    .fds = pty == NULL ? fds : NULL,
	    .nfds = pty == NULL ? 3 : 0,
	    .pty = pty,
	};
	int pid = 0;

	assert_int_equal(vkernel_spawn(k, &sp, &pid), 0);
	return (pid);
}

static int
wait_for(int pid)
{
	int status = -1;

	assert_int_equal(vkernel_wait(k, pid, &status), 0);
	return (status);
}

static void
test_trywait(void **state)
{
	int status = -1, pid = start("exec sleep 1000", -1, NULL);
	const double end = now() + PATIENCE;

	assert_int_equal(vkernel_trywait(k, pid, &status), EAGAIN);
	assert_int_equal(status, -1);
	assert_int_equal(vkernel_kill(k, pid, SIGKILL), 0);
	while (vkernel_trywait(k, pid, &status) == EAGAIN)
		assert_true(now() < end);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(vkernel_trywait(k, pid, &status), ECHILD);
}

/* A released process leaves nothing, whether it lives or is a zombie. */
static void
test_release(void **state)
{
	const double end = now() + PATIENCE;
	int status, live = start("exec sleep 1000", -1, NULL), dead;
	char path[32];
	size_t done;

	assert_int_equal(vkernel_release(k, live), 0);
	assert_int_equal(vkernel_release(k, live), ECHILD);
	assert_int_equal(vkernel_trywait(k, live, &status), ECHILD);
	dead = start("exit 3", -1, NULL);
	snprintf(path, sizeof(path), "%d/stat", dead);
	for (;;) {
		char text[512] = "";

		assert_int_equal(vkernel_proc_read(
				     k, path, 0, text, sizeof(text) - 1, &done),
		    0);
		if (strstr(text, ") Z ") != NULL)
			break;
		assert_true(now() < end);
	}
	assert_int_equal(vkernel_release(k, dead), 0);
	assert_int_equal(vkernel_kill(k, dead, 0), ESRCH);
	assert_int_equal(vkernel_kill(k, live, SIGKILL), 0);
	while (vkernel_kill(k, live, 0) == 0)
		assert_true(now() < end);
}

static _Atomic(int) told, times;

static void
exited(void *arg, int pid)
{
	assert_ptr_equal(arg, &told);
	atomic_store(&told, pid);
	atomic_fetch_add(&times, 1);
}

/* fn is called for the ends that can be waited for, before the wait ends. */
static void
test_watch(void **state)
{
	int pid;

	vkernel_watch_exits(k, exited, &told);
	pid = start("true & wait; exit 5", -1, NULL);
	assert_int_equal(WEXITSTATUS(wait_for(pid)), 5);
	assert_int_equal(atomic_load(&told), pid);
	assert_int_equal(atomic_load(&times), 1);
	vkernel_watch_exits(k, NULL, NULL);
	(void)wait_for(start("exit 0", -1, NULL));
	assert_int_equal(atomic_load(&times), 1);
}

/* Bytes that arrive at fd within `ms`; what is there already is dropped. */
static bool
arrives(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};
	char buf[65536];

	while (poll(&p, 1, 0) > 0 && read(fd, buf, sizeof(buf)) > 0)
		continue;
	return (poll(&p, 1, ms) > 0);
}

static void
test_pause(void **state)
{
	int fds[2], pid, spin, status = 0;

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	pid = start("while :; do echo x; done", fds[1], NULL);
	spin = start("while :; do :; done", -1, NULL);
	assert_true(arrives(fds[0], PATIENCE * 1000));
	assert_false(vkernel_paused(k));
	assert_int_equal(vkernel_pause(k, true), 0);
	assert_int_equal(vkernel_pause(k, true), 0);
	assert_true(vkernel_paused(k));
	/* A call that was under way may still write. */
	(void)arrives(fds[0], 20);
	assert_false(arrives(fds[0], 200));
	/* A program that is started now does not run. */
	assert_int_equal(
	    vkernel_trywait(k, start("exit 0", -1, NULL), &status), EAGAIN);
	assert_int_equal(vkernel_pause(k, false), 0);
	assert_true(arrives(fds[0], PATIENCE * 1000));
	/* SIGKILL does not wait for the end of a pause. */
	assert_int_equal(vkernel_pause(k, true), 0);
	assert_int_equal(vkernel_kill(k, pid, SIGKILL), 0);
	assert_int_equal(vkernel_kill(k, spin, SIGKILL), 0);
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_int_equal(WTERMSIG(wait_for(spin)), SIGKILL);
	/* The end of a paused kernel is teardown(). */
	(void)start("exec sleep 1000", -1, NULL);
	close(fds[0]);
	close(fds[1]);
}

/* Read from the terminal until `want` was printed. */
static void
expect(struct vkernel_pty *pty, const char *want)
{
	static char text[4096];
	struct pollfd p = {vkernel_pty_fd(pty), POLLIN, 0};
	const double end = now() + PATIENCE;
	size_t len = 0, n;
	int error;

	do {
		(void)poll(&p, 1, 100);
		error = vkernel_pty_read(
		    pty, text + len, sizeof(text) - 1 - len, &n);
		assert_true(error == 0 || error == EAGAIN);
		len += error == 0 ? n : 0;
		text[len] = '\0';
		assert_true(now() < end);
	} while (strstr(text, want) == NULL);
}

static void
test_pty(void **state)
{
	const struct vkernel_spawn again = {.path = "sh"};
	struct vkernel_spawn sp = again;
	struct vkernel_pty *pty;
	const double end = now() + PATIENCE;
	char buf[64];
	size_t n;
	int pid, error;

	assert_int_equal(vkernel_pty_create(NULL, 1, 1, &pty), EINVAL);
	assert_int_equal(vkernel_pty_create(k, 24, 80, &pty), 0);
	pid = start("stty size; read x; echo got $x; read x; stty size; "
		    "read x; exec 0<&- 1>&- 2>&-; exit 7",
	    -1, pty);
	sp.pty = pty;
	assert_int_equal(vkernel_spawn(k, &sp, &error), EINVAL);
	expect(pty, "24 80");
	assert_int_equal(vkernel_pty_write(pty, "abc\n", 4, &n), 0);
	assert_int_equal(n, 4);
	expect(pty, "got abc");
	assert_int_equal(vkernel_pty_resize(pty, 30, 100), 0);
	assert_int_equal(vkernel_pty_write(pty, "\n", 1, &n), 0);
	expect(pty, "30 100");
	assert_int_equal(vkernel_pty_write(pty, "\n", 1, &n), 0);
	assert_int_equal(WEXITSTATUS(wait_for(pid)), 7);
	while ((error = vkernel_pty_read(pty, buf, sizeof(buf), &n)) != EIO)
		assert_true((error == 0 || error == EAGAIN) && now() < end);
	vkernel_pty_close(pty);
	/* One that no program got, and one that hangs its program up. */
	assert_int_equal(vkernel_pty_create(k, 1, 1, &pty), 0);
	vkernel_pty_close(pty);
	assert_int_equal(vkernel_pty_create(k, 1, 1, &pty), 0);
	pid = start("exec sleep 1000", -1, pty);
	vkernel_pty_close(pty);
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGHUP);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_trywait),
	    T(test_release),
	    T(test_watch),
	    T(test_pause),
	    T(test_pty),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
