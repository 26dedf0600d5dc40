# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# LMDB (a shared mapping that grows, robust locks) and RocksDB (write-ahead log,
# threads, direct I/O off).
cat >l.c <<'C'
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define OK(x) do { int e_ = (x); if (e_ != 0) { \
	printf("%s: %s\n", #x, mdb_strerror(e_)); return (1); } } while (0)
static int
work(int part)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	char key[32], data[200];

	OK(mdb_env_create(&env));
	OK(mdb_env_set_mapsize(env, 64 << 20));
	OK(mdb_env_open(env, "lm", 0, 0644));
	for (int i = 0; i < 20; i++) {
		OK(mdb_txn_begin(env, NULL, 0, &txn));
		OK(mdb_dbi_open(txn, NULL, 0, &dbi));
		for (int k = 0; k < 100; k++) {
			MDB_val kv = {.mv_data = key}, dv = {.mv_data = data};

			kv.mv_size = (size_t)snprintf(
			    key, sizeof(key), "%d-%d-%d", part, i, k);
			memset(data, part + k, sizeof(data));
			dv.mv_size = sizeof(data);
			OK(mdb_put(txn, dbi, &kv, &dv, 0));
		}
		OK(mdb_txn_commit(txn));
	}
	mdb_env_close(env);
	return (0);
}
int
main(void)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_stat st;
	int status, bad = 0;

	mkdir("lm", 0755);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(work(i));
	while (wait(&status) > 0)
		bad += status != 0;
	OK(mdb_env_create(&env));
	OK(mdb_env_open(env, "lm", MDB_RDONLY, 0644));
	OK(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
	OK(mdb_dbi_open(txn, NULL, 0, &dbi));
	OK(mdb_stat(txn, dbi, &st));
	printf("lmdb %d %zu\n", bad, st.ms_entries);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return (0);
}
C
cat >r.cc <<'C'
#include <rocksdb/db.h>
#include <cstdio>
#include <thread>
#include <vector>
int
main()
{
	rocksdb::Options o;
	rocksdb::DB *db;
	std::vector<std::thread> v;
	std::string s;
	int n = 0;

	o.create_if_missing = true;
	o.write_buffer_size = 1 << 20;
	if (!rocksdb::DB::Open(o, "rk", &db).ok())
		return (1);
	for (int t = 0; t < 4; t++)
		v.emplace_back([db, t] {
			for (int i = 0; i < 5000; i++)
				db->Put(rocksdb::WriteOptions(),
				    std::to_string(t) + "-" + std::to_string(i),
				    std::string(200, 'a' + t));
		});
	for (auto &t : v)
		t.join();
	db->Flush(rocksdb::FlushOptions());
	db->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr);
	auto it = db->NewIterator(rocksdb::ReadOptions());
	for (it->SeekToFirst(); it->Valid(); it->Next())
		n++;
	delete it;
	delete db;
	printf("rocksdb %d %d\n", n,
	    rocksdb::DB::Open(o, "rk", &db).ok() && db->Get(
		rocksdb::ReadOptions(), "3-4999", &s).ok());
	delete db;
	return (0);
}
C
gcc l.c -o l -llmdb && ./l && g++ -O1 r.cc -o r -lrocksdb -pthread && ./r
