# Arrays, globs with qualifiers, modules, traps, process substitution, a coprocess, job statuses.
emulate -L zsh
setopt extendedglob
typeset -A sizes
for file in tree/**/*.c(.N[1,20]); do sizes[$file:t]=${(%):-%x}; done
print $#sizes
zmodload zsh/mathfunc zsh/datetime zsh/system
print $(( int(sqrt(144)) + floor(2.7) ))
lines=(${(f)"$(head -n 30 lines.txt)"})
print $#lines ${${(o)lines}[1]} ${(j:,:)${lines[1,3]%% *}}
TRAPUSR1() { print "trapped $1" }
kill -USR1 $$
coproc tr a-z A-Z
print -p "to the coprocess"
coproc exit
read -p answer
print $answer
diff <(seq 3) <(seq 4) | tail -n 1
sleep 100 &
kill $!
wait $! ; print "status $?"
print -l =(print temporary)(:t:s/zsh*/zsh/) | wc -l
() { print "anonymous $1" } argument
for number in {1..10}; do (( total += number ** 2 )); done
print $total
TRAPEXIT() { print leaving }
