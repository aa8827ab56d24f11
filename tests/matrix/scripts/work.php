<?php
$n = (int)$argv[1];
function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); }
echo fib(20 + intdiv($n, 2)), "\n";
$x = 12345; $counts = []; $words = [];
for ($i = 0; $i < $n * 50000; $i++) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    $counts['k' . ($x % 997)] = ($counts['k' . ($x % 997)] ?? 0) + 1;
    if ($i % 50 == 0) $words[] = md5((string)$x);
}
sort($words); ksort($counts);
echo count($counts), ' ', $words[0], ' ', crc32(implode(',', $words)), "\n";
echo strlen(preg_replace('/([a-f]+)\d/', '<$1>', implode(' ', $words))), "\n";
echo substr(json_encode($counts), 0, 200), "\n";
