/* Job: the controller's end of a record (core/record.h): waits for a batch, and answers it.
 * State: the record. Invariant: waiting always ends: by a batch, the VMM's end, a signal or the limit. */
#define _GNU_SOURCE
#include "ext/oracle.h"

#include <errno.h>
#include <immintrin.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SPIN_ROUNDS 2000
#define LOOK_NS 20000000

static bool has_batch(const dbt_record *record)
{
    return __atomic_load_n(&record->posted, __ATOMIC_ACQUIRE) != record->taken;
}

static bool has_ended(int pid)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return true;
    }
    return info.si_pid == pid;
}

int dbt_ext_record_wait(dbt_record *record, int vmm_pid, int64_t timeout_ns)
{
    for (int turn = 0; turn < SPIN_ROUNDS; turn++) {
        if (has_batch(record)) {
            return 0;
        }
        _mm_pause();
    }
    for (int64_t left_ns = timeout_ns; !has_batch(record); left_ns -= LOOK_NS) {
        if (timeout_ns >= 0 && left_ns <= 0) {
            return -ETIMEDOUT;
        }
        const struct timespec look = {0, LOOK_NS};
        const u32 taken = record->taken;
        if (syscall(SYS_futex, &record->posted, FUTEX_WAIT, taken, &look, NULL, 0) != 0) {
            if (errno == EINTR) {
                return -EINTR;
            }
            if (has_ended(vmm_pid)) {
                return has_batch(record) ? 0 : -ESRCH;
            }
        }
    }
    return 0;
}

void dbt_ext_record_take(dbt_record *record)
{
    __atomic_store_n(&record->taken, record->posted, __ATOMIC_RELEASE);
    syscall(SYS_futex, &record->taken, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
