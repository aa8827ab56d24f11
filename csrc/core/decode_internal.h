/* Job: what the decoder's files share among themselves.
 * State: none.
 * Invariant: included by csrc/core/decode*.c alone. */
#ifndef DBT_CORE_DECODE_INTERNAL_H
#define DBT_CORE_DECODE_INTERNAL_H

#include "core/decode.h"
#include "generated/decode_tables.h"

/* A decode under way. */
typedef struct dbt_scan {
    const u8 *code;
    u32 limit;      /* bytes that may be read: the smaller of available_bytes and 15 */
    u32 at;         /* next byte */
    u32 selector;   /* DBT_SELECT_ fields */
    u32 entry;      /* of decode_entries, for the opcode */
    u32 mode;
    u32 vvvv;       /* un-inverted, before 32-bit mode drops its top bit */
    bool rounding;  /* EVEX.b with a register operand: L'L holds a rounding mode */
    bool invalid;   /* an encoding-level violation (VEX after 66, reserved payload bits ...) */
} dbt_scan;

/* Whether the fields of a whole instruction agree with what its row allows: LOCK, unused vvvv, EVEX
 * masking, broadcast and rounding, and the row's own check. May refine out->class_. */
bool dbt_decode_valid(const dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row);

#endif
