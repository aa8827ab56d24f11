# Forked workers with pipes, %SIG handlers, alarm, wait statuses, sockets.
use strict;
use warnings;
use POSIX ":sys_wait_h";
use Socket;
use IO::Handle;
my @readers;
for my $worker (1 .. 6) {
    pipe(my $reader, my $writer) or die;
    my $pid = fork() // die;
    if (!$pid) {
        close $reader;
        my $sum = 0;
        $sum += $_ * $worker for 1 .. 20000;
        print $writer "$worker $sum\n";
        close $writer;
        exit $worker;
    }
    close $writer;
    push @readers, [$pid, $reader];
}
for my $item (@readers) {
    my ($pid, $reader) = @$item;
    print scalar <$reader>;
    waitpid $pid, 0;
    print $? >> 8, "\n";
}
my $hits = 0;
$SIG{USR1} = sub { $hits++ };
kill USR1 => $$ for 1 .. 10;
print "$hits\n";
eval {
    local $SIG{ALRM} = sub { die "alarm\n" };
    alarm 1;
    select undef, undef, undef, 10;
    alarm 0;
};
print "ended by $@";
my $ended = 0;
$SIG{CHLD} = sub { $ended++ while waitpid(-1, WNOHANG) > 0 };
for (1 .. 5) { my $pid = fork() // die; exit 0 unless $pid; }
select undef, undef, undef, 0.05 while $ended < 5;
print "$ended\n";
$SIG{CHLD} = 'DEFAULT';
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
$_->autoflush(1) for $ours, $theirs;
if (!(my $pid = fork() // die)) {
    print $theirs "got: $_" while defined($_ = <$theirs>) && /\S/;
    exit 0;
}
print $ours "line $_\n" for 1 .. 3;
print scalar <$ours> for 1 .. 3;
print $ours "\n";
wait;
print `ls /usr/share/perl5 | head -3 | wc -l`;
open(my $pipe, "-|", "sort", "-n", "numbers.txt") or die;
my $first = <$pipe>;
close $pipe;
print $first, ($? & 127) ? "killed by " . ($? & 127) : "exit " . ($? >> 8), "\n";
local $SIG{SEGV} = 'DEFAULT';
my $victim = fork() // die;
if (!$victim) { kill SEGV => $$; sleep 10; exit 0 }
waitpid $victim, 0;
print $? & 127, "\n";
