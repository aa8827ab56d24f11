# Recursion, closures, sorting, strings, regular expressions, hashes, exceptions.
rounds = ARGV[0].to_i
def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)
puts fib(14 + rounds / 2)
values = (1..rounds * 4000).map { |i| i * 7919 % 10_007 }
puts values.sort.each_slice(500).map(&:sum).inspect[0, 200]
counts = Hash.new(0)
values.each { |v| counts["k#{v % 997}"] += 1 }
puts counts.size, counts.max_by { |k, v| [v, k] }.inspect
puts values.join(',').gsub(/(\d)1/) { "#{$1}x" }.scan(/x+\d/).tally.sort.first(5).inspect
failed = (1..rounds * 100).count { |i| begin; raise ArgumentError, i.to_s if i.odd?; rescue ArgumentError => e; e.message.to_i > 3; end }
puts failed
