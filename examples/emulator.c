/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * emulator: an emulated machine that uses the memory of a vmspace.
 *
 * The machine has an accumulator, an address register and seven instructions.
 * It accesses memory through its MMU, a small table of pages.  The callbacks of
 * struct vmspace_mmu fill and empty the table, and a miss calls
 * vmspace_fault(). The library does everything behind the table.  This example
 * keeps 48 MiB of data in 32 MiB of memory with swap, and forks the machine:
 * one copy then fills its memory again, and each copy reads its own data.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmspace/vkernel.h"
#include "vmspace/vmspace.h"

#define PAGE ((uint64_t)4096)
#define TLB 1024
#define CODE ((uintptr_t)0x100000)
#define DATA ((uintptr_t)0x10000000)
#define DATA_END (DATA + ((uintptr_t)48 << 20))

enum { SET_ACC, SET_AT, STORE, ADD, ADD_MEM, NEXT_PAGE, LOOP, HALT };

struct insn {
	uint64_t op, arg;
};

static const struct insn program[] = {
    {SET_AT, DATA}, /* 0: fill every page with acc, acc + 1, ... */
    {STORE, 0},     /* 1 */
    {ADD, 1},       /* 2 */
    {NEXT_PAGE, 0}, /* 3 */
    {LOOP, 1},      /* 4: until DATA_END */
    {HALT, 0},      /* 5 */
    {SET_ACC, 0},   /* 6: the sum of all pages */
    {SET_AT, DATA}, /* 7 */
    {ADD_MEM, 0},   /* 8 */
    {NEXT_PAGE, 0}, /* 9 */
    {LOOP, 8},      /* 10 */
    {HALT, 0},      /* 11 */
};
#define FILL 0
#define SUM 6

struct cpu {
	struct vmspace *vm;
	uint64_t pc, acc, at, misses;
	/* The table.  Threads of the kernel change it as well, when they page
	 * out.  Each access is made under the lock, so that none is in progress
	 * when a removal returns. */
	pthread_mutex_t lock;
	struct {
		uint64_t page; /* page number + 1; 0: empty slot */
		char *ptr;
		int prot;
	} tlb[TLB];
};

static void
die(int error, const char *what)
{
	fprintf(stderr, "emulator: %s: %s\n", what, strerror(error));
	exit(1);
}

/* ---- the MMU ---- */

static void
mmu_enter(void *arg, uintptr_t addr, size_t len, void *ptr, int prot)
{
	struct cpu *c = (struct cpu *)arg;

	pthread_mutex_lock(&c->lock);
	for (size_t off = 0; off < len; off += PAGE) {
		uint64_t page = (addr + off) / PAGE;

		c->tlb[page % TLB].page = page + 1;
		c->tlb[page % TLB].ptr = (char *)ptr + off;
		c->tlb[page % TLB].prot = prot;
	}
	pthread_mutex_unlock(&c->lock);
}

static void
mmu_protect(void *arg, uintptr_t addr, size_t len, int prot)
{
	struct cpu *c = (struct cpu *)arg;

	pthread_mutex_lock(&c->lock);
	for (int i = 0; i < TLB; i++)
		if (c->tlb[i].page > addr / PAGE &&
		    c->tlb[i].page <= (addr + len) / PAGE)
			c->tlb[i].prot &= prot;
	pthread_mutex_unlock(&c->lock);
}

static void
mmu_remove(void *arg, uintptr_t addr, size_t len)
{
	mmu_protect(arg, addr, len, PROT_NONE);
}

static void
mmu_sync(void *arg)
{
	(void)arg; /* nothing to do: remove and protect have waited */
}

static struct cpu *
cpu_create(const struct cpu *from)
{
	struct cpu *c = (struct cpu *)calloc(1, sizeof(*c));

	if (c == NULL)
		return (NULL);
	if (from != NULL) {
		c->pc = from->pc;
		c->acc = from->acc;
		c->at = from->at;
	}
	pthread_mutex_init(&c->lock, NULL);
	return (c);
}

static struct cpu *last_fork;

static int
mmu_fork(void *arg, void **child)
{
	last_fork = cpu_create((const struct cpu *)arg);
	*child = last_fork;
	return (last_fork == NULL ? ENOMEM : 0);
}

static void
mmu_destroy(void *arg)
{
	struct cpu *c = (struct cpu *)arg;

	pthread_mutex_destroy(&c->lock);
	free(c);
}

static const struct vmspace_mmu mmu = {
    mmu_enter, mmu_remove, mmu_protect, mmu_sync, mmu_fork, mmu_destroy};

/* ---- the machine ---- */

/* Load or store one aligned word of memory. */
static void
access_word(struct cpu *c, uint64_t addr, int prot, uint64_t *value)
{
	uint64_t page = addr / PAGE, i = page % TLB;
	int error;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		if (c->tlb[i].page == page + 1 && (c->tlb[i].prot & prot) != 0)
			break;
		pthread_mutex_unlock(&c->lock);
		c->misses++;
		error = vmspace_fault(c->vm, addr, prot);
		if (error != 0)
			die(error, "fault");
	}
	if (prot == PROT_WRITE)
		memcpy(c->tlb[i].ptr + addr % PAGE, value, sizeof(*value));
	else
		memcpy(value, c->tlb[i].ptr + addr % PAGE, sizeof(*value));
	pthread_mutex_unlock(&c->lock);
}

static void
run(struct cpu *c, uint64_t pc)
{
	uint64_t op, arg, v;

	for (c->pc = pc;; c->pc++) {
		access_word(c, CODE + c->pc * 16, PROT_READ, &op);
		access_word(c, CODE + c->pc * 16 + 8, PROT_READ, &arg);
		switch (op) {
		case SET_ACC:
			c->acc = arg;
			break;
		case SET_AT:
			c->at = arg;
			break;
		case STORE:
			access_word(c, c->at, PROT_WRITE, &c->acc);
			break;
		case ADD:
			c->acc += arg;
			break;
		case ADD_MEM:
			access_word(c, c->at, PROT_READ, &v);
			c->acc += v;
			break;
		case NEXT_PAGE:
			c->at += PAGE;
			break;
		case LOOP:
			if (c->at < DATA_END)
				c->pc = arg - 1;
			break;
		default:
			return;
		}
	}
}

/* The sum of n numbers from `first` on. */
static uint64_t
sum_from(uint64_t first)
{
	uint64_t n = (DATA_END - DATA) / PAGE;

	return (n * first + n * (n - 1) / 2);
}

static void
check(struct cpu *c, const char *name, uint64_t first)
{
	run(c, SUM);
	printf("%s: %s, %llu misses\n", name,
	    c->acc == sum_from(first) ? "sum right" : "sum WRONG",
	    (unsigned long long)c->misses);
	if (c->acc != sum_from(first))
		exit(1);
}

int
main(void)
{
	struct vkernel_swap swap;
	struct vkernel_config config;
	struct vkernel_stat st;
	struct vkernel *k;
	struct vmspace *vm, *copy;
	struct cpu *c = cpu_create(NULL);
	uintptr_t at = CODE, data = DATA;
	size_t done;
	int error;

	memset(&swap, 0, sizeof(swap));
	swap.kind = VKERNEL_SWAP_LZ4;
	swap.size = (uint64_t)256 << 20;
	swap.fd = -1;
	memset(&config, 0, sizeof(config));
	config.mem = (uint64_t)32 << 20;
	config.swap = &swap;
	config.nswap = 1;
	error = c == NULL ? ENOMEM : vkernel_create(&config, &k);
	if (error == 0)
		error = vmspace_create_mmu(k, &mmu, c, &vm);
	if (error != 0)
		die(error, "create");
	c->vm = vm;
	error = vmspace_mmap(vm, &at, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (error == 0)
		error = vmspace_mmap(vm, &data, DATA_END - DATA,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (error == 0)
		error =
		    vmspace_pwrite(vm, program, sizeof(program), CODE, &done);
	if (error != 0)
		die(error, "memory");

	c->acc = 1;
	run(c, FILL);
	error = vmspace_fork(vm, &copy);
	if (error != 0)
		die(error, "fork");
	last_fork->vm = copy;
	last_fork->acc = 1000000;
	run(last_fork, FILL);
	check(last_fork, "copy", 1000000);
	check(c, "original", 1);
	vmspace_free(copy);
	vkernel_stat(k, &st);
	printf("pages out %s, in %s\n", st.swap_outs > 0 ? "yes" : "no",
	    st.swap_ins > 0 ? "yes" : "no");
	vmspace_free(vm);
	vkernel_destroy(k);
	return (0);
}
