/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Supplementary groups: those of the caller are inherited; setgroups accepts
 * up to the limit that /proc/sys/kernel/ngroups_max shows and sorts them; fork
 * and exec keep them; System V IPC and files grant the rights of all of them.
 */
#include "guest.h"

#include <grp.h>
#include <sys/shm.h>

#define MOST 65536

static gid_t list[MOST + 1], got[MOST + 1];

/* The groups that the program was started with are the same inside. */
static void
inherited(void)
{
	int n = getgroups(0, NULL);

	CHECK(n >= 0 && getgroups(MOST, got) == n);
	say("%d groups", n);
	for (int i = 0; i < n; i++)
		say("group %u", got[i]);
	if (n > 0)
		CHECK(n == 1 || getgroups(n - 1, got) == -1);
	CHECK_ERRNO(getgroups(-1, got), EINVAL);
}

static void
limit(void)
{
	char text[64];

	read_file("/proc/sys/kernel/ngroups_max", text, sizeof(text));
	CHECK(atoi(text) == MOST);
	for (int i = 0; i <= MOST; i++)
		list[i] = (gid_t)(100000 + MOST - i);
	CHECK_ERRNO(syscall(SYS_setgroups, MOST + 1, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgroups, -1, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_setgroups, 2, BAD), EFAULT);
	list[1] = (gid_t)-1;
	CHECK_ERRNO(syscall(SYS_setgroups, 2, list), EINVAL);
	list[1] = 100000 + MOST - 1;
	CHECK(syscall(SYS_setgroups, MOST, list) == 0);
	CHECK(getgroups(0, NULL) == MOST);
	CHECK_ERRNO(getgroups(MOST - 1, got), EINVAL);
	CHECK(getgroups(MOST, got) == MOST);
	for (int i = 0; i < MOST; i++)
		CHECK(got[i] == (gid_t)(100001 + i));
	CHECK_ERRNO(syscall(SYS_getgroups, MOST, BAD), EFAULT);
	say("limit ok");
}

static void
child_has_them(void *arg)
{
	CHECK(getgroups(MOST, got) == MOST && got[7] == 100008);
	CHECK(syscall(SYS_setgroups, 0, NULL) == 0);
	CHECK(getgroups(0, NULL) == 0);
}

static void
duplicates(void)
{
	const gid_t few[] = {30, 10, 20, 10};
	char text[8192], *p;

	CHECK(syscall(SYS_setgroups, 4, few) == 0);
	CHECK(getgroups(4, got) == 4);
	for (int i = 0; i < 4; i++)
		say("sorted %u", got[i]);
	read_file("/proc/self/status", text, sizeof(text));
	p = strstr(text, "Groups:");
	CHECK(p != NULL);
	*strchr(p, '\n') = '\0';
	say("%s", p);
	CHECK(syscall(SYS_setgroups, 0, NULL) == 0);
	CHECK(getgroups(0, NULL) == 0);
}

/* The 40th group may use the segment; a process without it may not. */
static void
ipc_rights(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 40; i++)
		list[i] = (gid_t)(i == 39 ? 5000 : 6000 + i);
	CHECK(syscall(SYS_setgroups, 40, list) == 0);
	CHECK(setgid(12345) == 0 && setuid(12345) == 0);
	CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
	CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
}

static void
no_ipc_rights(void *arg)
{
	CHECK(syscall(SYS_setgroups, 39, list) == 0);
	CHECK(setgid(12345) == 0 && setuid(12345) == 0);
	CHECK_ERRNO(shmat(*(int *)arg, NULL, SHM_RDONLY), EACCES);
}

/*
 * Files: the 40th group gives its rights, allows to give files to it, and
 * keeps the set-gid bit; without it all of that is refused.
 */
static void
file_as(bool member)
{
	struct stat st;
	int fd;

	for (int i = 0; i < 40; i++)
		list[i] = (gid_t)(i == 39 && member ? 5000 : 6000 + i);
	CHECK(syscall(SYS_setgroups, 40, list) == 0);
	CHECK(setgid(12345) == 0 && setuid(12345) == 0);
	fd = open("group-file", O_RDONLY);
	CHECK(member ? fd >= 0 : fd == -1 && errno == EACCES);
	CHECK(access("group-file", R_OK) == (member ? 0 : -1));
	fd = open("group-dir/made", O_CREAT | O_EXCL | O_RDWR, 02775);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(
	    st.st_gid == 5000 && (st.st_mode & 02000) == (member ? 02000 : 0));
	CHECK(fchmod(fd, 02770) == 0 && fstat(fd, &st) == 0);
	CHECK((st.st_mode & 07777) == (member ? 02770u : 0770u));
	CHECK(unlink("group-dir/made") == 0 && close(fd) == 0);
	fd = open("group-dir/mine", O_CREAT | O_EXCL | O_RDWR, 0644);
	CHECK(fd >= 0 && fchown(fd, -1, 12345) == 0);
	CHECK(fchown(fd, -1, 5000) == (member ? 0 : -1));
	CHECK(unlink("group-dir/mine") == 0);
}

static void
file_member(void *arg)
{
	file_as(true);
}

static void
file_stranger(void *arg)
{
	file_as(false);
}

static void
file_rights(void)
{
	mode_t old = umask(0);
	int fd;

	scratch_enter("groups");
	CHECK(chmod(".", 0777) == 0);
	fd = open("group-file", O_CREAT | O_EXCL | O_RDWR, 0640);
	CHECK(fd >= 0 && fchown(fd, 0, 5000) == 0 && close(fd) == 0);
	CHECK(mkdir("group-dir", 0777) == 0);
	CHECK(
	    chown("group-dir", 0, 5000) == 0 && chmod("group-dir", 02777) == 0);
	in_child(file_member, NULL);
	in_child(file_stranger, NULL);
	CHECK(unlink("group-file") == 0 && rmdir("group-dir") == 0);
	(void)umask(old);
	/* Now, because the process gives up its rights later. */
	scratch_remove();
	scratch_dir[0] = '\0';
	say("rights of files ok");
}

int
main(void)
{
	struct shmid_ds ds;
	int id;

	inherited();
	if (geteuid() != 0) {
		CHECK_ERRNO(syscall(SYS_setgroups, 0, NULL), EPERM);
		return (0);
	}
	limit();
	in_child(child_has_them, NULL);
	CHECK(getgroups(0, NULL) == MOST);
	duplicates();
	id = shmget(IPC_PRIVATE, PAGE, 0640);
	CHECK(id >= 0 && shmctl(id, IPC_STAT, &ds) == 0);
	ds.shm_perm.gid = 5000;
	CHECK(shmctl(id, IPC_SET, &ds) == 0);
	in_child(ipc_rights, &id);
	in_child(no_ipc_rights, &id);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	say("rights of groups ok");
	file_rights();
	return (0);
}
