// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors

// Goroutines, channels, collection, timers, files, signals, processes.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type node struct {
	left, right *node
	pad         [16]byte
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: tree(depth - 1), right: tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func channels() {
	in, out := make(chan int), make(chan int, 16)
	var wg sync.WaitGroup
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for x := range in {
				out <- x * x
			}
		}()
	}
	go func() {
		for i := 0; i < 50000; i++ {
			in <- i
		}
		close(in)
		wg.Wait()
		close(out)
	}()
	sum := 0
	for x := range out {
		sum += x
	}
	fmt.Println("channels", sum)
}

func collection() {
	var n atomic.Int64
	var wg sync.WaitGroup
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 10; k++ {
				n.Add(int64(tree(12).count()))
			}
		}()
	}
	wg.Wait()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println("trees", n.Load(), m.NumGC > 0)
}

func timers() {
	tick := time.NewTicker(5 * time.Millisecond)
	for i := 0; i < 10; i++ {
		<-tick.C
	}
	tick.Stop()
	select {
	case <-make(chan int):
	case <-time.After(20 * time.Millisecond):
		fmt.Println("timeout")
	}
	start := time.Now()
	time.Sleep(30 * time.Millisecond)
	fmt.Println("slept", time.Since(start) >= 30*time.Millisecond)
}

func processes() {
	cmd := exec.Command("sort", "-n")
	cmd.Stdin = strings.NewReader("10\n9\n1\n")
	out, err := cmd.Output()
	fmt.Printf("%q %v\n", out, err)
	err = exec.Command("sh", "-c", "exit 3").Run()
	fmt.Println(err)
	cmd = exec.Command("sleep", "10")
	fmt.Println(cmd.Start(), cmd.Process.Kill(), cmd.Wait())
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-c)
}

func files() {
	f, err := os.Create("go.txt")
	if err != nil {
		panic(err)
	}
	w := bufio.NewWriter(f)
	for i := 0; i < 100000; i++ {
		fmt.Fprintln(w, i)
	}
	w.Flush()
	f.Close()
	b, _ := os.ReadFile("go.txt")
	fmt.Printf("file %d %x\n", len(b), sha256.Sum256(b))
	es, _ := os.ReadDir(".")
	sort.Slice(es, func(i, j int) bool { return es[i].Name() < es[j].Name() })
	fmt.Println(bytes.Count(b, []byte("\n")), len(es) > 0, os.Remove("go.txt"))
}

func main() {
	channels()
	collection()
	timers()
	processes()
	files()
	defer func() {
		fmt.Println("recovered", recover() != nil)
		os.Exit(6)
	}()
	var p *node
	fmt.Println(p.left)
}
