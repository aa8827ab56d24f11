/* Job: the slow half of lock.h.
 * State: none of its own.
 * Invariant: a thread sleeps only on a word that has the bit, so whoever gives the lock knows. */
#include "core/lock.h"

#include "core/port.h"

#define SPINS 100u

void dbt_lock_take_slowly(u32 *lock, u32 holder) {
    for (u32 spin = 0; spin < SPINS; spin++) {
        u32 seen = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if (seen == 0 && __atomic_compare_exchange_n(lock, &seen, holder, false, __ATOMIC_ACQUIRE,
                                                     __ATOMIC_RELAXED)) {
            return;
        }
        __builtin_ia32_pause();
    }
    for (;;) {
        u32 seen = __atomic_load_n(lock, __ATOMIC_RELAXED);
        const u32 wanted = (seen == 0 ? holder : seen) | DBT_LOCK_HAS_SLEEPERS;
        if (seen != wanted && !__atomic_compare_exchange_n(lock, &seen, wanted, false,
                                                           __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            continue;
        }
        if (seen == 0) {
            return;
        }
        dbt_port_sleep(lock, wanted);
    }
}

void dbt_lock_wake(u32 *lock) {
    dbt_port_wake(lock);
}
