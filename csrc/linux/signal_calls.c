/* Job: calls that wait for signals or under another mask, and calls that send them.
 * State: watches_faults of dbt_linux_process.
 * Invariant: around a call that can show what is pending, the signals of faults that the guest blocks
 * are blocked on the host too, and those that were held back are pending there; nothing of the VMM's
 * own can fault meanwhile. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"

#define SET_BYTES 8

static bool holds_faults(const dbt_linux_thread *thread)
{
    for (u32 at = 0; at < thread->queue_length; at++) {
        if (dbt_signal_is_open((u32)thread->queue[at].info.number)) {
            return true;
        }
    }
    return false;
}

static bool blocks_faults(const dbt_linux_thread *thread)
{
    return dbt_signals_host_mask(thread->blocked) != thread->blocked;
}

i64 dbt_signals_pass(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    if (!blocks_faults(thread) || thread->context->pending != 0) {
        return dbt_gate_syscall(number, arguments, &thread->context->pending);
    }
    dbt_held_claim(thread, 0); /* the call may ask for them */
    dbt_signals_give_back(thread);
    i64 result = dbt_gate_syscall(number, arguments, &thread->context->pending);
    thread->has_wait_mask = false;
    dbt_signals_take_back(thread);
    return result;
}

/* Calls that wait under another mask: the kernel gets it without the signals that must not be blocked,
 * unless one of them could show. */
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
    bool shows = thread->process->watches_faults || holds_faults(thread);
    u64 host_mask = shows ? mask : dbt_signals_host_mask(mask);
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
    dbt_outputs_release(thread->process->space, __NR_rt_sigtimedwait, arguments);
    return dbt_signals_pass(thread, __NR_rt_sigtimedwait, arguments);
}

i64 dbt_signals_descriptor(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    u64 mask = 0;
    if (dbt_guest_read(&mask, arguments[1], SET_BYTES) && dbt_signals_host_mask(mask) != mask) {
        thread->process->watches_faults = true;
    }
    return dbt_linux_pass(thread, number, arguments);
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

/* A standard signal that is pending is not made pending again: one of the kick's number must not meet a
 * kick. Nobody is kicked while the engine's lock is held, and a kick that was sent has arrived soon. */
i64 dbt_signals_send(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    u32 at = number == __NR_tgkill || number == __NR_rt_tgsigqueueinfo ? 2 : 1;
    if ((u32)arguments[at] != DBT_KICK_SIGNAL) {
        return dbt_linux_pass(thread, number, arguments);
    }
    dbt_linux_space *space = thread->process->space;
    dbt_engine_change_begin(space->engine);
    while (is_kicked(space)) {
        dbt_port_yield();
    }
    i64 result = dbt_gate_syscall(number, arguments, &thread->context->pending);
    dbt_engine_change_end(space->engine);
    return result;
}
