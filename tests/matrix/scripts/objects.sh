# Assembler, disassembler and symbol tables.
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
source=$PWD/big.i
cd $directory
gcc -S -O1 $source -o big.s && as big.s -o big.o && objdump -dr big.o | md5sum && nm big.o | tail -n 3
