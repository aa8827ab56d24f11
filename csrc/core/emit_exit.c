/* Job: the ways out of a unit: exits with their stubs, the jumps and calls that linking patches, and what
 * makes a call's return point reach its miss routine.
 * State: the emitter, the chunk's exits and its nearest miss jump.
 * Invariant: a rel32 that linking patches does not cross a 32-byte border, and leads to its stub until
 * then. */
#include "core/emit_internal.h"
#include "generated/template_numbers.h"

/* Allocates an exit with its stub in the cold part (CONTINUATION), or without one. */
static u32 new_exit(dbt_emitter *emitter, dbt_exit_kind kind, dbt_entry_kind entry,
                    u64 guest_target) {
    dbt_engine *engine = emitter->engine;
    dbt_chunk *chunk = &engine->chunks[emitter->chunk];
    dbt_unit *unit = &engine->units[emitter->unit];
    const u32 number = emitter->chunk * engine->exits_per_chunk + chunk->exit_count++;
    dbt_exit *exit = &engine->exits[number];
    memset(exit, 0, sizeof *exit);
    exit->guest_target = guest_target;
    exit->unit = emitter->unit;
    exit->linked = exit->next = exit->previous = DBT_NONE;
    exit->kind = (u32)kind;
    exit->entry = (u32)entry;
    if (unit->exit_count++ == 0) {
        unit->first_exit = number;
    }
    return number;
}

/* opcode bytes, then a rel32 to the exit's stub: the place that linking patches. */
static void put_link(dbt_emitter *emitter, const u8 *opcode, u32 opcode_bytes,
                     dbt_entry_kind entry, u64 guest_target, u16 state) {
    const bool call = entry == DBT_ENTRY_CALL;
    const u32 number = new_exit(emitter, DBT_EXIT_KIND_CONTINUATION, entry, guest_target);
    dbt_exit *exit = &emitter->engine->exits[number];
    exit->host_stub = dbt_emit_cold(emitter, call ? DBT_TEMPLATE_CALL_STUB : DBT_TEMPLATE_STUB,
                                    call ? DBT_CALL_STUB_BYTES : DBT_STUB_BYTES, number);
    dbt_emit_bytes(emitter, opcode, opcode_bytes);
    exit->host_patch = (u64)emitter->hot;
    dbt_emit_put_u32(emitter->hot, (u32)(exit->host_stub - ((u64)emitter->hot + 4)));
    emitter->hot += 4;
    dbt_emit_note(emitter, opcode_bytes + 4, state);
}

void dbt_emit_jump(dbt_emitter *emitter, u64 guest_target, u16 state) {
    static const u8 opcode = 0xe9;
    dbt_emit_pad(emitter, dbt_emit_padding_for(emitter, 1), state);
    put_link(emitter, &opcode, 1, DBT_ENTRY_BODY, guest_target, state);
}

void dbt_emit_jcc(dbt_emitter *emitter, const dbt_instruction *instruction, u16 state) {
    const u8 opcode[2] = {0x0f, (u8)(0x80 | (instruction->opcode & 15))};
    put_link(emitter, opcode, 2, DBT_ENTRY_BODY, instruction->branch_target, state);
}

#define CALL_OPCODE 0xe8u

void dbt_emit_call(dbt_emitter *emitter, u64 guest_target, u16 state) {
    static const u8 opcode = CALL_OPCODE;
    dbt_emit_pad(emitter, dbt_emit_padding_for(emitter, 1), state);
    put_link(emitter, &opcode, 1, DBT_ENTRY_CALL, guest_target, state);
}

void dbt_emit_call_table(dbt_emitter *emitter, u16 state) {
    const u32 number = new_exit(emitter, DBT_EXIT_KIND_TABLE, DBT_ENTRY_CALL, 0);
    dbt_exit *exit = &emitter->engine->exits[number];
    exit->host_stub = dbt_emit_cold(emitter, DBT_TEMPLATE_TABLE_STUB, DBT_TABLE_STUB_BYTES, number);
    *emitter->hot = CALL_OPCODE;
    dbt_emit_put_u32(emitter->hot + 1, (u32)(exit->host_stub - ((u64)emitter->hot + 5)));
    emitter->hot += 5;
    dbt_emit_note(emitter, 5, state);
}

void dbt_emit_leave(dbt_emitter *emitter, u16 state) {
    if (emitter->check_exit == DBT_NONE) {
        const u64 guest_pc = emitter->engine->units[emitter->unit].guest_pc;
        const u32 number = new_exit(emitter, DBT_EXIT_KIND_CHECK, DBT_ENTRY_BODY, guest_pc);
        emitter->check_exit = number;
        emitter->engine->exits[number].host_stub =
            dbt_emit_cold(emitter, DBT_TEMPLATE_CHECK_STUB, DBT_CHECK_STUB_BYTES, number);
    }
    const u64 stub = emitter->engine->exits[emitter->check_exit].host_stub;
    *emitter->hot = 0xe9;
    dbt_emit_put_u32(emitter->hot + 1, (u32)(stub - ((u64)emitter->hot + 5)));
    emitter->hot += 5;
    dbt_emit_note(emitter, 5, state);
}

#define SHORT_REACH 127u
/* The most that the rest of the call and the prologue behind it take. */
#define DIRECT_AHEAD_BYTES 42u    /* push, lea, padding, call, check */
#define INDIRECT_AHEAD_BYTES 110u /* load of the target as well */
#define MISSED DBT_STATE(1u << DBT_RCX, DBT_WHERE_STACK)

void dbt_emit_miss_jump(dbt_emitter *emitter) {
    const u8 *start = emitter->hot;
    emitter->engine->chunks[emitter->chunk].return_miss = (u64)start;
    dbt_emit_hot(emitter, DBT_TEMPLATE_RETURN_MISS_JUMP, DBT_NONE, MISSED);
    DBT_ASSERT(emitter->hot == start + DBT_MISS_JUMP_BYTES);
}

/* The prologue behind a call branches back to a miss jump within 128 bytes. When none will be in
 * reach, the way there goes through the displacement of a long no-operation, as a short jump, or, when
 * even that is too far, a new miss jump is put here and jumped over. */
void dbt_emit_island(dbt_emitter *emitter, u8 class_, u16 state) {
    const u32 ahead_bytes = class_ == DBT_CLASS_CALL ? DIRECT_AHEAD_BYTES : INDIRECT_AHEAD_BYTES;
    u64 *point = &emitter->engine->chunks[emitter->chunk].return_miss;
    const u64 here = (u64)emitter->hot;
    if (here + ahead_bytes - *point <= SHORT_REACH) {
        return;
    }
    if (here + 5 - *point <= SHORT_REACH) {
        const u8 hop[] = {0x0f, 0x1f, 0x80, 0xeb, (u8)(*point - (here + 5)), 0, 0};
        dbt_emit_bytes(emitter, hop, sizeof hop);
        dbt_emit_note(emitter, 3, state);
        dbt_emit_note(emitter, 4, MISSED);
        *point = here + 3;
        return;
    }
    const u8 over[] = {0xeb, DBT_MISS_JUMP_BYTES};
    dbt_emit_bytes(emitter, over, sizeof over);
    dbt_emit_note(emitter, sizeof over, state);
    dbt_emit_miss_jump(emitter);
}

void dbt_emit_exit(dbt_emitter *emitter, dbt_exit_kind kind, u64 guest_pc, u16 state) {
    const u32 exit = new_exit(emitter, kind, DBT_ENTRY_BODY, guest_pc);
    emitter->engine->exits[exit].host_stub = (u64)emitter->hot;
    dbt_emit_hot(emitter, DBT_TEMPLATE_STUB, exit, state);
}

bool dbt_emit_leave_out(dbt_emitter *emitter, const dbt_item *item, bool last, u64 guest_target) {
    const u8 class_ = item->instruction.class_;
    if (!emitter->may_fall || !last || (class_ != DBT_CLASS_JCC && class_ != DBT_CLASS_JMP)) {
        return false;
    }
    const dbt_engine *engine = emitter->engine;
    if (dbt_tcache_lookup(engine, guest_target, DBT_ENTRY_BODY) != DBT_NONE ||
        guest_target == engine->units[emitter->unit].guest_pc ||
        (engine->has_stop && guest_target == engine->stop_pc)) {
        return false;
    }
    emitter->falls = true;
    emitter->falls_to = guest_target;
    return true;
}
