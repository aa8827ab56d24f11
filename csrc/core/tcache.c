/* Job: arenas, chunks, units, links, lookup and eviction.
 * State: dbt_engine's arrays; each chunk owns a fixed slice of units, exits and map bytes.
 * Invariant: a rel32 in the TC changes by one store; a unit is out of hash, pages and tables before
 * its memory is used again. Engine lock held throughout. */
#include "core/tcache.h"

#include "core/emit.h"
#include "core/port.h"
#include "generated/template_numbers.h"

#define CHUNK_BYTES_MIN 8192ULL
#define CHUNKS_WANTED 512ULL
#define ARENA_REACH 0x7ff00000ULL    /* a little less than 2 GB */
#define ARENA_BYTES_MAX 0x10000000ULL
#define LOW_LIMIT 0x7fe00000ULL      /* a multiple of HUGE_BYTES */
#define ARENA_STEP 0x2000000ULL
#define STUB_ROOM 512u
/* Shares of a chunk's tables, with room to spare over what cc1 and python show (55, 36 and 4); a chunk
 * whose records are used up is closed early. */
#define HOST_BYTES_PER_UNIT 40
#define HOST_BYTES_PER_EXIT 32
#define HOST_BYTES_PER_MAP_BYTE 2
#define HUGE_BYTES 0x200000ULL

_Static_assert(DBT_TABLE_ENTRIES * (2 * sizeof(u64) + sizeof(dbt_second)) == HUGE_BYTES,
               "the three tables fill one huge page");

/* The tables share one huge page: every return reads them, at any place. */
static u64 table_map(const dbt_engine *engine) {
    const u64 size = HUGE_BYTES;
    for (u64 at = LOW_LIMIT - size; at >= size; at -= size) {
        if (at < engine->hooks.avoid_high && at + size > engine->hooks.avoid_low) {
            continue;
        }
        const u64 got = dbt_port_map(at, size, DBT_PORT_READ | DBT_PORT_WRITE);
        if (got) {
            dbt_port_advise_huge(got, size);
            return got;
        }
    }
    return 0;
}

/* As the miss routines compute it. */
static dbt_second *second_slot(const dbt_engine *engine, u64 guest_pc) {
    return &engine->second[(u16)(guest_pc + (u16)(guest_pc >> 16) * 72u)];
}

/* What an empty slot holds must match no address that belongs to it. 0 would match a branch to -1
 * (returns) or -2 (jumps), so their two slots hold 2, which stands for addresses of other slots. */
static u64 empty_tag(const dbt_engine *engine, const dbt_second *second) {
    return second == second_slot(engine, ~0ULL) || second == second_slot(engine, ~1ULL) ? 2 : 0;
}

static dbt_status make_routines(dbt_engine *engine) {
    const u64 size = DBT_PAGE_BYTES;
    engine->routines = dbt_port_map(0, size, DBT_PORT_READ | DBT_PORT_WRITE | DBT_PORT_EXECUTE);
    if (!engine->routines) {
        return DBT_ERROR_MEMORY;
    }
    /* They are emitted like units, into a page of their own, with their maps kept behind the code. */
    dbt_emitter emitter;
    memset(&emitter, 0, sizeof emitter);
    emitter.engine = engine;
    emitter.hot = (u8 *)engine->routines;
    emitter.map = (u8 *)engine->routines + size / 2;
    engine->host_return_miss = (u64)emitter.hot;
    dbt_emit_routine(&emitter, DBT_TEMPLATE_RETURN_MISS);
    dbt_emit_routine(&emitter, DBT_TEMPLATE_RETURN_HIT);
    engine->host_jump_miss = (u64)emitter.hot;
    dbt_emit_routine(&emitter, DBT_TEMPLATE_JUMP_MISS);
    dbt_emit_routine(&emitter, DBT_TEMPLATE_JUMP_HIT);
    engine->routines_end = (u64)emitter.hot;
    engine->routines_map_bytes = (u32)((u64)emitter.map - (engine->routines + size / 2));
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
        dbt_port_unmap(engine->arenas[i].host_start, engine->arenas[i].size_bytes);
    }
    dbt_port_unmap((u64)engine->chunks, sizes.chunks);
    dbt_port_unmap((u64)engine->units, sizes.units);
    dbt_port_unmap((u64)engine->exits, sizes.exits);
    dbt_port_unmap((u64)engine->maps, sizes.maps);
    dbt_port_unmap((u64)engine->hash, sizes.hash);
    dbt_port_unmap((u64)engine->pages, sizes.pages);
    dbt_port_unmap((u64)engine->returns, HUGE_BYTES);
    dbt_port_unmap(engine->routines, DBT_PAGE_BYTES);
}

dbt_status dbt_tcache_create(dbt_engine *engine) {
    const u64 size = engine->configuration.tc_size_bytes;
    u64 chunk = CHUNK_BYTES_MIN;
    while (chunk * CHUNKS_WANTED < size) {
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
    engine->returns = (u64 *)table_map(engine);
    if (!engine->chunks || !engine->units || !engine->exits || !engine->maps || !engine->hash ||
        !engine->pages || !engine->returns) {
        return DBT_ERROR_MEMORY;
    }
    engine->jumps = engine->returns + DBT_TABLE_ENTRIES;
    engine->second = (dbt_second *)(engine->jumps + DBT_TABLE_ENTRIES);
    const dbt_status status = make_routines(engine);
    if (status != DBT_OK) {
        return status;
    }
    for (u32 i = 0; i < DBT_TABLE_ENTRIES; i++) {
        engine->returns[i] = engine->host_return_miss;
        engine->jumps[i] = engine->host_jump_miss;
    }
    for (u64 address = ~1ULL; address; address++) {
        dbt_second *second = second_slot(engine, address);
        second->tag = empty_tag(engine, second);
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
    return distance(arena->host_start, address) < ARENA_REACH &&
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
    if (engine->arena_count == DBT_ARENAS_MAX) {
        *out = DBT_ARENAS_MAX - 1; /* far code is served from here with far operands and links */
        return DBT_OK;
    }
    u64 size = engine->configuration.tc_size_bytes;
    size = size < ARENA_BYTES_MAX ? size : ARENA_BYTES_MAX;
    size -= size % engine->chunk_bytes;
    dbt_arena *arena = &engine->arenas[engine->arena_count];
    arena->host_start = arena_map(engine, guest_pc, size);
    if (!arena->host_start) {
        if (engine->arena_count) {
            *out = engine->arena_count - 1;
            return DBT_OK;
        }
        arena->host_start =
            dbt_port_map(0, size, DBT_PORT_READ | DBT_PORT_WRITE | DBT_PORT_EXECUTE);
        if (!arena->host_start) {
            return DBT_ERROR_MEMORY;
        }
    }
    arena->size_bytes = size;
    arena->slot_count = (u32)(size / engine->chunk_bytes);
    *out = engine->arena_count++;
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

static void evict(dbt_engine *engine, u32 number) {
    dbt_chunk *chunk = &engine->chunks[number];
    const u32 first = number * engine->units_per_chunk;
    for (u32 i = 0; i < chunk->unit_count; i++) {
        if (engine->units[first + i].flags & DBT_UNIT_LIVE) {
            dbt_tcache_retire(engine, first + i);
            engine->statistics->units_evicted++;
        }
    }
    dbt_engine_quiesce(engine);
    engine->statistics->tc_bytes_used -= engine->chunk_bytes;
    engine->statistics->evictions++;
    dbt_port_discard(chunk->host_start, engine->chunk_bytes);
    if (engine->current[chunk->arena] == number) {
        engine->current[chunk->arena] = DBT_NONE;
    }
    memset(chunk, 0, sizeof *chunk);
    engine->chunks_live--;
    engine->evictions++;
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
        if (chunk->host_hot + hot_bytes + STUB_ROOM <= chunk->host_cold &&
            chunk->unit_count + 2 <= engine->units_per_chunk &&
            chunk->exit_count + 16 <= engine->exits_per_chunk &&
            chunk->map_bytes + 1024 <= engine->map_per_chunk) {
            *out = number;
            return DBT_OK;
        }
        engine->current[arena] = DBT_NONE;
    }
    if (engine->chunks_live == engine->chunk_limit) {
        evict(engine, oldest_chunk(engine, arena, true));
    }
    u64 slot = free_slot(engine, arena);
    if (!slot) {
        evict(engine, oldest_chunk(engine, arena, false));
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
    engine->statistics->tc_bytes_used += engine->chunk_bytes;
    engine->current[arena] = number;
    *out = number;
    return DBT_OK;
}

/* Neighbouring addresses get neighbouring buckets, so that a program touches about as many pages of
 * the hash as of its code; what lies further apart is spread. */
static u32 spread(u64 near, u64 far) {
    return (u32)near + (u32)((far * 0x9e3779b97f4a7c15ULL) >> 40);
}

static u32 hash_bucket(const dbt_engine *engine, u64 guest_pc) {
    return spread(guest_pc >> 3, guest_pc >> 21) & engine->hash_mask;
}

static u32 page_bucket(const dbt_engine *engine, u64 page) {
    return spread(page, page >> 9) & engine->page_mask;
}

u32 dbt_tcache_lookup(const dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry) {
    u32 link = engine->hash[hash_bucket(engine, guest_pc)];
    while (link) {
        const dbt_unit *unit = &engine->units[link - 1];
        if (unit->guest_pc == guest_pc &&
            (entry == DBT_ENTRY_BODY ? !(unit->flags & DBT_UNIT_THUNK) : unit->entry == entry)) {
            return link - 1;
        }
        link = unit->hash_next;
    }
    return DBT_NONE;
}

static u64 first_page(const dbt_unit *unit) {
    return unit->guest_pc / DBT_PAGE_BYTES;
}

static u64 last_page(const dbt_unit *unit) {
    return (unit->guest_pc + (unit->guest_bytes ? unit->guest_bytes - 1 : 0)) / DBT_PAGE_BYTES;
}

static void page_insert(dbt_engine *engine, u32 number, u32 which, u64 page) {
    u32 *bucket = &engine->pages[page_bucket(engine, page)];
    engine->units[number].page_next[which] = *bucket;
    *bucket = (number << 1 | which) + 1;
}

void dbt_tcache_publish(dbt_engine *engine, u32 number) {
    dbt_unit *unit = &engine->units[number];
    unit->flags |= DBT_UNIT_LIVE;
    if (unit->flags & DBT_UNIT_TRANSIENT) {
        return;
    }
    u32 *bucket = &engine->hash[hash_bucket(engine, unit->guest_pc)];
    unit->hash_next = *bucket;
    *bucket = number + 1;
    page_insert(engine, number, 0, first_page(unit));
    if (last_page(unit) != first_page(unit)) {
        page_insert(engine, number, 1, last_page(unit));
    }
}

static void patch(u64 host_patch, u64 host_target) {
    const u32 value = (u32)(host_target - (host_patch + 4));
    *(volatile u32 *)host_patch = value;
}

static bool reaches(u64 host_patch, u64 host_target) {
    const i64 offset = (i64)(host_target - (host_patch + 4));
    return offset == (i32)offset;
}

/* A far jump for the exit, in its chunk's cold part, the same one each time; 0 when the chunk is full.
 * Another thread may stand before it with an old link: the new target is for the same guest pc. */
static u64 far_jump(dbt_engine *engine, dbt_exit *exit, u64 host_target) {
    if (exit->host_far) {
        *(volatile u64 *)(exit->host_far + 8) = host_target;
        return exit->host_far;
    }
    dbt_chunk *chunk = &engine->chunks[dbt_unit_chunk(engine, exit->unit)];
    const u64 at = ((chunk->host_cold - 16) & ~7ULL);
    if (at < chunk->host_hot + STUB_ROOM / 2) {
        return 0;
    }
    chunk->host_cold = exit->host_far = at;
    dbt_emit_far_jump((u8 *)at, host_target);
    return at;
}

void dbt_tcache_link(dbt_engine *engine, u32 number, u32 unit_number) {
    dbt_exit *exit = &engine->exits[number];
    dbt_unit *unit = &engine->units[unit_number];
    if (!exit->host_patch || exit->linked != DBT_NONE || !engine->chaining ||
        !(engine->units[exit->unit].flags & DBT_UNIT_LIVE) ||
        engine->units[exit->unit].serial >= engine->configuration.chain_until ||
        (engine->units[exit->unit].flags | unit->flags) & DBT_UNIT_TRANSIENT ||
        (engine->has_stop && exit->guest_target == engine->stop_pc)) {
        return;
    }
    u64 host_target = exit->entry == DBT_ENTRY_CALL ? dbt_unit_entry(unit) : unit->host_body;
    if (!reaches(exit->host_patch, host_target)) {
        host_target = far_jump(engine, exit, host_target);
        if (!host_target) {
            return;
        }
    }
    exit->linked = unit_number;
    exit->previous = DBT_NONE;
    exit->next = unit->incoming;
    if (unit->incoming != DBT_NONE) {
        engine->exits[unit->incoming].previous = number;
    }
    unit->incoming = number;
    patch(exit->host_patch, host_target);
    engine->statistics->links_made++;
}

static void unlink_exit(dbt_engine *engine, u32 number) {
    dbt_exit *exit = &engine->exits[number];
    if (exit->linked == DBT_NONE) {
        return;
    }
    patch(exit->host_patch, exit->host_stub);
    if (exit->previous != DBT_NONE) {
        engine->exits[exit->previous].next = exit->next;
    } else {
        engine->units[exit->linked].incoming = exit->next;
    }
    if (exit->next != DBT_NONE) {
        engine->exits[exit->next].previous = exit->previous;
    }
    exit->linked = DBT_NONE;
    engine->statistics->links_broken++;
}

static void remove_from_hash(dbt_engine *engine, u32 number) {
    u32 *link = &engine->hash[hash_bucket(engine, engine->units[number].guest_pc)];
    while (*link && *link != number + 1) {
        link = &engine->units[*link - 1].hash_next;
    }
    if (*link) {
        *link = engine->units[number].hash_next;
    }
}

static void remove_from_page(dbt_engine *engine, u32 number, u32 which, u64 page) {
    const u32 wanted = (number << 1 | which) + 1;
    u32 *link = &engine->pages[page_bucket(engine, page)];
    while (*link && *link != wanted) {
        const u32 other = *link - 1;
        link = &engine->units[other >> 1].page_next[other & 1];
    }
    if (*link) {
        *link = engine->units[number].page_next[which];
    }
}

static void clear_table(dbt_engine *engine, const dbt_unit *unit) {
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

void dbt_tcache_retire(dbt_engine *engine, u32 number) {
    while (number != DBT_NONE) {
        dbt_unit *unit = &engine->units[number];
        if (!(unit->flags & DBT_UNIT_LIVE)) {
            return;
        }
        unit->flags &= (u16)~DBT_UNIT_LIVE;
        while (unit->incoming != DBT_NONE) {
            unlink_exit(engine, unit->incoming);
        }
        for (u32 i = 0; i < unit->exit_count; i++) {
            unlink_exit(engine, unit->first_exit + i);
        }
        if (!(unit->flags & DBT_UNIT_TRANSIENT)) {
            remove_from_hash(engine, number);
            remove_from_page(engine, number, 0, first_page(unit));
            if (last_page(unit) != first_page(unit)) {
                remove_from_page(engine, number, 1, last_page(unit));
            }
            clear_table(engine, unit);
        }
        number = unit->falls_from; /* it would run into what is no longer valid */
    }
}

void dbt_tcache_retire_all(dbt_engine *engine) {
    for (u32 c = 0; c < engine->chunk_limit; c++) {
        for (u32 i = 0; i < engine->chunks[c].unit_count; i++) {
            dbt_tcache_retire(engine, c * engine->units_per_chunk + i);
        }
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
    const u64 held = engine->returns[(u32)unit->guest_pc & (DBT_TABLE_ENTRIES - 1)];
    if (held == engine->host_return_miss ||
        (before != DBT_NONE && held == dbt_unit_entry(&engine->units[before]))) {
        dbt_tcache_fill_table(engine, number);
        return;
    }
    const dbt_second *second = second_slot(engine, unit->guest_pc);
    if (second->tag == empty_tag(engine, second)) {
        fill_second(engine, unit);
    }
}

u32 dbt_tcache_unit_at(const dbt_engine *engine, u64 host_pc) {
    for (u32 c = 0; c < engine->chunk_limit; c++) {
        const dbt_chunk *chunk = &engine->chunks[c];
        if (!chunk->host_start || host_pc < chunk->host_start || host_pc >= chunk->host_hot) {
            continue;
        }
        u32 low = c * engine->units_per_chunk;
        u32 high = low + chunk->unit_count;
        while (low < high) {
            const u32 middle = low + (high - low) / 2;
            if (engine->units[middle].host_end <= host_pc) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        const dbt_unit *unit = &engine->units[low];
        return low < c * engine->units_per_chunk + chunk->unit_count && host_pc >= unit->host_start
                   ? low
                   : DBT_NONE;
    }
    return DBT_NONE;
}

static u32 stub_bytes(const dbt_exit *exit) {
    if (exit->kind == DBT_EXIT_KIND_TABLE) {
        return DBT_TABLE_STUB_BYTES;
    }
    return exit->entry == DBT_ENTRY_CALL ? DBT_CALL_STUB_BYTES : DBT_STUB_BYTES;
}

u32 dbt_tcache_exit_at(const dbt_engine *engine, u64 host_pc) {
    for (u32 c = 0; c < engine->chunk_limit; c++) {
        const dbt_chunk *chunk = &engine->chunks[c];
        if (!chunk->host_start || host_pc < chunk->host_cold ||
            host_pc >= chunk->host_start + engine->chunk_bytes) {
            continue;
        }
        for (u32 i = 0; i < chunk->exit_count; i++) {
            const u32 number = c * engine->exits_per_chunk + i;
            const u64 stub = engine->exits[number].host_stub;
            const u64 far = engine->exits[number].host_far;
            if ((host_pc >= stub && host_pc < stub + stub_bytes(&engine->exits[number])) ||
                (far && host_pc >= far && host_pc < far + DBT_FAR_JUMP_BYTES)) {
                return number;
            }
        }
    }
    return DBT_NONE;
}

static bool overlaps(const dbt_unit *unit, u64 guest_start, u64 guest_end) {
    return unit->guest_pc < guest_end && unit->guest_pc + unit->guest_bytes > guest_start;
}

/* Retires the units of one bucket that overlap; the list changes under us, so start over each time. */
static void invalidate_bucket(dbt_engine *engine, u32 bucket, u64 guest_start, u64 guest_end) {
    u32 link = engine->pages[bucket];
    while (link) {
        const u32 number = (link - 1) >> 1;
        if (overlaps(&engine->units[number], guest_start, guest_end)) {
            dbt_tcache_retire(engine, number);
            engine->statistics->units_invalidated++;
            link = engine->pages[bucket];
        } else {
            link = engine->units[number].page_next[(link - 1) & 1];
        }
    }
}

void dbt_tcache_invalidate(dbt_engine *engine, u64 guest_start, u64 guest_end) {
    const u64 first = guest_start / DBT_PAGE_BYTES;
    const u64 last = (guest_end - 1) / DBT_PAGE_BYTES;
    if (last - first > engine->page_mask) {
        for (u32 bucket = 0; bucket <= engine->page_mask; bucket++) {
            invalidate_bucket(engine, bucket, guest_start, guest_end);
        }
        return;
    }
    for (u64 page = first; page <= last; page++) {
        invalidate_bucket(engine, page_bucket(engine, page), guest_start, guest_end);
    }
}

bool dbt_tcache_has_code(const dbt_engine *engine, u64 guest_start, u64 guest_end) {
    const u64 first = guest_start / DBT_PAGE_BYTES;
    const u64 last = (guest_end - 1) / DBT_PAGE_BYTES;
    for (u64 page = first; page <= last; page++) {
        u32 link = engine->pages[page_bucket(engine, page)];
        while (link) {
            const dbt_unit *unit = &engine->units[(link - 1) >> 1];
            if (overlaps(unit, guest_start, guest_end)) {
                return true;
            }
            link = unit->page_next[(link - 1) & 1];
        }
        if (page - first > engine->page_mask) {
            break;
        }
    }
    return false;
}
