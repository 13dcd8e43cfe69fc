#!/usr/bin/env bash
# `docker compose` for the commands of the pages: it refuses files and services that do not exist, and runs what `exec`
# runs here. No container is started.
set -euo pipefail

give_up() { echo "docker: $*" >&2; exit 1; }
[[ $1 == compose && $2 == -f ]] || give_up "unexpected arguments $*"
file=$3
test -f "$file" || give_up "no file $file"
shift 3
if [[ $1 == --profile ]]; then
  grep -q "profiles: \[$2\]" "$file" || give_up "no profile $2"
  shift 2
fi
command=$1
shift
while [[ $1 == -* ]]; do shift; done
grep -q "^  $1:\$" "$file" || give_up "no service $1"
case $command in
  up) (($# == 1)) || give_up "unexpected arguments $*" ;;
  exec) shift; "$@" ;;
  *) give_up "no command $command" ;;
esac
