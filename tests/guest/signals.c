/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: masks and pending sets, sigsuspend and sigtimedwait, SA_RESTART and
 * EINTR, the other SA_ flags, queueing, stop and continue, timers.
 */
#include "guest.h"

#include <sys/time.h>

static volatile int count, last_sig, last_code, last_value;
static volatile pid_t last_pid;
static volatile char order[64];

static void
on_sig(int sig, siginfo_t *si, void *uc)
{
	last_sig = sig;
	last_code = si->si_code;
	last_pid = si->si_pid;
	last_value = si->si_value.sival_int;
	if (count < (int)sizeof(order) - 1)
		order[count] = (char)sig;
	count++;
}

static void
set_of(sigset_t *set, int sig)
{
	sigemptyset(set);
	if (sig != 0)
		sigaddset(set, sig);
}

static void
masks(void)
{
	sigset_t set, old, pend;

	set_handler(SIGUSR1, on_sig, 0);
	set_of(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(!sigismember(&old, SIGUSR1));
	CHECK(kill(getpid(), SIGUSR1) == 0 && raise(SIGUSR1) == 0);
	CHECK(count == 0);
	CHECK(sigpending(&pend) == 0 && sigismember(&pend, SIGUSR1) &&
	      !sigismember(&pend, SIGUSR2));
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	/* One for the process and one for the thread. */
	CHECK(count >= 1 && count <= 2);
	CHECK(sigpending(&pend) == 0 && !sigismember(&pend, SIGUSR1));
	CHECK(last_pid == getpid());
	CHECK_ERRNO(kill(getpid(), 65), EINVAL);
	CHECK_ERRNO(kill(getpid(), -1), EINVAL);
	CHECK_ERRNO(kill(999999, 0), ESRCH);
	CHECK_ERRNO(sigaction(SIGKILL, &(struct sigaction){0}, NULL), EINVAL);
	CHECK_ERRNO(sigprocmask(99, &set, NULL), EINVAL);
	sigfillset(&set);
	CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &old, &set) == 0);
	CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP));
	/* A pending signal is discarded when it becomes ignored. */
	set_of(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0);
	set_disposition(SIGUSR1, SIG_IGN);
	CHECK(sigpending(&pend) == 0 && !sigismember(&pend, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	say("masks");
}

static void
child_blocked(void *arg)
{
	sigset_t pend, mask;

	CHECK(sigpending(&pend) == 0 && !sigismember(&pend, SIGUSR1));
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 &&
	      sigismember(&mask, SIGUSR1));
}

static void
waiting(void)
{
	struct timespec ts = {0, 1000000};
	sigset_t set, none;
	siginfo_t si;
	pid_t pid;

	set_handler(SIGUSR1, on_sig, 0);
	set_of(&none, 0);
	set_of(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	count = 0;
	CHECK(raise(SIGUSR1) == 0);
	/* The mask is inherited, the pending set is not. */
	in_child(child_blocked, NULL);
	CHECK_ERRNO(sigsuspend(&none), EINTR);
	CHECK(count == 1);
	CHECK_ERRNO(sigtimedwait(&set, &si, &ts), EAGAIN);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(sigtimedwait(&set, &si, &ts) == SIGUSR1);
	CHECK(si.si_signo == SIGUSR1 && si.si_code == SI_USER &&
	      si.si_pid == getpid() && count == 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(20);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(sigwaitinfo(&set, &si) == SIGUSR1 && si.si_pid == pid);
	wait_ok(pid);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 && count == 1);
	say("sigsuspend, sigtimedwait");
}

/* A signal interrupts a process that waits for data; then data arrives. */
static ssize_t
interrupted_read(int flags, int *error)
{
	int p[2];
	ssize_t n;
	pid_t pid, reader = getpid();
	char c;

	count = 0;
	set_handler(SIGUSR1, on_sig, flags);
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(30);
		kill(reader, SIGUSR1);
		sleep_ms(30);
		CHECK(write(p[1], "d", 1) == 1 || errno == EPIPE);
		_exit(0);
	}
	errno = 0;
	n = read(p[0], &c, 1);
	*error = errno;
	CHECK(count == 1);
	wait_ok(pid);
	close(p[0]);
	close(p[1]);
	return (n);
}

static void
restart(void)
{
	struct timespec ts = {5, 0}, left;
	int error;
	pid_t pid;

	CHECK(interrupted_read(SA_RESTART, &error) == 1);
	CHECK(interrupted_read(0, &error) == -1 && error == EINTR);
	/* nanosleep is not restarted, but reports the time that is left. */
	set_handler(SIGUSR1, on_sig, SA_RESTART);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(20);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK_ERRNO(nanosleep(&ts, &left), EINTR);
	CHECK(left.tv_sec >= 3 && left.tv_sec < 5);
	wait_ok(pid);
	say("SA_RESTART and EINTR");
}

static volatile int depth, max_depth;

static void
on_deep(int sig, siginfo_t *si, void *uc)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (count++ < 3)
		raise(sig);
	depth--;
}

static void
flags(void)
{
	struct sigaction sa;

	set_handler(SIGUSR2, on_sig, SA_RESETHAND);
	count = 0;
	CHECK(raise(SIGUSR2) == 0 && count == 1);
	CHECK(sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	count = max_depth = 0;
	set_handler(SIGUSR2, on_deep, 0);
	CHECK(raise(SIGUSR2) == 0 && count == 4 && max_depth == 1);
	count = max_depth = 0;
	set_handler(SIGUSR2, on_deep, SA_NODEFER);
	CHECK(raise(SIGUSR2) == 0 && count == 4 && max_depth == 4);
	/* sa_mask blocks others while the handler runs. */
	say("SA_RESETHAND, SA_NODEFER");
}

static void
queueing(void)
{
	sigset_t set, old;
	union sigval v;

	sigemptyset(&set);
	for (int i = 0; i < 4; i++) {
		sigaddset(&set, SIGRTMIN + i);
		set_handler(SIGRTMIN + i, on_sig, 0);
	}
	sigaddset(&set, SIGUSR1);
	set_handler(SIGUSR1, on_sig, 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 5; i++) {
		v.sival_int = 100 + i;
		CHECK(sigqueue(getpid(), SIGRTMIN + 2, v) == 0);
	}
	v.sival_int = 7;
	CHECK(sigqueue(getpid(), SIGRTMIN, v) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
	for (int i = 0; i < 5; i++) {
		siginfo_t si;
		sigset_t two;

		set_of(&two, SIGRTMIN + 2);
		CHECK(sigwaitinfo(&two, &si) == SIGRTMIN + 2);
		CHECK(
		    si.si_value.sival_int == 100 + i && si.si_code == SI_QUEUE);
	}
	for (int i = 3; i > 0; i--)
		CHECK(sigqueue(getpid(), SIGRTMIN + i, v) == 0);
	count = 0;
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(count == 5); /* SIGUSR1 once, SIGRTMIN 0 to 3 */
	/* The frames are pushed lowest signal first, so the last one runs
	 * first. */
	for (int i = 0; i < 4; i++)
		CHECK(order[i] == SIGRTMIN + 3 - i);
	CHECK(order[4] == SIGUSR1);
	say("queueing: %d delivered", count);
}

static void
stops(void)
{
	int status, ready[2];
	siginfo_t si;
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	CHECK(kill(pid, SIGUSR1) == 0);
	/* The process is stopped: the signal is pending. */
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	memset(&si, 0, sizeof(si));
	CHECK(waitid(P_PID, (id_t)pid, &si, WCONTINUED) == 0);
	CHECK(si.si_code == CLD_CONTINUED && si.si_status == SIGCONT);
	CHECK(kill(pid, SIGSTOP) == 0);
	memset(&si, 0, sizeof(si));
	CHECK(waitid(P_PID, (id_t)pid, &si, WSTOPPED) == 0);
	CHECK(si.si_code == CLD_STOPPED && si.si_status == SIGSTOP);
	CHECK(kill(pid, SIGKILL) == 0); /* kills a stopped process */
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(ready[0]);
	close(ready[1]);
	say("stop and continue");
}

static void
timers(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, cur;

	set_handler(SIGALRM, on_sig, 0);
	count = 0;
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	while (count < 3)
		pause();
	memset(&it, 0, sizeof(it));
	CHECK(setitimer(ITIMER_REAL, &it, &cur) == 0);
	CHECK(cur.it_interval.tv_usec == 5000);
	CHECK(getitimer(ITIMER_REAL, &cur) == 0 && cur.it_value.tv_sec == 0 &&
	      cur.it_value.tv_usec == 0);
	CHECK(alarm(100) == 0 && alarm(0) >= 99);
	CHECK(alarm(1) == 0);
	count = 0;
	pause();
	CHECK(count == 1 && last_sig == SIGALRM);
	say("timers");
}

static void
group_child(int ready)
{
	set_disposition(SIGUSR1, _exit);
	CHECK(write(ready, "r", 1) == 1);
	for (;;)
		pause();
}

static void
group(void)
{
	int ready[2], status;
	pid_t pid[3];
	char c;

	CHECK(pipe(ready) == 0);
	pid[0] = fork();
	CHECK(pid[0] >= 0);
	if (pid[0] == 0) {
		/* A process group: a leader, its children, and one signal
		 * for all. */
		CHECK(setpgid(0, 0) == 0);
		for (int i = 1; i < 3; i++) {
			pid[i] = fork();
			CHECK(pid[i] >= 0);
			if (pid[i] == 0)
				group_child(ready[1]);
		}
		for (int i = 1; i < 3; i++)
			CHECK(read(ready[0], &c, 1) == 1);
		set_disposition(SIGUSR1, SIG_IGN);
		CHECK(kill(0, SIGUSR1) == 0);
		for (int i = 1; i < 3; i++) {
			status = wait_status(pid[i]);
			CHECK(WEXITSTATUS(status) == SIGUSR1);
		}
		_exit(0);
	}
	wait_ok(pid[0]);
	close(ready[0]);
	close(ready[1]);
	say("a signal to a group");
}

static void
interrupts_spinning(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0)
		for (volatile unsigned i = 0;; i++)
			continue;
	sleep_ms(20);
	CHECK(kill(pid, SIGTERM) == 0);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	say("a spinning process is killed");
}

int
main(void)
{
	masks();
	waiting();
	restart();
	flags();
	queueing();
	stops();
	timers();
	group();
	interrupts_spinning();
	return (0);
}
