; For lli: calls, loops, a switch and floating point, compiled by LLVM as it runs. Memory is left out, for
; pointers are written in another way from one version of LLVM to the next.
declare i32 @putchar(i32)

define void @print(i64 %value) {
  %many = icmp ugt i64 %value, 9
  br i1 %many, label %first, label %last
first:
  %rest = udiv i64 %value, 10
  call void @print(i64 %rest)
  br label %last
last:
  %digit = urem i64 %value, 10
  %narrow = trunc i64 %digit to i32
  %letter = add i32 %narrow, 48
  %ignored = call i32 @putchar(i32 %letter)
  ret void
}

define void @line(i64 %value) {
  call void @print(i64 %value)
  %ignored = call i32 @putchar(i32 10)
  ret void
}

define i64 @fibonacci(i64 %n) {
  %small = icmp ult i64 %n, 2
  br i1 %small, label %base, label %more
base:
  ret i64 %n
more:
  %one = sub i64 %n, 1
  %two = sub i64 %n, 2
  %left = call i64 @fibonacci(i64 %one)
  %right = call i64 @fibonacci(i64 %two)
  %sum = add i64 %left, %right
  ret i64 %sum
}

define i64 @step(i64 %state) {
  %which = and i64 %state, 7
  switch i64 %which, label %other [ i64 0, label %halve i64 1, label %triple i64 2, label %mix i64 5, label %turn ]
halve:
  %half = lshr i64 %state, 1
  ret i64 %half
triple:
  %product = mul i64 %state, 3
  %odd = add i64 %product, 1
  ret i64 %odd
mix:
  %shifted = lshr i64 %state, 13
  %mixed = xor i64 %state, %shifted
  %moved = add i64 %mixed, 11
  ret i64 %moved
turn:
  %turned = call i64 @llvm.fshl.i64(i64 %state, i64 %state, i64 17)
  ret i64 %turned
other:
  %next = mul i64 %state, 6364136223846793005
  %last = add i64 %next, 1442695040888963407
  ret i64 %last
}

declare i64 @llvm.fshl.i64(i64, i64, i64)

define i64 @walk(i64 %rounds) {
entry:
  br label %loop
loop:
  %round = phi i64 [ 0, %entry ], [ %after, %loop ]
  %state = phi i64 [ 42, %entry ], [ %new, %loop ]
  %new = call i64 @step(i64 %state)
  %after = add i64 %round, 1
  %goes = icmp ult i64 %after, %rounds
  br i1 %goes, label %loop, label %done
done:
  ret i64 %new
}

define i64 @series(i64 %terms) {
entry:
  br label %loop
loop:
  %term = phi i64 [ 1, %entry ], [ %after, %loop ]
  %sum = phi double [ 0.0, %entry ], [ %more, %loop ]
  %number = uitofp i64 %term to double
  %square = fmul double %number, %number
  %part = fdiv double 1.0, %square
  %more = fadd double %sum, %part
  %after = add i64 %term, 1
  %goes = icmp ule i64 %after, %terms
  br i1 %goes, label %loop, label %done
done:
  %scaled = fmul double %more, 1.0e12
  %result = fptoui double %scaled to i64
  ret i64 %result
}

define i32 @main() {
  %calls = call i64 @fibonacci(i64 32)
  call void @line(i64 %calls)
  %states = call i64 @walk(i64 20000000)
  call void @line(i64 %states)
  %limit = call i64 @series(i64 20000000)
  call void @line(i64 %limit)
  ret i32 0
}
