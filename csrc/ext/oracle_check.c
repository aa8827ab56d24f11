/* Job: compares a reference's state with what the record says, and finds the instructions whose outcome
 * the record must supply.
 * State: none beyond dbt_oracle. Invariant: only what the manual leaves undefined is let pass. */
#include "ext/oracle_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The legacy region of an XSAVE area (SDM vol. 1, table 13-1). */
#define FCW_AT 0u
#define FSW_AT 2u
#define FTW_AT 4u
#define MXCSR_AT 24u
#define X87_AT 32u
#define X87_SLOT_BYTES 16u
#define X87_VALUE_BYTES 10u
#define VECTOR_AT 160u
#define VECTOR_END 416u
#define STATUS_FLAGS 0x8d5u /* behind units that are not told any of these may be undefined */

const dbt_unit_record *dbt_oracle_point(const dbt_oracle *oracle, u32 number)
{
    return number < oracle->record->count ? &oracle->units[number] : &oracle->record->now;
}

const u8 *dbt_oracle_vector(const dbt_oracle *oracle, u32 number)
{
    const dbt_record *record = oracle->record;
    const u8 *slots = (const u8 *)record + record->vectors_at;
    if (number == record->count) {
        return record->now.vector ? slots : NULL;
    }
    const u32 slot = oracle->units[number].vector;
    return slot == 0 ? NULL : slots + (u64)slot * record->vector_bytes;
}

bool dbt_oracle_decode(dbt_oracle *oracle, u64 guest_pc, dbt_instruction *out)
{
    u8 bytes[DBT_INSTRUCTION_MAX_BYTES];
    const size_t count = dbt_mirror_read(oracle, guest_pc, bytes, sizeof bytes);
    return dbt_instruction_decode(bytes, count, guest_pc, DBT_MODE_64, out) == DBT_OK;
}

bool dbt_oracle_is_input(dbt_oracle *oracle, u64 guest_pc, dbt_instruction *out)
{
    return dbt_oracle_decode(oracle, guest_pc, out) && out->traits & DBT_TRAIT_INPUT;
}

/* The flags that are undefined after so many instructions in a row, by the opcode table. */
static u32 undefined_flags(dbt_oracle *oracle, u64 guest_pc, u64 instructions, u32 undefined)
{
    for (; instructions > 0; instructions--) {
        dbt_instruction instruction;
        dbt_effects effects;
        if (!dbt_oracle_decode(oracle, guest_pc, &instruction)) {
            break;
        }
        dbt_instruction_effects(&instruction, &effects);
        undefined = (undefined & ~effects.flags_written) | effects.flags_undefined;
        guest_pc += instruction.length;
    }
    return undefined;
}

static u32 first_difference(const u8 *left, const u8 *right, u32 from, u32 to)
{
    while (from < to && left[from] == right[from]) {
        from++;
    }
    return from;
}

/* Control word, status word as far as the mask says, tags. */
static bool x87_control_differs(const u8 *expected, const u8 *actual, u32 fsw_mask, u32 *first)
{
    u16 left;
    u16 right;
    memcpy(&left, expected + FSW_AT, 2);
    memcpy(&right, actual + FSW_AT, 2);
    if (((left ^ right) & fsw_mask) != 0) {
        *first = FSW_AT;
        return true;
    }
    *first = expected[FTW_AT] != actual[FTW_AT] ? FTW_AT : FCW_AT;
    return *first == FTW_AT || memcmp(expected + FCW_AT, actual + FCW_AT, 2) != 0;
}

u32 dbt_oracle_check_legacy(const u8 *expected, const u8 *actual, u32 mxcsr_mask, u32 fsw_mask,
                            u32 *first)
{
    u32 fields = 0;
    u32 left;
    u32 right;
    memcpy(&left, expected + MXCSR_AT, 4);
    memcpy(&right, actual + MXCSR_AT, 4);
    if ((left ^ right) & mxcsr_mask) {
        fields |= DBT_DIFFERS_MXCSR;
        *first = MXCSR_AT;
    }
    u32 at = first_difference(expected, actual, VECTOR_AT, VECTOR_END);
    if (at < VECTOR_END) {
        fields |= DBT_DIFFERS_VECTOR;
        *first = at;
    }
    u8 valid = expected[FTW_AT];
    const u32 top = (u32)expected[FSW_AT + 1] >> 3 & 7u;
    u32 control;
    if (x87_control_differs(expected, actual, fsw_mask, &control)) {
        *first = control;
        return fields | DBT_DIFFERS_X87;
    }
    for (u32 number = 0; number < 8; number++) {
        const u32 start = X87_AT + number * X87_SLOT_BYTES;
        const bool is_valid = valid >> ((top + number) & 7u) & 1;
        at = first_difference(expected, actual, start, start + X87_VALUE_BYTES);
        if (is_valid && at < start + X87_VALUE_BYTES) {
            *first = at;
            return fields | DBT_DIFFERS_X87;
        }
    }
    return fields;
}

bool dbt_oracle_check(dbt_oracle *oracle, const dbt_unit_record *actual,
                      dbt_oracle_outcome *outcome)
{
    const dbt_unit_record *expected = dbt_oracle_point(oracle, oracle->point);
    u32 fields = 0;
    for (u32 number = 0; number < 16; number++) {
        fields |= (u32)(expected->registers[number] != actual->registers[number]) << number;
    }
    if (expected->rip != actual->rip) {
        fields |= DBT_DIFFERS_RIP;
    }
    const u32 flags = (u32)(expected->rflags ^ actual->rflags) & DBT_FLAGS_COMPARED;
    u32 undefined = 0;
    if (flags != 0) {
        undefined = (expected->flags & DBT_UNIT_RECORD_SKIPPED) != 0
                        ? STATUS_FLAGS
                        : undefined_flags(oracle, oracle->previous.rip,
                                          expected->executed - oracle->previous.executed,
                                          oracle->undefined);
        if (flags & ~undefined) {
            fields |= DBT_DIFFERS_FLAGS;
        }
    }
    oracle->undefined = flags & undefined;
    outcome->flags_undefined = undefined;
    if (expected->fs_base != actual->fs_base || expected->gs_base != actual->gs_base) {
        fields |= DBT_DIFFERS_BASES;
    }
    if (fields != 0) {
        outcome->fields = fields;
        outcome->actual = *actual;
        return false;
    }
    oracle->previous = *expected;
    return true;
}

void dbt_oracle_run(dbt_oracle *oracle, const dbt_record *record, dbt_oracle_outcome *outcome)
{
    oracle->record = record;
    oracle->units = (const dbt_unit_record *)((const u8 *)record + record->units_at);
    oracle->point = 0;
    outcome->status = DBT_ORACLE_FAILED;
    outcome->error = 0;
    outcome->fields = outcome->flags_undefined = outcome->vector_first = 0;
    outcome->inputs = 0;
    outcome->is_unlogged = 0;
    const u64 before = oracle->executed;
    oracle->kind->run(oracle, outcome);
    outcome->point = oracle->point;
    outcome->instructions = oracle->executed - before;
}

void dbt_oracle_set_state(dbt_oracle *oracle, const dbt_unit_record *state, const u8 *vector,
                          u64 features)
{
    oracle->executed = state->executed;
    oracle->previous = *state;
    oracle->undefined = 0;
    oracle->kind->set_state(oracle, state, vector, features);
}

int dbt_oracle_raises(dbt_oracle *oracle, dbt_oracle_outcome *outcome)
{
    outcome->error = 0;
    outcome->guest_fault_address = 0;
    return oracle->kind->raises(oracle, outcome);
}

void dbt_oracle_close(dbt_oracle *oracle)
{
    oracle->kind->close(oracle);
    /* The reference, which had this memory mapped too, is gone: only our own mappings are left. */
    for (size_t at = 0; at < oracle->region_count; at++) {
        const dbt_mirror_region *region = &oracle->regions[at];
        munmap(region->host, region->guest_end - region->guest_start);
    }
    close(oracle->file);
    free(oracle->regions);
    free(oracle->writes);
    free(oracle->pages);
    free(oracle->own);
    free(oracle);
}
