/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A guest that takes one resource of the kernel without end, beside one that
 * does ordinary work:
 *
 *	hog RESOURCE N
 *
 * The greedy process takes up to N pieces of the resource and keeps them. While
 * it does, and again after it was killed, the other one works.  Output, a line
 * each: how many the greedy one got and the error that ended it; "beside:" and
 * "after:" with "ok" or the step that failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L
#define BLOCK (64L << 10)

static char block[BLOCK];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void *
reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (p);
}

/* ---- one function takes piece i of a resource: 0, or -1 with errno ---- */

static int
take_map(long i)
{
	static char *area;

	if (area == NULL)
		area = reserve(70000 * 2 * PAGE);
	return (mprotect(area + i * 2 * PAGE, PAGE, PROT_READ));
}

/* A table for each page: one page of a file, every 2 MiB. */
static int
take_table(long i)
{
	static volatile char sum;
	static char *area;
	static int fd;
	char *p;

	if (area == NULL) {
		area = reserve(30000UL << 21);
		fd = open("/etc/passwd", O_RDONLY);
	}
	p = mmap(
	    area + (i << 21), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED)
		return (-1);
	sum += *p;
	return (0);
}

/* The same within one mapping, whose tables can be made again. */
static int
take_sparse(long i)
{
	static volatile char sum;
	static char *area;

	if (area == NULL) {
		area = reserve(30000UL << 21);
		if (mprotect(area, 30000UL << 21, PROT_READ) != 0)
			return (-1);
	}
	sum += area[i << 21];
	return (0);
}

static int
take_file(long i)
{
	return (open("/etc/passwd", O_RDONLY) < 0 ? -1 : 0);
}

static int
take_eventfd(long i)
{
	return (eventfd(0, 0) < 0 ? -1 : 0);
}

static int
take_pipe(long i)
{
	int fd[2];

	if (pipe2(fd, O_NONBLOCK) != 0)
		return (-1);
	(void)fcntl(fd[1], F_SETPIPE_SZ, 1 << 20);
	while (write(fd[1], block, sizeof(block)) > 0)
		;
	return (0);
}

static int
fill_pair(int type)
{
	int fd[2], size = 64 << 20;

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd) != 0)
		return (-1);
	(void)setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (send(fd[0], block, sizeof(block) / 8, 0) > 0)
		;
	return (0);
}

static int
take_stream(long i)
{
	return (fill_pair(SOCK_STREAM));
}

static int
take_datagram(long i)
{
	return (fill_pair(SOCK_DGRAM));
}

/* Send n descriptors over fd. */
static int
send_files(int fd, const int *files, size_t n)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} c = {.h = {.cmsg_len = CMSG_LEN(n * sizeof(int)),
		   .cmsg_level = SOL_SOCKET,
		   .cmsg_type = SCM_RIGHTS}};
	struct iovec v = {.iov_base = block, .iov_len = 1};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};

	memcpy(CMSG_DATA(&c.h), files, n * sizeof(int));
	return (sendmsg(fd, &m, 0) < 0 ? -1 : 0);
}

/* A UNIX socket with a name that the kernel chooses, and that name. */
static int
named(int type, struct sockaddr_un *sa, socklen_t *len)
{
	int fd = socket(AF_UNIX, type, 0);

	*len = sizeof(*sa);
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (fd < 0 || bind(fd, (void *)sa, sizeof(sa->sun_family)) != 0 ||
	    getsockname(fd, (void *)sa, len) != 0)
		return (-1);
	return (fd);
}

/*
 * Sockets that only a message in a queue of their own holds: a pair, a socket
 * connected to itself, an accepted connection, a listener in its own backlog.
 */
static int
take_loop(long i)
{
	struct sockaddr_un sa;
	socklen_t len;
	int fd[3] = {-1, -1, -1}, r;

	if (i % 4 == 0) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) != 0)
			return (-1);
		r = send_files(fd[0], fd, 2);
	} else if (i % 4 == 1) {
		fd[0] = named(SOCK_DGRAM, &sa, &len);
		if (fd[0] < 0 || connect(fd[0], (void *)&sa, len) != 0)
			return (-1);
		r = send_files(fd[0], fd, 1);
	} else {
		fd[0] = named(SOCK_STREAM, &sa, &len);
		fd[1] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd[0] < 0 || fd[1] < 0 || listen(fd[0], 1) != 0 ||
		    connect(fd[1], (void *)&sa, len) != 0)
			return (-1);
		if (i % 4 == 2)
			fd[2] = accept(fd[0], NULL, NULL);
		r = send_files(fd[1], i % 4 == 2 ? &fd[2] : &fd[0], 1);
	}
	for (int k = 0; k < 3; k++)
		if (fd[k] >= 0)
			close(fd[k]);
	return (r);
}

/* A text of 10,000 mappings, begun and not read to its end. */
static int
take_text(long i)
{
	char c;
	int fd;

	for (long n = 0; i == 0 && n < 5000; n++)
		if (take_map(n) != 0)
			return (-1);
	fd = open("/proc/self/smaps", O_RDONLY);
	return (fd < 0 || read(fd, &c, 1) != 1 ? -1 : 0);
}

static int
take_lock(long i)
{
	struct flock l = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};
	static int fd = -1;

	if (fd < 0)
		fd = open("/tmp/locked", O_CREAT | O_RDWR, 0600);
	return (fcntl(fd, F_SETLK, &l));
}

static int
take_message(long i)
{
	struct {
		long type;
		char text[8192];
	} m = {.type = 1};
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	if (id < 0)
		return (-1);
	return (msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT));
}

static int
take_timer(long i)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	timer_t t;

	return (timer_create(CLOCK_MONOTONIC, &ev, &t));
}

static int
take_signal(long i)
{
	const union sigval v = {.sival_int = 0};
	sigset_t all;

	if (i == 0) {
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
	}
	return (sigqueue(getpid(), SIGRTMIN, v));
}

static int
take_name(long i)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/tmp/%0240ld", i);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	return (fd < 0 ? -1 : close(fd));
}

/* Memory of files that no process maps: it stays when the process ends. */
static int
take_data(long i)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/shm/data", O_CREAT | O_WRONLY, 0600);
	return (write(fd, block, sizeof(block)) == BLOCK ? 0 : -1);
}

static int
take_zombie(long i)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return (pid < 0 ? -1 : 0);
}

static void *
sleeper(void *arg)
{
	pause();
	return (NULL);
}

static int
take_thread(long i)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	errno = pthread_create(&t, &attr, sleeper, NULL);
	return (errno != 0 ? -1 : 0);
}

/* A wait for very many descriptors. */
static void *
poller(void *arg)
{
	static struct pollfd set[4000];

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		set[i].fd = -1;
	if (poll(set, sizeof(set) / sizeof(set[0]), -1) < 0)
		*(_Atomic(int) *)arg = errno;
	return (NULL);
}

static int
take_poll(long i)
{
	static _Atomic(int) error;
	pthread_t t;

	errno = pthread_create(&t, NULL, poller, &error);
	if (errno != 0)
		return (-1);
	usleep(2000);
	errno = error;
	return (errno != 0 ? -1 : 0);
}

static const struct {
	const char *name;
	int (*take)(long i);
} resources[] = {
    {"maps", take_map},
    {"tables", take_table},
    {"sparse", take_sparse},
    {"files", take_file},
    {"eventfds", take_eventfd},
    {"pipes", take_pipe},
    {"streams", take_stream},
    {"datagrams", take_datagram},
    {"loops", take_loop},
    {"texts", take_text},
    {"locks", take_lock},
    {"messages", take_message},
    {"timers", take_timer},
    {"signals", take_signal},
    {"names", take_name},
    {"data", take_data},
    {"zombies", take_zombie},
    {"threads", take_thread},
    {"polls", take_poll},
};

/* ---- ordinary work ---- */

#define STEP(cond)                                                  \
	do {                                                        \
		if (!(cond)) {                                      \
			printf("%s: %s\n", #cond, strerror(errno)); \
			exit(1);                                    \
		}                                                   \
	} while (0)

static void
work_files(void)
{
	char text[4096];
	int fd, p[2], s[2];

	for (int i = 0; i < 20; i++) {
		STEP((fd = open("/etc/passwd", O_RDONLY)) >= 0);
		STEP(read(fd, text, sizeof(text)) > 0);
		STEP(close(fd) == 0);
		STEP((fd = open("/proc/self/maps", O_RDONLY)) >= 0);
		STEP(read(fd, text, sizeof(text)) > 0);
		STEP(close(fd) == 0);
		STEP(pipe(p) == 0);
		STEP(write(p[1], "x", 1) == 1 && read(p[0], text, 1) == 1);
		STEP(close(p[0]) == 0 && close(p[1]) == 0);
		STEP(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
		STEP(send(s[0], "x", 1, 0) == 1 && read(s[1], text, 1) == 1);
		STEP(close(s[0]) == 0 && close(s[1]) == 0);
	}
}

static void
work_memory(void)
{
	char *p;

	for (int i = 0; i < 20; i++) {
		p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		STEP(p != MAP_FAILED);
		memset(p, i, BLOCK);
		STEP(mprotect(p, PAGE, PROT_READ) == 0);
		STEP(munmap(p, BLOCK) == 0);
	}
}

static void
work_processes(void)
{
	char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};
	pid_t pid;
	int status;

	for (int i = 0; i < 5; i++) {
		STEP((pid = fork()) >= 0);
		if (pid == 0) {
			execve("/bin/true", argv, envp);
			_exit(99);
		}
		STEP(waitpid(pid, &status, 0) == pid);
		errno = 0;
		STEP(status == 0);
	}
}

/* In a process of its own, which holds nothing yet. */
static void
work(const char *when)
{
	int status;
	pid_t pid;

	printf("%s: ", when);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		work_files();
		work_memory();
		work_processes();
		printf("ok\n");
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		printf("fork: %s\n", strerror(errno));
	else if (WIFSIGNALED(status))
		printf("signal %d\n", WTERMSIG(status));
	fflush(stdout);
}

/* ---- */

/* Take up to n pieces, tell the parent, and keep them. */
static void
greedy(int (*take)(long), long n, int fd)
{
	struct rlimit r = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	char line[100];
	long i = 0;
	int len;

	(void)setrlimit(RLIMIT_NOFILE, &r);
	errno = 0;
	while (i < n && take(i) == 0)
		i++;
	len = snprintf(line, sizeof(line), "got %ld: %s\n", i,
	    i == n ? "all" : strerror(errno));
	if (write(fd, line, (size_t)len) != len)
		_exit(1);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	char line[101] = "";
	int fd[2], status;
	size_t k = 0;
	pid_t pid;

	while (n > 0 && k < sizeof(resources) / sizeof(resources[0]) &&
	       strcmp(argv[1], resources[k].name) != 0)
		k++;
	if (n <= 0 || k == sizeof(resources) / sizeof(resources[0])) {
		fprintf(stderr, "usage: hog RESOURCE N\n");
		return (2);
	}
	if (pipe(fd) != 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		greedy(resources[k].take, n, fd[1]);
	close(fd[1]);
	if (read(fd[0], line, sizeof(line) - 1) <= 0)
		strcpy(line, "killed\n");
	fputs(line, stdout);
	work("beside");
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	work("after");
	return (0);
}
