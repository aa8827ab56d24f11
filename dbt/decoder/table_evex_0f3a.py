"""EVEX-encoded rows of map 3 (grammar: table_format.py)."""

from typing import Final

EVEX_0F3A: Final = r"""
00 66 L12 W1   | vpermq           | =V W Ib            | vl bc8 k z_
01 66 L12 W1   | vpermpd          | =V W Ib            | vl bc8 k z_
03 66 L012 W0  | valignd          | =V H W Ib          | vl bc4 k z_
03 66 L012 W1  | valignq          | =V H W Ib          | vl bc8 k z_
04 66 L012 W0  | vpermilps        | =V W Ib            | vl bc4 k z_
05 66 L012 W1  | vpermilpd        | =V W Ib            | vl bc8 k z_
08 NP L012 W0  | vrndscaleph      | =V W Ib            | vl bc2 k z_ sae
08 66 L012 W0  | vrndscaleps      | =V W Ib            | vl bc4 k z_ sae
09 66 L012 W1  | vrndscalepd      | =V W Ib            | vl bc8 k z_ sae
0A NP W0       | vrndscalesh      | =V H W Ib          | n2 k z_ sae
0A 66 W0       | vrndscaless      | =V H W Ib          | n4 k z_ sae
0B 66 W1       | vrndscalesd      | =V H W Ib          | n8 k z_ sae
0F 66 L012     | vpalignr         | =V H W Ib          | vl k z_
14 66 L0       | vpextrb          | =Ey V Ib           | n1
15 66 L0       | vpextrw          | =Ey V Ib           | n2
16 66 L0 W0    | vpextrd          | =Ed V Ib           | n4 wig32
16 66 L0 W1    | vpextrq          | =Eq V Ib           | n8 only64
17 66 L0       | vextractps       | =Ey V Ib           | n4
18 66 L12 W0   | vinsertf32x4     | =V H W Ib          | n16 k z_
18 66 L12 W1   | vinsertf64x2     | =V H W Ib          | n16 k z_
19 66 L12 W0   | vextractf32x4    | =W V Ib            | n16 k z_
19 66 L12 W1   | vextractf64x2    | =W V Ib            | n16 k z_
1A 66 L2 W0    | vinsertf32x8     | =V H W Ib          | n32 k z_
1A 66 L2 W1    | vinsertf64x4     | =V H W Ib          | n32 k z_
1B 66 L2 W0    | vextractf32x8    | =W V Ib            | n32 k z_
1B 66 L2 W1    | vextractf64x4    | =W V Ib            | n32 k z_
1D 66 L012 W0  | vcvtps2ph        | =W V Ib            | vl/2 k z_ sae
1E 66 L012 W0  | vpcmpud          | =KG H W Ib         | vl bc4 k
1E 66 L012 W1  | vpcmpuq          | =KG H W Ib         | vl bc8 k
1F 66 L012 W0  | vpcmpd           | =KG H W Ib         | vl bc4 k
1F 66 L012 W1  | vpcmpq           | =KG H W Ib         | vl bc8 k
20 66 L0       | vpinsrb          | =V H Ey Ib         | n1
21 66 L0 W0    | vinsertps        | =V H W Ib          | n4
22 66 L0 W0    | vpinsrd          | =V H Ed Ib         | n4 wig32
22 66 L0 W1    | vpinsrq          | =V H Eq Ib         | n8 only64
23 66 L12 W0   | vshuff32x4       | =V H W Ib          | vl bc4 k z_
23 66 L12 W1   | vshuff64x2       | =V H W Ib          | vl bc8 k z_
25 66 L012 W0  | vpternlogd       | +V H W Ib          | vl bc4 k z_
25 66 L012 W1  | vpternlogq       | +V H W Ib          | vl bc8 k z_
26 NP L012 W0  | vgetmantph       | =V W Ib            | vl bc2 k z_ sae
26 66 L012 W1  | vgetmantpd       | =V W Ib            | vl bc8 k z_ sae
26 66 L012 W0  | vgetmantps       | =V W Ib            | vl bc4 k z_ sae
27 NP W0       | vgetmantsh       | =V H W Ib          | n2 k z_ sae
27 66 W1       | vgetmantsd       | =V H W Ib          | n8 k z_ sae
27 66 W0       | vgetmantss       | =V H W Ib          | n4 k z_ sae
38 66 L12 W0   | vinserti32x4     | =V H W Ib          | n16 k z_
38 66 L12 W1   | vinserti64x2     | =V H W Ib          | n16 k z_
39 66 L12 W0   | vextracti32x4    | =W V Ib            | n16 k z_
39 66 L12 W1   | vextracti64x2    | =W V Ib            | n16 k z_
3A 66 L2 W0    | vinserti32x8     | =V H W Ib          | n32 k z_
3A 66 L2 W1    | vinserti64x4     | =V H W Ib          | n32 k z_
3B 66 L2 W0    | vextracti32x8    | =W V Ib            | n32 k z_
3B 66 L2 W1    | vextracti64x4    | =W V Ib            | n32 k z_
3E 66 L012 W0  | vpcmpub          | =KG H W Ib         | vl k
3E 66 L012 W1  | vpcmpuw          | =KG H W Ib         | vl k
3F 66 L012 W0  | vpcmpb           | =KG H W Ib         | vl k
3F 66 L012 W1  | vpcmpw           | =KG H W Ib         | vl k
42 66 L012 W0  | vdbpsadbw        | =V H W Ib          | vl k z_
43 66 L12 W0   | vshufi32x4       | =V H W Ib          | vl bc4 k z_
43 66 L12 W1   | vshufi64x2       | =V H W Ib          | vl bc8 k z_
44 66 L012     | vpclmulqdq       | =V H W Ib          | vl
50 66 L012 W1  | vrangepd         | =V H W Ib          | vl bc8 k z_ sae
50 66 L012 W0  | vrangeps         | =V H W Ib          | vl bc4 k z_ sae
51 66 W1       | vrangesd         | =V H W Ib          | n8 k z_ sae
51 66 W0       | vrangess         | =V H W Ib          | n4 k z_ sae
54 66 L012 W1  | vfixupimmpd      | +V H W Ib          | vl bc8 k z_ sae
54 66 L012 W0  | vfixupimmps      | +V H W Ib          | vl bc4 k z_ sae
55 66 W1       | vfixupimmsd      | +V H W Ib          | n8 k z_ sae
55 66 W0       | vfixupimmss      | +V H W Ib          | n4 k z_ sae
56 NP L012 W0  | vreduceph        | =V W Ib            | vl bc2 k z_ sae
56 66 L012 W1  | vreducepd        | =V W Ib            | vl bc8 k z_ sae
56 66 L012 W0  | vreduceps        | =V W Ib            | vl bc4 k z_ sae
57 NP W0       | vreducesh        | =V H W Ib          | n2 k z_ sae
57 66 W1       | vreducesd        | =V H W Ib          | n8 k z_ sae
57 66 W0       | vreducess        | =V H W Ib          | n4 k z_ sae
66 NP L012 W0  | vfpclassph       | =KG W Ib           | vl bc2 k
66 66 L012 W1  | vfpclasspd       | =KG W Ib           | vl bc8 k
66 66 L012 W0  | vfpclassps       | =KG W Ib           | vl bc4 k
67 NP W0       | vfpclasssh       | =KG W Ib           | n2 k
67 66 W1       | vfpclasssd       | =KG W Ib           | n8 k
67 66 W0       | vfpclassss       | =KG W Ib           | n4 k
70 66 L012 W1  | vpshldw          | =V H W Ib          | vl k z_
71 66 L012 W0  | vpshldd          | =V H W Ib          | vl bc4 k z_
71 66 L012 W1  | vpshldq          | =V H W Ib          | vl bc8 k z_
72 66 L012 W1  | vpshrdw          | =V H W Ib          | vl k z_
73 66 L012 W0  | vpshrdd          | =V H W Ib          | vl bc4 k z_
73 66 L012 W1  | vpshrdq          | =V H W Ib          | vl bc8 k z_
C2 NP L012 W0  | vcmpph           | =KG H W Ib         | vl bc2 k sae
C2 F3 W0       | vcmpsh           | =KG H W Ib         | n2 k sae
CE 66 L012 W1  | vgf2p8affineqb   | =V H W Ib          | vl bc8 k z_
CF 66 L012 W1  | vgf2p8affineinvqb | =V H W Ib          | vl bc8 k z_
"""
