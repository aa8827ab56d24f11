// Threads of a Java virtual machine: pools, locks, parallel streams, collection of garbage, exceptions
// from faults, interrupts, a child process. Prints the same lines every time.
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Workers {
    static long mix(long x) {
        for (int i = 0; i < 300; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
        }
        return x;
    }

    static String nothing;

    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> futures = new ArrayList<>();
        for (int job = 0; job < 200; job++) {
            long seed = job + 1;
            futures.add(pool.submit(() -> mix(seed)));
        }
        long sum = 0;
        for (Future<Long> future : futures) {
            sum += future.get();
        }
        pool.shutdown();
        System.out.println("pool " + sum + " " + pool.awaitTermination(60, TimeUnit.SECONDS));
        System.out.println("stream " + IntStream.range(1, 3000).parallel().mapToLong(Workers::mix).sum());
        AtomicLong caught = new AtomicLong();
        Thread[] threads = new Thread[16];
        ConcurrentHashMap<Integer, Integer> table = new ConcurrentHashMap<>();
        for (int at = 0; at < threads.length; at++) {
            int number = at;
            threads[at] = new Thread(() -> {
                for (int round = 0; round < 100; round++) {
                    byte[] garbage = new byte[50000];
                    garbage[round] = (byte) number;
                    table.merge(round, number, Integer::sum);
                    try {
                        if (nothing.length() > 0) {
                            table.clear();
                        }
                    } catch (NullPointerException expected) {
                        caught.incrementAndGet();
                    }
                }
            });
            threads[at].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println("table " + table.values().stream().mapToInt(x -> x).sum() + " " + caught);
        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(100000);
            } catch (InterruptedException expected) {
                System.out.println("interrupted");
            }
        });
        sleeper.start();
        sleeper.interrupt();
        sleeper.join();
        try {
            System.out.println(deep(0));
        } catch (StackOverflowError expected) {
            System.out.println("overflow");
        }
        Process child = new ProcessBuilder("/bin/echo", "child").redirectErrorStream(true).start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
        System.out.println(child.waitFor());
    }

    static long deep(long depth) {
        return deep(depth + 1) + mix(depth);
    }
}
