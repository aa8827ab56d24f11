/* Job: the internal-error report: one block on standard error, then death by SIGABRT.
 * State: whether a report is already under way, so that an error inside it ends at once.
 * Invariant: uses no memory but its own stack, and no lock. */
#include "core/engine.h"
#include "linux/host.h"
#include "linux/linux.h"
#include "linux/text.h"
#include "vmm/vmm.h"

static u32 is_reporting;
static void write_line(const char *line)
{
    char bytes[512];
    dbt_text text;
    dbt_text_begin(&text, bytes, sizeof bytes);
    dbt_text_add(&text, "dbt:   ");
    dbt_text_add(&text, line);
    dbt_text_add(&text, "\n");
    dbt_text_write(&text, 2);
}

_Noreturn static void abort_process(void)
{
    dbt_host_action action = {.handler = DBT_SIG_DFL};
    u64 mask = 0;
    u64 pid = (u64)dbt_host_call1(__NR_getpid, 0);
    u64 tid = (u64)dbt_host_call1(__NR_gettid, 0);
    for (;;) {
        (void)dbt_host_call4(__NR_rt_sigaction, DBT_SIGABRT, (u64)&action, 0, 8);
        (void)dbt_host_call3(__NR_tgkill, pid, tid, DBT_SIGABRT);
        (void)dbt_host_call4(__NR_rt_sigprocmask, DBT_SIG_SETMASK, (u64)&mask, 0, 8);
        (void)dbt_host_call1(__NR_exit_group, 134);
    }
}

_Noreturn void dbt_fatal(const char *file, int line, const char *what)
{
    if (__atomic_exchange_n(&is_reporting, 1, __ATOMIC_SEQ_CST) != 0) {
        abort_process();
    }
    char bytes[1024];
    dbt_text text;
    dbt_text_begin(&text, bytes, sizeof bytes);
    dbt_text_add(&text, "dbt: internal error: ");
    dbt_text_add(&text, what);
    dbt_text_add(&text, " (");
    dbt_text_add(&text, file);
    dbt_text_add(&text, ":");
    dbt_text_add_decimal(&text, (u64)line);
    dbt_text_add(&text, ")\n");
    dbt_text_write(&text, 2);
    const dbt_linux_thread *thread = dbt_thread_self();
    if (thread != 0) {
        dbt_text_begin(&text, bytes, sizeof bytes);
        dbt_text_add(&text, "process ");
        dbt_text_add_decimal(&text, (u64)dbt_host_call1(__NR_getpid, 0));
        dbt_text_add(&text, ", thread ");
        dbt_text_add_decimal(&text, (u64)dbt_host_call1(__NR_gettid, 0));
        dbt_text_add(&text, ", ");
        dbt_text_add(&text, thread->process->guest_path);
        dbt_text_add(&text, ", guest pc 0x");
        dbt_text_add_hex(&text, thread->context->rip, 1);
        write_line(bytes);
        if (thread->context->engine != 0) {
            dbt_engine_report(thread->context, write_line);
        }
        write_line("to narrow it down: repeat with --no-chain, --tu-cap 1 or --chain-until N; `dbt bisect` "
                   "finds N");
    }
    abort_process();
}
