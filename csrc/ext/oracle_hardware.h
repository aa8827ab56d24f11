/* Job: what the hardware oracle (oracle_hardware.c), the process that it lets run (oracle_tracee.c) and its
 * planning of stretches (oracle_stretch.c) share.
 * State: dbt_hardware, behind dbt_oracle.own; oracle_stretch.c only reads it.
 * Invariant: while the guest stands, registers holds what the processor would go on with. */
#ifndef DBT_EXT_ORACLE_HARDWARE_H
#define DBT_EXT_ORACLE_HARDWARE_H

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include "ext/oracle_internal.h"

#define DBT_HARDWARE_AREA_BYTES 16384
#define DBT_STUB_START 0x6d6274000000ULL /* where neither programs nor the kernel put anything */
#define DBT_STUB_END (DBT_STUB_START + DBT_PAGE_BYTES)

typedef struct dbt_hardware {
    pid_t pid;
    int file;
    struct user_regs_struct registers; /* the guest's, as it stands */
    dbt_oracle_outcome *outcome;
    int stop_signal;                   /* the guest's last stop: not of a step */
    bool has_raised;                   /* it stands midway in a repeated instruction that faulted */
    u8 area[DBT_HARDWARE_AREA_BYTES] __attribute__((aligned(64)));
    u64 area_bytes;
} dbt_hardware;

/* Instructions in a row that run to a breakpoint behind them instead of step by step: they do not branch
 * or trap, and where they store is known from the registers before the first. */
typedef struct dbt_stretch {
    u64 guest_end;
    u32 count;
    u32 pushes;
    u16 changed; /* general registers */
} dbt_stretch;

/* oracle_tracee.c. The process, of which nothing but a page of ours is left, and its end. */
bool dbt_tracee_start(dbt_hardware *own);
void dbt_tracee_end(const dbt_hardware *own);
/* One system call in it; answers its result. The guest's registers are to be put again. */
i64 dbt_tracee_call(dbt_hardware *own, u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
int dbt_tracee_put(dbt_hardware *own);
/* General registers, instruction pointer and flags, from a record and into one. */
void dbt_tracee_set(dbt_hardware *own, const dbt_unit_record *from);
void dbt_tracee_tell(const dbt_hardware *own, dbt_unit_record *to);
/* ptrace leaves ID and NT alone: the stub pops them. */
void dbt_tracee_set_sticky(dbt_hardware *own, u64 flags);
/* The XSAVE area, into own->area and from there. */
bool dbt_tracee_get_vector(dbt_hardware *own);
void dbt_tracee_put_vector(dbt_hardware *own);
/* One instruction; false when the processor raised an exception or the instruction is not to run. */
bool dbt_tracee_step(dbt_oracle *oracle, const dbt_instruction *instruction);
/* A string instruction that is a loop by itself. */
bool dbt_tracee_is_repeated(const dbt_instruction *instruction);
/* Lets the guest go on until it stands at guest_pc, by a breakpoint of the processor: a repeated instruction
 * that is stepped would stop at each round. One that goes astray must not make system calls, which would have
 * their effects: the kernel stops it there. is_far: it may never come to guest_pc. */
bool dbt_tracee_run_to(dbt_hardware *own, u64 guest_pc, bool is_far);
/* What it stopped by. */
bool dbt_tracee_get_signal(const dbt_hardware *own, siginfo_t *info);

/* oracle_stretch.c. Notes what the instruction may store to, rather too much than too little. */
void dbt_stretch_note_stores(dbt_oracle *oracle, const dbt_instruction *instruction);
/* Finds the stretch from here on, of count_max instructions at most, and notes what it may store to. */
void dbt_stretch_plan(dbt_oracle *oracle, u64 count_max, dbt_stretch *out);

#endif
