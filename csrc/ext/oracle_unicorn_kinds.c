/* Job: what the Unicorn oracle has to know of an instruction before it runs: whether Unicorn gets it wrong,
 * and what is to be put right behind it.
 * State: none. Invariant: what is called wrong has a proof from the bare processor. */
#include "ext/oracle_unicorn.h"

/* Its selectors are null ones; lahf and sahf behind REX take spl for ah, and ret extends the sign of its
 * operand (tests/fuzz/disagreements.py has the proofs). */
static bool is_wrong(const dbt_instruction *instruction)
{
    const u8 opcode = instruction->opcode;
    if (instruction->map == DBT_MAP_0F) {
        return opcode == 0xa0 || opcode == 0xa8;
    }
    return instruction->map == DBT_MAP_ONE_BYTE &&
           (opcode == 0x8c || ((opcode == 0x9e || opcode == 0x9f) && instruction->rex != 0) ||
            (opcode == 0xc2 && instruction->immediate > 0x7fff));
}

u32 dbt_unicorn_kind(dbt_oracle *oracle, u64 guest_pc)
{
    dbt_instruction instruction;
    dbt_effects effects;
    if (!dbt_oracle_decode(oracle, guest_pc, &instruction)) {
        return DBT_KIND_PLAIN;
    }
    u32 kind = DBT_KIND_PLAIN;
    if (is_wrong(&instruction)) {
        return DBT_KIND_WRONG;
    }
    /* Unicorn 2.1 addresses the operand without its immediate: one byte off. */
    if (instruction.map == DBT_MAP_0F && (instruction.opcode & 0xf7) == 0xa4 &&
        instruction.traits & DBT_TRAIT_RIP_RELATIVE) {
        return DBT_KIND_WRONG;
    }
    if (instruction.traits & DBT_TRAIT_STRING &&
        instruction.prefixes & (DBT_PREFIX_REP | DBT_PREFIX_REPNE)) {
        kind = DBT_KIND_REPEATED;
    } else if (instruction.class_ >= DBT_CLASS_JCC && instruction.class_ <= DBT_CLASS_FAR) {
        kind = DBT_KIND_BRANCH;
    } else if (instruction.class_ == DBT_CLASS_POPF) {
        kind = DBT_KIND_POPF;
    }
    dbt_instruction_effects(&instruction, &effects);
    if ((kind == DBT_KIND_REPEATED || instruction.class_ == DBT_CLASS_LOOP) &&
        !(effects.flags_written | effects.flags_undefined)) {
        kind |= DBT_KIND_KEEPS_FLAGS;
    }
    return kind;
}
