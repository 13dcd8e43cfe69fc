# Code of setup, peer and run: the folder of the peers, which of them are installed, their versions. Knows nothing of
# measuring.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taskwire-peers
installed=(fastapi socketio nchan nats) # what setup installs

say() { printf '%s\n' "$*"; }
show() { sed 's/^/   /'; }
give_up() {
  printf '%s\n' "$*" >&2
  exit 1
}

is_installed() {
  local name
  for name in "${installed[@]}"; do [[ $1 == "$name" ]] && return 0; done
  return 1
}

# Identifies the files from which a peer was made. A changed lock file makes the peer stale.
stamp_of() {
  case $1 in
    fastapi) { cat "$here/fastapi/requirements.txt"; python3 -V; } 2>&1 | cksum ;;
    socketio) { cat "$here/socketio/package-lock.json"; node -v; } 2>&1 | cksum ;;
    *) echo apt ;;
  esac
}

# Whether setup made the peer from the current files of the repository.
is_ready() {
  [[ -s $cache/$1/versions && -f $cache/$1/stamp && $(<"$cache/$1/stamp") == "$(stamp_of "$1")" ]]
}

versions_of() { cat "$cache/$1/versions"; }

# The programs from Debian packages: the copy that setup unpacked, or the system's.
nginx_of() { program_of nchan nginx; }
nats_of() { program_of nats nats-server; }
program_of() {
  local candidate
  for candidate in "$cache/$1/root/usr/sbin/$2" "$cache/$1/root/usr/bin/$2"; do
    if [[ -x $candidate ]]; then
      echo "$candidate"
      return
    fi
  done
  command -v "$2"
}

nchan_module() {
  local candidate
  for candidate in "$cache"/nchan/root/usr/lib/nginx/modules/ngx_nchan_module.so \
    /usr/lib/nginx/modules/ngx_nchan_module.so /usr/lib64/nginx/modules/ngx_nchan_module.so; do
    if [[ -f $candidate ]]; then
      echo "$candidate"
      return
    fi
  done
  return 1
}
