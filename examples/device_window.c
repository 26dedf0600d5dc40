/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * device_window: share a buffer with a guest, without copies.
 *
 *     device_window [GUEST_FILTER...]
 *
 * The guest sees the buffer as /dev/window.  This program puts a text there,
 * starts the filter (default: tr a-z A-Z) on it, by the guest's shell, and
 * finds the answer in the same buffer, behind the text.
 *
 * Also valid C++.  Needs a shell and the filter on this host: the guest's root
 * is the host's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmspace/vkernel.h"

#define SIZE 65536
#define HALF (SIZE / 2) /* text below, answer above */

static const char text[] = "A window is memory that two sides share.\n"
			   "What one stores, the other loads.\n";

/* The shell command that filters one half of the window into the other. */
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
	/* No call moves this: the guest reads what is stored here. */
	memcpy(window, text, sizeof(text));
	make_script(script, sizeof(script), argc, argv);
	error = vkernel_spawn(k, &sp, &pid);
	if (error == 0)
		error = vkernel_wait(k, pid, &status);
	if (error != 0)
		return (error);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "the guest failed, status %#x\n", status);
		return (EIO);
	}
	/* Guests are not trusted: the answer may lack its end. */
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
