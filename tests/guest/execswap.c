/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/exe of a process that executes two programs in turn, thousands of
 * times (with GUEST_LONG ten thousand): a reader always sees one of the two.
 */
#include "guest.h"

#define EXECS (getenv("GUEST_LONG") != NULL ? 10000L : 3000L)

static char mine[4096];

static void
copy_of_me(const char *to)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK(write(out, buf, (size_t)n) == n);
	CHECK(n == 0 && close(in) == 0 && close(out) == 0);
}

/* execswap run LEFT OTHER ME IN OUT: execute OTHER, LEFT times in all; then
 * report it on OUT, and wait until the other end of IN is closed. */
static int
run(char **argv)
{
	long left = atol(argv[2]);
	char count[32], c = 0;

	if (left == 0)
		return (write(atoi(argv[6]), &c, 1) == 1 &&
				read(atoi(argv[5]), &c, 1) == 0
			    ? 0
			    : 1);
	snprintf(count, sizeof(count), "%ld", left - 1);
	execl(argv[3], argv[0], "run", count, argv[4], argv[3], argv[5],
	    argv[6], NULL);
	_exit(9);
}

/* Read the link until the last program reports on fd. Returns how often the
 * link changed. */
static long
watch(pid_t pid, const char *a, const char *b, int fd)
{
	char path[64], link[4096], c;
	long looks = 0, swaps = 0;
	int was = -1, is;
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	do {
		n = readlink(path, link, sizeof(link) - 1);
		CHECK(n > 0);
		link[n] = '\0';
		is = strcmp(link, b) == 0;
		/* Until its first exec the process runs this program. */
		CHECK(is || strcmp(link, a) == 0 ||
		      (was == -1 && strcmp(link, mine) == 0));
		if (is || strcmp(link, a) == 0) {
			swaps += is != was;
			was = is;
		}
		CHECK(stat(path, &st) == 0 && st.st_size > 0);
		looks++;
	} while (read(fd, &c, 1) != 1);
	CHECK(looks > 100);
	return (swaps);
}

int
main(int argc, char **argv)
{
	char a[4096], b[4096], dir[] = "/tmp/execswap-XXXXXX", num[3][32];
	int in[2], out[2];
	pid_t pid;

	if (argc == 7)
		return (run(argv));
	CHECK(readlink("/proc/self/exe", mine, sizeof(mine) - 1) > 0);
	CHECK(mkdtemp(dir) != NULL && pipe(in) == 0 && pipe(out) == 0);
	CHECK(fcntl(out[0], F_SETFL, O_NONBLOCK) == 0);
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	copy_of_me(a);
	copy_of_me(b);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(in[1]);
		close(out[0]);
		snprintf(num[0], 32, "%ld", EXECS);
		snprintf(num[1], 32, "%d", in[0]);
		snprintf(num[2], 32, "%d", out[1]);
		execl(a, "x", "run", num[0], b, a, num[1], num[2], NULL);
		_exit(9);
	}
	close(in[0]);
	close(out[1]);
	CHECK(watch(pid, a, b, out[0]) > 2);
	close(in[1]);
	wait_ok(pid);
	CHECK(unlink(a) == 0 && unlink(b) == 0 && rmdir(dir) == 0);
	say("the link was always one of the two");
	return (0);
}
