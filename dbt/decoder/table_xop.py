"""XOP-encoded rows: maps 8, 9 and A (grammar: table_format.py)."""

from typing import Final

XOP_8: Final = r"""
85 NP L0 W0    | vpmacssww        | =V H W L           |
86 NP L0 W0    | vpmacsswd        | =V H W L           |
87 NP L0 W0    | vpmacssdql       | =V H W L           |
8E NP L0 W0    | vpmacssdd        | =V H W L           |
8F NP L0 W0    | vpmacssdqh       | =V H W L           |
95 NP L0 W0    | vpmacsww         | =V H W L           |
96 NP L0 W0    | vpmacswd         | =V H W L           |
97 NP L0 W0    | vpmacsdql        | =V H W L           |
9E NP L0 W0    | vpmacsdd         | =V H W L           |
9F NP L0 W0    | vpmacsdqh        | =V H W L           |
A2 NP L01 W1   | vpcmov           | =V H L W           |
A2 NP L01 W0   | vpcmov           | =V H W L           |
A3 NP L0 W1    | vpperm           | =V H L W           |
A3 NP L0 W0    | vpperm           | =V H W L           |
A6 NP L0 W0    | vpmadcsswd       | =V H W L           |
B6 NP L0 W0    | vpmadcswd        | =V H W L           |
C0 NP L0 W0    | vprotb           | =V W Ib            |
C1 NP L0 W0    | vprotw           | =V W Ib            |
C2 NP L0 W0    | vprotd           | =V W Ib            |
C3 NP L0 W0    | vprotq           | =V W Ib            |
CC NP L0 W0    | vpcomb           | =V H W Ib          |
CD NP L0 W0    | vpcomw           | =V H W Ib          |
CE NP L0 W0    | vpcomd           | =V H W Ib          |
CF NP L0 W0    | vpcomq           | =V H W Ib          |
EC NP L0 W0    | vpcomub          | =V H W Ib          |
ED NP L0 W0    | vpcomuw          | =V H W Ib          |
EE NP L0 W0    | vpcomud          | =V H W Ib          |
EF NP L0 W0    | vpcomuq          | =V H W Ib          |
"""

XOP_9: Final = r"""
01/1 NP L0     | blcfill          | =By Ey             | >OSZC ~AP
01/2 NP L0     | blsfill          | =By Ey             | >OSZC ~AP
01/3 NP L0     | blcs             | =By Ey             | >OSZC ~AP
01/4 NP L0     | tzmsk            | =By Ey             | >OSZC ~AP
01/5 NP L0     | blcic            | =By Ey             | >OSZC ~AP
01/6 NP L0     | blsic            | =By Ey             | >OSZC ~AP
01/7 NP L0     | t1mskc           | =By Ey             | >OSZC ~AP
02/1 NP L0     | blcmsk           | =By Ey             | >OSZC ~AP
02/6 NP L0     | blci             | =By Ey             | >OSZC ~AP
12/0 NP L0     | llwpcb           | Ry                 | implicit
12/1 NP L0     | slwpcb           | =Ry                | implicit memw
80 NP L01 W0   | vfrczps          | =V W               |
81 NP L01 W0   | vfrczpd          | =V W               |
82 NP L0 W0    | vfrczss          | =V W               |
83 NP L0 W0    | vfrczsd          | =V W               |
90 NP L0 W1    | vprotb           | =V H W             |
90 NP L0 W0    | vprotb           | =V W H             |
91 NP L0 W1    | vprotw           | =V H W             |
91 NP L0 W0    | vprotw           | =V W H             |
92 NP L0 W1    | vprotd           | =V H W             |
92 NP L0 W0    | vprotd           | =V W H             |
93 NP L0 W1    | vprotq           | =V H W             |
93 NP L0 W0    | vprotq           | =V W H             |
94 NP L0 W1    | vpshlb           | =V H W             |
94 NP L0 W0    | vpshlb           | =V W H             |
95 NP L0 W1    | vpshlw           | =V H W             |
95 NP L0 W0    | vpshlw           | =V W H             |
96 NP L0 W1    | vpshld           | =V H W             |
96 NP L0 W0    | vpshld           | =V W H             |
97 NP L0 W1    | vpshlq           | =V H W             |
97 NP L0 W0    | vpshlq           | =V W H             |
98 NP L0 W1    | vpshab           | =V H W             |
98 NP L0 W0    | vpshab           | =V W H             |
99 NP L0 W1    | vpshaw           | =V H W             |
99 NP L0 W0    | vpshaw           | =V W H             |
9A NP L0 W1    | vpshad           | =V H W             |
9A NP L0 W0    | vpshad           | =V W H             |
9B NP L0 W1    | vpshaq           | =V H W             |
9B NP L0 W0    | vpshaq           | =V W H             |
C1 NP L0 W0    | vphaddbw         | =V W               |
C2 NP L0 W0    | vphaddbd         | =V W               |
C3 NP L0 W0    | vphaddbq         | =V W               |
C6 NP L0 W0    | vphaddwd         | =V W               |
C7 NP L0 W0    | vphaddwq         | =V W               |
CB NP L0 W0    | vphadddq         | =V W               |
D1 NP L0 W0    | vphaddubw        | =V W               |
D2 NP L0 W0    | vphaddubd        | =V W               |
D3 NP L0 W0    | vphaddubq        | =V W               |
D6 NP L0 W0    | vphadduwd        | =V W               |
D7 NP L0 W0    | vphadduwq        | =V W               |
DB NP L0 W0    | vphaddudq        | =V W               |
E1 NP L0 W0    | vphsubbw         | =V W               |
E2 NP L0 W0    | vphsubwd         | =V W               |
E3 NP L0 W0    | vphsubdq         | =V W               |
"""

XOP_A: Final = r"""
10 NP L0       | bextr            | =Gy Ey Id          | >OZC ~SAP
12/0 NP L0     | lwpins           | By Ed Id           | >C
12/1 NP L0     | lwpval           | By Ed Id           |
"""
