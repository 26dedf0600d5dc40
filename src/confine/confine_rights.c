/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Rights of the process: limits, user, capabilities.
 *
 * Concepts.  All capabilities leave all five sets, and the securebits are
 * locked, so that neither uid 0 nor an exec brings one back: a process that
 * root has started has no more rights than an ordinary user, except that it
 * owns the files of root.  With --allow-chown, which needs uid 0, three stay
 * (CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE): with them the process can change
 * each file that its paths reach.
 *
 * Not dumpable: no process of the same user may trace this one or read its
 * memory, and the host writes no core file, whatever its limit is.
 *
 * Limits.  Sanitizers trace the process at its end, so a build with one stays
 * dumpable.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/capability.h"
#include "abi/prctl.h"
#include "abi/syscall.h"

#define CAPS_MAX 64 /* bits of the sets */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DUMPABLE true
#elif defined(__has_feature)
#define DUMPABLE \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define DUMPABLE false
#endif

void
confine_limits(struct confine *c)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) == 0)
		c->held |= HELD_CORE;
	else
		confine_lose(c, "no core (%s)", strerror(errno));
}

void
confine_undump(struct confine *c)
{
	if (!DUMPABLE && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		c->held |= HELD_DUMPABLE;
}

static int
caps_get(struct lx_cap_data data[2])
{
	struct lx_cap_header h = {.version = LX_CAP_VERSION_3};

	return (syscall(LX_NR_CAPGET, &h, data) == 0 ? 0 : errno);
}

static int
caps_set(uint64_t keep)
{
	struct lx_cap_header h = {.version = LX_CAP_VERSION_3};
	struct lx_cap_data data[2];

	for (unsigned i = 0; i < 2; i++)
		data[i] = (struct lx_cap_data){
		    .effective = (uint32_t)(keep >> 32 * i),
		    .permitted = (uint32_t)(keep >> 32 * i)};
	return (syscall(LX_NR_CAPSET, &h, data) == 0 ? 0 : errno);
}

bool
confine_capable(int cap)
{
	struct lx_cap_data data[2] = {{0}};

	return (caps_get(data) == 0 &&
		(data[cap / 32].effective >> cap % 32 & 1) != 0);
}

int
confine_keep_caps(uint64_t keep)
{
	const unsigned long bits = LX_SECBIT_NOROOT |
				   LX_SECBIT_NO_SETUID_FIXUP |
				   LX_SECBIT_NO_CAP_AMBIENT_RAISE;
	struct lx_cap_data data[2] = {{0}};
	uint64_t have;
	int error;

	/* Refused without CAP_SETPCAP: no_new_privs has the same effect. */
	(void)prctl(LX_PR_CAP_AMBIENT, LX_PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(LX_PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break; /* EINVAL: there are no more; EPERM: see above */
	(void)prctl(LX_PR_SET_SECUREBITS,
	    bits | bits << 1 | LX_SECBIT_KEEP_CAPS << 1, 0, 0, 0);
	error = caps_get(data);
	if (error != 0)
		return (error);
	have = data[0].permitted | (uint64_t)data[1].permitted << 32;
	error = caps_set(have & keep);
	if (error == 0)
		error = caps_get(data);
	if (error != 0)
		return (error);
	have = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return ((have & ~keep) == 0 ? 0 : EPERM);
}

void
confine_drop_caps(struct confine *c)
{
	uint64_t keep = 0;
	int error;

	if (c->config->allow_chown && geteuid() == 0)
		keep = UINT64_C(1) << LX_CAP_CHOWN |
		       UINT64_C(1) << LX_CAP_FOWNER |
		       UINT64_C(1) << LX_CAP_DAC_OVERRIDE;
	error = confine_keep_caps(keep);
	if (error == 0)
		c->held |= HELD_CAPS;
	else
		confine_lose(c, "no capabilities (%s)", strerror(error));
}

int
confine_user(struct confine *c)
{
	const uid_t uid = c->opts.uid;
	const gid_t gid = c->opts.gid;
	const char *what;

	if (!c->opts.user)
		return (0);
	what = "setgroups";
	/* Not by libc, which would change the helper as well. */
	if (syscall(SYS_setgroups, 0, NULL) != 0)
		goto fail;
	what = "setresgid";
	if (syscall(SYS_setresgid, gid, gid, gid) != 0)
		goto fail;
	what = "setresuid";
	if (syscall(SYS_setresuid, uid, uid, uid) != 0)
		goto fail;
	return (0);
fail:
	fprintf(stderr,
	    "vmspace: --user: cannot become user %u, group %u: %s: %s; start "
	    "vmspace as root, or leave --user out\n",
	    (unsigned)uid, (unsigned)gid, what, strerror(errno));
	return (EPERM);
}
