// std::async, promises, condition variables, thread-local objects, and exceptions across threads.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::atomic<int> destroyed;
struct Counter {
    long value = 0;
    ~Counter() { destroyed++; }
};
static thread_local Counter counter;

static long work(int number)
{
    if (number % 7 == 3)
        throw std::runtime_error("number " + std::to_string(number));
    for (int i = 0; i <= number; i++)
        counter.value += i;
    return counter.value;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
    std::vector<std::future<long>> results;
    for (int i = 0; i < rounds; i++)
        results.push_back(std::async(std::launch::async, work, i));
    long sum = 0;
    int thrown = 0;
    for (auto &result : results)
        try {
            sum += result.get();
        } catch (const std::runtime_error &error) {
            thrown += error.what()[0] == 'n';
        }
    std::printf("%ld %d %d\n", sum, thrown, destroyed.load());

    std::mutex mutex;
    std::shared_mutex table;
    std::condition_variable ready;
    std::deque<int> queue;
    long taken = 0;
    std::vector<std::thread> consumers;
    for (int i = 0; i < 4; i++)
        consumers.emplace_back([&] {
            for (;;) {
                std::unique_lock lock(mutex);
                ready.wait(lock, [&] { return !queue.empty(); });
                int item = queue.front();
                queue.pop_front();
                if (item < 0)
                    return;
                taken += item;
                lock.unlock();
                std::shared_lock reading(table);
            }
        });
    for (int i = 0; i < rounds * 50; i++) {
        std::lock_guard lock(mutex);
        queue.push_back(i);
        ready.notify_one();
    }
    for (int i = 0; i < 4; i++) {
        std::lock_guard lock(mutex);
        queue.push_back(-1);
        ready.notify_all();
    }
    for (auto &consumer : consumers)
        consumer.join();
    std::printf("%ld\n", taken);
    return 0;
}
