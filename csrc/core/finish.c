/* Job: see finish.h: the operations of the one-byte opcodes on registers and immediates that set all status
 * flags (SDM vol. 2: ADD, AND, CMP, OR, SUB, TEST, XOR). AF, undefined behind the logical ones, is cleared,
 * as processors do. */
#include "core/finish.h"

#define OP_ADD 0u
#define OP_OR 1u
#define OP_ADC 2u
#define OP_SBB 3u
#define OP_AND 4u
#define OP_SUB 5u
#define OP_XOR 6u
#define OP_CMP 7u
#define OP_TEST 8u
#define OP_NONE 9u

#define FORM_RM_REG 0u /* the low three bits of the opcodes 00 to 3f: operands, each with an 8-bit form */
#define FORM_REG_RM 2u
#define FORM_ACC_IMMEDIATE 4u

#define CF 0x001u
#define PF 0x004u
#define AF 0x010u
#define ZF 0x040u
#define SF 0x080u
#define OF 0x800u

typedef struct operation {
    u32 op;
    u32 to;   /* registers, or for an immediate as source DBT_NO_REGISTER */
    u32 from;
} operation;

static operation operation_of(const dbt_instruction *instruction) {
    const u32 rm = (instruction->modrm & 7u) | (instruction->rex & 1u) << 3;
    const u32 reg = (instruction->modrm >> 3 & 7u) | (instruction->rex & 4u) << 1;
    const u32 opcode = instruction->opcode;
    if (opcode < 0x40) {
        const u32 form = opcode & 6;
        const operation found = {
            .op = form > FORM_ACC_IMMEDIATE ? OP_NONE : opcode >> 3,
            .to = form == FORM_ACC_IMMEDIATE ? DBT_RAX : form == FORM_REG_RM ? reg : rm,
            .from = form == FORM_ACC_IMMEDIATE ? DBT_NO_REGISTER : form == FORM_REG_RM ? rm : reg,
        };
        return found;
    }
    switch (opcode) {
    case 0x80: /* group 1 */
    case 0x81:
    case 0x83:
        return (operation){instruction->modrm >> 3 & 7u, rm, DBT_NO_REGISTER};
    case 0x84:
    case 0x85:
        return (operation){OP_TEST, rm, reg};
    case 0xa8:
    case 0xa9:
        return (operation){OP_TEST, DBT_RAX, DBT_NO_REGISTER};
    case 0xf6: /* group 3 */
    case 0xf7:
        return (operation){instruction->modrm & 0x30 ? OP_NONE : OP_TEST, rm, DBT_NO_REGISTER};
    default:
        return (operation){OP_NONE, 0, 0};
    }
}

bool dbt_finish_can(const dbt_instruction *instruction) {
    const u32 op = operation_of(instruction).op;
    return instruction->map == DBT_MAP_ONE_BYTE && instruction->class_ == DBT_CLASS_IDENT &&
           !(instruction->traits & DBT_TRAIT_ADDRESS) && !(instruction->prefixes & DBT_PREFIX_LOCK) &&
           op != OP_NONE && op != OP_ADC && op != OP_SBB;
}

/* Without REX the numbers 4 to 7 of bytes are ah, ch, dh and bh. */
static u8 *place_of(dbt_context *context, const dbt_instruction *instruction, u32 number) {
    const bool high = instruction->operand_bytes == 1 && !(instruction->prefixes & DBT_PREFIX_REX) &&
                      number >= 4;
    return high ? (u8 *)&context->registers[number - 4] + 1 : (u8 *)&context->registers[number];
}

static u32 flags_of(u32 op, u32 bytes, u64 a, u64 b, u64 result) {
    const u64 sign = 1ULL << (8 * bytes - 1);
    u32 flags = __builtin_parity((u32)(result & 0xff)) ? 0 : PF;
    flags |= (result == 0 ? ZF : 0) | (result & sign ? SF : 0);
    if (op == OP_ADD) {
        flags |= (result < a ? CF : 0) | ((a ^ result) & (b ^ result) & sign ? OF : 0);
    } else if (op == OP_SUB || op == OP_CMP) {
        flags |= (a < b ? CF : 0) | ((a ^ b) & (a ^ result) & sign ? OF : 0);
    } else {
        return flags;
    }
    return flags | (u32)((a ^ b ^ result) & AF);
}

static u64 result_of(u32 op, u64 a, u64 b) {
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_OR:
        return a | b;
    case OP_XOR:
        return a ^ b;
    case OP_SUB:
    case OP_CMP:
        return a - b;
    default:
        return a & b;
    }
}

void dbt_finish(dbt_context *context, const u8 *code) {
    dbt_instruction instruction;
    const dbt_status status = dbt_instruction_decode(code, DBT_INSTRUCTION_MAX_BYTES, context->rip,
                                                     DBT_MODE_64, &instruction);
    DBT_ASSERT(status == DBT_OK && dbt_finish_can(&instruction));
    const operation found = operation_of(&instruction);
    const u32 bytes = instruction.operand_bytes;
    const u64 mask = ~0ULL >> (64 - 8 * bytes);
    u8 *to = place_of(context, &instruction, found.to);
    u64 a = 0;
    u64 b = instruction.immediate & mask;
    memcpy(&a, to, bytes);
    if (found.from != DBT_NO_REGISTER) {
        b = 0;
        memcpy(&b, place_of(context, &instruction, found.from), bytes);
    }
    const u64 result = result_of(found.op, a, b) & mask;
    if (found.op != OP_CMP && found.op != OP_TEST) {
        memcpy(to, &result, bytes == 4 ? 8 : bytes);
    }
    context->rflags = (context->rflags & ~(u64)DBT_FLAG_STATUS) |
                      flags_of(found.op, bytes, a, b, result);
    context->rip += instruction.length;
}
