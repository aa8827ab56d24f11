# Small filters of coreutils over large inputs.
tr a-y b-z < words.txt | wc
od -An -tx1 -v mixed.bin | md5sum
base64 mixed.bin | cksum
comm -12 original.txt changed.txt 2>&1 | tail -n 2
nl words.txt | tail -n 1
