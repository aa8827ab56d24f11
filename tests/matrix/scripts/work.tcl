set n [lindex $argv 0]
proc fib {n} { if {$n < 2} { return $n }; return [expr {[fib [expr {$n - 1}]] + [fib [expr {$n - 2}]]}] }
puts [fib [expr {18 + $n / 4}]]
set x 12345
for {set i 0} {$i < $n * 20000} {incr i} {
    set x [expr {($x * 1103515245 + 12345) % 2147483648}]
    dict incr counts [expr {$x % 97}]
    if {$i % 100 == 0} { lappend list [format %08x $x] }
}
puts [lrange [lsort $list] 0 4]
puts [dict size $counts]
puts [regsub -all {[0-9]+} [join $list -] N]
