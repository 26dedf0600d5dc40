/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The memory of another process: /proc/PID/mem and process_vm_readv/writev:
 * what may be read and written, which processes see a write, where a transfer
 * ends, and what can be read after the process has ended.
 */
#include "guest.h"

#include <sys/uio.h>

#define AREA ((char *)(uintptr_t)0x600000000000)
/* Numbers of the pages in the area. */
enum { P_RW = 0, P_RO = 2, P_NONE = 3, P_SHARED_RO = 4, P_UNTOUCHED = 5 };
#define P_HOLE 6
#define PAGES 8

static int to_child[2], to_parent[2];

/* Returns 41, until a test changes the instruction. */
extern int answer(void);
__asm__(".text\n"
	".globl answer\n"
	".type answer, @function\n"
	"answer:\n"
	"	movl $41, %eax\n"
	"	ret\n"
	".size answer, . - answer\n");

static void
child_area(void)
{
	char *sh;

	CHECK(mmap(AREA, PAGES * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == AREA);
	for (size_t i = 0; i < 4 * PAGE; i++)
		AREA[i] = (char)(i / 7 + i / PAGE);
	CHECK(mprotect(AREA + P_RO * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(AREA + P_NONE * PAGE, PAGE, PROT_NONE) == 0);
	sh = mmap(AREA + P_SHARED_RO * PAGE, PAGE, PROT_READ,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(sh == AREA + P_SHARED_RO * PAGE);
	CHECK(munmap(AREA + P_HOLE * PAGE, PAGE) == 0);
}

/* Executes the commands of the parent, one byte each; answers each with a
 * byte. */
static void
child(void)
{
	char cmd, r;

	child_area();
	r = 'y';
	while (write(to_parent[1], &r, 1) == 1 &&
	       read(to_child[0], &cmd, 1) == 1) {
		switch (cmd) {
		case 'a':
			r = (char)answer();
			break;
		case '0' ... '9':
			r = AREA[(cmd - '0') * PAGE + 10];
			break;
		case 'n':
			CHECK(mprotect(AREA + P_NONE * PAGE, PAGE,
				  PROT_READ | PROT_WRITE) == 0);
			r = 'n';
			break;
		default:
			_exit(0);
		}
	}
	_exit(1);
}

static char
ask(char cmd)
{
	char r;

	CHECK(write(to_child[1], &cmd, 1) == 1);
	CHECK(read(to_parent[0], &r, 1) == 1);
	return (r);
}

static pid_t
start(void)
{
	pid_t pid;
	char r;

	CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		child();
	CHECK(read(to_parent[0], &r, 1) == 1 && r == 'y');
	return (pid);
}

static int
mem_of(pid_t pid, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, flags | O_CLOEXEC);
	CHECK(fd >= 0);
	return (fd);
}

static off_t
at(int page, size_t off)
{
	return ((off_t)(uintptr_t)(AREA + (size_t)page * PAGE + off));
}

static void
reading(int fd)
{
	static char buf[PAGES * PAGE];
	struct stat st;

	CHECK(pread(fd, buf, 4 * PAGE, at(0, 0)) == 4 * (ssize_t)PAGE);
	for (size_t i = 0; i < 4 * PAGE; i++)
		CHECK(buf[i] == (char)(i / 7 + i / PAGE));
	/* Across a page boundary, not aligned. */
	CHECK(pread(fd, buf, 100, at(1, PAGE - 33)) == 100);
	for (size_t i = 0; i < 100; i++)
		CHECK(buf[i] == (char)((2 * PAGE - 33 + i) / 7 +
				       (2 * PAGE - 33 + i) / PAGE));
	memset(buf, 1, PAGE);
	CHECK(pread(fd, buf, PAGE, at(P_UNTOUCHED, 0)) == (ssize_t)PAGE);
	for (size_t i = 0; i < PAGE; i++)
		CHECK(buf[i] == 0);
	/* Up to the hole, and in the hole. */
	CHECK(pread(fd, buf, sizeof(buf), at(P_UNTOUCHED, 8)) ==
	      (ssize_t)PAGE - 8);
	CHECK_ERRNO(pread(fd, buf, 8, at(P_HOLE, 0)), EIO);
	CHECK_ERRNO(pread(fd, buf, 8, 0), EIO);
	CHECK_ERRNO(pread(fd, buf, 8, (off_t)1 << 62), EIO);
	CHECK_ERRNO(pread(fd, BAD, 8, at(0, 0)), EFAULT);
	CHECK(pread(fd, buf, 0, at(P_HOLE, 0)) == 0);
	/* With a file position. */
	CHECK(lseek(fd, at(P_RO, 5), SEEK_SET) == at(P_RO, 5));
	CHECK(
	    read(fd, buf, 3) == 3 && buf[0] == (char)((2 * PAGE + 5) / 7 + 2));
	CHECK(lseek(fd, 0, SEEK_CUR) == at(P_RO, 8));
	CHECK(lseek(fd, -8, SEEK_CUR) == at(P_RO, 0));
	CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
	CHECK((st.st_mode & 07777) == 0600);
	say("reading");
}

static void
writing(int fd)
{
	CHECK(pwrite(fd, "A", 1, at(P_RW, 10)) == 1 && ask('0') == 'A');
	CHECK(pwrite(fd, "B", 1, at(P_RO, 10)) == 1 && ask('2') == 'B');
	CHECK(pwrite(fd, "C", 1, at(P_NONE, 10)) == 1 && ask('n') == 'n');
	CHECK(ask('3') == 'C');
	CHECK(pwrite(fd, "D", 1, at(P_UNTOUCHED, 10)) == 1 && ask('5') == 'D');
	/* The protection of a shared mapping always holds. */
	CHECK_ERRNO(pwrite(fd, "E", 1, at(P_SHARED_RO, 10)), EIO);
	CHECK(ask('4') == 0);
	CHECK_ERRNO(pwrite(fd, "F", 1, at(P_HOLE, 0)), EIO);
	CHECK(pwrite(fd, "GHIJ", 4, at(P_HOLE, 0) - 2) == 2);
	say("writing");
}

/* A write to text is seen by that process only. */
static void
text(int fd)
{
	off_t imm = (off_t)(uintptr_t)answer + 1;
	pid_t other;
	char c = 42, was;

	CHECK(answer() == 41 && ask('a') == 41);
	CHECK(pread(fd, &was, 1, imm) == 1 && was == 41);
	CHECK(pwrite(fd, &c, 1, imm) == 1);
	CHECK(ask('a') == 42);
	CHECK(answer() == 41);
	other = fork();
	CHECK(other >= 0);
	if (other == 0)
		_exit(answer());
	CHECK(wait_status(other) == 41 << 8);
	CHECK(pwrite(fd, &was, 1, imm) == 1);
	CHECK(ask('a') == 41);
	say("text");
}

static void
calls(pid_t pid)
{
	char a[64], b[2 * PAGE];
	struct iovec lv[2] = {{a, sizeof(a)}, {b, sizeof(b)}};
	struct iovec rv[3] = {
	    {AREA + 8, 32}, {AREA, 0}, {AREA + PAGE - 16, 96}};

	CHECK(process_vm_readv(pid, lv, 2, rv, 3, 0) == 128);
	for (size_t i = 0; i < 32; i++)
		CHECK(a[i] == (i == 2 ? 'A' : (char)((8 + i) / 7)));
	for (size_t i = 0; i < 32; i++)
		CHECK(a[32 + i] ==
		      (char)((PAGE - 16 + i) / 7 + (PAGE - 16 + i) / PAGE));
	CHECK(b[0] == (char)((PAGE + 16) / 7 + 1));
	/* The transfer ends at a page that cannot be accessed. */
	rv[0] = (struct iovec){AREA + P_HOLE * PAGE - 8, 16};
	CHECK(process_vm_readv(pid, lv, 1, rv, 1, 0) == 8);
	rv[0].iov_base = AREA + P_HOLE * PAGE;
	CHECK_ERRNO(process_vm_readv(pid, lv, 1, rv, 1, 0), EFAULT);
	/* The protection in the other process holds. */
	memset(a, 'x', sizeof(a));
	rv[0] = (struct iovec){AREA + 10, 1};
	CHECK(process_vm_writev(pid, lv, 1, rv, 1, 0) == 1 && ask('0') == 'x');
	rv[0] = (struct iovec){AREA + P_RO * PAGE, 8};
	CHECK_ERRNO(process_vm_writev(pid, lv, 1, rv, 1, 0), EFAULT);
	CHECK(process_vm_readv(pid, lv, 1, rv, 1, 0) == 8);
	/* Invalid arguments. */
	CHECK_ERRNO(process_vm_readv(pid, lv, 1, rv, 1, 1), EINVAL);
	CHECK_ERRNO(process_vm_readv(pid, lv, 5000, rv, 1, 0), EINVAL);
	CHECK(process_vm_readv(pid, lv, 0, rv, 1, 0) == 0);
	CHECK(process_vm_readv(pid, lv, 1, rv, 0, 0) == 0);
	CHECK_ERRNO(process_vm_readv(999999, lv, 1, rv, 1, 0), ESRCH);
	CHECK_ERRNO(process_vm_readv(pid, BAD, 1, rv, 1, 0), EFAULT);
	lv[0].iov_base = BAD;
	CHECK_ERRNO(process_vm_readv(pid, lv, 1, rv, 1, 0), EFAULT);
	/* The memory of the caller. */
	lv[0] = (struct iovec){a, 8};
	rv[0] = (struct iovec){b, 8};
	memcpy(b, "12345678", 8);
	CHECK(process_vm_readv(getpid(), lv, 1, rv, 1, 0) == 8);
	CHECK(memcmp(a, b, 8) == 0);
	say("calls");
}

/* Natively, the file of a process that has ended reads as empty. */
static void
after_end(int fd, pid_t pid)
{
	char path[64], c = 'q', buf[8];
	ssize_t n;

	CHECK(write(to_child[1], &c, 1) == 1);
	CHECK(wait_status(pid) == 0);
	n = pread(fd, buf, 8, at(0, 0));
	CHECK(inside() ? n == -1 && errno == ESRCH : n <= 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
	say("after the end of the process");
}

static void
self(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	volatile int word = 1;
	int two = 2, got = 0;

	CHECK(fd >= 0);
	CHECK(pread(fd, &got, sizeof(got), (off_t)(uintptr_t)&word) ==
	      sizeof(got));
	CHECK(got == 1);
	CHECK(pwrite(fd, &two, sizeof(two), (off_t)(uintptr_t)&word) ==
	      sizeof(two));
	CHECK(word == 2);
	close(fd);
	say("self");
}

int
main(void)
{
	pid_t pid = start();
	int fd = mem_of(pid, O_RDWR), ro = mem_of(pid, O_RDONLY);

	reading(ro);
	CHECK_ERRNO(pwrite(ro, "x", 1, at(0, 0)), EBADF);
	writing(fd);
	text(fd);
	calls(pid);
	after_end(fd, pid);
	self();
	return (0);
}
