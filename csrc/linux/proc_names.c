/* Job: recognises the few names below /proc that would show the VMM where the guest expects itself.
 * State: none.
 * Invariant: a name is judged by where it leads, however it is spelled: relative to a descriptor or to the
 * working directory, through another mount of /proc or through links on the way. Only a name whose last
 * part is one of a few words costs more than reading it. */
#include "linux/proc_files.h"

#include "linux/text.h"

#define PROC_MAGIC 0x9fa0
#define NAME_BYTES 64

static dbt_proc_name last_part(const dbt_linux_process *process, const char *part)
{
    u64 number;
    if (part[0] >= '0' && part[0] <= '9') {
        return dbt_text_parse(part, 0, &number) && dbt_descriptors_is_own(process, (i64)number)
                   ? DBT_PROC_SESSION
                   : DBT_PROC_OTHER;
    }
    return dbt_text_equal(part, "exe")      ? DBT_PROC_EXE
           : dbt_text_equal(part, "maps")   ? DBT_PROC_MAPS
           : dbt_text_equal(part, "status") ? DBT_PROC_STATUS
           : dbt_text_equal(part, "limits") ? DBT_PROC_LIMITS
           : dbt_text_equal(part, "mem")    ? DBT_PROC_MEMORY
                                            : DBT_PROC_OTHER;
}

/* Takes the last part off a path and answers it. */
static const char *cut(char *path)
{
    u64 end = dbt_text_length(path);
    while (end > 0 && path[end - 1] != '/') {
        end--;
    }
    if (end > 0) {
        path[end - 1] = 0;
    }
    return path + end;
}

static bool link_of(i32 fd, char *path, u64 capacity_bytes)
{
    char name[NAME_BYTES];
    dbt_text text;
    dbt_text_begin(&text, name, sizeof name);
    dbt_text_add(&text, "/proc/thread-self/fd/");
    dbt_text_add_decimal(&text, (u64)fd);
    i64 length = dbt_host_call3(__NR_readlink, (u64)name, (u64)path, capacity_bytes - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static bool is_proc(i32 fd)
{
    u64 status[16]; /* struct statfs: 120 bytes, f_type first */
    return dbt_host_call2(__NR_fstatfs, (u64)fd, (u64)status) == 0 && status[0] == PROC_MAGIC;
}

/* The process and thread that a directory of /proc belongs to: PID or PID/task/TID, and below it fd or
 * fdinfo if that is asked for. */
static bool identify(i32 directory_fd, bool lists_descriptors, dbt_proc_file *file)
{
    char path[DBT_PATH_BYTES];
    char own[NAME_BYTES];
    u64 number;
    if (!is_proc(directory_fd) || !link_of(directory_fd, path, sizeof path)) {
        return false;
    }
    const char *up = lists_descriptors ? "../../../../self" + 6 : "../../../self" + 6;
    const char *part = cut(path);
    if (lists_descriptors) {
        if (!dbt_text_equal(part, "fd") && !dbt_text_equal(part, "fdinfo")) {
            return false;
        }
        part = cut(path);
    }
    if (!dbt_text_parse(part, 0, &number)) {
        return false;
    }
    file->tid = (u32)number;
    part = cut(path);
    if (dbt_text_equal(part, "task")) {
        up -= 6;
        if (!dbt_text_parse(cut(path), 0, &number)) {
            return false;
        }
    }
    file->pid = (u32)number;
    /* Each mount of /proc knows by itself what number this process has there. */
    i64 length = dbt_host_call4(__NR_readlinkat, (u64)directory_fd, (u64)up, (u64)own, sizeof own - 1);
    own[length > 0 ? length : 0] = 0;
    file->is_own = dbt_text_parse(own, 0, &number) && number == file->pid;
    return true;
}

static dbt_proc_file classify(const dbt_linux_process *process, i32 directory_fd, char *path)
{
    dbt_proc_file file = {.name = DBT_PROC_OTHER};
    bool is_absolute = path[0] == '/';
    bool has_parent = false;
    for (const char *at = path; *at != 0; at++) {
        has_parent = has_parent || *at == '/';
    }
    dbt_proc_name name = last_part(process, cut(path));
    if (name == DBT_PROC_OTHER) {
        return file;
    }
    const char *parent = !has_parent ? "." : path[0] == 0 && is_absolute ? "/" : path;
    i64 fd = dbt_host_call4(__NR_openat, (u64)(i64)directory_fd, (u64)parent,
                            O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if ((fd == -EMFILE || fd == -ENFILE) && dbt_text_equal(parent, "/proc/self")) {
        /* No descriptor is left to look with: only the plainest spelling is known. */
        file = (dbt_proc_file){.name = name, .is_own = true, .pid = process->pid, .tid = process->pid};
    } else if (fd >= 0) {
        if (identify((i32)fd, name == DBT_PROC_SESSION, &file)) {
            file.name = name;
        }
        (void)dbt_host_call1(__NR_close, (u64)fd);
    }
    return file;
}

dbt_proc_file dbt_proc_classify(const dbt_linux_process *process, i32 directory_fd, u64 guest_path)
{
    char path[DBT_PATH_BYTES];
    return dbt_guest_read_string(path, guest_path, sizeof path) ? classify(process, directory_fd, path)
                                                                : (dbt_proc_file){.name = DBT_PROC_OTHER};
}

bool dbt_proc_is_own_exe(const dbt_linux_process *process, i32 fd)
{
    char path[DBT_PATH_BYTES];
    if (!is_proc(fd) || !link_of(fd, path, sizeof path)) {
        return false;
    }
    dbt_proc_file file = classify(process, AT_FDCWD, path);
    return file.name == DBT_PROC_EXE && file.is_own;
}

bool dbt_proc_is_own_list(i32 fd)
{
    dbt_proc_file file = {.name = DBT_PROC_OTHER};
    return is_proc(fd) && identify(fd, true, &file) && file.is_own;
}
