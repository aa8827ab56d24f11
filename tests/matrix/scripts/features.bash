# Arrays, arithmetic, process substitution, expansions, pipefail.
count=$(($(wc -l < numbers.txt) / 10))
declare -A seen
while read -r a b; do
    ((seen[$b]++))
    ((total += 16#${a:0:4}))
done < <(head -n $count lines.txt)
echo ${#seen[@]} "$total"
for f in tree/d*; do
    [[ -d $f ]] && echo "${f##*/} $(ls "$f" | wc -l)"
done
x=''
for ((i = 0; i < count / 5; i++)); do x+=$((i * i % 7)); done
echo ${#x} "${x//[0-3]/}"
mapfile -t lines < <(grep -n define words.txt | head -5)
printf '%s\n' "${lines[@]}"
set -o pipefail
false | true
echo $?
