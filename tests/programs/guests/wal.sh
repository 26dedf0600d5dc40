# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# 100,000 rows through the write-ahead log, in a hundred transactions.
set -e
awk 'BEGIN {
	print "pragma journal_mode=wal; pragma wal_autocheckpoint=200;"
	print "create table t(id integer primary key, k text unique, v integer);"
	for (i = 1; i <= 100000; i++) {
		if (i % 1000 == 1) print "begin;"
		printf "insert into t values(%d, %ckey%d%c, %d);\n", i, 39, i, 39, i * 7 % 1000
		if (i % 1000 == 0) print "commit;"
	}
	print "select count(*), sum(v) from t;"
	print "update t set v = v + 1 where id % 3 = 0; delete from t where id % 10 = 0;"
	print "select count(*), sum(v), max(k) from t; pragma integrity_check;"
}' > in.sql
sqlite3 db < in.sql
# A reader and a writer at once, in two processes.
sqlite3 db "pragma busy_timeout=10000; begin immediate; insert into t values(1000001, 'w', 1); commit;" > writer &
sqlite3 db "pragma busy_timeout=10000; select count(*) > 89999 from t;"
wait; cat writer
sqlite3 db "select count(*) from t; pragma wal_checkpoint(truncate); pragma integrity_check;"
