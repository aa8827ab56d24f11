/* Job: the memory of the translation cache: arenas, chunks, eviction. Units and links are in units.c.
 * State: dbt_engine's arrays; each chunk owns a fixed slice of units, exits and map bytes.
 * Invariant: a chunk's memory is used again only when its units are retired and no thread can be
 * inside it. Engine lock held throughout. */
#include "core/tcache.h"

#include "core/emit.h"
#include "core/port.h"
#include "generated/template_numbers.h"

#define ARENA_REACH 0x7ff00000ULL    /* a little less than 2 GB */
#define LOW_LIMIT 0x7fe00000ULL      /* a multiple of HUGE_BYTES */
#define ARENA_STEP 0x2000000ULL
/* Shares of a chunk's tables, with room to spare over what cc1 and python show (55, 36 and 4); a chunk
 * whose records are used up is closed early. */
#define HOST_BYTES_PER_UNIT 40
#define HOST_BYTES_PER_EXIT 32
#define HOST_BYTES_PER_MAP_BYTE 2
#define HUGE_BYTES 0x200000ULL
#define SMALL_ARRAY_BYTES 0x100000ULL /* what a program like an interpreter's start uses of the largest */

#define SECOND_BYTES DBT_PAGE_UP((DBT_SECOND_ENTRIES + 2) * sizeof(dbt_second)) /* the last set is whole */
#define JUMPS_BYTES (DBT_TABLE_ENTRIES * sizeof(u64))
#define RETURNS_BYTES (DBT_TABLE_ENTRIES * sizeof(u64))
#define WIDE_RETURNS_BYTES (DBT_WIDE_ENTRIES * sizeof(u64))

_Static_assert(JUMPS_BYTES + RETURNS_BYTES <= HUGE_BYTES, "small programs use one huge page");

/* Where the tables stand: second level, jumps, returns, one after the other. */
typedef struct dbt_table_place {
    u64 start;
    u64 jumps;
    u64 end;
} dbt_table_place;

static bool table_map_at(const dbt_engine *engine, u64 jumps, u64 returns_bytes,
                         dbt_table_place *out) {
    const u64 start = jumps - SECOND_BYTES;
    const u64 end = jumps + JUMPS_BYTES + returns_bytes;
    if ((start < engine->hooks.avoid_high && end > engine->hooks.avoid_low) ||
        (start < engine->wanted_high && end > engine->wanted_low) ||
        !dbt_port_map(start, end - start, DBT_PORT_READ | DBT_PORT_WRITE)) {
        return false;
    }
    *out = (dbt_table_place){.start = start, .jumps = jumps, .end = end};
    return true;
}

static bool table_map(const dbt_engine *engine, dbt_table_place *out) {
    for (u64 at = LOW_LIMIT - 2 * HUGE_BYTES; at > SECOND_BYTES; at -= HUGE_BYTES) {
        if (table_map_at(engine, at, WIDE_RETURNS_BYTES, out)) {
            /* Every return reads the first level, at any place; large programs the second. */
            dbt_port_advise_huge(at - HUGE_BYTES, 2 * HUGE_BYTES);
            return true;
        }
    }
    /* Not on huge pages, but below a program that begins at 4 MB and takes all above it. */
    return table_map_at(engine, 2 * HUGE_BYTES - JUMPS_BYTES - RETURNS_BYTES,
                        RETURNS_BYTES, out);
}

static void make_routines(dbt_engine *engine) {
    const u64 size = DBT_PAGE_BYTES;
    /* They are emitted like units, into a page of their own, with their maps kept behind the code. */
    dbt_emitter emitter;
    memset(&emitter, 0, sizeof emitter);
    emitter.engine = engine;
    emitter.hot = (u8 *)engine->routines;
    emitter.map = (u8 *)engine->routines + size / 2;
    engine->host_return_miss = (u64)emitter.hot;
    const bool counts = engine->counting;
    dbt_emit_routine(&emitter, counts ? DBT_TEMPLATE_RETURN_MISS_COUNTED : DBT_TEMPLATE_RETURN_MISS, 0);
    dbt_emit_routine(&emitter, engine->wide ? DBT_TEMPLATE_RETURN_HIT_WIDE : DBT_TEMPLATE_RETURN_HIT, 0);
    engine->host_jump_miss = (u64)emitter.hot;
    dbt_emit_routine(&emitter, counts ? DBT_TEMPLATE_JUMP_MISS_COUNTED : DBT_TEMPLATE_JUMP_MISS, 0);
    dbt_emit_routine(&emitter, DBT_TEMPLATE_JUMP_HIT, 0);
    engine->routines_end = (u64)emitter.hot;
    engine->routines_map_bytes = (u32)((u64)emitter.map - (engine->routines + size / 2));
}

dbt_status dbt_tcache_make_tables(dbt_engine *engine) {
    const u64 start_before = engine->table_start;
    const u64 end_before = engine->table_end;
    const u64 routines_before = engine->routines;
    dbt_table_place place;
    if (!table_map(engine, &place)) {
        return DBT_ERROR_MEMORY;
    }
    const u64 routines =
        dbt_port_map(0, DBT_PAGE_BYTES, DBT_PORT_READ | DBT_PORT_WRITE | DBT_PORT_EXECUTE);
    if (!routines) {
        dbt_port_unmap(place.start, place.end - place.start);
        return DBT_ERROR_MEMORY;
    }
    engine->table_start = place.start;
    engine->table_end = place.end;
    engine->second = (dbt_second *)place.start;
    engine->jumps = (u64 *)place.jumps;
    engine->returns = engine->jumps + DBT_TABLE_ENTRIES;
    engine->wide = engine->configuration.flags & DBT_CONFIG_WIDE_RETURNS &&
                           place.end - (u64)engine->returns == WIDE_RETURNS_BYTES
                       ? 1
                       : 0;
    engine->routines = routines;
    make_routines(engine);
    dbt_tables_clear(engine);
    if (routines_before) {
        dbt_port_unmap(start_before, end_before - start_before);
        dbt_port_unmap(routines_before, DBT_PAGE_BYTES);
    }
    return DBT_OK;
}

static u32 power_of_two_at_least(u64 value) {
    u32 power = 1;
    while (power < value) {
        power <<= 1;
    }
    return power;
}

/* Bytes of the engine's arrays, whole pages each. */
typedef struct dbt_array_sizes {
    u64 chunks;
    u64 units;
    u64 exits;
    u64 maps;
    u64 hash;
    u64 pages;
} dbt_array_sizes;

static dbt_array_sizes array_sizes(const dbt_engine *engine) {
    const u64 chunks = engine->chunk_limit;
    const dbt_array_sizes sizes = {
        .chunks = DBT_PAGE_UP(chunks * sizeof(dbt_chunk)),
        .units = DBT_PAGE_UP(chunks * engine->units_per_chunk * sizeof(dbt_unit)),
        .exits = DBT_PAGE_UP(chunks * engine->exits_per_chunk * sizeof(dbt_exit)),
        .maps = DBT_PAGE_UP(chunks * engine->map_per_chunk),
        .hash = DBT_PAGE_UP((engine->hash_mask + 1ULL) * sizeof(u32)),
        .pages = DBT_PAGE_UP((engine->page_mask + 1ULL) * sizeof(u32)),
    };
    return sizes;
}

void dbt_tcache_destroy(dbt_engine *engine) {
    const dbt_array_sizes sizes = array_sizes(engine);
    for (u32 i = 0; i < engine->arena_count; i++) {
        if (engine->arenas[i].size_bytes) {
            dbt_port_unmap(engine->arenas[i].host_start, engine->arenas[i].size_bytes);
        }
    }
    dbt_port_unmap((u64)engine->chunks, sizes.chunks);
    dbt_port_unmap((u64)engine->units, sizes.units);
    dbt_port_unmap((u64)engine->exits, sizes.exits);
    dbt_port_unmap((u64)engine->maps, sizes.maps);
    dbt_port_unmap((u64)engine->hash, sizes.hash);
    dbt_port_unmap((u64)engine->pages, sizes.pages);
    dbt_port_unmap(engine->table_start, engine->table_end - engine->table_start);
    dbt_port_unmap(engine->routines, DBT_PAGE_BYTES);
}

/* Huge pages for what only large programs touch (translating cc1 takes 7% less so); for a small one
 * clearing them would cost more than it spares. */
static void advise_tail(u64 start, u64 size_bytes) {
    const u64 from = (start + SMALL_ARRAY_BYTES + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
    const u64 end = (start + size_bytes) & ~(HUGE_BYTES - 1);
    if (from < end) {
        dbt_port_advise_huge(from, end - from);
    }
}

dbt_status dbt_tcache_create(dbt_engine *engine) {
    const u64 size = engine->configuration.tc_size_bytes;
    u64 chunk = DBT_CHUNK_BYTES_MIN;
    while (chunk * DBT_CHUNKS_WANTED < size) {
        chunk *= 2;
    }
    engine->chunk_bytes = chunk;
    engine->chunk_limit = (u32)(size / chunk);
    engine->units_per_chunk = (u32)(chunk / HOST_BYTES_PER_UNIT);
    engine->exits_per_chunk = (u32)(chunk / HOST_BYTES_PER_EXIT);
    engine->map_per_chunk = (u32)(chunk / HOST_BYTES_PER_MAP_BYTE);
    const u64 units = (u64)engine->units_per_chunk * engine->chunk_limit;
    engine->hash_mask = power_of_two_at_least(units / 2) - 1;
    engine->page_mask = power_of_two_at_least(units / 16) - 1;
    const dbt_array_sizes sizes = array_sizes(engine);
    const u32 access = DBT_PORT_READ | DBT_PORT_WRITE;
    engine->chunks = (dbt_chunk *)dbt_port_map(0, sizes.chunks, access);
    engine->units = (dbt_unit *)dbt_port_map(0, sizes.units, access);
    engine->exits = (dbt_exit *)dbt_port_map(0, sizes.exits, access);
    engine->maps = (u8 *)dbt_port_map(0, sizes.maps, access);
    engine->hash = (u32 *)dbt_port_map(0, sizes.hash, access);
    engine->pages = (u32 *)dbt_port_map(0, sizes.pages, access);
    if (!engine->chunks || !engine->units || !engine->exits || !engine->maps || !engine->hash ||
        !engine->pages) {
        return DBT_ERROR_MEMORY;
    }
    advise_tail((u64)engine->units, sizes.units);
    advise_tail((u64)engine->exits, sizes.exits);
    advise_tail((u64)engine->maps, sizes.maps);
    const dbt_status status = dbt_tcache_make_tables(engine);
    if (status != DBT_OK) {
        return status;
    }
    for (u32 i = 0; i < DBT_ARENAS_MAX; i++) {
        engine->current[i] = DBT_NONE;
    }
    engine->pinned = DBT_NONE;
    return DBT_OK;
}

static u64 distance(u64 a, u64 b) {
    return a > b ? a - b : b - a;
}

static bool in_reach(const dbt_arena *arena, u64 address) {
    return arena->size_bytes && distance(arena->host_start, address) < ARENA_REACH &&
           distance(arena->host_start + arena->size_bytes, address) < ARENA_REACH;
}

bool dbt_tcache_reaches(const dbt_engine *engine, u32 arena, u64 address) {
    return in_reach(&engine->arenas[arena], address);
}

/* Below 2 GB the arena goes as high as reach allows, away from where brk grows; elsewhere below the
 * code, first a good way off, since the kernel hands out addresses downwards from there. */
static u64 arena_map(const dbt_engine *engine, u64 guest_pc, u64 size) {
    const u32 access = DBT_PORT_READ | DBT_PORT_WRITE | DBT_PORT_EXECUTE;
    const u64 down = guest_pc & ~(ARENA_STEP - 1);
    for (u64 step = 0; step < ARENA_REACH - size; step += ARENA_STEP) {
        u64 at;
        if (guest_pc < 0x80000000ULL) {
            at = 0x70000000ULL - size - step;
            if (at > 0x80000000ULL || distance(at, guest_pc) > ARENA_REACH - size) {
                break;
            }
        } else if (step < 0x40000000ULL - size) {
            at = down - 0x40000000ULL + step;
        } else {
            at = down + (step - (0x40000000ULL - size)) + ARENA_STEP;
        }
        if (at < engine->hooks.avoid_high && at + size > engine->hooks.avoid_low) {
            continue;
        }
        const u64 got = dbt_port_map(at, size, access);
        if (got) {
            dbt_port_advise_huge(got, size);
            return got;
        }
    }
    return 0;
}

dbt_status dbt_tcache_arena(dbt_engine *engine, u64 guest_pc, u32 *out) {
    for (u32 i = 0; i < engine->arena_count; i++) {
        if (in_reach(&engine->arenas[i], guest_pc)) {
            *out = i;
            return DBT_OK;
        }
    }
    u32 number = 0;     /* of a new one: the first that has no memory */
    u32 any = DBT_NONE; /* far code is served from here with far operands and links */
    for (u32 i = 0; i < engine->arena_count; i++) {
        any = engine->arenas[i].size_bytes ? i : any;
        number = engine->arenas[number].size_bytes ? i + 1 : number;
    }
    if (number == DBT_ARENAS_MAX) {
        *out = any;
        return DBT_OK;
    }
    u64 size = engine->configuration.tc_size_bytes;
    size = size < DBT_ARENA_BYTES_MAX ? size : DBT_ARENA_BYTES_MAX;
    size -= size % engine->chunk_bytes;
    u64 host_start = arena_map(engine, guest_pc, size);
    if (!host_start && any != DBT_NONE) {
        *out = any;
        return DBT_OK;
    }
    if (!host_start) {
        host_start = dbt_port_map(0, size, DBT_PORT_READ | DBT_PORT_WRITE | DBT_PORT_EXECUTE);
    }
    if (!host_start) {
        return DBT_ERROR_MEMORY;
    }
    engine->arenas[number] = (dbt_arena){
        .host_start = host_start,
        .size_bytes = size,
        .slot_count = (u32)(size / engine->chunk_bytes),
        .guest_start = guest_pc,
        .guest_end = guest_pc,
    };
    engine->arena_count += number == engine->arena_count ? 1 : 0;
    dbt_arenas_show(engine, number);
    *out = number;
    return DBT_OK;
}

/* A slot of the arena that no live chunk occupies, or 0. */
static u64 free_slot(const dbt_engine *engine, u32 arena_number) {
    const dbt_arena *arena = &engine->arenas[arena_number];
    for (u32 slot = 0; slot < arena->slot_count; slot++) {
        const u64 at = arena->host_start + slot * engine->chunk_bytes;
        bool taken = false;
        for (u32 i = 0; i < engine->chunk_limit && !taken; i++) {
            taken = engine->chunks[i].host_start == at;
        }
        if (!taken) {
            return at;
        }
    }
    return 0;
}

void dbt_tcache_evict(dbt_engine *engine, u32 number) {
    dbt_chunk *chunk = &engine->chunks[number];
    dbt_arena *arena = &engine->arenas[chunk->arena];
    const u32 first = number * engine->units_per_chunk;
    const u64 before = dbt_ticks();
    for (u32 i = 0; i < chunk->unit_count; i++) {
        arena->units -= engine->units[first + i].flags & DBT_UNIT_THUNK ? 0 : 1;
        if (engine->units[first + i].flags & DBT_UNIT_LIVE) {
            engine->statistics->units_evicted += !(engine->units[first + i].flags & DBT_UNIT_THUNK);
            dbt_tcache_retire(engine, first + i);
        }
    }
    dbt_engine_quiesce(engine);
    engine->statistics->tc_bytes_used -= engine->chunk_bytes;
    engine->statistics->evictions++;
    dbt_port_discard(chunk->host_start, engine->chunk_bytes);
    if (engine->current[chunk->arena] == number) {
        engine->current[chunk->arena] = DBT_NONE;
    }
    arena->chunks_live--;
    dbt_arenas_show(engine, chunk->arena);
    memset(chunk, 0, sizeof *chunk);
    engine->chunks_live--;
    engine->evictions++;
    engine->statistics->eviction_cycles += dbt_ticks() - before;
}

static u32 oldest_chunk(const dbt_engine *engine, u32 arena, bool any_arena) {
    u32 oldest = DBT_NONE;
    for (u32 i = 0; i < engine->chunk_limit; i++) {
        const dbt_chunk *chunk = &engine->chunks[i];
        if (chunk->host_start && i != engine->pinned && (any_arena || chunk->arena == arena) &&
            (oldest == DBT_NONE || chunk->born < engine->chunks[oldest].born)) {
            oldest = i;
        }
    }
    return oldest;
}

void dbt_tcache_close_chunk(dbt_engine *engine, u32 arena) {
    engine->current[arena] = DBT_NONE;
}

dbt_status dbt_tcache_room(dbt_engine *engine, u32 arena, u32 hot_bytes, u32 *out) {
    u32 number = engine->current[arena];
    if (number != DBT_NONE) {
        const dbt_chunk *chunk = &engine->chunks[number];
        if (chunk->host_hot + hot_bytes + DBT_STUB_ROOM_BYTES <= chunk->host_cold &&
            chunk->unit_count + 2 <= engine->units_per_chunk &&
            chunk->exit_count + 16 <= engine->exits_per_chunk &&
            chunk->map_bytes + 1024 <= engine->map_per_chunk) {
            *out = number;
            return DBT_OK;
        }
        engine->current[arena] = DBT_NONE;
    }
    if (engine->chunks_live == engine->chunk_limit) {
        dbt_tcache_evict(engine, oldest_chunk(engine, arena, true));
    }
    u64 slot = free_slot(engine, arena);
    if (!slot) {
        dbt_tcache_evict(engine, oldest_chunk(engine, arena, false));
        slot = free_slot(engine, arena);
    }
    for (number = 0; engine->chunks[number].host_start; number++) {
    }
    dbt_chunk *chunk = &engine->chunks[number];
    chunk->host_start = chunk->host_hot = slot;
    chunk->host_cold = slot + engine->chunk_bytes;
    chunk->arena = arena;
    chunk->born = ++engine->births;
    engine->chunks_live++;
    engine->arenas[arena].chunks_live++;
    dbt_arenas_show(engine, arena);
    engine->statistics->tc_bytes_used += engine->chunk_bytes;
    engine->current[arena] = number;
    *out = number;
    return DBT_OK;
}
