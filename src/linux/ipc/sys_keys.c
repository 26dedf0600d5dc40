/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on keys: decoding and copying, with the checks in the order of
 * Linux.  kern/ipc/keys.c implements the keys.
 *
 * What is left out fails as in a Linux without it: types that need ciphers or
 * a certificate store are ENODEV, and operations on them, persistent keyrings,
 * restrictions and notifications are EOPNOTSUPP.  request_key(2) starts no
 * program, so that a key that is not found is ENOKEY.
 */
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <string.h>

#include "abi/keyctl.h"
#include "kern/ipc/keys.h"
#include "mem/kmem.h"

sys_fn sys_add_key, sys_request_key, sys_keyctl;

#define ZERO_PART ((uint64_t)1 << 20) /* between looks at a kill */

static int
copyin_type(struct lwp *l, uint64_t utype, char type[LX_KEY_TYPE_MAX])
{
	int error =
	    copyinstr(lwp_vmspace(l), type, utype, LX_KEY_TYPE_MAX, NULL);

	if (error == ENAMETOOLONG || (error == 0 && type[0] == '\0'))
		return (EINVAL);
	if (error == 0 && type[0] == '.')
		return (EPERM);
	return (error);
}

/* A kmem_alloc()ed string of fewer than LX_KEY_DESC_MAX bytes. */
static int
copyin_desc(struct lwp *l, uint64_t udesc, char **out)
{
	char *desc = kmem_alloc(LX_KEY_DESC_MAX), *fit;
	int error;

	if (desc == NULL)
		return (ENOMEM);
	error = copyinstr(lwp_vmspace(l), desc, udesc, LX_KEY_DESC_MAX, NULL);
	if (error != 0) {
		kmem_free(desc);
		return (error == ENAMETOOLONG ? EINVAL : error);
	}
	fit = kmem_strdup(desc);
	kmem_free(desc);
	*out = fit;
	return (fit != NULL ? 0 : ENOMEM);
}

/* *out is NULL if there is none. */
static int
copyin_payload(struct lwp *l, uint64_t udata, uint64_t len, void **out)
{
	void *data;

	*out = NULL;
	if (len == 0)
		return (0);
	data = kmem_alloc((size_t)len);
	if (data == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), data, udata, (size_t)len) != 0) {
		kmem_free(data);
		return (EFAULT);
	}
	*out = data;
	return (0);
}

int
sys_add_key(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char type[LX_KEY_TYPE_MAX], *desc = NULL;
	void *payload = NULL;
	int error, serial;

	if (a[3] > LX_KEY_PAYLOAD_MAX)
		return (EINVAL);
	error = copyin_type(l, a[0], type);
	if (error != 0)
		return (error);
	if (a[1] != 0)
		error = copyin_desc(l, a[1], &desc);
	if (error != 0)
		return (error);
	if (desc != NULL && desc[0] == '.' && strncmp(type, "keyring", 7) == 0)
		error = EPERM;
	if (error == 0)
		error = copyin_payload(l, a[2], a[3], &payload);
	if (error == 0)
		error = keys_add(l, type,
		    desc != NULL && desc[0] != '\0' ? desc : NULL, payload,
		    (size_t)a[3], (int)a[4], &serial);
	if (error != 0)
		kmem_free(payload);
	else
		*ret = serial;
	kmem_free(desc);
	return (error);
}

int
sys_request_key(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char type[LX_KEY_TYPE_MAX], *desc, *info;
	int error, serial;

	error = copyin_type(l, a[0], type);
	if (error != 0)
		return (error);
	error = copyin_desc(l, a[1], &desc);
	if (error != 0)
		return (error);
	if (a[2] != 0) {
		error = copyin_desc(l, a[2], &info);
		if (error == 0)
			kmem_free(info);
	}
	if (error == 0)
		error = keys_request(l, type, desc, (int)a[3], &serial);
	if (error == 0)
		*ret = serial;
	kmem_free(desc);
	return (error);
}

/* ---- keyctl ---- */

static int
ctl_id(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int serial, error = keys_id(l, (int)a[1], (int)a[2] != 0, &serial);

	if (error == 0)
		*ret = serial;
	return (error);
}

static int
ctl_join(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char *name = NULL;
	int error, serial;

	if (a[1] != 0) {
		error = copyin_desc(l, a[1], &name);
		if (error != 0)
			return (error);
		if (name[0] == '.') {
			kmem_free(name);
			return (EPERM);
		}
	}
	error = keys_join_session(l, name, &serial);
	if (error == 0)
		*ret = serial;
	kmem_free(name);
	return (error);
}

static int
ctl_update(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	void *payload;
	int error;

	if (a[3] > LX_KEY_UPDATE_MAX)
		return (EINVAL);
	error = copyin_payload(l, a[2], a[3], &payload);
	if (error != 0)
		return (error);
	error = keys_update(l, (int)a[1], payload, (size_t)a[3]);
	if (error != 0)
		kmem_free(payload);
	return (error);
}

static int
ctl_search(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char type[LX_KEY_TYPE_MAX], *desc;
	int error, serial;

	error = copyin_type(l, a[2], type);
	if (error != 0)
		return (error);
	error = copyin_desc(l, a[3], &desc);
	if (error != 0)
		return (error);
	error = keys_search(l, (int)a[1], type, desc, (int)a[4], &serial);
	if (error == 0)
		*ret = serial;
	kmem_free(desc);
	return (error);
}

/* The result is the size, whether the text fits or not. */
static int
ctl_describe(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	char *text;
	size_t len;
	int error = keys_describe(l, (int)a[1], &text, &len);

	if (error != 0)
		return (error);
	if (a[2] != 0 && a[3] >= len)
		error = copyout(lwp_vmspace(l), text, a[2], len);
	kmem_free(text);
	*ret = (int64_t)len;
	return (error);
}

static int
ctl_read(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	void *data;
	size_t len;
	int error;

	error =
	    keys_read(l, (int)a[1], a[2] != 0 ? (size_t)a[3] : 0, &data, &len);
	if (error != 0)
		return (error);
	if (data != NULL)
		error = copyout(lwp_vmspace(l), data, a[2], len);
	kmem_free(data);
	*ret = (int64_t)len;
	return (error);
}

/* There is no security module, whose label is empty. */
static int
ctl_security(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int error = keys_may_view(l, (int)a[1]);

	if (error == 0 && a[2] != 0 && a[3] > 0)
		error = copyout(lwp_vmspace(l), "", a[2], 1);
	*ret = 1;
	return (error);
}

static int
ctl_capabilities(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint8_t caps[2] = {
	    LX_KEYCTL_CAPS0_CAPABILITIES | LX_KEYCTL_CAPS0_BIG_KEY |
		LX_KEYCTL_CAPS0_INVALIDATE | LX_KEYCTL_CAPS0_MOVE,
	    0};
	const size_t n = a[2] < sizeof(caps) ? (size_t)a[2] : sizeof(caps);
	uint64_t done = n, part;
	int error = 0;

	if (n > 0)
		error = copyout(lwp_vmspace(l), caps, a[1], n);
	while (error == 0 && done < a[2]) {
		part = a[2] - done < ZERO_PART ? a[2] - done : ZERO_PART;
		error = copyout_zero(lwp_vmspace(l), a[1] + done, (size_t)part);
		done += part;
		if (error == 0 && lwp_killed(l))
			error = EINTR;
	}
	*ret = sizeof(caps);
	return (error);
}

static int
ctl_reqkey(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int old, error = keys_reqkey(l, (int)a[1], &old);

	if (error == 0)
		*ret = old;
	return (error);
}

static int
ctl_move(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint32_t flags = (uint32_t)a[4];

	if ((flags & ~(uint32_t)LX_KEYCTL_MOVE_EXCL) != 0)
		return (EINVAL);
	return (keys_move(l, (int)a[1], (int)a[2], (int)a[3], flags != 0));
}

/* Operations with the authority over a key that is being made, which no thread
 * ever has. */
static int
ctl_authority(int id)
{
	return (id < 0 ? EINVAL : id == 0 ? 0 : ENOKEY);
}

/* Operations that have numbers as arguments and return 0. */
static int
ctl_simple(struct lwp *l, const uint64_t *a)
{
	const int id = (int)a[1];

	switch ((int)a[0]) {
	case LX_KEYCTL_REVOKE:
		return (keys_revoke(l, id));
	case LX_KEYCTL_CHOWN:
		return (keys_chown(l, id, (uint32_t)a[2], (uint32_t)a[3]));
	case LX_KEYCTL_SETPERM:
		return (keys_setperm(l, id, (uint32_t)a[2]));
	case LX_KEYCTL_CLEAR:
		return (keys_clear(l, id));
	case LX_KEYCTL_LINK:
		return (keys_link(l, id, (int)a[2]));
	case LX_KEYCTL_UNLINK:
		return (keys_unlink(l, id, (int)a[2]));
	case LX_KEYCTL_SET_TIMEOUT:
		return (keys_set_timeout(l, id, (uint32_t)a[2]));
	case LX_KEYCTL_INVALIDATE:
		return (keys_invalidate(l, id));
	case LX_KEYCTL_ASSUME_AUTHORITY:
		return (ctl_authority(id));
	case LX_KEYCTL_INSTANTIATE:
	case LX_KEYCTL_INSTANTIATE_IOV:
	case LX_KEYCTL_NEGATE:
	case LX_KEYCTL_REJECT:
		return (EPERM);
	default:
		return (EOPNOTSUPP);
	}
}

int
sys_keyctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	switch ((int)a[0]) {
	case LX_KEYCTL_GET_KEYRING_ID:
		return (ctl_id(l, a, ret));
	case LX_KEYCTL_JOIN_SESSION_KEYRING:
		return (ctl_join(l, a, ret));
	case LX_KEYCTL_UPDATE:
		return (ctl_update(l, a, ret));
	case LX_KEYCTL_DESCRIBE:
		return (ctl_describe(l, a, ret));
	case LX_KEYCTL_SEARCH:
		return (ctl_search(l, a, ret));
	case LX_KEYCTL_READ:
		return (ctl_read(l, a, ret));
	case LX_KEYCTL_GET_SECURITY:
		return (ctl_security(l, a, ret));
	case LX_KEYCTL_SET_REQKEY_KEYRING:
		return (ctl_reqkey(l, a, ret));
	case LX_KEYCTL_MOVE:
		return (ctl_move(l, a, ret));
	case LX_KEYCTL_CAPABILITIES:
		return (ctl_capabilities(l, a, ret));
	default:
		return (ctl_simple(l, a));
	}
}
