# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# What bash has beyond sh: arrays, substitutions, coprocesses, traps.
shopt -s extglob globstar nullglob
a=(one "two words" three); a+=(four); a[9]=ten; unset 'a[0]'
echo "${#a[@]} ${!a[*]} ${a[*]:1:2} ${a[-1]} ${a[@]/o/0}"
declare -A m=([x]=1 [y]=2 ["a b"]=3)
for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
declare -n ref=a; ref[1]=changed; echo "${a[1]}"
mapfile -t lines < <(seq 1 5 | tac); echo "${lines[*]}"
diff <(seq 1 5) <(seq 2 6); echo "diff: $?"
paste <(seq 3) <(seq 4 6) <(seq 7 9)
seq 1 4 | tee >(sed 's/^/tee /' > t1) > t2; sleep 0.2; sort t1 t2
coproc UP { while read -r x; do echo "${x^^}"; done; }
for w in alpha beta gamma; do
	echo $w >&"${UP[1]}"; read -r back <&"${UP[0]}"; echo "$back"
done
eval "exec ${UP[1]}>&-"; wait "$UP_PID"; echo "coproc: $?"
cat <<< "here string $((6 * 7))"; cat <<-'EOT'
	literal $HOME
	EOT
read -r first second <<< "1 2 3"; echo "$second"
exec {fd}<> file; echo written >&$fd; exec {fd}>&-; cat file
[[ "key=value42" =~ ^([a-z]+)=([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[@]:1}"
s=/usr/share/doc.tar.gz; echo "${s##*/} ${s%.*} ${s%%.*} ${s/share/lib} ${#s} ${s:5:5}"
echo {1..9..3} {a..e} pre{x,y}post; printf -v v '%05.1f|%-5s|%q' 3.14159 ab 'c d'; echo "$v"
echo $((2**40 % 1000007)) $((16#ff ^ 8#17)) $(( (5 > 3) ? 10 : 20 ))
trap 'echo got USR1' USR1; kill -USR1 $$; trap 'echo TERM in $FUNCNAME' TERM
inner() { kill -TERM $$; echo after; }; inner
trap 'echo "ERR at $LINENO: $?"' ERR; false; trap - ERR
(trap 'echo subshell exit' EXIT; exit 4); echo $?
(set -e; true; false; echo unreachable); echo "set -e: $?"
set -o pipefail; false | true; echo "pipefail: $?"; set +o pipefail
true | false | true; echo "${PIPESTATUS[@]}"
fib() { local n=$1; if ((n < 2)); then echo $n; else echo $(($(fib $((n-1))) + $(fib $((n-2))))); fi; }
fib 10
opts() { local OPTIND o; while getopts "ab:c" o; do echo "$o ${OPTARG-}"; done; shift $((OPTIND-1)); echo "rest $*"; }
opts -a -b val -c x y
mkdir -p d/e/f; touch d/1.c d/e/2.c d/e/f/3.h; echo **/*.c; echo d/!(e)
read -t 0.1 -r nothing < <(sleep 1); echo "read -t: $(($? > 128))"
i=0; until ((++i >= 1000)); do :; done; echo $i
case abc in a*c) echo glob;;& *b*) echo also;; esac
select x in red green; do echo "chose $x"; break; done <<< 2 2>/dev/null
echo "${BASH_SUBSHELL} $(echo $BASH_SUBSHELL) $(true; echo ${#FUNCNAME[@]})"
time=$( { TIMEFORMAT=%R; time sleep 0.1; } 2>&1 ); [[ $time == 0.* ]] && echo timed
bash -c 'exec -a renamed bash -c "echo \$0 \$1" "$@"' _ arg0 arg1
bash -c 'kill -SEGV $$'; echo "signal: $?"
nosuchcommand 2>/dev/null; echo $?; ./file 2>/dev/null; echo $?
trap 'echo bye' EXIT
