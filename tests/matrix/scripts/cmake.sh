# A CMake project with a library, a test and an install, built by ninja with two jobs.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
mkdir $directory/source
cp big.c $directory/source
cd $directory/source
cat > CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(matrix C)
include(CheckSymbolExists)
check_symbol_exists(memfd_create "sys/mman.h" HAVE_MEMFD)
find_package(Threads REQUIRED)
add_library(helper SHARED helper.c)
target_link_libraries(helper Threads::Threads)
add_executable(big big.c)
add_executable(user user.c)
target_link_libraries(user helper)
enable_testing()
add_test(NAME user COMMAND user 5)
add_test(NAME fails COMMAND user)
set_tests_properties(fails PROPERTIES WILL_FAIL TRUE)
install(TARGETS user helper)
END
echo 'int helper(int x) { return x * 3; }' > helper.c
echo 'int helper(int); int main(int n, char **v) { (void)v; return helper(n) != 6; }' > user.c
cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -S . -B ../build | sed "s,$directory,DIRECTORY,"
cd ../build
ninja -j2 -d explain 2>/dev/null | tail -n 1 | sed 's/^\[[0-9/]*\] //; s/Linking C executable .*/linked/'
./big
ctest -j2 | sed -E 's/[0-9.]+ sec//; s/^.*#[0-9]: //; /^Test project/d; s/ +$//' | sort
DESTDIR=$directory/installed ninja install > /dev/null
(cd $directory/installed && find . -type f | sort)
ninja -t targets all | wc -l
