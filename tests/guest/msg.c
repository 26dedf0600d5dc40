/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V message queues: names and rights, which message is received, limits
 * of size and number, and waiting: when a process waits and what ends the wait.
 */
#include "guest.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_STAT
#define MSG_STAT 11
#define MSG_INFO 12
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

#define TEXT 8192

struct text {
	long type;
	char text[TEXT];
};

static key_t
some_key(void)
{
	return ((key_t)(0x58000000 + getpid()));
}

static int
make(void)
{
	int id = msgget(IPC_PRIVATE, 0600);

	CHECK(id >= 0);
	return (id);
}

static void
drop(int id)
{
	CHECK(msgctl(id, IPC_RMID, NULL) == 0);
}

static struct msqid_ds
look(int id)
{
	struct msqid_ds ds;

	CHECK(msgctl(id, IPC_STAT, &ds) == 0);
	return (ds);
}

/* len bytes that depend on type and len. */
static int
put(int id, long type, size_t len, int flags)
{
	static struct text m;

	m.type = type;
	memset(m.text, (int)(type * 7 + (long)len), len);
	return (msgsnd(id, &m, len, flags));
}

/* The type of the message that was received; its contents are checked. */
static long
take(int id, long type, size_t len, int flags)
{
	static struct text m;
	ssize_t n = msgrcv(id, &m, TEXT, type, flags);

	CHECK(n == (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		CHECK(m.text[i] == (char)(m.type * 7 + (long)len));
	return (m.type);
}

static void
names(void)
{
	const key_t key = some_key();
	int id, other;

	CHECK_ERRNO(msgget(key, 0600), ENOENT);
	id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
	CHECK(id >= 0 && msgget(key, IPC_CREAT | 0600) == id);
	CHECK(msgget(key, 0) == id);
	CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	other = make();
	CHECK(other != id);
	drop(other);
	CHECK_ERRNO(put(other, 1, 1, 0), EINVAL);
	CHECK_ERRNO(msgctl(other, IPC_RMID, NULL), EINVAL);
	drop(id);
	CHECK_ERRNO(msgget(key, 0600), ENOENT);
	CHECK_ERRNO(put(-1, 1, 1, 0), EINVAL);
	id = make();
	CHECK(id != other);
	CHECK_ERRNO(msgctl(id, 77, NULL), EINVAL);
	drop(id);
	say("names ok");
}

static void
order(void)
{
	struct msqid_ds ds;
	int id = make();

	ds = look(id);
	CHECK(ds.msg_qnum == 0 && ds.msg_qbytes == 16384 && ds.msg_stime == 0);
	CHECK(put(id, 3, 10, 0) == 0 && put(id, 1, 0, 0) == 0);
	CHECK(put(id, 2, TEXT, 0) == 0 && put(id, 1, 5, 0) == 0);
	ds = look(id);
	CHECK(ds.msg_qnum == 4 && ds.msg_cbytes == 15 + TEXT);
	CHECK(ds.msg_lspid == getpid() && ds.msg_lrpid == 0);
	CHECK(ds.msg_stime != 0 && ds.msg_rtime == 0);
	CHECK(take(id, 2, TEXT, 0) == 2);
	CHECK(take(id, 0, 10, 0) == 3);
	/* 1, 1, 9, 4 */
	CHECK(put(id, 9, 1, 0) == 0 && put(id, 4, 2, 0) == 0);
	CHECK(take(id, 1, 1, MSG_EXCEPT) == 9);
	CHECK(put(id, 5, 3, 0) == 0);
	CHECK(take(id, -5, 0, 0) == 1 && take(id, -5, 5, 0) == 1);
	CHECK(take(id, -5, 2, 0) == 4);
	CHECK_ERRNO(msgrcv(id, BAD, 1, -4, IPC_NOWAIT), ENOMSG);
	CHECK(take(id, LONG_MIN, 3, 0) == 5);
	ds = look(id);
	CHECK(ds.msg_qnum == 0 && ds.msg_cbytes == 0);
	CHECK(ds.msg_lrpid == getpid() && ds.msg_rtime != 0);
	drop(id);
	say("order ok");
}

/* MSG_COPY: a message by its number, which stays in the queue. */
static void
copies(void)
{
	const int now = MSG_COPY | IPC_NOWAIT;
	struct text t = {.type = 5, .text = "first"};
	int id = make();

	CHECK(msgsnd(id, &t, 5, 0) == 0);
	t = (struct text){.type = 7, .text = "second"};
	CHECK(msgsnd(id, &t, 6, 0) == 0);
	CHECK_ERRNO(msgrcv(id, &t, TEXT, 0, MSG_COPY), EINVAL);
	CHECK_ERRNO(msgrcv(id, &t, TEXT, 0, now | MSG_EXCEPT), EINVAL);
	CHECK_ERRNO(msgrcv(id, &t, TEXT, 2, now), ENOMSG);
	CHECK_ERRNO(msgrcv(id, &t, TEXT, -1, now), ENOMSG);
	CHECK_ERRNO(msgrcv(id, &t, 4, 0, now), E2BIG);
	CHECK_ERRNO(msgrcv(id, &t, 4, 0, now | MSG_NOERROR), EINVAL);
	for (int i = 0; i < 3; i++) {
		CHECK(msgrcv(id, &t, TEXT, 1, now) == 6 && t.type == 7);
		CHECK(memcmp(t.text, "second", 6) == 0);
		CHECK(msgrcv(id, &t, 5, 0, now) == 5 && t.type == 5);
		CHECK(memcmp(t.text, "first", 5) == 0);
	}
	CHECK(look(id).msg_qnum == 2 && look(id).msg_cbytes == 11);
	CHECK(look(id).msg_lrpid == 0);
	CHECK(msgrcv(id, &t, TEXT, 0, 0) == 5);
	CHECK(msgrcv(id, &t, TEXT, 0, now) == 6 && t.type == 7);
	drop(id);
	say("copies of messages");
}

static void
sizes(void)
{
	struct text m = {.type = 0};
	struct msqid_ds ds;
	int id = make();

	CHECK_ERRNO(msgsnd(id, &m, 1, 0), EINVAL); /* type 0 */
	m.type = -1;
	CHECK_ERRNO(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = 1;
	CHECK_ERRNO(msgsnd(id, &m, TEXT + 1, 0), EINVAL);
	CHECK_ERRNO(msgsnd(id, &m, (size_t)-1, 0), EINVAL);
	CHECK_ERRNO(msgsnd(id, BAD, 8, 0), EFAULT);
	CHECK(put(id, 1, TEXT, 0) == 0 && put(id, 1, TEXT, 0) == 0);
	CHECK_ERRNO(put(id, 1, 1, IPC_NOWAIT), EAGAIN);
	/* A message without bytes is allowed. */
	CHECK(put(id, 1, 0, IPC_NOWAIT) == 0);
	CHECK_ERRNO(msgrcv(id, &m, 100, 0, 0), E2BIG);
	CHECK_ERRNO(msgrcv(id, &m, (size_t)-1, 0, 0), EINVAL);
	m.text[100] = 'x';
	CHECK(msgrcv(id, &m, 100, 0, MSG_NOERROR) == 100);
	CHECK(m.text[100] == 'x' && m.text[99] == (char)(7 + TEXT));
	CHECK(look(id).msg_qnum == 2);
	CHECK_ERRNO(msgrcv(id, BAD, TEXT, 0, 0), EFAULT);
	CHECK(look(id).msg_qnum == 1); /* the message is lost */
	CHECK(take(id, 0, 0, 0) == 1);
	ds = look(id);
	ds.msg_qbytes = 100;
	CHECK(msgctl(id, IPC_SET, &ds) == 0 && look(id).msg_qbytes == 100);
	CHECK_ERRNO(put(id, 1, 101, IPC_NOWAIT), EAGAIN);
	CHECK(put(id, 1, 100, IPC_NOWAIT) == 0);
	CHECK_ERRNO(msgctl(id, IPC_SET, BAD), EFAULT);
	drop(id);
	say("sizes ok");
}

/* ---- waiting ---- */

static void
empty_handler(int sig, siginfo_t *info, void *uc)
{
}

/* A child that receives len bytes or, with send, sends them; want is the
 * errno that it must see, 0 for success. */
static pid_t
start(int id, bool send, long type, size_t len, int want)
{
	struct text m;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid != 0)
		return (pid);
	set_handler(SIGUSR1, empty_handler, SA_RESTART);
	if (send && want == 0)
		CHECK(put(id, type, len, 0) == 0);
	else if (send)
		CHECK_ERRNO(put(id, type, len, 0), want);
	else if (want == 0)
		(void)take(id, type, len, 0);
	else
		CHECK_ERRNO(msgrcv(id, &m, len, type, 0), want);
	_exit(0);
}

static void
waiting(void)
{
	int id = make();
	struct msqid_ds ds;
	pid_t a, b;

	a = start(id, false, 5, 40, 0);
	b = start(id, false, -3, 20, 0);
	wait_asleep(a);
	wait_asleep(b);
	CHECK(put(id, 4, 10, 0) == 0 && put(id, 3, 20, 0) == 0);
	CHECK(put(id, 5, 40, 0) == 0);
	wait_ok(a);
	wait_ok(b);
	CHECK(take(id, 0, 10, 0) == 4 && look(id).msg_qnum == 0);

	a = start(id, false, 1, 10, E2BIG);
	wait_asleep(a);
	CHECK(put(id, 1, 11, 0) == 0);
	wait_ok(a);
	CHECK(take(id, 0, 11, 0) == 1);

	CHECK(put(id, 1, TEXT, 0) == 0 && put(id, 1, TEXT, 0) == 0);
	a = start(id, true, 2, TEXT, 0);
	wait_asleep(a);
	CHECK(look(id).msg_qnum == 2);
	CHECK(take(id, 0, TEXT, 0) == 1);
	wait_ok(a);
	CHECK(look(id).msg_qnum == 2 && look(id).msg_lspid == a);
	CHECK(take(id, 2, TEXT, 0) == 2);
	ds = look(id);
	ds.msg_qbytes = TEXT + 50;
	CHECK(msgctl(id, IPC_SET, &ds) == 0);
	a = start(id, true, 2, 100, 0);
	wait_asleep(a);
	CHECK(look(id).msg_qnum == 1);
	ds.msg_qbytes = TEXT + 100; /* more room */
	CHECK(msgctl(id, IPC_SET, &ds) == 0);
	wait_ok(a);
	CHECK(look(id).msg_qnum == 2);

	a = start(id, false, 77, 10, EINTR); /* never restarted */
	wait_asleep(a);
	CHECK(kill(a, SIGUSR1) == 0);
	wait_ok(a);
	a = start(id, true, 2, TEXT, EINTR);
	wait_asleep(a);
	CHECK(kill(a, SIGUSR1) == 0);
	wait_ok(a);
	a = start(id, false, 77, 10, EIDRM);
	b = start(id, true, 2, TEXT, EIDRM);
	wait_asleep(a);
	wait_asleep(b);
	CHECK(kill(start(id, false, 78, 10, EIDRM), SIGKILL) == 0);
	CHECK(waitpid(-1, NULL, 0) > 0);
	drop(id);
	wait_ok(a);
	wait_ok(b);
	say("waiting ok");
}

/* A wait that is stopped and continued without a handler goes on. */
static void
stopped(void)
{
	int id = make(), status;
	pid_t a = start(id, false, 1, 30, 0);

	wait_asleep(a);
	CHECK(kill(a, SIGSTOP) == 0);
	CHECK(waitpid(a, &status, WUNTRACED) == a && WIFSTOPPED(status));
	CHECK(kill(a, SIGCONT) == 0);
	wait_asleep(a);
	CHECK(put(id, 1, 30, 0) == 0);
	wait_ok(a);
	drop(id);
	say("stopped ok");
}

static void
rights(void)
{
	const key_t key = some_key();
	int id = msgget(key, IPC_CREAT | 0604);
	struct msqid_ds ds;
	struct text m;
	pid_t pid;

	CHECK(id >= 0 && put(id, 1, 4, 0) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (geteuid() != 0)
			_exit(0);
		CHECK(setgid(12345) == 0 && setuid(12345) == 0);
		CHECK_ERRNO(put(id, 1, 4, 0), EACCES);
		CHECK(msgrcv(id, &m, 10, 0, 0) == 4);
		CHECK_ERRNO(msgget(key, 0006), EACCES);
		CHECK(msgget(key, 0004) == id);
		ds = look(id);
		CHECK_ERRNO(msgctl(id, IPC_SET, &ds), EPERM);
		CHECK_ERRNO(msgctl(id, IPC_RMID, NULL), EPERM);
		id = make();
		ds = look(id);
		ds.msg_qbytes++;
		CHECK_ERRNO(msgctl(id, IPC_SET, &ds), EPERM);
		drop(id);
		_exit(0);
	}
	wait_ok(pid);
	ds = look(id);
	ds.msg_perm.mode = 0;
	CHECK(msgctl(id, IPC_SET, &ds) == 0);
	drop(id);
	say("rights ok");
}

/* The calls that ipcs(1) makes. */
static void
listing(void)
{
	int id = make(), last, found = 0;
	struct msginfo limits, now;
	struct msqid_ds ds;
	char text[64];

	CHECK(put(id, 1, 100, 0) == 0 && put(id, 1, 50, 0) == 0);
	CHECK(msgctl(0, IPC_INFO, (void *)&limits) >= 0);
	CHECK(limits.msgmax == TEXT && limits.msgmnb == 16384);
	last = msgctl(0, MSG_INFO, (void *)&now);
	CHECK(last >= 0 && now.msgpool >= 1);
	CHECK(now.msgmap >= 2 && now.msgtql >= 150);
	for (int i = 0; i <= last; i++)
		if (msgctl(i, MSG_STAT, &ds) == id) {
			CHECK(ds.msg_qnum == 2 && ds.msg_cbytes == 150);
			found++;
		}
	CHECK(found == 1);
	drop(id);
	CHECK_ERRNO(msgctl(0, MSG_INFO, BAD), EFAULT);
	read_file("/proc/sys/kernel/msgmax", text, sizeof(text));
	CHECK(atoi(text) == limits.msgmax);
	read_file("/proc/sys/kernel/msgmni", text, sizeof(text));
	CHECK(atoi(text) == limits.msgmni);
	say("listing ok");
}

/* Three senders and three receivers on a queue that is often full: each
 * message arrives once and whole, and those of one sender arrive in order. */
static void
many_messages(void)
{
	struct {
		_Atomic long sum, n;
	} *got = map_shared(PAGE);
	long want = 0;
	int id = make();
	pid_t pid[6];

	for (int i = 0; i < 6; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] != 0)
			continue;
		for (int j = 1; j <= 1000; j++) {
			struct text m = {.type = i % 3 + 1};
			int v[200], last = 0;
			size_t len = sizeof(int) * (size_t)(1 + j * 7 % 200);

			if (i < 3) {
				for (int k = 0; k < 200; k++)
					v[k] = j;
				memcpy(m.text, v, len);
				CHECK(msgsnd(id, &m, len, 0) == 0);
				continue;
			}
			CHECK(msgrcv(id, &m, TEXT, i % 3 + 1, 0) > 0);
			memcpy(v, m.text, sizeof(v));
			len = sizeof(int) * (size_t)(1 + v[0] * 7 % 200);
			for (size_t k = 0; k < len / sizeof(int); k++)
				CHECK(v[k] == v[0]);
			CHECK(v[0] == j && last < v[0]);
			last = v[0];
			got->sum += v[0];
			got->n++;
		}
		_exit(0);
	}
	for (int i = 0; i < 6; i++)
		wait_ok(pid[i]);
	for (int j = 1; j <= 1000; j++)
		want += 3 * j;
	CHECK(got->sum == want && look(id).msg_qnum == 0);
	drop(id);
	say("%ld messages", (long)got->n);
}

/* Several processes create, use, remove and abandon the queue of one key. */
static void
recreate_queue(void)
{
	const key_t key = some_key();
	struct text m;
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		for (int j = 0; pid[i] == 0 && j < 300; j++) {
			int id = msgget(key, IPC_CREAT | 0600);

			CHECK(id >= 0);
			CHECK(put(id, 1, 100, IPC_NOWAIT) == 0 ||
			      errno == EAGAIN || errno == EINVAL ||
			      errno == EIDRM);
			if (j % 5 == i)
				CHECK(msgctl(id, IPC_RMID, NULL) == 0 ||
				      errno == EINVAL || errno == EIDRM);
			else
				CHECK(msgrcv(id, &m, TEXT, 0, 0) > 0 ||
				      errno == EINVAL || errno == EIDRM);
		}
		if (pid[i] == 0)
			_exit(0);
	}
	/* The last process may wait for a message that no process sends. */
	for (int i = 0; i < 4; i++)
		while (waitpid(pid[i], NULL, WNOHANG) == 0) {
			(void)put(
			    msgget(key, IPC_CREAT | 0600), 1, 100, IPC_NOWAIT);
			sleep_ms(1);
		}
	(void)msgctl(msgget(key, 0), IPC_RMID, NULL);
	CHECK_ERRNO(msgget(key, 0), ENOENT);
	say("recreated by several processes ok");
}

/* The number of empty messages in a queue is limited as well. */
static void
limit_empty_messages(void)
{
	int id = make(), n = 0;

	while (put(id, 1, 0, IPC_NOWAIT) == 0)
		CHECK(++n <= 16384);
	CHECK(errno == EAGAIN && n == 16384);
	drop(id);
	say("number of empty messages ok");
}

int
main(void)
{
	names();
	order();
	copies();
	sizes();
	waiting();
	stopped();
	rights();
	listing();
	many_messages();
	recreate_queue();
	limit_empty_messages();
	/* A queue that is left with a message in it: inside, the end of the
	 * kernel must free it. (Natively this process removes it.) */
	if (inside())
		CHECK(put(make(), 1, 1000, 0) == 0);
	return (0);
}
