"""The 0F opcode map: system, general and legacy SSE rows (grammar: table_format.py)."""

from typing import Final

MAP_0F: Final = r"""
00/0 reg | sldt | =Rv          | sens
00/0 mem | sldt | =Mw          | sens
00/1 reg | str  | =Rv          | sens
00/1 mem | str  | =Mw          | sens
00/2  | lldt | Ew              | priv
00/3  | ltr  | Ew              | priv
00/4  | verr | Ew              | >Z
00/5  | verw | Ew              | >Z
00/6 F2 | lkgs | Ew            | only64 priv
01/0 mem | sgdt | =M           | sens
01/1 mem | sidt | =M           | sens
01/2 mem | lgdt | M            | priv
01/3 mem | lidt | M            | priv
01/4 reg | smsw | =Rv          | sens
01/4 mem | smsw | =Mw          | sens
01/5 F3 mem | rstorssp | +M    | >OSZAPC
01/6  | lmsw | Ew              | priv
01/7 mem | invlpg | &M         | priv
01:C0 NP | enclv | (+eax) (+rbx) (+rcx) (+rdx) | priv >OSZAPC implicit memw
01:C1 NP | vmcall |            | priv >OSZAPC
01:C2 NP | vmlaunch |          | priv >OSZAPC
01:C3 NP | vmresume |          | priv >OSZAPC
01:C4 NP | vmxoff |            | priv >OSZAPC
01:C5 NP | pconfig | (+eax) (+rbx) (+rcx) (+rdx) | priv >OSZAPC
01:C6 NP | wrmsrns | (eax) (ecx) (edx) | priv
01:C6 F3 | wrmsrlist | (rsi) (rdi) (+rcx) | only64 priv implicit
01:C6 F2 | rdmsrlist | (rsi) (rdi) (+rcx) | only64 priv implicit memw
01:C7 NP | pbndkb | (=rax) (rbx) (rcx) | only64 priv implicit memw >OSZAPC
01:C8 NP | monitor | (addr) (ecx) (edx) | priv
01:C9 NP | mwait | (eax) (ecx) | priv
01:CA NP | clac |              | priv >X
01:CB NP | stac |              | priv >X
01:CA F2 | erets | (+rsp)     | only64 priv >OSZAPCDITNX stack
01:CA F3 | eretu | (+rsp)     | only64 priv >OSZAPCDITNX stack
01:CC 66 | tdcall |            | priv
01:CD 66 | seamret |           | only64 priv >OSZAPC
01:CE 66 | seamops | (+rax) (rcx) (rdx) (r8) (r9) | only64 priv >OSZAPC
01:CF NP | encls | (+eax) (+rbx) (+rcx) (+rdx) | priv >OSZAPC implicit memw
01:CF 66 | seamcall | (rax)    | only64 priv >OSZAPC
01:D0 NP | xgetbv | (ecx) (=eax) (=edx) | sens input
01:D1 NP | xsetbv | (ecx) (eax) (edx) | priv
01:D4 NP | vmfunc | (eax) (ecx) | priv >OSZAPC
01:D5 NP | xend |              | rtm
01:D6 NP | xtest |             | >OSZAPC
01:D7 NP | enclu | (+eax) (+rbx) (+rcx) (+rdx) | far >OSZAPC implicit memw
01:D8 | vmrun | (addr)         | priv <OSZAPCDIX
01:D9 NP | vmmcall |           | priv
01:D9 66 | vmmcall |           | priv
01:D9 F3 | vmgexit |           | priv
01:D9 F2 | vmgexit |           | priv
01:DA | vmload | (addr)        | priv
01:DB | vmsave | (addr)        | priv
01:DC | stgi |                 | priv
01:DD | clgi |                 | priv
01:DE | skinit | (+eax) (=legacy) (=extended) | priv >OSZAPCDITNX
01:DF | invlpga | (addr) (ecx) | priv
01:E8 F3 | setssbsy |          | priv
01:E8 NP | serialize |         |
01:E8 F2 | xsusldtrk |         |
01:E9 F2 | xresldtrk |         |
01:EA F3 | saveprevssp |       | <C
01:EC F3 | uiret | (+rsp)      | only64 far >OSZAPCDTNX stack
01:ED F3 | testui |            | only64 >OSZAPC
01:EE NP | rdpkru | (ecx) (=eax) (=edx) |
01:EE F3 | clui |              | only64
01:EF NP | wrpkru | (ecx) (eax) (edx) |
01:EF F3 | stui |              | only64
01:F8 | swapgs |               | only64 priv
01:F9 | rdtscp | (=eax) (=ecx) (=edx) | sens input
01:FA F3 | mcommit |           | >OSZAPC
01:FA NP | monitorx | (addr) (ecx) (edx) |
01:FB NP | mwaitx | (eax) (ebx) (ecx) |
01:FC | clzero | (addr)     | implicit memw
01:FD F3 | rmpquery | (+rax) (=rcx) (+rdx) | only64 priv >OSZAP
01:FD F2 | rmpread | (rax) (rcx) | only64 priv >OSZAPC
01:FD NP | rdpru | (ecx) (=eax) (=edx) | sens >OSZAPC
01:FE F3 | rmpadjust | (+rax) (rcx) (rdx) | only64 priv >OSZAP
01:FE F2 | rmpupdate | (+rax) (rcx) | only64 priv >OSZAP implicit
01:FE NP | invlpgb | (rax) (ecx) (edx) | priv
01:FF F2 | pvalidate | (+rax) (ecx) (edx) | priv >OSZAPC
01:FF F3 | psmash | (+rax)     | only64 priv >OSZAP
01:FF NP | tlbsync |           | priv
02    | lar  | ?Gv Ew          | >Z
03    | lsl  | ?Gv Ew          | >Z
05    | syscall | (=rcx) (=r11) | only64 syscall <OSZAPCDITNX >OSZAPCDITNX
06    | clts |                 | priv
07    | sysret | (rcx) (r11)   | only64 priv >OSZAPCDITNX
08    | invd |                 | priv
09 F3 | wbnoinvd |             | priv
09    | wbinvd |               | priv
0B    | ud2  |                 | trap
0D/0-7 mem | prefetchw | &M    |
0D/0-7 reg | nop | &Ev         |
0E    | femms |                |
18/0 mem | prefetchnta | &M    |
18/1-3 mem | prefetcht0 | &M   |
18/4-5 mem | nop | &Ev         |
18/6-7 mem | prefetchit | &M   |
18/0-7 reg | nop | &Ev         |
19    | nop  | &Ev             |
1A NP mem | bndldx | bG Mm     |
1A 66 | bndmov | bG bE         |
1A F3 | bndcl | bG &Em         |
1A F2 | bndcu | bG &Em         |
1A NP reg | nop | &Ev          |
1B NP mem | bndstx | =Mm bG    |
1B 66 | bndmov | =bE bG        |
1B F3 mem | bndmk | bG &M      |
1B F2 | bndcn | bG &Em         |
1B reg | nop | &Ev             |
1C/0 NP mem | cldemote | &M    |
1C    | nop  | &Ev             |
1D    | nop  | &Ev             |
1E/1 F3 reg | rdssp | ?Ry      |
1E:FA F3 | endbr64 |           |
1E:FB F3 | endbr32 |           |
1E    | nop  | &Ev             |
1F    | nop  | &Ev             |
20    | mov  | =Rm Cm          | priv anymod ~OSZAPC
21    | mov  | =Rm Dm          | priv anymod ~OSZAPC
22    | mov  | Cm Rm           | priv anymod ~OSZAPC
23    | mov  | Dm Rm           | priv anymod ~OSZAPC
30    | wrmsr | (eax) (ecx) (edx) | priv
31    | rdtsc | (=eax) (=edx)  | sens input
32    | rdmsr | (=eax) (ecx) (=edx) | priv
33    | rdpmc | (=eax) (ecx) (=edx) | sens
34    | sysenter | (=rsp)      | sysenter >I
35    | sysexit | (rcx) (rdx) (=rsp) | priv
37 NP | getsec | (+eax) (+ebx) (+rcx) | priv
40-4F | cmov{cc} | ?Gv Ev      | <{cc}
77 NP | emms |                 |
80-8F | j{cc} | Jz             | jcc f64 <{cc}
90-9F | set{cc} | =Eb          | <{cc}
A0    | push | fs              | segment stack memw d64
A1    | pop  | fs              | segment stack d64
A2    | cpuid | (+eax) (=ebx) (+ecx) (=edx) | cpuid input
A3    | bt   | Ev Gv           | >C ~OSAP bitmem
A4    | shld | +Ev Gv Ib       | >SZPC ~OA count
A5    | shld | +Ev Gv cl       | ~OSZAPC
A8    | push | gs              | segment stack memw d64
A9    | pop  | gs              | segment stack d64
AA    | rsm  |                 | priv >OSZAPCDITNX
AB    | bts  | +Ev Gv          | lock >C ~OSAP bitmem
AC    | shrd | +Ev Gv Ib       | >SZPC ~OA count
AD    | shrd | +Ev Gv cl       | ~OSZAPC
AE/0 NP mem | fxsave | =M      | saves
AE/1 NP mem | fxrstor | M      |
AE/2 NP mem | ldmxcsr | M      |
AE/3 NP mem | stmxcsr | =M     |
AE/4 NP mem | xsave | =M (eax) (edx) | saves
AE/5 NP mem | xrstor | M (eax) (edx) |
AE/6 NP mem | xsaveopt | =M (eax) (edx) | saves
AE/7 NP mem | clflush | M     |
AE/6 66 mem | clwb | M        |
AE/7 66 mem | clflushopt | M  |
AE/6 F3 mem | clrssbsy | +M    | priv >OSZAPC
AE/4 F3 | ptwrite | Ey         | no66
AE/0 F3 reg | rdfsbase | =Ry   | only64
AE/1 F3 reg | rdgsbase | =Ry   | only64 gsbase
AE/2 F3 reg | wrfsbase | Ry    | only64
AE/3 F3 reg | wrgsbase | Ry    | only64 gsbase
AE/5 NP reg | lfence |         |
AE/6 NP reg | mfence |         |
AE/7 NP reg | sfence |         |
AE/5 F3 reg | incssp | Ry      |
AE/6 F3 reg | umonitor | Ra    | implicit
AE/6 F2 reg | umwait | Rd (eax) (edx) | >OSZAPC
AE/6 66 reg | tpause | Rd (eax) (edx) | >OSZAPC
AF    | imul | +Gv Ev          | >OC ~SZAP
B0    | cmpxchg | +Eb Gb (+al) | lock >OSZAPC
B1    | cmpxchg | +Ev Gv (+rAX) | lock >OSZAPC
B2    | lss  | =Gv M           |
B3    | btr  | +Ev Gv          | lock >C ~OSAP bitmem
B4    | lfs  | =Gv M           | segment
B5    | lgs  | =Gv M           | segment
B6    | movzx | =Gv Eb         |
B7    | movzx | =Gv Ew         |
B8 F3 | popcnt | =Gv Ev        | >OSZAPC
B9    | ud1  | &Gv &Ev           | trap
BA/4  | bt   | Ev Ib           | >C ~OSAP
BA/5  | bts  | +Ev Ib          | lock >C ~OSAP
BA/6  | btr  | +Ev Ib          | lock >C ~OSAP
BA/7  | btc  | +Ev Ib          | lock >C ~OSAP
BB    | btc  | +Ev Gv          | lock >C ~OSAP bitmem
BC F3 | tzcnt | =Gv Ev         | >CZ ~OSAP
BC    | bsf  | ?Gv Ev          | >Z ~OSAPC
BD F3 | lzcnt | =Gv Ev         | >CZ ~OSAP
BD    | bsr  | ?Gv Ev          | >Z ~OSAPC
BE    | movsx | =Gv Eb         |
BF    | movsx | =Gv Ew         |
C0    | xadd | +Eb +Gb         | lock >OSZAPC
C1    | xadd | +Ev +Gv         | lock >OSZAPC
C3 NP | movnti | =My Gy        |
C7/1 mem W0 | cmpxchg8b | +M (+eax) (ebx) (ecx) (+edx) | lock >Z
C7/1 mem W1 | cmpxchg16b | +M (+rax) (rbx) (rcx) (+rdx) | lock >Z
C7/3 NP mem | xrstors | M (eax) (edx) | priv
C7/4 NP mem | xsavec | =M (eax) (edx) | saves
C7/5 NP mem | xsaves | =M (eax) (edx) | priv
C7/6 NP mem | vmptrld | M      | priv >OSZAPC
C7/6 66 mem | vmclear | =M     | priv >OSZAPC
C7/6 F3 mem | vmxon | M        | priv >OSZAPC
C7/7 NP mem | vmptrst | =M     | priv >OSZAPC
C7/6 F3 reg | senduipi | Rq    | only64
C7/6 NP reg | rdrand | =Rv     | >OSZAPC input
C7/6 66 reg | rdrand | =Rv     | >OSZAPC input
C7/7 F3 reg | rdpid | =Rm      | sens input
C7/7 NP reg | rdseed | =Rv     | >OSZAPC input
C7/7 66 reg | rdseed | =Rv     | >OSZAPC input
C8-CF | bswap | +Zv            |
FF    | ud0  | &Gd &Ed           | trap
78 NP | vmread | =Em Gm        | priv >OSZAPC
79 NP | vmwrite | Gm Em        | priv >OSZAPC
78/0 66 reg | extrq | W Ib Ib  |
79 66 reg | extrq | V U        |
78 F2 reg | insertq | V U Ib Ib |
79 F2 reg | insertq | V U      |
# PadLock (VIA and Zhaoxin processors; #UD elsewhere, but real libraries hold them).
A6:C0 F3 | montmul | (+eax) (+rcx) (=edx) (esi) | implicit memw
A6:C8 F3 | xsha1 | (+rax) (+rcx) (+rsi) (rdi) | implicit memw
A6:D0 F3 | xsha256 | (+rax) (+rcx) (+rsi) (rdi) | implicit memw
A6:E0 F3 | xsha512 | (+rcx) (+rsi) (rdi) | implicit memw
A6:E8 F3 | ccs_hash | (+rax) (rbx) (+rcx) (+rsi) (rdi) | implicit memw
A7:C0 F3,F2 | xstore | (+rax) (+rcx) (edx) (+rdi) | implicit memw
A7:C0 | xstore | (=rax) (edx) (+rdi) | implicit memw
A7:C8 F3 | xcryptecb | (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
A7:D0 F3 | xcryptcbc | (rax) (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
A7:D8 F3 | xcryptctr | (rax) (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
A7:E0 F3 | xcryptcfb | (rax) (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
A7:E8 F3 | xcryptofb | (rax) (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
A7:F0 F3 | ccs_encrypt | (rax) (rbx) (+rcx) (rdx) (+rsi) (+rdi) | implicit memw
"""

MAP_0F_SSE: Final = r"""
10 NP | movups | =V W          |
10 66 | movupd | =V W          |
10 F3 | movss | =V W           |
10 F2 | movsd | =V W           |
11 NP | movups | =W V          |
11 66 | movupd | =W V          |
11 F3 | movss | =W V           |
11 F2 | movsd | =W V           |
12 NP reg | movhlps | =V U     |
12 NP mem | movlps | =V M      |
12 66 mem | movlpd | =V M      |
12 F3 | movsldup | =V W        |
12 F2 | movddup | =V W         |
13 NP mem | movlps | =M V      |
13 66 mem | movlpd | =M V      |
14 NP | unpcklps | +V W        |
14 66 | unpcklpd | +V W        |
15 NP | unpckhps | +V W        |
15 66 | unpckhpd | +V W        |
16 NP reg | movlhps | =V U     |
16 NP mem | movhps | =V M      |
16 66 mem | movhpd | =V M      |
16 F3 | movshdup | =V W        |
17 NP mem | movhps | =M V      |
17 66 mem | movhpd | =M V      |
28 NP | movaps | =V W          |
28 66 | movapd | =V W          |
29 NP | movaps | =W V          |
29 66 | movapd | =W V          |
2A NP | cvtpi2ps | =V Q        |
2A 66 | cvtpi2pd | =V Q        |
2A F3 | cvtsi2ss | =V Ey       |
2A F2 | cvtsi2sd | =V Ey       |
2B NP mem | movntps | =M V     |
2B 66 mem | movntpd | =M V     |
2B F3 mem | movntss | =M V     |
2B F2 mem | movntsd | =M V     |
2C NP | cvttps2pi | =P W       |
2C 66 | cvttpd2pi | =P W       |
2C F3 | cvttss2si | =Gy W      |
2C F2 | cvttsd2si | =Gy W      |
2D NP | cvtps2pi | =P W        |
2D 66 | cvtpd2pi | =P W        |
2D F3 | cvtss2si | =Gy W       |
2D F2 | cvtsd2si | =Gy W       |
2E NP | ucomiss | V W          | >OSZAPC
2E 66 | ucomisd | V W          | >OSZAPC
2F NP | comiss | V W           | >OSZAPC
2F 66 | comisd | V W           | >OSZAPC
50 NP | movmskps | =Gd U       |
50 66 | movmskpd | =Gd U       |
51 NP,66,F3,F2 | sqrt{ps} | =V W |
52 NP,F3 | rsqrt{ps} | =V W    |
53 NP,F3 | rcp{ps} | =V W      |
54 NP,66 | and{ps} | +V W      |
55 NP,66 | andn{ps} | +V W     |
56 NP,66 | or{ps} | +V W       |
57 NP,66 | xor{ps} | +V W      |
58 NP,66,F3,F2 | add{ps} | +V W |
59 NP,66,F3,F2 | mul{ps} | +V W |
5A NP | cvtps2pd | =V W        |
5A 66 | cvtpd2ps | =V W        |
5A F3 | cvtss2sd | =V W        |
5A F2 | cvtsd2ss | =V W        |
5B NP | cvtdq2ps | =V W        |
5B 66 | cvtps2dq | =V W        |
5B F3 | cvttps2dq | =V W       |
5C NP,66,F3,F2 | sub{ps} | +V W |
5D NP,66,F3,F2 | min{ps} | +V W |
5E NP,66,F3,F2 | div{ps} | +V W |
5F NP,66,F3,F2 | max{ps} | +V W |
60 NP,66 | punpcklbw | +V W     |
61 NP,66 | punpcklwd | +V W     |
62 NP,66 | punpckldq | +V W     |
63 NP,66 | packsswb | +V W      |
64 NP,66 | pcmpgtb | +V W       |
65 NP,66 | pcmpgtw | +V W       |
66 NP,66 | pcmpgtd | +V W       |
67 NP,66 | packuswb | +V W      |
68 NP,66 | punpckhbw | +V W     |
69 NP,66 | punpckhwd | +V W     |
6A NP,66 | punpckhdq | +V W     |
6B NP,66 | packssdw | +V W      |
6C 66 | punpcklqdq | +V W      |
6D 66 | punpckhqdq | +V W      |
6E NP,66 | movd | =V Ey        |
6F NP,66 | movdqa | =V W       |
6F F3 | movdqu | =V W          |
70 NP,66 | pshufw | =V W Ib    |
70 F3 | pshufhw | =V W Ib      |
70 F2 | pshuflw | =V W Ib      |
71/2 NP,66 reg | psrlw | +U Ib |
71/4 NP,66 reg | psraw | +U Ib |
71/6 NP,66 reg | psllw | +U Ib |
72/2 NP,66 reg | psrld | +U Ib |
72/4 NP,66 reg | psrad | +U Ib |
72/6 NP,66 reg | pslld | +U Ib |
73/2 NP,66 reg | psrlq | +U Ib |
73/3 66 reg | psrldq | +U Ib   |
73/6 NP,66 reg | psllq | +U Ib |
73/7 66 reg | pslldq | +U Ib   |
74 NP,66 | pcmpeqb | +V W       |
75 NP,66 | pcmpeqw | +V W       |
76 NP,66 | pcmpeqd | +V W       |
7C 66,F2 | haddp | +V W        |
7D 66,F2 | hsubp | +V W        |
7E NP,66 | movd | =Ey V        |
7E F3 | movq | =V W            |
7F NP,66 | movdqa | =W V       |
7F F3 | movdqu | =W V          |
C2 NP,66,F3,F2 | cmp{ps} | +V W Ib |
C4 NP,66 | pinsrw | +V Ed Ib   |
C5 NP,66 reg | pextrw | =Gd U Ib |
C6 NP,66 | shuf{ps} | +V W Ib  |
D0 66,F2 | addsubp | +V W      |
D1 NP,66 | psrlw | +V W         |
D2 NP,66 | psrld | +V W         |
D3 NP,66 | psrlq | +V W         |
D4 NP,66 | paddq | +V W         |
D5 NP,66 | pmullw | +V W        |
D6 66 | movq | =W V            |
D6 F3 reg | movq2dq | =V N     |
D6 F2 reg | movdq2q | =P U     |
D7 NP,66 reg | pmovmskb | =Gd U |
D8 NP,66 | psubusb | +V W       |
D9 NP,66 | psubusw | +V W       |
DA NP,66 | pminub | +V W        |
DB NP,66 | pand | +V W          |
DC NP,66 | paddusb | +V W       |
DD NP,66 | paddusw | +V W       |
DE NP,66 | pmaxub | +V W        |
DF NP,66 | pandn | +V W         |
E0 NP,66 | pavgb | +V W         |
E1 NP,66 | psraw | +V W         |
E2 NP,66 | psrad | +V W         |
E3 NP,66 | pavgw | +V W         |
E4 NP,66 | pmulhuw | +V W       |
E5 NP,66 | pmulhw | +V W        |
E6 66 | cvttpd2dq | =V W       |
E6 F3 | cvtdq2pd | =V W        |
E6 F2 | cvtpd2dq | =V W        |
E7 NP mem | movntq | =M P      |
E7 66 mem | movntdq | =M V     |
E8 NP,66 | psubsb | +V W        |
E9 NP,66 | psubsw | +V W        |
EA NP,66 | pminsw | +V W        |
EB NP,66 | por | +V W           |
EC NP,66 | paddsb | +V W        |
ED NP,66 | paddsw | +V W        |
EE NP,66 | pmaxsw | +V W        |
EF NP,66 | pxor | +V W          |
F0 F2 mem | lddqu | =V M       |
F1 NP,66 | psllw | +V W         |
F2 NP,66 | pslld | +V W         |
F3 NP,66 | psllq | +V W         |
F4 NP,66 | pmuludq | +V W       |
F5 NP,66 | pmaddwd | +V W       |
F6 NP,66 | psadbw | +V W        |
F7 NP reg | maskmovq | P N (rdi) | implicit memw
F7 66 reg | maskmovdqu | V U (rdi) | implicit memw
F8 NP,66 | psubb | +V W         |
F9 NP,66 | psubw | +V W         |
FA NP,66 | psubd | +V W         |
FB NP,66 | psubq | +V W         |
FC NP,66 | paddb | +V W         |
FD NP,66 | paddw | +V W         |
FE NP,66 | paddd | +V W         |
"""
