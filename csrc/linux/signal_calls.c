/* Job: calls that sleep, that wait for signals or under another mask, and calls that send them.
 * State: hides_faults of dbt_linux_thread.
 * Invariant: while a call sleeps, the signals of faults that the guest blocks or ignores are blocked on the
 * host too, and those that were held back and the call can find are pending there; nothing of the VMM's own
 * can fault meanwhile. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"

#define SET_BYTES 8
#define SIGNALFD_RECORD_BYTES 128
#define SIGNALFD_CODE_AT 8

static u64 hidden_of(const dbt_linux_thread *thread, u64 blocked)
{
    u64 hides = blocked | __atomic_load_n(&thread->process->actions->ignored, __ATOMIC_RELAXED);
    return hides & ~dbt_signals_host_mask(hides);
}

/* What a signalfd has told of signals that another thread passed on. */
static void correct_records(const dbt_linux_thread *thread, const u64 *arguments, i64 result)
{
    for (u64 at = 0; at + SIGNALFD_RECORD_BYTES <= (u64)result; at += SIGNALFD_RECORD_BYTES) {
        u64 guest_code = arguments[1] + at + SIGNALFD_CODE_AT;
        i32 code = 0;
        i32 user = DBT_SI_USER;
        if (dbt_guest_read(&code, guest_code, sizeof code) && code == DBT_SI_PASSED &&
            dbt_held_is_signalfd(thread->process, (i32)arguments[0])) {
            (void)dbt_guest_write(thread->process->space, guest_code, &user, sizeof user);
        }
    }
}

/* What the guest ignores does not end its call: where the kernel does not begin it again, it is begun here. */
static i64 sleep_through(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    volatile bool *was_ignored = &thread->was_ignored; /* set by this thread's own handler */
    i64 result;
    do {
        *was_ignored = false;
        result = dbt_gate_syscall(number, arguments, &thread->context->pending);
    } while (result == -EINTR && *was_ignored && thread->context->pending == 0);
    return result;
}

i64 dbt_signals_sleep(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    bool waits = thread->has_wait_mask; /* then the kernel blocks them under that mask */
    u64 blocked = dbt_signals_blocked(thread);
    u64 hides = hidden_of(thread, blocked);
    if ((hides == 0 && thread->queue_length == 0) || thread->context->pending != 0) {
        return sleep_through(thread, number, arguments);
    }
    dbt_held_begin(thread, number, arguments, blocked);
    if (!waits) {
        thread->hides_faults = true;
        dbt_signals_block(hides);
    }
    bool shows = number == __NR_rt_sigtimedwait || thread->queue_length > 0 ||
                 (thread->process->held & hides) != 0;
    if (shows) {
        thread->hides_faults = true;
        dbt_signals_block(hides);
        dbt_held_show(thread);
        dbt_signals_give_back(thread);
    }
    i64 result = sleep_through(thread, number, arguments);
    dbt_held_end(thread);
    thread->has_wait_mask = false;
    if (shows) {
        dbt_signals_take_back(thread);
    } else if (!waits) {
        dbt_signals_unblock(thread, hides);
    }
    thread->hides_faults = false;
    if (number == __NR_read && (thread->was_given || thread->process->has_sent_again)) {
        correct_records(thread, arguments, result < 0 ? 0 : result);
    }
    return result;
}

/* Calls that wait under another mask: the kernel gets it with the signals that the guest ignores although
 * the VMM has a handler for them. */
i64 dbt_signals_wait(dbt_linux_thread *thread, u64 number, u64 *arguments)
{
    struct {
        u64 mask;
        u64 size_bytes;
    } pair = {0, SET_BYTES};
    u64 mask = 0;
    u32 mask_at = number == __NR_rt_sigsuspend ? 0 : number == __NR_ppoll ? 3 : 4;
    u64 guest_mask = arguments[mask_at];
    if (number == __NR_pselect6 || number == __NR_io_pgetevents) {
        u64 guest_pair = arguments[5];
        if (guest_pair != 0 && !dbt_guest_read(&pair, guest_pair, sizeof pair)) {
            return -EFAULT;
        }
        guest_mask = guest_pair != 0 ? pair.mask : 0;
    }
    if (guest_mask == 0 && number != __NR_rt_sigsuspend) {
        return dbt_linux_pass(thread, number, arguments);
    }
    if (!dbt_guest_read(&mask, guest_mask, SET_BYTES)) {
        return -EFAULT;
    }
    thread->wait_mask = mask;
    thread->has_wait_mask = true;
    dbt_held_claim(thread, mask);
    u64 host_mask = mask | hidden_of(thread, 0);
    if (number == __NR_pselect6 || number == __NR_io_pgetevents) {
        pair.mask = (u64)&host_mask;
        arguments[5] = (u64)&pair;
    } else {
        arguments[mask_at] = (u64)&host_mask;
    }
    i64 result = dbt_linux_pass(thread, number, arguments);
    thread->has_wait_mask = false;
    if (result == -EINTR && thread->context->pending != 0) {
        /* The handler runs under the mask that was waited with; afterwards the old one is back. */
        thread->handler_mask = mask & ~DBT_NEVER_BLOCKED;
        thread->has_handler_mask = true;
    }
    return result;
}

i64 dbt_signals_timed_wait(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_host_siginfo info;
    u64 own[6];
    memcpy(own, arguments, sizeof own);
    own[1] = (u64)&info;
    i64 result = dbt_signals_sleep(thread, __NR_rt_sigtimedwait, own);
    if (result <= 0 || arguments[1] == 0) {
        return result;
    }
    info.code = info.code == DBT_SI_PASSED ? DBT_SI_USER : info.code;
    return dbt_guest_write(thread->process->space, arguments[1], &info, sizeof info) ? result : -EFAULT;
}

static bool is_kicked(dbt_linux_space *space)
{
    bool is_kicked = false;
    dbt_lock_take(&space->threads_lock);
    for (const dbt_linux_thread *thread = space->threads; thread != 0; thread = thread->next) {
        is_kicked |= __atomic_load_n(&thread->kick_wanted, __ATOMIC_ACQUIRE) != 0;
    }
    dbt_lock_give(&space->threads_lock);
    return is_kicked;
}

void dbt_signals_await_kicks(dbt_linux_space *space)
{
    dbt_engine_change_begin(space->engine);
    while (is_kicked(space)) {
        dbt_port_yield();
    }
}

/* A standard signal that is pending is not made pending again: one of the number that may be used for a kick
 * must not meet it. Nobody is kicked while the engine's lock is held, and a kick that was sent has arrived soon. */
i64 dbt_signals_send(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    u32 at = number == __NR_tgkill || number == __NR_rt_tgsigqueueinfo ? 2 : 1;
    if ((u32)arguments[at] != DBT_KICK_INSTEAD) {
        return dbt_linux_pass(thread, number, arguments);
    }
    dbt_linux_space *space = thread->process->space;
    dbt_signals_await_kicks(space);
    i64 result = dbt_gate_syscall(number, arguments, &thread->context->pending);
    dbt_engine_change_end(space->engine);
    return result;
}
