# A pipeline of six programs, a loop of short-lived processes, and statuses of subshells.
cat words.txt | tr -cs 'A-Za-z' '\n' | sort | uniq -c | sort -rn | head -20
for i in 1 2 3 4 5 6 7 8; do echo $i | sed s/./x/; done | wc -l
(exit 3) || echo status $?
