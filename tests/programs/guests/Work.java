// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026 The vmspace authors
// Threads, garbage, files, processes, exceptions.
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.*;

public class Work {
    static int depth(int n) { return depth(n + 1) + 1; }

    static long churn(int k) {
        List<byte[]> keep = new ArrayList<>();
        long sum = 0;
        for (int i = 0; i < 20000; i++) {
            byte[] b = new byte[500 + i % 1000];
            b[i % 500] = (byte) k;
            sum += b[i % 500];
            if (i % 50 == 0) keep.add(b);
        }
        return sum + keep.size();
    }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> fs = new ArrayList<>();
        for (int i = 0; i < 32; i++) { final int k = i; fs.add(pool.submit(() -> churn(k))); }
        long sum = 0;
        for (Future<Long> f : fs) sum += f.get();
        System.out.println("churn " + sum);
        pool.shutdown();
        AtomicLong n = new AtomicLong();
        Object lock = new Object();
        int[] guarded = new int[1];
        Thread[] ts = new Thread[16];
        for (int i = 0; i < ts.length; i++) {
            ts[i] = new Thread(() -> { for (int k = 0; k < 10000; k++) { n.incrementAndGet(); synchronized (lock) { guarded[0]++; } } });
            ts[i].start();
        }
        for (Thread t : ts) t.join();
        System.out.println("threads " + n.get() + " " + guarded[0]);
        Path p = Files.createTempFile(Path.of("."), "w", ".txt");
        Files.writeString(p, IntStream.range(0, 20000).mapToObj(Integer::toString).collect(Collectors.joining("\n")));
        System.out.println("file " + Files.size(p) + " " + Files.lines(p).mapToInt(Integer::parseInt).sum());
        try (FileChannel c = FileChannel.open(p, StandardOpenOption.READ)) {
            ByteBuffer b = c.map(FileChannel.MapMode.READ_ONLY, 0, c.size());
            int x = 0; while (b.hasRemaining()) x = (x * 31 + b.get()) % 1000003;
            System.out.println("mapped " + x);
        }
        Files.delete(p);
        Process q = new ProcessBuilder("sh", "-c", "cat; exit 5").start();
        q.getOutputStream().write("to a child\n".getBytes()); q.getOutputStream().close();
        System.out.print(new String(q.getInputStream().readAllBytes()));
        System.out.println("exit " + q.waitFor());
        try { depth(0); } catch (StackOverflowError e) { System.out.println("overflow"); }
        try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null"); }
        ScheduledExecutorService s = Executors.newScheduledThreadPool(1);
        System.out.println(s.schedule(() -> "later", 30, TimeUnit.MILLISECONDS).get()); s.shutdownNow();
        System.out.println(IntStream.rangeClosed(1, 100000).parallel().mapToLong(i -> (long) i * i).sum());
        Map<String, Integer> m = new ConcurrentHashMap<>();
        IntStream.range(0, 50000).parallel().forEach(i -> m.merge("k" + i % 100, 1, Integer::sum));
        System.out.println(m.size() + " " + m.get("k7")); System.gc();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.exit(4);
    }
}
