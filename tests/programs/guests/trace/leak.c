/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory that only another thread's stack refers to, and, with an argument,
 * memory that nothing refers to.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile lost;
static pthread_barrier_t barrier;

static void *
holder(void *arg)
{
	void *volatile kept = malloc(50);

	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	free(kept);
	return (arg);
}

int
main(int argc, char **argv)
{
	pthread_t t;

	(void)argv;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, holder, NULL);
	pthread_barrier_wait(&barrier);
	if (argc > 1) {
		lost = malloc(99);
		lost = NULL;
	}
	return (0);
}
