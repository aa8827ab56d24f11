/* Job: the memory of a guest thread on the VMM's side, and a process's slab of session memory.
 * State: one block per thread, aligned so that a signal handler finds the thread from its stack pointer:
 *
 *   block + 0      page with the address of the dbt_linux_thread
 *   block + 4K     guard page
 *   block + 8K     host signal stack, up to block + 128K
 *   block + 128K   dbt_linux_thread
 *   block + 132K   dbt_context
 *   block + 136K   64 KiB that nothing can be read in, as the context and the stack want it
 *   block + 200K   the VMM's stack, up to block + 384K
 *   block + 384K   where executions are counted: the thread's counters
 *
 * Blocks are mapped several at a time and used again; only the pages that are touched cost memory.
 * Invariant: the block is whole before the thread's first signal can arrive. A block in the list of free
 * ones is no thread's stack any more: the last instructions of an ending thread use none. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/seccomp_filters.h"
#include "linux/text.h"

#define SIGNAL_AREA_BYTES (128u * 1024)
#define SIGNAL_STACK_AT 8192u
#define THREAD_AT SIGNAL_AREA_BYTES
#define CONTEXT_AT (132u * 1024)
#define GUARD_AT (CONTEXT_AT + DBT_CONTEXT_BYTES)
#define BLOCK_BYTES (384u * 1024)
#define BLOCKS_AT_ONCE 16u
#define COUNTED_BLOCKS_AT_ONCE 2u

_Static_assert(CONTEXT_AT + DBT_CONTEXT_COUNTERS_AT == BLOCK_BYTES, "emitted code finds the counters");
_Static_assert(sizeof(dbt_linux_thread) <= CONTEXT_AT - THREAD_AT, "the thread fits its page");

static dbt_linux_thread *thread_in(u64 host_block)
{
    return (dbt_linux_thread *)(host_block + THREAD_AT);
}

/* Puts new blocks into the list of free ones: a single one for a process's first thread. */
static void map_blocks(dbt_linux_space *space, bool counts)
{
    u32 count = space->threads == 0 ? 1 : counts ? COUNTED_BLOCKS_AT_ONCE : BLOCKS_AT_ONCE;
    u64 block_bytes = BLOCK_BYTES;
    if (counts) {
        block_bytes += (sizeof(dbt_profile_counters) + SIGNAL_AREA_BYTES - 1) & ~(u64)(SIGNAL_AREA_BYTES - 1);
    }
    u64 size_bytes = count * block_bytes;
    u64 host_room = dbt_port_map(0, size_bytes + SIGNAL_AREA_BYTES, DBT_PORT_READ | DBT_PORT_WRITE);
    if (host_room == 0) {
        return;
    }
    u64 host_start = (host_room + SIGNAL_AREA_BYTES - 1) & ~(u64)(SIGNAL_AREA_BYTES - 1);
    if (host_start > host_room) {
        dbt_port_unmap(host_room, host_start - host_room);
    }
    u64 host_end = host_start + size_bytes;
    u64 host_room_end = host_room + size_bytes + SIGNAL_AREA_BYTES;
    if (host_room_end > host_end) {
        dbt_port_unmap(host_end, host_room_end - host_end);
    }
    for (u64 host_block = host_end; host_block > host_start;) {
        host_block -= block_bytes;
        (void)dbt_host_mprotect(host_block + DBT_PAGE_BYTES, DBT_PAGE_BYTES, PROT_NONE);
        (void)dbt_host_mprotect(host_block + GUARD_AT, DBT_CONTEXT_GUARD_BYTES, PROT_NONE);
        dbt_linux_thread *thread = thread_in(host_block);
        thread->host_block = host_block;
        thread->next = space->free_threads;
        space->free_threads = thread;
    }
}

static dbt_linux_thread *take_block(dbt_linux_space *space, bool counts)
{
    dbt_lock_take(&space->threads_lock);
    if (space->free_threads == 0) {
        map_blocks(space, counts);
    }
    dbt_linux_thread *thread = space->free_threads;
    if (thread != 0) {
        space->free_threads = thread->next;
        if (thread->own_process != 0 && !thread->own_process->has_lent_actions) {
            dbt_slab_drop(thread->own_process, thread->own_process->slab);
            dbt_port_unmap((u64)thread->own_process, DBT_PAGE_UP(sizeof(dbt_linux_process)));
        }
        memset(thread, 0, offsetof(dbt_linux_thread, host_block));
        thread->next = space->threads;
        if (thread->next != 0) {
            thread->next->previous = thread;
        }
        space->threads = thread;
    }
    dbt_lock_give(&space->threads_lock);
    return thread;
}

/* threads_lock is held. */
static void free_block(dbt_linux_space *space, dbt_linux_thread *thread)
{
    dbt_seccomp_leave(thread);
    if (thread->next != 0) {
        thread->next->previous = thread->previous;
    }
    if (thread->previous != 0) {
        thread->previous->next = thread->next;
    } else {
        space->threads = thread->next;
    }
    thread->next = space->free_threads;
    space->free_threads = thread;
}

dbt_linux_thread *dbt_thread_create(dbt_linux_process *process)
{
    /* Two nested host frames and the handler's own C frames must fit. */
    DBT_ASSERT(process->minimum_stack_bytes * 2 + 32768 < SIGNAL_AREA_BYTES - SIGNAL_STACK_AT);
    dbt_linux_thread *thread = take_block(process->space, dbt_profiler_counts(process));
    if (thread == 0) {
        return 0;
    }
    *(dbt_linux_thread **)thread->host_block = thread;
    thread->process = process;
    thread->context = (dbt_context *)(thread->host_block + CONTEXT_AT);
    memset(thread->context, 0, sizeof *thread->context);
    thread->context->process = thread;
    thread->context->slab = process->slab;
    (void)__atomic_fetch_add(&process->thread_count, 1, __ATOMIC_RELAXED);
    return thread;
}

void dbt_thread_destroy(dbt_linux_thread *thread)
{
    dbt_linux_space *space = thread->process->space;
    (void)__atomic_fetch_sub(&thread->process->thread_count, 1, __ATOMIC_RELAXED);
    dbt_lock_take(&space->threads_lock);
    free_block(space, thread);
    dbt_lock_give(&space->threads_lock);
}

_Noreturn void dbt_thread_end(dbt_linux_thread *thread, u64 status)
{
    dbt_linux_process *process = thread->process;
    dbt_linux_space *space = process->space;
    u64 all = ~0ULL;
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&all, 0, 8);
    dbt_sampler_stop(thread);
    dbt_engine_detach(thread->context);
    if (thread->guest_clear_tid != 0) {
        (void)dbt_code_release(space, thread->guest_clear_tid, thread->guest_clear_tid + 4);
    }
    if (__atomic_sub_fetch(&process->thread_count, 1, __ATOMIC_ACQ_REL) == 0) {
        dbt_slab_end(process);
    }
    dbt_lock_take(&space->threads_lock);
    if (!thread->is_vfork_child) {
        free_block(space, thread);
    }
    dbt_gate_exit_thread(&space->threads_lock, status);
}

void dbt_thread_forget_others(dbt_linux_thread *survivor)
{
    dbt_linux_space *space = survivor->process->space;
    for (dbt_linux_thread *thread = space->threads; thread != 0;) {
        dbt_linux_thread *next = thread->next;
        if (thread != survivor) {
            free_block(space, thread);
        }
        thread = next;
    }
    survivor->process->thread_count = 1;
}

dbt_linux_thread *dbt_thread_self(void)
{
    const dbt_context *context;
    __asm__("rdgsbase %0" : "=r"(context));
    return context != 0 ? context->process : 0;
}

/* Notes which signal a kick is to be. A thread that is shut cannot take the kick's own; should it be shut
 * meanwhile, it sees the number. False: one that queues is under way already, and shall not be sent again. */
static bool note_kick(dbt_linux_thread *thread, u32 *number)
{
    u32 wanted = __atomic_load_n(&thread->is_shut, __ATOMIC_SEQ_CST) ? DBT_KICK_INSTEAD : DBT_KICK_SIGNAL;
    u32 noted = 0;
    if (!__atomic_compare_exchange_n(&thread->kick_wanted, &noted, wanted, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        *number = noted;
        return noted != DBT_KICK_SIGNAL;
    }
    if (wanted == DBT_KICK_SIGNAL && __atomic_load_n(&thread->is_shut, __ATOMIC_SEQ_CST)) {
        wanted = DBT_KICK_INSTEAD;
        __atomic_store_n(&thread->kick_wanted, wanted, __ATOMIC_SEQ_CST);
    }
    *number = wanted;
    return true;
}

static i64 send_kick(dbt_linux_thread *thread)
{
    dbt_host_siginfo info = {.code = DBT_SI_KICK};
    u64 pid = thread->process->pid;
    u32 number;
    if (!note_kick(thread, &number)) {
        return dbt_host_call3(__NR_tgkill, pid, thread->tid, 0);
    }
    info.number = (i32)number;
    i64 result = dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, thread->tid, number, (u64)&info);
    if (result == -EAGAIN || result == -EPERM) {
        /* RLIMIT_SIGPENDING; or a process of its own in this address space: only its own may choose what a
         * signal tells. */
        info.number = DBT_KICK_INSTEAD;
        __atomic_store_n(&thread->kick_wanted, DBT_KICK_INSTEAD, __ATOMIC_SEQ_CST);
        result = result == -EAGAIN ? dbt_host_call4(__NR_rt_tgsigqueueinfo, pid, thread->tid,
                                                    DBT_KICK_INSTEAD, (u64)&info)
                                   : dbt_host_call3(__NR_tgkill, pid, thread->tid, DBT_KICK_INSTEAD);
    }
    if (result != 0) {
        __atomic_store_n(&thread->kick_wanted, 0, __ATOMIC_RELEASE);
    }
    return result;
}

void dbt_thread_kick(dbt_context *context)
{
    dbt_linux_thread *thread = context->process;
    bool is_foreign = thread->process != dbt_thread_self()->process;
    i64 result = send_kick(thread);
    /* A zombie can be signalled, and answers nothing. */
    if (result == -ESRCH || (is_foreign && dbt_process_is_dead(thread->process->pid))) {
        __atomic_store_n(&context->in_tc, 0, __ATOMIC_RELEASE); /* it was killed */
    }
}

u64 dbt_thread_stack_top(const dbt_linux_thread *thread)
{
    return thread->host_block + BLOCK_BYTES;
}

void dbt_thread_use_signal_stack(const dbt_linux_thread *thread)
{
    dbt_host_stack stack = {
        .pointer = thread->host_block + SIGNAL_STACK_AT,
        .size_bytes = SIGNAL_AREA_BYTES - SIGNAL_STACK_AT,
    };
    i64 result = dbt_host_call2(__NR_sigaltstack, (u64)&stack, 0);
    DBT_ASSERT(result == 0);
}

dbt_linux_thread *dbt_thread_of_signal_stack(void)
{
    u64 host_here = (u64)__builtin_frame_address(0);
    return *(dbt_linux_thread **)(host_here & ~(u64)(SIGNAL_AREA_BYTES - 1));
}
