"""EVEX-encoded rows of maps 1 and 2 (grammar: table_format.py)."""

from typing import Final

EVEX_0F: Final = r"""
10 NP L012 W0  | vmovups          | =V W               | vl k z_
10 66 L012 W1  | vmovupd          | =V W               | vl k z_
10 F3 W0       | vmovss           | =V H U             | k z_
10 F3 W0       | vmovss           | =V M               | n4 k z_
10 F2 W1       | vmovsd           | =V H U             | k z_
10 F2 W1       | vmovsd           | =V M               | n8 k z_
11 NP L012 W0  | vmovups          | =W V               | vl k z_
11 66 L012 W1  | vmovupd          | =W V               | vl k z_
11 F3 W0       | vmovss           | =M V               | n4 k
11 F3 W0       | vmovss           | =U H V             | k z_
11 F2 W1       | vmovsd           | =M V               | n8 k
11 F2 W1       | vmovsd           | =U H V             | k z_
12 NP L0 W0    | vmovhlps         | =V H U             |
12 NP L0 W0    | vmovlps          | =V H M             | n8
12 66 L0 W1    | vmovlpd          | =V H M             | n8
12 F3 L012 W0  | vmovsldup        | =V W               | vl k z_
12 F2 L012 W1  | vmovddup         | =V W               | dup k z_
13 NP L0 W0    | vmovlps          | =M V               | n8
13 66 L0 W1    | vmovlpd          | =M V               | n8
14 NP L012 W0  | vunpcklps        | =V H W             | vl bc4 k z_
14 66 L012 W1  | vunpcklpd        | =V H W             | vl bc8 k z_
15 NP L012 W0  | vunpckhps        | =V H W             | vl bc4 k z_
15 66 L012 W1  | vunpckhpd        | =V H W             | vl bc8 k z_
16 NP L0 W0    | vmovhps          | =V H M             | n8
16 NP L0 W0    | vmovlhps         | =V H U             |
16 66 L0 W1    | vmovhpd          | =V H M             | n8
16 F3 L012 W0  | vmovshdup        | =V W               | vl k z_
17 NP L0 W0    | vmovhps          | =M V               | n8
17 66 L0 W1    | vmovhpd          | =M V               | n8
28 NP L012 W0  | vmovaps          | =V W               | vl k z_
28 66 L012 W1  | vmovapd          | =V W               | vl k z_
29 NP L012 W0  | vmovaps          | =W V               | vl k z_
29 66 L012 W1  | vmovapd          | =W V               | vl k z_
2A F3          | vcvtsi2ss        | =V H Ey            | ny er
2A F2 W0       | vcvtsi2sd        | =V H Ed            | n4 igner wig32 er
2A F2 W1       | vcvtsi2sd        | =V H Eq            | n8 only64 er
2B NP L012 W0  | vmovntps         | =M V               | vl
2B 66 L012 W1  | vmovntpd         | =M V               | vl
2C F3          | vcvttss2si       | =Gy W              | n4 sae
2C F2          | vcvttsd2si       | =Gy W              | n8 sae
2D F3          | vcvtss2si        | =Gy W              | n4 er
2D F2          | vcvtsd2si        | =Gy W              | n8 er
2E NP W0       | vucomiss         | V W                | n4 sae >OSZAPC
2E 66 W1       | vucomisd         | V W                | n8 sae >OSZAPC
2F NP W0       | vcomiss          | V W                | n4 sae >OSZAPC
2F 66 W1       | vcomisd          | V W                | n8 sae >OSZAPC
51 NP L012 W0  | vsqrtps          | =V W               | vl bc4 k z_ er
51 66 L012 W1  | vsqrtpd          | =V W               | vl bc8 k z_ er
51 F3 W0       | vsqrtss          | =V H W             | n4 k z_ er
51 F2 W1       | vsqrtsd          | =V H W             | n8 k z_ er
54 NP L012 W0  | vandps           | =V H W             | vl bc4 k z_
54 66 L012 W1  | vandpd           | =V H W             | vl bc8 k z_
55 NP L012 W0  | vandnps          | =V H W             | vl bc4 k z_
55 66 L012 W1  | vandnpd          | =V H W             | vl bc8 k z_
56 NP L012 W0  | vorps            | =V H W             | vl bc4 k z_
56 66 L012 W1  | vorpd            | =V H W             | vl bc8 k z_
57 NP L012 W0  | vxorps           | =V H W             | vl bc4 k z_
57 66 L012 W1  | vxorpd           | =V H W             | vl bc8 k z_
58 NP L012 W0  | vaddps           | =V H W             | vl bc4 k z_ er
58 66 L012 W1  | vaddpd           | =V H W             | vl bc8 k z_ er
58 F3 W0       | vaddss           | =V H W             | n4 k z_ er
58 F2 W1       | vaddsd           | =V H W             | n8 k z_ er
59 NP L012 W0  | vmulps           | =V H W             | vl bc4 k z_ er
59 66 L012 W1  | vmulpd           | =V H W             | vl bc8 k z_ er
59 F3 W0       | vmulss           | =V H W             | n4 k z_ er
59 F2 W1       | vmulsd           | =V H W             | n8 k z_ er
5A NP L012 W0  | vcvtps2pd        | =V W               | vl/2 bc4 k z_ sae
5A 66 L012 W1  | vcvtpd2ps        | =V W               | vl bc8 k z_ er
5A F3 W0       | vcvtss2sd        | =V H W             | n4 k z_ sae
5A F2 W1       | vcvtsd2ss        | =V H W             | n8 k z_ er
5B NP L012 W0  | vcvtdq2ps        | =V W               | vl bc4 k z_ er
5B NP L012 W1  | vcvtqq2ps        | =V W               | vl bc8 k z_ er
5B 66 L012 W0  | vcvtps2dq        | =V W               | vl bc4 k z_ er
5B F3 L012 W0  | vcvttps2dq       | =V W               | vl bc4 k z_ sae
5C NP L012 W0  | vsubps           | =V H W             | vl bc4 k z_ er
5C 66 L012 W1  | vsubpd           | =V H W             | vl bc8 k z_ er
5C F3 W0       | vsubss           | =V H W             | n4 k z_ er
5C F2 W1       | vsubsd           | =V H W             | n8 k z_ er
5D NP L012 W0  | vminps           | =V H W             | vl bc4 k z_ sae
5D 66 L012 W1  | vminpd           | =V H W             | vl bc8 k z_ sae
5D F3 W0       | vminss           | =V H W             | n4 k z_ sae
5D F2 W1       | vminsd           | =V H W             | n8 k z_ sae
5E NP L012 W0  | vdivps           | =V H W             | vl bc4 k z_ er
5E 66 L012 W1  | vdivpd           | =V H W             | vl bc8 k z_ er
5E F3 W0       | vdivss           | =V H W             | n4 k z_ er
5E F2 W1       | vdivsd           | =V H W             | n8 k z_ er
5F NP L012 W0  | vmaxps           | =V H W             | vl bc4 k z_ sae
5F 66 L012 W1  | vmaxpd           | =V H W             | vl bc8 k z_ sae
5F F3 W0       | vmaxss           | =V H W             | n4 k z_ sae
5F F2 W1       | vmaxsd           | =V H W             | n8 k z_ sae
60 66 L012     | vpunpcklbw       | =V H W             | vl k z_
61 66 L012     | vpunpcklwd       | =V H W             | vl k z_
62 66 L012 W0  | vpunpckldq       | =V H W             | vl bc4 k z_
63 66 L012     | vpacksswb        | =V H W             | vl k z_
64 66 L012     | vpcmpgtb         | =KG H W            | vl k
65 66 L012     | vpcmpgtw         | =KG H W            | vl k
66 66 L012 W0  | vpcmpgtd         | =KG H W            | vl bc4 k
67 66 L012     | vpackuswb        | =V H W             | vl k z_
68 66 L012     | vpunpckhbw       | =V H W             | vl k z_
69 66 L012     | vpunpckhwd       | =V H W             | vl k z_
6A 66 L012 W0  | vpunpckhdq       | =V H W             | vl bc4 k z_
6B 66 L012 W0  | vpackssdw        | =V H W             | vl bc4 k z_
6C 66 L012 W1  | vpunpcklqdq      | =V H W             | vl bc8 k z_
6D 66 L012 W1  | vpunpckhqdq      | =V H W             | vl bc8 k z_
6E 66 L0 W0    | vmovd            | =V Ed              | n4 wig32
6E 66 L0 W1    | vmovq            | =V Eq              | n8 only64
6F 66 L012 W0  | vmovdqa32        | =V W               | vl k z_
6F 66 L012 W1  | vmovdqa64        | =V W               | vl k z_
6F F3 L012 W0  | vmovdqu32        | =V W               | vl k z_
6F F3 L012 W1  | vmovdqu64        | =V W               | vl k z_
6F F2 L012 W1  | vmovdqu16        | =V W               | vl k z_
6F F2 L012 W0  | vmovdqu8         | =V W               | vl k z_
70 66 L012 W0  | vpshufd          | =V W Ib            | vl bc4 k z_
70 F3 L012     | vpshufhw         | =V W Ib            | vl k z_
70 F2 L012     | vpshuflw         | =V W Ib            | vl k z_
71/2 66 L012   | vpsrlw           | =H W Ib            | vl k z_
71/4 66 L012   | vpsraw           | =H W Ib            | vl k z_
71/6 66 L012   | vpsllw           | =H W Ib            | vl k z_
72/0 66 L012 W0 | vprord           | =H W Ib            | vl bc4 k z_
72/0 66 L012 W1 | vprorq           | =H W Ib            | vl bc8 k z_
72/1 66 L012 W0 | vprold           | =H W Ib            | vl bc4 k z_
72/1 66 L012 W1 | vprolq           | =H W Ib            | vl bc8 k z_
72/2 66 L012 W0 | vpsrld           | =H W Ib            | vl bc4 k z_
72/4 66 L012 W0 | vpsrad           | =H W Ib            | vl bc4 k z_
72/4 66 L012 W1 | vpsraq           | =H W Ib            | vl bc8 k z_
72/6 66 L012 W0 | vpslld           | =H W Ib            | vl bc4 k z_
73/2 66 L012 W1 | vpsrlq           | =H W Ib            | vl bc8 k z_
73/3 66 L012   | vpsrldq          | =H W Ib            | vl
73/6 66 L012 W1 | vpsllq           | =H W Ib            | vl bc8 k z_
73/7 66 L012   | vpslldq          | =H W Ib            | vl
74 66 L012     | vpcmpeqb         | =KG H W            | vl k
75 66 L012     | vpcmpeqw         | =KG H W            | vl k
76 66 L012 W0  | vpcmpeqd         | =KG H W            | vl bc4 k
78 NP L012 W1  | vcvttpd2udq      | =V W               | vl bc8 k z_ sae
78 NP L012 W0  | vcvttps2udq      | =V W               | vl bc4 k z_ sae
78 66 L012 W1  | vcvttpd2uqq      | =V W               | vl bc8 k z_ sae
78 66 L012 W0  | vcvttps2uqq      | =V W               | vl/2 bc4 k z_ sae
78 F3          | vcvttss2usi      | =Gy W              | n4 sae
78 F2          | vcvttsd2usi      | =Gy W              | n8 sae
79 NP L012 W1  | vcvtpd2udq       | =V W               | vl bc8 k z_ er
79 NP L012 W0  | vcvtps2udq       | =V W               | vl bc4 k z_ er
79 66 L012 W1  | vcvtpd2uqq       | =V W               | vl bc8 k z_ er
79 66 L012 W0  | vcvtps2uqq       | =V W               | vl/2 bc4 k z_ er
79 F3          | vcvtss2usi       | =Gy W              | n4 er
79 F2          | vcvtsd2usi       | =Gy W              | n8 er
7A 66 L012 W1  | vcvttpd2qq       | =V W               | vl bc8 k z_ sae
7A 66 L012 W0  | vcvttps2qq       | =V W               | vl/2 bc4 k z_ sae
7A F3 L01 W0   | vcvtudq2pd       | =V W               | vl/2 bc4 k z_
7A F3 L2 W0    | vcvtudq2pd       | =V W               | n32 bc4 igner k z_ er
7A F3 L012 W1  | vcvtuqq2pd       | =V W               | vl bc8 k z_ er
7A F2 L012 W0  | vcvtudq2ps       | =V W               | vl bc4 k z_ er
7A F2 L012 W1  | vcvtuqq2ps       | =V W               | vl bc8 k z_ er
7B 66 L012 W1  | vcvtpd2qq        | =V W               | vl bc8 k z_ er
7B 66 L012 W0  | vcvtps2qq        | =V W               | vl/2 bc4 k z_ er
7B F3          | vcvtusi2ss       | =V H Ey            | ny er
7B F2 W0       | vcvtusi2sd       | =V H Ed            | n4 igner wig32 er
7B F2 W1       | vcvtusi2sd       | =V H Eq            | n8 only64 er
7E 66 L0 W0    | vmovd            | =Ed V              | n4 wig32
7E 66 L0 W1    | vmovq            | =Eq V              | n8 only64
7E F3 L0 W1    | vmovq            | =V W               | n8
7F 66 L012 W0  | vmovdqa32        | =W V               | vl k z_
7F 66 L012 W1  | vmovdqa64        | =W V               | vl k z_
7F F3 L012 W0  | vmovdqu32        | =W V               | vl k z_
7F F3 L012 W1  | vmovdqu64        | =W V               | vl k z_
7F F2 L012 W1  | vmovdqu16        | =W V               | vl k z_
7F F2 L012 W0  | vmovdqu8         | =W V               | vl k z_
C2 NP L012 W0  | vcmpps           | =KG H W Ib         | vl bc4 k sae
C2 66 L012 W1  | vcmppd           | =KG H W Ib         | vl bc8 k sae
C2 F3 W0       | vcmpss           | =KG H W Ib         | n4 k sae
C2 F2 W1       | vcmpsd           | =KG H W Ib         | n8 k sae
C4 66 L0       | vpinsrw          | =V H Ey Ib         | n2
C5 66 L0       | vpextrw          | =Gy U Ib           |
C6 NP L012 W0  | vshufps          | =V H W Ib          | vl bc4 k z_
C6 66 L012 W1  | vshufpd          | =V H W Ib          | vl bc8 k z_
D1 66 L012     | vpsrlw           | =V H W             | n16 k z_
D2 66 L012 W0  | vpsrld           | =V H W             | n16 k z_
D3 66 L012 W1  | vpsrlq           | =V H W             | n16 k z_
D4 66 L012 W1  | vpaddq           | =V H W             | vl bc8 k z_
D5 66 L012     | vpmullw          | =V H W             | vl k z_
D6 66 L0 W1    | vmovq            | =W V               | n8
D8 66 L012     | vpsubusb         | =V H W             | vl k z_
D9 66 L012     | vpsubusw         | =V H W             | vl k z_
DA 66 L012     | vpminub          | =V H W             | vl k z_
DB 66 L012 W0  | vpandd           | =V H W             | vl bc4 k z_
DB 66 L012 W1  | vpandq           | =V H W             | vl bc8 k z_
DC 66 L012     | vpaddusb         | =V H W             | vl k z_
DD 66 L012     | vpaddusw         | =V H W             | vl k z_
DE 66 L012     | vpmaxub          | =V H W             | vl k z_
DF 66 L012 W0  | vpandnd          | =V H W             | vl bc4 k z_
DF 66 L012 W1  | vpandnq          | =V H W             | vl bc8 k z_
E0 66 L012     | vpavgb           | =V H W             | vl k z_
E1 66 L012     | vpsraw           | =V H W             | n16 k z_
E2 66 L012 W0  | vpsrad           | =V H W             | n16 k z_
E2 66 L012 W1  | vpsraq           | =V H W             | n16 k z_
E3 66 L012     | vpavgw           | =V H W             | vl k z_
E4 66 L012     | vpmulhuw         | =V H W             | vl k z_
E5 66 L012     | vpmulhw          | =V H W             | vl k z_
E6 66 L012 W1  | vcvttpd2dq       | =V W               | vl bc8 k z_ sae
E6 F3 L01 W0   | vcvtdq2pd        | =V W               | vl/2 bc4 k z_
E6 F3 L2 W0    | vcvtdq2pd        | =V W               | n32 bc4 igner k z_ er
E6 F3 L012 W1  | vcvtqq2pd        | =V W               | vl bc8 k z_ er
E6 F2 L012 W1  | vcvtpd2dq        | =V W               | vl bc8 k z_ er
E7 66 L012 W0  | vmovntdq         | =M V               | vl
E8 66 L012     | vpsubsb          | =V H W             | vl k z_
E9 66 L012     | vpsubsw          | =V H W             | vl k z_
EA 66 L012     | vpminsw          | =V H W             | vl k z_
EB 66 L012 W0  | vpord            | =V H W             | vl bc4 k z_
EB 66 L012 W1  | vporq            | =V H W             | vl bc8 k z_
EC 66 L012     | vpaddsb          | =V H W             | vl k z_
ED 66 L012     | vpaddsw          | =V H W             | vl k z_
EE 66 L012     | vpmaxsw          | =V H W             | vl k z_
EF 66 L012 W0  | vpxord           | =V H W             | vl bc4 k z_
EF 66 L012 W1  | vpxorq           | =V H W             | vl bc8 k z_
F1 66 L012     | vpsllw           | =V H W             | n16 k z_
F2 66 L012 W0  | vpslld           | =V H W             | n16 k z_
F3 66 L012 W1  | vpsllq           | =V H W             | n16 k z_
F4 66 L012 W1  | vpmuludq         | =V H W             | vl bc8 k z_
F5 66 L012     | vpmaddwd         | =V H W             | vl k z_
F6 66 L012     | vpsadbw          | =V H W             | vl
F8 66 L012     | vpsubb           | =V H W             | vl k z_
F9 66 L012     | vpsubw           | =V H W             | vl k z_
FA 66 L012 W0  | vpsubd           | =V H W             | vl bc4 k z_
FB 66 L012 W1  | vpsubq           | =V H W             | vl bc8 k z_
FC 66 L012     | vpaddb           | =V H W             | vl k z_
FD 66 L012     | vpaddw           | =V H W             | vl k z_
FE 66 L012 W0  | vpaddd           | =V H W             | vl bc4 k z_
"""

EVEX_0F38: Final = r"""
00 66 L012     | vpshufb          | =V H W             | vl k z_
04 66 L012     | vpmaddubsw       | =V H W             | vl k z_
0B 66 L012     | vpmulhrsw        | =V H W             | vl k z_
0C 66 L012 W0  | vpermilps        | =V H W             | vl bc4 k z_
0D 66 L012 W1  | vpermilpd        | =V H W             | vl bc8 k z_
10 66 L012 W1  | vpsrlvw          | =V H W             | vl k z_
10 F3 L012 W0  | vpmovuswb        | =W V               | vl/2 k z_
11 66 L012 W1  | vpsravw          | =V H W             | vl k z_
11 F3 L012 W0  | vpmovusdb        | =W V               | vl/4 k z_
12 66 L012 W1  | vpsllvw          | =V H W             | vl k z_
12 F3 L012 W0  | vpmovusqb        | =W V               | vl/8 k z_
13 66 L012 W0  | vcvtph2ps        | =V W               | vl/2 k z_ sae
13 F3 L012 W0  | vpmovusdw        | =W V               | vl/2 k z_
14 66 L012 W0  | vprorvd          | =V H W             | vl bc4 k z_
14 66 L012 W1  | vprorvq          | =V H W             | vl bc8 k z_
14 F3 L012 W0  | vpmovusqw        | =W V               | vl/4 k z_
15 66 L012 W0  | vprolvd          | =V H W             | vl bc4 k z_
15 66 L012 W1  | vprolvq          | =V H W             | vl bc8 k z_
15 F3 L012 W0  | vpmovusqd        | =W V               | vl/2 k z_
16 66 L12 W1   | vpermpd          | =V H W             | vl bc8 k z_
16 66 L12 W0   | vpermps          | =V H W             | vl bc4 k z_
18 66 L012 W0  | vbroadcastss     | =V W               | n4 k z_
19 66 L12 W0   | vbroadcastf32x2  | =V W               | n8 k z_
19 66 L12 W1   | vbroadcastsd     | =V W               | n8 k z_
1A 66 L12 W0   | vbroadcastf32x4  | =V M               | n16 k z_
1A 66 L12 W1   | vbroadcastf64x2  | =V M               | n16 k z_
1B 66 L2 W0    | vbroadcastf32x8  | =V M               | n32 k z_
1B 66 L2 W1    | vbroadcastf64x4  | =V M               | n32 k z_
1C 66 L012     | vpabsb           | =V W               | vl k z_
1D 66 L012     | vpabsw           | =V W               | vl k z_
1E 66 L012 W0  | vpabsd           | =V W               | vl bc4 k z_
1F 66 L012 W1  | vpabsq           | =V W               | vl bc8 k z_
20 66 L012     | vpmovsxbw        | =V W               | vl/2 k z_
20 F3 L012 W0  | vpmovswb         | =W V               | vl/2 k z_
21 66 L012     | vpmovsxbd        | =V W               | vl/4 k z_
21 F3 L012 W0  | vpmovsdb         | =W V               | vl/4 k z_
22 66 L012     | vpmovsxbq        | =V W               | vl/8 k z_
22 F3 L012 W0  | vpmovsqb         | =W V               | vl/8 k z_
23 66 L012     | vpmovsxwd        | =V W               | vl/2 k z_
23 F3 L012 W0  | vpmovsdw         | =W V               | vl/2 k z_
24 66 L012     | vpmovsxwq        | =V W               | vl/4 k z_
24 F3 L012 W0  | vpmovsqw         | =W V               | vl/4 k z_
25 66 L012 W0  | vpmovsxdq        | =V W               | vl/2 k z_
25 F3 L012 W0  | vpmovsqd         | =W V               | vl/2 k z_
26 66 L012 W0  | vptestmb         | =KG H W            | vl k
26 66 L012 W1  | vptestmw         | =KG H W            | vl k
26 F3 L012 W0  | vptestnmb        | =KG H W            | vl k
26 F3 L012 W1  | vptestnmw        | =KG H W            | vl k
27 66 L012 W0  | vptestmd         | =KG H W            | vl bc4 k
27 66 L012 W1  | vptestmq         | =KG H W            | vl bc8 k
27 F3 L012 W0  | vptestnmd        | =KG H W            | vl bc4 k
27 F3 L012 W1  | vptestnmq        | =KG H W            | vl bc8 k
28 66 L012 W1  | vpmuldq          | =V H W             | vl bc8 k z_
28 F3 L012 W0  | vpmovm2b         | =V KR              |
28 F3 L012 W1  | vpmovm2w         | =V KR              |
29 66 L012 W1  | vpcmpeqq         | =KG H W            | vl bc8 k
29 F3 L012 W0  | vpmovb2m         | =KG U              |
29 F3 L012 W1  | vpmovw2m         | =KG U              |
2A 66 L012 W0  | vmovntdqa        | =V M               | vl
2A F3 L012 W1  | vpbroadcastmb2q  | =V KR              |
2B 66 L012 W0  | vpackusdw        | =V H W             | vl bc4 k z_
2C 66 L012 W1  | vscalefpd        | =V H W             | vl bc8 k z_ er
2C 66 L012 W0  | vscalefps        | =V H W             | vl bc4 k z_ er
2D 66 W1       | vscalefsd        | =V H W             | n8 k z_ er
2D 66 W0       | vscalefss        | =V H W             | n4 k z_ er
30 66 L012     | vpmovzxbw        | =V W               | vl/2 k z_
30 F3 L012 W0  | vpmovwb          | =W V               | vl/2 k z_
31 66 L012     | vpmovzxbd        | =V W               | vl/4 k z_
31 F3 L012 W0  | vpmovdb          | =W V               | vl/4 k z_
32 66 L012     | vpmovzxbq        | =V W               | vl/8 k z_
32 F3 L012 W0  | vpmovqb          | =W V               | vl/8 k z_
33 66 L012     | vpmovzxwd        | =V W               | vl/2 k z_
33 F3 L012 W0  | vpmovdw          | =W V               | vl/2 k z_
34 66 L012     | vpmovzxwq        | =V W               | vl/4 k z_
34 F3 L012 W0  | vpmovqw          | =W V               | vl/4 k z_
35 66 L012 W0  | vpmovzxdq        | =V W               | vl/2 k z_
35 F3 L012 W0  | vpmovqd          | =W V               | vl/2 k z_
36 66 L12 W0   | vpermd           | =V H W             | vl bc4 k z_
36 66 L12 W1   | vpermq           | =V H W             | vl bc8 k z_
37 66 L012 W1  | vpcmpgtq         | =KG H W            | vl bc8 k
38 66 L012     | vpminsb          | =V H W             | vl k z_
38 F3 L012 W0  | vpmovm2d         | =V KR              |
38 F3 L012 W1  | vpmovm2q         | =V KR              |
39 66 L012 W0  | vpminsd          | =V H W             | vl bc4 k z_
39 66 L012 W1  | vpminsq          | =V H W             | vl bc8 k z_
39 F3 L012 W0  | vpmovd2m         | =KG U              |
39 F3 L012 W1  | vpmovq2m         | =KG U              |
3A 66 L012     | vpminuw          | =V H W             | vl k z_
3A F3 L012 W0  | vpbroadcastmw2d  | =V KR              |
3B 66 L012 W0  | vpminud          | =V H W             | vl bc4 k z_
3B 66 L012 W1  | vpminuq          | =V H W             | vl bc8 k z_
3C 66 L012     | vpmaxsb          | =V H W             | vl k z_
3D 66 L012 W0  | vpmaxsd          | =V H W             | vl bc4 k z_
3D 66 L012 W1  | vpmaxsq          | =V H W             | vl bc8 k z_
3E 66 L012     | vpmaxuw          | =V H W             | vl k z_
3F 66 L012 W0  | vpmaxud          | =V H W             | vl bc4 k z_
3F 66 L012 W1  | vpmaxuq          | =V H W             | vl bc8 k z_
40 66 L012 W0  | vpmulld          | =V H W             | vl bc4 k z_
40 66 L012 W1  | vpmullq          | =V H W             | vl bc8 k z_
42 66 L012 W1  | vgetexppd        | =V W               | vl bc8 k z_ sae
42 66 L012 W0  | vgetexpps        | =V W               | vl bc4 k z_ sae
43 66 W1       | vgetexpsd        | =V H W             | n8 k z_ sae
43 66 W0       | vgetexpss        | =V H W             | n4 k z_ sae
44 66 L012 W0  | vplzcntd         | =V W               | vl bc4 k z_
44 66 L012 W1  | vplzcntq         | =V W               | vl bc8 k z_
45 66 L012 W0  | vpsrlvd          | =V H W             | vl bc4 k z_
45 66 L012 W1  | vpsrlvq          | =V H W             | vl bc8 k z_
46 66 L012 W0  | vpsravd          | =V H W             | vl bc4 k z_
46 66 L012 W1  | vpsravq          | =V H W             | vl bc8 k z_
47 66 L012 W0  | vpsllvd          | =V H W             | vl bc4 k z_
47 66 L012 W1  | vpsllvq          | =V H W             | vl bc8 k z_
4C 66 L012 W1  | vrcp14pd         | =V W               | vl bc8 k z_
4C 66 L012 W0  | vrcp14ps         | =V W               | vl bc4 k z_
4D 66 W1       | vrcp14sd         | =V H W             | n8 k z_
4D 66 W0       | vrcp14ss         | =V H W             | n4 k z_
4E 66 L012 W1  | vrsqrt14pd       | =V W               | vl bc8 k z_
4E 66 L012 W0  | vrsqrt14ps       | =V W               | vl bc4 k z_
4F 66 W1       | vrsqrt14sd       | =V H W             | n8 k z_
4F 66 W0       | vrsqrt14ss       | =V H W             | n4 k z_
50 66 L012 W0  | vpdpbusd         | +V H W             | vl bc4 k z_
51 66 L012 W0  | vpdpbusds        | +V H W             | vl bc4 k z_
52 66 L012 W0  | vpdpwssd         | +V H W             | vl bc4 k z_
52 F3 L012 W0  | vdpbf16ps        | +V H W             | vl bc4 k z_
52 F2 L2 W0    | vp4dpwssd        | +V H4 M            | n16 k z_
53 66 L012 W0  | vpdpwssds        | +V H W             | vl bc4 k z_
53 F2 L2 W0    | vp4dpwssds       | +V H4 M            | n16 k z_
54 66 L012 W0  | vpopcntb         | =V W               | vl k z_
54 66 L012 W1  | vpopcntw         | =V W               | vl k z_
55 66 L012 W0  | vpopcntd         | =V W               | vl bc4 k z_
55 66 L012 W1  | vpopcntq         | =V W               | vl bc8 k z_
58 66 L012 W0  | vpbroadcastd     | =V W               | n4 k z_
59 66 L012 W0  | vbroadcasti32x2  | =V W               | n8 k z_
59 66 L012 W1  | vpbroadcastq     | =V W               | n8 k z_
5A 66 L12 W0   | vbroadcasti32x4  | =V M               | n16 k z_
5A 66 L12 W1   | vbroadcasti64x2  | =V M               | n16 k z_
5B 66 L2 W0    | vbroadcasti32x8  | =V M               | n32 k z_
5B 66 L2 W1    | vbroadcasti64x4  | =V M               | n32 k z_
62 66 L012 W0  | vpexpandb        | =V W               | n1 k z_
62 66 L012 W1  | vpexpandw        | =V W               | n2 k z_
63 66 L012 W0  | vpcompressb      | =W V               | n1 k z_
63 66 L012 W1  | vpcompressw      | =W V               | n2 k z_
64 66 L012 W0  | vpblendmd        | =V H W             | vl bc4 k z_
64 66 L012 W1  | vpblendmq        | =V H W             | vl bc8 k z_
65 66 L012 W1  | vblendmpd        | =V H W             | vl bc8 k z_
65 66 L012 W0  | vblendmps        | =V H W             | vl bc4 k z_
66 66 L012 W0  | vpblendmb        | =V H W             | vl k z_
66 66 L012 W1  | vpblendmw        | =V H W             | vl k z_
68 F2 L012 W0  | vp2intersectd    | =KG2 H W           | vl bc4
68 F2 L012 W1  | vp2intersectq    | =KG2 H W           | vl bc8
70 66 L012 W1  | vpshldvw         | +V H W             | vl k z_
71 66 L012 W0  | vpshldvd         | +V H W             | vl bc4 k z_
71 66 L012 W1  | vpshldvq         | +V H W             | vl bc8 k z_
72 66 L012 W1  | vpshrdvw         | +V H W             | vl k z_
72 F3 L012 W0  | vcvtneps2bf16    | =V W               | vl bc4 k z_
72 F2 L012 W0  | vcvtne2ps2bf16   | =V H W             | vl bc4 k z_
73 66 L012 W0  | vpshrdvd         | +V H W             | vl bc4 k z_
73 66 L012 W1  | vpshrdvq         | +V H W             | vl bc8 k z_
75 66 L012 W0  | vpermi2b         | +V H W             | vl k z_
75 66 L012 W1  | vpermi2w         | +V H W             | vl k z_
76 66 L012 W0  | vpermi2d         | +V H W             | vl bc4 k z_
76 66 L012 W1  | vpermi2q         | +V H W             | vl bc8 k z_
77 66 L012 W1  | vpermi2pd        | +V H W             | vl bc8 k z_
77 66 L012 W0  | vpermi2ps        | +V H W             | vl bc4 k z_
78 66 L012 W0  | vpbroadcastb     | =V W               | n1 k z_
79 66 L012 W0  | vpbroadcastw     | =V W               | n2 k z_
7A 66 L012 W0  | vpbroadcastb     | =V Rd              | k z_
7B 66 L012 W0  | vpbroadcastw     | =V Rd              | k z_
7C 66 L012 W0  | vpbroadcastd     | =V Rd              | k wig32 z_
7C 66 L012 W1  | vpbroadcastq     | =V Rq              | k only64 z_
7D 66 L012 W0  | vpermt2b         | +V H W             | vl k z_
7D 66 L012 W1  | vpermt2w         | +V H W             | vl k z_
7E 66 L012 W0  | vpermt2d         | +V H W             | vl bc4 k z_
7E 66 L012 W1  | vpermt2q         | +V H W             | vl bc8 k z_
7F 66 L012 W1  | vpermt2pd        | +V H W             | vl bc8 k z_
7F 66 L012 W0  | vpermt2ps        | +V H W             | vl bc4 k z_
83 66 L012 W1  | vpmultishiftqb   | =V H W             | vl bc8 k z_
88 66 L012 W1  | vexpandpd        | =V W               | n8 k z_
88 66 L012 W0  | vexpandps        | =V W               | n4 k z_
89 66 L012 W0  | vpexpandd        | =V W               | n4 k z_
89 66 L012 W1  | vpexpandq        | =V W               | n8 k z_
8A 66 L012 W1  | vcompresspd      | =W V               | n8 k z_
8A 66 L012 W0  | vcompressps      | =W V               | n4 k z_
8B 66 L012 W0  | vpcompressd      | =W V               | n4 k z_
8B 66 L012 W1  | vpcompressq      | =W V               | n8 k z_
8D 66 L012 W0  | vpermb           | =V H W             | vl k z_
8D 66 L012 W1  | vpermw           | =V H W             | vl k z_
8F 66 L012 W0  | vpshufbitqmb     | =KG H W            | vl k
90 66 L012 W0  | vpgatherdd       | =V Mx              | n4 distinct kk
90 66 L012 W1  | vpgatherdq       | =V Mx              | n8 distinct kk
91 66 L012 W0  | vpgatherqd       | =V Mx              | n4 distinct kk
91 66 L012 W1  | vpgatherqq       | =V Mx              | n8 distinct kk
92 66 L012 W1  | vgatherdpd       | +V Mx              | n8 distinct kk
92 66 L012 W0  | vgatherdps       | +V Mx              | n4 distinct kk
93 66 L012 W1  | vgatherqpd       | +V Mx              | n8 distinct kk
93 66 L012 W0  | vgatherqps       | +V Mx              | n4 distinct kk
96 66 L012 W1  | vfmaddsub132pd   | +V H W             | vl bc8 k z_ er
96 66 L012 W0  | vfmaddsub132ps   | +V H W             | vl bc4 k z_ er
97 66 L012 W1  | vfmsubadd132pd   | +V H W             | vl bc8 k z_ er
97 66 L012 W0  | vfmsubadd132ps   | +V H W             | vl bc4 k z_ er
98 66 L012 W1  | vfmadd132pd      | +V H W             | vl bc8 k z_ er
98 66 L012 W0  | vfmadd132ps      | +V H W             | vl bc4 k z_ er
99 66 W1       | vfmadd132sd      | +V H W             | n8 k z_ er
99 66 W0       | vfmadd132ss      | +V H W             | n4 k z_ er
9A 66 L012 W1  | vfmsub132pd      | +V H W             | vl bc8 k z_ er
9A 66 L012 W0  | vfmsub132ps      | +V H W             | vl bc4 k z_ er
9A F2 L2 W0    | v4fmaddps        | +V H4 M            | n16 k z_
9B 66 W1       | vfmsub132sd      | +V H W             | n8 k z_ er
9B 66 W0       | vfmsub132ss      | +V H W             | n4 k z_ er
9B F2 W0       | v4fmaddss        | +V H4 M            | n16 k z_
9C 66 L012 W1  | vfnmadd132pd     | +V H W             | vl bc8 k z_ er
9C 66 L012 W0  | vfnmadd132ps     | +V H W             | vl bc4 k z_ er
9D 66 W1       | vfnmadd132sd     | +V H W             | n8 k z_ er
9D 66 W0       | vfnmadd132ss     | +V H W             | n4 k z_ er
9E 66 L012 W1  | vfnmsub132pd     | +V H W             | vl bc8 k z_ er
9E 66 L012 W0  | vfnmsub132ps     | +V H W             | vl bc4 k z_ er
9F 66 W1       | vfnmsub132sd     | +V H W             | n8 k z_ er
9F 66 W0       | vfnmsub132ss     | +V H W             | n4 k z_ er
A0 66 L012 W0  | vpscatterdd      | =Mx V              | n4 kk
A0 66 L012 W1  | vpscatterdq      | =Mx V              | n8 kk
A1 66 L012 W0  | vpscatterqd      | =Mx V              | n4 kk
A1 66 L012 W1  | vpscatterqq      | =Mx V              | n8 kk
A2 66 L012 W1  | vscatterdpd      | =Mx V              | n8 kk
A2 66 L012 W0  | vscatterdps      | =Mx V              | n4 kk
A3 66 L012 W1  | vscatterqpd      | =Mx V              | n8 kk
A3 66 L012 W0  | vscatterqps      | =Mx V              | n4 kk
A6 66 L012 W1  | vfmaddsub213pd   | +V H W             | vl bc8 k z_ er
A6 66 L012 W0  | vfmaddsub213ps   | +V H W             | vl bc4 k z_ er
A7 66 L012 W1  | vfmsubadd213pd   | +V H W             | vl bc8 k z_ er
A7 66 L012 W0  | vfmsubadd213ps   | +V H W             | vl bc4 k z_ er
A8 66 L012 W1  | vfmadd213pd      | +V H W             | vl bc8 k z_ er
A8 66 L012 W0  | vfmadd213ps      | +V H W             | vl bc4 k z_ er
A9 66 W1       | vfmadd213sd      | +V H W             | n8 k z_ er
A9 66 W0       | vfmadd213ss      | +V H W             | n4 k z_ er
AA 66 L012 W1  | vfmsub213pd      | +V H W             | vl bc8 k z_ er
AA 66 L012 W0  | vfmsub213ps      | +V H W             | vl bc4 k z_ er
AA F2 L2 W0    | v4fnmaddps       | +V H4 M            | n16 k z_
AB 66 W1       | vfmsub213sd      | +V H W             | n8 k z_ er
AB 66 W0       | vfmsub213ss      | +V H W             | n4 k z_ er
AB F2 W0       | v4fnmaddss       | +V H4 M            | n16 k z_
AC 66 L012 W1  | vfnmadd213pd     | +V H W             | vl bc8 k z_ er
AC 66 L012 W0  | vfnmadd213ps     | +V H W             | vl bc4 k z_ er
AD 66 W1       | vfnmadd213sd     | +V H W             | n8 k z_ er
AD 66 W0       | vfnmadd213ss     | +V H W             | n4 k z_ er
AE 66 L012 W1  | vfnmsub213pd     | +V H W             | vl bc8 k z_ er
AE 66 L012 W0  | vfnmsub213ps     | +V H W             | vl bc4 k z_ er
AF 66 W1       | vfnmsub213sd     | +V H W             | n8 k z_ er
AF 66 W0       | vfnmsub213ss     | +V H W             | n4 k z_ er
B4 66 L012 W1  | vpmadd52luq      | +V H W             | vl bc8 k z_
B5 66 L012 W1  | vpmadd52huq      | +V H W             | vl bc8 k z_
B6 66 L012 W1  | vfmaddsub231pd   | +V H W             | vl bc8 k z_ er
B6 66 L012 W0  | vfmaddsub231ps   | +V H W             | vl bc4 k z_ er
B7 66 L012 W1  | vfmsubadd231pd   | +V H W             | vl bc8 k z_ er
B7 66 L012 W0  | vfmsubadd231ps   | +V H W             | vl bc4 k z_ er
B8 66 L012 W1  | vfmadd231pd      | +V H W             | vl bc8 k z_ er
B8 66 L012 W0  | vfmadd231ps      | +V H W             | vl bc4 k z_ er
B9 66 W1       | vfmadd231sd      | +V H W             | n8 k z_ er
B9 66 W0       | vfmadd231ss      | +V H W             | n4 k z_ er
BA 66 L012 W1  | vfmsub231pd      | +V H W             | vl bc8 k z_ er
BA 66 L012 W0  | vfmsub231ps      | +V H W             | vl bc4 k z_ er
BB 66 W1       | vfmsub231sd      | +V H W             | n8 k z_ er
BB 66 W0       | vfmsub231ss      | +V H W             | n4 k z_ er
BC 66 L012 W1  | vfnmadd231pd     | +V H W             | vl bc8 k z_ er
BC 66 L012 W0  | vfnmadd231ps     | +V H W             | vl bc4 k z_ er
BD 66 W1       | vfnmadd231sd     | +V H W             | n8 k z_ er
BD 66 W0       | vfnmadd231ss     | +V H W             | n4 k z_ er
BE 66 L012 W1  | vfnmsub231pd     | +V H W             | vl bc8 k z_ er
BE 66 L012 W0  | vfnmsub231ps     | +V H W             | vl bc4 k z_ er
BF 66 W1       | vfnmsub231sd     | +V H W             | n8 k z_ er
BF 66 W0       | vfnmsub231ss     | +V H W             | n4 k z_ er
C4 66 L012 W0  | vpconflictd      | =V W               | vl bc4 k z_
C4 66 L012 W1  | vpconflictq      | =V W               | vl bc8 k z_
C6/1 66 L2 W1  | vgatherpf0dpd    | &Mx                 | n8 kk
C6/1 66 L2 W0  | vgatherpf0dps    | &Mx                 | n4 kk
C6/2 66 L2 W1  | vgatherpf1dpd    | &Mx                 | n8 kk
C6/2 66 L2 W0  | vgatherpf1dps    | &Mx                 | n4 kk
C6/5 66 L2 W1  | vscatterpf0dpd   | &Mx                 | n8 kk
C6/5 66 L2 W0  | vscatterpf0dps   | &Mx                 | n4 kk
C6/6 66 L2 W1  | vscatterpf1dpd   | &Mx                 | n8 kk
C6/6 66 L2 W0  | vscatterpf1dps   | &Mx                 | n4 kk
C7/1 66 L2 W1  | vgatherpf0qpd    | &Mx                 | n8 kk
C7/1 66 L2 W0  | vgatherpf0qps    | &Mx                 | n4 kk
C7/2 66 L2 W1  | vgatherpf1qpd    | &Mx                 | n8 kk
C7/2 66 L2 W0  | vgatherpf1qps    | &Mx                 | n4 kk
C7/5 66 L2 W1  | vscatterpf0qpd   | &Mx                 | n8 kk
C7/5 66 L2 W0  | vscatterpf0qps   | &Mx                 | n4 kk
C7/6 66 L2 W1  | vscatterpf1qpd   | &Mx                 | n8 kk
C7/6 66 L2 W0  | vscatterpf1qps   | &Mx                 | n4 kk
C8 66 L2 W1    | vexp2pd          | =V W               | n64 bc8 k z_ sae
C8 66 L2 W0    | vexp2ps          | =V W               | n64 bc4 k z_ sae
CA 66 L2 W1    | vrcp28pd         | =V W               | n64 bc8 k z_ sae
CA 66 L2 W0    | vrcp28ps         | =V W               | n64 bc4 k z_ sae
CB 66 W1       | vrcp28sd         | =V H W             | n8 k z_ sae
CB 66 W0       | vrcp28ss         | =V H W             | n4 k z_ sae
CC 66 L2 W1    | vrsqrt28pd       | =V W               | n64 bc8 k z_ sae
CC 66 L2 W0    | vrsqrt28ps       | =V W               | n64 bc4 k z_ sae
CD 66 W1       | vrsqrt28sd       | =V H W             | n8 k z_ sae
CD 66 W0       | vrsqrt28ss       | =V H W             | n4 k z_ sae
CF 66 L012 W0  | vgf2p8mulb       | =V H W             | vl k z_
DC 66 L012     | vaesenc          | =V H W             | vl
DD 66 L012     | vaesenclast      | =V H W             | vl
DE 66 L012     | vaesdec          | =V H W             | vl
DF 66 L012     | vaesdeclast      | =V H W             | vl
"""
