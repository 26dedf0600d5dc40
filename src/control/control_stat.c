/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Statistics as an object.  One table serves both directions, so that a field
 * has one name.
 */
#include "control/control_stat.h"

#include <stddef.h>
#include <string.h>

#define F(name)                                            \
	{                                                  \
#name, offsetof(struct vkernel_stat, name) \
	}
static const struct {
	const char *name;
	size_t offset;
} fields[] = {
    F(mem),
    F(mem_free),
    F(mem_peak),
    F(procs_created),
    F(procs_live),
    F(lwps_created),
    F(syscalls),
    F(faults),
    F(zfod),
    F(cow),
    F(cow_opt),
    F(file_in),
    F(file_out),
    F(soft),
    F(around),
    F(ahead),
    F(segv),
    F(oom_kills),
    F(forks),
    F(execs),
    F(host_maps),
    F(host_unmaps),
    F(host_protects),
    F(handovers),
    F(spins),
    F(stubs_created),
    F(stubs_live),
    F(stub_resets),
    F(objects),
    F(vmspaces),
    F(zone_items),
    F(refused_procs),
    F(refused_threads),
    F(refused_entries),
    F(refused_calls),
    F(refused_kmem),
    F(refused_host_fds),
    F(kmem),
    F(kmem_used),
    F(kmem_peak),
    F(host_fds),
    F(host_fds_used),
    F(swap_size),
    F(swap_used),
    F(swap_stored),
    F(swap_ins),
    F(swap_outs),
    F(swap_errors),
};
#undef F
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

json_t *
control_stat_pack(const struct vkernel_stat *st)
{
	json_t *o = json_object();
	uint64_t v;

	for (size_t i = 0; i < NFIELDS; i++) {
		memcpy(&v, (const char *)st + fields[i].offset, sizeof(v));
		if (json_object_set_new(
			o, fields[i].name, json_integer((json_int_t)v)) != 0)
			goto fail;
	}
	if (json_object_set_new(o, "isolates", json_boolean(st->isolates)) == 0)
		return (o);
fail:
	json_decref(o);
	return (NULL);
}

void
control_stat_unpack(const json_t *o, struct vkernel_stat *st)
{
	uint64_t v;

	memset(st, 0, sizeof(*st));
	for (size_t i = 0; i < NFIELDS; i++) {
		v = (uint64_t)json_integer_value(
		    json_object_get(o, fields[i].name));
		memcpy((char *)st + fields[i].offset, &v, sizeof(v));
	}
	st->isolates = json_is_true(json_object_get(o, "isolates"));
}
