/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The life of a vmspace: refs, holds and termination in two stages.
 *
 * Purpose: check exhaustively that the life word (src/mem/vm_life.c), used as
 * vmspaces use it, ends each vmspace in order and exactly once, and that no
 * process accesses a vmspace after its structure has returned to the zone.
 *
 * Processes of the model:
 *	owner	  a process: shares its vmspace with a vfork child; executes (a
 *		  new vmspace is published under the process lock, the old one is
 *		  freed), a second time into recycled memory; exits
 *	child	  the vfork child: uses the shared vmspace, frees it
 *	looker	  procfs: reads the published pointer under the process lock,
 *		  holds, unlocks, reads, drops
 *	joiner	  holds in the same way, then tries to become a user (tryref)
 *	stranger  has a stale pointer into type-stable memory: tryhold, then
 *		  compares the generation
 *
 * Each transition of the word is one atomic step (d_step or atomic), as in the
 * code.  The memory of a vmspace is a slot of vm[]; slots are recycled.
 *
 * Properties, all as assertions:
 *	P1  no access to the structure after stage 2, and no access to the
 *	    contents by a user after stage 1 has begun
 *	P2  each stage runs exactly once for each vmspace
 *	P3  stage 2 comes after the end of stage 1
 *	P4  at the end, every vmspace is terminated
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   free drops its hold before stage 1 has ended
 *	2   two counters and a flag instead of one word
 *	3   the child is published before its ref is taken
 *	4   other processes read the pointer and hold without the process lock
 */

#ifndef MUT
#define MUT 0
#endif

#define NVM 2
#define NONE 255

typedef vmspace {
	byte refs;
	byte holds;
	bool exit1;
	bool exit2;
	byte gen;    /* generation id */
	bool used;   /* the slot is allocated */
	byte begun1; /* stage 1 begun, ended; stage 2 */
	byte done1;
	byte done2;
};

vmspace vm[NVM];
byte made, ended1, ended2; /* over all generations */
bool plock;		   /* process lock */
byte p_vmspace = NONE;	   /* published pointer of the owner */
byte c_vmspace = NONE;	   /* published pointer of the child */
bool child_may_run;
byte running;

inline lock() { atomic { !plock -> plock = true } }
inline unlock() { plock = false }

/* Access to the structure: legal with a hold. */
inline look(v) { assert(vm[v].used && vm[v].done2 == 0) }
/* Use of the contents: legal with a ref. */
inline use(v)
{
	assert(vm[v].used && vm[v].begun1 == 0 && vm[v].done2 == 0)
}

/* Allocate a slot whose last life has ended; with one ref. */
inline create(v)
{
	atomic {
		if
		:: !vm[0].used -> v = 0
		:: !vm[1].used -> v = 1
		fi;
		made++;
		vm[v].used = true;
		vm[v].gen = made;
		vm[v].begun1 = 0; vm[v].done1 = 0; vm[v].done2 = 0;
		vm[v].exit1 = false; vm[v].exit2 = false;
		vm[v].refs = 1; vm[v].holds = 1
	}
}

inline ref(v)
{
	d_step {
		assert(vm[v].refs > 0);
		vm[v].refs++; vm[v].holds++
	}
}

#if MUT == 2
/* Two counters and a flag, each changed by an atomic step of its own. */
inline tryref(v, ok)
{
	if
	:: vm[v].exit1 -> ok = false
	:: else ->
		d_step { vm[v].refs++; vm[v].holds++ };
		ok = true
	fi
}
#else
inline tryref(v, ok)
{
	d_step {
		assert(vm[v].holds > 0);
		if
		:: vm[v].exit1 -> ok = false
		:: else -> vm[v].refs++; vm[v].holds++; ok = true
		fi
	}
}
#endif

inline hold(v)
{
	d_step {
		assert(vm[v].holds > 0 && !vm[v].exit2);
		vm[v].holds++
	}
}

inline tryhold(v, ok)
{
	d_step {
		if
		:: vm[v].holds == 0 || vm[v].exit2 -> ok = false
		:: else -> vm[v].holds++; ok = true
		fi
	}
}

inline stage1(v)
{
	assert(vm[v].begun1 == 0 && vm[v].done2 == 0);
	vm[v].begun1++;
	/* Mappings, objects and limits are freed here; other processes may run. */
	d_step {
		assert(vm[v].refs == 0 && vm[v].done2 == 0);
		vm[v].done1++; ended1++
	}
}

inline stage2(v)
{
	d_step {
		assert(vm[v].done1 == 1 && vm[v].done2 == 0);
		vm[v].done2++; ended2++
	};
	/* Free the slot, which the next create may reuse. */
	vm[v].used = false
}

/* `last` is a local of the caller. */
inline drop(v, last)
{
	d_step {
		assert(vm[v].holds > vm[v].refs);
		vm[v].holds--;
		last = (vm[v].holds == 0);
		if
		:: last -> vm[v].exit2 = true
		:: else
		fi
	};
	if
	:: last -> stage2(v)
	:: else
	fi
}

inline life_free(v, last)
{
	d_step {
		assert(vm[v].refs > 0 && vm[v].holds >= vm[v].refs);
		vm[v].refs--;
		last = (vm[v].refs == 0);
		if
		:: last -> vm[v].exit1 = true
		:: else -> vm[v].holds--
		fi
	}
}

#if MUT == 2
/* The count reaches zero in one step and the flag says so in the next. */
inline free(v, last)
{
	d_step {
		assert(vm[v].refs > 0);
		vm[v].refs--;
		last = (vm[v].refs == 0)
	};
	if
	:: last ->
		vm[v].exit1 = true;
		stage1(v)
	:: else
	fi;
	drop(v, last)
}
#else
inline free(v, last)
{
	life_free(v, last);
	if
	:: last ->
#if MUT == 1
		drop(v, last);
		stage1(v)
#else
		stage1(v);
		drop(v, last)
#endif
	:: else
	fi
}
#endif

/* Hold the vmspace that `where` publishes; NONE if there is none. */
#if MUT == 4
inline get(where, v)
{
	v = where;
	if
	:: v != NONE -> hold(v)
	:: else
	fi
}
#else
inline get(where, v)
{
	lock();
	v = where;
	if
	:: v != NONE -> hold(v)
	:: else
	fi;
	unlock()
}
#endif

inline publish(where, v) { lock(); where = v; unlock() }

proctype owner()
{
	byte cur, new, n;
	bool last;

	create(cur);
	publish(p_vmspace, cur);
	/* vfork */
#if MUT == 3
	publish(c_vmspace, cur);
	child_may_run = true;
	ref(cur);
#else
	ref(cur);
	publish(c_vmspace, cur);
	child_may_run = true;
#endif
	use(cur);
	/* exec: the new one is complete before it is published */
	do
	:: n < 2 ->
		create(new);
		use(new);
		publish(p_vmspace, new);
		free(cur, last);
		cur = new;
		use(cur);
		n++
	:: else -> break
	od;
	/* exit */
	publish(p_vmspace, NONE);
	free(cur, last);
	running--
}

proctype child()
{
	byte v;
	bool last;

	child_may_run;
	v = c_vmspace;
	use(v);
	publish(c_vmspace, NONE);
	free(v, last);
	running--
}

proctype looker()
{
	byte v, n;
	bool last;

	do
	:: n < 2 ->
		if
		:: get(p_vmspace, v)
		:: get(c_vmspace, v)
		fi;
		if
		:: v != NONE ->
			look(v);
			drop(v, last)
		:: else
		fi;
		n++
	:: else -> break
	od;
	running--
}

proctype joiner()
{
	byte v;
	bool ok, last;

	get(p_vmspace, v);
	if
	:: v != NONE ->
		tryref(v, ok);
		look(v);
		if
		:: ok ->
			use(v);
			free(v, last)
		:: else
		fi;
		drop(v, last)
	:: else
	fi;
	running--
}

proctype stranger()
{
	bool ok, last;

	/* Looks for generation 1, in whatever state its slot is. */
	tryhold(0, ok);
	if
	:: ok ->
		look(0);
		if
		:: vm[0].gen == 1 -> look(0)
		:: else
		fi;
		drop(0, last)
	:: else
	fi;
	running--
}

init {
	atomic {
		running = 5;
		run owner();
		run child();
		run looker();
		run joiner();
		run stranger()
	};
	running == 0;
	/* P2, P4 */
	assert(made == 3 && ended1 == made && ended2 == made);
	assert(!vm[0].used && !vm[1].used);
	assert(p_vmspace == NONE && c_vmspace == NONE)
}
