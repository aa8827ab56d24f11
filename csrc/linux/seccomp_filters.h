/* Job: the guest's seccomp modes and filters, which the VMM interprets and never installs.
 * State: see seccomp_filters.c. */
#ifndef DBT_LINUX_SECCOMP_FILTERS_H
#define DBT_LINUX_SECCOMP_FILTERS_H

#include "linux/linux.h"

struct dbt_seccomp_filter;

/* seccomp(2), and prctl's way to it. */
i64 dbt_seccomp_call(dbt_linux_thread *thread, u64 operation, u64 flags, u64 guest_argument);
i64 dbt_seccomp_prctl(dbt_linux_thread *thread, u64 mode, u64 guest_filter);

/* Whether the system call at hand does not take place; only for a thread with a seccomp_mode. The
 * guest's registers are as the instruction left them; *result is what rax becomes. Does not return
 * when the thread is to die. */
bool dbt_seccomp_stops(dbt_linux_thread *thread, u64 number, u64 *result);

/* A child begins with its parent's mode and filters. */
void dbt_seccomp_inherit(dbt_linux_thread *child, const dbt_linux_thread *parent);
/* How many filters the thread has; the space's threads_lock is held. */
u32 dbt_seccomp_count(const dbt_linux_thread *thread);
/* The thread is gone; the space's threads_lock is held. */
void dbt_seccomp_leave(dbt_linux_thread *thread);

/* Filters pass through execve in a memfd or a pipe: *fd is -1 when there are none. 0, or a negative errno. */
i64 dbt_seccomp_save(const dbt_linux_thread *thread, i32 *fd);
/* The other end: takes over what the descriptor holds and closes it. */
bool dbt_seccomp_load(dbt_linux_thread *thread, i32 fd);

#endif
