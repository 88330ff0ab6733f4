# shellcheck shell=bash
# How the backup scripts reach Postgres: DATABASE_URL of the environment, or of the instances' settings. It becomes variables that
# libpq reads, because arguments are for everybody on the machine to see.

say() { echo "$*" >&2; }
finish() { # finish <code> <sentence>
  say "$2"
  exit "$1"
}
decoded() { printf '%b' "${1//%/\\x}"; }

reach_database() {
  local url=${DATABASE_URL:-} pattern='^postgres(ql)?://(([^:@/]*)(:([^@/]*))?@)?([^:/?]*)(:([0-9]+))?(/([^?]*))?(\?(.*))?$'
  if [[ -z $url && -r ${APP_ENV:=/etc/trackstand/app.env} ]]; then url=$(sed -n 's/^DATABASE_URL=//p' "$APP_ENV"); fi
  [[ -n $url ]] || finish 10 "DATABASE_URL is not set, and there is none in $APP_ENV."
  [[ $url =~ $pattern ]] || finish 10 "DATABASE_URL is no URL of Postgres."
  export PGUSER PGPASSWORD PGHOST PGPORT PGDATABASE PGSSLMODE
  PGUSER=$(decoded "${BASH_REMATCH[3]}") PGPASSWORD=$(decoded "${BASH_REMATCH[5]}") PGHOST=$(decoded "${BASH_REMATCH[6]}")
  PGPORT=${BASH_REMATCH[8]} PGDATABASE=$(decoded "${BASH_REMATCH[10]}")
  PGSSLMODE=$(sed -n 's/.*\bsslmode=\([a-z-]*\).*/\1/p' <<<"${BASH_REMATCH[12]}")
  # An empty variable is another thing to libpq than none.
  local name
  for name in PGUSER PGPASSWORD PGHOST PGPORT PGDATABASE PGSSLMODE; do
    [[ -n ${!name} ]] || unset "$name"
  done
  unset DATABASE_URL
  ask 'select 1' >/dev/null || finish 10 "Postgres cannot be reached."
}

ask() { psql -XqAt -v ON_ERROR_STOP=1 -c "$1" "${@:2}"; }

# What a database must be to go on from: every session has a log, and there were migrations. Prints the number of sessions.
count_sessions() { # count_sessions <database>
  local broken
  broken=$(ask "select count(*) from trackstand.sessions s
    where not exists (select from trackstand.session_log l where l.session_id = s.session_id)" -d "$1") || return 1
  [[ $broken == 0 && $(ask 'select count(*) > 0 from trackstand.migrations' -d "$1") == t ]] || return 1
  ask 'select count(*) from trackstand.sessions' -d "$1"
}
