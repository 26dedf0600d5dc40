/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ioctl requests: what their arguments look like, and which of them a host
 * descriptor may answer.
 *
 * Concepts: kern copies arguments in and out by ioctl_size(), so a driver
 * never sees a user address.  The table is also the allow-list: a request
 * that is not in it reaches no host descriptor.  Terminal attributes are the
 * kernel's struct termios (36 bytes) and termios2 (44), which the host's raw
 * ioctl takes unchanged.
 *
 * Limits: process groups and sessions of a terminal are the guest's own and
 * kern's business; they answer ENOTTY here.
 */

#include <errno.h>
#include <stdbool.h>

#include "abi/ioctl.h"
#include "abi/termios.h"
#include "vfs/core/ioctl.h"
#include "host/host_file.h"

#define IOCTL_IN 1
#define IOCTL_OUT 2

struct ioctl_entry {
	uint32_t cmd;
	uint16_t size;
	uint8_t dir;
	bool host; /* passed to the host descriptor */
};

static const struct ioctl_entry ioctl_table[] = {
    {LX_TCGETS, sizeof(struct lx_termios), IOCTL_OUT, true},
    {LX_TCSETS, sizeof(struct lx_termios), IOCTL_IN, true},
    {LX_TCSETSW, sizeof(struct lx_termios), IOCTL_IN, true},
    {LX_TCSETSF, sizeof(struct lx_termios), IOCTL_IN, true},
    {LX_TCSBRK, 0, 0, true},
    {LX_TCXONC, 0, 0, true},
    {LX_TCFLSH, 0, 0, true},
    {LX_NS_GET_USERNS, 0, 0, false},
    {LX_NS_GET_PARENT, 0, 0, false},
    {LX_NS_GET_NSTYPE, 0, 0, false},
    {LX_NS_GET_OWNER_UID, 4, IOCTL_OUT, false},
    {LX_TIOCEXCL, 0, 0, false},
    {LX_TIOCNXCL, 0, 0, false},
    {LX_TIOCSCTTY, 0, 0, false},
    {LX_TIOCGPGRP, 4, IOCTL_OUT, false},
    {LX_TIOCSPGRP, 4, IOCTL_IN, false},
    {LX_TIOCOUTQ, 4, IOCTL_OUT, true},
    {LX_TIOCGWINSZ, 8, IOCTL_OUT, true},
    {LX_TIOCSWINSZ, 8, IOCTL_IN, true},
    {LX_FIONREAD, 4, IOCTL_OUT, true},
    {LX_TIOCPKT, 4, IOCTL_IN, false},
    {LX_FIONBIO, 4, IOCTL_IN, false},
    {LX_TIOCNOTTY, 0, 0, false},
    {LX_TIOCGETD, 4, IOCTL_OUT, false},
    {LX_TCSBRKP, 0, 0, true},
    {LX_TIOCGSID, 4, IOCTL_OUT, false},
    {LX_TCGETS2, sizeof(struct lx_termios2), IOCTL_OUT, true},
    {LX_TCSETS2, sizeof(struct lx_termios2), IOCTL_IN, true},
    {LX_TCSETSW2, sizeof(struct lx_termios2), IOCTL_IN, true},
    {LX_TCSETSF2, sizeof(struct lx_termios2), IOCTL_IN, true},
    {LX_FIONCLEX, 0, 0, false},
    {LX_FIOCLEX, 0, 0, false},
    {LX_FIOASYNC, 4, IOCTL_IN, false},
    {LX_TIOCGPTN, 4, IOCTL_OUT, false},
    {LX_TIOCSPTLCK, 4, IOCTL_IN, false},
    {LX_TIOCGPTLCK, 4, IOCTL_OUT, false},
    {LX_TIOCGPKT, 4, IOCTL_OUT, false},
    {LX_TIOCGEXCL, 4, IOCTL_OUT, false},
    {LX_RNDGETENTCNT, 4, IOCTL_OUT, false},
};

static const struct ioctl_entry *
ioctl_find(unsigned long cmd)
{
	const size_t n = sizeof(ioctl_table) / sizeof(ioctl_table[0]);

	/* The request is an unsigned int to Linux; the rest is ignored. */
	for (size_t i = 0; i < n; i++)
		if (ioctl_table[i].cmd == (uint32_t)cmd)
			return (&ioctl_table[i]);
	return (NULL);
}

int
ioctl_size(unsigned long cmd, size_t *size, int *dir)
{
	const struct ioctl_entry *e = ioctl_find(cmd);

	if (e == NULL)
		return (ENOTTY);
	*size = e->size;
	*dir = e->dir;
	return (0);
}

int
hostfd_host_ioctl(
    int fd, unsigned long cmd, void *kbuf, size_t size, uint64_t arg, long *ret)
{
	const struct ioctl_entry *e = ioctl_find(cmd);
	void *p;

	if (e == NULL || !e->host)
		return (ENOTTY);
	if (size < e->size)
		return (EINVAL);
	p = e->size != 0 ? kbuf : (void *)(uintptr_t)arg;
	return (host_ioctl(fd, e->cmd, p, ret));
}
