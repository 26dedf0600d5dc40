/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The life of objects in a shadow chain, with other threads that access them.
 *
 * Purpose: check exhaustively that an object becomes visible only when it is
 * complete, ends in two stages and exactly once, and that collapse and bypass
 * lose no page that a user can reach (src/vm/object/vm_object.c, vm_shadow.c,
 * src/vm/pageout/vm_pageout_scan.c).
 *
 * Processes of the model, on a chain T -> M -> B with one page, at first in B:
 *	user	  two, with a map entry on T and on M: look the page up through
 *		  the chain, collapse, look it up again, free
 *	maker	  allocates an object, perhaps in the slot of a dead one
 *	scanner	  walks the list of objects (cleaner, statistics): tryhold, and
 *		  I/O on the page if there is one
 *	pageout	  starts from the frame: reads its owner without a lock, tryhold,
 *		  lock, reads the owner again.  Scanner or pageout in each run
 *
 * An object is a slot of type-stable memory, o[].  The list is the flag
 * `listed`; a step on it is atomic (list_lock).  owner is the page's back
 * pointer.  Locks are acquired front before back.
 *
 * Properties, as assertions:
 *	P1  no process accesses an object that is incomplete or in its zone
 *	P2  each stage runs once, 2 after 1, stage 1 with no I/O in flight
 *	P3  a user that can reach the page through the chain always finds it
 *	P4  the page of an I/O stays until the I/O ends
 *	P5  at the end all objects are freed
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   an object is on the list before it is complete
 *	2   the scanner takes a hold without tryhold
 *	3   collapse reads the refs of the backing object before it locks the
 *	    shadow
 *	4   collapse ignores I/O in the backing object
 *	5   stage 1 does not wait for I/O
 *	6   pageout does not read the owner again
 *	7   bypass refs the next backing object after it has released the locks
 *
 * Limits: only forward collapse is modelled; reverse collapse moves a page the
 * other way under the same locks and the map's.
 */

#ifndef MUT
#define MUT 0
#endif

#define NO 3
#define NONE 9
#define B 0
#define M 1
#define T 2

typedef object {
	byte refs, holds;
	byte backing, shadows, paging;
	bool lck, page, dead, complete, listed, used;
};

object o[NO];
byte owner = B; /* of the frame */
byte made, ended1, ended2;

inline lock(x) { atomic { !o[x].lck -> o[x].lck = true } }
inline unlock(x) { o[x].lck = false }

inline ref(x)
{
	d_step { assert(o[x].refs > 0); o[x].refs++; o[x].holds++ }
}
inline hold(x) { d_step { assert(o[x].holds > 0); o[x].holds++ } }
inline tryhold(x, ok)
{
	d_step {
		ok = o[x].holds > 0;
		if
		:: ok -> o[x].holds++
		:: else
		fi
	}
}
inline drop(x, last)
{
	d_step {
		assert(o[x].holds > o[x].refs);
		o[x].holds--;
		last = (o[x].holds == 0)
	};
	if
	:: last ->
		/* Stage 2. */
		d_step {
			assert(o[x].dead && !o[x].page && o[x].paging == 0);
			assert(o[x].backing == NONE && !o[x].lck);
			o[x].listed = false;
			ended2++
		};
		d_step { o[x].used = false; o[x].complete = false }
	:: else
	fi
}

/* Look the page up through the chain, with locks hand over hand. */
inline look(x, y, z)
{
	y = x;
	lock(y);
	do
	:: o[y].page -> break
	:: else ->
		z = o[y].backing;
		assert(z != NONE); /* P3 */
		lock(z);
		unlock(y);
		y = z
	od;
	unlock(y)
}

/* Stage 1; y: the backing object, with a ref for the caller. */
inline terminate(x, y)
{
	lock(x);
	assert(!o[x].dead); /* P2 */
	o[x].dead = true;
#if MUT != 5
	do
	:: o[x].paging == 0 -> break
	:: else -> unlock(x); o[x].paging == 0; lock(x)
	od;
#endif
	assert(o[x].shadows == 0);
	d_step {
		if
		:: o[x].page -> o[x].page = false; owner = NONE
		:: else
		fi
	};
	y = o[x].backing;
	if
	:: y != NONE ->
		lock(y);
		d_step { o[y].shadows--; o[x].backing = NONE };
		unlock(y)
	:: else
	fi;
	ended1++;
	unlock(x)
}

/*
 * One step of shortening the chain behind f, which the caller holds.  b: an
 * object whose ref the caller must release, or NONE.
 */
inline collapse(f, b, bb, many)
{
#if MUT == 3
	b = o[f].backing;
	many = (b != NONE && o[b].refs > 1);
#endif
	lock(f);
	b = o[f].backing;
	if
	:: b == NONE || o[f].dead || o[f].paging != 0 -> b = NONE; unlock(f)
	:: else ->
		lock(b);
#if MUT != 3
		many = o[b].refs > 1;
#endif
		bb = o[b].backing;
		if
		:: (o[b].paging != 0 && MUT != 4) || o[b].dead ||
		   (many && o[b].page) ->
			unlock(b);
			unlock(f);
			b = NONE
		:: else ->
			if
			:: many && bb != NONE && MUT != 7 -> ref(bb)
			:: else
			fi;
			if
			:: bb != NONE -> lock(bb)
			:: else
			fi;
			d_step {
				if
				:: !many && o[b].page ->
					o[b].page = false;
					if
					:: !o[f].page ->
						o[f].page = true;
						owner = f
					:: else
					fi
				:: else
				fi;
				o[b].shadows--;
				o[f].backing = bb;
				if
				:: many && bb != NONE -> o[bb].shadows++
				:: !many -> o[b].backing = NONE
				:: else
				fi
			};
			if
			:: bb != NONE -> unlock(bb)
			:: else
			fi;
			unlock(b);
			unlock(f)
#if MUT == 7
			;
			if
			:: many && bb != NONE -> ref(bb)
			:: else
			fi
#endif
		fi
	fi
}

/* The only remaining shadow of x, held, or NONE. */
inline lone_shadow(x, s, ok)
{
	lock(x);
	s = NONE;
	if
	:: o[x].refs == 1 && o[x].shadows == 1 && !o[x].dead ->
		atomic {
			if
			:: o[M].backing == x -> s = M
			:: o[T].backing == x -> s = T
			fi;
			tryhold(s, ok);
			if
			:: !ok -> s = NONE
			:: else
			fi
		}
	:: else
	fi;
	unlock(x)
}

/* Release refs down the chain, and shorten the remaining chain. */
inline settle(x, y, z, s, c, last)
{
	do
	:: x == NONE && s == NONE -> break
	:: x != NONE ->
		hold(x);
		d_step {
			assert(o[x].refs > 0);
			o[x].refs--;
			last = (o[x].refs == 0);
			if
			:: last
			:: else -> o[x].holds--
			fi
		};
		if
		:: last ->
			terminate(x, y);
			drop(x, last);
			assert(!last)
		:: else ->
			y = NONE;
			if
			:: s == NONE -> lone_shadow(x, s, last)
			:: else
			fi
		fi;
		drop(x, last);
		x = y
	:: x == NONE && s != NONE ->
		collapse(s, x, z, last);
		drop(s, last);
		s = NONE
	od
}

proctype user(byte mine)
{
	byte x, y, z, s = NONE;
	bool last;

	look(mine, y, z);
	hold(mine);
	s = mine;
	x = NONE;
	settle(x, y, z, s, mine, last);
	look(mine, y, z);
	x = mine;
	settle(x, y, z, s, mine, last)
}

proctype maker()
{
	byte x, y, z, s = NONE;
	bool last;

	atomic {
		if
		:: !o[0].used -> x = 0
		:: o[0].used && !o[1].used -> x = 1
		:: o[0].used && o[1].used && !o[2].used -> x = 2
		fi;
		o[x].used = true;
		made++
	};
#if MUT == 1
	o[x].listed = true;
#endif
	o[x].dead = false;
	d_step { o[x].refs = 1; o[x].holds = 1 };
	lock(x);
	o[x].complete = true;
#if MUT != 1
	o[x].listed = true;
#endif
	unlock(x);
	settle(x, y, z, s, x, last)
}

inline io(x, last)
{
	if
	:: !o[x].dead && o[x].page ->
		o[x].paging++;
		unlock(x);
		assert(o[x].page && owner == x); /* P4 */
		lock(x);
		o[x].paging--
	:: else
	fi;
	unlock(x);
	drop(x, last)
}

proctype scanner()
{
	byte x;
	bool ok, last;

	atomic {
		/* Choose an object from the list. */
		if
		:: o[0].listed -> x = 0
		:: o[1].listed -> x = 1
		:: o[2].listed -> x = 2
		:: else -> goto out
		fi;
#if MUT == 2
		hold(x);
		ok = true
#else
		tryhold(x, ok)
#endif
	};
	if
	:: ok ->
		assert(o[x].used && o[x].complete); /* P1 */
		lock(x);
		io(x, last)
	:: else
	fi;
out:
	skip
}

proctype pageout()
{
	byte x;
	bool ok, last;

	x = owner;
	if
	:: x != NONE ->
		tryhold(x, ok);
		if
		:: ok ->
			lock(x);
			if
			:: owner == x || MUT == 6 ->
				assert(o[x].used && o[x].complete && o[x].page);
				io(x, last)
			:: else -> unlock(x); drop(x, last)
			fi
		:: else
		fi
	:: else
	fi
}

init {
	atomic {
		made = 3;
		o[B].refs = 1; o[B].holds = 1; o[B].shadows = 1;
		o[M].refs = 2; o[M].holds = 2; o[M].shadows = 1;
		o[T].refs = 1; o[T].holds = 1;
		o[B].backing = NONE; o[M].backing = B; o[T].backing = M;
		o[B].page = true;
		o[B].used = true; o[M].used = true; o[T].used = true;
		o[B].complete = true; o[M].complete = true;
		o[T].complete = true;
		o[B].listed = true; o[M].listed = true; o[T].listed = true;
		run user(T);
		run user(M);
		run maker();
		if
		:: run scanner()
		:: run pageout()
		fi
	};
	_nr_pr == 1;
	/* P2, P5 */
	assert(ended1 == made && ended2 == made && owner == NONE);
	assert(!o[0].used && !o[1].used && !o[2].used);
	assert(!o[0].listed && !o[1].listed && !o[2].listed)
}
