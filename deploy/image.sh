#!/bin/sh
# The steps that make the image. deploy/Dockerfile calls them; the tests run them in an empty folder.
#
#   deploy/image.sh compile FILE   builds the program as FILE; run it in the repository's root
#   deploy/image.sh prepare ROOT   makes the folders of the image below ROOT
set -eu

# The user that the program runs as. A number needs no list of users. deploy/Dockerfile has the same number.
user=10001

compile() {
  cargo build --release --locked --package taskwire --bin taskwire
  install -D -m 0755 "${CARGO_TARGET_DIR:-target}/release/taskwire" "$1"
}

prepare() {
  root=${1%/}
  install -d -m 0755 "$root/usr/local/bin"
  # Only the node may read its data. Without root the folder cannot be given to another user.
  if [ "$(id -u)" = 0 ]; then
    install -d -m 0700 -o "$user" -g "$user" "$root/var/lib/taskwire"
  else
    install -d -m 0700 "$root/var/lib/taskwire"
  fi
}

case "${1:-} $#" in
  'compile 2') compile "$2" ;;
  'prepare 2') prepare "$2" ;;
  *)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
