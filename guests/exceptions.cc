// Tests: C++ exceptions: thrown through frames with destructors, rethrown, caught by type, nested,
// from an indirect call, from a thread-local object. Expected: status 0, prints sums.
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

static long destroyed;
struct Guard { long weight; ~Guard() { destroyed += weight; } };

__attribute__((noinline)) static int deep(int levels, int value)
{
    Guard guard{levels};
    std::string text(static_cast<size_t>(levels + 1), 'x');
    if (levels == 0) {
        if (value % 3 == 0) throw value;
        if (value % 3 == 1) throw std::runtime_error(text);
        throw std::string("text");
    }
    try {
        return deep(levels - 1, value) + static_cast<int>(text.size());
    } catch (const std::string &caught) {
        if (levels & 1) throw;
        throw std::out_of_range(caught);
    }
}

int main()
{
    long sum = 0;
    std::function<int(int, int)> indirect = deep;
    for (int i = 0; i < 3000; i++) {
        try {
            sum += indirect(i & 7, i);
        } catch (int value) {
            sum += value;
        } catch (const std::out_of_range &error) {
            sum += error.what()[0];
        } catch (const std::exception &error) {
            sum += 2;
        } catch (...) {
            sum += 5;
        }
    }
    std::printf("%ld %ld\n", sum, destroyed);
    return 0;
}
