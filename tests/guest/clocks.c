/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Clocks and sleeping: the clocks of the vdso and those of the system calls
 * agree and never go back; a sleep, relative or absolute, lasts at least as
 * long as requested. There are no upper bounds, because tests do not depend on
 * speed.
 */
#include "guest.h"

#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static uint64_t
clock_ns(clockid_t c)
{
	struct timespec ts;

	CHECK(clock_gettime(c, &ts) == 0);
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static uint64_t
raw_ns(clockid_t c)
{
	struct timespec ts;

	CHECK(syscall(SYS_clock_gettime, c, &ts) == 0);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static void
forward(void)
{
	static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
	    CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};
	uint64_t a, b, c;
	struct timeval tv;

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		for (int n = 0; n < 1000; n++) {
			a = clock_ns(ids[i]);
			b = n % 50 == 0 ? raw_ns(ids[i]) : clock_ns(ids[i]);
			c = clock_ns(ids[i]);
			CHECK(a <= b && b <= c);
		}
	CHECK(gettimeofday(&tv, NULL) == 0);
	CHECK((uint64_t)tv.tv_sec + 2 >= clock_ns(CLOCK_REALTIME) / 1000000000);
	CHECK(time(NULL) > 1600000000);
	CHECK_ERRNO(syscall(SYS_clock_gettime, 12345, NULL), EINVAL);
	say("clocks");
}

static void
vdso(void)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);

	CHECK(image == NULL || memcmp(image, "\177ELF", 4) == 0);
	CHECK(image != NULL || !inside());
	say("vdso");
}

static void
sleeping(void)
{
	struct timespec ts = {0, 20000000}, bad = {0, 1000000000};
	uint64_t start = now_ns(), at;

	CHECK(nanosleep(&ts, NULL) == 0 && now_ns() - start >= 20000000);
	start = now_ns();
	CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL) == 0);
	CHECK(now_ns() - start >= 19000000);
	at = now_ns() + 20000000;
	ts = (struct timespec){
	    (time_t)(at / 1000000000), (long)(at % 1000000000)};
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	CHECK(now_ns() >= at);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	CHECK_ERRNO(nanosleep(&bad, NULL), EINVAL);
	say("sleeping");
}

static void
timerfds(void)
{
	struct itimerspec it = {{0, 5000000}, {0, 5000000}};
	uint64_t n = 0, sum = 0, start = now_ns();
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(fd >= 0 && timerfd_settime(fd, 0, &it, NULL) == 0);
	while (sum < 4) {
		CHECK(read(fd, &n, 8) == 8 && n > 0);
		sum += n;
	}
	CHECK(now_ns() - start >= 4 * 5000000 - 1000000);
	close(fd);
	say("timerfd");
}

static void
cpu_time(void)
{
	struct rusage a, b;
	uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	CHECK(getrusage(RUSAGE_SELF, &a) == 0);
	do {
		for (volatile int i = 0; i < 1000000; i++)
			continue;
		CHECK(getrusage(RUSAGE_SELF, &b) == 0);
	} while ((b.ru_utime.tv_sec - a.ru_utime.tv_sec) * 1000000 +
		     b.ru_utime.tv_usec - a.ru_utime.tv_usec <
		 20000);
	CHECK(clock_ns(CLOCK_PROCESS_CPUTIME_ID) > cpu);
	say("CPU time");
}

/* Ticks of user time that /proc says a process has used. */
static unsigned long
ticks_of(pid_t pid)
{
	char path[64], buf[1024], *at;
	unsigned long ticks = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n > 0);
	close(fd);
	buf[n] = '\0';
	at = strrchr(buf, ')');
	CHECK(at != NULL &&
	      sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu",
		  &ticks) == 1);
	return (ticks);
}

/* The time of a process that never makes a call is seen from outside. */
static void
others_time(void)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + 20000000000u;
	unsigned long ticks;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		for (volatile int i = 0;;)
			i = 1 - i;
	do {
		usleep(20000);
		ticks = ticks_of(pid);
	} while (ticks < 10 && clock_ns(CLOCK_MONOTONIC) < end);
	CHECK(ticks >= 10);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	say("time of others");
}

int
main(void)
{
	forward();
	vdso();
	sleeping();
	timerfds();
	cpu_time();
	others_time();
	return (0);
}
