# shellcheck shell=bash
# What a deploy must not forget: settings, the lock, the journal of an unfinished deploy, the audit log.

# Every setting a configuration file may give.
defaults() {
  : "${DRIVER:=process}" "${STATE_DIR:=/var/lib/trackstand}" "${RUN_DIR:=/run/trackstand}"
  : "${RELEASES_DIR:=$STATE_DIR/releases}" "${LOG_DIR:=/var/log/trackstand}" "${APP_ENV:=/etc/trackstand/app.env}"
  : "${PROXY_URL:=http://127.0.0.1}" "${PROXY_CONFIG:=/etc/nginx/trackstand.conf}" "${ACCESS_LOG:=/var/log/nginx/trackstand.log}"
  : "${NODE:=node}" "${VERDICT:=$here/../dist/deploy/verdict.js}"
  # Seconds. An instance must be ready that long without a break, and within the deadline.
  : "${HEALTHY_S:=10}" "${READY_DEADLINE_S:=60}"
  # Real traffic is watched that long after each slot; a canary waits up to HOLD_S for enough requests and connections at each step.
  : "${SOAK_S:=10}" "${SOAK_SAMPLES:=500}" "${SOAK_CONNECTIONS:=5}" "${HOLD_S:=300}" "${SLOWER_BY_MS:=50}" "${LATE_MS:=200}"
  # Above what the instances take to move everybody: sessions / DRAIN_MOVES_PER_S + DRAIN_GRACE_MS.
  : "${DRAIN_DEADLINE_S:=60}" "${STOP_S:=20}" "${STORES_WAIT_S:=60}"
  : "${RETAIN:=5}"
  # links: Unix sockets behind symbolic links. flags: addresses, two for each slot, and a file for each route (trackstand-flags.conf).
  : "${ROUTING:=links}" "${ADDRESSES:=a1=127.0.0.1:3001 a2=127.0.0.1:3002 b1=127.0.0.1:3003 b2=127.0.0.1:3004}"
  [[ $ROUTING =~ ^(links|flags)$ ]] || fail_usage "ROUTING is links or flags."
  [[ $ROUTING == links || ($DRIVER == process && $verb != canary && $verb != drain) ]] ||
    fail_usage "With ROUTING=flags instances are processes, and cannot see whom to hand over when only some of their routes change: no canary, no drain."
  [[ $ROUTING == links || $verb != stage ]] || fail_usage "With ROUTING=flags nginx has no staging route: no stage."
  # Body of POST /v1/sessions a fresh instance is tried out with; empty leaves it out.
  : "${TRY_SESSION:=}"
  DRIVER_SCRIPT=$here/drivers/$DRIVER.sh
  [[ -x $DRIVER_SCRIPT ]] || fail_usage "There is no driver \"$DRIVER\"."
  export RUN_DIR STATE_DIR RELEASES_DIR LOG_DIR APP_ENV PROXY_URL PROXY_CONFIG ACCESS_LOG NODE DRIVER_SCRIPT
  export ROUTING ADDRESSES INSTALLATION DOCKER_IMAGE DOCKER_NETWORK MEMORY_PER_INSTANCE PACKAGES_DIR
  mkdir -p "$STATE_DIR" "$RUN_DIR" "$LOG_DIR"
  # Where there are only containers, Node and the verdicts come out of the image.
  if [[ $DRIVER == docker && ! -f $VERDICT ]]; then
    NODE=$STATE_DIR/tools/node VERDICT=$STATE_DIR/tools/verdict.mjs
    [[ -f $VERDICT ]] || driver tools "$STATE_DIR/tools" || exit 10
  fi
}

verdict() { "$NODE" "$VERDICT" "$@" 9>&-; }
driver() { "$DRIVER_SCRIPT" "$@" 9>&-; }

# Progress for people on stderr, for scripts on stdout.
say() { echo "$*" >&2; }
event() { # event <name> <text>
  if [[ -n $json ]]; then printf '{"event":"%s","text":"%s"}\n' "$1" "${2//\"/\'}"; fi
}
audit() { # audit <action> [--key value]...
  local action=$1
  shift
  verdict audit --action "$action" --by "${SUDO_USER:-${USER:-unknown}}" --host "$(hostname)" "$@" ||
    say "The audit log could not be written."
}
finish() { # finish <code> <sentence>
  event result "$2"
  say "$2"
  exit "$1"
}

# The system lets go of the lock when this process ends, however it ends.
lock() {
  if [[ -n $under_lock ]]; then
    is_held || finish 75 "The lock of this deploy is gone."
    # With the other machine gone this one goes on to its next step: until then it says itself that it acts.
    exec 9>>"$STATE_DIR/acting"
    flock -w 60 9 || finish 75 "What was begun here before is still under way."
    return 0
  fi
  exec 9>>"$STATE_DIR/lock"
  if ! flock -n 9 || ! flock -n "$STATE_DIR/acting" true 9>&-; then
    finish 75 "Another deploy is under way: $(cat "$STATE_DIR/lock.owner" 2>/dev/null || echo unknown)."
  fi
  echo "$verb ${target:-} by ${SUDO_USER:-${USER:-unknown}}, pid $$ on $(hostname), since $(date -u +%FT%TZ)" >"$STATE_DIR/lock.owner"
}
# Whoever takes a lock away makes a new file of it.
keeps_lock() { [[ -n $under_lock || $(stat -Lc %i "/proc/$$/fd/9") == "$(stat -c %i "$STATE_DIR/lock" 2>/dev/null)" ]]; }
# By rolling.sh on another machine, for the one it runs here.
is_held() { [[ $(recall lock.token) == "$under_lock" ]]; }
hold_lock() { # hold_lock <token>
  echo "$1" >"$STATE_DIR/lock.token"
  trap 'rm -f "$STATE_DIR/lock.token"' EXIT
  echo held
  cat >/dev/null
}
unlock() {
  if [[ -n $under_lock ]]; then
    is_held || finish 75 "The lock of this deploy is gone."
    return 0
  fi
  exec 9>>"$STATE_DIR/lock"
  if flock -n 9; then finish 0 "Nothing is locked."; fi
  [[ -n $force ]] || finish 75 "Held by: $(cat "$STATE_DIR/lock.owner"). Its process is alive; end it, or take the lock away with --force."
  # A new file is a new lock; whoever holds the old one holds nothing.
  rm -f "$STATE_DIR/lock"
  audit unlock --owner "$(cat "$STATE_DIR/lock.owner")"
  finish 0 "The lock was taken away from: $(cat "$STATE_DIR/lock.owner")."
}

# The journal holds what the links cannot tell: what was wanted, and what was there before.
declare -A J=()
write_journal() {
  local key
  if ! { for key in "${!J[@]}"; do printf '%s=%s\n' "$key" "${J[$key]}"; done >"$STATE_DIR/journal.next"; } ||
    ! mv "$STATE_DIR/journal.next" "$STATE_DIR/journal"; then
    finish 10 "The journal cannot be written to $STATE_DIR: the disk may be full. Nothing was changed by this step."
  fi
}
read_journal() {
  local key value
  [[ -f $STATE_DIR/journal ]] || return 1
  while IFS='=' read -r key value; do J[$key]=$value; done <"$STATE_DIR/journal"
}
close_journal() { rm -f "$STATE_DIR/journal"; }
refuse_unfinished() {
  read_journal || return 0
  finish 70 "The ${J[op]} of ${J[release]} was not finished (at ${J[step]:-the start}): rolling.sh resume, or rolling.sh abort."
}
step() { # step <where> <what happens>
  keeps_lock || finish 130 "The lock was taken away from this one: rolling.sh resume goes on, rolling.sh abort takes it back."
  [[ -z $under_lock ]] || is_held || finish 130 "The machine that deploys is gone: rolling.sh resume goes on, rolling.sh abort takes it back."
  J[step]=$1
  write_journal
  event step "$1"
  say "[$1] $2"
}

recall() { cat "$STATE_DIR/$1" 2>/dev/null || true; }
remember() { # remember <name> <value>
  echo "$2" >"$STATE_DIR/$1.next" && mv "$STATE_DIR/$1.next" "$STATE_DIR/$1"
}
# What serves; where compose or somebody by hand started the first instances, the links are all there is.
live_release() {
  local live
  live=$(recall live)
  [[ -n $live ]] || live=$(instance_at a)
  echo "${live#[abc].}"
}
