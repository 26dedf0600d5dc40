/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * exec: the vmspace and the text vnode of a process change together.
 *
 * Purpose: check exhaustively two rules of src/kern (exec/exec.c, proc/exit.c,
 * base/proc.c, proctext/kern_procfs.c):
 *	- the text vnode of a live process is never missing and never stale;
 *	- the vmspace is replaced at one commit point, and the old vmspace ends
 *	  with its last user; exec neither counts its users nor waits for them.
 *
 * Processes of the model:
 *	process	  a vfork child: executes twice, and exec may fail after the
 *		  preparation; exits
 *	parent	  has lent its vmspace to the child, waits for the first exec
 *		  (or the exit), then continues to use the vmspace
 *	exe	  procfs: refs the text vnode of the process and reads it
 *	mem	  procfs: holds the vmspace of the process and reads its bytes
 *	pair	  procfs: reads both in one critical section
 *
 * Vnodes and vmspaces are slots that are reused; gen distinguishes the lives of
 * a slot.  A vmspace records the life of the vnode that it was made from.  Each
 * transition of a vmspace's life word is one step, see vmspace.pml.
 *
 * Properties, as assertions:
 *	P1  a live process that has executed has a text vnode
 *	P2  a reader that refs a vnode under the lock reads that vnode, not a
 *	    later one in its slot, and never a reclaimed one
 *	P3  in one critical section, vmspace and text vnode belong together
 *	P4  a held vmspace has its own bytes, or reports that it is dead
 *	P5  an exec that fails leaves the process as it was
 *	P6  at the end all slots are free, and no process waits (end state)
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   the old text is released before the new one is published
 *	2   the text is published in a critical section of its own
 *	3   the text is removed first, and the new one set later
 *	4   exe reads and refs without the process lock
 *	5   the new text is published first and ref'ed afterwards
 *	6   the old vmspace is freed before the new one is published
 *	7   exec waits until the old vmspace has no other user
 */

#ifndef MUT
#define MUT 0
#endif

#define NVM 3
#define NVN 3
#define NONE 255

typedef vmspace {
	byte refs, holds;
	byte text; /* life of the vnode that it was made from */
	byte gen;  /* 0: slot is in the zone */
	bool dead; /* stage 1 done: an empty map */
};
typedef vnode {
	byte refs;
	byte gen; /* 0: reclaimed */
};

vmspace vm[NVM];
vnode vn[NVN];
byte lives;
bool plock, alive, executed, vfork_done;
byte p_vmspace = NONE, p_textvp = NONE;

inline lock() { atomic { !plock -> plock = true } }
inline unlock() { plock = false }

/* ---- vnodes: a count ---- */

inline vn_open(n)
{
	atomic {
		if
		:: vn[0].gen == 0 -> n = 0
		:: vn[0].gen != 0 && vn[1].gen == 0 -> n = 1
		:: vn[0].gen != 0 && vn[1].gen != 0 && vn[2].gen == 0 -> n = 2
		fi;
		lives++;
		vn[n].gen = lives;
		vn[n].refs = 1
	}
}
inline vref(n) { d_step { assert(vn[n].refs > 0); vn[n].refs++ } }
inline vrele(n)
{
	d_step {
		assert(vn[n].refs > 0);
		vn[n].refs--;
		if
		:: vn[n].refs == 0 -> vn[n].gen = 0
		:: else
		fi
	}
}

/* ---- vmspaces: refs and holds, two stages ---- */

inline vm_create(v, txt)
{
	atomic {
		if
		:: vm[0].gen == 0 -> v = 0
		:: vm[0].gen != 0 && vm[1].gen == 0 -> v = 1
		:: vm[0].gen != 0 && vm[1].gen != 0 && vm[2].gen == 0 -> v = 2
		fi;
		lives++;
		vm[v].gen = lives;
		vm[v].refs = 1;
		vm[v].holds = 1;
		vm[v].dead = false;
		vm[v].text = txt
	}
}
inline vm_hold(v) { d_step { assert(vm[v].holds > 0); vm[v].holds++ } }
inline vm_drop(v)
{
	d_step {
		assert(vm[v].holds > vm[v].refs);
		vm[v].holds--;
		if
		:: vm[v].holds == 0 -> assert(vm[v].dead); vm[v].gen = 0
		:: else
		fi
	}
}
inline vm_free(v, last)
{
	d_step {
		assert(vm[v].refs > 0 && vm[v].gen != 0);
		vm[v].refs--;
		last = (vm[v].refs == 0);
		if
		:: last
		:: else -> vm[v].holds--
		fi
	};
	if
	:: last -> vm[v].dead = true; vm_drop(v)
	:: else
	fi
}

/* ---- the process ---- */

/* The commit point. */
inline publish(v, n)
{
#if MUT == 2
	lock(); p_vmspace = v; unlock();
	lock(); p_textvp = n; executed = true; unlock()
#elif MUT == 3
	lock(); p_textvp = NONE; unlock();
	lock(); p_vmspace = v; p_textvp = n; executed = true; unlock()
#else
	lock();
	p_vmspace = v;
	p_textvp = n;
	executed = true;
	unlock()
#endif
}

/* The image: a vnode with a ref and a new vmspace with the program in it. */
inline exec(v, n, ov, on, last)
{
	vn_open(n);
#if MUT == 5
	vn[n].refs = 0;
#endif
	vm_create(v, vn[n].gen);
	ov = p_vmspace;
	on = p_textvp;
	if
	:: true -> /* failed: free the image */
		vm_free(v, last);
#if MUT != 5
		vrele(n);
#else
		vn[n].gen = 0;
#endif
		assert(p_vmspace == ov && p_textvp == on); /* P5 */
		assert(!vm[ov].dead)
	:: true ->
#if MUT == 7
		vm[ov].refs == 1;
#endif
#if MUT == 1
		if
		:: on != NONE -> vrele(on)
		:: else
		fi;
#endif
#if MUT == 6
		vm_free(ov, last);
#endif
		publish(v, n);
#if MUT == 5
		vn[n].refs++;
#endif
		vfork_done = true;
#if MUT != 1
		if
		:: on != NONE -> vrele(on)
		:: else
		fi;
#endif
#if MUT != 6
		vm_free(ov, last)
#endif
	fi
}

proctype process()
{
	byte v, n, ov, on, k;
	bool last;

	do
	:: k < 2 -> exec(v, n, ov, on, last); k++
	:: else -> break
	od;
	/* exit: memory first, then a zombie without a text */
	lock();
	v = p_vmspace;
	p_vmspace = NONE;
	unlock();
	vfork_done = true;
	vm_free(v, last);
	lock();
	alive = false;
	n = p_textvp;
	p_textvp = NONE;
	unlock();
	if
	:: n != NONE -> vrele(n)
	:: else
	fi
}

proctype parent()
{
	bool last;

	vfork_done;
	/* Its memory is unchanged. */
	assert(vm[0].refs > 0 && !vm[0].dead && vm[0].text == 0);
	vm_free(0, last)
}

proctype exe()
{
	byte n, g, k;

	do
	:: k < 2 ->
#if MUT == 4
		n = p_textvp;
		if
		:: n != NONE -> g = vn[n].gen; vref(n)
		:: else
		fi;
#else
		lock();
		n = p_textvp;
		assert(n != NONE || !alive || !executed); /* P1 */
		if
		:: n != NONE -> g = vn[n].gen; vref(n)
		:: else
		fi;
		unlock();
#endif
		if
		:: n != NONE ->
			assert(g != 0 && vn[n].gen == g); /* P2 */
			vrele(n)
		:: else
		fi;
		k++
	:: else -> break
	od
}

proctype mem()
{
	byte v, g, k;

	do
	:: k < 2 ->
		lock();
		v = p_vmspace;
		if
		:: v != NONE -> g = vm[v].gen; vm_hold(v)
		:: else
		fi;
		unlock();
		if
		:: v != NONE ->
			/* One page under the map lock. */
			assert(vm[v].gen == g && vm[v].holds > 0); /* P4 */
			vm_drop(v)
		:: else
		fi;
		k++
	:: else -> break
	od
}

proctype pair()
{
	lock();
	if
	:: p_vmspace != NONE ->
		assert(!vm[p_vmspace].dead);
		assert(vm[p_vmspace].text ==
		       (p_textvp == NONE -> 0 : vn[p_textvp].gen)) /* P3 */
	:: else
	fi;
	unlock()
}

init {
	byte v;

	atomic {
		/* vfork: the child shares the parent's vmspace, by a ref. */
		vm_create(v, 0);
		vm[v].refs++;
		vm[v].holds++;
		p_vmspace = v;
		alive = true;
		run process();
		run parent();
		run exe();
		run mem();
		run pair()
	};
	_nr_pr == 1;
	/* P6 */
	assert(p_vmspace == NONE && p_textvp == NONE && !plock);
	assert(vm[0].gen == 0 && vm[1].gen == 0 && vm[2].gen == 0);
	assert(vn[0].gen == 0 && vn[1].gen == 0 && vn[2].gen == 0)
}
