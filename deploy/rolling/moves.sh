# shellcheck shell=bash
# The moves a deploy is made of. Each may be repeated: the links say what is, and a move makes them say what is wanted.

routes_of() { # of a slot
  case $1 in
    a) echo v0{0..9} ;;
    b) echo v1{0..9} ;;
  esac
}
other_slot() { [[ $1 == a ]] && echo b || echo a; }
# In this order a canary takes routes, half of each slot's.
canary_order() {
  local n
  for n in {0..9}; do echo "v0$n" "v1$n"; done
}

instance_at() { # instance_at <link>
  local target
  target=$(readlink "$RUN_DIR/$1.sock") || return 0
  echo "${target%.sock}"
}
point() { # point <instance> <link>...
  lead "$(links_to "$@")"
}
links_to() { # links_to <instance> <link>...
  local link
  for link in "${@:2}"; do printf '%s=%s ' "$link" "$1"; done
}
# The links of many routes in one go: a command for each would be felt in a rollback.
lead() { # lead <link=instance ...> [option of the verdict]...
  local pair
  if [[ $ROUTING == flags ]]; then
    for pair in $1; do flag "${pair%%=*}" "${pair#*=}" || return 1; done
  fi
  verdict lead --to "$1" "${@:2}"
}
# Where nginx cannot follow the link it looks for a file that is named after the route and the address.
flag() { # flag <link> <instance>
  local wanted former
  [[ $1 == v* ]] || return 0
  wanted=$RUN_DIR/flags/$1.$(cat "$RUN_DIR/$2.place") || return 1
  mkdir -p "$RUN_DIR/flags"
  for former in "$RUN_DIR/flags/$1".*; do
    [[ $former != "$wanted" && -e $former ]] && mv -T "$former" "$wanted"
  done
  [[ -e $wanted ]] || : >"$wanted"
}
links_of() { # of a slot
  echo "$1 $(routes_of "$1")"
}
point_slot() { # point_slot <slot> <instance>
  # shellcheck disable=SC2046
  point "$2" $(links_of "$1")
}
seen_by_proxy() { verdict verify --deadline 5; }

# Which process each instance on trial was when it got ready: who is started again between two looks has died all the same.
declare -A lives=()
start_on_trial() { # as start_instance
  start_instance "$@" || return 1
  lives[$1]=$(driver alive "$1" || driver alive "$1") && return 0
  : >"$RUN_DIR/$1.ended"
  return 1
}
# One whose process ended, for want of a store for instance, is started again and again by whoever keeps it running. When the deploy goes
# on it would pass for one that dies: it begins anew then, unless somebody is led to it.
start_instance() { # start_instance <instance> <healthy seconds>
  local instance=$1 code=0
  [[ ! -e $RUN_DIR/$instance.ended ]] || has_users "$instance" || is_former "$instance" || discard "$instance"
  driver start "$instance" || return 1
  verdict await-ready --instance "$instance" --release "${instance#?.}" --healthy "$2" --deadline "$READY_DEADLINE_S" || code=$?
  rm -f "$RUN_DIR/$instance.ended"
  ((code != 4)) || : >"$RUN_DIR/$instance.ended"
  return "$code"
}
has_users() { # by a route or a slot; that of nginx may stand in a file's name alone
  local link
  for link in "$RUN_DIR"/{a,b,v*}.sock; do
    [[ -L $link && $(readlink "$link") == "$1.sock" ]] && return 0
  done
  [[ $ROUTING == flags && -e $RUN_DIR/$1.place ]] && compgen -G "$RUN_DIR/flags/v*.$(cat "$RUN_DIR/$1.place")" >/dev/null
}
# Asked three times, as one call of the driver may fail for reasons of its own; in a process of its own, which does not hold the lock: a
# signal that stops this script meanwhile would say so to nobody.
is_alive() {
  local looks
  for looks in 1 2 3; do
    ((looks == 1)) || sleep 0.1
    (driver alive "$1") >/dev/null 2>&1 9>&- && return 0
  done
  return 1
}
try_out() { # try_out <instance> <former instance>
  [[ -n $TRY_SESSION ]] || return 0
  local former=()
  if [[ -n $2 ]] && is_alive "$2"; then former=(--former "$2"); fi
  verdict try-out --instance "$1" --session "$TRY_SESSION" "${former[@]}"
}

moved=0
# What an instance on trial is held to, beside the former ones.
limits() { # limits <instance>
  echo "--life ${lives[$1]} --samples $SOAK_SAMPLES --greetings $SOAK_CONNECTIONS --slower-by $SLOWER_BY_MS --late $LATE_MS"
}
# Whoever is still there at the deadline is closed when the instance is stopped, and comes back by the routes. Fails when those who move
# to a release that is on trial are not welcomed there.
hand_over() { # hand_over <instance> [instance on trial]
  local count code=0 trial=()
  is_alive "$1" || return 0
  [[ -z ${2:-} ]] || read -ra trial <<<"--to $2 $(limits "$2")"
  # What was on its way to this instance when the routes changed arrives first.
  sleep 0.2
  count=$(verdict hand-over --instance "$1" --deadline "$DRAIN_DEADLINE_S" "${trial[@]}") || code=$?
  case $code in
    0) moved=$((moved + count)) ;;
    4 | 5 | 6) return "$(failure_of "$code")" ;;
    *)
      late=1
      audit drain-late --instance "$1"
      ;;
  esac
}
# A verdict's code as a code of a deploy.
failure_of() { # failure_of <code>
  case $1 in
    4) echo 31 ;;
    6) echo 13 ;;
    *) echo 30 ;;
  esac
}
retire() { # retire <instance>; also of one that does not run just now, because it is about to be started again
  driver stop "$1" "$STOP_S" || {
    late=1
    audit killed --instance "$1"
    say "$1 did not leave in $STOP_S s and was killed."
  }
}
discard() { # an instance that nobody was routed to
  driver stop "$1" 2 || true
  rm -f "$RUN_DIR/$1".{sock,ended}
}
# Brings both slots back to what they had before this deploy: at once where that still runs, then where it must be started again.
restore_slots() {
  local slot old instance
  for slot in a b; do
    old=${J[old_$slot]:-}
    if [[ -n $old ]] && is_alive "$old"; then point_slot "$slot" "$old" || return 1; fi
  done
  for slot in a b; do
    old=${J[old_$slot]:-}
    if [[ -z $old ]]; then
      for instance in "$slot" $(routes_of "$slot"); do rm -f "$RUN_DIR/$instance.sock"; done
      continue
    fi
    start_instance "$old" 0 && point_slot "$slot" "$old" || return 1
  done
  [[ -z ${J[old_a]:-} ]] || seen_by_proxy || return 1
  for instance in {a,b,c}."${J[release]}"; do
    is_former "$instance" || hand_over "$instance"
  done
}
is_former() { [[ $1 == "${J[old_a]:-}" || $1 == "${J[old_b]:-}" ]]; }

# Whether a release may run on the database as it is, and takes away nothing that the other one needs. Its instances ask again when they start.
suits_database() { # suits_database <release> <release to go back to>
  local code=0 said
  said=$(driver cli "$1" migrations check --beside "$2" 2>&1 </dev/null) || code=$?
  case $code in
    0) ;;
    4)
      say "$said"
      return 1
      ;;
    *) say "Release $1 cannot be asked about the database (${said:-it has no such command}); its instances ask when they start." ;;
  esac
}

# What a release knows of the sessions, as it says itself: asked when it is deployed, because whoever goes back to it is in a hurry. Others
# may read it: commands run as the user that the instances run as.
note_versions() { # note_versions <release>
  local file=$STATE_DIR/versions.$1
  (driver cli "$1" schema versions --json) >"$file.next" 2>/dev/null </dev/null 9>&- && chmod 644 "$file.next" && mv "$file.next" "$file" ||
    { rm -f "$file.next"; return 1; }
}
# Whether no session is newer than what an older release knows; the release that serves is asked, which alone knows the way back.
suits_sessions() { # suits_sessions <release to go back to> <release that serves>
  local code=0 said='' without=()
  grep -q '^REDIS_URL=.' "$APP_ENV" || without=(--without-redis)
  if [[ -s $STATE_DIR/versions.$1 ]] || note_versions "$1"; then
    said=$(driver cli "$2" schema check-rollback --to-file /dev/stdin "${without[@]}" 2>&1 <"$STATE_DIR/versions.$1") || code=$?
  else
    code=127 said="$1 does not say what it knows"
  fi
  case $code in
    0) ;;
    3 | 4)
      say "$said"
      return 1
      ;;
    *) say "Release $2 cannot be asked about the sessions (${said:-it has no such command}); those that are newer wait for a release that knows them." ;;
  esac
}
