/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The hand-over between a thread of the kernel and its stub thread.
 *
 * Purpose: check exhaustively that neither side sleeps through its turn, that
 * an interrupt is never lost, that a third party which removes a translation
 * of the running thread gets it out of use, and that all of this holds with
 * the stub killed at any moment (src/machine/stub/cpu_stub.c, stub/stub.c,
 * stub_machine.c, src/machine/stub/pmap_stub.c).  Several threads that share a stub
 * are the matter of shootdown.pml.
 *
 * Who takes part:
 *	kernel	  the lwp's thread of the kernel process: cpu_run() until it
 *		  is told to stop; removes the translation itself, perhaps
 *	stub	  its thread in the stub: user code makes a system call and
 *		  then computes for ever
 *	remover	  pageout, or another process: removes the translation,
 *		  syncs, frees the frame
 *	poster	  sends the process a signal: `stop`, then cpu_interrupt()
 *	killer	  kills the stub, at any time or never
 *	keeper	  is told by the host that the stub has ended
 *
 * state is the word; the futex on it is the two flags of who sleeps.  The
 * host delivers a signal (sigpend) only in user code.  The queue q is empty or
 * has the one operation that takes the translation out of the machine.  Waits
 * of the code that time out do not time out here: they must not be needed.
 *
 * Properties:
 *	P1  user code never meets a frame that was freed (assertion)
 *	P2  no wake-up and no interrupt is lost: everybody comes to an end,
 *	    though user code computes for ever (invalid end state)
 *	P3  counts are right at the end (assertion)
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   the stub looks at kernel_waits before it stores CTX_EVENT
 *	2   cpu_run() looks at intr before it sets in_user
 *	3   cpu_interrupt() looks at in_user before it sets intr
 *	4   the keeper wakes for CTX_DEAD before it says that the stub is dead
 *	5   the stub sleeps without comparing the word
 *	6   a thread is counted as running after it has taken the queue, in a
 *	    critical section of its own
 *
 * Limits: guest code does not write to its context, no operation fails.
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

/* The host: who sleeps on state, signals, the stub's address space. */
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

/* Sleep if the word still is what it was. */
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
		/* Under intr_lock in_user is looked at again. */
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

/* Take the queue, be counted: one critical section. */
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

/* Interrupt who runs until it does not or the queue has been taken. */
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
				/* munmap: nobody runs, nothing to wait for */
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
	/* Unbind: the last one ends the stub, and waits for its end. */
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
