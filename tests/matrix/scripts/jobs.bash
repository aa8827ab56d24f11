# Job control, coprocesses, traps of DEBUG and ERR, wait -n, named pipes, process substitution.
set -m
{
    sleep 100 &
    kill %1
    wait $!
    echo "job: $?"
} 2>/dev/null # bash may tell of the job's end, or not, by when it came
sleep 0.05 & sleep 0.01 &
wait -n; echo "wait -n: $?"
wait
set +m
coproc UPPER { tr a-z A-Z; }
echo "to the coprocess" >&"${UPPER[1]}"
exec {UPPER[1]}>&-
cat <&"${UPPER[0]}"
wait
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory; echo cleaned' EXIT
mkfifo "$directory/pipe"
(for i in {1..5}; do echo "line $i"; done >"$directory/pipe") &
while read -r line; do echo "read $line"; done <"$directory/pipe"
wait
paste <(seq 5) <(seq 10 14) | tail -n 2
count=0
trap '((count++))' USR1
for i in {1..20}; do kill -USR1 $$; done
echo "signals $count"
(trap 'echo "error at $LINENO"' ERR; false; true)
(trap 'echo "debug: $BASH_COMMAND"' DEBUG; x=1; y=2)
timeout 5 bash -c 'kill -TERM $BASHPID; echo not reached'
echo "status $?"
echo "$(echo one; echo two >&2)" 2>&1 | sort
for i in {1..30}; do /bin/true; done
exec 9<>"$directory/file"
flock 9
(flock -n 9 || echo "is it locked: no, the same description")
flock -n "$directory/file" true || echo locked
printf '%s\n' "${PIPESTATUS[@]}" | head -n 1
seq 100000 | (read -r first; echo "$first"); echo "${PIPESTATUS[*]}"
