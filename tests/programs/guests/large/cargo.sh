# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# cargo: a build and its tests, without a registry.
set -e
cargo new --quiet --vcs none --name work work
cd work
cat >src/main.rs <<'C'
use std::collections::BTreeMap;
use std::thread;

fn count(text: &str) -> BTreeMap<char, usize> {
    let mut m = BTreeMap::new();
    for c in text.chars() {
        *m.entry(c).or_insert(0) += 1;
    }
    m
}

fn main() {
    let v: Vec<_> = (0..4)
        .map(|i| thread::spawn(move || count(&"hello world".repeat(i + 1))))
        .collect();
    for t in v {
        println!("{:?}", t.join().unwrap());
    }
    std::process::exit(6);
}

#[test]
fn counts() {
    assert_eq!(count("aab")[&'a'], 2);
}
C
cargo build --quiet --offline --release
cargo test --quiet --offline 2>&1 | sed -n 's/finished in.*//;/^test result/p'
exec target/release/work
