# shellcheck shell=bash
# The commands. Each is a row of moves with a note in the journal before every one, so that it can be gone on with or taken back.

begin_deploy() { # begin_deploy <op> <release>
  local op=$1 release=$2
  if [[ -n $dry_run ]]; then
    plan "$op" "$release"
    exit 0
  fi
  lock
  refuse_unfinished
  look_ahead "$op" "$release"
  suits_database "$release" "$(live_release)" || finish 12 "Release $release does not suit the database; nothing was changed."
  J=([op]=$op [release]=$release [previous]=$(live_release) [old_a]=$(instance_at a) [old_b]=$(instance_at b))
  J[on_fail]=$on_fail J[strategy]=$strategy J[steps]=$steps J[keep_warm]=$keep_warm
  write_journal
  audit "$op" --release "$release" --from "${J[previous]:-nothing}"
  run_journaled
}

# One instance that only the staging key leads to; a switch to the same release goes on from there.
stage() { # stage <release>
  local fresh=a.$1 staged
  lock
  refuse_unfinished
  staged=$(instance_at candidate)
  if [[ -n $undo ]]; then
    [[ -n $staged ]] || finish 0 "Nothing is staged."
    rm -f "$RUN_DIR/candidate.sock"
    is_routed "$staged" || discard "$staged"
    finish 0 "Nothing is staged any more."
  fi
  look_ahead stage "$1"
  [[ -z $staged || $staged == "$fresh" ]] || finish 10 "${staged#?.} is staged: rolling.sh stage --undo."
  start_instance "$fresh" "$HEALTHY_S" || { discard "$fresh"; finish 20 "Release $1 does not get ready; nobody was led to it."; }
  try_out "$fresh" "$(instance_at a)" || { discard "$fresh"; finish 21 "Release $1 failed when it was tried out; nobody was led to it."; }
  point "$fresh" candidate || finish 21 "The staging route could not be led to $fresh."
  audit stage --release "$1"
  finish 0 "Release $1 is staged: the header X-Deploy-Slot with the staging key leads to it. rolling.sh switch $1, or rolling.sh stage --undo."
}

look_ahead() { # look_ahead <op> <release>
  local first=no
  [[ -n $(instance_at a) || -n $(instance_at b) ]] || first=yes
  driver fetch "$2" || finish 11 "Release $2 could not be brought here; nothing was changed."
  verdict preflight --op "$1" --release "$2" --first "$first" --strategy "$strategy" ||
    finish 10 "The preflight failed; nothing was changed."
}

run_journaled() {
  late='' started=$SECONDS routed_ms=''
  trap 'finish 130 "Stopped at ${J[step]:-the start}: rolling.sh resume goes on, rolling.sh abort takes it back."' INT TERM HUP
  local code=0
  if [[ ${J[phase]:-} == undo ]]; then
    undo_deploy || finish 32 "The ${J[op]} of ${J[release]} could not be taken back: rolling.sh status says what serves."
    finish 0 "The ${J[op]} of ${J[release]} was taken back."
  fi
  case ${J[op]} in
    rollback) swap || code=$? ;;
    deploy) roll_slot a && roll_slot b || code=$? ;;
    switch) stores_answer "$STORES_WAIT_S" && swap || code=$? ;;
    canary) stores_answer "$STORES_WAIT_S" && raise_canary || code=$? ;;
  esac
  # What does not get ready while a store is away may be as good as what serves.
  [[ $code != 20 ]] || stores_answer 0 || code=$?
  ((code == 0)) || failed "$code"
  seen_by_proxy || finish 32 "The release is in place, but the proxy does not say so: rolling.sh verify."
  remember previous "${J[previous]}"
  remember live "${J[release]}"
  remember slots "$(instance_at a) $(instance_at b)"
  note_versions "${J[release]}" || true
  [[ $(instance_at candidate) != ?."${J[release]}" ]] || rm -f "$RUN_DIR/candidate.sock"
  close_journal
  audit "${J[op]}-done" --release "${J[release]}" --moved "$moved" --seconds "$((SECONDS - started))" ${routed_ms:+--routed_ms "$routed_ms"}
  forget_releases
  [[ -z $strict || -z $late ]] || finish 40 "Release ${J[release]} serves, but an instance did not drain in time."
  finish 0 "Release ${J[release]} serves: $moved connections moved, $((SECONDS - started)) s."
}

declare -A failures=([13]='a store is away' [20]='it does not get ready' [21]='it failed when it was tried out'
  [30]='it does worse than the one before' [31]='an instance of it died')
failed() { # failed <code>
  audit "${J[op]}-failed" --release "${J[release]}" --why "${failures[$1]}"
  # With a store away both releases would do badly: nothing is moved until it is back.
  (($1 != 13)) || finish 13 "The ${J[op]} of ${J[release]} waits at ${J[step]}: ${failures[$1]}. rolling.sh resume, or rolling.sh abort."
  [[ ${J[on_fail]} != halt || $1 -ge 30 ]] ||
    finish "$1" "The ${J[op]} of ${J[release]} stands still at ${J[step]}: ${failures[$1]}. rolling.sh resume, or rolling.sh abort."
  undo_deploy || finish 32 "Release ${J[release]} is bad (${failures[$1]}) and could not be taken back: rolling.sh status says what serves."
  finish "$1" "Release ${J[release]} was taken back: ${failures[$1]}."
}

undo_deploy() {
  local instance
  J[phase]=undo
  step all:restore "back to ${J[old_a]:-nothing} and ${J[old_b]:-nothing}"
  restore_slots || return 1
  step all:discard "what is left of ${J[release]} ends"
  for instance in {a,b,c}."${J[release]}"; do
    is_former "$instance" || discard "$instance"
  done
  close_journal
  audit "${J[op]}-undone" --release "${J[release]}" --moved "$moved"
}

roll_slot() { # roll_slot <slot>
  local slot=$1 old=${J[old_$1]} fresh=$1.${J[release]} from=${J[old_$1]}
  [[ -z ${J[done_$1]:-} ]] || return 0
  [[ -z $old || ${J[strategy]} == start-first ]] || make_room "$slot" "$old"
  stores_answer "$STORES_WAIT_S" || return $?
  step "$slot:start" "$fresh, beside ${old:-nothing}; ready for $HEALTHY_S s on end"
  start_on_trial "$fresh" "$HEALTHY_S" || return 20
  step "$slot:try" "a session on $fresh"
  try_out "$fresh" "$old" || return 21
  step "$slot:route" "its routes lead to $fresh"
  point_slot "$slot" "$fresh" || return 31
  # Until the other slot has something of its own, this one serves all routes.
  if [[ -z ${J[old_b]} && $slot == a ]]; then point_slot b "$fresh"; fi
  seen_by_proxy || return 31
  [[ -n $old ]] || return 0
  # Those of one that has left already are guests of the other slot.
  [[ ${J[strategy]} == start-first ]] || from=$(instance_at "$(other_slot "$slot")")
  step "$slot:hand-over" "connections move from $from"
  hand_over "$from" "$fresh" || return $?
  step "$slot:soak" "real traffic for $SOAK_S s"
  judge "$fresh" 0 || return $?
  step "$slot:retire" "$old leaves"
  [[ -n ${J[keep_warm]} ]] || retire "$old"
  J[done_$slot]=1
  write_journal
}
# Without memory for one more instance the other slot serves alone meanwhile.
make_room() { # make_room <slot> <instance>
  local other
  other=$(instance_at "$(other_slot "$1")")
  step "$1:make-room" "its routes lead to $other, $2 leaves first"
  point_slot "$1" "$other"
  hand_over "$2"
  retire "$2"
}
# By an instance that serves; where none does there is nobody to wait for.
stores_answer() { # stores_answer <seconds to wait>
  local slot instance asked=''
  for slot in b a; do
    instance=$(instance_at "$slot")
    if [[ -n $instance ]] && is_alive "$instance"; then
      asked=1
      verdict stores --instance "$instance" --deadline "$1" && return 0
    fi
  done
  [[ -z $asked ]] || return 13
}
judge() { # judge <instance> <seconds to wait for enough requests and connections>
  local code=0 held_to
  read -ra held_to <<<"$(limits "$1")"
  verdict soak --instance "$1" --time "$SOAK_S" --hold "$2" "${held_to[@]}" || code=$?
  case $code in
    0) ;;
    # Few of them say nothing against a release; a canary does not go on with them.
    3) (($2 == 0)) || return 14 ;;
    *) return "$(failure_of "$code")" ;;
  esac
}

# Both slots at once: blue/green, and the way back.
swap() {
  local slot old
  lead_both || return $?
  # Since the command was typed; what takes longer takes nobody's time.
  routed_ms=$((($(date +%s%N) - began_ns) / 1000000))
  say "Every route leads to ${J[release]} after $routed_ms ms."
  for slot in a b; do
    old=${J[old_$slot]}
    [[ -n $old ]] || continue
    step "$slot:hand-over" "connections move from $old"
    # The way back is not judged.
    if [[ ${J[op]} == rollback ]]; then hand_over "$old"; else hand_over "$old" "$slot.${J[release]}" || return $?; fi
  done
  [[ ${J[op]} != rollback ]] || { for slot in a b; do retire "${J[old_$slot]}"; done; return 0; }
  step all:soak "real traffic for $SOAK_S s"
  for slot in a b; do judge "$slot.${J[release]}" 0 || return $?; done
}

lead_both() {
  local slot release=${J[release]} code=1
  if [[ ${J[op]} == rollback && $ROUTING == links ]]; then
    step all:route "every route leads to $release where it is warm"
    code=0
    # shellcheck disable=SC2046
    lead "$(for slot in a b; do links_to "$slot.$release" $(links_of "$slot"); done)" --if-warm yes --deadline 5 || code=$?
  fi
  case $code in
    0) return 0 ;;
    # It is not warm, and nothing was moved.
    1) ;;
    *) return 31 ;;
  esac
  start_both || return $?
  step all:route "every route leads to $release"
  for slot in a b; do point_slot "$slot" "$slot.$release" || return 31; done
  seen_by_proxy || return 31
}
start_both() {
  local slot fresh healthy=$HEALTHY_S starting=() one code=0
  for slot in a b; do
    fresh=$slot.${J[release]}
    is_alive "$fresh" && [[ ${J[op]} == rollback ]] && healthy=0
    [[ -z $now ]] || healthy=0
    step "$slot:start" "$fresh"
    # Who goes back is in a hurry: both at once.
    if [[ ${J[op]} == rollback ]]; then
      start_instance "$fresh" "$healthy" &
      starting+=($!)
    else
      start_on_trial "$fresh" "$healthy" || return 20
      try_out "$fresh" "${J[old_$slot]}" || return 21
    fi
  done
  # Both are waited for: one that is left would hold the lock.
  for one in "${starting[@]}"; do wait "$one" || code=20; done
  return "$code"
}

raise_canary() {
  local percent count all fresh=c.${J[release]}
  read -ra all <<<"$(canary_order | tr '\n' ' ')"
  step canary:start "$fresh"
  start_on_trial "$fresh" "$HEALTHY_S" || return 20
  try_out "$fresh" "${J[old_a]}" || return 21
  for percent in ${J[steps]//,/ }; do
    count=$(((percent * 20 + 99) / 100))
    step "canary:$percent" "$percent % of the sessions move to $fresh"
    point "$fresh" "${all[@]:0:count}" || return 31
    seen_by_proxy || return 31
    hand_over "${J[old_a]}" "$fresh" || return $?
    hand_over "${J[old_b]}" "$fresh" || return $?
    judge "$fresh" "$HOLD_S" || return $?
  done
  # It has proven itself: it becomes slot a, and gets a twin.
  step canary:promote "$fresh becomes slot a, b.${J[release]} slot b"
  start_instance "b.${J[release]}" "$HEALTHY_S" || return 20
  point_slot a "$fresh" && point_slot b "b.${J[release]}" || return 31
  seen_by_proxy || return 31
  hand_over "$fresh"
  retire "${J[old_a]}"
  retire "${J[old_b]}"
}
failures[14]='there were not enough requests and connections to judge it'

begin_rollback() { # begin_rollback [release]
  local live asked asked_too why=''
  [[ -n $dry_run ]] || lock
  refuse_unfinished
  live=$(live_release)
  target=${1:-$(recall previous)}
  [[ -n $target ]] || finish 10 "There is no former release to go back to."
  [[ $target != "$live" ]] || finish 10 "Release $target is the one that serves."
  driver present "$target" || finish 10 "Release $target is not here any more; nothing was changed."
  # Before one of several hosts goes back, each is asked as if it did.
  if [[ -n $dry_run && -z $under_lock ]]; then
    plan rollback "$target"
    exit 0
  fi
  # All of it before anything moves, and at the same time: whoever goes back is in a hurry.
  suits_database "$target" '' &
  asked=$!
  suits_sessions "$target" "$live" &
  asked_too=$!
  [[ -n $dry_run ]] || audit rollback --release "$target" --from "$live"
  wait "$asked" || why='it does not suit the database'
  wait "$asked_too" || why=${why:-there are sessions that are newer}
  if [[ -n $why ]]; then
    [[ -n $dry_run ]] || audit rollback-refused --release "$target" --why "$why"
    [[ $why == *database ]] ||
      finish 12 "Sessions are newer than release $target knows, so nothing was changed: deploy/README.md says under \"Going back under sessions that are newer\" how they are taken back first."
    finish 12 "Release $target cannot be gone back to; nothing was changed."
  fi
  [[ -z $dry_run ]] || exit 0
  J=([op]=rollback [release]=$target [previous]=$live [old_a]=$(instance_at a) [old_b]=$(instance_at b)
    [on_fail]=rollback [strategy]=start-first [steps]='' [keep_warm]='')
  write_journal
  run_journaled
}

resume_deploy() {
  read_journal || finish 0 "There is no unfinished deploy."
  audit resume --release "${J[release]}" --step "${J[step]:-start}"
  run_journaled
}
abort_deploy() {
  read_journal || finish 0 "There is no unfinished deploy."
  audit abort --release "${J[release]}" --step "${J[step]:-start}"
  J[phase]=undo
  run_journaled
}
