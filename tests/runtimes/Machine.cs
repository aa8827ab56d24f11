// What mono compiles: calls, threads, a collector that stops them, an exception out of a null access.
using System;
using System.Collections.Generic;
using System.Threading;

static class Machine
{
    static int Fib(int n) { return n < 2 ? n : Fib(n - 1) + Fib(n - 2); }

    static long Work(int id)
    {
        long sum = 0;
        for (int i = 0; i < 3000000; i++)
            sum += i % (id + 3);
        var texts = new List<string>();
        for (int i = 0; i < 100000; i++) {
            texts.Add("x" + i);
            if (texts.Count > 100)
                texts.Clear();
        }
        return sum;
    }

    static void Main()
    {
        Console.WriteLine(Fib(30));
        long total = 0;
        object door = new object();
        var threads = new List<Thread>();
        for (int i = 0; i < 4; i++) {
            int id = i;
            var thread = new Thread(() => { long sum = Work(id); lock (door) total += sum; });
            thread.Start();
            threads.Add(thread);
        }
        foreach (var thread in threads)
            thread.Join();
        Console.WriteLine(total);
        try {
            string nothing = null;
            Console.WriteLine(nothing.Length);
        } catch (NullReferenceException) {
            Console.WriteLine("null");
        }
        GC.Collect();
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 300000; i++)
            counts["k" + i % 1000] = i;
        Console.WriteLine(counts.Count);
    }
}
