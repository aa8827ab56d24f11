# Applets of the static busybox, each a process of its own.
busybox md5sum mixed.bin
busybox awk '{n += NF} END {print n}' words.txt
busybox gzip -c words.txt | busybox gunzip | busybox cksum
busybox find tree | busybox wc -l
busybox sort lines.txt | busybox head -n 3
busybox seq 1 200 | busybox factor | busybox tail -n 1
