/* Job: a process's slab in session memory: its counters, and what other processes may know of it.
 * State: dbt_slab.state says whose a slab is: whoever turns FREE or ENDED into CLAIMED owns it until it
 * is ENDED again.
 * Invariant: a slab that is RUNNING names a process completely. When none is free, a new process goes
 * on in the slab of one that has ended, and adds to its counts, so that sums stay right. */
#include "core/port.h"
#include "linux/linux.h"
#include "linux/text.h"

#define SLAB_BYTES DBT_PAGE_UP(sizeof(dbt_slab))

static bool is_private(const dbt_session *session, const dbt_slab *slab)
{
    return slab < session->slabs || slab >= session->slabs + DBT_SESSION_SLABS;
}

static bool take(dbt_slab *slab, u32 state)
{
    return __atomic_compare_exchange_n(&slab->state, &state, DBT_SLAB_CLAIMED, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static dbt_slab *take_free(dbt_session *session)
{
    if (__atomic_load_n(&session->slabs_claimed, __ATOMIC_RELAXED) >= DBT_SESSION_SLABS) {
        return 0;
    }
    u32 at = __atomic_fetch_add(&session->slabs_claimed, 1, __ATOMIC_RELAXED);
    if (at < DBT_SESSION_SLABS && take(&session->slabs[at], DBT_SLAB_FREE)) {
        return &session->slabs[at];
    }
    return 0;
}

static dbt_slab *take_ended(dbt_session *session, u32 pid)
{
    for (u32 step = 0; step < DBT_SESSION_SLABS; step++) {
        dbt_slab *slab = &session->slabs[(pid + step) % DBT_SESSION_SLABS];
        if (take(slab, DBT_SLAB_ENDED)) {
            return slab;
        }
    }
    /* A process that a signal ended could not say so. */
    for (u32 step = 0; step < DBT_SESSION_SLABS; step++) {
        dbt_slab *slab = &session->slabs[(pid + step) % DBT_SESSION_SLABS];
        if (dbt_host_call2(__NR_kill, slab->pid, 0) == -ESRCH && take(slab, DBT_SLAB_RUNNING)) {
            return slab;
        }
    }
    return 0;
}

/* Pages of its own: with so many processes alive, the counts of this one are read by nobody. */
static dbt_slab *map_private(void)
{
    dbt_slab *slab = (dbt_slab *)dbt_port_map(0, SLAB_BYTES, DBT_PORT_READ | DBT_PORT_WRITE);
    DBT_ASSERT(slab != 0);
    return slab;
}

void dbt_slab_show_path(const dbt_linux_process *process)
{
    dbt_slab *slab = process->slab;
    u64 size_bytes = dbt_text_length(process->guest_path) + 1;
    if (size_bytes <= sizeof slab->path) {
        memcpy(slab->path, process->guest_path, size_bytes);
    }
}

void dbt_slab_claim(dbt_linux_process *process, u32 parent_pid)
{
    dbt_session *session = process->session;
    process->pid = (u32)dbt_host_call1(__NR_getpid, 0);
    dbt_slab *slab = take_free(session);
    if (slab == 0) {
        slab = take_ended(session, process->pid);
    }
    if (slab == 0) {
        slab = map_private();
    }
    process->slab = slab;
    slab->pid = process->pid;
    slab->parent_pid = parent_pid;
    slab->space = (u64)process->space;
    slab->path[0] = 0;
    dbt_slab_show_path(process);
    slab->statistics.tc_bytes_used = 0;
    memset(slab->charges, 0, sizeof slab->charges);
    slab->has_arenas = 0;
    process->foreign_seen = __atomic_load_n(&slab->foreign_writes, __ATOMIC_ACQUIRE);
    (void)dbt_host_call2(__NR_prctl, PR_GET_NAME, (u64)slab->name);
    __atomic_store_n(&slab->state, DBT_SLAB_RUNNING, __ATOMIC_RELEASE);
}

dbt_arena_uses *dbt_slab_arenas(const dbt_linux_process *process)
{
    dbt_session *session = process->session;
    return is_private(session, process->slab) ? 0 : &session->arenas[process->slab - session->slabs];
}

void dbt_slab_show_arenas(const dbt_linux_process *process)
{
    __atomic_store_n(&process->slab->has_arenas, 1, __ATOMIC_RELEASE);
}

/* Whether a row of charges is the thread's: it may be already, and a free one is taken. */
static bool is_charged(dbt_charge *charge, u32 tid)
{
    u32 holder = 0;
    return __atomic_compare_exchange_n(&charge->tid, &holder, tid, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED) ||
           holder == tid;
}

void dbt_slab_charge(dbt_linux_thread *thread)
{
    dbt_slab *slab = thread->process->slab;
    u32 at = 0;
    /* The last row is everyone's for whom none was left, and has the name of the first of them. */
    while (!is_charged(&slab->charges[at], thread->tid) && at < DBT_SLAB_CHARGES - 1) {
        at++;
    }
    thread->context->slab = slab;
    thread->context->charge = &slab->charges[at];
}

void dbt_slab_adopt(dbt_linux_thread *thread, u32 parent_pid)
{
    dbt_linux_process *process = thread->process;
    dbt_slab *inherited = process->slab;
    dbt_slab_claim(process, parent_pid);
    dbt_slab_charge(thread);
    process->space->statistics = &process->slab->statistics;
    dbt_engine_set_statistics(process->space->engine, &process->slab->statistics,
                              dbt_slab_arenas(process));
    dbt_slab_show_arenas(process);
    dbt_slab_drop(process, inherited);
}

void dbt_slab_end(const dbt_linux_process *process)
{
    __atomic_store_n(&process->slab->state, DBT_SLAB_ENDED, __ATOMIC_RELEASE);
}

void dbt_slab_resume(dbt_linux_thread *thread)
{
    dbt_linux_process *process = thread->process;
    dbt_slab *ended = process->slab;
    u32 state = DBT_SLAB_ENDED;
    if (__atomic_compare_exchange_n(&ended->state, &state, DBT_SLAB_RUNNING, false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return;
    }
    /* Another process has taken it meanwhile. */
    u32 parent_pid = (u32)dbt_host_call1(__NR_getppid, 0);
    if (process->space->statistics == &ended->statistics) {
        dbt_slab_adopt(thread, parent_pid);
    } else {
        dbt_slab_claim(process, parent_pid);
        dbt_slab_charge(thread);
    }
}

void dbt_slab_drop(const dbt_linux_process *process, dbt_slab *slab)
{
    if (is_private(process->session, slab)) {
        dbt_port_unmap((u64)slab, SLAB_BYTES);
    }
}
