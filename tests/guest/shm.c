/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V shared memory: names, sizes and rights; which processes see a write,
 * over fork and with two attachments in one process; the counts; and removal
 * while processes are attached.
 */
#include "guest.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#define SIZE (5 * PAGE + 100)
#define FAILED ((void *)-1)

static key_t
some_key(void)
{
	return ((key_t)(0x56000000 + getpid()));
}

static struct shmid_ds
look(int id)
{
	struct shmid_ds ds;

	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	return (ds);
}

static void
names(void)
{
	const key_t key = some_key();
	int id, other;

	CHECK(shmget(key, SIZE, 0600) == -1 && errno == ENOENT);
	CHECK(shmget(key, 0, IPC_CREAT | 0600) == -1 && errno == EINVAL);
	CHECK(shmget(key, SIZE_MAX / 2, IPC_CREAT | 0600) == -1);
	id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0640);
	CHECK(id >= 0);
	CHECK(shmget(key, SIZE, IPC_CREAT | 0600) == id);
	CHECK(shmget(key, 0, 0) == id);
	CHECK(shmget(key, 10, 0600) == id);
	CHECK(shmget(key, 2 * SIZE, 0600) == -1 && errno == EINVAL);
	CHECK(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600) == -1);
	CHECK(errno == EEXIST);
	other = shmget(IPC_PRIVATE, 1, 0600);
	CHECK(other >= 0 && other != id);
	CHECK(shmctl(other, IPC_RMID, NULL) == 0);
	CHECK(shmctl(other, IPC_STAT, NULL) == -1 &&
	      (errno == EINVAL || errno == EIDRM));
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmget(key, SIZE, 0600) == -1 && errno == ENOENT);
	CHECK(shmctl(-1, IPC_RMID, NULL) == -1 && errno == EINVAL);
	say("names ok");
}

static void
counts(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0640), go[2];
	struct shmid_ds ds = look(id);
	char *a, *b, c;
	pid_t pid;

	CHECK(ds.shm_segsz == SIZE && ds.shm_nattch == 0);
	CHECK(ds.shm_perm.mode == 0640 && ds.shm_cpid == getpid());
	CHECK(ds.shm_perm.uid == geteuid() && ds.shm_perm.cgid == getegid());
	CHECK(ds.shm_lpid == 0 && ds.shm_ctime != 0 && ds.shm_atime == 0);
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	CHECK(a != FAILED && b != FAILED && a != b);
	CHECK(a[0] == 0 && a[SIZE - 1] == 0);
	memset(a, 'x', SIZE);
	CHECK(b[0] == 'x' && b[SIZE - 1] == 'x');
	CHECK(mprotect(b, PAGE, PROT_READ | PROT_WRITE) == -1);
	CHECK(errno == EACCES);
	ds = look(id);
	CHECK(ds.shm_nattch == 2 && ds.shm_lpid == getpid());
	CHECK(ds.shm_atime != 0);

	CHECK(pipe(go) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &c, 1) == 1);
		a[PAGE] = 'y';
		_exit(b[PAGE] == 'y' ? 0 : 1);
	}
	CHECK(look(id).shm_nattch == 4);
	CHECK(write(go[1], "", 1) == 1 && wait_status(pid) == 0);
	CHECK(look(id).shm_nattch == 2 && b[PAGE] == 'y');
	CHECK(shmdt(b + PAGE) == -1 && errno == EINVAL);
	CHECK(shmdt(b) == 0);
	CHECK(shmdt(b) == -1 && errno == EINVAL);
	CHECK(look(id).shm_nattch == 1);
	CHECK(shmdt(a) == 0 && look(id).shm_nattch == 0);
	CHECK(look(id).shm_dtime != 0);

	/* The data is there for the next process that attaches. */
	a = shmat(id, NULL, 0);
	CHECK(a != FAILED && a[PAGE] == 'y' && a[0] == 'x');
	CHECK(munmap(a, 6 * PAGE) == 0 && look(id).shm_nattch == 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmat(id, NULL, 0) == FAILED);
	say("counts ok");
}

static void
removal(void)
{
	const key_t key = some_key();
	int id = shmget(key, SIZE, IPC_CREAT | 0600);
	char *a = shmat(id, NULL, 0), *b;
	struct shmid_ds ds;

	CHECK(id >= 0 && a != FAILED);
	strcpy(a, "still here");
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmget(key, SIZE, 0600) == -1 && errno == ENOENT);
	ds = look(id);
	CHECK(ds.shm_nattch == 1 && (ds.shm_perm.mode & 01000) != 0);
	b = shmat(id, NULL, 0);
	CHECK(b != FAILED && strcmp(b, "still here") == 0);
	CHECK(look(id).shm_nattch == 2);
	CHECK(shmdt(a) == 0 && strcmp(b, "still here") == 0);
	CHECK(shmdt(b) == 0);
	CHECK(shmat(id, NULL, 0) == FAILED);
	CHECK(errno == EINVAL || errno == EIDRM);
	say("removal ok");
}

static void
addresses(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	char *room = mmap(NULL, 16 * PAGE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	     *a;

	CHECK(room != MAP_FAILED);
	CHECK(shmat(id, room, 0) == FAILED && errno == EINVAL);
	CHECK(shmat(id, NULL, SHM_REMAP) == FAILED && errno == EINVAL);
	CHECK(shmat(id, room + 8, SHM_REMAP) == FAILED && errno == EINVAL);
	a = shmat(id, room, SHM_REMAP);
	CHECK(a == room);
	a[SIZE] = 1; /* the rest of the last page */
	CHECK(munmap(room + 8 * PAGE, 8 * PAGE) == 0);
	a = shmat(id, room + 8 * PAGE + 8, SHM_RND);
	CHECK(a == room + 8 * PAGE && a[SIZE] == 1);
	CHECK(shmdt(room) == 0 && shmdt(a) == 0);
	CHECK(shmdt(room + 6 * PAGE) == -1 && errno == EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmdt((void *)8) == -1 && errno == EINVAL);
	say("addresses ok");
}

static bool
mapped(void *at)
{
	unsigned char vec;

	return (mincore(at, PAGE, &vec) == 0);
}

/* shmdt removes what is left of the attachment, and no other mapping that was
 * placed in its range. */
static void
detach_in_pieces(void)
{
	int id = shmget(IPC_PRIVATE, 8 * PAGE, 0600), other, fd;
	char *a = shmat(id, NULL, 0), *b;
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	other = shmget(IPC_PRIVATE, PAGE, 0600);
	fd = open("/proc/self/exe", O_RDONLY);
	CHECK(id >= 0 && other >= 0 && fd >= 0 && a != FAILED);
	memset(a, 's', 8 * PAGE);
	CHECK(mmap(a + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, anon, -1, 0) ==
	      a + 2 * PAGE);
	a[2 * PAGE] = 'p';
	CHECK(mmap(a + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd,
		  0) == a + 4 * PAGE);
	CHECK(shmat(other, a + 5 * PAGE, SHM_REMAP) == a + 5 * PAGE);
	a[5 * PAGE] = 'o';
	/* The same segment at another offset is another attachment. */
	CHECK(mremap(a + 7 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		  a + 6 * PAGE) == a + 6 * PAGE);
	CHECK(mprotect(a + PAGE, PAGE, PROT_READ) == 0);
	CHECK(shmdt(a) == 0);
	say("left: %d%d%d%d%d%d%d%d", mapped(a), mapped(a + PAGE),
	    mapped(a + 2 * PAGE), mapped(a + 3 * PAGE), mapped(a + 4 * PAGE),
	    mapped(a + 5 * PAGE), mapped(a + 6 * PAGE), mapped(a + 7 * PAGE));
	CHECK(a[2 * PAGE] == 'p' && a[5 * PAGE] == 'o' && a[6 * PAGE] == 's');
	CHECK(memcmp(a + 4 * PAGE, "\177ELF", 4) == 0);
	CHECK(shmdt(a) == -1 && errno == EINVAL);
	CHECK(shmdt(a + 5 * PAGE) == 0 && !mapped(a + 5 * PAGE));
	CHECK(munmap(a, 8 * PAGE) == 0);
	CHECK(look(id).shm_nattch == 0);

	/* The first page, or all but the last, was unmapped before. */
	a = shmat(id, NULL, 0);
	CHECK(a != FAILED && munmap(a, PAGE) == 0);
	CHECK(shmdt(a + PAGE) == -1 && errno == EINVAL);
	CHECK(shmdt(a) == 0 && !mapped(a + PAGE) && !mapped(a + 7 * PAGE));
	a = shmat(id, NULL, 0);
	CHECK(a != FAILED && munmap(a, 7 * PAGE) == 0);
	CHECK(shmdt(a) == 0 && !mapped(a + 7 * PAGE));
	CHECK(look(id).shm_nattch == 0 && look(id).shm_dtime != 0);

	/* Replaced at its beginning by an attachment of the same segment. */
	a = shmat(id, NULL, 0);
	b = shmat(id, a + 4 * PAGE, SHM_REMAP);
	CHECK(a != FAILED && b == a + 4 * PAGE && b[0] == 's');
	CHECK(shmdt(a) == 0 && !mapped(a + 3 * PAGE) && mapped(b));
	CHECK(shmdt(b) == 0 && !mapped(b + 7 * PAGE));
	/* A shared mapping of a file is no attachment. */
	b = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(b != MAP_FAILED && mapped(b));
	close(fd);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmctl(other, IPC_RMID, NULL) == 0);
	say("pieces ok");
}

/* A child detaches its own attachment, in pieces or not. */
static void
detach_in_child(void *arg)
{
	char *a = arg;

	CHECK(munmap(a + PAGE, PAGE) == 0 && shmdt(a) == 0);
	CHECK(!mapped(a) && !mapped(a + 2 * PAGE));
	CHECK(shmdt(a) == -1 && errno == EINVAL);
}

static void
detach_after_fork(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	char *a = shmat(id, NULL, 0);

	CHECK(id >= 0 && a != FAILED);
	in_child(detach_in_child, a);
	CHECK(look(id).shm_nattch == 1 && mapped(a) && mapped(a + PAGE));
	CHECK(shmdt(a) == 0 && look(id).shm_nattch == 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	say("fork ok");
}

static void
rights(void)
{
	const key_t key = some_key();
	int id = shmget(key, PAGE, IPC_CREAT | 0640);
	struct shmid_ds ds;
	pid_t pid;

	CHECK(id >= 0);
	ds = look(id);
	ds.shm_perm.mode = 0604;
	CHECK(shmctl(id, IPC_SET, &ds) == 0);
	CHECK(look(id).shm_perm.mode == 0604);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0)
			CHECK(setgid(12345) == 0 && setuid(12345) == 0);
		else
			_exit(0);
		CHECK(shmat(id, NULL, 0) == FAILED && errno == EACCES);
		CHECK(shmat(id, NULL, SHM_RDONLY) != FAILED);
		CHECK(shmget(key, PAGE, 0006) == -1 && errno == EACCES);
		CHECK(shmget(key, PAGE, 0004) == id);
		CHECK(shmctl(id, IPC_RMID, NULL) == -1 && errno == EPERM);
		CHECK(shmctl(id, IPC_SET, &ds) == -1 && errno == EPERM);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	say("rights ok");
}

/* The calls that ipcs(1) makes. */
static void
listing(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600), last, found = 0;
	struct shminfo limits;
	struct shm_info now;
	struct shmid_ds ds;
	char *a = shmat(id, NULL, 0);

	CHECK(a != FAILED);
	memset(a, 1, SIZE);
	CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
	CHECK(limits.shmmin == 1 && limits.shmmax >= SIZE);
	last = shmctl(0, SHM_INFO, (void *)&now);
	CHECK(last >= 0 && now.used_ids >= 1);
	CHECK(now.shm_tot >= 6 && now.shm_rss + now.shm_swp >= 6);
	for (int i = 0; i <= last; i++)
		if (shmctl(i, SHM_STAT, &ds) == id) {
			CHECK(ds.shm_segsz == SIZE && ds.shm_nattch == 1);
			found++;
		}
	CHECK(found == 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0 && shmdt(a) == 0);
	CHECK(shmctl(0, SHM_INFO, (void *)8) == -1 && errno == EFAULT);
	CHECK(shmctl(0, 77, NULL) == -1 && errno == EINVAL);
	say("listing ok");
}

/* Two processes increment one number: no increment is lost. */
static void
concurrent_increments(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	_Atomic long *n = shmat(id, NULL, 0);
	pid_t pid[4];

	CHECK(n != FAILED && shmctl(id, IPC_RMID, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			for (int j = 0; j < 10000; j++)
				(*n)++;
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK(wait_status(pid[i]) == 0);
	say("concurrent increments: %ld", *n);
}

/* Several processes create, attach, remove and abandon the segment of one
 * key. */
static void
recreate_segment(void)
{
	const key_t key = some_key();
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		for (int j = 0; pid[i] == 0 && j < 500; j++) {
			int id = shmget(key, 2 * PAGE, IPC_CREAT | 0600);
			_Atomic int *a = shmat(id, NULL, 0);

			CHECK(id >= 0);
			if (a == FAILED) {
				CHECK(errno == EINVAL || errno == EIDRM);
				continue;
			}
			CHECK((*a)++ < 4 * 500);
			CHECK(shmctl(id, IPC_RMID, NULL) == 0 ||
			      errno == EINVAL || errno == EIDRM);
			CHECK(shmdt((void *)a) == 0);
		}
		if (pid[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK(wait_status(pid[i]) == 0);
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	CHECK(shmget(key, 0, 0) == -1 && errno == ENOENT);
	say("recreated by several processes ok");
}

int
main(void)
{
	names();
	counts();
	removal();
	addresses();
	detach_in_pieces();
	detach_after_fork();
	rights();
	listing();
	concurrent_increments();
	recreate_segment();
	/* A segment that is left with data in it: inside, the end of the
	 * kernel must free it. (Natively this process removes it.) */
	if (getenv("GUEST_INSIDE") != NULL) {
		char *a = shmat(shmget(IPC_PRIVATE, SIZE, 0600), NULL, 0);

		CHECK(a != FAILED);
		memset(a, 1, SIZE);
	}
	return (0);
}
