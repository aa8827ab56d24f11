/* Job: names of hints.c.
 * State: none. Invariant: the engine's lock is held for all of it. */
#ifndef DBT_CORE_HINTS_H
#define DBT_CORE_HINTS_H

#include "core/tcache.h"

/* In a process: its unit at guest_pc had to be translated; its parent may want to know. */
void dbt_hints_tell(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry);

/* In a process: an exit of its unit at guest_pc was taken and linked. Each child that must do this
 * writes into a page of its own. */
void dbt_hints_tell_link(dbt_engine *engine, u64 guest_pc);

/* Before a fork: translates what earlier children had to translate. */
void dbt_hints_follow(dbt_engine *engine);

/* In a forked child: tells its parent from now on. */
void dbt_hints_adopt(dbt_engine *engine);

#endif
