/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * POSIX message queues, by the system calls themselves (names have no slash).
 */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#ifndef SI_MESGQ
#define SI_MESGQ (-3)
#endif
#define NAME "vmspace-guest"
#define USER 1234

struct attr {
	long flags, maxmsg, msgsize, curmsgs, reserved[4];
};

static const struct timespec past = {1, 0};

static int
mq_open_(const char *name, int flags, mode_t mode, const struct attr *a)
{
	return ((int)syscall(SYS_mq_open, name, flags, mode, a));
}

static int
make(long maxmsg, long msgsize, int flags)
{
	struct attr a = {.maxmsg = maxmsg, .msgsize = msgsize};
	int q = mq_open_(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0644, &a);

	CHECK(q >= 0);
	return (q);
}

static void
drop(int q)
{
	CHECK(syscall(SYS_mq_unlink, NAME) == 0);
	CHECK(close(q) == 0);
}

static long
put(int q, const void *p, size_t n, unsigned prio, const struct timespec *t)
{
	return (syscall(SYS_mq_timedsend, q, p, n, prio, t));
}

static long
get(int q, void *p, size_t n, unsigned *prio, const struct timespec *t)
{
	return (syscall(SYS_mq_timedreceive, q, p, n, prio, t));
}

static void
names(void)
{
	struct attr a = {.maxmsg = 3, .msgsize = 16, .flags = 77};
	struct rlimit rl, none;
	char name[300];
	int q, again;

	CHECK_ERRNO(syscall(SYS_mq_unlink, NAME), ENOENT);
	CHECK_ERRNO(mq_open_(NAME, O_RDWR, 0, NULL), ENOENT);
	CHECK_ERRNO(mq_open_("", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	CHECK_ERRNO(mq_open_(".", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERRNO(mq_open_("a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERRNO(mq_open_(BAD, O_RDWR | O_CREAT, 0600, NULL), EFAULT);
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, BAD), EFAULT);
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	CHECK_ERRNO(mq_open_(name, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	CHECK_ERRNO(syscall(SYS_mq_unlink, name), ENAMETOOLONG);
	name[255] = '\0';
	q = mq_open_(name, O_RDWR | O_CREAT, 0600, NULL);
	CHECK(q >= 0);
	close(q);
	CHECK(syscall(SYS_mq_unlink, name) == 0);
	CHECK_ERRNO(syscall(SYS_mq_unlink, ".."), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_unlink, ""), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_unlink, BAD), EFAULT);

	a.maxmsg = 0;
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EINVAL);
	a.maxmsg = 65537;
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EINVAL);
	a.maxmsg = 3;
	a.msgsize = (16 << 20) + 1;
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EINVAL);
	a.msgsize = -1;
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EINVAL);
	a.msgsize = 16;
	CHECK(getrlimit(RLIMIT_MSGQUEUE, &rl) == 0);
	none = (struct rlimit){300, rl.rlim_max}; /* 3 * (16 + 48 + 48) = 336 */
	CHECK(setrlimit(RLIMIT_MSGQUEUE, &none) == 0);
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EMFILE);
	CHECK(setrlimit(RLIMIT_MSGQUEUE, &rl) == 0);

	/* No queue is made if there is no descriptor for it. */
	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	none = (struct rlimit){3, rl.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT, 0600, &a), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	CHECK_ERRNO(mq_open_(NAME, O_RDWR, 0, NULL), ENOENT);

	q = mq_open_(NAME, O_RDWR | O_CREAT | O_NONBLOCK, 0666, &a);
	CHECK(q >= 0);
	CHECK(fcntl(q, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(q, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK_ERRNO(mq_open_(NAME, O_RDWR | O_CREAT | O_EXCL, 0, NULL), EEXIST);
	CHECK_ERRNO(mq_open_(NAME, O_ACCMODE, 0, NULL), EINVAL);
	again = mq_open_(NAME, O_RDONLY | O_CREAT, 0, NULL);
	CHECK(again >= 0 && fcntl(again, F_GETFL) == O_RDONLY);
	CHECK_ERRNO(put(again, "x", 1, 0, NULL), EBADF);
	close(again);
	again = mq_open_(NAME, O_WRONLY, 0, NULL);
	CHECK_ERRNO(get(again, name, 16, NULL, NULL), EBADF);
	close(again);
	/* The queue goes on without its name. */
	CHECK(syscall(SYS_mq_unlink, NAME) == 0);
	CHECK(put(q, "still", 5, 0, NULL) == 0);
	CHECK(get(q, name, 16, NULL, NULL) == 5);
	again = make(1, 1, 0);
	CHECK_ERRNO(put(again, "xx", 2, 0, NULL), EMSGSIZE);
	drop(again);
	close(q);
	say("names");
}

static void
attributes(void)
{
	int q = make(3, 16, 0), p[2];
	struct attr a;
	struct stat st;

	memset(&a, 1, sizeof(a));
	CHECK(put(q, "abc", 3, 0, NULL) == 0);
	CHECK(syscall(SYS_mq_getsetattr, q, NULL, &a) == 0);
	CHECK(a.flags == 0 && a.maxmsg == 3 && a.msgsize == 16);
	CHECK(a.curmsgs == 1 && a.reserved[0] == 0 && a.reserved[3] == 0);
	a = (struct attr){.flags = O_NONBLOCK, .maxmsg = 99};
	CHECK(syscall(SYS_mq_getsetattr, q, &a, &a) == 0);
	CHECK(a.flags == 0 && a.maxmsg == 3);
	CHECK(fcntl(q, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK(syscall(SYS_mq_getsetattr, q, NULL, &a) == 0);
	CHECK(a.flags == O_NONBLOCK);
	a.flags = 1;
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, q, &a, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, q, BAD, NULL), EFAULT);
	a.flags = 0;
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, q, &a, BAD), EFAULT);
	CHECK(fcntl(q, F_GETFL) == O_RDWR); /* done nevertheless */
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, -1, NULL, &a), EBADF);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(syscall(SYS_mq_getsetattr, p[0], NULL, &a), EBADF);
	CHECK_ERRNO(put(p[1], "", 1, 0, NULL), EBADF);
	CHECK_ERRNO(get(p[0], &a, 16, NULL, NULL), EBADF);
	CHECK_ERRNO(syscall(SYS_mq_notify, p[0], NULL), EBADF);
	close(p[0]), close(p[1]);
	CHECK(fstat(q, &st) == 0 && st.st_mode == (S_IFREG | 0644));
	CHECK(st.st_size == 80 && st.st_nlink == 1 && st.st_uid == geteuid());
	CHECK(syscall(SYS_mq_unlink, NAME) == 0);
	CHECK(fstat(q, &st) == 0 && st.st_nlink == 0);
	close(q);
	say("attributes");
}

static void
messages(void)
{
	int q = make(4, 16, O_NONBLOCK);
	const struct timespec bad = {0, -1};
	char b[64], line[128];
	unsigned prio;

	CHECK_ERRNO(get(q, b, 15, NULL, NULL), EMSGSIZE);
	CHECK_ERRNO(get(q, b, 16, NULL, &bad), EINVAL);
	CHECK_ERRNO(get(q, b, 16, NULL, BAD), EFAULT);
	CHECK_ERRNO(get(q, b, 16, NULL, NULL), EAGAIN);
	CHECK_ERRNO(put(q, b, 17, 0, NULL), EMSGSIZE);
	CHECK_ERRNO(put(q, b, 1, 32768, NULL), EINVAL);
	CHECK_ERRNO(put(-1, b, 1, 32768, BAD), EFAULT);
	CHECK_ERRNO(put(-1, b, 1, 32768, NULL), EINVAL);
	CHECK_ERRNO(put(-1, b, 1, 0, NULL), EBADF);
	CHECK_ERRNO(put(q, BAD, 1, 0, NULL), EFAULT);
	CHECK(put(q, "low", 3, 0, NULL) == 0);
	CHECK(put(q, "high1", 5, 32767, NULL) == 0);
	CHECK(put(q, "", 0, 5, NULL) == 0);
	CHECK(put(q, "high2", 5, 32767, NULL) == 0);
	CHECK_ERRNO(put(q, "more", 4, 9, NULL), EAGAIN);
	/* The status line, by the offset of the file. */
	CHECK(read(q, line, sizeof(line)) == 60);
	CHECK(memcmp(line,
		  "QSIZE:13         NOTIFY:0     SIGNO:0     "
		  "NOTIFY_PID:0     \n",
		  60) == 0);
	CHECK(read(q, line, sizeof(line)) == 0);
	CHECK(lseek(q, 6, SEEK_SET) == 6 && read(q, line, 2) == 2);
	CHECK(memcmp(line, "13", 2) == 0);
	CHECK(pread(q, line, 5, 0) == 5 && memcmp(line, "QSIZE", 5) == 0);
	CHECK(lseek(q, 0, SEEK_END) == 80);
	CHECK_ERRNO(lseek(q, -81, SEEK_END), EINVAL);
	CHECK_ERRNO(write(q, "x", 1), EINVAL);
	CHECK_ERRNO(fsync(q), EINVAL);
	CHECK(get(q, b, 64, &prio, NULL) == 5 && prio == 32767);
	CHECK(memcmp(b, "high1", 5) == 0);
	CHECK(get(q, b, 16, &prio, &past) == 5 && memcmp(b, "high2", 5) == 0);
	CHECK(get(q, b, 16, &prio, NULL) == 0 && prio == 5);
	/* A message that cannot be copied is lost. */
	CHECK_ERRNO(get(q, BAD, 16, NULL, NULL), EFAULT);
	CHECK_ERRNO(get(q, b, 16, NULL, NULL), EAGAIN);
	CHECK(fcntl(q, F_SETFL, 0) == 0);
	CHECK_ERRNO(get(q, b, 16, NULL, &past), ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		CHECK(put(q, "x", 1, 0, NULL) == 0);
	CHECK_ERRNO(put(q, "x", 1, 0, &past), ETIMEDOUT);
	drop(q);
	say("messages");
}

static void
polls(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	struct pollfd p = {.events = POLLIN | POLLOUT};
	int q = make(2, 16, 0), ep = epoll_create1(0), st;
	char b[16];
	pid_t pid;

	p.fd = q;
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ev) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1 && ev.events == EPOLLOUT);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK(put(q, "a", 1, 0, NULL) == 0);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1);
	CHECK(ev.events == (EPOLLIN | EPOLLOUT));
	CHECK(put(q, "b", 1, 0, NULL) == 0);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1 && ev.events == EPOLLIN);
	CHECK(get(q, b, 16, NULL, NULL) == 1);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
	CHECK(get(q, b, 16, NULL, NULL) == 1);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	/* A poll that waits, by a descriptor that was inherited. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		p.events = POLLIN;
		CHECK(poll(&p, 1, 20000) == 1 && p.revents == POLLIN);
		CHECK(get(q, b, 16, NULL, NULL) == 5);
		_exit(memcmp(b, "child", 5) != 0);
	}
	usleep(30000);
	CHECK(put(q, "child", 5, 0, NULL) == 0);
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	close(ep);
	drop(q);
	say("polls");
}

static int shared;

static void *
receiver(void *arg)
{
	long n = (long)arg;
	unsigned prio;
	char b[16];

	for (long i = 0; i < n; i++)
		CHECK(get(shared, b, 16, &prio, NULL) == 8 && prio == 7);
	return (NULL);
}

static void *
sender(void *arg)
{
	long n = (long)arg;

	for (long i = 0; i < n; i++)
		CHECK(put(shared, "eight by", 8, 7, NULL) == 0);
	return (NULL);
}

static void
blocking(void)
{
	pthread_t t[6];
	struct attr a;

	shared = make(2, 16, 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_create(&t[i], NULL,
			  i % 2 != 0 ? sender : receiver, (void *)500) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(syscall(SYS_mq_getsetattr, shared, NULL, &a) == 0);
	CHECK(a.curmsgs == 0);
	/* A sender that waits; then a receiver that waits. */
	CHECK(put(shared, "eight by", 8, 7, NULL) == 0);
	CHECK(put(shared, "eight by", 8, 7, NULL) == 0);
	CHECK(pthread_create(&t[0], NULL, sender, (void *)1) == 0);
	usleep(30000);
	receiver((void *)3);
	CHECK(pthread_join(t[0], NULL) == 0);
	CHECK(pthread_create(&t[0], NULL, receiver, (void *)1) == 0);
	usleep(30000);
	sender((void *)1);
	CHECK(pthread_join(t[0], NULL) == 0);
	drop(shared);
	say("calls that wait");
}

static volatile sig_atomic_t told, alarms;
static siginfo_t seen;

static void
on_signal(int sig, siginfo_t *si, void *uc)
{
	if (sig == SIGALRM)
		alarms++;
	else {
		seen = *si;
		told++;
	}
}

static void
notifies(void)
{
	struct sigevent se = {.sigev_notify = 77};
	int q = make(4, 16, O_NONBLOCK), s[2], st;
	char cookie[32], b[64];
	pid_t pid;

	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EINVAL);
	CHECK_ERRNO(syscall(SYS_mq_notify, q, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_mq_notify, -1, NULL), EBADF);
	se.sigev_notify = SIGEV_SIGNAL;
	se.sigev_signo = 65;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EINVAL);
	se.sigev_signo = -1;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EINVAL);
	se.sigev_notify = SIGEV_THREAD;
	se.sigev_value.sival_ptr = BAD;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EFAULT);
	se.sigev_value.sival_ptr = cookie;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EBADF);
	se.sigev_signo = q;
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), ENOTSOCK);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	se.sigev_signo = s[0];
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EINVAL);
	close(s[0]), close(s[1]);

	se = (struct sigevent){.sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGUSR1,
	    .sigev_value.sival_ptr = (void *)0x123456789};
	CHECK(syscall(SYS_mq_notify, q, &se) == 0);
	CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EBUSY);
	CHECK(pread(q, b, 64, 0) == 60 && memcmp(b + 17, "NOTIFY:0", 8) == 0);
	CHECK(memcmp(b + 30, "SIGNO:10", 8) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_ERRNO(syscall(SYS_mq_notify, q, &se), EBUSY);
		CHECK(syscall(SYS_mq_notify, q, NULL) == 0); /* not its own */
		close(dup(q));
		CHECK(put(q, "a", 1, 0, NULL) == 0);
		_exit(0);
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	CHECK(told == 1 && seen.si_code == SI_MESGQ && seen.si_pid == pid);
	CHECK(seen.si_signo == SIGUSR1 && seen.si_uid == getuid());
	CHECK(seen.si_value.sival_ptr == (void *)0x123456789);
	/* Once, and only of a message in an empty queue. */
	CHECK(syscall(SYS_mq_notify, q, &se) == 0);
	CHECK(put(q, "b", 1, 0, NULL) == 0 && told == 1);
	while (get(q, b, 16, NULL, NULL) >= 0)
		continue;
	CHECK(put(q, "c", 1, 0, NULL) == 0 && told == 2);
	CHECK(get(q, b, 16, NULL, NULL) == 1);
	CHECK(put(q, "d", 1, 0, NULL) == 0 && told == 2);
	CHECK(get(q, b, 16, NULL, NULL) == 1);
	/* It ends by the close of any descriptor, or with the process. */
	CHECK(syscall(SYS_mq_notify, q, &se) == 0);
	close(dup(q));
	se.sigev_notify = SIGEV_NONE;
	CHECK(syscall(SYS_mq_notify, q, &se) == 0);
	CHECK(pread(q, b, 64, 0) == 60 && memcmp(b + 17, "NOTIFY:1", 8) == 0);
	CHECK(put(q, "e", 1, 0, NULL) == 0 && told == 2);
	CHECK(syscall(SYS_mq_notify, q, NULL) == 0);
	CHECK(syscall(SYS_mq_notify, q, NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(syscall(SYS_mq_notify, q, &se) != 0);
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	CHECK(syscall(SYS_mq_notify, q, &se) == 0);
	drop(q);
	say("notification");
}

static void
interrupts(void)
{
	struct itimerval it = {.it_value = {0, 50000}};
	struct sigaction sa = {.sa_sigaction = on_signal};
	int q = make(1, 16, 0);
	char b[16];

	sa.sa_flags = SA_SIGINFO;
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(get(q, b, 16, NULL, NULL), EINTR);
	CHECK(put(q, "x", 1, 0, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(put(q, "y", 1, 0, NULL), EINTR);
	CHECK(alarms == 2);
	CHECK(get(q, b, 16, NULL, NULL) == 1 && b[0] == 'x');
	/* Restarted, with the time at which it gives up. */
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	struct timespec t;

	CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
	t.tv_nsec += 200000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	CHECK_ERRNO(get(q, b, 16, NULL, &t), ETIMEDOUT);
	CHECK(alarms == 3);
	drop(q);
	say("interrupts");
}

/* Another user; only root can become one. */
static void
rights(void)
{
	struct attr a = {.maxmsg = 11, .msgsize = 16};
	char name[32];
	int q = make(3, 16, 0), n, st;
	pid_t pid;

	pid = geteuid() == 0 ? fork() : 0;
	CHECK(pid >= 0);
	if (pid == 0 && geteuid() == 0) {
		CHECK(setgid(USER) == 0 && setuid(USER) == 0);
		CHECK(mq_open_(NAME, O_RDONLY, 0, NULL) >= 0);
		CHECK_ERRNO(mq_open_(NAME, O_RDWR, 0, NULL), EACCES);
		CHECK_ERRNO(mq_open_(NAME, O_WRONLY, 0, NULL), EACCES);
		CHECK_ERRNO(syscall(SYS_mq_unlink, NAME), EPERM);
		CHECK_ERRNO(mq_open_("q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct attr){.maxmsg = 10, .msgsize = 8193};
		CHECK_ERRNO(mq_open_("q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		/* RLIMIT_MSGQUEUE: nine queues of the usual size. */
		for (n = 0; n < 20; n++) {
			snprintf(name, sizeof(name), NAME "%d", n);
			if (mq_open_(name, O_RDWR | O_CREAT, 0600, NULL) < 0)
				break;
		}
		CHECK(errno == EMFILE && n == 9);
		/* They count until they are closed, too. */
		while (n-- > 0) {
			snprintf(name, sizeof(name), NAME "%d", n);
			CHECK(syscall(SYS_mq_unlink, name) == 0);
		}
		CHECK_ERRNO(mq_open_("q", O_RDWR | O_CREAT, 0, NULL), EMFILE);
		_exit(0);
	}
	if (pid > 0)
		CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	drop(q);
	say("rights");
}

/* exec closes the descriptor, and the queue stays. */
static void
execs(char **argv)
{
	int q = make(3, 16, 0), st;
	char num[16], *again[] = {argv[0], num, NULL};
	pid_t pid;

	snprintf(num, sizeof(num), "%d", q);
	CHECK(put(q, "exec", 4, 3, NULL) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execv("/proc/self/exe", again);
		_exit(9);
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	drop(q);
	say("exec");
}

static int
again(const char *num)
{
	char b[16];
	int q;

	CHECK_ERRNO(fcntl(atoi(num), F_GETFD), EBADF);
	q = mq_open_(NAME, O_RDWR, 0, NULL);
	CHECK(q >= 0 && get(q, b, 16, NULL, NULL) == 4);
	return (0);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = {
	    .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	if (argc > 1)
		return (again(argv[1]));
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	(void)syscall(SYS_mq_unlink, NAME); /* of a run that was ended */
	names();
	attributes();
	messages();
	polls();
	blocking();
	notifies();
	interrupts();
	rights();
	execs(argv);
	return (0);
}
