# The private PostgreSQL and Redis of one test run: finds or installs them (and nginx, Node and Chromium, which the tests start),
# starts and stops them. tests/run and tests/chaos source this file; they define $work, $logs, show and give_up. It never
# touches a server that already runs.
# shellcheck shell=bash

postgres_bin=''  # the folder of initdb and postgres
postgres_port=''
postgres_pid=''
nginx_program=''
chromium_program=''
chromium_named=${TASKWIRE_TEST_CHROMIUM:-} # by whom runs the tests
redis_port=''
redis_pid=''
unprivileged=()  # prefix of a command: runs it as an unprivileged user when we are root

# Sets postgres_bin to the newest server on this machine. Debian does not have it on the PATH.
find_postgres() {
  local candidate
  postgres_bin=''
  while read -r candidate; do
    if [[ -x $candidate/initdb && -x $candidate/postgres ]]; then postgres_bin=$candidate; fi
  done < <(
    if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
    printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
      /usr/local/opt/postgresql*/bin | sort -V
  )
  [[ -n $postgres_bin ]]
}

# Sets nginx_program. On Debian only root has it on the PATH.
find_nginx() {
  local candidate
  nginx_program=''
  for candidate in "$(command -v nginx || true)" /usr/sbin/nginx /usr/local/sbin/nginx /opt/homebrew/bin/nginx; do
    if [[ -z $nginx_program && -x $candidate ]]; then nginx_program=$candidate; fi
  done
  [[ -n $nginx_program ]]
}

# Whether there is Node 20 or newer, with npm.
has_node() {
  command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null
}

# Sets chromium_program: the one that TASKWIRE_TEST_CHROMIUM names, or that of the system.
find_chromium() {
  local candidate
  chromium_program=''
  for candidate in "$chromium_named" "$(command -v chromium || true)" "$(command -v google-chrome || true)" \
    "$(command -v chromium-browser || true)" '/Applications/Chromium.app/Contents/MacOS/Chromium' \
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
    if [[ -z $chromium_program && -x $candidate ]]; then chromium_program=$candidate; fi
  done
  [[ -n $chromium_program ]]
}

# Prints the required programs that are missing, one word a line.
missing() {
  find_postgres || printf 'postgresql\n'
  command -v redis-server >/dev/null || printf 'redis-server\n'
  find_nginx || printf 'nginx\n'
  has_node || printf 'nodejs\n'
  if ${board:-false}; then find_chromium || printf 'chromium\n'; fi
  command -v cc >/dev/null || printf 'compiler\n'
}

# Prints the optional programs that are missing. Without valgrind the tests print that they do not count instructions.
wanted() {
  if [[ $(uname -s) == Linux ]]; then
    command -v valgrind >/dev/null || printf 'valgrind\n'
  fi
}

install_what_is_missing() {
  local what
  what=$(missing | tr '\n' ' ')
  if [[ -n $what ]]; then
    printf '   installing: %s\n' "$what"
    if command -v apt-get >/dev/null; then
      install_with_apt "$what"
    elif command -v brew >/dev/null; then
      install_with_brew "$what"
    fi
    what=$(missing | tr '\n' ' ')
    if [[ -n $what ]]; then
      if [[ -s $logs/install.log ]]; then tail -n 30 "$logs/install.log" | show; fi
      give_up "Missing: ${what% }. Use this system's package manager to install PostgreSQL 14 or newer (the server: initdb, postgres),
redis-server, nginx, Node 20 or newer with npm, for --board Chromium (or Chrome; TASKWIRE_TEST_CHROMIUM names one that is
elsewhere), and a C compiler (cc). Then run this again."
    fi
  fi
  find_postgres && find_nginx
  find_chromium || ! ${board:-false}
  # Optional packages come last and separately: one that does not exist must not block the required ones.
  what=$(wanted)
  if [[ -n $what ]] && command -v apt-get >/dev/null; then
    printf '   installing: %s\n' "$what"
    install_with_apt "$what"
  fi
}

install_with_apt() {
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || return 0
    as_root=(sudo)
    if [[ -n ${CI:-} || ! -t 0 ]]; then as_root=(sudo -n); fi # nobody can type a password
  fi
  ${as_root[@]+"${as_root[@]}"} bash -s -- "$1" <<'SCRIPT' >"$logs/install.log" 2>&1 || true
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Two runs at once take turns, and the second one checks again. apt's own locks cover less than this script.
exec 9</usr/bin
flock 9
packages=''
browser='' # apart: where it has another name, the others are installed all the same
for what in $1; do
  case $what in
    valgrind) command -v valgrind >/dev/null || packages="$packages valgrind" ;;
    compiler) command -v cc >/dev/null || packages="$packages gcc libc6-dev" ;;
    redis-server) command -v redis-server >/dev/null || packages="$packages redis-server" ;;
    nginx) [ -x /usr/sbin/nginx ] || packages="$packages nginx" ;;
    nodejs) command -v npm >/dev/null || packages="$packages nodejs npm" ;;
    chromium) command -v chromium >/dev/null || browser=chromium ;;
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$packages postgresql" ;;
  esac
done
[ -n "$packages$browser" ] || exit 0

# When these packages are installed, they create a cluster and start servers. Prevent both.
ours=''
undo() { for file in $ours; do rm -f "$file"; done; }
trap undo EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e /usr/sbin/policy-rc.d ]; then
  ours=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi
no_cluster=/etc/postgresql-common/createcluster.d/taskwire-tests.conf
mkdir -p "${no_cluster%/*}"
ours="$ours $no_cluster"
printf 'create_main_cluster = false\n' >"$no_cluster"

install() {
  apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null 9<&-
}
# The package lists may be old or missing; in a container image they usually are.
apt-get update -q </dev/null 9<&- || true
# shellcheck disable=SC2086 # a list of names
[ -z "$packages" ] || install $packages
[ -z "$browser" ] || install "$browser"
SCRIPT
}

install_with_brew() {
  local what packages=()
  for what in $1; do
    case $what in
      postgresql) packages+=(postgresql@17) ;;
      redis-server) packages+=(redis) ;;
      nginx) packages+=(nginx) ;;
      nodejs) packages+=(node) ;;
      chromium) printf '   for Chromium: brew install --cask chromium\n' ;;
      compiler) printf '   for the compiler: xcode-select --install\n' ;;
    esac
  done
  if ((${#packages[@]} > 0)); then
    brew install --quiet "${packages[@]}" >"$logs/install.log" 2>&1 </dev/null || true
  fi
}

# PostgreSQL refuses to run as root. Sets `unprivileged`, and gives the named folders to that user.
become_unprivileged() {
  local user
  if ((EUID == 0)); then
    user=nobody
    if id -u postgres >/dev/null 2>&1; then user=postgres; fi
    if command -v setpriv >/dev/null; then
      unprivileged=(setpriv "--reuid=$(id -u "$user")" "--regid=$(id -g "$user")" --clear-groups)
    else
      unprivileged=(runuser -u "$user" --)
    fi
    chmod 711 "$work"
    chown "$user" "$@"
  fi
}

# Below the ephemeral ports of the system, so that port 0 of a test never takes it.
random_port() {
  printf '%d\n' "$((15000 + (RANDOM << 15 | RANDOM) % 15000))"
}

# await_line PID LOG TEXT: waits until the log has the text. Fails when the server ends, or after one minute. It reads the
# log because an open port may belong to another process.
await_line() {
  local deadline=$((SECONDS + 60))
  until grep -q "$3" "$2" 2>/dev/null; do
    kill -0 "$1" 2>/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# Makes the cluster's files. Text sorts by the rules of a language, as on most servers, so that tests detect a query that
# needs byte order without `collate "C"`.
init_postgres() {
  local data=$1 options=(--username=postgres --auth=trust --encoding=UTF8 --no-sync)
  local linguistic=(--locale=C.UTF-8 --lc-messages=C --locale-provider=icu --icu-locale=en-US)
  local fallback
  for fallback in "${linguistic[*]}" '--locale=C.UTF-8 --lc-messages=C' '--locale=C'; do
    # shellcheck disable=SC2086 # options without spaces in them
    if (cd "$work" && ${unprivileged[@]+"${unprivileged[@]}"} "$postgres_bin/initdb" --pgdata="$data" \
      "${options[@]}" $fallback) >>"$logs/initdb.log" 2>&1 </dev/null; then
      return
    fi
  done
  tail -n 20 "$logs/initdb.log" | show
  give_up 'PostgreSQL: initdb failed.'
}

start_postgres() {
  local data=$work/postgres log=$logs/postgres.log attempt
  mkdir -m 700 "$data" "$work/redis"
  become_unprivileged "$data" "$work/redis"
  init_postgres "$data"
  # Commits stay durable: the tests measure and kill a realistic server. No Unix socket, because its path has a length limit
  # that long folder names exceed.
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    postgres_port=$(random_port)
    (cd "$work" && exec ${unprivileged[@]+"${unprivileged[@]}"} "$postgres_bin/postgres" -D "$data" \
      -p "$postgres_port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
      -c shared_buffers=32MB -c max_wal_size=256MB -c logging_collector=off -c log_destination=stderr) \
      >"$log" 2>&1 </dev/null &
    postgres_pid=$!
    if await_line "$postgres_pid" "$log" 'database system is ready to accept connections'; then return; fi
    stop_postgres
    grep -q 'could not bind' "$log" || break
  done
  tail -n 20 "$log" | show
  give_up "PostgreSQL did not start (attempt $attempt)."
}

start_redis() {
  local log=$logs/redis.log attempt
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    redis_port=$(random_port)
    (cd "$work" && exec ${unprivileged[@]+"${unprivileged[@]}"} redis-server --port "$redis_port" \
      --bind 127.0.0.1 --dir "$work/redis" --save '' --appendonly no --daemonize no) >"$log" 2>&1 </dev/null &
    redis_pid=$!
    if await_line "$redis_pid" "$log" 'Ready to accept connections'; then return; fi
    stop_redis
    grep -q 'Address already in use' "$log" || break
  done
  tail -n 20 "$log" | show
  give_up "Redis did not start (attempt $attempt)."
}

# SIGQUIT ends PostgreSQL at once: its files are not needed again.
stop_postgres() { stop_server "$postgres_pid" QUIT; postgres_pid=''; }
stop_redis() { stop_server "$redis_pid" TERM; redis_pid=''; }

stop_databases() {
  stop_postgres
  stop_redis
}

# Signals one server, and kills it after ten seconds.
stop_server() {
  local pid=$1 deadline=$((SECONDS + 10))
  [[ -n $pid ]] || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS >= deadline)); then
      kill -KILL -- "-$pid" 2>/dev/null || true
      break
    fi
    sleep 0.05
  done
  wait "$pid" 2>/dev/null || true
}
