/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Forwarding of host signals to the guest.
 *
 * Purpose: the caller of the command uses it like the guest program itself, so
 * that the signals of a terminal or a supervisor must reach the guest.
 *
 * Concepts: the signals are blocked in every thread, and one thread receives
 * them by sigwait() and forwards them.  Signals of a terminal (INT, QUIT,
 * WINCH, TSTP) go to the guest's foreground process group, all others to the
 * program that was started.  If that program stops at a SIGTSTP, this process
 * stops as well, so that the caller's job control works.  SIGPIPE is ignored:
 * when the output is closed, the guest's write returns EPIPE.
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cmd/lib/cmd.h"
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

/* Signal the terminal's foreground group; if there is none, the program. */
static void
to_foreground(int sig)
{
	if (vkernel_kill(sigs.k, 0, sig) != 0)
		vkernel_kill(sigs.k, sigs.pid, sig);
}

/* Wait up to 100 ms for the program to stop.  False: it does not (for example a
 * shell, whose job received the signal). */
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
	/* No pthread_cancel(): it could cancel the thread while it writes a log
	 * line under a lock of the kernel. */
	atomic_store(&sigs.stopping, true);
	pthread_kill(sigs.thread, SIGALRM);
	pthread_join(sigs.thread, NULL);
	sigs.started = false;
}
