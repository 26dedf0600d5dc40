# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# valgrind: memcheck of a program with an error and a leak, and of one without;
# helgrind.
cat >v.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static int n;
static void *
run(void *arg)
{
	n += *(int *)arg;
	return (NULL);
}
int
main(int argc, char **argv)
{
	int *p = malloc(40), one = 1;
	pthread_t t[2];

	(void)argv;
	p[3] = 4;
	if (argc > 1) {
		if (p[2] == 5)
			puts("five");
		p = malloc(7);
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, run, &one);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	printf("%d\n", n);
	free(p);
	return (0);
}
C
gcc -g -O0 v.c -o v -pthread || exit 1
valgrind -q --error-exitcode=9 --leak-check=full ./v >out 2>err
echo clean $? "$(cat out)" "$(grep -c == err)"
valgrind -q --error-exitcode=9 --leak-check=full ./v x >out 2>err
echo errors $? "$(cat out)"
grep -o 'Conditional jump.*\|[0-9]* bytes in [0-9]* blocks are definitely lost' err
valgrind --tool=helgrind -q --error-exitcode=8 ./v >out 2>err
echo race $? "$(cat out)" "$(grep -c 'Possible data race' err)"
