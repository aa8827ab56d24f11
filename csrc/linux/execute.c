/* Job: execve: the process is given to a VMM that starts anew with the new program, or to the kernel for
 * what it alone can execute.
 * State: an execution, in memory that the one call maps; what must survive stands in the VMM's arguments.
 * Invariant: an execve that fails leaves the caller as it was. */
#include "core/port.h"
#include "linux/elf_file.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/seccomp_filters.h"
#include "linux/text.h"

#define ARGUMENTS_MOST 0x7fffffffu

/* What an execve has allocated, to be given back when it fails. */
typedef struct execution {
    dbt_image image;
    char path[DBT_PATH_BYTES + 64];
    char words[192];  /* descriptors and limits: the VMM's first argument */
    i32 given_fd;     /* execveat of a descriptor, or -1 */
    i32 opened_fd;    /* given_fd if we opened it ourselves, or -1 */
    i32 inherited_fd; /* its copy that survives the exec, or -1 */
    i32 filters_fd;   /* of seccomp, or -1 */
    u64 host_argv;
    u64 argv_bytes;
} execution;

#define EXECUTION_BYTES DBT_PAGE_UP(sizeof(execution))

static i64 read_path(dbt_linux_thread *thread, u64 number, const u64 *arguments, execution *work)
{
    bool is_at = number == __NR_execveat;
    u64 guest_path = is_at ? arguments[1] : arguments[0];
    i32 directory = is_at ? (i32)arguments[0] : AT_FDCWD;
    char name[DBT_PATH_BYTES];
    if (!dbt_guest_read_string(name, guest_path, sizeof name)) {
        u8 byte;
        return dbt_guest_read(&byte, guest_path, 1) ? -ENAMETOOLONG : -EFAULT;
    }
    dbt_text text;
    dbt_text_begin(&text, work->path, sizeof work->path);
    if (name[0] == 0) {
        if (!is_at || (arguments[4] & AT_EMPTY_PATH) == 0) {
            return -ENOENT;
        }
        work->given_fd = directory;
    }
    if (is_at && name[0] != '/' && directory != AT_FDCWD) {
        dbt_text_add(&text, "/dev/fd/");
        dbt_text_add_decimal(&text, (u64)directory);
        dbt_text_add(&text, name[0] != 0 ? "/" : "");
    }
    dbt_text_add(&text, name);
    const char *program = dbt_files_program(thread->process, directory, guest_path);
    if (program != 0) {
        i64 fd = dbt_elf_open(program);
        work->given_fd = (i32)fd;
        work->opened_fd = (i32)fd;
        return fd < 0 ? fd : 0;
    }
    return 0;
}

static i64 build_arguments(u64 guest_argv, execution *work, const dbt_linux_process *process)
{
    u64 count = 0;
    u64 pointer = 0;
    while (guest_argv != 0) {
        if (!dbt_guest_read(&pointer, guest_argv + count * 8, 8)) {
            return -EFAULT;
        }
        if (pointer == 0) {
            break;
        }
        if (++count == ARGUMENTS_MOST) {
            return -E2BIG;
        }
    }
    work->argv_bytes = DBT_PAGE_UP((count + 5) * 8);
    work->host_argv = dbt_port_map(0, work->argv_bytes, DBT_PORT_READ | DBT_PORT_WRITE);
    if (work->host_argv == 0) {
        return -ENOMEM;
    }
    dbt_text text;
    dbt_text_begin(&text, work->words, sizeof work->words);
    dbt_text_add_decimal(&text, (u64)process->session_fd);
    dbt_text_add(&text, ",");
    if (work->inherited_fd >= 0) {
        dbt_text_add_decimal(&text, (u64)work->inherited_fd);
    }
    dbt_text_add(&text, ",");
    if (work->filters_fd >= 0) {
        dbt_text_add_decimal(&text, (u64)work->filters_fd);
    }
    dbt_text_add(&text, ",");
    if (process->proc_fd >= 0) {
        dbt_text_add_decimal(&text, (u64)process->proc_fd);
    }
    dbt_limits_add_text(process, &text);
    u64 *argv = (u64 *)work->host_argv;
    argv[0] = (u64) "dbt-vmm";
    argv[1] = (u64)work->words;
    argv[2] = (u64)work->path;
    argv[3] = (u64) ""; /* the kernel, too, gives a program at least one argument */
    return count == 0 || dbt_guest_read(&argv[3], guest_argv, count * 8) ? 0 : -EFAULT;
}

static i64 prepare(dbt_linux_thread *thread, u64 guest_argv, execution *work, bool *is_foreign)
{
    i64 fd = dbt_loader_open(work->path, work->given_fd, &work->image, is_foreign);
    if (fd < 0 && !*is_foreign) {
        return fd;
    }
    if (fd >= 0 && fd != work->given_fd) {
        (void)dbt_host_call1(__NR_close, (u64)fd);
    }
    if (work->given_fd >= 0) {
        i64 copy = dbt_host_call3(__NR_fcntl, (u64)work->given_fd, F_DUPFD, 1000);
        work->inherited_fd = (i32)(copy >= 0 ? copy
                                             : dbt_host_call1(__NR_dup, (u64)work->given_fd));
    }
    i64 result = dbt_seccomp_save(thread, &work->filters_fd);
    return result < 0 ? result : build_arguments(guest_argv, work, thread->process);
}

/* Whether execve closes what the next VMM needs. */
static void keep_open(const dbt_linux_process *process, const execution *work, u64 fd_flags)
{
    const i32 kept[] = {process->session_fd, process->proc_fd, work->filters_fd};
    for (u32 at = 0; at < DBT_ARRAY_LENGTH(kept); at++) {
        if (kept[at] >= 0) {
            (void)dbt_host_call3(__NR_fcntl, (u64)kept[at], F_SETFD, fd_flags);
        }
    }
}

/* Gives the process to a new VMM with the new program; returns only when that failed. */
static i64 enter_vmm(dbt_linux_thread *thread, execution *work, u64 guest_envp)
{
    dbt_linux_process *process = thread->process;
    u64 call[6] = {(u64) "/proc/thread-self/exe", work->host_argv, guest_envp, 0, 0, 0};
    keep_open(process, work, 0);
    dbt_slab_end(process);
    dbt_signals_before_exec(thread);
    i64 result = dbt_gate_syscall(__NR_execve, call, &thread->context->pending);
    if (result == -ENOENT && process->proc_fd >= 0) {
        u64 by_descriptor[6] = {(u64)process->proc_fd, (u64) "thread-self/exe", work->host_argv,
                                guest_envp, 0, 0};
        result = dbt_gate_syscall(__NR_execveat, by_descriptor, &thread->context->pending);
    }
    dbt_signals_exec_failed(thread);
    dbt_slab_resume(thread);
    keep_open(process, work, FD_CLOEXEC);
    return result;
}

/* The kernel's own execve, for what is not followed and for formats it alone knows. Filters of seccomp
 * would be lost there. */
static i64 leave_to_kernel(dbt_linux_thread *thread, u64 number, const u64 *arguments, u64 host_path)
{
    u64 call[6];
    if (thread->seccomp_mode != 0) {
        bool follows = (thread->process->session->configuration.flags & DBT_CONFIG_FOLLOW) != 0;
        if (!follows) {
            dbt_text_complain("seccomp filters cannot pass to a program that is not followed: ",
                              (const char *)host_path);
        }
        return follows ? -ENOEXEC : -EPERM;
    }
    memcpy(call, arguments, sizeof call);
    if (number == __NR_execve) {
        call[0] = host_path;
    }
    dbt_slab_end(thread->process);
    dbt_limits_lend(thread->process);
    dbt_signals_before_exec(thread);
    i64 result = dbt_gate_syscall(number, call, &thread->context->pending);
    dbt_signals_exec_failed(thread);
    dbt_limits_take_back(thread->process);
    dbt_slab_resume(thread);
    return result;
}

i64 dbt_execute_call(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    execution *work = (execution *)dbt_port_map(0, EXECUTION_BYTES, DBT_PORT_READ | DBT_PORT_WRITE);
    bool is_foreign = false;
    if (work == 0) {
        return -ENOMEM;
    }
    work->given_fd = -1;
    work->opened_fd = -1;
    work->inherited_fd = -1;
    work->filters_fd = -1;
    const u64 *lists = number == __NR_execveat ? arguments + 2 : arguments + 1;
    i64 result = read_path(thread, number, arguments, work);
    if (result == 0 && (thread->process->session->configuration.flags & DBT_CONFIG_FOLLOW) == 0) {
        result = leave_to_kernel(thread, number, arguments, (u64)work->path);
    } else if (result == 0) {
        result = prepare(thread, lists[0], work, &is_foreign);
        if (result == -ENOEXEC && !is_foreign) {
            result = leave_to_kernel(thread, number, arguments, (u64)work->path);
        } else if (result == 0) {
            result = enter_vmm(thread, work, lists[1]);
        }
    }
    if (work->inherited_fd >= 0) {
        (void)dbt_host_call1(__NR_close, (u64)work->inherited_fd);
    }
    if (work->opened_fd >= 0) {
        (void)dbt_host_call1(__NR_close, (u64)work->opened_fd);
    }
    if (work->filters_fd >= 0) {
        (void)dbt_host_call1(__NR_close, (u64)work->filters_fd);
    }
    if (work->host_argv != 0) {
        dbt_port_unmap(work->host_argv, work->argv_bytes);
    }
    dbt_port_unmap((u64)work, EXECUTION_BYTES);
    return result;
}
