# shellcheck shell=bash
# The same commands over several hosts, by ssh: all are looked at and locked first, then one after the other. Each host has its own
# nginx, routes and slots; stores are shared. deploy/hosts.example is a file to begin with.

declare -a hosts=() finished=()
declare -A destination=() folder=() remote_config=() held=()

read_hosts() { # read_hosts <file>
  local name to where config
  while read -r name to where config; do
    [[ -n $name && $name != '#'* ]] || continue
    [[ -n $where ]] || fail_usage "A line of $1 is: name, destination of ssh, folder of deploy/, configuration; and \"$name $to\" is none."
    hosts+=("$name") destination[$name]=$to folder[$name]=$where
    remote_config[$name]=${config:-/etc/trackstand/rolling.conf}
  done < <(sort "$1")
  ((${#hosts[@]} > 0)) || fail_usage "There is no host in $1."
  hosts_journal=$1.journal
  # Keys are pinned: a host that is not in known_hosts is none of ours.
  ssh_options=(-o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o StrictHostKeyChecking=yes)
  [[ -z ${TRACKSTAND_SSH_CONFIG:-} ]] || ssh_options=(-F "$TRACKSTAND_SSH_CONFIG" "${ssh_options[@]}")
}
# Without our ends of what the locks there are held by: with this script gone nobody may hold them, whatever it had begun.
there() ( # there <host> <command line>
  for descriptor in "${held[@]}"; do exec {descriptor}>&-; done
  exec ssh "${ssh_options[@]}" "${destination[$1]}" "$2"
)
on() { # on <host> <word>...: rolling.sh there
  local host=$1 line
  shift
  printf -v line '%q ' "${folder[$host]}/rolling.sh" "$@" --config "${remote_config[$host]}" ${json:+--json}
  there "$host" "$line" </dev/null
}

# What is of no use in milliseconds is a danger in seconds: logs, certificates and audit entries that contradict each other.
check_clock() { # check_clock <host>
  local before theirs after skew_ms
  before=$(date +%s%N)
  theirs=$(there "$1" 'date +%s%N' </dev/null) || finish 69 "Host $1 is out of reach; nothing was changed on any host."
  after=$(date +%s%N)
  skew_ms=$(((theirs - (before + after) / 2) / 1000000))
  ((${skew_ms#-} < 1000 + (after - before) / 2000000)) ||
    finish 10 "The clock of host $1 is $((skew_ms / 1000)) s off; nothing was changed on any host."
}
# A process there holds the lock as long as our end of its input is open, however this script ends.
hold() { # hold <host>
  local host=$1 line descriptor code=0
  mkfifo "$scratch/$host.in"
  printf -v line '%q ' "${folder[$host]}/rolling.sh" hold "$token" --config "${remote_config[$host]}"
  there "$host" "$line" <"$scratch/$host.in" >"$scratch/$host.out" 2>&1 &
  local holder=$!
  exec {descriptor}>"$scratch/$host.in"
  held[$host]=$descriptor
  until grep -q '^held$' "$scratch/$host.out" 2>/dev/null; do
    if ! kill -0 "$holder" 2>/dev/null; then
      wait "$holder" || code=$?
      ((code != 255)) || finish 69 "Host $host is out of reach; nothing was changed on any host."
      finish "$code" "Host $host: $(tail -n 1 "$scratch/$host.out")"
    fi
    sleep 0.05
  done
}
hold_all() {
  local host
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  token=$$.$RANDOM$RANDOM
  for host in "${hosts[@]}"; do check_clock "$host"; done
  for host in "${hosts[@]}"; do hold "$host"; done
}
locked() { # locked <host> <word>...
  local host=$1
  shift
  on "$host" "$@" --under-lock "$token"
}
refuse_unfinished_anywhere() {
  [[ ! -e $hosts_journal ]] || finish 70 "An earlier one was not finished ($(tr '\n' ' ' <"$hosts_journal")): rolling.sh resume --hosts, or abort."
}
# All of what was asked for: whoever resumes says none of it again. Whole or not at all.
note() {
  if ! printf '%s=%s\n' verb "$verb" release "$target" hosts "${hosts[*]}" on_fail "$on_fail" strategy "$strategy" steps "$steps" \
    keep_warm "$keep_warm" strict "$strict" now "$now" >"$hosts_journal.next" || ! mv "$hosts_journal.next" "$hosts_journal"; then
    finish 10 "The journal cannot be written to $hosts_journal: the disk may be full. Nothing was changed on any host."
  fi
}
read_note() {
  local key value
  [[ -e $hosts_journal ]] || finish 0 "There is no unfinished deploy."
  verb='' target=''
  while IFS='=' read -r key value; do
    case $key in
      verb | on_fail | strategy | steps | keep_warm | strict | now) printf -v "$key" %s "$value" ;;
      release) target=$value ;;
      # Where an older one says none, it was for all of the file.
      hosts) read -ra hosts <<<"$value" ;;
    esac
  done <"$hosts_journal"
  [[ -n $verb && -n $target ]] && ((${#hosts[@]} > 0)) ||
    finish 70 "$hosts_journal does not say what was under way, and nothing was done: rolling.sh status on each host, resume or abort there, then remove it."
  never_forward
}
# Who went back for a good reason does not come forward again because another cannot.
never_forward() { [[ $verb != rollback ]] || on_fail=halt; }
lost() { # lost <host>
  finish 69 "The connection to host $1 was lost; its users are served as the routes there say. rolling.sh resume --hosts goes on, abort takes it back."
}

deploy_to_all() {
  local host code
  [[ -n $target ]] || fail_usage "Which release? rolling.sh $verb <release> --hosts FILE"
  refuse_unfinished_anywhere
  hold_all
  for host in "${hosts[@]}"; do
    code=0
    locked "$host" preflight "$target" "$verb" --strategy "$strategy" || code=$?
    ((code != 255)) || finish 69 "Host $host is out of reach; nothing was changed on any host."
    ((code == 0)) || finish "$code" "Host $host is not ready for $target; nothing was changed on any host."
  done
  note
  one_after_the_other
}
one_after_the_other() {
  local host code words
  for host in "${hosts[@]}"; do
    words=("$verb" "$target" --on-fail "$on_fail" --strategy "$strategy" --steps "$steps" ${keep_warm:+--keep-warm} ${strict:+--strict})
    [[ $verb != rollback ]] || words=(rollback "$target" ${now:+--now})
    if [[ -n ${resumes:-} ]]; then
      code=0
      locked "$host" resume ${strict:+--strict} ${now:+--now} || code=$?
      ((code != 255)) || lost "$host"
      ((code == 0 || code == 40)) || taken_back "$host" "$code"
      if [[ $(locked "$host" live) == "$target" ]]; then
        finished+=("$host")
        continue
      fi
    fi
    event host "$host"
    say "== $host"
    code=0
    locked "$host" "${words[@]}" || code=$?
    ((code != 255)) || lost "$host"
    # Done, but somebody had to be ended.
    ((code == 0 || code == 40)) || taken_back "$host" "$code"
    finished+=("$host")
  done
  rm -f "$hosts_journal"
  finish 0 "Release $target serves on ${hosts[*]}."
}
# The host itself is back already: that is what its own rolling.sh does.
taken_back() { # taken_back <host> <code>
  local host
  [[ $on_fail != halt ]] || finish "$2" "Host $1 did not take $target; ${finished[*]:-no other host} has it: rolling.sh resume --hosts, or abort."
  for host in "${finished[@]}"; do
    say "== $host goes back"
    locked "$host" rollback || finish 32 "Host $1 did not take $target, and $host could not be taken back: rolling.sh status --hosts."
  done
  rm -f "$hosts_journal"
  finish "$2" "Host $1 did not take $target; every host serves what it served before."
}

go_on_everywhere() {
  read_note
  resumes=1
  hold_all
  one_after_the_other
}
abort_everywhere() {
  local host
  read_note
  hold_all
  for host in "${hosts[@]}"; do
    say "== $host"
    locked "$host" abort || finish 32 "Host $host could not be taken back: rolling.sh status --hosts."
    [[ $(locked "$host" live) != "$target" ]] || locked "$host" rollback || finish 32 "Host $host could not be taken back: rolling.sh status --hosts."
  done
  rm -f "$hosts_journal"
  finish 0 "Every host serves what it served before $target."
}
nothing_changed_unless() { # nothing_changed_unless <code> <host> <what it said>
  (($1 != 255)) || finish 69 "Host $2 is out of reach; nothing was changed on any host."
  (($1 == 0)) || finish "$1" "Host $2: $(tail -n 1 <<<"$3") Nothing was changed on any host."
}
asked_of() { # asked_of <host> <word>: sets what was said
  local code=0 said_to_people=$scratch/said
  said=$(locked "$1" "$2" 2>"$said_to_people") || code=$?
  nothing_changed_unless "$code" "$1" "$(cat "$said_to_people")"
}
roll_back_everywhere() {
  local host former live code said asked=$target going=()
  refuse_unfinished_anywhere
  hold_all
  for host in "${hosts[@]}"; do
    asked_of "$host" former
    former=$said
    asked_of "$host" live
    live=$said
    target=${target:-$former}
    code=0
    said=$(locked "$host" rollback "$target" --dry-run 2>&1 >/dev/null) || code=$?
    # One that never left it has nowhere to go, unless it stands where a deploy stood still.
    [[ -z $target || $live != "$target" || $code != 10 ]] || continue
    [[ -n $asked || $former == "$target" ]] ||
      finish 10 "Host $host would go back to ${former:-nothing}, and others to $target: rolling.sh rollback <release> --hosts FILE. Nothing was changed on any host."
    nothing_changed_unless "$code" "$host" "$said"
    going+=("$host")
  done
  ((${#going[@]} > 0)) || finish 10 "Release $target is the one that serves on every host."
  hosts=("${going[@]}")
  never_forward
  note
  one_after_the_other
}
plan_everywhere() { ask_everywhere ${target:+"$target"} --dry-run --strategy "$strategy" --steps "$steps"; }
ask_everywhere() { # ask_everywhere [word]...
  local host code=0
  for host in "${hosts[@]}"; do
    say "== $host"
    on "$host" "$verb" "$@" || code=$?
    ((code != 255)) || { code=69; say "Host $host is out of reach."; }
  done
  exit "$code"
}

over_hosts() { # over_hosts <file>
  read_hosts "$1"
  case $verb${dry_run:+-plan} in
    deploy-plan | canary-plan | switch-plan)
      [[ -n $target ]] || fail_usage "Which release? rolling.sh $verb <release> --hosts FILE"
      plan_everywhere
      ;;
    rollback-plan) plan_everywhere ;;
    deploy | canary | switch) deploy_to_all ;;
    rollback) roll_back_everywhere ;;
    resume) go_on_everywhere ;;
    abort) abort_everywhere ;;
    status* | verify* | prune | boot) ask_everywhere ;;
    *) fail_usage "rolling.sh $verb is for one host." ;;
  esac
}
