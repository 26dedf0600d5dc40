/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* 300 threads with stacks of 8 MiB each, all at work at the same time. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#define N 300
static pthread_barrier_t all;
static void *
run(void *arg)
{
	char b[4096];

	memset(b, (int)(long)arg, sizeof(b));
	pthread_barrier_wait(&all);
	return ((void *)(long)(b[17] & 0xff));
}
int
main(void)
{
	static pthread_t t[N];
	pthread_attr_t a;
	long sum = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 8 << 20);
	pthread_barrier_init(&all, NULL, N);
	for (long i = 0; i < N; i++)
		if (pthread_create(&t[i], &a, run, (void *)i) != 0)
			return (1);
	for (int i = 0; i < N; i++) {
		void *v;

		pthread_join(t[i], &v);
		sum += (long)v;
	}
	printf("%ld\n", sum);
	return (0);
}
