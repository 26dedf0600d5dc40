/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A file mapped private and shared by parent and child: what each process sees
 * of the stores of the other one, of read() and write(), and of truncation
 * (SIGBUS behind the end, zeros in the rest of the last page); and the errors
 * of mmap on files.
 */
#include "guest.h"

#define NPAGES 16

static sigjmp_buf env;
static volatile int bus_code;
static void *volatile bus_addr;

static void
on_bus(int sig, siginfo_t *si, void *uc)
{
	bus_code = si->si_code;
	bus_addr = si->si_addr;
	siglongjmp(env, sig);
}

static int
touch(volatile char *p, bool wr)
{
	int sig = sigsetjmp(env, 1);

	if (sig != 0)
		return (sig);
	if (wr)
		*p = 'w';
	else
		(void)*p;
	return (0);
}

static char *
map_file(int fd, int flags, int prot, size_t pages, off_t off)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, fd, off);

	CHECK(p != MAP_FAILED);
	return (p);
}

static int
make_file(const char *name)
{
	char page[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	for (uint64_t i = 0; i < NPAGES; i++) {
		fill_page(page, 7, i);
		CHECK(write(fd, page, PAGE) == (ssize_t)PAGE);
	}
	return (fd);
}

static void
shared_and_private(void)
{
	int fd = make_file("a");
	char *s = map_file(fd, MAP_SHARED, PROT_READ | PROT_WRITE, NPAGES, 0);
	char *p = map_file(fd, MAP_PRIVATE, PROT_READ | PROT_WRITE, NPAGES, 0);
	char buf[16];
	pid_t pid;

	for (uint64_t i = 0; i < NPAGES; i++)
		CHECK(check_page(s + i * PAGE, 7, i) &&
		      check_page(p + i * PAGE, 7, i));
	memcpy(p + 2 * PAGE, "private-parent", 15);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(strcmp(p + 2 * PAGE, "private-parent") == 0);
		memcpy(s + PAGE, "shared-child", 13);
		memcpy(p + 2 * PAGE, "private-child", 14);
		memcpy(p + 3 * PAGE, "private-child", 14);
		CHECK(check_page(s + 2 * PAGE, 7, 2));
		_exit(0);
	}
	wait_ok(pid);
	CHECK(strcmp(s + PAGE, "shared-child") == 0);
	/* A page that was not touched. */
	CHECK(strcmp(p + PAGE, "shared-child") == 0);
	CHECK(strcmp(p + 2 * PAGE, "private-parent") == 0);
	CHECK(check_page(p + 3 * PAGE, 7, 3));
	CHECK(pread(fd, buf, 13, PAGE) == 13 &&
	      memcmp(buf, "shared-child", 13) == 0);
	CHECK(pwrite(fd, "by-write", 9, 5 * PAGE + 100) == 9);
	CHECK(memcmp(s + 5 * PAGE + 100, "by-write", 9) == 0);
	CHECK(msync(s, NPAGES * PAGE, MS_SYNC) == 0);
	CHECK(msync(s, NPAGES * PAGE, MS_ASYNC) == 0);
	CHECK(munmap(s, NPAGES * PAGE) == 0 && munmap(p, NPAGES * PAGE) == 0);
	s = map_file(fd, MAP_SHARED, PROT_READ, 2, 0);
	CHECK(strcmp(s + PAGE, "shared-child") == 0);
	CHECK(munmap(s, 2 * PAGE) == 0 && close(fd) == 0);
	say("shared and private");
}

static void
offsets_and_unlink(void)
{
	int fd = make_file("b");
	char *m = map_file(fd, MAP_SHARED, PROT_READ | PROT_WRITE, 4, 8 * PAGE);
	char *n = map_file(fd, MAP_PRIVATE, PROT_READ, 4, 9 * PAGE);
	char c = 0;

	CHECK(check_page(m, 7, 8) && check_page(n, 7, 9));
	CHECK(unlink("b") == 0 && close(fd) == 0);
	m[PAGE] = 'X';
	CHECK(n[0] == 'X');
	CHECK(munmap(m + PAGE, PAGE) == 0); /* a hole in the middle */
	CHECK(check_page(m + 2 * PAGE, 7, 10) && n[0] == 'X');
	CHECK(munmap(m, 4 * PAGE) == 0 && munmap(n, 4 * PAGE) == 0);
	fd = open("b", O_RDONLY);
	CHECK(fd == -1 && errno == ENOENT && c == 0);
	say("offsets and an unlinked file");
}

static void
truncation(void)
{
	int fd = make_file("c");
	char *s = map_file(fd, MAP_SHARED, PROT_READ | PROT_WRITE, NPAGES, 0);
	char *p = map_file(fd, MAP_PRIVATE, PROT_READ | PROT_WRITE, NPAGES, 0);

	for (size_t i = 0; i < NPAGES; i++)
		s[i * PAGE + 4000] = 'd';
	/* A copied page is removed by the truncation as well. */
	p[6 * PAGE] = 'q';
	CHECK(ftruncate(fd, 4 * PAGE + 100) == 0);
	CHECK(touch(s + 4 * PAGE + 99, false) == 0);
	CHECK(touch(s + 4 * PAGE + 101, false) == 0);
	CHECK(s[4 * PAGE + 4000] == 0); /* the rest of the last page is zero */
	CHECK(touch(s + 5 * PAGE, false) == SIGBUS);
	CHECK(bus_code == BUS_ADRERR && bus_addr == s + 5 * PAGE);
	CHECK(touch(s + 7 * PAGE + 12, true) == SIGBUS);
	CHECK(bus_addr == s + 7 * PAGE + 12);
	CHECK(touch(p + 6 * PAGE, false) == SIGBUS);
	CHECK(touch(p + 9 * PAGE, true) == SIGBUS);
	CHECK_ERRNO(write(STDOUT_FILENO, s + 5 * PAGE, 1), EFAULT);
	CHECK(ftruncate(fd, NPAGES * PAGE) == 0);
	CHECK(touch(s + 5 * PAGE, false) == 0 && s[7 * PAGE + 4000] == 0);
	CHECK(all_zero(s + 4 * PAGE + 100, (NPAGES - 4) * PAGE - 100));
	CHECK(all_zero(p + 6 * PAGE, PAGE));
	s[15 * PAGE + 1] = 'z';
	CHECK(munmap(s, NPAGES * PAGE) == 0 && munmap(p, NPAGES * PAGE) == 0);
	/* Mapped behind the end of the file from the beginning. */
	CHECK(ftruncate(fd, 10) == 0);
	s = map_file(fd, MAP_SHARED, PROT_READ | PROT_WRITE, 4, 0);
	CHECK(touch(s, true) == 0 && touch(s + PAGE, true) == SIGBUS);
	CHECK(munmap(s, 4 * PAGE) == 0 && close(fd) == 0 && unlink("c") == 0);
	say("truncation and SIGBUS");
}

static void
errors(void)
{
	int rd, wr, dir;

	write_file("d", "0123456789", 10, 0600);
	rd = open("d", O_RDONLY);
	wr = open("d", O_WRONLY);
	dir = open(".", O_RDONLY);
	CHECK(rd >= 0 && wr >= 0 && dir >= 0);
#define MAP_(len, prot, flags, fd, off) mmap(NULL, len, prot, flags, fd, off)
	CHECK(MAP_(PAGE, PROT_WRITE, MAP_SHARED, rd, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(MAP_(PAGE, PROT_READ, MAP_PRIVATE, wr, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(MAP_(PAGE, PROT_READ, MAP_SHARED, wr, 0) == MAP_FAILED &&
	      errno == EACCES);
	CHECK(MAP_(0, PROT_READ, MAP_PRIVATE, rd, 0) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(MAP_(PAGE, PROT_READ, MAP_PRIVATE, rd, 100) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(MAP_(PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED &&
	      errno == EBADF);
	CHECK(MAP_(PAGE, PROT_READ, MAP_PRIVATE, dir, 0) == MAP_FAILED &&
	      errno == ENODEV);
	CHECK(MAP_(PAGE, PROT_READ, 0, rd, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(MAP_((size_t)1 << 60, PROT_READ, MAP_PRIVATE, rd, 0) ==
		  MAP_FAILED &&
	      errno == ENOMEM);
#undef MAP_
	close(rd);
	rd = open("d", O_RDONLY);
	char *m = map_file(rd, MAP_SHARED, PROT_READ, 1, 0);
	CHECK_ERRNO(mprotect(m, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK(munmap(m, PAGE) == 0);
	m = map_file(rd, MAP_PRIVATE, PROT_READ, 1, 0);
	CHECK(mprotect(m, PAGE, PROT_READ | PROT_WRITE) == 0);
	m[0] = 'X';
	CHECK(munmap(m, PAGE) == 0);
	close(rd), close(wr), close(dir);
	CHECK(unlink("d") == 0);
	say("errors");
}

/* The image of this program, which is a file of the host when it runs
 * inside: a mapping and read() agree. */
static void
own_image(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;
	char buf[PAGE], *m;
	ssize_t n;

	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 4096);
	m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED && memcmp(m, "\177ELF", 4) == 0);
	for (off_t off = 0; off < st.st_size; off += n) {
		n = pread(fd, buf, sizeof(buf), off);
		CHECK(n > 0 && memcmp(buf, m + off, (size_t)n) == 0);
	}
	CHECK(munmap(m, (size_t)st.st_size) == 0 && close(fd) == 0);
	say("own image");
}

static void
shared_anonymous(void)
{
	uint64_t *m = map_shared(64 * PAGE);
	pid_t pid[4];

	for (uint64_t n = 0; n < 4; n++) {
		pid[n] = fork();
		CHECK(pid[n] >= 0);
		if (pid[n] == 0) {
			for (uint64_t i = n; i < 64; i += 4)
				fill_page((char *)m + i * PAGE, n, i);
			_exit(0);
		}
	}
	for (int n = 0; n < 4; n++)
		wait_ok(pid[n]);
	for (uint64_t i = 0; i < 64; i++)
		CHECK(check_page((char *)m + i * PAGE, i % 4, i));
	CHECK(munmap(m, 64 * PAGE) == 0);
	say("shared anonymous memory");
}

int
main(void)
{
	scratch_enter("filemap");
	set_handler(SIGBUS, on_bus, 0);
	shared_and_private();
	offsets_and_unlink();
	truncation();
	errors();
	own_image();
	shared_anonymous();
	CHECK(unlink("a") == 0);
	scratch_remove();
	return (0);
}
