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

#include "vfs/core/ioctl.h"
#include "host/host_file.h"

#define IOC_IN 1
#define IOC_OUT 2

struct ioctl_entry {
	uint32_t cmd;
	uint16_t size;
	uint8_t dir;
	bool host; /* passed to the host descriptor */
};

static const struct ioctl_entry ioctl_table[] = {
    {VIOC_TCGETS, 36, IOC_OUT, true},
    {VIOC_TCSETS, 36, IOC_IN, true},
    {VIOC_TCSETSW, 36, IOC_IN, true},
    {VIOC_TCSETSF, 36, IOC_IN, true},
    {VIOC_TCSBRK, 0, 0, true},
    {VIOC_TCXONC, 0, 0, true},
    {VIOC_TCFLSH, 0, 0, true},
    {VIOC_TIOCEXCL, 0, 0, false},
    {VIOC_TIOCNXCL, 0, 0, false},
    {VIOC_TIOCSCTTY, 0, 0, false},
    {VIOC_TIOCGPGRP, 4, IOC_OUT, false},
    {VIOC_TIOCSPGRP, 4, IOC_IN, false},
    {VIOC_TIOCOUTQ, 4, IOC_OUT, true},
    {VIOC_TIOCGWINSZ, 8, IOC_OUT, true},
    {VIOC_TIOCSWINSZ, 8, IOC_IN, true},
    {VIOC_FIONREAD, 4, IOC_OUT, true},
    {VIOC_TIOCPKT, 4, IOC_IN, false},
    {VIOC_FIONBIO, 4, IOC_IN, false},
    {VIOC_TIOCNOTTY, 0, 0, false},
    {VIOC_TIOCGETD, 4, IOC_OUT, false},
    {VIOC_TCSBRKP, 0, 0, true},
    {VIOC_TIOCGSID, 4, IOC_OUT, false},
    {VIOC_TCGETS2, 44, IOC_OUT, true},
    {VIOC_TCSETS2, 44, IOC_IN, true},
    {VIOC_TCSETSW2, 44, IOC_IN, true},
    {VIOC_TCSETSF2, 44, IOC_IN, true},
    {VIOC_FIONCLEX, 0, 0, false},
    {VIOC_FIOCLEX, 0, 0, false},
    {VIOC_FIOASYNC, 4, IOC_IN, false},
    {VIOC_TIOCGPTN, 4, IOC_OUT, false},
    {VIOC_TIOCSPTLCK, 4, IOC_IN, false},
    {VIOC_TIOCGPTLCK, 4, IOC_OUT, false},
    {VIOC_TIOCGPKT, 4, IOC_OUT, false},
    {VIOC_TIOCGEXCL, 4, IOC_OUT, false},
    {VIOC_RNDGETENTCNT, 4, IOC_OUT, false},
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
