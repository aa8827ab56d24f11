/* Job: names and files below /proc through which a guest would see the VMM instead of itself.
 * State: none. */
#ifndef DBT_LINUX_PROC_FILES_H
#define DBT_LINUX_PROC_FILES_H

#include "linux/linux.h"

typedef enum dbt_proc_name {
    DBT_PROC_OTHER, /* not of interest; not below /proc */
    DBT_PROC_EXE,
    DBT_PROC_MAPS,
    DBT_PROC_STATUS,
    DBT_PROC_LIMITS,
    DBT_PROC_MEMORY,
    DBT_PROC_SESSION, /* a descriptor of the VMM's own, below fd or fdinfo */
} dbt_proc_name;

/* Whose file a name below /proc stands for; ids as that mount of /proc counts them. */
typedef struct dbt_proc_file {
    dbt_proc_name name;
    bool is_own; /* of the calling process, or of one of its threads */
    u32 pid;
    u32 tid;
} dbt_proc_file;

/* proc_names.c */
/* The program that a name for exe leads to; 0 when the VMM is not in the way. In files.c. */
const char *dbt_files_program(const dbt_linux_process *process, i32 directory_fd, u64 guest_path);
dbt_proc_file dbt_proc_classify(const dbt_linux_process *process, i32 directory_fd, u64 guest_path);
/* Whether the descriptor stands for the link itself (O_PATH with O_NOFOLLOW). */
bool dbt_proc_is_own_exe(const dbt_linux_process *process, i32 fd);
/* Whether the descriptor is a list of the process's own descriptors. */
bool dbt_proc_is_own_list(i32 fd);

/* proc_files.c: what the guest reads instead of the kernel's file that fd stands for; the memfd takes
 * over its number. Answers fd, or a negative errno with fd closed. */
i64 dbt_proc_replace_maps(const dbt_linux_process *process, i32 fd, u64 flags);
i64 dbt_proc_replace_limits(const dbt_linux_process *process, i32 fd, u64 flags);
i64 dbt_proc_replace_status(const dbt_linux_process *process, u32 tid, i32 fd, u64 flags);

/* files.c: whether a process or thread is another one of dbt's. */
bool dbt_files_is_translated(u32 tid);

/* descriptors.c */
/* Puts the session descriptor where the guest does not come; answers its number. */
i32 dbt_descriptors_place(i32 fd);
bool dbt_descriptors_is_own(const dbt_linux_process *process, i64 fd);
/* Whether one of the arguments in the mask is a descriptor of the VMM's own. */
bool dbt_descriptors_name_own(const dbt_linux_process *process, u32 mask, const u64 *arguments);
/* Calls after which /proc may not be found: a descriptor of it is kept. */
i64 dbt_descriptors_leave_root(dbt_linux_thread *thread, u64 number, const u64 *arguments);
/* Opens a file below /proc for reading, by the guest's way there or, where that is gone, the VMM's own. process
 * may be 0. */
i64 dbt_descriptors_open_proc(const dbt_linux_process *process, const char *path);
i64 dbt_descriptors_call(dbt_linux_thread *thread, u64 number, const u64 *arguments);

#endif
