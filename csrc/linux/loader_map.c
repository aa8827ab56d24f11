/* Job: maps a program and its interpreter as the kernel's binfmt_elf does, but never executable.
 * State: fills the mapping table and the break of dbt_linux_space.
 * Invariant: segments are mapped only where nothing is mapped yet. */
#include "linux/elf_file.h"
#include "linux/linux.h"

#define NO_RANDOMIZE 0x0040000u
#define PERSONALITY_QUERY 0xffffffffu
#define DYNAMIC_BASE 0x555555554000ULL /* ELF_ET_DYN_BASE: two thirds of the user address space */
#define BASE_RANDOM_BITS 28
#define BRK_GAP_BYTES 0x2000000ULL
#define BRK_ROOM_BYTES 0x40000000ULL        /* kept free behind a program below 2 GB */
#define BRK_ROOM_HIGH_BYTES 0x1000000000ULL /* and behind one elsewhere */

static u64 random_bits(void)
{
    u64 value = 0;
    if ((dbt_host_call1(__NR_personality, PERSONALITY_QUERY) & NO_RANDOMIZE) == 0) {
        (void)dbt_host_call3(__NR_getrandom, (u64)&value, sizeof value, 0);
    }
    return value;
}

static u32 segment_protection(const Elf64_Phdr *segment)
{
    return ((segment->p_flags & PF_R) != 0 ? (u32)PROT_READ : 0u) |
           ((segment->p_flags & PF_W) != 0 ? (u32)PROT_WRITE : 0u) |
           ((segment->p_flags & PF_X) != 0 ? (u32)PROT_EXEC : 0u);
}

static i64 map_exactly(dbt_linux_space *space, u64 start, u64 end, u32 protection, i32 fd, u64 offset)
{
    u32 flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE | (fd < 0 ? (u32)MAP_ANONYMOUS : 0u);
    i64 result = dbt_host_mmap(start, end - start, dbt_map_host_protection(protection), flags, fd,
                               offset);
    if (result < 0) {
        return result;
    }
    if ((u64)result != start) {
        dbt_host_munmap((u64)result, end - start);
        return -EEXIST;
    }
    dbt_map_set(space, start, end, protection, 0);
    return 0;
}

/* One PT_LOAD: the file's pages, zeroes up to the last page's end, anonymous pages for the rest. */
static i64 map_segment(dbt_linux_space *space, i32 fd, const Elf64_Phdr *segment, u64 bias)
{
    u32 protection = segment_protection(segment);
    u64 start = bias + segment->p_vaddr;
    u64 file_end = start + segment->p_filesz;
    u64 end = DBT_PAGE_UP(start + segment->p_memsz);
    u64 anonymous_start = DBT_PAGE_DOWN(start);
    if (segment->p_filesz > 0) {
        u64 lead_bytes = start - DBT_PAGE_DOWN(start);
        i64 result = map_exactly(space, DBT_PAGE_DOWN(start), DBT_PAGE_UP(file_end), protection, fd,
                                 segment->p_offset - lead_bytes);
        if (result < 0) {
            return result;
        }
        anonymous_start = DBT_PAGE_UP(file_end);
        if (segment->p_memsz > segment->p_filesz && (protection & PROT_WRITE) != 0 &&
            !dbt_guest_clear(file_end, anonymous_start - file_end)) {
            return -EFAULT;
        }
    }
    if (end > anonymous_start) {
        u32 zero_protection = (u32)(PROT_READ | PROT_WRITE) | (protection & PROT_EXEC);
        return map_exactly(space, anonymous_start, end, zero_protection, -1, 0);
    }
    return 0;
}

typedef struct extent {
    u64 low;
    u64 high;
    u64 alignment;
} extent;

static extent file_extent(const dbt_elf_file *file)
{
    extent found = {~0ULL, 0, DBT_PAGE_BYTES};
    for (u32 at = 0; at < file->header_count; at++) {
        const Elf64_Phdr *segment = &file->headers[at];
        if (segment->p_type != PT_LOAD) {
            continue;
        }
        if (DBT_PAGE_DOWN(segment->p_vaddr) < found.low) {
            found.low = DBT_PAGE_DOWN(segment->p_vaddr);
        }
        if (DBT_PAGE_UP(segment->p_vaddr + segment->p_memsz) > found.high) {
            found.high = DBT_PAGE_UP(segment->p_vaddr + segment->p_memsz);
        }
        if (segment->p_align > found.alignment && (segment->p_align & (segment->p_align - 1)) == 0) {
            found.alignment = segment->p_align;
        }
    }
    return found;
}

/* A bias that puts the file where the kernel would put a mapping of its size. */
static i64 anywhere(const extent *wanted, u64 *bias)
{
    u64 size_bytes = wanted->high - wanted->low;
    u64 room_bytes = size_bytes + (wanted->alignment > DBT_PAGE_BYTES ? wanted->alignment : 0);
    i64 result = dbt_host_mmap(0, room_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                               -1, 0);
    if (result < 0) {
        return result;
    }
    dbt_host_munmap((u64)result, room_bytes);
    u64 base = ((u64)result + wanted->alignment - 1) & ~(wanted->alignment - 1);
    *bias = base - wanted->low;
    return 0;
}

static i64 map_file(dbt_linux_space *space, i32 fd, const dbt_elf_file *file, u64 bias)
{
    for (u32 at = 0; at < file->header_count; at++) {
        const Elf64_Phdr *segment = &file->headers[at];
        if (segment->p_type == PT_LOAD && segment->p_memsz > 0) {
            i64 result = map_segment(space, fd, segment, bias);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

static i64 map_interpreter(dbt_linux_space *space, const char *path, dbt_image *image)
{
    dbt_elf_file file;
    bool is_foreign;
    u64 bias = 0;
    i64 fd = dbt_elf_open(path);
    if (fd < 0) {
        return fd;
    }
    i64 result = dbt_elf_read((i32)fd, &file, &is_foreign);
    if (result == 0) {
        extent wanted = file_extent(&file);
        if (file.header.e_type == ET_DYN) {
            result = anywhere(&wanted, &bias);
        }
        if (result == 0) {
            result = map_file(space, (i32)fd, &file, bias);
        }
        image->guest_base = bias + wanted.low;
        image->guest_entry = bias + file.header.e_entry;
    }
    dbt_host_call1(__NR_close, (u64)fd);
    return result;
}

/* Where the code and data of the program lie, and its headers, for auxv and /proc. */
static void describe(const dbt_elf_file *file, u64 bias, dbt_image *image)
{
    image->guest_code_start = ~0ULL;
    for (u32 at = 0; at < file->header_count; at++) {
        const Elf64_Phdr *segment = &file->headers[at];
        u64 start = bias + segment->p_vaddr;
        if (segment->p_type == PT_GNU_STACK) {
            image->stack_is_executable = (segment->p_flags & PF_X) != 0;
        }
        if (segment->p_type != PT_LOAD) {
            continue;
        }
        u64 headers_at = file->header.e_phoff;
        if (headers_at >= segment->p_offset && headers_at < segment->p_offset + segment->p_filesz) {
            image->guest_headers = start + headers_at - segment->p_offset;
        }
        if ((segment->p_flags & PF_X) != 0 && start < image->guest_code_start) {
            image->guest_code_start = start;
        }
        if ((segment->p_flags & PF_X) != 0 && start + segment->p_filesz > image->guest_code_end) {
            image->guest_code_end = start + segment->p_filesz;
        }
        if (start > image->guest_data_start) {
            image->guest_data_start = start;
            image->guest_data_end = start + segment->p_filesz;
        }
    }
    image->header_count = file->header_count;
    image->guest_program_entry = bias + file->header.e_entry;
    image->guest_entry = image->guest_program_entry;
    image->has_interpreter = file->has_interpreter;
}

static void place_brk(dbt_linux_space *space, const dbt_elf_file *file, const dbt_image *image)
{
    u64 start = image->guest_high;
    if (file->header.e_type == ET_DYN && !file->has_interpreter) {
        start = DYNAMIC_BASE;
    }
    start += DBT_PAGE_DOWN(random_bits() % BRK_GAP_BYTES);
    space->guest_brk_start = start;
    space->guest_brk = start;
    space->guest_brk_limit = start + (start < 0x80000000ULL ? BRK_ROOM_BYTES : BRK_ROOM_HIGH_BYTES);
}

i64 dbt_loader_map(dbt_linux_space *space, i32 fd, dbt_image *image)
{
    dbt_elf_file file;
    bool is_foreign;
    u64 bias = 0;
    i64 result = dbt_elf_read(fd, &file, &is_foreign);
    if (result < 0) {
        return result;
    }
    extent wanted = file_extent(&file);
    if (wanted.low > wanted.high) {
        return -ENOEXEC;
    }
    if (file.header.e_type == ET_DYN && file.has_interpreter) {
        u64 gap_bytes = (random_bits() & ((1ULL << BASE_RANDOM_BITS) - 1)) * DBT_PAGE_BYTES;
        bias = ((DYNAMIC_BASE + gap_bytes) & ~(wanted.alignment - 1)) - wanted.low;
    } else if (file.header.e_type == ET_DYN) {
        result = anywhere(&wanted, &bias);
    }
    if (result == 0) {
        result = map_file(space, fd, &file, bias);
    }
    if (result < 0) {
        return result;
    }
    image->guest_low = bias + wanted.low;
    image->guest_high = bias + wanted.high;
    describe(&file, bias, image);
    place_brk(space, &file, image);
    return file.has_interpreter ? map_interpreter(space, file.interpreter, image) : 0;
}
