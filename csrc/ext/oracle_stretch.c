/* Job: what an instruction stores to, told before it runs, and how many in a row the hardware oracle may
 * let run without a stop between them.
 * State: none of its own; what is noted goes to the log of stores.
 * Invariant: every store of a stretch is noted before its first instruction runs. */
#define _GNU_SOURCE
#include "ext/oracle_hardware.h"

#include <string.h>

#define STORE_MOST_BYTES 64u
#define SAVE_MOST_BYTES 4096u

static u64 general(const dbt_hardware *own, u32 number)
{
    dbt_unit_record state;
    dbt_tracee_tell(own, &state);
    return state.registers[number];
}

static u64 effective_address(const dbt_hardware *own, const dbt_instruction *instruction)
{
    u64 address = (u64)instruction->displacement;
    if (instruction->traits & DBT_TRAIT_RIP_RELATIVE) {
        address += instruction->guest_pc + instruction->length;
    } else if (instruction->base != DBT_NO_REGISTER) {
        address += general(own, instruction->base);
        if (instruction->traits & DBT_TRAIT_STACK && instruction->opcode == 0x8f &&
            instruction->base == 4) {
            address += instruction->operand_bytes; /* pop: rsp as it is afterwards */
        }
    }
    if (instruction->index != DBT_NO_REGISTER && !(instruction->traits & DBT_TRAIT_VSIB)) {
        address += general(own, instruction->index) * instruction->scale;
    }
    if (instruction->address_bytes == 4) {
        address = (u32)address;
    }
    if (instruction->prefixes & DBT_PREFIX_FS) {
        address += own->registers.fs_base;
    } else if (instruction->prefixes & DBT_PREFIX_GS) {
        address += own->registers.gs_base;
    }
    return address;
}

void dbt_stretch_note_stores(dbt_oracle *oracle, const dbt_instruction *instruction)
{
    const dbt_hardware *own = oracle->own;
    const bool is_call = instruction->class_ == DBT_CLASS_CALL || instruction->class_ == DBT_CLASS_ICALL;
    if (instruction->traits & DBT_TRAIT_STRING) {
        const u64 width = instruction->opcode & 1u ? instruction->operand_bytes : 1;
        const bool repeats = instruction->prefixes & (DBT_PREFIX_REP | DBT_PREFIX_REPNE);
        const u64 count = repeats ? own->registers.rcx : 1;
        const u64 size_bytes = count < 0x1000000 ? count * width : 0;
        const bool is_down = own->registers.eflags & DBT_FLAG_DF;
        u64 start = own->registers.rdi - (is_down ? size_bytes : 0);
        for (u64 left = size_bytes + (is_down ? width : 0); left > 0;) {
            u64 mapped;
            const u32 part = left < DBT_PAGE_BYTES ? (u32)left : (u32)DBT_PAGE_BYTES;
            if (dbt_mirror_at(oracle, start, &mapped) != NULL) {
                dbt_oracle_note_write(oracle, start, part);
            }
            start += part;
            left -= part;
        }
    } else if (instruction->traits & DBT_TRAIT_WRITES_MEMORY &&
               instruction->traits & DBT_TRAIT_MEMORY) {
        const bool is_save = instruction->traits & DBT_TRAIT_SAVES;
        dbt_oracle_note_write(oracle, effective_address(own, instruction),
                              is_save ? SAVE_MOST_BYTES : STORE_MOST_BYTES);
    } else if (instruction->traits & DBT_TRAIT_WRITES_MEMORY) {
        dbt_oracle_note_write(oracle,
                              instruction->traits & DBT_TRAIT_IMPLICIT &&
                                      instruction->map == DBT_MAP_ONE_BYTE
                                  ? instruction->immediate
                                  : own->registers.rdi,
                              STORE_MOST_BYTES);
    }
    if (instruction->traits & DBT_TRAIT_STACK || is_call) {
        dbt_oracle_note_write(oracle, own->registers.rsp - 2 * STORE_MOST_BYTES,
                              2 * STORE_MOST_BYTES);
    }
}

static bool is_push_or_pop(const dbt_instruction *instruction)
{
    const u8 opcode = instruction->opcode;
    return instruction->map == DBT_MAP_ONE_BYTE &&
           ((opcode >= 0x50 && opcode <= 0x5f) || opcode == 0x68 || opcode == 0x6a);
}

/* Whether the instruction may be the stretch's next. */
static bool belongs(const dbt_stretch *stretch, const dbt_instruction *instruction)
{
    const u32 traits = instruction->traits;
    if ((instruction->class_ != DBT_CLASS_IDENT && instruction->class_ != DBT_CLASS_PCREL) ||
        traits & (DBT_TRAIT_STRING | DBT_TRAIT_INPUT | DBT_TRAIT_SAVES | DBT_TRAIT_IMPLICIT)) {
        return false;
    }
    if (traits & DBT_TRAIT_STACK) {
        return is_push_or_pop(instruction) && stretch->pushes < STORE_MOST_BYTES / 8 &&
               !(stretch->changed >> 4 & 1);
    }
    if (!(traits & DBT_TRAIT_WRITES_MEMORY)) {
        return true;
    }
    const u32 parts = (instruction->base == DBT_NO_REGISTER ? 0u : 1u << instruction->base) |
                      (instruction->index == DBT_NO_REGISTER ? 0u : 1u << instruction->index);
    const u32 moved = stretch->changed | (stretch->pushes != 0 ? 1u << 4 : 0u);
    return traits & DBT_TRAIT_MEMORY && !(traits & DBT_TRAIT_VSIB) && !(parts & moved);
}

void dbt_stretch_plan(dbt_oracle *oracle, u64 count_max, dbt_stretch *out)
{
    const dbt_hardware *own = oracle->own;
    memset(out, 0, sizeof *out);
    out->guest_end = own->registers.rip;
    while (out->count < count_max) {
        dbt_instruction instruction;
        dbt_effects effects;
        if (!dbt_oracle_decode(oracle, out->guest_end, &instruction) || !belongs(out, &instruction)) {
            return;
        }
        oracle->executed += out->count;
        dbt_stretch_note_stores(oracle, &instruction);
        oracle->executed -= out->count;
        dbt_instruction_effects(&instruction, &effects);
        if (instruction.traits & DBT_TRAIT_STACK) {
            out->pushes++;
            effects.registers_written &= (u16)~(1u << 4);
        }
        out->changed |= effects.registers_written;
        out->guest_end += instruction.length;
        out->count++;
    }
}
