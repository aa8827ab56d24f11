/* Job: the tables that indirect branches go through: first level by the low 16 bits, second level by a
 * hash, both read by emitted code without a lock.
 * State: dbt_engine's three tables.
 * Invariant: whatever an entry holds, the prologue it leads to compares the guest address; an entry
 * leads to a live unit or to a miss routine. Engine lock held for every write of C; the hit routines
 * (routines.py) write the first level without it, and look at the second level again afterwards. */
#include "core/tcache.h"

#define WAYS 4u
#define WAY_STEP 2u /* neighbouring sets overlap by half */
#define HOST_BITS 48

/* The set of an address, as the miss routines compute it. */
static dbt_second *second_set(const dbt_engine *engine, u64 guest_pc) {
    return &engine->second[(u32)(u16)(guest_pc + (u16)(guest_pc >> 16) * 72u) * WAY_STEP];
}

/* What an empty place holds must match no address that is looked for there. 0 would match a branch to
 * -1 (returns) or -2 (jumps), so their sets hold another number, one of addresses with other sets. */
static u64 empty_tag(const dbt_engine *engine, const dbt_second *second) {
    const dbt_second *one = second_set(engine, ~0ULL);
    const dbt_second *two = second_set(engine, ~1ULL);
    const bool special = (second >= one && second < one + WAYS) ||
                         (second >= two && second < two + WAYS);
    return special ? DBT_SECOND_EMPTY_ELSEWHERE : 0;
}

/* The entry with minus the low 16 bits of its address above it, as the hit routines take it apart. */
static u64 second_value(const dbt_unit *unit) {
    const u16 minus = (u16)(0u - (u16)unit->guest_pc);
    return dbt_unit_entry(unit) | (u64)__builtin_bswap16(minus) << HOST_BITS;
}

static void empty(const dbt_engine *engine, dbt_second *second) {
    *(volatile u64 *)&second->tag = empty_tag(engine, second);
    *(volatile u64 *)&second->value = 0;
}

static u64 *return_slot(const dbt_engine *engine, u64 guest_pc) {
    return &engine->returns[(u32)guest_pc & engine->return_mask];
}

static u64 *jump_slot(const dbt_engine *engine, u64 guest_pc) {
    return &engine->jumps[(u32)guest_pc & (DBT_TABLE_ENTRIES - 1)];
}

static u64 *first_slot(const dbt_engine *engine, const dbt_unit *unit) {
    return unit->entry == DBT_ENTRY_RETURN ? return_slot(engine, unit->guest_pc)
                                           : jump_slot(engine, unit->guest_pc);
}

/* What an empty slot of the unit's table holds. */
static u64 miss_routine(const dbt_engine *engine, const dbt_unit *unit) {
    return unit->entry == DBT_ENTRY_RETURN ? engine->host_return_miss : engine->host_jump_miss;
}

void dbt_tables_remove(dbt_engine *engine, const dbt_unit *unit) {
    if (unit->entry != DBT_ENTRY_RETURN && unit->entry != DBT_ENTRY_JUMP) {
        return; /* it was never in any */
    }
    dbt_second *set = second_set(engine, unit->guest_pc);
    for (u32 way = 0; way < WAYS; way++) {
        if (set[way].value == second_value(unit)) {
            empty(engine, &set[way]);
        }
    }
    /* A hit routine that has put the entry into the first level either is seen to have done so below, or
     * sees that it is gone from the second. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    u64 *slot = first_slot(engine, unit);
    if (*slot == dbt_unit_entry(unit)) {
        *slot = miss_routine(engine, unit);
    }
}

void dbt_tables_forget(dbt_engine *engine, u64 guest_pc) {
    *return_slot(engine, guest_pc) = engine->host_return_miss;
    *jump_slot(engine, guest_pc) = engine->host_jump_miss;
}

static u64 second_tag(const dbt_unit *unit) {
    return 0 - unit->guest_pc -
           (unit->entry == DBT_ENTRY_RETURN ? DBT_EXIT_ID_RETURN_MISS : DBT_EXIT_ID_JUMP_MISS);
}

/* The place that has the address already, else an empty one, else null. */
static dbt_second *second_place(const dbt_engine *engine, const dbt_unit *unit) {
    dbt_second *set = second_set(engine, unit->guest_pc);
    dbt_second *found = 0;
    for (u32 way = 0; way < WAYS; way++) {
        if (set[way].tag == second_tag(unit)) {
            return &set[way];
        }
        if (!found && !set[way].value) {
            found = &set[way];
        }
    }
    return found;
}

/* The tag goes last: until it matches, nobody takes the entry for its own. */
static void fill_second(dbt_engine *engine, const dbt_unit *unit) {
    dbt_second *second = second_place(engine, unit);
    if (!second) {
        second = second_set(engine, unit->guest_pc) + engine->second_turn++ % WAYS;
    }
    empty(engine, second);
    *(volatile u64 *)&second->value = second_value(unit);
    *(volatile u64 *)&second->tag = second_tag(unit);
}

void dbt_tcache_fill_table(dbt_engine *engine, u32 number) {
    const dbt_unit *unit = &engine->units[number];
    if (!dbt_unit_may_link(engine, unit)) {
        return;
    }
    *first_slot(engine, unit) = dbt_unit_entry(unit);
    fill_second(engine, unit);
    engine->statistics->table_fills++;
}

void dbt_tcache_offer_table(dbt_engine *engine, u32 number, u32 before) {
    const dbt_unit *unit = &engine->units[number];
    const u64 held = *first_slot(engine, unit);
    if (held == miss_routine(engine, unit) ||
        (before != DBT_NONE && held == dbt_unit_entry(&engine->units[before]))) {
        dbt_tcache_fill_table(engine, number);
        return;
    }
    const dbt_second *second = second_place(engine, unit);
    if (second && second->tag != second_tag(unit) && dbt_unit_may_link(engine, unit)) {
        fill_second(engine, unit);
    }
}

void dbt_tables_clear(dbt_engine *engine) {
    engine->return_mask =
        (engine->paired && engine->wide ? DBT_WIDE_ENTRIES : DBT_TABLE_ENTRIES) - 1;
    for (dbt_context *thread = engine->threads; thread; thread = thread->next_thread) {
        thread->return_mask = engine->return_mask;
    }
    for (u32 i = 0; i <= engine->return_mask; i++) {
        engine->returns[i] = engine->host_return_miss;
    }
    for (u32 i = 0; i < DBT_TABLE_ENTRIES; i++) {
        engine->jumps[i] = engine->host_jump_miss;
    }
    for (u64 address = ~1ULL; address; address++) {
        dbt_second *set = second_set(engine, address);
        for (u32 way = 0; way < WAYS; way++) {
            empty(engine, &set[way]);
        }
    }
}
