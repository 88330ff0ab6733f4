#!/usr/bin/env bash
# Images that stand in for the official ones where none can be pulled, made of this machine's own programs:
#   stand-in-images.sh <prefix> <node>    makes <prefix>/node, /nginx, /redis, /postgres, and /caddy where caddy is installed
# Root is not needed; busybox-static, nginx, redis-server and postgresql are.
set -euo pipefail
prefix=$1 node=$(readlink -f "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$PATH:/usr/sbin
libraries=$(dirname "$(ldd /bin/bash | awk '/libc.so/ { print $3 }')")
postgres=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 | sort -V | tail -n 1)

# Puts programs into a folder of the root, and the libraries they need where the loader looks for them.
put() { # put <root> <folder> <program>...
  local root=$1 folder=$2 program library
  shift 2
  mkdir -p "$root$folder"
  for program in "$@"; do
    program=$(command -v "$program")
    cp -L --remove-destination "$program" "$root$folder/"
    with_libraries "$root" "$program"
  done
}
with_libraries() { # with_libraries <root> <file>...
  local root=$1 library
  shift
  { ldd "$@" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && !/:$/ { print $1 }' | sort -u |
    while read -r library; do
      case $library in
        */ld-linux-*) cp -Lu "$library" "$root/usr/lib64/" ;;
        *) cp -Lu "$library" "$root$libraries/" ;;
      esac
    done
}
new_root() { # new_root <root>: a small system around a program
  local root=$1 applet name
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64,local/bin,share} "$root"/{etc/ssl/certs,tmp,root,proc,sys,dev,run} "$root"/var/{log,lib,cache} "$root/usr$libraries"
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
  mkdir -p "$root$libraries"
  ln -s /run "$root/var/run"
  chmod 1777 "$root/tmp"
  cp /bin/busybox "$root/usr/bin/"
  for applet in $(busybox --list); do ln -s busybox "$root/usr/bin/$applet" 2>/dev/null || true; done
  # Busybox's own shell runs its applets before programs of the same name.
  rm -f "$root/usr/bin/sh" "$root/usr/bin/setpriv"
  put "$root" /usr/bin dash setpriv
  ln -s dash "$root/usr/bin/sh"
  # The C library is whole, as in any Debian: packages bring programs of their own.
  cp -L "$libraries"/lib{nss_files,nss_dns,resolv,rt,dl,m,pthread,util}.so.[0-9] "$libraries/libgcc_s.so.1" "$root$libraries/"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root/etc/nsswitch.conf"
  printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}
new_user() { # new_user <root> <name> <id>
  printf '%s:x:%s:%s::/home/%s:/bin/sh\n' "$2" "$3" "$3" "$2" >>"$1/etc/passwd"
  printf '%s:x:%s:\n' "$2" "$3" >>"$1/etc/group"
  mkdir -p "$1/home/$2"
}
image() { # image <name> <root>, the rest of its Dockerfile on stdin
  mkdir "$work/context"
  tar -C "$2" --numeric-owner --owner=0 --group=0 -cf "$work/context/root.tar" .
  { printf 'FROM scratch\nADD root.tar /\nENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n' && cat; } >"$work/context/Dockerfile"
  DOCKER_BUILDKIT=0 docker build --quiet --tag "$prefix/$1" "$work/context" >/dev/null 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  rm -r "$work/context" "$2"
}

root=$work/node
new_root "$root" && new_user "$root" node 1000
put "$root" /usr/local/bin "$node"
npm=$(npm root --global 2>/dev/null)/npm
mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/etc"
cp -a "$npm" "$root/usr/local/lib/node_modules/"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
printf '#!/bin/sh\nexec "$@"\n' >"$root/usr/local/bin/docker-entrypoint.sh"
chmod +x "$root/usr/local/bin/docker-entrypoint.sh"
# Certificates this machine trusts, and the registry it uses.
{ echo cafile=/etc/ssl/certs/ca-certificates.crt && echo "registry=$(npm config get registry 2>/dev/null)"; } >"$root/usr/local/etc/npmrc"
image node "$root" <<'TEXT'
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
TEXT

root=$work/nginx
new_root "$root" && new_user "$root" nginx 101
put "$root" /usr/sbin nginx
mkdir -p "$root/etc/nginx" "$root/var/log/nginx" "$root/var/lib/nginx"
cp /etc/nginx/mime.types "$root/etc/nginx/"
# Debian's is built for another user than the official image has.
new_user "$root" www-data 33
image nginx "$root" <<'TEXT'
CMD ["nginx", "-g", "daemon off;"]
STOPSIGNAL SIGQUIT
EXPOSE 80
TEXT

root=$work/redis
new_root "$root" && new_user "$root" redis 999
put "$root" /usr/local/bin redis-server redis-cli
mkdir -p "$root/data"
cat >"$root/usr/local/bin/docker-entrypoint.sh" <<'TEXT'
#!/bin/sh
[ "$1" = redis-server ] || exec "$@"
chown -R redis . && exec setpriv --reuid=999 --regid=999 --clear-groups "$@" --protected-mode no
TEXT
chmod +x "$root/usr/local/bin/docker-entrypoint.sh"
image redis "$root" <<'TEXT'
WORKDIR /data
VOLUME /data
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
TEXT

root=$work/postgres
new_root "$root" && new_user "$root" postgres 999
PATH=$postgres/bin:$PATH put "$root" "$postgres/bin" postgres initdb pg_ctl psql pg_isready pg_dump pg_restore createdb dropdb
# The official one has these too, bash and what Alpine's busybox has and this one lacks: the backup is a script of them.
put "$root" /usr/bin bash flock nice
for program in "$root$postgres"/bin/*; do ln -s "$postgres/bin/${program##*/}" "$root/usr/local/bin/"; done
mkdir -p "$root$postgres/lib" "$root/usr/share/postgresql" "$root/usr/lib/locale"
cp "$postgres"/lib/{plpgsql,dict_snowball}.so "$root$postgres/lib/"
with_libraries "$root" "$postgres"/lib/{plpgsql,dict_snowball}.so
cp -a "/usr/share/postgresql/${postgres##*/}" "$root/usr/share/postgresql/"
cp -a /usr/share/zoneinfo "$root/usr/share/"
cp -a /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"
cat >"$root/usr/local/bin/docker-entrypoint.sh" <<'TEXT'
#!/bin/sh
# What the official one does with its three variables.
set -e
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres: "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "${POSTGRES_PASSWORD:?}" >/tmp/password
  initdb -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl -o "-c listen_addresses=''" -w start >/dev/null
  psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -qc "CREATE DATABASE \"$POSTGRES_DB\""
  pg_ctl -m fast -w stop >/dev/null
fi
exec "$@" -c listen_addresses='*'
TEXT
chmod +x "$root/usr/local/bin/docker-entrypoint.sh"
image postgres "$root" <<'TEXT'
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
STOPSIGNAL SIGINT
TEXT

command -v caddy >/dev/null || exit 0
root=$work/caddy
new_root "$root"
put "$root" /usr/bin caddy
mkdir -p "$root"/{data,config}
image caddy "$root" <<'TEXT'
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
EXPOSE 80 443
TEXT
