# Traps, statuses of killed children, timeout, nohup, background jobs, SIGPIPE.
trap 'echo usr1' USR1
trap 'echo at exit' EXIT
kill -USR1 $$
(trap 'echo term in child; exit 5' TERM; kill -TERM $(exec sh -c 'echo $PPID')) || echo "status $?"
for signal in HUP INT QUIT ILL ABRT FPE KILL SEGV PIPE ALRM TERM USR2; do
    sh -c "kill -$signal \$\$; sleep 5" 2>/dev/null
    echo "$signal $?"
done
sleep 100 &
kill $!
wait $!
echo "wait $?"
timeout 0.1 sleep 100
echo "timeout $?"
timeout -s KILL 0.1 sh -c 'trap "" TERM; sleep 100'
echo "timeout $?"
(while :; do echo y; done) | head -n 2
yes | head -n 1000 | tail -n 1
sh -c 'trap "" INT; kill -INT $$; echo ignored; exec sh -c "kill -INT \$\$; echo still ignored"'
nohup true </dev/null >/dev/null 2>&1
echo "nohup $?"
for i in 1 2 3 4; do (sleep 0.0$i; exit $i) & pids="$pids $!"; done
for pid in $pids; do wait $pid; echo "job $?"; done
sh -c 'ulimit -c 0; kill -STOP $$; echo continued' &
pid=$!
while ! grep -q '^State:.T' /proc/$pid/status; do sleep 0.01; done
kill -CONT $pid
wait $pid
env -i A=b setsid -w env
