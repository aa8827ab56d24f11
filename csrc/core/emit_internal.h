/* Job: what the files that emit share: host bytes written one after the other, each host instruction
 * with its record for the state map. Inlined, since each instruction that is translated comes through here.
 * State: the emitter.
 * Invariant: whoever writes bytes to the hot part notes them before the next host instruction. */
#ifndef DBT_CORE_EMIT_INTERNAL_H
#define DBT_CORE_EMIT_INTERNAL_H

#include "core/emit.h"

#define DBT_STATE(mask, where) ((u16)((mask) | ((u16)(where) << DBT_STATE_WHERE_SHIFT)))

static inline void dbt_emit_note(dbt_emitter *emitter, u32 host_bytes, u16 state) {
    DBT_ASSERT(emitter->records < DBT_ROUTINE_RECORDS_MAX && host_bytes < 256);
    emitter->record_bytes[emitter->records] = (u8)host_bytes;
    emitter->record_state[emitter->records] = state;
    emitter->records++;
    emitter->host_instructions++;
}

static inline void dbt_emit_bytes(dbt_emitter *emitter, const u8 *bytes, u32 count) {
    memcpy(emitter->hot, bytes, count);
    emitter->hot += count;
}

static inline void dbt_emit_put_u32(u8 *at, u32 value) {
    memcpy(at, &value, 4);
}

/* Bytes of padding so that a rel32 that would stand at hot + offset stays inside 32 bytes: a running
 * thread may see a torn value only across that boundary. */
static inline u32 dbt_emit_padding_for(const dbt_emitter *emitter, u32 offset) {
    u32 place = (u32)((u64)emitter->hot + offset) & 31u;
    return place > 28 ? 32 - place : 0;
}

/* emit.c. A template that is all code, outside any guest instruction: in the hot part, with its records, or
 * in the cold part; there it answers where. exit: for its hole, or DBT_NONE. */
void dbt_emit_hot(dbt_emitter *emitter, u8 template_, u32 exit, u16 state);
u64 dbt_emit_cold(dbt_emitter *emitter, u8 template_, u32 size_bytes, u32 exit);
/* No-operations. */
void dbt_emit_pad(dbt_emitter *emitter, u32 count, u16 state);

/* emit_exit.c. Jumps, conditional jumps and calls to the exit for guest_target. */
void dbt_emit_jump(dbt_emitter *emitter, u64 guest_target, u16 state);
void dbt_emit_jcc(dbt_emitter *emitter, const dbt_instruction *instruction, u16 state);
void dbt_emit_call(dbt_emitter *emitter, u64 guest_target, u16 state);
/* call rel32 to a stub of its own that goes on through the table: never patched. */
void dbt_emit_call_table(dbt_emitter *emitter, u16 state);
/* jmp rel32 to the unit's one way out of its checks. */
void dbt_emit_leave(dbt_emitter *emitter, u16 state);
/* An exit that is never linked: it enters the VMM right here. */
void dbt_emit_exit(dbt_emitter *emitter, dbt_exit_kind kind, u64 guest_pc, u16 state);
/* The jump to the return miss routine, and the way there for the prologue behind a call of that class. */
void dbt_emit_miss_jump(dbt_emitter *emitter);
void dbt_emit_island(dbt_emitter *emitter, u8 class_, u16 state);
/* A jump that ends the unit is left out when the unit for its target can be emitted right here. */
bool dbt_emit_leave_out(dbt_emitter *emitter, const dbt_item *item, bool last, u64 guest_target);

#endif
