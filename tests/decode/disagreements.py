"""Where the decoder differs from Capstone or iced, each with what decides it.

A row is (maps, opcodes, verdict, condition, reason). Maps are names as in dbt/decoder/table.py or
``*``; opcodes are hex digits and ranges or ``*``. The verdict is about the other decoder: it
``accepts`` what we refuse, ``refuses`` what we accept, or gives another ``length``. The condition
is one of `CONDITIONS`. A disagreement that no row covers fails the test, and so does a row that
covers none. Sections are those of Intel's SDM, volume 2, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from dbt.decoder.table import MAPS, rows
from tests.decode import native


@dataclass(frozen=True)
class Difference:
    """One input on which two decoders differ."""

    data: bytes
    ours: int
    theirs: int
    raw: native.RawInstruction

    @property
    def verdict(self) -> str:
        if not self.ours:
            return "accepts"
        return "length" if self.theirs else "refuses"

    @property
    def map(self) -> str:
        return MAPS[int(self.raw.map)][0]

    @property
    def mnemonic(self) -> str:
        return rows()[int(self.raw.row) - 1][1].mnemonic if self.raw.row else ""

    @property
    def modrm(self) -> int:
        return self.data[int(self.raw.opcode_at) + 1]

    @property
    def reg(self) -> int:
        return self.modrm >> 3 & 7

    @property
    def evex(self) -> tuple[int, int, int]:
        return self.data[1], self.data[2], self.data[3]

    @cached_property
    def without_prefix(self) -> int:
        """Our length for the same bytes with 66, F2 and F3 taken out."""
        head = self.raw.opcode_at - {"0F": 1, "0F38": 2, "0F3A": 2}.get(self.map, 0)
        kept = bytes(b for b in self.data[:head] if b not in (0x66, 0xF2, 0xF3))
        return native.lengths((kept + self.data[head:] + bytes(4))[: native.STRIDE])[0]


Condition = Callable[[Difference], bool]
CONDITIONS: Final[dict[str, Condition]] = {
    "": lambda d: True,
    "prefix ignored": lambda d: d.without_prefix != 0,
    "66 near branch": lambda d: 0x66 in d.data[:2],
    "F2": lambda d: d.raw.mandatory == 3,
    "F3": lambda d: d.raw.mandatory == 2,
    "NP or F3": lambda d: d.raw.mandatory in (0, 2),
    "cs": lambda d: d.reg == 1,
    "register": lambda d: d.modrm >= 0xC0,
    "memory": lambda d: d.modrm < 0xC0,
    "fence": lambda d: d.modrm >= 0xE8 and d.modrm & 7 != 0,
    "gather": lambda d: d.modrm & 7 == 4 and d.modrm < 0xC0,
    "L'L 3": lambda d: d.evex[2] >> 5 & 3 == 3,
    "W1": lambda d: d.data[2] >> 7 == 1,
    "rounding": lambda d: bool(d.evex[2] & 0x10) and d.modrm >= 0xC0,
    "length ignored": lambda d: d.evex[2] >> 5 & 3 in (1, 2),
}

Row = tuple[str, str, str, str, str]

ICED: Final[tuple[Row, ...]] = (
    ("0F", "a6 a7", "accepts", "", "PadLock: only the bytes of its programming guide"),
    ("0F", "a6", "refuses", "", "MONTMUL with 64-bit addresses: left to the processor"),
    ("0F", "01", "refuses", "F2", "rmpread: AMD APM vol. 3, newer than this iced"),
    ("0F38", "f8", "refuses", "register", "urdmsr, uwrmsr: SDM vol. 2, newer than this iced"),
    ("VEX_7", "f6 f8", "refuses", "", "rdmsr, wrmsrns, urdmsr, uwrmsr with an immediate: newer"),
)

ICED_32: Final[tuple[Row, ...]] = (
    ("0F", "05 07", "accepts", "", "SYSCALL, SYSRET: #UD outside 64-bit mode (AMD allows them)"),
    ("0F", "a6 a7", "accepts", "", "PadLock: only the bytes of its programming guide"),
)

CAPSTONE: Final[tuple[Row, ...]] = (
    # What Capstone accepts although it raises #UD.
    ("EVEX_0F EVEX_0F38 EVEX_0F3A", "*", "accepts", "L'L 3", "L'L 11b is reserved, 2.7.10"),
    ("0F 0F38 0F3A", "*", "accepts", "prefix ignored", "reserved mandatory prefix, 2.1.1, A.2.1"),
    ("0F", "a6 a7", "accepts", "", "PadLock: REP is part of the encoding, but for XSTORE"),
    ("ONE_BYTE", "8e", "accepts", "cs", "MOV Sreg: CS as destination is #UD"),
    ("0F", "20 22", "accepts", "", "MOV CR: CR1, CR5 to CR7 and CR9 up are #UD"),
    ("VEX_0F38", "90-93", "accepts", "gather", "VPGATHER: two equal registers are #UD"),
    ("EVEX_0F38", "90-93", "accepts", "gather", "VPGATHER: destination equal to index is #UD"),
    # Lengths that Capstone gets wrong.
    ("0F", "80 81", "length", "66 near branch", "Jcc: 66 is ignored in 64-bit mode"),
    ("ONE_BYTE", "c2", "length", "66 near branch", "RET imm16: the immediate has two bytes"),
    ("0F", "b9 ff", "length", "", "UD: UD1 and UD0 have a ModRM byte"),
    # Reserved NOPs (table A-3 and 4.3, NOP), hints and register forms that Capstone refuses.
    ("0F", "0d 18 1c 1d 1e", "refuses", "", "table A-3: reserved NOP whatever ModRM"),
    ("0F", "1a 1b", "refuses", "", "table A-3: reserved NOP without MPX"),
    ("0F", "ae", "refuses", "fence", "LFENCE, MFENCE, SFENCE: ModRM.rm is ignored"),
    ("0F", "bc bd", "refuses", "F2", "BSF, BSR: F2 is ignored, as for TZCNT and LZCNT's absence"),
    (
        "ONE_BYTE",
        "dc dd de df",
        "refuses",
        "register",
        "aliases of FCOM, FCOMP, FXCH, FSTP: AMD APM"
        " vol. 3, table A-15; SDM table A-12 leaves them empty, processors accept them",
    ),
    # Extensions that this Capstone does not know.
    ("0F", "00", "refuses", "F2", "LKGS (FRED)"),
    ("0F", "a6 a7", "refuses", "", "PadLock: Zhaoxin's additions"),
    ("0F", "01", "refuses", "register", "newer system instructions: WRMSRNS, TDCALL, UIRET, ..."),
    ("0F", "c7", "refuses", "F3", "SENDUIPI"),
    ("0F38", "d8 dc-df fa fb", "refuses", "F3", "Key Locker"),
    ("0F38", "f8", "refuses", "", "ENQCMD, ENQCMDS, URDMSR, UWRMSR"),
    ("0F38", "fc", "refuses", "memory", "RAO-INT"),
    ("0F3A", "f0", "refuses", "F3", "HRESET"),
    ("VEX_0F38", "49 4b 5c 5e 6c", "refuses", "", "AMX"),
    ("VEX_0F38", "50-53 d2 d3", "refuses", "", "AVX-VNNI, -INT8, -INT16"),
    ("VEX_0F38", "72 b0 b1", "refuses", "", "AVX-NE-CONVERT"),
    ("VEX_0F38", "b4 b5", "refuses", "", "AVX-IFMA"),
    ("VEX_0F38", "cb-cd da", "refuses", "", "SHA512, SM3, SM4"),
    ("VEX_0F3A", "de", "refuses", "", "SM3"),
    ("VEX_0F38", "e0-ef", "refuses", "memory", "CMPccXADD"),
    ("VEX_7", "f6 f8", "refuses", "", "MSR access with an immediate"),
    ("EVEX_0F38", "52 72", "refuses", "", "AVX512-BF16"),
    ("EVEX_0F38", "68", "refuses", "F2", "AVX512-VP2INTERSECT"),
    ("EVEX_0F3A", "08 0a 26 27 56 57 66 67 c2", "refuses", "NP or F3", "AVX512-FP16"),
    ("EVEX_5 EVEX_6", "*", "refuses", "", "AVX512-FP16"),
    # Fields that are ignored, which Capstone wants to be 0.
    ("VEX_0F", "c4 c5", "refuses", "W1", "VPINSRW, VPEXTRW: WIG"),
    ("VEX_0F38", "06 2b", "refuses", "W1", "VPHSUBD, VPACKUSDW: WIG"),
    ("VEX_0F3A", "14 15 20 60-63", "refuses", "W1", "VPEXTRB, VPINSRB, VPCMPxSTRx: WIG or W1"),
    ("EVEX_0F", "d1 e1 f1", "refuses", "W1", "VPSRLW, VPSRAW, VPSLLW: WIG"),
    ("EVEX_0F3A", "0f", "refuses", "W1", "VPALIGNR: WIG"),
    ("EVEX_0F", "c2", "refuses", "length ignored", "VCMPSS, VCMPSD: LIG"),
    ("EVEX_0F38", "2d 43 4d 4f 9b ab cb cd", "refuses", "length ignored", "scalars: LIG"),
    ("EVEX_0F3A", "0a 0b 67", "refuses", "length ignored", "scalars: LIG"),
    (
        "EVEX_0F",
        "7a 7b e6",
        "refuses",
        "rounding",
        "VCVTUDQ2PD, VCVTDQ2PD, VCVTUSI2SD: rounding control is ignored where the result is exact",
    ),
)
