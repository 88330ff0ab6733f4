#!/usr/bin/env bash
# Driver without containers and without a service manager: plain processes, releases unpacked in folders.
#   process.sh start|stop|kill|alive|rss|logs|signal <instance> [word]     instance = <slot>.<release>
#   process.sh present|fetch|forget|releases <release>
#   process.sh cli <release> <word>...     the release's own commands; 127 when it has none
# alive prints "<pid>/<restarts>" and answers with its exit code; stop takes the seconds it may last, and fails when it had to kill.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
verb=${1:?verb} name=${2:?instance or release} word=${3:-}
: "${RUN_DIR:?}" "${LOG_DIR:?}"
# shellcheck source=deploy/drivers/release-folders.sh
source "$here/release-folders.sh"
prefix=$RUN_DIR/$name
release=${name#?.}

# Pids are used again by the system: only a process that carries this instance's name counts.
keeper() {
  local pid
  pid=$(cat "$prefix.pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "keep-running.sh $name " && echo "$pid"
}
child() {
  local pid
  keeper >/dev/null && pid=$(cat "$prefix.child" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo "$pid"
}
# Of the two addresses of a slot, the one that no instance has.
free_place() {
  local pair other taken=' '
  for other in "$RUN_DIR/${name%%.*}".*.place; do
    [[ -e $other ]] || continue
    "${BASH_SOURCE[0]}" alive "$(basename "$other" .place)" >/dev/null && taken+="$(cat "$other") "
  done
  for pair in $ADDRESSES; do
    [[ ${pair%%=*} == "${name%%.*}"[12] && $taken != *" ${pair%%=*} "* ]] || continue
    echo "$pair"
    return 0
  done
  echo "Both addresses of slot ${name%%.*} are taken: rolling.sh prune ends who is not routed to." >&2
  return 1
}
await_end() { # await_end <seconds>
  local tenths=$(($1 * 10))
  while keeper >/dev/null; do
    ((tenths-- > 0)) || return 1
    sleep 0.1
  done
}

case $verb in
  start)
    keeper >/dev/null && exit 0
    [[ -f $RELEASES_DIR/$release/$main ]] || { echo "Release $release is not here." >&2; exit 1; }
    if [[ ${ROUTING:-links} == flags ]]; then
      pair=$(free_place) || exit 1
      echo "${pair%%=*}" >"$prefix.place"
      echo "http://${pair#*=}" >"$prefix.address"
    fi
    (
      read_settings
      export LISTEN=unix:$prefix.sock RELEASE=$release
      if [[ -n ${pair:-} ]]; then
        address=${pair#*=}
        export LISTEN='' HOST=${address%:*} PORT=${address##*:}
      fi
      cd "$RELEASES_DIR/$release"
      # A session of its own, and nothing of ours left open: neither the lock nor the terminal.
      exec setsid "$here/keep-running.sh" "$name" "$prefix" "${NODE:-node}" "$main" \
        </dev/null >>"$LOG_DIR/$name.log" 2>&1 8>&- 9>&- &
    )
    for _ in {1..100}; do
      keeper >/dev/null && exit 0
      sleep 0.05
    done
    echo "$name did not start; see $LOG_DIR/$name.log." >&2
    exit 1
    ;;
  stop)
    pid=$(keeper) || exit 0
    kill -TERM "$pid" 2>/dev/null || exit 0
    await_end "${word:-20}" && exit 0
    "${BASH_SOURCE[0]}" kill "$name"
    exit 1
    ;;
  kill)
    pid=$(keeper) || exit 0
    instance=$(child || true)
    kill -KILL "$pid" ${instance:+"$instance"} 2>/dev/null || true
    await_end 5 || true
    rm -f "$prefix".{pid,child,restarts,sock}
    ;;
  alive)
    pid=$(child) || exit 1
    echo "$pid/$(cat "$prefix.restarts")"
    ;;
  rss)
    pid=$(child) || exit 1
    awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$pid/status"
    ;;
  logs) tail -n "${word:-50}" "$LOG_DIR/$name.log" ;;
  signal)
    pid=$(child) || exit 1
    kill -s "${word:?signal}" "$pid"
    ;;
  cli) release_cli "$name" '' "${@:3}" ;;
  *) release_folders "$verb" "$name" ;;
esac
