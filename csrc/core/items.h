/* Job: pass one of translating, for translate.c and the dispatcher: from guest code to items (items.c).
 * State: a dbt_build on the caller's stack, for one chain of units; the items are the engine's.
 * Invariant: next_pc, open_end and changes tell of the items that stand in the array. */
#ifndef DBT_CORE_ITEMS_H
#define DBT_CORE_ITEMS_H

#include "core/tcache.h"

typedef struct dbt_build {
    dbt_engine *engine;
    dbt_code_view view;
    u32 arena;
    u64 next_pc;         /* after the last item */
    u64 landing;         /* behind the last unit's host call nothing stands yet: its return point */
    bool open_end;       /* the last item does not transfer control: the unit goes on at next_pc */
    bool transient;
    bool brief;          /* of what is copied only the length matters */
    bool changes;        /* the unit comes from a page that changes: it checks its source */
} dbt_build;

/* Reads up to 15 bytes of guest code at guest_pc; answers how many, and sets changes when they come from
 * a page whose units must check themselves. */
u32 dbt_items_fetch(dbt_engine *engine, u64 guest_pc, u8 bytes[16], bool *changes);

/* Items from guest_pc to a control transfer, the cap, a stop address or the end of what can
 * be fetched. NOT_MAPPED only when there is not one item. */
dbt_status dbt_items_build(dbt_build *build, u64 guest_pc, u32 cap);

#endif
