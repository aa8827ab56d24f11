/* Job: items that are put into the array between the two passes: for now the counter of executions.
 * State: dbt_engine.items while the lock is held.
 * Invariant: see insert.h. Liveness decides what an inserted item saves. Flags: nothing, where the item can
 * stand before an instruction that overwrites them; a thread that is interrupted between the two has that
 * instruction carried out for it (finish.c). Registers: they are spilled, for a signal may come at any host
 * instruction and its handler sees every register; one that the guest overwrites before it reads it is not
 * reloaded, and the state map says until where its value is in its slot. */
#include "core/insert.h"

#include "core/emit.h"
#include "core/finish.h"
#include "core/profile.h"
#include "generated/template_numbers.h"

/* How many items from the first one on nothing leaves the unit before, but for faults. */
static u32 straight(const dbt_engine *engine) {
    u32 count = 0;
    while (count < engine->item_count && engine->items[count].template_ != DBT_TEMPLATE_UNSUPPORTED &&
           engine->items[count].instruction.class_ <= DBT_CLASS_PCREL) {
        count++;
    }
    return count;
}

/* Where an item may stand that costs the status flags; DBT_NONE: nowhere. */
static u32 place_without_flags(const dbt_engine *engine) {
    const u32 count = straight(engine);
    for (u32 at = 0; at < count; at++) {
        const dbt_item *item = &engine->items[at];
        if (item->template_ == DBT_TEMPLATE_IDENT && dbt_finish_can(&item->instruction)) {
            return at;
        }
    }
    return DBT_NONE;
}

/* Chooses registers for the item that stands before items[at]: those that the guest overwrites before it
 * reads them, then those that it does not touch. The first kind counts up to the first item that is more
 * than a copy: its template may spill them itself. */
static void choose(const dbt_engine *engine, u32 at, dbt_item *item) {
    static const u8 candidates[] = {DBT_RSI, DBT_RDI, DBT_RDX, DBT_RBX, DBT_RAX, DBT_RCX};
    u32 dead = 0;
    u32 touched = 0;
    bool copies = true;
    for (u32 i = at; i < engine->item_count; i++) {
        dbt_effects effects;
        dbt_instruction_effects(&engine->items[i].instruction, &effects);
        copies = copies && engine->items[i].template_ == DBT_TEMPLATE_IDENT;
        dead |= copies ? effects.registers_written & ~effects.registers_read & ~touched : 0;
        touched |= effects.registers_read | effects.registers_written;
    }
    const u32 wanted[] = {dead, ~touched, ~0u};
    const u32 count = dbt_template_scratch_count(item->template_);
    u32 taken = 0;
    u32 found = 0;
    for (u32 round = 0; round < DBT_ARRAY_LENGTH(wanted); round++) {
        for (u32 i = 0; i < sizeof candidates && found < count; i++) {
            const u32 bit = 1u << candidates[i];
            if (wanted[round] & bit && !(taken & bit)) {
                taken |= bit;
                item->scratch[found++] = candidates[i];
            }
        }
    }
    item->kept_spilled = (u8)(taken & dead);
}

/* Puts an item before items[at]. */
static void insert(dbt_engine *engine, u32 at, u8 template_) {
    dbt_item item;
    dbt_item *behind = &engine->items[at];
    memset(&item, 0, sizeof item);
    item.instruction.guest_pc = behind->instruction.guest_pc;
    item.template_ = template_;
    item.inserted = 1;
    choose(engine, at, &item);
    if (dbt_template_costs_flags(template_)) {
        const bool fuses = at + 1 < engine->item_count && behind[1].fused;
        item.pad_for = (u8)(behind->instruction.length + (fuses ? 2u : 0));
    }
    memmove(behind + 1, behind, (engine->item_count - at) * sizeof item);
    *behind = item;
    engine->item_count++;
    engine->inserted_count++;
}

/* Whether a unit that ends so ends in an indirect branch. */
static bool is_branch(const dbt_item *last) {
    const u8 class_ = last->instruction.class_;
    return last->template_ != DBT_TEMPLATE_UNSUPPORTED &&
           (class_ == DBT_CLASS_RET || class_ == DBT_CLASS_IJMP || class_ == DBT_CLASS_ICALL);
}

void dbt_insert_counter(dbt_engine *engine, bool alone) {
    if (engine->descriptions >= DBT_PROFILE_UNITS) {
        return; /* the counters end here, and the profile says so */
    }
    const bool branch = is_branch(&engine->items[engine->item_count - 1]);
    const u32 at = alone ? DBT_NONE : place_without_flags(engine);
    if (at != DBT_NONE) {
        insert(engine, at, branch ? DBT_TEMPLATE_COUNT_BRANCH_OVER : DBT_TEMPLATE_COUNT_UNIT_OVER);
    } else {
        insert(engine, 0, branch ? DBT_TEMPLATE_COUNT_BRANCH : DBT_TEMPLATE_COUNT_UNIT);
    }
}

void dbt_describe(dbt_engine *engine, dbt_unit *unit, const dbt_description *description) {
    u8 code[DBT_UNIT_CAP_MAX * DBT_INSTRUCTION_MAX_BYTES];
    dbt_description whole = *description;
    whole.code = code;
    whole.guest_bytes = 0;
    for (u32 i = 0; i < engine->item_count; i++) {
        const dbt_item *item = &engine->items[i];
        memcpy(code + whole.guest_bytes, item->bytes, item->instruction.length);
        whole.guest_bytes += item->instruction.length;
    }
    unit->described = engine->descriptions++;
    if (engine->hooks.describe) {
        engine->hooks.describe(engine->hooks.owner, unit->described, &whole);
    }
}
