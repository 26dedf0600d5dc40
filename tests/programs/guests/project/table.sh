# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# A table of squares, as C.
echo 'extern const int table[];'
echo 'const int table[] = {'
i=0
while [ $i -lt 2000 ]; do echo "	$((i * i)),"; i=$((i + 1)); done
echo '};'
