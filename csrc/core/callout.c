/* Job: carries out the instructions that a callout stands for: cpuid, gs base, gs selectors, xbegin, and
 * where the setting asks for it those that read the time-stamp counter.
 * State: the context. Invariant: what the guest sees is virtual where the host's would be wrong, and
 * the host's own answer everywhere else. */
#include "core/tcache.h"

#define CPUID_FEATURES 7u
#define CPUID_EBX_HLE (1u << 4)
#define CPUID_EBX_RTM (1u << 11)
#define CPUID_EDX_TSXLDTRK (1u << 16)
#define SELECTOR_USER_DATA 0x2bu

/* x86-64-v2 as the psABI defines it: everything up to SSE4.2, and nothing that came later. */
static void level_2(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx) {
    switch (leaf) {
    case 0:
        *eax = *eax < CPUID_FEATURES ? *eax : CPUID_FEATURES;
        break;
    case 1:
        *ecx &= 0x80982201; /* SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT, a hypervisor */
        break;
    case CPUID_FEATURES:
        *eax = *ebx = *ecx = *edx = 0;
        break;
    case 0x80000001:
        *ecx &= 1;          /* LAHF */
        *edx &= 0x20100800; /* SYSCALL NX LM */
        break;
    default:
        if (leaf > CPUID_FEATURES && leaf < 0x80000000) {
            *eax = *ebx = *ecx = *edx = 0;
        }
        break;
    }
}

/* Transactions always abort under translation, so they are not advertised. */
static void execute_cpuid(dbt_context *context) {
    u32 eax = (u32)context->registers[DBT_RAX];
    u32 ecx = (u32)context->registers[DBT_RCX];
    const u32 leaf = eax;
    const u32 subleaf = ecx;
    u32 ebx;
    u32 edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (leaf == CPUID_FEATURES && subleaf == 0) {
        ebx &= ~(CPUID_EBX_HLE | CPUID_EBX_RTM);
        edx &= ~CPUID_EDX_TSXLDTRK;
    }
    if (context->engine->configuration.cpu == DBT_CPU_LEVEL_2) {
        level_2(leaf, &eax, &ebx, &ecx, &edx);
    }
    context->registers[DBT_RAX] = eax;
    context->registers[DBT_RBX] = ebx;
    context->registers[DBT_RCX] = ecx;
    context->registers[DBT_RDX] = edx;
}

/* rdgsbase /1, wrgsbase /3, 32 or 64 bits (SDM vol. 2). A non-canonical base raises #GP. */
static bool execute_gs_base(dbt_context *context, const dbt_instruction *instruction) {
    const u32 number = (instruction->modrm & 7u) | (instruction->rex & 1u) << 3;
    const bool wide = instruction->operand_bytes == 8;
    u64 *value = &context->registers[number];
    if ((instruction->modrm >> 3 & 7) == 1) {
        *value = wide ? context->guest_gs_base : (u32)context->guest_gs_base;
        return true;
    }
    const u64 base = wide ? *value : (u32)*value;
    if ((u64)((i64)(base << 16) >> 16) != base) {
        return false;
    }
    context->guest_gs_base = base;
    return true;
}

/* Only selectors that Linux gives every program are loaded: null and the user data segment, both with
 * base 0 in 64-bit mode. Selectors of a local descriptor table are refused by the caller. */
static bool load_gs(dbt_context *context, u32 selector) {
    if (selector > 3 && selector != SELECTOR_USER_DATA) {
        return false;
    }
    context->guest_gs_selector = selector;
    context->guest_gs_base = 0;
    return true;
}

/* mov to and from gs, register forms. Memory forms, push, pop and lgs are refused by name: no compiler
 * emits them in 64-bit code, and a fault inside C would not be the guest's. */
static bool execute_selector(dbt_context *context, const dbt_instruction *instruction) {
    if (instruction->map != DBT_MAP_ONE_BYTE || instruction->modrm < 0xc0) {
        return false;
    }
    const u32 number = (instruction->modrm & 7u) | (instruction->rex & 1u) << 3;
    u64 *value = &context->registers[number];
    if (instruction->opcode == 0x8e) {
        return load_gs(context, (u16)*value);
    }
    if (instruction->operand_bytes == 2) {
        *value = (*value & ~0xffffULL) | context->guest_gs_selector;
    } else {
        *value = context->guest_gs_selector;
    }
    return true;
}

/* A transaction that aborts at once, without a reason worth a retry (SDM vol. 1, 16.3.5). */
static void execute_xbegin(dbt_context *context, const dbt_instruction *instruction) {
    context->registers[DBT_RAX] = 0;
    context->rip = instruction->branch_target;
}

/* rdtsc, rdtscp. False where the guest has taken the counter away (PR_SET_TSC): it is away from the VMM too,
 * whose handler makes 0 of rdtsc. So rdtscp, for which there is no such handler, comes second. */
static bool execute_counter(dbt_context *context, const dbt_instruction *instruction) {
    const u64 ticks = dbt_ticks();
    u32 low = (u32)ticks;
    u32 high = (u32)(ticks >> 32);
    if (ticks == 0) {
        return false;
    }
    if (instruction->opcode != DBT_OPCODE_RDTSC) {
        u32 processor;
        __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(processor));
        context->registers[DBT_RCX] = processor;
    }
    context->registers[DBT_RAX] = low;
    context->registers[DBT_RDX] = high;
    return true;
}

bool dbt_callout_execute(dbt_context *context, const dbt_instruction *instruction) {
    const u64 next = instruction->guest_pc + instruction->length;
    switch ((dbt_class)instruction->class_) {
    case DBT_CLASS_CPUID:
        execute_cpuid(context);
        context->rip = next;
        return true;
    case DBT_CLASS_GSBASE:
        if (!execute_gs_base(context, instruction)) {
            return false;
        }
        context->rip = next;
        return true;
    case DBT_CLASS_SEGMENT:
        if (!execute_selector(context, instruction)) {
            return false;
        }
        context->rip = next;
        return true;
    case DBT_CLASS_XBEGIN:
        execute_xbegin(context, instruction);
        return true;
    case DBT_CLASS_SENSITIVE:
        if (!dbt_instruction_reads_counter(instruction) || !execute_counter(context, instruction)) {
            return false;
        }
        context->rip = next;
        return true;
    case DBT_CLASS_IDENT:
    case DBT_CLASS_PCREL:
    case DBT_CLASS_JCC:
    case DBT_CLASS_LOOP:
    case DBT_CLASS_JMP:
    case DBT_CLASS_CALL:
    case DBT_CLASS_RET:
    case DBT_CLASS_IJMP:
    case DBT_CLASS_ICALL:
    case DBT_CLASS_FAR:
    case DBT_CLASS_SYSCALL:
    case DBT_CLASS_SYSENTER:
    case DBT_CLASS_TRAP:
    case DBT_CLASS_POPF:
    case DBT_CLASS_PRIVILEGED:
    case DBT_CLASS_INVALID:
    case DBT_CLASS_COUNT:
        break;
    }
    return false;
}
