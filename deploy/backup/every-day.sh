#!/usr/bin/env bash
# For a container, which has no timers: a backup every day at the hour of BACKUP_AT (UTC), and one at once when there is none yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BACKUP_AT:=03:17}" "${BACKUP_DIR:=/var/backups/trackstand}"
[[ $BACKUP_AT =~ ^([01][0-9]|2[0-3]):([0-5][0-9])$ ]] || { echo "BACKUP_AT is a time like 03:17." >&2; exit 2; }
at=$((10#${BASH_REMATCH[1]} * 3600 + 10#${BASH_REMATCH[2]} * 60))
child=''
# Process 1 of a container hears only what it has a trap for.
trap '[[ -z $child ]] || kill "$child" 2>/dev/null; wait; exit 0' TERM INT
attend() {
  "$@" &
  child=$!
  wait "$child"
}
compgen -G "$BACKUP_DIR/trackstand-*.dump" >/dev/null || attend "$here/backup.sh" || true
while true; do
  now=$(($(date -u +%s) % 86400))
  attend sleep $(((at - now + 86399) % 86400 + 1))
  # One that failed says so; the alert does when it goes on.
  attend "$here/backup.sh" || true
done
