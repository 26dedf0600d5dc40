# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# A repository of 1,000 files: its objects have the same names everywhere.
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
git init -q -b trunk repo; cd repo
i=0
while [ $i -lt 1000 ]; do
	d=d$((i % 20)); mkdir -p $d
	printf 'file %d\n%s\n' $i "$((i * 7919))" > $d/f$i; i=$((i + 1))
done
git add .; git commit -q -m 'first'; git rev-parse HEAD
for k in 1 2 3; do
	echo "change $k" >> d$k/f$k; git commit -q -am "change $k"
done
git log --format='%h %s'; git diff --stat HEAD~3; git show HEAD:d1/f1
git checkout -q -b side HEAD~2; git rm -q d5/f5; git mv d6/f6 d6/moved
echo x > new; git add new; git commit -q -m side; git checkout -q trunk
git merge -q --no-edit side; git log --graph --format=%s | cat; git ls-files | wc -l
git gc -q --no-quiet 2>/dev/null; git gc -q; git fsck --full --strict; git count-objects -v | grep in-pack
git clone -q . ../copy; cd ../copy; git rev-parse HEAD; git status --short
git bisect start -q HEAD HEAD~3 >/dev/null; git bisect reset 2>/dev/null; git stash list
echo dirty >> d1/f1; git stash -q; git stash pop -q; git diff | tail -1; git blame -s d1/f1 | tail -2
git archive HEAD | sha256sum; git grep -c 'change' | sort; git rebase -q HEAD~1 2>/dev/null || true
git verify-pack -v .git/objects/pack/*.idx | wc -l
