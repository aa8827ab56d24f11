/* Job: what the cffi extension offers beside the core itself: replacing the process with the VMM, and
 * the controller's end of the Machine mailbox.
 * State: none of its own; the session memory belongs to the caller.
 * Invariant: csrc/ext is the only place that uses libc. Errors are answered as negative errno. */
#ifndef DBT_EXT_EXT_H
#define DBT_EXT_EXT_H

#include "core/base.h"
#include "core/decode.h"
#include "core/session.h"

/* cdef begin */
dbt_status dbt_instruction_decode(const u8 *code, size_t available_bytes, u64 guest_pc,
                                  dbt_mode mode, dbt_instruction *out);
void dbt_instruction_effects(const dbt_instruction *instruction, dbt_effects *out);

int dbt_ext_execve(const char *path, char *const argv[], char *const envp[]);
void *dbt_ext_map(int fd, size_t size_bytes);
void dbt_ext_unmap(void *memory, size_t size_bytes);
void dbt_ext_mailbox_post(dbt_mailbox *mailbox);
int dbt_ext_mailbox_wait(dbt_mailbox *mailbox, int vmm_pid, int64_t timeout_ns);
/* cdef end */

/* dbt_ext_execve: execve(2) with the environment block exactly as given, entries without '=' and
 * doubled names included. Returns only on failure, with -errno.
 *
 * dbt_ext_map: maps a file, shared, to read and write; NULL when the kernel refuses.
 *
 * dbt_ext_mailbox_post: publishes the request that stands in the mailbox and wakes the VMM.
 *
 * dbt_ext_mailbox_wait: waits until the VMM has answered the request posted last. vmm_pid is a child
 * of this process; timeout_ns below 0 means no limit. 0: answered; -ESRCH: the VMM has ended without
 * an answer (it is left to be reaped); -EINTR: a signal came, call again; -ETIMEDOUT. */

/* The same for any word that the VMM changes and wakes: waits until it is value, or no longer is. */
int dbt_ext_wait_word(const u32 *word, u32 value, bool until_equal, int vmm_pid, int64_t timeout_ns);

#endif
