// Threads that fill the heap, and code that the virtual machine compiles, guards with faults and takes
// back: implicit null checks, calls that turn out to have more targets, loops left in the middle.
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

public class Heap {
    interface Step {
        int apply(int x);
    }

    static final class Tree {
        final Tree left, right;
        final int value;

        Tree(int depth) {
            value = depth;
            left = depth > 0 ? new Tree(depth - 1) : null;
            right = depth > 0 ? new Tree(depth - 1) : null;
        }

        int sum() {
            return value + (left == null ? 0 : left.sum() + right.sum());
        }
    }

    static int length(String text) {
        try {
            return text.length();
        } catch (NullPointerException none) {
            return -1;
        }
    }

    static long work(int id) {
        long sum = 0;
        for (int i = 0; i < 12; i++) {
            sum += new Tree(14).sum();
            byte[][] garbage = new byte[200][];
            for (int k = 0; k < garbage.length; k++)
                garbage[k] = new byte[5000 + k];
            sum += garbage[id].length;
        }
        for (int i = 0; i < 300_000; i++)
            sum += length(i % 1000 == 0 ? null : "abc");
        Step[] steps = {x -> x + 1, x -> x + 1, x -> x + 1};
        for (int i = 0; i < 2_000_000; i++) {
            if (i == 1_000_000)
                steps[1] = x -> x * 3;
            if (i == 1_500_000)
                steps[2] = x -> x ^ 5;
            sum = steps[i % 3].apply((int) sum) & 0xffffff;
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> parts = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int id = t;
            parts.add(pool.submit(() -> work(id)));
        }
        long total = 0;
        for (Future<Long> part : parts)
            total += part.get();
        System.gc();
        pool.shutdown();
        Map<Integer, AtomicInteger> counts = new ConcurrentHashMap<>();
        Thread[] threads = new Thread[8];
        for (int t = 0; t < threads.length; t++) {
            threads[t] = new Thread(() -> {
                for (int i = 0; i < 100_000; i++)
                    counts.computeIfAbsent(i % 1009, key -> new AtomicInteger()).incrementAndGet();
            });
            threads[t].start();
        }
        for (Thread thread : threads)
            thread.join();
        int sum = 0;
        for (AtomicInteger count : counts.values())
            sum += count.get();
        System.out.println(total + " " + sum);
    }
}
