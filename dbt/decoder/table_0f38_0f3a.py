"""The legacy (no VEX) rows of the 0F38 and 0F3A opcode maps (grammar: table_format.py)."""

from typing import Final

MAP_0F38: Final = r"""
00 NP,66 | pshufb | +V W       |
01 NP,66 | phaddw | +V W       |
02 NP,66 | phaddd | +V W       |
03 NP,66 | phaddsw | +V W      |
04 NP,66 | pmaddubsw | +V W    |
05 NP,66 | phsubw | +V W       |
06 NP,66 | phsubd | +V W       |
07 NP,66 | phsubsw | +V W      |
08 NP,66 | psignb | +V W       |
09 NP,66 | psignw | +V W       |
0A NP,66 | psignd | +V W       |
0B NP,66 | pmulhrsw | +V W     |
10 66 | pblendvb | +V W        |
14 66 | blendvps | +V W        |
15 66 | blendvpd | +V W        |
17 66 | ptest | V W            | >OSZAPC
1C NP,66 | pabsb | =V W        |
1D NP,66 | pabsw | =V W        |
1E NP,66 | pabsd | =V W        |
20 66 | pmovsxbw | =V W        |
21 66 | pmovsxbd | =V W        |
22 66 | pmovsxbq | =V W        |
23 66 | pmovsxwd | =V W        |
24 66 | pmovsxwq | =V W        |
25 66 | pmovsxdq | =V W        |
28 66 | pmuldq | +V W          |
29 66 | pcmpeqq | +V W         |
2A 66 mem | movntdqa | =V M    |
2B 66 | packusdw | +V W        |
30 66 | pmovzxbw | =V W        |
31 66 | pmovzxbd | =V W        |
32 66 | pmovzxbq | =V W        |
33 66 | pmovzxwd | =V W        |
34 66 | pmovzxwq | =V W        |
35 66 | pmovzxdq | =V W        |
37 66 | pcmpgtq | +V W         |
38 66 | pminsb | +V W          |
39 66 | pminsd | +V W          |
3A 66 | pminuw | +V W          |
3B 66 | pminud | +V W          |
3C 66 | pmaxsb | +V W          |
3D 66 | pmaxsd | +V W          |
3E 66 | pmaxuw | +V W          |
3F 66 | pmaxud | +V W          |
40 66 | pmulld | +V W          |
41 66 | phminposuw | =V W      |
80 66 mem | invept | Gm M      | priv >OSZAPC
81 66 mem | invvpid | Gm M     | priv >OSZAPC
82 66 mem | invpcid | Gm M     | priv
C8 NP | sha1nexte | +V W       |
C9 NP | sha1msg1 | +V W        |
CA NP | sha1msg2 | +V W        |
CB NP | sha256rnds2 | +V W     |
CC NP | sha256msg1 | +V W      |
CD NP | sha256msg2 | +V W      |
CF 66 | gf2p8mulb | +V W       |
D8/0 F3 mem | aesencwide128kl | M | >OSZAPC
D8/1 F3 mem | aesdecwide128kl | M | >OSZAPC
D8/2 F3 mem | aesencwide256kl | M | >OSZAPC
D8/3 F3 mem | aesdecwide256kl | M | >OSZAPC
DB 66 | aesimc | =V W          |
DC 66 | aesenc | +V W          |
DC F3 reg | loadiwkey | V U (eax) | priv >OSZAPC
DC F3 mem | aesenc128kl | +V M | >OSZAPC
DD 66 | aesenclast | +V W      |
DD F3 mem | aesdec128kl | +V M | >OSZAPC
DE 66 | aesdec | +V W          |
DE F3 mem | aesenc256kl | +V M | >OSZAPC
DF 66 | aesdeclast | +V W      |
DF F3 mem | aesdec256kl | +V M | >OSZAPC
F0 NP mem | movbe | =Gv M      |
F0 66 mem | movbe | =Gv M      |
F0 F2 | crc32 | +Gy Eb         |
F1 NP mem | movbe | =Mv Gv     |
F1 66 mem | movbe | =Mv Gv     |
F1 F2 | crc32 | +Gy Ev         |
F5 66 mem | wruss | =My Gy     | priv
F6 NP mem | wrss | =My Gy      |
F6 66 | adcx | +Gy Ey          | <C >C
F6 F3 | adox | +Gy Ey          | <O >O
F8 66 mem | movdir64b | Ga M   | implicit memw
F8 F2 reg | urdmsr | =Rq Gq   | only64 sens
F8 F3 reg | uwrmsr | Gq Rq    | only64 sens
F8 F2 mem | enqcmd | Ga M      | implicit memw >OSZAPC
F8 F3 mem | enqcmds | Ga M     | implicit memw priv >OSZAPC
F9 NP mem | movdiri | =My Gy   |
FA F3 reg | encodekey128 | =Gd Rd | >OSZAPC
FB F3 reg | encodekey256 | =Gd Rd | >OSZAPC
FC NP mem | aadd | +My Gy      |
FC 66 mem | aand | +My Gy      |
FC F3 mem | axor | +My Gy      |
FC F2 mem | aor | +My Gy       |
"""

MAP_0F3A: Final = r"""
08 66 | roundps | =V W Ib      |
09 66 | roundpd | =V W Ib      |
0A 66 | roundss | =V W Ib      |
0B 66 | roundsd | =V W Ib      |
0C 66 | blendps | +V W Ib      |
0D 66 | blendpd | +V W Ib      |
0E 66 | pblendw | +V W Ib      |
0F NP,66 | palignr | +V W Ib   |
14 66 | pextrb | =Ed V Ib      |
15 66 | pextrw | =Ed V Ib     |
16 66 | pextrd | =Ey V Ib      |
17 66 | extractps | =Ed V Ib  |
20 66 | pinsrb | +V Ed Ib      |
21 66 | insertps | +V W Ib     |
22 66 | pinsrd | +V Ey Ib      |
40 66 | dpps | +V W Ib         |
41 66 | dppd | +V W Ib         |
42 66 | mpsadbw | +V W Ib      |
44 66 | pclmulqdq | +V W Ib    |
60 66 | pcmpestrm | V W Ib (rAX) (rDX) | >OSZAPC
61 66 | pcmpestri | V W Ib (rAX) (rDX) (=ecx) | >OSZAPC
62 66 | pcmpistrm | V W Ib     | >OSZAPC
63 66 | pcmpistri | V W Ib (=ecx) | >OSZAPC
CC NP | sha1rnds4 | +V W Ib    |
CE 66 | gf2p8affineqb | +V W Ib |
CF 66 | gf2p8affineinvqb | +V W Ib |
DF 66 | aeskeygenassist | =V W Ib |
F0:C0 F3 | hreset | Ib (eax)   | priv
"""
