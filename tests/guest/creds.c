/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Credentials: each thread has its own ids, groups and capabilities; a dropped
 * capability takes its right away; file system ids; keepcaps, ambient set,
 * bounding set, securebits and no_new_privs over setresuid and exec.  Most of
 * it needs root.
 */
#include "guest.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define USER 4712

enum {
	CAP_CHOWN,
	CAP_DAC_OVERRIDE,
	CAP_DAC_READ_SEARCH,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_KILL,
	CAP_SETGID,
	CAP_SETUID,
	CAP_SETPCAP,
	CAP_NET_BIND = 10,
	CAP_IPC_OWNER = 15,
	CAP_SYS_PTRACE = 19,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24,
	CAP_MKNOD = 27,
};
#define BIT(cap) (1ull << (cap))

struct header {
	uint32_t version;
	int pid;
};
struct data {
	uint32_t eff, perm, inh;
};
struct caps {
	uint64_t eff, perm, inh;
};

static struct caps
caps_of(int pid)
{
	struct header h = {0x20080522, pid};
	struct data d[2];

	CHECK(syscall(SYS_capget, &h, d) == 0);
	return ((struct caps){(uint64_t)d[1].eff << 32 | d[0].eff,
	    (uint64_t)d[1].perm << 32 | d[0].perm,
	    (uint64_t)d[1].inh << 32 | d[0].inh});
}

static long
caps_set(struct caps c)
{
	struct header h = {0x20080522, 0};
	struct data d[2] = {
	    {(uint32_t)c.eff, (uint32_t)c.perm, (uint32_t)c.inh},
	    {(uint32_t)(c.eff >> 32), (uint32_t)(c.perm >> 32),
		(uint32_t)(c.inh >> 32)}};

	return (syscall(SYS_capset, &h, d));
}

/* Take capabilities out of the effective set. */
static void
drop(uint64_t bits)
{
	struct caps c = caps_of(0);

	c.eff &= ~bits;
	CHECK(caps_set(c) == 0);
	CHECK(caps_of(0).eff == c.eff);
}

static uint64_t
status_hex(const char *file, const char *name)
{
	char text[8192], *p;

	read_file(file, text, sizeof(text));
	p = strstr(text, name);
	CHECK(p != NULL);
	return (strtoull(p + strlen(name), NULL, 16));
}

static void
status_line(const char *file, const char *name, char line[128])
{
	char text[8192], *p;

	read_file(file, text, sizeof(text));
	p = strstr(text, name);
	CHECK(p != NULL);
	snprintf(line, 128, "%.*s", (int)strcspn(p, "\n"), p);
}

/* ---- threads ---- */

static pthread_barrier_t bar;
static int other_tid;

static uid_t
owner_of(const char *path)
{
	struct stat st;

	CHECK(stat(path, &st) == 0);
	return (st.st_uid);
}

static void
make(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, mode);

	CHECK(fd >= 0 && close(fd) == 0);
}

/* This thread alone becomes another user. */
static void *
other(void *arg)
{
	const gid_t groups[] = {USER + 1, USER + 2};

	other_tid = (int)syscall(SYS_gettid);
	CHECK(syscall(SYS_setgroups, 2, groups) == 0);
	CHECK(syscall(SYS_setresgid, USER, USER, USER) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	pthread_barrier_wait(&bar);
	CHECK(syscall(SYS_geteuid) == USER && syscall(SYS_getgid) == USER);
	CHECK(syscall(SYS_getgroups, 0, NULL) == 2);
	CHECK(caps_of(0).perm == 0 && caps_of(0).eff == 0);
	make("thread", 0644);
	CHECK_ERRNO(open("private", O_RDONLY), EACCES);
	CHECK_ERRNO(syscall(SYS_setresuid, 0, -1, -1), EPERM);
	pthread_barrier_wait(&bar);
	pthread_barrier_wait(&bar);
	return (NULL);
}

static void
threads(void)
{
	char path[64], line[128];
	pthread_t t;
	int fd;

	make("private", 0600);
	CHECK(pthread_barrier_init(&bar, NULL, 2) == 0);
	CHECK(pthread_create(&t, NULL, other, NULL) == 0);
	pthread_barrier_wait(&bar);
	CHECK(syscall(SYS_geteuid) == 0 && syscall(SYS_getgid) == 0);
	CHECK(caps_of(0).eff != 0 && caps_of(getpid()).eff == caps_of(0).eff);
	CHECK(caps_of(other_tid).perm == 0);
	pthread_barrier_wait(&bar);
	fd = open("private", O_RDWR);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(owner_of("thread") == USER && owner_of("private") == 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", other_tid);
	status_line(path, "Uid:", line);
	say("other thread: %s", line);
	status_line(path, "Groups:", line);
	say("other thread: %s", line);
	CHECK(status_hex(path, "CapPrm:") == 0);
	status_line("/proc/self/status", "Uid:", line);
	say("first thread: %s", line);
	pthread_barrier_wait(&bar);
	CHECK(pthread_join(t, NULL) == 0);
	/* Its memory is that of the other user, too. */
	CHECK(prctl(PR_GET_DUMPABLE) != 1);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(unlink("thread") == 0 && unlink("private") == 0);
}

static _Atomic(bool) race_over;
static _Atomic(int) changer_tid, watchers = 2;

/* A thread that changes its credentials all the time. */
static void *
changer(void *arg)
{
	const gid_t groups[] = {1, 2, 3};

	changer_tid = (int)syscall(SYS_gettid);
	for (int i = 0; i < 2000; i++) {
		CHECK(syscall(SYS_setgroups, i % 4, groups) == 0);
		CHECK(syscall(SYS_setresuid, i % 7, -1, 0) == 0);
		CHECK(syscall(SYS_setfsuid, USER) == 0);
		CHECK(syscall(SYS_setfsuid, 0) == USER);
	}
	race_over = true;
	while (watchers != 0)
		sleep_ms(1);
	return (NULL);
}

/* Another one looks at them. */
static void *
watcher(void *arg)
{
	char path[64], line[128];
	struct stat st;

	while (changer_tid == 0)
		sleep_ms(1);
	snprintf(path, sizeof(path), "/proc/self/task/%d", changer_tid);
	while (!race_over) {
		CHECK(caps_of(changer_tid).perm != 0);
		(void)stat(path, &st);
		(void)syscall(SYS_tgkill, getpid(), changer_tid, 0);
		(void)getpriority(PRIO_PROCESS, (id_t)changer_tid);
		status_line("/proc/self/status", "Groups:", line);
	}
	watchers--;
	return (NULL);
}

static void
race(void *arg)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(
			  &t[i], NULL, i == 0 ? changer : watcher, NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

/* ---- file system ids ---- */

static void
fsids(void *arg)
{
	const uint64_t all = caps_of(0).eff;
	char line[128];

	make("private", 0600);
	CHECK(syscall(SYS_setfsuid, USER) == 0);
	CHECK(syscall(SYS_setfsuid, -1) == USER);
	CHECK(syscall(SYS_setfsgid, USER) == 0);
	CHECK(syscall(SYS_setfsgid, -1) == USER);
	CHECK(geteuid() == 0 && getegid() == 0);
	CHECK((caps_of(0).eff & BIT(CAP_DAC_OVERRIDE)) == 0);
	CHECK((caps_of(0).eff & BIT(CAP_SETUID)) != 0);
	CHECK_ERRNO(open("private", O_RDONLY), EACCES);
	CHECK_ERRNO(chmod("private", 0644), EPERM);
	make("mine", 0600);
	CHECK(owner_of("mine") == USER);
	status_line("/proc/self/status", "Uid:", line);
	say("%s", line);
	status_line("/proc/self/status", "Gid:", line);
	say("%s", line);
	CHECK(syscall(SYS_setfsuid, 0) == USER);
	CHECK(syscall(SYS_setfsgid, 0) == USER);
	CHECK(caps_of(0).eff == all);
	/* A change of the effective id takes the file system id along. */
	CHECK(syscall(SYS_setfsuid, USER) == 0);
	CHECK(syscall(SYS_setresuid, -1, USER + 1, -1) == 0);
	CHECK(syscall(SYS_setfsuid, -1) == USER + 1);
	CHECK(syscall(SYS_setfsuid, USER + 5) == USER + 1);
	CHECK(syscall(SYS_setfsuid, -1) == USER + 1);
	CHECK(syscall(SYS_setresuid, -1, 0, -1) == 0);
	CHECK(unlink("private") == 0 && unlink("mine") == 0);
}

/* ---- rights of each capability ---- */

static void
no_dac(void *arg)
{
	int fd;

	/* Read and search only. */
	drop(BIT(CAP_DAC_OVERRIDE));
	fd = open("theirs", O_RDONLY);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK_ERRNO(open("theirs", O_WRONLY), EACCES);
	CHECK_ERRNO(open("theirs", O_RDWR), EACCES);
	CHECK(access("closed/f", F_OK) == 0);
	CHECK_ERRNO(open("closed/new", O_CREAT | O_WRONLY, 0600), EACCES);
	CHECK_ERRNO(unlink("closed/f"), EACCES);
	drop(BIT(CAP_DAC_READ_SEARCH));
	CHECK_ERRNO(open("theirs", O_RDONLY), EACCES);
	CHECK_ERRNO(open("closed/f", O_PATH), EACCES);
	CHECK(access("closed/f", F_OK) == 0); /* by the permitted set */
	CHECK_ERRNO(truncate("theirs", 1), EACCES);
	/* Its own files still open by their bits. */
	make("mine", 0600);
	fd = open("mine", O_RDWR);
	CHECK(fd >= 0 && close(fd) == 0 && unlink("mine") == 0);
}

static void
no_owner(void *arg)
{
	struct timespec ts[2] = {{1, 0}, {2, 0}};

	drop(BIT(CAP_FOWNER));
	CHECK_ERRNO(chmod("theirs", 0777), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, "theirs", ts, 0), EPERM);
	CHECK_ERRNO(unlink("sticky/f"), EPERM);
	CHECK_ERRNO(rename("sticky/f", "sticky/g"), EPERM);
	CHECK(chown("theirs", USER, USER) == 0);
	drop(BIT(CAP_CHOWN));
	CHECK_ERRNO(chown("theirs", 0, -1), EPERM);
	CHECK_ERRNO(chown("theirs", -1, 0), EPERM);
	make("mine", 0600);
	CHECK_ERRNO(chown("mine", USER, -1), EPERM);
	CHECK(chown("mine", 0, 0) == 0 && unlink("mine") == 0);
}

static void
no_fsetid(void *arg)
{
	struct stat st;
	int fd;

	fd = open("suid", O_CREAT | O_EXCL | O_WRONLY, 0700);
	CHECK(fd >= 0 && fchmod(fd, 06755) == 0);
	CHECK(write(fd, "a", 1) == 1 && fstat(fd, &st) == 0);
	CHECK((st.st_mode & 07777) == 06755);
	drop(BIT(CAP_FSETID));
	CHECK(write(fd, "b", 1) == 1 && fstat(fd, &st) == 0);
	CHECK((st.st_mode & 07777) == 0755);
	CHECK(fchown(fd, -1, USER) == 0 && fchmod(fd, 06755) == 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 04755);
	CHECK(close(fd) == 0 && unlink("suid") == 0);
}

static void
no_ids(void *arg)
{
	drop(BIT(CAP_SETUID));
	CHECK_ERRNO(syscall(SYS_setresuid, USER, -1, -1), EPERM);
	CHECK_ERRNO(syscall(SYS_setuid, USER), EPERM);
	CHECK(syscall(SYS_setuid, 0) == 0);
	CHECK(syscall(SYS_setfsuid, USER) == 0);
	CHECK(syscall(SYS_setfsuid, -1) == 0);
	CHECK(syscall(SYS_setresgid, USER, USER, 0) == 0);
	drop(BIT(CAP_SETGID));
	CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
	CHECK_ERRNO(syscall(SYS_setresgid, 1, -1, -1), EPERM);
	CHECK(syscall(SYS_setregid, -1, 0) == 0);
}

static void
user_waits(void *arg)
{
	int *fd = arg;
	char c;

	CHECK(syscall(SYS_setresgid, USER, USER, USER) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(write(fd[1], "", 1) == 1);
	(void)!read(fd[2], &c, 1);
	_exit(0);
}

/* A child of another user, that ends when *end is closed. */
static pid_t
user_child(int *end)
{
	int ready[2], wait[2], fd[3];
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0 && pipe(wait) == 0);
	fd[1] = ready[1];
	fd[2] = wait[0];
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(wait[1]);
		user_waits(fd);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	close(wait[0]);
	*end = wait[1];
	return (pid);
}

static void
no_process(void *arg)
{
	char text[8];
	struct iovec mine = {text, 4}, his = {&bar, 4};
	struct rlimit rl;
	int end;
	pid_t pid = user_child(&end);

	CHECK(kill(pid, 0) == 0);
	CHECK(process_vm_readv(pid, &mine, 1, &his, 1, 0) == 4);
	CHECK(setpriority(PRIO_PROCESS, (id_t)pid, 1) == 0);
	drop(BIT(CAP_KILL));
	CHECK_ERRNO(kill(pid, 0), EPERM);
	CHECK_ERRNO(kill(pid, SIGTERM), EPERM);
	drop(BIT(CAP_SYS_PTRACE));
	CHECK_ERRNO(process_vm_readv(pid, &mine, 1, &his, 1, 0), EPERM);
	drop(BIT(CAP_SYS_NICE));
	CHECK_ERRNO(setpriority(PRIO_PROCESS, (id_t)pid, 2), EPERM);
	CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 4), EACCES);
	drop(BIT(CAP_SYS_RESOURCE));
	CHECK_ERRNO(prlimit(pid, RLIMIT_NOFILE, NULL, &rl), EPERM);
	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	rl.rlim_cur = --rl.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	rl.rlim_max++;
	CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &rl), EPERM);
	close(end);
	wait_ok(pid);
}

/* A process may look into another one only if that has no capability more. */
static void
no_more_than_own(void *arg)
{
	char text[8];
	struct iovec mine = {text, 4}, his = {&bar, 4};
	int end;
	pid_t pid = waiting_child(&end);

	drop(BIT(CAP_SYS_PTRACE));
	CHECK(process_vm_readv(pid, &mine, 1, &his, 1, 0) == 4);
	CHECK(caps_set((struct caps){0, BIT(CAP_KILL), 0}) == 0);
	CHECK_ERRNO(process_vm_readv(pid, &mine, 1, &his, 1, 0), EPERM);
	close(end);
	wait_ok(pid);
}

static void
no_ipc(void *arg)
{
	struct shmid_ds ds;
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	int q = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds mq;

	CHECK(q >= 0 && msgctl(q, IPC_STAT, &mq) == 0);
	mq.msg_qbytes += 100;
	drop(BIT(CAP_SYS_RESOURCE));
	CHECK_ERRNO(msgctl(q, IPC_SET, &mq), EPERM);
	mq.msg_qbytes -= 200;
	CHECK(msgctl(q, IPC_SET, &mq) == 0 && msgctl(q, IPC_RMID, NULL) == 0);
	CHECK(id >= 0 && shmctl(id, IPC_STAT, &ds) == 0);
	/* The maker keeps its rights, so another user looks. */
	CHECK(syscall(SYS_setresuid, -1, USER, 0) == 0);
	CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EACCES);
	CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
	CHECK(caps_set((struct caps){BIT(CAP_IPC_OWNER) | BIT(CAP_SETUID),
		  caps_of(0).perm, 0}) == 0);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EPERM);
	CHECK(caps_set((struct caps){BIT(CAP_SYS_ADMIN), caps_of(0).perm, 0}) ==
	      0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void
no_system(void *arg)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(741),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct {
		unsigned short len;
		void *insn;
	} prog = {1, (uint64_t[]){0x7fff000000000006}};
	char text[16] = "1024";
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (!inside())
		read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", text,
		    sizeof(text));
	drop(BIT(CAP_NET_BIND));
	CHECK(s >= 0);
	if (atoi(text) > 741)
		CHECK_ERRNO(
		    bind(s, (struct sockaddr *)&sin, sizeof(sin)), EACCES);
	CHECK(close(s) == 0);
	drop(BIT(CAP_MKNOD));
	CHECK_ERRNO(mknod("dev", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	CHECK(mknod("fifo", S_IFIFO | 0600, 0) == 0 && unlink("fifo") == 0);
	drop(BIT(CAP_SYS_ADMIN));
	make("x", 0600);
	CHECK_ERRNO(setxattr("x", "trusted.a", "v", 1, 0), EPERM);
	CHECK(unlink("x") == 0);
	CHECK_ERRNO(prctl(PR_SET_SECCOMP, 2, &prog), EACCES);
	drop(BIT(CAP_SETPCAP));
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 0), EPERM);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 99), EPERM);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 1), EPERM);
}

static void
rights(void)
{
	make("theirs", 0);
	CHECK(chown("theirs", USER, USER) == 0);
	CHECK(mkdir("closed", 0700) == 0 && mkdir("sticky", 01777) == 0);
	CHECK(chmod("sticky", 01777) == 0);
	make("closed/f", 0600);
	make("sticky/f", 0600);
	CHECK(chown("closed", USER, USER) == 0);
	CHECK(chown("sticky", USER, USER) == 0);
	CHECK(chown("sticky/f", USER, USER) == 0);
	in_child(no_dac, NULL);
	say("no CAP_DAC_* ok");
	in_child(no_owner, NULL);
	say("no CAP_FOWNER, CAP_CHOWN ok");
	in_child(no_fsetid, NULL);
	say("no CAP_FSETID ok");
	in_child(no_ids, NULL);
	say("no CAP_SET*ID ok");
	in_child(no_process, NULL);
	in_child(no_more_than_own, NULL);
	say("no CAP_KILL, CAP_SYS_PTRACE, _NICE, _RESOURCE ok");
	in_child(no_ipc, NULL);
	say("no CAP_IPC_OWNER ok");
	in_child(no_system, NULL);
	say("no CAP_NET_BIND_SERVICE, CAP_MKNOD, CAP_SYS_ADMIN ok");
	CHECK(unlink("closed/f") == 0 && rmdir("closed") == 0);
	CHECK(unlink("sticky/f") == 0 && rmdir("sticky") == 0);
	CHECK(unlink("theirs") == 0);
}

/* ---- changes of the sets ---- */

static void
sets(void *arg)
{
	const struct caps c = caps_of(0);
	struct header h = {0, 0};
	struct data d[2];

	CHECK(c.eff == c.perm && c.inh == 0);
	CHECK(c.eff == status_hex("/proc/self/status", "CapEff:"));
	CHECK_ERRNO(syscall(SYS_capget, &h, d), EINVAL);
	CHECK(h.version == 0x20080522);
	h.version = 0;
	CHECK(syscall(SYS_capget, &h, NULL) == 0 && h.version == 0x20080522);
	h.pid = -1;
	CHECK_ERRNO(syscall(SYS_capget, &h, d), EINVAL);
	h.pid = 0x3fffffff;
	CHECK_ERRNO(syscall(SYS_capget, &h, d), ESRCH);
	h.pid = getppid();
	CHECK(syscall(SYS_capget, &h, d) == 0);
	CHECK_ERRNO(syscall(SYS_capset, &h, d), EPERM);
	h.pid = 0;
	CHECK_ERRNO(syscall(SYS_capset, &h, BAD), EFAULT);
	CHECK_ERRNO(
	    caps_set((struct caps){c.perm, c.perm & ~BIT(CAP_KILL), 0}), EPERM);
	CHECK(caps_set((struct caps){0, c.perm, BIT(CAP_KILL)}) == 0);
	CHECK(caps_of(0).inh == BIT(CAP_KILL));
	CHECK(status_hex("/proc/self/status", "CapInh:") == BIT(CAP_KILL));
	CHECK(caps_set((struct caps){
		  BIT(CAP_SETPCAP), c.perm & ~BIT(CAP_KILL), 0}) == 0);
	CHECK_ERRNO(caps_set((struct caps){0, c.perm, 0}), EPERM);
	/* Inheritable: of the bounding set, with CAP_SETPCAP. */
	CHECK(caps_set((struct caps){
		  BIT(CAP_SETPCAP), caps_of(0).perm, BIT(CAP_KILL)}) == 0);
	CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 1);
	CHECK(prctl(PR_CAPBSET_DROP, CAP_CHOWN) == 0);
	CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
	CHECK_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, 64), EINVAL);
	CHECK(
	    (status_hex("/proc/self/status", "CapBnd:") & BIT(CAP_CHOWN)) == 0);
	CHECK_ERRNO(caps_set((struct caps){
			0, caps_of(0).perm, BIT(CAP_KILL) | BIT(CAP_CHOWN)}),
	    EPERM);
	CHECK(caps_set((struct caps){0, caps_of(0).perm, 0}) == 0);
	CHECK_ERRNO(
	    caps_set((struct caps){0, caps_of(0).perm, BIT(CAP_KILL)}), EPERM);
}

static void
ambient_calls(void *arg)
{
	struct caps c = caps_of(0);

	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0), EPERM);
	c.inh = BIT(CAP_KILL) | BIT(CAP_FOWNER);
	CHECK(caps_set(c) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 2, CAP_FOWNER, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0) == 1);
	CHECK(prctl(PR_CAP_AMBIENT, 1, CAP_CHOWN, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 3, CAP_KILL, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 2, 64, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 2, 1, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 5, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 4, 1, 0, 0), EINVAL);
	/* What is not inheritable any more is not ambient either. */
	c.inh = BIT(CAP_KILL);
	CHECK(caps_set(c) == 0);
	CHECK(status_hex("/proc/self/status", "CapAmb:") == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 4, 0, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECUREBITS, 0x40) == 0);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0), EPERM);
}

static void
securebits(void *arg)
{
	CHECK(prctl(PR_GET_SECUREBITS) == 0 && prctl(PR_GET_KEEPCAPS) == 0);
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(prctl(PR_GET_SECUREBITS) == 0x10 && prctl(PR_GET_KEEPCAPS) == 1);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0x10000000), EPERM);
	CHECK(prctl(PR_SET_SECUREBITS, 0x24) == 0);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0x4), EPERM);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0x34), EPERM);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 1), EPERM);
	CHECK(prctl(PR_GET_SECUREBITS) == 0x24);
	/* No fix-up: the sets are not touched by a change of user. */
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(caps_of(0).eff != 0 && caps_of(0).eff == caps_of(0).perm);
}

static void
keepcaps(void *arg)
{
	const struct caps c = caps_of(0);

	CHECK(syscall(SYS_setresuid, -1, USER, -1) == 0);
	CHECK(caps_of(0).eff == 0 && caps_of(0).perm == c.perm);
	CHECK(syscall(SYS_setresuid, -1, 0, -1) == 0);
	CHECK(caps_of(0).eff == c.eff);
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(caps_of(0).eff == 0 && caps_of(0).perm == c.perm);
	CHECK(caps_set((struct caps){BIT(CAP_SETUID), c.perm, 0}) == 0);
	CHECK(syscall(SYS_setresuid, 7, 8, 9) == 0);
	CHECK(prctl(PR_GET_DUMPABLE) != 1);
}

/* ---- exec ---- */

static char *self;

/* The program, executed again, prints its sets: sixteen bits are known to be
 * the same everywhere. */
static int
show(const char *what)
{
	char line[128];

	status_line("/proc/self/status", "Uid:", line);
	say("%s: %s perm %llx eff %llx inh %llx amb %llx bnd %llx secure %lu "
	    "bits %x",
	    what, line, (unsigned long long)caps_of(0).perm & 0xffff,
	    (unsigned long long)caps_of(0).eff & 0xffff,
	    (unsigned long long)caps_of(0).inh,
	    (unsigned long long)status_hex("/proc/self/status", "CapAmb:"),
	    (unsigned long long)status_hex("/proc/self/status", "CapBnd:") &
		0xffff,
	    getauxval(AT_SECURE), (unsigned)prctl(PR_GET_SECUREBITS));
	return (0);
}

static void
again(const char *what)
{
	execl(self, self, what, NULL);
	CHECK(!"exec");
}

static void
exec_plain(void *arg)
{
	drop(~0ull);
	CHECK(prctl(PR_CAPBSET_DROP, CAP_KILL) == -1);
	again("root gets all again");
}

static void
exec_bounded(void *arg)
{
	CHECK(prctl(PR_CAPBSET_DROP, CAP_KILL) == 0);
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	again("without one of the bounding set");
}

static void
exec_no_new_privs(void *arg)
{
	CHECK(caps_set((struct caps){0, BIT(CAP_KILL), 0}) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	again("no new privileges");
}

static void
exec_noroot(void *arg)
{
	CHECK(prctl(PR_SET_SECUREBITS, 1) == 0);
	again("noroot");
}

static void
exec_ambient(void *arg)
{
	struct caps c = caps_of(0);

	c.inh = BIT(CAP_KILL) | BIT(CAP_NET_BIND);
	CHECK(caps_set(c) == 0);
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0) == 0);
	again("ambient");
}

static void
exec_user(void *arg)
{
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	again("kept until exec");
}

static void
exec_effective(void *arg)
{
	CHECK(syscall(SYS_setresuid, -1, USER, 0) == 0);
	again("effective user");
}

static void *
exec_from_thread(void *arg)
{
	CHECK(syscall(SYS_setresuid, USER, USER, USER) == 0);
	again("thread");
	return (NULL);
}

static void
exec_thread(void *arg)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, exec_from_thread, NULL) == 0);
	for (;;)
		pause();
}

static void
execs(void)
{
	in_child(exec_plain, NULL);
	in_child(exec_bounded, NULL);
	in_child(exec_no_new_privs, NULL);
	in_child(exec_noroot, NULL);
	in_child(exec_ambient, NULL);
	in_child(exec_user, NULL);
	in_child(exec_effective, NULL);
	in_child(exec_thread, NULL);
}

/* ---- without rights ---- */

static void
as_user(void *arg)
{
	if (geteuid() == 0) {
		CHECK(setresgid(USER, USER, USER) == 0);
		CHECK(setresuid(USER, USER, USER) == 0);
	}
	CHECK(caps_of(0).eff == 0 && caps_of(0).perm == 0);
	CHECK_ERRNO(caps_set((struct caps){0, 1, 0}), EPERM);
	CHECK(caps_set((struct caps){0, 0, 0}) == 0);
	CHECK_ERRNO(syscall(SYS_setuid, 0), EPERM);
	CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
	CHECK(syscall(SYS_setresuid, geteuid(), -1, geteuid()) == 0);
	CHECK_ERRNO(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0), EPERM);
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK_ERRNO(prctl(PR_SET_SECUREBITS, 0), EPERM);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return (show(argv[1]));
	self = realpath("/proc/self/exe", NULL);
	CHECK(self != NULL);
	in_child(as_user, NULL);
	say("user ok");
	if (geteuid() != 0)
		return (0);
	(void)umask(0);
	scratch_enter("creds");
	CHECK(chmod(".", 0777) == 0);
	threads();
	in_child(race, NULL);
	in_child(fsids, NULL);
	rights();
	in_child(sets, NULL);
	in_child(ambient_calls, NULL);
	in_child(securebits, NULL);
	in_child(keepcaps, NULL);
	say("sets ok");
	execs();
	scratch_remove();
	return (0);
}
