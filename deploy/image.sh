#!/bin/sh
# The steps that make the image: deploy/Dockerfile calls them, and the tests run them in an empty folder.
#
#   deploy/image.sh compile FILE   builds the program and puts it there; run it in the repository's root
#   deploy/image.sh prepare ROOT   makes the folders that the image needs below ROOT
set -eu

# Whom the program runs as. A number, so that no list of users is needed; deploy/Dockerfile names it too.
user=10001

compile() {
  cargo build --release --locked --package taskwire --bin taskwire
  install -D -m 0755 "${CARGO_TARGET_DIR:-target}/release/taskwire" "$1"
}

prepare() {
  root=${1%/}
  install -d -m 0755 "$root/usr/local/bin"
  # What the node keeps is for it alone. Without root there is nobody to give it to but oneself.
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
