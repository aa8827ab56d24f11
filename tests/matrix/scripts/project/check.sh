# check.sh TEST PROGRAM: one test of the program that was built.
set -e
case $1 in
one) [ "$(echo 'a b a' | $2)" = '2 a
1 b' ] ;;
many) [ "$(seq 1000 | sed 's/.$//' | $2 | head -n 1)" = '10 1' ] ;;
threads) [ "$(seq 500 | $2 -t 4 | sort)" = "$(seq 500 | $2 | sort)" ] ;;
bad) if $2 -x 2> /dev/null; then exit 1; else [ $? = 2 ]; fi ;;
esac
