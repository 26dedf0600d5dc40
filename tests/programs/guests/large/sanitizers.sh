# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# Programs under AddressSanitizer (an error, none), ThreadSanitizer (a race,
# none) and UndefinedBehaviorSanitizer.
cat >a.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int shared;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *
locked(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(&m);
		shared += *(int *)arg;
		pthread_mutex_unlock(&m);
	}
	return (NULL);
}
static void *
racing(void *arg)
{
	for (int i = 0; i < 1000; i++)
		shared += *(int *)arg;
	return (NULL);
}
int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t t[4];
	int one = 1;
	char *p = calloc(1, 32);

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL,
		    strcmp(what, "race") == 0 ? racing : locked, &one);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (strcmp(what, "overflow") == 0)
		p[32 + argc] = 1;
	if (strcmp(what, "shift") == 0)
		printf("%d\n", (p[0] + 1) << (30 + argc));
	if (strcmp(what, "race") != 0)
		printf("%d\n", shared);
	free(p);
	return (0);
}
C
for cc in gcc clang; do
	for s in address thread undefined; do
		$cc -g -O1 -fsanitize=$s -fno-sanitize-recover=undefined a.c \
		    -o a-$s -pthread || exit 1
	done
	for run in 'address ok' 'address overflow' 'thread ok' 'thread race' \
	    'undefined ok' 'undefined shift'; do
		set -- $run
		./a-$1 $2 >out 2>err
		echo "$cc $run: status $?, output $(tr '\n' ' ' <out)"
		grep -o 'heap-buffer-overflow on\|WARNING: ThreadSanitizer: data race\|left shift of' err | sort -u
	done
done
exit 5
