/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * For the calls that move bytes: lists of user ranges, the file of a
 * descriptor in one direction, RLIMIT_FSIZE and the signals of failed writes.
 * All functions return 0 or a positive errno.
 */
#ifndef LINUX_FILE_SYS_UIO_H
#define LINUX_FILE_SYS_UIO_H

#include "abi/uio.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"

#include <errno.h>

/* ---- user ranges ---- */

/*
 * Copy an iovec array in.
 * - *iov is malloc'ed, NULL when *n is 0.  The pieces together have at most
 *   LX_MAX_RW_COUNT bytes: what exceeds that is cut off.
 * - EINVAL (too many pieces, a negative length), EFAULT (also a piece that
 *   leaves user space), ENOMEM.
 */
int sys_copyin_iov(
    struct lwp *, uint64_t uaddr, uint64_t cnt, struct lx_iovec **iov, int *n);
/* The same for ranges of another process, which may lie anywhere. */
int sys_copyin_iov_other(
    struct lwp *, uint64_t uaddr, uint64_t cnt, struct lx_iovec **iov, int *n);
/* Is the range, which may be empty, in user space as Linux has it? */
bool sys_user_range(uint64_t base, uint64_t len);
uint64_t sys_iov_total(const struct lx_iovec *, int n);
/* Position in a list of user ranges. */
struct sys_io_cursor {
	const struct lx_iovec *iov;
	int n, i;
	uint64_t skip; /* bytes of iov[i] that are done */
};
/*
 * Pin up to max bytes from the cursor on, and move the cursor.
 * - EFAULT, ENOMEM only if nothing was pinned.
 * - The caller calls vm_iov_release() in any case, also after an error.
 */
int sys_io_pin(struct lwp *, struct sys_io_cursor *, size_t max,
    vm_prot_t access, struct vm_iov *);

/*
 * Messages whose memory is too scattered or too large to be pinned go through
 * memory of the kernel, charged to the process, at most SYS_MESSAGE_MAX bytes:
 * more than the largest buffer of a socket takes.
 */
#define SYS_MESSAGE_MAX ((size_t)512 << 10)
/* Was it the number of pages that ended sys_io_pin(), before `all` bytes? */
bool sys_io_scattered(const struct vm_iov *, uint64_t all);
/* A message of `all` bytes at most.  A transfer to or from uio comes between
 * the two calls. */
struct sys_message {
	const struct lx_iovec *iov;
	int n;
	void *buf;
	size_t len;
	struct host_iovec one;
	struct uio uio;
};
/* write: copies the message in.  EFAULT, ENOMEM: there is nothing to end. */
int sys_message_begin(struct lwp *, struct sys_message *,
    const struct lx_iovec *, int n, uint64_t all, bool write);
/* Ends a transfer that had the result `error`: unless it wrote, copies out what
 * it has moved.  Returns `error`, or EFAULT. */
int sys_message_end(struct lwp *, struct sys_message *, int error);

/* ---- files of a transfer ---- */

/*
 * The file of fd, ref'ed, if it is open for reading (write: for writing).
 * - EBADF otherwise, also for O_PATH.
 */
int sys_io_file(struct lwp *, int fd, bool write, struct file **);
/* The same for a transfer at an offset.  ESPIPE: the file has none; that is
 * checked before the direction, as on Linux. */
int sys_io_file_at(struct lwp *, int fd, bool write, struct file **);
/* EINTR of a transfer as the caller sees it: ERESTARTSYS, but for files that
 * have a timeout of their own. */
static inline int
sys_io_restartable(const struct file *f, bool write, int error)
{
	return (
	    error == EINTR && file_restarts(f, write) ? ERESTARTSYS : error);
}
/*
 * Send SIGPIPE after a write to f has failed with EPIPE.
 * - Not for sockets that keep message boundaries: Linux sends none there.
 */
void sys_sigpipe(struct lwp *, const struct file *f);

/* ---- transfers of a file that the caller has (sys_io.c) ---- */

/* Are the RWF_* flags of a transfer known?  EOPNOTSUPP. */
int sys_io_rwf_check(uint64_t rwf, bool write);
/*
 * Move the ranges from or to f, which is open in that direction.
 * - At offset off if f has positions; else off has no meaning.  rwf was
 *   checked.
 * - 0 and *ret; the errors of read and write, or of their restart.
 */
int sys_io_file_rw(struct lwp *, struct file *f, const struct lx_iovec *iov,
    int n, bool write, uint64_t rwf, int64_t off, int64_t *ret);

/* ---- RLIMIT_FSIZE ---- */

/*
 * How many bytes the caller may write to f at its own offset (at: at off).
 * - UINT64_MAX: no limit applies.  With O_APPEND the end of the file counts.
 */
uint64_t sys_fsize_room(struct lwp *, struct file *f, bool at, uint64_t off);
/* Send SIGXFSZ; returns EFBIG. */
int sys_fsize_exceeded(struct lwp *);
/*
 * May the regular file vp get `size` bytes?
 * - A file never gets too long by shrinking.  EFBIG after SIGXFSZ.
 */
int sys_fsize_check(struct lwp *, struct vnode *vp, uint64_t size);

/* The calling process has changed the contents of vp: if it is not root, set-id
 * bits go. */
void sys_modified(struct lwp *, struct vnode *);

#endif /* LINUX_FILE_SYS_UIO_H */
