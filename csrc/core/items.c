/* Job: pass one of translating: guest code is fetched, decoded and judged by the rules; what becomes a unit
 * stands then in the array of items.
 * State: dbt_engine.items while the lock is held.
 * Invariant: an item's bytes are those that were decoded, fetched once, behind the watch on their page. */
#include "core/items.h"

#include "core/emit.h"
#include "core/insert.h"
#include "core/plant.h"
#include "generated/template_numbers.h"

#define AHEAD_BYTES 192u /* code that is translated for the first time comes from memory */

u32 dbt_items_fetch(dbt_engine *engine, u64 guest_pc, u8 bytes[16], bool *changes) {
    u32 count = 0;
    while (count < DBT_INSTRUCTION_MAX_BYTES) {
        dbt_code_view view;
        if (engine->hooks.fetch(engine->hooks.owner, guest_pc + count, &view) != DBT_OK) {
            break;
        }
        const u64 offset = guest_pc + count - view.guest_start;
        u64 size = view.size_bytes - offset;
        if (size > DBT_INSTRUCTION_MAX_BYTES - count) {
            size = DBT_INSTRUCTION_MAX_BYTES - count;
        }
        memcpy(bytes + count, view.bytes + offset, size);
        *changes |= view.changes;
        count += (u32)size;
    }
    return count;
}

/* The most frequent case: an instruction that is copied, in a unit of which nobody wants to know more. Of the
 * decoded instruction only what is set here holds. */
static bool take_brief(const dbt_build *build, u64 guest_pc, dbt_item *item) {
    if (!build->brief || build->changes) {
        return false;
    }
    u32 traits;
    const u32 length = dbt_instruction_brief(item->bytes, &traits);
    if (length == 0) {
        return false;
    }
    item->instruction.guest_pc = guest_pc;
    item->instruction.traits = traits;
    item->instruction.length = (u8)length;
    item->instruction.class_ = DBT_CLASS_IDENT;
    item->template_ = DBT_TEMPLATE_IDENT;
    item->facts = 0;
    return true;
}

/* Decodes the instruction at guest_pc into the item. NOT_MAPPED: not even its first byte can be
 * executed, or it runs from executable into other memory. */
static dbt_status decode_item(dbt_build *build, u64 guest_pc, dbt_item *item, bool *brief) {
    dbt_engine *engine = build->engine;
    *brief = false;
    dbt_code_view *view = &build->view;
    if (guest_pc - view->guest_start >= view->size_bytes) {
        const dbt_status status = engine->hooks.fetch(engine->hooks.owner, guest_pc, view);
        if (status != DBT_OK) {
            view->size_bytes = 0;
            return status;
        }
    }
    const u64 offset = guest_pc - view->guest_start;
    u64 available = view->size_bytes - offset;
    if (available > DBT_INSTRUCTION_MAX_BYTES) {
        available = DBT_INSTRUCTION_MAX_BYTES;
        memcpy(item->bytes, view->bytes + offset, DBT_INSTRUCTION_MAX_BYTES);
        __builtin_prefetch(view->bytes + offset + AHEAD_BYTES);
        build->changes |= view->changes;
        if (take_brief(build, guest_pc, item)) {
            *brief = true;
            return DBT_OK;
        }
    } else {
        available = dbt_items_fetch(engine, guest_pc, item->bytes, &build->changes);
    }
    const dbt_status status = dbt_instruction_decode(item->bytes, available, guest_pc, DBT_MODE_64,
                                                     &item->instruction);
    if (status == DBT_ERROR_TRUNCATED) {
        return DBT_ERROR_NOT_MAPPED;
    }
    if (status == DBT_ERROR_INVALID) {
        item->instruction.class_ = DBT_CLASS_INVALID;
        item->instruction.guest_pc = guest_pc;
    }
    return DBT_OK;
}

static u32 facts_gs(const dbt_instruction *instruction) {
    const u32 described = DBT_TRAIT_MEMORY | DBT_TRAIT_STRING | DBT_TRAIT_IMPLICIT;
    if (!(instruction->prefixes & DBT_PREFIX_GS) || !(instruction->traits & described)) {
        return 0;
    }
    u32 facts = DBT_FACT_GS;
    if (!(instruction->traits & DBT_TRAIT_MEMORY) || instruction->address_bytes != 8 ||
        instruction->traits & (DBT_TRAIT_STRING | DBT_TRAIT_IMPLICIT | DBT_TRAIT_VSIB)) {
        facts |= DBT_FACT_GS_OPAQUE;
    }
    if (instruction->map == DBT_MAP_ONE_BYTE && instruction->opcode == 0x8f &&
        instruction->base == DBT_RSP) {
        facts |= DBT_FACT_GS_STACK;
    }
    return facts;
}

static bool selector_gs(const dbt_instruction *instruction) {
    const u8 opcode = instruction->opcode;
    if (instruction->map == DBT_MAP_ONE_BYTE) {
        return (opcode == 0x8c || opcode == 0x8e) && (instruction->modrm >> 3 & 7) == 5;
    }
    return instruction->map == DBT_MAP_0F && (opcode == 0xa8 || opcode == 0xa9 || opcode == 0xb5);
}

/* The facts that rules ask for (dbt/translator/rules.py, FACTS). */
static u32 facts_of(const dbt_engine *engine, u32 arena, const dbt_instruction *instruction) {
    const u64 next = instruction->guest_pc + instruction->length;
    u32 facts = facts_gs(instruction);
    if (instruction->traits & DBT_TRAIT_RIP_RELATIVE) {
        facts |= DBT_FACT_RIP_RELATIVE;
        if (instruction->address_bytes == 8 &&
            dbt_tcache_reaches(engine, arena, next + (u64)instruction->displacement)) {
            facts |= DBT_FACT_NEAR;
        }
    }
    if (next == (u64)(i64)(i32)next) {
        facts |= DBT_FACT_LOW_NEXT;
    }
    if (instruction->class_ == DBT_CLASS_RET && instruction->immediate_bytes) {
        facts |= DBT_FACT_POPS;
    }
    if (instruction->traits & DBT_TRAIT_TOO_LONG) {
        facts |= DBT_FACT_TOO_LONG;
    }
    if (engine->paired) {
        facts |= DBT_FACT_PAIRED | (engine->wide ? (u32)DBT_FACT_WIDE : 0u);
    }
    if (instruction->class_ == DBT_CLASS_SEGMENT && selector_gs(instruction)) {
        facts |= DBT_FACT_SELECTOR_GS;
    }
    if (instruction->class_ == DBT_CLASS_SENSITIVE && dbt_instruction_reads_counter(instruction) &&
        engine->configuration.flags & DBT_CONFIG_TSC_CALLOUT) {
        facts |= DBT_FACT_COUNTER;
    }
    return facts;
}

/* Scratch registers: low ones that the instruction leaves alone, so that any encoding can name them.
 * False when it leaves too few (cmpxchg16b with an operand based on rsi and rdi). */
static bool choose_scratch(dbt_item *item) {
    static const u8 candidates[] = {DBT_RAX, DBT_RCX, DBT_RDX, DBT_RBX, DBT_RSI, DBT_RDI};
    const u32 wanted = dbt_template_scratch_count(item->template_);
    if (!wanted) {
        return true;
    }
    dbt_effects effects;
    dbt_instruction_effects(&item->instruction, &effects);
    const u32 used = effects.registers_read | effects.registers_written |
                     dbt_template_fixed_mask(item->template_);
    u32 found = 0;
    for (u32 i = 0; i < sizeof candidates && found < wanted; i++) {
        if (!(used >> candidates[i] & 1)) {
            item->scratch[found++] = candidates[i];
        }
    }
    return found == wanted;
}

static bool transfers_control(u8 class_) {
    switch ((dbt_class)class_) {
    case DBT_CLASS_JCC:
    case DBT_CLASS_LOOP:
    case DBT_CLASS_JMP:
    case DBT_CLASS_CALL:
    case DBT_CLASS_RET:
    case DBT_CLASS_IJMP:
    case DBT_CLASS_ICALL:
    case DBT_CLASS_FAR:
    case DBT_CLASS_SYSCALL:
    case DBT_CLASS_SYSENTER:
    case DBT_CLASS_CPUID:
    case DBT_CLASS_GSBASE:
    case DBT_CLASS_XBEGIN:
    case DBT_CLASS_POPF:
    case DBT_CLASS_INVALID:
        return true;
    case DBT_CLASS_IDENT:
    case DBT_CLASS_PCREL:
    case DBT_CLASS_TRAP:
    case DBT_CLASS_SEGMENT:
    case DBT_CLASS_PRIVILEGED:
    case DBT_CLASS_SENSITIVE:
    case DBT_CLASS_COUNT:
        break;
    }
    return false;
}

/* What comes from outside, or shows the host, is settled before the next instruction sees it. */
static bool ends_record(const dbt_engine *engine, const dbt_instruction *instruction) {
    return engine->recording && instruction->traits & (DBT_TRAIT_INPUT | DBT_TRAIT_SAVES);
}

/* Paired, a call begins a unit: code that is reached in two ways then meets before the call and makes one
 * host call. With a copy of the call in each way the returns of all but one are predicted wrong, since
 * the table knows one return point (cc1 1.51 of native with copies, 1.40 without; cc1plus 1.63, 1.47). */
static bool begins_unit(const dbt_engine *engine, u8 class_) {
    return engine->paired && engine->chaining &&
           (class_ == DBT_CLASS_CALL || class_ == DBT_CLASS_ICALL);
}

/* Code that changes may be changed by any store: what comes behind it is entered, and checked, anew. */
static bool ends_checked(const dbt_build *build, const dbt_instruction *instruction) {
    return build->changes && (instruction->traits & DBT_TRAIT_WRITES_MEMORY ||
                              build->engine->item_count >= DBT_CHECKED_CAP);
}

static bool leaves(u8 template_) {
    return template_ == DBT_TEMPLATE_CALLOUT || template_ == DBT_TEMPLATE_UNSUPPORTED;
}

dbt_status dbt_items_build(dbt_build *build, u64 guest_pc, u32 cap) {
    dbt_engine *engine = build->engine;
    const u64 first_page = guest_pc / DBT_PAGE_BYTES;
    engine->item_count = engine->inserted_count = 0;
    build->open_end = true;
    build->brief = !engine->recording && !engine->counting;
    build->changes = engine->configuration.flags & DBT_CONFIG_CHECK_ALL;
    if (engine->statistics->units_translated >= engine->configuration.cap_after) {
        cap = 1;
    }
    while (engine->item_count < cap) {
        dbt_item *item = &engine->items[engine->item_count];
        if (engine->item_count && engine->has_stop && guest_pc == engine->stop_pc) {
            break;
        }
        bool brief;
        const dbt_status status = decode_item(build, guest_pc, item, &brief);
        if (status != DBT_OK) {
            if (engine->item_count == 0) {
                return status;
            }
            break;
        }
        u64 end = guest_pc + item->instruction.length;
        if (dbt_plant_at(engine, DBT_PLANT_LENGTH, guest_pc)) {
            end++;
        } else if (dbt_plant_at(engine, DBT_PLANT_TARGET, guest_pc)) {
            item->instruction.displacement += 8;
        }
        if (engine->item_count && (end - 1) / DBT_PAGE_BYTES > first_page + 1) {
            break; /* a unit lies on two pages at most */
        }
        if (engine->item_count && begins_unit(engine, item->instruction.class_)) {
            break;
        }
        item->fused = item->inserted = false;
        if (brief) {
            engine->item_count++;
            guest_pc = end;
            continue;
        }
        item->facts = facts_of(engine, build->arena, &item->instruction);
        item->template_ = dbt_rule_select(&item->instruction, item->facts);
        if (!choose_scratch(item)) {
            item->template_ = DBT_TEMPLATE_UNSUPPORTED;
        }
        if (item->instruction.class_ == DBT_CLASS_JCC && engine->item_count) {
            const dbt_item *before = item - 1;
            item->fused = before->instruction.traits & DBT_TRAIT_FUSIBLE &&
                          (before->template_ == DBT_TEMPLATE_IDENT ||
                           before->template_ == DBT_TEMPLATE_PCREL_NEAR);
        }
        engine->item_count++;
        guest_pc = end;
        if (transfers_control(item->instruction.class_) || leaves(item->template_)) {
            build->open_end = false;
            break;
        }
        if (ends_record(engine, &item->instruction) || ends_checked(build, &item->instruction)) {
            break;
        }
    }
    build->next_pc = guest_pc;
    if (engine->counting) {
        dbt_insert_counter(engine, build->transient);
    }
    return DBT_OK;
}
