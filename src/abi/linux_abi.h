/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The Linux x86-64 binary interface: every number and structure layout that
 * guests see and that <errno.h>, <fcntl.h> and <stdio.h> do not define alike.
 * Names carry LX_/lx_ so that no host header can collide with them.
 * Source: the Linux user API headers and the System V psABI for x86-64.
 */
#ifndef ABI_LINUX_ABI_H
#define ABI_LINUX_ABI_H

#include <stddef.h>
#include <stdint.h>

/* ---- signals ---- */

#define LX_SIGHUP 1
#define LX_SIGINT 2
#define LX_SIGQUIT 3
#define LX_SIGILL 4
#define LX_SIGTRAP 5
#define LX_SIGABRT 6
#define LX_SIGBUS 7
#define LX_SIGFPE 8
#define LX_SIGKILL 9
#define LX_SIGUSR1 10
#define LX_SIGSEGV 11
#define LX_SIGUSR2 12
#define LX_SIGPIPE 13
#define LX_SIGALRM 14
#define LX_SIGTERM 15
#define LX_SIGSTKFLT 16
#define LX_SIGCHLD 17
#define LX_SIGCONT 18
#define LX_SIGSTOP 19
#define LX_SIGTSTP 20
#define LX_SIGTTIN 21
#define LX_SIGTTOU 22
#define LX_SIGURG 23
#define LX_SIGXCPU 24
#define LX_SIGXFSZ 25
#define LX_SIGVTALRM 26
#define LX_SIGPROF 27
#define LX_SIGWINCH 28
#define LX_SIGIO 29
#define LX_SIGPWR 30
#define LX_SIGSYS 31
#define LX_SIGRTMIN 32
#define LX_SIGRTMAX 64

#define LX_SA_NOCLDSTOP UINT64_C(0x00000001)
#define LX_SA_NOCLDWAIT UINT64_C(0x00000002)
#define LX_SA_SIGINFO UINT64_C(0x00000004)
#define LX_SA_RESTORER UINT64_C(0x04000000)
#define LX_SA_ONSTACK UINT64_C(0x08000000)
#define LX_SA_RESTART UINT64_C(0x10000000)
#define LX_SA_NODEFER UINT64_C(0x40000000)
#define LX_SA_RESETHAND UINT64_C(0x80000000)

#define LX_SIG_BLOCK 0
#define LX_SIG_UNBLOCK 1
#define LX_SIG_SETMASK 2

#define LX_SS_ONSTACK 1
#define LX_SS_DISABLE 2
#define LX_SS_AUTODISARM INT32_MIN
#define LX_MINSIGSTKSZ 2048

#define LX_SI_USER 0
#define LX_SI_KERNEL 0x80
#define LX_SI_QUEUE (-1)
#define LX_SI_TIMER (-2)
#define LX_SI_MESGQ (-3)
#define LX_SI_ASYNCIO (-4)
#define LX_SI_SIGIO (-5)
#define LX_SI_TKILL (-6)
#define LX_ILL_ILLOPN 2
#define LX_FPE_INTDIV 1
#define LX_SEGV_MAPERR 1
#define LX_SEGV_ACCERR 2
#define LX_BUS_ADRALN 1
#define LX_BUS_ADRERR 2
#define LX_TRAP_BRKPT 1
#define LX_CLD_EXITED 1
#define LX_CLD_KILLED 2
#define LX_CLD_DUMPED 3
#define LX_CLD_TRAPPED 4
#define LX_CLD_STOPPED 5
#define LX_CLD_CONTINUED 6

/* siginfo_t: three ints, a hole, then a union at 16. */
struct lx_siginfo {
	int32_t signo, err, code, pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt; /* kill, sigqueue */
		struct {
			int32_t tid, overrun;
			uint64_t value;
		} timer;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t utime, stime;
		} chld;
		struct {
			uint64_t addr;
			int16_t addr_lsb;
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t bytes[112];
	} u;
};
_Static_assert(sizeof(struct lx_siginfo) == 128, "siginfo_t");
_Static_assert(offsetof(struct lx_siginfo, u) == 16, "siginfo union");
_Static_assert(offsetof(struct lx_siginfo, u.chld.utime) == 32, "si_utime");

struct lx_sigset_arg { /* pselect6's sixth argument */
	uint64_t mask, size;
};

/* ---- signal frame ---- */

struct lx_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct lx_sigcontext) == 256, "struct sigcontext");

struct lx_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};
_Static_assert(sizeof(struct lx_stack) == 24, "stack_t");

struct lx_ucontext {
	uint64_t flags, link;
	struct lx_stack stack;
	struct lx_sigcontext mc;
	uint64_t sigmask;
};
_Static_assert(sizeof(struct lx_ucontext) == 304, "struct ucontext");

struct lx_rt_sigframe {
	uint64_t pretcode;
	struct lx_ucontext uc;
	struct lx_siginfo info;
};
_Static_assert(sizeof(struct lx_rt_sigframe) == 440, "rt_sigframe");

#define LX_UC_FP_XSTATE 0x1
#define LX_UC_SIGCONTEXT_SS 0x2
#define LX_UC_STRICT_RESTORE_SS 0x4
#define LX_USER_CS 0x33
#define LX_USER_DS 0x2b

/* The software bytes of an XSAVE image in a signal frame. */
#define LX_FXSAVE_SIZE 512
#define LX_FPX_SW_OFFSET 464
#define LX_FP_XSTATE_MAGIC1 UINT32_C(0x46505853)
#define LX_FP_XSTATE_MAGIC2 UINT32_C(0x46505845)
struct lx_fpx_sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, pad[7];
};
_Static_assert(sizeof(struct lx_fpx_sw_bytes) == 48, "_fpx_sw_bytes");

/* ---- time ---- */

struct lx_timespec {
	int64_t sec, nsec;
};
struct lx_timeval {
	int64_t sec, usec;
};
struct lx_itimerval {
	struct lx_timeval interval, value;
};
struct lx_itimerspec {
	struct lx_timespec interval, value;
};
struct lx_tms {
	int64_t utime, stime, cutime, cstime;
};
struct lx_utimbuf {
	int64_t actime, modtime;
};
struct lx_timezone {
	int32_t minuteswest, dsttime;
};
_Static_assert(sizeof(struct lx_timespec) == 16, "timespec");
_Static_assert(sizeof(struct lx_itimerval) == 32, "itimerval");

#define LX_CLOCK_REALTIME 0
#define LX_CLOCK_MONOTONIC 1
#define LX_CLOCK_PROCESS_CPUTIME 2
#define LX_CLOCK_THREAD_CPUTIME 3
#define LX_CLOCK_MONOTONIC_RAW 4
#define LX_CLOCK_REALTIME_COARSE 5
#define LX_CLOCK_MONOTONIC_COARSE 6
#define LX_CLOCK_BOOTTIME 7
#define LX_CLOCK_REALTIME_ALARM 8
#define LX_CLOCK_BOOTTIME_ALARM 9
#define LX_CLOCK_TAI 11
#define LX_TIMER_ABSTIME 1
#define LX_ITIMER_REAL 0
#define LX_ITIMER_VIRTUAL 1
#define LX_ITIMER_PROF 2

struct lx_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	uint8_t pad[44];
};
_Static_assert(sizeof(struct lx_sigevent) == 64, "struct sigevent");
#define LX_SIGEV_SIGNAL 0
#define LX_SIGEV_NONE 1
#define LX_SIGEV_THREAD 2
#define LX_SIGEV_THREAD_ID 4
#define LX_UTIME_NOW 0x3fffffff
#define LX_UTIME_OMIT 0x3ffffffe
#define LX_USER_HZ 100

/* ---- files ---- */

struct lx_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad0;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct lx_timespec atim, mtim, ctim;
	int64_t unused[3];
};
_Static_assert(sizeof(struct lx_stat) == 144, "struct stat");

struct lx_statx_timestamp {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct lx_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct lx_statx_timestamp atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};
_Static_assert(sizeof(struct lx_statx) == 256, "struct statx");
#define LX_STATX_BASIC 0x7ff
#define LX_STATX_BTIME 0x800
#define LX_STATX_RESERVED UINT32_C(0x80000000)

struct lx_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct lx_statfs) == 120, "struct statfs");

struct lx_iovec {
	uint64_t base, len;
};
_Static_assert(sizeof(struct lx_iovec) == 16, "struct iovec");
#define LX_IOV_MAX 1024
#define LX_MAX_RW_COUNT UINT64_C(0x7ffff000)

struct lx_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};
_Static_assert(sizeof(struct lx_flock) == 32, "struct flock");

struct lx_open_how {
	uint64_t flags, mode, resolve;
};

struct lx_pollfd {
	int32_t fd;
	int16_t events, revents;
};
_Static_assert(sizeof(struct lx_pollfd) == 8, "struct pollfd");

#define LX_POLLIN 0x001
#define LX_POLLPRI 0x002
#define LX_POLLOUT 0x004
#define LX_POLLERR 0x008
#define LX_POLLHUP 0x010
#define LX_POLLNVAL 0x020
#define LX_POLLRDNORM 0x040
#define LX_POLLRDBAND 0x080
#define LX_POLLWRNORM 0x100
#define LX_POLLWRBAND 0x200
#define LX_POLLRDHUP 0x2000

struct __attribute__((packed)) lx_epoll_event {
	uint32_t events;
	uint64_t data;
};
_Static_assert(sizeof(struct lx_epoll_event) == 12, "struct epoll_event");

#define LX_S_IFMT 0170000u
#define LX_S_IFSOCK 0140000u
#define LX_S_IFLNK 0120000u
#define LX_S_IFREG 0100000u
#define LX_S_IFBLK 0060000u
#define LX_S_IFDIR 0040000u
#define LX_S_IFCHR 0020000u
#define LX_S_IFIFO 0010000u

#define LX_AT_FDCWD (-100)
#define LX_AT_SYMLINK_NOFOLLOW 0x100
#define LX_AT_REMOVEDIR 0x200
#define LX_AT_EACCESS 0x200
#define LX_AT_SYMLINK_FOLLOW 0x400
#define LX_AT_NO_AUTOMOUNT 0x800
#define LX_AT_EMPTY_PATH 0x1000
#define LX_AT_STATX_SYNC_TYPE 0x6000

/* ioctls that the system-call layer answers itself. */
#define LX_TIOCSCTTY 0x540E
#define LX_TIOCGPGRP 0x540F
#define LX_TIOCSPGRP 0x5410
#define LX_FIONREAD 0x541B
#define LX_FIONBIO 0x5421
#define LX_TIOCNOTTY 0x5422
#define LX_TIOCGSID 0x5429
#define LX_TIOCGPTPEER 0x5441
#define LX_FIONCLEX 0x5450
#define LX_FIOCLEX 0x5451
#define LX_FIOASYNC 0x5452

/* The kernel's struct termios (TCGETS). */
struct lx_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};
_Static_assert(sizeof(struct lx_termios) == 36, "struct termios");

/* ---- memory ---- */

#define LX_PROT_READ 0x1
#define LX_PROT_WRITE 0x2
#define LX_PROT_EXEC 0x4
#define LX_PROT_SEM 0x8
#define LX_PROT_GROWSDOWN 0x01000000
#define LX_PROT_GROWSUP 0x02000000

#define LX_MAP_SHARED 0x01
#define LX_MAP_PRIVATE 0x02
#define LX_MAP_SHARED_VALIDATE 0x03
#define LX_MAP_TYPE 0x0f
#define LX_MAP_FIXED 0x10
#define LX_MAP_ANONYMOUS 0x20
#define LX_MAP_32BIT 0x40
#define LX_MAP_GROWSDOWN 0x0100
#define LX_MAP_DENYWRITE 0x0800
#define LX_MAP_EXECUTABLE 0x1000
#define LX_MAP_LOCKED 0x2000
#define LX_MAP_NORESERVE 0x4000
#define LX_MAP_POPULATE 0x8000
#define LX_MAP_NONBLOCK 0x10000
#define LX_MAP_STACK 0x20000
#define LX_MAP_HUGETLB 0x40000
#define LX_MAP_SYNC 0x80000
#define LX_MAP_FIXED_NOREPLACE 0x100000

#define LX_MS_ASYNC 1
#define LX_MS_INVALIDATE 2
#define LX_MS_SYNC 4
#define LX_MCL_CURRENT 1
#define LX_MCL_FUTURE 2
#define LX_MCL_ONFAULT 4
#define LX_MFD_CLOEXEC 1
#define LX_MFD_ALLOW_SEALING 2

/* ---- processes ---- */

#define LX_CLONE_NEWTIME 0x00000080
#define LX_CLONE_VM 0x00000100
#define LX_CLONE_FS 0x00000200
#define LX_CLONE_FILES 0x00000400
#define LX_CLONE_SIGHAND 0x00000800
#define LX_CLONE_PIDFD 0x00001000
#define LX_CLONE_PTRACE 0x00002000
#define LX_CLONE_VFORK 0x00004000
#define LX_CLONE_PARENT 0x00008000
#define LX_CLONE_THREAD 0x00010000
#define LX_CLONE_NEWNS 0x00020000
#define LX_CLONE_SYSVSEM 0x00040000
#define LX_CLONE_SETTLS 0x00080000
#define LX_CLONE_PARENT_SETTID 0x00100000
#define LX_CLONE_CHILD_CLEARTID 0x00200000
#define LX_CLONE_DETACHED 0x00400000
#define LX_CLONE_UNTRACED 0x00800000
#define LX_CLONE_CHILD_SETTID 0x01000000
#define LX_CLONE_NEWCGROUP 0x02000000
#define LX_CLONE_NEWUTS 0x04000000
#define LX_CLONE_NEWIPC 0x08000000
#define LX_CLONE_NEWUSER 0x10000000
#define LX_CLONE_NEWPID 0x20000000
#define LX_CLONE_NEWNET 0x40000000
#define LX_CLONE_IO UINT64_C(0x80000000)
#define LX_CLONE_CLEAR_SIGHAND UINT64_C(0x100000000)

struct lx_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
	    stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define LX_CLONE_ARGS_SIZE_VER0 64
_Static_assert(sizeof(struct lx_clone_args) == 88, "struct clone_args");

#define LX_WNOHANG 1
#define LX_WUNTRACED 2
#define LX_WSTOPPED 2
#define LX_WEXITED 4
#define LX_WCONTINUED 8
#define LX_WNOWAIT 0x01000000
#define LX_WNOTHREAD 0x20000000
#define LX_WALL 0x40000000
#define LX_WCLONE UINT32_C(0x80000000)
#define LX_P_ALL 0
#define LX_P_PID 1
#define LX_P_PGID 2

struct lx_rusage {
	struct lx_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
	    oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct lx_rusage) == 144, "struct rusage");

struct lx_rlimit {
	uint64_t cur, max;
};
#define LX_RLIM_INFINITY UINT64_MAX
#define LX_RLIMIT_CPU 0
#define LX_RLIMIT_FSIZE 1
#define LX_RLIMIT_DATA 2
#define LX_RLIMIT_STACK 3
#define LX_RLIMIT_CORE 4
#define LX_RLIMIT_RSS 5
#define LX_RLIMIT_NPROC 6
#define LX_RLIMIT_NOFILE 7
#define LX_RLIMIT_MEMLOCK 8
#define LX_RLIMIT_AS 9
#define LX_RLIMIT_LOCKS 10
#define LX_RLIMIT_SIGPENDING 11
#define LX_RLIMIT_MSGQUEUE 12
#define LX_RLIMIT_NICE 13
#define LX_RLIMIT_RTPRIO 14
#define LX_RLIMIT_RTTIME 15

struct lx_sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};
_Static_assert(sizeof(struct lx_sysinfo) == 112, "struct sysinfo");

struct lx_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65],
	    domainname[65];
};
_Static_assert(sizeof(struct lx_utsname) == 390, "struct utsname");
#define LX_UTS_RELEASE "6.6.0-vmspace"

struct lx_cap_header {
	uint32_t version;
	int32_t pid;
};
struct lx_cap_data {
	uint32_t effective, permitted, inheritable;
};
#define LX_CAP_VERSION_1 UINT32_C(0x19980330)
#define LX_CAP_VERSION_2 UINT32_C(0x20071026)
#define LX_CAP_VERSION_3 UINT32_C(0x20080522)
#define LX_CAP_LAST 40

struct lx_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct lx_sched_attr) == 48, "struct sched_attr");

#define LX_ARCH_SET_GS 0x1001
#define LX_ARCH_SET_FS 0x1002
#define LX_ARCH_GET_FS 0x1003
#define LX_ARCH_GET_GS 0x1004

#define LX_GRND_NONBLOCK 1
#define LX_GRND_RANDOM 2
#define LX_GRND_INSECURE 4

/* prctl */
#define LX_PR_SET_PDEATHSIG 1
#define LX_PR_GET_PDEATHSIG 2
#define LX_PR_GET_DUMPABLE 3
#define LX_PR_SET_DUMPABLE 4
#define LX_PR_GET_KEEPCAPS 7
#define LX_PR_SET_KEEPCAPS 8
#define LX_PR_SET_NAME 15
#define LX_PR_GET_NAME 16
#define LX_PR_GET_SECCOMP 21
#define LX_PR_CAPBSET_READ 23
#define LX_PR_CAPBSET_DROP 24
#define LX_PR_GET_SECUREBITS 27
#define LX_PR_SET_TIMERSLACK 29
#define LX_PR_GET_TIMERSLACK 30
#define LX_PR_SET_CHILD_SUBREAPER 36
#define LX_PR_GET_CHILD_SUBREAPER 37
#define LX_PR_SET_NO_NEW_PRIVS 38
#define LX_PR_GET_NO_NEW_PRIVS 39
#define LX_PR_GET_TID_ADDRESS 40
#define LX_PR_SET_THP_DISABLE 41
#define LX_PR_GET_THP_DISABLE 42

/* ---- futex ---- */

#define LX_FUTEX_WAIT 0
#define LX_FUTEX_WAKE 1
#define LX_FUTEX_REQUEUE 3
#define LX_FUTEX_CMP_REQUEUE 4
#define LX_FUTEX_WAKE_OP 5
#define LX_FUTEX_WAIT_BITSET 9
#define LX_FUTEX_WAKE_BITSET 10
#define LX_FUTEX_PRIVATE_FLAG 128
#define LX_FUTEX_CLOCK_REALTIME 256
#define LX_FUTEX_BITSET_MATCH_ANY UINT32_MAX
#define LX_FUTEX_WAITERS UINT32_C(0x80000000)
#define LX_FUTEX_OWNER_DIED UINT32_C(0x40000000)
#define LX_FUTEX_TID_MASK UINT32_C(0x3fffffff)
#define LX_ROBUST_LIST_LIMIT 2048

struct lx_robust_list_head {
	uint64_t next;
	int64_t futex_offset;
	uint64_t list_op_pending;
};
_Static_assert(sizeof(struct lx_robust_list_head) == 24, "robust_list_head");

#define LX_NR_RESTART_SYSCALL 219

#endif /* ABI_LINUX_ABI_H */
