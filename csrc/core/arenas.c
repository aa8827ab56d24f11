/* Job: tells in session memory what the arenas of the translation cache hold.
 * State: dbt_engine.arenas has the truth; dbt_engine.shown is a copy for readers, who take no lock.
 * Invariant: the copy is written whole and never read here, so that whatever stood there before, a forked
 * child's or a later process's is right from its first change on. Engine lock held throughout. */
#include "core/tcache.h"

void dbt_arenas_show(const dbt_engine *engine, u32 number) {
    if (!engine->shown) {
        return;
    }
    const dbt_arena *arena = &engine->arenas[number];
    dbt_arena_use *use = &engine->shown->arenas[number];
    const u32 changing = use->changes | 1;
    __atomic_store_n(&use->changes, changing, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&use->host_start, arena->host_start, __ATOMIC_RELAXED);
    __atomic_store_n(&use->size_bytes, arena->size_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&use->guest_start, arena->guest_start, __ATOMIC_RELAXED);
    __atomic_store_n(&use->guest_end, arena->guest_end, __ATOMIC_RELAXED);
    __atomic_store_n(&use->units, arena->units, __ATOMIC_RELAXED);
    __atomic_store_n(&use->chunks_live, arena->chunks_live, __ATOMIC_RELAXED);
    __atomic_store_n(&use->changes, changing + 1, __ATOMIC_RELEASE);
    if (number >= engine->shown->count) {
        __atomic_store_n(&engine->shown->count, number + 1, __ATOMIC_RELEASE);
    }
}

void dbt_arenas_show_in(dbt_engine *engine, dbt_arena_uses *shown) {
    engine->shown = shown;
    if (shown) {
        shown->chunk_bytes = engine->chunk_bytes;
        shown->count = 0;
    }
    for (u32 number = 0; number < engine->arena_count; number++) {
        dbt_arenas_show(engine, number);
    }
}

void dbt_arenas_add_unit(dbt_engine *engine, u32 number) {
    const dbt_unit *unit = &engine->units[number];
    const u32 arena_number = engine->chunks[dbt_unit_chunk(engine, number)].arena;
    dbt_arena *arena = &engine->arenas[arena_number];
    const u64 guest_end = unit->guest_pc + unit->guest_bytes;
    const bool is_first = arena->guest_start == arena->guest_end;
    if (is_first || unit->guest_pc < arena->guest_start) {
        arena->guest_start = unit->guest_pc;
    }
    if (is_first || guest_end > arena->guest_end) {
        arena->guest_end = guest_end;
    }
    arena->units++;
    dbt_arenas_show(engine, arena_number);
}
