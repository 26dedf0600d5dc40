/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * One page of an anonymous object on its way to swap and back.
 *
 * Purpose: check exhaustively that faults, pageout, pins, swapoff and exit
 * together lose no store, free no frame that can still be reached, and leak
 * nothing (src/vm: pageout/vm_pageout_page.c, pager/swap_pager.c,
 * fault/vm_fault.c).
 *
 * Processes of the model:
 *	user	  two threads that load and store through the translation, and
 *		  fault when there is none
 *	pinner	  copyin, copyout and I/O of the kernel: pins the frame through
 *		  a translation, stores through the pin, unpins
 *	pager	  pageout: marks the page busy, unmaps and syncs, reads the pins,
 *		  writes without the lock, then puts the block in the page's
 *		  place.  A write can fail.  A thread that waits for the page
 *		  gets it back, clean
 *	swapoff	  empties the area and removes it
 *	exiter	  ends the last user: stage 1 of the object
 *
 * slot is the object's index at this page: nothing, a page (frame), or a block.
 * pswap of a page records the block with the same contents.  tr is the state of
 * the tables, mtr what the machine may still use until a sync.  The object lock
 * is olock.  Steps under it are not interleaved with each other; loads and
 * stores, which need no lock, are interleaved with them.
 *
 * Properties, as assertions:
 *	P1  a load or store through a translation or a pin accesses a frame that
 *	    is not free and belongs to the page
 *	P2  a load returns the value stored last
 *	P3  a block is freed once, and is read only while its area exists
 *	P4  at the end every frame and block is free
 *
 * Seeded bugs, -DMUT=n, each of which must be found:
 *	1   the page is freed without a sync after the unmap
 *	2   pins are not read after the sync
 *	3   a write fault leaves the block attached to the page
 *	4   swapoff checks the slot instead of the blocks in use
 *	5   exit does not wait for a page in transit
 */

#ifndef MUT
#define MUT 0
#endif

#define NF 2
#define NB 2
#define NONE 9
#define NOTHING 0
#define PAGE 1
#define BLOCK 2
#define RO 1
#define RW 2

bool olock;
byte slot = NOTHING;
byte frame = NONE; /* slot PAGE */
byte block = NONE; /* slot BLOCK */
bool busy;
bool wanted;
byte pswap = NONE;
byte paging;

bool fused[NF], bused[NB];
byte fval[NF], bval[NB];
byte hold[NF];
byte tr, mtr; /* prot */
byte trf, mtrf; /* frame */
byte truth;
bool draining, removed;
byte users = 3; /* threads that use the address space */

inline lock() { atomic { !olock -> olock = true } }
inline unlock() { olock = false }

inline falloc(f)
{
	d_step {
		f = NONE;
		if
		:: !fused[0] -> f = 0
		:: fused[0] && !fused[1] -> f = 1
		:: else -> skip
		fi;
		if
		:: f != NONE -> fused[f] = true
		:: else -> skip
		fi
	}
}
inline ffree(f)
{
	d_step {
		assert(fused[f] && hold[f] == 0);
		/* P1: no translation or pin reaches the frame. */
		assert(mtr == 0 || mtrf != f);
		fused[f] = false;
		fval[f] = 255
	}
}
inline balloc(b)
{
	d_step {
		b = NONE;
		if
		:: !draining && !bused[0] -> b = 0
		:: !draining && bused[0] && !bused[1] -> b = 1
		:: else -> skip
		fi;
		if
		:: b != NONE -> bused[b] = true
		:: else -> skip
		fi
	}
}
inline bfree(b)
{
	d_step { assert(bused[b] && !removed); bused[b] = false; bval[b] = 255 }
}
inline enter(prot, f)
{
	d_step { tr = prot; trf = f; mtr = prot; mtrf = f }
}

/* Read the block; called with the lock held, which it releases. */
inline swapin(f, b)
{
	b = block;
	falloc(f);
	if
	:: f == NONE -> unlock()
	:: else ->
		d_step {
			slot = PAGE; frame = f; pswap = b; block = NONE;
			busy = true; paging++
		}
		unlock();
		d_step { assert(bused[b] && !removed); fval[f] = bval[b] }
		lock();
		d_step { busy = false; wanted = false; paging-- }
		unlock()
	fi
}

/* Make an access possible.  May return without success: the caller retries. */
inline fault(write, f, b)
{
	lock();
	if
	:: slot == PAGE && busy ->
		wanted = true;
		unlock();
		!busy
	:: slot == PAGE && !busy ->
		if
		:: write && pswap != NONE ->
			if
			:: MUT != 3 -> bfree(pswap); pswap = NONE
			:: else -> skip
			fi;
			enter(RW, frame)
		:: write && pswap == NONE -> enter(RW, frame)
		:: !write && pswap == NONE -> enter(RW, frame)
		:: !write && pswap != NONE -> enter(RO, frame)
		fi;
		unlock()
	:: slot == BLOCK -> swapin(f, b)
	:: slot == NOTHING ->
		falloc(f);
		if
		:: f != NONE ->
			d_step {
				fval[f] = 0; slot = PAGE; frame = f;
				pswap = NONE
			}
			enter(RW, f)
		:: else -> skip
		fi;
		unlock()
	fi
}

inline leave()
{
	atomic { users--; }
}

proctype user(bool writer)
{
	byte f, b, n = 2;

	do
	:: n == 0 -> break
	:: n > 0 ->
		if
		:: atomic { (writer && mtr == RW) ->
			assert(fused[mtrf]);
			assert(slot == PAGE && frame == mtrf);
			truth++;
			fval[mtrf] = truth;
			n--
		   }
		:: atomic { (!writer && mtr != 0) ->
			assert(fused[mtrf]);
			assert(fval[mtrf] == truth);
			n--
		   }
		:: atomic { (writer && mtr != RW) || (!writer && mtr == 0) }
			fault(writer, f, b)
		fi
	od;
	leave()
}

proctype pinner()
{
	byte f, g, b, n = 1;

	do
	:: n == 0 -> break
	:: n > 0 ->
		if
		:: atomic { tr == RW -> f = trf; hold[f]++ }
			/* The store may take long. */
			atomic {
				assert(fused[f]);
				assert(slot == PAGE && frame == f);
				assert(pswap == NONE);
				truth++;
				fval[f] = truth
			}
			hold[f]--;
			n--
		:: tr != RW -> fault(true, g, b)
		fi
	od;
	leave()
}

proctype pager()
{
	byte f, b, n = 2;
	bool failed;

	do
	:: n == 0 || users == 0 -> break
	:: n > 0 && users > 0 ->
		n--;
		lock();
		if
		:: slot == PAGE && !busy && hold[frame] == 0 ->
			f = frame;
			busy = true;
			tr = 0;
			if
			:: MUT != 1 -> mtr = 0 /* sync */
			:: else -> skip
			fi;
			if
			:: MUT != 2 && hold[f] != 0 ->
				busy = false; wanted = false;
				unlock()
			:: (MUT == 2 || hold[f] == 0) && pswap != NONE ->
				d_step {
					slot = BLOCK; block = pswap;
					frame = NONE; pswap = NONE;
					busy = false; wanted = false
				}
				ffree(f);
				unlock()
			:: (MUT == 2 || hold[f] == 0) && pswap == NONE ->
				balloc(b);
				if
				:: b == NONE ->
					busy = false; wanted = false;
					unlock()
				:: else ->
					paging++;
					unlock();
					/* The write. */
					if
					:: d_step { bval[b] = fval[f] }
						failed = false
					:: failed = true
					fi;
					lock();
					assert(slot == PAGE && frame == f);
					if
					:: failed -> bfree(b)
					:: !failed && wanted -> pswap = b
					:: !failed && !wanted ->
						d_step {
							slot = BLOCK;
							block = b;
							frame = NONE
						}
						ffree(f)
					fi;
					d_step {
						busy = false; wanted = false;
						paging--
					}
					unlock()
				fi
			fi
		:: else -> unlock()
		fi
	od
}

proctype swapoff()
{
	byte f, b;
	bool clear;

	draining = true;
	do
	:: removed -> break
	:: !removed ->
		lock();
		if
		:: slot == BLOCK -> swapin(f, b)
		:: slot == PAGE && !busy && pswap != NONE ->
			bfree(pswap);
			pswap = NONE;
			unlock()
		:: slot == PAGE && busy && MUT != 4 ->
			wanted = true;
			unlock();
			!busy
		:: else -> unlock()
		fi;
		atomic {
			if
			:: MUT == 4 -> clear = (slot != BLOCK && pswap == NONE)
			:: else -> clear = (!bused[0] && !bused[1])
			fi;
			if
			:: clear -> removed = true
			:: else -> skip
			fi
		}
	od
}

proctype exiter()
{
	byte b;

	users == 0;
	tr = 0;
	mtr = 0; /* the machine has ended */
	lock();
	if
	:: MUT != 5 ->
		do
		:: paging == 0 && !busy -> break
		:: else -> unlock(); (paging == 0 && !busy); lock()
		od
	:: else -> skip
	fi;
	if
	:: slot == PAGE ->
		if
		:: pswap != NONE -> bfree(pswap); pswap = NONE
		:: else -> skip
		fi;
		b = frame;
		slot = NOTHING;
		frame = NONE;
		ffree(b)
	:: slot == BLOCK -> b = block; slot = NOTHING; block = NONE; bfree(b)
	:: else -> skip
	fi;
	unlock()
}

init {
	atomic {
		run user(true);
		run user(false);
		run pinner();
		run pager();
		run swapoff();
		run exiter()
	}
	_nr_pr == 1;
	/* P4 */
	assert(!fused[0] && !fused[1] && !bused[0] && !bused[1]);
	assert(hold[0] == 0 && hold[1] == 0 && paging == 0 && !busy)
}
