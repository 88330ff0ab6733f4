# shellcheck shell=bash
# Releases as folders RELEASES_DIR/<release>, for the drivers without containers: present|fetch|forget|releases <release>.
: "${RELEASES_DIR:?}" "${APP_ENV:?}"
main=dist/server/main.js

# Settings of instances, in the form systemd and docker read too.
read_settings() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^[A-Z][A-Z0-9_]*= ]] && export "${line?}"
  done <"$APP_ENV"
}
# The release's own commands, in place of this process; 127 when it has none.
release_cli() { # release_cli <release> <user, or nothing> <word>...
  local release=$1 user=$2
  local commands=$RELEASES_DIR/$release/dist/server/sessions.js
  local as=()
  [[ -f $commands ]] || exit 127
  read_settings
  # Only who may read the settings gets here; the release's code gets no more rights than an instance of it.
  [[ -z $user ]] || as=(setpriv "--reuid=$user" "--regid=$user" --init-groups)
  cd "$RELEASES_DIR/$release" || exit
  RELEASE=$release exec "${as[@]}" "${NODE:-node}" dist/server/sessions.js "${@:3}"
}

release_folders() { # release_folders <verb> <release>
  local verb=$1 release=$2 package draft
  [[ $verb == releases || $release =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$ ]] || return 1
  case $verb in
    present) [[ -f $RELEASES_DIR/$release/$main ]] ;;
    fetch)
      [[ -f $RELEASES_DIR/$release/$main ]] && return 0
      package=${PACKAGES_DIR:-$RELEASES_DIR}/$release.tgz
      [[ -f $package ]] || { echo "There is neither a folder nor a package of release $release." >&2; return 1; }
      # Unpacked beside and renamed when whole: half a release must not look like one.
      draft=$RELEASES_DIR/.$release.draft
      rm -rf "$draft"
      mkdir -p "$draft"
      if ! tar -xzf "$package" -C "$draft" 2>/dev/null; then
        rm -rf "$draft"
        echo "Release $release could not be unpacked: its package is damaged, or the disk is full." >&2
        return 1
      fi
      if [[ ! -f $draft/$main ]]; then
        rm -rf "$draft"
        echo "The package of release $release has no $main." >&2
        return 1
      fi
      mv -T "$draft" "$RELEASES_DIR/$release"
      ;;
    forget) rm -rf "${RELEASES_DIR:?}/$release" ;;
    releases) find "$RELEASES_DIR" -mindepth 1 -maxdepth 1 -type d -not -name '.*' -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2 ;;
    *)
      echo "The driver does not know \"$verb\"." >&2
      return 2
      ;;
  esac
}
