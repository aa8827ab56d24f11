# Three processes of rsync on each side of a local copy: a full copy, an update, a dry deletion.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
rsync -a tree/ $directory/copy
(cd $directory/copy && find . -type f | sort | xargs cat | sha256sum)
echo changed > $directory/copy/d0/new
touch -d @1000000000 $directory/copy/d1
rsync -rlpi --checksum --delete tree/ $directory/copy
rsync -rcn --stats tree/ $directory/copy | grep -E '^Number of (files|created|deleted)'
rsync --no-such-option 2>&1 | head -n 1
