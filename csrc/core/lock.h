/* Job: the lock of the engine and of personalities: spun on for a moment, then waited for asleep.
 * State: one word: 0, or who holds it, with a bit when somebody sleeps. The holder is named by the
 * 128 KiB that its stack pointer lies in, which is cheap to know and tells threads apart.
 * Invariant: the word changes by atomic exchange only; whoever takes it after having slept leaves the bit
 * set, since there may be other sleepers. */
#ifndef DBT_CORE_LOCK_H
#define DBT_CORE_LOCK_H

#include "core/base.h"

#define DBT_LOCK_HAS_SLEEPERS 0x80000000u
#define DBT_LOCK_STACK_SHIFT 17
#define DBT_LOCK_HOLDER_MASK 0x7fffffffu

/* lock.c: takes a lock that was not free, and wakes a sleeper of one that has been given. */
void dbt_lock_take_slowly(u32 *lock, u32 holder);
void dbt_lock_wake(u32 *lock);

static inline void dbt_lock_take(u32 *lock) {
    const u32 holder =
        (u32)((u64)__builtin_frame_address(0) >> DBT_LOCK_STACK_SHIFT) & DBT_LOCK_HOLDER_MASK;
    u32 free = 0;
    if (!__atomic_compare_exchange_n(lock, &free, holder, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        dbt_lock_take_slowly(lock, holder);
    }
}

static inline void dbt_lock_give(u32 *lock) {
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) & DBT_LOCK_HAS_SLEEPERS) {
        dbt_lock_wake(lock);
    }
}

#endif
