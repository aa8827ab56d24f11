# The whole driver: compile, assemble, link, run; then an error message.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
gcc -O1 -o $directory/big big.c
$directory/big
size -A $directory/big | grep -c text
echo 'int x = 1 +;' > $directory/bad.c
cd $directory
gcc -c bad.c 2>&1 | grep -c error || true
