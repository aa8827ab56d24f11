/* Job: where indirect branches went, for a profile that counts (branches.c).
 * State: the context's, and the thread's counters that lie behind it.
 * Invariant: called by the thread itself, outside the TC. */
#ifndef DBT_CORE_BRANCHES_H
#define DBT_CORE_BRANCHES_H

#include "core/context.h"
#include "core/profile.h"

/* From gs, the counter of the unit with that number. */
#define DBT_COUNTER_AT(number) \
    (DBT_CONTEXT_COUNTERS_AT + (u32)offsetof(dbt_profile_counters, executions) + 8 * (number))

/* Those of the thread, where executions are counted. */
static inline dbt_profile_counters *dbt_context_counters(const dbt_context *context)
{
    return (dbt_profile_counters *)((u64)context + DBT_CONTEXT_COUNTERS_AT);
}

/* The context's counters are new, or another thread has had them before and left notes. */
void dbt_branches_begin(dbt_context *context, bool is_new);

/* The branch under way from context->site goes to guest_target. */
void dbt_branches_note(dbt_context *context, u64 guest_target);

#endif
