/* Job: every exit of the guest to the personality: system calls first of all.
 * State: none of its own.
 * Invariant: a call that is not virtual reaches the kernel with the guest's own arguments; rax, rcx
 * and r11 end as the processor and the kernel leave them. */
#include "generated/syscall_tables.h"
#include "linux/gate.h"
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/seccomp_filters.h"
#include "linux/text.h"

#define SYSCALL_BYTES 2
#define VSYSCALL_BASE 0xffffffffff600000ULL
#define TRAP_PROTECTION 13
#define PF_PRESENT 1
#define PF_USER_FETCH 0x14
#define SHADOW_STACK_FIRST 0x5001 /* ARCH_SHSTK_ENABLE ... */
#define SHADOW_STACK_LAST 0x5005
#define ARCH_CPUID_SET 0x1012
#define TRACE_ME 0 /* linux/ptrace.h */
#define TRACE_ATTACH 16
#define TRACE_SEIZE 0x4206

_Noreturn static void refuse(dbt_linux_thread *thread, const char *what)
{
    /* Several threads may come here at once: the first says it and ends them all. */
    while (__atomic_exchange_n(&thread->process->is_refused, true, __ATOMIC_RELAXED)) {
        (void)dbt_host_call1(__NR_pause, 0);
    }
    dbt_text_complain(what, "");
    dbt_recorder_end(thread, DBT_RECORD_REFUSED);
    (void)dbt_process_exit(thread, __NR_exit_group, DBT_STATUS_FAILED);
    __builtin_unreachable();
}

i64 dbt_linux_pass(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    if (number == __NR_set_tid_address) {
        thread->guest_clear_tid = arguments[0];
    }
    dbt_outputs_release(space, number, arguments);
    i64 result = space->has_memory_file && dbt_shared_is_file_write(number)
                     ? dbt_foreign_file_write(thread, number, arguments)
                 : dbt_syscall_rows[number].sleeps
                     ? dbt_signals_sleep(thread, number, arguments)
                     : dbt_gate_syscall(number, arguments, &thread->context->pending);
    if (space->has_shared_code && dbt_shared_is_file_write(number)) {
        dbt_shared_drop_all(space);
    }
    return result;
}

static i64 call_arch_prctl(dbt_linux_thread *thread, const u64 *arguments)
{
    u64 code = arguments[0];
    if (code == ARCH_SET_GS) {
        if (arguments[1] >= DBT_ADDRESS_END) {
            return -EPERM;
        }
        thread->context->guest_gs_base = arguments[1];
        return 0;
    }
    if (code == ARCH_GET_GS) {
        return dbt_guest_write(thread->process->space, arguments[1],
                               &thread->context->guest_gs_base, 8)
                   ? 0
                   : -EFAULT;
    }
    if (code >= SHADOW_STACK_FIRST && code <= SHADOW_STACK_LAST) {
        return -EOPNOTSUPP;
    }
    if (code == ARCH_CPUID_SET) {
        return -ENODEV;
    }
    return dbt_linux_pass(thread, __NR_arch_prctl, arguments);
}

static i64 call_prctl(dbt_linux_thread *thread, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    i64 result;
    switch (arguments[0]) {
    case PR_SET_NAME:
        result = dbt_linux_pass(thread, __NR_prctl, arguments);
        if (thread->tid == thread->process->pid) {
            (void)dbt_host_call2(__NR_prctl, PR_GET_NAME, (u64)thread->process->slab->name);
        }
        return result;
    case PR_SET_SECCOMP:
        return dbt_seccomp_prctl(thread, arguments[1], arguments[2]);
    case PR_GET_SECCOMP:
        return thread->seccomp_mode;
    case PR_SET_MDWE:
        if ((arguments[1] & ~3ULL) != 0 || arguments[2] != 0 || arguments[3] != 0) {
            return -EINVAL;
        }
        if (space->deny_write_exec != 0 && arguments[1] != space->deny_write_exec) {
            return -EPERM;
        }
        space->deny_write_exec = (u32)arguments[1];
        return 0;
    case PR_GET_MDWE:
        return space->deny_write_exec;
    case PR_SET_SYSCALL_USER_DISPATCH:
        return -EINVAL;
    case PR_SET_MM:
        /* The break and the image's limits are ours; the kernel's copy must not be moved. */
        return -EPERM;
    default:
        return dbt_linux_pass(thread, __NR_prctl, arguments);
    }
}

/* A tracer would see the VMM's registers and code. Programs that are not translated can be traced. */
static i64 call_ptrace(dbt_linux_thread *thread, const u64 *arguments)
{
    bool attaches = arguments[0] == TRACE_ATTACH || arguments[0] == TRACE_SEIZE;
    if (arguments[0] == TRACE_ME || (attaches && dbt_files_is_translated((u32)arguments[1]))) {
        dbt_text_complain("a translated program cannot be traced by ptrace", "");
        return -EPERM;
    }
    return dbt_linux_pass(thread, __NR_ptrace, arguments);
}

static i64 call_memory(dbt_linux_thread *thread, u64 number, const u64 *arguments)
{
    dbt_linux_space *space = thread->process->space;
    i64 result;
    switch (number) {
    case __NR_mmap:
        result = dbt_memory_mmap(space, arguments);
        dbt_profiler_mapped(thread->process, result, arguments);
        return result;
    case __NR_munmap:
        return dbt_memory_munmap(space, arguments[0], arguments[1]);
    case __NR_mremap:
        return dbt_memory_mremap(space, arguments);
    case __NR_brk:
        return dbt_memory_brk(space, arguments[0]);
    case __NR_shmat:
        return dbt_memory_shmat(space, arguments);
    case __NR_shmdt:
        return dbt_memory_shmdt(space, arguments[0]);
    case __NR_madvise:
        return dbt_memory_madvise(space, arguments);
    case __NR_process_madvise:
        return dbt_memory_process_madvise(space, arguments);
    case __NR_mincore:
        return dbt_memory_mincore(arguments);
    case __NR_remap_file_pages:
        return dbt_memory_remap_file_pages(space, arguments);
    default:
        return dbt_memory_mprotect(space, number, arguments);
    }
}

static i64 call_virtual(dbt_linux_thread *thread, u64 number, u64 *arguments)
{
    switch ((dbt_call)dbt_syscall_rows[number].detail) {
    case DBT_CALL_MMAP:
    case DBT_CALL_MUNMAP:
    case DBT_CALL_MREMAP:
    case DBT_CALL_BRK:
    case DBT_CALL_SHMAT:
    case DBT_CALL_SHMDT:
    case DBT_CALL_MADVISE:
    case DBT_CALL_PROCESS_MADVISE:
    case DBT_CALL_MINCORE:
    case DBT_CALL_REMAP_FILE_PAGES:
    case DBT_CALL_MPROTECT:
    case DBT_CALL_PKEY_MPROTECT:
        return call_memory(thread, number, arguments);
    case DBT_CALL_OPEN:
    case DBT_CALL_OPENAT:
    case DBT_CALL_OPENAT2:
    case DBT_CALL_STAT:
    case DBT_CALL_LSTAT:
    case DBT_CALL_NEWFSTATAT:
    case DBT_CALL_STATX:
    case DBT_CALL_ACCESS:
    case DBT_CALL_FACCESSAT:
    case DBT_CALL_FACCESSAT2:
    case DBT_CALL_READLINK:
    case DBT_CALL_READLINKAT:
        return dbt_files_call(thread, number, arguments);
    case DBT_CALL_CHROOT:
    case DBT_CALL_PIVOT_ROOT:
    case DBT_CALL_SETNS:
        return dbt_descriptors_leave_root(thread, number, arguments);
    case DBT_CALL_CLOSE_RANGE:
    case DBT_CALL_DUP2:
    case DBT_CALL_DUP3:
    case DBT_CALL_FCNTL:
    case DBT_CALL_GETDENTS:
    case DBT_CALL_GETDENTS64:
        return dbt_descriptors_call(thread, number, arguments);
    case DBT_CALL_RT_SIGACTION:
        return dbt_signals_action(thread, arguments);
    case DBT_CALL_RT_SIGPROCMASK:
        return dbt_signals_mask(thread, arguments);
    case DBT_CALL_RT_SIGPENDING:
        return dbt_signals_pending(thread, arguments);
    case DBT_CALL_SIGALTSTACK:
        return dbt_signals_stack(thread, arguments);
    case DBT_CALL_RT_SIGSUSPEND:
    case DBT_CALL_PPOLL:
    case DBT_CALL_PSELECT6:
    case DBT_CALL_EPOLL_PWAIT:
    case DBT_CALL_EPOLL_PWAIT2:
    case DBT_CALL_IO_PGETEVENTS:
        return dbt_signals_wait(thread, number, arguments);
    case DBT_CALL_RT_SIGTIMEDWAIT:
        return dbt_signals_timed_wait(thread, arguments);
    case DBT_CALL_KILL:
    case DBT_CALL_TKILL:
    case DBT_CALL_TGKILL:
    case DBT_CALL_RT_SIGQUEUEINFO:
    case DBT_CALL_RT_TGSIGQUEUEINFO:
    case DBT_CALL_PIDFD_SEND_SIGNAL:
        return dbt_signals_send(thread, number, arguments);
    case DBT_CALL_CLONE3:
        return dbt_process_clone3(thread, arguments[0], arguments[1]);
    case DBT_CALL_CLONE:
    case DBT_CALL_FORK:
    case DBT_CALL_VFORK:
        return dbt_process_clone(thread, number, arguments);
    case DBT_CALL_EXECVE:
    case DBT_CALL_EXECVEAT:
        return dbt_execute_call(thread, number, arguments);
    case DBT_CALL_EXIT:
    case DBT_CALL_EXIT_GROUP:
        return dbt_process_exit(thread, number, arguments[0]);
    case DBT_CALL_ARCH_PRCTL:
        return call_arch_prctl(thread, arguments);
    case DBT_CALL_PRCTL:
        return call_prctl(thread, arguments);
    case DBT_CALL_PTRACE:
        return call_ptrace(thread, arguments);
    case DBT_CALL_GETRLIMIT:
    case DBT_CALL_SETRLIMIT:
    case DBT_CALL_PRLIMIT64:
        return dbt_limits_call(thread, number, arguments);
    case DBT_CALL_IO_SUBMIT:
        return dbt_fills_submit(thread, arguments);
    case DBT_CALL_IO_URING_SETUP:
        return dbt_fills_setup(thread, arguments);
    case DBT_CALL_IO_URING_ENTER:
        return dbt_fills_enter(thread, arguments);
    case DBT_CALL_IO_URING_REGISTER:
        return dbt_fills_register(thread, arguments);
    case DBT_CALL_PROCESS_VM_WRITEV:
        return dbt_foreign_vectors(thread, arguments);
    case DBT_CALL_SECCOMP:
        return dbt_seccomp_call(thread, arguments[0], arguments[1], arguments[2]);
    case DBT_CALL_RT_SIGRETURN:
    case DBT_CALL_NONE:
        break;
    }
    return -ENOSYS;
}

static void system_call(dbt_linux_thread *thread)
{
    dbt_context *context = thread->context;
    u64 *registers = context->registers;
    u64 number = (u32)registers[DBT_RAX];
    u64 arguments[6] = {registers[DBT_RDI], registers[DBT_RSI], registers[DBT_RDX],
                        registers[10],      registers[8],       registers[9]};
    dbt_recorder_enter(thread, number, arguments, SYSCALL_BYTES);
    dbt_profiler_count(thread->process, DBT_PROFILER_SYSCALL, number);
    thread->system_call = (u32)number;
    u64 rcx = registers[DBT_RCX];
    u64 r11 = registers[11];
    registers[DBT_RCX] = context->rip;
    registers[11] = context->rflags;
    thread->was_entered = false;
    if (thread->seccomp_mode != 0 && dbt_seccomp_stops(thread, number, &registers[DBT_RAX])) {
        dbt_recorder_leave(thread, number);
        return;
    }
    if (number == __NR_rt_sigreturn) {
        dbt_signals_return(thread);
        dbt_recorder_leave(thread, number);
        return;
    }
    while (__atomic_load_n(&thread->kick_wanted, __ATOMIC_ACQUIRE) != 0) {
        /* Sent when this thread was in the TC, on its way since: it must not interrupt the call. */
        __asm__ volatile("pause");
    }
    i64 result;
    if (number >= DBT_SYSCALL_COUNT) {
        result = -ENOSYS;
    } else if (dbt_descriptors_name_own(thread->process, dbt_syscall_rows[number].descriptors,
                                        arguments)) {
        result = -EBADF;
    } else if (dbt_syscall_rows[number].treatment == DBT_SYSCALL_PASS) {
        result = dbt_linux_pass(thread, number, arguments);
    } else if (dbt_syscall_rows[number].treatment == DBT_SYSCALL_REFUSE) {
        result = -(i64)dbt_syscall_rows[number].detail;
    } else {
        result = call_virtual(thread, number, arguments);
    }
    if (result != DBT_RESTART) {
        registers[DBT_RAX] = (u64)result;
    } else {
        context->rip -= SYSCALL_BYTES;
        if (!thread->was_entered) { /* then the instruction has not been executed at all */
            registers[DBT_RCX] = rcx;
            registers[11] = r11;
        }
    }
    dbt_recorder_leave(thread, number);
}

/* The three entries of the vsyscall page, which the kernel emulates likewise. */
static bool vsyscall(dbt_linux_thread *thread)
{
    static const u16 numbers[3] = {__NR_gettimeofday, __NR_time, __NR_getcpu};
    dbt_context *context = thread->context;
    u64 offset = context->rip - VSYSCALL_BASE;
    u64 *registers = context->registers;
    u64 guest_return;
    if (context->rip < VSYSCALL_BASE || offset > 0x800 || (offset & 0x3ff) != 0 ||
        !dbt_guest_read(&guest_return, registers[DBT_RSP], 8)) {
        return false;
    }
    u64 arguments[6] = {registers[DBT_RDI], registers[DBT_RSI], registers[DBT_RDX]};
    u64 number = numbers[offset >> 10];
    dbt_recorder_enter(thread, number, arguments, 0);
    u64 answer = number; /* in rax when a filter of seccomp makes a signal of it */
    i64 result;
    if (thread->seccomp_mode != 0 && dbt_seccomp_stops(thread, number, &answer)) {
        result = (i64)answer;
    } else {
        result = dbt_linux_pass(thread, number, arguments);
    }
    if (result != DBT_RESTART) {
        registers[DBT_RAX] = (u64)result;
        registers[DBT_RSP] += 8;
        context->rip = guest_return;
    }
    dbt_recorder_leave(thread, number);
    return true;
}

/* What the processor and the kernel make of a jump to where no code may be executed. */
static void fetch_fault(dbt_linux_thread *thread)
{
    u64 guest_pc = thread->context->rip;
    dbt_linux_signal signal = {.info = {.number = DBT_SIGSEGV}, .cr2 = thread->trap_cr2};
    thread->context->rflags |= DBT_RFLAGS_RF; /* as the processor saves it for a fault */
    if ((u64)((i64)(guest_pc << 16) >> 16) != guest_pc) {
        signal.info.code = DBT_SI_KERNEL;
        signal.trap_number = TRAP_PROTECTION;
    } else {
        /* An instruction may begin well and run into the next page: the fault is that page's. */
        u64 guest_end = DBT_PAGE_DOWN(guest_pc + DBT_INSTRUCTION_MAX_BYTES - 1);
        dbt_code_view view;
        if (guest_end > guest_pc &&
            dbt_code_fetch(thread->process->space, guest_pc, &view) == DBT_OK) {
            guest_pc = guest_end;
        }
        dbt_lock_take(&thread->process->space->lock);
        const dbt_region *region = dbt_map_find(thread->process->space, guest_pc);
        bool is_mapped = region != 0;
        bool may_execute = is_mapped && (region->protection & PROT_EXEC) != 0;
        dbt_lock_give(&thread->process->space->lock);
        if (may_execute) {
            signal.info.number = DBT_SIGBUS; /* executable, and yet no byte can be read there */
        }
        signal.info.code = is_mapped ? DBT_SEGV_ACCERR : DBT_SEGV_MAPERR;
        signal.info.address = guest_pc;
        signal.trap_number = DBT_TRAP_PAGE_FAULT;
        signal.error = PF_USER_FETCH | (is_mapped ? PF_PRESENT : 0u);
        signal.cr2 = guest_pc;
    }
    dbt_signals_force(thread, &signal);
}

/* Reads of the time-stamp counter, while the guest has it taken away. */
static void counter_fault(dbt_linux_thread *thread)
{
    dbt_linux_signal signal = {
        .info = {.number = DBT_SIGSEGV, .code = DBT_SI_KERNEL},
        .trap_number = TRAP_PROTECTION,
        .cr2 = thread->trap_cr2,
    };
    thread->context->rflags |= DBT_RFLAGS_RF; /* as the processor saves it for a fault */
    dbt_signals_force(thread, &signal);
}

_Noreturn static void unsupported(dbt_linux_thread *thread, const dbt_instruction *instruction)
{
    char bytes[256];
    dbt_text text;
    dbt_text_begin(&text, bytes, sizeof bytes);
    dbt_text_add(&text, "instruction not supported yet at 0x");
    dbt_text_add_hex(&text, thread->context->rip, 1);
    dbt_text_add(&text, ":");
    u8 code[DBT_INSTRUCTION_MAX_BYTES];
    u64 length = instruction != 0 ? instruction->length : 0;
    if (length <= sizeof code && dbt_guest_read(code, thread->context->rip, length)) {
        for (u64 at = 0; at < length; at++) {
            dbt_text_add(&text, " ");
            dbt_text_add_hex(&text, code[at], 2);
        }
    }
    refuse(thread, bytes);
}

void dbt_linux_exit(dbt_context *context, dbt_exit_kind kind, const dbt_instruction *instruction)
{
    dbt_linux_thread *thread = context->process;
    switch (kind) {
    case DBT_EXIT_KIND_SYSCALL:
        system_call(thread);
        dbt_foreign_notice(thread);
        return;
    case DBT_EXIT_KIND_SIGNAL:
        dbt_foreign_notice(thread);
        dbt_signals_deliver(thread);
        return;
    case DBT_EXIT_KIND_STEP:
        dbt_signals_step(thread);
        return;
    case DBT_EXIT_KIND_FETCH:
        if (!vsyscall(thread)) {
            fetch_fault(thread);
        }
        return;
    case DBT_EXIT_KIND_UNSUPPORTED:
        if (instruction != 0 && dbt_instruction_reads_counter(instruction)) {
            counter_fault(thread);
            return;
        }
        unsupported(thread, instruction);
    case DBT_EXIT_KIND_MEMORY:
        refuse(thread, "there is no memory for translated code (is there a limit on address space?)");
    case DBT_EXIT_KIND_BUDGET:
        refuse(thread, "the translation budget of this process is used up (--translation-budget)");
    case DBT_EXIT_KIND_CONTINUATION:
    case DBT_EXIT_KIND_MISS:
    case DBT_EXIT_KIND_CALLOUT:
    case DBT_EXIT_KIND_RECORD:
    case DBT_EXIT_KIND_CHECK:
    case DBT_EXIT_KIND_TABLE:
    case DBT_EXIT_KIND_STOP:
    case DBT_EXIT_KIND_COUNT:
        break;
    default:
        break;
    }
    DBT_ASSERT(!"an exit the personality knows");
}
