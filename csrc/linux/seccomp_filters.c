/* Job: the guest's seccomp modes and filters. They judge the guest's system calls at the guest's own
 * boundary, before it is known how the call will be answered, and never one of the VMM's.
 * State: seccomp_mode and filters of dbt_linux_thread, written under the space's threads_lock (another
 * thread may set them: TSYNC), read without it by the thread itself. Filters form chains, newest first;
 * a filter never changes, and lives as long as a thread or a newer filter refers to it.
 * Invariant: a filter is in a chain only after dbt_bpf_is_valid. A thread's chain only grows at its
 * head, so a chain that is read while it is replaced is a part of the new one. */
#include "linux/seccomp_filters.h"

#include "core/port.h"
#include "linux/bpf.h"
#include "linux/gate.h"
#include "linux/text.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define FLAGS_KNOWN                                                                                \
    (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |        \
     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                          \
     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#define CHAIN_INSTRUCTIONS_MOST 32768u
#define FILTER_PENALTY 4u /* instructions that each older filter counts for more */
#define ERRNO_MOST 4095u
#define SIGNAL_CODE_SECCOMP 1 /* SYS_SECCOMP */
#define STORE_PIECE_BYTES 65536u
#define NUMBERS 512u          /* system call numbers that an answer is kept for */
/* nr and arch; the rest of the data differs from call to call. */
#define KNOWN_BYTES offsetof(dbt_bpf_data, instruction_pointer)

typedef struct dbt_seccomp_filter {
    struct dbt_seccomp_filter *previous;
    u32 references;
    u32 length;
    u32 chain_instructions; /* with those of all older ones, and their penalties */
    u32 is_inherited;       /* through execve: lies in a mapping of several that stays */
    u64 allowed[NUMBERS / 64]; /* calls that this one and all older ones allow whatever the arguments */
    dbt_bpf_instruction program[];
} filter;

typedef struct program_header {
    u16 length;
    u64 guest_program;
} program_header;

_Static_assert(sizeof(program_header) == sizeof(struct sock_fprog), "struct sock_fprog");

static u64 filter_bytes(u32 length)
{
    return sizeof(filter) + length * sizeof(dbt_bpf_instruction);
}

static void release(filter *at)
{
    while (at != 0 && at->is_inherited == 0 &&
           __atomic_sub_fetch(&at->references, 1, __ATOMIC_ACQ_REL) == 0) {
        filter *previous = at->previous;
        dbt_port_unmap((u64)at, DBT_PAGE_UP(filter_bytes(at->length)));
        at = previous;
    }
}

static filter *share(filter *at)
{
    if (at != 0) {
        (void)__atomic_add_fetch(&at->references, 1, __ATOMIC_RELAXED);
    }
    return at;
}

void dbt_seccomp_leave(dbt_linux_thread *thread)
{
    release(thread->filters);
    thread->filters = 0;
    thread->seccomp_mode = SECCOMP_MODE_DISABLED;
}

void dbt_seccomp_inherit(dbt_linux_thread *child, const dbt_linux_thread *parent)
{
    u32 *lock = &parent->process->space->threads_lock;
    dbt_lock_take(lock);
    release(child->filters); /* it may have got some meanwhile, by TSYNC: the same ones */
    child->filters = share(parent->filters);
    child->seccomp_mode = parent->seccomp_mode;
    dbt_lock_give(lock);
}

u32 dbt_seccomp_count(const dbt_linux_thread *thread)
{
    u32 count = 0;
    for (const filter *at = thread->filters; at != 0; at = at->previous) {
        count++;
    }
    return count;
}

/* Whether the thread may install filters: CAP_SYS_ADMIN, or nothing to gain by execve. */
static bool may_install(void)
{
    return dbt_host_call6(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1 ||
           dbt_host_has_capability(CAP_SYS_ADMIN);
}

/* Marks the calls that the filter allows by their number alone. */
static void learn_allowed(filter *made)
{
    dbt_bpf_data data = {.arch = AUDIT_ARCH_X86_64};
    for (u32 number = 0; number < NUMBERS; number++) {
        u64 bit = 1ULL << (number & 63);
        u32 answer;
        data.nr = (i32)number;
        if (dbt_bpf_run(made->program, &data, KNOWN_BYTES, &answer) &&
            (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW) {
            made->allowed[number / 64] |= bit;
        }
    }
}

/* A checked filter in memory of its own; 0 or a negative errno, in the kernel's order of checks. */
static i64 read_filter(u64 guest_header, filter **made)
{
    program_header header;
    if (!dbt_guest_read(&header, guest_header, sizeof header)) {
        return -EFAULT;
    }
    if (header.length == 0 || header.length > BPF_MAXINSNS) {
        return -EINVAL;
    }
    if (!may_install()) {
        return -EACCES;
    }
    if (header.guest_program == 0) {
        return -EINVAL;
    }
    u64 size_bytes = filter_bytes(header.length);
    filter *read = (filter *)dbt_port_map(0, DBT_PAGE_UP(size_bytes), DBT_PORT_READ | DBT_PORT_WRITE);
    if (read == 0) {
        return -ENOMEM;
    }
    read->length = header.length;
    read->references = 1;
    i64 result = 0;
    if (!dbt_guest_read(read->program, header.guest_program,
                        header.length * sizeof(dbt_bpf_instruction))) {
        result = -EFAULT;
    } else if (!dbt_bpf_is_valid(read->program, read->length)) {
        result = -EINVAL;
    }
    if (result != 0) {
        release(read);
        return result;
    }
    learn_allowed(read);
    *made = read;
    return 0;
}

static bool is_part_of(const filter *old, const filter *chain)
{
    for (; chain != 0 && chain != old; chain = chain->previous) {
    }
    return chain == old;
}

/* The oldest thread of the process whose filters are not a part of the caller's; 0 when there is none. */
static u32 find_other_chain(const dbt_linux_thread *caller)
{
    u32 found = 0;
    for (const dbt_linux_thread *at = caller->process->space->threads; at != 0; at = at->next) {
        bool follows = at->seccomp_mode == SECCOMP_MODE_DISABLED ||
                       (at->seccomp_mode == SECCOMP_MODE_FILTER &&
                        is_part_of(at->filters, caller->filters));
        if (at->process == caller->process && at != caller && !follows) {
            found = at->tid; /* new threads come first in the list */
        }
    }
    return found;
}

static void synchronize(const dbt_linux_thread *caller)
{
    bool has_no_new_privs = dbt_host_call6(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1;
    for (dbt_linux_thread *at = caller->process->space->threads; at != 0; at = at->next) {
        if (at->process != caller->process || at == caller) {
            continue;
        }
        filter *old = at->filters;
        __atomic_store_n(&at->filters, share(caller->filters), __ATOMIC_RELEASE);
        release(old);
        at->wants_no_new_privs = at->wants_no_new_privs || has_no_new_privs;
        __atomic_store_n(&at->seccomp_mode, SECCOMP_MODE_FILTER, __ATOMIC_RELEASE);
    }
}

/* threads_lock is held. */
static i64 attach(dbt_linux_thread *thread, filter *made, u64 flags)
{
    if (thread->seccomp_mode == SECCOMP_MODE_STRICT) {
        return -EINVAL;
    }
    u32 older = thread->filters != 0 ? thread->filters->chain_instructions : 0;
    if (made->length + older > CHAIN_INSTRUCTIONS_MOST) {
        return -ENOMEM;
    }
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) {
        u32 other = find_other_chain(thread);
        if (other != 0) {
            return (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) != 0 ? -ESRCH : (i64)other;
        }
    }
    made->chain_instructions = made->length + FILTER_PENALTY + older;
    made->previous = thread->filters;
    for (u32 at = 0; made->previous != 0 && at < DBT_ARRAY_LENGTH(made->allowed); at++) {
        made->allowed[at] &= made->previous->allowed[at];
    }
    thread->filters = made;
    thread->seccomp_mode = SECCOMP_MODE_FILTER;
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) {
        synchronize(thread);
    }
    return 0;
}

static i64 set_filter(dbt_linux_thread *thread, u64 flags, u64 guest_header)
{
    bool has_listener = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
    filter *made;
    if ((flags & ~FLAGS_KNOWN) != 0 ||
        (!has_listener && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0)) {
        return -EINVAL;
    }
    if (has_listener) {
        if (guest_header != 0) {
            dbt_text_complain("notification of a seccomp supervisor is not supported", "");
        }
        return -EINVAL; /* as a kernel that does not know it */
    }
    i64 result = read_filter(guest_header, &made);
    if (result != 0) {
        return result;
    }
    u32 *lock = &thread->process->space->threads_lock;
    dbt_lock_take(lock);
    result = attach(thread, made, flags);
    dbt_lock_give(lock);
    if (result != 0) {
        release(made);
    }
    return result;
}

static i64 set_strict(dbt_linux_thread *thread)
{
    if (thread->seccomp_mode == SECCOMP_MODE_FILTER) {
        return -EINVAL;
    }
    (void)dbt_host_call6(__NR_prctl, PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0, 0);
    thread->seccomp_mode = SECCOMP_MODE_STRICT;
    return 0;
}

/* Notification is told to be missing, so that a program does without before it asks for a listener. */
static i64 get_action(u64 guest_action)
{
    u32 action;
    if (!dbt_guest_read(&action, guest_action, sizeof action)) {
        return -EFAULT;
    }
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

i64 dbt_seccomp_call(dbt_linux_thread *thread, u64 operation, u64 flags, u64 guest_argument)
{
    u64 call[6] = {operation, flags, guest_argument, 0, 0, 0};
    flags = (u32)flags;
    switch ((u32)operation) {
    case SECCOMP_SET_MODE_STRICT:
        return flags != 0 || guest_argument != 0 ? -EINVAL : set_strict(thread);
    case SECCOMP_SET_MODE_FILTER:
        return set_filter(thread, flags, guest_argument);
    case SECCOMP_GET_ACTION_AVAIL:
        return flags != 0 ? -EINVAL : get_action(guest_argument);
    case SECCOMP_GET_NOTIF_SIZES:
        return dbt_linux_pass(thread, __NR_seccomp, call);
    default:
        return -EINVAL;
    }
}

i64 dbt_seccomp_prctl(dbt_linux_thread *thread, u64 mode, u64 guest_filter)
{
    switch (mode) {
    case SECCOMP_MODE_STRICT:
        return set_strict(thread);
    case SECCOMP_MODE_FILTER:
        return set_filter(thread, 0, guest_filter);
    default:
        return -EINVAL;
    }
}

static dbt_linux_signal trap_signal(const dbt_linux_thread *thread, u64 number, u32 reason)
{
    dbt_linux_signal signal = {
        .info = {.number = DBT_SIGSYS, .error = (i32)reason, .code = SIGNAL_CODE_SECCOMP},
        .trap_number = thread->trap_number, /* frames go on repeating the last fault's */
        .error = thread->trap_error,
        .cr2 = thread->trap_cr2,
    };
    signal.info.address = thread->context->rip;
    signal.info.rest[0] = (u32)number | (u64)AUDIT_ARCH_X86_64 << 32;
    return signal;
}

_Noreturn static void kill_process(dbt_linux_thread *thread, u64 number, u32 reason)
{
    dbt_linux_signal signal = trap_signal(thread, number, reason);
    dbt_signals_die(thread, &signal.info);
}

/* Ends this thread as if it alone had died by a signal; the last one takes the process with it. */
_Noreturn static void kill_thread(dbt_linux_thread *thread, u64 number, u32 reason, u32 signal)
{
    dbt_linux_process *process = thread->process;
    if (__atomic_load_n(&process->thread_count, __ATOMIC_ACQUIRE) > 1) {
        dbt_thread_end(thread, signal);
    }
    if (signal == DBT_SIGSYS) {
        kill_process(thread, number, reason);
    }
    dbt_slab_end(process);
    for (;;) {
        (void)dbt_host_call2(__NR_kill, process->pid, signal);
    }
}

static bool judge(dbt_linux_thread *thread, u64 number, u32 answer, u64 *result)
{
    u32 reason = answer & SECCOMP_RET_DATA;
    dbt_linux_signal signal;
    switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return false;
    case SECCOMP_RET_ERRNO:
        *result = 0u - (u64)(reason < ERRNO_MOST ? reason : ERRNO_MOST);
        return true;
    case SECCOMP_RET_TRACE: /* without a tracer, and without a listener */
    case SECCOMP_RET_USER_NOTIF:
        *result = (u64)-ENOSYS;
        return true;
    case SECCOMP_RET_TRAP:
        signal = trap_signal(thread, number, reason);
        dbt_signals_force(thread, &signal);
        return true;
    case SECCOMP_RET_KILL_THREAD:
        kill_thread(thread, number, reason, DBT_SIGSYS);
    default:
        kill_process(thread, number, reason);
    }
}

static bool is_strictly_allowed(u64 number)
{
    return number == __NR_read || number == __NR_write || number == __NR_exit ||
           number == __NR_rt_sigreturn;
}

bool dbt_seccomp_stops(dbt_linux_thread *thread, u64 number, u64 *result)
{
    const u64 *registers = thread->context->registers;
    u32 strongest = SECCOMP_RET_ALLOW;
    if (thread->wants_no_new_privs) {
        thread->wants_no_new_privs = false;
        (void)dbt_host_call6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
    }
    if (thread->seccomp_mode == SECCOMP_MODE_STRICT) {
        if (!is_strictly_allowed(number)) {
            kill_thread(thread, number, 0, DBT_SIGKILL);
        }
        return false;
    }
    const filter *chain = __atomic_load_n(&thread->filters, __ATOMIC_ACQUIRE);
    if (number < NUMBERS && (chain->allowed[number / 64] >> (number & 63) & 1) != 0) {
        return false;
    }
    dbt_bpf_data data = {
        .nr = (i32)number,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = thread->context->rip,
        .args = {registers[DBT_RDI], registers[DBT_RSI], registers[DBT_RDX], registers[10],
                 registers[8], registers[9]},
    };
    for (; chain != 0; chain = chain->previous) {
        u32 answer = SECCOMP_RET_KILL_PROCESS;
        (void)dbt_bpf_run(chain->program, &data, sizeof data, &answer);
        if ((i32)(answer & SECCOMP_RET_ACTION_FULL) < (i32)(strongest & SECCOMP_RET_ACTION_FULL)) {
            strongest = answer;
        }
    }
    return judge(thread, number, strongest, result);
}

/* A memfd, or a pipe where files may not be written. Answers the end to read from, or a negative errno. */
static i64 open_store(u64 size_bytes, i32 *write_fd)
{
    i32 ends[2];
    if (dbt_limits_take_file(size_bytes)) {
        i64 made = dbt_host_call2(__NR_memfd_create, (u64) "filters", MFD_CLOEXEC);
        *write_fd = (i32)made;
        return made;
    }
    i64 result = dbt_host_call2(__NR_pipe2, (u64)ends, O_CLOEXEC);
    if (result < 0) {
        return result;
    }
    result = dbt_host_call3(__NR_fcntl, (u64)ends[1], F_SETPIPE_SZ, size_bytes);
    if (result < 0) {
        (void)dbt_host_call1(__NR_close, (u64)ends[0]);
        (void)dbt_host_call1(__NR_close, (u64)ends[1]);
        return result;
    }
    *write_fd = ends[1];
    return ends[0];
}

i64 dbt_seccomp_save(const dbt_linux_thread *thread, i32 *fd)
{
    i32 write_fd;
    u64 all_bytes = 0;
    i64 wrote = 0;
    *fd = -1;
    for (const filter *at = thread->filters; at != 0; at = at->previous) {
        all_bytes += filter_bytes(at->length);
    }
    if (all_bytes == 0) {
        return 0;
    }
    i64 store = open_store(all_bytes, &write_fd);
    if (store < 0) {
        return store;
    }
    for (const filter *at = thread->filters; at != 0 && wrote >= 0; at = at->previous) {
        wrote = dbt_host_call3(__NR_write, (u64)write_fd, (u64)at, filter_bytes(at->length));
        wrote = wrote >= 0 && wrote != (i64)filter_bytes(at->length) ? -ENOMEM : wrote;
    }
    if (write_fd != store) {
        (void)dbt_host_call1(__NR_close, (u64)write_fd);
    } else {
        (void)dbt_host_call3(__NR_lseek, (u64)store, 0, 0);
    }
    if (wrote < 0) {
        (void)dbt_host_call1(__NR_close, (u64)store);
        return wrote;
    }
    *fd = (i32)store;
    return 0;
}

/* Reads all there is; answers where it lies, or 0. */
static u64 read_store(i32 fd, u64 *size_bytes)
{
    u64 room_bytes = STORE_PIECE_BYTES;
    u64 host = dbt_port_map(0, room_bytes, DBT_PORT_READ | DBT_PORT_WRITE);
    *size_bytes = 0;
    while (host != 0) {
        i64 got = dbt_host_call3(__NR_read, (u64)fd, host + *size_bytes, room_bytes - *size_bytes);
        if (got <= 0) {
            return got == 0 ? host : 0;
        }
        *size_bytes += (u64)got;
        if (*size_bytes == room_bytes) {
            u64 larger = dbt_port_map(0, room_bytes * 2, DBT_PORT_READ | DBT_PORT_WRITE);
            if (larger != 0) {
                memcpy((void *)larger, (const void *)host, *size_bytes);
            }
            dbt_port_unmap(host, room_bytes);
            room_bytes *= 2;
            host = larger;
        }
    }
    return 0;
}

bool dbt_seccomp_load(dbt_linux_thread *thread, i32 fd)
{
    u64 size_bytes;
    u64 host = read_store(fd, &size_bytes);
    (void)dbt_host_call1(__NR_close, (u64)fd);
    if (host == 0) {
        return false;
    }
    filter **link = &thread->filters;
    for (u64 at = 0; at < size_bytes; at += filter_bytes((*link)->length), link = &(*link)->previous) {
        *link = (filter *)(host + at);
        (*link)->is_inherited = 1;
    }
    *link = 0;
    thread->seccomp_mode = SECCOMP_MODE_FILTER;
    return true;
}
