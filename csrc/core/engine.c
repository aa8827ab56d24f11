/* Job: the engine's face to the personality (engine.h): creation, invalidation, and host state to
 * precise guest state.
 * State: dbt_engine. Invariant: recover reads only maps and exits, so it may run in a signal handler
 * whose thread was inside the TC; it takes no lock (the thread that holds it is not in the TC, and
 * records of units that a thread may be inside are not reused). */
#include "core/engine.h"

#include "core/branches.h"
#include "core/emit.h"
#include "core/entry.h"
#include "core/finish.h"
#include "core/hints.h"
#include "core/port.h"
#include "core/profile.h"
#include "core/tcache.h"
#include "generated/template_numbers.h"

_Static_assert(offsetof(dbt_context, exit_id) == DBT_CONTEXT_EXIT_ID, "context layout");
_Static_assert(offsetof(dbt_context, pending) == DBT_CONTEXT_PENDING, "context layout");
_Static_assert(offsetof(dbt_context, key) == DBT_CONTEXT_KEY, "context layout");
_Static_assert(offsetof(dbt_context, guest_gs_base) == DBT_CONTEXT_GUEST_GS_BASE, "context layout");
_Static_assert(offsetof(dbt_context, vmm_stack) == DBT_CONTEXT_VMM_STACK, "context layout");
_Static_assert(offsetof(dbt_context, resume) == DBT_CONTEXT_RESUME, "context layout");
_Static_assert(DBT_CONTEXT_SPILL_RCX + 8 == DBT_CONTEXT_BYTES, "context layout");
_Static_assert(DBT_CONTEXT_SPILL_RCX == DBT_SPILL_AT(DBT_RCX), "context layout");
_Static_assert(DBT_CONTEXT_SPILL_RDX == DBT_SPILL_AT(DBT_RDX), "context layout");
_Static_assert(sizeof(dbt_context) <= DBT_CONTEXT_SPILL, "context layout");
_Static_assert(offsetof(dbt_context, registers) == DBT_CONTEXT_REGISTERS, "context layout");
_Static_assert(offsetof(dbt_context, rip) == DBT_CONTEXT_RIP, "context layout");
_Static_assert(offsetof(dbt_context, rflags) == DBT_CONTEXT_RFLAGS, "context layout");
_Static_assert(offsetof(dbt_context, return_mask) == DBT_CONTEXT_RETURN_MASK, "context layout");
_Static_assert(offsetof(dbt_context, return_miss_routine) == DBT_CONTEXT_RETURN_MISS_ROUTINE,
               "context layout");
_Static_assert(offsetof(dbt_profile_counters, second_lookups) == 8, "as routines.py has it");
_Static_assert(offsetof(dbt_context, checks_left) == DBT_CONTEXT_CHECKS_LEFT, "context layout");
_Static_assert(offsetof(dbt_context, noted) == DBT_CONTEXT_NOTED, "context layout");
_Static_assert(offsetof(dbt_context, site) == DBT_CONTEXT_SITE, "context layout");
_Static_assert(offsetof(dbt_context, engine) == DBT_CONTEXT_ASM_BYTES, "context layout");

#define LARGE_CODE_BYTES 0x400000ULL /* a program that dispatch.c would find large after a while */
#define TRIES_BEFORE_KICK 8192u
#define TC_BYTES_MIN 65536ULL
#define TC_BYTES_MAX 0x40000000ULL

dbt_status dbt_engine_create(const dbt_configuration *configuration, const dbt_engine_hooks *hooks,
                             dbt_engine **out) {
    if (configuration->tc_size_bytes < TC_BYTES_MIN ||
        configuration->tc_size_bytes > TC_BYTES_MAX || configuration->unit_cap == 0 ||
        configuration->unit_cap > DBT_UNIT_CAP_MAX) {
        return DBT_ERROR_ARGUMENT;
    }
    dbt_engine *engine = (dbt_engine *)dbt_port_map(0, DBT_PAGE_UP(sizeof(dbt_engine)),
                                                    DBT_PORT_READ | DBT_PORT_WRITE);
    if (!engine) {
        return DBT_ERROR_MEMORY;
    }
    engine->configuration = *configuration;
    engine->hooks = *hooks;
    engine->statistics = hooks->statistics;
    engine->chaining = configuration->flags & DBT_CONFIG_CHAIN ? 1 : 0;
    const bool large = configuration->flags & DBT_CONFIG_PAIR_LARGE &&
                       hooks->guest_code_bytes >= LARGE_CODE_BYTES;
    engine->recording = configuration->flags & DBT_CONFIG_RECORD ? 1 : 0;
    engine->counting = configuration->flags & DBT_CONFIG_COUNT ? 1 : 0;
    engine->paired = configuration->flags & DBT_CONFIG_PAIRED || large ? 1 : 0;
    const dbt_status status = dbt_tcache_create(engine);
    if (status != DBT_OK) {
        return status;
    }
    dbt_arenas_show_in(engine, hooks->arenas);
    *out = engine;
    return DBT_OK;
}

void dbt_engine_destroy(dbt_engine *engine) {
    dbt_tcache_destroy(engine);
    dbt_port_unmap((u64)engine, DBT_PAGE_UP(sizeof(dbt_engine)));
}

void dbt_engine_set_statistics(dbt_engine *engine, dbt_statistics *statistics, dbt_arena_uses *arenas) {
    engine->statistics = statistics;
    statistics->tc_bytes_used = engine->chunks_live * engine->chunk_bytes;
    dbt_arenas_show_in(engine, arenas);
}

void dbt_engine_attach(dbt_engine *engine, dbt_context *context) {
    context->self = context;
    context->engine = engine;
    context->exit_routine = (u64)&dbt_exit_routine;
    context->miss_routine = engine->host_jump_miss;
    context->return_miss_routine = engine->host_return_miss;
    context->checks_left = DBT_CHECKS_BETWEEN_LOOKS;
    dbt_engine_lock(engine);
    context->return_mask = engine->return_mask;
    context->in_tc = 0;
    context->next_thread = engine->threads;
    engine->threads = context;
    dbt_engine_unlock(engine);
}

void dbt_engine_detach(dbt_context *context) {
    dbt_engine *engine = context->engine;
    dbt_engine_lock(engine);
    dbt_context **link = &engine->threads;
    while (*link && *link != context) {
        link = &(*link)->next_thread;
    }
    if (*link) {
        *link = context->next_thread;
    }
    dbt_engine_unlock(engine);
}

void dbt_engine_fork_prepare(dbt_engine *engine) {
    dbt_engine_lock(engine);
    dbt_hints_follow(engine);
}

void dbt_engine_fork_parent(dbt_engine *engine) {
    dbt_engine_unlock(engine);
}

void dbt_engine_fork_child(dbt_engine *engine, dbt_context *survivor) {
    survivor->next_thread = 0;
    engine->threads = survivor;
    dbt_hints_adopt(engine);
    dbt_engine_unlock(engine);
}

static bool inside(const dbt_context *context) {
    return __atomic_load_n(&context->in_tc, __ATOMIC_ACQUIRE) != 0;
}

void dbt_engine_quiesce(dbt_engine *engine) {
    if (!engine->hooks.kick) {
        return;
    }
    const u32 round = ++engine->kicks;
    for (dbt_context *thread = engine->threads; thread; thread = thread->next_thread) {
        if (inside(thread)) {
            engine->hooks.kick(thread);
        }
    }
    for (dbt_context *thread = engine->threads; thread; thread = thread->next_thread) {
        for (u32 tries = 1;
             inside(thread) && __atomic_load_n(&thread->kick_seen, __ATOMIC_ACQUIRE) != round; tries++) {
            if (tries % TRIES_BEFORE_KICK == 0) {
                engine->hooks.kick(thread); /* was it killed meanwhile? */
            }
            dbt_port_yield();
        }
        if (inside(thread)) {
            dbt_dispatch_settle(thread);
        }
    }
}

bool dbt_engine_kicked(dbt_context *context, dbt_host_state *host) {
    dbt_engine *engine = context->engine;
    bool changed = false;
    if (dbt_engine_recover(engine, context, host) == DBT_OK || dbt_engine_in_entry(host->rip)) {
        dbt_engine_redirect(context, host, context->one_instruction != 0);
        changed = true;
    } else {
        context->pending = 1; /* in VMM code: it looks before it enters */
    }
    __atomic_store_n(&context->kick_seen, __atomic_load_n(&engine->kicks, __ATOMIC_ACQUIRE),
                     __ATOMIC_RELEASE);
    return changed;
}

void dbt_engine_invalidate(dbt_engine *engine, u64 guest_start, u64 guest_end) {
    if (guest_start < guest_end) {
        dbt_engine_lock(engine);
        dbt_tcache_invalidate(engine, guest_start, guest_end);
        dbt_engine_unlock(engine);
    }
}

void dbt_engine_change_begin(dbt_engine *engine) {
    dbt_engine_lock(engine);
}

void dbt_engine_change_drop(dbt_engine *engine, u64 guest_start, u64 guest_end) {
    if (guest_start < guest_end) {
        dbt_tcache_invalidate(engine, guest_start, guest_end);
    }
}

void dbt_engine_change_end(dbt_engine *engine) {
    dbt_engine_unlock(engine);
}

static bool in_routines(const dbt_engine *engine, u64 host_pc) {
    return host_pc >= engine->routines && host_pc < engine->routines_end;
}

bool dbt_engine_in_tc(const dbt_engine *engine, u64 host_pc) {
    for (u32 i = 0; i < engine->arena_count; i++) {
        if (host_pc - engine->arenas[i].host_start < engine->arenas[i].size_bytes) {
            return true;
        }
    }
    return in_routines(engine, host_pc);
}

static dbt_status guest_rip(const dbt_context *context, const dbt_state_place *place,
                            u64 guest_rsp, u64 *out) {
    switch ((dbt_where)dbt_state_where(place->state)) {
    case DBT_WHERE_THIS:
        *out = place->guest_pc;
        break;
    case DBT_WHERE_NEXT:
        *out = place->guest_pc + place->guest_bytes;
        break;
    case DBT_WHERE_TARGET:
        *out = place->target;
        break;
    case DBT_WHERE_KEY:
        *out = context->key;
        break;
    case DBT_WHERE_STACK:
        *out = *(const u64 *)(guest_rsp - 8);
        break;
    case DBT_WHERE_COUNT:
        return DBT_ERROR_NOT_MAPPED;
    }
    return DBT_OK;
}

/* Puts spilled registers back and sets rip as the state says. */
static dbt_status apply(dbt_context *context, const dbt_state_place *place) {
    const u32 mask = place->state & 0xff;
    for (u32 number = 0; number < 8; number++) {
        if (mask >> number & 1) {
            memcpy(&context->registers[number], (const u8 *)context + DBT_SPILL_AT(number), 8);
        }
    }
    context->registers[DBT_RSP] += dbt_state_low_bytes(place->state);
    return guest_rip(context, place, context->registers[DBT_RSP], &context->rip);
}

/* Stubs and far jumps: the guest stands before the exit's target; rsp is low until a call's stub has
 * dropped the host return address. */
static bool exit_place(const dbt_engine *engine, u64 host_pc, dbt_state_place *out) {
    const u32 number = dbt_tcache_exit_at(engine, host_pc);
    if (number == DBT_NONE) {
        return false;
    }
    const dbt_exit *exit = &engine->exits[number];
    const bool table = exit->kind == DBT_EXIT_KIND_TABLE;
    const bool far = exit->host_far && host_pc - exit->host_far < DBT_FAR_JUMP_BYTES;
    const bool call = table || exit->entry == DBT_ENTRY_CALL;
    const u32 low = call && (far || host_pc == exit->host_stub) ? 2 : 0;
    u32 spilled = table ? 1u << DBT_RCX : 0;
    if (exit->kind == DBT_EXIT_KIND_CHECK && host_pc - exit->host_stub < DBT_RELOAD_BYTES) {
        spilled = 1u << DBT_RCX | 1u << DBT_RDX;
    } else if (exit->kind == DBT_EXIT_KIND_CHECK &&
               host_pc - exit->host_stub < 2 * DBT_RELOAD_BYTES) {
        spilled = 1u << DBT_RDX;
    }
    memset(out, 0, sizeof *out);
    out->guest_pc = out->target = exit->guest_target;
    out->state = (u16)(spilled | (u32)(table ? DBT_WHERE_KEY : DBT_WHERE_TARGET) << DBT_STATE_WHERE_SHIFT |
                       low << DBT_STATE_LOW_SHIFT);
    return true;
}

bool dbt_engine_place(const dbt_engine *engine, u64 host_pc, dbt_state_place *out) {
    if (in_routines(engine, host_pc)) {
        const u8 *map = (const u8 *)engine->routines + DBT_PAGE_BYTES / 2;
        return dbt_state_find(map, engine->routines_map_bytes, 0, engine->routines, host_pc, out);
    }
    if (exit_place(engine, host_pc, out)) {
        return true;
    }
    const u32 number = dbt_tcache_unit_at(engine, host_pc);
    if (number == DBT_NONE) {
        return false;
    }
    const dbt_unit *unit = &engine->units[number];
    const u8 *map = engine->maps +
                    (u64)dbt_unit_chunk(engine, number) * engine->map_per_chunk + unit->map_at;
    if (!dbt_state_find(map, unit->map_bytes, unit->guest_pc, unit->host_start, host_pc, out)) {
        return false;
    }
    out->instructions_left = unit->instructions - out->instructions;
    if (out->guest_bytes != 0 &&
        (dbt_state_where(out->state) != DBT_WHERE_THIS || out->state & DBT_STATE_FLAGS_LOST)) {
        out->instructions_left--; /* it is done: the guest's pc has moved on, or will have */
    }
    /* A unit that reports, or counts itself, counts its instructions once it has. */
    const bool has_counted =
        unit->counted_at && host_pc >= unit->host_body + unit->counted_at;
    out->instructions_uncounted = has_counted ? out->instructions_left : 0;
    /* A counter that does not stand first comes too late for what is done already. */
    if (engine->counting && unit->counted_at && !has_counted && out->instructions) {
        out->unit_uncounted = unit->described + 1;
    }
    return true;
}

static bool is_arriving(const dbt_engine *engine, u64 host_pc, const dbt_state_place *place) {
    const u32 where = dbt_state_where(place->state);
    if (where == DBT_WHERE_KEY || where == DBT_WHERE_STACK) {
        return true;
    }
    const u32 number =
        in_routines(engine, host_pc) ? DBT_NONE : dbt_tcache_unit_at(engine, host_pc);
    return number != DBT_NONE && host_pc < engine->units[number].host_body;
}

/* Of the unit that is left here exactly what is done stays counted. */
static void take_back(dbt_context *context, const dbt_state_place *place) {
    dbt_profile_counters *counters = dbt_context_counters(context);
    counters->taken_back += place->instructions_uncounted;
    if (place->unit_uncounted) {
        counters->executions[place->unit_uncounted - 1]++;
        counters->taken_back += place->instructions_left;
    }
}

dbt_status dbt_engine_recover(dbt_engine *engine, dbt_context *context,
                              const dbt_host_state *host) {
    dbt_state_place place;
    memset(&place, 0, sizeof place);
    /* Units are only added behind this one meanwhile, and never taken away while a thread may be inside. */
    if (!dbt_engine_place(engine, host->rip, &place)) {
        DBT_ASSERT(!dbt_engine_in_tc(engine, host->rip));
        return DBT_ERROR_NOT_MAPPED;
    }
    memcpy(context->registers, host->registers, sizeof context->registers);
    context->rflags = host->rflags;
    if (context->budget_on) {
        context->budget += place.instructions_left;
        context->budget_used -= place.instructions_left;
    }
    context->executed -= place.instructions_uncounted;
    context->going_on = 0;
    if (engine->counting) {
        take_back(context, &place);
        context->site = is_arriving(engine, host->rip, &place) ? context->site : 0;
    }
    const dbt_status status = apply(context, &place);
    if (place.state & DBT_STATE_FLAGS_LOST) {
        dbt_finish(context, (const u8 *)host->rip);
    }
    if (in_routines(engine, host->rip)) {
        dbt_tables_forget(engine, context->rip); /* a hit routine may not get to its second look */
    }
    /* The state is in the context now and the thread goes on from there: it is out of the TC. */
    __atomic_store_n(&context->in_tc, 0, __ATOMIC_RELEASE);
    return status;
}

u32 dbt_engine_descriptions(const dbt_engine *engine) {
    return engine->descriptions;
}

void dbt_engine_locate(const dbt_context *context, const dbt_host_state *host, dbt_location *out) {
    const dbt_engine *engine = context->engine;
    dbt_state_place place;
    memset(&place, 0, sizeof place);
    *out = (dbt_location){0, DBT_NOT_DESCRIBED, false};
    if (!dbt_engine_place(engine, host->rip, &place)) {
        return;
    }
    const u32 number =
        in_routines(engine, host->rip) ? DBT_NONE : dbt_tcache_unit_at(engine, host->rip);
    if (number != DBT_NONE && host->rip >= engine->units[number].host_body) {
        out->guest_pc = place.guest_pc;
        out->described = engine->units[number].described;
        out->is_in_body = true;
        return;
    }
    const u32 where = dbt_state_where(place.state);
    out->guest_pc = where == DBT_WHERE_KEY      ? context->key
                    : where == DBT_WHERE_TARGET ? place.target
                                                : place.guest_pc;
}

void dbt_engine_redirect(dbt_context *context, dbt_host_state *host, bool one_instruction) {
    context->one_instruction = one_instruction;
    host->rip = (u64)&dbt_redirect_routine;
    host->registers[DBT_RDI] = (u64)context;
    host->rflags &= ~(u64)(DBT_FLAG_TF | DBT_FLAG_DF | DBT_FLAG_AC);
}

dbt_step dbt_engine_step(dbt_context *context, const dbt_host_state *host) {
    dbt_state_place place;
    u64 guest_pc;
    if (!context->stepping) {
        return DBT_STEP_BEGINS;
    }
    memset(&place, 0, sizeof place);
    if (!dbt_engine_place(context->engine, host->rip, &place) ||
        guest_rip(context, &place, host->registers[DBT_RSP] + dbt_state_low_bytes(place.state),
                  &guest_pc) != DBT_OK) {
        return DBT_STEP_GOES_ON;
    }
    /* A repeated string instruction traps after each round, where it was before. */
    if (guest_pc != context->step_guest_pc || host->rip <= context->step_host_pc) {
        return DBT_STEP_ENDS;
    }
    context->step_host_pc = host->rip;
    return DBT_STEP_GOES_ON;
}

bool dbt_engine_in_entry(u64 host_pc) {
    return host_pc >= (u64)&dbt_entry_begin && host_pc < (u64)&dbt_entry_end;
}

void dbt_engine_leave(dbt_context *context) {
    context->leaving = 1;
}

bool dbt_engine_is_arriving(const dbt_engine *engine, u64 host_pc) {
    dbt_state_place place;
    return dbt_engine_place(engine, host_pc, &place) && is_arriving(engine, host_pc, &place);
}

bool dbt_engine_checks_nothing(const dbt_engine *engine) {
    return engine->recording || engine->configuration.flags & DBT_CONFIG_CHECK_NONE;
}

void dbt_engine_stop_recording(dbt_engine *engine) {
    dbt_engine_lock(engine);
    engine->recording = 0;
    dbt_tcache_retire_all(engine);
    dbt_engine_unlock(engine);
}

void dbt_engine_set_stop(dbt_engine *engine, bool has_stop, u64 guest_pc) {
    if (engine->has_stop == (u32)has_stop && (!has_stop || engine->stop_pc == guest_pc)) {
        return;
    }
    dbt_tcache_retire_all(engine);
    engine->has_stop = has_stop;
    engine->stop_pc = guest_pc;
}

void dbt_engine_set_budget(dbt_context *context, u64 guest_instructions) {
    dbt_engine *engine = context->engine;
    const bool on = guest_instructions != 0;
    const u32 chaining = !on && engine->configuration.flags & DBT_CONFIG_CHAIN ? 1 : 0;
    if (context->budget_on != (u32)on) {
        dbt_tcache_retire_all(engine); /* links and table entries would run past the count */
    }
    engine->chaining = chaining;
    context->budget_on = on;
    context->budget = guest_instructions;
    context->budget_used = 0;
}

u64 dbt_engine_budget_used(const dbt_context *context) {
    return context->budget_used;
}

static char *put_text(char *to, const char *from) {
    while (*from) {
        *to++ = *from++;
    }
    *to = 0;
    return to;
}

static char *put_number(char *to, u64 value, u32 base, u32 digits_least) {
    char digits[20];
    u32 count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || count < digits_least);
    while (count) {
        *to++ = digits[--count];
    }
    *to = 0;
    return to;
}

void dbt_engine_report(const dbt_context *context, void (*line)(const char *text)) {
    const u32 size = DBT_ARRAY_LENGTH(context->recent_guest_pc);
    const u64 *previous = 0;
    char text[96];
    char *end = put_number(text, context->engine->statistics->units_translated, 10, 1);
    put_text(end, " units translated; the last ones entered by way of the VMM, newest first:");
    line(text);
    for (u32 i = 1; i <= size && i <= context->recent_at; i++) {
        const u32 at = (context->recent_at - i) % size;
        if (previous && *previous == context->recent_guest_pc[at]) {
            continue; /* a loop that is not linked */
        }
        previous = &context->recent_guest_pc[at];
        end = put_text(text, "unit at guest 0x");
        end = put_number(end, *previous, 16, 16);
        end = put_text(end, ", number ");
        put_number(end, context->recent_serial[at], 10, 1);
        line(text);
    }
}
