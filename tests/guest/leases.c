/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Leases of files (F_SETLEASE, F_GETLEASE) and signals about changes in
 * directories (F_NOTIFY).
 */
#include "guest.h"

#include <sys/vfs.h>

#ifndef F_SETLEASE
#define F_SETLEASE 1024
#define F_GETLEASE 1025
#define F_NOTIFY 1026
#endif
#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#ifndef DN_ACCESS
#define DN_ACCESS 1
#define DN_MODIFY 2
#define DN_CREATE 4
#define DN_DELETE 8
#define DN_RENAME 0x10
#define DN_ATTRIB 0x20
#define DN_MULTISHOT 0x80000000u
#endif
#ifndef POLL_MSG
#define POLL_MSG 3
#endif
#define SIG (SIGRTMIN + 2)

static char dir[] = "/tmp/leasesXXXXXX", name[64], other[64];
static volatile int count;
static siginfo_t last;
static volatile int lease_fd = -1, lease_to;

static void
handler(int sig, siginfo_t *si, void *uc)
{
	last = *si;
	count++;
	if (lease_fd >= 0)
		(void)fcntl(lease_fd, F_SETLEASE, lease_to);
}

/* The signals since the last question. */
static int
signals(void)
{
	int n = count;

	count = 0;
	return (n);
}

static int
open_file(int flags)
{
	int fd = open(name, flags, 0600);

	CHECK(fd >= 0);
	return (fd);
}

static void
taking(void)
{
	int fd, fd2, p[2];

	fd = open_file(O_RDWR);
	CHECK(fcntl(fd, F_GETLEASE) == F_UNLCK);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, 77), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	CHECK(fcntl(fd, F_GETLEASE) == F_WRLCK);
	CHECK(fcntl(fd, F_GETOWN) == getpid());
	CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	CHECK(fcntl(fd, F_GETOWN) == 0);
	fd2 = dup(fd);
	CHECK(fcntl(fd2, F_SETLEASE, F_WRLCK) == 0);
	CHECK(fcntl(fd, F_GETLEASE) == F_WRLCK);
	close(fd2);
	CHECK(fcntl(fd, F_GETLEASE) == F_WRLCK);
	close(fd);

	fd = open_file(O_RDONLY);
	CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	/* Reading does not exclude a shared lease. */
	fd2 = open_file(O_RDONLY);
	CHECK(fcntl(fd2, F_SETLEASE, F_RDLCK) == 0);
	CHECK_ERRNO(fcntl(fd2, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK(fcntl(fd2, F_GETLEASE) == F_RDLCK && count == 0);
	close(fd2);
	close(fd);
	fd = open_file(O_RDONLY);
	fd2 = open_file(O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	close(fd2);
	fd2 = open_file(O_WRONLY);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);
	close(fd2);
	close(fd);
	fd = open(dir, O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EINVAL);
	close(fd);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(fcntl(p[0], F_SETLEASE, F_RDLCK), EINVAL);
	CHECK(fcntl(p[0], F_GETLEASE) == F_UNLCK);
	close(p[0]);
	close(p[1]);
	say("leases are set");
}

static void
breaking(void)
{
	int fd;

	/* Without waiting: the lease is being broken all the same. */
	fd = open_file(O_RDONLY);
	CHECK(fcntl(fd, F_SETSIG, SIG) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	CHECK_ERRNO(open(name, O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK(signals() == 1 && last.si_signo == SIG);
	CHECK(last.si_code == POLL_MSG && last.si_fd == fd);
	CHECK(last.si_band == 0x441);
	CHECK(fcntl(fd, F_GETLEASE) == F_RDLCK);
	CHECK_ERRNO(open(name, O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
	CHECK(signals() == 0);
	CHECK_ERRNO(open(name, O_RDWR | O_NONBLOCK), EWOULDBLOCK);
	CHECK(signals() == 1 && fcntl(fd, F_GETLEASE) == F_UNLCK);
	CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	CHECK(fcntl(fd, F_GETSIG) == 0);
	close(fd);
}

/* Wait for a child, whose status must be that. */
static void
expect(pid_t child, int want)
{
	int st;

	while (waitpid(child, &st, 0) != child)
		CHECK(errno == EINTR);
	CHECK(st == want);
}

/* The owner gives up or lowers the lease in its handler. */
static void
handlers(void)
{
	int fd = open_file(O_RDONLY);
	pid_t child;

	CHECK(fcntl(fd, F_SETSIG, SIG) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
	lease_fd = fd;
	lease_to = F_UNLCK;
	child = fork();
	if (child == 0) {
		lease_fd = -1;
		_exit(open(name, O_WRONLY) >= 0 ? 0 : 1);
	}
	expect(child, 0);
	CHECK(signals() == 1 && fcntl(fd, F_GETLEASE) == F_UNLCK);

	/* It lowers it for a reader; truncation by name breaks it, too. */
	CHECK(fcntl(fd, F_SETSIG, SIG) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	lease_to = F_RDLCK;
	child = fork();
	if (child == 0) {
		lease_fd = -1;
		_exit(open(name, O_RDONLY) >= 0 ? 0 : 1);
	}
	expect(child, 0);
	CHECK(signals() == 1 && fcntl(fd, F_GETLEASE) == F_RDLCK);
	lease_to = F_UNLCK;
	child = fork();
	if (child == 0) {
		lease_fd = -1;
		_exit(truncate(name, 3) == 0 ? 0 : 1);
	}
	expect(child, 0);
	CHECK(signals() == 1 && fcntl(fd, F_GETLEASE) == F_UNLCK);
	lease_fd = -1;
	close(fd);
}

static void
waits(void)
{
	int fd = open_file(O_RDONLY);
	pid_t child;

	/* A signal ends the wait. */
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	child = fork();
	if (child == 0) {
		(void)open(name, O_RDONLY);
		_exit(1);
	}
	usleep(50000);
	CHECK(kill(child, SIGTERM) == 0);
	expect(child, SIGTERM);
	CHECK(signals() == 1 && last.si_signo == SIGIO);
	/* Its last descriptor was closed: the opener continues. */
	child = fork();
	if (child == 0) {
		close(fd);
		_exit(open(name, O_RDWR) >= 0 ? 0 : 1);
	}
	usleep(50000);
	close(fd);
	expect(child, 0);
	(void)signals();

	if (geteuid() != 0)
		return;
	CHECK(chmod(name, 0666) == 0);
	child = fork();
	if (child == 0) {
		CHECK(chmod(dir, 0755) == 0);
		CHECK(syscall(SYS_setresuid, 77, 77, 77) == 0);
		fd = open_file(O_RDONLY);
		CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EACCES);
		_exit(0);
	}
	expect(child, 0);
}

/* The file in the directory, made if need be. */
static void
make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

static void
changes(void)
{
	int d = open(dir, O_RDONLY), d2, fd, st;
	pid_t child;

	(void)signals();
	CHECK(fcntl(d, F_SETSIG, SIG) == 0);
	CHECK(fcntl(d, F_NOTIFY, DN_CREATE) == 0);
	CHECK(fcntl(d, F_GETOWN) == getpid());
	make(other);
	CHECK(signals() == 1 && last.si_signo == SIG);
	CHECK(last.si_code == POLL_MSG && last.si_fd == d);
	CHECK(last.si_band == 0x441);
	CHECK(unlink(other) == 0);
	make(other);
	CHECK(signals() == 0); /* once only */
	CHECK(fcntl(d, F_NOTIFY, DN_DELETE | DN_MULTISHOT) == 0);
	CHECK(unlink(other) == 0 && signals() == 1);
	make(other);
	CHECK(signals() == 0);
	CHECK(unlink(other) == 0 && signals() == 1);
	CHECK(fcntl(d, F_NOTIFY, DN_MODIFY | DN_MULTISHOT) == 0);
	make(other);
	CHECK(signals() == 1);
	CHECK(unlink(other) == 0 && signals() == 1);
	CHECK(fcntl(d, F_NOTIFY, DN_MULTISHOT) == 0);
	make(other);
	CHECK(unlink(other) == 0 && signals() == 0);

	CHECK(fcntl(d, F_NOTIFY, DN_RENAME | DN_MULTISHOT) == 0);
	CHECK(rename(name, other) == 0 && signals() == 1);
	CHECK(rename(other, name) == 0 && signals() == 1);
	CHECK(fcntl(d, F_NOTIFY, 0) == 0);
	CHECK(fcntl(d, F_NOTIFY, DN_ATTRIB | DN_MULTISHOT) == 0);
	CHECK(chmod(name, 0640) == 0 && signals() == 1);
	CHECK(chmod(dir, 0700) == 0 && signals() == 1);
	CHECK(fcntl(d, F_NOTIFY, 0) == 0);
	CHECK(fcntl(d, F_NOTIFY, DN_ACCESS | DN_MULTISHOT) == 0);
	fd = open_file(O_RDONLY);
	CHECK(read(fd, (char[1]){0}, 1) == 1 && signals() == 1);
	close(fd);

	/* Closing any descriptor ends it, but not by another process. */
	child = fork();
	if (child == 0)
		_exit(close(d));
	CHECK(waitpid(child, &st, 0) == child && st == 0);
	fd = open_file(O_RDONLY);
	CHECK(read(fd, (char[1]){0}, 1) == 1 && signals() == 1);
	d2 = dup(d);
	close(d2);
	CHECK(pread(fd, (char[1]){0}, 1, 0) == 1 && signals() == 0);
	CHECK_ERRNO(fcntl(fd, F_NOTIFY, DN_ACCESS), ENOTDIR);
	CHECK(fcntl(fd, F_NOTIFY, 0) == 0);
	close(fd);
	close(d);
	say("changes of a directory are signals");
}

int
main(void)
{
	struct sigaction sa = {
	    .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

	CHECK(sigaction(SIGIO, &sa, NULL) == 0);
	CHECK(sigaction(SIG, &sa, NULL) == 0);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(name, sizeof(name), "%s/file", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	make(name);
	taking();
	breaking();
	handlers();
	waits();
	say("leases are broken");
	changes();
	CHECK(unlink(name) == 0 && rmdir(dir) == 0);
	return (0);
}
