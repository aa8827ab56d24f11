/* Job: a brief look at an instruction: how long it is, when it is one of the many that units hold unchanged.
 * State: none.
 * Invariant: a length is answered only for what dbt_instruction_decode calls IDENT, without a segment
 * override or a RIP-relative operand; the same length, and the same trait FUSIBLE. */
#include "core/decode_internal.h"

#define BRIEF_MODRM (1u << 24)
#define BRIEF_FUSIBLE_SHIFT 16
#define BRIEF_IMMEDIATE_SHIFT 25

#define WITH_SIB 0x80u /* of behind_modrm: not known without the SIB byte, or RIP-relative */

/* Bytes behind the ModRM byte, by mod and rm. */
static const u8 behind_modrm[4][8] = {
    {0, 0, 0, 0, WITH_SIB, WITH_SIB, 0, 0},
    {1, 1, 1, 1, 2, 1, 1, 1},
    {4, 4, 4, 4, 5, 4, 4, 4},
    {0, 0, 0, 0, 0, 0, 0, 0},
};

/* By the kind of immediate that the table names; then W << 1 | 66. */
static const u8 immediate_bytes[4][4] = {{0, 0, 0, 0}, {1, 1, 1, 1}, {4, 2, 4, 4}, {4, 2, 8, 8}};

/* pp, as the manual numbers the mandatory prefixes. */
static const u8 mandatory_of[256] = {[0x66] = 1, [0xf3] = 2, [0xf2] = 3};

/* Nearly without branches up to the table: which bytes stand before an opcode is not to be predicted. */
u32 dbt_instruction_brief(const u8 code[DBT_INSTRUCTION_MAX_BYTES], u32 *traits)
{
    const u32 mandatory = mandatory_of[code[0]];
    u32 at = mandatory != 0;
    const u32 has_rex = (code[at] & 0xf0) == 0x40;
    const u32 w = has_rex & (u32)code[at] >> 3;
    at += has_rex;
    const u32 escaped = code[at] == 0x0f;
    at += escaped;
    const u32 entry = dbt_decode_brief[escaped << 2 | mandatory][code[at++]];
    if (entry == 0) {
        return 0;
    }
    u32 reg = 0;
    if (entry & BRIEF_MODRM) {
        const u32 modrm = code[at++];
        reg = modrm >> 3 & 7;
        if (!(entry >> ((modrm >= 0xc0 ? 8u : 0u) + reg) & 1)) {
            return 0;
        }
        u32 behind = behind_modrm[modrm >> 6][modrm & 7];
        if (behind == WITH_SIB) {
            if ((modrm & 7) == 5) {
                return 0;
            }
            behind = (code[at] & 7) == 5 ? 5 : 1;
        }
        at += behind;
    }
    *traits = entry >> (BRIEF_FUSIBLE_SHIFT + reg) & 1 ? DBT_TRAIT_FUSIBLE : 0;
    return at + immediate_bytes[entry >> BRIEF_IMMEDIATE_SHIFT][w << 1 | (mandatory == 1)];
}
