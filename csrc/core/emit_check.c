/* Job: the check that a unit from a page that changes makes at its entry: the guest's bytes are still
 * those that it was translated from.
 * State: none; the source is taken from dbt_engine.items.
 * Invariant: every byte that the unit's translation depended on is compared. */
#include "core/emit.h"
#include "generated/template_numbers.h"

/* Of an instruction that is none, any of its bytes may have made it so. */
static u32 source_bytes(const dbt_instruction *instruction) {
    if (instruction->class_ != DBT_CLASS_INVALID) {
        return instruction->length;
    }
    const u64 left = DBT_PAGE_BYTES - instruction->guest_pc % DBT_PAGE_BYTES;
    return left < DBT_INSTRUCTION_MAX_BYTES ? (u32)left : DBT_INSTRUCTION_MAX_BYTES;
}

static void put_word(dbt_emitter *emitter, u8 template_, u64 guest_address, const u8 *source,
                     u32 size_bytes) {
    dbt_item word;
    memset(&word, 0, sizeof word);
    word.instruction.guest_pc = guest_address;
    memcpy(word.bytes, source, size_bytes);
    dbt_emit_routine(emitter, template_, &word);
}

bool dbt_emit_check(dbt_emitter *emitter) {
    static const struct {
        u8 template_;
        u8 size_bytes;
    } words[] = {{DBT_TEMPLATE_CHECK_8, 8},
                 {DBT_TEMPLATE_CHECK_4, 4},
                 {DBT_TEMPLATE_CHECK_2, 2},
                 {DBT_TEMPLATE_CHECK_1, 1}};
    /* The page that changes may be the unit's second: then there are more items than DBT_CHECKED_CAP. */
    u8 source[DBT_UNIT_CAP_MAX * DBT_INSTRUCTION_MAX_BYTES];
    const dbt_engine *engine = emitter->engine;
    const u64 guest_start = engine->units[emitter->unit].guest_pc;
    u32 size = 0;
    for (u32 i = 0; i < engine->item_count; i++) {
        const u32 count = engine->items[i].inserted ? 0 : source_bytes(&engine->items[i].instruction);
        memcpy(source + size, engine->items[i].bytes, count);
        size += count;
    }
    dbt_emit_routine(emitter, DBT_TEMPLATE_CHECK_BEGIN, 0);
    for (u32 at = 0; at < size;) {
        u32 width = 0;
        /* Aligned ones, since the guest may have alignment checked. */
        while (words[width].size_bytes > size - at ||
               (guest_start + at) % words[width].size_bytes != 0) {
            width++;
        }
        if (!dbt_emit_has_room(emitter)) {
            return false;
        }
        put_word(emitter, words[width].template_, guest_start + at, source + at,
                 words[width].size_bytes);
        at += words[width].size_bytes;
    }
    dbt_emit_routine(emitter, DBT_TEMPLATE_CHECK_END, 0);
    return dbt_emit_has_room(emitter);
}
