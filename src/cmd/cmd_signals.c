/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Host signals for a guest.
 *
 * The command is to its caller what the guest program would be: a terminal's
 * or a supervisor's signals must reach the guest.  They are blocked in every
 * thread and taken by one thread with sigwait, which forwards them: from the
 * terminal (INT, QUIT, WINCH, TSTP) to the guest's foreground process group,
 * the others to the program that was started.  If that program stops at a
 * SIGTSTP this process stops too, so that the caller's job control works;
 * SIGCONT goes on to the guest.  SIGPIPE is ignored: a closed output is the
 * guest's EPIPE.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "vmspace/vkernel.h"

static struct {
	struct vkernel *k;
	int pid;
	pthread_t thread;
	sigset_t set;
	bool blocked, started;
	_Atomic(bool) stopping;
} sigs;

void
cmd_signals_block(void)
{
	static const int list[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP,
	    SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2, SIGALRM};

	sigemptyset(&sigs.set);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		sigaddset(&sigs.set, list[i]);
	pthread_sigmask(SIG_BLOCK, &sigs.set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigs.blocked = true;
}

/* To the terminal's foreground group; without one, to the program. */
static void
to_foreground(int sig)
{
	if (vkernel_kill(sigs.k, 0, sig) != 0)
		vkernel_kill(sigs.k, sigs.pid, sig);
}

/* Does the program we stand for stop now?  (Not if it is a shell, and the
 * signal was for one of its jobs.) */
static bool
guest_stops(void)
{
	for (int i = 0; i < 20; i++) {
		if (vkernel_stopped(sigs.k, sigs.pid))
			return (true);
		usleep(5000);
	}
	return (false);
}

static void *
signal_main(void *arg)
{
	int sig;

	for (;;) {
		if (sigwait(&sigs.set, &sig) != 0)
			continue;
		if (atomic_load(&sigs.stopping))
			return (NULL);
		switch (sig) {
		case SIGINT:
		case SIGQUIT:
		case SIGWINCH:
			to_foreground(sig);
			break;
		case SIGTSTP:
			to_foreground(sig);
			if (guest_stops()) {
				kill(getpid(), SIGSTOP);
				vkernel_kill(sigs.k, sigs.pid, SIGCONT);
			}
			break;
		default:
			vkernel_kill(sigs.k, sigs.pid, sig);
			break;
		}
	}
}

int
cmd_signals_start(struct vkernel *k, int pid)
{
	int error;

	sigs.k = k;
	sigs.pid = pid;
	atomic_store(&sigs.stopping, false);
	error = pthread_create(&sigs.thread, NULL, signal_main, NULL);
	sigs.started = error == 0;
	return (error);
}

void
cmd_signals_stop(void)
{
	if (!sigs.started)
		return;
	/* Not by cancellation: it could hit a log line written under a lock of
	 * the kernel. */
	atomic_store(&sigs.stopping, true);
	pthread_kill(sigs.thread, SIGALRM);
	pthread_join(sigs.thread, NULL);
	sigs.started = false;
}
