#!/bin/sh
# What compose starts for a slot: its first instance, until rolling.sh has put another one there. From then on it stands by, so that
# `docker compose up -d` may be repeated at any time.
set -eu
slot=$1
serves=$(readlink "/run/trackstand/$slot.sock" || true)
rm -f /tmp/stands-by
if [ "$serves" = "$slot.$RELEASE.sock" ] && ! node container/healthcheck.mjs; then
  exec node dist/server/main.js
fi
touch /tmp/stands-by
echo "Slot $slot is served by ${serves%.sock}, which rolling.sh started; this container stands by."
trap 'exit 0' TERM INT
while :; do
  sleep 3600 &
  wait $!
done
