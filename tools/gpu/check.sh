#!/usr/bin/env bash
# Runs a bundle on the CPU in a root that holds nothing but it, a libtorch, a shell, OpenSSL and the C and C++ libraries: what a bare
# machine has.
#   tools/gpu/check.sh BUNDLE LIBTORCH CACHE     (as root, for chroot); BUNDLE is xkd-gpu.tar.gz, CACHE what `xkd ingest` made
set -euo pipefail
bundle=$(readlink -f "$1") libtorch=$(readlink -f "$2") cache=$(readlink -f "$3")
bare=$(mktemp -d)
trap 'umount "$bare/proc" 2>/dev/null || true; rm -rf "$bare"' EXIT

put() { # a program or library, with the libraries it needs
  local file
  for file in "$1" $(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+'); do
    [ -e "$bare$file" ] || { mkdir -p "$bare$(dirname "$file")" && cp -L "$file" "$bare$file"; }
  done
}
for tool in bash env dirname readlink mkdir tee grep cat; do put "$(command -v "$tool")"; done
for library in libstdc++.so.6 libgcc_s.so.1 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libssl.so.3; do put "$(ldconfig -p | grep -m1 "$library .*x86-64" | grep -oE '/.*')"; done
mkdir -p "$bare"/{proc,dev,tmp,home,libtorch}
mount -t proc proc "$bare/proc"
mknod -m 666 "$bare/dev/null" c 1 3
mknod -m 666 "$bare/dev/urandom" c 1 9
tar -C "$bare" -xzf "$bundle"
cp "$libtorch"/*.so* "$bare/libtorch/"
cp -r "$cache" "$bare/cache"
chroot "$bare" "$(command -v env)" -i PATH=/usr/bin:/bin HOME=/home XKD_LIBTORCH=/libtorch \
  /xkd-gpu/run.sh --device cpu --data /cache --out /tmp/out --config /xkd-gpu/configs/pretrain/tiny.yaml --set batch=2 --steps 6 --rounds 1
