/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of /proc/PID that can be written: names of processes and threads,
 * oom_score_adj and oom_adj, coredump_filter, clear_refs, timerslack_ns,
 * uid_map, and loginuid; who may write what, and what a child inherits.
 */
#include "guest.h"

#include <pthread.h>
#include <sys/prctl.h>

static char buf[1 << 16];

/* One write(2) of the text: 0 or its errno. */
static int
put(const char *path, const char *text)
{
	const size_t len = strlen(text);
	int fd = open(path, O_WRONLY), error = 0;
	ssize_t n;

	if (fd < 0)
		return (errno);
	n = write(fd, text, len);
	if (n < 0)
		error = errno;
	else
		CHECK(n == (ssize_t)len);
	CHECK(close(fd) == 0);
	return (error);
}

static const char *
get(const char *path)
{
	read_file(path, buf, sizeof(buf));
	return (buf);
}

static bool
is(const char *path, const char *text)
{
	return (strcmp(get(path), text) == 0);
}

static long
number(const char *path)
{
	return (strtol(get(path), NULL, 0));
}

/* ---- names ---- */

struct thread {
	pthread_t id;
	int tid;
	char before[32], after[32];
	pthread_barrier_t named;
};

static void *
named_thread(void *arg)
{
	struct thread *t = arg;

	t->tid = (int)syscall(SYS_gettid);
	CHECK(prctl(PR_GET_NAME, t->before) == 0);
	pthread_barrier_wait(&t->named);
	pthread_barrier_wait(&t->named);
	CHECK(prctl(PR_GET_NAME, t->after) == 0);
	return (NULL);
}

static void
names(void)
{
	struct thread t;
	char name[32], path[64];
	int fd;

	CHECK(prctl(PR_SET_NAME, "first") == 0);
	CHECK(is("/proc/self/comm", "first\n"));
	CHECK(put("/proc/self/comm", "second") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "second") == 0);
	/* A thread has a name of its own, at first that of its maker. */
	CHECK(pthread_barrier_init(&t.named, NULL, 2) == 0);
	CHECK(pthread_create(&t.id, NULL, named_thread, &t) == 0);
	pthread_barrier_wait(&t.named);
	CHECK(strcmp(t.before, "second") == 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", t.tid);
	CHECK(put(path, "a name of more than 15") == 0);
	CHECK(is(path, "a name of more \n"));
	CHECK(is("/proc/self/comm", "second\n"));
	pthread_barrier_wait(&t.named);
	CHECK(pthread_join(t.id, NULL) == 0);
	CHECK(strcmp(t.after, "a name of more ") == 0);
	/* A newline is kept, and written as two characters in status only. */
	CHECK(put("/proc/self/comm", "a\nb\\") == 0);
	CHECK(is("/proc/self/comm", "a\nb\\\n"));
	CHECK(strncmp(get("/proc/self/status"), "Name:\ta\\nb\\\\\n", 13) == 0);
	CHECK(strstr(get("/proc/self/stat"), " (a\nb\\) ") != NULL);
	fd = open("/proc/self/comm", O_RDWR);
	CHECK(fd >= 0 && write(fd, "third", 5) == 5);
	CHECK(pread(fd, name, sizeof(name), 0) == 6);
	CHECK(close(fd) == 0);
	say("names of the process and its threads");
}

static void
name_of_other(void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", getppid());
	CHECK(put(path, "other") == EINVAL);
	CHECK(is("/proc/self/comm", "third\n"));
}

/* ---- out of memory ---- */

static void
oom_values(void)
{
	const char *bad[] = {"1001", "-1001", "abc", "1 2", "-", "5x"};

	CHECK(put("/proc/self/oom_score_adj", "100") == 0);
	CHECK(number("/proc/self/oom_score_adj") == 100);
	CHECK(number("/proc/self/oom_adj") == 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(put("/proc/self/oom_score_adj", bad[i]) == EINVAL);
	CHECK(put("/proc/self/oom_score_adj", " 0xc8\n") == 0);
	CHECK(is("/proc/self/oom_score_adj", "200\n"));
	say("oom_score_adj");
	CHECK(put("/proc/self/oom_adj", "16") == EINVAL);
	CHECK(put("/proc/self/oom_adj", "15") == 0);
	CHECK(is("/proc/self/oom_score_adj", "1000\n"));
	CHECK(is("/proc/self/oom_adj", "15\n"));
	CHECK(number("/proc/self/oom_score") >= 1300);
	CHECK(put("/proc/self/oom_score_adj", "500") == 0);
	CHECK(number("/proc/self/oom_score") < 1300);
	CHECK(number("/proc/self/oom_score") >= 990);
	say("oom_adj and oom_score");
}

/* Without rights: up, and down to what root has set, but not below 0. */
static void
oom_user(void *arg)
{
	if (getuid() == 0)
		CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(is("/proc/self/oom_score_adj", "500\n"));
	CHECK(put("/proc/self/oom_score_adj", "900") == 0);
	CHECK(put("/proc/self/oom_score_adj", "500") == 0);
	CHECK(put("/proc/self/oom_score_adj", "-1") == EACCES);
	CHECK(put("/proc/self/oom_adj", "0") == EACCES);
	CHECK(put("/proc/self/oom_adj", "-17") == EACCES);
	CHECK(is("/proc/self/oom_score_adj", "500\n"));
}

/* ---- what is stored ---- */

static void
filter_inherited(void *arg)
{
	CHECK(is("/proc/self/coredump_filter", "0000007f\n"));
}

static void
filters(void)
{
	CHECK(is("/proc/self/coredump_filter", "00000033\n"));
	CHECK(put("/proc/self/coredump_filter", "0x7f\n") == 0);
	CHECK(is("/proc/self/coredump_filter", "0000007f\n"));
	CHECK(put("/proc/self/coredump_filter", "zzz") == EINVAL);
	in_child(filter_inherited, NULL);
	CHECK(put("/proc/self/coredump_filter", "51") == 0);
	CHECK(is("/proc/self/coredump_filter", "00000033\n"));
	CHECK(put("/proc/self/clear_refs", "1") == 0);
	CHECK(put("/proc/self/clear_refs", "4\n") == 0);
	CHECK(put("/proc/self/clear_refs", "0") == EINVAL);
	CHECK(put("/proc/self/clear_refs", "6") == EINVAL);
	say("coredump_filter and clear_refs");
}

static void
peak(void)
{
	const size_t len = 16 * MIB;
	char *m = map_anon(len), *p;
	long before, after;

	memset(m, 1, len);
	get("/proc/self/status");
	CHECK((p = strstr(buf, "\nVmHWM:")) != NULL);
	before = strtol(p + 7, NULL, 10);
	CHECK(before >= 16 * 1024 && munmap(m, len) == 0);
	CHECK(put("/proc/self/clear_refs", "5") == 0);
	get("/proc/self/status");
	CHECK((p = strstr(buf, "\nVmHWM:")) != NULL);
	after = strtol(p + 7, NULL, 10);
	CHECK(after < before - 8 * 1024);
	say("the peak of the resident size starts again");
}

static void
slack_inherited(void *arg)
{
	CHECK(prctl(PR_GET_TIMERSLACK) == 70000);
	CHECK(put("/proc/self/timerslack_ns", "80000") == 0);
	/* The default is what the child began with. */
	CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
	CHECK(prctl(PR_GET_TIMERSLACK) == 70000);
}

static void
slack(void)
{
	const long first = prctl(PR_GET_TIMERSLACK);

	CHECK(number("/proc/self/timerslack_ns") == first);
	CHECK(put("/proc/self/timerslack_ns", "70000") == 0);
	CHECK(prctl(PR_GET_TIMERSLACK) == 70000);
	in_child(slack_inherited, NULL);
	CHECK(put("/proc/self/timerslack_ns", "x") == EINVAL);
	CHECK(put("/proc/self/timerslack_ns", "0") == 0);
	CHECK(prctl(PR_GET_TIMERSLACK) == first);
	CHECK(prctl(PR_SET_TIMERSLACK, 60000) == 0);
	CHECK(number("/proc/self/timerslack_ns") == 60000);
	CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
	say("timerslack_ns");
}

/* ---- ids ---- */

static void
ids(void)
{
	unsigned long a, b, c;

	CHECK(
	    sscanf(get("/proc/self/uid_map"), "%lu %lu %lu", &a, &b, &c) == 3);
	CHECK(buf[32] == '\n' && buf[33] == '\0');
	CHECK(strlen(get("/proc/self/gid_map")) == 33);
	CHECK(put("/proc/self/uid_map", "0 0 1") == EPERM);
	CHECK(is("/proc/self/setgroups", "allow\n"));
	say("maps of ids");
	/* Not each kernel has the audit. */
	if (!inside())
		return;
	CHECK(is("/proc/self/loginuid", "4294967295"));
	CHECK(is("/proc/self/sessionid", "4294967295"));
	CHECK(put("/proc/self/loginuid", "x") == EINVAL);
	CHECK(put("/proc/self/loginuid", "1000") == 0);
	CHECK(is("/proc/self/loginuid", "1000"));
	CHECK(!is("/proc/self/sessionid", "4294967295"));
}

/* ---- which files there are ---- */

static void
of_process(void)
{
	const char *process[] = {
	    "coredump_filter", "timerslack_ns", "mountstats", "task"};
	const char *both[] = {"comm", "oom_score_adj", "clear_refs", "stat",
	    "mountinfo", "fdinfo", "ns", "uid_map", "cgroup"};
	char path[64];

	for (size_t i = 0; i < sizeof(process) / sizeof(process[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", process[i]);
		CHECK(access(path, F_OK) == 0);
		snprintf(
		    path, sizeof(path), "/proc/thread-self/%s", process[i]);
		CHECK_ERRNO(access(path, F_OK), ENOENT);
	}
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", both[i]);
		CHECK(access(path, F_OK) == 0);
		snprintf(path, sizeof(path), "/proc/thread-self/%s", both[i]);
		CHECK(access(path, F_OK) == 0);
	}
	say("files of a process and of a thread");
}

/* A descriptor for writing is one of the process that it was opened for. */
static void
ended(void)
{
	char path[64];
	int child, end, fd;

	child = waiting_child(&end);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", child);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0 && write(fd, "700", 3) == 3);
	CHECK(is(path, "700\n"));
	close(end);
	wait_ok(child);
	CHECK_ERRNO(write(fd, "800", 3), ESRCH);
	CHECK(close(fd) == 0);
	CHECK(put(path, "1") == ENOENT);
	say("settings of a process that has ended");
}

int
main(void)
{
	names();
	in_child(name_of_other, NULL);
	say("the name of another process");
	oom_values();
	in_child(oom_user, NULL);
	say("oom_score_adj of a process without rights");
	filters();
	peak();
	slack();
	ids();
	of_process();
	ended();
	return (0);
}
