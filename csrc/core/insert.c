/* Job: items that are put into the array between the two passes: for now the counter of executions.
 * State: dbt_engine.items while the lock is held.
 * Invariant: see insert.h. Liveness decides which registers an inserted item takes: a register that the
 * unit overwrites before it reads it is not waited for. All are spilled and reloaded even so: a signal may
 * come at any host instruction, and its handler sees every register. */
#include "core/insert.h"

#include "core/emit.h"
#include "core/profile.h"
#include "generated/template_numbers.h"

#define SCRATCH_COUNT 2u

/* Those of the low registers that the items overwrite before they read them, then those that they do not
 * touch, in the order in which they are looked for. */
static void choose(const dbt_engine *engine, u8 scratch[SCRATCH_COUNT]) {
    static const u8 candidates[] = {DBT_RSI, DBT_RDI, DBT_RDX, DBT_RBX, DBT_RAX, DBT_RCX};
    u32 dead = 0;
    u32 touched = 0;
    for (u32 i = 0; i < engine->item_count; i++) {
        dbt_effects effects;
        dbt_instruction_effects(&engine->items[i].instruction, &effects);
        dead |= effects.registers_written & ~effects.registers_read & ~touched;
        touched |= effects.registers_read | effects.registers_written;
    }
    const u32 wanted[] = {dead, ~touched, ~0u};
    u32 taken = 0;
    u32 found = 0;
    for (u32 round = 0; round < DBT_ARRAY_LENGTH(wanted); round++) {
        for (u32 i = 0; i < sizeof candidates && found < SCRATCH_COUNT; i++) {
            const u32 bit = 1u << candidates[i];
            if (wanted[round] & bit && !(taken & bit)) {
                taken |= bit;
                scratch[found++] = candidates[i];
            }
        }
    }
}

/* Whether a unit that ends so ends in an indirect branch. */
static bool is_branch(const dbt_item *last) {
    const u8 class_ = last->instruction.class_;
    return last->template_ != DBT_TEMPLATE_UNSUPPORTED &&
           (class_ == DBT_CLASS_RET || class_ == DBT_CLASS_IJMP || class_ == DBT_CLASS_ICALL);
}

void dbt_insert_counter(dbt_engine *engine) {
    dbt_item item;
    if (engine->descriptions >= DBT_PROFILE_UNITS) {
        return; /* the counters end here, and the profile says so */
    }
    memset(&item, 0, sizeof item);
    item.instruction.guest_pc = engine->items[0].instruction.guest_pc;
    item.template_ = is_branch(&engine->items[engine->item_count - 1]) ? DBT_TEMPLATE_COUNT_BRANCH
                                                                       : DBT_TEMPLATE_COUNT_UNIT;
    item.inserted = 1;
    choose(engine, item.scratch);
    memmove(&engine->items[1], &engine->items[0], engine->item_count * sizeof item);
    engine->items[0] = item;
    engine->item_count++;
    engine->inserted_count++;
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
