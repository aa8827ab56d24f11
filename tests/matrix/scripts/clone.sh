# Two repositories: clone over the local transport and file by file, fetch, repack with two threads.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -rf $directory' EXIT
cp -r tree $directory/one
cd $directory/one
export HOME=$directory GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@x GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e@x
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=pack.threads GIT_CONFIG_VALUE_0=2
export GIT_CONFIG_KEY_1=init.defaultBranch GIT_CONFIG_VALUE_1=main
export GIT_CONFIG_KEY_2=index.threads GIT_CONFIG_VALUE_2=2
git init -q
git add .
git commit -qm one
for number in 1 2 3; do
    for file in d*/e*/*.c; do echo "more $number" >> $file; done
    git commit -qam "change $number"
done
git tag -am tagged v1
cd ..
git clone -q --no-local one two
git clone -q one three
git clone -q --bare --depth 2 file://$directory/one four
for repository in two three four; do
    git -C $repository rev-parse HEAD
    git -C $repository rev-list --count --all
done
cd two
git checkout -qb topic
echo topic > topic
git add topic
git commit -qm topic -m body
git push -q origin topic
git -C ../one log --oneline --all | cat
cd ../three
git fetch -q
git merge -q origin/topic
git repack -adfq --depth=20 --window=20
git fsck --full 2>&1
git count-objects -v | grep -E 'count|packs|in-pack'
git grep -c 'more 2' | sort | sha256sum
git gc -q --prune=now
git archive HEAD | tar -tf - | wc -l
git blame -s d0/e0/*.c 2>/dev/null | tail -n 3 || true
git bisect start -q HEAD v1~3 > /dev/null
git bisect run grep -q 'more 1' $(git ls-files '*.c' | head -n 1) 2>&1 | tail -n 3
