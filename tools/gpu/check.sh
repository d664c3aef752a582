#!/usr/bin/env bash
# Runs a bundle on the CPU in a root that holds nothing but it, a libtorch, a shell, OpenSSL and the C and C++ libraries: what a bare
# machine has. Both calls of run.sh must do all their parts, and leave a few small files.
#   tools/gpu/check.sh BUNDLE LIBTORCH     (as root, for chroot); BUNDLE is xkd-gpu.tar.gz
set -euo pipefail
bundle=$(readlink -f "$1") libtorch=$(readlink -f "$2")
bare=$(mktemp -d)
trap 'umount "$bare/proc" 2>/dev/null || true; rm -rf "$bare"' EXIT
fail() { echo "check.sh: $*" >&2; exit 1; }
[ "$(stat -c %s "$bundle")" -lt 30000000 ] || fail "$bundle is over 30 MB"

put() { # a program or library, with the libraries it needs
  local file
  for file in "$1" $(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+'); do
    [ -e "$bare$file" ] || { mkdir -p "$bare$(dirname "$file")" && cp -L "$file" "$bare$file"; }
  done
}
for tool in bash env dirname readlink mkdir mktemp rm cp tee grep cat tail tr wc timeout; do put "$(command -v "$tool")"; done
for library in libstdc++.so.6 libgcc_s.so.1 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libssl.so.3; do
  put "$(ldconfig -p | grep -m1 "$library .*x86-64" | grep -oE '/.*')"
done
mkdir -p "$bare"/{proc,dev,tmp,home,libtorch}
mount -t proc proc "$bare/proc"
mknod -m 666 "$bare/dev/null" c 1 3
mknod -m 666 "$bare/dev/urandom" c 1 9
tar -C "$bare" -xzf "$bundle"
cp "$libtorch"/*.so* "$bare/libtorch/"

run() { # a call, and the parts it must do; in a root without PyTorch its own are skipped
  local call=$1 name
  shift
  chroot "$bare" "$(command -v env)" -i PATH=/usr/bin:/bin HOME=/home XKD_LIBTORCH=/libtorch \
    /xkd-gpu/run.sh "$call" --device cpu --out /tmp/out || fail "$call failed"
  for name in "$@"; do grep -qE "^$name +[0-9]+ s  (ok|skipped) " "$bare/tmp/out/$call.txt" || fail "$call: no $name"; done
}
run first versions doctor selfcheck step-1 step-2 plain-2 flash-2 golden rates
run second cache profile-train train tuned-2 compiled-1
for file in first.json second.json metrics.jsonl profile.json; do [ -s "$bare/tmp/out/$file" ] || fail "$file is empty or missing"; done
[ "$(find "$bare/tmp/out" -type f | wc -l)" -le 8 ] || fail "more than eight files: $(ls "$bare/tmp/out")"
[ "$(du -sb "$bare/tmp/out" | cut -f 1)" -lt 5000000 ] || fail "over 5 MB: $(ls -l "$bare/tmp/out")"
left=$(find "$bare/tmp" -type f -size +1M) && [ -z "$left" ] || fail "left behind: $left"
echo "check.sh: both calls ran in a bare root; $(du -sb "$bare/tmp/out" | cut -f 1) bytes in $(find "$bare/tmp/out" -type f | wc -l) files"
