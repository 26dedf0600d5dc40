/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc as programs parse it: fdinfo, mountinfo, ns, smaps and smaps_rollup,
 * io, status, stat, maps with the vdso, the files of the system, and that they
 * agree with the calls that say the same.
 */
#include "guest.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static char buf[1 << 20];

static const char *
get(const char *path)
{
	read_file(path, buf, sizeof(buf));
	return (buf);
}

/* What follows `name` in a text that has it at the start of a line. */
static const char *
after(const char *text, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, len) == 0)
			return (p + len);
	}
	say("no %s", name);
	CHECK(!"found");
	return (NULL);
}

static long
value(const char *path, const char *name)
{
	return (strtol(after(get(path), name), NULL, 10));
}

static const char *
fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return (get(path));
}

/* ioctl_ns(2) */
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define NS_GET_OWNER_UID 0xb704

/* ---- fdinfo ---- */

static void
fd_regular(void)
{
	const char *name = "/tmp/guest-procinfo-file";
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned long pos, flags, ino;
	struct stat st;
	char path[64];
	int mnt;

	CHECK(fd >= 0 && unlink(name) == 0 && fstat(fd, &st) == 0);
	CHECK(write(fd, "0123456789", 10) == 10);
	CHECK(sscanf(fdinfo(fd),
		  "pos:\t%lu\nflags:\t0%lo\nmnt_id:\t%d\nino:\t%lu\n", &pos,
		  &flags, &mnt, &ino) == 4);
	CHECK(pos == 10 && ino == st.st_ino);
	CHECK((long)flags == (fcntl(fd, F_GETFL) | O_CLOEXEC));
	CHECK(flock(fd, LOCK_EX) == 0);
	CHECK(strstr(fdinfo(fd), "lock:\t1: FLOCK  ADVISORY  WRITE ") != NULL);
	CHECK(strstr(buf, " 0 EOF\n") != NULL);
	CHECK(flock(fd, LOCK_UN) == 0);
	CHECK(strstr(fdinfo(fd), "lock:") == NULL);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
	say("fdinfo of a file");
}

static void
fd_kinds(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0xabcdef};
	struct itimerspec it = {
	    .it_interval.tv_sec = 7, .it_value.tv_sec = 100};
	int ep = epoll_create1(0), p[2], in, sf, tf, pf;
	char line[64];
	sigset_t set;

	CHECK(ep >= 0 && pipe(p) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	snprintf(line, sizeof(line), "tfd: %8d events: %8x data: %16x ", p[0],
	    EPOLLIN | EPOLLERR | EPOLLHUP, 0xabcdef);
	CHECK(strstr(fdinfo(ep), line) != NULL);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL) == 0);
	CHECK(strstr(fdinfo(ep), "tfd:") == NULL);
	in = inotify_init1(0);
	CHECK(in >= 0 && inotify_add_watch(in, "/tmp", IN_CREATE) == 1);
	CHECK(strstr(fdinfo(in), "inotify wd:1 ino:") != NULL);
	CHECK(strstr(buf, " mask:100 ignored_mask:0 ") != NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sf = signalfd(-1, &set, 0);
	CHECK(sf >= 0 &&
	      strstr(fdinfo(sf), "sigmask:\t0000000000000200\n") != NULL);
	tf = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(tf >= 0 && timerfd_settime(tf, 0, &it, NULL) == 0);
	CHECK(strstr(fdinfo(tf), "it_interval: (7, 0)\n") != NULL);
	CHECK(strstr(buf, "it_value: (99, ") != NULL);
	pf = (int)syscall(SYS_pidfd_open, getpid(), 0);
	CHECK(pf >= 0 &&
	      strtol(after(fdinfo(pf), "Pid:\t"), NULL, 10) == getpid());
	CHECK(close(ep) + close(p[0]) + close(p[1]) + close(in) + close(sf) +
		  close(tf) + close(pf) ==
	      0);
	say("fdinfo of other kinds");
}

static void
fd_lists(void)
{
	char path[512];
	struct dirent *de;
	int n = 0;
	DIR *d = opendir("/proc/self/fdinfo");

	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", de->d_name);
		CHECK(
		    faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
		n++;
	}
	CHECK(n >= 4 && closedir(d) == 0);
	say("the list of fdinfo");
}

/* A text of fdinfo that describes its own file. */
static void
fd_itself(void)
{
	int fd = open("/dev/null", O_RDONLY), t;
	char path[64], text[256];

	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	t = open(path, O_RDONLY);
	CHECK(t >= 0 && dup2(t, fd) == fd && close(t) == 0);
	CHECK(read(fd, text, sizeof(text)) > 20);
	CHECK(memcmp(text, "pos:\t0\n", 7) == 0 && close(fd) == 0);
	say("fdinfo of itself");
}

/* ---- mounts and namespaces ---- */

static void
mountinfo(void)
{
	int id, parent, fd, mnt, roots = 0, procs = 0;
	char root[256], at[256], opts[256], type[64], path[64];
	unsigned maj, min;
	struct stat st;
	char *line, *save, *sep;

	fd = open("/proc/version", O_RDONLY);
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	mnt = (int)value(path, "mnt_id:\t");
	get("/proc/self/mountinfo");
	for (line = strtok_r(buf, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		CHECK(sscanf(line, "%d %d %u:%u %255s %255s %255s", &id,
			  &parent, &maj, &min, root, at, opts) == 7);
		CHECK(id != parent && root[0] == '/' && at[0] == '/');
		CHECK(
		    strncmp(opts, "ro", 2) == 0 || strncmp(opts, "rw", 2) == 0);
		sep = strstr(line, " - ");
		CHECK(sep != NULL && sscanf(sep, " - %63s", type) == 1);
		roots += strcmp(at, "/") == 0;
		if (strcmp(at, "/proc") != 0)
			continue;
		procs++;
		CHECK(strcmp(type, "proc") == 0 && stat(at, &st) == 0);
		CHECK(st.st_dev == makedev(maj, min) && id == mnt);
	}
	CHECK(roots == 1 && procs == 1 && close(fd) == 0);
	CHECK(strstr(get("/proc/self/mountstats"),
		  "device proc mounted on /proc with fstype proc\n") != NULL);
	CHECK(strstr(get("/proc/mounts"), "proc /proc proc rw") != NULL);
	say("mountinfo");
}

/* A child is in the namespaces of its parent. */
static void
namespaces(void *arg)
{
	const char *names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user",
	    "uts", "pid_for_children"};
	char path[64], a[64], b[64];
	unsigned long ino;
	struct stat st;
	ssize_t n;
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		n = readlink(path, a, sizeof(a) - 1);
		CHECK(n > 0);
		a[n] = '\0';
		CHECK(sscanf(a, "%*[a-z]:[%lu]", &ino) == 1);
		CHECK(strncmp(a, names[i], 3) == 0);
		CHECK(stat(path, &st) == 0 && S_ISREG(st.st_mode));
		CHECK(st.st_ino == ino);
		snprintf(
		    path, sizeof(path), "/proc/%d/ns/%s", getppid(), names[i]);
		n = readlink(path, b, sizeof(b) - 1);
		CHECK(n > 0 && memcmp(a, b, (size_t)n) == 0);
	}
	fd = open("/proc/self/ns/uts", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_ERRNO(read(fd, a, 1), EINVAL);
	CHECK(ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWUTS);
	CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EINVAL);
	CHECK_ERRNO(ioctl(fd, NS_GET_OWNER_UID, &ino), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, a, sizeof(a));
	CHECK(n > 5 && memcmp(a, "uts:[", 5) == 0 && close(fd) == 0);
	CHECK(strstr(get("/proc/self/cgroup"), ":/") != NULL);
	say("namespaces and cgroup");
}

/* ---- memory ---- */

/* The part of smaps about the mapping that starts at m, in buf. */
static const char *
smaps_of(const void *m)
{
	char head[32];

	get("/proc/self/smaps");
	snprintf(head, sizeof(head), "%lx-", (unsigned long)(uintptr_t)m);
	return (after(buf, head));
}

/* Has the mapping exactly the flags in `want`, of those that it names? */
static void
flags_are(const void *m, const char *have, const char *lack)
{
	const char *line = after(smaps_of(m), "VmFlags: ");
	char text[256], flag[4];

	CHECK(sscanf(line, "%255[^\n]", text) == 1);
	for (; *have != '\0'; have += 2) {
		snprintf(flag, sizeof(flag), "%.2s ", have);
		CHECK(strstr(text, flag) != NULL);
	}
	for (; *lack != '\0'; lack += 2) {
		snprintf(flag, sizeof(flag), "%.2s ", lack);
		CHECK(strstr(text, flag) == NULL);
	}
}

static void
smaps(void)
{
	const size_t len = 64 * PAGE;
	char *m = map_anon(len), *s = map_shared(len), *f;
	int fd = open("/proc/self/exe", O_RDONLY);

	/* Between others, so that it does not merge. */
	CHECK(mprotect(s, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(m, PAGE, PROT_NONE) == 0);
	m += PAGE;
	s += PAGE;
	memset(m, 1, len - PAGE);
	memset(s, 1, len - PAGE);
	CHECK(madvise(m, PAGE, MADV_DONTDUMP) == 0);
	CHECK(madvise(m, PAGE, MADV_DONTFORK) == 0);
	flags_are(m, "rdwrmrmwmedcdd", "exshmslosrrr");
	flags_are(m + PAGE, "rdwrmrmwmeac", "exshmslodcddgd");
	flags_are(s, "rdwrshmrmwmems", "exlo");
	CHECK(mprotect(m + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
	flags_are(m + PAGE, "rdexmrmwme", "wrsh");
	CHECK(madvise(m + 8 * PAGE, PAGE, MADV_SEQUENTIAL) == 0);
	flags_are(m + 8 * PAGE, "rdwrsr", "rrlo");
	CHECK(mlock(m + 16 * PAGE, 4 * PAGE) == 0);
	flags_are(m + 16 * PAGE, "rdwrlo", "sr");
	CHECK(
	    strtol(after(smaps_of(m + 16 * PAGE), "Locked:"), NULL, 10) == 16);
	CHECK(strtol(after(smaps_of(m + 20 * PAGE), "Locked:"), NULL, 10) == 0);
	CHECK(strtol(after(smaps_of(m + 20 * PAGE), "Size:"), NULL, 10) ==
	      (long)(43 * PAGE / 1024));
	CHECK(strtol(after(smaps_of(m + 20 * PAGE), "Private_Dirty:"), NULL,
		  10) == (long)(43 * PAGE / 1024));
	CHECK(fd >= 0);
	f = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(f != MAP_FAILED && close(fd) == 0);
	flags_are(f, "rdmrmems", "wrshmw");
	say("smaps");
	CHECK(strstr(get("/proc/self/smaps_rollup"), " [rollup]\n") != NULL);
	CHECK(strtol(after(buf, "Rss:"), NULL, 10) >=
	      (long)(2 * (len - PAGE) / 1024));
	CHECK(strtol(after(buf, "Locked:"), NULL, 10) == 16);
	CHECK(strtol(after(buf, "Private_Dirty:"), NULL, 10) >=
	      (long)((len - PAGE) / 1024));
	CHECK(munmap(m - PAGE, len) == 0 && munmap(s - PAGE, len) == 0);
	say("smaps_rollup");
}

static void
permits(const char *m, const char *want)
{
	CHECK(strncmp(strchr(smaps_of(m), ' ') + 1, want, 4) == 0);
}

static void
inherited_rights(void *m)
{
	permits(m, "-w-p");
	CHECK(*(char *)m == 5);
	*(char *)m = 6;
	CHECK(mprotect(m, PAGE, PROT_NONE) == 0);
	permits(m, "---p");
	CHECK(mprotect(m, PAGE, PROT_WRITE) == 0 && *(char *)m == 6);
}

/* Protections are shown as they were asked for, although the processor lets
 * what can be written be read. */
static void
rights_asked(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *m = mmap(NULL, 9 * PAGE, PROT_WRITE, flags, -1, 0), c = 0;
	struct iovec to = {&c, 1}, from = {m + PAGE, 1};
	int p[2];

	CHECK(m != MAP_FAILED && mprotect(m, PAGE, PROT_NONE) == 0);
	CHECK(mprotect(m + 8 * PAGE, PAGE, PROT_NONE) == 0);
	m += PAGE;
	permits(m, "-w-p");
	flags_are(m, "wrmrmwmeac", "rdexsh");
	CHECK(m[0] == 0 && m[PAGE] == 0); /* read before it was written */
	m[0] = 5;
	in_child(inherited_rights, m);
	CHECK(m[0] == 5);
	CHECK(mprotect(m + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(m + 3 * PAGE, PAGE, PROT_EXEC) == 0);
	CHECK(mprotect(m + 4 * PAGE, PAGE, PROT_EXEC | PROT_WRITE) == 0);
	CHECK(mprotect(m + 5 * PAGE, 2 * PAGE, PROT_WRITE) == 0);
	permits(m, "-w-p");
	permits(m + 2 * PAGE, "rw-p");
	permits(m + 3 * PAGE, "--xp");
	permits(m + 4 * PAGE, "-wxp");
	permits(m + 5 * PAGE, "-w-p");
	flags_are(m + 3 * PAGE, "exmrmwme", "rdwr");
	flags_are(m + 4 * PAGE, "wrex", "rd");
	CHECK(m[2 * PAGE] == 0 && m[4 * PAGE] == 0);
	CHECK(pipe(p) == 0 && write(p[1], m, 1) == 1);
	CHECK(read(p[0], &c, 1) == 1 && c == 5);
	/* But not by another process, which looks at what was asked for. */
	CHECK(process_vm_writev(getpid(), &to, 1, &from, 1, 0) == 1);
	CHECK_ERRNO(process_vm_readv(getpid(), &to, 1, &from, 1, 0), EFAULT);
	CHECK_ERRNO(madvise(m, PAGE, 22 /* MADV_POPULATE_READ */), EINVAL);
	CHECK(madvise(m, PAGE, 23 /* MADV_POPULATE_WRITE */) == 0);
	CHECK(mlock(m, PAGE) == 0 && munlock(m, PAGE) == 0);
	CHECK(mprotect(m, 8 * PAGE, PROT_READ) == 0);
	permits(m, "r--p");
	CHECK(munmap(m - PAGE, 9 * PAGE) == 0);
	m = mmap(NULL, PAGE, PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(m != MAP_FAILED && m[0] == 0);
	permits(m, "-w-s");
	CHECK(munmap(m, PAGE) == 0);
	close(p[0]), close(p[1]);
	say("rights as they were asked for");
}

static void
pagemap(void)
{
	const uint64_t present = 1ULL << 63, shared = 1ULL << 61;
	const int touched[8] = {[0] = 1, [3] = 1};
	char *m = map_anon(1024 * PAGE), *s = map_shared(512 * PAGE);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t w[8];

	CHECK(fd >= 0);
	m[0] = m[3 * PAGE] = 1;
	s[0] = 1;
	CHECK(pread(fd, w, sizeof(w), (off_t)((uintptr_t)m / PAGE * 8)) ==
	      sizeof(w));
	/* A kernel may provide the pages around a touched one. */
	for (int i = 0; i < 8; i++)
		CHECK((int)(w[i] >> 63) >= touched[i]);
	CHECK(pread(fd, w + 1, 56,
		  (off_t)((uintptr_t)(m + 512 * PAGE) / PAGE * 8)) == 56);
	for (int i = 1; i < 8; i++)
		CHECK(w[i] == 0);
	CHECK((w[0] & shared) == 0);
	CHECK(pread(fd, w, 8, (off_t)((uintptr_t)s / PAGE * 8)) == 8);
	CHECK((w[0] & present) != 0 && (w[0] & shared) != 0);
	CHECK(pread(fd, w, 8, 0) == 8 && w[0] == 0);
	CHECK_ERRNO(pread(fd, w, 8, 4), EINVAL);
	CHECK_ERRNO(pread(fd, w, 12, 8), EINVAL);
	CHECK(pread(fd, w, 8, 1L << 50) == 0);
	CHECK(munmap(m, 1024 * PAGE) == 0 && munmap(s, 512 * PAGE) == 0);
	CHECK(close(fd) == 0);
	say("pagemap");
}

static void
vdso(void)
{
	const unsigned long at = getauxval(AT_SYSINFO_EHDR);
	unsigned long lo, hi, last = 0;
	int found = 0, mem = open("/proc/self/mem", O_RDONLY);
	char perms[8], first[64];

	CHECK(mem >= 0);
	get("/proc/self/maps");
	for (char *line = buf; *line != '\0'; line = strchr(line, '\n') + 1) {
		CHECK(sscanf(line, "%lx-%lx %4s", &lo, &hi, perms) == 3);
		/* Only the vsyscall page is above all user addresses. */
		CHECK(lo >= last && hi > lo);
		last = hi;
		if (lo != at)
			continue;
		found++;
		CHECK(strcmp(perms, "r-xp") == 0);
		CHECK(strncmp(strchr(line, '\n') - 6, "[vdso]", 6) == 0);
		CHECK(memcmp((void *)lo, "\177ELF", 4) == 0);
		CHECK(*(volatile char *)(hi - 1) + 1 != 1000);
		/* As a debugger reads it. */
		CHECK(pread(mem, first, 64, (off_t)lo) == 64);
		CHECK(memcmp(first, (void *)lo, 64) == 0);
		CHECK(pread(mem, first, 64, (off_t)hi - 64) == 64);
		CHECK(memcmp(first, (void *)(hi - 64), 64) == 0);
	}
	CHECK(close(mem) == 0);
	CHECK(found == (at != 0));
	say("the vdso");
}

/* ---- numbers ---- */

static void
status_lines(void)
{
	const char *names[] = {"Name:", "Umask:", "State:", "Tgid:", "Ngid:",
	    "Pid:", "PPid:", "TracerPid:", "Uid:", "Gid:", "FDSize:", "Groups:",
	    "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "VmPeak:", "VmSize:",
	    "VmLck:", "VmPin:", "VmHWM:", "VmRSS:", "RssAnon:", "RssFile:",
	    "RssShmem:", "VmData:", "VmStk:", "VmExe:", "VmLib:", "VmPTE:",
	    "VmSwap:", "HugetlbPages:", "CoreDumping:", "THP_enabled:",
	    "Threads:", "SigQ:", "SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:",
	    "SigCgt:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",
	    "NoNewPrivs:", "Seccomp:", "Speculation_Store_Bypass:",
	    "SpeculationIndirectBranch:", "Cpus_allowed:", "Cpus_allowed_list:",
	    "Mems_allowed:", "Mems_allowed_list:", "voluntary_ctxt_switches:",
	    "nonvoluntary_ctxt_switches:"};
	const char *at = get("/proc/self/status"), *next;

	/* All of them, in this order. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		next = after(buf, names[i]);
		CHECK(next > at);
		at = next;
	}
	CHECK(strtol(after(buf, "Seccomp:"), NULL, 10) == 0);
	CHECK(strtol(after(buf, "NoNewPrivs:"), NULL, 10) == 0);
	CHECK(strtol(after(buf, "VmStk:"), NULL, 10) > 0);
	CHECK(strtol(after(buf, "VmData:"), NULL, 10) > 0);
	say("status");
}

/* A filter that permits everything. */
static void
filtered(void *arg)
{
	/* struct sock_filter and sock_fprog: return SECCOMP_RET_ALLOW. */
	struct {
		uint16_t code;
		uint8_t jt, jf;
		uint32_t k;
	} allow = {.code = 0x06, .k = 0x7fff0000};
	struct {
		unsigned short len;
		void *filter;
	} prog = {1, &allow};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, 2, &prog) == 0);
	CHECK(value("/proc/self/status", "NoNewPrivs:") == 1);
	CHECK(value("/proc/self/status", "Seccomp:") == 2);
	CHECK(value("/proc/self/status", "Seccomp_filters:") == 1);
}

static void
peak(void)
{
	const size_t len = 64 * MIB;
	const long before = value("/proc/self/status", "VmSize:");

	CHECK(munmap(map_anon(len), len) == 0);
	CHECK(value("/proc/self/status", "VmPeak:") >=
	      before + (long)(len / 1024));
	CHECK(value("/proc/self/status", "VmSize:") <
	      before + (long)(len / 1024));
	say("the peak of the size");
}

/* The children of a thread are in the order in which it made them. */
static void
children(void)
{
	int kid[2], a, b, p[2];
	char c;

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 2; i++) {
		kid[i] = fork();
		CHECK(kid[i] >= 0);
		if (kid[i] == 0) {
			close(p[1]);
			(void)!read(p[0], &c, 1);
			_exit(0);
		}
	}
	CHECK(sscanf(get("/proc/thread-self/children"), "%d %d ", &a, &b) == 2);
	CHECK(a == kid[0] && b == kid[1] && buf[strlen(buf) - 1] == ' ');
	CHECK_ERRNO(access("/proc/self/children", F_OK), ENOENT);
	close(p[0]);
	close(p[1]);
	wait_ok(kid[0]);
	wait_ok(kid[1]);
	CHECK(strcmp(get("/proc/thread-self/children"), "") == 0);
	say("children of a thread");
}

static void
status_cpus(void)
{
	unsigned long long mask, want = 0;
	cpu_set_t set, all;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	all = set;
	for (int i = 0; i < 32; i++)
		if (CPU_ISSET(i, &set))
			want |= 1ULL << i;
	get("/proc/self/status");
	mask = strtoull(after(buf, "Cpus_allowed:\t"), NULL, 16);
	if (strchr(buf, ',') == NULL)
		CHECK(mask == want);
	for (int i = 0; i < 32; i++)
		if ((want >> i & 1) != 0) {
			CPU_ZERO(&set);
			CPU_SET(i, &set);
			CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
			CHECK(value("/proc/self/status",
				  "Cpus_allowed_list:\t") == i);
		}
	CHECK(sched_setaffinity(0, sizeof(all), &all) == 0);
	say("the set of CPUs");
}

static void
caps(void)
{
	uint64_t want = getuid() == 0 ? 1 : 0;

	get("/proc/self/status");
	CHECK((strtoull(after(buf, "CapEff:\t"), NULL, 16) & 1) == want);
	CHECK((strtoull(after(buf, "CapPrm:\t"), NULL, 16) & 1) == want);
	CHECK((strtoull(after(buf, "CapBnd:\t"), NULL, 16) & 1) == 1);
	say("capabilities");
}

/* Field n (from 1) of a stat line in buf. */
static const char *
stat_field(int n)
{
	char *p = strrchr(buf, ')') + 2;

	for (int i = 3; i < n; i++)
		p = strchr(p, ' ') + 1;
	return (p);
}

static void *
leader_watch(void *arg)
{
	char path[64];

	/* The first thread ends, and the process goes on. */
	for (int ms = 0;; ms++) {
		CHECK(ms < 20000);
		get("/proc/self/stat");
		if (*stat_field(3) == 'Z')
			break;
		sleep_ms(1);
	}
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
	    (int)syscall(SYS_gettid));
	get(path);
	CHECK(*stat_field(3) == 'R' && strtol(stat_field(38), NULL, 10) == -1);
	exit(0);
}

static void
leader_ends(void *arg)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, leader_watch, NULL) == 0);
	syscall(SYS_exit, 0);
}

static void
stats(void)
{
	int fields = 1;

	get("/proc/self/stat");
	for (const char *p = stat_field(3); *p != '\0'; p++)
		fields += *p == ' ';
	CHECK(fields + 2 == 52);
	CHECK(strtol(stat_field(4), NULL, 10) == getppid());
	CHECK(strtol(stat_field(19), NULL, 10) == getpriority(PRIO_PROCESS, 0));
	CHECK(strtol(stat_field(20), NULL, 10) == 1);
	CHECK(strtol(stat_field(38), NULL, 10) == SIGCHLD);
	CHECK((strtol(stat_field(9), NULL, 10) & 0x40) == 0);
	in_child(leader_ends, NULL);
	say("stat, and the state of the first thread");
}

static void
io(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	long r, w, sr, sw;
	int null = open("/dev/null", O_WRONLY);

	CHECK(fd >= 0 && null >= 0);
	r = value("/proc/self/io", "rchar: ");
	w = value("/proc/self/io", "wchar: ");
	sr = value("/proc/self/io", "syscr: ");
	sw = value("/proc/self/io", "syscw: ");
	CHECK(read(fd, buf, 100000) == 100000);
	CHECK(write(null, buf, 50000) == 50000);
	CHECK(value("/proc/self/io", "rchar: ") >= r + 100000);
	CHECK(value("/proc/self/io", "wchar: ") == w + 50000);
	CHECK(value("/proc/self/io", "syscr: ") > sr);
	CHECK(value("/proc/self/io", "syscw: ") == sw + 1);
	CHECK(close(fd) == 0 && close(null) == 0);
	say("io");
}

/* ---- the system ---- */

static void
settings(void)
{
	const char *have[] = {"kernel/tainted", "kernel/core_pattern",
	    "kernel/overflowuid", "kernel/overflowgid",
	    "kernel/randomize_va_space", "kernel/random/entropy_avail",
	    "kernel/random/poolsize", "kernel/threads-max", "kernel/pid_max",
	    "kernel/ngroups_max", "kernel/cap_last_cap", "kernel/version",
	    "fs/file-max", "fs/file-nr", "fs/inode-nr", "fs/nr_open",
	    "fs/pipe-max-size", "fs/pipe-user-pages-soft",
	    "fs/protected_symlinks", "vm/swappiness", "vm/max_map_count",
	    "vm/mmap_min_addr", "vm/overcommit_memory", "vm/overcommit_kbytes",
	    "vm/nr_hugepages", "user/max_user_namespaces",
	    "user/max_mnt_namespaces"};
	struct utsname u;
	char path[64];

	for (size_t i = 0; i < sizeof(have) / sizeof(have[0]); i++) {
		snprintf(path, sizeof(path), "/proc/sys/%s", have[i]);
		CHECK(strlen(get(path)) > 1);
	}
	CHECK(uname(&u) == 0);
	get("/proc/sys/kernel/version");
	CHECK(strncmp(buf, u.version, strlen(u.version)) == 0);
	CHECK(strstr(get("/proc/version"), u.version) != NULL);
	get("/proc/sys/kernel/osrelease");
	CHECK(strncmp(buf, u.release, strlen(u.release)) == 0);
	say("settings");
}

/* The lines that programs look for, in this order. */
static void
meminfo(void)
{
	const char *names[] = {"MemTotal:", "MemFree:", "MemAvailable:",
	    "Buffers:", "Cached:", "SwapCached:", "Active:", "Inactive:",
	    "Active(anon):", "Inactive(anon):", "Active(file):",
	    "Inactive(file):", "Unevictable:", "Mlocked:", "SwapTotal:",
	    "SwapFree:", "Dirty:", "Writeback:", "AnonPages:", "Mapped:",
	    "Shmem:", "KReclaimable:", "Slab:", "SReclaimable:", "SUnreclaim:",
	    "KernelStack:", "PageTables:", "CommitLimit:", "Committed_AS:",
	    "VmallocTotal:", "VmallocUsed:", "AnonHugePages:",
	    "HugePages_Total:", "HugePages_Free:", "HugePages_Rsvd:",
	    "HugePages_Surp:", "Hugepagesize:", "Hugetlb:"};
	const char *at = get("/proc/meminfo"), *next;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		next = after(buf, names[i]);
		CHECK(next > at && strtol(next, NULL, 10) >= 0);
		at = next;
	}
}

static void
system_files(void)
{
	struct sysinfo si;
	long total;

	CHECK(strncmp(get("/proc/devices"), "Character devices:\n  1 mem\n",
		  26) == 0);
	CHECK(strstr(buf, "\n136 pts\n") != NULL);
	CHECK(strstr(buf, "\n\nBlock devices:\n") != NULL);
	CHECK(strncmp(get("/proc/partitions"), "major minor  #blocks  name\n\n",
		  28) == 0);
	get("/proc/diskstats");
	CHECK(strncmp(get("/proc/interrupts"), "           CPU0 ", 16) == 0);
	CHECK(value("/proc/vmstat", "pgfault ") > 0);
	CHECK(value("/proc/vmstat", "pgpgin ") >= 0);
	CHECK(value("/proc/vmstat", "oom_kill ") >= 0);
	CHECK(strstr(get("/proc/zoneinfo"), "Node 0, zone ") != NULL);
	meminfo();
	CHECK(value("/proc/stat", "softirq ") >= 0);
	CHECK(value("/proc/stat", "btime ") > 0);
	CHECK(strncmp(get("/proc/cgroups"), "#subsys_name\thierarchy\t", 23) ==
	      0);
	CHECK(strstr(get("/proc/filesystems"), "nodev\tsysfs\n") != NULL);
	CHECK(sysinfo(&si) == 0);
	total = value("/proc/meminfo", "MemTotal:");
	CHECK(total == (long)(si.totalram * si.mem_unit / 1024));
	say("files of the system");
}

/* The line of a table that has `id` as its second number, or NULL. */
static const char *
ipc_line(const char *path, int id)
{
	char *line;
	int key, have;

	for (line = strchr(get(path), '\n'); line != NULL && line[1] != '\0';
	     line = strchr(line + 1, '\n'))
		if (sscanf(line + 1, "%d %d", &key, &have) == 2 && have == id)
			return (line + 1);
	return (NULL);
}

static void
ipc(void)
{
	int shm = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0640);
	int sem = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
	int msg = msgget(IPC_PRIVATE, IPC_CREAT | 0666);
	struct {
		long type;
		char text[100];
	} m = {.type = 1};
	unsigned long size, nattch, bytes, n;
	unsigned mode;
	void *at;

	CHECK(shm >= 0 && sem >= 0 && msg >= 0);
	at = shmat(shm, NULL, 0);
	CHECK(at != (void *)-1 && msgsnd(msg, &m, 100, 0) == 0);
	CHECK(sscanf(ipc_line("/proc/sysvipc/shm", shm),
		  "%*d %*d %o %lu %*u %*u %lu", &mode, &size, &nattch) == 3);
	CHECK(mode == 0640 && size == 100000 && nattch == 1);
	CHECK(sscanf(ipc_line("/proc/sysvipc/sem", sem), "%*d %*d %o %lu",
		  &mode, &n) == 2);
	CHECK(mode == 0600 && n == 3);
	CHECK(sscanf(ipc_line("/proc/sysvipc/msg", msg), "%*d %*d %o %lu %lu",
		  &mode, &bytes, &n) == 3);
	CHECK(mode == 0666 && bytes == 100 && n == 1);
	CHECK(shmdt(at) == 0 && shmctl(shm, IPC_RMID, NULL) == 0);
	CHECK(
	    semctl(sem, 0, IPC_RMID) == 0 && msgctl(msg, IPC_RMID, NULL) == 0);
	CHECK(ipc_line("/proc/sysvipc/shm", shm) == NULL);
	CHECK(ipc_line("/proc/sysvipc/sem", sem) == NULL);
	CHECK(ipc_line("/proc/sysvipc/msg", msg) == NULL);
	say("sysvipc");
}

/* ---- /sys ---- */

static void
sys(void)
{
	cpu_set_t set;
	char path[128];
	int first = -1;
	long n;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (int i = 0; i < CPU_SETSIZE && first < 0; i++)
		if (CPU_ISSET(i, &set))
			first = i;
	n = strtol(get("/sys/devices/system/cpu/online"), NULL, 10);
	CHECK((inside() ? n == first : n <= first) &&
	      buf[strlen(buf) - 1] == '\n');
	CHECK(access("/sys/devices/system/cpu/possible", R_OK) == 0);
	CHECK(access("/sys/devices/system/cpu/present", R_OK) == 0);
	snprintf(path, sizeof(path),
	    "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
	    first);
	CHECK(strtol(get(path), NULL, 10) == first);
	snprintf(path, sizeof(path),
	    "/sys/devices/system/cpu/cpu%d/topology/core_id", first);
	CHECK(strtol(get(path), NULL, 10) >= 0);
	CHECK_ERRNO(access("/sys/devices/system/cpu/cpu1000000", F_OK), ENOENT);
	CHECK(access("/sys/block", X_OK) == 0);
	CHECK(access("/sys/class", X_OK) == 0);
	CHECK(access("/sys/fs/cgroup", X_OK) == 0);
	say("/sys");
	if (!inside())
		return;
	n = strtol(get("/sys/fs/cgroup/memory.max"), NULL, 10);
	CHECK(n / 1024 == value("/proc/meminfo", "MemTotal:"));
	CHECK(strtol(get("/sys/fs/cgroup/memory.current"), NULL, 10) < n);
	n = strtol(get("/sys/fs/cgroup/pids.max"), NULL, 10);
	CHECK(n == value("/proc/sys/kernel/threads-max", ""));
	CHECK(strstr(get("/sys/fs/cgroup/cgroup.procs"), "1\n") != NULL);
	CHECK(strcmp(get("/sys/fs/cgroup/cpu.max"), "max 100000\n") == 0);
	CHECK(strncmp(get("/sys/devices/system/node/node0/meminfo"),
		  "Node 0 MemTotal: ", 17) == 0);
	CHECK_ERRNO(open("/sys/fs/cgroup/memory.max", O_WRONLY), EROFS);
	CHECK_ERRNO(mkdir("/sys/fs/cgroup/a", 0755), EROFS);
}

int
main(void)
{
	fd_regular();
	fd_kinds();
	fd_lists();
	fd_itself();
	mountinfo();
	in_child(namespaces, NULL);
	smaps();
	rights_asked();
	pagemap();
	vdso();
	status_lines();
	in_child(filtered, NULL);
	say("a filter in status");
	peak();
	children();
	status_cpus();
	caps();
	stats();
	io();
	settings();
	system_files();
	ipc();
	sys();
	return (0);
}
