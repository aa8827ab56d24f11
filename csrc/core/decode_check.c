/* Job: the legality of an instruction whose bytes are all there: everything that raises #UD although
 * the opcode exists.
 * State: none.
 * Invariant: a check reads decoded fields only, never the bytes. */
#include "core/decode_internal.h"

static bool gather_valid(const dbt_instruction *out, bool evex)
{
    u32 destination = (out->modrm >> 3 & 7u) | (out->rex & 4u) << 1 | (out->extension & 1u) << 4;
    if ((out->modrm & 7) != 4 || out->address_bytes == 2) {
        return false;
    }
    if (evex) {
        return destination != out->index;
    }
    return destination != out->index && destination != out->vvvv && out->index != out->vvvv;
}

/* The row's own condition for #UD, beyond what its columns say. */
static bool check_valid(dbt_instruction *out, const dbt_decode_row *row)
{
    u32 reg = (out->modrm >> 3 & 7u) | (out->rex & 4u) << 1;
    u32 rm = (out->modrm & 7u) | (out->rex & 1u) << 3;
    switch (row->check) {
    case DBT_CHECK_CONTROL:
        return reg == 0 || (reg >= 2 && reg <= 4) || reg == 8;
    case DBT_CHECK_DEBUG:
        return reg < 8;
    case DBT_CHECK_GATHER:
        return gather_valid(out, false);
    case DBT_CHECK_GATHER_EVEX:
        return gather_valid(out, true);
    case DBT_CHECK_SCATTER:
        return (out->modrm & 7) == 4 && out->address_bytes != 2;
    case DBT_CHECK_SIB:
        return (out->modrm & 7) == 4 && reg < 8;
    case DBT_CHECK_TILES:
        if ((row->flags & DBT_ROW_VVVV) == 0) {
            return reg < 8;
        }
        return reg < 8 && rm < 8 && out->vvvv < 8 && reg != rm && reg != out->vvvv &&
               rm != out->vvvv;
    case DBT_CHECK_DISTINCT: {
        u32 destination = reg | (out->extension & 1u) << 4;
        u32 source = rm | (out->rex & 2u) << 3;
        bool two = (row->flags & DBT_ROW_VVVV) != 0;
        return !(two && destination == out->vvvv) && !(out->modrm >= 0xc0 && destination == source);
    }
    case DBT_CHECK_MASK:
        return reg < 8 && !(out->extension & 1);
    case DBT_CHECK_MASK_PAIR:
        return reg < 8 && !(out->extension & 1) && out->vvvv < 8;
    case DBT_CHECK_GENERAL:
        return !(out->extension & 1);
    case DBT_CHECK_NO_OPERAND_PREFIX:
        return !(out->prefixes & DBT_PREFIX_OPERAND);
    case DBT_CHECK_INT:
        if (out->immediate == 0x80) {
            out->class_ = DBT_CLASS_SYSENTER;
        }
        return true;
    default:
        return true;
    }
}

/* EVEX fields against what the row allows (SDM vol. 2, 2.7.11). */
static bool evex_valid(const dbt_scan *s, const dbt_instruction *out, const dbt_decode_row *row)
{
    u32 mask = out->extension >> 4;
    bool memory = out->modrm < 0xc0;
    if (mask != 0 ? !(row->flags & DBT_ROW_MASK) : (row->flags & DBT_ROW_MASK_REQUIRED) != 0) {
        return false;
    }
    if (out->extension & 4) {
        if (!(row->flags & DBT_ROW_ZEROING) || mask == 0 ||
            (memory && (row->flags & DBT_ROW_WRITTEN))) {
            return false;
        }
    }
    if (out->extension & 8) {
        return s->rounding ? (row->flags & (DBT_ROW_ROUNDING | DBT_ROW_SUPPRESS)) != 0
                           : row->tuple >> 6 != 0;
    }
    return true;
}

static bool vex_valid(const dbt_scan *s, const dbt_instruction *out, const dbt_decode_row *row)
{
    if (!(row->flags & DBT_ROW_VVVV)) {
        /* V' extends the index of a vector SIB, otherwise vvvv. */
        if (s->vvvv != 0 || (out->vvvv > 15 && !(row->flags & DBT_TRAIT_VSIB))) {
            return false;
        }
    }
    if (out->prefixes & DBT_PREFIX_EVEX) {
        return evex_valid(s, out, row);
    }
    return true;
}

static bool lock_valid(const dbt_instruction *out, const dbt_decode_row *row)
{
    return (row->flags & DBT_ROW_LOCK) && out->modrm < 0xc0;
}

bool dbt_decode_valid(const dbt_scan *s, dbt_instruction *out, const dbt_decode_row *row)
{
    if ((out->prefixes & DBT_PREFIX_LOCK) && !lock_valid(out, row)) {
        return false;
    }
    if (out->map >= DBT_MAP_VEX_0F && out->map != DBT_MAP_3DNOW && !vex_valid(s, out, row)) {
        return false;
    }
    return row->check == DBT_CHECK_NONE || check_valid(out, row);
}
