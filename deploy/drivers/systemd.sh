#!/usr/bin/env bash
# Driver for machines with systemd: instance a.r2 is the unit trackstand@a.r2, releases are folders. Same words as process.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
verb=${1:?verb} name=${2:?instance or release} word=${3:-}
: "${RUN_DIR:?}"
# shellcheck source=deploy/drivers/release-folders.sh
source "$here/release-folders.sh"
unit=trackstand@$name.service
release=${name#?.}

property() { systemctl show --property "$1" --value "$unit"; }
pid_of() {
  local pid
  [[ $(property ActiveState) == active ]] && pid=$(property MainPID) && [[ $pid != 0 ]] && echo "$pid"
}
# Between two starts after a crash it is neither, and belongs to this unit all the same.
is_ours() { [[ ! $(property ActiveState) =~ ^(inactive|failed)$ ]]; }
await_end() { # await_end <seconds>
  local tenths=$(($1 * 10))
  while is_ours; do
    ((tenths-- > 0)) || return 1
    sleep 0.1
  done
}

case $verb in
  start)
    [[ -f $RELEASES_DIR/$release/$main ]] || { echo "Release $release is not here." >&2; exit 1; }
    is_ours && exit 0
    systemctl reset-failed "$unit" 2>/dev/null || true
    systemctl start "$unit" || { echo "$unit did not start; see journalctl -u $unit." >&2; exit 1; }
    ;;
  stop)
    is_ours || exit 0
    systemctl stop --no-block "$unit"
    await_end "${word:-20}" && exit 0
    "${BASH_SOURCE[0]}" kill "$name"
    exit 1
    ;;
  kill)
    systemctl stop --no-block "$unit" || true
    systemctl kill --signal KILL "$unit" 2>/dev/null || true
    await_end 10 || true
    rm -f "$RUN_DIR/$name.sock"
    ;;
  alive)
    pid=$(pid_of) || exit 1
    echo "$pid/$(property NRestarts)"
    ;;
  rss)
    pid=$(pid_of) || exit 1
    awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$pid/status"
    ;;
  logs) journalctl --no-pager --lines "${word:-50}" --unit "$unit" ;;
  signal)
    pid=$(pid_of) || exit 1
    kill -s "${word:?signal}" "$pid"
    ;;
  cli)
    # As the user its instances run as.
    unit=trackstand@a.$name.service
    release_cli "$name" "$(property User)" "${@:3}"
    ;;
  *) release_folders "$verb" "$name" ;;
esac
