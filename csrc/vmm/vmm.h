/* Job: what the files of the VMM executable call of one another.
 * State: none.
 * Invariant: only csrc/vmm includes this. */
#ifndef DBT_VMM_VMM_H
#define DBT_VMM_VMM_H

#include "linux/linux.h"

/* Serves the mailbox until DBT_MACHINE_QUIT or the controller is gone; the process's exit status. */
i32 dbt_machine_serve(dbt_linux_thread *thread);
void dbt_machine_exit(dbt_context *context, dbt_exit_kind kind, const dbt_instruction *instruction);

#endif
