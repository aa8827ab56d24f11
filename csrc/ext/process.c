/* Job: what Python's own functions do not offer: execve with a raw environment block (theirs takes a
 * mapping, which cannot hold every block), and a mapping of a file that keeps no second descriptor.
 * State: none.
 * Invariant: nothing is changed when a call fails. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ext/ext.h"

int dbt_ext_execve(const char *path, char *const argv[], char *const envp[])
{
    execve(path, argv, envp);
    return -errno;
}

void *dbt_ext_map(int fd, size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void dbt_ext_unmap(void *memory, size_t size_bytes)
{
    munmap(memory, size_bytes);
}
