/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys and keyrings: adding, updating, finding, reading and ending keys; the
 * keyrings of threads, processes, sessions and users; permissions; nesting;
 * quotas.
 *
 * The program works in a session keyring of its own.
 */
#include "guest.h"

#include <pthread.h>

#define USER 4713

enum { THREAD = -1, PROCESS = -2, SESSION = -3, USERRING = -4, USERSES = -5 };
enum {
	GET_ID,
	JOIN,
	UPDATE,
	REVOKE,
	CHOWN,
	SETPERM,
	DESCRIBE,
	CLEAR,
	LINK,
	UNLINK,
	SEARCH,
	READ,
	INSTANTIATE,
	NEGATE,
	SET_REQKEY,
	TIMEOUT,
	AUTHORITY,
	SECURITY,
	INVALIDATE = 21,
	MOVE = 30,
	CAPABILITIES = 31
};

#define ctl(...) syscall(SYS_keyctl, __VA_ARGS__)

static long
add(const char *type, const char *desc, const char *data, int ring)
{
	return (syscall(SYS_add_key, type, desc, data,
	    data != NULL ? strlen(data) : 0, ring));
}

static long
add_ring(const char *desc, int ring)
{
	return (add("keyring", desc, NULL, ring));
}

static long
request(const char *type, const char *desc, int ring)
{
	return (syscall(SYS_request_key, type, desc, NULL, ring));
}

/* What the key holds must be that. */
static void
holds(long key, const char *want)
{
	char buf[256];
	long n = ctl(READ, key, buf, sizeof(buf));

	CHECK(n == (long)strlen(want) && memcmp(buf, want, (size_t)n) == 0);
}

/* No keyring links the key any more.  Linux frees it some time later. */
static void
gone(long key)
{
	if (inside())
		CHECK_ERRNO(ctl(READ, key, NULL, 0), ENOKEY);
}

/* The description without the ids. */
static void
describe(const char *what, long key)
{
	char buf[256], type[32], desc[128];
	unsigned perm;
	int uid, gid;
	long n = ctl(DESCRIBE, key, buf, sizeof(buf));

	CHECK(n > 0 && (size_t)n == strlen(buf) + 1);
	CHECK(sscanf(buf, "%31[^;];%d;%d;%x;%127s", type, &uid, &gid, &perm,
		  desc) == 5);
	say("%s: %s %08x %s", what, type, perm, desc);
}

/* ---- one key ---- */

static void
basics(void)
{
	char buf[64];
	long k, n;

	k = add("user", "a", "one", SESSION);
	CHECK(k > 0);
	describe("key", k);
	holds(k, "one");
	CHECK(add("user", "a", "two!", SESSION) == k);
	holds(k, "two!");
	CHECK(ctl(UPDATE, k, "three", 5) == 0);
	holds(k, "three");
	/* A buffer that is too small gets nothing. */
	memset(buf, 'x', sizeof(buf));
	CHECK(ctl(READ, k, buf, 3) == 5 && buf[0] == 'x');
	CHECK(ctl(READ, k, NULL, 0) == 5);
	n = ctl(DESCRIBE, k, buf, 4);
	CHECK(n > 4 && buf[0] == 'x');
	CHECK(ctl(SECURITY, k, buf, sizeof(buf)) >= 1);
	CHECK(request("user", "a", 0) == k);
	CHECK_ERRNO(request("user", "b", 0), ENOKEY);
	CHECK_ERRNO(request("logon", "a", 0), ENOKEY);
	CHECK(ctl(SEARCH, SESSION, "user", "a", 0) == k);
	CHECK_ERRNO(ctl(SEARCH, SESSION, "user", "b", 0), ENOKEY);
	CHECK_ERRNO(ctl(SEARCH, k, "user", "a", 0), ENOTDIR);
	CHECK(ctl(UNLINK, k, SESSION) == 0);
	gone(k);
	say("one key ok");
}

static void
types(void)
{
	static char big[200000], back[200000];
	char buf[64];
	long k;

	k = add("logon", "svc:name", "secret", SESSION);
	CHECK(k > 0);
	describe("logon", k);
	CHECK_ERRNO(ctl(READ, k, buf, sizeof(buf)), EOPNOTSUPP);
	CHECK(ctl(UPDATE, k, "other", 5) == 0);
	CHECK_ERRNO(add("logon", "name", "secret", SESSION), EINVAL);
	CHECK_ERRNO(add("logon", ":name", "secret", SESSION), EINVAL);
	memset(big, 'b', sizeof(big));
	k = syscall(SYS_add_key, "big_key", "b", big, sizeof(big), SESSION);
	if (k > 0 || inside()) {
		CHECK(k > 0);
		CHECK(ctl(READ, k, back, sizeof(back)) == sizeof(back));
		CHECK(memcmp(big, back, sizeof(big)) == 0);
		CHECK(ctl(UNLINK, k, SESSION) == 0);
	}
	CHECK_ERRNO(
	    syscall(SYS_add_key, "user", "b", big, 32768, SESSION), EINVAL);
	k = add_ring("r", SESSION);
	CHECK(k > 0);
	describe("keyring", k);
	CHECK_ERRNO(ctl(UPDATE, k, "x", 1), EOPNOTSUPP);
	CHECK_ERRNO(add("keyring", "r", "data", SESSION), EINVAL);
	CHECK(add_ring("r", SESSION) != k); /* the former one is replaced */
	gone(k);
	say("types ok");
}

static void
bad_calls(void)
{
	char name[5000];
	long k = add("user", "a", "one", SESSION);

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK(k > 0);
	CHECK_ERRNO(add("nosuchtype", "a", "one", SESSION), ENODEV);
	CHECK_ERRNO(add("", "a", "one", SESSION), EINVAL);
	CHECK_ERRNO(add(name, "a", "one", SESSION), EINVAL);
	CHECK_ERRNO(add(".user", "a", "one", SESSION), EPERM);
	CHECK_ERRNO(add("keyring", ".a", NULL, SESSION), EPERM);
	CHECK_ERRNO(add("user", name, "one", SESSION), EINVAL);
	CHECK_ERRNO(add("user", "", "one", SESSION), EINVAL);
	CHECK_ERRNO(add("user", NULL, "one", SESSION), EINVAL);
	CHECK_ERRNO(add("user", BAD, "one", SESSION), EFAULT);
	CHECK_ERRNO(add("user", "a", NULL, SESSION), EINVAL);
	CHECK_ERRNO(
	    syscall(SYS_add_key, "user", "a", BAD, 10, SESSION), EFAULT);
	CHECK_ERRNO(
	    syscall(SYS_add_key, "user", "a", "one", 1 << 20, SESSION), EINVAL);
	CHECK_ERRNO(add("user", "a", "one", 0), EINVAL);
	CHECK_ERRNO(add("user", "a", "one", -6), EINVAL);
	CHECK_ERRNO(add("user", "a", "one", -7), ENOKEY);
	CHECK_ERRNO(add("user", "a", "one", -9), EINVAL);
	CHECK_ERRNO(add("user", "a", "one", 1), ENOKEY);
	CHECK_ERRNO(add("user", "a", "one", (int)k), ENOTDIR);
	CHECK_ERRNO(request("nosuchtype", "a", 0), ENOKEY);
	CHECK_ERRNO(request("user", NULL, 0), EFAULT);
	CHECK_ERRNO(ctl(UPDATE, k, "a", 5000), EINVAL);
	CHECK_ERRNO(ctl(UPDATE, k, "a", 0), EINVAL);
	CHECK_ERRNO(ctl(CLEAR, k), ENOTDIR);
	CHECK_ERRNO(ctl(LINK, SESSION, k), ENOTDIR);
	CHECK_ERRNO(ctl(SETPERM, k, 0x40000000), EINVAL);
	CHECK_ERRNO(ctl(INSTANTIATE, k, "a", 1, SESSION), EPERM);
	CHECK_ERRNO(ctl(NEGATE, k, 1, SESSION), EPERM);
	CHECK(ctl(AUTHORITY, 0) == 0);
	CHECK_ERRNO(ctl(AUTHORITY, -1), EINVAL);
	CHECK_ERRNO(ctl(AUTHORITY, k), ENOKEY);
	CHECK(ctl(SET_REQKEY, -1) == 0);
	CHECK(ctl(SET_REQKEY, 3) == 0 && ctl(SET_REQKEY, 0) == 3);
	CHECK_ERRNO(ctl(SET_REQKEY, 6), EINVAL);
	CHECK_ERRNO(ctl(SET_REQKEY, 8), EINVAL);
	CHECK_ERRNO(ctl(999), EOPNOTSUPP);
	CHECK(ctl(UNLINK, k, SESSION) == 0);
	say("bad calls ok");
}

static void
ends(void)
{
	char buf[16];
	long k, r = add_ring("ends", SESSION);

	CHECK(r > 0);
	k = add("user", "revoked", "x", (int)r);
	CHECK(k > 0 && ctl(REVOKE, k) == 0);
	CHECK_ERRNO(ctl(READ, k, buf, sizeof(buf)), EKEYREVOKED);
	CHECK_ERRNO(ctl(DESCRIBE, k, buf, sizeof(buf)), EKEYREVOKED);
	CHECK_ERRNO(ctl(REVOKE, k), EKEYREVOKED);
	CHECK_ERRNO(request("user", "revoked", 0), EKEYREVOKED);
	CHECK_ERRNO(ctl(SEARCH, r, "user", "revoked", 0), EKEYREVOKED);
	/* A new one takes its place. */
	CHECK(add("user", "revoked", "y", (int)r) != k);
	CHECK(request("user", "revoked", 0) > 0);
	k = add("user", "invalid", "x", (int)r);
	CHECK(k > 0 && ctl(INVALIDATE, k) == 0);
	gone(k);
	/* Linux unlinks it some time later. */
	for (int i = 0; !inside() && i < 500; i++) {
		if (request("user", "invalid", 0) == -1 && errno == ENOKEY)
			break;
		sleep_ms(10);
	}
	CHECK_ERRNO(request("user", "invalid", 0), ENOKEY);
	k = add("user", "timed", "x", (int)r);
	CHECK(k > 0 && ctl(TIMEOUT, k, 1) == 0);
	holds(k, "x");
	CHECK(ctl(TIMEOUT, k, 0) == 0);
	CHECK(ctl(TIMEOUT, k, 1) == 0);
	sleep_ms(2100);
	CHECK_ERRNO(ctl(READ, k, buf, sizeof(buf)), EKEYEXPIRED);
	CHECK_ERRNO(ctl(SEARCH, r, "user", "timed", 0), EKEYEXPIRED);
	CHECK_ERRNO(request("user", "timed", 0), ENOKEY);
	/* Adding it again gives it new data, and no end. */
	CHECK(add("user", "timed", "z", (int)r) == k);
	holds(k, "z");
	CHECK(ctl(REVOKE, r) == 0);
	CHECK_ERRNO(add("user", "late", "x", (int)r), EKEYREVOKED);
	gone(k);
	CHECK(ctl(UNLINK, r, SESSION) == 0);
	say("ends of keys ok");
}

/* ---- keyrings ---- */

static long
count(long ring)
{
	return (ctl(READ, ring, NULL, 0) / 4);
}

static void
links(void)
{
	int32_t list[4];
	long a = add_ring("A", SESSION), b = add_ring("B", SESSION), k, o;

	CHECK(a > 0 && b > 0);
	k = add("user", "k", "x", (int)a);
	CHECK(k > 0 && count(a) == 1 && count(b) == 0);
	CHECK(ctl(READ, a, list, sizeof(list)) == 4 && list[0] == k);
	CHECK(ctl(LINK, k, b) == 0 && ctl(LINK, k, b) == 0);
	CHECK(count(b) == 1);
	CHECK(ctl(UNLINK, k, a) == 0);
	CHECK_ERRNO(ctl(UNLINK, k, a), ENOENT);
	holds(k, "x");
	/* One of the same name is replaced. */
	o = add("user", "k", "other", (int)a);
	CHECK(o > 0 && o != k && ctl(LINK, o, b) == 0 && count(b) == 1);
	gone(k);
	CHECK(ctl(CLEAR, b) == 0 && count(b) == 0 && count(a) == 1);
	CHECK(ctl(MOVE, o, a, b, 0) == 0 && count(a) == 0 && count(b) == 1);
	CHECK_ERRNO(ctl(MOVE, o, a, b, 0), ENOENT);
	k = add("user", "k", "x", (int)a);
	CHECK_ERRNO(ctl(MOVE, k, a, b, 1), EEXIST);
	CHECK_ERRNO(ctl(MOVE, k, a, b, 2), EINVAL);
	CHECK(ctl(MOVE, k, a, b, 0) == 0);
	holds(k, "x");
	/* A search links what it finds. */
	CHECK(ctl(SEARCH, SESSION, "user", "k", a) == k && count(a) == 1);
	CHECK(ctl(UNLINK, k, a) == 0);
	CHECK(request("user", "k", (int)a) == k && count(a) == 1);
	CHECK(ctl(UNLINK, a, SESSION) == 0 && ctl(UNLINK, b, SESSION) == 0);
	gone(k);
	say("links ok");
}

/* Keyrings in keyrings: no cycles, and a search goes six levels deep. */
static void
nesting(void)
{
	long r[10], k;
	char name[16];
	int i;

	r[0] = add_ring("n0", SESSION);
	for (i = 1; i < 10; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		r[i] = add_ring(name, SESSION);
		CHECK(r[i] > 0 && ctl(SETPERM, r[i], 0x3f3f0000) == 0);
		CHECK(ctl(MOVE, r[i], SESSION, r[i - 1], 0) == 0);
	}
	CHECK_ERRNO(ctl(LINK, r[0], r[0]), EDEADLK);
	CHECK_ERRNO(ctl(LINK, r[0], r[1]), EDEADLK);
	CHECK_ERRNO(ctl(LINK, r[0], r[6]), EDEADLK);
	CHECK_ERRNO(ctl(LINK, r[0], r[7]), EDEADLK);
	CHECK_ERRNO(ctl(LINK, r[0], r[8]), ELOOP);
	for (i = 3; i < 10; i++) {
		k = add("user", "deep", "x", (int)r[i]);
		CHECK(k > 0);
		errno = 0;
		CHECK(
		    ctl(SEARCH, r[0], "user", "deep", 0) == (i <= 6 ? k : -1));
		CHECK(errno == (i <= 6 ? 0 : ENOKEY));
		CHECK(request("user", "deep", 0) == (i <= 5 ? k : -1));
		CHECK(ctl(UNLINK, k, r[i]) == 0);
	}
	CHECK(ctl(UNLINK, r[0], SESSION) == 0);
	gone(r[9]);
	say("nesting ok");
}

static void
session_child(void *arg)
{
	long shared = *(long *)arg, own, named;

	/* The session keyring is inherited, the others are not. */
	CHECK(request("user", "shared", 0) == shared);
	CHECK_ERRNO(request("user", "mine", 0), ENOKEY);
	CHECK_ERRNO(ctl(GET_ID, PROCESS, 0), ENOKEY);
	own = ctl(GET_ID, SESSION, 0);
	CHECK(ctl(JOIN, NULL) > 0 && ctl(GET_ID, SESSION, 0) != own);
	CHECK_ERRNO(request("user", "shared", 0), ENOKEY);
	named = ctl(JOIN, "guest-session");
	CHECK(named > 0 && ctl(GET_ID, SESSION, 0) == named);
	describe("named session", named);
	CHECK(ctl(SETPERM, named, 0x3f3f0000) == 0);
	CHECK(ctl(JOIN, "guest-session") == 0);
	CHECK(ctl(GET_ID, SESSION, 0) == named);
	CHECK_ERRNO(ctl(JOIN, ".x"), EPERM);
}

static int
shows_serial(int key)
{
	char buf[32];

	return (ctl(DESCRIBE, key, buf, 0) > 0);
}

static void *
other_thread(void *arg)
{
	long *id = arg;

	/* It gets a new one, because the thread that made it has one. */
	CHECK(ctl(GET_ID, THREAD, 0) > 0 && ctl(GET_ID, THREAD, 0) != id[0]);
	CHECK(ctl(GET_ID, PROCESS, 0) == id[1]);
	CHECK(ctl(GET_ID, SESSION, 0) == id[2]);
	describe("thread", ctl(GET_ID, THREAD, 0));
	return (NULL);
}

static void *
plain_thread(void *arg)
{
	CHECK_ERRNO(ctl(GET_ID, THREAD, 0), ENOKEY);
	CHECK_ERRNO(ctl(GET_ID, PROCESS, 0), ENOKEY);
	return (NULL);
}

static void
own_keyrings(void)
{
	long id[3], k;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, plain_thread, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK_ERRNO(ctl(GET_ID, THREAD, 0), ENOKEY);
	CHECK_ERRNO(ctl(GET_ID, PROCESS, 0), ENOKEY);
	id[0] = ctl(GET_ID, THREAD, 1);
	id[1] = ctl(GET_ID, PROCESS, 1);
	id[2] = ctl(GET_ID, SESSION, 0);
	CHECK(id[0] > 0 && id[1] > 0 && id[2] > 0 && id[0] != id[1]);
	describe("process", id[1]);
	describe("session", id[2]);
	CHECK(pthread_create(&t, NULL, other_thread, id) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	/* The thread's keyring is searched first. */
	k = add("user", "where", "session", SESSION);
	CHECK(request("user", "where", 0) == k);
	k = add("user", "where", "process", PROCESS);
	CHECK(request("user", "where", 0) == k);
	k = add("user", "where", "thread", THREAD);
	CHECK(request("user", "where", 0) == k);
	CHECK(add("user", "mine", "x", PROCESS) > 0);
	k = add("user", "revoked", "x", SESSION);
	CHECK(k > 0 && ctl(REVOKE, k) == 0);
	/* The process' keyring without such a key counts more. */
	CHECK_ERRNO(request("user", "revoked", 0), ENOKEY);
	k = add("user", "shared", "x", SESSION);
	in_child(session_child, &k);
	CHECK(ctl(CLEAR, SESSION) == 0 && ctl(CLEAR, PROCESS) == 0);
	say("own keyrings ok");
}

static void
exec_check(const char *want)
{
	CHECK_ERRNO(ctl(GET_ID, PROCESS, 0), ENOKEY);
	CHECK_ERRNO(ctl(GET_ID, THREAD, 0), ENOKEY);
	CHECK(request("user", "over-exec", 0) == atol(want));
	say("exec ok");
}

static char *self;

static void
exec_again(void *arg)
{
	char number[32];

	snprintf(number, sizeof(number), "%ld",
	    add("user", "over-exec", "x", SESSION));
	CHECK(add("user", "mine", "x", PROCESS) > 0);
	CHECK(add("user", "mine", "x", THREAD) > 0);
	execl(self, self, number, NULL);
	CHECK(!"exec");
}

/* ---- rights ---- */

static void
permissions(void)
{
	char buf[16];
	long k = add("user", "p", "x", SESSION);

	CHECK(k > 0);
	/* The possessor without READ may still read what it can find. */
	CHECK(ctl(SETPERM, k, 0x3d000000) == 0);
	CHECK(ctl(READ, k, buf, sizeof(buf)) == 1);
	/* Without SEARCH it is not found, and so not possessed. */
	CHECK(ctl(SETPERM, k, 0x37210000) == 0);
	CHECK_ERRNO(ctl(READ, k, buf, sizeof(buf)), EACCES);
	CHECK_ERRNO(request("user", "p", 0), EACCES);
	CHECK_ERRNO(ctl(UPDATE, k, "y", 1), EACCES);
	CHECK(ctl(DESCRIBE, k, NULL, 0) > 0);
	CHECK_ERRNO(ctl(LINK, k, SESSION), EACCES);
	CHECK_ERRNO(ctl(INVALIDATE, k), EACCES);
	CHECK(ctl(SETPERM, k, 0x3f000000) == 0);
	CHECK(ctl(UPDATE, k, "y", 1) == 0);
	CHECK(ctl(SETPERM, k, 0x3b200000) == 0);
	CHECK_ERRNO(ctl(UPDATE, k, "y", 1), EACCES);
	CHECK_ERRNO(add("user", "p", "y", SESSION), EACCES);
	CHECK(ctl(CHOWN, k, -1, -1) == 0);
	CHECK(ctl(SETPERM, k, 0x1f000000) == 0);
	CHECK_ERRNO(ctl(SETPERM, k, 0x3f000000), EACCES);
	CHECK(ctl(REVOKE, k) == 0);
	CHECK(ctl(UNLINK, k, SESSION) == 0);
	say("permissions ok");
}

static void
as_user(void *arg)
{
	long *k = arg;
	char buf[16];

	/* The session is inherited with what is in it; others by number. */
	CHECK(setresgid(USER, USER, USER) == 0);
	CHECK(setresuid(USER, USER, USER) == 0);
	CHECK(ctl(READ, k[0], buf, sizeof(buf)) == 1);
	CHECK_ERRNO(ctl(CHOWN, k[0], USER, -1), EACCES);
	CHECK_ERRNO(ctl(SETPERM, k[0], 0x3f3f3f3f), EACCES);
	CHECK(ctl(JOIN, NULL) > 0);
	CHECK_ERRNO(ctl(READ, k[0], buf, sizeof(buf)), EACCES);
	CHECK_ERRNO(ctl(DESCRIBE, k[0], buf, 0), EACCES);
	CHECK(ctl(READ, k[1], buf, sizeof(buf)) == 1);
	CHECK_ERRNO(ctl(UPDATE, k[1], "y", 1), EACCES);
	CHECK(ctl(UPDATE, k[2], "y", 1) == 0);
	describe("user", ctl(GET_ID, USERRING, 0));
	describe("user session", ctl(GET_ID, USERSES, 0));
	CHECK(count(USERSES) == 1);
}

static void
users(void)
{
	long k[3];

	k[0] = add("user", "root's", "x", SESSION);
	k[1] = add("user", "others read", "x", SESSION);
	k[2] = add("user", "given away", "x", SESSION);
	CHECK(ctl(SETPERM, k[1], 0x3f3f0002) == 0);
	CHECK(ctl(SETPERM, k[2], 0x3f3f0000) == 0);
	CHECK(ctl(CHOWN, k[2], USER, USER) == 0);
	in_child(as_user, k);
	holds(k[2], "y");
	CHECK(ctl(CLEAR, SESSION) == 0);
	say("users ok");
}

/* 200 keys of a user. */
static void
quota_keys(void *arg)
{
	char name[32];
	int n = 0;
	long k, first = 0;

	CHECK(setresgid(USER + 1, USER + 1, USER + 1) == 0);
	CHECK(setresuid(USER + 1, USER + 1, USER + 1) == 0);
	CHECK(ctl(JOIN, NULL) > 0); /* one, not of the quota's bytes */
	for (;;) {
		snprintf(name, sizeof(name), "key %d", n);
		k = add("user", name, "x", SESSION);
		if (k < 0)
			break;
		if (n++ == 0)
			first = k;
	}
	CHECK(errno == EDQUOT);
	say("%s keys",
	    n == 199 || n == 200 ? "about 200" : "a wrong number of");
	CHECK(ctl(UNLINK, first, SESSION) == 0);
	/* The memory of a key may be freed later on Linux. */
	for (int i = 0; (k = add("user", "again", "x", SESSION)) < 0; i++) {
		CHECK(i < 500 && errno == EDQUOT);
		sleep_ms(10);
	}
}

static void
quota_bytes(void *arg)
{
	static char data[19000];
	long k;

	CHECK(setresgid(USER + 2, USER + 2, USER + 2) == 0);
	CHECK(setresuid(USER + 2, USER + 2, USER + 2) == 0);
	CHECK(ctl(JOIN, NULL) > 0);
	k = syscall(SYS_add_key, "user", "a", data, sizeof(data), SESSION);
	CHECK(k > 0);
	CHECK_ERRNO(
	    syscall(SYS_add_key, "user", "b", data, 1000, SESSION), EDQUOT);
	CHECK_ERRNO(request("user", "b", 0), ENOKEY);
	CHECK_ERRNO(
	    syscall(SYS_add_key, "user", "a", data, 20001, SESSION), EDQUOT);
	CHECK(ctl(READ, k, NULL, 0) == sizeof(data));
	CHECK(syscall(SYS_add_key, "user", "a", data, 100, SESSION) == k);
	CHECK(syscall(SYS_add_key, "user", "b", data, 1000, SESSION) > 0);
}

/* Threads that link, search and drop the same keyrings. */
static void *
racer(void *arg)
{
	long ring = *(long *)arg, sub;
	char name[32];

	snprintf(name, sizeof(name), "sub %d", (int)syscall(SYS_gettid) % 4);
	for (int i = 0; i < 300; i++) {
		sub = add_ring(name, (int)ring);
		CHECK(sub > 0 || errno == EDQUOT);
		(void)add("user", "x", "data", (int)sub);
		(void)ctl(LINK, ring, sub);
		(void)request("user", "x", 0);
		(void)ctl(SEARCH, ring, "user", "x", (int)sub);
		(void)ctl(UNLINK, sub, ring);
		if (i % 50 == 0)
			(void)ctl(CLEAR, ring);
	}
	return (NULL);
}

static void
races(void)
{
	long ring = add_ring("races", SESSION);
	pthread_t t[4];

	CHECK(ring > 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, racer, &ring) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(ctl(UNLINK, ring, SESSION) == 0);
	say("races ok");
}

static void
texts(void)
{
	static char text[1 << 16];
	char line[64];
	long k = add("user", "in proc", "12345", SESSION);

	CHECK(k > 0 && shows_serial((int)k));
	read_file("/proc/keys", text, sizeof(text));
	snprintf(line, sizeof(line), "%08lx I--Q---", k);
	CHECK(strstr(text, line) != NULL);
	CHECK(strstr(text, "user      in proc: 5\n") != NULL);
	read_file("/proc/key-users", text, sizeof(text));
	CHECK(strchr(text, ':') != NULL);
	CHECK(ctl(UNLINK, k, SESSION) == 0);
	read_file("/proc/keys", text, sizeof(text));
	CHECK(!inside() || strstr(text, "in proc") == NULL);
	say("texts ok");
}

int
main(int argc, char **argv)
{
	unsigned char caps[4] = {9, 9, 9, 9};

	if (argc > 1) {
		exec_check(argv[1]);
		return (0);
	}
	self = realpath("/proc/self/exe", NULL);
	CHECK(self != NULL);
	CHECK(ctl(JOIN, NULL) > 0);
	CHECK(ctl(CAPABILITIES, caps, 4) == 2);
	CHECK((caps[0] & 0xa1) == 0xa1 && caps[2] == 0 && caps[3] == 0);
	basics();
	types();
	CHECK(ctl(CLEAR, SESSION) == 0);
	bad_calls();
	links();
	nesting();
	permissions();
	ends();
	own_keyrings();
	in_child(exec_again, NULL);
	texts();
	races();
	if (geteuid() != 0)
		return (0);
	users();
	in_child(quota_keys, NULL);
	in_child(quota_bytes, NULL);
	say("quotas ok");
	return (0);
}
