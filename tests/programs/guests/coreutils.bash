# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# The tools of coreutils.
export LC_ALL=C
seq 1 5000 | awk '{ print $1 * 7919 % 5003, $1 }' > n
echo == text
sort -n n | head -3; sort -rn -k2 n | head -2; sort -u -k1,1n n | wc -l
sort -R --random-source=n n | sha256sum; sort -n --parallel=4 -S 64k n | sha256sum
shuf --random-source=/usr/bin/env -n 5 n; shuf -i 1-10 --random-source=n | paste -sd,
cut -d' ' -f2 n | tail -2; cut -c1-3 n | head -2; printf 'a\tb\n' | expand | unexpand -a | od -c
seq 1 10 > f1; seq 5 14 > f2; sort f1 > s1; sort f2 > s2
comm s1 s2 | tr '\t' '>'; join s1 s2 | paste -sd' '; join -v1 s1 s2 | wc -l
printf 'hello world\n' | tr a-z A-Z | tr -d L | tr -s O | rev
tac f1 | head -3; nl -ba f1 | tail -1; head -c 5 f1 | od -An -tx1; tail -c +18 f1
fmt -w 20 <<< "a long line of some words that are wrapped"; fold -w 7 <<< abcdefghijklmnop
pr -2 -t -l 5 f1; printf 'a a b c c c\n' | tr ' ' '\n' | uniq -c; tsort <<< "a b b c a c"
numfmt --to=iec 123456789; numfmt --from=si 4K; factor 1234567890123 18446744073709551557
expr 12 '*' 12; seq -s, 0 0.25 1; seq -w 8 11; basename /a/b.c .c; dirname /a/b/c
printf '%s-%d-%x-%5.2f\n' a 10 255 3.14159; echo -e 'tab\there'; yes no | head -2
od -t x1z -N 16 n; base64 <<< text | base64 -d; base32 <<< text; basenc --base16 <<< x
wc n; wc -L f1; ptx -w 30 <<< "one two"; paste -d: f1 f2 | tail -2
echo == sums
md5sum n; sha1sum n; sha256sum n; sha512sum n; b2sum n; cksum n; sum n
sha256sum n f1 > sums; sha256sum -c sums; echo x >> f1; sha256sum -c sums 2>/dev/null; echo $?
echo == files
split -n l/4 -d n part.; wc -l part.*; cat part.* | cmp - n && echo rejoined
split -b 1k --filter='wc -c' f2; split -l 1000 -a 3 n L; ls L*
csplit -s -f cs f2 '/8/' '/12/'; head -1 cs00 cs01 cs02
dd if=/dev/zero of=z bs=4k count=16 status=none; dd if=n of=z bs=1 seek=100 count=5 conv=notrunc status=none
sha256sum z; stat -c '%s %a %F %h' z; truncate -s 1M sparse; stat -c '%s' sparse; truncate -s -1k z; stat -c %s z
dd if=/dev/zero bs=1M count=20 status=none | sha256sum; dd if=n bs=7 skip=3 count=2 status=none | od -c
mkdir -p -m 750 t/a/b; touch -d '2020-02-29 12:00:00 UTC' t/a/old; stat -c '%y %Y' t/a/old
ln -s ../a t/a/b/link; ln n t/hard; stat -c '%h %F' t/hard t/a/b/link; readlink -f t/a/b/link | sed "s,$PWD,.,"
chmod +t,g-w,o=r t/a/old; stat -c %A t/a/old; cp -a t t2; find t2 | sort
stat -c '%n %a %Y' t2/a/old; stat -c %a t2/a; cmp t/hard t2/hard; mv t2 t3; mv -n n nn; mv -T t3 t4; ls t4
install -m 751 -D f2 i/j/k; stat -c '%a %s' i/j/k; cp -r --parents t/a/old i; ls i/t/a
cp --sparse=always z zs; cmp z zs; cp -u f1 f2; cp -l f1 f3; ls -l f1 | cut -c1-12; link f1 f4; unlink f4
d=$(mktemp -d ./tmp.XXXXXX); [ -d "$d" ] && stat -c %a "$d"; rmdir "$d"; f=$(mktemp -p . x.XXXX); stat -c %a "$f"
ls -la --time-style=+%Y t/a | tail -1 | awk '{ print $1, $6, $7 }'; ls -1F t; ls -m f1 f2; ls -S z sparse | tail -1
du -a -b t4/hard t4/a/old t4/a/b/link; rm -r t4; rm -f missing; ls t4 2>&1; rm nothere 2>&1; mkdir f1 2>&1
touch -r nn f2; [ f2 -ot f1 ] && test ! -e nothere && [ -s nn ] && echo tests; mkfifo p; (echo piped > p &); cat p
df . > /dev/null && sync f1 && echo df; pathchk a/b; realpath -m ./x/../y | sed "s,$PWD,.,"; dir f1; vdir f1 | wc -l
chown "$(id -u)" f1 && chgrp "$(id -g)" f1 && echo owner; shred -n1 -u f3 && ls f3 2>&1
echo == time and processes
date -u -d '2024-02-29 +1 year' +%F; date -u -d @1700000000 '+%A %j %V %s'; TZ=Europe/Berlin date -d '2024-07-01 12:00 UTC' +%H:%M%z
timeout 0.2 sleep 5; echo $?; timeout -s KILL 0.1 sleep 5; echo $?; timeout 5 true; echo $?; timeout --preserve-status 0.1 sleep 3; echo $?
timeout -k 0.1 0.1 sh -c 'trap "" TERM; sleep 5 & wait; sleep 5'; echo $?
[ "$(nproc)" -ge 1 ] && nproc --all > /dev/null && echo nproc; seq 3 | tee t1 t2 | tail -1; cmp t1 t2
env -i A=1 B=2 env | sort; env -u HOME sh -c 'echo ${HOME-unset}'; env -C i pwd | sed "s,$PWD,.,"; printenv NOTHING; echo $?
nice -n 5 nice; nohup true 2>/dev/null; echo $?; id -u | grep -c .; whoami > /dev/null; groups > /dev/null; tty < /dev/null; echo $?
stdbuf -oL seq 2; sleep 0.05 0.05; test -t 0; echo $?; true; false; echo $?; uname -s; uname -m; arch; hostid | wc -c
kill -l 9; sh -c 'kill -9 $$'; echo $?; logname 2>/dev/null | wc -l; who | wc -l; users | wc -c; pinky -s > /dev/null; echo $?
stty size < /dev/null 2>&1; echo $?; chroot / true 2> /dev/null; echo chroot; runcon true 2>/dev/null; echo done
