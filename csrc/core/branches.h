/* Job: where indirect branches went, for a profile that counts (branches.c).
 * State: the context's, and the thread's counters that it points to.
 * Invariant: called by the thread itself, outside the TC. */
#ifndef DBT_CORE_BRANCHES_H
#define DBT_CORE_BRANCHES_H

#include "core/context.h"

/* The context's counters are new, or another thread has had them before and left notes. */
void dbt_branches_begin(dbt_context *context, bool is_new);

/* The branch under way from context->site goes to guest_target. */
void dbt_branches_note(dbt_context *context, u64 guest_target);

#endif
