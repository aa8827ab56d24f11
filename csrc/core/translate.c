/* Job: from guest code to units: has the array of items built (pass one, items.c), emits it (pass two), and
 * goes on along fall-throughs so that hot code lies in execution order.
 * State: dbt_engine.items while the lock is held.
 * Invariant: a unit is published only when it is whole; one that does not fit leaves no trace. */
#include "core/emit.h"
#include "core/insert.h"
#include "core/items.h"
#include "core/record.h"
#include "core/tcache.h"
#include "generated/template_numbers.h"

#define FOLLOWING_UNITS_MAX 16u
#define HOT_ROOM_WANTED 1024u

static void trace(dbt_engine *engine, const dbt_item *item, u32 unit, const u8 *from,
                  const u8 *to) {
    if (!engine->trace || engine->trace_count == DBT_TRACE_MAX) {
        return;
    }
    dbt_trace *entry = &engine->trace[engine->trace_count++];
    entry->guest_pc = item->instruction.guest_pc;
    entry->host_pc = (u64)from;
    entry->unit = unit;
    entry->host_bytes = (u16)(to - from);
    entry->guest_bytes = item->instruction.length;
    entry->class_ = item->instruction.class_;
    entry->template_ = item->template_;
    entry->facts = item->facts;
    memcpy(entry->scratch, item->scratch, sizeof entry->scratch);
}

/* Allocates the unit's record in the chunk; abandoned by taking unit_count and exit_count back. */
static u32 new_unit(dbt_engine *engine, u32 chunk_number, u64 guest_pc, u64 host_start) {
    dbt_chunk *chunk = &engine->chunks[chunk_number];
    DBT_ASSERT(chunk->unit_count < engine->units_per_chunk);
    const u32 number = chunk_number * engine->units_per_chunk + chunk->unit_count;
    dbt_unit *unit = &engine->units[number];
    memset(unit, 0, sizeof *unit);
    unit->guest_pc = guest_pc;
    unit->host_start = host_start;
    unit->host_end = ~0ULL; /* until it is closed: a handler may be searching */
    unit->serial = (u32)engine->statistics->units_translated;
    unit->incoming = unit->falls_from = DBT_NONE;
    unit->described = DBT_NOT_DESCRIBED;
    unit->map_at = chunk->map_bytes;
    /* Handlers of other threads search without the lock: the record is whole before it counts. */
    __atomic_store_n(&chunk->unit_count, chunk->unit_count + 1, __ATOMIC_RELEASE);
    return number;
}

static void close_unit(dbt_emitter *emitter) {
    dbt_engine *engine = emitter->engine;
    dbt_chunk *chunk = &engine->chunks[emitter->chunk];
    dbt_unit *unit = &engine->units[emitter->unit];
    /* A jump that is put in late closes its unit a second time: only what is new counts. */
    engine->statistics->host_bytes_emitted +=
        (u64)emitter->hot - chunk->host_hot + chunk->host_cold - (u64)emitter->cold;
    chunk->host_hot = (u64)emitter->hot;
    chunk->host_cold = (u64)emitter->cold;
    chunk->map_bytes = (u32)(emitter->map - (engine->maps + (u64)emitter->chunk *
                                                                engine->map_per_chunk));
    unit->host_end = (u64)emitter->hot;
    unit->map_bytes = chunk->map_bytes - unit->map_at;
}

static u8 record_flags(const dbt_engine *engine) {
    u32 flags = 0;
    for (u32 i = 0; i < engine->item_count; i++) {
        const u32 traits = engine->items[i].instruction.traits;
        flags |= traits & DBT_TRAIT_VECTOR ? DBT_UNIT_RECORD_VECTOR : 0u;
        flags |= traits & DBT_TRAIT_INPUT ? DBT_UNIT_RECORD_INPUT : 0u;
        flags |= traits & DBT_TRAIT_SAVES ? DBT_UNIT_RECORD_SAVES : 0u;
    }
    return (u8)flags;
}

/* Pass two. FULL: the chunk's remaining room does not suffice; nothing is kept. */
static dbt_status emit_items(dbt_build *build, u32 chunk_number, u64 guest_pc,
                             dbt_entry_kind entry, bool landing, bool may_fall,
                             dbt_emitter *emitter) {
    dbt_engine *engine = build->engine;
    dbt_chunk *chunk = &engine->chunks[chunk_number];
    if (chunk->unit_count >= engine->units_per_chunk) {
        return DBT_ERROR_FULL;
    }
    const u32 units_before = chunk->unit_count;
    const u32 exits_before = chunk->exit_count;
    const u64 miss_before = chunk->return_miss;
    const u32 trace_before = engine->trace_count;
    const u32 number = new_unit(engine, chunk_number, guest_pc, chunk->host_hot);
    dbt_unit *unit = &engine->units[number];
    dbt_emit_begin(emitter, engine, number, chunk_number);
    emitter->may_fall = may_fall;
    unit->entry = (u8)entry;
    u32 ident = 0;
    bool room = dbt_emit_has_room(emitter);
    if (room && entry != DBT_ENTRY_BODY) {
        dbt_emit_prologue(emitter, entry, landing);
    }
    unit->host_body = (u64)emitter->hot;
    const u32 host_before = emitter->host_instructions;
    u32 own_bytes = 0;
    u32 own_instructions = 0;
    if (room && engine->recording) {
        unit->record_flags = record_flags(engine);
        dbt_emit_record(emitter);
        unit->counted_at = DBT_STUB_BYTES;
    } else if (room && build->changes && !build->transient) {
        room = dbt_emit_check(emitter);
        own_bytes = (u32)((u64)emitter->hot - unit->host_body);
        own_instructions = emitter->host_instructions - host_before;
    }
    for (u32 i = 0; room && i < engine->item_count; i++) {
        const dbt_item *item = &engine->items[i];
        const dbt_item *next = i + 1 < engine->item_count ? item + 1 : 0;
        const u8 *from = emitter->hot;
        if (item->inserted) {
            const u32 instructions = emitter->host_instructions;
            unit->counted_at = (u16)(dbt_emit_inserted(emitter, item) - unit->host_body);
            own_bytes += (u32)(emitter->hot - from);
            own_instructions += emitter->host_instructions - instructions;
        } else {
            dbt_emit_item(emitter, item, next);
        }
        trace(engine, item, number, from, emitter->hot);
        ident += item->template_ == DBT_TEMPLATE_IDENT;
        room = dbt_emit_has_room(emitter);
    }
    if (!room) {
        chunk->unit_count = units_before;
        chunk->exit_count = exits_before;
        chunk->return_miss = miss_before;
        engine->trace_count = trace_before;
        return DBT_ERROR_FULL;
    }
    if (build->open_end) {
        if (may_fall && dbt_unit_may_link(engine, unit) &&
            dbt_tcache_lookup(engine, build->next_pc, DBT_ENTRY_BODY) == DBT_NONE &&
            !(engine->has_stop && engine->stop_pc == build->next_pc)) {
            emitter->falls = true;
            emitter->falls_to = build->next_pc;
        } else {
            dbt_emit_final_jump(emitter, build->next_pc);
        }
    }
    unit->guest_bytes = (u32)(build->next_pc - guest_pc);
    unit->instructions = (u16)(engine->item_count - engine->inserted_count);
    close_unit(emitter);
    if (engine->hooks.describe || engine->counting) {
        const dbt_description description = {
            .guest_pc = unit->guest_pc,
            .guest_bytes = unit->guest_bytes,
            .instructions = unit->instructions,
            .ident = ident,
            .host_pc = unit->host_body,
            .host_bytes = (u32)((u64)emitter->hot - unit->host_body) - own_bytes,
            .own_bytes = own_bytes,
            .host_instructions = emitter->host_instructions - host_before - own_instructions,
            .ends = engine->items[engine->item_count - 1].instruction.class_,
        };
        dbt_describe(engine, unit, &description);
    }
    engine->statistics->units_translated++;
    if (engine->statistics->units_translated == engine->configuration.chain_until ||
        engine->statistics->units_translated == engine->configuration.cap_after) {
        engine->statistics->limit_unit_pc = guest_pc;
    }
    engine->statistics->guest_instructions_translated += unit->instructions;
    engine->statistics->guest_bytes_translated += unit->guest_bytes;
    engine->statistics->instructions_ident += ident;
    return DBT_OK;
}

/* Units begin where the fetch of instructions does, measured by the byte that is jumped to. All but
 * those that indirect jumps reach: the processor tells their targets apart by the low address bits it
 * keeps in its branch history, and must find some there. (A switch interpreter: 1.38 of native so,
 * 2.07 with 64 bytes for all. fib, two builds: 0.95 and 1.19, against 1.19 and 1.51 with 16.) Large
 * programs, those with paired returns, miss the instruction cache instead: cc1plus 1.68, and 1.63 with 16. */
static void align_hot(dbt_engine *engine, u32 chunk_number, dbt_entry_kind entry) {
    dbt_chunk *chunk = &engine->chunks[chunk_number];
    if (entry == DBT_ENTRY_JUMP) {
        return;
    }
    const u64 mask = engine->paired ? 15 : 63;
    const u64 offset = entry == DBT_ENTRY_RETURN ? DBT_MISS_JUMP_BYTES : 0;
    const u64 aligned = ((chunk->host_hot + offset + mask) & ~mask) - offset;
    memset((u8 *)chunk->host_hot, 0xcc, aligned - chunk->host_hot);
    chunk->host_hot = aligned;
}

/* The return point of a call that ends the last unit built: translated at once, it spares a miss and
 * lies where the processor fetches next. Behind a host call it is translated even when it has been
 * before: each call site wants its own, or the return predictor is wrong every time. */
static bool return_point(const dbt_build *build, u64 *guest_pc) {
    const dbt_engine *engine = build->engine;
    const dbt_instruction *last = &engine->items[engine->item_count - 1].instruction;
    *guest_pc = last->guest_pc + last->length;
    return (last->class_ == DBT_CLASS_CALL || last->class_ == DBT_CLASS_ICALL) &&
           !(engine->has_stop && engine->stop_pc == *guest_pc) &&
           (engine->paired ||
            dbt_tcache_lookup(engine, *guest_pc, DBT_ENTRY_BODY) == DBT_NONE);
}

/* A prologue and a jump to the body's unit, at the chunk's hot end. */
static u32 emit_thunk(dbt_engine *engine, u32 chunk_number, u64 guest_pc, dbt_entry_kind entry,
                      bool landing) {
    dbt_emitter emitter;
    const u32 number =
        new_unit(engine, chunk_number, guest_pc, engine->chunks[chunk_number].host_hot);
    dbt_emit_begin(&emitter, engine, number, chunk_number);
    dbt_unit *unit = &engine->units[number];
    unit->entry = (u8)entry;
    unit->flags = DBT_UNIT_THUNK;
    unit->guest_bytes = 1;
    dbt_emit_prologue(&emitter, entry, landing);
    unit->host_body = (u64)emitter.hot;
    dbt_emit_final_jump(&emitter, guest_pc);
    close_unit(&emitter);
    dbt_tcache_publish(engine, number);
    return number;
}

/* Ends a chain of units: the jump that was left out, or the landing of a call. */
static void end_chain(dbt_build *build, dbt_emitter *emitter) {
    dbt_engine *engine = build->engine;
    if (emitter->falls) {
        dbt_emit_final_jump(emitter, emitter->falls_to);
        emitter->falls = false;
        close_unit(emitter);
    } else if (build->landing) {
        dbt_emitter probe;
        dbt_emit_begin(&probe, engine, emitter->unit, emitter->chunk);
        if (dbt_emit_has_room(&probe) &&
            engine->chunks[emitter->chunk].unit_count < engine->units_per_chunk) {
            const u32 before = dbt_tcache_lookup(engine, build->landing, DBT_ENTRY_RETURN);
            const u32 number =
                emit_thunk(engine, emitter->chunk, build->landing, DBT_ENTRY_RETURN, true);
            dbt_tcache_offer_table(engine, number, before);
        }
    }
}

/* Goes on in execution order for as long as the chunk has room: into the fall-through, whose jump was
 * left out (and is put in after all when its unit cannot follow), or to the return point of a call.
 * The emitter is that of the last unit. */
static void follow(dbt_build *build, dbt_emitter *emitter, u32 cap) {
    dbt_engine *engine = build->engine;
    const bool paired = engine->paired;
    u32 offered[FOLLOWING_UNITS_MAX];
    u32 others[FOLLOWING_UNITS_MAX];
    u32 offers = 0;
    for (u32 count = 0;; count++) {
        const u32 before = emitter->unit;
        const bool falls = emitter->falls;
        u64 guest_pc = emitter->falls_to;
        build->landing = 0;
        if (!falls && !return_point(build, &guest_pc)) {
            break;
        }
        build->landing = !falls && paired ? guest_pc : 0;
        if (count == FOLLOWING_UNITS_MAX) {
            break;
        }
        const dbt_entry_kind entry = falls ? DBT_ENTRY_BODY : DBT_ENTRY_RETURN;
        const u32 other =
            falls ? DBT_NONE : dbt_tcache_lookup(engine, guest_pc, DBT_ENTRY_RETURN);
        const u64 hot = engine->chunks[emitter->chunk].host_hot;
        if (!falls && !paired) {
            align_hot(engine, emitter->chunk, entry);
        }
        dbt_emitter next;
        if (dbt_items_build(build, guest_pc, cap) != DBT_OK ||
            emit_items(build, emitter->chunk, guest_pc, entry, build->landing != 0, true, &next) !=
                DBT_OK) {
            engine->chunks[emitter->chunk].host_hot = hot;
            break;
        }
        if (falls) {
            engine->units[before].flags |= DBT_UNIT_FALLS;
            engine->units[next.unit].falls_from = before;
        }
        dbt_tcache_publish(engine, next.unit);
        if (!falls) {
            offered[offers] = next.unit;
            others[offers++] = other;
        }
        memcpy(emitter, &next, offsetof(dbt_emitter, record_bytes)); /* there are no records between units */
    }
    end_chain(build, emitter);
    /* Only now: other threads go through the tables as soon as an entry stands there, and a unit may run
     * on into the one that comes after it. */
    for (u32 at = 0; at < offers; at++) {
        dbt_tcache_offer_table(engine, offered[at], others[at]);
    }
}

/* A prologue of its own for a unit whose body exists already without one. */
static dbt_status translate_thunk(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry,
                                  u32 body, u32 *out) {
    u32 arena;
    u32 chunk_number;
    dbt_status status = dbt_tcache_arena(engine, guest_pc, &arena);
    if (status != DBT_OK) {
        return status;
    }
    engine->pinned = dbt_unit_chunk(engine, body);
    status = dbt_tcache_room(engine, arena, HOT_ROOM_WANTED, &chunk_number);
    engine->pinned = DBT_NONE;
    if (status != DBT_OK) {
        return status;
    }
    align_hot(engine, chunk_number, entry);
    const u32 number = emit_thunk(engine, chunk_number, guest_pc, entry, false);
    dbt_tcache_link_exits(engine, number);
    *out = number;
    return DBT_OK;
}

static dbt_status emit_first(dbt_build *build, u64 guest_pc, dbt_entry_kind entry, u32 cap,
                             bool may_fall, dbt_emitter *emitter) {
    dbt_engine *engine = build->engine;
    dbt_status status = dbt_items_build(build, guest_pc, cap);
    for (u32 attempt = 0; status == DBT_OK; attempt++) {
        u32 chunk_number;
        status = dbt_tcache_room(engine, build->arena, HOT_ROOM_WANTED, &chunk_number);
        if (status != DBT_OK) {
            return status;
        }
        align_hot(engine, chunk_number, entry);
        status = emit_items(build, chunk_number, guest_pc, entry, false, may_fall, emitter);
        if (status != DBT_ERROR_FULL) {
            return status;
        }
        dbt_tcache_close_chunk(engine, build->arena);
        if (attempt) {
            cap = cap / 2 ? cap / 2 : 1; /* not even a fresh chunk holds it */
        }
        DBT_ASSERT(attempt < 10);
        status = dbt_items_build(build, guest_pc, cap);
    }
    return status;
}

dbt_status dbt_translate_unit(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry, u32 cap,
                              bool transient, u32 *out) {
    if (entry != DBT_ENTRY_BODY && !transient) {
        const u32 body = dbt_tcache_lookup(engine, guest_pc, DBT_ENTRY_BODY);
        if (body != DBT_NONE) {
            return translate_thunk(engine, guest_pc, entry, body, out);
        }
    }
    dbt_build build;
    memset(&build, 0, sizeof build);
    build.engine = engine;
    build.transient = transient;
    dbt_status status = dbt_tcache_arena(engine, guest_pc, &build.arena);
    if (status != DBT_OK) {
        return status;
    }
    const bool may_fall = !transient && engine->chaining &&
                          engine->configuration.flags & DBT_CONFIG_FALL_THROUGH;
    dbt_emitter emitter;
    engine->trace_count = 0;
    status = emit_first(&build, guest_pc, entry, cap, may_fall, &emitter);
    if (status != DBT_OK) {
        return status;
    }
    const u32 first = emitter.unit;
    const u32 chunk = emitter.chunk;
    if (transient) {
        engine->units[first].flags |= DBT_UNIT_TRANSIENT;
    }
    dbt_tcache_publish(engine, first);
    if (may_fall) {
        follow(&build, &emitter, cap);
    }
    const u32 end = chunk * engine->units_per_chunk + engine->chunks[chunk].unit_count;
    for (u32 number = first; number < end; number++) {
        dbt_tcache_link_exits(engine, number);
    }
    *out = first;
    return DBT_OK;
}
