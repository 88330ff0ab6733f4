#!/usr/bin/env bash
# One backup of Postgres, made while everything runs: dumped, restored into a database of its own to see that it can be, noted, and
# only then do older ones go. Run by a timer, never by anything that stops: see README.md beside the folder.
#   settings: DATABASE_URL or APP_ENV, BACKUP_DIR, KEEP (number of backups), VERIFY (restore, or read where no database may be made)
#   exit: 0 done  10 nothing could be begun  20 not dumped  21 dumped, and not fit to be restored  75 another one runs  143 told to stop
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/backup/database.sh
source "$here/database.sh"
: "${BACKUP_DIR:=/var/backups/trackstand}" "${KEEP:=14}" "${VERIFY:=restore}"
[[ $KEEP =~ ^[1-9][0-9]*$ ]] || finish 10 "KEEP is the number of backups to keep, and \"$KEEP\" is none."
[[ $VERIFY =~ ^(restore|read)$ ]] || finish 10 "VERIFY is restore or read."

umask 077
mkdir -p "$BACKUP_DIR" || finish 10 "The folder $BACKUP_DIR cannot be made."
exec 9>>"$BACKUP_DIR/lock"
flock -n 9 || finish 75 "Another backup is being made."
reach_database
[[ $(ask "select to_regclass('trackstand.sessions') is not null") == t ]] || finish 10 "That database has nothing of Trackstand."

draft=$BACKUP_DIR/.draft scratch=${PGDATABASE:-trackstand}_verify child=''
clean_up() {
  rm -f "$draft"
  [[ $VERIFY == read ]] || dropdb --if-exists --force "$scratch" 2>/dev/null || true
}
# The machine goes down: a backup holds nobody up, and half a one is none.
stop() {
  [[ -z $child ]] || kill "$child" 2>/dev/null || true
  finish 143 "The backup was told to stop; nothing of it stays."
}
trap clean_up EXIT
trap stop TERM INT HUP
# bash hears signals between commands only, and while it waits.
run() {
  nice -n 15 "$@" 9>&- &
  child=$!
  wait "$child"
}

bytes=$(ask 'select pg_database_size(current_database())')
free=$(($(df -Pk "$BACKUP_DIR" | awk 'NR == 2 { print $4 }') * 1024))
((free > bytes)) || finish 10 "Only $((free / 1048576)) MB are free in $BACKUP_DIR, and the database has $((bytes / 1048576)) MB."

run pg_dump --format=custom --schema=trackstand --no-owner --no-privileges --file="$draft" ||
  finish 20 "Postgres could not be dumped."
if [[ $VERIFY == restore ]]; then
  dropdb --if-exists --force "$scratch" 2>/dev/null || true
  createdb --template=template0 "$scratch" || finish 21 "No database could be made to try the backup in: alter role ${PGUSER:-…} createdb, or VERIFY=read."
  run pg_restore --exit-on-error --no-owner --no-privileges --dbname="$scratch" "$draft" || finish 21 "The backup cannot be restored."
  sessions=$(count_sessions "$scratch") || finish 21 "The backup was restored for a try, and is not whole."
else
  run pg_restore --file=/dev/null "$draft" || finish 21 "The backup cannot be read to its end."
  sessions=unknown
fi

name=trackstand-$(date -u +%Y%m%dT%H%M%SZ).dump
(cd "$BACKUP_DIR" && mv .draft "$name" && sha256sum "$name" >"$name.sha256" && sync "$name")
size=$(wc -c <"$BACKUP_DIR/$name")
ask "insert into trackstand.backups (file, bytes) values ('$name', $size);
  delete from trackstand.backups where made_at < now() - interval '1 year'" ||
  say "The backup is good; it could not be noted in the database, so operators are not told of it."

find "$BACKUP_DIR" -maxdepth 1 -name 'trackstand-*.dump' | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do
  rm -f "$old" "$old.sha256"
done
say "$BACKUP_DIR/$name: $((size / 1024)) kB, $sessions sessions, verified."
