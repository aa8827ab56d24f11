"""The one-byte opcode map, x87 included (grammar: table_format.py)."""

from typing import Final

ONE_BYTE: Final = r"""
@alu   = +Eb Gb / +Ev Gv / +Gb Eb / +Gv Ev / +al Ib / +rAX Iz
@alur  = Eb Gb / Ev Gv / Gb Eb / Gv Ev / al Ib / rAX Iz

00-05 | add | @alu          | lock fuse >OSZAPC
08-0D | or  | @alu          | lock >OSZPC ~A
10-15 | adc | @alu          | lock <C >OSZAPC
18-1D | sbb | @alu          | lock <C >OSZAPC
20-25 | and | @alu          | lock fuse >OSZPC ~A
28-2D | sub | @alu          | lock fuse >OSZAPC
30-35 | xor | @alu          | lock >OSZPC ~A
38-3D | cmp | @alur         | fuse >OSZAPC

06    | push | es           | no64 stack memw
07    | pop  | es           | no64 stack
0E    | push | cs           | no64 stack memw
16    | push | ss           | no64 stack memw
17    | pop  | ss           | no64 stack
1E    | push | ds           | no64 stack memw
1F    | pop  | ds           | no64 stack
27    | daa  | (+al)        | no64 <AC >SZAPC ~O
2F    | das  | (+al)        | no64 <AC >SZAPC ~O
37    | aaa  | (+ax)        | no64 <A >AC ~OSZP
3F    | aas  | (+ax)        | no64 <A >AC ~OSZP

40-47 | inc  | +Zv          | no64 fuse >OSZAP
48-4F | dec  | +Zv          | no64 fuse >OSZAP
50-57 | push | Zv           | stack memw d64
58-5F | pop  | =Zv          | stack d64
60    | pusha | (rAX) (rCX) (rDX) (rBX) (rBP) (rSI) (rDI) | no64 stack memw
61    | popa | (=rAX) (=rCX) (=rDX) (=rBX) (=rBP) (=rSI) (=rDI) | no64 stack
62    | bound | Gv M        | no64
63    | arpl | +Ew Gw       | no64 >Z
63    | movsxd | =Gv Ed     | only64
68    | push | Iz           | stack memw d64
69    | imul | =Gv Ev Iz    | >OC ~SZAP
6A    | push | Is           | stack memw d64
6B    | imul | =Gv Ev Is    | >OC ~SZAP
6C    | insb | (dx) (+rdi)  | string b rep priv memw <D
6D    | ins  | (dx) (+rdi)  | string z rep priv memw <D
6E    | outsb | (dx) (+rsi) | string b rep priv <D
6F    | outs | (dx) (+rsi)  | string z rep priv <D
70-7F | j{cc} | Jb          | jcc f64 <{cc}

80/0  | add  | +Eb Ib       | lock fuse >OSZAPC
80/1  | or   | +Eb Ib       | lock >OSZPC ~A
80/2  | adc  | +Eb Ib       | lock <C >OSZAPC
80/3  | sbb  | +Eb Ib       | lock <C >OSZAPC
80/4  | and  | +Eb Ib       | lock fuse >OSZPC ~A
80/5  | sub  | +Eb Ib       | lock fuse >OSZAPC
80/6  | xor  | +Eb Ib       | lock >OSZPC ~A
80/7  | cmp  | Eb Ib        | fuse >OSZAPC
81/0  | add  | +Ev Iz       | lock fuse >OSZAPC
81/1  | or   | +Ev Iz       | lock >OSZPC ~A
81/2  | adc  | +Ev Iz       | lock <C >OSZAPC
81/3  | sbb  | +Ev Iz       | lock <C >OSZAPC
81/4  | and  | +Ev Iz       | lock fuse >OSZPC ~A
81/5  | sub  | +Ev Iz       | lock fuse >OSZAPC
81/6  | xor  | +Ev Iz       | lock >OSZPC ~A
81/7  | cmp  | Ev Iz        | fuse >OSZAPC
82/0  | add  | +Eb Ib       | no64 lock fuse >OSZAPC
82/1  | or   | +Eb Ib       | no64 lock >OSZPC ~A
82/2  | adc  | +Eb Ib       | no64 lock <C >OSZAPC
82/3  | sbb  | +Eb Ib       | no64 lock <C >OSZAPC
82/4  | and  | +Eb Ib       | no64 lock fuse >OSZPC ~A
82/5  | sub  | +Eb Ib       | no64 lock fuse >OSZAPC
82/6  | xor  | +Eb Ib       | no64 lock >OSZPC ~A
82/7  | cmp  | Eb Ib        | no64 fuse >OSZAPC
83/0  | add  | +Ev Is       | lock fuse >OSZAPC
83/1  | or   | +Ev Is       | lock >OSZPC ~A
83/2  | adc  | +Ev Is       | lock <C >OSZAPC
83/3  | sbb  | +Ev Is       | lock <C >OSZAPC
83/4  | and  | +Ev Is       | lock fuse >OSZPC ~A
83/5  | sub  | +Ev Is       | lock fuse >OSZAPC
83/6  | xor  | +Ev Is       | lock >OSZPC ~A
83/7  | cmp  | Ev Is        | fuse >OSZAPC

84    | test | Eb Gb        | fuse >OSZPC ~A
85    | test | Ev Gv        | fuse >OSZPC ~A
86    | xchg | +Eb +Gb      | lock
87    | xchg | +Ev +Gv      | lock
88    | mov  | =Eb Gb       |
89    | mov  | =Ev Gv       |
8A    | mov  | =Gb Eb       |
8B    | mov  | =Gv Ev       |
8C/0  mem | mov | =Mw es    |
8C/1  mem | mov | =Mw cs    |
8C/2  mem | mov | =Mw ss    |
8C/3  mem | mov | =Mw ds    |
8C/4-5 mem | mov | =Mw fsgs | segment
8C/0-3 | mov | =Rv esds     |
8C/4-5 | mov | =Rv fsgs     | segment
8D    | lea  | =Gv &M       |
8E/0  | mov  | es Ew        |
8E/2-3 | mov | ssds Ew      |
8E/4-5 | mov | fsgs Ew      | segment
8F/0  | pop  | =Ev          | stack d64
90 F3 | pause |             |
90 B0 | nop   |             |
90 B1 | xchg | +Zv (+rAX)   |
91-97 | xchg | +Zv (+rAX)   |
98    | cbw  | (+rAX)       |
99    | cwd  | (rAX) (=rDX) |
9A    | call | Ap (+rsp)    | no64 far stack memw
9B    | fwait |             |
9C    | pushf |             | stack memw d64 <OSZAPCDITNX
9D    | popf |              | stack d64 popf >OSZAPCDTN ~IX
9E    | sahf | (ah)         | >SZAPC
9F    | lahf | (=ah)        | <SZAPC

A0    | mov  | =al Ob       | implicit
A1    | mov  | =rAX Ov      | implicit
A2    | mov  | =Ob al       | implicit memw
A3    | mov  | =Ov rAX      | implicit memw
A4    | movsb | (+rsi) (+rdi) | string b rep memw <D
A5    | movs | (+rsi) (+rdi) | string v rep memw <D
A6    | cmpsb | (+rsi) (+rdi) | string b rep <D >OSZAPC
A7    | cmps | (+rsi) (+rdi) | string v rep <D >OSZAPC
A8    | test | al Ib        | fuse >OSZPC ~A
A9    | test | rAX Iz       | fuse >OSZPC ~A
AA    | stosb | al (+rdi)   | string b rep memw <D
AB    | stos | rAX (+rdi)   | string v rep memw <D
AC    | lodsb | =al (+rsi)  | string b rep <D
AD    | lods | =rAX (+rsi)  | string v rep <D
AE    | scasb | al (+rdi)   | string b rep <D >OSZAPC
AF    | scas | rAX (+rdi)   | string v rep <D >OSZAPC
B0-B7 | mov  | =Zb Ib       |
B8-BF | mov  | =Zv Iv       |

C0/0  | rol  | +Eb Ib       | >C ~O count
C0/1  | ror  | +Eb Ib       | >C ~O count
C0/2  | rcl  | +Eb Ib       | <C >C ~O count
C0/3  | rcr  | +Eb Ib       | <C >C ~O count
C0/4  | shl  | +Eb Ib       | >SZPC ~OA count
C0/5  | shr  | +Eb Ib       | >SZPC ~OA count
C0/6  | shl  | +Eb Ib       | >SZPC ~OA count
C0/7  | sar  | +Eb Ib       | >SZPC ~OA count
C1/0  | rol  | +Ev Ib       | >C ~O count
C1/1  | ror  | +Ev Ib       | >C ~O count
C1/2  | rcl  | +Ev Ib       | <C >C ~O count
C1/3  | rcr  | +Ev Ib       | <C >C ~O count
C1/4  | shl  | +Ev Ib       | >SZPC ~OA count
C1/5  | shr  | +Ev Ib       | >SZPC ~OA count
C1/6  | shl  | +Ev Ib       | >SZPC ~OA count
C1/7  | sar  | +Ev Ib       | >SZPC ~OA count
C2    | ret  | Iw (+rsp)    | ret f64 stack
C3    | ret  | (+rsp)       | ret f64 stack
C4    | les  | =Gv M        | no64
C5    | lds  | =Gv M        | no64
C6/0  | mov  | =Eb Ib       |
C6:F8 | xabort | Ib (?eax)  | rtm
C7/0  | mov  | =Ev Iz       |
C7:F8 | xbegin | Jz (?eax)  | xbegin
C8    | enter | Iwb (+rBP)  | stack d64 memw
C9    | leave | (+rBP)      | d64 leave
CA    | retf | Iw (+rsp)    | far stack
CB    | retf | (+rsp)       | far stack
CC    | int3 |              | trap
CD    | int  | Ib           | trap
CE    | into |              | no64 trap <O
CF    | iret | (+rsp)       | far stack >OSZAPCDITNX

D0/0  | rol  | +Eb          | >OC
D0/1  | ror  | +Eb          | >OC
D0/2  | rcl  | +Eb          | <C >OC
D0/3  | rcr  | +Eb          | <C >OC
D0/4  | shl  | +Eb          | >OSZPC ~A
D0/5  | shr  | +Eb          | >OSZPC ~A
D0/6  | shl  | +Eb          | >OSZPC ~A
D0/7  | sar  | +Eb          | >OSZPC ~A
D1/0  | rol  | +Ev          | >OC
D1/1  | ror  | +Ev          | >OC
D1/2  | rcl  | +Ev          | <C >OC
D1/3  | rcr  | +Ev          | <C >OC
D1/4  | shl  | +Ev          | >OSZPC ~A
D1/5  | shr  | +Ev          | >OSZPC ~A
D1/6  | shl  | +Ev          | >OSZPC ~A
D1/7  | sar  | +Ev          | >OSZPC ~A
D2/0  | rol  | +Eb cl       | ~OC
D2/1  | ror  | +Eb cl       | ~OC
D2/2  | rcl  | +Eb cl       | <C ~OC
D2/3  | rcr  | +Eb cl       | <C ~OC
D2/4  | shl  | +Eb cl       | ~OSZAPC
D2/5  | shr  | +Eb cl       | ~OSZAPC
D2/6  | shl  | +Eb cl       | ~OSZAPC
D2/7  | sar  | +Eb cl       | ~OSZAPC
D3/0  | rol  | +Ev cl       | ~OC
D3/1  | ror  | +Ev cl       | ~OC
D3/2  | rcl  | +Ev cl       | <C ~OC
D3/3  | rcr  | +Ev cl       | <C ~OC
D3/4  | shl  | +Ev cl       | ~OSZAPC
D3/5  | shr  | +Ev cl       | ~OSZAPC
D3/6  | shl  | +Ev cl       | ~OSZAPC
D3/7  | sar  | +Ev cl       | ~OSZAPC
D4    | aam  | Ib (+ax)     | no64 >SZP ~OAC
D5    | aad  | Ib (+ax)     | no64 >SZP ~OAC
D6    | salc | (=al)        | no64 <C
D7    | xlat | (+al) (rbx)  | implicit

E0    | loopne | Jb (+count) | loop f64 <Z
E1    | loope | Jb (+count) | loop f64 <Z
E2    | loop | Jb (+count)  | loop f64
E3    | jrcxz | Jb (count)  | loop f64
E4    | in   | =al Ib       | priv
E5    | in   | =eAX Ib      | priv z
E6    | out  | Ib al        | priv
E7    | out  | Ib eAX       | priv z
E8    | call | Jz (+rsp)    | call f64 stack memw
E9    | jmp  | Jz           | jmp f64
EA    | jmp  | Ap           | no64 far
EB    | jmp  | Jb           | jmp f64
EC    | in   | =al (dx)     | priv
ED    | in   | =eAX (dx)    | priv z
EE    | out  | (dx) al      | priv
EF    | out  | (dx) eAX     | priv z
F1    | int1 |              | trap
F4    | hlt  |              | priv
F5    | cmc  |              | <C >C
F6/0-1 | test | Eb Ib       | fuse >OSZPC ~A
F6/2  | not  | +Eb          | lock
F6/3  | neg  | +Eb          | lock >OSZAPC
F6/4  | mul  | Eb (+ax)     | >OC ~SZAP
F6/5  | imul | Eb (+ax)     | >OC ~SZAP
F6/6  | div  | Eb (+ax)     | ~OSZAPC
F6/7  | idiv | Eb (+ax)     | ~OSZAPC
F7/0-1 | test | Ev Iz       | fuse >OSZPC ~A
F7/2  | not  | +Ev          | lock
F7/3  | neg  | +Ev          | lock >OSZAPC
F7/4  | mul  | Ev (+rAX) (=rDX) | >OC ~SZAP
F7/5  | imul | Ev (+rAX) (=rDX) | >OC ~SZAP
F7/6  | div  | Ev (+rAX) (+rDX) | ~OSZAPC
F7/7  | idiv | Ev (+rAX) (+rDX) | ~OSZAPC
F8    | clc  |              | >C
F9    | stc  |              | >C
FA    | cli  |              | priv >I
FB    | sti  |              | priv >I
FC    | cld  |              | >D
FD    | std  |              | >D
FE/0  | inc  | +Eb          | lock fuse >OSZAP
FE/1  | dec  | +Eb          | lock fuse >OSZAP
FF/0  | inc  | +Ev          | lock fuse >OSZAP
FF/1  | dec  | +Ev          | lock fuse >OSZAP
FF/2  | call | Ev (+rsp)    | icall f64 stack memw
FF/3  | callf | M (+rsp)    | far stack memw
FF/4  | jmp  | Ev           | ijmp f64
FF/5  | jmpf | M            | far
FF/6  | push | Ev           | stack memw d64

D8/0  | fadd | X            |
D8/1  | fmul | X            |
D8/2  | fcom | X            |
D8/3  | fcomp | X           |
D8/4  | fsub | X            |
D8/5  | fsubr | X           |
D8/6  | fdiv | X            |
D8/7  | fdivr | X           |
D9/0  | fld  | X            |
D9/2 mem | fst | =X         |
D9/3 mem | fstp | =X        |
D9/4 mem | fldenv | X       |
D9/5 mem | fldcw | X        |
D9/6 mem | fnstenv | =X     | saves
D9/7 mem | fnstcw | =X      |
D9/1 reg | fxch | X         |
D9:D0 | fnop |              |
D9:D8-DF | fstpnce | X      |
D9:E0 | fchs |              |
D9:E1 | fabs |              |
D9:E4 | ftst |              |
D9:E5 | fxam |              |
D9:E8 | fld1 |              |
D9:E9 | fldl2t |            |
D9:EA | fldl2e |            |
D9:EB | fldpi |             |
D9:EC | fldlg2 |            |
D9:ED | fldln2 |            |
D9:EE | fldz |              |
D9:F0 | f2xm1 |             |
D9:F1 | fyl2x |             |
D9:F2 | fptan |             |
D9:F3 | fpatan |            |
D9:F4 | fxtract |           |
D9:F5 | fprem1 |            |
D9:F6 | fdecstp |           |
D9:F7 | fincstp |           |
D9:F8 | fprem |             |
D9:F9 | fyl2xp1 |           |
D9:FA | fsqrt |             |
D9:FB | fsincos |           |
D9:FC | frndint |           |
D9:FD | fscale |            |
D9:FE | fsin |              |
D9:FF | fcos |              |
DA/0 mem | fiadd | X        |
DA/1 mem | fimul | X        |
DA/2 mem | ficom | X        |
DA/3 mem | ficomp | X       |
DA/4 mem | fisub | X        |
DA/5 mem | fisubr | X       |
DA/6 mem | fidiv | X        |
DA/7 mem | fidivr | X       |
DA/0 reg | fcmovb | X       | <C
DA/1 reg | fcmove | X       | <Z
DA/2 reg | fcmovbe | X      | <CZ
DA/3 reg | fcmovu | X       | <P
DA:E9 | fucompp |           |
DB/0 mem | fild | X         |
DB/1 mem | fisttp | =X      |
DB/2 mem | fist | =X        |
DB/3 mem | fistp | =X       |
DB/5 mem | fld | X          |
DB/7 mem | fstp | =X        |
DB/0 reg | fcmovnb | X      | <C
DB/1 reg | fcmovne | X      | <Z
DB/2 reg | fcmovnbe | X     | <CZ
DB/3 reg | fcmovnu | X      | <P
DB:E0 | fneni |             |
DB:E1 | fndisi |            |
DB:E2 | fnclex |            |
DB:E3 | fninit |            |
DB:E4 | fnsetpm |           |
DB/5 reg | fucomi | X       | >OSZAPC
DB/6 reg | fcomi | X        | >OSZAPC
DC/0  | fadd | X            |
DC/1  | fmul | X            |
DC/2  | fcom | X            |
DC/3  | fcomp | X           |
DC/4  | fsub | X            |
DC/5  | fsubr | X           |
DC/6  | fdiv | X            |
DC/7  | fdivr | X           |
DD/0 mem | fld | X          |
DD/1 mem | fisttp | =X      |
DD/2 mem | fst | =X         |
DD/3 mem | fstp | =X        |
DD/4 mem | frstor | X       |
DD/6 mem | fnsave | =X      | saves
DD/7 mem | fnstsw | =X      |
DD/0 reg | ffree | X        |
DD/1 reg | fxch | X         |
DD/2 reg | fst | X          |
DD/3 reg | fstp | X         |
DD/4 reg | fucom | X        |
DD/5 reg | fucomp | X       |
DE/0 mem | fiadd | X        |
DE/1 mem | fimul | X        |
DE/2 mem | ficom | X        |
DE/3 mem | ficomp | X       |
DE/4 mem | fisub | X        |
DE/5 mem | fisubr | X       |
DE/6 mem | fidiv | X        |
DE/7 mem | fidivr | X       |
DE/0 reg | faddp | X        |
DE/1 reg | fmulp | X        |
DE/2 reg | fcomp | X        |
DE:D9 | fcompp |            |
DE/4 reg | fsubrp | X       |
DE/5 reg | fsubp | X        |
DE/6 reg | fdivrp | X       |
DE/7 reg | fdivp | X        |
DF/0 mem | fild | X         |
DF/1 mem | fisttp | =X      |
DF/2 mem | fist | =X        |
DF/3 mem | fistp | =X       |
DF/4 mem | fbld | X         |
DF/5 mem | fild | X         |
DF/6 mem | fbstp | =X       |
DF/7 mem | fistp | =X       |
DF/0 reg | ffreep | X       |
DF/1 reg | fxch | X         |
DF/2 reg | fstp | X         |
DF/3 reg | fstp | X         |
DF:E0 | fnstsw | (=ax)      |
DF/5 reg | fucomip | X      | >OSZAPC
DF/6 reg | fcomip | X       | >OSZAPC
"""
