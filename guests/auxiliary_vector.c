/* Tests: the initial stack: argc, argv, environment and auxiliary vector as the kernel lays them out.
 * Expected: status 0, prints the AT_ types with the values that do not depend on the layout, and
 * relations for the others. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;
extern char _start[];

int main(int argc, char **argv)
{
    unsigned long *stack = (unsigned long *)argv - 1;
    char **end = environ;
    printf("argc %lu %d\n", *stack, argv + argc + 1 == environ);
    while (*end)
        end++;
    Elf64_auxv_t *vector = (Elf64_auxv_t *)(end + 1);
    for (; vector->a_type != AT_NULL; vector++) {
        unsigned long value = vector->a_un.a_val;
        if (vector->a_type == 27 || vector->a_type == 28)
            continue; /* rseq's sizes go when rseq itself is refused */
        printf("%lu ", vector->a_type);
        switch (vector->a_type) {
        case AT_HWCAP: case AT_HWCAP2: case AT_PAGESZ: case AT_CLKTCK: case AT_PHENT: case AT_PHNUM:
        case AT_FLAGS: case AT_UID: case AT_EUID: case AT_GID: case AT_EGID: case AT_SECURE:
        case AT_MINSIGSTKSZ:
            printf("%lx\n", value);
            break;
        case AT_ENTRY: printf("%d\n", value == (unsigned long)_start); break;
        case AT_PHDR: printf("%d\n", ((Elf64_Phdr *)value)->p_type <= PT_PHDR); break;
        case AT_BASE: printf("%d\n", value == 0 || !memcmp((void *)value, "\177ELF", 4)); break;
        case AT_SYSINFO_EHDR: printf("%d\n", !memcmp((void *)value, "\177ELF", 4)); break;
        case AT_PLATFORM: printf("%s\n", (char *)value); break;
        case AT_EXECFN: printf("%d %d\n", !strcmp((char *)value, argv[0]), value > (unsigned long)vector); break;
        case AT_RANDOM: printf("%d\n", value > (unsigned long)vector); break;
        default: printf("?\n");
        }
    }
    printf("aligned %lu strings %d\n", (unsigned long)stack % 16, argv[0] > (char *)vector && argv[0] < environ[0]);
    char *last = environ[0];
    for (char **at = environ; *at; at++)
        last = *at;
    printf("file name after environment %d\n", (char *)getauxval(AT_EXECFN) == last + strlen(last) + 1);
    return 0;
}
