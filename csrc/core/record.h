/* Job: the layout of the record of a run: what every unit found when it was entered, and what the
 * outside world did to the guest in between. The VMM writes it, the controller compares it with a
 * reference (dbt/reference). Declared here once, for C and (by cffi) for Python.
 * Invariant: plain structs of fixed-width integers. The memory follows the session's in the same file;
 * the VMM fills a batch, posts it and waits; the controller answers by taken = posted. While it has
 * not, the VMM and the guest's memory stand still. */
#ifndef DBT_CORE_RECORD_H
#define DBT_CORE_RECORD_H

#include "core/base.h"

/* cdef begin */
/* dbt_unit_record.flags, of the unit that starts here. */
#define DBT_UNIT_RECORD_VECTOR 0x1 /* it may read or write x87, vector, mask or tile state */
#define DBT_UNIT_RECORD_INPUT 0x2  /* its last instruction takes something from outside: rdtsc ... */
#define DBT_UNIT_RECORD_SAVES 0x4  /* its last instruction stores code addresses of the host's */
#define DBT_UNIT_RECORD_SKIPPED 0x8 /* units before it are not told */

/* The guest before a unit; executed counts the guest instructions before it, since the start. */
typedef struct dbt_unit_record {
    uint64_t rip;
    uint64_t executed;
    uint64_t rflags;
    uint64_t fs_base;
    uint64_t gs_base;
    uint32_t instructions;
    uint32_t flags;
    uint32_t vector;        /* number of its slot in the batch's vector states, from 1; 0: unchanged.
                             * now: 1 if slot 0 has its state */
    uint32_t reserved;
    uint64_t registers[16];
} dbt_unit_record;

/* Why a batch ends. The event's state is dbt_record.now, always with vector state. */
typedef enum dbt_event {
    DBT_EVENT_NONE = 0,
    DBT_EVENT_START = 1,  /* before the first instruction; regions tell the guest's mappings */
    DBT_EVENT_FULL = 2,   /* no room for more units, or memory has to be looked at: before a unit */
    DBT_EVENT_ENTER = 3,  /* at a system call instruction; number and arguments are set */
    DBT_EVENT_LEAVE = 4,  /* after it; regions are set if it may have changed them */
    DBT_EVENT_SIGNAL = 5, /* a signal is about to be delivered: signal says which */
    DBT_EVENT_FRAME = 6,  /* it was: the frame lies in [range_start, range_end) */
    DBT_EVENT_END = 7     /* nothing more will be recorded: reason says why */
} dbt_event;

/* dbt_record.reason */
#define DBT_RECORD_THREAD 1  /* the guest started a thread, or a process that shares its memory */
#define DBT_RECORD_EXECUTE 2 /* it executes another program */
#define DBT_RECORD_REFUSED 3 /* the VMM gave up */
#define DBT_RECORD_FILLED 4  /* the kernel fills its memory while it goes on: io_uring, asynchronous I/O */
#define DBT_RECORD_SHARED 5  /* it starts a process that shares a mapping it has run code from */

typedef struct dbt_record_region {
    uint64_t guest_start;
    uint64_t guest_end;
    uint32_t protection;
    uint32_t flags;
} dbt_record_region;

typedef struct dbt_record {
    uint32_t posted;         /* batches; both wait on these two by futex */
    uint32_t taken;
    uint32_t vmm_pid;        /* of the one process that is recorded; 0 until it starts */
    uint32_t event;          /* dbt_event */
    uint32_t reason;
    uint32_t count;          /* of units in this batch */
    uint32_t vector_count;   /* of slots in use; slot 0 belongs to now */
    uint32_t unit_capacity;  /* set by the controller */
    uint32_t vector_capacity;
    uint32_t vector_bytes;   /* of a slot, a multiple of 64: set by the VMM */
    uint32_t region_count;   /* they take the place of the units; 0: not told */
    uint32_t is_synchronous; /* SIGNAL: raised by the instruction at now.rip */
    uint32_t signal;
    uint32_t forks;          /* children that were started and are not recorded */
    uint32_t every;          /* set by the controller: each so many units is told, and the one before it;
                              * 0: none. Units around what comes from outside always are */
    uint32_t skipped;        /* units since one was told */
    uint32_t position;       /* units since the last of every */
    uint32_t reserved;
    uint64_t features;       /* XSAVE components in the slots */
    uint64_t units_at;       /* offsets from this struct */
    uint64_t vectors_at;
    uint64_t number;
    uint64_t arguments[6];
    uint64_t range_start;
    uint64_t range_end;
    uint64_t fault_address;
    dbt_unit_record now;
} dbt_record;
/* cdef end */

#endif
