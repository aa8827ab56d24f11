"""Hand-written cases, one line each: bytes, mode, what they are, and facts about them.

The third column is ``CLASS mnemonic`` or the error: INVALID or TRUNCATED. The whole input must be
one instruction. Facts: ``reads``, ``writes`` (registers), ``flags-read``, ``flags-written``,
``flags-undefined``, ``prefixes``, ``traits`` (comma-separated, exact), ``target``, ``imm``,
``disp`` and ``base`` (values), ``at`` (offsets of opcode, ModRM, SIB, displacement, immediate),
``size`` and ``addr`` (operand and address bytes). The pc is 0x1000.
"""

from __future__ import annotations

from typing import Final

import pytest

from dbt.decoder import Instruction, decode
from dbt.errors import DbtError, InvalidInstructionError, TruncatedInstructionError

CASES: Final = """
# Plain instructions and their effects.
4801d8 | 64 | IDENT add | reads=rax,rbx writes=rax flags-written=AF,CF,OF,PF,SF,ZF size=8
4801d8 | 64 | IDENT add | at=1,2,0,0,0
01d8 | 64 | IDENT add | size=4 traits=FUSIBLE,MODRM
6601d8 | 64 | IDENT add | size=2 reads=rax,rbx writes=rax prefixes=OPERAND
00e0 | 64 | IDENT add | reads=rax writes=rax size=1
4000e0 | 64 | IDENT add | reads=rax,rsp writes=rax prefixes=REX
4500c8 | 64 | IDENT add | reads=r8,r9 writes=r8
b001 | 64 | IDENT mov | reads=rax writes=rax imm=1
b801000080 | 64 | IDENT mov | reads= writes=rax imm=0x80000001
48b80102030405060708 | 64 | IDENT mov | imm=0x0807060504030201 at=1,0,0,0,2
48c7c0ffffffff | 64 | IDENT mov | imm=0xffffffffffffffff writes=rax reads=
4883c0ff | 64 | IDENT add | imm=0xffffffffffffffff
c1e003 | 64 | IDENT shl | imm=3 flags-written=CF,PF,SF,ZF flags-undefined=AF,OF
c1e001 | 64 | IDENT shl | flags-written=CF,OF,PF,SF,ZF flags-undefined=AF
c1e020 | 64 | IDENT shl | flags-written= flags-undefined=
48c1e020 | 64 | IDENT shl | flags-written=CF,PF,SF,ZF
d3e0 | 64 | IDENT shl | reads=rax,rcx flags-written= flags-undefined=AF,CF,OF,PF,SF,ZF
0fb6c0 | 64 | IDENT movzx | reads=rax writes=rax
0f44c1 | 64 | IDENT cmovz | reads=rax,rcx writes=rax flags-read=ZF
480fb10b | 64 | IDENT cmpxchg | reads=rax,rbx,rcx writes=rax
480fb10b | 64 | IDENT cmpxchg | traits=ADDRESS,MEMORY,MODRM,WRITES_MEMORY
f0480fb10b | 64 | IDENT cmpxchg | prefixes=LOCK,REX
f7f9 | 64 | IDENT idiv | reads=rax,rcx,rdx writes=rax,rdx
f6f1 | 64 | IDENT div | reads=rax,rcx writes=rax
99 | 64 | IDENT cwd | reads=rax writes=rdx
50 | 64 | IDENT push | reads=rax,rsp writes=rsp traits=STACK,WRITES_MEMORY size=8
4154 | 64 | IDENT push | reads=r12,rsp
6650 | 64 | IDENT push | size=2
668f00 | 64 | IDENT pop | size=2 reads=rax,rsp
c9 | 64 | IDENT leave | reads=rbp writes=rbp,rsp
c8100001 | 64 | IDENT enter | imm=0x10010 reads=rbp,rsp writes=rbp,rsp
f3a4 | 64 | IDENT movsb | reads=rcx,rdi,rsi writes=rcx,rdi,rsi flags-read=DF
f3a4 | 64 | IDENT movsb | traits=STRING,WRITES_MEMORY
a6 | 64 | IDENT cmpsb | reads=rdi,rsi writes=rdi,rsi flags-written=AF,CF,OF,PF,SF,ZF
f3a6 | 64 | IDENT cmpsb | flags-written= flags-undefined=AF,CF,OF,PF,SF,ZF
d7 | 64 | IDENT xlat | reads=rax,rbx writes=rax traits=IMPLICIT
a10807060504030201 | 64 | IDENT mov | imm=0x0102030405060708 writes=rax traits=IMPLICIT
67a104030201 | 64 | IDENT mov | imm=0x01020304 addr=4
66a10807060504030201 | 64 | IDENT mov | reads=rax writes=rax
# Memory operands.
8b0500000000 | 64 | PCREL mov | traits=ADDRESS,MEMORY,MODRM,RIP_RELATIVE disp=0 base=- at=0,1,0,2,0
8b05ffffffff | 32 | IDENT mov | traits=ADDRESS,MEMORY,MODRM disp=-1
488d0504030201 | 64 | PCREL lea | traits=ADDRESS,MODRM,RIP_RELATIVE disp=0x01020304
8b0425ffffffff | 64 | IDENT mov | disp=-1 base=- at=0,1,2,3,0
8b44257f | 64 | IDENT mov | disp=127 base=5 reads=rbp
8b4424f8 | 64 | IDENT mov | disp=-8 base=4 reads=rsp at=0,1,2,3,0
478b3c9f | 64 | IDENT mov | base=15 reads=r11,r15 writes=r15
678b00 | 64 | IDENT mov | addr=4
678b4001 | 32 | IDENT mov | addr=2 disp=1 reads=rbx,rsi
64488b042528000000 | 64 | IDENT mov | prefixes=FS,REX disp=0x28
65488b00 | 64 | IDENT mov | prefixes=GS,REX
65642e8b00 | 64 | IDENT mov | prefixes=CS,FS
c70500000000ffffffff | 64 | PCREL mov | at=0,1,0,2,6 imm=0xffffffffffffffff
c70500000000ffffffff | 64 | PCREL mov | traits=ADDRESS,MEMORY,MODRM,RIP_RELATIVE,WRITES_MEMORY
0f1f440000 | 64 | IDENT nop | traits=ADDRESS,MODRM reads=
0f180424 | 64 | IDENT prefetchnta | traits=ADDRESS,MODRM reads=rsp
# Control transfers.
e800000000 | 64 | CALL call | target=0x1005 reads=rsp writes=rsp
66e800000000 | 64 | CALL call | target=0x1006 size=8
66e80000 | 32 | CALL call | target=0x1004 size=2
eb00 | 64 | JMP jmp | target=0x1002
e9fbffffff | 64 | JMP jmp | target=0x1000
e9fbefffff | 64 | JMP jmp | target=0
e9faefffff | 64 | JMP jmp | target=0xffffffffffffffff
e9faefffff | 32 | JMP jmp | target=0xffffffff
7400 | 64 | JCC jz | target=0x1002 flags-read=ZF
3e7580 | 64 | JCC jnz | target=0xf83
0f8700000000 | 64 | JCC ja | target=0x1006 flags-read=CF,ZF
0f8f00000000 | 64 | JCC jg | flags-read=OF,SF,ZF
660f8700000000 | 64 | JCC ja | target=0x1007
e200 | 64 | LOOP loop | reads=rcx writes=rcx target=0x1002
e100 | 64 | LOOP loope | flags-read=ZF
67e300 | 64 | LOOP jrcxz | addr=4 reads=rcx writes=
c3 | 64 | RET ret | reads=rsp writes=rsp
c21000 | 64 | RET ret | imm=16
f3c3 | 64 | RET ret | prefixes=REP
f2c3 | 64 | RET ret | prefixes=REPNE
ffe0 | 64 | IJMP jmp | reads=rax size=8
ff242500100000 | 64 | IJMP jmp | traits=ADDRESS,MEMORY,MODRM
ff2500000000 | 64 | IJMP jmp | traits=ADDRESS,MEMORY,MODRM,RIP_RELATIVE
3effe0 | 64 | IJMP jmp | prefixes=DS
ff542408 | 64 | ICALL call | reads=rsp disp=8
41ffd3 | 64 | ICALL call | reads=r11,rsp
ff28 | 64 | FAR jmpf | reads=rax
cb | 64 | FAR retf |
48cf | 64 | FAR iret |
9a000000000000 | 32 | FAR call |
c7f800000000 | 64 | XBEGIN xbegin | target=0x1006
66c7f80000 | 64 | XBEGIN xbegin | target=0x1005
# System and sensitive instructions.
0f05 | 64 | SYSCALL syscall | writes=r11,rcx
0f34 | 64 | SYSENTER sysenter |
cd80 | 64 | SYSENTER int | imm=0x80
cd03 | 64 | TRAP int | imm=3
cc | 64 | TRAP int3 |
f1 | 64 | TRAP int1 |
0f0b | 64 | TRAP ud2 |
0fb9c0 | 64 | TRAP ud1 |
0fff05ffffffff | 64 | TRAP ud0 |
0fa2 | 64 | CPUID cpuid | reads=rax,rcx writes=rax,rbx,rcx,rdx
0f31 | 64 | SENSITIVE rdtsc | writes=rax,rdx
0f01f9 | 64 | SENSITIVE rdtscp | writes=rax,rcx,rdx
0f01d0 | 64 | SENSITIVE xgetbv |
0f00c0 | 64 | SENSITIVE sldt | writes=rax
0f0100 | 64 | SENSITIVE sgdt |
f30faec0 | 64 | IDENT rdfsbase | writes=rax
f3480faed8 | 64 | GSBASE wrgsbase | reads=rax
f3480faec8 | 64 | GSBASE rdgsbase | writes=rax
8ee8 | 64 | SEGMENT mov | reads=rax
8cd8 | 64 | IDENT mov |
8ce0 | 64 | SEGMENT mov |
0fa8 | 64 | SEGMENT push |
9d | 64 | POPF popf |
9c | 64 | IDENT pushf | flags-read=AC,AF,CF,DF,IF,NT,OF,PF,SF,TF,ZF
f4 | 64 | PRIVILEGED hlt |
ec | 64 | PRIVILEGED in |
0f20c0 | 64 | PRIVILEGED mov |
0f2018 | 64 | PRIVILEGED mov | traits=MODRM
0f01f8 | 64 | PRIVILEGED swapgs |
f30f1efa | 64 | IDENT endbr64 |
f30f1ec8 | 64 | IDENT rdssp | writes=rax
# REX, VEX, EVEX, XOP.
48660000 | 64 | IDENT add | size=1 prefixes=OPERAND
486601d8 | 64 | IDENT add | size=2 prefixes=OPERAND
c5f877 | 64 | IDENT vzeroupper | prefixes=VEX2
c5f858c1 | 64 | IDENT vaddps |
c4e2f8f2c1 | 64 | IDENT andn | reads=rax,rcx writes=rax prefixes=VEX3 size=8
c4e27bf6c1 | 64 | IDENT mulx | reads=rcx,rdx writes=rax
c4e27190040500000000 | 64 | INVALID
c4e2719004ed00000000 | 64 | IDENT vpgatherdd | traits=ADDRESS,MEMORY,MODRM,VECTOR,VSIB reads= base=-
62f17c4858c2 | 64 | IDENT vaddps | prefixes=EVEX
62f17c48584001 | 64 | IDENT vaddps | disp=64
62f17c58584001 | 64 | IDENT vaddps | disp=4
62f17c0858807f000000 | 64 | IDENT vaddps | disp=127
62f1ff08104001 | 64 | IDENT vmovsd | disp=8
62f17c4828050a000000 | 64 | PCREL vmovaps | disp=10
62f57c4858c1 | 64 | IDENT vaddph |
62f37d4803c101 | 64 | IDENT valignd | imm=1
8fe97880c1 | 64 | IDENT vfrczps | prefixes=XOP
8fe978e100 | 64 | IDENT vphsubbw |
8fea7810c000000000 | 64 | IDENT bextr |
0f0fc09e | 64 | IDENT pfadd |
0f0f40109e | 64 | IDENT pfadd | traits=ADDRESS,MEMORY,MODRM,VECTOR disp=16
c4e2434900 | 64 | INVALID
# What raises #UD.
06 | 64 | INVALID
06 | 32 | IDENT push | traits=STACK,WRITES_MEMORY
62c000000000 | 32 | INVALID
6200 | 32 | IDENT bound |
c500 | 32 | IDENT lds |
f090 | 64 | INVALID
f001d8 | 64 | INVALID
f00118 | 64 | IDENT add | prefixes=LOCK
f03918 | 64 | INVALID
f00f20c0 | 64 | INVALID
66c5f877 | 64 | INVALID
f3c5f877 | 64 | INVALID
f0c5f877 | 64 | INVALID
48c5f877 | 64 | INVALID
482ec5f877 | 64 | IDENT vzeroupper |
c5f077 | 64 | INVALID
62f17c6858c2 | 64 | INVALID
62f97c4858c2 | 64 | INVALID
62f1784858c2 | 64 | INVALID
62f17cc858c2 | 64 | INVALID
8ec8 | 64 | INVALID
c6c800 | 64 | INVALID
f30f28c0 | 64 | INVALID
0f0a | 64 | INVALID
fec8 | 64 | IDENT dec |
fed0 | 64 | INVALID
# Lengths at the bound of 15 bytes.
6666666666666666666666666690 | 64 | IDENT nop |
666666666666666666666666666690 | 64 | IDENT nop |
66666666666666666666666666666690 | 64 | INVALID
2e2e2e2e4881840000000000aaaaaaaa | 64 | INVALID
2e2e2e4881840000000000aaaaaaaa | 64 | IDENT add |
66 | 64 | TRUNCATED
0f | 64 | TRUNCATED
48 | 64 | TRUNCATED
8b | 64 | TRUNCATED
8b04 | 64 | TRUNCATED
8b0425000000 | 64 | TRUNCATED
c5f8 | 64 | TRUNCATED
62f17c4858 | 64 | TRUNCATED
e8000000 | 64 | TRUNCATED
0f0fc0 | 64 | TRUNCATED
"""


def _lines() -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for line in CASES.splitlines():
        if not line or line.startswith("#"):
            continue
        code, mode, *rest = (part.strip() for part in line.split("|"))
        lines.append((code, mode, rest[0], rest[1] if len(rest) > 1 else ""))
    return lines


def _fact(found: Instruction, key: str) -> str:
    sets = {
        "reads": found.registers_read,
        "writes": found.registers_written,
        "flags-read": found.flags_read,
        "flags-written": found.flags_written,
        "flags-undefined": found.flags_undefined,
        "prefixes": found.prefixes,
        "traits": found.traits,
    }
    if key in sets:
        return ",".join(sorted(sets[key]))
    if key == "at":
        return ",".join(
            str(place)
            for place in (
                found.opcode_at,
                found.modrm_at,
                found.sib_at,
                found.displacement_at,
                found.immediate_at,
            )
        )
    memory = found.memory
    if key == "base":
        return "-" if memory is None or memory.base is None else str(memory.base)
    raise KeyError(key)


def _number(found: Instruction, key: str) -> int | None:
    if key == "disp":
        return found.memory.displacement if found.memory else None
    return {
        "target": found.target,
        "imm": found.immediate,
        "size": found.operand_bytes,
        "addr": found.address_bytes,
    }[key]


@pytest.mark.parametrize(("code", "mode", "expected", "facts"), _lines())
def test_case(code: str, mode: str, expected: str, facts: str) -> None:
    data = bytes.fromhex(code)
    if expected in ("INVALID", "TRUNCATED"):
        error: type[DbtError] = InvalidInstructionError
        if expected == "TRUNCATED":
            error = TruncatedInstructionError
        with pytest.raises(error):
            decode(data, 0x1000, int(mode))
        return
    found, *more = decode(data, 0x1000, int(mode))
    assert not more
    assert f"{found.class_.name} {found.mnemonic}" == expected
    for fact in facts.split():
        key, _, value = fact.partition("=")
        if key in ("target", "imm", "disp", "size", "addr"):
            assert _number(found, key) == int(value, 0), key
        else:
            assert _fact(found, key) == value, key
