# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# A terminal multiplexer: a server on a UNIX socket, which passes descriptors,
# and shells on pseudo-terminals.
export TERM=screen
t() { tmux -S "$PWD/socket" -f /dev/null "$@"; }
until_shows() { # TEXT
	for _ in $(seq 200); do
		t capture-pane -p | grep -qx "$1" && return 0
		sleep 0.05
	done
	echo "never shown: $1"
	t capture-pane -p
}
t new-session -d -x 60 -y 10 'PS1="$ " exec bash --norc --noprofile'
t send-keys 'echo $((6 * 7)) $(stty size)' Enter
until_shows "42 10 60"
t send-keys 'sleep 100' Enter
sleep 0.3
t send-keys C-z
t send-keys 'jobs %1 && kill %1; echo "killed $?"' Enter
until_shows "killed 0"
t split-window -h 'PS1="$ " exec bash --norc --noprofile'
t list-panes -F '#{pane_index} #{pane_width}x#{pane_height}'
t send-keys 'printf "%s\n" one two | sort -r' Enter
until_shows "two"
t kill-server
echo "ended $?"
