%macro block 1
label%1: mov rax, [rel data%1]
 lea rcx, [rax+rcx*4+%1]
 vaddps ymm1, ymm2, [rcx]
 vpaddd zmm3{k1}, zmm4, [rdx+%1*4]
 jnz label%1
data%1: dq label%1, %1*3
%endmacro
bits 64
default rel
%assign i 0
%rep COUNT
 block i
%assign i i+1
%endrep
