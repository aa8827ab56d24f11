/* Job: feeds the decoder random bytes under the sanitizers: `fuzz-decode INPUTS [SEED]`.
 * State: one generator. Every input lies in a block of exactly the bytes that may be read, so that ASan
 * sees a read of one byte more.
 * Invariant: the same arguments give the same inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/decode.h"

#define BLOCK_MAX_BYTES 20
#define FAILED 1

static u64 generator;

static u64 next_random(void)
{
    generator ^= generator << 13;
    generator ^= generator >> 7;
    generator ^= generator << 17;
    return generator;
}

static _Noreturn void fail(const u8 *code, size_t size_bytes, const char *what)
{
    fprintf(stderr, "fuzz-decode: %s:", what);
    for (size_t at = 0; at < size_bytes; at++) {
        fprintf(stderr, " %02x", code[at]);
    }
    fprintf(stderr, "\n");
    exit(FAILED);
}

/* Uniform bytes seldom get past the one-byte map: begin many inputs with what leads elsewhere. */
static void fill(u8 *code, size_t size_bytes)
{
    static const u8 leads[] = {0x0f, 0x66, 0xf2, 0xf3, 0x67, 0x48, 0x4f, 0xc4, 0xc5,
                               0x62, 0x8f, 0x64, 0x65, 0x2e, 0xf0, 0x38, 0x3a, 0x45};
    for (size_t at = 0; at < size_bytes; at++) {
        code[at] = (u8)(next_random() >> 24);
    }
    size_t count = next_random() % 5;
    for (size_t at = 0; at < count && at < size_bytes; at++) {
        code[at] = leads[next_random() % sizeof leads];
    }
}

static void check_positions(const u8 *code, size_t readable, const dbt_instruction *instruction)
{
    unsigned length = instruction->length;
    if (length == 0 || length > DBT_INSTRUCTION_MAX_BYTES || length > readable) {
        fail(code, readable, "a length that cannot be");
    }
    if (instruction->class_ >= DBT_CLASS_COUNT || instruction->map >= DBT_MAP_COUNT) {
        fail(code, readable, "a class or map that does not exist");
    }
    if (instruction->opcode_at >= length || instruction->modrm_at >= length ||
        instruction->sib_at >= length ||
        instruction->displacement_at + instruction->displacement_bytes > (int)length ||
        instruction->immediate_at + instruction->immediate_bytes > (int)length) {
        fail(code, readable, "a part outside the instruction");
    }
}

/* The brief look may read what the longest instruction has, and says what the decoder says, or nothing. */
static void check_brief(const u8 *code, dbt_status status, const dbt_instruction *instruction)
{
    u32 traits = 0;
    const u32 length = dbt_instruction_brief(code, &traits);
    if (length != 0 && (status != DBT_OK || length != instruction->length ||
                        traits != (instruction->traits & DBT_TRAIT_FUSIBLE))) {
        fail(code, DBT_INSTRUCTION_MAX_BYTES, "a brief look that sees something else");
    }
}

static void decode_one(dbt_mode mode)
{
    size_t size_bytes = next_random() % (BLOCK_MAX_BYTES + 1);
    size_t readable = size_bytes < DBT_INSTRUCTION_MAX_BYTES ? size_bytes : DBT_INSTRUCTION_MAX_BYTES;
    /* More may be announced than the longest instruction has; no more than that may be read. */
    u8 *code = malloc(readable ? readable : 1);
    if (code == NULL) {
        fail(NULL, 0, "no memory");
    }
    fill(code, readable);
    if (readable == 0) {
        code[0] = 0x90;
    }
    dbt_instruction instruction;
    memset(&instruction, 0xaa, sizeof instruction);
    dbt_status status =
        dbt_instruction_decode(code, size_bytes, next_random(), mode, &instruction);
    if (status == DBT_OK) {
        check_positions(code, readable, &instruction);
        dbt_effects effects;
        dbt_instruction_effects(&instruction, &effects);
        if (effects.flags_written & effects.flags_undefined) {
            fail(code, readable, "a flag both defined and undefined");
        }
    } else if (status == DBT_ERROR_TRUNCATED) {
        if (size_bytes >= DBT_INSTRUCTION_MAX_BYTES) {
            fail(code, readable, "15 bytes called too few");
        }
    } else if (status != DBT_ERROR_INVALID) {
        fail(code, readable, "a status that decoding does not have");
    }
    if (readable == DBT_INSTRUCTION_MAX_BYTES && mode == DBT_MODE_64) {
        check_brief(code, status, &instruction);
    }
    free(code);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: fuzz-decode INPUTS [SEED]\n");
        return 2;
    }
    u64 inputs = strtoull(argv[1], NULL, 0);
    generator = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x9e3779b97f4a7c15;
    if (inputs == 0 || generator == 0) {
        fprintf(stderr, "fuzz-decode: INPUTS and SEED are positive numbers\n");
        return 2;
    }
    for (u64 input = 0; input < inputs; input++) {
        decode_one((input & 1) != 0 ? DBT_MODE_32 : DBT_MODE_64);
    }
    printf("fuzz-decode: %llu inputs, nothing wrong\n", (unsigned long long)inputs);
    return 0;
}
