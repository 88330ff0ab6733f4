#!/bin/sh
# Writes the settings `docker compose up -d` needs, with secrets of their own, where there are none yet: first-settings.sh [public URL]
set -eu
umask 077
cd "$(dirname "$0")/.."
public_url=${1:-}
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
if [ -e .env ] || [ -e env/app.env ]; then
  echo "deploy/.env or deploy/env/app.env is there already; nothing was changed." >&2
  exit 1
fi
password=$(secret)
mkdir -p env run log state
chmod 755 run log state
echo "POSTGRES_PASSWORD=$password" >.env
cat >env/app.env <<TEXT
DATABASE_URL=postgres://trackstand:$password@postgres:5432/trackstand
REDIS_URL=redis://redis:6379
TRACKSTAND_SECRET=$(secret)
PUBLIC_URL=$public_url
DRAIN_GRACE_MS=15000
DEPLOY_LOG=/var/lib/trackstand/audit.jsonl
TEXT
echo "Written: deploy/.env and deploy/env/app.env. Keep both; the sessions' tokens and the database depend on them."
