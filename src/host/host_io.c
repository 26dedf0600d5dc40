/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptors of the host, reading and writing: one wrapper per system call,
 * which adds only the conventions of host_file.h.  Names and attributes are in
 * host_file.c.
 *
 * Concepts: vectors and poll sets are passed on without a copy, because our
 * structures have the host's layout; assertions below check that.
 */
#include "host/host_file.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "host/host.h"

#define NSEC UINT64_C(1000000000)

#define SAME_FIELD(a, af, b, bf)                                            \
	_Static_assert(                                                     \
	    offsetof(struct a, af) == offsetof(struct b, bf) &&             \
		sizeof(((struct a *)0)->af) == sizeof(((struct b *)0)->bf), \
	    "layout of " #a)

SAME_FIELD(host_iovec, base, iovec, iov_base);
SAME_FIELD(host_iovec, len, iovec, iov_len);
SAME_FIELD(host_pollfd, fd, pollfd, fd);
SAME_FIELD(host_pollfd, events, pollfd, events);
SAME_FIELD(host_pollfd, revents, pollfd, revents);
_Static_assert(sizeof(struct host_iovec) == sizeof(struct iovec), "iovec");
_Static_assert(sizeof(struct host_pollfd) == sizeof(struct pollfd), "pollfd");
_Static_assert(LX_POLLIN == POLLIN && LX_POLLPRI == POLLPRI &&
		   LX_POLLOUT == POLLOUT && LX_POLLERR == POLLERR &&
		   LX_POLLHUP == POLLHUP && LX_POLLNVAL == POLLNVAL &&
		   LX_POLLRDHUP == POLLRDHUP,
    "poll events");
_Static_assert(LX_EFD_SEMAPHORE == EFD_SEMAPHORE &&
		   O_NONBLOCK == EFD_NONBLOCK && O_CLOEXEC == EFD_CLOEXEC,
    "eventfd flags");
_Static_assert(sizeof(off_t) == 8, "file offsets");

static inline int
give(long r)
{
	return (r < 0 ? errno : 0);
}

static inline int
give_fd(int r, int *fd)
{
	if (r < 0)
		return (errno);
	*fd = r;
	return (0);
}

static inline int
give_size(ssize_t r, size_t *done)
{
	if (r < 0)
		return (errno);
	*done = (size_t)r;
	return (0);
}

/* Linux closes the descriptor even when it returns EINTR: do not retry. */
int
host_close(int fd)
{
	return (close(fd) != 0 && errno != EINTR ? errno : 0);
}

int
host_dup(int fd, int *out)
{
	return (host_dup_min(fd, 0, out));
}

int
host_dup_over(int of, int fd)
{
	return (give(dup3(of, fd, O_CLOEXEC)));
}

int
host_dup_min(int fd, int min, int *out)
{
	return (give_fd(fcntl(fd, F_DUPFD_CLOEXEC, min), out));
}

int
host_getfl(int fd, int *flags)
{
	return (give_fd(fcntl(fd, F_GETFL), flags));
}

int
host_setfl(int fd, int flags)
{
	return (give(fcntl(fd, F_SETFL, flags)));
}

bool
host_isatty(int fd)
{
	return (isatty(fd) == 1);
}

bool
host_tty_tostop(int fd)
{
	struct termios t;

	return (tcgetattr(fd, &t) == 0 && (t.c_lflag & TOSTOP) != 0);
}

int
host_pipe(int flags, int fds[2])
{
	return (give(pipe2(fds, flags | O_CLOEXEC)));
}

int
host_pipe_size(int fd, size_t *size)
{
	return (give_size(fcntl(fd, F_GETPIPE_SZ), size));
}

int
host_set_pipe_size(int fd, size_t size)
{
	if (size > INT32_MAX)
		return (EINVAL);
	return (give(fcntl(fd, F_SETPIPE_SZ, (int)size)));
}

int
host_eventfd(uint32_t init, int flags, int *fd)
{
	return (give_fd(eventfd(init, flags | EFD_CLOEXEC), fd));
}

int
host_eventfd_signal(int fd)
{
	const uint64_t one = 1;
	size_t done;
	int error = host_write(fd, &one, sizeof(one), &done);

	/* EAGAIN: the counter is at its maximum, so waiters are awake. */
	return (error == EAGAIN ? 0 : error);
}

int
host_eventfd_drain(int fd)
{
	uint64_t count;
	size_t done;
	int error = host_read(fd, &count, sizeof(count), &done);

	return (error == EAGAIN ? 0 : error);
}

int
host_poll(struct host_pollfd *fds, unsigned n, uint64_t timeout_ns, int *nready)
{
	uint64_t start = 0, left = timeout_ns, now;
	struct timespec ts, *tsp = NULL;
	int r;

	if (timeout_ns != UINT64_MAX) {
		tsp = &ts;
		if (timeout_ns != 0)
			start = host_now_ns();
	}
	for (;;) {
		ts.tv_sec = (time_t)(left / NSEC);
		ts.tv_nsec = (long)(left % NSEC);
		r = ppoll((struct pollfd *)fds, n, tsp, NULL);
		if (r >= 0 || errno != EINTR)
			return (give_fd(r, nready));
		if (tsp != NULL && timeout_ns != 0) {
			now = host_now_ns() - start;
			left = now < timeout_ns ? timeout_ns - now : 0;
		}
	}
}

int
host_ioctl(int fd, unsigned long request, void *arg, long *ret)
{
	long r = TEMP_FAILURE_RETRY(ioctl(fd, request, arg));

	if (r < 0)
		return (errno);
	*ret = r;
	return (0);
}

int
host_flock(int fd, int op)
{
	return (give(TEMP_FAILURE_RETRY(flock(fd, op))));
}

int
host_lock(int fd, int cmd, struct flock *fl)
{
	return (give(TEMP_FAILURE_RETRY(fcntl(fd, cmd, fl))));
}

int
host_read(int fd, void *buf, size_t len, size_t *done)
{
	return (give_size(TEMP_FAILURE_RETRY(read(fd, buf, len)), done));
}

int
host_write(int fd, const void *buf, size_t len, size_t *done)
{
	return (give_size(TEMP_FAILURE_RETRY(write(fd, buf, len)), done));
}

int
host_pread(int fd, void *buf, size_t len, uint64_t off, size_t *done)
{
	return (give_size(
	    TEMP_FAILURE_RETRY(pread(fd, buf, len, (off_t)off)), done));
}

int
host_pwrite(int fd, const void *buf, size_t len, uint64_t off, size_t *done)
{
	return (give_size(
	    TEMP_FAILURE_RETRY(pwrite(fd, buf, len, (off_t)off)), done));
}

int
host_readv(int fd, const struct host_iovec *iov, int n, size_t *done)
{
	const struct iovec *v = (const struct iovec *)iov;

	return (give_size(TEMP_FAILURE_RETRY(readv(fd, v, n)), done));
}

int
host_writev(int fd, const struct host_iovec *iov, int n, size_t *done)
{
	const struct iovec *v = (const struct iovec *)iov;

	return (give_size(TEMP_FAILURE_RETRY(writev(fd, v, n)), done));
}

int
host_preadv(
    int fd, const struct host_iovec *iov, int n, uint64_t off, size_t *done)
{
	const struct iovec *v = (const struct iovec *)iov;

	return (
	    give_size(TEMP_FAILURE_RETRY(preadv(fd, v, n, (off_t)off)), done));
}

int
host_pwritev(
    int fd, const struct host_iovec *iov, int n, uint64_t off, size_t *done)
{
	const struct iovec *v = (const struct iovec *)iov;

	return (
	    give_size(TEMP_FAILURE_RETRY(pwritev(fd, v, n, (off_t)off)), done));
}

int
host_pread_full(int fd, void *buf, size_t len, uint64_t off, size_t *done)
{
	size_t sum = 0, n = 0;
	int error;

	while (sum < len) {
		error =
		    host_pread(fd, (char *)buf + sum, len - sum, off + sum, &n);
		if (error != 0)
			return (error);
		if (n == 0)
			break;
		sum += n;
	}
	*done = sum;
	return (0);
}

int
host_pwrite_full(int fd, const void *buf, size_t len, uint64_t off)
{
	size_t sum = 0, n = 0;
	int error;

	while (sum < len) {
		error = host_pwrite(
		    fd, (const char *)buf + sum, len - sum, off + sum, &n);
		if (error != 0)
			return (error);
		if (n == 0)
			return (EIO);
		sum += n;
	}
	return (0);
}

int
host_splice(int in, uint64_t *in_off, int out, uint64_t *out_off, size_t len,
    size_t *done)
{
	off64_t i = in_off != NULL ? (off64_t)*in_off : 0;
	off64_t o = out_off != NULL ? (off64_t)*out_off : 0;
	ssize_t r;

	do {
		r = splice(in, in_off != NULL ? &i : NULL, out,
		    out_off != NULL ? &o : NULL, len, SPLICE_F_NONBLOCK);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	if (in_off != NULL)
		*in_off = (uint64_t)i;
	if (out_off != NULL)
		*out_off = (uint64_t)o;
	*done = (size_t)r;
	return (0);
}

int
host_tee(int in, int out, size_t len, size_t *done)
{
	ssize_t r;

	do {
		r = tee(in, out, len, SPLICE_F_NONBLOCK);
	} while (r < 0 && errno == EINTR);
	return (give_size(r, done));
}

int
host_lseek(int fd, int64_t off, int whence, uint64_t *pos)
{
	off_t r = lseek(fd, (off_t)off, whence);

	if (r < 0)
		return (errno);
	*pos = (uint64_t)r;
	return (0);
}

int
host_ftruncate(int fd, uint64_t size)
{
	return (give(TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)size))));
}

int
host_fallocate(int fd, int mode, uint64_t off, uint64_t len)
{
	return (give(
	    TEMP_FAILURE_RETRY(fallocate(fd, mode, (off_t)off, (off_t)len))));
}

int
host_fsync(int fd)
{
	return (give(TEMP_FAILURE_RETRY(fsync(fd))));
}

int
host_fdatasync(int fd)
{
	return (give(TEMP_FAILURE_RETRY(fdatasync(fd))));
}

int
host_syncfs(int fd)
{
	return (give(TEMP_FAILURE_RETRY(syncfs(fd))));
}
