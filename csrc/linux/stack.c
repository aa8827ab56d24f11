/* Job: the guest's initial stack. The kernel has already built one for the VMM's own start, with the
 * guest's arguments and environment as its strings: it stays the guest's stack (growth, limit and
 * /proc stay the kernel's), and only what lies below the strings is written anew.
 * State: none.
 * Invariant: the result is what execve gives a program: argc, argv, envp, auxv, from rsp upwards. */
#include "core/port.h"
#include "linux/linux.h"
#include "linux/text.h"

#define AUX_NULL 0
#define AUX_IGNORE 1
#define AUX_PHDR 3
#define AUX_PHENT 4
#define AUX_PHNUM 5
#define AUX_BASE 7
#define AUX_ENTRY 9
#define AUX_PLATFORM 15
#define AUX_RANDOM 25
#define AUX_EXECFN 31
#define AUX_HWCAP2 26
#define AUX_VDSO 33
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

/* What a processor of a lower level does not have; and the vdso, which reads clocks where no record
 * sees it. */
static bool is_hidden(const dbt_linux_process *process, u64 type)
{
    return (type == AUX_HWCAP2 && process->session->configuration.cpu != DBT_CPU_HOST) ||
           (type == AUX_VDSO && process->record != 0);
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

/* The strings of the guest: where they are, and how far they move so that the program's path ends
 * where the VMM's own path ended, at the very top, as execve lays it out. */
typedef struct strings {
    u64 guest_start; /* of the first argument kept, or of the environment */
    u64 guest_end;   /* of the environment: the file name begins here */
    u64 guest_program;
    u64 shift; /* modulo 2^64: mostly downwards */
} strings;

static strings plan_strings(const saved *kept, const dbt_start *start, u64 dropped)
{
    strings plan = {0};
    for (const u64 *entry = start->auxv; entry[0] != AUX_NULL; entry += 2) {
        if (entry[0] == AUX_EXECFN) {
            plan.guest_end = entry[1];
        }
    }
    plan.guest_start = dropped < (u64)start->argc ? (u64)start->argv[dropped]
                       : start->envp[0] != 0      ? (u64)start->envp[0]
                                                  : plan.guest_end;
    u64 guest_top = plan.guest_end + dbt_text_length((const char *)plan.guest_end) + 1;
    plan.guest_program = guest_top - (dbt_text_length(kept->program) + 1);
    plan.shift = plan.guest_program - plan.guest_end;
    return plan;
}

/* argc, argv, envp and auxv as they will stand on the stack, pointers already shifted. */
static u64 *build_words(saved *kept, const dbt_start *start, const dbt_image *image,
                        const strings *plan, u64 dropped)
{
    u64 guest_front = plan->guest_start + plan->shift - kept->front_bytes;
    u64 *word = kept->words;
    *word++ = image->prefix_count + (u64)start->argc - dropped;
    for (u32 at = 0; at < image->prefix_count; at++) {
        *word++ = guest_front + kept->front_at[at];
    }
    for (u64 at = dropped; at < (u64)start->argc; at++) {
        *word++ = (u64)start->argv[at] + plan->shift;
    }
    *word++ = 0;
    for (char **at = start->envp; *at != 0; at++) {
        *word++ = (u64)*at + plan->shift;
    }
    *word++ = 0;
    return word;
}

u64 dbt_stack_build(dbt_linux_process *process, const dbt_start *start, const dbt_image *image)
{
    u64 dropped = OWN_ARGUMENTS + (image->prefix_count > 0 && start->argc > OWN_ARGUMENTS ? 1u : 0u);
    u64 aux_count = count_auxv(start->auxv);
    u64 word_room = 3 + image->prefix_count + (u64)start->argc + count_pointers(start->envp) +
                    2 * aux_count;
    u64 room_bytes = DBT_PAGE_UP(sizeof(saved) + word_room * 8);
    saved *kept = (saved *)dbt_port_map(0, room_bytes, DBT_PORT_READ | DBT_PORT_WRITE);
    DBT_ASSERT(kept != 0);
    save(kept, start, image);
    strings plan = plan_strings(kept, start, dropped);
    u64 *aux_words = build_words(kept, start, image, &plan, dropped);
    memcpy(aux_words, start->auxv, aux_count * 2 * sizeof(u64));
    mm_map map = {0};
    map.environment_start =
        (start->envp[0] != 0 ? (u64)start->envp[0] : plan.guest_end) + plan.shift;
    map.environment_end = plan.guest_program;
    map.arguments_end = map.environment_start;
    /* From here on the old stack is overwritten, and start with it. */
    memmove((void *)(plan.guest_start + plan.shift), (const void *)plan.guest_start,
            plan.guest_end - plan.guest_start);
    memcpy((void *)plan.guest_program, kept->program, dbt_text_length(kept->program) + 1);
    u64 guest_at = plan.guest_start + plan.shift;
    map.arguments_start = push_bytes(&guest_at, kept->front, kept->front_bytes);
    guest_at &= ~15ULL;
    u64 guest_platform = push_bytes(&guest_at, kept->platform, dbt_text_length(kept->platform) + 1);
    u64 guest_random = push_bytes(&guest_at, kept->random, RANDOM_BYTES);
    for (u64 at = 0; at < aux_count; at++) {
        u64 *entry = aux_words + 2 * at;
        entry[1] =
            replace_aux(entry[0], entry[1], image, guest_random, guest_platform, plan.guest_program);
        if (is_hidden(process, entry[0])) {
            entry[0] = AUX_IGNORE;
        }
    }
    u64 block_bytes = (u64)(aux_words + 2 * aux_count - kept->words) * 8;
    guest_at = (guest_at - block_bytes) & ~15ULL;
    memcpy((void *)guest_at, kept->words, block_bytes);
    map.stack_start = guest_at;
    map.auxv = (u64)aux_words;
    map.auxv_bytes = (u32)(aux_count * 16);
    tell_kernel(process->space, image, &map);
    dbt_port_unmap((u64)kept, room_bytes);
    return guest_at;
}
