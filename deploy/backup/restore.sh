#!/usr/bin/env bash
# Brings a backup back, under the instances if they run: what was there is put aside and what comes is there in the same moment.
#   restore.sh <file> [--replace]
#   settings: DATABASE_URL or APP_ENV
#   exit: 0 done  2 usage  10 nothing was begun  21 the file is damaged  22 not restored, everything as before
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/backup/database.sh
source "$here/database.sh"
file=${1:-} replace=''
[[ ${2:-} == --replace ]] && replace=1
[[ -n $file && $# -le 2 && (-z ${2:-} || -n $replace) ]] || finish 2 "restore.sh <file> [--replace]"
[[ -r $file ]] || finish 10 "The file $file cannot be read."
if [[ -f $file.sha256 ]]; then
  (cd "$(dirname "$file")" && sha256sum -c "$(basename "$file").sha256" >/dev/null 2>&1) || finish 21 "$file is not the file that was made: its checksum differs."
fi
pg_restore --file=/dev/null "$file" 2>/dev/null || finish 21 "$file is no backup, or damaged."

reach_database
aside=''
if [[ $(ask "select to_regnamespace('trackstand') is not null") == t ]]; then
  [[ -n $replace ]] || finish 10 "That database has sessions. With --replace they are put aside, and the backup takes their place."
  aside=trackstand_before_$(date -u +%Y%m%dT%H%M%SZ | tr TZ tz)
fi
# One transaction: until it ends everybody sees what was there, and after it what was restored.
{
  echo "set lock_timeout = '10s';"
  [[ -z $aside ]] || echo "alter schema trackstand rename to $aside;"
  pg_restore --no-owner --no-privileges --file=- "$file"
} | psql -Xq -v ON_ERROR_STOP=1 --single-transaction -f - >/dev/null || finish 22 "The backup could not be restored; everything is as before."

sessions=$(count_sessions "$PGDATABASE") || finish 22 "What was restored is not whole${aside:+; what was there is in the schema $aside}."
say "Restored: $sessions sessions. Instances go on, and riders' pages bring what the backup lacks."
if [[ -n $aside && $(ask "select count(*) from $aside.migrations a where not exists (select from trackstand.migrations b where b.name = a.name)") != 0 ]]; then
  say "The backup is of an older release: start every instance anew, one after the other, so that the database is brought up to date."
fi
[[ -z $aside ]] || say "What was there before is in the schema $aside: look at it, and then drop schema $aside cascade."
