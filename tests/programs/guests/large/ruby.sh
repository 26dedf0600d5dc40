# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The vmspace authors
# Ruby: minitest with processes, threads, a Ractor, sockets and signals, run by
# rake, whose multitask runs shells at the same time.
cat >t.rb <<'C'
require "minitest/autorun"
require "socket"
class Work < Minitest::Test
  def test_fork
    r, w = IO.pipe
    pid = fork { r.close; w.puts "child"; exit!(3) }
    w.close
    assert_equal "child\n", r.read
    Process.wait(pid)
    assert_equal 3, $?.exitstatus
  end

  def test_threads
    q = Queue.new
    4.times.map { |i| Thread.new { 1000.times { q << i } } }.each(&:join)
    assert_equal 4000, q.size
  end

  def test_ractor
    assert_equal 6, Ractor.new { [1, 2, 3].sum }.take
  end

  def test_sockets
    s = TCPServer.new("127.0.0.1", 0)
    t = Thread.new { c = s.accept; c.write c.gets.upcase; c.close }
    c = TCPSocket.new("127.0.0.1", s.addr[1])
    c.puts "abc"
    assert_equal "ABC\n", c.read
    t.join
  end

  def test_memory
    a = Array.new(200_000) { |i| i.to_s }
    GC.start
    GC.compact
    assert_equal 200_000, a.size
  end

  def test_signal
    got = Queue.new
    trap("USR1") { Thread.new { got << 1 } }
    Process.kill("USR1", Process.pid)
    assert_equal 1, got.pop
  end
end
C
cat >Rakefile <<'C'
names = %w[x1 x2 x3]
names.each { |n| file(n) { sh "echo #{n} >#{n}", verbose: false } }
multitask made: names
task default: :made do
  puts FileList["x*"].sort.join(" ")
  sh "ruby t.rb --seed 1 2>/dev/null | grep runs,", verbose: false
end
C
rake && exit 5
