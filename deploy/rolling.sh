#!/usr/bin/env bash
# A deploy that nobody notices, on one machine: deploy/README.md is the runbook.
set -euo pipefail
began_ns=$(date +%s%N)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/rolling/journal.sh
source "$here/rolling/journal.sh"
# shellcheck source=deploy/rolling/moves.sh
source "$here/rolling/moves.sh"
# shellcheck source=deploy/rolling/verbs.sh
source "$here/rolling/verbs.sh"
# shellcheck source=deploy/rolling/upkeep.sh
source "$here/rolling/upkeep.sh"
# shellcheck source=deploy/rolling/hosts.sh
source "$here/rolling/hosts.sh"

usage() {
  cat <<'TEXT'
rolling.sh deploy <release>      one slot after the other; back by itself when the release is bad
rolling.sh canary <release>      5, 25, 50, 100 % of the sessions, held and judged at each step
rolling.sh stage <release>       one instance that only the staging key leads to; --undo ends it
rolling.sh switch <release>      both slots at once (blue/green); the former release stays warm
rolling.sh rollback [release]    back to the former release, at once when it is still warm
rolling.sh drain a|b [--undo]    takes a slot out of service, or back in
rolling.sh resume | abort        goes on with a deploy that was cut off, or takes it back
rolling.sh boot                  starts what is live, after a reboot or the death of a slot
rolling.sh status | verify | prune | unlock
rolling.sh preflight <release> [deploy|canary|switch]    whether that could begin; brings the release here
options: --config FILE  --hosts FILE  --dry-run (only says what would be done)  --json  --now  --keep-warm  --strict  --on-fail rollback|halt
         --strategy start-first|stop-first  --steps 5,25,50,100
exit: 0 done  2 usage  10 preflight  11 fetch  12 database  13 store away  14 too few requests or connections
      20 never ready  21 failed when tried out
      30 worse than before, taken back  31 died, taken back  32 could not be taken back  40 drain late (--strict)
      69 a host is out of reach  70 an unfinished deploy is in the way  75 locked
TEXT
}

fail_usage() {
  echo "$1" >&2
  exit 2
}

verb=${1:-}
[[ -n $verb ]] || { usage >&2; exit 2; }
shift
config=${TRACKSTAND_DEPLOY:-/etc/trackstand/rolling.conf}
words=() dry_run='' json='' now='' keep_warm='' strict='' undo='' force='' hosts_file='' under_lock=''
on_fail=rollback strategy=start-first steps=5,25,50,100
while (($# > 0)); do
  case $1 in
    --dry-run) dry_run=1 ;;
    --json) json=1 ;;
    --now) now=1 ;;
    --keep-warm) keep_warm=1 ;;
    --strict) strict=1 ;;
    --undo) undo=1 ;;
    --force) force=1 ;;
    --config | --hosts | --under-lock | --on-fail | --strategy | --steps)
      (($# > 1)) || fail_usage "$1 needs a value."
      case $1 in
        --config) config=$2 ;;
        --hosts) hosts_file=$2 ;;
        --under-lock) under_lock=$2 ;;
        --on-fail) on_fail=$2 ;;
        --strategy) strategy=$2 ;;
        --steps) steps=$2 ;;
      esac
      shift
      ;;
    -*) fail_usage "There is no option $1." ;;
    *) words+=("$1") ;;
  esac
  shift
done
[[ $on_fail =~ ^(rollback|halt)$ ]] || fail_usage "--on-fail is rollback or halt."
[[ $strategy =~ ^(start-first|stop-first)$ ]] || fail_usage "--strategy is start-first or stop-first."
[[ $steps =~ ^[0-9]+(,[0-9]+)*$ ]] || fail_usage "--steps are percents with commas between, like 5,25,50,100."
target=${words[0]:-}
if [[ -n $target && ! $verb =~ ^(drain|hold)$ && ! $target =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$ ]]; then
  fail_usage "A release is named with up to 40 of A-Z a-z 0-9 . _ -, and \"$target\" is not."
fi
# What only looks may be asked for a plan too; everything else would act.
[[ -z $dry_run || $verb =~ ^(deploy|canary|switch|rollback|status|verify|live|help|--help|-h)$ ]] ||
  fail_usage "There is no plan of rolling.sh $verb, and nothing was done: --dry-run is for deploy, canary, switch and rollback."
if [[ -n $hosts_file ]]; then
  [[ -r $hosts_file ]] || fail_usage "The hosts $hosts_file cannot be read; deploy/hosts.example is a file to begin with."
  over_hosts "$hosts_file"
fi
[[ -r $config ]] || fail_usage "The configuration $config cannot be read; deploy/rolling.conf.example is one to begin with."
# shellcheck source=/dev/null
source "$config"
defaults

case $verb in
  deploy | canary | switch)
    [[ -n $target ]] || fail_usage "Which release? rolling.sh $verb <release>"
    begin_deploy "$verb" "$target"
    ;;
  preflight)
    [[ -n $target ]] || fail_usage "Which release? rolling.sh preflight <release>"
    [[ ${words[1]:-deploy} =~ ^(deploy|canary|switch)$ ]] || fail_usage "A deploy, a canary or a switch can begin, and \"${words[1]}\" is none."
    lock && refuse_unfinished && look_ahead "${words[1]:-deploy}" "$target"
    finish 0 "A deploy of $target could begin."
    ;;
  # For rolling.sh on another machine: holds the lock until the end of the input.
  hold) lock && hold_lock "$target" ;;
  live) live_release ;;
  former) recall previous ;;
  stage)
    [[ -n $target || -n $undo ]] || fail_usage "Which release? rolling.sh stage <release>"
    stage "$target"
    ;;
  rollback) begin_rollback "$target" ;;
  drain)
    [[ $target =~ ^[ab]$ ]] || fail_usage "Which slot? rolling.sh drain a|b"
    lock && refuse_unfinished && drain_slot "$target"
    ;;
  resume) lock && resume_deploy ;;
  abort) lock && abort_deploy ;;
  boot) lock && boot_slots ;;
  prune) lock && prune ;;
  unlock) unlock ;;
  status) show_status ;;
  verify) verify_all ;;
  help | --help | -h) usage ;;
  *)
    usage >&2
    fail_usage "There is no command \"$verb\"."
    ;;
esac
