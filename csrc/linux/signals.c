/* Job: the guest's signal dispositions, mask and alternate stack, all virtual, and what of them the
 * host kernel is told.
 * State: dbt_linux_actions of a process; blocked, queue and guest_stack in dbt_linux_thread.
 * Invariant: a signal without a guest handler has the guest's own disposition on the host, so that the
 * kernel's default happens natively; the fault signals have the VMM's handler, and those that the VMM
 * needs for itself (OPEN) are blocked on the host only in signal_calls.c, around calls that ask for it. */
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/text.h"

#define FAULT_SIGNALS                                                                              \
    (DBT_SIGNAL_BIT(DBT_SIGILL) | DBT_SIGNAL_BIT(DBT_SIGTRAP) | DBT_SIGNAL_BIT(DBT_SIGBUS) |       \
     DBT_SIGNAL_BIT(DBT_SIGFPE) | DBT_SIGNAL_BIT(DBT_SIGSEGV))
/* Of these, the ones that the VMM itself causes: writes into watched pages, guarded accesses; and kicks. */
#define KICK_SIGNALS (DBT_SIGNAL_BIT(DBT_KICK_SIGNAL) | DBT_SIGNAL_BIT(DBT_KICK_INSTEAD))
#define OPEN_SIGNALS (DBT_SIGNAL_BIT(DBT_SIGBUS) | DBT_SIGNAL_BIT(DBT_SIGSEGV) | KICK_SIGNALS)
#define KNOWN_FLAGS                                                                                \
    (DBT_SA_NOCLDSTOP | DBT_SA_NOCLDWAIT | DBT_SA_SIGINFO | DBT_SA_EXPOSE_TAGBITS |                \
     DBT_SA_RESTORER | DBT_SA_ONSTACK | DBT_SA_RESTART | DBT_SA_NODEFER | DBT_SA_RESETHAND)
#define SET_BYTES 8
#define LEAST_STACK_BYTES 2048 /* MINSIGSTKSZ: frames may be larger, and then overflow it */

bool dbt_signal_is_fault(u32 number)
{
    return (FAULT_SIGNALS & DBT_SIGNAL_BIT(number)) != 0;
}

bool dbt_signal_is_open(u32 number)
{
    return (OPEN_SIGNALS & DBT_SIGNAL_BIT(number)) != 0;
}

bool dbt_signal_is_ours(u32 number)
{
    return ((FAULT_SIGNALS | OPEN_SIGNALS) & DBT_SIGNAL_BIT(number)) != 0;
}

u64 dbt_signals_blocked(const dbt_linux_thread *thread)
{
    return thread->has_wait_mask ? thread->wait_mask : thread->blocked;
}

u64 dbt_signals_host_mask(u64 guest_mask)
{
    return guest_mask & ~OPEN_SIGNALS;
}

u64 dbt_signals_own_mask(dbt_linux_thread *thread, u64 guest_mask)
{
    u64 kick = DBT_SIGNAL_BIT(DBT_KICK_SIGNAL);
    bool is_queued = (__atomic_load_n(&thread->process->held, __ATOMIC_SEQ_CST) & guest_mask & kick) != 0;
    for (u32 at = 0; at < thread->queue_length; at++) {
        is_queued |= thread->queue[at].info.number == DBT_KICK_SIGNAL;
    }
    __atomic_store_n(&thread->is_shut, is_queued, __ATOMIC_SEQ_CST);
    return dbt_signals_host_mask(guest_mask) | (is_queued ? kick : 0);
}

/* Takes one of the kick's number out of the kernel's queue, where it is blocked; does not wait. */
static bool take_queued(dbt_host_siginfo *info)
{
    u64 kick = DBT_SIGNAL_BIT(DBT_KICK_SIGNAL);
    u64 no_time[2] = {0, 0};
    return dbt_host_call4(__NR_rt_sigtimedwait, (u64)&kick, (u64)info, (u64)no_time, SET_BYTES) > 0;
}

/* Who kicks notes the number, and looks again whether the thread is shut, before the signal is sent. */
bool dbt_signals_shut(dbt_linux_thread *thread, dbt_host_ucontext *host)
{
    bool is_kicked = false;
    dbt_host_siginfo info;
    host->mask |= DBT_SIGNAL_BIT(DBT_KICK_SIGNAL);
    __atomic_store_n(&thread->is_shut, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&thread->kick_wanted, __ATOMIC_SEQ_CST) == DBT_KICK_SIGNAL) {
        bool is_taken = take_queued(&info);
        if (is_taken && info.code == DBT_SI_KICK) {
            __atomic_store_n(&thread->kick_wanted, 0, __ATOMIC_RELEASE);
            is_kicked = true;
        } else if (is_taken && !dbt_sampler_owns(thread, &info)) {
            dbt_signal_enqueue(thread, &info);
        }
    }
    return is_kicked;
}

void dbt_signals_set_host_mask(dbt_linux_thread *thread)
{
    u64 mask = dbt_signals_own_mask(thread, thread->blocked);
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&mask, 0, SET_BYTES);
}

void dbt_signals_install(const dbt_linux_process *process, u32 number)
{
    const dbt_host_action *guest = &process->actions->list[number];
    dbt_host_action host = {.flags = guest->flags & (DBT_SA_NOCLDSTOP | DBT_SA_NOCLDWAIT)};
    /* A fault whose signal is ignored kills, so the kernel may as well see to that. */
    bool is_ignored = guest->handler == DBT_SIG_IGN && !dbt_signal_is_open(number);
    if ((dbt_signal_is_ours(number) && !is_ignored) || guest->handler > DBT_SIG_IGN) {
        /* Restarting stays the kernel's business: the flag is the guest's own. */
        host.flags |= (guest->flags & DBT_SA_RESTART) | DBT_SA_SIGINFO | DBT_SA_ONSTACK |
                      DBT_SA_RESTORER | (dbt_signal_is_fault(number) ? DBT_SA_NODEFER : 0);
        if ((KICK_SIGNALS & DBT_SIGNAL_BIT(number)) != 0 && guest->handler <= DBT_SIG_IGN) {
            host.flags |= DBT_SA_RESTART;
        }
        host.handler = (u64)dbt_gate_signal;
        host.restorer = (u64)dbt_gate_signal_return;
        /* A kick never interrupts a handler: the thread's answer is the state the handler leaves. */
        host.mask = dbt_signals_host_mask(~0ULL) | KICK_SIGNALS;
    } else {
        host.handler = guest->handler;
        host.flags |= DBT_SA_RESTORER;
        host.restorer = (u64)dbt_gate_signal_return;
    }
    /* Not the kick's: whom posix_spawn of glibc starts ignores it, may still get a handler for it, and calls that
     * sleep already must notice. */
    if (dbt_signal_is_open(number) && number != DBT_KICK_SIGNAL) {
        u64 bit = DBT_SIGNAL_BIT(number);
        u64 *ignored = &process->actions->ignored;
        (void)(guest->handler == DBT_SIG_IGN ? __atomic_fetch_or(ignored, bit, __ATOMIC_RELAXED)
                                             : __atomic_fetch_and(ignored, ~bit, __ATOMIC_RELAXED));
    }
    (void)dbt_host_call4(__NR_rt_sigaction, number, (u64)&host, 0, SET_BYTES);
}

void dbt_signals_clear_handlers(dbt_linux_process *process)
{
    dbt_lock_take(&process->actions->lock);
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        if (process->actions->list[number].handler > DBT_SIG_IGN) {
            process->actions->list[number] = (dbt_host_action){0};
            dbt_signals_install(process, number);
        }
    }
    dbt_lock_give(&process->actions->lock);
}

void dbt_signals_start(dbt_linux_thread *thread)
{
    dbt_linux_process *process = thread->process;
    dbt_thread_use_signal_stack(thread);
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        dbt_host_action inherited = {0};
        (void)dbt_host_call4(__NR_rt_sigaction, number, 0, (u64)&inherited, SET_BYTES);
        process->actions->list[number] = (dbt_host_action){.handler = inherited.handler};
        /* Ignoring a signal anew would forget one that is pending. */
        if (dbt_signal_is_open(number) ||
            (dbt_signal_is_fault(number) && inherited.handler != DBT_SIG_IGN)) {
            dbt_signals_install(process, number);
        }
    }
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_BLOCK, 0, (u64)&thread->blocked, SET_BYTES);
    dbt_signals_set_host_mask(thread);
}

void dbt_signals_block(u64 mask)
{
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_BLOCK, (u64)&mask, 0, SET_BYTES);
}

void dbt_signals_unblock(dbt_linux_thread *thread, u64 mask)
{
    u64 open = mask & ~dbt_signals_own_mask(thread, thread->blocked);
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_UNBLOCK, (u64)&open, 0, SET_BYTES);
}

/* What stands behind the mark was in the queue first. */
static void put_in_front(const dbt_linux_thread *thread)
{
    dbt_host_siginfo info;
    while (take_queued(&info) && info.code != DBT_SI_MARK) {
        if (!dbt_sampler_owns(thread, &info)) {
            (void)dbt_host_call4(__NR_rt_tgsigqueueinfo, thread->process->pid, thread->tid,
                                 DBT_KICK_SIGNAL, (u64)&info);
        }
    }
}

void dbt_signals_give_back(dbt_linux_thread *thread)
{
    u32 kept = 0;
    dbt_host_siginfo mark = {.number = DBT_KICK_SIGNAL, .code = DBT_SI_MARK};
    bool is_marked = false;
    u64 pid = thread->process->pid;
    dbt_sampler_pause(thread);
    dbt_signals_block(thread->blocked);
    for (u32 at = 0; at < thread->queue_length; at++) {
        const dbt_host_siginfo *info = &thread->queue[at].info;
        u32 number = (u32)info->number;
        if (number == DBT_KICK_SIGNAL && (thread->blocked & DBT_SIGNAL_BIT(number)) != 0 && !is_marked) {
            is_marked = dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, thread->tid, number, (u64)&mark) == 0;
        }
        if ((thread->blocked & OPEN_SIGNALS & DBT_SIGNAL_BIT(number)) == 0 ||
            dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, thread->tid, number, (u64)info) != 0) {
            thread->queue[kept++] = thread->queue[at];
        }
    }
    thread->queue_length = kept;
    if (is_marked) {
        put_in_front(thread);
    }
}

void dbt_signals_take_back(dbt_linux_thread *thread)
{
    dbt_signals_unblock(thread, OPEN_SIGNALS);
    dbt_sampler_resume(thread);
}

/* The mask and an ignored fault signal pass through execve: the host must have the guest's own. */
void dbt_signals_before_exec(dbt_linux_thread *thread)
{
    if (thread->context->pending != 0) {
        return;
    }
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        if (dbt_signal_is_open(number) &&
            thread->process->actions->list[number].handler == DBT_SIG_IGN) {
            dbt_host_action ignore = {.handler = DBT_SIG_IGN};
            (void)dbt_host_call4(__NR_rt_sigaction, number, (u64)&ignore, 0, SET_BYTES);
        }
    }
    if ((thread->blocked & OPEN_SIGNALS) != 0) {
        dbt_held_claim(thread, 0);
        dbt_signals_give_back(thread);
    }
}

void dbt_signals_exec_failed(dbt_linux_thread *thread)
{
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        if (dbt_signal_is_open(number) &&
            thread->process->actions->list[number].handler == DBT_SIG_IGN) {
            dbt_signals_install(thread->process, number);
        }
    }
    dbt_signals_take_back(thread);
}

static bool is_ignored(const dbt_linux_process *process, u32 number)
{
    u64 handler = process->actions->list[number].handler;
    return handler == DBT_SIG_IGN ||
           (handler == DBT_SIG_DFL && (number == DBT_SIGCHLD || number == DBT_SIGCONT ||
                                       number == DBT_SIGURG || number == DBT_SIGWINCH));
}

i64 dbt_signals_action(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_process *process = thread->process;
    u64 number = (u32)arguments[0];
    dbt_host_action action;
    if (arguments[3] != SET_BYTES) {
        return -EINVAL;
    }
    if (arguments[1] != 0 && !dbt_guest_read(&action, arguments[1], sizeof action)) {
        return -EFAULT;
    }
    if (number == 0 || number >= DBT_SIGNAL_COUNT ||
        (arguments[1] != 0 && (DBT_SIGNAL_BIT(number) & DBT_NEVER_BLOCKED) != 0)) {
        return -EINVAL;
    }
    bool forgets = number == DBT_KICK_SIGNAL && arguments[1] != 0 && action.handler == DBT_SIG_IGN;
    if (forgets) {
        dbt_signals_await_kicks(process->space);
    }
    dbt_lock_take(&process->actions->lock);
    dbt_host_action old = process->actions->list[number];
    if (arguments[1] != 0) {
        action.flags &= KNOWN_FLAGS;
        action.mask &= ~DBT_NEVER_BLOCKED;
        process->actions->list[number] = action;
        if (forgets) { /* what waits in the kernel's queue */
            dbt_host_action ignore = {.handler = DBT_SIG_IGN};
            (void)dbt_host_call4(__NR_rt_sigaction, number, (u64)&ignore, 0, SET_BYTES);
        }
        dbt_signals_install(process, (u32)number);
        if (is_ignored(process, (u32)number)) {
            dbt_held_drop(process, (u32)number);
            u32 kept = 0;
            for (u32 at = 0; at < thread->queue_length; at++) {
                if ((u64)thread->queue[at].info.number != number) {
                    thread->queue[kept++] = thread->queue[at];
                }
            }
            thread->queue_length = kept;
            if (number == DBT_KICK_SIGNAL) {
                dbt_signals_set_host_mask(thread);
            }
        }
    }
    dbt_lock_give(&process->actions->lock);
    if (forgets) {
        dbt_engine_change_end(process->space->engine);
    }
    if (arguments[2] != 0 &&
        !dbt_guest_write(process->space, arguments[2], &old, sizeof old)) {
        return -EFAULT;
    }
    return 0;
}

i64 dbt_signals_mask(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 old = thread->blocked;
    u64 set = 0;
    if (arguments[3] != SET_BYTES) {
        return -EINVAL;
    }
    if (arguments[1] != 0) {
        if (!dbt_guest_read(&set, arguments[1], SET_BYTES)) {
            return -EFAULT;
        }
        u64 wanted = old;
        switch ((u32)arguments[0]) {
        case DBT_SIG_BLOCK:
            wanted |= set;
            break;
        case DBT_SIG_UNBLOCK:
            wanted &= ~set;
            break;
        case DBT_SIG_SETMASK:
            wanted = set;
            break;
        default:
            return -EINVAL;
        }
        wanted &= ~DBT_NEVER_BLOCKED;
        dbt_held_claim(thread, wanted | ~DBT_SIGNAL_BIT(DBT_KICK_SIGNAL)); /* before those that came later */
        u64 host = dbt_signals_own_mask(thread, wanted);
        u64 call[6] = {DBT_SIG_SETMASK, (u64)&host, 0, SET_BYTES, 0, 0};
        i64 result = dbt_gate_syscall(__NR_rt_sigprocmask, call, &thread->context->pending);
        if (result != 0) {
            return result;
        }
        thread->blocked = wanted;
        dbt_held_claim(thread, wanted);
        if (thread->queue_length > 0) {
            thread->context->pending = 1;
        }
    }
    if (arguments[2] != 0 && !dbt_guest_write(thread->process->space, arguments[2], &old, SET_BYTES)) {
        return -EFAULT;
    }
    return 0;
}

i64 dbt_signals_pending(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 set = 0;
    if (arguments[1] > SET_BYTES) {
        return -EINVAL;
    }
    (void)dbt_host_call2(__NR_rt_sigpending, (u64)&set, SET_BYTES);
    for (u32 at = 0; at < thread->queue_length; at++) {
        set |= DBT_SIGNAL_BIT(thread->queue[at].info.number);
    }
    set = (set | thread->process->held) & thread->blocked;
    return dbt_guest_write(thread->process->space, arguments[0], &set, arguments[1]) ? 0 : -EFAULT;
}

bool dbt_signals_on_guest_stack(const dbt_linux_thread *thread, u64 guest_rsp)
{
    const dbt_host_stack *stack = &thread->guest_stack;
    return (stack->flags & DBT_SS_AUTODISARM) == 0 && guest_rsp > stack->pointer &&
           guest_rsp - stack->pointer <= stack->size_bytes;
}

/* A size of 0 means none; the flags are kept as they were given, and frames show them so. */
i64 dbt_signals_set_stack(dbt_linux_thread *thread, const dbt_host_stack *wanted)
{
    u32 mode = wanted->flags & ~DBT_SS_AUTODISARM;
    if (dbt_signals_on_guest_stack(thread, thread->context->registers[DBT_RSP])) {
        return -EPERM;
    }
    if (mode != DBT_SS_DISABLE && mode != DBT_SS_ONSTACK && mode != 0) {
        return -EINVAL;
    }
    if (mode == DBT_SS_DISABLE) {
        thread->guest_stack = (dbt_host_stack){.flags = wanted->flags};
        return 0;
    }
    if (wanted->size_bytes < LEAST_STACK_BYTES) {
        return -ENOMEM;
    }
    thread->guest_stack = *wanted;
    thread->guest_stack.padding = 0;
    return 0;
}

i64 dbt_signals_stack(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_host_stack old = thread->guest_stack;
    u64 guest_rsp = thread->context->registers[DBT_RSP];
    old.flags &= DBT_SS_AUTODISARM;
    if (old.size_bytes == 0) {
        old.flags |= DBT_SS_DISABLE;
    } else if (dbt_signals_on_guest_stack(thread, guest_rsp)) {
        old.flags |= DBT_SS_ONSTACK;
    }
    if (arguments[0] != 0) {
        dbt_host_stack wanted;
        if (!dbt_guest_read(&wanted, arguments[0], sizeof wanted)) {
            return -EFAULT;
        }
        i64 result = dbt_signals_set_stack(thread, &wanted);
        if (result != 0) {
            return result;
        }
    }
    if (arguments[1] != 0 &&
        !dbt_guest_write(thread->process->space, arguments[1], &old, sizeof old)) {
        return -EFAULT;
    }
    return 0;
}

_Noreturn void dbt_signals_end(u32 number, const dbt_host_siginfo *info)
{
    dbt_host_action action = {.handler = DBT_SIG_DFL};
    u64 pid = (u64)dbt_host_call1(__NR_getpid, 0);
    u64 tid = (u64)dbt_host_call1(__NR_gettid, 0);
    u64 mask = ~DBT_SIGNAL_BIT(number);
    (void)dbt_host_call4(__NR_rt_sigaction, number, (u64)&action, 0, SET_BYTES);
    if (info == 0 || dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, tid, number, (u64)info) != 0) {
        (void)dbt_host_call3(__NR_tgkill, pid, tid, number);
    }
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&mask, 0, SET_BYTES);
    for (;;) {
        (void)dbt_host_call1(__NR_exit_group, 128 + number);
    }
}

/* Who shares handlers shares them on the host too, where the default would take the VMM's handler from the
 * others. An execve gives this process its own, and the new VMM dies at once (main.c). It makes the exit
 * signal SIGCHLD, so a process with another one dies here. */
static void die_apart(const dbt_linux_process *process, u32 number)
{
    char digits[24];
    dbt_text text;
    u64 no_words[1] = {0};
    dbt_text_begin(&text, digits, sizeof digits);
    dbt_text_add_decimal(&text, number);
    u64 words[4] = {(u64) "dbt-vmm", (u64)DBT_DIE_WORD, (u64)digits, 0};
    bool shares = process->has_lent_actions || process->actions != &process->own_actions;
    if (!shares || process->exit_signal != DBT_SIGCHLD) {
        return;
    }
    (void)dbt_host_call3(__NR_execve, (u64) "/proc/thread-self/exe", (u64)words, (u64)no_words);
    if (process->proc_fd >= 0) {
        (void)dbt_host_call6(__NR_execveat, (u64)process->proc_fd, (u64) "thread-self/exe", (u64)words,
                             (u64)no_words, 0, 0);
    }
}

_Noreturn void dbt_signals_die(dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    dbt_recorder_signal(thread, info, false);
    dbt_slab_end(thread->process);
    die_apart(thread->process, (u32)info->number);
    dbt_signals_end((u32)info->number, info);
}

void dbt_signals_force(dbt_linux_thread *thread, const dbt_linux_signal *signal)
{
    u32 number = (u32)signal->info.number;
    u64 handler = thread->process->actions->list[number].handler;
    thread->trap_number = signal->trap_number;
    thread->trap_error = signal->error;
    thread->trap_cr2 = signal->cr2;
    if (handler <= DBT_SIG_IGN || (thread->blocked & DBT_SIGNAL_BIT(number)) != 0) {
        dbt_signals_die(thread, &signal->info);
    }
    thread->sync = *signal;
    thread->has_sync = true;
    thread->context->pending = 1;
}

void dbt_signals_step(dbt_linux_thread *thread)
{
    dbt_linux_signal signal = {
        .info = {.number = DBT_SIGTRAP,
                 .code = DBT_TRAP_TRACE,
                 .address = thread->context->rip},
        .trap_number = 1,
        .cr2 = thread->trap_cr2,
    };
    if (thread->machine != 0) {
        dbt_machine_fault(thread, &signal);
    } else {
        dbt_signals_force(thread, &signal);
    }
}
