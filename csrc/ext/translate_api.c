/* Job: dbt_listing over the engine: ranges of guest code, translated on request.
 * State: in dbt_listing. Invariant: answers copies, never pointers into the engine's arrays (host code
 * apart, which is there to be read). */
#include "ext/translate_api.h"

#include <stdlib.h>

#include "core/emit.h"
#include "core/entry.h"
#include "core/tcache.h"

#define RANGES_MAX 4u

typedef struct code_range {
    u8 *code;
    u64 size_bytes;
    u64 guest_start;
} code_range;

struct dbt_listing {
    dbt_engine *engine;
    code_range ranges[RANGES_MAX];
    u32 range_count;
    dbt_statistics statistics;
    dbt_arena_uses arenas;
    dbt_trace trace[DBT_TRACE_MAX];
};

static dbt_status fetch(void *owner, u64 guest_pc, dbt_code_view *out)
{
    const dbt_listing *listing = owner;
    for (u32 i = 0; i < listing->range_count; i++) {
        const code_range *range = &listing->ranges[i];
        if (guest_pc - range->guest_start < range->size_bytes) {
            out->bytes = range->code;
            out->guest_start = range->guest_start;
            out->size_bytes = range->size_bytes;
            out->changes = false;
            return DBT_OK;
        }
    }
    return DBT_ERROR_NOT_MAPPED;
}

static void never_run(dbt_context *context, dbt_exit_kind kind, const dbt_instruction *instruction)
{
    (void)context;
    (void)kind;
    (void)instruction;
    dbt_fatal(__FILE__, __LINE__, "a listing does not run");
}

static void release(dbt_listing *listing)
{
    for (u32 i = 0; i < listing->range_count; i++) {
        free(listing->ranges[i].code);
    }
    free(listing);
}

dbt_status dbt_listing_add(dbt_listing *listing, const uint8_t *code, uint64_t size_bytes,
                           uint64_t guest_start)
{
    if (listing->range_count == RANGES_MAX) {
        return DBT_ERROR_FULL;
    }
    if (!size_bytes || guest_start + size_bytes - 1 < guest_start) {
        return DBT_ERROR_ARGUMENT;
    }
    code_range *range = &listing->ranges[listing->range_count];
    range->code = malloc(size_bytes);
    if (!range->code) {
        return DBT_ERROR_MEMORY;
    }
    memcpy(range->code, code, size_bytes);
    range->size_bytes = size_bytes;
    range->guest_start = guest_start;
    listing->range_count++;
    return DBT_OK;
}

dbt_listing *dbt_listing_create(const uint8_t *code, uint64_t size_bytes, uint64_t guest_start,
                                const dbt_configuration *configuration)
{
    dbt_listing *listing = calloc(1, sizeof *listing);
    if (!listing) {
        return NULL;
    }
    const dbt_engine_hooks hooks = {
        .owner = listing,
        .fetch = fetch,
        .exit = never_run,
        .statistics = &listing->statistics,
        .arenas = &listing->arenas,
    };
    if (dbt_listing_add(listing, code, size_bytes, guest_start) != DBT_OK ||
        dbt_engine_create(configuration, &hooks, &listing->engine) != DBT_OK) {
        release(listing);
        return NULL;
    }
    listing->engine->trace = listing->trace;
    return listing;
}

void dbt_listing_destroy(dbt_listing *listing)
{
    if (listing) {
        dbt_engine_destroy(listing->engine);
        release(listing);
    }
}

dbt_status dbt_listing_translate(dbt_listing *listing, uint64_t guest_pc, uint32_t entry,
                                 uint32_t *unit)
{
    if (entry > DBT_ENTRY_CALL) {
        return DBT_ERROR_ARGUMENT;
    }
    listing->engine->trace_count = 0;
    *unit = dbt_tcache_lookup(listing->engine, guest_pc, (dbt_entry_kind)entry);
    if (*unit != DBT_NONE) {
        return DBT_OK;
    }
    return dbt_translate_unit(listing->engine, guest_pc, (dbt_entry_kind)entry,
                              listing->engine->configuration.unit_cap, false, unit);
}

uint32_t dbt_listing_lookup(const dbt_listing *listing, uint64_t guest_pc, uint32_t entry)
{
    return entry > DBT_ENTRY_CALL
               ? DBT_NONE
               : dbt_tcache_lookup(listing->engine, guest_pc, (dbt_entry_kind)entry);
}

uint32_t dbt_listing_item_count(const dbt_listing *listing)
{
    return listing->engine->trace_count;
}

dbt_status dbt_listing_item_get(const dbt_listing *listing, uint32_t at, dbt_listing_item *out)
{
    if (at >= listing->engine->trace_count) {
        return DBT_ERROR_ARGUMENT;
    }
    const dbt_trace *trace = &listing->trace[at];
    out->guest_pc = trace->guest_pc;
    out->host_pc = trace->host_pc;
    out->unit = trace->unit;
    out->facts = trace->facts;
    out->host_bytes = trace->host_bytes;
    out->guest_bytes = trace->guest_bytes;
    out->class_ = trace->class_;
    out->template_ = trace->template_;
    memcpy(out->scratch, trace->scratch, sizeof out->scratch);
    return DBT_OK;
}

uint32_t dbt_listing_unit_limit(const dbt_listing *listing)
{
    return listing->engine->units_per_chunk * listing->engine->chunk_limit;
}

uint32_t dbt_listing_exit_limit(const dbt_listing *listing)
{
    return listing->engine->exits_per_chunk * listing->engine->chunk_limit;
}

dbt_status dbt_listing_unit_get(const dbt_listing *listing, uint32_t unit, dbt_listing_unit *out)
{
    if (unit >= dbt_listing_unit_limit(listing)) {
        return DBT_ERROR_ARGUMENT;
    }
    const dbt_unit *from = &listing->engine->units[unit];
    out->guest_pc = from->guest_pc;
    out->host_start = from->host_start;
    out->host_entry = from->entry == DBT_ENTRY_BODY ? from->host_body : dbt_unit_entry(from);
    out->host_body = from->host_body;
    out->host_end = from->host_end;
    out->guest_bytes = from->guest_bytes;
    out->instructions = from->instructions;
    out->first_exit = from->first_exit;
    out->exit_count = from->exit_count;
    out->flags = from->flags;
    out->falls_from = from->falls_from;
    out->entry = from->entry;
    out->incoming = from->incoming;
    return DBT_OK;
}

dbt_status dbt_listing_exit_get(const dbt_listing *listing, uint32_t number, dbt_listing_exit *out)
{
    const dbt_engine *engine = listing->engine;
    if (number >= dbt_listing_exit_limit(listing)) {
        return DBT_ERROR_ARGUMENT;
    }
    const dbt_exit *from = &engine->exits[number];
    out->guest_target = from->guest_target;
    out->host_patch = from->host_patch;
    out->host_stub = from->host_stub;
    out->host_far = from->host_far;
    out->kind = from->kind;
    out->unit = from->unit;
    out->linked = from->linked;
    out->next = from->next;
    out->entry = from->entry;
    out->reserved = 0;
    return DBT_OK;
}

dbt_status dbt_listing_state_at(const dbt_listing *listing, uint64_t host_pc,
                                dbt_listing_state *out)
{
    const dbt_engine *engine = listing->engine;
    memset(out, 0, sizeof *out);
    dbt_state_place place;
    memset(&place, 0, sizeof place);
    if (!dbt_engine_place(engine, host_pc, &place)) {
        return DBT_ERROR_NOT_MAPPED;
    }
    out->guest_pc = place.guest_pc;
    out->target = place.target;
    out->spilled_mask = place.state & 0xff;
    out->where = dbt_state_where(place.state);
    out->low_bytes = dbt_state_low_bytes(place.state);
    out->host_offset = (u32)place.host_offset;
    out->guest_bytes = place.guest_bytes;
    out->flags_lost = (place.state & DBT_STATE_FLAGS_LOST) != 0;
    return DBT_OK;
}

dbt_status dbt_listing_link(dbt_listing *listing, uint32_t exit, uint32_t unit)
{
    if (exit >= dbt_listing_exit_limit(listing) || unit >= dbt_listing_unit_limit(listing)) {
        return DBT_ERROR_ARGUMENT;
    }
    dbt_tcache_link(listing->engine, exit, unit);
    return listing->engine->exits[exit].linked == unit ? DBT_OK : DBT_ERROR_FULL;
}

void dbt_listing_fill_table(dbt_listing *listing, uint32_t unit)
{
    dbt_tcache_fill_table(listing->engine, unit);
}

void dbt_listing_invalidate(dbt_listing *listing, uint64_t guest_start, uint64_t guest_end)
{
    dbt_engine_invalidate(listing->engine, guest_start, guest_end);
}

const dbt_statistics *dbt_listing_statistics(const dbt_listing *listing)
{
    return &listing->statistics;
}

uint64_t dbt_listing_table(const dbt_listing *listing, uint32_t entry)
{
    switch ((dbt_entry_kind)entry) {
    case DBT_ENTRY_RETURN:
        return (u64)listing->engine->returns;
    case DBT_ENTRY_JUMP:
        return (u64)listing->engine->jumps;
    case DBT_ENTRY_BODY:
    case DBT_ENTRY_CALL:
        break;
    }
    return (u64)listing->engine->second;
}

uint64_t dbt_listing_routine(const dbt_listing *listing, uint32_t which)
{
    switch (which) {
    case DBT_LISTING_RETURN_MISS:
        return listing->engine->host_return_miss;
    case DBT_LISTING_JUMP_MISS:
        return listing->engine->host_jump_miss;
    case DBT_LISTING_EXIT_ROUTINE:
        return (u64)&dbt_exit_routine;
    default:
        return 0;
    }
}

uint64_t dbt_listing_routines_end(const dbt_listing *listing)
{
    return listing->engine->routines_end;
}

const dbt_arena_uses *dbt_listing_arenas(const dbt_listing *listing)
{
    return &listing->arenas;
}

dbt_status dbt_listing_slot_get(uint32_t at, dbt_listing_slot *out)
{
    static const dbt_listing_slot slots[] = {
        {"self", DBT_CONTEXT_SELF, 1},
        {"exit_routine", DBT_CONTEXT_EXIT_ROUTINE, 1},
        {"miss_routine", DBT_CONTEXT_MISS_ROUTINE, 1},
        {"exit_id", DBT_CONTEXT_EXIT_ID, 1},
        {"key", DBT_CONTEXT_KEY, 1},
        {"guest_gs_base", DBT_CONTEXT_GUEST_GS_BASE, 1},
        {"vmm_stack", DBT_CONTEXT_VMM_STACK, 1},
        {"resume", DBT_CONTEXT_RESUME, 1},
        {"spill.rax", DBT_SPILL_AT(DBT_RAX), 1},
        {"spill.rcx", DBT_SPILL_AT(DBT_RCX), 1},
        {"spill.rdx", DBT_SPILL_AT(DBT_RDX), 1},
        {"spill.rbx", DBT_SPILL_AT(DBT_RBX), 1},
        {"spill.rsi", DBT_SPILL_AT(DBT_RSI), 1},
        {"spill.rdi", DBT_SPILL_AT(DBT_RDI), 1},
        {"registers", DBT_CONTEXT_REGISTERS, 16},
        {"rip", DBT_CONTEXT_RIP, 1},
        {"rflags", DBT_CONTEXT_RFLAGS, 1},
        {"checks_left", DBT_CONTEXT_CHECKS_LEFT, 1},
        {"return_miss_routine", DBT_CONTEXT_RETURN_MISS_ROUTINE, 1},
        {"noted", DBT_CONTEXT_NOTED, 1},
        {"counters_at", DBT_CONTEXT_COUNTERS_AT, 1},
    };
    if (at >= DBT_ARRAY_LENGTH(slots)) {
        return DBT_ERROR_ARGUMENT;
    }
    *out = slots[at];
    return DBT_OK;
}

uint64_t dbt_listing_context_bytes(void)
{
    return DBT_CONTEXT_BYTES;
}

void dbt_listing_attach(dbt_listing *listing, void *context)
{
    dbt_engine_attach(listing->engine, context);
}

dbt_status dbt_listing_recover(dbt_listing *listing, void *context,
                               const uint64_t host_registers[16], uint64_t host_pc,
                               uint64_t rflags)
{
    dbt_host_state host;
    memcpy(host.registers, host_registers, sizeof host.registers);
    host.rip = host_pc;
    host.rflags = rflags;
    return dbt_engine_recover(listing->engine, context, &host);
}
