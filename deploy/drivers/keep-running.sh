#!/usr/bin/env bash
# Keeps one instance running: keep-running.sh <instance> <state prefix> <command...>
# Starts it again when it crashes. It is over when the instance leaves in order (0), must not start (78), or was told to leave.
# Writes <prefix>.pid (this process), <prefix>.child (the instance) and <prefix>.restarts.
set -uo pipefail
prefix=$2
shift 2

child=
leaving=
forward() { [[ -z $child ]] || kill -s "$1" "$child" 2>/dev/null; }
trap 'leaving=1; forward TERM' TERM INT
trap 'forward USR2' USR2

echo 0 >"$prefix.restarts"
echo "$$" >"$prefix.pid"
trap 'rm -f "$prefix.pid" "$prefix.child" "$prefix.restarts"' EXIT
restarts=0
while :; do
  "$@" &
  child=$!
  echo "$child" >"$prefix.child"
  # A signal interrupts wait; the instance is over only when it is no longer there.
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  [[ -n $leaving || $code -eq 0 || $code -eq 78 ]] && exit "$code"
  restarts=$((restarts + 1))
  echo "$restarts" >"$prefix.restarts"
  # An instance that cannot stay up must not take the machine with it.
  sleep 1
  [[ -n $leaving ]] && exit 0
done
