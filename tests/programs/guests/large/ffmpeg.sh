# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# ffmpeg: a picture and a tone, encoded by two threads and decoded again.
set -e
ff="ffmpeg -v error -nostdin -threads 2"
$ff -f lavfi -i testsrc=duration=3:size=320x240:rate=10 \
    -f lavfi -i sine=frequency=440:duration=3 \
    -c:v mpeg4 -bitexact -c:a flac -y t.mkv
$ff -i t.mkv -map 0:v -f framemd5 - | tail -5
$ff -i t.mkv -map 0:a -f md5 -
