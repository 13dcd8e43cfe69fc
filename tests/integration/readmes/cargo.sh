#!/usr/bin/env bash
# `cargo` for the commands of the pages: it runs the programs that the tests have built, and refuses packages, examples
# and folders that do not exist. It shortens measurements. TEST_BINARIES is the folder of the programs.
set -euo pipefail

give_up() { echo "cargo: $*" >&2; exit 101; }
test -f Cargo.toml || give_up "there is no Cargo.toml in $PWD"

folder_of() {
  case $1 in
    taskwire) echo . ;;
    taskwire-client) echo client ;;
    taskwire-cli) echo client/tw ;;
    loadtest) echo loadtest ;;
    *) give_up "no package $1" ;;
  esac
}

command=$1
shift
package=taskwire
example=''
while (($# > 0)); do
  case $1 in
    --release) ;;
    -p | --package) package=$2; shift ;;
    --example) example=$2; shift ;;
    --path) path=$2; shift ;;
    --) shift; break ;;
    *) give_up "unexpected argument $1" ;;
  esac
  shift
done
folder=$(folder_of "$package")

case $command in
  build) ;;
  install)
    program=$(sed -n '/^\[\[bin\]\]/,/^$/s/^name = "\(.*\)"/\1/p' "$path/Cargo.toml")
    test -n "$program" || give_up "$path has no program"
    ln -sf "$TEST_BINARIES/$program" "$HOME/.cargo/bin/$program"
    ;;
  run)
    if [[ -n $example ]]; then
      test -f "$folder/examples/$example.rs" -o -f "$folder/examples/$example/main.rs" || give_up "no example $example in $package"
      exec "$TEST_BINARIES/examples/$example" "$@"
    fi
    if [[ $package == loadtest ]]; then
      unset TASKWIRE_LISTEN # it starts servers of its own
      short=(--seconds 0.3 --warm-up 0.1 --patience 60 --accounts 4 --opening 10)
      case $1 in
        bars) set -- bars --help ;;
        fanout) set -- "$@" "${short[@]}" --watchers 10 ;;
        mixed) set -- "$@" "${short[@]}" --sockets 8 --people 2 --workspaces 2 --smallest 2 --largest 3 --rate 20 ;;
      esac
    fi
    exec "$TEST_BINARIES/$package" "$@"
    ;;
  *) give_up "no command $command" ;;
esac
