/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * device_window: share a buffer with a guest, without copies.
 *
 *     device_window [GUEST_FILTER...]
 *
 * The buffer is /dev/window in the guest.  This program writes a text to the
 * buffer, runs the filter (default: tr a-z A-Z) on it by the guest's shell, and
 * reads the result from the same buffer, after the text.
 *
 * The source is also valid C++.  The guest's root is the host's, so that a
 * shell and the filter must exist on the host.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmspace/vkernel.h"

#define SIZE 65536
#define HALF (SIZE / 2) /* text in the first half, result in the second */

static const char text[] = "A window is memory that two sides share.\n"
			   "What one stores, the other loads.\n";

/* The shell command that filters the first half of the window into the
 * second. */
static void
make_script(char *buf, size_t size, int argc, char **argv)
{
	int n;

	n = snprintf(buf, size, "head -c %zu /dev/window |", sizeof(text) - 1);
	if (argc < 2)
		n += snprintf(buf + n, size - (size_t)n, " tr a-z A-Z");
	for (int i = 1; i < argc && (size_t)n < size; i++)
		n += snprintf(buf + n, size - (size_t)n, " %s", argv[i]);
	if ((size_t)n < size)
		(void)snprintf(buf + n, size - (size_t)n,
		    " | dd of=/dev/window bs=%d seek=1 2>/dev/null", HALF);
}

static int
run(struct vkernel *k, int argc, char **argv)
{
	char script[4096];
	const char *const sh[] = {"/bin/sh", "-c", script, NULL};
	const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	struct vkernel_spawn sp;
	void *window;
	char *answer;
	int error, pid, status;

	memset(&sp, 0, sizeof(sp));
	sp.path = "/bin/sh";
	sp.argv = sh;
	sp.envp = env;
	error = vkernel_window_create(k, "window", SIZE, &window);
	if (error != 0)
		return (error);
	/* No call copies the text: the guest reads the buffer itself. */
	memcpy(window, text, sizeof(text));
	make_script(script, sizeof(script), argc, argv);
	error = vkernel_spawn(k, &sp, &pid);
	if (error == 0)
		error = vkernel_wait(k, pid, &status);
	if (error != 0)
		return (error);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "device_window: the guest failed, status %#x\n",
		    status);
		return (EIO);
	}
	/* A guest is not trusted: the result may have no terminating NUL. */
	answer = (char *)window + HALF;
	printf("%.*s", (int)strnlen(answer, HALF), answer);
	return (0);
}

int
main(int argc, char **argv)
{
	struct vkernel_config config;
	struct vkernel *k;
	int error;

	memset(&config, 0, sizeof(config));
	config.mem = (uint64_t)256 << 20;
	error = vkernel_create(&config, &k);
	if (error == 0) {
		error = run(k, argc, argv);
		vkernel_destroy(k);
	}
	if (error != 0)
		fprintf(stderr, "device_window: %s\n", strerror(error));
	return (error == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
