/* Job: the dispatcher: every exit from the TC comes here, is served, and goes back in.
 * State: the context's; the engine's under its lock.
 * Invariant: hooks of the personality run with the lock free, and numbers of units and exits do not
 * survive a hook (it may have evicted them). */
#include "core/branches.h"
#include "core/emit.h"
#include "core/entry.h"
#include "core/hints.h"
#include "core/items.h"
#include "core/tcache.h"

/* What one dispatch knows on its way: how the guest arrived at context->rip. */
typedef struct dbt_arrival {
    u32 exit;              /* CONTINUATION to link, or DBT_NONE */
    dbt_entry_kind entry;  /* which table to fill */
    u64 evictions;         /* when exit was read */
    u32 recorded;          /* the unit that has just reported, or DBT_NONE: it goes on behind that */
} dbt_arrival;

static void call_hook(dbt_context *context, dbt_exit_kind kind,
                      const dbt_instruction *instruction, dbt_arrival *arrival) {
    dbt_engine *engine = context->engine;
    arrival->exit = arrival->recorded = DBT_NONE;
    arrival->entry = DBT_ENTRY_BODY;
    dbt_engine_unlock(engine);
    engine->hooks.exit(context, kind, instruction);
    dbt_engine_lock(engine);
}

#define LARGE_UNITS 65536u
#define SERVER_UNITS 32768u
#define SERVER_CALLS 16384u

/* Whether the program has more returns, or a longer way through them, than the processor's indirect
 * predictor can tell apart. A server's way leads through most of its code for each request. */
static bool is_large(const dbt_engine *engine) {
    const u64 units = engine->statistics->units_translated;
    return units >= LARGE_UNITS ||
           (units >= SERVER_UNITS && engine->statistics->exits_syscall >= SERVER_CALLS);
}

/* A large program uses the processor's return predictor from then on. Measured in docs/adr. What was
 * translated the other way would unbalance it, so all starts anew, once. */
static void pair_large(dbt_engine *engine) {
    if (!engine->paired && engine->configuration.flags & DBT_CONFIG_PAIR_LARGE && is_large(engine)) {
        engine->paired = 1;
        dbt_tcache_retire_all(engine);
        if (engine->wide) {
            dbt_engine_quiesce(engine); /* nobody is between the two looks of a hit routine */
            dbt_tables_clear(engine);
        }
    }
}

/* An instruction that C carries out, or refuses. */
static void serve_instruction(dbt_context *context, dbt_exit_kind kind, dbt_arrival *arrival) {
    dbt_engine *engine = context->engine;
    u8 bytes[16];
    dbt_instruction instruction;
    bool changes = false;
    const u32 count = dbt_items_fetch(engine, context->rip, bytes, &changes);
    engine->statistics->exits_callout++;
    if (dbt_instruction_decode(bytes, count, context->rip, DBT_MODE_64, &instruction) != DBT_OK) {
        call_hook(context, DBT_EXIT_KIND_FETCH, 0, arrival); /* changed since it was translated */
        return;
    }
    if (engine->hooks.callout) {
        engine->hooks.callout(context, instruction.class_);
    }
    if (kind == DBT_EXIT_KIND_CALLOUT && dbt_callout_execute(context, &instruction)) {
        return;
    }
    call_hook(context, DBT_EXIT_KIND_UNSUPPORTED, &instruction, arrival);
}

static void serve_exit(dbt_context *context, dbt_exit_kind kind, dbt_arrival *arrival) {
    switch (kind) {
    case DBT_EXIT_KIND_CONTINUATION:
        context->engine->statistics->exits_continuation++;
        break;
    case DBT_EXIT_KIND_CHECK:
        break; /* of a unit that has gone meanwhile */
    case DBT_EXIT_KIND_RECORD:
        break; /* of a unit that has gone meanwhile: it reports when it is found again */
    case DBT_EXIT_KIND_SYSCALL:
        if (++context->engine->statistics->exits_syscall == SERVER_CALLS) {
            pair_large(context->engine);
        }
        context->rip += 2;
        call_hook(context, DBT_EXIT_KIND_SYSCALL, 0, arrival);
        break;
    case DBT_EXIT_KIND_CALLOUT:
    case DBT_EXIT_KIND_UNSUPPORTED:
        serve_instruction(context, kind, arrival);
        break;
    case DBT_EXIT_KIND_MISS:
    case DBT_EXIT_KIND_FETCH:
    case DBT_EXIT_KIND_STOP:
    case DBT_EXIT_KIND_COUNT:
    case DBT_EXIT_KIND_SIGNAL:
    case DBT_EXIT_KIND_TABLE:
    case DBT_EXIT_KIND_STEP:
    case DBT_EXIT_KIND_MEMORY:
    case DBT_EXIT_KIND_BUDGET:
        dbt_fatal(__FILE__, __LINE__, "an exit of a kind that is never emitted");
    }
}

/* A unit found its source changed, or it is the one whose pages are looked at by the way: those that no
 * longer change are watched from now on, when the next unit is translated from them. */
static void check(dbt_context *context, const dbt_exit *exit, dbt_arrival *arrival) {
    dbt_engine *engine = context->engine;
    const dbt_unit *unit = &engine->units[exit->unit];
    const u64 guest_end = unit->guest_pc + unit->guest_bytes;
    const bool changed = context->checks_left != 0;
    if (changed) {
        engine->statistics->self_check_changes++;
        arrival->entry = unit->entry == DBT_ENTRY_CALL ? DBT_ENTRY_BODY : (dbt_entry_kind)unit->entry;
    } else {
        context->checks_left = DBT_CHECKS_BETWEEN_LOOKS;
    }
    for (u64 page = DBT_PAGE_DOWN(unit->guest_pc); page < guest_end; page += DBT_PAGE_BYTES) {
        if (engine->hooks.settles && engine->hooks.settles(engine->hooks.owner, page, changed)) {
            engine->statistics->self_check_pages_settled++;
            dbt_tcache_invalidate(engine, page, page + DBT_PAGE_BYTES);
        }
    }
    if (changed) {
        const u64 before = engine->statistics->units_invalidated;
        dbt_tcache_invalidate(engine, context->rip, guest_end);
        if (context->charge) {
            context->charge->units_invalidated += engine->statistics->units_invalidated - before;
        }
    }
}

/* A unit has been entered, by whatever way: it reports, and goes on behind its report. */
static void record(dbt_context *context, const dbt_exit *exit, dbt_arrival *arrival) {
    const dbt_engine *engine = context->engine;
    const dbt_unit *unit = &engine->units[exit->unit];
    arrival->recorded = exit->unit;
    arrival->evictions = engine->evictions;
    if (engine->recording) {
        engine->hooks.record(context, unit->instructions, unit->record_flags);
    }
}

/* Behind its report the unit's instructions count as done; a fault among them takes back the rest. */
static void go_on(dbt_context *context, u32 number) {
    const dbt_unit *unit = &context->engine->units[number];
    context->executed += unit->instructions;
    context->going_on = unit->instructions;
    context->resume = unit->host_body + DBT_STUB_BYTES;
}

static void serve(dbt_context *context, dbt_arrival *arrival) {
    dbt_engine *engine = context->engine;
    const u32 id = context->exit_id;
    arrival->exit = arrival->recorded = DBT_NONE;
    arrival->entry = DBT_ENTRY_BODY;
    context->exit_id = 0;
    const bool missed = id == DBT_EXIT_ID_RETURN_MISS || id == DBT_EXIT_ID_JUMP_MISS;
    if (context->site) { /* a signal came on the way, or it is a miss */
        dbt_branches_note(context, missed ? context->key : context->rip);
    }
    if (missed) {
        engine->statistics->exits_indirect_miss++;
        context->rip = context->key;
        arrival->entry = id == DBT_EXIT_ID_RETURN_MISS ? DBT_ENTRY_RETURN : DBT_ENTRY_JUMP;
    } else if (id == DBT_EXIT_ID_SETTLED) {
        context->rip = context->settled_target;
        serve_exit(context, (dbt_exit_kind)context->settled_kind, arrival);
    } else if (id >= DBT_EXIT_ID_FIRST) {
        const dbt_exit *exit = &engine->exits[id - DBT_EXIT_ID_FIRST];
        context->rip = exit->guest_target;
        if (exit->kind == DBT_EXIT_KIND_RECORD) {
            record(context, exit, arrival);
            return;
        }
        if (exit->kind == DBT_EXIT_KIND_CHECK) {
            check(context, exit, arrival);
            return;
        }
        if (exit->kind == DBT_EXIT_KIND_CONTINUATION) {
            arrival->exit = id - DBT_EXIT_ID_FIRST;
            arrival->evictions = engine->evictions;
            if (engine->chaining) {
                arrival->entry = (dbt_entry_kind)exit->entry;
            }
        }
        serve_exit(context, (dbt_exit_kind)exit->kind, arrival);
    }
}

void dbt_dispatch_settle(dbt_context *context) {
    const dbt_engine *engine = context->engine;
    if (context->exit_id >= DBT_EXIT_ID_FIRST) {
        const dbt_exit *exit = &engine->exits[context->exit_id - DBT_EXIT_ID_FIRST];
        context->settled_target = exit->guest_target;
        context->settled_kind = exit->kind;
        context->exit_id = DBT_EXIT_ID_SETTLED;
    }
}

/* The unit to go on with; cap is less than the setting when a budget or a lone instruction asks. FULL: it
 * is not there, and the translation budget is used up. */
static dbt_status find_unit(dbt_context *context, dbt_entry_kind entry, u32 *unit) {
    dbt_engine *engine = context->engine;
    u32 cap = engine->configuration.unit_cap;
    bool transient = context->one_instruction != 0;
    if (transient) {
        cap = 1;
        context->one_instruction = 0;
    }
    if (!transient) {
        *unit = dbt_tcache_lookup(engine, context->rip, entry);
        if (*unit != DBT_NONE &&
            (!context->budget_on || engine->units[*unit].instructions <= context->budget)) {
            return DBT_OK;
        }
        if (*unit != DBT_NONE || (context->budget_on && cap > context->budget)) {
            transient = true;
            cap = (u32)context->budget;
        }
    }
    dbt_statistics *statistics = engine->statistics;
    const u64 budget = engine->configuration.translation_budget;
    if (budget && statistics->guest_instructions_translated >= budget) {
        return DBT_ERROR_FULL;
    }
    pair_large(engine);
    const u64 ticks_before = dbt_ticks();
    const u64 translated_before = statistics->guest_instructions_translated;
    context->translating = 1;
    const dbt_status status =
        dbt_translate_unit(engine, context->rip, entry, cap, transient, unit);
    context->translating = 0;
    const u64 spent = dbt_ticks() - ticks_before;
    statistics->translation_cycles += spent;
    if (context->charge) {
        context->charge->cycles += spent;
        context->charge->guest_instructions +=
            statistics->guest_instructions_translated - translated_before;
    }
    statistics->translations++;
    if (status == DBT_OK && !transient) {
        dbt_hints_tell(engine, context->rip, entry);
    }
    return status;
}

static void enter(dbt_context *context, u32 number, const dbt_arrival *arrival) {
    dbt_engine *engine = context->engine;
    const dbt_unit *unit = &engine->units[number];
    if (arrival->exit != DBT_NONE && arrival->evictions == engine->evictions) {
        dbt_tcache_link(engine, arrival->exit, number);
        dbt_hints_tell_link(engine, engine->units[engine->exits[arrival->exit].unit].guest_pc);
    }
    if ((arrival->entry == DBT_ENTRY_RETURN || arrival->entry == DBT_ENTRY_JUMP) &&
        engine->chaining && unit->entry == arrival->entry && !(unit->flags & DBT_UNIT_TRANSIENT)) {
        dbt_tcache_fill_table(engine, number);
    }
    if (context->budget_on) {
        context->budget -= unit->instructions;
        context->budget_used += unit->instructions;
    }
    const u32 recent = context->recent_at++ % DBT_ARRAY_LENGTH(context->recent_guest_pc);
    context->recent_guest_pc[recent] = context->rip;
    context->recent_serial[recent] = unit->serial;
    context->resume = unit->host_body;
}

/* Whether an instruction under the trap flag has left the TC and is done once it is served. The flag was
 * taken from the host's flags so that the VMM does not trap. Of a system call the processor says nothing:
 * the flag shows only after the instruction behind it. */
static bool takes_step(dbt_context *context) {
    const u32 id = context->exit_id;
    const bool left = context->stepping && id != 0;
    context->stepping = 0;
    if (id != 0) {
        context->rflags &= ~(u64)DBT_FLAG_TF; /* of a debugger that steps over the pushfq of the exit */
    }
    if (!left) {
        return false;
    }
    context->rflags |= DBT_FLAG_TF;
    const u32 kind = id == DBT_EXIT_ID_SETTLED ? context->settled_kind
                     : id >= DBT_EXIT_ID_FIRST ? context->engine->exits[id - DBT_EXIT_ID_FIRST].kind
                                               : (u32)DBT_EXIT_KIND_MISS;
    return kind == DBT_EXIT_KIND_CONTINUATION || kind == DBT_EXIT_KIND_MISS ||
           kind == DBT_EXIT_KIND_CALLOUT;
}

static void enter_to_step(dbt_context *context) {
    context->stepping = 1;
    context->step_guest_pc = context->rip;
    context->step_host_pc = 0;
}

/* Goes to the unit at context->rip, or on behind a report. False: the personality was asked instead. */
static bool enter_next(dbt_context *context, bool traps, dbt_arrival *arrival) {
    if (arrival->recorded != DBT_NONE && arrival->evictions == context->engine->evictions) {
        go_on(context, arrival->recorded);
        return true;
    }
    u32 unit;
    context->one_instruction |= traps;
    const dbt_status status = context->rip < DBT_CANONICAL_LIMIT
                                  ? find_unit(context, arrival->entry, &unit)
                                  : DBT_ERROR_NOT_MAPPED;
    if (status == DBT_ERROR_NOT_MAPPED) {
        call_hook(context, DBT_EXIT_KIND_FETCH, 0, arrival);
        return false;
    }
    if (status == DBT_ERROR_MEMORY) {
        call_hook(context, DBT_EXIT_KIND_MEMORY, 0, arrival);
        return false;
    }
    if (status == DBT_ERROR_FULL) {
        call_hook(context, DBT_EXIT_KIND_BUDGET, 0, arrival);
        return false;
    }
    DBT_ASSERT(status == DBT_OK);
    enter(context, unit, arrival);
    return true;
}

u32 dbt_dispatch(dbt_context *context) {
    dbt_engine *engine = context->engine;
    dbt_arrival arrival;
    dbt_engine_lock(engine);
    context->in_tc = 0;
    if (context->exit_id == 0) {
        context->executed -= context->going_on; /* a signal came first: nothing of the unit has run */
    }
    context->going_on = 0;
    const bool steps = takes_step(context);
    serve(context, &arrival);
    if (steps) {
        call_hook(context, DBT_EXIT_KIND_STEP, 0, &arrival);
    }
    for (;;) {
        if (context->leaving) {
            context->leaving = 0;
            dbt_engine_unlock(engine);
            return 1;
        }
        if (context->pending) {
            engine->statistics->exits_signal++;
            context->pending = 0;
            call_hook(context, DBT_EXIT_KIND_SIGNAL, 0, &arrival);
            continue;
        }
        if (engine->has_stop && context->rip == engine->stop_pc) {
            call_hook(context, DBT_EXIT_KIND_STOP, 0, &arrival);
            continue;
        }
        if (context->budget_on && context->budget == 0) {
            call_hook(context, DBT_EXIT_KIND_COUNT, 0, &arrival);
            continue;
        }
        const bool traps = context->rflags & DBT_FLAG_TF;
        if (!enter_next(context, traps, &arrival)) {
            continue;
        }
        if (traps) {
            enter_to_step(context);
        }
        context->in_tc = 1;
        dbt_engine_unlock(engine);
        return 0;
    }
}
