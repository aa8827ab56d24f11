/* Job: what the hardware oracle (oracle_hardware.c) and its planning of stretches (oracle_stretch.c)
 * share.
 * State: dbt_hardware, behind dbt_oracle.own; oracle_hardware.c alone changes it.
 * Invariant: while the guest stands, registers holds what the processor would go on with. */
#ifndef DBT_EXT_ORACLE_HARDWARE_H
#define DBT_EXT_ORACLE_HARDWARE_H

#include <sys/types.h>
#include <sys/user.h>

#include "ext/oracle_internal.h"

#define DBT_HARDWARE_AREA_BYTES 16384

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

void dbt_hardware_tell_registers(const struct user_regs_struct *from, dbt_unit_record *to);
/* Notes what the instruction may store to, rather too much than too little. */
void dbt_stretch_note_stores(dbt_oracle *oracle, const dbt_instruction *instruction);
/* Finds the stretch from here on, of count_max instructions at most, and notes what it may store to. */
void dbt_stretch_plan(dbt_oracle *oracle, u64 count_max, dbt_stretch *out);

#endif
