/* Job: classic BPF as seccomp allows it: checking a program and running it.
 * State: none.
 * Invariant: a program that dbt_bpf_is_valid accepted ends, and reads and writes nothing outside itself,
 * its data and sixteen words of its own. */
#ifndef DBT_LINUX_BPF_H
#define DBT_LINUX_BPF_H

#include "core/base.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

typedef struct sock_filter dbt_bpf_instruction;
typedef struct seccomp_data dbt_bpf_data;

/* What the kernel's bpf_check_classic and seccomp_check_filter accept. */
bool dbt_bpf_is_valid(const dbt_bpf_instruction *program, u32 length);

/* Runs a valid program on the first known_bytes of its data. False: it reads more than is known, and
 * its answer may depend on that. */
bool dbt_bpf_run(const dbt_bpf_instruction *program, const dbt_bpf_data *data, u64 known_bytes,
                 u32 *answer);

#endif
