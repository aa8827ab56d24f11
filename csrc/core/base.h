/* Job: the vocabulary every C file shares: integer types, status codes, assertions, memory helpers.
 * State: none.
 * Invariant: freestanding. Nothing here needs libc, thread-local storage or a syscall; the four
 * functions GCC may call on its own (memcpy, memmove, memset, memcmp) are defined in base.c for the
 * VMM and come from libc in the extension. */
#ifndef DBT_CORE_BASE_H
#define DBT_CORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

/* What a function answers: 0, or one of these. What the guest does wrong is never a status but an
 * exit reason; a status is about the call itself. */
/* cdef begin */
typedef enum dbt_status {
    DBT_OK = 0,
    DBT_ERROR_INVALID = -1,     /* bytes that are no instruction: #UD */
    DBT_ERROR_TRUNCATED = -2,   /* the bytes end before the instruction does */
    DBT_ERROR_FULL = -3,        /* the room given does not suffice */
    DBT_ERROR_MEMORY = -4,      /* the port could not give memory */
    DBT_ERROR_NOT_MAPPED = -5,  /* no executable guest memory at that address */
    DBT_ERROR_ARGUMENT = -6,    /* the caller's argument is out of range */
    DBT_ERROR_UNSUPPORTED = -7, /* named by the caller in one clear line */
} dbt_status;
/* cdef end */

/* Ends the process with an internal-error report. The port supplies it: the VMM prints the last
 * translation units of the thread and dies by SIGABRT; the extension aborts. */
_Noreturn void dbt_fatal(const char *file, int line, const char *what);

/* Assertions are for our own bugs and stay on in every build. */
#define DBT_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            dbt_fatal(__FILE__, __LINE__, #condition);                                             \
        }                                                                                          \
    } while (0)

#define DBT_ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define DBT_PAGE_BYTES 4096ULL
#define DBT_PAGE_DOWN(address) ((address) & ~(DBT_PAGE_BYTES - 1))
#define DBT_PAGE_UP(address) (((address) + DBT_PAGE_BYTES - 1) & ~(DBT_PAGE_BYTES - 1))

/* Of the time-stamp counter. */
static inline uint64_t dbt_ticks(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);
int memcmp(const void *left, const void *right, size_t size_bytes);

#endif
