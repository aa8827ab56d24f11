/* Job: the personality's locks: words that are spun on, with a system call to let others run.
 * State: none of its own; linux.h has the order.
 * Invariant: whoever holds one runs VMM code only and reaches the end of it: a signal handler that
 * interrupts it takes no lock. */
#include "core/port.h"
#include "linux/linux.h"

#define SPINS_BEFORE_YIELD 64u

void dbt_lock_take(u32 *lock)
{
    for (u32 round = 1; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0; round++) {
        while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0) {
            if (round++ % SPINS_BEFORE_YIELD == 0) {
                dbt_port_yield();
            }
            __asm__ volatile("pause");
        }
    }
}

void dbt_lock_give(u32 *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
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
