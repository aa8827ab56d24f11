/* Job: samples of a profile: where each thread spends its processor time.
 * State: a timer of the kernel's for each thread, on the thread's own processor time; its number in
 * dbt_linux_thread.
 * Invariant: the guest sees nothing of it. The kernel looks at such a timer when the thread comes back
 * from the kernel (CONFIG_POSIX_CPU_TIMERS_TASK_WORK, Linux 5.10), so no call is interrupted; the signal
 * is the kick's, which is not blocked while guest code runs, and is stopped around the calls that
 * could show it. The handler changes nothing of the interrupted state. */
#include "linux/gate.h"
#include "linux/linux.h"

#define THREAD_CPU_CLOCK 3
#define SIGEV_THREAD_ID 4
#define SI_TIMER (-2)
#define MICROSECONDS 1000000u
#define CALLERS_MOST 28u
#define FRAME_BYTES_MOST 0x100000ULL

typedef struct event {
    u64 value;
    i32 signal;
    i32 notify;
    i32 tid;
    i32 reserved[11];
} event;
_Static_assert(sizeof(event) == 64, "struct sigevent");

static void set_timer(const dbt_linux_thread *thread, u32 interval_us)
{
    u64 times[4] = {0, 0, 0, 0};
    times[0] = times[2] = interval_us / MICROSECONDS;
    times[1] = times[3] = (u64)(interval_us % MICROSECONDS) * 1000;
    (void)dbt_host_call4(__NR_timer_settime, (u64)thread->sample_timer - 1, 0, (u64)times, 0);
}

static u64 secret(const dbt_linux_thread *thread)
{
    return (u64)thread; /* what no timer of the guest's will carry by chance */
}

void dbt_sampler_start(dbt_linux_thread *thread)
{
    const dbt_linux_process *process = thread->process;
    event wanted = {
        .value = secret(thread),
        .signal = DBT_KICK_SIGNAL,
        .notify = SIGEV_THREAD_ID,
        .tid = (i32)thread->tid,
    };
    i32 timer = 0;
    thread->sample_timer = 0;
    if (process->profile == 0) {
        return;
    }
    dbt_profiler_count(process, DBT_PROFILER_THREAD, 0);
    if (dbt_host_call3(__NR_timer_create, THREAD_CPU_CLOCK, (u64)&wanted, (u64)&timer) < 0) {
        dbt_profiler_count(process, DBT_PROFILER_NOT_SAMPLED, 0);
        return;
    }
    thread->sample_timer = (u32)timer + 1;
    set_timer(thread, process->profile->interval_us);
}

void dbt_sampler_stop(dbt_linux_thread *thread)
{
    if (thread->sample_timer != 0) {
        (void)dbt_host_call1(__NR_timer_delete, (u64)thread->sample_timer - 1);
        thread->sample_timer = 0;
    }
}

void dbt_sampler_pause(const dbt_linux_thread *thread)
{
    if (thread->sample_timer != 0) {
        set_timer(thread, 0);
    }
}

void dbt_sampler_resume(const dbt_linux_thread *thread)
{
    if (thread->sample_timer != 0) {
        set_timer(thread, thread->process->profile->interval_us);
    }
}

bool dbt_sampler_owns(const dbt_linux_thread *thread, const dbt_host_siginfo *info)
{
    return info->number == DBT_KICK_SIGNAL && info->code == SI_TIMER && thread->sample_timer != 0 &&
           info->rest[0] == secret(thread);
}

/* Return addresses along the chain of frame pointers, where the program keeps one: whether they are
 * such, the controller judges. */
static u32 read_callers(u64 guest_rbp, u64 *callers)
{
    u32 count = 0;
    while (count < CALLERS_MOST && guest_rbp != 0 && (guest_rbp & 7) == 0 &&
           guest_rbp < DBT_ADDRESS_END) {
        u64 frame[2];
        if (dbt_gate_copy(frame, (const void *)guest_rbp, sizeof frame) != 0 || frame[1] == 0) {
            break;
        }
        callers[count++] = frame[1];
        if (frame[0] <= guest_rbp || frame[0] - guest_rbp > FRAME_BYTES_MOST) {
            break;
        }
        guest_rbp = frame[0];
    }
    return count;
}

/* Behind a system call of the VMM's: the tick fell into it. */
static bool was_in_kernel(u64 host_pc)
{
    extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));
    extern const u8 _end[] __attribute__((visibility("hidden")));
    const u8 *code = (const u8 *)host_pc;
    return code > __ehdr_start + 2 && code < _end && code[-2] == 0x0f && code[-1] == 0x05;
}

void dbt_sampler_take(const dbt_linux_thread *thread, const dbt_host_siginfo *info,
                      const dbt_host_state *host)
{
    const dbt_linux_process *process = thread->process;
    const dbt_context *context = thread->context;
    u64 callers[CALLERS_MOST];
    u64 where = DBT_SAMPLED_VMM;
    u64 guest_rbp = context->registers[DBT_RBP];
    u64 call = DBT_PROFILE_SYSCALLS;
    dbt_location location = {context->rip, DBT_NOT_DESCRIBED, false};
    if (context->engine != 0 && dbt_engine_in_tc(context->engine, host->rip)) {
        dbt_engine_locate(context, host, &location);
        where = location.is_in_body ? DBT_SAMPLED_TC : DBT_SAMPLED_LOOKUP;
        guest_rbp = host->registers[DBT_RBP];
    } else if (was_in_kernel(host->rip)) {
        where = DBT_SAMPLED_KERNEL;
        call = thread->system_call;
    } else if (context->translating != 0) {
        where = DBT_SAMPLED_TRANSLATE;
    }
    u64 weight = 1 + (info->address >> 32); /* si_overrun: ticks that found a signal under way */
    /* A stray frame pointer must not fault while the fault's signal is blocked. */
    bool may_fault = !thread->hides_faults && !thread->has_wait_mask;
    u64 caller_count = may_fault ? read_callers(guest_rbp, callers) : 0;
    u64 words[DBT_PROFILE_SLOT_WORDS] = {
        process->pid | (u64)thread->tid << 32,
        dbt_profiler_time_ns(),
        location.guest_pc,
        location.described | (u64)process->space->units_region << 32,
        weight | where << 32,
        call,
        caller_count,
    };
    dbt_profiler_note(process->profile, DBT_NOTE_SAMPLE, words, callers, caller_count * 8);
}
