/* Job: short texts without libc: building lines, comparing, numbers.
 * State: none.
 * Invariant: a dbt_text is always terminated and never written past its capacity. */
#ifndef DBT_LINUX_TEXT_H
#define DBT_LINUX_TEXT_H

#include "core/base.h"

typedef struct dbt_text {
    char *bytes;
    u64 capacity_bytes;
    u64 length_bytes;
} dbt_text;

void dbt_text_begin(dbt_text *text, char *bytes, u64 capacity_bytes);
void dbt_text_add(dbt_text *text, const char *more);
void dbt_text_add_bytes(dbt_text *text, const char *more, u64 size_bytes);
void dbt_text_add_decimal(dbt_text *text, u64 value);
void dbt_text_add_hex(dbt_text *text, u64 value, u32 digits_least);
/* Writes the text to a file descriptor, whole or as far as the kernel takes it. */
void dbt_text_write(const dbt_text *text, i32 fd);

u64 dbt_text_length(const char *string);
bool dbt_text_equal(const char *left, const char *right);
bool dbt_text_starts(const char *string, const char *prefix);
/* Reads a decimal number that fills the string up to `end`; false when there is none. */
bool dbt_text_parse(const char *string, char end, u64 *value);
/* Reads hexadecimal digits, lower case, 0 when there is none; answers what follows them. */
const char *dbt_text_parse_hex(const char *at, u64 *value);

/* One line "dbt: <what><name>" on standard error. */
void dbt_text_complain(const char *what, const char *name);

#endif
