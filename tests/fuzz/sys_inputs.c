/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Programs of the system-call fuzzer.
 *
 * Concepts. A call is useful when its number is that of a call and its
 * arguments are of the right kinds. So a random call takes the pools of its
 * arguments from the kinds in the table of system calls, and in some cases from
 * any pool. A few calls with many flags have lines of their own (recipes).
 *
 * Calls that may sleep for ever, end the program or send signals are a small
 * part, since each of them ends most of what the rest of a program could have
 * tried. The seeds are short sequences as real programs make them, one for each
 * part of the kernel; a new input is a seed with changes, or random.
 */
#include "fuzz_sys.h"

#include <string.h>
#include <sys/syscall.h>

#include "linux/lib/syscall.h"

/* ---- a random call ---- */

static const struct {
	uint16_t nr;
	uint8_t pool[6];
} recipes[] = {
    {SYS_mmap, {POOL_MAP, POOL_SIZE, POOL_PROT, POOL_MMAP, POOL_FD, POOL_SIZE}},
    {SYS_mmap, {POOL_MAP, POOL_SIZE, POOL_PROT, POOL_MMAP, POOL_FD, POOL_ODD}},
    {SYS_munmap, {POOL_MAP, POOL_SIZE}},
    {SYS_mprotect, {POOL_MAP, POOL_SIZE, POOL_PROT}},
    {SYS_mremap, {POOL_MAP, POOL_SIZE, POOL_SIZE, POOL_RAW, POOL_MAP}},
    {SYS_madvise, {POOL_MAP, POOL_SIZE, POOL_RAW}},
    {SYS_mlock, {POOL_MAP, POOL_SIZE}},
    {SYS_msync, {POOL_MAP, POOL_SIZE, POOL_RAW}},
    {SYS_mincore, {POOL_MAP, POOL_SIZE, POOL_PTR}},
    {SYS_brk, {POOL_RET}},
    {SYS_read, {POOL_FD, POOL_MAP, POOL_SIZE}},
    {SYS_write, {POOL_FD, POOL_MAP, POOL_SIZE}},
    {SYS_openat, {POOL_FD, POOL_PATH, POOL_OPEN, POOL_BIT}},
    {SYS_open, {POOL_PATH, POOL_OPEN, POOL_BIT}},
    {SYS_clone, {POOL_CLONE, POOL_STACK, POOL_PTR, POOL_PTR, POOL_PTR}},
    {SYS_fork, {0}},
    {SYS_wait4, {POOL_PID, POOL_PTR, POOL_RAW, POOL_PTR}},
    {SYS_futex, {POOL_PTR, POOL_RAW, POOL_RAW, POOL_PTR, POOL_PTR, POOL_RAW}},
    {SYS_fcntl, {POOL_FD, POOL_RAW, POOL_PTR}},
    {SYS_ioctl, {POOL_FD, POOL_ODD, POOL_PTR}},
    {SYS_epoll_ctl, {POOL_FD, POOL_RAW, POOL_FD, POOL_PTR}},
    {SYS_rt_sigaction, {POOL_RAW, POOL_PTR, POOL_PTR, POOL_RAW}},
    {SYS_socket, {POOL_RAW, POOL_RAW, POOL_RAW}},
    {SYS_bind, {POOL_FD, POOL_PTR, POOL_SIZE}},
    {SYS_connect, {POOL_RET, POOL_PTR, POOL_SIZE}},
    {SYS_accept4, {POOL_FD, POOL_PTR, POOL_PTR, POOL_BIT}},
    {SYS_sendmsg, {POOL_FD, POOL_PTR, POOL_BIT}},
    {SYS_recvmsg, {POOL_FD, POOL_PTR, POOL_BIT}},
    {SYS_setsockopt, {POOL_FD, POOL_RAW, POOL_RAW, POOL_PTR, POOL_SIZE}},
    {SYS_getsockopt, {POOL_FD, POOL_RAW, POOL_RAW, POOL_PTR, POOL_PTR}},
    {SYS_semop, {POOL_RAW, POOL_PTR, POOL_RAW}},
    {SYS_semctl, {POOL_RAW, POOL_RAW, POOL_RAW, POOL_PTR}},
    {SYS_msgsnd, {POOL_RAW, POOL_PTR, POOL_SIZE, POOL_RAW}},
    {SYS_msgrcv, {POOL_RAW, POOL_PTR, POOL_SIZE, POOL_RAW, POOL_RAW}},
    {SYS_prctl, {POOL_RAW, POOL_PTR, POOL_RAW, POOL_RAW, POOL_RAW}},
    {SYS_execve, {POOL_PATH, POOL_PTR, POOL_PTR}},
    {OP_READ, {POOL_MAP}},
    {OP_WRITE, {POOL_MAP}},
    {OP_WRITE, {POOL_STACK}},
    {OP_FETCH, {POOL_MAP}},
    {OP_STORE, {POOL_PTR, POOL_ODD}},
    {OP_STORE, {POOL_MAP, POOL_RET}},
    {OP_EXCEPTION, {POOL_RAW}},
    {OP_NOTHING, {0}},
    {OP_PAUSE, {0}},
    {OP_REFILL, {0}},
};

/* May end or stop the program, or disable most of what it can do. */
static bool
ends_program(uint64_t nr)
{
	static const uint16_t v[] = {SYS_exit, SYS_exit_group, SYS_pause,
	    SYS_rt_sigsuspend, SYS_rt_sigreturn, SYS_execve, SYS_execveat,
	    SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
	    SYS_rt_tgsigqueueinfo, SYS_nanosleep, SYS_clock_nanosleep, SYS_poll,
	    SYS_ppoll, SYS_select, SYS_pselect6, SYS_epoll_wait,
	    SYS_epoll_pwait, SYS_epoll_pwait2, SYS_rt_sigtimedwait, SYS_wait4,
	    SYS_waitid, SYS_vfork, SYS_clone, SYS_clone3, SYS_fork, SYS_alarm,
	    SYS_semop, SYS_semtimedop, SYS_msgsnd, SYS_msgrcv, SYS_setitimer,
	    SYS_close_range, SYS_setrlimit, SYS_prlimit64, SYS_futex,
	    SYS_accept, SYS_accept4, SYS_connect, SYS_recvfrom, SYS_recvmsg,
	    SYS_recvmmsg, OP_EXCEPTION, OP_FETCH, OP_READ, OP_WRITE};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (nr == v[i])
			return (true);
	return (false);
}

static uint8_t
pool_of_kind(uint64_t *r, const char *kind, size_t len)
{
	static const uint8_t words[] = {POOL_RAW, POOL_RAW, POOL_RAW, POOL_PID,
	    POOL_BIT, POOL_ODD, POOL_RET};
	static const uint8_t ptrs[] = {
	    POOL_PTR, POOL_PTR, POOL_PTR, POOL_MAP, POOL_STACK, POOL_ODD};

	if (len == 2) /* fd */
		return (POOL_FD);
	if (strncmp(kind, "str", len) == 0)
		return (POOL_PATH);
	if (strncmp(kind, "ptr", len) == 0)
		return (FUZZ_PICK(r, ptrs));
	if (strncmp(kind, "size", len) == 0 || strncmp(kind, "off", len) == 0)
		return (POOL_SIZE);
	if (strncmp(kind, "flags", len) == 0)
		return (POOL_OPEN);
	return (FUZZ_PICK(r, words));
}

/* Most plain words are small numbers. */
static struct sys_arg
random_arg(uint64_t *r, uint8_t pool)
{
	struct sys_arg a = {.pool = pool, .idx = (uint8_t)rnd_next(r)};

	if (rnd_below(r, 12) == 0)
		a.pool = (uint8_t)rnd_below(r, POOL_N);
	if ((a.pool == POOL_RAW || a.pool == POOL_MAP) && rnd_below(r, 4))
		a.idx %= 16;
	/* Results unchanged, in most cases. */
	if (a.pool == POOL_RET && rnd_below(r, 4))
		a.idx &= 3;
	return (a);
}

static struct sys_op
random_op(uint64_t *r)
{
	struct sys_op op = {0};
	const char *kinds, *end;

	if (rnd_below(r, 2)) {
		const size_t n =
		    rnd_below(r, sizeof(recipes) / sizeof(recipes[0]));

		op.nr = recipes[n].nr;
		for (int i = 0; i < 6; i++)
			op.a[i] = random_arg(r, recipes[n].pool[i]);
	} else {
		do
			op.nr = (uint16_t)rnd_below(r, syscall_table_n);
		while (syscall_table[op.nr].fn == NULL && rnd_below(r, 50));
		kinds = syscall_table[op.nr].kinds;
		for (int i = 0; i < 6 && kinds != NULL && *kinds != '\0'; i++) {
			end = kinds + strcspn(kinds, ",");
			op.a[i] = random_arg(
			    r, pool_of_kind(r, kinds, (size_t)(end - kinds)));
			kinds = *end == ',' ? end + 1 : end;
		}
	}
	if (ends_program(op.nr) && rnd_below(r, 8))
		return (random_op(r));
	return (op);
}

/* ---- seeds ---- */

#define A(p, i)               \
	{                     \
		POOL_##p, (i) \
	}
#define ANON A(MMAP, 2) /* private, fixed */

/* Descriptors 2 to 11; 0 and 1 are /dev/null. */
const struct sys_op sys_prologue[] = {
    {SYS_pipe2, {A(PTR, SLOT_FREE), A(BIT, 11)}}, /* 2, 3; O_NONBLOCK */
    {SYS_open, {A(PATH, 0), A(OPEN, 3), A(OPEN, 12)}},
    {SYS_open, {A(PATH, 4), A(OPEN, 3), A(OPEN, 12)}},
    {SYS_open, {A(PATH, 10), A(OPEN, 7)}},
    {SYS_eventfd2, {A(RAW, 1), A(RAW, 0)}},
    {SYS_epoll_create1, {A(RAW, 0)}},
    {SYS_socketpair, {A(RAW, 1), A(RAW, 1), A(RAW, 0), A(PTR, SLOT_FREE)}},
    {SYS_memfd_create, {A(PATH, 12), A(RAW, 0)}},
    {SYS_mmap,
	{A(MAP, 0), A(SIZE, 21), A(PROT, 3), ANON, A(FD, 255), A(RAW, 0)}},
    {SYS_write, {A(FD, 4), A(PTR, 0), A(SIZE, 21)}},
    {SYS_write, {A(FD, 5), A(PTR, 0), A(SIZE, 21)}},
};
const unsigned sys_prologue_n = sizeof(sys_prologue) / sizeof(sys_prologue[0]);

static const struct sys_op seed_memory[] = {
    {OP_WRITE, {A(MAP, 3)}},
    {SYS_mprotect, {A(MAP, 2), A(SIZE, 20), A(PROT, 1)}},
    {SYS_mremap, {A(MAP, 0), A(SIZE, 20), A(SIZE, 21), A(RAW, 1), A(RAW, 0)}},
    {SYS_mmap,
	{A(MAP, 4), A(SIZE, 20), A(PROT, 3), A(MMAP, 5), A(FD, 4), A(RAW, 0)}},
    {OP_WRITE, {A(MAP, 4)}},
    {SYS_msync, {A(MAP, 4), A(SIZE, 18), A(RAW, 4)}},
    {SYS_mmap, {A(MAP, 6), A(SIZE, 21), A(PROT, 3), A(MMAP, 4), A(FD, 5),
		   A(SIZE, 18)}},
    {OP_STORE, {A(MAP, 6), A(RAW, 7)}},
    {SYS_mlock, {A(MAP, 6), A(SIZE, 18)}},
    {SYS_madvise, {A(MAP, 0), A(SIZE, 21), A(RAW, 4)}},
    {SYS_mincore, {A(MAP, 0), A(SIZE, 21), A(PTR, SLOT_FREE)}},
    {SYS_ftruncate, {A(FD, 5), A(SIZE, 1)}},
    {SYS_brk, {A(RAW, 0)}},
    {SYS_brk, {A(RET, 8)}},
    {SYS_munmap, {A(MAP, 5), A(SIZE, 18)}},
};

static const struct sys_op seed_fork[] = {
    {OP_WRITE, {A(MAP, 1)}},
    {SYS_fork, {{0}}},
    {OP_STORE, {A(MAP, 1), A(RET, 0)}},
    {SYS_clone, {A(CLONE, 2), A(STACK, 0)}},
    {SYS_futex,
	{A(PTR, SLOT_FREE + 3), A(RAW, 0), A(RAW, 0), A(PTR, SLOT_TIME + 64)}},
    {SYS_futex, {A(PTR, SLOT_FREE + 3), A(RAW, 1), A(RAW, 1)}},
    {SYS_set_robust_list, {A(PTR, SLOT_ROBUST), A(SIZE, 7)}},
    {SYS_wait4, {A(PID, 3), A(PTR, SLOT_FREE), A(RAW, 1), A(RAW, 0)}},
    {SYS_vfork, {{0}}},
    {SYS_execve, {A(PATH, 8), A(PTR, SLOT_ARGV), A(RAW, 0)}},
};

static const struct sys_op seed_files[] = {
    {SYS_mkdir, {A(PATH, 6), A(OPEN, 12)}},
    {SYS_openat, {A(FD, 225), A(PATH, 7), A(OPEN, 3), A(OPEN, 12)}},
    {SYS_writev, {A(RET, 0), A(PTR, SLOT_IOV), A(RAW, 2)}},
    {SYS_rename, {A(PATH, 7), A(PATH, 5)}},
    {SYS_link, {A(PATH, 5), A(PATH, 7)}},
    {SYS_symlink, {A(PATH, 5), A(PATH, 22)}},
    {SYS_stat, {A(PATH, 22), A(PTR, SLOT_FREE)}},
    {SYS_getdents64, {A(FD, 6), A(PTR, SLOT_FREE), A(SIZE, 15)}},
    {SYS_unlink, {A(PATH, 7)}},
    {SYS_rmdir, {A(PATH, 6)}},
    {SYS_fallocate, {A(FD, 5), A(RAW, 3), A(SIZE, 18), A(SIZE, 18)}},
    {SYS_sendfile, {A(FD, 5), A(FD, 4), A(RAW, 0), A(SIZE, 21)}},
    {SYS_copy_file_range,
	{A(FD, 4), A(RAW, 0), A(FD, 5), A(RAW, 0), A(SIZE, 20)}},
    {SYS_dup2, {A(FD, 4), A(FD, 13)}},
    {SYS_close_range, {A(FD, 7), A(FD, 13)}},
    {SYS_open, {A(PATH, 15), A(OPEN, 0)}},
    {SYS_pread64, {A(RET, 0), A(PTR, SLOT_FREE), A(SIZE, 16), A(RAW, 0)}},
};

static const struct sys_op seed_events[] = {
    {SYS_epoll_ctl, {A(FD, 8), A(RAW, 1), A(FD, 2), A(PTR, SLOT_EPOLL)}},
    {SYS_epoll_ctl, {A(FD, 8), A(RAW, 1), A(FD, 7), A(PTR, SLOT_EPOLL)}},
    {SYS_write, {A(FD, 3), A(PTR, 0), A(RAW, 9)}},
    {SYS_epoll_wait, {A(FD, 8), A(PTR, SLOT_FREE), A(RAW, 4), A(RAW, 0)}},
    {SYS_poll, {A(PTR, SLOT_POLL), A(RAW, 6), A(RAW, 1)}},
    {SYS_read, {A(FD, 2), A(PTR, SLOT_FREE), A(RAW, 64)}},
    {SYS_timerfd_create, {A(RAW, 1), A(RAW, 0)}},
    {SYS_timerfd_settime,
	{A(RET, 0), A(RAW, 0), A(PTR, SLOT_TIME + 64), A(RAW, 0)}},
    {SYS_read, {A(RET, 1), A(PTR, SLOT_FREE), A(RAW, 8)}},
    {SYS_read, {A(FD, 9), A(PTR, SLOT_FREE), A(RAW, 8)}},
};

static const struct sys_op seed_signals[] = {
    {SYS_sigaltstack, {A(PTR, SLOT_STACK), A(RAW, 0)}},
    {SYS_rt_sigaction, {A(RAW, 10), A(PTR, SLOT_ACTION), A(RAW, 0), A(RAW, 8)}},
    {SYS_kill, {A(PID, 0), A(RAW, 10)}},
    {SYS_rt_sigreturn, {{0}}},
    {SYS_rt_sigprocmask,
	{A(RAW, 0), A(PTR, SLOT_SIGSET), A(RAW, 0), A(RAW, 8)}},
    {SYS_rt_sigqueueinfo, {A(PID, 0), A(RAW, 40), A(PTR, SLOT_SIGINFO)}},
    {SYS_rt_sigtimedwait, {A(PTR, SLOT_SIGSET), A(PTR, SLOT_FREE),
			      A(PTR, SLOT_TIME + 64), A(RAW, 8)}},
    {SYS_setitimer, {A(RAW, 0), A(PTR, SLOT_TIMER), A(RAW, 0)}},
    {SYS_nanosleep, {A(PTR, SLOT_TIME + 64), A(RAW, 0)}},
    {OP_EXCEPTION, {A(RAW, 11)}},
};

/* Descriptors are sent along, and some are never received. */
static const struct sys_op seed_sockets[] = {
    {SYS_sendmsg, {A(FD, 9), A(PTR, SLOT_MSGHDR), A(BIT, 14)}},
    {SYS_recvmsg, {A(FD, 10), A(PTR, SLOT_MSGHDR), A(BIT, 1)}},
    {SYS_recvmsg, {A(FD, 10), A(PTR, SLOT_MSGHDR), A(BIT, 6)}},
    {SYS_setsockopt,
	{A(FD, 10), A(RAW, 1), A(RAW, 16), A(PTR, SLOT_SCHED), A(RAW, 4)}},
    {SYS_sendto, {A(FD, 9), A(PTR, 0), A(SIZE, 21), A(BIT, 6)}},
    {SYS_sendmmsg, {A(FD, 9), A(PTR, SLOT_MSGHDR), A(RAW, 1), A(BIT, 6)}},
    {SYS_recvmmsg,
	{A(FD, 10), A(PTR, SLOT_MSGHDR), A(RAW, 2), A(BIT, 6), A(RAW, 0)}},
    {SYS_socket, {A(RAW, 1), A(RAW, 1), A(RAW, 0)}},
    {SYS_bind, {A(RET, 0), A(PTR, SLOT_SOCKADDR), A(RAW, 13)}},
    {SYS_listen, {A(FD, 12), A(RAW, 3)}},
    {SYS_socket, {A(RAW, 1), A(RAW, 1), A(RAW, 0)}},
    {SYS_connect, {A(FD, 13), A(PTR, SLOT_SOCKADDR), A(RAW, 13)}},
    {SYS_getpeername,
	{A(FD, 13), A(PTR, SLOT_FREE), A(PTR, SLOT_SOCKADDR + 64)}},
    {SYS_accept4, {A(FD, 12), A(RAW, 0), A(RAW, 0), A(BIT, 11)}},
    {SYS_sendmsg, {A(FD, 13), A(PTR, SLOT_MSGHDR), A(BIT, 6)}},
    {SYS_socket, {A(RAW, 1), A(RAW, 2), A(RAW, 0)}},
    {SYS_bind, {A(RET, 0), A(PTR, SLOT_SOCKADDR + 128), A(RAW, 7)}},
    {SYS_sendmsg, {A(RET, 1), A(PTR, SLOT_MSGHDR + 128), A(BIT, 6)}},
    {SYS_shutdown, {A(FD, 9), A(RAW, 1)}},
};

/* The first set and the first queue have number 0. */
static const struct sys_op seed_ipc[] = {
    {SYS_semget, {A(RAW, 0), A(RAW, 4), A(RAW, 0)}},
    {SYS_semctl, {A(RAW, 0), A(RAW, 1), A(RAW, 16), A(RAW, 5)}},
    {SYS_semctl, {A(RAW, 0), A(RAW, 0), A(RAW, 13), A(PTR, SLOT_FREE + 1)}},
    {SYS_semop, {A(RAW, 0), A(PTR, SLOT_FREE), A(RAW, 3)}},
    {SYS_semtimedop,
	{A(RAW, 0), A(PTR, SLOT_LOCK), A(RAW, 1), A(PTR, SLOT_TIME)}},
    {SYS_msgget, {A(RAW, 0), A(RAW, 0)}},
    {SYS_msgsnd, {A(RAW, 0), A(PTR, SLOT_IOV), A(RAW, 100), A(RAW, 0)}},
    {SYS_msgctl, {A(RAW, 0), A(RAW, 2), A(PTR, SLOT_FREE + 2)}},
    {SYS_clone, {A(CLONE, 2), A(STACK, 0)}},
    {SYS_msgrcv, {A(RAW, 0), A(PTR, SLOT_FREE), A(RAW, 90), A(RAW, 0)}},
    {SYS_semop, {A(RAW, 0), A(PTR, SLOT_EPOLL), A(RAW, 2)}},
    {SYS_semctl, {A(RAW, 0), A(RAW, 0), A(RAW, 17), A(PTR, SLOT_FREE + 1)}},
    {SYS_msgctl, {A(RAW, 0), A(RAW, 1), A(PTR, SLOT_FREE + 2)}},
    {SYS_semctl, {A(RAW, 0), A(RAW, 0), A(RAW, 0)}},
    {SYS_msgctl, {A(RAW, 0), A(RAW, 0)}},
};

/* A mapping that begins behind the end of its tmpfs file, and is never
 * touched. */
static const struct sys_op seed_short[] = {
    {SYS_mmap, {A(MAP, 6), A(SIZE, 21), A(PROT, 1), A(MMAP, 4), A(FD, 5),
		   A(SIZE, 23)}},
};

/* One thread changes state that the exec of another thread, and the search
 * for a thread, read. */
static const struct sys_op seed_threads[] = {
    {SYS_clone, {A(CLONE, 2), A(STACK, 0)}},
    {SYS_setresgid, {A(RAW, 0), A(RAW, 0), A(RAW, 0)}},
    {SYS_setrlimit, {A(RAW, 3), A(PTR, SLOT_RLIMIT)}},
    {SYS_fork, {{0}}},
    {SYS_sched_rr_get_interval, {A(PID, 8), A(PTR, SLOT_FREE)}},
    {SYS_clone, {A(CLONE, 2), A(STACK, 0)}},
    {SYS_execve, {A(PATH, 9), A(PTR, SLOT_ARGV), A(RAW, 0)}},
};

#define SEED(v)                  \
	{                        \
#v, v, sizeof(v) \
	}
static const struct {
	const char *name;
	const void *ops;
	size_t len;
} seeds[] = {SEED(seed_memory), SEED(seed_fork), SEED(seed_files),
    SEED(seed_events), SEED(seed_signals), SEED(seed_short), SEED(seed_threads),
    SEED(seed_sockets), SEED(seed_ipc)};
#define NSEEDS (sizeof(seeds) / sizeof(seeds[0]))

size_t
sys_seed(unsigned i, uint8_t *buf, const char **name)
{
	if (i >= NSEEDS)
		return (SIZE_MAX);
	*name = seeds[i].name + strlen("seed_");
	memcpy(buf, seeds[i].ops, seeds[i].len);
	return (seeds[i].len);
}

/* ---- changes ---- */

static size_t
insert(uint8_t *buf, size_t n, size_t at, const struct sys_op *op)
{
	const size_t each = sizeof(*op);

	if (n >= SYS_OPS_MAX)
		return (n);
	memmove(buf + (at + 1) * each, buf + at * each, (n - at) * each);
	memcpy(buf + at * each, op, each);
	return (n + 1);
}

size_t
sys_mutate(uint64_t *r, uint8_t *buf, size_t len)
{
	const size_t each = sizeof(struct sys_op);
	size_t n = len / each, at = rnd_below(r, n + 1);
	struct sys_op op = random_op(r), old;

	if (n == 0 || at == n || rnd_below(r, 3) == 0)
		return (insert(buf, n, at, &op) * each);
	memcpy(&old, buf + at * each, each);
	switch (rnd_below(r, 6)) {
	case 0: /* remove one */
		memmove(buf + at * each, buf + (at + 1) * each,
		    (n - at - 1) * each);
		return ((n - 1) * each);
	case 1: /* copy one to another place */
		return (insert(buf, n, rnd_below(r, n), &old) * each);
	case 2:
		memcpy(buf + at * each, &op, each);
		break;
	case 3: /* another call, the same arguments */
		memcpy(buf + at * each, &op.nr, sizeof(op.nr));
		break;
	default: /* another argument */
		at = at * each + 2 + rnd_below(r, each - 2);
		buf[at] =
		    (uint8_t)(at % 2 == 0 ? rnd_below(r, POOL_N) : rnd_next(r));
		break;
	}
	return (n * each);
}

size_t
sys_make(uint64_t *r, uint8_t *buf)
{
	const size_t most = rnd_below(r, 4) ? 40 : SYS_OPS_MAX;
	const char *name;
	size_t len = 0;

	if (rnd_below(r, 2))
		len = sys_seed((unsigned)rnd_below(r, NSEEDS), buf, &name);
	for (uint64_t n = 1 + rnd_below(r, most); n > 0; n--)
		len = sys_mutate(r, buf, len);
	return (len);
}
