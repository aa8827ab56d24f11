# Threads, queues, a fork, a pipe, signals and timeouts.
require 'timeout'
queue = Queue.new
results = Queue.new
workers = 4.times.map { Thread.new { while (n = queue.pop) != :end; results << n * n; end } }
200.times { |n| queue << n }
4.times { queue << :end }
workers.each(&:join)
puts 200.times.map { results.pop }.sum
reader, writer = IO.pipe
pid = fork { reader.close; writer.puts "child #{(1..20).reduce(:*)}"; exit!(3) }
writer.close
puts reader.read
Process.wait(pid)
puts $?.exitstatus
got = []
trap('USR1') { got << :usr1 }
5.times { Process.kill('USR1', Process.pid); sleep 0.01 }
puts got.size
begin
  Timeout.timeout(0.05) { loop {} }
rescue Timeout::Error
  puts 'timed out'
end
puts `echo from a shell; exit 4`, $?.exitstatus
victim = fork { sleep }
Process.kill('TERM', victim)
Process.wait(victim)
puts $?.termsig
