/* Job: the oracles' copy of guest memory, and the log of what a reference stored into it.
 * State: dbt_oracle.regions, writes, pages.
 * Invariant: a page is in pages exactly when its byte in written is set. */
#define _GNU_SOURCE
#include "ext/oracle_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PRESENT_OR_SWAPPED (3ULL << 62)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)
#define CHUNK_PAGES 256u
#define FILE_BYTES (1LL << 44)

static bool reserve(void **array, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count < *capacity) {
        return true;
    }
    const size_t wanted = *capacity ? *capacity * 2 : 64;
    void *fresh = realloc(*array, wanted * item_bytes);
    if (fresh == NULL) {
        return false;
    }
    *array = fresh;
    *capacity = wanted;
    return true;
}

static size_t lower_bound(const dbt_oracle *oracle, u64 guest_address)
{
    size_t low = 0;
    size_t high = oracle->region_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (oracle->regions[middle].guest_end <= guest_address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

dbt_mirror_region *dbt_mirror_find(dbt_oracle *oracle, u64 guest_address)
{
    if (oracle->region_last < oracle->region_count) {
        dbt_mirror_region *last = &oracle->regions[oracle->region_last];
        if (guest_address - last->guest_start < last->guest_end - last->guest_start) {
            return last;
        }
    }
    const size_t at = lower_bound(oracle, guest_address);
    if (at == oracle->region_count || oracle->regions[at].guest_start > guest_address) {
        return NULL;
    }
    oracle->region_last = at;
    return &oracle->regions[at];
}

u8 *dbt_mirror_at(dbt_oracle *oracle, u64 guest_address, u64 *left_bytes)
{
    const dbt_mirror_region *region = dbt_mirror_find(oracle, guest_address);
    if (region == NULL) {
        return NULL;
    }
    *left_bytes = region->guest_end - guest_address;
    return region->host + (guest_address - region->guest_start);
}

static int insert(dbt_oracle *oracle, const dbt_mirror_region *region)
{
    if (!reserve((void **)&oracle->regions, &oracle->region_capacity, oracle->region_count,
                 sizeof *region)) {
        return -ENOMEM;
    }
    const size_t at = lower_bound(oracle, region->guest_start);
    memmove(oracle->regions + at + 1, oracle->regions + at,
            (oracle->region_count - at) * sizeof *region);
    oracle->regions[at] = *region;
    oracle->region_count++;
    return 0;
}

static int map_file(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection, u64 file_at,
                    bool is_shared, bool is_lent)
{
    const u64 size_bytes = guest_end - guest_start;
    dbt_mirror_region region = {guest_start, guest_end, NULL, protection, NULL, file_at, is_shared, is_lent};
    void *host = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      oracle->file, (off_t)file_at);
    if (host == MAP_FAILED) {
        return -errno;
    }
    region.host = host;
    region.written = mmap(NULL, size_bytes / DBT_PAGE_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region.written == MAP_FAILED) {
        munmap(host, size_bytes);
        return -ENOMEM;
    }
    int status = insert(oracle, &region);
    return status != 0 ? status : oracle->kind->map(oracle, &region);
}

u32 dbt_mirror_protection(const dbt_mirror_region *region)
{
    return region->is_lent ? region->protection & ~(u32)PROT_WRITE : region->protection;
}

int dbt_oracle_open_file(dbt_oracle *oracle)
{
    oracle->file = memfd_create("dbt-oracle", MFD_CLOEXEC);
    return oracle->file >= 0 && ftruncate(oracle->file, FILE_BYTES) == 0 ? 0 : -errno;
}

int dbt_oracle_map(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection)
{
    const u64 file_at = oracle->file_used;
    oracle->file_used += guest_end - guest_start;
    return map_file(oracle, guest_start, guest_end, protection, file_at, false, false);
}

int dbt_oracle_map_again(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection,
                         u64 guest_of, int is_lent)
{
    while (guest_start < guest_end) {
        dbt_mirror_region *of = dbt_mirror_find(oracle, guest_of);
        if (of == NULL) {
            return -EINVAL;
        }
        const u64 left = of->guest_end - guest_of;
        const u64 part = left < guest_end - guest_start ? left : guest_end - guest_start;
        const u64 file_at = of->file_at + (guest_of - of->guest_start);
        of->is_shared = true;
        const int status =
            map_file(oracle, guest_start, guest_start + part, protection, file_at, true, is_lent != 0);
        if (status != 0) {
            return status;
        }
        guest_start += part;
        guest_of += part;
    }
    return 0;
}

/* Gives the file's memory back, unless another region shows it too. */
static void give_back(dbt_oracle *oracle, const dbt_mirror_region *gone)
{
    const u64 size_bytes = gone->guest_end - gone->guest_start;
    for (size_t at = 0; gone->is_shared && at < oracle->region_count; at++) {
        const dbt_mirror_region *region = &oracle->regions[at];
        if (region != gone && region->file_at < gone->file_at + size_bytes &&
            gone->file_at < region->file_at + (region->guest_end - region->guest_start)) {
            return;
        }
    }
    (void)fallocate(oracle->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)gone->file_at,
                    (off_t)size_bytes);
}

/* Cuts the regions at guest_address, so that one begins there. */
static int split(dbt_oracle *oracle, u64 guest_address)
{
    dbt_mirror_region *region = dbt_mirror_find(oracle, guest_address);
    if (region == NULL || region->guest_start == guest_address) {
        return 0;
    }
    const u64 offset = guest_address - region->guest_start;
    dbt_mirror_region upper = *region;
    upper.guest_start = guest_address;
    upper.host += offset;
    upper.written += offset / DBT_PAGE_BYTES;
    upper.file_at += offset;
    region->guest_end = guest_address;
    return insert(oracle, &upper);
}

static void drop_pages(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    size_t kept = 0;
    for (size_t at = 0; at < oracle->page_count; at++) {
        if (oracle->pages[at] < guest_start || oracle->pages[at] >= guest_end) {
            oracle->pages[kept++] = oracle->pages[at];
        }
    }
    oracle->page_count = kept;
}

int dbt_oracle_unmap(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    int status = split(oracle, guest_start);
    status = status != 0 ? status : split(oracle, guest_end);
    if (status != 0) {
        return status;
    }
    drop_pages(oracle, guest_start, guest_end);
    const size_t from = lower_bound(oracle, guest_start);
    size_t to = from;
    for (; to < oracle->region_count && oracle->regions[to].guest_start < guest_end; to++) {
        const dbt_mirror_region *region = &oracle->regions[to];
        const u64 size_bytes = region->guest_end - region->guest_start;
        status = oracle->kind->unmap(oracle, region->guest_start, region->guest_end);
        if (status != 0) {
            return status;
        }
        give_back(oracle, region);
        munmap(region->host, size_bytes); /* the bytes of written are shared with neighbours */
    }
    memmove(oracle->regions + from, oracle->regions + to,
            (oracle->region_count - to) * sizeof oracle->regions[0]);
    oracle->region_count -= to - from;
    return 0;
}

int dbt_oracle_protect(dbt_oracle *oracle, u64 guest_start, u64 guest_end, u32 protection)
{
    int status = split(oracle, guest_start);
    status = status != 0 ? status : split(oracle, guest_end);
    for (size_t at = lower_bound(oracle, guest_start);
         status == 0 && at < oracle->region_count && oracle->regions[at].guest_start < guest_end; at++) {
        oracle->regions[at].protection = protection;
        status = oracle->kind->protect(oracle, oracle->regions[at].guest_start,
                                       oracle->regions[at].guest_end,
                                       dbt_mirror_protection(&oracle->regions[at]));
    }
    return status;
}

/* Gives a page that is lent memory of its own, with the same contents. */
static int take_copy(dbt_oracle *oracle, u64 guest_page)
{
    const u64 guest_end = guest_page + DBT_PAGE_BYTES;
    const u64 file_at = oracle->file_used;
    int status = split(oracle, guest_page);
    status = status != 0 ? status : split(oracle, guest_end);
    dbt_mirror_region *region = dbt_mirror_find(oracle, guest_page);
    void *host = mmap(NULL, DBT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      oracle->file, (off_t)file_at);
    if (status != 0 || host == MAP_FAILED) {
        return status != 0 ? status : -errno;
    }
    oracle->file_used += DBT_PAGE_BYTES;
    memcpy(host, region->host, DBT_PAGE_BYTES);
    give_back(oracle, region);
    munmap(region->host, DBT_PAGE_BYTES);
    region->host = host;
    region->file_at = file_at;
    region->is_lent = region->is_shared = false;
    status = oracle->kind->unmap(oracle, guest_page, guest_end);
    return status != 0 ? status : oracle->kind->map(oracle, region);
}

bool dbt_mirror_take_copies(dbt_oracle *oracle, u64 guest_address, u64 size_bytes)
{
    bool is_any = false;
    for (u64 page = DBT_PAGE_DOWN(guest_address); page < guest_address + size_bytes;
         page += DBT_PAGE_BYTES) {
        const dbt_mirror_region *region = dbt_mirror_find(oracle, page);
        if (region != NULL && region->is_lent && region->protection & PROT_WRITE) {
            is_any = take_copy(oracle, page) == 0 || is_any;
        }
    }
    return is_any;
}

size_t dbt_mirror_read(dbt_oracle *oracle, u64 guest_address, void *to, size_t size_bytes)
{
    u8 *out = to;
    size_t count = 0;
    while (count < size_bytes) {
        u64 left;
        const u8 *host = dbt_mirror_at(oracle, guest_address + count, &left);
        if (host == NULL) {
            break;
        }
        const size_t part = left < size_bytes - count ? left : size_bytes - count;
        memcpy(out + count, host, part);
        count += part;
    }
    return count;
}

int dbt_oracle_read(dbt_oracle *oracle, u64 guest_address, void *to, size_t size_bytes)
{
    return dbt_mirror_read(oracle, guest_address, to, size_bytes) == size_bytes ? 0 : -EFAULT;
}

static void changed(dbt_oracle *oracle, u64 guest_start, u64 guest_end)
{
    if (oracle->kind->code_changed != NULL) {
        oracle->kind->code_changed(oracle, guest_start, guest_end);
    }
}

int dbt_oracle_write_memory(dbt_oracle *oracle, u64 guest_address, const void *from,
                            size_t size_bytes)
{
    const u8 *in = from;
    const u64 guest_start = guest_address;
    const u64 guest_end = guest_address + size_bytes;
    while (size_bytes > 0) {
        u64 left;
        u8 *host = dbt_mirror_at(oracle, guest_address, &left);
        if (host == NULL) {
            return -EFAULT;
        }
        const u64 part = left < size_bytes ? left : size_bytes;
        memcpy(host, in, part);
        in += part;
        guest_address += part;
        size_bytes -= part;
    }
    changed(oracle, guest_start, guest_end);
    return 0;
}

static i64 copy_in(dbt_oracle *oracle, int memory_fd, u64 guest_start, u64 guest_end)
{
    i64 total = 0;
    while (guest_start < guest_end) {
        u64 left;
        u8 *host = dbt_mirror_at(oracle, guest_start, &left);
        if (host == NULL) {
            guest_start = DBT_PAGE_DOWN(guest_start) + DBT_PAGE_BYTES;
            continue;
        }
        const u64 wanted = guest_end - guest_start < left ? guest_end - guest_start : left;
        const ssize_t got = pread(memory_fd, host, wanted, (off_t)guest_start);
        if (got > 0) {
            total += got;
            guest_start += (u64)got;
        } else {
            guest_start = DBT_PAGE_DOWN(guest_start) + DBT_PAGE_BYTES;
        }
    }
    return total;
}

static size_t read_pagemap(int pagemap_fd, u64 guest_start, u64 guest_end, u64 *entries)
{
    u64 pages = (guest_end - guest_start) / DBT_PAGE_BYTES;
    pages = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
    const ssize_t got = pread(pagemap_fd, entries, pages * 8,
                              (off_t)(guest_start / DBT_PAGE_BYTES * 8));
    return got > 0 ? (size_t)got / 8 : 0;
}

i64 dbt_oracle_load(dbt_oracle *oracle, int memory_fd, int pagemap_fd, u64 guest_start,
                    u64 guest_end)
{
    i64 total = 0;
    if (pagemap_fd < 0) {
        total = copy_in(oracle, memory_fd, guest_start, guest_end);
    }
    for (u64 at = guest_start; pagemap_fd >= 0 && at < guest_end;) {
        u64 entries[CHUNK_PAGES];
        const size_t count = read_pagemap(pagemap_fd, at, guest_end, entries);
        if (count == 0) {
            break;
        }
        for (size_t page = 0; page < count; page++, at += DBT_PAGE_BYTES) {
            if (entries[page] & PRESENT_OR_SWAPPED) {
                total += copy_in(oracle, memory_fd, at, at + DBT_PAGE_BYTES);
            }
        }
    }
    changed(oracle, guest_start, guest_end);
    return total;
}

static const dbt_mirror_region *next_lent(const dbt_oracle *oracle, u64 guest_address)
{
    for (size_t at = lower_bound(oracle, guest_address); at < oracle->region_count; at++) {
        if (oracle->regions[at].is_lent) {
            return &oracle->regions[at];
        }
    }
    return NULL;
}

int dbt_oracle_take_copies(dbt_oracle *oracle, int memory_fd, int pagemap_fd)
{
    const dbt_mirror_region *region;
    for (u64 page = 0; (region = next_lent(oracle, page)) != NULL;) {
        u64 entries[CHUNK_PAGES];
        page = page > region->guest_start ? page : region->guest_start;
        const size_t count = read_pagemap(pagemap_fd, page, region->guest_end, entries);
        if (count == 0) {
            return -EIO;
        }
        for (size_t at = 0; at < count; at++, page += DBT_PAGE_BYTES) {
            const bool is_copy = (entries[at] & PRESENT_OR_SWAPPED) != 0 &&
                                 (entries[at] & (OF_FILE | SWAPPED)) != OF_FILE;
            const int status = is_copy ? take_copy(oracle, page) : 0;
            if (status != 0) {
                return status;
            }
            if (is_copy) {
                (void)copy_in(oracle, memory_fd, page, page + DBT_PAGE_BYTES);
            }
        }
    }
    return 0;
}

static void note_page(dbt_oracle *oracle, u64 guest_address)
{
    dbt_mirror_region *region = dbt_mirror_find(oracle, guest_address);
    if (region == NULL) {
        return;
    }
    u8 *byte = &region->written[(guest_address - region->guest_start) / DBT_PAGE_BYTES];
    if (*byte == 0 && reserve((void **)&oracle->pages, &oracle->page_capacity, oracle->page_count,
                              sizeof oracle->pages[0])) {
        *byte = 1;
        oracle->pages[oracle->page_count++] = DBT_PAGE_DOWN(guest_address);
    }
}

void dbt_oracle_note_write(dbt_oracle *oracle, u64 guest_address, u32 size_bytes)
{
    while (size_bytes > 0) {
        const u32 part = size_bytes < 8 ? size_bytes : 8;
        note_page(oracle, guest_address);
        note_page(oracle, guest_address + part - 1);
        if (!reserve((void **)&oracle->writes, &oracle->write_capacity, oracle->write_count,
                     sizeof oracle->writes[0])) {
            return;
        }
        dbt_oracle_write *entry = &oracle->writes[oracle->write_count];
        entry->guest_address = guest_address;
        entry->size_bytes = part;
        entry->executed = oracle->executed;
        entry->before = 0;
        oracle->write_count += dbt_oracle_read(oracle, guest_address, &entry->before, part) == 0;
        guest_address += part;
        size_bytes -= part;
    }
}

size_t dbt_oracle_writes(const dbt_oracle *oracle, const dbt_oracle_write **out)
{
    *out = oracle->writes;
    return oracle->write_count;
}

void dbt_oracle_forget_writes(dbt_oracle *oracle)
{
    for (size_t at = 0; at < oracle->page_count; at++) {
        dbt_mirror_region *region = dbt_mirror_find(oracle, oracle->pages[at]);
        if (region != NULL) {
            region->written[(oracle->pages[at] - region->guest_start) / DBT_PAGE_BYTES] = 0;
        }
    }
    oracle->page_count = 0;
    oracle->write_count = 0;
}

/* Takes back the stores of the instructions from number executed on. */
int dbt_oracle_roll_back(dbt_oracle *oracle, u64 executed)
{
    while (oracle->write_count > 0) {
        const dbt_oracle_write *entry = &oracle->writes[oracle->write_count - 1];
        if (entry->executed < executed) {
            break;
        }
        const int status = dbt_oracle_write_memory(oracle, entry->guest_address, &entry->before,
                                                   entry->size_bytes);
        if (status != 0) {
            return status;
        }
        oracle->write_count--;
    }
    return 0;
}

/* First byte of a page that differs outside [dead_start, dead_end); 0: none. */
static bool differs(const u8 *left, const u8 *right, u64 guest_page, u64 guest_dead_start,
                    u64 guest_dead_end, u64 *guest_address)
{
    if (memcmp(left, right, DBT_PAGE_BYTES) == 0) {
        return false;
    }
    for (u64 at = 0; at < DBT_PAGE_BYTES; at++) {
        const u64 address = guest_page + at;
        if (left[at] != right[at] && (address < guest_dead_start || address >= guest_dead_end)) {
            *guest_address = address;
            return true;
        }
    }
    return false;
}

/* Compares one page of the mirror with a process's memory. A page that either lacks is no difference:
 * noted stores may lie where there is nothing, as on a stack that has not grown there. */
static bool page_differs(dbt_oracle *oracle, int memory_fd, u64 guest_page, u64 guest_dead_start,
                         u64 guest_dead_end, u64 *guest_address)
{
    u8 other[DBT_PAGE_BYTES];
    u64 left;
    const u8 *host = dbt_mirror_at(oracle, guest_page, &left);
    return host != NULL &&
           pread(memory_fd, other, sizeof other, (off_t)guest_page) == sizeof other &&
           differs(host, other, guest_page, guest_dead_start, guest_dead_end, guest_address);
}

i64 dbt_oracle_compare_written(dbt_oracle *oracle, int memory_fd, u64 guest_dead_start,
                               u64 guest_dead_end, u64 *guest_address)
{
    for (size_t at = 0; at < oracle->page_count; at++) {
        if (page_differs(oracle, memory_fd, oracle->pages[at], guest_dead_start, guest_dead_end,
                         guest_address)) {
            return 1;
        }
    }
    return 0;
}

i64 dbt_oracle_compare_range(dbt_oracle *oracle, int memory_fd, int pagemap_fd, u64 guest_start,
                             u64 guest_end, u64 guest_dead_start, u64 guest_dead_end,
                             u64 *guest_address)
{
    for (u64 page = guest_start; page < guest_end;) {
        u64 entries[CHUNK_PAGES];
        const size_t count = read_pagemap(pagemap_fd, page, guest_end, entries);
        if (count == 0) {
            return 0;
        }
        for (size_t at = 0; at < count; at++, page += DBT_PAGE_BYTES) {
            if (entries[at] & PRESENT_OR_SWAPPED &&
                page_differs(oracle, memory_fd, page, guest_dead_start, guest_dead_end,
                             guest_address)) {
                return 1;
            }
        }
    }
    return 0;
}
