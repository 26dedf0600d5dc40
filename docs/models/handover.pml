/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The hand-over between a thread of the kernel process and its stub thread.
 *
 * Purpose: check exhaustively that neither side sleeps when it is its turn, that
 * no interrupt is lost, that a removed translation of the running thread is out
 * of use after the sync, and that all of this holds when the stub is killed at
 * any moment (src/machine/stub: cpu_stub.c, stub_handover.c, stub_machine.c,
 * pmap_stub.c, program/stub.c).  Several threads in one stub are modelled in
 * shootdown.pml.
 *
 * Processes of the model:
 *	kernel	  the lwp's thread in the kernel process: cpu_run() until `stop`
 *		  is set; may remove the translation itself
 *	stub	  its thread in the stub: user code makes a system call and then
 *		  computes for ever
 *	remover	  pageout, or another process: removes the translation, syncs,
 *		  frees the frame
 *	poster	  sends a signal to the process: `stop`, then cpu_interrupt()
 *	killer	  kills the stub, at any time or never
 *	keeper	  receives the host's report that the stub has ended
 *
 * `state` is the state word; its futex is modelled by one flag per sleeper.  The
 * host delivers a signal (sigpend) only in user code.  The queue q is empty or
 * contains the operation that removes the translation from the machine.  Waits
 * that time out in the code do not time out here: correctness must not need the
 * timeout.
 *
 * Properties:
 *	P1  user code never accesses a frame that was freed (assertion)
 *	P2  no wake-up and no interrupt is lost: every process ends, although
 *	    user code computes for ever (invalid end state)
 *	P3  counts are right at the end (assertion)
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   the stub reads kernel_waits before it stores CTX_EVENT
 *	2   cpu_run() reads intr before it sets in_user
 *	3   cpu_interrupt() reads in_user before it sets intr
 *	4   the keeper wakes for CTX_DEAD before it marks the stub as dead
 *	5   the stub sleeps without comparing the word
 *	6   a thread is counted as running in a critical section after the one
 *	    in which it has taken the queue
 *
 * Limits: guest code does not write to its context; no operation fails.
 */

#ifndef MUT
#define MUT 0
#endif

#define EVENT 1
#define CMD 2
#define USER 3
#define DEAD 4

#define SYSCALL 1
#define INTERRUPT 2

/* The context. */
byte state, event;
bool stub_waits, kernel_waits, nops;

/* The host: sleepers on state, signals, the stub's address space. */
bool kernel_sleeps, stub_sleeps, sigpend, killed;
bool mapped = true;

/* The kernel. */
bool intr, in_user, bound = true, running;
bool pmlock, waiter; /* pmap lock, a sleeper on sp->cond */
bool q;
byte qseq, applied;
bool dead, freed, stop, own;

inline lock() { atomic { !pmlock -> pmlock = true } }
inline unlock() { pmlock = false }
inline broadcast() { waiter = false }

/* Sleep if the word still has the expected value. */
inline futex_wait(sleeps, was)
{
	atomic {
		if
		:: state == was -> sleeps = true
		:: else
		fi
	};
	!sleeps
}

proctype stub()
{
	bool saw, called;

	{
		skip;
parked:
#if MUT == 1
		saw = kernel_waits;
		state = EVENT;
#else
		state = EVENT;
		saw = kernel_waits;
#endif
		if
		:: saw -> kernel_sleeps = false
		:: else
		fi;
		do
		:: state == CMD -> break
		:: state != CMD ->
			stub_waits = true;
			if
			:: state == EVENT ->
#if MUT == 5
				stub_sleeps = true;
				!stub_sleeps
#else
				futex_wait(stub_sleeps, EVENT)
#endif
			:: else
			fi;
			stub_waits = false
		od;
		if
		:: atomic { nops -> nops = false; mapped = false }
		:: !nops
		fi;
		state = USER;
user:
		if
		:: atomic { sigpend -> sigpend = false; event = INTERRUPT };
		   goto parked
		:: atomic { !called -> called = true; event = SYSCALL };
		   goto parked
		:: atomic { mapped && freed -> assert(!freed) /* P1 */ }
		fi
	} unless { killed }
}

inline wait_event(s)
{
	kernel_waits = true;
	do
	:: dead -> break
	:: !dead ->
		s = state;
		if
		:: s == EVENT || s == DEAD -> break
		:: else -> futex_wait(kernel_sleeps, s)
		fi
	od;
	kernel_waits = false
}

/* From any thread. */
inline interrupt(saw)
{
#if MUT == 3
	saw = in_user;
	intr = true;
#else
	intr = true;
	saw = in_user;
#endif
	if
	:: saw ->
		/* Read in_user again under intr_lock. */
		atomic {
			if
			:: in_user && !killed -> sigpend = true
			:: else
			fi
		}
	:: else
	fi
}

inline remove_translation()
{
	atomic {
		lock();
		if
		:: bound -> q = true; qseq++
		:: else
		fi;
		unlock()
	}
}

/* Take the queue and count the thread in one critical section. */
inline enter_user()
{
#if MUT == 6
	atomic { lock(); nops = q; q = false; unlock() };
	atomic { lock(); applied = qseq; running = true; broadcast(); unlock() }
#else
	atomic {
		lock();
		nops = q;
		q = false;
		applied = qseq;
		running = true;
		broadcast();
		unlock()
	}
#endif
}

inline leave_user()
{
	atomic { lock(); running = false; broadcast(); unlock() }
}

/* Interrupt the running thread until it has left user code or has taken the
 * queue. */
inline sync(target, saw)
{
	lock();
	target = qseq;
	do
	:: !bound || !running || applied >= target -> break
	:: else ->
		if
		:: in_user -> interrupt(saw)
		:: else
		fi;
		atomic { waiter = true; unlock() };
		!waiter;
		lock()
	od;
	unlock()
}

proctype kernel()
{
	byte s;
	bool told, bad;

	wait_event(s); /* the context parks for the first time */
	do
	:: dead -> break
	:: else ->
#if MUT == 2
		atomic { told = intr; intr = false };
		in_user = true;
#else
		in_user = true;
		atomic { told = intr; intr = false };
#endif
		if
		:: told -> in_user = false
		:: else ->
			enter_user();
			state = CMD;
			if
			:: stub_waits -> stub_sleeps = false
			:: else
			fi;
			wait_event(s);
			bad = dead;
			bad = bad || state != EVENT;
			in_user = false;
			leave_user();
			if
			:: bad -> break
			:: !bad && event == INTERRUPT -> intr = false
			:: !bad && event == SYSCALL && own ->
				/* munmap: no thread in user code, no wait */
				remove_translation();
				freed = true
			:: !bad && event == SYSCALL && !own
			fi
		fi;
		if
		:: stop -> break
		:: else
		fi
	od;
	/* Unbind: the last thread kills the stub and waits for its end. */
	atomic {
		lock();
		bound = false;
		q = false;
		applied = qseq;
		killed = true;
		broadcast();
		unlock()
	}
}

proctype remover()
{
	byte target;
	bool saw;

	remove_translation();
	sync(target, saw);
	freed = true
}

proctype poster()
{
	bool saw;

	stop = true;
	interrupt(saw)
}

proctype keeper()
{
	killed;
	/* None of its threads runs any more. */
#if MUT == 4
	state = DEAD;
	kernel_sleeps = false;
	dead = true
#else
	dead = true;
	state = DEAD;
	kernel_sleeps = false
#endif
}

proctype killer() { killed = true }

init {
	atomic {
		if
		:: own = true
		:: run remover()
		fi;
		if
		:: run killer()
		:: true
		fi;
		run stub();
		run kernel();
		run poster();
		run keeper()
	};
	_nr_pr == 1;
	/* P3 */
	assert(!bound && !running && !pmlock && !waiter && killed && dead)
}
