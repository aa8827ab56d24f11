/* Tests: vector and x87 registers keep their values over cold and warm control flow, indirect calls
 * and system calls. Argument: x87, sse, avx or avx512; prints "none" without the feature, else "ok".
 * Expected: status 0. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

__attribute__((noinline, target("general-regs-only"))) static long step(long x) { return x * 3 + 1; }
typedef long (*function)(long);
static function volatile pointer = step;

#define TRANSFERS "mov $6, %%ecx\n1: lea (%%rcx,%%rcx,2), %%rdi\n push %%rcx\n call *%%rbx\n pop %%rcx\n loop 1b\n" \
                  "mov $39, %%eax\n syscall\n jmp 2f\n2:\n"

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "sse";
    _Alignas(64) static unsigned char in[32][64], out[32][64];
    for (int i = 0; i < 32 * 64; i++)
        in[i / 64][i % 64] = (unsigned char)(i * 37 + 11);
    function target = pointer;
    for (int round = 0; round < 5; round++) {
        memset(out, 0, sizeof out);
        if (!strcmp(which, "x87")) {
            double values[6] = {1.5, 2.25, -3, 4e10, 5e-5, 6}, back[6];
            __asm__ volatile("sub $128, %%rsp\n fldl (%1)\n fldl 8(%1)\n fldl 16(%1)\n"
                             "fldl 24(%1)\n fldl 32(%1)\n fldl 40(%1)\n" TRANSFERS
                             "fstpl 40(%2)\n fstpl 32(%2)\n fstpl 24(%2)\n fstpl 16(%2)\n"
                             "fstpl 8(%2)\n fstpl (%2)\n add $128, %%rsp"
                             : : "b"(target), "r"(values), "r"(back)
                             : "rax", "rcx", "rdx", "rdi", "r11", "memory", "cc");
            if (memcmp(values, back, sizeof back)) return 1;
            continue;
        }
        if (!strcmp(which, "sse")) {
#define L(n) "movups 64*" #n "(%1), %%xmm" #n "\n"
#define S(n) "movups %%xmm" #n ", 64*" #n "(%2)\n"
#define ALL(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
            __asm__ volatile("sub $128, %%rsp\n" ALL(L) TRANSFERS ALL(S) "add $128, %%rsp"
                             : : "b"(target), "r"(&in[0][0]), "r"(&out[0][0])
                             : "rax", "rcx", "rdx", "rdi", "r11", "memory", "cc");
#undef L
#undef S
        } else if (!strcmp(which, "avx")) {
            if (!__builtin_cpu_supports("avx2")) { puts("none"); return 0; }
#define L(n) "vmovdqu 64*" #n "(%1), %%ymm" #n "\n"
#define S(n) "vmovdqu %%ymm" #n ", 64*" #n "(%2)\n"
            __asm__ volatile("sub $128, %%rsp\n" ALL(L) TRANSFERS ALL(S) "vzeroupper\n add $128, %%rsp"
                             : : "b"(target), "r"(&in[0][0]), "r"(&out[0][0])
                             : "rax", "rcx", "rdx", "rdi", "r11", "memory", "cc");
#undef L
#undef S
        } else {
            if (!__builtin_cpu_supports("avx512bw")) { puts("none"); return 0; }
            unsigned long mask_in = 0x123456789abcdef0, mask_out = 0;
            __asm__ volatile("sub $128, %%rsp\n kmovq %3, %%k5\n"
                             ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                             "vmovdqu64 64*\\n(%1), %%zmm\\n\n .endr\n" TRANSFERS
                             ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                             "vmovdqu64 %%zmm\\n, 64*\\n(%2)\n .endr\n kmovq %%k5, %0\n vzeroupper\n add $128, %%rsp"
                             : "=r"(mask_out) : "r"(&in[0][0]), "r"(&out[0][0]), "r"(mask_in), "b"(target)
                             : "rax", "rcx", "rdx", "rdi", "r11", "memory", "cc");
            if (mask_in != mask_out) return 2;
        }
        int registers = !strcmp(which, "avx512") ? 32 : 16;
        int bytes = !strcmp(which, "avx512") ? 64 : !strcmp(which, "avx") ? 32 : 16;
        for (int i = 0; i < registers; i++)
            if (memcmp(in[i], out[i], (size_t)bytes)) return 10 + i;
    }
    puts("ok");
    return 0;
}
