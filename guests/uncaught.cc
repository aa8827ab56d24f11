// Tests: an uncaught exception: terminate's message on stderr, then abort.
// Expected: death by SIGABRT, a message that names std::runtime_error.
#include <stdexcept>
int main() { throw std::runtime_error("nobody catches this"); }
