#!/usr/bin/env bash
# Inside namespaces of its own: a machine with systemd as its process 1. Its files are this machine's, written to in memory and gone
# with it; the network is this machine's.   start-machine.sh <folder> <repository>
set -euo pipefail
folder=$1 repository=$2
export PATH=$PATH:/usr/sbin:/sbin
mount --make-rprivate /
mkdir -p "$folder"/{memory,root}
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder"/memory/{written,work}
root=$folder/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/memory/written,workdir=$folder/memory/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
  mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
else
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
# Nothing of this machine is started there.
rm -rf "$root/opt/trackstand" "$root"/etc/systemd/system/*
mkdir -p "$root/opt/trackstand"
mount --bind "$repository" "$root/opt/trackstand"
printf '[Unit]\nDescription=Nothing but systemd\n' >"$root/etc/systemd/system/bare.target"
cd "$root"
mkdir -p old-root
pivot_root . old-root
umount -l /old-root
exec env -i container=trackstand PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=bare.target --log-target=null --show-status=0
