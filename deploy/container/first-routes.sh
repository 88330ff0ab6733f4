#!/bin/sh
# Before anything was deployed: the folder of sockets belongs to the instances, and every route leads to the first two of them.
# Routes that are there are left alone, so it may run at every start. Plain sh, for it runs inside the image.
set -eu
release=$1
cd /run/trackstand
chown 1000:1000 .
point() { [ -L "$1.sock" ] || ln -s "$2.$release.sock" "$1.sock"; }
for slot in a b; do point "$slot" "$slot"; done
for n in 0 1 2 3 4 5 6 7 8 9; do
  point "v0$n" a
  point "v1$n" b
done
