# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# javac, and its output under each of five garbage collectors.
# gcs.sh DIRECTORY
for gc in Serial Parallel G1 Z Shenandoah; do
	javac -J-Xmx256m -J-XX:+Use${gc}GC -J-XX:-UsePerfData -d "$gc" \
	    "$1/Work.java" || exit 1
	java -Xmx128m -XX:+Use${gc}GC -XX:-UsePerfData -cp "$gc" Work
	echo "$gc $? $(cat "$gc"/*.class | sha256sum)"
done
