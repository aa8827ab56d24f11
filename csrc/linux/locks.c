/* Job: what the personality's locks guard, and what becomes of a lock whose holder was killed.
 * State: the space of this address space, for one who waits in vain; linux.h has the order of locks.
 * Invariant: whoever holds a lock runs VMM code only and reaches the end of it, unless SIGKILL ends it: a
 * signal handler that interrupts it takes no lock. */
#include "core/port.h"
#include "linux/linux.h"
#include "linux/text.h"

#define POLLIN 1
#define BLOCK_PARTS 3 /* a thread's block in units of DBT_LOCK_STACK_SHIFT */

static dbt_linux_space *only_space;

void dbt_locks_begin(dbt_linux_space *space)
{
    only_space = space;
}

/* Dead: gone, or a zombie, whose descriptor can be read. */
bool dbt_process_is_dead(u32 pid)
{
    struct {
        i32 fd;
        i16 events;
        i16 happened;
    } ended = {.events = POLLIN};
    i64 fd = dbt_host_call2(__NR_pidfd_open, pid, 0);
    if (fd < 0) {
        return fd == -ESRCH;
    }
    ended.fd = (i32)fd;
    i64 count = dbt_host_call3(__NR_poll, (u64)&ended, 1, 0);
    (void)dbt_host_call1(__NR_close, (u64)fd);
    return count == 1 && (ended.happened & POLLIN) != 0;
}

/* Threads of this process die with it. Others that share its memory (vfork, CLONE_VM) may be killed while
 * they change what is shared: it is half changed for ever, so nobody can go on. The list is read without
 * its lock, which may be the one in question; a thread that is dead stays in it. */
void dbt_lock_check_holder(u32 holder)
{
    u32 own_pid = (u32)dbt_host_call1(__NR_getpid, 0);
    dbt_linux_thread *thread = only_space != 0 ? only_space->threads : 0;
    for (u32 count = 0; thread != 0 && count < 100000; count++, thread = thread->next) {
        u32 first = (u32)(thread->host_block >> DBT_LOCK_STACK_SHIFT) & DBT_LOCK_HOLDER_MASK;
        u32 pid = own_pid; /* a guarded read: the process may end and be unmapped meanwhile */
        (void)dbt_guest_read(&pid, (u64)&thread->process->pid, sizeof pid);
        if (holder - first < BLOCK_PARTS && pid != own_pid && dbt_process_is_dead(pid)) {
            dbt_text_complain("a process that shared this one's memory was killed while dbt worked for it; "
                              "this one cannot go on", "");
            (void)dbt_host_call1(__NR_exit_group, DBT_STATUS_FAILED);
        }
    }
}

static bool may_hold_code(const dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    if (space->has_shared_code) {
        return true; /* any change may end the watching of its views */
    }
    u32 at = dbt_map_lower_bound(space, DBT_PAGE_DOWN(guest_start));
    u64 end = DBT_PAGE_UP(guest_end);
    for (; at < space->region_count && space->regions[at].guest_start < end; at++) {
        const dbt_region *region = &space->regions[at];
        if ((region->protection & PROT_EXEC) != 0 || (region->flags & DBT_REGION_WATCHED) != 0) {
            return true;
        }
    }
    return false;
}

bool dbt_space_lock(dbt_linux_space *space, u64 guest_start, u64 guest_end)
{
    dbt_lock_take(&space->lock);
    if (!may_hold_code(space, guest_start, guest_end)) {
        return false; /* and while the lock is held, nobody can put code there */
    }
    dbt_lock_give(&space->lock);
    return dbt_space_lock_all(space);
}

bool dbt_space_lock_all(dbt_linux_space *space)
{
    dbt_engine_change_begin(space->engine);
    dbt_lock_take(&space->lock);
    return true;
}

void dbt_space_unlock(dbt_linux_space *space, bool has_engine)
{
    dbt_lock_give(&space->lock);
    if (has_engine) {
        dbt_engine_change_end(space->engine);
    }
}
