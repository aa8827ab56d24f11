/* Job: signals of faults that were sent to the whole process while every thread blocks them. The host never
 * blocks them, so it gives each to some thread at once; here it waits for the one that unblocks it.
 * Or for the one whose call takes it, or shows that it is pending (sigtimedwait, a signalfd).
 * State: held, held_busy and held_info of dbt_linux_process, one place for each number: they do not queue,
 * the kick's apart, of which a thread takes no more than one out of the kernel's queue (dbt_signals_shut);
 * asks, observes, asks_fd, givers and was_given of dbt_linux_thread.
 * Invariant: a place is busy from before its info is written until after it is read; its bit in held says
 * that it can be taken. Whoever holds a signal looks for takers afterwards, whoever unblocks one looks here
 * afterwards: one of the two sees the other. Likewise who begins a call that finds it. What is sent to such a
 * thread has arrived before its call is over. */
#include "core/port.h"
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/text.h"

#define THREADS_LOOKED_AT 100000u

static u32 place_of(u32 number)
{
    return number == DBT_SIGILL ? 0 : number == DBT_SIGBUS ? 1 : number == DBT_SIGSEGV ? 2 : 3;
}

static u64 open_of(u64 mask)
{
    return mask & ~dbt_signals_host_mask(mask);
}

/* The signals that a descriptor shows if it is a signalfd; proc(5): "sigmask:", a tabulator, hexadecimal. */
static u64 signalfd_mask(const dbt_linux_process *process, i32 fd)
{
    static const char label[] = "sigmask:\t";
    char path[64];
    char lines[512] = {0};
    u64 mask = 0;
    dbt_text text;
    dbt_text_begin(&text, path, sizeof path);
    dbt_text_add(&text, "/proc/self/fdinfo/");
    dbt_text_add_decimal(&text, (u64)(u32)fd);
    i64 info = dbt_descriptors_open_proc(process, path);
    if (info < 0) {
        return 0;
    }
    (void)dbt_host_call3(__NR_read, (u64)info, (u64)lines, sizeof lines - 1);
    (void)dbt_host_call1(__NR_close, (u64)info);
    const char *at = lines;
    while (*at != 0 && !dbt_text_starts(at, label)) {
        at++;
    }
    (void)dbt_text_parse_hex(at + (*at != 0 ? sizeof label - 1 : 0), &mask);
    return mask;
}

bool dbt_held_is_signalfd(const dbt_linux_process *process, i32 fd)
{
    return signalfd_mask(process, fd) != 0;
}

static u64 load(const u64 *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static bool asks_for(const dbt_linux_thread *thread, u64 bit)
{
    i32 fd = __atomic_load_n(&thread->asks_fd, __ATOMIC_RELAXED);
    return (load(&thread->asks) & bit) != 0 &&
           (fd < 0 || (signalfd_mask(thread->process, fd) & bit) != 0);
}

static bool send(const dbt_linux_thread *thread, u32 number, const dbt_host_siginfo *info)
{
    return dbt_host_call4(__NR_rt_tgsigqueueinfo, thread->process->pid, thread->tid, number, (u64)info) == 0;
}

/* To a thread that does not block the signal, or whose call takes it. Only the kernel may say that a signal was
 * one of kill. */
static bool give(dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    u64 bit = DBT_SIGNAL_BIT(info->number);
    dbt_host_siginfo passed = *info;
    passed.code = DBT_SI_PASSED;
    if ((dbt_signals_blocked(thread) & bit) == 0) {
        return send(thread, (u32)info->number, &passed);
    }
    (void)__atomic_fetch_add(&thread->givers, 1, __ATOMIC_SEQ_CST);
    bool is_given = asks_for(thread, bit);
    if (is_given) {
        __atomic_store_n(&thread->was_given, true, __ATOMIC_RELAXED);
        is_given = send(thread, (u32)info->number, &passed);
    }
    (void)__atomic_fetch_sub(&thread->givers, 1, __ATOMIC_RELEASE);
    return is_given;
}

/* A call that shows what is pending gets something to show; who then asks for the signal finds it here. */
static void nudge(dbt_linux_thread *thread, u32 number)
{
    dbt_host_siginfo info = {.number = (i32)number, .code = DBT_SI_NUDGE};
    (void)__atomic_fetch_add(&thread->givers, 1, __ATOMIC_SEQ_CST);
    if ((load(&thread->observes) & DBT_SIGNAL_BIT(number)) != 0) {
        (void)send(thread, number, &info);
    }
    (void)__atomic_fetch_sub(&thread->givers, 1, __ATOMIC_RELEASE);
}

/* From thread on, the next of the same process that can be sent a signal; 0: none. The list is read without its
 * lock, from a handler: blocks stay mapped, and a wrong answer leaves the signal here. */
static dbt_linux_thread *other_from(const dbt_linux_thread *self, dbt_linux_thread *thread, u32 *left)
{
    for (; thread != 0 && *left > 0; thread = thread->next) {
        --*left;
        if (thread != self && thread->process == self->process && thread->tid != 0) {
            return thread;
        }
    }
    return 0;
}

static dbt_linux_thread *first_other(const dbt_linux_thread *self, u32 *left)
{
    *left = THREADS_LOOKED_AT;
    return other_from(self, self->process->space->threads, left);
}

static bool give_any(const dbt_linux_thread *self, const dbt_host_siginfo *info)
{
    u32 left;
    dbt_linux_thread *thread = first_other(self, &left);
    while (thread != 0 && !give(thread, info)) {
        thread = other_from(self, thread->next, &left);
    }
    return thread != 0;
}

static void nudge_all(const dbt_linux_thread *self, u32 number)
{
    u32 left;
    for (dbt_linux_thread *thread = first_other(self, &left); thread != 0;
         thread = other_from(self, thread->next, &left)) {
        nudge(thread, number);
    }
}

static bool is_wanted(const dbt_linux_thread *self, u64 bit)
{
    u32 left;
    const dbt_linux_thread *thread = first_other(self, &left);
    while (thread != 0 && (dbt_signals_blocked(thread) & bit) != 0 && !asks_for(thread, bit)) {
        thread = other_from(self, thread->next, &left);
    }
    return thread != 0;
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

/* Another one that queues stays in the kernel's queue: this thread is shut. */
static void send_again(dbt_linux_process *process, const dbt_host_siginfo *info)
{
    dbt_host_siginfo passed = *info;
    process->has_sent_again = true;
    passed.code = DBT_SI_PASSED;
    (void)dbt_host_call3(__NR_rt_sigqueueinfo, process->pid, (u64)info->number, (u64)&passed);
}

bool dbt_held_put(dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    dbt_linux_process *process = thread->process;
    u32 number = (u32)info->number;
    u64 bit = DBT_SIGNAL_BIT(number);
    dbt_host_siginfo own = *info;
    if (info->code != DBT_SI_USER || !dbt_signal_is_open(number)) {
        return false; /* for this thread alone */
    }
    do {
        if (give_any(thread, &own)) {
            return true;
        }
        if ((__atomic_fetch_or(&process->held_busy, bit, __ATOMIC_ACQUIRE) & bit) != 0) {
            if (number == DBT_KICK_SIGNAL) {
                send_again(process, &own);
            }
            return true;
        }
        process->held_info[place_of(number)] = own;
        (void)__atomic_fetch_or(&process->held, bit, __ATOMIC_SEQ_CST);
    } while (is_wanted(thread, bit) && take(process, number, &own));
    nudge_all(thread, number);
    return true;
}

void dbt_held_begin(dbt_linux_thread *thread, u64 number, const u64 *arguments, u64 blocked)
{
    u64 asks = 0;
    u64 observes = 0;
    i32 fd = -1;
    switch (number) {
    case __NR_rt_sigtimedwait:
        asks = dbt_guest_read(&asks, arguments[0], sizeof asks) ? asks & open_of(blocked) : 0;
        break;
    case __NR_read:
        asks = open_of(blocked);
        fd = (i32)arguments[0];
        break;
    case __NR_poll:
    case __NR_ppoll:
    case __NR_select:
    case __NR_pselect6:
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        observes = open_of(blocked);
        break;
    default:
        break;
    }
    thread->was_given = false;
    __atomic_store_n(&thread->asks_fd, fd, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->asks, asks, __ATOMIC_SEQ_CST);
    __atomic_store_n(&thread->observes, observes, __ATOMIC_SEQ_CST);
}

void dbt_held_end(dbt_linux_thread *thread)
{
    __atomic_store_n(&thread->asks, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&thread->observes, 0, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&thread->givers, __ATOMIC_SEQ_CST) != 0) {
        dbt_port_yield();
    }
}

void dbt_held_show(dbt_linux_thread *thread)
{
    u64 held = load(&thread->process->held);
    u64 asked = held & thread->asks;
    if (asked != 0 && thread->asks_fd >= 0) {
        asked &= signalfd_mask(thread->process, thread->asks_fd);
    }
    if (asked != 0) {
        dbt_held_claim(thread, ~asked);
    }
    for (u32 number = 1; number < DBT_SIGNAL_COUNT; number++) {
        if ((held & thread->observes & DBT_SIGNAL_BIT(number)) != 0) {
            nudge(thread, number);
        }
    }
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
