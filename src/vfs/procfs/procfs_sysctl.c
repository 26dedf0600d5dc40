/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/sys: the settings that programs read; and /proc/sysvipc.
 *
 * Concepts.  A fixed tree in one table; each entry names its directory by
 * number.  sysvipc is a directory that is its own parent: it is no part of
 * /proc/sys, and a fixed name of the root leads to it.  The value of a setting
 * that kern has registered under its path
 * ("kernel/hostname" in procfs_ops.settings) is what kern generates; that of
 * the others is the constant in the table.
 *
 * Limits.  A setting can be written only if kern has registered a function
 * for it.  Some are there for programs that read them, and mean nothing here
 * (swappiness, random/).
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/keyctl.h"
#include "abi/system.h"
#include "host/host.h"
#include "libk/kassert.h"
#include "vfs/core/inotify.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

enum {
	S_ROOT,
	S_KERNEL,
	S_VM,
	S_FS,
	S_NET,
	S_CORE,
	S_RANDOM,
	S_INOTIFY,
	S_SYSVIPC = PROCFS_SYSVIPC,
	S_USER,
	S_MQUEUE,
	S_TTY = PROCFS_TTY,
	S_EPOLL,
	S_IPV4,
	S_KEYS
};
#define V_BOOT_ID "boot"
#define V_UUID "uuid"

struct sysctl_entry {
	unsigned dir;
	const char *name;
	const char *value; /* NULL: a directory */
};

static const struct sysctl_entry sysctls[] = {
    [S_ROOT] = {S_ROOT, "sys", NULL},
    [S_KERNEL] = {S_ROOT, "kernel", NULL},
    [S_VM] = {S_ROOT, "vm", NULL},
    [S_FS] = {S_ROOT, "fs", NULL},
    [S_NET] = {S_ROOT, "net", NULL},
    [S_CORE] = {S_NET, "core", NULL},
    [S_RANDOM] = {S_KERNEL, "random", NULL},
    [S_INOTIFY] = {S_FS, "inotify", NULL},
    [S_SYSVIPC] = {S_SYSVIPC, "sysvipc", NULL},
    [S_USER] = {S_ROOT, "user", NULL},
    [S_MQUEUE] = {S_FS, "mqueue", NULL},
    [S_TTY] = {S_TTY, "tty", NULL},
    [S_EPOLL] = {S_FS, "epoll", NULL},
    [S_IPV4] = {S_NET, "ipv4", NULL},
    [S_KEYS] = {S_KERNEL, "keys", NULL},
    {S_TTY, "drivers", ""},
    /* 0: no process can make one. */
    {S_USER, "max_cgroup_namespaces", "4096"},
    {S_USER, "max_ipc_namespaces", "4096"},
    {S_USER, "max_mnt_namespaces", "512"},
    {S_USER, "max_net_namespaces", "0"},
    {S_USER, "max_pid_namespaces", "4096"},
    {S_USER, "max_time_namespaces", "0"},
    {S_USER, "max_user_namespaces", "4096"},
    {S_USER, "max_uts_namespaces", "4096"},
    {S_SYSVIPC, "msg", ""},
    {S_SYSVIPC, "sem", ""},
    {S_SYSVIPC, "shm", ""},
    {S_KERNEL, "ostype", "Linux"},
    {S_KERNEL, "osrelease", LX_UTS_RELEASE},
    {S_KERNEL, "version", ""},
    {S_KERNEL, "hostname", "vmspace"},
    {S_KERNEL, "domainname", "(none)"},
    {S_KERNEL, "pid_max", "32768"},
    {S_KERNEL, "threads-max", ""},
    {S_KERNEL, "tainted", "0"},
    {S_KERNEL, "core_pattern", "core"},
    {S_KERNEL, "core_uses_pid", "0"},
    {S_KERNEL, "overflowuid", "65534"},
    {S_KERNEL, "overflowgid", "65534"},
    {S_KERNEL, "randomize_va_space", "2"},
    {S_KERNEL, "ngroups_max", "65536"},
    {S_KERNEL, "cap_last_cap", "40"},
    {S_KERNEL, "dmesg_restrict", "1"},
    {S_KERNEL, "perf_event_paranoid", "4"},
    {S_KERNEL, "sem", ""},
    {S_KERNEL, "msgmax", ""},
    {S_KERNEL, "msgmnb", ""},
    {S_KERNEL, "msgmni", ""},
    {S_KERNEL, "shmall", ""},
    {S_KERNEL, "shmmax", ""},
    {S_KERNEL, "shmmni", ""},
    {S_RANDOM, "boot_id", V_BOOT_ID},
    {S_RANDOM, "uuid", V_UUID},
    {S_RANDOM, "entropy_avail", "256"},
    {S_RANDOM, "poolsize", "256"},
    {S_RANDOM, "urandom_min_reseed_secs", "60"},
    {S_RANDOM, "write_wakeup_threshold", "256"},
    {S_VM, "overcommit_memory", ""},
    {S_VM, "overcommit_ratio", ""},
    {S_VM, "overcommit_kbytes", "0"},
    {S_VM, "swappiness", "60"},
    {S_VM, "nr_hugepages", "0"},
    {S_VM, "nr_overcommit_hugepages", "0"},
    {S_VM, "legacy_va_layout", "0"},
    {S_VM, "oom_kill_allocating_task", "0"},
    {S_VM, "panic_on_oom", "0"},
    {S_VM, "max_map_count", "65530"},
    {S_VM, "mmap_min_addr", "65536"},
    {S_VM, "mmap_rnd_bits", "28"},
    {S_VM, "drop_caches", ""},
    {S_VM, "resident", ""},
    {S_FS, "aio-max-nr", ""},
    {S_FS, "aio-nr", ""},
    {S_FS, "file-max", "1048576"},
    {S_FS, "file-nr", ""},
    {S_FS, "inode-nr", ""},
    {S_FS, "inode-state", ""},
    {S_FS, "lease-break-time", "45"},
    {S_FS, "leases-enable", "1"},
    {S_FS, "dir-notify-enable", "1"},
    {S_EPOLL, "max_user_watches", "1048576"},
    {S_FS, "mount-max", "4096"},
    {S_FS, "nr_open", "1048576"},
    {S_FS, "overflowuid", "65534"},
    {S_FS, "overflowgid", "65534"},
    {S_FS, "pipe-max-size", "1048576"},
    {S_FS, "pipe-user-pages-hard", "0"},
    {S_FS, "pipe-user-pages-soft", "0"},
    {S_FS, "protected_fifos", "0"},
    {S_FS, "protected_hardlinks", "0"},
    {S_FS, "protected_regular", "0"},
    {S_FS, "protected_symlinks", "0"},
    {S_FS, "suid_dumpable", "0"},
    {S_INOTIFY, "max_queued_events", "16384"},
    {S_INOTIFY, "max_user_instances", "512"},
    {S_INOTIFY, "max_user_watches", "8192"},
    {S_MQUEUE, "msg_default", ""},
    {S_MQUEUE, "msg_max", ""},
    {S_MQUEUE, "msgsize_default", ""},
    {S_MQUEUE, "msgsize_max", ""},
    {S_MQUEUE, "queues_max", ""},
    {S_KEYS, "gc_delay", "300"},
    {S_KEYS, "maxbytes", "20000"},
    {S_KEYS, "maxkeys", "200"},
    {S_KEYS, "root_maxbytes", "25000000"},
    {S_KEYS, "root_maxkeys", "65536"},
    {S_CORE, "somaxconn", "4096"},
    {S_CORE, "rmem_default", "212992"},
    {S_CORE, "rmem_max", "212992"},
    {S_CORE, "wmem_default", "212992"},
    {S_CORE, "wmem_max", "212992"},
    {S_IPV4, "ip_forward", "0"},
    {S_IPV4, "ip_local_port_range", "32768\t60999"},
    {S_IPV4, "ip_unprivileged_port_start", "1024"},
    {S_IPV4, "tcp_fin_timeout", "60"},
    {S_IPV4, "tcp_keepalive_intvl", "75"},
    {S_IPV4, "tcp_keepalive_probes", "9"},
    {S_IPV4, "tcp_keepalive_time", "7200"},
    {S_IPV4, "tcp_syn_retries", "6"},
    {S_IPV4, "tcp_synack_retries", "5"},
};
_Static_assert(INOTIFY_MAX_QUEUED == 16384 && INOTIFY_MAX_INSTANCES == 512 &&
		   INOTIFY_MAX_WATCHES == 8192,
    "limits of inotify");
_Static_assert(LX_KEY_GC_DELAY == 300 && LX_KEY_QUOTA_BYTES == 20000 &&
		   LX_KEY_QUOTA_KEYS == 200 &&
		   LX_KEY_QUOTA_ROOT_BYTES == 25000000,
    "quotas of keys");
#define NSYSCTLS ((unsigned)(sizeof(sysctls) / sizeof(sysctls[0])))

const char *
procfs_sysctl_name(unsigned i)
{
	KASSERT(i < NSYSCTLS);
	return (sysctls[i].name);
}

bool
procfs_sysctl_isdir(unsigned i)
{
	KASSERT(i < NSYSCTLS);
	return (sysctls[i].value == NULL);
}

unsigned
procfs_sysctl_next(unsigned dir, unsigned from)
{
	for (unsigned i = from > 0 ? from : 1; i < NSYSCTLS; i++)
		if (sysctls[i].dir == dir && i != dir)
			return (i);
	return (0);
}

void
procfs_boot_id(char *buf, size_t size)
{
	uint8_t r[16];

	host_random(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(buf, size,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
	    r[11], r[12], r[13], r[14], r[15]);
}

/* "kernel/random/uuid", "sysvipc/shm"; the table is four deep at most. */
static void
sysctl_path(unsigned i, char *buf, size_t size)
{
	size_t len = 0;

	if (sysctls[i].dir != S_ROOT && sysctls[i].dir != i) {
		sysctl_path(sysctls[i].dir, buf, size);
		len = strlen(buf);
	}
	(void)snprintf(buf + len, size - len, "%s%s", len != 0 ? "/" : "",
	    sysctls[i].name);
}

/* What kern has registered for the setting, or NULL. */
static const struct procfs_sys_node *
sysctl_setting(const struct vnode *vp, void **arg)
{
	const struct procfs_sys_node *s = procfs_ops_of(vp, arg)->settings;
	char path[128];

	sysctl_path(procfs_node(vp)->idx, path, sizeof(path));
	for (; s->name != NULL; s++)
		if (strcmp(s->name, path) == 0)
			return (s);
	return (NULL);
}

uint32_t
procfs_sysctl_mode(const struct vnode *vp)
{
	const struct procfs_sys_node *s;
	void *arg;

	s = sysctl_setting(vp, &arg);
	return (s != NULL ? s->mode : 0444);
}

int
procfs_sysctl_write(struct vnode *vp, const char *text, size_t len)
{
	const struct procfs_sys_node *s;
	void *arg;

	s = sysctl_setting(vp, &arg);
	return (
	    s == NULL || s->write == NULL ? EACCES : s->write(arg, text, len));
}

int
procfs_sysctl_text(struct vnode *vp, struct procfs_buf *b)
{
	const struct procfs_mount *pm = vp->mount->data;
	const char *value = sysctls[procfs_node(vp)->idx].value;
	const struct procfs_sys_node *s;
	char uuid[40];
	void *arg;

	s = sysctl_setting(vp, &arg);
	if (s != NULL)
		return (s->text(arg, b));
	if (strcmp(value, V_BOOT_ID) == 0)
		value = pm->boot_id;
	else if (strcmp(value, V_UUID) == 0) {
		procfs_boot_id(uuid, sizeof(uuid));
		value = uuid;
	}
	if (value[0] != '\0')
		procfs_printf(b, "%s\n", value);
	return (0);
}
