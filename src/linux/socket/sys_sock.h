/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Functions that the files of socket calls share. */
#ifndef LINUX_SOCKET_SYS_SOCK_H
#define LINUX_SOCKET_SYS_SOCK_H

#include "linux/lib/sys_int.h"
#include "vfs/socket/socket.h"

/* The socket of a descriptor, ref'ed.  EBADF, ENOTSOCK. */
int sys_sock_file(struct lwp *, int fd, struct file **);
/* EINTR becomes ERESTARTSYS unless the call has a timeout, as on Linux. */
int sys_sock_restart(int error, const _Atomic(uint64_t) *timeo);
struct sock_cred;
/* The ids as the caller sees them. */
void sys_cred_shown(struct lwp *, struct sock_cred *);
/* Copy an address of len bytes in.  EINVAL, EFAULT. */
int sys_copyin_sockaddr(
    struct lwp *, uint64_t uaddr, int32_t len, struct host_sockaddr *);
/* Copy an address out, at most *ulen bytes; *ulen becomes its whole length.
 * EFAULT, EINVAL. */
int sys_copyout_sockaddr(
    struct lwp *, const struct host_sockaddr *, uint64_t uaddr, uint64_t ulen);

#endif /* LINUX_SOCKET_SYS_SOCK_H */
