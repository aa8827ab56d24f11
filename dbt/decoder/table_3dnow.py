"""3DNow!: 0F 0F, ModRM operand, then the opcode as the last byte (grammar: table_format.py)."""

from typing import Final

MAP_3DNOW: Final = r"""
0C | pi2fw | =P Q              |
0D | pi2fd | =P Q              |
1C | pf2iw | =P Q              |
1D | pf2id | =P Q              |
8A | pfnacc | +P Q             |
8E | pfpnacc | +P Q            |
90 | pfcmpge | +P Q            |
94 | pfmin | +P Q              |
96 | pfrcp | =P Q              |
97 | pfrsqrt | =P Q            |
9A | pfsub | +P Q              |
9E | pfadd | +P Q              |
A0 | pfcmpgt | +P Q            |
A4 | pfmax | +P Q              |
A6 | pfrcpit1 | +P Q           |
A7 | pfrsqit1 | +P Q           |
AA | pfsubr | +P Q             |
AE | pfacc | +P Q              |
B0 | pfcmpeq | +P Q            |
B4 | pfmul | +P Q              |
B6 | pfrcpit2 | +P Q           |
B7 | pmulhrw | +P Q            |
BB | pswapd | =P Q             |
BF | pavgusb | +P Q            |
"""
