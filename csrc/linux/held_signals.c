/* Job: signals of faults that were sent to the whole process while every thread blocks them. The host never
 * blocks them, so it gives each to some thread at once; here it waits for the one that unblocks it.
 * State: held, held_busy and held_info of dbt_linux_process, one place for each number: they do not queue.
 * Invariant: a place is busy from before its info is written until after it is read; its bit in held says
 * that it can be taken. Whoever holds a signal looks for takers afterwards, whoever unblocks one looks here
 * afterwards: one of the two sees the other. */
#include "linux/linux.h"

#define THREADS_LOOKED_AT 100000u

static u32 place_of(u32 number)
{
    return number == DBT_SIGILL ? 0 : number == DBT_SIGBUS ? 1 : 2;
}

/* A thread that does not block the signal, or 0. The list is read without its lock, from a handler: blocks stay
 * mapped, and a wrong answer leaves the signal here. */
static u32 who_takes(const dbt_linux_process *process, u32 number)
{
    const dbt_linux_thread *thread = process->space->threads;
    for (u32 count = 0; thread != 0 && count < THREADS_LOOKED_AT; count++, thread = thread->next) {
        u64 blocked = thread->has_wait_mask ? thread->wait_mask : thread->blocked;
        if (thread->process == process && thread->tid != 0 && (blocked & DBT_SIGNAL_BIT(number)) == 0) {
            return thread->tid;
        }
    }
    return 0;
}

/* Only the kernel may say that a signal was one of kill. */
static bool pass_on(const dbt_linux_process *process, const dbt_host_siginfo *info)
{
    dbt_host_siginfo passed = *info;
    u32 tid = who_takes(process, (u32)info->number);
    passed.code = DBT_SI_PASSED;
    return tid != 0 && dbt_host_call4(__NR_rt_tgsigqueueinfo, process->pid, tid, (u64)info->number,
                                      (u64)&passed) == 0;
}

static bool take(dbt_linux_process *process, u32 number, dbt_host_siginfo *info)
{
    u64 bit = DBT_SIGNAL_BIT(number);
    if ((__atomic_fetch_and(&process->held, ~bit, __ATOMIC_SEQ_CST) & bit) == 0) {
        return false;
    }
    *info = process->held_info[place_of(number)];
    (void)__atomic_fetch_and(&process->held_busy, ~bit, __ATOMIC_RELEASE);
    return true;
}

bool dbt_held_put(dbt_linux_process *process, const dbt_host_siginfo *info)
{
    u32 number = (u32)info->number;
    u64 bit = DBT_SIGNAL_BIT(number);
    dbt_host_siginfo own;
    if (info->code != DBT_SI_USER || !dbt_signal_is_open(number)) {
        return false; /* for this thread alone */
    }
    if (pass_on(process, info) ||
        (__atomic_fetch_or(&process->held_busy, bit, __ATOMIC_ACQUIRE) & bit) != 0) {
        return true;
    }
    process->held_info[place_of(number)] = *info;
    (void)__atomic_fetch_or(&process->held, bit, __ATOMIC_SEQ_CST);
    if (who_takes(process, number) != 0 && take(process, number, &own) && !pass_on(process, &own)) {
        return dbt_held_put(process, &own);
    }
    return true;
}

void dbt_held_claim(dbt_linux_thread *thread, u64 blocked)
{
    dbt_linux_process *process = thread->process;
    u64 all = ~0ULL;
    u64 mask = 0;
    dbt_host_siginfo info;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if ((process->held & ~blocked) == 0) {
        return;
    }
    /* The handler puts into the same queue. */
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&all, (u64)&mask, sizeof mask);
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        if ((process->held & ~blocked & DBT_SIGNAL_BIT(number)) != 0 && take(process, number, &info)) {
            dbt_signal_enqueue(thread, &info);
        }
    }
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&mask, 0, sizeof mask);
}

void dbt_held_drop(dbt_linux_process *process, u32 number)
{
    dbt_host_siginfo info;
    if (dbt_signal_is_open(number)) {
        (void)take(process, number, &info);
    }
}

void dbt_held_forget(dbt_linux_process *process)
{
    process->held = process->held_busy = 0;
}
