/* Job: what loader_open.c learns about an ELF file and loader_map.c maps: headers, read and checked.
 * State: none.
 * Invariant: headers[] holds header_count program headers, exactly as the file has them. */
#ifndef DBT_LINUX_ELF_FILE_H
#define DBT_LINUX_ELF_FILE_H

#include "core/base.h"
#include "linux/host.h"

#define DBT_ELF_HEADERS_MOST 128

typedef struct dbt_elf_file {
    Elf64_Ehdr header;
    Elf64_Phdr headers[DBT_ELF_HEADERS_MOST];
    u32 header_count;
    bool has_interpreter;
    char interpreter[4096];
} dbt_elf_file;

/* Reads and checks headers. 0; -ENOEXEC: no program of this machine, is_foreign says whether an ELF
 * file all the same. */
i64 dbt_elf_read(i32 fd, dbt_elf_file *file, bool *is_foreign);

/* Opens a file to be executed: a regular file the caller may execute. A descriptor or -errno. */
i64 dbt_elf_open(const char *path);

#endif
