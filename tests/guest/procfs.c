/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc: exe, maps, stat, status, fd, cmdline and mem of the caller and of a
 * child, meminfo; and that the files of a process disappear with it.
 */
#include "guest.h"

#include <dirent.h>

static char buf[1 << 20];

/* Finds the line of maps that contains the address: true, and its
 * permissions. */
static bool
find_map(const void *addr, char *perms)
{
	unsigned long lo, hi, a = (uintptr_t)addr;
	char *line = buf, *end;

	read_file("/proc/self/maps", buf, sizeof(buf));
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		CHECK(end != NULL);
		CHECK(sscanf(line, "%lx-%lx %4s", &lo, &hi, perms) == 3);
		CHECK(lo < hi && lo % PAGE == 0 && hi % PAGE == 0);
		if (lo <= a && a < hi)
			return (true);
	}
	return (false);
}

static void
maps(void)
{
	char *m = map_anon(16 * PAGE), perms[8];
	int here;

	CHECK(mprotect(m + 4 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(m + 8 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(find_map(m, perms) && strcmp(perms, "rw-p") == 0);
	CHECK(find_map(m + 4 * PAGE, perms) && strcmp(perms, "r--p") == 0);
	CHECK(find_map(m + 8 * PAGE, perms) && strcmp(perms, "---p") == 0);
	CHECK(find_map(&here, perms) && strncmp(perms, "rw", 2) == 0);
	CHECK(strstr(buf, "[stack]") != NULL);
	CHECK(find_map((void *)(uintptr_t)maps, perms) &&
	      strcmp(perms, "r-xp") == 0);
	CHECK(munmap(m, 16 * PAGE) == 0 && !find_map(m + 4 * PAGE, perms));
	say("maps");
}

/* Read fd to its end, `step` bytes at a time. */
static size_t
read_steps(int fd, char *to, size_t size, size_t step)
{
	size_t len = 0;
	ssize_t n;

	do {
		CHECK(len + 1 < size);
		n = read(fd, to + len,
		    step < size - 1 - len ? step : size - 1 - len);
		CHECK(n >= 0);
		len += (size_t)n;
	} while (n > 0);
	to[len] = '\0';
	return (len);
}

/* A text that is longer than what the kernel makes at a time is the same,
 * whatever the sizes of the reads are. */
static void
long_maps(void)
{
	static char whole[1 << 20], part[64];
	const size_t steps[] = {100, 4096, 40000};
	char *m = map_anon(1000 * PAGE);
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len;

	for (int i = 0; i < 1000; i += 2)
		CHECK(mprotect(m + i * PAGE, PAGE, PROT_READ) == 0);
	CHECK(fd >= 0);
	len = read_steps(fd, whole, sizeof(whole), sizeof(whole));
	CHECK(len > 40000);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		CHECK(lseek(fd, 0, SEEK_SET) == 0);
		CHECK(read_steps(fd, buf, sizeof(buf), steps[i]) == len);
		CHECK(strcmp(buf, whole) == 0);
	}
	/* Backwards, and beyond the end. */
	for (off_t at = 40000; at >= 0; at -= 8000) {
		CHECK(pread(fd, part, sizeof(part), at) == sizeof(part));
		CHECK(memcmp(part, whole + at, sizeof(part)) == 0);
	}
	CHECK(pread(fd, part, sizeof(part), (off_t)len) == 0);
	CHECK(pread(fd, part, sizeof(part), 1 << 30) == 0);
	CHECK(close(fd) == 0 && munmap(m, 1000 * PAGE) == 0);
	say("a long text in pieces");
}

/* A text goes with its process. */
static void
ended_maps(void)
{
	char path[64];
	int child, end, fd, status;

	child = waiting_child(&end);
	snprintf(path, sizeof(path), "/proc/%d/maps", child);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 100) > 0);
	close(end);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(read(fd, buf, 100) == -1 && errno == ESRCH);
	CHECK(close(fd) == 0);
	say("maps of a process that has ended");
}

static long
field(const char *path, const char *name)
{
	char *p;

	read_file(path, buf, sizeof(buf));
	p = strstr(buf, name);
	CHECK(p != NULL);
	return (strtol(p + strlen(name), NULL, 10));
}

static void
status(void)
{
	char path[64], comm[32], state;
	int pid, ppid;
	char *m;
	long rss;

	CHECK(field("/proc/self/status", "\nPid:") == getpid());
	CHECK(field("/proc/self/status", "\nPPid:") == getppid());
	CHECK(field("/proc/self/status", "\nUid:") == (long)getuid());
	rss = field("/proc/self/status", "\nVmRSS:");
	m = map_anon(8 * MIB);
	memset(m, 1, 8 * MIB);
	CHECK(field("/proc/self/status", "\nVmRSS:") >= rss + 8 * 1024 - 64);
	CHECK(munmap(m, 8 * MIB) == 0);
	CHECK(field("/proc/self/status", "\nVmRSS:") <= rss + 1024);
	read_file("/proc/self/stat", buf, sizeof(buf));
	CHECK(
	    sscanf(buf, "%d (%31[^)]) %c %d", &pid, comm, &state, &ppid) == 4);
	CHECK(pid == getpid() && ppid == getppid() && state == 'R');
	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	read_file(path, buf, sizeof(buf));
	CHECK(atoi(buf) == getpid());
	CHECK(field("/proc/meminfo", "MemTotal:") > 1024);
	CHECK(field("/proc/meminfo", "MemFree:") > 0);
	say("status and meminfo");
}

static void
exe_and_fd(void)
{
	char a[256], b[256], path[64];
	struct dirent *de;
	struct stat st, st2;
	int fd, n = 0;
	ssize_t len;
	DIR *d;

	len = readlink("/proc/self/exe", a, sizeof(a));
	CHECK(len > 0 && a[0] == '/');
	CHECK(stat("/proc/self/exe", &st) == 0);
	a[len] = '\0';
	CHECK(stat(a, &st2) == 0 && st.st_ino == st2.st_ino);
	fd = open("/dev/zero", O_RDONLY);
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, b, sizeof(b));
	CHECK(len == 9 && memcmp(b, "/dev/zero", 9) == 0);
	d = opendir("/proc/self/fd");
	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL)
		n += de->d_name[0] != '.' && atoi(de->d_name) == fd;
	CHECK(n == 1);
	closedir(d);
	close(fd);
	CHECK_ERRNO(readlink(path, b, sizeof(b)), ENOENT);
	CHECK(read_file("/proc/self/cmdline", buf, sizeof(buf)) > 1);
	CHECK(strstr(buf, "procfs") != NULL);
	len = readlink("/proc/self", b, sizeof(b) - 1);
	CHECK(len > 0);
	b[len] = '\0';
	CHECK(atoi(b) == getpid());
	say("exe, fd, cmdline");
}

/* A name that is missing cannot be made, which no right changes: the error is
 * ENOENT for each caller. */
static void
no_names(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 2; i++) {
			CHECK(mkdir("/proc/new", 0755) == -1);
			CHECK(errno == ENOENT);
			CHECK(mkdir("/proc/self/new", 0755) == -1);
			CHECK(errno == ENOENT);
			CHECK(mkdir("/proc/sys/kernel/new", 0755) == -1);
			CHECK(errno == ENOENT);
			CHECK(
			    open("/proc/new", O_CREAT | O_WRONLY, 0600) == -1);
			CHECK(errno == ENOENT);
			CHECK(symlink("a", "/proc/new") == -1);
			CHECK(errno == ENOENT);
			CHECK(mknod("/proc/new", S_IFIFO | 0600, 0) == -1);
			CHECK(errno == ENOENT);
			CHECK(link("/proc/version", "/proc/new") == -1);
			CHECK(errno == ENOENT);
			CHECK(rename("/proc/version", "/proc/new") == -1);
			CHECK(errno == ENOENT);
			CHECK(mkdir("/proc/version", 0755) == -1);
			CHECK(errno == EEXIST);
			CHECK(rename("/proc/version", "/proc/uptime") == -1);
			CHECK(errno == (geteuid() == 0 ? EPERM : EACCES));
			CHECK(unlink("/proc/version") == -1);
			CHECK(errno == (geteuid() == 0 ? EPERM : EACCES));
			if (geteuid() == 0)
				CHECK(setresuid(4712, 4712, 4712) == 0);
		}
		_exit(0);
	}
	wait_ok(pid);
	say("no names ok");
}

/* The memory of a child through /proc/PID/mem, while the child waits. */
static void
memory(void)
{
	uint64_t *m = map_anon(4 * PAGE), word;
	char path[64], c;
	int p[2], fd;
	pid_t pid;

	fill_page(m, 1, 0);
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p[1]);
		fill_page(m, 2, 0);
		CHECK(read(p[0], &c, 1) == 1);
		CHECK(m[8] == 0x1122334455667788);
		_exit(0);
	}
	close(p[0]);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	do {
		sleep_ms(1);
		CHECK(pread(fd, &word, 8, (off_t)(uintptr_t)m) == 8);
	} while (word != pattern(2, 0, 0));
	CHECK(pread(fd, buf, PAGE, (off_t)(uintptr_t)m) == (ssize_t)PAGE);
	word = 0x1122334455667788;
	CHECK(pwrite(fd, &word, 8, (off_t)(uintptr_t)(m + 8)) == 8);
	CHECK(check_page(m, 1, 0)); /* the parent has a different page */
	CHECK_ERRNO(pread(fd, &word, 8, 8), EIO);
	CHECK(write(p[1], "x", 1) == 1);
	wait_ok(pid);
	CHECK(pread(fd, &word, 8, (off_t)(uintptr_t)m) <= 0);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
	close(p[1]);
}

int
main(void)
{
	maps();
	long_maps();
	ended_maps();
	status();
	exe_and_fd();
	no_names();
	/* Where the kernel has /proc/self/mem it must be right. */
	if (access("/proc/self/mem", F_OK) == 0)
		memory();
	say("memory of a child");
	return (0);
}
