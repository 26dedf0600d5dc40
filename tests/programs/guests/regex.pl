# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# Regular expressions, sorting, packing: perl's own work.
use strict; use warnings;
my $seed = 12345;
sub rnd { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return ($seed >> 8) % $_[0]; }
my @syl = qw(ka lo mi ne ru sha to vi wen xy zo);
my $text = join(' ', map { join('', map { $syl[rnd(scalar @syl)] } 0 .. rnd(4)) } 1 .. 60000);
print length($text), "\n";
my %n; $n{$_}++ for $text =~ /\b(\w+)\b/g;
print scalar(keys %n), " words\n";
print "$_ $n{$_}\n" for (sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n)[0 .. 9];
my $count = () = $text =~ /(?<=ka)lo(?!mi)\w*?(?:ne|ru)/g; print "look-around $count\n";
(my $t = $text) =~ s/\b(\w)(\w*)\b/uc($1) . length($2)/ge; print substr($t, 0, 60), "\n";
my $nested = '(' x 200 . 'x' . ')' x 200; my $re; $re = qr/\((?:[^()]++|(??{$re}))*\)/;
print $nested =~ /^$re$/ ? "balanced\n" : "no\n";
"2024-02-29T12:34:56" =~ /^(?<y>\d+)-(?<m>\d+)-(?<d>\d+)T(?<t>.*)$/ and print "$+{d}.$+{m}.$+{y} $+{t}\n";
my @s = sort { $a <=> $b } map { rnd(1_000_000) } 1 .. 50000; my $x = 0; $x = ($x * 31 + $_) % 1000003 for @s; print "$x\n";
my $bin = pack('N n C a4 w/a*', 1 << 31, 77, 5, 'ab', 'counted'); print unpack('H*', $bin), ' ', join(',', unpack('N n C a4 w/a*', $bin)), "\n";
(my $u = "na\x{ef}ve \x{263a}") =~ s/\w/*/g; { no warnings 'utf8'; binmode STDOUT, ':utf8'; print "$u\n"; }
my $str = 'a' x 30; print $str =~ /^(a|aa)+$/ ? "ok\n" : "no\n"; print join('|', split(/(?<=,)|\s+/, "a,b c,d")), "\n";
my $sum = 0; while ($text =~ /\G\s*(\w+)/gc) { $sum += ord($1) } print "$sum\n"; printf "%.3e %05d %s %b\n", 12345.678, 42, 'x' x 3, 37;
local $_ = 'The quick brown fox'; tr/a-zA-Z//cd; print; print ' ', tr/aeiou//, "\n"; print join(' ', map { sprintf '%s', scalar reverse } split //), "\n";
