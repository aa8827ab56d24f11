/* Job: the translation cache: arenas, chunks, translation units, exits and links, the lookup hash and
 * the two indirect-branch tables.
 * State: everything hangs off dbt_engine; one engine an address space.
 * Invariant: every function here that takes an engine runs with its lock held (dbt_engine.lock).
 *
 * Memory: code lives in chunks, equal slices of arenas; an arena is a reserved range near the guest
 * code it serves. In a chunk, unit bodies grow up from the start and stubs and literals grow down from
 * the end. A chunk is evicted whole, oldest first; its units, exits and state maps go with it, since
 * each chunk owns a fixed slice of those arrays. */
#ifndef DBT_CORE_TCACHE_H
#define DBT_CORE_TCACHE_H

#include "core/base.h"
#include "core/decode.h"
#include "core/engine.h"

#define DBT_NONE 0xffffffffu        /* no unit, no exit */
#define DBT_EXIT_ID_RETURN_MISS 1u  /* the first ids name the miss routines, as the templates have them */
#define DBT_EXIT_ID_JUMP_MISS 2u
#define DBT_EXIT_ID_SETTLED 3u      /* the exit's record is gone: what it said is in the context */
#define DBT_EXIT_ID_FIRST 16u
#define DBT_TABLE_ENTRIES 65536u
#define DBT_WIDE_ENTRIES 262144u /* of the table of returns, when the engine is wide and paired */
#define DBT_UNIT_CAP_MAX 128u
#define DBT_CHECKED_CAP 16u /* a unit that checks itself ends when it has as many instructions */
#define DBT_TRACE_MAX 512u
#define DBT_FAR_JUMP_BYTES 6u
#define DBT_STUB_ROOM_BYTES 512u    /* kept free between bodies and stubs for jumps put in late */
#define DBT_STUB_BYTES 20u          /* these sizes are checked when one is emitted */
#define DBT_CALL_STUB_BYTES 28u
#define DBT_TABLE_STUB_BYTES 15u
#define DBT_CHECK_STUB_BYTES 38u
#define DBT_RELOAD_BYTES 9u          /* of a register to or from its spill slot; two begin that stub */
#define DBT_CHECKS_BETWEEN_LOOKS 65536u

typedef enum dbt_entry_kind {
    DBT_ENTRY_BODY = 0,
    DBT_ENTRY_RETURN = 1, /* through the table of return targets: the return prologue */
    DBT_ENTRY_JUMP = 2,   /* through the table of jump targets: the jump prologue */
    DBT_ENTRY_CALL = 3    /* by a host call: the call prologue */
} dbt_entry_kind;

#define DBT_UNIT_LIVE 1u
#define DBT_UNIT_TRANSIENT 2u /* runs once: not in the hash, its exits are never linked */
#define DBT_UNIT_THUNK 4u     /* only a prologue and a jump to the body's unit */
#define DBT_UNIT_FALLS 8u     /* runs into the unit emitted after it */

#define DBT_MISS_JUMP_BYTES 8u /* the jump to a miss routine that may stand before an entry */

/* One translation unit. host_start <= host_body < host_end; between the first two lies the prologue,
 * if entry says there is one. */
typedef struct dbt_unit {
    u64 guest_pc;        /* 32 bytes, half a cache line: what lookups and links read and write */
    u32 hash_next;
    u16 flags;
    u8 entry;            /* dbt_entry_kind of the inline prologue */
    u8 entry_offset;     /* of the entry from host_start: what stands before it is a miss jump */
    u64 host_body;
    u32 incoming;        /* head of the list of exits linked here, by dbt_exit.next */
    u32 serial;          /* how many units were translated before it */
    u64 host_start;
    u64 host_end;
    u32 guest_bytes;
    u32 map_at;          /* state map: offset in the engine's map array */
    u32 map_bytes;
    u32 first_exit;      /* exits of a unit are consecutive */
    u32 page_next[2];    /* lists of units by guest page: first and last page */
    u32 page_previous[2]; /* 0: the head of its list */
    u32 falls_from;      /* the unit that runs into this one, or DBT_NONE */
    u16 exit_count;
    u16 instructions;
    u8 record_flags;     /* DBT_UNIT_RECORD_ */
    u16 counted_at;      /* from here on in the body its instructions count as done; 0: it does not count */
    u32 described;       /* number of its description, or DBT_NOT_DESCRIBED */
} dbt_unit;

/* One way out of a unit. A CONTINUATION exit is a rel32 at host_patch that leads to host_stub, or
 * directly to the linked unit. Other kinds are always taken by way of the VMM. */
typedef struct dbt_exit {
    u64 guest_target;    /* CONTINUATION: where it leads; others: the guest pc to report */
    u64 host_patch;      /* address of the rel32; 0: nothing to patch */
    u64 host_stub;
    u64 host_far;        /* its far jump, once it needed one, or 0 */
    u32 unit;
    u32 linked;          /* unit, or DBT_NONE */
    u32 next;            /* in the linked unit's incoming list */
    u32 previous;
    u32 kind;            /* dbt_exit_kind */
    u32 entry;           /* dbt_entry_kind that it arrives by: BODY or CALL */
} dbt_exit;

typedef struct dbt_chunk {
    u64 host_start;      /* 0: no memory */
    u64 host_hot;        /* next free byte for bodies */
    u64 host_cold;       /* stubs begin here */
    u32 unit_count;
    u32 exit_count;
    u32 map_bytes;
    u32 arena;
    u64 return_miss;     /* the last place from which a short branch gets to the return miss routine */
    u64 born;            /* order of creation: the oldest is evicted first */
} dbt_chunk;

/* Of chunks_live on it is what dbt_arena_use tells of it. */
typedef struct dbt_arena {
    u64 host_start;
    u64 size_bytes;
    u32 slot_count;
    u32 chunks_live;
    u32 units;
    u64 guest_start;
    u64 guest_end;
} dbt_arena;

/* One decoded instruction on its way through the two passes. */
typedef struct dbt_item {
    dbt_instruction instruction;
    u8 bytes[16];        /* the guest's, copied: the page may change */
    u8 template_;
    u8 scratch[2];
    u8 fused;            /* a jcc that fuses with the item before it */
    u8 inserted;         /* no guest instruction: put in between the two passes */
    u8 kept_spilled;     /* of an inserted item: registers that are overwritten before they are read */
    u8 pad_for;          /* of one that costs the flags: what follows it must not be padded, so it is; or 0 */
    u32 facts;
} dbt_item;

/* What the last translation emitted, host instruction by host instruction's owner: for listings. */
typedef struct dbt_trace {
    u64 guest_pc;
    u64 host_pc;
    u32 unit;
    u32 facts;
    u16 host_bytes;
    u8 guest_bytes;
    u8 class_;
    u8 template_;
    u8 scratch[2];
} dbt_trace;

/* Second-level table of indirect targets: minus the guest address less the number of its table (as
 * the miss routines compare it; 0 or the other number: empty), and the unit's entry with 16 bits above
 * it that say which slots of the first level it may stand in (tables.c). */
typedef struct dbt_second {
    u64 tag;
    u64 value;
} dbt_second;

#define DBT_SECOND_ENTRIES (2 * DBT_TABLE_ENTRIES)
#define DBT_SECOND_EMPTY_ELSEWHERE 0x100u

struct dbt_hints;

struct dbt_engine {
    dbt_configuration configuration;
    dbt_engine_hooks hooks;
    dbt_statistics *statistics;
    dbt_arena_uses *shown;   /* what others may know of the arenas, or 0 */
    u32 lock;
    u32 kicks;               /* number of the last round of kicks */
    dbt_context *threads;    /* registered contexts */
    u32 paired;              /* calls and returns use host calls and returns now */
    u32 chaining;            /* 0 while a budget is on or chaining is off */
    u32 recording;           /* units report when they are entered */
    u32 counting;            /* units count their executions */
    u32 descriptions;        /* units described so far, those inherited from a parent included */

    u64 chunk_bytes;
    u32 chunk_limit;         /* chunks the TC size allows */
    u32 chunks_live;
    u32 units_per_chunk;
    u32 exits_per_chunk;
    u32 map_per_chunk;
    u64 births;
    u64 evictions;           /* changes when numbers of units and exits may have become stale */

    dbt_chunk *chunks;       /* chunk_limit of them */
    dbt_unit *units;
    dbt_exit *exits;
    u8 *maps;
    u32 *hash;               /* buckets: unit index */
    u32 hash_mask;
    u32 *pages;              /* buckets of units by guest page */
    u32 page_mask;
    u64 *jumps;              /* the two tables, below 2 GB */
    u64 *returns;
    u32 return_mask;         /* index of the second of them */
    u32 wide;                /* it may have DBT_WIDE_ENTRIES */
    dbt_second *second;      /* of both, before them */
    u32 second_turn;         /* which place of a full set goes next */
    u64 table_start;         /* of the three */
    u64 table_end;

    dbt_arena arenas[DBT_ARENAS_MAX];
    u32 arena_count;
    u32 current[DBT_ARENAS_MAX]; /* the chunk being filled in each arena, or DBT_NONE */
    u32 pinned;              /* chunk that must not be evicted now, or DBT_NONE */

    u64 routines;            /* page with the miss routines, in return_miss, jump_miss */
    u64 host_return_miss;
    u64 host_jump_miss;
    u64 routines_end;
    u32 routines_map_bytes;

    u64 wanted_low;          /* addresses that the guest is about to take: [low, high), or 0, 0 */
    u64 wanted_high;

    u64 stop_pc;
    u32 has_stop;

    struct dbt_hints *heard; /* from forked children (hints.c), or 0 */
    struct dbt_hints *told;  /* where the parent hears, or 0 */

    dbt_item items[DBT_UNIT_CAP_MAX + 1];
    u32 item_count;
    u32 inserted_count;      /* of the items, those that are no guest instruction */
    dbt_trace *trace;        /* 0, or room for DBT_TRACE_MAX records */
    u32 trace_count;
};

/* Engine life (tcache.c). */
dbt_status dbt_tcache_create(dbt_engine *engine);
void dbt_tcache_destroy(dbt_engine *engine);

/* Tables and miss routines, in place of those before, if there were any: no unit may be left then. */
dbt_status dbt_tcache_make_tables(dbt_engine *engine);

/* Retires a chunk's units, waits until no thread can be inside, and gives its memory back. */
void dbt_tcache_evict(dbt_engine *engine, u32 chunk);

/* The arena that serves code at guest_pc; made when there is none. */
dbt_status dbt_tcache_arena(dbt_engine *engine, u64 guest_pc, u32 *arena);

/* What session memory tells of the arenas (arenas.c): one has changed; all, in a new place; a unit was
 * emitted. */
void dbt_arenas_show(const dbt_engine *engine, u32 arena);
void dbt_arenas_show_in(dbt_engine *engine, dbt_arena_uses *shown);
void dbt_arenas_add_unit(dbt_engine *engine, u32 unit);

/* A chunk of that arena with at least the given room, evicting the oldest where the size is used up. */
dbt_status dbt_tcache_room(dbt_engine *engine, u32 arena, u32 hot_bytes, u32 *chunk);

/* Closes the arena's current chunk, so that the next room comes from a fresh one. */
void dbt_tcache_close_chunk(dbt_engine *engine, u32 arena);

u32 dbt_tcache_lookup(const dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry);
void dbt_tcache_publish(dbt_engine *engine, u32 unit);

/* Links an exit to a unit: one rel32 store, or a far jump. Does nothing when it cannot. */
void dbt_tcache_link(dbt_engine *engine, u32 exit, u32 unit);

/* Links those exits of a unit whose targets exist. */
void dbt_tcache_link_exits(dbt_engine *engine, u32 unit);
void dbt_tcache_link_exits_at(dbt_engine *engine, u64 guest_pc); /* of all units there */

/* Takes a unit out of service: incoming links back to their stubs, hash, pages, tables. */
void dbt_tcache_retire(dbt_engine *engine, u32 unit);

void dbt_tcache_retire_all(dbt_engine *engine);

/* Returns when no thread but the caller's can be inside the TC. Retired units have left the tables
 * and links by then, so nobody finds its way back into them. */
void dbt_engine_quiesce(dbt_engine *engine);
/* The tables of indirect branches (tables.c): all empty; without a unit; with it. */
/* No other thread is inside the TC. */
void dbt_tables_clear(dbt_engine *engine);
/* No entry stands in the slots of this address until they are filled anew. Takes no lock. */
void dbt_tables_forget(dbt_engine *engine, u64 guest_pc);
void dbt_tables_remove(dbt_engine *engine, const dbt_unit *unit);
void dbt_tcache_fill_table(dbt_engine *engine, u32 unit);

/* Offers an entry that was not asked for yet: it takes an empty place in its table, or that of
 * before, an older entry for the same address (DBT_NONE: there is none), since the newer call site is
 * likely the hotter one. */
void dbt_tcache_offer_table(dbt_engine *engine, u32 unit, u32 before);

/* The unit whose code, or the exit whose stub or far jump, holds host_pc; DBT_NONE when there is none. */
u32 dbt_tcache_unit_at(const dbt_engine *engine, u64 host_pc);
u32 dbt_tcache_exit_at(const dbt_engine *engine, u64 host_pc);

/* Whether the arena's code reaches address with a 32-bit displacement, from anywhere in it. */
bool dbt_tcache_reaches(const dbt_engine *engine, u32 arena, u64 address);

void dbt_tcache_invalidate(dbt_engine *engine, u64 guest_start, u64 guest_end);

/* Where an indirect branch arrives: what the tables hold. */
static inline u64 dbt_unit_entry(const dbt_unit *unit) {
    return unit->host_start + unit->entry_offset;
}

/* Whether its exits may be linked and the tables may lead to it: to find a unit that goes wrong. */
static inline bool dbt_unit_may_link(const dbt_engine *engine, const dbt_unit *unit) {
    return unit->serial < engine->configuration.chain_until;
}

static inline u32 dbt_unit_chunk(const dbt_engine *engine, u32 unit) {
    return unit / engine->units_per_chunk;
}

/* Translation (translate.c): the unit at guest_pc with that entry, translated now. */
dbt_status dbt_translate_unit(dbt_engine *engine, u64 guest_pc, dbt_entry_kind entry, u32 cap,
                              bool transient, u32 *unit);

/* Carries out a callout instruction on the context (callout.c): cpuid, gs base, gs selectors, xbegin.
 * Returns false where the processor would raise #GP. context->rip moves on. */
bool dbt_callout_execute(dbt_context *context, const dbt_instruction *instruction);

#endif
