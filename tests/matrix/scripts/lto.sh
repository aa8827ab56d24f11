# Link-time optimization on two jobs: the driver, collect2, the plugin, lto-wrapper, make, lto1, as.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
gcc -O2 -flto -c -o $directory/big.o big.c
gcc -O2 -flto=2 -o $directory/big $directory/big.o
$directory/big
g++ -O2 -pthread -x c++ -o $directory/cpp - <<'END'
#include <cstdio>
int main() { try { throw 5; } catch (int number) { std::printf("%d\n", number); } }
END
$directory/cpp
ar rcs $directory/lib.a $directory/big.o
nm $directory/big | grep -c ' [Tt] '
strip $directory/big && $directory/big
gcc -O2 -c -o $directory/x.o nosuchfile.c || echo "status $?"
