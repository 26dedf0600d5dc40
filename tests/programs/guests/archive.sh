# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# archive.sh TREE PACK OPTION...: a tree packed by a program, and unpacked.
set -e
tree=$1 pack=$2; shift 2
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --format=gnu -C "$(dirname "$tree")" -cf all.tar "$(basename "$tree")"
stat -c %s all.tar; sha256sum all.tar
case $pack in
tar) mv all.tar packed; unpack=cat ;;
*) "$pack" "$@" -c all.tar > packed; sha256sum packed; unpack="$pack -dc"; rm all.tar ;;
esac
mkdir out; $unpack < packed | tar -C out -xf -
diff -r "$tree" "out/$(basename "$tree")" && echo same
find out | wc -l; rm -r out
