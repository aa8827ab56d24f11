/* Job: the engine as a personality sees it: translate and run guest code, tell it what changed in
 * guest memory, and turn a host state inside the TC into a precise guest state.
 * State: one dbt_engine per address space; the personality owns it.
 * Invariant: the engine never interprets a guest system call, signal or mapping; it asks fetch for
 * code and hands everything else to the personality's exit function. */
#ifndef DBT_CORE_ENGINE_H
#define DBT_CORE_ENGINE_H

#include "core/base.h"
#include "core/context.h"
#include "core/decode.h"
#include "core/session.h"

struct dbt_engine;
typedef struct dbt_engine dbt_engine;

/* Guest code bytes, as the personality lends them to the translator for one translation. */
typedef struct dbt_code_view {
    const u8 *bytes;     /* of guest_start */
    u64 guest_start;
    u64 size_bytes;
    bool changes;        /* a write will not be reported: the units must check themselves */
} dbt_code_view;

/* Gives the longest run of executable guest memory around guest_pc that is ready to be translated.
 * Before it lends a page the guest may write, the personality write-protects that page and reports a
 * later write with dbt_engine_invalidate. DBT_ERROR_NOT_MAPPED: the guest may not execute there. */
typedef dbt_status (*dbt_fetch)(void *owner, u64 guest_pc, dbt_code_view *out);

/* Why the TC was left, for the personality. */
typedef enum dbt_exit_kind {
    DBT_EXIT_KIND_CONTINUATION = 0, /* direct branch, not linked yet (engine's own) */
    DBT_EXIT_KIND_MISS = 1,         /* indirect branch, not in the table (engine's own) */
    DBT_EXIT_KIND_SYSCALL = 2,      /* after `syscall`: context->rip is the next instruction */
    DBT_EXIT_KIND_CALLOUT = 3,      /* an instruction C must carry out: context->rip is at it */
    DBT_EXIT_KIND_UNSUPPORTED = 4,  /* an instruction that is refused: context->rip is at it */
    DBT_EXIT_KIND_FETCH = 5,        /* no executable memory at context->rip */
    DBT_EXIT_KIND_STOP = 6,         /* context->rip is a stop address (Machine) */
    DBT_EXIT_KIND_COUNT = 7,        /* the instruction budget is used up (Machine) */
    DBT_EXIT_KIND_RECORD = 11,      /* a unit is about to run: context->rip is its address (engine's own) */
    DBT_EXIT_KIND_STEP = 12,        /* an instruction under the trap flag is done: context->rip is behind it */
    DBT_EXIT_KIND_CHECK = 13,       /* a self-checking unit found its source changed (engine's own) */
    DBT_EXIT_KIND_BUDGET = 14,      /* the process has had as much translated as it may */
    DBT_EXIT_KIND_MEMORY = 10,      /* no memory for translated code can be had */
    DBT_EXIT_KIND_TABLE = 9,        /* an indirect call on its way to the table: never leaves (engine's own) */
    DBT_EXIT_KIND_SIGNAL = 8        /* context->pending was set: clear it, deliver, or do nothing */
} dbt_exit_kind;

/* The personality's answer to an exit. Called with the guest state whole in the context, on the
 * thread's VMM stack. On return the guest goes on at context->rip. The engine has carried out
 * cpuid, gs and popf callouts itself (engine-level rules) before asking; what reaches here is
 * SYSCALL, UNSUPPORTED, FETCH, STOP, COUNT. instruction is the decoded one for UNSUPPORTED, else 0. */
typedef void (*dbt_exit_function)(dbt_context *context, dbt_exit_kind kind,
                                  const dbt_instruction *instruction);

/* A host register file as a signal frame has it: general registers by number, rip, rflags. */
typedef struct dbt_host_state {
    u64 registers[16];
    u64 rip;
    u64 rflags;
} dbt_host_state;

/* A unit that was translated, for a profile. */
typedef struct dbt_description {
    u64 guest_pc;
    const u8 *code;       /* its guest bytes */
    u32 guest_bytes;
    u32 instructions;
    u32 ident;            /* of them, emitted as they were */
    u64 host_pc;          /* of the body */
    u32 host_bytes;       /* of it, as emitted for the guest's instructions */
    u32 own_bytes;        /* of it besides: counters, and the check of a changing unit */
    u32 host_instructions;
    u32 ends;             /* dbt_class of its last instruction */
} dbt_description;

typedef struct dbt_engine_hooks {
    void *owner;              /* first argument of fetch */
    dbt_fetch fetch;
    dbt_exit_function exit;
    /* Whether code at guest_pc can be translated ahead of its use: private memory that the guest may
     * execute and not write. Called with the engine's lock held. */
    bool (*is_lasting)(void *owner, u64 guest_pc);
    /* Guest executable range, so that tables and arenas keep out of it: [low, high) or 0, 0. */
    u64 avoid_low;
    u64 avoid_high;
    u64 guest_code_bytes;     /* of the program itself: tells a large one from the start; 0: not known */
    /* Interrupts another thread of this engine, so that its signal handler calls dbt_engine_kicked.
     * The signal must be one the thread never blocks outside of handlers. Called with the engine lock
     * held, only for a thread that may be inside the TC: it cannot reach a blocking system call before
     * its handler has run. */
    void (*kick)(dbt_context *context);
    /* While units are recorded: a unit of that many guest instructions is about to run; flags are
     * DBT_UNIT_RECORD_. Called with the engine lock held. Or 0. */
    void (*record)(dbt_context *context, u32 instructions, u32 flags);
    /* Units are numbered and described as they are translated, with the engine lock held. Or 0. */
    void (*describe)(void *owner, u32 number, const dbt_description *unit);
    /* An instruction of that dbt_class is about to be carried out by C. Or 0. */
    void (*callout)(const dbt_context *context, u32 class_);
    /* Code on a page that was lent as one that changes has changed, or else is looked at by the way. True:
     * from now on writes into it will be reported again. Called with the engine lock held. Or 0. */
    bool (*settles)(void *owner, u64 guest_page, bool changed);
    dbt_statistics *statistics;
    dbt_arena_uses *arenas;   /* where it tells what its arenas hold. Or 0 */
} dbt_engine_hooks;

/* Creates an engine. configuration is copied. */
dbt_status dbt_engine_create(const dbt_configuration *configuration, const dbt_engine_hooks *hooks,
                             dbt_engine **out);

/* Gives all its memory back. No thread may be inside it. */
void dbt_engine_destroy(dbt_engine *engine);

/* Prepares a thread's context to run in this engine (routines, self pointer) and registers it. */
void dbt_engine_attach(dbt_engine *engine, dbt_context *context);

/* Takes a context out of the engine, from within a hook of its own thread: the thread ends and will
 * not enter the TC again. */
void dbt_engine_detach(dbt_context *context);

/* Around a fork: prepare takes the engine's lock and translates what earlier children told; parent
 * gives the lock back; child does so in the child, where only the calling thread's context is left. */
void dbt_engine_fork_prepare(dbt_engine *engine);
void dbt_engine_fork_parent(dbt_engine *engine);
void dbt_engine_fork_child(dbt_engine *engine, dbt_context *survivor);

/* From the handler of a kick: takes the thread out of the TC, or keeps it from entering. Answers
 * whether host was changed and must be returned to. Handlers of other signals must keep the kick's
 * signal blocked while they run. */
bool dbt_engine_kicked(dbt_context *context, dbt_host_state *host);

/* Runs the guest from context->rip, using the caller's stack below its frame for the VMM, with gs
 * base set to the context; returns only when the personality asks by dbt_engine_leave. */
void dbt_engine_run(dbt_context *context);

/* A signal handler that finds the host pc outside the TC sets context->pending = 1 and returns; the
 * engine then calls the exit function with DBT_EXIT_KIND_SIGNAL before it enters the TC. One window
 * needs help: if the interrupted host pc lies in the entry routine (this function says so), the
 * guest state is whole in the context, and the handler calls dbt_engine_redirect without recovering. */
bool dbt_engine_in_entry(u64 host_pc);

/* Whether host_pc lies between an indirect branch and its target: the branch is done, so that a fault here is
 * not the guest's. */
bool dbt_engine_is_arriving(const dbt_engine *engine, u64 host_pc);

/* From within an exit function: dbt_engine_run returns after it. */
void dbt_engine_leave(dbt_context *context);

/* Whether no unit shall check itself: by the settings, or while units are recorded. */
bool dbt_engine_checks_nothing(const dbt_engine *engine);

/* Guest memory [start, end) was unmapped, remapped, protected or written: drops its units. */
void dbt_engine_invalidate(dbt_engine *engine, u64 guest_start, u64 guest_end);

/* The same in parts, for a change that must not race with a translation: between begin and end no unit
 * is made or found; drop may be called any number of times. begin may not be nested, and comes before
 * any lock that fetch takes. */
void dbt_engine_change_begin(dbt_engine *engine);
void dbt_engine_change_drop(dbt_engine *engine, u64 guest_start, u64 guest_end);
void dbt_engine_change_end(dbt_engine *engine);

/* Between begin and end: frees the addresses [start, end) as far as the translation cache has them. What
 * was translated there is translated anew elsewhere. False: there is no other place. */
bool dbt_engine_vacate(dbt_engine *engine, u64 start, u64 end);

/* Guest code lies below: a pc beyond it faults, whatever bits make it so. */
#define DBT_CANONICAL_LIMIT 0x800000000000ULL

/* Whether host_pc is in emitted code or in an entry, exit or miss routine. */
bool dbt_engine_in_tc(const dbt_engine *engine, u64 host_pc);

/* What runs at a host pc in the TC, for a sample; takes no lock, as recover. */
typedef struct dbt_location {
    u64 guest_pc;         /* of the instruction, or where a way between units leads; 0: nowhere known */
    u32 described;        /* number of the unit by its description, or DBT_NOT_DESCRIBED */
    bool is_in_body;
} dbt_location;
#define DBT_NOT_DESCRIBED 0xffffffffu
/* Units described so far, those that a forked child has inherited included. */
u32 dbt_engine_descriptions(const dbt_engine *engine);
void dbt_engine_locate(const dbt_context *context, const dbt_host_state *host, dbt_location *out);

/* Turns a host state inside the TC into the precise guest state and stores it in the context
 * (registers, rip, rflags). DBT_ERROR_NOT_MAPPED: the pc is not in emitted code. */
dbt_status dbt_engine_recover(dbt_engine *engine, dbt_context *context, const dbt_host_state *host);

/* From a signal handler that has called dbt_engine_recover: the host state that, once returned to,
 * continues in the VMM's dispatcher at context->rip on the VMM stack. one_instruction: the next unit
 * holds a single guest instruction (a store that was stopped by a protected code page must run alone). */
void dbt_engine_redirect(dbt_context *context, dbt_host_state *host, bool one_instruction);

/* From the handler of a single-step trap of the host's, when the interrupted pc is in the TC. GOES_ON: the
 * guest's instruction is not done: return. The others: recover and redirect, after ENDS with a trap for
 * the guest, which BEGINS has none: the guest has only just set the flag. */
typedef enum dbt_step {
    DBT_STEP_GOES_ON = 0,
    DBT_STEP_BEGINS = 1,
    DBT_STEP_ENDS = 2
} dbt_step;
dbt_step dbt_engine_step(dbt_context *context, const dbt_host_state *host);

/* Machine: stop before this guest address (0, false: none); bound on instructions (0: none). */
void dbt_engine_set_stop(dbt_engine *engine, bool has_stop, u64 guest_pc);
void dbt_engine_set_budget(dbt_context *context, u64 guest_instructions);
u64 dbt_engine_budget_used(const dbt_context *context);

/* Units report no more, and are linked and chained as the configuration says. Not from record. */
void dbt_engine_stop_recording(dbt_engine *engine);

/* From now on the engine counts into statistics, a forked child's own slab: anew, apart from the size
 * of what the child has inherited; and tells of its arenas there. */
void dbt_engine_set_statistics(dbt_engine *engine, dbt_statistics *statistics, dbt_arena_uses *arenas);

/* The last units entered through the VMM, newest first, for the internal-error report. */
void dbt_engine_report(const dbt_context *context, void (*line)(const char *text));

#endif
