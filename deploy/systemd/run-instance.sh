#!/bin/sh
# What trackstand@.service starts: node itself, in the folder of the release that the instance is named after.
set -eu
RELEASE=${1#?.}
export RELEASE
cd "${RELEASES_DIR:-/var/lib/trackstand/releases}/$RELEASE"
exec "${NODE:-node}" dist/server/main.js
