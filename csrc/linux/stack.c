/* Job: the guest's initial stack. The kernel has already built one for the VMM's own start, with the
 * guest's arguments and environment as its strings: it stays the guest's stack (growth, limit and
 * /proc stay the kernel's), and only what lies below the strings is written anew.
 * State: none.
 * Invariant: the result is what execve gives a program: argc, argv, envp, auxv, from rsp upwards. */
#include "core/port.h"
#include "linux/linux.h"
#include "linux/text.h"

#define AUX_NULL 0
#define AUX_PHDR 3
#define AUX_PHENT 4
#define AUX_PHNUM 5
#define AUX_BASE 7
#define AUX_ENTRY 9
#define AUX_PLATFORM 15
#define AUX_RANDOM 25
#define AUX_RSEQ_BYTES 27
#define AUX_RSEQ_ALIGNMENT 28
#define AUX_EXECFN 31
#define AUX_BASE_PLATFORM 24
#define OWN_ARGUMENTS 3 /* dbt-vmm, session, program */
#define RANDOM_BYTES 16

/* struct prctl_mm_map */
typedef struct mm_map {
    u64 code_start, code_end, data_start, data_end, brk_start, brk, stack_start;
    u64 arguments_start, arguments_end, environment_start, environment_end;
    u64 auxv;
    u32 auxv_bytes;
    u32 exe_fd;
} mm_map;

/* Everything the old stack's lower part held, copied before it is overwritten. */
typedef struct saved {
    u8 random[RANDOM_BYTES];
    char platform[64];
    char program[DBT_PATH_BYTES];
    char front[DBT_SCRIPT_DEPTH * 3 * DBT_SCRIPT_LINE_BYTES + DBT_PATH_BYTES];
    u64 front_bytes;
    u64 front_at[3 * DBT_SCRIPT_DEPTH];
    u64 words[]; /* the new block: argc, argv, envp, auxv */
} saved;

static u64 push_bytes(u64 *guest_at, const void *bytes, u64 size_bytes)
{
    *guest_at -= size_bytes;
    memcpy((void *)*guest_at, bytes, size_bytes);
    return *guest_at;
}

static u64 count_pointers(char *const *list)
{
    u64 count = 0;
    while (list[count] != 0) {
        count++;
    }
    return count;
}

static u64 count_auxv(const u64 *auxv)
{
    u64 count = 1;
    while (auxv[2 * (count - 1)] != AUX_NULL) {
        count++;
    }
    return count;
}

static void save(saved *kept, const dbt_start *start, const dbt_image *image)
{
    for (const u64 *entry = start->auxv; entry[0] != AUX_NULL; entry += 2) {
        if (entry[0] == AUX_RANDOM) {
            memcpy(kept->random, (const void *)entry[1], RANDOM_BYTES);
        } else if (entry[0] == AUX_PLATFORM) {
            dbt_text text;
            dbt_text_begin(&text, kept->platform, sizeof kept->platform);
            dbt_text_add(&text, (const char *)entry[1]);
        }
    }
    dbt_text text;
    dbt_text_begin(&text, kept->program, sizeof kept->program);
    dbt_text_add(&text, start->argv[2]);
    for (u32 at = 0; at < image->prefix_count; at++) {
        u64 size_bytes = dbt_text_length(image->prefix[at]) + 1;
        DBT_ASSERT(kept->front_bytes + size_bytes <= sizeof kept->front);
        kept->front_at[at] = kept->front_bytes;
        memcpy(kept->front + kept->front_bytes, image->prefix[at], size_bytes);
        kept->front_bytes += size_bytes;
    }
}

static u64 replace_aux(u64 type, u64 value, const dbt_image *image, u64 guest_random,
                       u64 guest_platform, u64 guest_program)
{
    switch (type) {
    case AUX_PHDR:
        return image->guest_headers;
    case AUX_PHENT:
        return sizeof(Elf64_Phdr);
    case AUX_PHNUM:
        return image->header_count;
    case AUX_BASE:
        return image->guest_base;
    case AUX_ENTRY:
        return image->guest_program_entry;
    case AUX_RANDOM:
        return guest_random;
    case AUX_PLATFORM:
        return guest_platform;
    case AUX_EXECFN:
        return guest_program;
    default:
        return value;
    }
}

/* /proc/PID/cmdline, environ, auxv and stat as if the kernel had started the guest. Best effort: a
 * kernel without CONFIG_CHECKPOINT_RESTORE refuses, and the guest runs all the same. */
static void tell_kernel(const dbt_linux_space *space, const dbt_image *image, mm_map *map)
{
    map->code_start = image->guest_code_start;
    map->code_end = image->guest_code_end;
    map->data_start = image->guest_data_start;
    map->data_end = image->guest_data_end;
    map->brk_start = space->guest_brk_start;
    map->brk = space->guest_brk;
    map->exe_fd = ~0u;
    (void)dbt_host_call6(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (u64)map, sizeof *map, 0, 0);
}

u64 dbt_stack_build(dbt_linux_process *process, const dbt_start *start, const dbt_image *image)
{
    u64 dropped = OWN_ARGUMENTS + (image->prefix_count > 0 && start->argc > OWN_ARGUMENTS ? 1u : 0u);
    u64 kept_count = (u64)start->argc - dropped;
    u64 environment_count = count_pointers(start->envp);
    u64 word_room = 1 + image->prefix_count + kept_count + 1 + environment_count + 1 +
                    2 * count_auxv(start->auxv);
    u64 room_bytes = DBT_PAGE_UP(sizeof(saved) + word_room * 8);
    saved *kept = (saved *)dbt_port_map(0, room_bytes, DBT_PORT_READ | DBT_PORT_WRITE);
    DBT_ASSERT(kept != 0);
    save(kept, start, image);
    mm_map map = {0};
    /* argv[argc] is the null pointer; without arguments the strings begin with the environment. */
    u64 strings = kept_count > 0 ? (u64)start->argv[dropped]
                  : environment_count > 0 ? (u64)start->envp[0]
                                          : (u64)start->argv[start->argc - 1];
    map.environment_start = environment_count > 0 ? (u64)start->envp[0] : strings;
    map.environment_end = map.environment_start;
    if (environment_count > 0) {
        u64 last = (u64)start->envp[environment_count - 1];
        map.environment_end = last + dbt_text_length((const char *)last) + 1;
    }
    map.arguments_end = map.environment_start;
    u64 guest_at = strings;
    u64 guest_front = push_bytes(&guest_at, kept->front, kept->front_bytes);
    map.arguments_start = guest_front;
    u64 *word = kept->words;
    *word++ = image->prefix_count + kept_count;
    for (u32 at = 0; at < image->prefix_count; at++) {
        *word++ = guest_front + kept->front_at[at];
    }
    for (u64 at = 0; at < kept_count; at++) {
        *word++ = (u64)start->argv[dropped + at];
    }
    *word++ = 0;
    for (u64 at = 0; at <= environment_count; at++) {
        *word++ = (u64)start->envp[at];
    }
    u64 *aux_words = word;
    for (const u64 *entry = start->auxv;; entry += 2) {
        if (entry[0] != AUX_RSEQ_BYTES && entry[0] != AUX_RSEQ_ALIGNMENT) {
            *word++ = entry[0];
            *word++ = entry[1];
        }
        if (entry[0] == AUX_NULL) {
            break;
        }
    }
    /* From here on the old stack's lower part is overwritten. */
    u64 guest_program = push_bytes(&guest_at, kept->program, dbt_text_length(kept->program) + 1);
    guest_at &= ~15ULL;
    u64 guest_platform = push_bytes(&guest_at, kept->platform, dbt_text_length(kept->platform) + 1);
    u64 guest_random = push_bytes(&guest_at, kept->random, RANDOM_BYTES);
    for (u64 *entry = aux_words; entry < word; entry += 2) {
        entry[1] = replace_aux(entry[0], entry[1], image, guest_random, guest_platform, guest_program);
    }
    u64 block_bytes = (u64)(word - kept->words) * 8;
    guest_at = (guest_at - block_bytes) & ~15ULL;
    memcpy((void *)guest_at, kept->words, block_bytes);
    map.stack_start = guest_at;
    map.auxv = (u64)aux_words;
    map.auxv_bytes = (u32)((u64)(word - aux_words) * 8);
    tell_kernel(process->space, image, &map);
    dbt_port_unmap((u64)kept, room_bytes);
    return guest_at;
}
