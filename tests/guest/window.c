/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * window SLOTS TOTAL_MIB: the guest's side of a ring in /dev/window. The other
 * side is the embedder (tests/stress/host.c, "window"). Each slot is 1 MiB,
 * with a state word in a control page: 0, the guest may fill it; 1, the
 * embedder has to answer; 2, the guest has to check the answer. The guest
 * writes a pattern, the embedder inverts every word. Also: a device that fails
 * is SIGBUS, and a private mapping does not write to the window.
 */
#include "guest.h"

#include <stdatomic.h>

static sigjmp_buf env;
static void *fault_at;
static int fault_code;

static void
on_bus(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	fault_at = si->si_addr;
	fault_code = si->si_code;
	siglongjmp(env, 1);
}

static void
check_bad(void)
{
	struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	int fd = open("/dev/bad", O_RDWR);
	volatile char *m;
	char b;

	CHECK(fd >= 0);
	m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK((void *)m != MAP_FAILED);
	CHECK_ERRNO(
	    (long)mmap(NULL, 5 * PAGE, PROT_READ, MAP_SHARED, fd, 0), ENXIO);
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	m[0] = 1; /* the first page of the device works */
	if (sigsetjmp(env, 1) == 0) {
		m[PAGE + 5] = 1;
		CHECK(!"a page that the device refused was written");
	}
	CHECK(fault_at == (void *)(uintptr_t)(m + PAGE + 5));
	CHECK(fault_code == BUS_ADRERR);
	CHECK_ERRNO(read(fd, &b, 1), EPERM);
	CHECK(close(fd) == 0);
	say("bad device: SIGBUS");
}

static void
check_private(int fd, size_t len)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0),
	     *s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), b;

	CHECK(p != MAP_FAILED && s != MAP_FAILED);
	CHECK(p[100] == s[100]);
	p[100] = 77;
	CHECK(s[100] == 0 && p[100] == 77);
	CHECK(pread(fd, &b, 1, 100) == 1 && b == 0);
	CHECK(munmap(p, PAGE) == 0 && munmap(s, PAGE) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == (off_t)len);
	CHECK(read(fd, &b, 1) == 0);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	say("private mapping: copied");
}

int
main(int argc, char **argv)
{
	size_t slots = argc > 1 ? (size_t)atoi(argv[1]) : 4;
	uint64_t total = argc > 2 ? (uint64_t)atoi(argv[2]) : 16;
	size_t len = PAGE + slots * MIB;
	int fd = open("/dev/window", O_RDWR);
	_Atomic(uint32_t) *state;
	uint64_t sent = 0, got = 0, *w;
	char *m;

	CHECK(fd >= 0);
	check_bad();
	check_private(fd, len);
	m = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	state = (void *)m;
	while (got < total) {
		size_t s = got % slots;

		while (sent < total && sent < got + slots) {
			w = (void *)(m + PAGE + sent % slots * MIB);
			CHECK(atomic_load(&state[sent % slots]) == 0);
			for (size_t i = 0; i < MIB / 8; i++)
				w[i] = pattern(7, sent, i);
			atomic_store(&state[sent % slots], 1);
			sent++;
		}
		while (atomic_load(&state[s]) != 2)
			CHECK(syscall(SYS_futex, &state[s], 0 /* FUTEX_WAIT */,
				  1, NULL, NULL, 0) == 0 ||
			      errno == EAGAIN || errno == EINTR);
		w = (void *)(m + PAGE + s * MIB);
		for (size_t i = 0; i < MIB / 8; i++)
			CHECK(w[i] == ~pattern(7, got, i));
		atomic_store(&state[s], 0);
		got++;
	}
	say("exchanged");
	return (0);
}
