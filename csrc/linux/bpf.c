/* Job: the checker and the interpreter of seccomp's classic BPF.
 * State: none.
 * Invariant: see bpf.h. Jumps lead forwards only, so a run takes at most as many steps as the program
 * has instructions. */
#include "linux/bpf.h"

/* What seccomp permits of the instruction set: no packet loads, no halves or bytes, no remainder. */
static bool is_allowed(u32 code)
{
    switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_NEG:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_JMP | BPF_JA:
        return true;
    default:
        break;
    }
    u32 operation = BPF_OP(code);
    if ((code & ~(0xf0u | BPF_X)) == BPF_ALU) {
        return operation <= BPF_RSH || operation == BPF_XOR;
    }
    return (code & ~(0xf0u | BPF_X)) == BPF_JMP && operation >= BPF_JEQ && operation <= BPF_JSET;
}

static bool is_conditional(const dbt_bpf_instruction *at)
{
    return BPF_CLASS(at->code) == BPF_JMP && BPF_OP(at->code) != BPF_JA;
}

static bool has_valid_operand(const dbt_bpf_instruction *at, u32 left)
{
    switch (at->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return at->k < sizeof(dbt_bpf_data) && (at->k & 3) == 0;
    case BPF_ALU | BPF_DIV | BPF_K:
        return at->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
        return at->k < 32;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
        return at->k < BPF_MEMWORDS;
    case BPF_JMP | BPF_JA:
        return at->k < left;
    default:
        return !is_conditional(at) || (at->jt < left && at->jf < left);
    }
}

/* Whether no word is read before it was written, on any way through the program. */
static bool writes_before_reading(const dbt_bpf_instruction *program, u32 length)
{
    u16 written[BPF_MAXINSNS]; /* on all ways seen so far that lead to an instruction */
    u16 now = 0;
    memset(written, 0xff, length * sizeof written[0]);
    for (u32 at = 0; at < length; at++) {
        const dbt_bpf_instruction *instruction = &program[at];
        u16 *target = &written[at] + 1; /* jumps count from the next instruction */
        now &= written[at];
        switch (instruction->code) {
        case BPF_ST:
        case BPF_STX:
            now = (u16)(now | 1u << instruction->k);
            break;
        case BPF_LD | BPF_MEM:
        case BPF_LDX | BPF_MEM:
            if ((now >> instruction->k & 1) == 0) {
                return false;
            }
            break;
        case BPF_JMP | BPF_JA:
            target[instruction->k] &= now;
            now = 0xffff;
            break;
        default:
            if (is_conditional(instruction)) {
                target[instruction->jt] &= now;
                target[instruction->jf] &= now;
                now = 0xffff;
            }
            break;
        }
    }
    return true;
}

bool dbt_bpf_is_valid(const dbt_bpf_instruction *program, u32 length)
{
    if (length == 0 || length > BPF_MAXINSNS) {
        return false;
    }
    for (u32 at = 0; at < length; at++) {
        if (!is_allowed(program[at].code) ||
            !has_valid_operand(&program[at], length - at - 1)) {
            return false;
        }
    }
    return BPF_CLASS(program[length - 1].code) == BPF_RET && writes_before_reading(program, length);
}

static bool holds(u32 code, u32 left, u32 right)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return left == right;
    case BPF_JGT:
        return left > right;
    case BPF_JGE:
        return left >= right;
    default:
        return (left & right) != 0;
    }
}

static u32 compute(u32 code, u32 left, u32 right)
{
    switch (BPF_OP(code)) {
    case BPF_ADD:
        return left + right;
    case BPF_SUB:
        return left - right;
    case BPF_MUL:
        return left * right;
    case BPF_DIV:
        return left / right;
    case BPF_OR:
        return left | right;
    case BPF_AND:
        return left & right;
    case BPF_LSH:
        return left << (right & 31);
    case BPF_RSH:
        return left >> (right & 31);
    case BPF_XOR:
        return left ^ right;
    default:
        return 0u - left;
    }
}

bool dbt_bpf_run(const dbt_bpf_instruction *program, const dbt_bpf_data *data, u64 known_bytes,
                 u32 *answer)
{
    u32 words[BPF_MEMWORDS];
    u32 a = 0;
    u32 x = 0;
    for (const dbt_bpf_instruction *at = program;; at++) {
        u32 k = at->k;
        switch (at->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (k >= known_bytes) {
                return false;
            }
            memcpy(&a, (const u8 *)data + k, sizeof a);
            break;
        case BPF_LD | BPF_W | BPF_LEN:
            a = sizeof *data;
            break;
        case BPF_LDX | BPF_W | BPF_LEN:
            x = sizeof *data;
            break;
        case BPF_LD | BPF_IMM:
            a = k;
            break;
        case BPF_LDX | BPF_IMM:
            x = k;
            break;
        case BPF_LD | BPF_MEM:
            a = words[k];
            break;
        case BPF_LDX | BPF_MEM:
            x = words[k];
            break;
        case BPF_ST:
            words[k] = a;
            break;
        case BPF_STX:
            words[k] = x;
            break;
        case BPF_MISC | BPF_TAX:
            x = a;
            break;
        case BPF_MISC | BPF_TXA:
            a = x;
            break;
        case BPF_RET | BPF_K:
            *answer = k;
            return true;
        case BPF_RET | BPF_A:
            *answer = a;
            return true;
        case BPF_JMP | BPF_JA:
            at += k;
            break;
        case BPF_ALU | BPF_DIV | BPF_X:
            if (x == 0) {
                *answer = 0; /* as the kernel: the program ends there */
                return true;
            }
            a /= x;
            break;
        default: {
            u32 right = BPF_SRC(at->code) == BPF_X ? x : k;
            if (BPF_CLASS(at->code) == BPF_JMP) {
                at += holds(at->code, a, right) ? at->jt : at->jf;
            } else {
                a = compute(at->code, a, right);
            }
            break;
        }
        }
    }
}
