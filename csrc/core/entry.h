/* Job: names of entry.S, and the engine's lock.
 * State: none. Invariant: the lock is held while units, links or tables change. Of the personality's
 * hooks only fetch and kick run under it. */
#ifndef DBT_CORE_ENTRY_H
#define DBT_CORE_ENTRY_H

#include "core/context.h"
#include "core/lock.h"
#include "core/port.h"
#include "core/tcache.h"

extern const u8 dbt_exit_routine[];
extern const u8 dbt_redirect_routine[];
extern const u8 dbt_entry_begin[];
extern const u8 dbt_entry_end[];

/* Called by entry.S with the guest state whole in the context: decides where the guest goes on and
 * sets context->resume. Returns 1 when dbt_engine_run shall return, else 0. */
u32 dbt_dispatch(dbt_context *context);

/* For a thread that has left the TC and waits for the lock, which the caller holds: notes what the exit
 * it took says, before the exit's record is reused. */
void dbt_dispatch_settle(dbt_context *context);

static inline void dbt_engine_lock(dbt_engine *engine) {
    dbt_lock_take(&engine->lock);
}

static inline void dbt_engine_unlock(dbt_engine *engine) {
    dbt_lock_give(&engine->lock);
}

#endif
