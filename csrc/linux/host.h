/* Job: the host kernel as the VMM calls it: raw system calls, constants and structures, without libc.
 * State: none.
 * Invariant: these calls are the VMM's own; a guest's call goes through dbt_gate_syscall (gate.S),
 * the only place where a blocking system call may wait. Results are the kernel's: negative errno. */
#ifndef DBT_LINUX_HOST_H
#define DBT_LINUX_HOST_H

#include "core/base.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

/* Newer than the oldest kernel headers we build with. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* linux/stat.h and linux/auxvec.h in the few constants used here. */
#define DBT_STAT_TYPE_MASK 0170000u
#define DBT_STAT_REGULAR 0100000u

static inline i64 dbt_host_call6(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    i64 result;
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = e;
    register u64 r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline i64 dbt_host_call4(u64 number, u64 a, u64 b, u64 c, u64 d)
{
    return dbt_host_call6(number, a, b, c, d, 0, 0);
}

static inline i64 dbt_host_call3(u64 number, u64 a, u64 b, u64 c)
{
    return dbt_host_call6(number, a, b, c, 0, 0, 0);
}

static inline i64 dbt_host_call2(u64 number, u64 a, u64 b)
{
    return dbt_host_call6(number, a, b, 0, 0, 0, 0);
}

static inline i64 dbt_host_call1(u64 number, u64 a)
{
    return dbt_host_call6(number, a, 0, 0, 0, 0, 0);
}

static inline i64 dbt_host_mmap(u64 address, u64 size_bytes, u32 protection, u32 flags, i32 fd,
                                u64 offset)
{
    return dbt_host_call6(__NR_mmap, address, size_bytes, protection, flags, (u64)(i64)fd, offset);
}

static inline i64 dbt_host_munmap(u64 address, u64 size_bytes)
{
    return dbt_host_call2(__NR_munmap, address, size_bytes);
}

static inline i64 dbt_host_mprotect(u64 address, u64 size_bytes, u32 protection)
{
    return dbt_host_call3(__NR_mprotect, address, size_bytes, protection);
}

/* struct stat of x86-64, as far as it is read. */
typedef struct dbt_host_stat {
    u64 device;
    u64 inode;
    u64 links;
    u32 mode;
    u32 uid;
    u32 gid;
    u32 padding;
    u64 rdevice;
    i64 size_bytes;
    u64 rest[11];
} dbt_host_stat;

/* Signals, by the kernel's x86-64 ABI. */
#define DBT_SIGNAL_COUNT 65
#define DBT_SIGILL 4
#define DBT_SIGTRAP 5
#define DBT_SIGABRT 6
#define DBT_SIGBUS 7
#define DBT_SIGFPE 8
#define DBT_SIGKILL 9
#define DBT_SIGSEGV 11
#define DBT_SIGCHLD 17
#define DBT_SIGCONT 18
#define DBT_SIGSTOP 19
#define DBT_SIGURG 23
#define DBT_SIGWINCH 28
#define DBT_SIGSYS 31
#define DBT_SIGNAL_REALTIME 32 /* the first that queues */
#define DBT_SIGNAL_BIT(number) (1ULL << ((number)-1))
#define DBT_NEVER_BLOCKED (DBT_SIGNAL_BIT(DBT_SIGKILL) | DBT_SIGNAL_BIT(DBT_SIGSTOP))

#define DBT_SA_NOCLDSTOP 0x1ULL
#define DBT_SA_NOCLDWAIT 0x2ULL
#define DBT_SA_SIGINFO 0x4ULL
#define DBT_SA_EXPOSE_TAGBITS 0x800ULL
#define DBT_SA_RESTORER 0x04000000ULL
#define DBT_SA_ONSTACK 0x08000000ULL
#define DBT_SA_RESTART 0x10000000ULL
#define DBT_SA_NODEFER 0x40000000ULL
#define DBT_SA_RESETHAND 0x80000000ULL

#define DBT_SIG_DFL 0ULL
#define DBT_SIG_IGN 1ULL
#define DBT_SIG_BLOCK 0
#define DBT_SIG_UNBLOCK 1
#define DBT_SIG_SETMASK 2

#define DBT_SS_ONSTACK 1u
#define DBT_SS_DISABLE 2u
#define DBT_SS_AUTODISARM 0x80000000u

#define DBT_SI_USER 0
#define DBT_SI_KERNEL 0x80
#define DBT_TRAP_PAGE_FAULT 14
#define DBT_RFLAGS_RF 0x10000ULL
#define DBT_TRAP_TRACE 2
#define DBT_SEGV_MAPERR 1
#define DBT_SEGV_ACCERR 2

/* struct sigaction as rt_sigaction takes it. */
typedef struct dbt_host_action {
    u64 handler;
    u64 flags;
    u64 restorer;
    u64 mask;
} dbt_host_action;

/* siginfo_t: 128 bytes, of which the personality reads the head and the fault address. */
typedef struct dbt_host_siginfo {
    i32 number;
    i32 error;
    i32 code;
    i32 padding;
    u64 address; /* si_addr of a fault; other kinds use these words differently */
    u64 rest[13];
} dbt_host_siginfo;

typedef struct dbt_host_stack {
    u64 pointer;
    u32 flags;
    u32 padding;
    u64 size_bytes;
} dbt_host_stack;

/* gregs of the signal frame (struct sigcontext_64), in the kernel's order. */
typedef struct dbt_host_sigcontext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 error, trap_number, old_mask, cr2;
    u64 fp_state; /* address of the FXSAVE or XSAVE area */
    u64 reserved[8];
} dbt_host_sigcontext;

#define DBT_UC_FP_XSTATE 1ULL
#define DBT_UC_SIGCONTEXT_SS 2ULL
#define DBT_UC_STRICT_RESTORE_SS 4ULL

typedef struct dbt_host_ucontext {
    u64 flags;
    u64 link;
    dbt_host_stack stack;
    dbt_host_sigcontext registers;
    u64 mask;
} dbt_host_ucontext;

/* The rt_sigframe that the kernel pushes, and that rt_sigreturn pops. */
typedef struct dbt_host_frame {
    u64 restorer;
    dbt_host_ucontext context;
    dbt_host_siginfo info;
} dbt_host_frame;

/* The last 48 bytes of the 512-byte legacy area: struct _fpx_sw_bytes. */
#define DBT_FP_SOFTWARE_AT 464
#define DBT_FP_MAGIC1 0x46505853u
#define DBT_FP_MAGIC2 0x46505845u
typedef struct dbt_host_fp_software {
    u32 magic1;
    u32 extended_bytes; /* the area with magic2 */
    u64 features;
    u32 xsave_bytes;
    u32 padding[7];
} dbt_host_fp_software;

_Static_assert(sizeof(dbt_host_siginfo) == 128, "siginfo_t");
_Static_assert(sizeof(dbt_host_sigcontext) == 256, "struct sigcontext_64");
_Static_assert(sizeof(dbt_host_ucontext) == 304, "struct ucontext");
_Static_assert(sizeof(dbt_host_frame) == 440, "struct rt_sigframe");
_Static_assert(sizeof(dbt_host_fp_software) == 48, "struct _fpx_sw_bytes");
_Static_assert(sizeof(dbt_host_stat) == 144, "struct stat");

static inline void dbt_host_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(subleaf));
}

/* Whether the process has a capability, one of the first 32 (capabilities(7)). */
static inline bool dbt_host_has_capability(u32 number)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return dbt_host_call2(__NR_capget, (u64)&header, (u64)data) == 0 &&
           (data[0].effective >> number & 1) != 0;
}

#define DBT_XSAVE_LEGACY_BYTES 576u /* with the header */
#define DBT_FEATURE_PKRU (1ULL << 9)
#define DBT_FEATURE_TILES (3ULL << 17)

/* The components of processor state that are enabled (XCR0). */
static inline u64 dbt_host_features(void)
{
    u32 low;
    u32 high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (u64)high << 32 | low;
}

/* Bytes of an area with these components in the standard format (SDM vol. 1, 13.4). */
static inline u32 dbt_host_xsave_bytes(u64 features)
{
    u32 size_bytes = DBT_XSAVE_LEGACY_BYTES;
    for (u32 bit = 2; bit < 63; bit++) {
        u32 leaf[4];
        if ((features >> bit & 1) != 0) {
            dbt_host_cpuid(0xd, bit, leaf);
            size_bytes = leaf[1] + leaf[0] > size_bytes ? leaf[1] + leaf[0] : size_bytes;
        }
    }
    return size_bytes;
}

#endif
