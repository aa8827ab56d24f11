/* Job: gives up memory of the translation cache, because the guest wants the addresses for itself.
 * State: dbt_engine's arenas and tables. Engine lock held throughout.
 * Invariant: what is given up holds no code that a thread can be inside or can get to; the tables are
 * whole at their new place before the old one goes. */
#include "core/emit.h"
#include "core/port.h"
#include "core/tcache.h"

static bool meets(u64 host_start, u64 size_bytes, u64 start, u64 end) {
    return host_start < end && host_start + size_bytes > start;
}

static void vacate_arena(dbt_engine *engine, u32 number) {
    dbt_arena *arena = &engine->arenas[number];
    for (u32 i = 0; i < engine->chunk_limit; i++) {
        if (engine->chunks[i].host_start && engine->chunks[i].arena == number) {
            dbt_tcache_evict(engine, i);
        }
    }
    dbt_port_unmap(arena->host_start, arena->size_bytes);
    memset(arena, 0, sizeof *arena);
    dbt_arenas_show(engine, number);
}

/* All emitted code names the tables by address, and the contexts name the miss routines. */
static bool vacate_tables(dbt_engine *engine, u64 start, u64 end) {
    for (u32 i = 0; i < engine->chunk_limit; i++) {
        if (engine->chunks[i].host_start) {
            dbt_tcache_evict(engine, i);
        }
    }
    /* The tables of before are still mapped, so the new ones come to lie elsewhere. */
    engine->wanted_low = start;
    engine->wanted_high = end;
    const dbt_status status = dbt_tcache_make_tables(engine);
    engine->wanted_low = engine->wanted_high = 0;
    if (status != DBT_OK) {
        return false;
    }
    for (dbt_context *thread = engine->threads; thread; thread = thread->next_thread) {
        thread->miss_routine = engine->host_jump_miss;
        thread->return_miss_routine = engine->host_return_miss;
    }
    return true;
}

bool dbt_engine_vacate(dbt_engine *engine, u64 start, u64 end) {
    for (u32 i = 0; i < engine->arena_count; i++) {
        if (meets(engine->arenas[i].host_start, engine->arenas[i].size_bytes, start, end)) {
            vacate_arena(engine, i);
        }
    }
    const u64 table_bytes = engine->table_end - engine->table_start;
    return (!meets(engine->table_start, table_bytes, start, end) &&
            !meets(engine->routines, DBT_PAGE_BYTES, start, end)) ||
           vacate_tables(engine, start, end);
}
