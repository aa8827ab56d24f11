/* Job: finds the ELF file to execute, through scripts, with the kernel's checks and error numbers.
 * State: none.
 * Invariant: nothing of the running image is touched; what passes here can be mapped. */
#include "linux/elf_file.h"
#include "linux/linux.h"
#include "linux/text.h"

#define ELF_CLASS_64 2
#define ACCESS_EXECUTE 1
#define MODE_SET_USER 04000u
#define MODE_SET_GROUP 02010u /* without the right to execute it means something else */
#define STATFS_FLAGS_AT 10
#define STATFS_NOSUID 2

static i64 check_executable(i32 fd, const char *path)
{
    dbt_host_stat stat;
    i64 result = dbt_host_call2(__NR_fstat, (u64)fd, (u64)&stat);
    if (result < 0) {
        return result;
    }
    if ((stat.mode & DBT_STAT_TYPE_MASK) != DBT_STAT_REGULAR) {
        return -EACCES;
    }
    result = dbt_host_call4(__NR_faccessat2, (u64)fd, (u64) "", ACCESS_EXECUTE,
                            AT_EMPTY_PATH | AT_EACCESS);
    if (result == -ENOSYS) {
        result = dbt_host_call2(__NR_access, (u64)path, ACCESS_EXECUTE);
    }
    return result;
}

i64 dbt_elf_open(const char *path)
{
    i64 fd = dbt_host_call4(__NR_openat, (u64)AT_FDCWD, (u64)path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return fd;
    }
    i64 result = check_executable((i32)fd, path);
    if (result < 0) {
        dbt_host_call1(__NR_close, (u64)fd);
        return result;
    }
    return fd;
}

/* By set-user-ID, set-group-ID or file capabilities. */
bool dbt_loader_loses_privileges(i32 fd)
{
    u64 file_system[16]; /* struct statfs */
    u8 capabilities[64];
    dbt_host_stat stat;
    if (dbt_host_call2(__NR_fstat, (u64)fd, (u64)&stat) != 0 ||
        dbt_host_call2(__NR_fstatfs, (u64)fd, (u64)file_system) != 0 ||
        (file_system[STATFS_FLAGS_AT] & STATFS_NOSUID) != 0 ||
        dbt_host_call6(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1) {
        return false;
    }
    u64 user = (u64)dbt_host_call1(__NR_geteuid, 0);
    u64 group = (u64)dbt_host_call1(__NR_getegid, 0);
    return ((stat.mode & MODE_SET_USER) != 0 && stat.uid != user) ||
           ((stat.mode & MODE_SET_GROUP) == MODE_SET_GROUP && stat.gid != group) ||
           (user != 0 && dbt_host_call4(__NR_fgetxattr, (u64)fd, (u64) "security.capability",
                                        (u64)capabilities, sizeof capabilities) > 0);
}

static i64 read_at(i32 fd, void *to, u64 size_bytes, u64 offset)
{
    i64 got = dbt_host_call4(__NR_pread64, (u64)fd, (u64)to, size_bytes, offset);
    return got < 0 ? got : (got == (i64)size_bytes ? 0 : -ENOEXEC);
}

i64 dbt_elf_read(i32 fd, dbt_elf_file *file, bool *is_foreign)
{
    *is_foreign = false;
    const Elf64_Ehdr *header = &file->header;
    i64 result = read_at(fd, &file->header, sizeof file->header, 0);
    if (result < 0) {
        return result;
    }
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return -ENOEXEC;
    }
    if (header->e_machine != EM_X86_64 || header->e_ident[EI_CLASS] != ELF_CLASS_64) {
        *is_foreign = true;
        return -ENOEXEC;
    }
    if ((header->e_type != ET_EXEC && header->e_type != ET_DYN) ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
        header->e_phnum > DBT_ELF_HEADERS_MOST) {
        return -ENOEXEC;
    }
    file->header_count = header->e_phnum;
    result = read_at(fd, file->headers, header->e_phnum * sizeof(Elf64_Phdr), header->e_phoff);
    if (result < 0) {
        return result;
    }
    file->has_interpreter = false;
    for (u32 at = 0; at < file->header_count && !file->has_interpreter; at++) {
        const Elf64_Phdr *segment = &file->headers[at];
        if (segment->p_type != PT_INTERP) {
            continue;
        }
        if (segment->p_filesz < 2 || segment->p_filesz > sizeof file->interpreter) {
            return -ENOEXEC;
        }
        result = read_at(fd, file->interpreter, segment->p_filesz, segment->p_offset);
        if (result < 0) {
            return result;
        }
        if (file->interpreter[segment->p_filesz - 1] != 0) {
            return -ENOEXEC;
        }
        file->has_interpreter = true;
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Splits "#! interpreter argument" in place. The argument is the whole rest of the line, without
 * blanks at its ends; 0 when there is none. False: not a script the kernel would run. */
static bool parse_script(char *line, u64 size_bytes, char **interpreter, char **argument)
{
    u64 end = 2;
    while (end < size_bytes && line[end] != '\n' && line[end] != 0) {
        end++;
    }
    bool is_cut = end == DBT_SCRIPT_LINE_BYTES;
    u64 start = 2;
    while (start < end && is_blank(line[start])) {
        start++;
    }
    u64 name_end = start;
    while (name_end < end && !is_blank(line[name_end])) {
        name_end++;
    }
    if (name_end == start || (is_cut && name_end == end)) {
        return false;
    }
    if (is_cut) {
        end--; /* room for the terminator; the kernel cuts there as well */
    }
    while (end > name_end && is_blank(line[end - 1])) {
        end--;
    }
    u64 argument_at = name_end;
    while (argument_at < end && is_blank(line[argument_at])) {
        argument_at++;
    }
    line[end] = 0;
    line[name_end] = 0;
    *interpreter = line + start;
    *argument = argument_at < end ? line + argument_at : 0;
    return true;
}

/* The script's interpreter, its argument and the script's path take the place of argv[0]. */
static void add_prefix(dbt_image *image, const char *interpreter, const char *argument,
                       const char *script)
{
    dbt_text text;
    char(*storage)[DBT_SCRIPT_LINE_BYTES] = image->text[image->text_count++];
    const char *front[3];
    u32 front_count = 0;
    dbt_text_begin(&text, storage[0], DBT_SCRIPT_LINE_BYTES);
    dbt_text_add(&text, interpreter);
    front[front_count++] = storage[0];
    if (argument != 0) {
        dbt_text_begin(&text, storage[1], DBT_SCRIPT_LINE_BYTES);
        dbt_text_add(&text, argument);
        front[front_count++] = storage[1];
    }
    front[front_count++] = script;
    u32 drop = image->prefix_count > 0 ? 1 : 0;
    u32 kept = image->prefix_count - drop;
    memmove(&image->prefix[front_count], &image->prefix[drop], kept * sizeof image->prefix[0]);
    memcpy(image->prefix, front, front_count * sizeof front[0]);
    image->prefix_count = kept + front_count;
}

static i64 check_program(i32 fd, bool *is_foreign)
{
    dbt_elf_file file;
    bool interpreter_is_foreign;
    i64 result = dbt_elf_read(fd, &file, is_foreign);
    if (result < 0 || !file.has_interpreter) {
        return result;
    }
    i64 interpreter_fd = dbt_elf_open(file.interpreter);
    if (interpreter_fd < 0) {
        return interpreter_fd;
    }
    result = dbt_elf_read((i32)interpreter_fd, &file, &interpreter_is_foreign);
    dbt_host_call1(__NR_close, (u64)interpreter_fd);
    return result == -ENOEXEC ? -ELIBBAD : result;
}

i64 dbt_loader_open(const char *path, i32 given_fd, dbt_image *image, bool *is_foreign)
{
    char line[DBT_SCRIPT_LINE_BYTES + 1];
    *is_foreign = false;
    image->prefix_count = 0;
    image->text_count = 0;
    for (u32 depth = 0;; depth++) {
        i64 fd = given_fd;
        if (fd < 0) {
            fd = dbt_elf_open(path);
        } else {
            i64 checked = check_executable((i32)fd, path);
            fd = checked < 0 ? checked : fd;
        }
        if (fd < 0) {
            return fd;
        }
        i64 result = dbt_host_call4(__NR_pread64, (u64)fd, (u64)line, DBT_SCRIPT_LINE_BYTES, 0);
        if (result >= 2 && line[0] == '#' && line[1] == '!') {
            char *interpreter = 0;
            char *argument = 0;
            bool is_script = parse_script(line, (u64)result, &interpreter, &argument);
            if (fd != given_fd) {
                dbt_host_call1(__NR_close, (u64)fd);
            }
            given_fd = -1;
            if (!is_script) {
                return -ENOEXEC;
            }
            if (depth == DBT_SCRIPT_DEPTH) {
                return -ELOOP;
            }
            add_prefix(image, interpreter, argument, path);
            path = image->prefix[0];
            continue;
        }
        result = result < 0 ? result : check_program((i32)fd, is_foreign);
        if (result < 0) {
            if (fd != given_fd) {
                dbt_host_call1(__NR_close, (u64)fd);
            }
            return result;
        }
        return fd;
    }
}
