/* Job: the guest's own memory operand, moved or substituted: the two mechanisms by which an instruction
 * keeps its meaning at another place.
 * State: none; every function is pure but for the bytes it writes. */
#ifndef DBT_CORE_OPERAND_H
#define DBT_CORE_OPERAND_H

#include "core/decode.h"

/* The address that a RIP-relative operand names. */
u64 dbt_operand_address(const dbt_instruction *instruction);

/* Writes the instruction with its memory operand based on a low register, without its gs override;
 * answers its length. from holds its bytes, to takes 16. */
u32 dbt_operand_rebase(const dbt_instruction *instruction, const u8 *from, u8 base, u8 *to);

/* Writes mov rcx, operand for the instruction's r/m64 operand; answers the length. base: the operand is
 * rebased on base_number; moved: its RIP-relative displacement is moved to suit to. */
u32 dbt_operand_load(const dbt_instruction *instruction, const u8 *from, bool base, u8 base_number,
                     bool moved, u8 *to);

#endif
