/* Job: the controller's end of a record (core/record.h): waits for a batch, and answers it.
 * State: the record. Invariant: waiting always ends: by a batch, the VMM's end or a signal. */
#define _GNU_SOURCE
#include "ext/oracle.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ext/ext.h"

int dbt_ext_record_wait(dbt_record *record, int vmm_pid)
{
    return dbt_ext_wait_word(&record->posted, record->taken, false, vmm_pid, -1);
}

void dbt_ext_record_take(dbt_record *record)
{
    __atomic_store_n(&record->taken, record->posted, __ATOMIC_RELEASE);
    syscall(SYS_futex, &record->taken, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
