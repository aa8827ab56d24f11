/* Job: the layout of a profile's memory: what the VMM notes for a controller that profiles a session.
 * Declared here once, for C and (by cffi) for Python. It follows the session's in the same file.
 * Invariant: plain structs of fixed-width integers. What is written stays: the controller may read at
 * any time, and finds everything after the guest has been killed. Nobody waits for anybody.
 *
 * The ring holds notes of one or more slots in a row. A slot counts when its stamp is its position plus
 * 1, shifted by 8, and its kind; text slots follow the note they belong to. The controller takes notes
 * out; those it was too slow for are lost, and it knows how many.
 *
 * Regions lie behind this struct: the list of units of one address space, or the counters of one thread
 * (DBT_CONFIG_COUNT). A unit's number is its place in both. A forked child's list goes on behind what it
 * has inherited, which stands in its parent's. */
#ifndef DBT_CORE_PROFILE_H
#define DBT_CORE_PROFILE_H

#include "core/session.h"

/* cdef begin */
#define DBT_PROFILE_SLOTS 65536
#define DBT_PROFILE_SLOT_WORDS 7
#define DBT_PROFILE_SYSCALLS 512
#define DBT_PROFILE_CLASSES 32
#define DBT_PROFILE_REGIONS 65536
#define DBT_PROFILE_UNITS 1048576      /* in one region */
#define DBT_PROFILE_CODE_BYTES 50331648 /* of guest code in one region */
#define DBT_PROFILE_NOTES 4096         /* of indirect branches */
#define DBT_PROFILE_BRANCHES 262144    /* indirect branches of one thread, each with one target */
#define DBT_PROFILE_BRANCH_INDEX 524288
#define DBT_PROFILE_NO_UNIT 0xffffffff

/* Kinds of slots. */
#define DBT_NOTE_SAMPLE 1  /* pid | tid << 32, time, guest pc, unit | region << 32, weight | where << 32,
                            * number of the system call, count of text slots with the callers */
#define DBT_NOTE_MODULE 2  /* pid, time, guest start, guest end, file offset, -, text slots: its path */
#define DBT_NOTE_PROCESS 3 /* pid | parent's pid << 32, time, region, 1: a program begins, -, -, text: its path */
#define DBT_NOTE_TEXT 4

/* Where a sample found its thread. */
#define DBT_SAMPLED_TC 0        /* in a unit's body */
#define DBT_SAMPLED_LOOKUP 1    /* in a prologue, a stub or a miss routine: on its way between units */
#define DBT_SAMPLED_TRANSLATE 2
#define DBT_SAMPLED_VMM 3
#define DBT_SAMPLED_KERNEL 4    /* in a system call */

typedef struct dbt_profile_slot {
    uint64_t stamp;
    uint64_t words[DBT_PROFILE_SLOT_WORDS];
} dbt_profile_slot;

/* Of one process, in the place of its slab. */
typedef struct dbt_profile_counts {
    uint64_t syscalls[DBT_PROFILE_SYSCALLS];
    uint64_t callouts[DBT_PROFILE_CLASSES]; /* by dbt_class */
    uint64_t threads_started;
    uint64_t threads_not_sampled;           /* the kernel gave them no timer */
    uint64_t threads_not_counted;           /* there was no room for their counters */
} dbt_profile_counts;

/* A unit that was translated. */
typedef struct dbt_profile_unit {
    uint64_t guest_pc;
    uint32_t code_at;            /* its guest bytes, in the region's code */
    uint16_t guest_bytes;
    uint16_t instructions;
    uint16_t ident;              /* of them, emitted as they were */
    uint16_t host_bytes;         /* of the body, as emitted for the guest's instructions */
    uint16_t host_instructions;  /* likewise */
    uint16_t ends;               /* dbt_class of its last instruction */
    uint16_t own_bytes;          /* of the body besides: counters, and the check of a changing unit */
    uint16_t unused[3];
    uint64_t host_pc;            /* of the body */
} dbt_profile_unit;

#define DBT_PROFILE_REGION_UNITS 1
#define DBT_PROFILE_REGION_COUNTERS 2

/* UNITS: of the address space of pid; parent is the region that the first inherited units stand in.
 * COUNTERS: of a thread of pid; parent is the region of units that they count. */
typedef struct dbt_profile_region {
    uint32_t kind;               /* 0: not filled in yet */
    uint32_t pid;
    uint32_t parent;
    uint32_t inherited;
    uint64_t at;                 /* offset from the start of the profile */
    uint64_t size_bytes;
} dbt_profile_region;

typedef struct dbt_profile_units {
    uint32_t count;              /* of units; those before inherited stand in the parent's */
    uint32_t is_full;            /* a unit was not noted */
    uint64_t code_bytes;
    dbt_profile_unit units[DBT_PROFILE_UNITS];
    uint8_t code[DBT_PROFILE_CODE_BYTES];
} dbt_profile_units;

/* One execution of an indirect branch; whole once site is not 0. */
typedef struct dbt_profile_note {
    uint64_t site;               /* number of the unit that ends in it, plus 1 */
    uint64_t guest_target;
} dbt_profile_note;

typedef struct dbt_profile_branch {
    uint64_t guest_target;
    uint64_t count;
    uint32_t site;               /* number of the unit that ends in it */
    uint32_t unused;
} dbt_profile_branch;

typedef struct dbt_profile_counters {
    uint64_t taken_back;         /* instructions of counted units that a fault or a signal left undone */
    uint64_t second_lookups;     /* indirect branches that the first level did not settle */
    uint64_t executions[DBT_PROFILE_UNITS];
    uint64_t branches_lost;      /* for which there was no room below */
    uint32_t branch_count;
    uint32_t unused;
    uint64_t padding[508];
    dbt_profile_note notes[DBT_PROFILE_NOTES]; /* not counted below yet */
    uint8_t guard[4096];         /* not writable: a note that comes here finds that there is no more room */
    dbt_profile_branch branches[DBT_PROFILE_BRANCHES];
    uint32_t branch_index[DBT_PROFILE_BRANCH_INDEX]; /* by hash: number of the branch plus 1, or 0 */
} dbt_profile_counters;

typedef struct dbt_profile {
    uint64_t head;               /* slots taken so far */
    uint64_t free_at;            /* regions end here */
    uint64_t size_bytes;         /* room for them and this struct */
    uint32_t interval_us;        /* of processor time between samples of a thread */
    uint32_t region_count;
    dbt_profile_region regions[DBT_PROFILE_REGIONS];
    dbt_profile_counts counts[DBT_SESSION_SLABS];
    dbt_profile_slot slots[DBT_PROFILE_SLOTS];
} dbt_profile;
/* cdef end */

#endif
