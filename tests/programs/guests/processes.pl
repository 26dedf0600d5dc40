# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# fork, pipes, signals and exec from perl.
use strict; use warnings; use POSIX ':sys_wait_h'; $| = 1;
my @kids;
for my $i (1 .. 8) {
	pipe(my $r, my $w) or die; my $pid = fork // die;
	if (!$pid) { close $r; print $w "$_\n" for map { $_ * $i } 1 .. 2000; close $w; exit $i; }
	close $w; push @kids, [$pid, $r];
}
for my $k (@kids) { my $s = 0; my $r = $k->[1]; $s += $_ while <$r>; waitpid $k->[0], 0; print "$s ", $? >> 8, "\n"; }
my $pid = open(my $h, '-|') // die; if (!$pid) { print "from the child $_\n" for 1 .. 3; exit 9; } print while <$h>; close $h; print $? >> 8, "\n";
open($h, '|-', 'sort', '-n') or die; print $h "$_\n" for 3, 1, 2; close $h; print "back: ", `echo quoted; exit 3`, $? >> 8, "\n";
my $got = 0; $SIG{USR1} = sub { $got++ }; kill USR1 => $$ for 1 .. 5; print "signals ", $got > 0, "\n";
$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 10; }; print $@;
$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 && ++$got }; $got = 0; for (1 .. 5) { fork // die or exit; } select(undef, undef, undef, 0.05) while $got < 5; print "reaped $got\n"; $SIG{CHLD} = 'DEFAULT';
if (!($pid = fork)) { setpgrp; $SIG{TERM} = sub { exit 21 }; select undef, undef, undef, 0.1 while 1; } select undef, undef, undef, 0.3; kill -TERM => $pid; waitpid $pid, 0; print $? >> 8, "\n";
if (!($pid = fork)) { kill KILL => $$; sleep 1 } waitpid $pid, 0; print $? & 127, "\n"; print system('false') >> 8, ' ', system('sh', '-c', 'exit 12') >> 8, "\n";
pipe(my $r, my $w); if (!fork) { close $r; exec 'echo', 'through', 'fd' if open STDOUT, '>&', $w; } close $w; print <$r>; wait; my $tmp = "t.$$"; open my $f, '+>', $tmp or die; flock $f, 2; print $f "locked\n"; seek $f, 0, 0; print <$f>; unlink $tmp;
my $v = ''; vec($v, fileno(STDIN), 1) = 1; print "grandchildren: ", `sh -c 'sh -c "echo deep" | cat' | cat`; print join(',', map { my $i = $_; open my $p, '-|', "echo $i" or die; my $l = <$p>; chomp $l; $l } 1 .. 20), "\n"; exec 'sh', '-c', 'echo replaced; exit 5';
