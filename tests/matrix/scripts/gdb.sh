# The debugger without a process: symbols, lines, disassembly, expressions, Python.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
cd $directory
cat > crash.c <<'END'
#include <signal.h>
struct pair { int first; double second; };
static int fall(struct pair *pair, int depth) { return depth ? fall(pair + 1, depth - 1) + 1 : raise(SIGABRT); }
int main(void) { struct pair pairs[4] = {{1, 2.5}, {3, 4.5}, {5, 6.5}, {7, 8.5}}; return fall(pairs, 3); }
END
gcc -g -O0 -o crash crash.c
gdb -nx -batch -ex 'info line main' -ex 'disassemble fall' -ex 'ptype struct pair' \
    -ex 'print sizeof(struct pair) * 6' -ex 'info functions fall' \
    -ex 'python print(sum(range(10)), gdb.lookup_type("int").sizeof)' crash
gdb -nx -batch -ex 'print nothing' crash || echo "status $?"
