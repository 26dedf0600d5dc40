# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# go test -race: a test that passes and one with a race.
cat >a_test.go <<'C'
package a

import (
	"sync"
	"testing"
)

func count(lock bool) int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 1000; k++ {
				if lock {
					mu.Lock()
				}
				n++
				if lock {
					mu.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	return n
}

func TestLocked(t *testing.T) {
	if count(true) != 8000 {
		t.Fatal("lost")
	}
}

func TestRace(t *testing.T) { count(false) }
C
printf 'module a\n\ngo 1.19\n' >go.mod
go test -race -run Locked . >out 2>&1
echo locked $? "$(sed 's/[0-9.]*s$//' out)"
go test -race -run Race . >out 2>&1
echo race $? "$(grep -c '^WARNING: DATA RACE' out | sed 's/[1-9][0-9]*/some/')"
exit 7
