/* Job: short texts without libc. State: none. Invariant: see text.h. */
#include "linux/text.h"

#include "linux/host.h"

void dbt_text_begin(dbt_text *text, char *bytes, u64 capacity_bytes)
{
    text->bytes = bytes;
    text->capacity_bytes = capacity_bytes;
    text->length_bytes = 0;
    bytes[0] = 0;
}

void dbt_text_add_bytes(dbt_text *text, const char *more, u64 size_bytes)
{
    u64 room_bytes = text->capacity_bytes - 1 - text->length_bytes;
    if (size_bytes > room_bytes) {
        size_bytes = room_bytes;
    }
    memcpy(text->bytes + text->length_bytes, more, size_bytes);
    text->length_bytes += size_bytes;
    text->bytes[text->length_bytes] = 0;
}

void dbt_text_add(dbt_text *text, const char *more)
{
    dbt_text_add_bytes(text, more, dbt_text_length(more));
}

void dbt_text_add_decimal(dbt_text *text, u64 value)
{
    char digits[20];
    u64 at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    dbt_text_add_bytes(text, digits + at, sizeof digits - at);
}

void dbt_text_add_hex(dbt_text *text, u64 value, u32 digits_least)
{
    char digits[16];
    u64 at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (at > 0 && (value != 0 || sizeof digits - at < digits_least));
    dbt_text_add_bytes(text, digits + at, sizeof digits - at);
}

void dbt_text_write(const dbt_text *text, i32 fd)
{
    u64 done_bytes = 0;
    while (done_bytes < text->length_bytes) {
        i64 wrote = dbt_host_call3(__NR_write, (u64)fd, (u64)(text->bytes + done_bytes),
                                   text->length_bytes - done_bytes);
        if (wrote == -EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return;
        }
        done_bytes += (u64)wrote;
    }
}

u64 dbt_text_length(const char *string)
{
    u64 length = 0;
    while (string[length] != 0) {
        length++;
    }
    return length;
}

bool dbt_text_equal(const char *left, const char *right)
{
    while (*left != 0 && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

bool dbt_text_starts(const char *string, const char *prefix)
{
    while (*prefix != 0 && *string == *prefix) {
        string++;
        prefix++;
    }
    return *prefix == 0;
}

bool dbt_text_parse(const char *string, char end, u64 *value)
{
    u64 result = 0;
    u32 digits = 0;
    while (*string >= '0' && *string <= '9' && digits < 20) {
        result = result * 10 + (u64)(*string - '0');
        string++;
        digits++;
    }
    *value = result;
    return digits > 0 && *string == end;
}

void dbt_text_complain(const char *what, const char *name)
{
    char bytes[4608];
    dbt_text text;
    dbt_text_begin(&text, bytes, sizeof bytes);
    dbt_text_add(&text, "dbt: ");
    dbt_text_add(&text, what);
    dbt_text_add(&text, name);
    dbt_text_add(&text, "\n");
    dbt_text_write(&text, 2);
}

const char *dbt_text_parse_hex(const char *at, u64 *value)
{
    u64 result = 0;
    for (;; at++) {
        char c = *at;
        if (c >= '0' && c <= '9') {
            result = result * 16 + (u64)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            result = result * 16 + (u64)(c - 'a' + 10);
        } else {
            break;
        }
    }
    *value = result;
    return at;
}
