# shellcheck shell=bash
# Releases as folders RELEASES_DIR/<release>, for the drivers without containers: present|fetch|forget|releases <release>.
: "${RELEASES_DIR:?}"
main=dist/server/main.js

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
