/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Removing a translation from a stub that several threads share.
 *
 * Purpose: check exhaustively the guarantee of pmap_sync(): when it returns, no
 * thread uses a translation that was removed before the call
 * (src/machine/stub/pmap_stub.c, docs/decisions/001-shootdown.md).  A hand-over
 * is one step here; handover.pml models its details.
 *
 * Processes of the model:
 *	lwp	  two threads, each of which is kernel and stub thread in turn.
 *		  Thread 0 exists from the start; its system calls are clone,
 *		  which makes thread 1, and munmap, which removes the
 *		  translation
 *	remover	  pageout, or another process: removes the translation, perhaps
 *		  together with so many others that the stub is to be replaced
 *	poster	  stops the threads, by interrupts
 *
 * A stub is a number; mapped[] is the state of its address space.  The queue is
 * empty or contains the operation that removes the translation.  The host may
 * refuse one operation, once.  User code computes until it is interrupted.
 *
 * Properties:
 *	P1  user code never accesses a frame that was freed
 *	P2  every process ends (invalid end state)
 *	P3  counts are right at the end
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   a batch counts as applied when it is taken, not when it is reported
 *	2   with several threads, one enters user code before a batch is reported
 *	3   with several threads, one takes the queue along, which only a single
 *	    thread may do
 *	4   a refused operation is not queued again
 *	5   a thread enters user code of a stub that is to be replaced
 *	6   sync treats a failed flush as a success
 */

#ifndef MUT
#define MUT 0
#endif

#define N 2

bool mapped[2] = {true, false};
byte stub; /* the stub in use */
bool nops[N], sigpend[N], in_user[N], intr[N], bound[N];
bool pmlock, flushlock, waiter;
bool q, flushing, fresh;
byte qseq, applied, running, nbound;
byte refusals = 1;
bool freed, stop, own, cloned;

inline lock() { atomic { !pmlock -> pmlock = true } }
inline unlock() { pmlock = false }
inline broadcast() { waiter = false }

/* The stub's thread carries out the operations of a command. */
inline carry_out(i, failed)
{
	atomic {
		failed = false;
		if
		:: nops[i] -> mapped[stub] = false
		:: nops[i] && refusals > 0 -> refusals--; failed = true
		:: !nops[i]
		fi;
		nops[i] = false
	}
}

inline reset()
{
#if MUT != 4
	atomic { lock(); qseq++; q = true; unlock() }
#else
	skip
#endif
}

/* Flush through the parked thread i.  A refusal is final here (OPFAILS_MAX). */
inline flush(i, n, failed)
{
	atomic { !flushlock -> flushlock = true };
	do
	:: true ->
		atomic {
			lock();
			n = q;
			q = false;
			nops[i] = n;
			flushing = n;
			if
			:: !n || MUT == 1 -> applied = qseq; broadcast()
			:: else
			fi;
			unlock()
		};
		if
		:: !n -> failed = false; break
		:: else
		fi;
		carry_out(i, failed);
		if
		:: failed ->
			atomic {
				lock();
				flushing = false;
				qseq++;
				q = true;
				broadcast();
				unlock()
			};
			break
		:: else
		fi
	od;
	flushlock = false
}

inline enter_user(i, ok)
{
	atomic {
		lock();
#if MUT == 2
		ok = (nbound > 1 -> !q : true);
#elif MUT == 3
		ok = (nbound > 1 -> !flushing : true);
#else
		ok = (nbound > 1 -> !q && !flushing : true);
#endif
#if MUT != 5
		ok = ok && !fresh;
#endif
		if
		:: ok ->
			nops[i] = q;
			q = false;
			applied = qseq;
			running++;
			broadcast()
		:: else
		fi;
		unlock()
	}
}

inline leave_user()
{
	atomic { lock(); running--; broadcast(); unlock() }
}

inline interrupt(i)
{
	intr[i] = true;
	atomic {
		if
		:: in_user[i] -> sigpend[i] = true
		:: else
		fi
	}
}

inline remove_translation(large)
{
	atomic {
		lock();
		if
		:: nbound == 0 || fresh -> skip
		:: else ->
			if
			:: large && nbound == 1 && running == 0 ->
				fresh = true;
				q = false
			:: else -> q = true
			fi
		fi;
		qseq++;
		unlock()
	}
}

inline shoot(target)
{
	do
	:: running == 0 || applied >= target -> break
	:: else ->
		if
		:: in_user[0] -> interrupt(0)
		:: else
		fi;
		if
		:: in_user[1] -> interrupt(1)
		:: else
		fi;
		atomic { waiter = true; unlock() };
		!waiter;
		lock()
	od;
	unlock()
}

/* me: a parked thread of this pmap, or N. */
inline sync(me, target, n, failed)
{
	lock();
	target = qseq;
	if
	:: nbound == 0 || applied >= target || running == 0 -> unlock()
	:: else ->
		if
		:: me != N ->
			unlock();
			flush(me, n, failed);
			if
			:: failed && MUT != 6 -> lock(); shoot(target)
			:: else
			fi
		:: else -> shoot(target)
		fi
	fi
}

inline bind(i)
{
	atomic {
		lock();
		if
		:: fresh -> fresh = false; qseq++; q = true
		:: else
		fi;
		nbound++;
		bound[i] = true;
		unlock()
	}
}

/* A single thread leaves the old stub, with everything that it maps. */
inline replace()
{
	atomic {
		lock();
		if
		:: fresh && nbound == 1 ->
			fresh = false;
			q = false;
			stub = 1;
			mapped[1] = false;
			qseq++
		:: else
		fi;
		unlock()
	}
}

proctype lwp(byte i)
{
	byte target;
	bool told, ok, n, failed;

	do
	:: stop -> break
	:: !stop ->
		replace();
		in_user[i] = true;
		atomic { told = intr[i]; intr[i] = false };
		if
		:: told -> in_user[i] = false; goto next
		:: else
		fi;
		do
		:: true ->
			enter_user(i, ok);
			if
			:: ok -> break
			:: !ok && fresh && nbound == 1 -> break
			:: else ->
				flush(i, n, failed);
				if
				:: failed -> break
				:: else
				fi
			fi
		od;
		if
		:: !ok -> in_user[i] = false; goto next
		:: else
		fi;
		carry_out(i, failed);
		if
		:: failed ->
			in_user[i] = false;
			leave_user();
			reset();
			goto next
		:: else
		fi;
		if
		:: atomic { sigpend[i] -> sigpend[i] = false; intr[i] = false }
		:: atomic { mapped[stub] && freed -> assert(!freed) /* P1 */ }
		:: atomic { i == 0 && own -> own = false };
		   in_user[i] = false;
		   leave_user();
		   remove_translation(true);
		   sync(i, target, n, failed);
		   freed = true;
		   goto next
		:: atomic { i == 0 && !cloned -> cloned = true };
		   in_user[i] = false;
		   leave_user();
		   replace();
		   bind(1);
		   run lwp(1);
		   goto next
		fi;
		in_user[i] = false;
		leave_user();
next:
		skip
	od;
	atomic {
		lock();
		nbound--;
		bound[i] = false;
		if
		:: nbound == 0 -> q = false; fresh = false; applied = qseq
		:: else
		fi;
		broadcast();
		unlock()
	}
}

proctype remover()
{
	byte target;
	bool n, failed;

	if
	:: remove_translation(true)
	:: remove_translation(false)
	fi;
	sync(N, target, n, failed);
	freed = true
}

proctype poster()
{
	stop = true;
	interrupt(0);
	interrupt(1)
}

init {
	atomic {
		bind(0);
		if
		:: own = true
		:: run remover()
		fi;
		run lwp(0);
		run poster()
	};
	_nr_pr == 1;
	/* P3 */
	assert(nbound == 0 && running == 0 && !pmlock && !flushlock);
	assert(!waiter && !q && !flushing)
}
