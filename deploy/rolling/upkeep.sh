# shellcheck shell=bash
# Commands that deploy nothing.

plan() { # plan <op> <release>
  local slot more='one more instance runs meanwhile' moves=once
  say "$1 of $2 would do:"
  case $1 in
    rollback) say "  ask whether $2 suits the database and the sessions" ;;
    *) say "  fetch $2, preflight" ;;
  esac
  case $1 in
    deploy)
      for slot in a b; do
        [[ $strategy == start-first ]] || say "  slot $slot: hand $(instance_at "$slot") over to the other slot, stop it"
        say "  slot $slot: start $slot.$2, ready for $HEALTHY_S s, then $(routes_of "$slot" | wc -w) routes from $(instance_at "$slot"), hand over, watch $SOAK_S s, stop it"
      done
      [[ $strategy == start-first ]] || more='no instance more runs meanwhile' moves=twice
      ;;
    switch)
      say "  start a.$2 and b.$2, then all 20 routes at once, hand over"
      more='two more instances run, and those of the former release stay warm'
      ;;
    rollback)
      say "  start a.$2 and b.$2 where they are not warm, then all 20 routes at once, hand over"
      more='two more instances run meanwhile'
      ;;
    canary)
      say "  start c.$2, then $steps % of the routes, each step watched for $SOAK_S s and up to $HOLD_S s more, then start b.$2"
      more='one more instance runs meanwhile, two at the end' moves='once or twice'
      ;;
  esac
  say "  each connected client moves $moves; $more"
}

drain_slot() { # drain_slot <slot>
  local slot=$1 other=b own
  [[ $slot == a ]] || other=a
  own=$(instance_at "$slot") other=$(instance_at "$other") late=''
  if [[ -n $undo ]]; then
    start_instance "$own" 0 || finish 20 "$own does not get ready; its routes stay where they are."
    # shellcheck disable=SC2046
    point "$own" $(routes_of "$slot") || finish 31 "The routes of slot $slot could not be led back to $own."
    hand_over "$other"
    finish 0 "Slot $slot serves again."
  fi
  is_alive "$other" || finish 10 "The other slot ($other) does not run: nobody would serve."
  # shellcheck disable=SC2046
  point "$other" $(routes_of "$slot") || finish 31 "The routes of slot $slot could not be led to $other."
  seen_by_proxy || finish 31 "The proxy does not follow; rolling.sh drain $slot --undo."
  hand_over "$own"
  audit drain --slot "$slot" --moved "$moved"
  finish 0 "Slot $slot has nobody left: $moved connections moved. rolling.sh drain $slot --undo brings it back."
}

# After a reboot the run folder is empty; after a crash an instance may be gone. What is live is written down.
boot_slots() {
  local slot instance all
  refuse_unfinished
  read -ra all <<<"$(recall slots)"
  ((${#all[@]} == 2)) || finish 10 "Nothing was deployed here yet."
  for slot in a b; do
    instance=${all[0]}
    all=("${all[@]:1}")
    start_instance "$instance" 0 || finish 20 "$instance does not get ready."
    point_slot "$slot" "$instance"
  done
  seen_by_proxy || finish 31 "Both instances run, but the proxy does not reach them."
  audit boot
  finish 0 "Release $(live_release) serves."
}

show_status() {
  if [[ -n $json ]]; then
    verdict status --format json
    return
  fi
  echo "live: $(live_release)  former: $(recall previous)"
  if read_journal; then echo "unfinished: ${J[op]} of ${J[release]} at ${J[step]:-the start}"; fi
  if ! (exec 9>>"$STATE_DIR/lock"; flock -n 9); then echo "locked: $(recall lock.owner)"; fi
  verdict status --format table
}

verify_all() {
  verdict verify --deadline 0 || finish 1 "What serves is not what was deployed."
  verdict check-audit || finish 1 "The audit log does not hold together."
  finish 0 "Every route serves what it should: release $(live_release)."
}

# Warm instances that nobody is routed to, and releases nobody can go back to.
prune() {
  local file instance
  refuse_unfinished
  late=''
  for file in "$RUN_DIR"/[abc].*.{sock,address}; do
    [[ -S $file || -f $file ]] || continue
    instance=$(basename "${file%.*}")
    if ! is_routed "$instance"; then
      say "$instance leaves"
      retire "$instance"
      rm -f "$file"
    fi
  done
  forget_releases
  finish 0 "Pruned."
}
is_routed() { has_users "$1" || [[ $(instance_at candidate) == "$1" ]]; }
forget_releases() {
  local release kept=0
  while read -r release; do
    kept=$((kept + 1))
    if ((kept > RETAIN)) && [[ $release != "$(live_release)" && $release != "$(recall previous)" ]]; then
      driver forget "$release"
      rm -f "$STATE_DIR/versions.$release"
      say "Release $release was removed."
    fi
  done < <(driver releases -)
}
