/* Job: units and exits: lookup by guest pc, page and host pc; links; retirement and invalidation.
 * State: dbt_engine's arrays.
 * Invariant: a rel32 in the TC changes by one store; a retired unit is out of hash, pages and tables,
 * and neither it nor an exit of it is linked. Engine lock held throughout. */
#include "core/emit.h"
#include "core/plant.h"
#include "core/tcache.h"

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

/* Lists by page are linked both ways: thousands of units may begin on one page, and leave it oldest
 * first, which is the end of the list. */
static void page_insert(dbt_engine *engine, u32 number, u32 which, u64 page) {
    u32 *bucket = &engine->pages[page_bucket(engine, page)];
    const u32 link = (number << 1 | which) + 1;
    const u32 next = *bucket;
    engine->units[number].page_next[which] = next;
    engine->units[number].page_previous[which] = 0;
    if (next) {
        engine->units[(next - 1) >> 1].page_previous[(next - 1) & 1] = link;
    }
    *bucket = link;
}

void dbt_tcache_publish(dbt_engine *engine, u32 number) {
    dbt_unit *unit = &engine->units[number];
    unit->flags |= DBT_UNIT_LIVE;
    if (!(unit->flags & DBT_UNIT_THUNK)) {
        dbt_arenas_add_unit(engine, number);
    }
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
    if (at < chunk->host_hot + DBT_STUB_ROOM_BYTES / 2) {
        return 0;
    }
    chunk->host_cold = exit->host_far = at;
    dbt_emit_far_jump((u8 *)at, host_target);
    return at;
}

/* Some other unit of the same chunk, if there is one. */
static u64 planted_target(const dbt_engine *engine, u32 number) {
    const u32 chunk = dbt_unit_chunk(engine, number);
    const u32 first = chunk * engine->units_per_chunk;
    for (u32 other = first; other < first + engine->chunks[chunk].unit_count; other++) {
        if (engine->units[other].flags & DBT_UNIT_LIVE &&
            engine->units[other].guest_pc != engine->units[number].guest_pc) {
            return engine->units[other].host_body;
        }
    }
    return engine->units[number].host_body;
}

void dbt_tcache_link(dbt_engine *engine, u32 number, u32 unit_number) {
    dbt_exit *exit = &engine->exits[number];
    dbt_unit *unit = &engine->units[unit_number];
    if (!exit->host_patch || exit->linked != DBT_NONE || !engine->chaining ||
        !(engine->units[exit->unit].flags & DBT_UNIT_LIVE) ||
        !dbt_unit_may_link(engine, &engine->units[exit->unit]) ||
        (engine->units[exit->unit].flags | unit->flags) & DBT_UNIT_TRANSIENT ||
        (engine->has_stop && exit->guest_target == engine->stop_pc)) {
        return;
    }
    u64 host_target = exit->entry == DBT_ENTRY_CALL ? dbt_unit_entry(unit) : unit->host_body;
    if (dbt_plant_at(engine, DBT_PLANT_LINK, exit->guest_target)) {
        host_target = planted_target(engine, unit_number);
    }
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

void dbt_tcache_link_exits(dbt_engine *engine, u32 number) {
    const dbt_unit *unit = &engine->units[number];
    for (u32 i = 0; i < unit->exit_count; i++) {
        const u32 exit = unit->first_exit + i;
        if (engine->exits[exit].kind != DBT_EXIT_KIND_CONTINUATION) {
            continue;
        }
        const u32 target =
            dbt_tcache_lookup(engine, engine->exits[exit].guest_target,
                              (dbt_entry_kind)engine->exits[exit].entry);
        if (target != DBT_NONE) {
            dbt_tcache_link(engine, exit, target);
        }
    }
}

void dbt_tcache_link_exits_at(dbt_engine *engine, u64 guest_pc) {
    u32 link = engine->hash[hash_bucket(engine, guest_pc)];
    for (; link; link = engine->units[link - 1].hash_next) {
        if (engine->units[link - 1].guest_pc == guest_pc) {
            dbt_tcache_link_exits(engine, link - 1);
        }
    }
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
    const u32 next = engine->units[number].page_next[which];
    const u32 previous = engine->units[number].page_previous[which];
    if (next) {
        engine->units[(next - 1) >> 1].page_previous[(next - 1) & 1] = previous;
    }
    if (previous) {
        engine->units[(previous - 1) >> 1].page_next[(previous - 1) & 1] = next;
    } else {
        engine->pages[page_bucket(engine, page)] = next;
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
            dbt_tables_remove(engine, unit);
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
            /* 0 while another thread clears the record of a unit it begins: then it ends nowhere yet. */
            if (__atomic_load_n(&engine->units[middle].host_end, __ATOMIC_RELAXED) - 1 < host_pc) {
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
    if (exit->kind == DBT_EXIT_KIND_CHECK) {
        return DBT_CHECK_STUB_BYTES;
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

static bool stays_stale(const dbt_engine *engine, const dbt_unit *unit) {
    return engine->configuration.plant == DBT_PLANT_STALE &&
           overlaps(unit, engine->configuration.plant_pc, engine->configuration.plant_pc + 1);
}

/* Retires the units of one bucket that overlap; the list changes under us, so start over each time. */
static void invalidate_bucket(dbt_engine *engine, u32 bucket, u64 guest_start, u64 guest_end) {
    u32 link = engine->pages[bucket];
    while (link) {
        const u32 number = (link - 1) >> 1;
        if (overlaps(&engine->units[number], guest_start, guest_end) &&
            !stays_stale(engine, &engine->units[number])) {
            engine->statistics->units_invalidated += !(engine->units[number].flags & DBT_UNIT_THUNK);
            dbt_tcache_retire(engine, number);
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
