/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: names and rights; operations that happen completely or
 * not at all; when a process waits and what ends the wait; SEM_UNDO at the end
 * of a process, of a thread and after a fork.
 */
#include "guest.h"

#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef GETNCNT
#define GETNCNT 14
#endif
#ifndef SEM_STAT
#define SEM_STAT 18
#define SEM_INFO 19
#endif

union arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static key_t
some_key(void)
{
	return ((key_t)(0x57000000 + getpid()));
}

static int
ctl(int id, int num, int cmd, int val)
{
	return (semctl(id, num, cmd, (union arg){.val = val}));
}

static int
get(int id, int num)
{
	int v = ctl(id, num, GETVAL, 0);

	CHECK(v >= 0);
	return (v);
}

static int
op(int id, int num, int n, int flags)
{
	struct sembuf b = {(unsigned short)num, (short)n, (short)flags};

	return (semop(id, &b, 1));
}

static int
make(int n)
{
	int id = semget(IPC_PRIVATE, n, 0600);

	CHECK(id >= 0);
	return (id);
}

static void
drop(int id)
{
	CHECK(ctl(id, 0, IPC_RMID, 0) == 0);
}

/* Wait until n processes wait for a semaphore to increase, or (GETZCNT) to
 * become 0. */
static void
until_waiting(int id, int num, int cmd, int n)
{
	for (int i = 0; ctl(id, num, cmd, 0) != n; i++) {
		CHECK(i < 20000);
		sleep_ms(1);
	}
}

static void
names(void)
{
	const key_t key = some_key();
	int id, other;

	CHECK_ERRNO(semget(key, 1, 0600), ENOENT);
	CHECK_ERRNO(semget(key, 0, IPC_CREAT | 0600), EINVAL);
	CHECK_ERRNO(semget(key, -1, IPC_CREAT | 0600), EINVAL);
	CHECK_ERRNO(semget(key, 1 << 20, IPC_CREAT | 0600), EINVAL);
	id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0640);
	CHECK(id >= 0);
	CHECK(semget(key, 3, IPC_CREAT | 0600) == id);
	CHECK(semget(key, 0, 0) == id && semget(key, 2, 0) == id);
	CHECK_ERRNO(semget(key, 4, 0600), EINVAL);
	CHECK_ERRNO(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	other = make(1);
	CHECK(other != id);
	drop(other);
	CHECK_ERRNO(ctl(other, 0, GETVAL, 0), EINVAL);
	CHECK_ERRNO(op(other, 0, 1, 0), EINVAL);
	drop(id);
	CHECK_ERRNO(semget(key, 3, 0600), ENOENT);
	CHECK_ERRNO(ctl(-1, 0, IPC_RMID, 0), EINVAL);
	id = make(2); /* may have the number of the old one */
	CHECK(id != other);
	CHECK_ERRNO(ctl(id, 0, 77, 0), EINVAL);
	drop(id);
	say("names ok");
}

static void
values(void)
{
	unsigned short v[3] = {1, 2, 3}, w[3] = {9, 9, 9};
	struct semid_ds ds;
	int id = make(3);

	CHECK(semctl(id, 0, IPC_STAT, (union arg){.buf = &ds}) == 0);
	CHECK(ds.sem_nsems == 3 && ds.sem_otime == 0 && ds.sem_ctime != 0);
	CHECK(ds.sem_perm.mode == 0600 && ds.sem_perm.uid == geteuid());
	CHECK(get(id, 2) == 0 && ctl(id, 2, GETPID, 0) == 0);
	CHECK(ctl(id, 2, SETVAL, 32767) == 0 && get(id, 2) == 32767);
	CHECK(ctl(id, 2, GETPID, 0) == getpid());
	CHECK_ERRNO(ctl(id, 2, SETVAL, 32768), ERANGE);
	CHECK_ERRNO(ctl(id, 2, SETVAL, -1), ERANGE);
	CHECK_ERRNO(ctl(id, 3, SETVAL, 1), EINVAL);
	CHECK_ERRNO(ctl(id, -1, GETVAL, 1), EINVAL);
	CHECK_ERRNO(op(id, 2, 1, 0), ERANGE);
	CHECK(semctl(id, 0, SETALL, (union arg){.array = v}) == 0);
	CHECK(semctl(id, 0, GETALL, (union arg){.array = w}) == 0);
	CHECK(memcmp(v, w, sizeof(v)) == 0);
	v[1] = 40000;
	CHECK_ERRNO(semctl(id, 0, SETALL, (union arg){.array = v}), ERANGE);
	CHECK_ERRNO(semctl(id, 0, SETALL, (union arg){.array = BAD}), EFAULT);
	CHECK_ERRNO(semctl(id, 0, GETALL, (union arg){.array = BAD}), EFAULT);
	CHECK(get(id, 0) == 1 && get(id, 1) == 2 && get(id, 2) == 3);
	CHECK(op(id, 0, 5, 0) == 0 && op(id, 0, -2, 0) == 0);
	CHECK(get(id, 0) == 4);
	CHECK(semctl(id, 0, IPC_STAT, (union arg){.buf = &ds}) == 0);
	CHECK(ds.sem_otime != 0);
	drop(id);
	say("values ok");
}

/* All operations of a call happen, or none; each one applies to the result
 * of those before it. */
static void
all_or_nothing(void)
{
	struct sembuf two[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}},
		      move[3] = {{0, -2, 0}, {1, 2, 0}, {2, 0, IPC_NOWAIT}},
		      twice[2] = {{0, 1, 0}, {0, -1, 0}}, many[501];
	int id = make(3);

	CHECK(ctl(id, 0, SETVAL, 3) == 0);
	CHECK_ERRNO(semop(id, two, 2), EAGAIN);
	CHECK(get(id, 0) == 3 && get(id, 1) == 0);
	CHECK(semop(id, move, 3) == 0);
	CHECK(get(id, 0) == 1 && get(id, 1) == 2);
	CHECK(semop(id, two, 2) == 0);
	CHECK(get(id, 0) == 0 && get(id, 1) == 1);
	CHECK(op(id, 0, 2, 0) == 0 && op(id, 2, 1, 0) == 0);
	CHECK_ERRNO(semop(id, move, 3), EAGAIN);
	CHECK(get(id, 0) == 2 && get(id, 1) == 1 && get(id, 2) == 1);
	CHECK(op(id, 0, -2, 0) == 0);
	CHECK(semop(id, twice, 2) == 0 && get(id, 0) == 0);
	for (int i = 0; i < 501; i++)
		many[i] = (struct sembuf){0, (short)(i % 2 == 0 ? 1 : -1), 0};
	CHECK(semop(id, many, 500) == 0 && get(id, 0) == 0);
	CHECK_ERRNO(semop(id, many, 501), E2BIG);
	CHECK_ERRNO(semop(id, many, 0), EINVAL);
	CHECK_ERRNO(semop(id, BAD, 2), EFAULT);
	CHECK_ERRNO(op(id, 3, 1, 0), EFBIG);
	CHECK_ERRNO(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	CHECK_ERRNO(op(id, 1, 0, IPC_NOWAIT), EAGAIN);
	drop(id);
	say("all or nothing ok");
}

/* ---- waiting ---- */

struct waiter {
	int id, num, n, want; /* want: errno, 0 success */
};

static void
nothing(int sig, siginfo_t *info, void *uc)
{
}

static pid_t
start(const struct waiter *w)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		set_handler(SIGUSR1, nothing, SA_RESTART);
		if (w->want == 0)
			CHECK(op(w->id, w->num, w->n, 0) == 0);
		else
			CHECK_ERRNO(op(w->id, w->num, w->n, 0), w->want);
		_exit(0);
	}
	return (pid);
}

static void
waiting(void)
{
	int id = make(2);
	struct waiter less = {id, 0, -2, 0}, zero = {id, 1, 0, 0},
		      sig = {id, 0, -1, EINTR}, gone = {id, 0, -9, EIDRM};
	struct timespec ts = {0, 20000000}, bad = {0, 1000000000};
	struct sembuf b = {0, -1, 0};
	pid_t a, c;
	uint64_t t;

	CHECK(ctl(id, 1, SETVAL, 1) == 0);
	a = start(&less);
	until_waiting(id, 0, GETNCNT, 1);
	CHECK(op(id, 0, 1, 0) == 0 && ctl(id, 0, GETNCNT, 0) == 1);
	CHECK(op(id, 0, 1, 0) == 0);
	wait_ok(a);
	CHECK(get(id, 0) == 0 && ctl(id, 0, GETPID, 0) == a);
	a = start(&zero);
	c = start(&zero);
	until_waiting(id, 1, GETZCNT, 2);
	CHECK(ctl(id, 1, GETNCNT, 0) == 0);
	CHECK(op(id, 1, -1, 0) == 0);
	wait_ok(a);
	wait_ok(c);

	a = start(&sig); /* never restarted */
	until_waiting(id, 0, GETNCNT, 1);
	CHECK(kill(a, SIGUSR1) == 0);
	wait_ok(a);
	CHECK(ctl(id, 0, GETNCNT, 0) == 0);
	a = start(&gone);
	until_waiting(id, 0, GETNCNT, 1);
	CHECK(kill(a, SIGKILL) == 0 && WTERMSIG(wait_status(a)) == SIGKILL);
	CHECK(ctl(id, 0, GETNCNT, 0) == 0);

	t = now_ns();
	CHECK_ERRNO(semtimedop(id, &b, 1, &ts), EAGAIN);
	CHECK(now_ns() - t >= 20000000);
	CHECK_ERRNO(semtimedop(id, &b, 1, &bad), EINVAL);
	CHECK_ERRNO(semtimedop(id, &b, 1, BAD), EFAULT);
	ts = (struct timespec){20, 0};
	CHECK(op(id, 0, 1, 0) == 0 && semtimedop(id, &b, 1, &ts) == 0);

	a = start(&gone);
	c = start(&gone);
	until_waiting(id, 0, GETNCNT, 2);
	drop(id);
	wait_ok(a);
	wait_ok(c);
	say("waiting ok");
}

/* SETVAL ends the wait of a process that can go on; a process that waits for
 * two semaphores takes neither before it can take both. */
static void
setval_wakes(void)
{
	struct sembuf both[2] = {{0, -1, 0}, {1, -1, 0}};
	unsigned short all[2] = {0, 5};
	int id = make(2);
	struct waiter one = {id, 0, -1, 0}, five = {id, 1, -5, 0};
	pid_t a, b;

	a = fork();
	CHECK(a >= 0);
	if (a == 0) {
		CHECK(semop(id, both, 2) == 0);
		_exit(0);
	}
	until_waiting(id, 0, GETNCNT, 1);
	CHECK(op(id, 0, 1, 0) == 0);
	until_waiting(id, 1, GETNCNT, 1);
	CHECK(get(id, 0) == 1 && ctl(id, 0, GETNCNT, 0) == 0);
	b = start(&one); /* the semaphore is available */
	wait_ok(b);
	until_waiting(id, 1, GETNCNT, 0);
	until_waiting(id, 0, GETNCNT, 1);
	CHECK(ctl(id, 1, SETVAL, 1) == 0 && ctl(id, 0, SETVAL, 1) == 0);
	wait_ok(a);
	CHECK(get(id, 0) == 0 && get(id, 1) == 0);
	a = start(&five);
	until_waiting(id, 1, GETNCNT, 1);
	CHECK(semctl(id, 0, SETALL, (union arg){.array = all}) == 0);
	wait_ok(a);
	CHECK(get(id, 1) == 0);
	drop(id);
	say("SETVAL ends waits ok");
}

/* ---- undo ---- */

static int undo_id;

static void
take_undone(void *arg)
{
	CHECK(op(undo_id, 0, -3, SEM_UNDO) == 0);
	CHECK(op(undo_id, 0, 1, SEM_UNDO) == 0);
	CHECK(op(undo_id, 1, 4, SEM_UNDO) == 0);
	if (arg != NULL)
		raise(SIGKILL);
}

static void *
undo_thread(void *arg)
{
	take_undone(NULL);
	return (NULL);
}

static void
threads(void *arg)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, undo_thread, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	sleep_ms(20);
	/* The list of undo values belongs to the process. */
	CHECK(get(undo_id, 0) == 8 && get(undo_id, 1) == 4);
}

static void
set_one(void *arg)
{
	take_undone(NULL);
	CHECK(ctl(undo_id, 0, SETVAL, 5) == 0);
}

static void
set_after(void *arg)
{
	unsigned short v[2] = {10, 1};

	take_undone(NULL);
	CHECK(ctl(undo_id, 0, SETVAL, 10) == 0);
	CHECK(get(undo_id, 1) == 4);
	CHECK(op(undo_id, 1, -4, 0) == 0 && op(undo_id, 0, -1, SEM_UNDO) == 0);
	CHECK(semctl(undo_id, 0, SETALL, (union arg){.array = v}) == 0);
	CHECK(op(undo_id, 1, -1, SEM_UNDO) == 0);
}

static void
too_much(void *arg)
{
	CHECK(ctl(undo_id, 0, SETVAL, 0) == 0);
	CHECK(op(undo_id, 0, 32767, SEM_UNDO) == 0);
	CHECK(op(undo_id, 0, -32767, 0) == 0);
	CHECK(op(undo_id, 0, 1, SEM_UNDO) == 0);
	CHECK_ERRNO(op(undo_id, 0, 1, SEM_UNDO), ERANGE);
	CHECK(get(undo_id, 0) == 1); /* the undo does not go below 0 */
}

static void
forked(void *arg)
{
	pid_t pid;

	take_undone(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	wait_ok(pid);
	CHECK(get(undo_id, 0) == 8 && get(undo_id, 1) == 4);
}

static void
executed(void *arg)
{
	char id[16];

	take_undone(NULL);
	snprintf(id, sizeof(id), "%d", undo_id);
	execl("/proc/self/exe", "sem", id, NULL);
	CHECK(false);
}

static void
undo(void)
{
	struct waiter ten = {0, 0, -10, 0};
	pid_t pid, first;

	ten.id = undo_id = make(2);
	CHECK(ctl(undo_id, 0, SETVAL, 10) == 0);
	in_child(take_undone, NULL);
	CHECK(get(undo_id, 0) == 10 && get(undo_id, 1) == 0);
	first = fork();
	CHECK(first >= 0);
	if (first == 0)
		take_undone(&first);
	CHECK(WTERMSIG(wait_status(first)) == SIGKILL);
	CHECK(get(undo_id, 0) == 10 && get(undo_id, 1) == 0);
	CHECK(ctl(undo_id, 0, GETPID, 0) == first);
	in_child(threads, NULL);
	CHECK(get(undo_id, 0) == 10 && get(undo_id, 1) == 0);
	in_child(forked, NULL);
	in_child(executed, NULL);
	CHECK(get(undo_id, 0) == 10 && get(undo_id, 1) == 0);
	in_child(set_one, NULL);
	CHECK(get(undo_id, 0) == 5 && get(undo_id, 1) == 0);
	CHECK(ctl(undo_id, 0, SETVAL, 10) == 0);
	in_child(set_after, NULL);
	CHECK(get(undo_id, 0) == 10 && get(undo_id, 1) == 1);
	in_child(too_much, NULL);
	CHECK(get(undo_id, 0) == 0);
	/* A process waits for the value that the end of another one gives
	 * back. */
	CHECK(ctl(undo_id, 0, SETVAL, 10) == 0);
	CHECK(ctl(undo_id, 1, SETVAL, 0) == 0);
	first = fork();
	CHECK(first >= 0);
	if (first == 0) {
		take_undone(NULL);
		sleep_ms(20000);
		_exit(0);
	}
	while (get(undo_id, 1) != 4)
		sleep_ms(1);
	pid = start(&ten);
	until_waiting(undo_id, 0, GETNCNT, 1);
	CHECK(kill(first, SIGKILL) == 0);
	CHECK(WTERMSIG(wait_status(first)) == SIGKILL);
	wait_ok(pid);
	CHECK(get(undo_id, 0) == 0);
	/* The set is removed before the process ends. */
	CHECK(op(undo_id, 0, 1, SEM_UNDO) == 0);
	drop(undo_id);
	say("undo ok");
}

/* ---- rights, listing ---- */

static void
rights(void)
{
	const key_t key = some_key();
	int id = semget(key, 1, IPC_CREAT | 0640);
	struct semid_ds ds;
	pid_t pid;

	CHECK(id >= 0);
	CHECK(semctl(id, 0, IPC_STAT, (union arg){.buf = &ds}) == 0);
	ds.sem_perm.mode = 0604;
	CHECK(semctl(id, 0, IPC_SET, (union arg){.buf = &ds}) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (geteuid() != 0)
			_exit(0);
		CHECK(setgid(12345) == 0 && setuid(12345) == 0);
		CHECK(get(id, 0) == 0 && op(id, 0, 0, 0) == 0);
		CHECK_ERRNO(op(id, 0, 1, 0), EACCES);
		CHECK_ERRNO(ctl(id, 0, SETVAL, 1), EACCES);
		CHECK_ERRNO(semget(key, 1, 0006), EACCES);
		CHECK(semget(key, 1, 0004) == id);
		CHECK_ERRNO(ctl(id, 0, IPC_RMID, 0), EPERM);
		CHECK_ERRNO(
		    semctl(id, 0, IPC_SET, (union arg){.buf = &ds}), EPERM);
		_exit(0);
	}
	wait_ok(pid);
	drop(id);
	say("rights ok");
}

/* The calls that ipcs(1) makes. */
static void
listing(void)
{
	int id = make(7), last, found = 0, a, b, c, d;
	struct seminfo limits, now;
	struct semid_ds ds;
	char text[128];

	CHECK(semctl(0, 0, IPC_INFO, (union arg){.info = &limits}) >= 0);
	CHECK(limits.semvmx == 32767 && limits.semopm >= 500);
	last = semctl(0, 0, SEM_INFO, (union arg){.info = &now});
	CHECK(last >= 0 && now.semusz >= 1 && now.semaem >= 7);
	for (int i = 0; i <= last; i++)
		if (semctl(i, 0, SEM_STAT, (union arg){.buf = &ds}) == id) {
			CHECK(ds.sem_nsems == 7);
			found++;
		}
	CHECK(found == 1);
	drop(id);
	CHECK_ERRNO(semctl(0, 0, SEM_INFO, (union arg){.info = BAD}), EFAULT);
	CHECK(read_file("/proc/sys/kernel/sem", text, sizeof(text)) > 0);
	CHECK(sscanf(text, "%d %d %d %d", &a, &b, &c, &d) == 4);
	CHECK(a == limits.semmsl && b == limits.semmns && c == limits.semopm &&
	      d == limits.semmni);
	say("listing ok");
}

/* ---- many ---- */

/* The process that holds the semaphore has a number for itself. */
static void
exclusion(void)
{
	volatile long *n = map_shared(PAGE);
	int id = make(1);
	pid_t pid[4];

	CHECK(ctl(id, 0, SETVAL, 1) == 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			for (int j = 0; j < 2000; j++) {
				CHECK(op(id, 0, -1, SEM_UNDO) == 0);
				*n = *n + 1;
				CHECK(op(id, 0, 1, SEM_UNDO) == 0);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		wait_ok(pid[i]);
	CHECK(get(id, 0) == 1);
	drop(id);
	say("exclusion %ld", *n);
}

/* Five processes that need two of five semaphores each. One is killed
 * while it holds both: SEM_UNDO gives both back, and no process waits for ever.
 */
static void
undo_of_killed(void)
{
	unsigned short one[5] = {1, 1, 1, 1, 1}, left[5];
	int id = make(5);
	pid_t pid[5];

	CHECK(semctl(id, 0, SETALL, (union arg){.array = one}) == 0);
	for (int i = 0; i < 5; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		for (int j = 0; pid[i] == 0 && j < 500; j++) {
			unsigned short r = (unsigned short)((i + 1) % 5),
				       m = (unsigned short)i;
			struct sembuf take[2] = {{m, -1, SEM_UNDO},
			    {r, -1, SEM_UNDO}},
				      give[2] = {
					  {m, 1, SEM_UNDO}, {r, 1, SEM_UNDO}};

			CHECK(semop(id, take, 2) == 0);
			if (i == 2 && j == 250)
				raise(SIGKILL);
			CHECK(semop(id, give, 2) == 0);
		}
		if (pid[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 5; i++)
		CHECK((wait_status(pid[i]) == 0) == (i != 2));
	CHECK(semctl(id, 0, GETALL, (union arg){.array = left}) == 0);
	CHECK(memcmp(one, left, sizeof(one)) == 0);
	drop(id);
	say("undo of a killed process ok");
}

/* Several processes create, use, remove and abandon the set of one key. */
static void
recreate_set(void)
{
	const key_t key = some_key();
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		for (int j = 0; pid[i] == 0 && j < 300; j++) {
			int id = semget(key, 2, IPC_CREAT | 0600);
			struct timespec ts = {0, 300000};
			struct sembuf b = {0, j % 3 == 0 ? 1 : -1, SEM_UNDO};

			CHECK(id >= 0);
			/* Linux returns EINTR when the set is removed as the
			 * time ends. */
			CHECK(semtimedop(id, &b, 1, &ts) == 0 ||
			      errno == EAGAIN || errno == EINVAL ||
			      errno == EIDRM || errno == EINTR);
			if (j % 5 == i)
				CHECK(ctl(id, 0, IPC_RMID, 0) == 0 ||
				      errno == EINVAL || errno == EIDRM);
		}
		if (pid[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 4; i++)
		wait_ok(pid[i]);
	(void)ctl(semget(key, 0, 0), 0, IPC_RMID, 0);
	CHECK_ERRNO(semget(key, 0, 0), ENOENT);
	say("recreated by several processes ok");
}

int
main(int argc, char **argv)
{
	if (argc > 1) { /* what executed() does */
		undo_id = atoi(argv[1]);
		CHECK(get(undo_id, 0) == 8 && get(undo_id, 1) == 4);
		return (0);
	}
	names();
	values();
	all_or_nothing();
	waiting();
	setval_wakes();
	undo();
	rights();
	listing();
	exclusion();
	undo_of_killed();
	recreate_set();
	/* A set that is left with an undo list: inside, the end of the
	 * kernel must free both. (Natively this process removes the set.) */
	if (inside()) {
		undo_id = make(3);
		CHECK(op(undo_id, 1, 1, SEM_UNDO) == 0);
	}
	return (0);
}
