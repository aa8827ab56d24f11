/* Job: guest bytes to the IR: one dbt_instruction per guest instruction, and on request its effects
 * on registers and flags. Driven by tables rendered from dbt/decoder (the only place where opcode
 * facts live).
 * State: none; every function is pure.
 * Invariant: never reads past available_bytes, nor past 15 bytes; length is never guessed. */
#ifndef DBT_CORE_DECODE_H
#define DBT_CORE_DECODE_H

#include "core/base.h"

#define DBT_INSTRUCTION_MAX_BYTES 15

/* These blocks are parsed by dbt/_native.py's cdef builder: plain constants and plain structs only. */
/* cdef begin */
typedef enum dbt_mode { DBT_MODE_64 = 0, DBT_MODE_32 = 1 } dbt_mode;

typedef enum dbt_map {
    DBT_MAP_ONE_BYTE = 0,
    DBT_MAP_0F = 1,
    DBT_MAP_0F38 = 2,
    DBT_MAP_0F3A = 3,
    DBT_MAP_VEX_0F = 4,
    DBT_MAP_VEX_0F38 = 5,
    DBT_MAP_VEX_0F3A = 6,
    DBT_MAP_XOP_8 = 7,
    DBT_MAP_XOP_9 = 8,
    DBT_MAP_XOP_A = 9,
    DBT_MAP_EVEX_0F = 10,
    DBT_MAP_EVEX_0F38 = 11,
    DBT_MAP_EVEX_0F3A = 12,
    DBT_MAP_EVEX_5 = 13,
    DBT_MAP_EVEX_6 = 14,
    DBT_MAP_3DNOW = 15,
    DBT_MAP_VEX_7 = 16, /* and whatever later maps the table holds, numbered on */
    DBT_MAP_COUNT = 17
} dbt_map;

/* The translator's view of an instruction: which rule set applies. Everything that may be copied is
 * IDENT; an IDENT whose memory operand is RIP-relative is PCREL. The privileged set (PRIVILEGED)
 * faults in user mode and is translated differently by a kernel personality. */
typedef enum dbt_class {
    DBT_CLASS_IDENT = 0,
    DBT_CLASS_PCREL = 1,      /* RIP-relative memory operand, otherwise IDENT */
    DBT_CLASS_JCC = 2,        /* conditional jump, rel8 or rel32 */
    DBT_CLASS_LOOP = 3,       /* loop, loope, loopne, jcxz, jecxz, jrcxz */
    DBT_CLASS_JMP = 4,        /* near, relative */
    DBT_CLASS_CALL = 5,       /* near, relative */
    DBT_CLASS_RET = 6,        /* near, with or without imm16 */
    DBT_CLASS_IJMP = 7,       /* near, through register or memory */
    DBT_CLASS_ICALL = 8,      /* near, through register or memory */
    DBT_CLASS_FAR = 9,        /* far jmp, call, ret; iret */
    DBT_CLASS_SYSCALL = 10,   /* syscall */
    DBT_CLASS_SYSENTER = 11,  /* sysenter, int 0x80: the 32-bit system call entries */
    DBT_CLASS_TRAP = 12,      /* int3, int n, int1, into, ud0, ud1, ud2: an exception by intent */
    DBT_CLASS_CPUID = 13,
    DBT_CLASS_GSBASE = 14,    /* rdgsbase, wrgsbase */
    DBT_CLASS_SEGMENT = 15,   /* loads or stores gs or fs selectors: mov, push, pop, lfs, lgs */
    DBT_CLASS_POPF = 16,      /* popf: may set TF or AC */
    DBT_CLASS_XBEGIN = 17,    /* a relative branch in disguise */
    DBT_CLASS_PRIVILEGED = 18,/* #GP in user mode: hlt, cli, in, out, mov cr, lgdt, wrmsr, ... */
    DBT_CLASS_SENSITIVE = 19, /* reads system state without a fault: rdtsc, rdpmc, sgdt, sidt, smsw, str, sldt, xgetbv */
    DBT_CLASS_INVALID = 20,   /* no instruction: raises #UD */
    DBT_CLASS_COUNT = 21
} dbt_class;

/* dbt_instruction.prefixes: what stood before the opcode. */
#define DBT_PREFIX_OPERAND 0x0001 /* 66 */
#define DBT_PREFIX_ADDRESS 0x0002 /* 67 */
#define DBT_PREFIX_LOCK 0x0004
#define DBT_PREFIX_REPNE 0x0008 /* F2, the last of F2 and F3 counts */
#define DBT_PREFIX_REP 0x0010   /* F3 */
#define DBT_PREFIX_FS 0x0020    /* the effective override; the ignored ones of 64-bit mode are not set */
#define DBT_PREFIX_GS 0x0040
#define DBT_PREFIX_REX 0x0080
#define DBT_PREFIX_VEX2 0x0100
#define DBT_PREFIX_VEX3 0x0200
#define DBT_PREFIX_XOP 0x0400
#define DBT_PREFIX_EVEX 0x0800
#define DBT_PREFIX_CS 0x1000 /* seen, in 32-bit mode effective */
#define DBT_PREFIX_DS 0x2000
#define DBT_PREFIX_ES 0x4000
#define DBT_PREFIX_SS 0x8000

/* dbt_instruction.traits: facts about operands that the rules ask for. */
#define DBT_TRAIT_MODRM 0x0001        /* has a ModRM byte */
#define DBT_TRAIT_MEMORY 0x0002       /* the ModRM names memory that is accessed (not lea, nop, prefetch) */
#define DBT_TRAIT_ADDRESS 0x0004      /* the ModRM names an address, accessed or not: lea, nop, prefetch too */
#define DBT_TRAIT_RIP_RELATIVE 0x0008 /* mod 0, rm 5 in 64-bit mode */
#define DBT_TRAIT_VSIB 0x0010         /* the index is a vector register */
#define DBT_TRAIT_STRING 0x0020       /* movs, cmps, stos, lods, scas, ins, outs: implicit rsi, rdi */
#define DBT_TRAIT_IMPLICIT 0x0040     /* other memory at an implicit address: xlat, maskmov, moffs, enclu ... */
#define DBT_TRAIT_STACK 0x0080        /* push, pop, enter, leave, pushf ...: moves rsp by its size */
#define DBT_TRAIT_WRITES_MEMORY 0x0100
#define DBT_TRAIT_TOO_LONG 0x0400     /* INVALID: it does not end within 15 bytes (#GP, not #UD) */
#define DBT_TRAIT_INPUT 0x0800         /* its result is no function of the guest state: rdtsc, rdrand, cpuid ... */
#define DBT_TRAIT_SAVES 0x1000         /* stores processor state that names addresses of code: fxsave, fnstenv ... */
#define DBT_TRAIT_VECTOR 0x2000        /* may read or write x87, vector, mask or tile state */
#define DBT_TRAIT_FUSIBLE 0x0200      /* cmp, test, add, sub, and, inc, dec: may fuse with a jcc that follows */

/* One decoded guest instruction. Positions are byte offsets from the first byte; 0 means absent
 * (no field but the first prefix can stand at 0). Immediates that are relative targets are found in
 * branch_target as well. */
typedef struct dbt_instruction {
    uint64_t guest_pc;
    uint64_t branch_target; /* direct branches, call, loop, xbegin: the absolute target */
    uint64_t immediate;     /* sign-extended as the instruction does; moffs: the address; enter: imm16 | imm8 << 16 */
    int64_t displacement;   /* of the ModRM operand, sign-extended; EVEX disp8*N already scaled */
    uint32_t prefixes;
    uint32_t traits;
    uint16_t row;           /* index of the table row: key for dbt_instruction_effects */
    uint8_t length;
    uint8_t map;            /* dbt_map */
    uint8_t opcode;
    uint8_t class_;         /* dbt_class */
    uint8_t opcode_at;
    uint8_t modrm_at;
    uint8_t sib_at;
    uint8_t displacement_at;
    uint8_t displacement_bytes; /* 0, 1, 2 or 4 */
    uint8_t immediate_at;
    uint8_t immediate_bytes;    /* all immediates together: 0 to 8 */
    uint8_t modrm;
    uint8_t sib;
    uint8_t rex;            /* REX as W R X B in the low four bits, taken from REX, VEX, XOP or EVEX alike */
    uint8_t extension;      /* EVEX R' bit 0, V' bit 1, z bit 2, b bit 3, aaa bits 4 to 6 (as used, not as encoded inverted) */
    uint8_t vvvv;           /* VEX/XOP/EVEX vvvv with V', un-inverted */
    uint8_t vector_length;  /* 0: 128, 1: 256, 2: 512; L of VEX or L'L of EVEX */
    uint8_t mandatory;      /* 0, 1: 66, 2: F3, 3: F2 (pp) */
    uint8_t operand_bytes;  /* effective general operand size: 1, 2, 4, 8 */
    uint8_t address_bytes;  /* effective address size: 2, 4, 8 */
    uint8_t base;           /* ModRM memory operand: base register 0-15; DBT_NO_REGISTER if none; RIP-relative: none */
    uint8_t index;          /* index register 0-15 (vector number 0-31 when VSIB), or DBT_NO_REGISTER */
    uint8_t scale;          /* 1, 2, 4, 8 */
} dbt_instruction;

#define DBT_NO_REGISTER 0xff

/* RFLAGS bits by name, as the processor numbers them (SDM vol. 1, 3.4.3). */
#define DBT_FLAG_CF 0x0001
#define DBT_FLAG_PF 0x0004
#define DBT_FLAG_AF 0x0010
#define DBT_FLAG_ZF 0x0040
#define DBT_FLAG_SF 0x0080
#define DBT_FLAG_TF 0x0100
#define DBT_FLAG_IF 0x0200
#define DBT_FLAG_DF 0x0400
#define DBT_FLAG_OF 0x0800
#define DBT_FLAG_NT 0x4000
#define DBT_FLAG_AC 0x40000
#define DBT_FLAG_STATUS 0x08d5 /* CF PF AF ZF SF OF */

/* Effects on general registers (bit n: register n, rax 0 ... r15 15) and flags. A 32-bit write
 * counts as a full write; 8- and 16-bit writes are listed as read and written. A register that may
 * or may not be written (cmov, rep with count 0) is listed as read and written. */
typedef struct dbt_effects {
    uint16_t registers_read;    /* operands, address parts and implicit ones */
    uint16_t registers_written;
    uint32_t flags_read;
    uint32_t flags_written;     /* to a defined value, whatever the operands */
    uint32_t flags_undefined;   /* left undefined, or written for some operands only (shifts by cl) */
} dbt_effects;
/* cdef end */

/* Decodes the instruction at guest_pc. code points at its first byte, available_bytes says how many
 * may be read. DBT_ERROR_INVALID: bytes that raise #UD; out->length is then the number of bytes
 * looked at and class_ is DBT_CLASS_INVALID. DBT_ERROR_TRUNCATED: more bytes are needed (never
 * answered when 15 or more were available: an instruction of more than 15 bytes is
 * DBT_ERROR_INVALID; the processor raises #GP for it, SDM vol. 2, 2.3.11). */
dbt_status dbt_instruction_decode(const u8 *code, size_t available_bytes, u64 guest_pc,
                                  dbt_mode mode, dbt_instruction *out);

/* The length of an instruction that units hold unchanged (class IDENT, no segment override, no RIP-relative
 * operand), and of its traits FUSIBLE; or 0 when it takes dbt_instruction_decode to say. 64-bit mode. */
u32 dbt_instruction_brief(const u8 code[DBT_INSTRUCTION_MAX_BYTES], u32 *traits);

/* The effects of a decoded instruction; total, for every row of the table. */
void dbt_instruction_effects(const dbt_instruction *instruction, dbt_effects *out);

#define DBT_OPCODE_RDTSC 0x31
#define DBT_OPCODE_GROUP_7 0x01
#define DBT_MODRM_RDTSCP 0xf9

/* Whether it is rdtsc or rdtscp. */
static inline bool dbt_instruction_reads_counter(const dbt_instruction *instruction)
{
    return instruction->map == DBT_MAP_0F &&
           (instruction->opcode == DBT_OPCODE_RDTSC ||
            (instruction->opcode == DBT_OPCODE_GROUP_7 && instruction->modrm == DBT_MODRM_RDTSCP));
}

#endif
