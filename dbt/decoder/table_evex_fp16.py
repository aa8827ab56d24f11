"""EVEX-encoded rows of maps 5 and 6: half-precision arithmetic (grammar: table_format.py)."""

from typing import Final

EVEX_5: Final = r"""
10 F3 W0       | vmovsh           | =V H U             | k z_
10 F3 W0       | vmovsh           | =V M               | n2 k z_
11 F3 W0       | vmovsh           | =M V               | n2 k
11 F3 W0       | vmovsh           | =U H V             | k z_
1D NP W0       | vcvtss2sh        | =V H W             | n4 k z_ er
1D 66 L012 W0  | vcvtps2phx       | =V W               | vl bc4 k z_ er
2A F3          | vcvtsi2sh        | =V H Ey            | ny er
2C F3          | vcvttsh2si       | =Gy W              | n2 sae
2D F3          | vcvtsh2si        | =Gy W              | n2 er
2E NP W0       | vucomish         | V W                | n2 sae >OSZAPC
2F NP W0       | vcomish          | V W                | n2 sae >OSZAPC
51 NP L012 W0  | vsqrtph          | =V W               | vl bc2 k z_ er
51 F3 W0       | vsqrtsh          | =V H W             | n2 k z_ er
58 NP L012 W0  | vaddph           | =V H W             | vl bc2 k z_ er
58 F3 W0       | vaddsh           | =V H W             | n2 k z_ er
59 NP L012 W0  | vmulph           | =V H W             | vl bc2 k z_ er
59 F3 W0       | vmulsh           | =V H W             | n2 k z_ er
5A NP L012 W0  | vcvtph2pd        | =V W               | vl/4 bc2 k z_ sae
5A 66 L012 W1  | vcvtpd2ph        | =V W               | vl bc8 k z_ er
5A F3 W0       | vcvtsh2sd        | =V H W             | n2 k z_ sae
5A F2 W1       | vcvtsd2sh        | =V H W             | n8 k z_ er
5B NP L012 W0  | vcvtdq2ph        | =V W               | vl bc4 k z_ er
5B NP L012 W1  | vcvtqq2ph        | =V W               | vl bc8 k z_ er
5B 66 L012 W0  | vcvtph2dq        | =V W               | vl/2 bc2 k z_ er
5B F3 L012 W0  | vcvttph2dq       | =V W               | vl/2 bc2 k z_ sae
5C NP L012 W0  | vsubph           | =V H W             | vl bc2 k z_ er
5C F3 W0       | vsubsh           | =V H W             | n2 k z_ er
5D NP L012 W0  | vminph           | =V H W             | vl bc2 k z_ sae
5D F3 W0       | vminsh           | =V H W             | n2 k z_ sae
5E NP L012 W0  | vdivph           | =V H W             | vl bc2 k z_ er
5E F3 W0       | vdivsh           | =V H W             | n2 k z_ er
5F NP L012 W0  | vmaxph           | =V H W             | vl bc2 k z_ sae
5F F3 W0       | vmaxsh           | =V H W             | n2 k z_ sae
6E 66 L0       | vmovw            | =V Ey              | n2
78 NP L012 W0  | vcvttph2udq      | =V W               | vl/2 bc2 k z_ sae
78 66 L012 W0  | vcvttph2uqq      | =V W               | vl/4 bc2 k z_ sae
78 F3          | vcvttsh2usi      | =Gy W              | n2 sae
79 NP L012 W0  | vcvtph2udq       | =V W               | vl/2 bc2 k z_ er
79 66 L012 W0  | vcvtph2uqq       | =V W               | vl/4 bc2 k z_ er
79 F3          | vcvtsh2usi       | =Gy W              | n2 er
7A 66 L012 W0  | vcvttph2qq       | =V W               | vl/4 bc2 k z_ sae
7A F2 L012 W0  | vcvtudq2ph       | =V W               | vl bc4 k z_ er
7A F2 L012 W1  | vcvtuqq2ph       | =V W               | vl bc8 k z_ er
7B 66 L012 W0  | vcvtph2qq        | =V W               | vl/4 bc2 k z_ er
7B F3          | vcvtusi2sh       | =V H Ey            | ny er
7C NP L012 W0  | vcvttph2uw       | =V W               | vl bc2 k z_ sae
7C 66 L012 W0  | vcvttph2w        | =V W               | vl bc2 k z_ sae
7D NP L012 W0  | vcvtph2uw        | =V W               | vl bc2 k z_ er
7D 66 L012 W0  | vcvtph2w         | =V W               | vl bc2 k z_ er
7D F3 L012 W0  | vcvtw2ph         | =V W               | vl bc2 k z_ er
7D F2 L012 W0  | vcvtuw2ph        | =V W               | vl bc2 k z_ er
7E 66 L0       | vmovw            | =Ey V              | n2
"""

EVEX_6: Final = r"""
13 NP W0       | vcvtsh2ss        | =V H W             | n2 k z_ sae
13 66 L012 W0  | vcvtph2psx       | =V W               | vl/2 bc2 k z_ sae
2C 66 L012 W0  | vscalefph        | =V H W             | vl bc2 k z_ er
2D 66 W0       | vscalefsh        | =V H W             | n2 k z_ er
42 66 L012 W0  | vgetexpph        | =V W               | vl bc2 k z_ sae
43 66 W0       | vgetexpsh        | =V H W             | n2 k z_ sae
4C 66 L012 W0  | vrcpph           | =V W               | vl bc2 k z_
4D 66 W0       | vrcpsh           | =V H W             | n2 k z_
4E 66 L012 W0  | vrsqrtph         | =V W               | vl bc2 k z_
4F 66 W0       | vrsqrtsh         | =V H W             | n2 k z_
56 F3 L012 W0  | vfmaddcph        | +V H W             | vl bc4 destonly k z_ er
56 F2 L012 W0  | vfcmaddcph       | +V H W             | vl bc4 destonly k z_ er
57 F3 W0       | vfmaddcsh        | +V H W             | n4 destonly k z_ er
57 F2 W0       | vfcmaddcsh       | +V H W             | n4 destonly k z_ er
96 66 L012 W0  | vfmaddsub132ph   | +V H W             | vl bc2 k z_ er
97 66 L012 W0  | vfmsubadd132ph   | +V H W             | vl bc2 k z_ er
98 66 L012 W0  | vfmadd132ph      | +V H W             | vl bc2 k z_ er
99 66 W0       | vfmadd132sh      | +V H W             | n2 k z_ er
9A 66 L012 W0  | vfmsub132ph      | +V H W             | vl bc2 k z_ er
9B 66 W0       | vfmsub132sh      | +V H W             | n2 k z_ er
9C 66 L012 W0  | vfnmadd132ph     | +V H W             | vl bc2 k z_ er
9D 66 W0       | vfnmadd132sh     | +V H W             | n2 k z_ er
9E 66 L012 W0  | vfnmsub132ph     | +V H W             | vl bc2 k z_ er
9F 66 W0       | vfnmsub132sh     | +V H W             | n2 k z_ er
A6 66 L012 W0  | vfmaddsub213ph   | +V H W             | vl bc2 k z_ er
A7 66 L012 W0  | vfmsubadd213ph   | +V H W             | vl bc2 k z_ er
A8 66 L012 W0  | vfmadd213ph      | +V H W             | vl bc2 k z_ er
A9 66 W0       | vfmadd213sh      | +V H W             | n2 k z_ er
AA 66 L012 W0  | vfmsub213ph      | +V H W             | vl bc2 k z_ er
AB 66 W0       | vfmsub213sh      | +V H W             | n2 k z_ er
AC 66 L012 W0  | vfnmadd213ph     | +V H W             | vl bc2 k z_ er
AD 66 W0       | vfnmadd213sh     | +V H W             | n2 k z_ er
AE 66 L012 W0  | vfnmsub213ph     | +V H W             | vl bc2 k z_ er
AF 66 W0       | vfnmsub213sh     | +V H W             | n2 k z_ er
B6 66 L012 W0  | vfmaddsub231ph   | +V H W             | vl bc2 k z_ er
B7 66 L012 W0  | vfmsubadd231ph   | +V H W             | vl bc2 k z_ er
B8 66 L012 W0  | vfmadd231ph      | +V H W             | vl bc2 k z_ er
B9 66 W0       | vfmadd231sh      | +V H W             | n2 k z_ er
BA 66 L012 W0  | vfmsub231ph      | +V H W             | vl bc2 k z_ er
BB 66 W0       | vfmsub231sh      | +V H W             | n2 k z_ er
BC 66 L012 W0  | vfnmadd231ph     | +V H W             | vl bc2 k z_ er
BD 66 W0       | vfnmadd231sh     | +V H W             | n2 k z_ er
BE 66 L012 W0  | vfnmsub231ph     | +V H W             | vl bc2 k z_ er
BF 66 W0       | vfnmsub231sh     | +V H W             | n2 k z_ er
D6 F3 L012 W0  | vfmulcph         | =V H W             | vl bc4 destonly k z_ er
D6 F2 L012 W0  | vfcmulcph        | =V H W             | vl bc4 destonly k z_ er
D7 F3 W0       | vfmulcsh         | =V H W             | n4 destonly k z_ er
D7 F2 W0       | vfcmulcsh        | =V H W             | n4 destonly k z_ er
"""
