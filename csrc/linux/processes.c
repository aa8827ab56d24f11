/* Job: fork, vfork, clone and exit: one VMM process hosts one guest process, and its threads are
 * the guest's.
 * State: a process that shares its parent's memory (vfork) has its own dbt_linux_process and shares the
 * space; the engine goes on counting for the process that created it.
 * Invariant: the child of a fork counts into its own slab before its first count. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/seccomp_filters.h"

#define CLONE_VM 0x100u
#define CLONE_SIGHAND 0x800u
#define CLONE_PIDFD 0x1000u
#define CLONE_VFORK 0x4000u
#define CLONE_PARENT 0x8000u
#define CLONE_THREAD 0x10000u
#define CLONE_PARENT_SETTID 0x100000u
#define CLONE_CHILD_CLEARTID 0x200000u
#define CLONE_CHILD_SETTID 0x1000000u
#define CLONE_DETACHED 0x400000u
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#define CLONE_INTO_CGROUP 0x200000000ULL
#define EXIT_SIGNAL_MASK 0xff
#define PROCESS_BYTES DBT_PAGE_UP(sizeof(dbt_linux_process))

/* struct clone_args of clone3. The functions here take clone's own arguments, in its order, and as the
 * sixth one the address of this struct when the guest called clone3, else 0. */
typedef struct clone_arguments {
    u64 flags, guest_pidfd, guest_child_tid, guest_parent_tid;
    u64 exit_signal, guest_stack, stack_bytes, tls;
    u64 set_tid, set_tid_count, cgroup;
} clone_arguments;

static bool block_signals(const dbt_linux_thread *thread)
{
    /* No kick comes now; and a new thread must not get one of the guest's before it has a signal stack. */
    u64 kicks = DBT_SIGNAL_BIT(DBT_KICK_SIGNAL) | DBT_SIGNAL_BIT(DBT_KICK_INSTEAD);
    u64 all_blocked = dbt_signals_host_mask(~0ULL) | kicks;
    (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&all_blocked, 0, 8);
    return thread->context->pending == 0; /* otherwise delivery sets the mask again */
}

i64 dbt_process_exit(dbt_linux_thread *thread, u64 number, u64 status)
{
    if (number == __NR_exit) {
        /* A signal that this thread has taken would end with it, though it may be for any thread. */
        if (!block_signals(thread)) {
            return DBT_RESTART;
        }
        dbt_thread_end(thread, status);
    }
    dbt_slab_end(thread->process);
    for (;;) {
        (void)dbt_host_call1(number, status);
    }
}

static void learn_tid(dbt_linux_thread *thread)
{
    thread->tid = (u32)dbt_host_call1(__NR_gettid, 0);
}

/* The kernel writes thread ids there, from within the call or when the thread ends. */
static void release_tids(dbt_linux_thread *thread, u64 flags, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    const clone_arguments *wanted = (const clone_arguments *)arguments[5];
    if ((flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) != 0) {
        (void)dbt_code_release(space, arguments[2], arguments[2] + 4);
    }
    if (wanted != 0 && (flags & CLONE_PIDFD) != 0) {
        (void)dbt_code_release(space, wanted->guest_pidfd, wanted->guest_pidfd + 4);
    }
    if ((flags & CLONE_CHILD_SETTID) != 0) {
        (void)dbt_code_release(space, arguments[3], arguments[3] + 4);
    }
}

static void set_exit_signal(dbt_linux_process *child, u64 flags, const u64 *arguments)
{
    const clone_arguments *wanted = (const clone_arguments *)arguments[5];
    if ((flags & CLONE_PARENT) == 0) { /* else the child has its parent's, like its parent's parent */
        child->exit_signal = (u32)(wanted != 0 ? wanted->exit_signal : flags & EXIT_SIGNAL_MASK);
    }
}

/* All locks are held while the kernel copies the address space, so that the child finds every table
 * whole and can give them back itself: of the threads only the caller is left there. */
static void lock_for_fork(dbt_linux_process *process)
{
    dbt_engine_fork_prepare(process->space->engine);
    dbt_lock_take(&process->space->lock);
    dbt_shared_before_fork(process->space);
    dbt_lock_take(&process->space->threads_lock);
    dbt_lock_take(&process->actions->lock);
    dbt_own_lock();
}

static void unlock_after_fork(dbt_linux_thread *thread, bool is_child)
{
    dbt_linux_process *process = thread->process;
    dbt_own_unlock();
    dbt_lock_give(&process->actions->lock);
    if (is_child) {
        dbt_thread_forget_others(thread);
    }
    dbt_lock_give(&process->space->threads_lock);
    dbt_lock_give(&process->space->lock);
    if (is_child) {
        dbt_engine_fork_child(process->space->engine, thread->context);
    } else {
        dbt_engine_fork_parent(process->space->engine);
    }
}

/* The child of a fork goes on with its copy of this stack. Handlers are cleared by the VMM: it needs its
 * own to stay. */
static i64 host_fork(dbt_linux_thread *thread, u64 flags, const u64 *arguments)
{
    u64 call[6] = {flags, 0, arguments[2], arguments[3], arguments[4], 0};
    u64 number = __NR_clone;
    clone_arguments own;
    if (arguments[5] != 0) {
        own = *(const clone_arguments *)arguments[5];
        own.flags &= ~CLONE_CLEAR_SIGHAND;
        own.guest_stack = own.stack_bytes = 0;
        number = __NR_clone3;
        call[0] = (u64)&own;
        call[1] = sizeof own;
    }
    return dbt_gate_syscall(number, call, &thread->context->pending);
}

/* The child starts in function(child), on its own VMM stack. */
static i64 host_clone(dbt_linux_thread *child, u64 flags, const u64 *arguments, void (*function)(void *))
{
    u64 host_top = dbt_thread_stack_top(child);
    if (arguments[5] == 0) {
        return dbt_gate_clone(flags, host_top, arguments[2], arguments[3], arguments[4], function, child);
    }
    clone_arguments own = *(const clone_arguments *)arguments[5];
    u64 *top = (u64 *)((host_top & ~15ULL) - 16);
    top[0] = (u64)function;
    top[1] = (u64)child;
    own.flags &= ~CLONE_CLEAR_SIGHAND;
    own.guest_stack = (u64)top - DBT_PAGE_BYTES;
    own.stack_bytes = DBT_PAGE_BYTES;
    return dbt_gate_clone3(&own, sizeof own);
}

static i64 fork_process(dbt_linux_thread *thread, u64 flags, const u64 *arguments)
{
    u32 parent_pid = thread->process->pid;
    bool clears = (flags & CLONE_CLEAR_SIGHAND) != 0;
    if (thread->process->space->has_shared_code) {
        dbt_recorder_end(thread, DBT_RECORD_SHARED); /* units check nothing while they are recorded */
    }
    release_tids(thread, flags, arguments);
    if (clears && !block_signals(thread)) {
        return DBT_RESTART;
    }
    lock_for_fork(thread->process);
    i64 result = host_fork(thread, flags, arguments);
    if (result == 0) {
        learn_tid(thread); /* its process has no slab of its own yet */
    }
    unlock_after_fork(thread, result == 0);
    if (clears) {
        if (result == 0) {
            dbt_signals_clear_handlers(thread->process);
        }
        dbt_signals_set_host_mask(thread);
    }
    if (result != 0) {
        return result;
    }
    set_exit_signal(thread->process, flags, arguments);
    thread->queue_length = 0; /* what is pending is the parent's */
    if (thread->is_shut) {
        dbt_signals_set_host_mask(thread);
    }
    dbt_held_forget(thread->process);
    thread->is_vfork_child = false;
    thread->guest_clear_tid = (flags & CLONE_CHILD_CLEARTID) != 0 ? arguments[3] : 0;
    dbt_slab_adopt(thread, parent_pid);
    dbt_recorder_forked(thread);
    dbt_profiler_forked(thread, parent_pid);
    dbt_sampler_start(thread);
    if (arguments[1] != 0) {
        thread->context->registers[DBT_RSP] = arguments[1];
    }
    return 0;
}

/* First code of a new thread, on its own VMM stack, with all signals blocked. */
static void run_thread(void *argument)
{
    dbt_linux_thread *thread = argument;
    learn_tid(thread);
    dbt_slab_charge(thread);
    dbt_thread_use_signal_stack(thread);
    dbt_signals_set_host_mask(thread);
    dbt_sampler_start(thread);
    dbt_engine_run(thread->context);
}

/* First code of a process that shares its parent's memory. */
static void run_sharing_process(void *argument)
{
    dbt_linux_thread *thread = argument;
    u32 parent_pid = thread->process->pid;
    __asm__ volatile("wrgsbase %0" : : "r"(thread->context));
    dbt_slab_claim(thread->process, parent_pid);
    dbt_slab_charge(thread);
    if (thread->process->clears_handlers) {
        dbt_signals_clear_handlers(thread->process);
    }
    run_thread(thread);
}

/* A block for a child in this address space, with a copy of the parent's guest state. */
static dbt_linux_thread *create_child(const dbt_linux_thread *parent, dbt_linux_process *process,
                                      u64 flags, const u64 *arguments)
{
    dbt_linux_thread *child = dbt_thread_create(process);
    if (child == 0) {
        return 0;
    }
    dbt_context *context = child->context;
    memcpy(context->registers, parent->context->registers, sizeof context->registers);
    context->rip = parent->context->rip;
    context->rflags = parent->context->rflags;
    context->guest_gs_base = parent->context->guest_gs_base;
    context->guest_gs_selector = parent->context->guest_gs_selector;
    context->registers[DBT_RAX] = 0;
    if (arguments[1] != 0) {
        context->registers[DBT_RSP] = arguments[1];
    }
    child->blocked = parent->blocked;
    dbt_seccomp_inherit(child, parent);
    child->guest_stack = (dbt_host_stack){.flags = DBT_SS_DISABLE};
    child->guest_clear_tid = (flags & CLONE_CHILD_CLEARTID) != 0 ? arguments[3] : 0;
    if (!dbt_profiler_count_in(child)) {
        dbt_thread_destroy(child);
        return 0;
    }
    dbt_engine_attach(process->space->engine, context);
    return child;
}

static void drop_child(dbt_linux_thread *child)
{
    dbt_engine_detach(child->context);
    dbt_thread_destroy(child);
}

static i64 start_thread(dbt_linux_thread *thread, u64 flags, const u64 *arguments)
{
    release_tids(thread, flags, arguments);
    if (!block_signals(thread)) {
        return DBT_RESTART;
    }
    dbt_recorder_end(thread, DBT_RECORD_THREAD);
    i64 result = -EAGAIN;
    dbt_linux_thread *child = create_child(thread, thread->process, flags, arguments);
    if (child != 0) {
        result = host_clone(child, flags, arguments, run_thread);
        if (result < 0) {
            drop_child(child);
        }
    }
    dbt_signals_set_host_mask(thread);
    return result;
}

static dbt_linux_process *copy_process(dbt_linux_process *parent, u64 flags, const u64 *arguments)
{
    u64 host = dbt_port_map(0, PROCESS_BYTES, DBT_PORT_READ | DBT_PORT_WRITE);
    if (host == 0) {
        return 0;
    }
    dbt_linux_process *process = (dbt_linux_process *)host;
    *process = *parent;
    process->has_lent_actions = false;
    dbt_held_forget(process);
    set_exit_signal(process, flags, arguments);
    process->record = 0;
    process->clears_handlers = (flags & CLONE_CLEAR_SIGHAND) != 0;
    process->thread_count = 0;
    if ((flags & CLONE_SIGHAND) != 0) {
        parent->has_lent_actions = true;
    } else {
        dbt_lock_take(&parent->actions->lock);
        process->own_actions = *parent->actions;
        dbt_lock_give(&parent->actions->lock);
        process->own_actions.lock = 0;
        process->actions = &process->own_actions;
    }
    return process;
}

/* vfork, or a process that shares memory and goes on by itself: then its last block to be used again
 * gives its dbt_linux_process back. */
static i64 start_sharing_process(dbt_linux_thread *thread, u64 flags, const u64 *arguments)
{
    dbt_linux_process *parent = thread->process;
    bool waits = (flags & CLONE_VFORK) != 0;
    if (!waits) {
        dbt_recorder_end(thread, DBT_RECORD_THREAD);
    }
    release_tids(thread, flags, arguments);
    if (!block_signals(thread)) {
        return DBT_RESTART;
    }
    i64 result = -ENOMEM;
    dbt_linux_process *process = copy_process(parent, flags, arguments);
    dbt_linux_thread *child = process != 0 ? create_child(thread, process, flags, arguments) : 0;
    if (child != 0) {
        if (waits) {
            child->guest_stack = thread->guest_stack;
        }
        child->is_vfork_child = waits;
        child->own_process = waits ? 0 : process;
        result = host_clone(child, flags, arguments, run_sharing_process);
        if (waits || result < 0) {
            child->own_process = 0;
            drop_child(child);
        }
    }
    if (process != 0 && (child == 0 || waits || result < 0)) {
        if (process->slab != parent->slab) {
            dbt_slab_drop(parent, process->slab);
        }
        dbt_port_unmap((u64)process, PROCESS_BYTES);
    }
    dbt_signals_set_host_mask(thread);
    return result;
}

static i64 clone_process(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 flags = arguments[0];
    if ((flags & CLONE_VM) == 0) {
        return fork_process(thread, flags, arguments);
    }
    if ((flags & CLONE_THREAD) != 0) {
        return start_thread(thread, flags, arguments);
    }
    return start_sharing_process(thread, flags, arguments);
}

i64 dbt_process_clone(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    u64 own[6] = {DBT_SIGCHLD, 0, 0, 0, 0, 0};
    if (number == __NR_vfork) {
        own[0] = CLONE_VM | CLONE_VFORK | DBT_SIGCHLD;
    } else if (number == __NR_clone) {
        memcpy(own, arguments, sizeof own);
        own[0] = (u32)own[0];
        own[5] = 0;
    }
    return clone_process(thread, own);
}

#define CLONE_ARGUMENTS_LEAST 64

/* Of a longer struct, which a later kernel may know, the rest must be 0. */
static bool is_zero(u64 guest_start, u64 guest_end)
{
    u8 byte;
    while (guest_start < guest_end && dbt_guest_read(&byte, guest_start, 1) && byte == 0) {
        guest_start++;
    }
    return guest_start >= guest_end;
}

/* Checks what the kernel cannot, since it does not see all that the guest asked for. */
i64 dbt_process_clone3(dbt_linux_thread *thread, u64 guest_arguments, u64 size_bytes)
{
    clone_arguments wanted = {0};
    if (size_bytes < CLONE_ARGUMENTS_LEAST) {
        return -EINVAL;
    }
    u64 known_bytes = size_bytes < sizeof wanted ? size_bytes : sizeof wanted;
    if (size_bytes > DBT_PAGE_BYTES) {
        return -E2BIG;
    }
    if (!dbt_guest_read(&wanted, guest_arguments, known_bytes)) {
        return -EFAULT;
    }
    if (!is_zero(guest_arguments + known_bytes, guest_arguments + size_bytes)) {
        return -E2BIG;
    }
    u64 cleared_and_shared = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND;
    if ((wanted.flags & cleared_and_shared) == cleared_and_shared ||
        ((wanted.flags & CLONE_INTO_CGROUP) != 0 && size_bytes < sizeof wanted) ||
        (wanted.flags & CLONE_DETACHED) != 0 ||
        (wanted.guest_stack == 0) != (wanted.stack_bytes == 0)) {
        return -EINVAL;
    }
    u64 arguments[6] = {
        wanted.flags,
        wanted.guest_stack + wanted.stack_bytes,
        wanted.guest_parent_tid,
        wanted.guest_child_tid,
        wanted.tls,
        (u64)&wanted,
    };
    return clone_process(thread, arguments);
}
