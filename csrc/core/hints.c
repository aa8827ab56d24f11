/* Job: what forked children had to translate, their parent translates before it forks again. Servers
 * that fork for each connection and shells run the same code in every child and never themselves: so
 * each child finds it translated, in pages that all of them share.
 * State: a ring in memory shared with the children: engine->heard is this process's own, engine->told
 * its parent's. Any process writes the ring at any time; the engine's lock guards the rest.
 * Invariant: a hint is a guest address and a way in, or that of a unit to link, nothing else. The
 * parent translates what its own memory holds there, so that a hint that is stale, torn or wrong costs
 * time and changes no outcome. */
#include "core/hints.h"

#include "core/port.h"

#define HINT_COUNT 65536u
#define HINTS_AT_ONCE 4096u  /* a fork waits for no more than these */
#define LINK 4u              /* instead of a dbt_entry_kind: the unit's exits are wanted linked */
#define CHAIN_ALL 0xffffffffu

/* Numbers of hints: head counts those told, tail those followed. */
struct dbt_hints {
    u64 head;
    u64 tail;
    u64 ring[HINT_COUNT]; /* guest address times 8 and dbt_entry_kind or LINK; 0: none */
};

#define RING_BYTES DBT_PAGE_UP(sizeof(struct dbt_hints))

static void tell(dbt_engine *engine, u64 guest_pc, u32 what) {
    struct dbt_hints *hints = engine->told;
    if (!hints || __atomic_load_n(&hints->head, __ATOMIC_RELAXED) -
                          __atomic_load_n(&hints->tail, __ATOMIC_RELAXED) >= HINT_COUNT) {
        return;
    }
    const u64 at = __atomic_fetch_add(&hints->head, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&hints->ring[at % HINT_COUNT], guest_pc << 3 | what, __ATOMIC_RELAXED);
}

void dbt_hints_tell(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry) {
    tell(engine, guest_pc, (u32)entry);
}

void dbt_hints_tell_link(dbt_engine *engine, u64 guest_pc) {
    tell(engine, guest_pc, LINK);
}

static void follow(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry) {
    u32 unit;
    if (dbt_tcache_lookup(engine, guest_pc, entry) != DBT_NONE ||
        !engine->hooks.is_lasting(engine->hooks.owner, guest_pc) ||
        dbt_translate_unit(engine, guest_pc, entry, engine->configuration.unit_cap, false, &unit) !=
            DBT_OK) {
        return;
    }
    if (entry == DBT_ENTRY_RETURN || entry == DBT_ENTRY_JUMP) {
        dbt_tcache_offer_table(engine, unit, DBT_NONE);
    }
}

static void follow_ring(dbt_engine *engine) {
    struct dbt_hints *hints = engine->heard;
    const u64 head = __atomic_load_n(&hints->head, __ATOMIC_RELAXED);
    u64 tail = hints->tail;
    for (u32 count = 0; tail != head && count < HINTS_AT_ONCE; count++, tail++) {
        const u64 hint =
            __atomic_exchange_n(&hints->ring[tail % HINT_COUNT], 0, __ATOMIC_RELAXED);
        if (hint & LINK) {
            dbt_tcache_link_exits_at(engine, hint >> 3);
        } else if (hint && engine->chunks_live < engine->chunk_limit / 2) {
            /* Nothing is evicted for what may never be needed. */
            follow(engine, hint >> 3, (dbt_entry_kind)(hint & 3));
        }
    }
    __atomic_store_n(&hints->tail, tail, __ATOMIC_RELAXED);
}

void dbt_hints_follow(dbt_engine *engine) {
    /* With units counted to find a bad one, a process must not depend on when its children ran. */
    if (!engine->chaining || engine->configuration.chain_until != CHAIN_ALL) {
        return;
    }
    if (!engine->heard) {
        engine->heard = (struct dbt_hints *)dbt_port_map_shared(RING_BYTES);
    } else {
        follow_ring(engine);
    }
}

void dbt_hints_adopt(dbt_engine *engine) {
    if (engine->told) {
        dbt_port_unmap((u64)engine->told, RING_BYTES);
    }
    engine->told = engine->heard;
    engine->heard = 0;
}
