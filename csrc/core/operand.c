/* Job: re-encodes memory operands (operand.h).
 * State: none. Invariant: an instruction keeps its length but for dropped prefixes, and every field but
 * base and displacement its value. */
#include "core/operand.h"

#include "core/context.h"

static void store_u32(u8 *at, u32 value) {
    memcpy(at, &value, 4);
}

u64 dbt_operand_address(const dbt_instruction *instruction) {
    const u64 address =
        instruction->guest_pc + instruction->length + (u64)instruction->displacement;
    return instruction->address_bytes == 4 ? (u32)address : address;
}

/* Where the legacy prefixes end: at the REX, VEX, XOP or EVEX that counts, or at the opcode with its
 * escape bytes. */
static u32 prefixes_end(const dbt_instruction *instruction) {
    static const u8 escapes[] = {0, 1, 2, 2};
    const u32 prefixes = instruction->prefixes;
    if (prefixes & DBT_PREFIX_VEX2) {
        return instruction->opcode_at - 2u;
    }
    if (prefixes & (DBT_PREFIX_VEX3 | DBT_PREFIX_XOP)) {
        return instruction->opcode_at - 3u;
    }
    if (prefixes & DBT_PREFIX_EVEX) {
        return instruction->opcode_at - 4u;
    }
    const u32 rex = prefixes & DBT_PREFIX_REX ? 1 : 0;
    if (instruction->map == DBT_MAP_3DNOW) {
        return instruction->modrm_at - 2u - rex; /* its opcode is the last byte */
    }
    DBT_ASSERT(instruction->map < DBT_ARRAY_LENGTH(escapes));
    return instruction->opcode_at - escapes[instruction->map] - rex;
}

/* Makes the base register a low one: REX carries B as it is, VEX3, XOP and EVEX carry it inverted in
 * their second byte. */
static void clear_base_extension(const dbt_instruction *instruction, u8 *bytes, u32 at) {
    if (instruction->prefixes & DBT_PREFIX_REX) {
        bytes[at] = (u8)(bytes[at] & ~1u);
    } else if (instruction->prefixes & (DBT_PREFIX_VEX3 | DBT_PREFIX_XOP | DBT_PREFIX_EVEX)) {
        bytes[at + 1] |= 0x20;
    }
}

/* Prefixes that go when the operand is rebased: gs always, fs where it has no effect, and a REX that
 * stands before another prefix, does nothing there, and would once that prefix is gone. */
static bool drops(const dbt_instruction *instruction, u8 prefix) {
    return prefix == 0x65 || (prefix == 0x64 && !(instruction->prefixes & DBT_PREFIX_FS)) ||
           (prefix & 0xf0) == 0x40;
}

u32 dbt_operand_rebase(const dbt_instruction *instruction, const u8 *from, u8 base, u8 *to) {
    u8 bytes[16];
    memcpy(bytes, from, instruction->length);
    const u32 end = prefixes_end(instruction);
    clear_base_extension(instruction, bytes, end);
    u8 *modrm = &bytes[instruction->modrm_at];
    if (instruction->traits & DBT_TRAIT_RIP_RELATIVE) {
        *modrm = (u8)((*modrm & 0x38) | 0x80 | base); /* disp32 stays, as 0 */
        store_u32(&bytes[instruction->displacement_at], 0);
    } else if (instruction->sib_at) {
        u8 *sib = &bytes[instruction->sib_at];
        if ((*modrm & 0xc0) == 0 && (*sib & 7) == 5) {
            *modrm |= 0x80; /* no base with disp32 becomes a base with disp32 */
        }
        *sib = (u8)((*sib & 0xf8) | base);
    } else {
        *modrm = (u8)((*modrm & 0xf8) | base);
    }
    u32 size = 0;
    for (u32 i = 0; i < instruction->length; i++) {
        if (i >= end || !drops(instruction, from[i])) {
            to[size++] = bytes[i];
        }
    }
    return size;
}

u32 dbt_operand_load(const dbt_instruction *instruction, const u8 *from, bool base, u8 base_number,
                     bool moved, u8 *to) {
    dbt_instruction load = *instruction;
    u8 bytes[16];
    u32 size = 0;
    if (!(instruction->traits & DBT_TRAIT_MEMORY) &&
        ((instruction->modrm & 7) | (instruction->rex & 1) << 3) == DBT_RCX) {
        return 0; /* it is there already */
    }
    if (instruction->traits & DBT_TRAIT_MEMORY) {
        if (instruction->prefixes & DBT_PREFIX_FS) {
            bytes[size++] = 0x64;
        }
        if (instruction->address_bytes == 4) {
            bytes[size++] = 0x67;
        }
    }
    bytes[size++] = (u8)(0x48 | (instruction->rex & 3));
    load.opcode_at = (u8)size;
    bytes[size++] = 0x8b;
    load.modrm_at = (u8)size;
    bytes[size++] = (u8)((instruction->modrm & 0xc7) | DBT_RCX << 3);
    if (instruction->sib_at) {
        load.sib_at = (u8)size;
        bytes[size++] = instruction->sib;
    }
    load.displacement_at = (u8)size;
    memcpy(bytes + size, from + instruction->displacement_at, instruction->displacement_bytes);
    size += instruction->displacement_bytes;
    load.length = (u8)size;
    load.map = DBT_MAP_ONE_BYTE;
    load.prefixes = (instruction->prefixes & ~(u32)DBT_PREFIX_GS) | DBT_PREFIX_REX;
    if (base) {
        return dbt_operand_rebase(&load, bytes, base_number, to);
    }
    memcpy(to, bytes, size);
    if (moved) {
        const u64 next = (u64)to + size;
        store_u32(to + load.displacement_at, (u32)(dbt_operand_address(instruction) - next));
    }
    return size;
}
