/* Tests: a program that copies a routine elsewhere, goes there, unmaps its own image and the stack it
 * was given, then runs on: prints from there, maps new code where its image was, runs it.
 * Expected: status 42, prints "elsewhere". */
        .intel_syntax noprefix
        .globl _start
        .text
_start:
        lea     r12, [rip + image_start]
        and     r12, -4096              /* our first page */
        xor     edi, edi                /* new home: 3 pages, read, write, execute */
        mov     esi, 12288
        mov     edx, 7
        mov     r10d, 0x22
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        mov     rbx, rax
        lea     rsi, [rip + image_start]
        mov     rdi, rbx
        mov     ecx, offset image_end - image_start
        rep     movsb
        mov     r13, rsp
        lea     rsp, [rbx + 12288]
        jmp     rbx

image_start:
        mov     rdi, r12                /* munmap(image, 64 KB) */
        mov     esi, 65536
        mov     eax, 11
        syscall
        test    rax, rax
        jnz     fail
        mov     rdi, r13                /* munmap(old stack): a page below and above rsp */
        and     rdi, -4096
        mov     esi, 4096
        mov     eax, 11
        syscall
        test    rax, rax
        jnz     fail
        mov     edi, 1                  /* write(1, text, 10) */
        lea     rsi, [rip + text]
        mov     edx, 10
        mov     eax, 1
        syscall
        mov     rdi, r12                /* mmap(image, 4096, rwx, private anonymous fixed) */
        mov     esi, 4096
        mov     edx, 7
        mov     r10d, 0x32
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, 9
        syscall
        cmp     rax, r12
        jne     fail
        mov     dword ptr [r12], 0x2abf /* mov edi, 42 */
        mov     byte ptr [r12 + 4], 0
        mov     byte ptr [r12 + 5], 0xc3
        call    r12
        mov     eax, 231
        syscall
fail:
        mov     edi, 1
        mov     eax, 231
        syscall
text:   .ascii  "elsewhere\n"
image_end:
