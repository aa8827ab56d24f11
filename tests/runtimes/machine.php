<?php
// What PHP's compiler takes up: calls, arrays, strings, a regular expression.
function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); }
echo fib(25), "\n";
$counts = [];
for ($i = 0; $i < 1000000; $i++) { $counts[$i % 1000] = ($counts[$i % 1000] ?? 0) + $i * 3; }
echo array_sum($counts), "\n";
$text = '';
for ($i = 0; $i < 100000; $i++) { $text .= chr(65 + $i % 26); }
echo md5($text), ' ', preg_match_all('/[A-C]+/', $text), "\n";
