/* Job: the tables that indirect branches go through: first level by the low 16 bits, second level by a
 * hash, both read by emitted code without a lock.
 * State: dbt_engine's three tables.
 * Invariant: whatever an entry holds, the prologue it leads to compares the guest address; an entry
 * leads to a live unit or to a miss routine. Engine lock held for every write. */
#include "core/tcache.h"

/* As the miss routines compute it. */
static dbt_second *second_slot(const dbt_engine *engine, u64 guest_pc) {
    return &engine->second[(u16)(guest_pc + (u16)(guest_pc >> 16) * 72u)];
}

/* What an empty slot holds must match no address that belongs to it. 0 would match a branch to -1
 * (returns) or -2 (jumps), so their two slots hold 2, which stands for addresses of other slots. */
static u64 empty_tag(const dbt_engine *engine, const dbt_second *second) {
    return second == second_slot(engine, ~0ULL) || second == second_slot(engine, ~1ULL) ? 2 : 0;
}

void dbt_tables_remove(dbt_engine *engine, const dbt_unit *unit) {
    dbt_second *second = second_slot(engine, unit->guest_pc);
    if (second->host_entry == dbt_unit_entry(unit)) {
        second->tag = empty_tag(engine, second);
    }
    const u32 slot = (u32)unit->guest_pc & (DBT_TABLE_ENTRIES - 1);
    if (unit->entry == DBT_ENTRY_RETURN && engine->returns[slot] == dbt_unit_entry(unit)) {
        engine->returns[slot] = engine->host_return_miss;
    }
    if (unit->entry == DBT_ENTRY_JUMP && engine->jumps[slot] == dbt_unit_entry(unit)) {
        engine->jumps[slot] = engine->host_jump_miss;
    }
}

/* The tag goes last: until it matches, nobody takes the entry for its own. */
static void fill_second(dbt_engine *engine, const dbt_unit *unit) {
    dbt_second *second = second_slot(engine, unit->guest_pc);
    second->tag = empty_tag(engine, second);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    second->host_entry = dbt_unit_entry(unit);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    second->tag = 0 - unit->guest_pc - (unit->entry == DBT_ENTRY_RETURN ? DBT_EXIT_ID_RETURN_MISS
                                                                        : DBT_EXIT_ID_JUMP_MISS);
}

void dbt_tcache_fill_table(dbt_engine *engine, u32 number) {
    const dbt_unit *unit = &engine->units[number];
    const u32 slot = (u32)unit->guest_pc & (DBT_TABLE_ENTRIES - 1);
    u64 *table = unit->entry == DBT_ENTRY_RETURN ? engine->returns : engine->jumps;
    table[slot] = dbt_unit_entry(unit);
    fill_second(engine, unit);
    engine->statistics->table_fills++;
}

void dbt_tcache_offer_table(dbt_engine *engine, u32 number, u32 before) {
    const dbt_unit *unit = &engine->units[number];
    const bool is_return = unit->entry == DBT_ENTRY_RETURN;
    const u64 *table = is_return ? engine->returns : engine->jumps;
    const u64 held = table[(u32)unit->guest_pc & (DBT_TABLE_ENTRIES - 1)];
    if (held == (is_return ? engine->host_return_miss : engine->host_jump_miss) ||
        (before != DBT_NONE && held == dbt_unit_entry(&engine->units[before]))) {
        dbt_tcache_fill_table(engine, number);
        return;
    }
    const dbt_second *second = second_slot(engine, unit->guest_pc);
    if (second->tag == empty_tag(engine, second)) {
        fill_second(engine, unit);
    }
}

void dbt_tables_clear(dbt_engine *engine) {
    for (u32 i = 0; i < DBT_TABLE_ENTRIES; i++) {
        engine->returns[i] = engine->host_return_miss;
        engine->jumps[i] = engine->host_jump_miss;
    }
    for (u64 address = ~1ULL; address; address++) {
        dbt_second *second = second_slot(engine, address);
        second->tag = empty_tag(engine, second);
    }
}
