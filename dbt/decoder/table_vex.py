"""VEX-encoded rows: maps 1, 2 and 3 (grammar: table_format.py)."""

from typing import Final

VEX_0F: Final = r"""
10 NP L01      | vmovups          | =V W               |
10 66 L01      | vmovupd          | =V W               |
10 F3          | vmovss           | =V H U             |
10 F3          | vmovss           | =V M               |
10 F2          | vmovsd           | =V H U             |
10 F2          | vmovsd           | =V M               |
11 NP L01      | vmovups          | =W V               |
11 66 L01      | vmovupd          | =W V               |
11 F3          | vmovss           | =M V               |
11 F3          | vmovss           | =U H V             |
11 F2          | vmovsd           | =M V               |
11 F2          | vmovsd           | =U H V             |
12 NP L0       | vmovhlps         | =V H U             |
12 NP L0       | vmovlps          | =V H M             |
12 66 L0       | vmovlpd          | =V H M             |
12 F3 L01      | vmovsldup        | =V W               |
12 F2 L01      | vmovddup         | =V W               |
13 NP L0       | vmovlps          | =M V               |
13 66 L0       | vmovlpd          | =M V               |
14 NP L01      | vunpcklps        | =V H W             |
14 66 L01      | vunpcklpd        | =V H W             |
15 NP L01      | vunpckhps        | =V H W             |
15 66 L01      | vunpckhpd        | =V H W             |
16 NP L0       | vmovhps          | =V H M             |
16 NP L0       | vmovlhps         | =V H U             |
16 66 L0       | vmovhpd          | =V H M             |
16 F3 L01      | vmovshdup        | =V W               |
17 NP L0       | vmovhps          | =M V               |
17 66 L0       | vmovhpd          | =M V               |
28 NP L01      | vmovaps          | =V W               |
28 66 L01      | vmovapd          | =V W               |
29 NP L01      | vmovaps          | =W V               |
29 66 L01      | vmovapd          | =W V               |
2A F3          | vcvtsi2ss        | =V H Ey            |
2A F2          | vcvtsi2sd        | =V H Ey            |
2B NP L01      | vmovntps         | =M V               |
2B 66 L01      | vmovntpd         | =M V               |
2C F3          | vcvttss2si       | =Gy W              |
2C F2          | vcvttsd2si       | =Gy W              |
2D F3          | vcvtss2si        | =Gy W              |
2D F2          | vcvtsd2si        | =Gy W              |
2E NP          | vucomiss         | V W                | >OSZAPC
2E 66          | vucomisd         | V W                | >OSZAPC
2F NP          | vcomiss          | V W                | >OSZAPC
2F 66          | vcomisd          | V W                | >OSZAPC
41 NP L1 W1    | kandq            | =KG KH KR          |
41 NP L1 W0    | kandw            | =KG KH KR          |
41 66 L1 W0    | kandb            | =KG KH KR          |
41 66 L1 W1    | kandd            | =KG KH KR          |
42 NP L1 W1    | kandnq           | =KG KH KR          |
42 NP L1 W0    | kandnw           | =KG KH KR          |
42 66 L1 W0    | kandnb           | =KG KH KR          |
42 66 L1 W1    | kandnd           | =KG KH KR          |
44 NP L0 W1    | knotq            | =KG KR             |
44 NP L0 W0    | knotw            | =KG KR             |
44 66 L0 W0    | knotb            | =KG KR             |
44 66 L0 W1    | knotd            | =KG KR             |
45 NP L1 W1    | korq             | =KG KH KR          |
45 NP L1 W0    | korw             | =KG KH KR          |
45 66 L1 W0    | korb             | =KG KH KR          |
45 66 L1 W1    | kord             | =KG KH KR          |
46 NP L1 W1    | kxnorq           | =KG KH KR          |
46 NP L1 W0    | kxnorw           | =KG KH KR          |
46 66 L1 W0    | kxnorb           | =KG KH KR          |
46 66 L1 W1    | kxnord           | =KG KH KR          |
47 NP L1 W1    | kxorq            | =KG KH KR          |
47 NP L1 W0    | kxorw            | =KG KH KR          |
47 66 L1 W0    | kxorb            | =KG KH KR          |
47 66 L1 W1    | kxord            | =KG KH KR          |
4A NP L1 W1    | kaddq            | =KG KH KR          |
4A NP L1 W0    | kaddw            | =KG KH KR          |
4A 66 L1 W0    | kaddb            | =KG KH KR          |
4A 66 L1 W1    | kaddd            | =KG KH KR          |
4B NP L1 W1    | kunpckdq         | =KG KH KR          |
4B NP L1 W0    | kunpckwd         | =KG KH KR          |
4B 66 L1 W0    | kunpckbw         | =KG KH KR          |
50 NP L01      | vmovmskps        | =Gy U              |
50 66 L01      | vmovmskpd        | =Gy U              |
51 NP L01      | vsqrtps          | =V W               |
51 66 L01      | vsqrtpd          | =V W               |
51 F3          | vsqrtss          | =V H W             |
51 F2          | vsqrtsd          | =V H W             |
52 NP L01      | vrsqrtps         | =V W               |
52 F3          | vrsqrtss         | =V H W             |
53 NP L01      | vrcpps           | =V W               |
53 F3          | vrcpss           | =V H W             |
54 NP L01      | vandps           | =V H W             |
54 66 L01      | vandpd           | =V H W             |
55 NP L01      | vandnps          | =V H W             |
55 66 L01      | vandnpd          | =V H W             |
56 NP L01      | vorps            | =V H W             |
56 66 L01      | vorpd            | =V H W             |
57 NP L01      | vxorps           | =V H W             |
57 66 L01      | vxorpd           | =V H W             |
58 NP L01      | vaddps           | =V H W             |
58 66 L01      | vaddpd           | =V H W             |
58 F3          | vaddss           | =V H W             |
58 F2          | vaddsd           | =V H W             |
59 NP L01      | vmulps           | =V H W             |
59 66 L01      | vmulpd           | =V H W             |
59 F3          | vmulss           | =V H W             |
59 F2          | vmulsd           | =V H W             |
5A NP L01      | vcvtps2pd        | =V W               |
5A 66 L01      | vcvtpd2ps        | =V W               |
5A F3          | vcvtss2sd        | =V H W             |
5A F2          | vcvtsd2ss        | =V H W             |
5B NP L01      | vcvtdq2ps        | =V W               |
5B 66 L01      | vcvtps2dq        | =V W               |
5B F3 L01      | vcvttps2dq       | =V W               |
5C NP L01      | vsubps           | =V H W             |
5C 66 L01      | vsubpd           | =V H W             |
5C F3          | vsubss           | =V H W             |
5C F2          | vsubsd           | =V H W             |
5D NP L01      | vminps           | =V H W             |
5D 66 L01      | vminpd           | =V H W             |
5D F3          | vminss           | =V H W             |
5D F2          | vminsd           | =V H W             |
5E NP L01      | vdivps           | =V H W             |
5E 66 L01      | vdivpd           | =V H W             |
5E F3          | vdivss           | =V H W             |
5E F2          | vdivsd           | =V H W             |
5F NP L01      | vmaxps           | =V H W             |
5F 66 L01      | vmaxpd           | =V H W             |
5F F3          | vmaxss           | =V H W             |
5F F2          | vmaxsd           | =V H W             |
60 66 L01      | vpunpcklbw       | =V H W             |
61 66 L01      | vpunpcklwd       | =V H W             |
62 66 L01      | vpunpckldq       | =V H W             |
63 66 L01      | vpacksswb        | =V H W             |
64 66 L01      | vpcmpgtb         | =V H W             |
65 66 L01      | vpcmpgtw         | =V H W             |
66 66 L01      | vpcmpgtd         | =V H W             |
67 66 L01      | vpackuswb        | =V H W             |
68 66 L01      | vpunpckhbw       | =V H W             |
69 66 L01      | vpunpckhwd       | =V H W             |
6A 66 L01      | vpunpckhdq       | =V H W             |
6B 66 L01      | vpackssdw        | =V H W             |
6C 66 L01      | vpunpcklqdq      | =V H W             |
6D 66 L01      | vpunpckhqdq      | =V H W             |
6E 66 L0 W0    | vmovd            | =V Ed              | wig32
6E 66 L0 W1    | vmovq            | =V Eq              | only64
6F 66 L01      | vmovdqa          | =V W               |
6F F3 L01      | vmovdqu          | =V W               |
70 66 L01      | vpshufd          | =V W Ib            |
70 F3 L01      | vpshufhw         | =V W Ib            |
70 F2 L01      | vpshuflw         | =V W Ib            |
71/2 66 L01    | vpsrlw           | =H U Ib            |
71/4 66 L01    | vpsraw           | =H U Ib            |
71/6 66 L01    | vpsllw           | =H U Ib            |
72/2 66 L01    | vpsrld           | =H U Ib            |
72/4 66 L01    | vpsrad           | =H U Ib            |
72/6 66 L01    | vpslld           | =H U Ib            |
73/2 66 L01    | vpsrlq           | =H U Ib            |
73/3 66 L01    | vpsrldq          | =H U Ib            |
73/6 66 L01    | vpsllq           | =H U Ib            |
73/7 66 L01    | vpslldq          | =H U Ib            |
74 66 L01      | vpcmpeqb         | =V H W             |
75 66 L01      | vpcmpeqw         | =V H W             |
76 66 L01      | vpcmpeqd         | =V H W             |
77 NP L1       | vzeroall         |                    |
77 NP L0       | vzeroupper       |                    |
7C 66 L01      | vhaddpd          | =V H W             |
7C F2 L01      | vhaddps          | =V H W             |
7D 66 L01      | vhsubpd          | =V H W             |
7D F2 L01      | vhsubps          | =V H W             |
7E 66 L0 W0    | vmovd            | =Ed V              | wig32
7E 66 L0 W1    | vmovq            | =Eq V              | only64
7E F3 L0       | vmovq            | =V W               |
7F 66 L01      | vmovdqa          | =W V               |
7F F3 L01      | vmovdqu          | =W V               |
90 NP L0 W1    | kmovq            | =KG KE             |
90 NP L0 W0    | kmovw            | =KG KE             |
90 66 L0 W0    | kmovb            | =KG KE             |
90 66 L0 W1    | kmovd            | =KG KE             |
91 NP L0 W1    | kmovq            | =M KG              |
91 NP L0 W0    | kmovw            | =M KG              |
91 66 L0 W0    | kmovb            | =M KG              |
91 66 L0 W1    | kmovd            | =M KG              |
92 NP L0 W0    | kmovw            | =KG Rd             |
92 66 L0 W0    | kmovb            | =KG Rd             |
92 F2 L0 W0    | kmovd            | =KG Rd             | wig32
92 F2 L0 W1    | kmovq            | =KG Rq             | only64
93 NP L0 W0    | kmovw            | =Gd KR             |
93 66 L0 W0    | kmovb            | =Gd KR             |
93 F2 L0 W0    | kmovd            | =Gd KR             | wig32
93 F2 L0 W1    | kmovq            | =Gq KR             | only64
98 NP L0 W1    | kortestq         | KG KR              | >OSZAPC
98 NP L0 W0    | kortestw         | KG KR              | >OSZAPC
98 66 L0 W0    | kortestb         | KG KR              | >OSZAPC
98 66 L0 W1    | kortestd         | KG KR              | >OSZAPC
99 NP L0 W1    | ktestq           | KG KR              | >OSZAPC
99 NP L0 W0    | ktestw           | KG KR              | >OSZAPC
99 66 L0 W0    | ktestb           | KG KR              | >OSZAPC
99 66 L0 W1    | ktestd           | KG KR              | >OSZAPC
AE/2 NP L0     | vldmxcsr         | M                  |
AE/3 NP L0     | vstmxcsr         | =M                 |
C2 NP L01      | vcmpps           | =V H W Ib          |
C2 66 L01      | vcmppd           | =V H W Ib          |
C2 F3          | vcmpss           | =V H W Ib          |
C2 F2          | vcmpsd           | =V H W Ib          |
C4 66 L0       | vpinsrw          | =V H Ey Ib         |
C5 66 L0       | vpextrw          | =Gy U Ib           |
C6 NP L01      | vshufps          | =V H W Ib          |
C6 66 L01      | vshufpd          | =V H W Ib          |
D0 66 L01      | vaddsubpd        | =V H W             |
D0 F2 L01      | vaddsubps        | =V H W             |
D1 66 L01      | vpsrlw           | =V H W             |
D2 66 L01      | vpsrld           | =V H W             |
D3 66 L01      | vpsrlq           | =V H W             |
D4 66 L01      | vpaddq           | =V H W             |
D5 66 L01      | vpmullw          | =V H W             |
D6 66 L0       | vmovq            | =W V               |
D7 66 L01      | vpmovmskb        | =Gy U              |
D8 66 L01      | vpsubusb         | =V H W             |
D9 66 L01      | vpsubusw         | =V H W             |
DA 66 L01      | vpminub          | =V H W             |
DB 66 L01      | vpand            | =V H W             |
DC 66 L01      | vpaddusb         | =V H W             |
DD 66 L01      | vpaddusw         | =V H W             |
DE 66 L01      | vpmaxub          | =V H W             |
DF 66 L01      | vpandn           | =V H W             |
E0 66 L01      | vpavgb           | =V H W             |
E1 66 L01      | vpsraw           | =V H W             |
E2 66 L01      | vpsrad           | =V H W             |
E3 66 L01      | vpavgw           | =V H W             |
E4 66 L01      | vpmulhuw         | =V H W             |
E5 66 L01      | vpmulhw          | =V H W             |
E6 66 L01      | vcvttpd2dq       | =V W               |
E6 F3 L01      | vcvtdq2pd        | =V W               |
E6 F2 L01      | vcvtpd2dq        | =V W               |
E7 66 L01      | vmovntdq         | =M V               |
E8 66 L01      | vpsubsb          | =V H W             |
E9 66 L01      | vpsubsw          | =V H W             |
EA 66 L01      | vpminsw          | =V H W             |
EB 66 L01      | vpor             | =V H W             |
EC 66 L01      | vpaddsb          | =V H W             |
ED 66 L01      | vpaddsw          | =V H W             |
EE 66 L01      | vpmaxsw          | =V H W             |
EF 66 L01      | vpxor            | =V H W             |
F0 F2 L01      | vlddqu           | =V M               |
F1 66 L01      | vpsllw           | =V H W             |
F2 66 L01      | vpslld           | =V H W             |
F3 66 L01      | vpsllq           | =V H W             |
F4 66 L01      | vpmuludq         | =V H W             |
F5 66 L01      | vpmaddwd         | =V H W             |
F6 66 L01      | vpsadbw          | =V H W             |
F7 66 L0       | vmaskmovdqu      | (rdi) V U          | implicit memw
F8 66 L01      | vpsubb           | =V H W             |
F9 66 L01      | vpsubw           | =V H W             |
FA 66 L01      | vpsubd           | =V H W             |
FB 66 L01      | vpsubq           | =V H W             |
FC 66 L01      | vpaddb           | =V H W             |
FD 66 L01      | vpaddw           | =V H W             |
FE 66 L01      | vpaddd           | =V H W             |
"""

VEX_0F38: Final = r"""
00 66 L01      | vpshufb          | =V H W             |
01 66 L01      | vphaddw          | =V H W             |
02 66 L01      | vphaddd          | =V H W             |
03 66 L01      | vphaddsw         | =V H W             |
04 66 L01      | vpmaddubsw       | =V H W             |
05 66 L01      | vphsubw          | =V H W             |
06 66 L01      | vphsubd          | =V H W             |
07 66 L01      | vphsubsw         | =V H W             |
08 66 L01      | vpsignb          | =V H W             |
09 66 L01      | vpsignw          | =V H W             |
0A 66 L01      | vpsignd          | =V H W             |
0B 66 L01      | vpmulhrsw        | =V H W             |
0C 66 L01 W0   | vpermilps        | =V H W             |
0D 66 L01 W0   | vpermilpd        | =V H W             |
0E 66 L01 W0   | vtestps          | V W                | >OSZAPC
0F 66 L01 W0   | vtestpd          | V W                | >OSZAPC
13 66 L01 W0   | vcvtph2ps        | =V W               |
16 66 L1 W0    | vpermps          | =V H W             |
17 66 L01      | vptest           | V W                | >OSZAPC
18 66 L01 W0   | vbroadcastss     | =V M               |
18 66 L01 W0   | vbroadcastss     | =V U               |
19 66 L1 W0    | vbroadcastsd     | =V M               |
19 66 L1 W0    | vbroadcastsd     | =V U               |
1A 66 L1 W0    | vbroadcastf128   | =V M               |
1C 66 L01      | vpabsb           | =V W               |
1D 66 L01      | vpabsw           | =V W               |
1E 66 L01      | vpabsd           | =V W               |
20 66 L01      | vpmovsxbw        | =V W               |
21 66 L01      | vpmovsxbd        | =V W               |
22 66 L01      | vpmovsxbq        | =V W               |
23 66 L01      | vpmovsxwd        | =V W               |
24 66 L01      | vpmovsxwq        | =V W               |
25 66 L01      | vpmovsxdq        | =V W               |
28 66 L01      | vpmuldq          | =V H W             |
29 66 L01      | vpcmpeqq         | =V H W             |
2A 66 L01      | vmovntdqa        | =V M               |
2B 66 L01      | vpackusdw        | =V H W             |
2C 66 L01 W0   | vmaskmovps       | =V H M             |
2D 66 L01 W0   | vmaskmovpd       | =V H M             |
2E 66 L01 W0   | vmaskmovps       | =M H V             |
2F 66 L01 W0   | vmaskmovpd       | =M H V             |
30 66 L01      | vpmovzxbw        | =V W               |
31 66 L01      | vpmovzxbd        | =V W               |
32 66 L01      | vpmovzxbq        | =V W               |
33 66 L01      | vpmovzxwd        | =V W               |
34 66 L01      | vpmovzxwq        | =V W               |
35 66 L01      | vpmovzxdq        | =V W               |
36 66 L1 W0    | vpermd           | =V H W             |
37 66 L01      | vpcmpgtq         | =V H W             |
38 66 L01      | vpminsb          | =V H W             |
39 66 L01      | vpminsd          | =V H W             |
3A 66 L01      | vpminuw          | =V H W             |
3B 66 L01      | vpminud          | =V H W             |
3C 66 L01      | vpmaxsb          | =V H W             |
3D 66 L01      | vpmaxsd          | =V H W             |
3E 66 L01      | vpmaxuw          | =V H W             |
3F 66 L01      | vpmaxud          | =V H W             |
40 66 L01      | vpmulld          | =V H W             |
41 66 L0       | vphminposuw      | =V W               |
45 66 L01 W0   | vpsrlvd          | =V H W             |
45 66 L01 W1   | vpsrlvq          | =V H W             |
46 66 L01 W0   | vpsravd          | =V H W             |
47 66 L01 W0   | vpsllvd          | =V H W             |
47 66 L01 W1   | vpsllvq          | =V H W             |
49/0 NP L0 W0  | ldtilecfg        | M                  | only64
49/0 66 L0 W0  | sttilecfg        | =M                 | only64
49 F2 L0 W0 rm0  | tilezero         | =TG                | only64
4B 66 L0 W0    | tileloaddt1      | =TG Ms             | only64
4B F3 L0 W0    | tilestored       | =Ms TG             | only64
4B F2 L0 W0    | tileloadd        | =TG Ms             | only64
50 NP L01 W0   | vpdpbuud         | +V H W             |
50 66 L01 W0   | vpdpbusd         | +V H W             |
50 F3 L01 W0   | vpdpbsud         | +V H W             |
50 F2 L01 W0   | vpdpbssd         | +V H W             |
51 NP L01 W0   | vpdpbuuds        | +V H W             |
51 66 L01 W0   | vpdpbusds        | +V H W             |
51 F3 L01 W0   | vpdpbsuds        | +V H W             |
51 F2 L01 W0   | vpdpbssds        | +V H W             |
52 66 L01 W0   | vpdpwssd         | +V H W             |
53 66 L01 W0   | vpdpwssds        | +V H W             |
58 66 L01 W0   | vpbroadcastd     | =V W               |
59 66 L01 W0   | vpbroadcastq     | =V W               |
5A 66 L1 W0    | vbroadcasti128   | =V M               |
5C F3 L0 W0    | tdpbf16ps        | +TG TR TH          | distinct only64
5C F2 L0 W0    | tdpfp16ps        | +TG TR TH          | distinct only64
5E NP L0 W0    | tdpbuud          | +TG TR TH          | distinct only64
5E 66 L0 W0    | tdpbusd          | +TG TR TH          | distinct only64
5E F3 L0 W0    | tdpbsud          | +TG TR TH          | distinct only64
5E F2 L0 W0    | tdpbssd          | +TG TR TH          | distinct only64
6C NP L0 W0    | tcmmrlfp16ps     | +TG TR TH          | distinct only64
6C 66 L0 W0    | tcmmimfp16ps     | +TG TR TH          | distinct only64
72 F3 L01 W0   | vcvtneps2bf16    | =V W               |
78 66 L01 W0   | vpbroadcastb     | =V W               |
79 66 L01 W0   | vpbroadcastw     | =V W               |
8C 66 L01 W0   | vpmaskmovd       | =V H M             |
8C 66 L01 W1   | vpmaskmovq       | =V H M             |
8E 66 L01 W0   | vpmaskmovd       | =M H V             |
8E 66 L01 W1   | vpmaskmovq       | =M H V             |
90 66 L01 W0   | vpgatherdd       | +V Mx +H           | distinct
90 66 L01 W1   | vpgatherdq       | +V Mx +H           | distinct
91 66 L01 W0   | vpgatherqd       | +V Mx +H           | distinct
91 66 L01 W1   | vpgatherqq       | +V Mx +H           | distinct
92 66 L01 W1   | vgatherdpd       | +V Mx +H           | distinct
92 66 L01 W0   | vgatherdps       | +V Mx +H           | distinct
93 66 L01 W1   | vgatherqpd       | +V Mx +H           | distinct
93 66 L01 W0   | vgatherqps       | +V Mx +H           | distinct
96 66 L01 W1   | vfmaddsub132pd   | +V H W             |
96 66 L01 W0   | vfmaddsub132ps   | +V H W             |
97 66 L01 W1   | vfmsubadd132pd   | +V H W             |
97 66 L01 W0   | vfmsubadd132ps   | +V H W             |
98 66 L01 W1   | vfmadd132pd      | +V H W             |
98 66 L01 W0   | vfmadd132ps      | +V H W             |
99 66 W1       | vfmadd132sd      | +V H W             |
99 66 W0       | vfmadd132ss      | +V H W             |
9A 66 L01 W1   | vfmsub132pd      | +V H W             |
9A 66 L01 W0   | vfmsub132ps      | +V H W             |
9B 66 W1       | vfmsub132sd      | +V H W             |
9B 66 W0       | vfmsub132ss      | +V H W             |
9C 66 L01 W1   | vfnmadd132pd     | +V H W             |
9C 66 L01 W0   | vfnmadd132ps     | +V H W             |
9D 66 W1       | vfnmadd132sd     | +V H W             |
9D 66 W0       | vfnmadd132ss     | +V H W             |
9E 66 L01 W1   | vfnmsub132pd     | +V H W             |
9E 66 L01 W0   | vfnmsub132ps     | +V H W             |
9F 66 W1       | vfnmsub132sd     | +V H W             |
9F 66 W0       | vfnmsub132ss     | +V H W             |
A6 66 L01 W1   | vfmaddsub213pd   | +V H W             |
A6 66 L01 W0   | vfmaddsub213ps   | +V H W             |
A7 66 L01 W1   | vfmsubadd213pd   | +V H W             |
A7 66 L01 W0   | vfmsubadd213ps   | +V H W             |
A8 66 L01 W1   | vfmadd213pd      | +V H W             |
A8 66 L01 W0   | vfmadd213ps      | +V H W             |
A9 66 W1       | vfmadd213sd      | +V H W             |
A9 66 W0       | vfmadd213ss      | +V H W             |
AA 66 L01 W1   | vfmsub213pd      | +V H W             |
AA 66 L01 W0   | vfmsub213ps      | +V H W             |
AB 66 W1       | vfmsub213sd      | +V H W             |
AB 66 W0       | vfmsub213ss      | +V H W             |
AC 66 L01 W1   | vfnmadd213pd     | +V H W             |
AC 66 L01 W0   | vfnmadd213ps     | +V H W             |
AD 66 W1       | vfnmadd213sd     | +V H W             |
AD 66 W0       | vfnmadd213ss     | +V H W             |
AE 66 L01 W1   | vfnmsub213pd     | +V H W             |
AE 66 L01 W0   | vfnmsub213ps     | +V H W             |
AF 66 W1       | vfnmsub213sd     | +V H W             |
AF 66 W0       | vfnmsub213ss     | +V H W             |
B0 NP L01 W0   | vcvtneoph2ps     | =V M               |
B0 66 L01 W0   | vcvtneeph2ps     | =V M               |
B0 F3 L01 W0   | vcvtneebf162ps   | =V M               |
B0 F2 L01 W0   | vcvtneobf162ps   | =V M               |
B1 66 L01 W0   | vbcstnesh2ps     | =V M               |
B1 F3 L01 W0   | vbcstnebf162ps   | =V M               |
B4 66 L01 W1   | vpmadd52luq      | +V H W             |
B5 66 L01 W1   | vpmadd52huq      | +V H W             |
B6 66 L01 W1   | vfmaddsub231pd   | +V H W             |
B6 66 L01 W0   | vfmaddsub231ps   | +V H W             |
B7 66 L01 W1   | vfmsubadd231pd   | +V H W             |
B7 66 L01 W0   | vfmsubadd231ps   | +V H W             |
B8 66 L01 W1   | vfmadd231pd      | +V H W             |
B8 66 L01 W0   | vfmadd231ps      | +V H W             |
B9 66 W1       | vfmadd231sd      | +V H W             |
B9 66 W0       | vfmadd231ss      | +V H W             |
BA 66 L01 W1   | vfmsub231pd      | +V H W             |
BA 66 L01 W0   | vfmsub231ps      | +V H W             |
BB 66 W1       | vfmsub231sd      | +V H W             |
BB 66 W0       | vfmsub231ss      | +V H W             |
BC 66 L01 W1   | vfnmadd231pd     | +V H W             |
BC 66 L01 W0   | vfnmadd231ps     | +V H W             |
BD 66 W1       | vfnmadd231sd     | +V H W             |
BD 66 W0       | vfnmadd231ss     | +V H W             |
BE 66 L01 W1   | vfnmsub231pd     | +V H W             |
BE 66 L01 W0   | vfnmsub231ps     | +V H W             |
BF 66 W1       | vfnmsub231sd     | +V H W             |
BF 66 W0       | vfnmsub231ss     | +V H W             |
CB F2 L1 W0    | vsha512rnds2     | +V H U             |
CC F2 L1 W0    | vsha512msg1      | +V U               |
CD F2 L1 W0    | vsha512msg2      | +V U               |
CF 66 L01 W0   | vgf2p8mulb       | =V H W             |
D2 NP L01 W0   | vpdpwuud         | +V H W             |
D2 66 L01 W0   | vpdpwusd         | +V H W             |
D2 F3 L01 W0   | vpdpwsud         | +V H W             |
D3 NP L01 W0   | vpdpwuuds        | +V H W             |
D3 66 L01 W0   | vpdpwusds        | +V H W             |
D3 F3 L01 W0   | vpdpwsuds        | +V H W             |
DA NP L0 W0    | vsm3msg1         | +V H W             |
DA 66 L0 W0    | vsm3msg2         | +V H W             |
DA F3 L01 W0   | vsm4key4         | =V H W             |
DA F2 L01 W0   | vsm4rnds4        | =V H W             |
DB 66 L0       | vaesimc          | =V W               |
DC 66 L01      | vaesenc          | =V H W             |
DD 66 L01      | vaesenclast      | =V H W             |
DE 66 L01      | vaesdec          | =V H W             |
DF 66 L01      | vaesdeclast      | =V H W             |
E0 66 L0       | cmpoxadd         | +M +Gy By          | >OSZAPC only64
E1 66 L0       | cmpnoxadd        | +M +Gy By          | >OSZAPC only64
E2 66 L0       | cmpbxadd         | +M +Gy By          | >OSZAPC only64
E3 66 L0       | cmpnbxadd        | +M +Gy By          | >OSZAPC only64
E4 66 L0       | cmpzxadd         | +M +Gy By          | >OSZAPC only64
E5 66 L0       | cmpnzxadd        | +M +Gy By          | >OSZAPC only64
E6 66 L0       | cmpbexadd        | +M +Gy By          | >OSZAPC only64
E7 66 L0       | cmpnbexadd       | +M +Gy By          | >OSZAPC only64
E8 66 L0       | cmpsxadd         | +M +Gy By          | >OSZAPC only64
E9 66 L0       | cmpnsxadd        | +M +Gy By          | >OSZAPC only64
EA 66 L0       | cmppxadd         | +M +Gy By          | >OSZAPC only64
EB 66 L0       | cmpnpxadd        | +M +Gy By          | >OSZAPC only64
EC 66 L0       | cmplxadd         | +M +Gy By          | >OSZAPC only64
ED 66 L0       | cmpnlxadd        | +M +Gy By          | >OSZAPC only64
EE 66 L0       | cmplexadd        | +M +Gy By          | >OSZAPC only64
EF 66 L0       | cmpnlexadd       | +M +Gy By          | >OSZAPC only64
F2 NP L0       | andn             | =Gy By Ey          | >OSZC ~AP
F3/1 NP L0     | blsr             | =By Ey             | >OSZC ~AP
F3/2 NP L0     | blsmsk           | =By Ey             | >OSZC ~AP
F3/3 NP L0     | blsi             | =By Ey             | >OSZC ~AP
F5 NP L0       | bzhi             | =Gy Ey By          | >OSZC ~AP
F5 F3 L0       | pext             | =Gy By Ey          |
F5 F2 L0       | pdep             | =Gy By Ey          |
F6 F2 L0       | mulx             | =Gy =By Ey (rdx)         |
F7 NP L0       | bextr            | =Gy Ey By          | >OZC ~SAP
F7 66 L0       | shlx             | =Gy Ey By          |
F7 F3 L0       | sarx             | =Gy Ey By          |
F7 F2 L0       | shrx             | =Gy Ey By          |
49:C0 NP L0 W0 | tilerelease      |                    | only64
"""

VEX_0F3A: Final = r"""
00 66 L1 W1    | vpermq           | =V W Ib            |
01 66 L1 W1    | vpermpd          | =V W Ib            |
02 66 L01 W0   | vpblendd         | =V H W Ib          |
04 66 L01 W0   | vpermilps        | =V W Ib            |
05 66 L01 W0   | vpermilpd        | =V W Ib            |
06 66 L1 W0    | vperm2f128       | =V H W Ib          |
08 66 L01      | vroundps         | =V W Ib            |
09 66 L01      | vroundpd         | =V W Ib            |
0A 66          | vroundss         | =V H W Ib          |
0B 66          | vroundsd         | =V H W Ib          |
0C 66 L01      | vblendps         | =V H W Ib          |
0D 66 L01      | vblendpd         | =V H W Ib          |
0E 66 L01      | vpblendw         | =V H W Ib          |
0F 66 L01      | vpalignr         | =V H W Ib          |
14 66 L0       | vpextrb          | =Ey V Ib           |
15 66 L0       | vpextrw          | =Ey V Ib           |
16 66 L0 W0    | vpextrd          | =Ed V Ib           | wig32
16 66 L0 W1    | vpextrq          | =Eq V Ib           | only64
17 66 L0       | vextractps       | =Ey V Ib           |
18 66 L1 W0    | vinsertf128      | =V H W Ib          |
19 66 L1 W0    | vextractf128     | =W V Ib            |
1D 66 L01 W0   | vcvtps2ph        | =W V Ib            |
20 66 L0       | vpinsrb          | =V H Ey Ib         |
21 66 L0       | vinsertps        | =V H W Ib          |
22 66 L0 W0    | vpinsrd          | =V H Ed Ib         | wig32
22 66 L0 W1    | vpinsrq          | =V H Eq Ib         | only64
30 66 L0 W0    | kshiftrb         | =KG KR Ib          |
30 66 L0 W1    | kshiftrw         | =KG KR Ib          |
31 66 L0 W0    | kshiftrd         | =KG KR Ib          |
31 66 L0 W1    | kshiftrq         | =KG KR Ib          |
32 66 L0 W0    | kshiftlb         | =KG KR Ib          |
32 66 L0 W1    | kshiftlw         | =KG KR Ib          |
33 66 L0 W0    | kshiftld         | =KG KR Ib          |
33 66 L0 W1    | kshiftlq         | =KG KR Ib          |
38 66 L1 W0    | vinserti128      | =V H W Ib          |
39 66 L1 W0    | vextracti128     | =W V Ib            |
40 66 L01      | vdpps            | =V H W Ib          |
41 66 L0       | vdppd            | =V H W Ib          |
42 66 L01      | vmpsadbw         | =V H W Ib          |
44 66 L01      | vpclmulqdq       | =V H W Ib          |
46 66 L1 W0    | vperm2i128       | =V H W Ib          |
48 66 L01 W1   | vpermil2ps       | =V H L W I4        |
48 66 L01 W0   | vpermil2ps       | =V H W L I4        |
49 66 L01 W1   | vpermil2pd       | =V H L W I4        |
49 66 L01 W0   | vpermil2pd       | =V H W L I4        |
4A 66 L01 W0   | vblendvps        | =V H W L           |
4B 66 L01 W0   | vblendvpd        | =V H W L           |
4C 66 L01 W0   | vpblendvb        | =V H W L           |
5C 66 L01 W1   | vfmaddsubps      | =V H L W           |
5C 66 L01 W0   | vfmaddsubps      | =V H W L           |
5D 66 L01 W1   | vfmaddsubpd      | =V H L W           |
5D 66 L01 W0   | vfmaddsubpd      | =V H W L           |
5E 66 L01 W1   | vfmsubaddps      | =V H L W           |
5E 66 L01 W0   | vfmsubaddps      | =V H W L           |
5F 66 L01 W1   | vfmsubaddpd      | =V H L W           |
5F 66 L01 W0   | vfmsubaddpd      | =V H W L           |
60 66 L0 W0    | vpcmpestrm       | V W Ib (rAX) (rDX)             | wig32 >OSZAPC
60 66 L0 W1    | vpcmpestrm64     | V W Ib (rAX) (rDX) | only64 >OSZAPC
61 66 L0 W0    | vpcmpestri       | V W Ib (rAX) (rDX) (=ecx)             | wig32 >OSZAPC
61 66 L0 W1    | vpcmpestri64     | V W Ib (rAX) (rDX) (=ecx) | only64 >OSZAPC
62 66 L0       | vpcmpistrm       | V W Ib             | >OSZAPC
63 66 L0       | vpcmpistri       | V W Ib (=ecx)             | >OSZAPC
68 66 L01 W1   | vfmaddps         | =V H L W           |
68 66 L01 W0   | vfmaddps         | =V H W L           |
69 66 L01 W1   | vfmaddpd         | =V H L W           |
69 66 L01 W0   | vfmaddpd         | =V H W L           |
6A 66 W1       | vfmaddss         | =V H L W           |
6A 66 W0       | vfmaddss         | =V H W L           |
6B 66 W1       | vfmaddsd         | =V H L W           |
6B 66 W0       | vfmaddsd         | =V H W L           |
6C 66 L01 W1   | vfmsubps         | =V H L W           |
6C 66 L01 W0   | vfmsubps         | =V H W L           |
6D 66 L01 W1   | vfmsubpd         | =V H L W           |
6D 66 L01 W0   | vfmsubpd         | =V H W L           |
6E 66 W1       | vfmsubss         | =V H L W           |
6E 66 W0       | vfmsubss         | =V H W L           |
6F 66 W1       | vfmsubsd         | =V H L W           |
6F 66 W0       | vfmsubsd         | =V H W L           |
78 66 L01 W1   | vfnmaddps        | =V H L W           |
78 66 L01 W0   | vfnmaddps        | =V H W L           |
79 66 L01 W1   | vfnmaddpd        | =V H L W           |
79 66 L01 W0   | vfnmaddpd        | =V H W L           |
7A 66 W1       | vfnmaddss        | =V H L W           |
7A 66 W0       | vfnmaddss        | =V H W L           |
7B 66 W1       | vfnmaddsd        | =V H L W           |
7B 66 W0       | vfnmaddsd        | =V H W L           |
7C 66 L01 W1   | vfnmsubps        | =V H L W           |
7C 66 L01 W0   | vfnmsubps        | =V H W L           |
7D 66 L01 W1   | vfnmsubpd        | =V H L W           |
7D 66 L01 W0   | vfnmsubpd        | =V H W L           |
7E 66 W1       | vfnmsubss        | =V H L W           |
7E 66 W0       | vfnmsubss        | =V H W L           |
7F 66 W1       | vfnmsubsd        | =V H L W           |
7F 66 W0       | vfnmsubsd        | =V H W L           |
CE 66 L01 W1   | vgf2p8affineqb   | =V H W Ib          |
CF 66 L01 W1   | vgf2p8affineinvqb | =V H W Ib          |
DE 66 L0 W0    | vsm3rnds2        | +V H W Ib          |
DF 66 L0       | vaeskeygenassist | =V W Ib            |
F0 F2 L0       | rorx             | =Gy Ey Ib          |
"""

VEX_7: Final = r"""
F6/0 F3 L0 W0 reg | wrmsrns      | Rq Id              | only64 priv
F6/0 F2 L0 W0 reg | rdmsr        | =Rq Id             | only64 priv
F8/0 F3 L0 W0 reg | uwrmsr       | Rq Id              | only64 sens
F8/0 F2 L0 W0 reg | urdmsr       | =Rq Id             | only64 sens
"""
