/* Job: the registers and flags an instruction reads and writes, from its row's effects and its
 * operand fields.
 * State: none.
 * Invariant: total: every row that dbt_instruction_decode can answer has effects, row 0 none. */
#include "core/decode_internal.h"

/* One register operand of a row, added to the masks. */
static void add_operand(const dbt_instruction *instruction, u32 operand, dbt_effects *out)
{
    u32 place = operand & 31;
    u32 number = place;
    u32 width = operand >> 7 & 3;
    bool fixed = place < 16;
    u32 bytes = width == 0 ? 8 : width == 1 ? 1 : width == 2 ? 2 : instruction->operand_bytes;
    if (place == 16) {
        number = (instruction->modrm >> 3 & 7u) | (instruction->rex & 4u) << 1;
    } else if (place == 17) {
        if (instruction->traits & DBT_TRAIT_ADDRESS) {
            return;
        }
        number = (instruction->modrm & 7u) | (instruction->rex & 1u) << 3;
    } else if (place == 18) {
        number = instruction->vvvv & 15u;
    } else if (place == 19) {
        number = (instruction->opcode & 7u) | (instruction->rex & 1u) << 3;
    }
    if (bytes == 1 && !fixed && !(instruction->prefixes & DBT_PREFIX_REX)) {
        number &= 3; /* ah, ch, dh, bh lie in rax, rcx, rdx, rbx */
    }
    u32 bit = 1u << number;
    if (operand >> 5 & 1) {
        out->registers_read = (u16)(out->registers_read | bit);
    }
    if (operand >> 6 & 1) {
        out->registers_written = (u16)(out->registers_written | bit);
        if (bytes < 4) {
            out->registers_read = (u16)(out->registers_read | bit);
        }
    }
}

/* A count of 0 in rcx runs nothing: what would be written may stay as it was. */
static void repeat_effects(dbt_effects *out)
{
    out->registers_read = (u16)(out->registers_read | 1u << 1 | out->registers_written);
    out->registers_written = (u16)(out->registers_written | 1u << 1);
    out->flags_undefined |= out->flags_written;
    out->flags_written = 0;
}

/* Shifts and rotates by an immediate: by 0 they leave the flags alone, by 1 they define OF. */
static void count_effects(const dbt_instruction *instruction, dbt_effects *out)
{
    u32 count = (u32)instruction->immediate & (instruction->operand_bytes == 8 ? 63u : 31u);
    if (count == 0) {
        out->flags_written = 0;
        out->flags_undefined = 0;
    } else if (count == 1) {
        out->flags_written |= out->flags_undefined & DBT_FLAG_OF;
        out->flags_undefined &= ~(u32)DBT_FLAG_OF;
    }
}

void dbt_instruction_effects(const dbt_instruction *instruction, dbt_effects *out)
{
    const dbt_decode_row *row = &dbt_decode_rows[instruction->row];
    const dbt_decode_effect *effect = &dbt_decode_effects[row->effects];
    out->registers_read = effect->read;
    out->registers_written = effect->written;
    out->flags_read = effect->flags_read;
    out->flags_written = effect->flags_written;
    out->flags_undefined = effect->flags_undefined;
    if ((instruction->traits & DBT_TRAIT_ADDRESS) && !(row->flags & DBT_ROW_NO_ADDRESS)) {
        u32 address = 0;
        if (instruction->base != DBT_NO_REGISTER) {
            address |= 1u << instruction->base;
        }
        if (instruction->index != DBT_NO_REGISTER && !(instruction->traits & DBT_TRAIT_VSIB)) {
            address |= 1u << instruction->index;
        }
        out->registers_read = (u16)(out->registers_read | address);
    }
    for (u32 i = 0; i < 4 && effect->operands[i] != 0; i++) {
        add_operand(instruction, effect->operands[i], out);
    }
    if ((row->flags & DBT_ROW_REPEAT) &&
        (instruction->prefixes & (DBT_PREFIX_REP | DBT_PREFIX_REPNE))) {
        repeat_effects(out);
    }
    if (row->flags & DBT_ROW_COUNT) {
        count_effects(instruction, out);
    }
}
