#!/usr/bin/env bash
# Driver for containers: releases are images <DOCKER_IMAGE>:<release>, instances containers that share the folder of sockets.
# Same words as process.sh, and tools <folder>: takes what rolling.sh needs itself out of an image.
set -euo pipefail
verb=${1:?verb} name=${2:?instance or release} word=${3:-}
: "${RUN_DIR:?}" "${STATE_DIR:?}" "${LOG_DIR:?}" "${APP_ENV:?}"
: "${INSTALLATION:=trackstand}" "${DOCKER_IMAGE:=trackstand}" "${DOCKER_NETWORK:=$INSTALLATION}" "${MEMORY_PER_INSTANCE:=300m}"
own=$INSTALLATION-$name
release=${name#?.}

running() { # id of the container that is this instance, whoever started it
  local id container
  while read -r id container; do
    # One of compose's that only stands by is none.
    [[ $container != "$own" ]] && docker exec "$id" test -e /tmp/stands-by 2>/dev/null && continue
    echo "$id"
    return 0
  done < <(docker ps --filter "label=trackstand.instance=$own" --filter status=running --format '{{.ID}} {{.Names}}')
  return 1
}
is_ours() { docker inspect "$own" >/dev/null 2>&1; }
# Logs of a container go with it.
put_away() {
  is_ours || return 0
  docker logs "$own" >>"$LOG_DIR/$name.log" 2>&1 || true
  docker rm -f "$own" >/dev/null
}
tell() { # without what docker adds to it
  echo "$1" >&2
  exit 1
}

case $verb in
  start)
    running >/dev/null && exit 0
    put_away
    # A whole run would print the environment with an error of docker's; its file does not stand in any argument.
    docker run --detach --name "$own" --label "trackstand.instance=$own" --restart unless-stopped --stop-timeout 60 \
      --network "$DOCKER_NETWORK" --memory "$MEMORY_PER_INSTANCE" --read-only --tmpfs /tmp --cap-drop ALL \
      --security-opt no-new-privileges:true --log-opt max-size=10m --log-opt max-file=3 \
      --env-file "$APP_ENV" --env "LISTEN=unix:/run/trackstand/$name.sock" --env "RELEASE=$release" \
      --volume "$RUN_DIR:/run/trackstand" --volume "$STATE_DIR:/var/lib/trackstand:ro" --pull never "$DOCKER_IMAGE:$release" >/dev/null ||
      tell "$name could not be started: docker run failed."
    ;;
  stop)
    # One that is about to be started again does not run, and would.
    id=$(running) || { put_away; exit 0; }
    docker stop --time "${word:-20}" "$id" >/dev/null
    code=$(docker inspect --format '{{.State.ExitCode}}' "$id")
    put_away
    # 137: ended by SIGKILL.
    [[ $code != 137 ]]
    ;;
  kill)
    if id=$(running); then docker kill "$id" >/dev/null || true; fi
    put_away
    rm -f "$RUN_DIR/$name.sock"
    ;;
  alive)
    id=$(running) || exit 1
    read -r pid restarts restarting < <(docker inspect --format '{{.State.Pid}} {{.RestartCount}} {{.State.Restarting}}' "$id")
    [[ $restarting == false && $pid != 0 ]] || exit 1
    echo "$pid/$restarts"
    ;;
  rss)
    id=$(running) || exit 1
    awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$(docker inspect --format '{{.State.Pid}}' "$id")/status"
    ;;
  logs)
    if id=$(running); then docker logs --tail "${word:-50}" "$id" 2>&1; else tail -n "${word:-50}" "$LOG_DIR/$name.log"; fi
    ;;
  signal)
    id=$(running) || exit 1
    docker kill --signal "${word:?signal}" "$id" >/dev/null
    ;;
  present) docker image inspect "$DOCKER_IMAGE:$name" >/dev/null 2>&1 ;;
  fetch)
    docker image inspect "$DOCKER_IMAGE:$name" >/dev/null 2>&1 && exit 0
    package=${PACKAGES_DIR:-/var/lib/trackstand/packages}/$name.tar
    if [[ -f $package ]]; then
      docker load --quiet --input "$package" >/dev/null 2>&1 || tell "Release $name could not be loaded: its package is damaged, or the disk is full."
      docker image inspect "$DOCKER_IMAGE:$name" >/dev/null 2>&1 || tell "The package holds no image $DOCKER_IMAGE:$name."
    else
      docker pull --quiet "$DOCKER_IMAGE:$name" >/dev/null 2>&1 ||
        tell "There is no image $DOCKER_IMAGE:$name here, no package $package, and it could not be pulled."
    fi
    ;;
  # Of an image that a container uses docker only takes the name away, so that is looked at first.
  forget) [[ -n $(docker ps -aq --filter "ancestor=$DOCKER_IMAGE:$name") ]] || docker image rm "$DOCKER_IMAGE:$name" >/dev/null 2>&1 || true ;;
  releases)
    docker image ls --format '{{.Tag}}' "$DOCKER_IMAGE" | while read -r tag; do
      [[ $tag == '<none>' ]] || echo "$(docker image inspect --format '{{.Created}}' "$DOCKER_IMAGE:$tag") $tag"
    done | sort -r | cut -d' ' -f2
    ;;
  # Files it is to read come by its input: --to-file /dev/stdin.
  cli)
    docker run --rm --interactive --network "$DOCKER_NETWORK" --memory "$MEMORY_PER_INSTANCE" --read-only --tmpfs /tmp --cap-drop ALL \
      --security-opt no-new-privileges:true --env-file "$APP_ENV" --env "RELEASE=$name" --pull never "$DOCKER_IMAGE:$name" \
      sh -c '[ -f dist/server/sessions.js ] || exit 127; exec node dist/server/sessions.js "$@"' sh "${@:3}"
    ;;
  tools)
    newest=$("${BASH_SOURCE[0]}" releases - | head -n 1)
    [[ -n $newest ]] || tell "There is no image $DOCKER_IMAGE yet: docker compose build."
    mkdir -p "$name"
    id=$(docker create "$DOCKER_IMAGE:$newest")
    trap 'docker rm "$id" >/dev/null' EXIT
    docker cp "$id:/usr/local/bin/node" "$name/node.next"
    docker cp "$id:/app/dist/deploy/verdict.js" "$name/verdict.mjs"
    mv "$name/node.next" "$name/node"
    ;;
  *)
    echo "The driver does not know \"$verb\"." >&2
    exit 2
    ;;
esac
