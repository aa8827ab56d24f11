/* Job: bytes to dbt_instruction, driven by the tables that dbt/decoder/render.py renders.
 * State: none; a scan lives on the stack of one call.
 * Invariant: a byte is read only after room() has allowed it, so nothing beyond available_bytes or
 * the 15th byte is touched. The stages run in the order of the bytes: prefixes, opcode (with REX,
 * VEX, XOP or EVEX), choice of the row, ModRM and memory operand, immediate, legality. */
#include "core/decode_internal.h"

#define ENTRY_NODE 0x8000u

enum {
    BYTE_OPCODE = 0,
    BYTE_PREFIX, /* one bit of dbt_instruction.prefixes, the segment overrides included */
    BYTE_REX,
    BYTE_VEX2,
    BYTE_VEX3,
    BYTE_XOP,
    BYTE_EVEX,
};

static const u8 byte_kinds[256] = {
    [0x26] = BYTE_PREFIX, [0x2e] = BYTE_PREFIX, [0x36] = BYTE_PREFIX, [0x3e] = BYTE_PREFIX,
    [0x64] = BYTE_PREFIX, [0x65] = BYTE_PREFIX, [0x66] = BYTE_PREFIX, [0x67] = BYTE_PREFIX,
    [0xf0] = BYTE_PREFIX, [0xf2] = BYTE_PREFIX, [0xf3] = BYTE_PREFIX,
    [0x40] = BYTE_REX,    [0x41] = BYTE_REX,    [0x42] = BYTE_REX,    [0x43] = BYTE_REX,
    [0x44] = BYTE_REX,    [0x45] = BYTE_REX,    [0x46] = BYTE_REX,    [0x47] = BYTE_REX,
    [0x48] = BYTE_REX,    [0x49] = BYTE_REX,    [0x4a] = BYTE_REX,    [0x4b] = BYTE_REX,
    [0x4c] = BYTE_REX,    [0x4d] = BYTE_REX,    [0x4e] = BYTE_REX,    [0x4f] = BYTE_REX,
    [0xc5] = BYTE_VEX2,   [0xc4] = BYTE_VEX3,   [0x8f] = BYTE_XOP,    [0x62] = BYTE_EVEX,
};

/* Operand size in bytes by size kind, for [mode][kind][W << 1 | 66]. */
static const u8 operand_sizes[2][10][4] = {
    {
        [DBT_SIZE_V] = {4, 2, 8, 8},
        [DBT_SIZE_B] = {1, 1, 1, 1},
        [DBT_SIZE_W] = {2, 2, 2, 2},
        [DBT_SIZE_D] = {4, 4, 4, 4},
        [DBT_SIZE_Q] = {8, 8, 8, 8},
        [DBT_SIZE_Y] = {4, 4, 8, 8},
        [DBT_SIZE_M] = {8, 8, 8, 8},
        [DBT_SIZE_Z] = {4, 2, 4, 4},
        [DBT_SIZE_D64] = {8, 2, 8, 8},
        [DBT_SIZE_F64] = {8, 8, 8, 8},
    },
    {
        [DBT_SIZE_V] = {4, 2, 4, 2},
        [DBT_SIZE_B] = {1, 1, 1, 1},
        [DBT_SIZE_W] = {2, 2, 2, 2},
        [DBT_SIZE_D] = {4, 4, 4, 4},
        [DBT_SIZE_Q] = {8, 8, 8, 8},
        [DBT_SIZE_Y] = {4, 4, 4, 4},
        [DBT_SIZE_M] = {4, 4, 4, 4},
        [DBT_SIZE_Z] = {4, 2, 4, 2},
        [DBT_SIZE_D64] = {4, 2, 4, 2},
        [DBT_SIZE_F64] = {4, 2, 4, 2},
    },
};

/* Immediate bytes by kind and operand size (1, 2, 4, 8); kind 8 follows the address size instead. */
enum {
    IMMEDIATE_NONE = 0,
    IMMEDIATE_BYTE,
    IMMEDIATE_BYTE_SIGNED,
    IMMEDIATE_WORD,
    IMMEDIATE_Z,
    IMMEDIATE_V,
    IMMEDIATE_TARGET_BYTE,
    IMMEDIATE_TARGET_Z,
    IMMEDIATE_OFFSET,
    IMMEDIATE_FAR,
    IMMEDIATE_WORD_BYTE,
    IMMEDIATE_BYTE_BYTE,
    IMMEDIATE_DWORD,
};
static const u8 immediate_sizes[13][4] = {
    {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 1}, {2, 2, 2, 2}, {4, 2, 4, 4}, {1, 2, 4, 8}, {1, 1, 1, 1},
    {4, 2, 4, 4}, {0, 0, 0, 0}, {4, 4, 6, 6}, {3, 3, 3, 3}, {2, 2, 2, 2}, {4, 4, 4, 4},
};

static inline bool room(const dbt_scan *s, u32 bytes) { return s->at + bytes <= s->limit; }

static inline u64 little_endian(const u8 *bytes, u32 count)
{
    u64 value = 0;
    u32 low;
    u16 half;
    switch (count) {
    case 1:
        return bytes[0];
    case 2:
        __builtin_memcpy(&half, bytes, 2);
        return half;
    case 4:
        __builtin_memcpy(&low, bytes, 4);
        return low;
    case 8:
        __builtin_memcpy(&value, bytes, 8);
        return value;
    default:
        for (u32 i = count; i-- > 0;) {
            value = value << 8 | bytes[i];
        }
        return value;
    }
}

static inline u64 sign_extend(u64 value, u32 bytes)
{
    u32 shift = 64 - 8 * bytes;
    return (u64)((i64)(value << shift) >> shift);
}

static void clear(dbt_instruction *out)
{
    _Static_assert(sizeof(dbt_instruction) == 72, "clear() knows the size");
    /* Two pieces, each below the size at which GCC would rather use a slow rep stos. */
    __builtin_memset(out, 0, 40);
    __builtin_memset((u8 *)out + 40, 0, 32);
    out->base = DBT_NO_REGISTER;
    out->index = DBT_NO_REGISTER;
    out->scale = 1;
}

static u32 add_prefix(u32 prefixes, u8 byte)
{
    switch (byte) {
    case 0x66:
        return prefixes | DBT_PREFIX_OPERAND;
    case 0x67:
        return prefixes | DBT_PREFIX_ADDRESS;
    case 0xf0:
        return prefixes | DBT_PREFIX_LOCK;
    case 0xf2:
        return (prefixes & ~(u32)DBT_PREFIX_REP) | DBT_PREFIX_REPNE;
    case 0xf3:
        return (prefixes & ~(u32)DBT_PREFIX_REPNE) | DBT_PREFIX_REP;
    case 0x64:
        return (prefixes & ~(u32)DBT_PREFIX_GS) | DBT_PREFIX_FS;
    case 0x65:
        return (prefixes & ~(u32)DBT_PREFIX_FS) | DBT_PREFIX_GS;
    case 0x26:
        return prefixes | DBT_PREFIX_ES;
    case 0x2e:
        return prefixes | DBT_PREFIX_CS;
    case 0x36:
        return prefixes | DBT_PREFIX_SS;
    default:
        return prefixes | DBT_PREFIX_DS;
    }
}

/* Legacy prefixes and REX. A REX that is not the last prefix is ignored (SDM vol. 2, 2.2.1). Ends at
 * the first byte that is neither; false: the bytes ended. */
static bool scan_prefixes(dbt_scan *s, dbt_instruction *out)
{
    u32 prefixes = 0;
    u32 rex = 0;
    for (; s->at < s->limit; s->at++) {
        u8 byte = s->code[s->at];
        u8 kind = byte_kinds[byte];
        if (kind == BYTE_REX && s->mode == DBT_MODE_64) {
            rex = byte;
            prefixes |= DBT_PREFIX_REX;
        } else if (kind == BYTE_PREFIX) {
            prefixes = add_prefix(prefixes, byte) & ~(u32)DBT_PREFIX_REX;
            rex = 0;
        } else {
            out->prefixes = prefixes;
            out->rex = rex & 0xf;
            return true;
        }
    }
    return false;
}

/* VEX, XOP and EVEX payloads share the inverted R X B and the W vvvv pp byte. */
static void take_payload(dbt_scan *s, dbt_instruction *out, u8 rxb, u8 wvvvv)
{
    u32 rex = (u32)(~rxb >> 5 & 7) | (u32)(wvvvv >> 4 & 8);
    u32 vvvv = ~(u32)wvvvv >> 3 & 0xf;
    s->vvvv = vvvv;
    if (s->mode == DBT_MODE_32) {
        rex &= 8;
        vvvv &= 7;
    }
    out->rex = rex & 0xf;
    out->vvvv = vvvv & 0xf;
    out->mandatory = wvvvv & 3;
}

static void refuse_legacy(dbt_scan *s, const dbt_instruction *out)
{
    const u32 refused = DBT_PREFIX_OPERAND | DBT_PREFIX_LOCK | DBT_PREFIX_REPNE | DBT_PREFIX_REP |
                        DBT_PREFIX_REX;
    if (out->prefixes & refused) {
        s->invalid = true;
    }
}

static bool scan_vex(dbt_scan *s, dbt_instruction *out, u8 kind)
{
    static const u8 vex_maps[32] = {[1] = DBT_MAP_VEX_0F, [2] = DBT_MAP_VEX_0F38,
                                    [3] = DBT_MAP_VEX_0F3A, [7] = DBT_MAP_VEX_7};
    u32 bytes = kind == BYTE_VEX2 ? 3 : 4;
    const u8 *code = s->code + s->at;
    if (!room(s, bytes)) {
        return false;
    }
    refuse_legacy(s, out);
    if (kind == BYTE_VEX2) {
        /* R vvvv L pp: bit 7 is R, so X and B are taken as absent (inverted ones). */
        take_payload(s, out, code[1] | 0x7f, code[1] & 0x7f);
        out->map = DBT_MAP_VEX_0F;
        out->vector_length = code[1] >> 2 & 1;
        out->prefixes |= DBT_PREFIX_VEX2;
    } else {
        u32 map = code[1] & 0x1f;
        take_payload(s, out, code[1], code[2]);
        out->vector_length = code[2] >> 2 & 1;
        if (kind == BYTE_XOP) {
            s->invalid |= map > 10;
            out->map = (u8)(DBT_MAP_XOP_8 + (map > 10 ? 0 : map - 8));
            out->prefixes |= DBT_PREFIX_XOP;
        } else {
            out->map = vex_maps[map];
            s->invalid |= out->map == 0;
            out->prefixes |= DBT_PREFIX_VEX3;
        }
    }
    s->at += bytes - 1;
    return true;
}

static bool scan_evex(dbt_scan *s, dbt_instruction *out)
{
    static const u8 evex_maps[8] = {[1] = DBT_MAP_EVEX_0F, [2] = DBT_MAP_EVEX_0F38,
                                    [3] = DBT_MAP_EVEX_0F3A, [5] = DBT_MAP_EVEX_5,
                                    [6] = DBT_MAP_EVEX_6};
    const u8 *code = s->code + s->at;
    if (!room(s, 6)) { /* payload, opcode and ModRM */
        return false;
    }
    refuse_legacy(s, out);
    take_payload(s, out, code[1], code[2]);
    out->map = evex_maps[code[1] & 7];
    s->invalid |= out->map == 0 || (code[1] & 8) || !(code[2] & 4);
    u32 high_reg = ~(u32)code[1] >> 4 & 1;
    u32 high_vvvv = ~(u32)code[3] >> 3 & 1;
    if (s->mode == DBT_MODE_32) {
        /* SDM vol. 2, 2.7.11.2: V' must be set outside 64-bit mode; R' is ignored. */
        s->invalid |= high_vvvv;
        high_reg = 0;
    }
    out->vvvv = (u8)(out->vvvv | high_vvvv << 4);
    out->extension = (u8)(high_reg | high_vvvv << 1 | (code[3] >> 7 & 1u) << 2 |
                          (code[3] >> 4 & 1u) << 3 | (code[3] & 7u) << 4);
    out->vector_length = code[3] >> 5 & 3;
    out->prefixes |= DBT_PREFIX_EVEX;
    /* With a rounding mode or SAE the length is 512 (or scalar) whatever L'L (SDM vol. 2, 2.7.8;
     * processors take L'L 11b with SAE alone, too). */
    s->rounding = (out->extension & 8) && code[5] >= 0xc0;
    if (s->rounding) {
        out->vector_length = 2;
    }
    s->invalid |= out->vector_length == 3; /* reserved for scalars too (SDM vol. 2, 2.7.10) */
    s->at += 4;
    return true;
}

/* From the first byte that is no prefix to just behind the opcode byte; sets map, opcode, entry.
 * 3DNow! keeps its opcode behind the operand: finish_3dnow. */
static bool scan_opcode(dbt_scan *s, dbt_instruction *out)
{
    u8 byte = s->code[s->at];
    u8 kind = byte_kinds[byte];
    if (kind >= BYTE_VEX2) {
        bool taken = s->mode == DBT_MODE_64;
        if (!room(s, 2)) {
            return false;
        }
        u8 next = s->code[s->at + 1];
        taken |= next >= 0xc0;
        if (kind == BYTE_XOP) {
            taken = (next & 0x1f) >= 8;
        }
        if (taken) {
            bool whole = kind == BYTE_EVEX ? scan_evex(s, out) : scan_vex(s, out, kind);
            if (!whole || !room(s, 1)) {
                return false;
            }
            byte = s->code[s->at];
            goto found;
        }
    }
    out->mandatory = out->prefixes & DBT_PREFIX_REP       ? 2
                     : out->prefixes & DBT_PREFIX_REPNE   ? 3
                     : out->prefixes & DBT_PREFIX_OPERAND ? 1
                                                          : 0;
    if (byte == 0x0f) {
        s->at++;
        if (!room(s, 1)) {
            return false;
        }
        byte = s->code[s->at];
        out->map = DBT_MAP_0F;
        if (byte == 0x38 || byte == 0x3a) {
            out->map = byte == 0x38 ? DBT_MAP_0F38 : DBT_MAP_0F3A;
            s->at++;
            if (!room(s, 1)) {
                return false;
            }
            byte = s->code[s->at];
        } else if (byte == 0x0f) {
            out->map = DBT_MAP_3DNOW;
        }
    }
found:
    out->opcode = byte;
    out->opcode_at = (u8)s->at;
    s->entry = dbt_decode_entries[s->mode][out->map][byte];
    s->at++;
    return true;
}

/* The row for the opcode, given whatever of ModRM is there (0 where the bytes end). */
static inline u32 select_row(dbt_scan *s, const dbt_instruction *out, u8 modrm)
{
    u32 entry = s->entry;
    if (entry & ENTRY_NODE) {
        u32 selector = modrm | (u32)(modrm >= 0xc0) << DBT_SELECT_REGISTER |
                       (u32)out->mandatory << DBT_SELECT_PREFIX |
                       (u32)(out->rex >> 3) << DBT_SELECT_W |
                       (u32)out->vector_length << DBT_SELECT_LENGTH |
                       (u32)(out->rex & 1) << DBT_SELECT_B;
        do {
            const u16 *node = &dbt_decode_nodes[entry & (ENTRY_NODE - 1)];
            entry = node[1 + (selector >> (node[0] & 0xff) & node[0] >> 8)];
        } while (entry & ENTRY_NODE);
    }
    return entry;
}

/* The shift by which EVEX scales an 8-bit displacement (SDM vol. 2, 2.7.5). */
static u32 displacement_shift(const dbt_decode_row *row, const dbt_instruction *out)
{
    static const u8 duplicate[4] = {3, 5, 6, 6};
    u32 kind = row->tuple & 0x3fu;
    if (out->extension & 8) {
        return row->tuple >> 6; /* broadcast: one element of 2, 4 or 8 bytes */
    }
    if (kind < 0x10) {
        return kind;
    }
    if (kind < 0x20) {
        u32 length = out->vector_length < 3 ? out->vector_length : 2;
        return 4 + length - (kind & 3);
    }
    return kind == 0x20 ? duplicate[out->vector_length & 3] : 2u + (out->rex >> 3);
}

/* 16-bit addressing, outside 64-bit mode only (SDM vol. 2, table 2-1). */
static void memory_16(dbt_instruction *out)
{
    static const u8 bases[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const u8 indexes[4] = {6, 7, 6, 7};
    u32 rm = out->modrm & 7;
    u32 mod = out->modrm >> 6;
    out->displacement_bytes = mod == 1 ? 1 : mod == 2 ? 2 : 0;
    if (mod == 0 && rm == 6) {
        out->displacement_bytes = 2;
        return;
    }
    out->base = bases[rm];
    if (rm < 4) {
        out->index = indexes[rm];
    }
}

/* SIB byte and displacement size for 32- and 64-bit addressing. */
static bool memory_32(dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row)
{
    u32 mod = out->modrm >> 6;
    u32 rm = out->modrm & 7;
    u32 base = rm;
    u32 displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    if (rm == 4) {
        if (!room(s, 1)) {
            return false;
        }
        u8 sib = s->code[s->at];
        out->sib = sib;
        out->sib_at = (u8)s->at;
        s->at++;
        u32 index = (sib >> 3 & 7u) | (out->rex & 2u) << 2;
        if (row->flags & DBT_TRAIT_VSIB) {
            out->index = (u8)(index | (out->extension & 2u) << 3);
            out->scale = (u8)(1u << (sib >> 6));
        } else if (index != 4) {
            out->index = (u8)index;
            out->scale = (u8)(1u << (sib >> 6));
        }
        base = sib & 7;
        if (base == 5 && mod == 0) {
            out->displacement_bytes = 4;
            return true;
        }
    } else if (rm == 5 && mod == 0) {
        out->displacement_bytes = 4;
        if (s->mode == DBT_MODE_64) {
            out->traits |= DBT_TRAIT_RIP_RELATIVE;
        }
        return true;
    }
    out->base = (u8)(base | (out->rex & 1u) << 3);
    out->displacement_bytes = (u8)displacement;
    return true;
}

/* The ModRM operand, the ModRM byte itself being at s->at - 1. */
static bool scan_memory(dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row)
{
    out->traits |= DBT_TRAIT_ADDRESS | (row->flags & DBT_ROW_ACCESSED ? DBT_TRAIT_MEMORY : 0) |
                   (row->flags & DBT_ROW_WRITTEN ? DBT_TRAIT_WRITES_MEMORY : 0);
    if (out->address_bytes == 2) {
        memory_16(out);
    } else if (!memory_32(s, out, row)) {
        return false;
    }
    u32 bytes = out->displacement_bytes;
    if (bytes != 0) {
        if (!room(s, bytes)) {
            return false;
        }
        u64 value = sign_extend(little_endian(s->code + s->at, bytes), bytes);
        out->displacement_at = (u8)s->at;
        if (bytes == 1 && (out->prefixes & DBT_PREFIX_EVEX)) {
            value <<= displacement_shift(row, out);
        }
        out->displacement = (i64)value;
        s->at += bytes;
    }
    return true;
}

static bool scan_immediate(dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row)
{
    u32 kind = row->immediate;
    u32 bytes = kind == IMMEDIATE_OFFSET
                    ? out->address_bytes
                    : immediate_sizes[kind][__builtin_ctz(out->operand_bytes)];
    if (!room(s, bytes)) {
        return false;
    }
    u64 value = little_endian(s->code + s->at, bytes);
    out->immediate_at = (u8)s->at;
    out->immediate_bytes = (u8)bytes;
    s->at += bytes;
    switch (kind) {
    case IMMEDIATE_BYTE_SIGNED:
    case IMMEDIATE_Z:
    case IMMEDIATE_TARGET_BYTE:
    case IMMEDIATE_TARGET_Z:
        value = sign_extend(value, bytes);
        break;
    default:
        break;
    }
    out->immediate = value;
    return true;
}

/* Absolute target of a relative branch; outside 64-bit mode eip wraps at 4 GB, and with a 16-bit
 * operand size at 64 KiB. */
static u64 branch_target(const dbt_scan *s, const dbt_instruction *out)
{
    u64 target = out->guest_pc + s->at + out->immediate;
    if (s->mode == DBT_MODE_32) {
        target &= out->operand_bytes == 2 && out->class_ != DBT_CLASS_XBEGIN ? 0xffff : 0xffffffff;
    }
    return target;
}

/* Everything behind the opcode byte of a row that exists. */
static bool scan_rest(dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row)
{
    u32 width = (u32)(out->rex >> 3) << 1 | (out->prefixes & DBT_PREFIX_OPERAND);
    out->operand_bytes = operand_sizes[s->mode][row->size][width];
    if (s->mode == DBT_MODE_64) {
        out->address_bytes = out->prefixes & DBT_PREFIX_ADDRESS ? 4 : 8;
    } else {
        out->address_bytes = out->prefixes & DBT_PREFIX_ADDRESS ? 2 : 4;
    }
    out->traits = row->flags & 0xffff;
    out->class_ = row->class_;
    if (row->flags & DBT_TRAIT_MODRM) {
        out->modrm = s->code[s->at];
        out->modrm_at = (u8)s->at;
        s->at++;
        if (out->modrm < 0xc0 && !(row->flags & DBT_ROW_ANY_MOD)) {
            if (!scan_memory(s, out, row)) {
                return false;
            }
        } else {
            out->traits &= ~(u32)DBT_TRAIT_VSIB;
        }
    }
    if (row->immediate != 0 && !scan_immediate(s, out, row)) {
        return false;
    }
    return true;
}

/* 3DNow!: 0F 0F, ModRM operand, then the opcode; every row has the same form. */
static bool finish_3dnow(dbt_scan *s, dbt_instruction *out, u32 *row)
{
    const dbt_decode_row *any = &dbt_decode_rows[dbt_decode_entries[s->mode][DBT_MAP_3DNOW][0x9e]];
    if (!room(s, 1)) {
        return false;
    }
    if (!scan_rest(s, out, any) || !room(s, 1)) {
        return false;
    }
    out->opcode = s->code[s->at];
    out->opcode_at = (u8)s->at;
    s->at++;
    *row = dbt_decode_entries[s->mode][DBT_MAP_3DNOW][out->opcode];
    return true;
}

static dbt_status refused(const dbt_scan *s, dbt_instruction *out, dbt_status status)
{
    out->length = (u8)s->at;
    out->row = 0;
    out->class_ = DBT_CLASS_INVALID;
    return status;
}

/* The bytes ended: #UD-like when the processor's own bound of 15 bytes was met, else truncated. */
static dbt_status ended(const dbt_scan *s, dbt_instruction *out)
{
    out->length = (u8)s->limit;
    out->row = 0;
    out->class_ = DBT_CLASS_INVALID;
    out->traits |= DBT_TRAIT_TOO_LONG;
    return s->limit == DBT_INSTRUCTION_MAX_BYTES ? DBT_ERROR_INVALID : DBT_ERROR_TRUNCATED;
}

dbt_status dbt_instruction_decode(const u8 *code, size_t available_bytes, u64 guest_pc,
                                  dbt_mode mode, dbt_instruction *out)
{
    dbt_scan s = {.code = code, .mode = (u32)mode};
    s.limit = available_bytes < DBT_INSTRUCTION_MAX_BYTES ? (u32)available_bytes
                                                          : DBT_INSTRUCTION_MAX_BYTES;
    clear(out);
    out->guest_pc = guest_pc;
    if (!scan_prefixes(&s, out) || !scan_opcode(&s, out)) {
        return ended(&s, out);
    }
    u32 row_number;
    const dbt_decode_row *row;
    if (out->map == DBT_MAP_3DNOW) {
        if (!finish_3dnow(&s, out, &row_number)) {
            return ended(&s, out);
        }
        row = &dbt_decode_rows[row_number];
    } else {
        bool more = room(&s, 1);
        row_number = select_row(&s, out, more ? s.code[s.at] : 0);
        row = &dbt_decode_rows[row_number];
        if (!more && (row_number == 0 ? s.entry != 0 : (row->flags & DBT_TRAIT_MODRM) != 0)) {
            return ended(&s, out);
        }
        if (row_number != 0 && !scan_rest(&s, out, row)) {
            return ended(&s, out);
        }
    }
    if (row_number == 0 || s.invalid) {
        return refused(&s, out, DBT_ERROR_INVALID);
    }
    out->row = (u16)row_number;
    out->length = (u8)s.at;
    bool plain = !(out->prefixes & DBT_PREFIX_LOCK) && out->map < DBT_MAP_VEX_0F;
    if (!(plain && row->check == DBT_CHECK_NONE) && !dbt_decode_valid(&s, out, row)) {
        return refused(&s, out, DBT_ERROR_INVALID);
    }
    if (row->flags & DBT_ROW_NEAR) {
        out->branch_target = branch_target(&s, out);
    }
    if ((out->traits & DBT_TRAIT_RIP_RELATIVE) && out->class_ == DBT_CLASS_IDENT) {
        out->class_ = DBT_CLASS_PCREL;
    }
    return DBT_OK;
}
