/* Job: system calls with a name, where the name may stand for a file of /proc that would show the VMM.
 * State: none of its own.
 * Invariant: /proc/self/exe, maps, status and limits speak of the guest; exe of another process of the session
 * speaks of that guest; the session descriptor has no name. */
#include "linux/linux.h"
#include "linux/proc_files.h"
#include "linux/text.h"

#define REPLACED_MOST_BYTES 0x1000000u

static i64 read_own_link(const dbt_linux_process *process, const char *target, u64 guest_buffer,
                         u64 size_bytes)
{
    u64 length = dbt_text_length(target);
    if ((i32)size_bytes <= 0) {
        return -EINVAL;
    }
    length = length < (u32)size_bytes ? length : (u32)size_bytes;
    return dbt_guest_write(process->space, guest_buffer, target, length) ? (i64)length : -EFAULT;
}

/* The program that another process of this session runs; 0 when it is none, or not known. */
static const char *program_of(const dbt_linux_process *process, u32 pid)
{
    dbt_session *session = process->session;
    u32 count = __atomic_load_n(&session->slabs_claimed, __ATOMIC_RELAXED);
    for (u32 at = count < DBT_SESSION_SLABS ? count : DBT_SESSION_SLABS; at > 0; at--) {
        const dbt_slab *slab = &session->slabs[at - 1];
        if (slab->pid == pid && slab->state == DBT_SLAB_RUNNING) {
            return slab->path[0] != 0 ? slab->path : 0;
        }
    }
    return 0;
}

/* Whether the link leads to the VMM. */
static bool is_vmm(i32 directory_fd, const char *host_link)
{
    dbt_host_stat there;
    dbt_host_stat here;
    return dbt_host_call4(__NR_newfstatat, (u64)(i64)directory_fd, (u64)host_link, (u64)&there, 0) == 0 &&
           dbt_host_call2(__NR_stat, (u64) "/proc/self/exe", (u64)&here) == 0 &&
           there.device == here.device && there.inode == here.inode;
}

/* The parent of the process that a link "exe" of /proc belongs to, by the same /proc; 0 when it is not told. */
static u32 parent_of(i32 directory_fd, char *host_link)
{
    static const char name[] = "stat"; /* PID (NAME) STATE PARENT ... (proc(5)); NAME may have anything in it */
    char line[512] = {0};
    u64 parent;
    u64 length = dbt_text_length(host_link);
    if (length < 3 || length + 2 > DBT_PATH_BYTES || !dbt_text_equal(host_link + length - 3, "exe")) {
        return 0;
    }
    memcpy(host_link + length - 3, name, sizeof name);
    i64 fd = dbt_host_call4(__NR_openat, (u64)(i64)directory_fd, (u64)host_link, O_RDONLY | O_CLOEXEC, 0);
    i64 size_bytes = fd >= 0 ? dbt_host_call3(__NR_read, (u64)fd, (u64)line, sizeof line - 1) : -1;
    if (fd >= 0) {
        (void)dbt_host_call1(__NR_close, (u64)fd);
    }
    while (size_bytes > 0 && line[size_bytes - 1] != ')') {
        size_bytes--;
    }
    const char *state = line + size_bytes + 1;
    return size_bytes > 0 && dbt_text_parse(state + 2, ' ', &parent) ? (u32)parent : 0;
}

/* A child that has not run yet is known by nobody: it is what its parent is. */
static const char *program_of_child(const dbt_linux_process *process, i32 directory_fd, char *host_link)
{
    u32 parent = parent_of(directory_fd, host_link);
    if (parent == 0) {
        return 0;
    }
    return parent == process->pid ? process->guest_path : program_of(process, parent);
}

bool dbt_files_is_translated(u32 tid)
{
    char path[32];
    dbt_text text;
    dbt_text_begin(&text, path, sizeof path);
    dbt_text_add(&text, "/proc/");
    dbt_text_add_decimal(&text, tid);
    dbt_text_add(&text, "/exe");
    return is_vmm(AT_FDCWD, path);
}

/* Where exe leads to; 0: it is not the VMM's doing. */
static const char *target_of(const dbt_linux_process *process, const dbt_proc_file *file,
                             i32 directory_fd, u64 guest_path)
{
    char path[DBT_PATH_BYTES];
    if (file->is_own) {
        return process->guest_path;
    }
    if (!dbt_guest_read_string(path, guest_path, sizeof path) || !is_vmm(directory_fd, path)) {
        return 0;
    }
    const char *program = program_of(process, file->pid);
    return program != 0 ? program : program_of_child(process, directory_fd, path);
}

const char *dbt_files_program(const dbt_linux_process *process, i32 directory_fd, u64 guest_path)
{
    dbt_proc_file file = dbt_proc_classify(process, directory_fd, guest_path);
    return file.name == DBT_PROC_EXE ? target_of(process, &file, directory_fd, guest_path) : 0;
}

/* A call with a name, as far as the cases differ. */
typedef struct named_call {
    u64 number;
    u64 *arguments;
    u32 path_at;
    i32 directory_fd;
    bool is_open;
    bool stays_link; /* a link at the end is not followed */
    u64 flags;       /* of an open */
} named_call;

static named_call describe(u64 number, u64 *arguments)
{
    named_call call = {.number = number, .arguments = arguments, .directory_fd = AT_FDCWD};
    u64 how[3] = {0, 0, 0}; /* struct open_how */
    switch (number) {
    case __NR_open:
    case __NR_stat:
    case __NR_lstat:
    case __NR_access:
    case __NR_readlink:
        break;
    default:
        call.path_at = 1;
        call.directory_fd = (i32)arguments[0];
        break;
    }
    call.is_open = number == __NR_open || number == __NR_openat;
    if (number == __NR_openat2 && arguments[3] >= sizeof how) {
        /* What restricts the way to the file is the kernel's to judge. */
        call.is_open = dbt_guest_read(how, arguments[2], sizeof how) && how[2] == 0;
        call.flags = how[0];
    } else if (call.is_open) {
        call.flags = arguments[call.path_at + 1];
    }
    call.stays_link = number == __NR_lstat ||
                      (number == __NR_newfstatat && (arguments[3] & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (number == __NR_faccessat2 && (arguments[3] & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (number == __NR_statx && (arguments[2] & AT_SYMLINK_NOFOLLOW) != 0) ||
                      (call.is_open && (call.flags & O_NOFOLLOW) != 0);
    return call;
}

static i64 open_replaced(dbt_linux_thread *thread, const named_call *call, const dbt_proc_file *file)
{
    dbt_linux_process *process = thread->process;
    i64 fd = dbt_linux_pass(thread, call->number, call->arguments);
    if (fd >= 0 && file->name == DBT_PROC_MEMORY) {
        process->space->has_memory_file = true; /* of any process: foreign_memory.c */
    }
    if (fd < 0 || !file->is_own || (call->flags & O_PATH) != 0 ||
        !dbt_limits_take_file(REPLACED_MOST_BYTES)) {
        return fd;
    }
    switch (file->name) {
    case DBT_PROC_MAPS:
        return dbt_proc_replace_maps(process, (i32)fd, call->flags);
    case DBT_PROC_LIMITS:
        return dbt_proc_replace_limits(process, (i32)fd, call->flags);
    case DBT_PROC_STATUS:
        return dbt_proc_replace_status(process, file->tid, (i32)fd, call->flags);
    case DBT_PROC_OTHER:
    case DBT_PROC_EXE:
    case DBT_PROC_MEMORY:
    case DBT_PROC_SESSION:
    default:
        return fd;
    }
}

i64 dbt_files_call(dbt_linux_thread *thread, u64 number, u64 *arguments)
{
    const dbt_linux_process *process = thread->process;
    named_call call = describe(number, arguments);
    dbt_proc_file file = dbt_proc_classify(process, call.directory_fd, arguments[call.path_at]);
    const char *target;
    u8 first = '/';
    if (call.path_at == 1) {
        (void)dbt_guest_read(&first, arguments[1], 1);
    }
    if (first != '/' && dbt_descriptors_is_own(process, call.directory_fd)) {
        return -EBADF;
    }
    if (number == __NR_readlinkat && first == 0 && dbt_proc_is_own_exe(process, call.directory_fd)) {
        return read_own_link(process, process->guest_path, arguments[2], arguments[3]);
    }
    switch (file.name) {
    case DBT_PROC_EXE:
        target = target_of(process, &file, call.directory_fd, arguments[call.path_at]);
        if (target == 0 || call.stays_link) {
            break;
        }
        if (number == __NR_readlink || number == __NR_readlinkat) {
            return read_own_link(process, target, arguments[call.path_at + 1],
                                 arguments[call.path_at + 2]);
        }
        arguments[call.path_at] = (u64)target;
        break;
    case DBT_PROC_SESSION:
        return file.is_own ? -ENOENT : dbt_linux_pass(thread, number, arguments);
    case DBT_PROC_MAPS:
    case DBT_PROC_STATUS:
    case DBT_PROC_LIMITS:
    case DBT_PROC_MEMORY:
        return call.is_open ? open_replaced(thread, &call, &file)
                            : dbt_linux_pass(thread, number, arguments);
    case DBT_PROC_OTHER:
    default:
        break;
    }
    return dbt_linux_pass(thread, number, arguments);
}
