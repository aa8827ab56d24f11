/* Job: writes one translation unit's host code, stubs, exits and state map into a chunk.
 * State: a dbt_emitter on the caller's stack, for one unit.
 * Invariant: never writes past the room checked by dbt_emit_has_room; a unit that does not fit is
 * abandoned whole by the caller. */
#ifndef DBT_CORE_EMIT_H
#define DBT_CORE_EMIT_H

#include "core/tcache.h"

/* State map record: what is spilled, and where the guest's pc is, while one host instruction is the
 * next to run. Low 8 bits: spilled registers by number; then dbt_where; then how low rsp is. */
#define DBT_STATE_WHERE_SHIFT 8
#define DBT_STATE_WHERE_MASK 7u
#define DBT_STATE_LOW_SHIFT 11     /* rsp is lower than the guest's: 0: no; 1: by 128; 2: by 136 */
#define DBT_STATE_LOW_MASK 3u
#define DBT_STATE_FLAGS_LOST 0x2000u /* the instruction that overwrites them is the next to run */
#define DBT_RED_ZONE_BYTES 128u
#define DBT_MAP_EXPANDED 0x80u /* item header: records follow; otherwise one IDENT instruction */
#define DBT_ITEM_RECORDS_MAX 24u    /* of an instruction */
#define DBT_ROUTINE_RECORDS_MAX 48u /* of a routine, which has a page to itself */

/* The most one guest instruction can take, spills, padding and literal included. */
#define DBT_ITEM_HOT_BYTES_MAX 192u
#define DBT_ITEM_COLD_BYTES_MAX 80u
#define DBT_ITEM_MAP_BYTES_MAX (2u + DBT_ITEM_RECORDS_MAX * 3u + 16u)

typedef struct dbt_emitter {
    dbt_engine *engine;
    u32 unit;
    u32 chunk;
    u8 *hot;
    u8 *cold;
    u8 *map;
    const u8 *map_end;
    u32 host_instructions; /* emitted so far, stubs left out */
    u32 records;
    u64 record_target;
    bool falls;            /* the last jump was left out: the unit for falls_to must follow */
    u64 falls_to;
    bool may_fall;
    u32 check_exit;        /* where the unit's checks of its source leave, or DBT_NONE */
    u16 inherited;         /* of an inserted item, the state that the next item begins in; or 0 */
    u8 record_bytes[DBT_ROUTINE_RECORDS_MAX]; /* of these so many hold something as records says */
    u16 record_state[DBT_ROUTINE_RECORDS_MAX];
} dbt_emitter;

void dbt_emit_begin(dbt_emitter *emitter, dbt_engine *engine, u32 unit, u32 chunk);

/* Whether any two items fit. */
static inline bool dbt_emit_has_room(const dbt_emitter *emitter) {
    const dbt_engine *engine = emitter->engine;
    return emitter->cold - emitter->hot >=
               (i64)(2 * (DBT_ITEM_HOT_BYTES_MAX + DBT_ITEM_COLD_BYTES_MAX)) &&
           emitter->map_end - emitter->map >= 2 * (i64)DBT_ITEM_MAP_BYTES_MAX &&
           engine->chunks[emitter->chunk].exit_count + 8 <= engine->exits_per_chunk;
}


/* Emits one item with its template; bytes are the guest instruction's. next: the item after it, or 0:
 * padding for a jcc goes before the compare that fuses with it. */
void dbt_emit_item(dbt_emitter *emitter, const dbt_item *item, const dbt_item *next);

/* An item that was put in (insert.c). Answers behind which host instruction it has done its work. */
u64 dbt_emit_inserted(dbt_emitter *emitter, const dbt_item *item);

/* The prologue of a return, jump or call entry. landing: it stands right behind a host call, so that
 * nothing may come before its entry. */
void dbt_emit_prologue(dbt_emitter *emitter, dbt_entry_kind entry, bool landing);

/* The exit by which a unit reports that it is entered: DBT_STUB_BYTES at its start. */
void dbt_emit_record(dbt_emitter *emitter);

/* A jump to the exit for guest_target, at the end of a unit. */
void dbt_emit_final_jump(dbt_emitter *emitter, u64 guest_target);

/* A template on its own, outside any guest instruction (miss routines, checks); item: for its holes, or 0. */
void dbt_emit_routine(dbt_emitter *emitter, u8 template_, const dbt_item *item);

/* The check that the unit's source is still what its items were made from (emit_check.c). False: no room. */
bool dbt_emit_check(dbt_emitter *emitter);

/* A 16-byte far jump to host_target, 8-aligned. */
void dbt_emit_far_jump(u8 *at, u64 host_target);

/* Walks a unit's map. Answers false when host_pc is not in [host_start, end of what the map covers). */
typedef struct dbt_state_place {
    u64 guest_pc;      /* of the instruction that host_pc belongs to, or lies before */
    u8 guest_bytes;
    u16 state;
    u64 target;        /* where the state says DBT_WHERE_TARGET */
    u64 host_offset;   /* from the start of that host instruction: 0 at a boundary */
    u32 instructions;  /* guest instructions before it in the unit */
    u32 instructions_left; /* those after it, and it unless it is done: filled by dbt_engine_place */
    u32 unit_uncounted;    /* the number of a unit that counts itself only further on, plus 1; or 0: likewise */
    u32 instructions_uncounted; /* those of them that dbt_context.executed holds already: likewise */
} dbt_state_place;

bool dbt_state_find(const u8 *map, u32 map_bytes, u64 guest_pc, u64 host_start, u64 host_pc,
                  dbt_state_place *out);

static inline u32 dbt_state_where(u16 state) {
    return (u32)state >> DBT_STATE_WHERE_SHIFT & DBT_STATE_WHERE_MASK;
}

/* How many bytes rsp lies below the guest's. */
static inline u32 dbt_state_low_bytes(u16 state) {
    const u32 low = (u32)state >> DBT_STATE_LOW_SHIFT & DBT_STATE_LOW_MASK;
    return low == 0 ? 0 : DBT_RED_ZONE_BYTES + (low == 1 ? 0 : 8u);
}

/* The place of a host pc in emitted code: units, stubs, far jumps, miss routines. */
bool dbt_engine_place(const dbt_engine *engine, u64 host_pc, dbt_state_place *out);

const char *dbt_template_name(u8 template_);
u8 dbt_rule_select(const dbt_instruction *instruction, u32 facts);
bool dbt_template_costs_flags(u8 template_);
u8 dbt_template_scratch_count(u8 template_);
u8 dbt_template_fixed_mask(u8 template_);

#endif
