# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# fio: six ways of input and output with verified data, and three threads that
# write past the cache.
for engine in libaio psync mmap posixaio pvsync2 vsync; do
	fio --name=x --ioengine=$engine --filename=file --size=8m --rw=randrw \
	    --bs=4k --iodepth=8 --verify=crc32c --output-format=terse \
	    2>/dev/null | cut -d";" -f5,6 | sed "s/;.*/ $engine/"
done
fio --name=y --ioengine=libaio --direct=1 --filename=file --size=4m \
    --rw=write --bs=16k --numjobs=3 --thread --group_reporting \
    --output-format=terse 2>/dev/null | cut -d";" -f5
