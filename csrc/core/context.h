/* Job: the layout of the thread context, the block gs points at while guest code runs in the TC.
 * Read by C, by assembly (.S files include it) and by dbt/translator, which turns each
 * DBT_CONTEXT_ constant into a template slot of that name.
 * Invariant: the constants and the struct agree (static assertions in context.c); the struct's tail
 * belongs to the VMM and is not reached from emitted code. */
#ifndef DBT_CORE_CONTEXT_H
#define DBT_CORE_CONTEXT_H

#define DBT_CONTEXT_SELF 0x000
#define DBT_CONTEXT_EXIT_ROUTINE 0x008   /* host address that every exit stub jumps to */
#define DBT_CONTEXT_MISS_ROUTINE 0x010   /* host address for an indirect branch not found in the table */
#define DBT_CONTEXT_EXIT_ID 0x018        /* u32: which exit was taken */
#define DBT_CONTEXT_PENDING 0x01c        /* u32: not 0: ask the personality before entering the TC */
#define DBT_CONTEXT_KEY 0x020            /* guest address of an indirect branch under way */
#define DBT_CONTEXT_GUEST_GS_BASE 0x028
#define DBT_CONTEXT_VMM_STACK 0x030      /* top of the VMM's stack for this thread */
#define DBT_CONTEXT_RESUME 0x038         /* host address to enter the TC at */
#define DBT_CONTEXT_REGISTERS 0x040      /* u64[16]: the guest's, whenever the VMM runs */
#define DBT_CONTEXT_RIP 0x0c0
#define DBT_CONTEXT_RFLAGS 0x0c8
#define DBT_CONTEXT_RETURN_MASK 0x0d0    /* bits of a guest address that index the table of returns */
#define DBT_CONTEXT_RETURN_MISS_ROUTINE 0x0d8 /* host address for a return not found in the table */
#define DBT_CONTEXT_CHECKS_LEFT 0x0e0    /* u32: entries of self-checking units until the VMM looks at one */
#define DBT_CONTEXT_NOTED 0x0e8    /* u32: where the next indirect branch is noted, in the counters; */
#define DBT_CONTEXT_SITE 0x0ec     /* u32, stored with it: the unit of the one under way, plus 1, or 0 */
#define DBT_CONTEXT_ASM_BYTES 0x0f0
#define DBT_CONTEXT_SPILL 0xfc0          /* u64[8]: one slot per scratch register, the last for rcx */
#define DBT_CONTEXT_SPILL_RCX 0xff8
#define DBT_CONTEXT_SPILL_RDX 0xfc0
#define DBT_SPILL_AT(number) (DBT_CONTEXT_SPILL + 8 * (((number) + 7 - DBT_RCX) & 7)) /* of register 0 to 7 */

/* The context fills a page, and in so many bytes behind it nothing can be read: prologues reload rcx with
 * bits 48 to 63 of the guest's pc as an index, which faults when any is set. */
#define DBT_CONTEXT_BYTES 0x1000
#define DBT_CONTEXT_GUARD_BYTES 0x10000

/* Where executions are counted, a thread's counters (dbt_profile_counters) lie so far behind its context:
 * emitted code reaches them by gs and needs no register. */
#define DBT_CONTEXT_COUNTERS_AT 0x3f000

/* Register numbers, as ModRM encodes them. */
#define DBT_RAX 0
#define DBT_RCX 1
#define DBT_RDX 2
#define DBT_RBX 3
#define DBT_RSP 4
#define DBT_RBP 5
#define DBT_RSI 6
#define DBT_RDI 7

#ifndef __ASSEMBLER__
#include "core/base.h"

struct dbt_engine;
struct dbt_linux_thread;
struct dbt_slab;
struct dbt_charge;

/* One per guest thread. The guest's registers are current in registers[], rip and rflags whenever
 * VMM code runs on behalf of the thread, and in the host registers whenever the TC runs. */
typedef struct dbt_context {
    struct dbt_context *self;
    u64 exit_routine;
    u64 miss_routine;
    u32 exit_id;
    u32 pending;
    u64 key;
    u64 guest_gs_base;
    u64 vmm_stack;
    u64 resume;
    u64 registers[16];
    u64 rip;
    u64 rflags;
    u64 return_mask;
    u64 return_miss_routine;
    u32 checks_left;
    u32 unused;
    u32 noted;
    u32 site;
    /* The VMM's own part. */
    struct dbt_engine *engine;         /* of the address space */
    struct dbt_linux_thread *process;  /* the personality's per-thread state (Linux or Machine) */
    struct dbt_slab *slab;             /* where this process counts */
    struct dbt_charge *charge;         /* what it pays for translations, or 0 */
    u64 recent_guest_pc[64];           /* ring of the last units entered by way of the VMM */
    u32 recent_serial[64];
    u32 recent_at;
    struct dbt_context *next_thread;   /* in the engine's list */
    u32 in_tc;                         /* the thread may be inside emitted code, or on its way there */
    u32 kick_seen;                     /* number of the last kick that its handler answered */
    u32 leaving;                       /* dbt_engine_leave was called */
    u32 stepping;                      /* the trap flag is on for the instruction at step_guest_pc, */
    u64 step_guest_pc;                 /* which is alone in its unit, */
    u64 step_host_pc;                  /* and has got so far */
    u32 one_instruction;               /* the next unit holds one guest instruction, used once */
    u32 guest_gs_selector;             /* virtual */
    u64 settled_target;                /* of DBT_EXIT_ID_SETTLED: the exit's guest_target and kind */
    u32 settled_kind;
    u64 budget;                        /* guest instructions left; counted only while budget_on */
    u64 budget_used;
    u32 budget_on;
    u32 translating;                   /* inside the translator, for samples */
    u64 executed;                      /* guest instructions done; counted only while units are recorded */
    u32 recorded;                      /* traits of the unit recorded last, as dbt_unit_record.flags */
    u32 going_on;                      /* executed holds so many of the unit that is about to be entered */
} dbt_context;
#endif

#endif
