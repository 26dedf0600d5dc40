/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A program to be debugged: calls, a variable that changes, a thread that waits
 * at a place of its own, and, with the argument "wait", a loop that a debugger
 * ends.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int counter;
static volatile int done;
static pthread_barrier_t barrier;

static int
inner(int n)
{
	counter += n;
	return (counter);
}

static int
outer(int n)
{
	int r = inner(n);

	return (r + 1);
}

static void *
worker(void *arg)
{
	pthread_barrier_wait(&barrier);
	outer(7);
	return (arg);
}

static void
spin(void)
{
	while (!done)
		usleep(1000);
}

int
main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		spin();
		return (5);
	}
	for (int i = 1; i < 4; i++)
		outer(i);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, worker, NULL);
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	printf("counter %d\n", outer(5));
	return (3);
}
