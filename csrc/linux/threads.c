/* Job: the memory of a guest thread on the VMM's side, and a process's slab of session memory.
 * State: one block per thread, aligned so that a signal handler finds the thread from its stack pointer:
 *
 *   block + 0      page with the address of the dbt_linux_thread
 *   block + 4K     guard page
 *   block + 8K     host signal stack, up to block + 128K
 *   block + 128K   guard page, then the VMM's stack, up to block + 376K
 *   block + 376K   dbt_context
 *   block + 380K   dbt_linux_thread, up to block + 384K
 *
 * Invariant: the block is whole before the thread's first signal can arrive. */
#include "core/port.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/text.h"

#define SIGNAL_AREA_BYTES (128u * 1024)
#define SIGNAL_STACK_AT 8192u
#define STACK_AT SIGNAL_AREA_BYTES
#define CONTEXT_AT (376u * 1024)
#define THREAD_AT (380u * 1024)
#define BLOCK_BYTES (384u * 1024)

_Static_assert(sizeof(dbt_context) <= THREAD_AT - CONTEXT_AT, "the context fits its page");
_Static_assert(sizeof(dbt_linux_thread) <= BLOCK_BYTES - THREAD_AT, "the thread fits its page");

dbt_linux_thread *dbt_thread_create(dbt_linux_process *process)
{
    /* Two nested host frames and the handler's own C frames must fit. */
    DBT_ASSERT(process->minimum_stack_bytes * 2 + 32768 < SIGNAL_AREA_BYTES - SIGNAL_STACK_AT);
    u64 host_room = dbt_port_map(0, BLOCK_BYTES + SIGNAL_AREA_BYTES, DBT_PORT_READ | DBT_PORT_WRITE);
    if (host_room == 0) {
        return 0;
    }
    u64 host_block = (host_room + SIGNAL_AREA_BYTES - 1) & ~(u64)(SIGNAL_AREA_BYTES - 1);
    if (host_block > host_room) {
        dbt_port_unmap(host_room, host_block - host_room);
    }
    u64 host_rest = host_block + BLOCK_BYTES;
    u64 host_room_end = host_room + BLOCK_BYTES + SIGNAL_AREA_BYTES;
    if (host_room_end > host_rest) {
        dbt_port_unmap(host_rest, host_room_end - host_rest);
    }
    (void)dbt_host_mprotect(host_block + DBT_PAGE_BYTES, DBT_PAGE_BYTES, PROT_NONE);
    (void)dbt_host_mprotect(host_block + STACK_AT, DBT_PAGE_BYTES, PROT_NONE);
    dbt_linux_thread *thread = (dbt_linux_thread *)(host_block + THREAD_AT);
    *(dbt_linux_thread **)host_block = thread;
    thread->host_block = host_block;
    thread->process = process;
    thread->context = (dbt_context *)(host_block + CONTEXT_AT);
    thread->context->process = thread;
    thread->context->slab = process->slab;
    return thread;
}

void dbt_thread_destroy(dbt_linux_thread *thread)
{
    dbt_port_unmap(thread->host_block, BLOCK_BYTES);
}

u64 dbt_thread_stack_top(const dbt_linux_thread *thread)
{
    return thread->host_block + CONTEXT_AT;
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

/* A slab is claimed by its state: whoever turns FREE into RUNNING owns it. When all are taken, the
 * counts of this process go to memory nobody reads. */
void dbt_process_claim_slab(dbt_linux_process *process, u32 parent_pid)
{
    dbt_session *session = process->session;
    u32 at = __atomic_fetch_add(&session->slabs_claimed, 1, __ATOMIC_RELAXED);
    dbt_slab *slab;
    if (at < DBT_SESSION_SLABS) {
        slab = &session->slabs[at];
    } else {
        __atomic_fetch_sub(&session->slabs_claimed, 1, __ATOMIC_RELAXED);
        slab = (dbt_slab *)dbt_port_map(0, DBT_PAGE_UP(sizeof(dbt_slab)),
                                        DBT_PORT_READ | DBT_PORT_WRITE);
        DBT_ASSERT(slab != 0);
    }
    process->pid = (u32)dbt_host_call1(__NR_getpid, 0);
    process->slab = slab;
    process->space->statistics = &slab->statistics;
    slab->pid = process->pid;
    slab->parent_pid = parent_pid;
    (void)dbt_host_call2(__NR_prctl, PR_GET_NAME, (u64)slab->name);
    __atomic_store_n(&slab->state, DBT_SLAB_RUNNING, __ATOMIC_RELEASE);
}

void dbt_process_end(dbt_linux_process *process)
{
    __atomic_store_n(&process->slab->state, DBT_SLAB_ENDED, __ATOMIC_RELEASE);
}
