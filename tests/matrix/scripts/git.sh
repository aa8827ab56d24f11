# A repository made, changed, shown, packed and checked; dates and threads fixed.
set -e
directory=$(mktemp -d /tmp/matrix-XXXXXX)
trap 'rm -r $directory' EXIT
cp -r tree $directory/t
cd $directory/t
export HOME=$directory GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=pack.threads GIT_CONFIG_VALUE_0=1
export GIT_CONFIG_KEY_1=index.threads GIT_CONFIG_VALUE_1=1
git -c init.defaultBranch=main init -q
git config user.name n
git config user.email e@x
git config core.preloadIndex false
git add .
git commit -qm one
for f in d*/e*/*.c; do echo more >> $f; done
git commit -qam two
git log --stat | tail -5
git diff HEAD~1 | sha256sum
git repack -adq
git fsck
git rev-parse HEAD
