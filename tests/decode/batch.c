/* Job: the decoder over many inputs in one call, for the tests that compare millions of encodings.
 * State: none. Built by tests/decode/native.py together with csrc/core/decode*.c. */
#include "core/decode.h"

typedef bool (*capstone_iterator)(size_t handle, const u8 **code, size_t *size_bytes, u64 *address,
                                  void *instruction);

void test_decode_lengths(const u8 *code, size_t count, size_t stride, u64 guest_pc, dbt_mode mode,
                         u8 *lengths);
void test_decode_all(const u8 *code, size_t count, size_t stride, u64 guest_pc, dbt_mode mode,
                     dbt_instruction *out, dbt_effects *effects);
size_t test_decode_sweep(const u8 *code, size_t size_bytes, u64 guest_pc, u8 *lengths,
                         u64 *targets);
void test_capstone_lengths(capstone_iterator iterate, size_t handle, void *instruction,
                           const u8 *code, size_t count, size_t stride, u8 *lengths);
size_t test_brief_check(const u8 *code, size_t count, size_t stride, size_t *ident, size_t *brief);
size_t test_brief_sweep(const u8 *code, size_t size_bytes, size_t *ident, size_t *brief);

/* Length of each input, 0 where the decoder refuses it. */
void test_decode_lengths(const u8 *code, size_t count, size_t stride, u64 guest_pc, dbt_mode mode,
                         u8 *lengths)
{
    dbt_instruction instruction;
    for (size_t i = 0; i < count; i++) {
        dbt_status status =
            dbt_instruction_decode(code + i * stride, stride, guest_pc, mode, &instruction);
        lengths[i] = status == DBT_OK ? instruction.length : 0;
    }
}

/* Everything about each input; length 0 where the decoder refuses it. */
void test_decode_all(const u8 *code, size_t count, size_t stride, u64 guest_pc, dbt_mode mode,
                     dbt_instruction *out, dbt_effects *effects)
{
    for (size_t i = 0; i < count; i++) {
        dbt_status status =
            dbt_instruction_decode(code + i * stride, stride, guest_pc, mode, &out[i]);
        if (status != DBT_OK) {
            out[i].length = 0;
        }
        dbt_instruction_effects(&out[i], &effects[i]);
    }
}

/* Linear sweep: lengths[at] is 0 at a byte where nothing starts, 255 at one that is refused (the
 * sweep goes on one byte later); targets[at] is the branch target or 0. Returns the count. */
size_t test_decode_sweep(const u8 *code, size_t size_bytes, u64 guest_pc, u8 *lengths, u64 *targets)
{
    dbt_instruction instruction;
    size_t count = 0;
    for (size_t at = 0; at < size_bytes; count++) {
        dbt_status status = dbt_instruction_decode(code + at, size_bytes - at, guest_pc + at,
                                                   DBT_MODE_64, &instruction);
        if (status == DBT_OK) {
            lengths[at] = instruction.length;
            targets[at] = instruction.branch_target;
            at += instruction.length;
        } else {
            lengths[at] = 255;
            at++;
        }
    }
    return count;
}

/* The same as test_decode_lengths through Capstone's cs_disasm_iter. */
void test_capstone_lengths(capstone_iterator iterate, size_t handle, void *instruction,
                           const u8 *code, size_t count, size_t stride, u8 *lengths)
{
    for (size_t i = 0; i < count; i++) {
        const u8 *at = code + i * stride;
        size_t left = stride < 15 ? stride : 15;
        u64 address = 0;
        lengths[i] = iterate(handle, &at, &left, &address, instruction) ? (u8)address : 0;
    }
}

/* Whether the brief look agrees with the whole decoder at code, of which 15 bytes may be read; counts. */
static bool brief_agrees(const u8 *code, dbt_instruction *whole, size_t *ident, size_t *brief)
{
    const u32 overrides = DBT_PREFIX_FS | DBT_PREFIX_GS;
    u32 traits = 0;
    const u32 length = dbt_instruction_brief(code, &traits);
    const dbt_status status =
        dbt_instruction_decode(code, DBT_INSTRUCTION_MAX_BYTES, 0x10000, DBT_MODE_64, whole);
    *ident += status == DBT_OK && whole->class_ == DBT_CLASS_IDENT;
    *brief += length != 0;
    return length == 0 || (status == DBT_OK && whole->class_ == DBT_CLASS_IDENT &&
                           whole->length == length && !(whole->prefixes & overrides) &&
                           !(whole->traits & DBT_TRAIT_RIP_RELATIVE) &&
                           (whole->traits & DBT_TRAIT_FUSIBLE) == traits);
}

/* The first input where the two differ, or count. */
size_t test_brief_check(const u8 *code, size_t count, size_t stride, size_t *ident, size_t *brief)
{
    dbt_instruction whole;
    for (size_t i = 0; i < count; i++) {
        if (!brief_agrees(code + i * stride, &whole, ident, brief)) {
            return i;
        }
    }
    return count;
}

/* The same for a linear sweep: the first offset where they differ, or size_bytes. */
size_t test_brief_sweep(const u8 *code, size_t size_bytes, size_t *ident, size_t *brief)
{
    dbt_instruction whole;
    for (size_t at = 0; at + DBT_INSTRUCTION_MAX_BYTES <= size_bytes;) {
        if (!brief_agrees(code + at, &whole, ident, brief)) {
            return at;
        }
        at += whole.class_ == DBT_CLASS_INVALID ? 1 : whole.length;
    }
    return size_bytes;
}
