/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Arguments of fuzzed system calls.
 *
 * Concepts. An argument is a pool and an index into it, so that two random
 * bytes in most cases name a value that a call can use: a path that exists, a
 * descriptor that is open, a pointer to a structure of the right kind, the
 * result of the call before. Structures and strings are in the scratch area of
 * the guest, a slot each; calls overwrite them, and OP_REFILL restores them.
 *
 * A slot is used at four offsets (slot_at): the structures that matter have a
 * useful field at the first three, and the last one makes a pointer that is
 * misaligned and reaches into the next slot.
 */
#include "fuzz_sys.h"

#include <fcntl.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/mman.h"
#include "abi/poll.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "vfs/socket/socket.h"
#include "kern/base/lwp.h"

static const uint64_t slot_at[] = {0, 16, 64, 251};

static const char *const paths[SLOT_TIME] = {"/rw/a", "/rw/b", "/rw/d",
    "/rw/d/e", "/tmp/a", "/tmp/b", "/tmp/d", "/tmp/d/e", "/p", "/sh", "/", "",
    ".", "/dev/null", "/dev/zero", "/proc/self/maps", "/proc/self/fd/2",
    "/proc/1/mem", "/proc", "/nothing", "/p/x", "../../tmp/../rw/./a",
    "/tmp/link", NULL /* too long: see sys_scratch */};

static const uint64_t odd[] = {0, 1, 2, 3, 7, 8, 64, 4095, 4096, 4097, 0xffff,
    0x400000, 0x402000, INT32_MAX, (uint64_t)INT32_MAX + 1, UINT32_MAX,
    (uint64_t)UINT32_MAX + 1, UINT64_C(1) << 46, 0x7ffdfffff000, 0x7ffdffffffff,
    0x7ffe00000000, 0x7ffffffff000, UINT64_C(1) << 47, INT64_MAX - 4095,
    INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 4095, UINT64_MAX - 1, UINT64_MAX,
    (uint64_t)-100};

static const uint64_t sizes[] = {0, 1, 2, 7, 8, 12, 16, 24, 32, 64, 88, 128,
    144, 255, 256, 1023, 1024, 4095, 4096, 4097, 8192, 65536, 0x21000, 1 << 20,
    16 << 20, 64 << 20, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 46,
    INT64_MAX, UINT64_MAX, (uint64_t)-4096};

static const uint64_t prots[] = {0, 1, 2, 3, 4, 5, 6, 7, 0x01000000, 8};

static const uint64_t mmaps[] = {LX_MAP_PRIVATE | LX_MAP_ANONYMOUS,
    LX_MAP_SHARED | LX_MAP_ANONYMOUS,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED,
    LX_MAP_SHARED | LX_MAP_ANONYMOUS | LX_MAP_FIXED,
    LX_MAP_PRIVATE | LX_MAP_FIXED, LX_MAP_SHARED | LX_MAP_FIXED, LX_MAP_PRIVATE,
    LX_MAP_SHARED, LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED_NOREPLACE,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED | LX_MAP_GROWSDOWN,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED | LX_MAP_POPULATE,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_FIXED | LX_MAP_LOCKED,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_NORESERVE,
    LX_MAP_PRIVATE | LX_MAP_ANONYMOUS | LX_MAP_32BIT};

static const uint64_t opens[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT,
    O_RDWR | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_EXCL, O_RDWR | O_APPEND,
    O_RDONLY | O_DIRECTORY, O_PATH, O_RDWR | O_TMPFILE, O_RDONLY | O_NOFOLLOW,
    O_RDWR | O_NONBLOCK | O_CLOEXEC, /* and modes: */ 0777, 0600, 0};

#define THREAD                                                           \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD)
static const uint64_t clones[] = {LX_SIGCHLD, 0, THREAD,
    THREAD | LX_CLONE_PARENT_SETTID | LX_CLONE_CHILD_CLEARTID |
	LX_CLONE_CHILD_SETTID,
    LX_CLONE_VM | LX_CLONE_VFORK | LX_SIGCHLD, LX_CLONE_FILES | LX_SIGCHLD,
    LX_CLONE_FS | LX_CLONE_FILES, LX_CLONE_VM | LX_SIGCHLD,
    LX_CLONE_VM | LX_CLONE_SIGHAND, LX_CLONE_PARENT | LX_SIGCHLD,
    LX_CLONE_SIGHAND, LX_CLONE_THREAD, LX_CLONE_NEWPID, 10};

#define OF(v, i) ((v)[(i) % (sizeof(v) / sizeof((v)[0]))])

static uint64_t
fd_value(uint8_t idx)
{
	static const uint64_t other[] = {(uint64_t)-1, (uint64_t)LX_AT_FDCWD,
	    63, 1023, 1024, INT32_MAX, (uint64_t)INT32_MIN, UINT32_MAX};

	return (idx < 224 ? idx % 14 : OF(other, idx));
}

static uint64_t
ret_value(const struct trapframe *tf, uint8_t idx)
{
	const uint64_t last[] = {tf->rbx, tf->r12, tf->r13, tf->rax};

	return (last[idx & 3] + (uint64_t)(int64_t)(int8_t)(idx & 0xfc));
}

static uint64_t
pid_value(struct lwp *l, uint8_t idx)
{
	const int64_t v[] = {l->p->pid, l->tid, 0, -1, -l->p->pid, 1,
	    (int64_t)l->cpu->tf.rbx, (int64_t)l->cpu->tf.r12, l->p->pid + 1,
	    l->p->pid - 1, INT32_MIN, INT32_MAX};

	return ((uint64_t)OF(v, idx));
}

uint64_t
sys_value(struct lwp *l, struct sys_arg a)
{
	const struct trapframe *tf = &l->cpu->tf;

	switch (a.pool % POOL_N) {
	case POOL_ODD:
		return (OF(odd, a.idx));
	case POOL_PTR:
		return (SCRATCH +
			(uint64_t)(a.idx % SCRATCH_SLOTS) * SCRATCH_SLOT +
			slot_at[a.idx / SCRATCH_SLOTS]);
	case POOL_PATH:
		return (SCRATCH + (uint64_t)(a.idx % SLOT_TIME) * SCRATCH_SLOT);
	case POOL_MAP:
		return (PLAYGROUND + (uint64_t)a.idx * PAGE_SIZE);
	case POOL_STACK:
		return (tf->rsp + ((uint64_t)a.idx - 192) * 256);
	case POOL_FD:
		return (fd_value(a.idx));
	case POOL_SIZE:
		return (OF(sizes, a.idx));
	case POOL_RET:
		return (ret_value(tf, a.idx));
	case POOL_PID:
		return (pid_value(l, a.idx));
	case POOL_BIT:
		return (UINT64_C(1) << (a.idx & 63));
	case POOL_PROT:
		return (OF(prots, a.idx));
	case POOL_MMAP:
		return (OF(mmaps, a.idx));
	case POOL_OPEN:
		return (OF(opens, a.idx));
	case POOL_CLONE:
		return (OF(clones, a.idx));
	default:
		return (a.idx);
	}
}

/* ---- the scratch area ---- */

static uint64_t
slot(unsigned n)
{
	return (SCRATCH + (uint64_t)n * SCRATCH_SLOT);
}

static void
put(uint8_t *buf, unsigned n, unsigned at, const void *v, size_t len)
{
	memcpy(buf + (size_t)n * SCRATCH_SLOT + at, v, len);
}

#define PUT(n, at, ...)                                 \
	do {                                            \
		const uint64_t words[] = {__VA_ARGS__}; \
		put(buf, n, at, words, sizeof(words));  \
	} while (0)

static void
scratch_signals(uint8_t *buf)
{
	PUT(SLOT_SIGSET, 0, UINT64_MAX, 0);
	PUT(SLOT_SIGSET, 16, 0, UINT64_C(1) << (LX_SIGUSR1 - 1));
	PUT(SLOT_SIGSET, 64, UINT64_C(1) << (LX_SIGCHLD - 1));
	PUT(SLOT_ACTION, 0, 0x400100, LX_SA_RESTORER | LX_SA_SIGINFO, 0x400200);
	PUT(SLOT_ACTION, 64, 1, LX_SA_NOCLDWAIT, 0, 0);
	PUT(SLOT_STACK, 0, PLAYGROUND, 0);
	PUT(SLOT_STACK, 16, 65536, 0);
	PUT(SLOT_STACK, 64, 0, LX_SS_DISABLE, 0);
	PUT(SLOT_SIGINFO, 0, LX_SIGUSR1, (uint32_t)-1, 0, 77);
	PUT(SLOT_SIGINFO, 64, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	PUT(SLOT_PSELECT, 0, slot(SLOT_SIGSET), 8);
	PUT(SLOT_PSELECT, 64, slot(SLOT_SIGSET), 9);
}

static void
scratch_files(uint8_t *buf)
{
	const struct lx_pollfd pf[] = {{2, LX_POLLIN, 0}, {3, LX_POLLOUT, 0},
	    {-1, -1, 0}, {99, LX_POLLIN, 0}, {4, -1, 0}, {5, LX_POLLIN, 0}};
	const struct lx_epoll_event ev = {.events = 0x80000005, .data = 5};
	const struct lx_flock lock = {.type = 1, .start = 3, .len = 7};
	const struct lx_flock wrong = {.type = 9, .whence = 7, .len = -7};
	const uint64_t bad = UINT64_C(1) << 47;

	PUT(SLOT_IOV, 0, slot(SLOT_FREE), 64, slot(SLOT_FREE + 1), 200,
	    slot(SLOT_TIME), 0, bad, 8);
	PUT(SLOT_IOV, 64, slot(SLOT_FREE), UINT64_MAX, PLAYGROUND, INT64_MAX,
	    PLAYGROUND, 65536);
	put(buf, SLOT_POLL, 0, pf, sizeof(pf));
	put(buf, SLOT_POLL, 64, pf, sizeof(pf));
	put(buf, SLOT_EPOLL, 0, &ev, sizeof(ev));
	put(buf, SLOT_EPOLL, 64, &ev, sizeof(ev));
	PUT(SLOT_HOW, 0, O_RDWR | O_CREAT, 0600, 0);
	PUT(SLOT_HOW, 64, O_RDONLY, 0, 0x3f);
	put(buf, SLOT_LOCK, 0, &lock, sizeof(lock));
	put(buf, SLOT_LOCK, 64, &wrong, sizeof(wrong));
}

/* struct msghdr and struct mmsghdr, and the data that they point to. */
static void
scratch_sockets(uint8_t *buf)
{
	const struct host_sockaddr path = {.raw = "\1\0/tmp/sock"};
	const struct host_sockaddr abstract = {.raw = "\1\0\0name"};
	const struct sock_cmsg rights = {20, LX_SOL_SOCKET, LX_SCM_RIGHTS};
	const struct sock_cmsg cred = {28, LX_SOL_SOCKET, LX_SCM_CREDENTIALS};
	const uint32_t fds[] = {4, 9, 10, 2};

	put(buf, SLOT_SOCKADDR, 0, path.raw, 16);
	put(buf, SLOT_SOCKADDR, 16, "\1\0/tmp/other", 13);
	put(buf, SLOT_SOCKADDR, 64, abstract.raw, 16);
	PUT(SLOT_MSGHDR, 0, 0, 0, slot(SLOT_IOV), 1, slot(SLOT_CONTROL), 24);
	PUT(SLOT_MSGHDR, 64, slot(SLOT_SOCKADDR), 16, slot(SLOT_IOV), 3,
	    slot(SLOT_CONTROL) + 64, 64);
	put(buf, SLOT_CONTROL, 0, &rights, sizeof(rights));
	put(buf, SLOT_CONTROL, 16, fds, sizeof(fds));
	put(buf, SLOT_CONTROL, 64, &cred, sizeof(cred));
	put(buf, SLOT_CONTROL, 96, &rights, sizeof(rights));
	put(buf, SLOT_CONTROL, 112, fds, sizeof(fds));
}

void
sys_scratch(uint8_t buf[SCRATCH_SLOT * SCRATCH_SLOTS])
{
	const struct lx_sched_attr sched = {.size = 48, .nice = 3};

	memset(buf, 0, SCRATCH_SLOT * SCRATCH_SLOTS);
	for (unsigned i = 0; i < SLOT_TIME; i++) {
		if (paths[i] != NULL)
			put(buf, i, 0, paths[i], strlen(paths[i]) + 1);
		else /* no NUL before that of the first string behind it */
			memset(buf + i * SCRATCH_SLOT, 'n', SCRATCH_SLOT);
		put(buf, i, 64, "/tmp/x", 7);
	}
	PUT(SLOT_TIME, 0, 0, 0);
	PUT(SLOT_TIME, 16, 0, 100000, 0, 100000);
	PUT(SLOT_TIME, 64, UINT64_C(1) << 40, 5, UINT64_MAX, 1000000000);
	PUT(SLOT_RLIMIT, 0, 1 << 20, UINT64_MAX);
	PUT(SLOT_RLIMIT, 16, 3, 3);
	PUT(SLOT_RLIMIT, 64, UINT64_MAX, 0);
	PUT(SLOT_ARGV, 0, slot(8), slot(9), 0);
	PUT(SLOT_ARGV, 64, slot(8), 1, 0);
	PUT(SLOT_ROBUST, 0, slot(SLOT_ROBUST), 32, 0);
	PUT(SLOT_ROBUST, 64, slot(SLOT_ROBUST) + 128, 1, UINT64_MAX);
	PUT(SLOT_ROBUST, 128, slot(SLOT_ROBUST) + 128);
	PUT(SLOT_CLONE, 0, 0, 0, 0, 0, LX_SIGCHLD);
	PUT(SLOT_CLONE, 64, THREAD, 0, slot(SLOT_FREE), slot(SLOT_FREE), 0,
	    PLAYGROUND, 65536);
	PUT(SLOT_TIMER, 0, 0, 0, 0, 100);
	PUT(SLOT_TIMER, 64, 0, 1, 1, 0);
	put(buf, SLOT_SCHED, 0, &sched, sizeof(sched));
	put(buf, SLOT_SCHED, 64, &sched, sizeof(sched));
	scratch_signals(buf);
	scratch_files(buf);
	scratch_sockets(buf);
}
