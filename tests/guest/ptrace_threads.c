/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ptrace(2) of processes and threads that are not the caller's children, and of
 * those that they make: PTRACE_ATTACH, PTRACE_SEIZE, events, stops of the whole
 * process, and the ends of tracers and tracees.
 */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "tracing.h"

/* The value of a line of /proc/PID/status. */
static void
status_line(pid_t pid, const char *key, char *val, size_t size)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	CHECK(f != NULL);
	val[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			snprintf(val, size, "%s", line + strlen(key) + 2);
	fclose(f);
}

static int go[2];

/* A child that waits for a byte, and then does fn. */
static pid_t
start(int (*fn)(void))
{
	pid_t pid;
	char c;

	CHECK(pipe(go) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &c, 1) == 1);
		_exit(fn());
	}
	usleep(50000);
	return (pid);
}

static void
let_go(void)
{
	CHECK(write(go[1], "x", 1) == 1);
	close(go[0]);
	close(go[1]);
}

static int
child_ok(void)
{
	return (21);
}

static void
test_attach(void)
{
	pid_t pid = start(child_ok);
	char val[64];

	CHECK(pt(PTRACE_ATTACH, pid, 0, 0) == 0);
	CHECK(pt(PTRACE_ATTACH, pid, 0, 0) == -1 && errno == EPERM);
	say_status("attached", wait_for(pid));
	status_line(pid, "State", val, sizeof(val));
	CHECK(strcmp(val, "t (tracing stop)\n") == 0);
	status_line(pid, "TracerPid", val, sizeof(val));
	CHECK(atoi(val) == getpid());
	CHECK(pt(PTRACE_INTERRUPT, pid, 0, 0) == -1 && errno == EIO);
	CHECK(pt(PTRACE_LISTEN, pid, 0, 0) == -1 && errno == EIO);
	CHECK(pt(PTRACE_DETACH, pid, 0, 0) == 0);
	status_line(pid, "TracerPid", val, sizeof(val));
	CHECK(atoi(val) == 0);
	let_go();
	say_status("after detach", wait_for(pid));
}

static void
test_seize(void)
{
	pid_t pid = start(child_ok);
	siginfo_t si;
	int st;

	CHECK(pt(PTRACE_SEIZE, pid, 1, 0) == -1 && errno == EIO);
	CHECK(pt(PTRACE_SEIZE, pid, 0, 0x80000000) == -1 && errno == EIO);
	CHECK(pt(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	CHECK(waitpid(pid, &st, WNOHANG | __WALL) == 0);
	CHECK(pt(PTRACE_INTERRUPT, pid, 0, 0) == 0);
	say_status("interrupted", wait_for(pid));
	CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
	say("siginfo: signal %d, code %#x", si.si_signo, (unsigned)si.si_code);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	/* A stop of the process, which the tracer leaves in effect. */
	CHECK(kill(pid, SIGSTOP) == 0);
	say_status("signal", wait_for(pid));
	CHECK(pt(PTRACE_CONT, pid, 0, SIGSTOP) == 0);
	say_status("group stop", wait_for(pid));
	CHECK(pt(PTRACE_LISTEN, pid, 0, 0) == 0);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(waitpid(pid, &st, WNOHANG | __WALL) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	say_status("continued", wait_for(pid));
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	say_status("its signal", wait_for(pid));
	CHECK(pt(PTRACE_CONT, pid, 0, SIGCONT) == 0);
	/* One that it runs on in. */
	CHECK(kill(pid, SIGTSTP) == 0);
	say_status("signal", wait_for(pid));
	CHECK(pt(PTRACE_CONT, pid, 0, SIGSTOP) == 0);
	say_status("group stop", wait_for(pid));
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	let_go();
	say_status("end", wait_for(pid));
}

/* A stopped process that is attached stops for its tracer, too. */
static void
test_attach_stopped(void)
{
	pid_t pid = start(child_ok);

	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
	CHECK(pt(PTRACE_ATTACH, pid, 0, 0) == 0);
	say_status("attached while stopped", wait_for(pid));
	CHECK(pt(PTRACE_DETACH, pid, 0, SIGCONT) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	let_go();
	say_status("end", wait_for(pid));
}

/* ---- events ---- */

static void *
thread_exits(void *arg)
{
	return (arg);
}

static int
child_makes(void)
{
	pthread_t t;
	pid_t pid = fork();
	int st;

	if (pid == 0)
		_exit(5);
	CHECK(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 5);
	CHECK(pthread_create(&t, NULL, thread_exits, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	pid = vfork();
	if (pid == 0)
		_exit(6);
	CHECK(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 6);
	return (22);
}

#define OPTIONS                                                           \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	    PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC)

/* Follow all that `pid` makes until it has ended; count the events. */
static void
follow(pid_t pid, bool seized)
{
	int st, events[129] = {0}, ends = 0, firsts = 0;
	uint64_t msg;
	bool known[8] = {false};
	pid_t t, made[8] = {pid};
	int nmade = 1;

	known[0] = true;
	for (;;) {
		int ev, i;

		t = waitpid(-1, &st, __WALL);
		CHECK(t > 0);
		if (!WIFSTOPPED(st)) {
			ends++;
			if (t == pid)
				break;
			continue;
		}
		for (i = 0; i < nmade && made[i] != t; i++)
			continue;
		CHECK(i < 8);
		if (i == nmade)
			made[nmade++] = t;
		ev = st >> 16;
		CHECK(ev <= 128);
		if (!known[i]) {
			known[i] = true;
			firsts++;
			CHECK(ev == (seized ? 128 : 0));
			CHECK(WSTOPSIG(st) == (seized ? SIGTRAP : SIGSTOP));
		} else {
			events[ev]++;
			CHECK(ev != 0 || WSTOPSIG(st) == SIGCHLD);
			CHECK(ev == 0 || WSTOPSIG(st) == SIGTRAP);
			CHECK(
			    pt(PTRACE_GETEVENTMSG, t, 0, (uint64_t)&msg) == 0);
			if (ev == 6 && t == pid)
				CHECK(msg == 22 << 8);
		}
		CHECK(pt(PTRACE_CONT, t, 0, 0) == 0);
	}
	say_status("followed", st);
	say("fork %d, vfork %d, clone %d, done %d, exit %d, new %d, ends %d",
	    events[1], events[2], events[3], events[5], events[6], firsts,
	    ends);
}

static void
test_events(void)
{
	pid_t pid = start(child_makes);

	CHECK(pt(PTRACE_SEIZE, pid, 0, OPTIONS) == 0);
	let_go();
	follow(pid, true);
	pid = start(child_makes);
	CHECK(pt(PTRACE_ATTACH, pid, 0, 0) == 0);
	say_status("attached", wait_for(pid));
	CHECK(pt(PTRACE_SETOPTIONS, pid, 0, OPTIONS) == 0);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	let_go();
	follow(pid, false);
}

/* ---- threads ---- */

static void *
thread_execs(void *arg)
{
	char *argv[] = {"ptrace_threads", "exit7", NULL};

	execv("/proc/self/exe", argv);
	_exit(1);
}

static int
child_thread_execs(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread_execs, NULL) == 0);
	pthread_join(t, NULL);
	return (1);
}

/* exec by a thread: it takes the number of the process. */
static void
test_exec(void)
{
	pid_t pid = start(child_thread_execs), tid;
	uint64_t msg;
	int st;

	CHECK(pt(PTRACE_SEIZE, pid, 0,
		  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) == 0);
	let_go();
	say_status("clone", wait_for(pid));
	CHECK(pt(PTRACE_GETEVENTMSG, pid, 0, (uint64_t)&msg) == 0);
	tid = (pid_t)msg;
	say_status("thread", wait_for(tid));
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(pt(PTRACE_CONT, tid, 0, 0) == 0);
	st = wait_for(pid);
	say_status("exec", st);
	CHECK(pt(PTRACE_GETEVENTMSG, pid, 0, (uint64_t)&msg) == 0);
	CHECK((pid_t)msg == tid);
	CHECK(pt(PTRACE_CONT, tid, 0, 0) == -1 && errno == ESRCH);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	say_status("end", wait_for(pid));
	CHECK(waitpid(-1, &st, __WALL) == -1 && errno == ECHILD);
}

/* As LeakSanitizer: a process that shares the memory and is no thread attaches
 * to the threads of its parent. */
static pthread_barrier_t barrier;
static _Atomic(int) seen, stop_all;
static pid_t tids[3];

static void *
thread_counts(void *arg)
{
	tids[(long)arg] = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	while (!stop_all)
		usleep(1000);
	return (NULL);
}

static int
tracer_main(void *arg)
{
	struct user_regs_struct regs;

	for (int i = 0; i < 3; i++) {
		if (pt(PTRACE_ATTACH, tids[i], 0, 0) != 0)
			return (1);
		if (wait_for(tids[i]) >> 8 != SIGSTOP)
			return (2);
	}
	for (int i = 0; i < 3; i++) {
		if (pt(PTRACE_GETREGS, tids[i], 0, (uint64_t)&regs) == 0 &&
		    regs.rsp != 0)
			seen++;
		if (pt(PTRACE_DETACH, tids[i], 0, 0) != 0)
			return (3);
	}
	return (0);
}

static void
test_shared(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pthread_t t[2];
	pid_t pid;
	int st;

	tids[0] = getpid();
	CHECK(pthread_barrier_init(&barrier, NULL, 3) == 0);
	for (long i = 0; i < 2; i++)
		CHECK(pthread_create(
			  &t[i], NULL, thread_counts, (void *)(i + 1)) == 0);
	pthread_barrier_wait(&barrier);
	(void)prctl(0x59616d61 /* PR_SET_PTRACER */, -1L);
	pid = clone(tracer_main, stack + sizeof(stack),
	    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, NULL);
	CHECK(pid > 0);
	do
		st = waitpid(pid, &st, __WALL) == pid ? st : -1;
	while (st == -1 && errno == EINTR);
	stop_all = 1;
	CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0);
	say("shared memory: status %#x, %d threads seen", (unsigned)st, seen);
}

/* ---- ends ---- */

static void
test_tracer_ends(void)
{
	pid_t pid, tracer;

	for (int kill_it = 0; kill_it < 2; kill_it++) {
		pid = start(child_ok);
		tracer = fork();
		CHECK(tracer >= 0);
		if (tracer == 0) {
			CHECK(pt(PTRACE_SEIZE, pid, 0,
				  kill_it ? PTRACE_O_EXITKILL : 0) == 0);
			CHECK(pt(PTRACE_INTERRUPT, pid, 0, 0) == 0);
			CHECK(WIFSTOPPED(wait_for(pid)));
			_exit(0);
		}
		CHECK(waitpid(tracer, NULL, 0) == tracer);
		if (kill_it) {
			say_status("EXITKILL", wait_for(pid));
			close(go[0]);
			close(go[1]);
		} else {
			let_go();
			say_status("tracer ended", wait_for(pid));
		}
	}
}

/* A zombie belongs to its tracer until that has waited for it. */
static void
test_zombie(void)
{
	pid_t pid = start(child_ok), tracer;
	int in[2], out[2], st;
	char c;

	CHECK(pipe(in) == 0 && pipe(out) == 0);
	tracer = fork();
	CHECK(tracer >= 0);
	if (tracer == 0) {
		CHECK(pt(PTRACE_SEIZE, pid, 0, 0) == 0);
		CHECK(write(out[1], "s", 1) == 1);
		CHECK(read(in[0], &c, 1) == 1);
		st = wait_for(pid);
		CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 21);
		CHECK(waitpid(pid, &st, __WALL) == -1 && errno == ECHILD);
		_exit(0);
	}
	CHECK(read(out[0], &c, 1) == 1);
	let_go();
	usleep(100000);
	CHECK(waitpid(pid, &st, WNOHANG) == 0);
	CHECK(write(in[1], "g", 1) == 1);
	CHECK(waitpid(tracer, &st, 0) == tracer && st == 0);
	say_status("parent", wait_for(pid));
}

/* SIGKILL ends a stop of PTRACE_EVENT_EXIT, inside; Linux ignores it there. */
static void
test_exit_stop(void)
{
	pid_t pid = start(child_ok);

	CHECK(pt(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXIT) == 0);
	let_go();
	say_status("exit stop", wait_for(pid));
	if (inside())
		CHECK(kill(pid, SIGKILL) == 0);
	else
		CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	say_status("end", wait_for(pid));
}

static void *
thread_pauses(void *arg)
{
	while (pause() == -1)
		continue;
	return (arg);
}

static int
child_execs_beside_thread(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread_pauses, NULL) == 0);
	thread_execs(NULL);
	return (1);
}

/* SIGKILL ends the stop of a thread that ends because another one executes a
 * program, and waits for it. */
static void
test_exec_exit_stop(void)
{
	pid_t pid, tid;
	uint64_t msg;
	int st;

	if (!inside())
		return;
	pid = start(child_execs_beside_thread);
	CHECK(pt(PTRACE_SEIZE, pid, 0,
		  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT) == 0);
	let_go();
	CHECK(wait_for(pid) >> 16 == 3);
	CHECK(pt(PTRACE_GETEVENTMSG, pid, 0, (uint64_t)&msg) == 0);
	tid = (pid_t)msg;
	CHECK(wait_for(tid) >> 16 == 128);
	CHECK(pt(PTRACE_CONT, tid, 0, 0) == 0);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(wait_for(tid) >> 16 == 6);
	usleep(50000);
	CHECK(kill(pid, SIGKILL) == 0);
	do
		CHECK(waitpid(-1, &st, __WALL) > 0 && !WIFSTOPPED(st));
	while (waitpid(pid, &st, WNOHANG | __WALL) == 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return (7);
	test_attach();
	test_seize();
	test_attach_stopped();
	test_events();
	test_exec();
	test_shared();
	test_tracer_ends();
	test_zombie();
	test_exit_stop();
	test_exec_exit_stop();
	return (0);
}
