/* Job: the layout of session memory, the memfd that controller and VMM share: configuration in,
 * statistics out, and the Machine's mailbox. Declared here once, for C and (by cffi) for Python.
 * Invariant: plain structs of fixed-width integers; DBT_SESSION_VERSION changes with any of them.
 * Everything is readable while the guest runs; each slab has one writing process. */
#ifndef DBT_CORE_SESSION_H
#define DBT_CORE_SESSION_H

#include "core/base.h"

/* cdef begin */
#define DBT_SESSION_MAGIC 0x31544244 /* "DBT1" */
#define DBT_SESSION_VERSION 5
#define DBT_SESSION_SLABS 1024
#define DBT_SESSION_BOUNCE_BYTES 65536

typedef enum dbt_personality { DBT_PERSONALITY_LINUX = 0, DBT_PERSONALITY_MACHINE = 1 } dbt_personality;

/* dbt_configuration.flags */
#define DBT_CONFIG_CHAIN 0x1       /* link translation units */
#define DBT_CONFIG_FOLLOW 0x2      /* run execve'd children translated */
#define DBT_CONFIG_FALL_THROUGH 0x4 /* emit an untranslated fall-through straight after its unit */
#define DBT_CONFIG_PAIRED 0x8      /* guest calls and returns use host calls and returns */
#define DBT_CONFIG_PAIR_LARGE 0x10 /* the same from the moment on that the program proves large */
#define DBT_CONFIG_RECORD 0x20     /* every unit reports when it is entered: core/record.h */
#define DBT_CONFIG_COUNT 0x80    /* every unit counts its executions: core/profile.h */
#define DBT_CONFIG_CHECK_ALL 0x100  /* every unit checks that its source is unchanged */
#define DBT_CONFIG_CHECK_NONE 0x200 /* no page is ever taken for one that changes: writes into it are reported */
#define DBT_CONFIG_TSC_CALLOUT 0x400 /* rdtsc and rdtscp are callouts */
#define DBT_CONFIG_WIDE_RETURNS 0x40 /* PEXT is fast: paired returns use a larger table */

/* dbt_configuration.cpu: what cpuid and the auxiliary vector tell the guest. */
#define DBT_CPU_HOST 0   /* the host's processor, less what cannot be translated */
#define DBT_CPU_LEVEL_2 2 /* x86-64-v2: nothing that came after SSE4.2 */

/* dbt_configuration.plant: a bug to be made on purpose, so that tests know that it is found. */
#define DBT_PLANT_NONE 0
#define DBT_PLANT_LENGTH 1  /* the instruction at plant_pc counts as a byte longer */
#define DBT_PLANT_FLAG 2    /* the carry flag is inverted behind it */
#define DBT_PLANT_SCRATCH 3 /* its scratch register is not put back */
#define DBT_PLANT_TARGET 4  /* its RIP-relative operand is 8 bytes off */
#define DBT_PLANT_LINK 5    /* jumps to plant_pc are linked to another unit */
#define DBT_PLANT_STORE 6   /* it is left out */
#define DBT_PLANT_STALE 7   /* its unit stays in use when its source changes */
#define DBT_PLANT_COUNT 8

/* How a translation cache is divided: into as many chunks, fewer where they would be smaller than the least;
 * an arena is as large as the cache, up to this size. */
#define DBT_CHUNK_BYTES_MIN 8192
#define DBT_CHUNKS_WANTED 512
#define DBT_ARENA_BYTES_MAX 0x10000000
#define DBT_ARENAS_MAX 64

typedef struct dbt_configuration {
    uint32_t personality;
    uint32_t flags;
    uint64_t tc_size_bytes;
    uint32_t unit_cap;         /* guest instructions per translation unit, at most */
    uint32_t chain_until;      /* link only the first N units; 0xffffffff: all */
    uint32_t cap_after;        /* all but the first N units have one instruction; 0xffffffff: none has */
    uint32_t die_with;         /* pid of the parent with which the first program shall die, or 0 */
    uint32_t cpu;              /* DBT_CPU_* */
    uint32_t plant;            /* DBT_PLANT_* */
    uint64_t plant_pc;         /* guest address */
    uint64_t translation_budget; /* guest instructions that one process may have translated; 0: any number */
    uint64_t record_bytes;     /* of the record's memory, which follows the session's; 0: none */
    uint64_t profile_bytes;    /* of the profile's memory, in the same place (core/profile.h); 0: none */
} dbt_configuration;

/* Counters of one process. All count since the process started; children count anew. */
typedef struct dbt_statistics {
    uint64_t units_translated;
    uint64_t translations;             /* how often the translator was asked, for a unit or more */
    uint64_t guest_instructions_translated;
    uint64_t guest_bytes_translated;
    uint64_t host_bytes_emitted;
    uint64_t instructions_ident;       /* translated, by how they were emitted */
    uint64_t exits_continuation;       /* dispatches to the VMM, by reason */
    uint64_t exits_indirect_miss;
    uint64_t exits_syscall;
    uint64_t exits_callout;            /* cpuid, segment, popf ... */
    uint64_t exits_fault;
    uint64_t exits_signal;
    uint64_t links_made;
    uint64_t links_broken;
    uint64_t table_fills;              /* entries written into the indirect-branch tables */
    uint64_t evictions;                /* chunks of the TC emptied for room */
    uint64_t units_evicted;
    uint64_t eviction_cycles;          /* time-stamp counter ticks spent emptying them */
    uint64_t units_invalidated;        /* their guest memory was unmapped or changed */
    uint64_t units_invalidated_write;  /* of them, because the process wrote there; */
    uint64_t units_invalidated_map;    /* because it mapped, unmapped or protected something there */
    uint64_t code_pages_protected;
    uint64_t code_page_write_faults;
    uint64_t self_check_pages;         /* pages written so often that their units check themselves instead */
    uint64_t self_check_pages_settled; /* those that stopped changing and are write-protected again */
    uint64_t self_check_changes;       /* units that found their source changed */
    uint64_t tc_bytes_used;            /* now, not a total */
    uint64_t limit_unit_pc;            /* no count: guest address of the last unit before chain_until or
                                          cap_after took effect, 0 while they have not */
    uint64_t translation_cycles;       /* time-stamp counter ticks spent translating */
} dbt_statistics;

#define DBT_SLAB_CHARGES 32

/* What translating has cost on behalf of one thread. The last one of a slab is that of all threads beyond. */
typedef struct dbt_charge {
    uint32_t tid;                      /* 0: not in use */
    uint32_t reserved;
    uint64_t guest_instructions;       /* translated when it came to them */
    uint64_t cycles;                   /* time-stamp counter ticks spent on that */
    uint64_t units_invalidated;        /* by its writes into code */
} dbt_charge;

/* What one arena of a process's translation cache holds now. Of one moment where changes is even and the
 * same before and after it is read: it is odd while the process writes here, and stays so where that was
 * killed then. */
typedef struct dbt_arena_use {
    uint64_t host_start;               /* 0: there is none here */
    uint64_t size_bytes;               /* of address space */
    uint64_t guest_start;              /* what was ever translated into it lies in [guest_start, guest_end); */
    uint64_t guest_end;                /* empty, at the address that the arena was made for, before that */
    uint32_t units;                    /* in live chunks, invalidated ones included; prologues that stand
                                          alone are none */
    uint32_t chunks_live;
    uint32_t changes;
    uint32_t unused;
} dbt_arena_use;

/* Of all arenas of a process; one that works in its parent's memory has none. */
typedef struct dbt_arena_uses {
    uint64_t chunk_bytes;              /* of each chunk */
    uint32_t count;                    /* arenas below may be in use */
    uint32_t unused;
    dbt_arena_use arenas[DBT_ARENAS_MAX];
} dbt_arena_uses;

#define DBT_SLAB_FREE 0
#define DBT_SLAB_RUNNING 1
#define DBT_SLAB_ENDED 2
#define DBT_SLAB_CLAIMED 3         /* being filled in */

typedef struct dbt_slab {
    uint32_t state;
    uint32_t pid;
    uint32_t parent_pid;
    uint32_t foreign_writes;           /* how often other processes wrote into memory of this one */
    uint32_t has_arenas;               /* they stand in its place of dbt_session.arenas */
    uint32_t unused;
    uint64_t space;                    /* address of its dbt_linux_space, for those who do */
    char name[16];                     /* as prctl(PR_GET_NAME) */
    char path[256];                    /* of the program; empty when it is longer */
    dbt_statistics statistics;
    dbt_charge charges[DBT_SLAB_CHARGES];
} dbt_slab;

/* The Machine's mailbox: one request at a time. The controller writes arguments, then sequence;
 * the VMM answers and sets done = sequence; both wait by futex. */
typedef struct dbt_mailbox {
    uint32_t sequence;
    uint32_t done;
    uint32_t command;                  /* DBT_MACHINE_* */
    int32_t status;                    /* dbt_status, or negative errno below -1000 (errno + 1000) */
    uint64_t address;
    uint64_t size_bytes;
    uint32_t protection;               /* PROT_* */
    uint32_t exit_reason;              /* DBT_EXIT_* */
    uint64_t until;                    /* RUN: stop before this address (if has_until) */
    uint64_t count;                    /* RUN: guest instructions at most, 0: no bound; answers how many ran when bounded */
    uint32_t has_until;
    uint32_t signal;                   /* exit by fault: the signal number */
    uint64_t fault_address;
    uint64_t registers[16];
    uint64_t rip;
    uint64_t rflags;
    uint64_t fs_base;
    uint64_t gs_base;
    uint8_t xsave[16384];              /* XSAVE area, standard format, for vector and x87 state */
    uint32_t xsave_bytes;
    uint32_t xsave_valid;
    uint8_t bounce[DBT_SESSION_BOUNCE_BYTES];
} dbt_mailbox;

#define DBT_MACHINE_MAP 1
#define DBT_MACHINE_UNMAP 2
#define DBT_MACHINE_PROTECT 3
#define DBT_MACHINE_READ 4
#define DBT_MACHINE_WRITE 5
#define DBT_MACHINE_RUN 6
#define DBT_MACHINE_QUIT 7

#define DBT_EXIT_UNTIL 1       /* reached the until address */
#define DBT_EXIT_COUNT 2       /* executed count instructions */
#define DBT_EXIT_SYSCALL 3     /* stands after a syscall instruction */
#define DBT_EXIT_FAULT 4       /* signal and fault_address say which; rip at the faulting instruction */
#define DBT_EXIT_UNSUPPORTED 5 /* an instruction this engine refuses; rip at it */
#define DBT_EXIT_FETCH 6       /* no executable memory at rip */

typedef struct dbt_session {
    uint32_t magic;
    uint32_t version;
    uint32_t size_bytes;
    uint32_t slabs_claimed;
    uint32_t privileges_told;          /* that a program runs without those its file gives: said once */
    uint32_t reserved;
    dbt_configuration configuration;
    dbt_mailbox mailbox;
    dbt_slab slabs[DBT_SESSION_SLABS];
    dbt_arena_uses arenas[DBT_SESSION_SLABS]; /* apart: a child that works in its parent's memory shall touch
                                                 little of the session there */
} dbt_session;
/* cdef end */

#endif
