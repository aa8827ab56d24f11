/* Job: the controller's end of the Machine mailbox (core/session.h): post a request, wait for its answer;
 * and the waiting itself, for all that the VMM answers by a word in shared memory.
 * State: the mailbox, in session memory; one thread of the controller uses it at a time.
 * Invariant: waiting always ends: by an answer, the VMM's end, a signal or the limit. */
#define _GNU_SOURCE
#include "ext/ext.h"

#include <errno.h>
#include <immintrin.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Most answers of a small run come within this time, and a futex round trip costs about as much. */
#define SPIN_NS 40000
/* How often a sleeping wait looks whether the VMM still lives. */
#define LOOK_NS 20000000

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool is_answered(const u32 *word, u32 value, bool until_equal)
{
    return (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) == until_equal;
}

static bool has_ended(int pid)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return true; /* reaped by someone else */
    }
    return info.si_pid == pid;
}

int dbt_ext_wait_word(const u32 *word, u32 value, bool until_equal, int vmm_pid, int64_t timeout_ns)
{
    int64_t started_ns = now_ns();
    while (now_ns() - started_ns < SPIN_NS) {
        for (int turn = 0; turn < 32; turn++) {
            if (is_answered(word, value, until_equal)) {
                return 0;
            }
            _mm_pause();
        }
        sched_yield(); /* where both share a processor, looking alone would keep the VMM from it */
    }
    for (;;) {
        u32 seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if ((seen == value) == until_equal) {
            return 0;
        }
        if (has_ended(vmm_pid)) {
            return is_answered(word, value, until_equal) ? 0 : -ESRCH;
        }
        int64_t left_ns = LOOK_NS;
        if (timeout_ns >= 0) {
            left_ns = timeout_ns - (now_ns() - started_ns);
            if (left_ns <= 0) {
                return -ETIMEDOUT;
            }
            left_ns = left_ns < LOOK_NS ? left_ns : LOOK_NS;
        }
        struct timespec limit = {.tv_sec = 0, .tv_nsec = left_ns};
        if (syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, NULL, 0) != 0 &&
            errno == EINTR) {
            return -EINTR;
        }
    }
}

void dbt_ext_mailbox_post(dbt_mailbox *mailbox)
{
    __atomic_store_n(&mailbox->sequence, mailbox->sequence + 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &mailbox->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int dbt_ext_mailbox_wait(dbt_mailbox *mailbox, int vmm_pid, int64_t timeout_ns)
{
    return dbt_ext_wait_word(&mailbox->done, mailbox->sequence, true, vmm_pid, timeout_ns);
}
