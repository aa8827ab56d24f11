/* Job: template stitching: copies rendered bytes, fills holes, moves or substitutes the guest's own
 * operand, emits spills and reloads. The ways out of a unit are emit_exit.c's.
 * State: the emitter. Invariant: every host instruction emitted leaves exactly one map record, whose
 * state describes the moment before it runs. */
#include "core/emit.h"

#include "core/branches.h"
#include "core/emit_internal.h"
#include "core/operand.h"
#include "core/plant.h"
#include "core/template.h"
#include "generated/translate_tables.h"

/* Closes an item: its records go to the map in the shortest form. */
static void end_item(dbt_emitter *emitter, u8 guest_bytes) {
    DBT_ASSERT(emitter->records <= DBT_ITEM_RECORDS_MAX || guest_bytes == 0);
    u8 *map = emitter->map;
    if (emitter->records == 1 && emitter->record_bytes[0] == guest_bytes &&
        emitter->record_state[0] == DBT_STATE(0, DBT_WHERE_THIS)) {
        *map++ = guest_bytes;
    } else {
        bool target = false;
        *map++ = (u8)(DBT_MAP_EXPANDED | guest_bytes);
        *map++ = (u8)emitter->records;
        for (u32 i = 0; i < emitter->records; i++) {
            *map++ = emitter->record_bytes[i];
            *map++ = (u8)emitter->record_state[i];
            *map++ = (u8)(emitter->record_state[i] >> 8);
            target |= dbt_state_where(emitter->record_state[i]) == DBT_WHERE_TARGET;
        }
        if (target) {
            memcpy(map, &emitter->record_target, 8);
            map += 8;
        }
    }
    emitter->map = map;
    emitter->records = 0;
}

/* The multi-byte no-operations the manual recommends (SDM vol. 2B, NOP), one after the other. */
static const u8 nop_bytes[9][9] = {
    {0x90},
    {0x66, 0x90},
    {0x0f, 0x1f, 0x00},
    {0x0f, 0x1f, 0x40, 0x00},
    {0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
    {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
};

void dbt_emit_pad(dbt_emitter *emitter, u32 count, u16 state) {
    while (count) {
        u32 size = count < 9 ? count : 9;
        dbt_emit_bytes(emitter, nop_bytes[size - 1], size);
        dbt_emit_note(emitter, size, state);
        count -= size;
    }
}

static void move_register(dbt_emitter *emitter, u8 opcode, u32 number) {
    const u32 slot = DBT_SPILL_AT(number);
    u8 *at = emitter->hot;
    at[0] = 0x65; /* gs */
    at[1] = 0x48; /* REX.W */
    at[2] = opcode;
    at[3] = (u8)(0x04 | number << 3);
    at[4] = 0x25; /* no base, no index: absolute disp32 */
    dbt_emit_put_u32(at + 5, slot);
    emitter->hot += DBT_RELOAD_BYTES;
}

static void spill(dbt_emitter *emitter, u32 number, u16 state) {
    move_register(emitter, 0x89, number);
    dbt_emit_note(emitter, DBT_RELOAD_BYTES, state);
}

static void reload(dbt_emitter *emitter, u32 number, u16 state) {
    move_register(emitter, 0x8b, number);
    dbt_emit_note(emitter, DBT_RELOAD_BYTES, state);
}

static u8 resolve(u8 argument, const dbt_item *item) {
    return argument & 0x80 ? item->scratch[argument & 0x7f] : argument;
}

static u64 literal(dbt_emitter *emitter, u64 value) {
    emitter->cold = (u8 *)(((u64)emitter->cold - 8) & ~7ULL);
    memcpy(emitter->cold, &value, 8);
    return (u64)emitter->cold;
}

static void fill_hole(dbt_emitter *emitter, u8 *code, const dbt_template_hole *hole,
                      const dbt_item *item, u32 exit) {
    const dbt_engine *engine = emitter->engine;
    const dbt_instruction *instruction = &item->instruction;
    const u64 next = instruction->guest_pc + instruction->length;
    u8 *at = code + hole->at;
    switch ((dbt_hole_kind)hole->kind) {
    case DBT_HOLE_SCRATCH:
        *at = (u8)(*at | item->scratch[hole->argument & 15] << (hole->argument >> 4));
        break;
    case DBT_HOLE_NEXT:
        dbt_emit_put_u32(at, (u32)next);
        break;
    case DBT_HOLE_NEXT_LITERAL:
        dbt_emit_put_u32(at, (u32)(literal(emitter, next) + (u64)(i64)hole->addend - (u64)at));
        break;
    case DBT_HOLE_KEY:
        dbt_emit_put_u32(at, (u32)-(u32)(instruction->guest_pc >> 16));
        break;
    case DBT_HOLE_RETURNS:
        dbt_emit_put_u32(at, (u32)(u64)engine->returns);
        break;
    case DBT_HOLE_JUMPS:
        dbt_emit_put_u32(at, (u32)(u64)engine->jumps);
        break;
    case DBT_HOLE_SECOND:
        dbt_emit_put_u32(at, (u32)((u64)engine->second + (u64)(i64)hole->addend));
        break;
    case DBT_HOLE_EXIT:
        dbt_emit_put_u32(at, exit + DBT_EXIT_ID_FIRST);
        break;
    case DBT_HOLE_POP:
        dbt_emit_put_u32(at, 8 + (u32)(u16)instruction->immediate);
        break;
    case DBT_HOLE_COUNTER:
        dbt_emit_put_u32(at, DBT_COUNTER_AT(engine->descriptions));
        break;
    case DBT_HOLE_SITE:
        dbt_emit_put_u32(at, engine->descriptions + 1);
        break;
    case DBT_HOLE_OPERAND: {
        const u64 address = dbt_operand_address(instruction);
        memcpy(at, &address, 8);
        break;
    }
    case DBT_HOLE_WORD:
        memcpy(at, &instruction->guest_pc, 8);
        break;
    case DBT_HOLE_MINUS_VALUE:
    case DBT_HOLE_MINUS_VALUE_LOW: {
        u64 value;
        memcpy(&value, item->bytes, 8);
        value = -value;
        memcpy(at, &value, hole->kind == DBT_HOLE_MINUS_VALUE ? 8 : 4);
        break;
    }
    case DBT_HOLE_MISS_POINT:
        *at = (u8)(emitter->engine->chunks[emitter->chunk].return_miss - ((u64)at + 1));
        break;
    case DBT_HOLE_TARGET_LITERAL: /* the caller fills it */
    case DBT_HOLE_COUNT:
        break;
    }
}

/* Copies a rendered op's bytes to *to and fills its holes. */
static void put_code(dbt_emitter *emitter, u8 **to, const dbt_template_op *op, const dbt_item *item,
                     u32 exit) {
    u8 *code = *to;
    memcpy(code, dbt_template_code + op->code_at, op->code_bytes);
    *to += op->code_bytes;
    for (u32 i = 0; i < op->hole_count; i++) {
        fill_hole(emitter, code, &dbt_template_holes[op->first_hole + i], item, exit);
    }
}

void dbt_emit_hot(dbt_emitter *emitter, u8 template_, u32 exit, u16 state) {
    static const dbt_item none;
    const dbt_template *stub = &dbt_templates[template_];
    for (u32 i = 0; i < stub->op_count; i++) {
        const dbt_template_op *op = &dbt_template_ops[stub->first_op + i];
        put_code(emitter, &emitter->hot, op, &none, exit);
        dbt_emit_note(emitter, op->code_bytes, state);
    }
}

u64 dbt_emit_cold(dbt_emitter *emitter, u8 template_, u32 size_bytes, u32 exit) {
    static const dbt_item none;
    const dbt_template *stub = &dbt_templates[template_];
    emitter->cold -= size_bytes;
    u8 *at = emitter->cold;
    for (u32 i = 0; i < stub->op_count; i++) {
        put_code(emitter, &at, &dbt_template_ops[stub->first_op + i], &none, exit);
    }
    DBT_ASSERT(at == emitter->cold + size_bytes);
    return (u64)emitter->cold;
}

static void put_guest(dbt_emitter *emitter, const dbt_item *item, const u8 *bytes,
                      const dbt_template_op *op) {
    const dbt_instruction *instruction = &item->instruction;
    if (op->kind == DBT_OP_GUEST_BASE) {
        emitter->hot += dbt_operand_rebase(instruction, bytes, resolve(op->argument, item), emitter->hot);
        return;
    }
    u8 *start = emitter->hot;
    dbt_emit_bytes(emitter, bytes, instruction->length);
    if (op->kind == DBT_OP_GUEST_NEAR) {
        dbt_emit_put_u32(start + instruction->displacement_at,
                         (u32)(dbt_operand_address(instruction) - (u64)emitter->hot));
    }
}

/* lea s, [s + base] with the operand's own base register; nothing when it has none. */
static bool put_add_base(dbt_emitter *emitter, const dbt_instruction *instruction, u8 number) {
    if (instruction->base == DBT_NO_REGISTER) {
        return false;
    }
    /* The operand's base goes to the SIB base, so that rsp can be one; mod 1 so that rbp can. */
    const u8 bytes[] = {
        (u8)(0x48 | instruction->base >> 3),
        0x8d,
        (u8)(0x44 | number << 3),
        (u8)((instruction->base & 7) | number << 3),
        0,
    };
    dbt_emit_bytes(emitter, bytes, sizeof bytes);
    return true;
}

static void put_short(dbt_emitter *emitter, const dbt_item *item, u16 state) {
    const dbt_instruction *instruction = &item->instruction;
    u8 *start = emitter->hot;
    if (instruction->address_bytes == 4) {
        *emitter->hot++ = 0x67;
    }
    *emitter->hot++ = instruction->opcode;
    *emitter->hot++ = 5; /* over the jmp rel32 that follows */
    dbt_emit_note(emitter, (u32)(emitter->hot - start), state);
}

/* Reloads the wanted ones of the spilled registers; answers what is still spilled. */
static u32 reload_all(dbt_emitter *emitter, u32 mask, u32 wanted, u32 where) {
    for (u32 left = wanted; left; left &= left - 1) {
        const u32 number = (u32)__builtin_ctz(left);
        reload(emitter, number, DBT_STATE(mask, where));
        mask &= ~(1u << number);
    }
    return mask;
}

static void put_op(dbt_emitter *emitter, const dbt_item *item, const u8 *bytes,
                   const dbt_template_op *op, bool last, u16 state) {
    const dbt_instruction *instruction = &item->instruction;
    const u64 next = instruction->guest_pc + instruction->length;
    u8 *start = emitter->hot;
    switch ((dbt_op_kind)op->kind) {
    case DBT_OP_CODE:
        put_code(emitter, &emitter->hot, op, item, DBT_NONE);
        dbt_emit_note(emitter, op->code_bytes, state);
        break;
    case DBT_OP_GUEST:
    case DBT_OP_GUEST_NEAR:
    case DBT_OP_GUEST_BASE:
        put_guest(emitter, item, bytes, op);
        dbt_emit_note(emitter, (u32)(emitter->hot - start), state);
        break;
    case DBT_OP_LOAD:
    case DBT_OP_LOAD_MOVED:
    case DBT_OP_LOAD_BASE:
        emitter->hot += dbt_operand_load(instruction, bytes, op->kind == DBT_OP_LOAD_BASE,
                                     resolve(op->argument, item), op->kind == DBT_OP_LOAD_MOVED,
                                     emitter->hot);
        if (emitter->hot != start) {
            dbt_emit_note(emitter, (u32)(emitter->hot - start), state);
        }
        break;
    case DBT_OP_ADD_BASE:
        if (put_add_base(emitter, instruction, resolve(op->argument, item))) {
            dbt_emit_note(emitter, (u32)(emitter->hot - start), state);
        }
        break;
    case DBT_OP_JCC:
        dbt_emit_jcc(emitter, instruction, state);
        break;
    case DBT_OP_SHORT:
        put_short(emitter, item, state);
        break;
    case DBT_OP_JUMP_NEXT:
        if (!dbt_emit_leave_out(emitter, item, last, next)) {
            dbt_emit_jump(emitter, next, state);
        }
        break;
    case DBT_OP_JUMP_TAKEN:
        emitter->record_target = instruction->branch_target;
        if (!dbt_emit_leave_out(emitter, item, last, instruction->branch_target)) {
            dbt_emit_jump(emitter, instruction->branch_target, state);
        }
        break;
    case DBT_OP_EXIT_SYSCALL:
        dbt_emit_exit(emitter, DBT_EXIT_KIND_SYSCALL, instruction->guest_pc, state);
        break;
    case DBT_OP_EXIT_CALLOUT:
        dbt_emit_exit(emitter, DBT_EXIT_KIND_CALLOUT, instruction->guest_pc, state);
        break;
    case DBT_OP_EXIT_UNSUPPORTED:
        dbt_emit_exit(emitter, DBT_EXIT_KIND_UNSUPPORTED, instruction->guest_pc, state);
        break;
    case DBT_OP_CALL:
        emitter->record_target = instruction->branch_target;
        dbt_emit_call(emitter, instruction->branch_target, state);
        break;
    case DBT_OP_CALL_TABLE:
        dbt_emit_call_table(emitter, state);
        break;
    case DBT_OP_LEAVE:
        dbt_emit_leave(emitter, state);
        break;
    case DBT_OP_ISLAND:
        dbt_emit_island(emitter, instruction->class_, state);
        break;
    case DBT_OP_RELOAD: /* by the caller, which keeps the mask */
    case DBT_OP_RELOAD_BUT_RCX:
    case DBT_OP_COUNT:
        break;
    }
}

static u32 scratch_mask(const dbt_template *template_, const dbt_item *item) {
    u32 mask = template_->fixed_mask;
    for (u32 i = 0; i < template_->scratch_count; i++) {
        mask |= 1u << item->scratch[i];
    }
    return mask;
}

/* The ops of one template: spills, body, reloads. */
static void put_template(dbt_emitter *emitter, u8 number, const dbt_item *item, const u8 *bytes) {
    const dbt_template *template_ = &dbt_templates[number];
    const u32 wanted = scratch_mask(template_, item);
    u32 mask = template_->entry_spilled_mask;
    for (u32 left = wanted & ~mask; left; left &= left - 1) {
        const u32 r = (u32)__builtin_ctz(left);
        spill(emitter, r, DBT_STATE(mask, template_->entry_where));
        mask |= 1u << r;
    }
    u32 where = template_->entry_where;
    bool done = false;
    for (u32 i = 0; i < template_->op_count; i++) {
        const dbt_template_op *op = &dbt_template_ops[template_->first_op + i];
        where = done && op->where == DBT_WHERE_THIS ? (u32)DBT_WHERE_NEXT : op->where; /* and low */
        if (op->kind == DBT_OP_RELOAD) {
            mask = reload_all(emitter, mask, mask, where);
            continue;
        }
        if (op->kind == DBT_OP_RELOAD_BUT_RCX) {
            mask = reload_all(emitter, mask, mask & ~(1u << DBT_RCX), where);
            continue;
        }
        put_op(emitter, item, bytes, op, i + 1u == template_->op_count, DBT_STATE(mask, where));
        if (op->kind == DBT_OP_GUEST || op->kind == DBT_OP_GUEST_NEAR ||
            op->kind == DBT_OP_GUEST_BASE) {
            done = true; /* the guest instruction has run; what follows only tidies up */
        }
    }
    if (!(template_->flags & (DBT_TEMPLATE_KEEPS_SPILLED | DBT_TEMPLATE_ENDS))) {
        if (dbt_plant_at(emitter->engine, DBT_PLANT_SCRATCH, item->instruction.guest_pc)) {
            return;
        }
        const u32 kept = item->inserted ? item->kept_spilled : 0;
        reload_all(emitter, mask, mask & ~kept, done ? (u32)DBT_WHERE_NEXT : where);
    }
}

void dbt_emit_begin(dbt_emitter *emitter, dbt_engine *engine, u32 unit, u32 chunk_number) {
    const dbt_chunk *chunk = &engine->chunks[chunk_number];
    memset(emitter, 0, offsetof(dbt_emitter, record_bytes));
    emitter->engine = engine;
    emitter->unit = unit;
    emitter->chunk = chunk_number;
    emitter->hot = (u8 *)chunk->host_hot;
    emitter->cold = (u8 *)chunk->host_cold;
    emitter->map = engine->maps + (u64)chunk_number * engine->map_per_chunk + chunk->map_bytes;
    emitter->map_end = engine->maps + (u64)(chunk_number + 1) * engine->map_per_chunk;
    emitter->check_exit = DBT_NONE;
}

/* What put_template and end_item come to for most instructions: a copy, and its length in the map. */
static void put_copy(dbt_emitter *emitter, const dbt_item *item) {
    const u8 length = item->instruction.length;
    __builtin_memcpy(emitter->hot, item->bytes, sizeof item->bytes); /* there is room, and more follows */
    emitter->hot += length;
    *emitter->map++ = length;
    emitter->host_instructions++;
}

/* A copy behind an inserted item, in the state that this has left, until it is the guest's own again. */
static void put_inheriting(dbt_emitter *emitter, const dbt_item *item, const dbt_item *next) {
    const u8 length = item->instruction.length;
    dbt_effects effects;
    if (next && next->fused) {
        const u32 padding = dbt_emit_padding_for(emitter, length + 2u);
        DBT_ASSERT(padding == 0 || !(emitter->inherited & DBT_STATE_FLAGS_LOST));
        dbt_emit_pad(emitter, padding, emitter->inherited);
    }
    dbt_emit_bytes(emitter, item->bytes, length);
    dbt_emit_note(emitter, length, emitter->inherited);
    end_item(emitter, length);
    dbt_instruction_effects(&item->instruction, &effects);
    emitter->inherited = (u16)(emitter->inherited & ~(effects.registers_written | DBT_STATE_FLAGS_LOST));
}

u64 dbt_emit_inserted(dbt_emitter *emitter, const dbt_item *item) {
    const dbt_template *template_ = &dbt_templates[item->template_];
    emitter->inherited = item->kept_spilled;
    if (item->pad_for) {
        u32 size = item->pad_for;
        for (u32 i = 0; i < template_->op_count; i++) {
            size += dbt_template_ops[template_->first_op + i].code_bytes;
        }
        dbt_emit_pad(emitter, dbt_emit_padding_for(emitter, size), DBT_STATE(0, DBT_WHERE_THIS));
        emitter->inherited = DBT_STATE_FLAGS_LOST;
    }
    put_template(emitter, item->template_, item, item->bytes);
    end_item(emitter, 0);
    u64 host_done = (u64)emitter->hot;
    for (u32 left = scratch_mask(template_, item) & ~(u32)item->kept_spilled; left; left &= left - 1) {
        host_done -= DBT_RELOAD_BYTES;
    }
    return host_done;
}

void dbt_emit_item(dbt_emitter *emitter, const dbt_item *item, const dbt_item *next) {
    const dbt_instruction *instruction = &item->instruction;
    if (emitter->inherited) {
        put_inheriting(emitter, item, next);
        return;
    }
    if (item->template_ == DBT_TEMPLATE_IDENT && !(next && next->fused) &&
        emitter->engine->configuration.plant == 0) {
        put_copy(emitter, item);
        return;
    }
    const u16 before = DBT_STATE(0, DBT_WHERE_THIS);
    if (instruction->class_ == DBT_CLASS_JCC && !item->fused) {
        dbt_emit_pad(emitter, dbt_emit_padding_for(emitter, 2), before);
    } else if (instruction->class_ == DBT_CLASS_LOOP) {
        const u32 size = instruction->address_bytes == 4 ? 3 : 2;
        u32 count = 0;
        while (dbt_emit_padding_for(emitter, count + size + 1) ||
               dbt_emit_padding_for(emitter, count + size + 6)) {
            count++;
        }
        dbt_emit_pad(emitter, count, before);
    } else if (next && next->fused) {
        dbt_emit_pad(emitter, dbt_emit_padding_for(emitter, instruction->length + 2u), before);
    }
    if (dbt_plant_at(emitter->engine, DBT_PLANT_STORE, instruction->guest_pc)) {
        dbt_emit_pad(emitter, instruction->length, before);
    } else {
        put_template(emitter, item->template_, item, item->bytes);
    }
    if (dbt_plant_at(emitter->engine, DBT_PLANT_FLAG, instruction->guest_pc)) {
        static const u8 cmc = 0xf5;
        dbt_emit_bytes(emitter, &cmc, 1);
        dbt_emit_note(emitter, 1, DBT_STATE(0, DBT_WHERE_NEXT));
    }
    end_item(emitter, instruction->length);
}

void dbt_emit_prologue(dbt_emitter *emitter, dbt_entry_kind entry, bool landing) {
    static const u8 templates[] = {
        [DBT_ENTRY_BODY] = DBT_TEMPLATE_IDENT,
        [DBT_ENTRY_RETURN] = DBT_TEMPLATE_RETURN_PROLOGUE,
        [DBT_ENTRY_JUMP] = DBT_TEMPLATE_JUMP_PROLOGUE,
        [DBT_ENTRY_CALL] = DBT_TEMPLATE_CALL_PROLOGUE,
    };
    dbt_unit *unit = &emitter->engine->units[emitter->unit];
    dbt_item item;
    memset(&item, 0, sizeof item);
    item.instruction.guest_pc = unit->guest_pc;
    if (entry == DBT_ENTRY_RETURN && !landing) {
        dbt_emit_miss_jump(emitter);
        end_item(emitter, 0);
    }
    unit->entry_offset =
        landing || entry == DBT_ENTRY_CALL || entry == DBT_ENTRY_BODY ? 0 : DBT_MISS_JUMP_BYTES;
    put_template(emitter, templates[entry], &item, 0);
    DBT_ASSERT(entry != DBT_ENTRY_JUMP || emitter->record_bytes[0] == DBT_MISS_JUMP_BYTES);
    end_item(emitter, 0);
    if (emitter->engine->counting && (entry == DBT_ENTRY_RETURN || entry == DBT_ENTRY_JUMP)) {
        item.scratch[0] = DBT_RSI;
        item.scratch[1] = DBT_RDI;
        dbt_emit_routine(emitter, DBT_TEMPLATE_NOTE_ARRIVAL, &item);
    }
}

void dbt_emit_record(dbt_emitter *emitter) {
    dbt_emit_exit(emitter, DBT_EXIT_KIND_RECORD, emitter->engine->units[emitter->unit].guest_pc,
                  DBT_STATE(0, DBT_WHERE_THIS));
    end_item(emitter, 0);
}

void dbt_emit_final_jump(dbt_emitter *emitter, u64 guest_target) {
    /* Behind a jump that was left out the guest's pc is not the next one but that jump's target. */
    const u32 where = emitter->falls ? (u32)DBT_WHERE_TARGET : (u32)DBT_WHERE_THIS;
    emitter->record_target = guest_target;
    dbt_emit_jump(emitter, guest_target, DBT_STATE(0, where));
    end_item(emitter, 0);
}

void dbt_emit_far_jump(u8 *at, u64 host_target) {
    const dbt_template *template_ = &dbt_templates[DBT_TEMPLATE_FAR_LINK];
    const dbt_template_op *op = &dbt_template_ops[template_->first_op];
    memcpy(at, dbt_template_code + op->code_at, op->code_bytes);
    dbt_emit_put_u32(at + dbt_template_holes[op->first_hole].at, 8u - op->code_bytes);
    memcpy(at + 8, &host_target, 8);
}

void dbt_emit_routine(dbt_emitter *emitter, u8 template_, const dbt_item *item) {
    static const dbt_item none;
    put_template(emitter, template_, item ? item : &none, 0);
    end_item(emitter, 0);
}

const char *dbt_template_name(u8 template_) {
    return dbt_template_names[template_];
}

u8 dbt_rule_select(const dbt_instruction *instruction, u32 facts) {
    for (u32 i = dbt_first_rule[instruction->class_]; i < DBT_ARRAY_LENGTH(dbt_rules); i++) {
        const dbt_rule *rule = &dbt_rules[i];
        if (rule->class_ == instruction->class_ && (facts & rule->require) == rule->require &&
            !(facts & rule->exclude)) {
            return rule->template_;
        }
    }
    dbt_fatal(__FILE__, __LINE__, "a class without a last rule");
}

bool dbt_template_costs_flags(u8 template_) {
    return dbt_templates[template_].flags & DBT_TEMPLATE_COSTS_FLAGS;
}

u8 dbt_template_scratch_count(u8 template_) {
    return dbt_templates[template_].scratch_count;
}

u8 dbt_template_fixed_mask(u8 template_) {
    return dbt_templates[template_].fixed_mask;
}
