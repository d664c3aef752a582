#!/usr/bin/env bash
# Tries Dockerfile and apptainer.def where no registry can be reached: builds the images on roots that mmdebstrap makes, and tries the program in each.
#   tools/release/images.sh [FOLDER]      what tools/release/build.sh wrote (out/release by default)
# Needs root, mmdebstrap, buildah and, for libtorch, either certificates of a Debian root or libtorch-cpu-linux-x64.*.nupkg in FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
release=$(cd "${1:-$here/../../out/release}" && pwd)
work=$(mktemp -d /var/tmp/xkd-images-XXXXXX)
export BUILDAH_ISOLATION=chroot
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }
trap 'buildah rm -a >/dev/null; rm -rf --one-file-system "$work"' EXIT
say() { printf 'images.sh: %s\n' "$*" >&2; }

base() { # name, packages: a root as an image of that name
  mmdebstrap --mode=root --variant=apt ${2:+--include="$2"} bookworm "$work/base.tar" >"$work/root.log" 2>&1
  local container; container=$(buildah from scratch)
  buildah add -q "$container" "$work/base.tar" / >/dev/null
  # What stands for PyTorch's image has its folder, with libtorch itself within.
  [ -z "${2:-}" ] || { unpacked && buildah add -q "$container" "$work/torch" /usr/lib/python3/dist-packages/torch >/dev/null; }
  buildah commit -q "$container" "$1" >/dev/null
}

unpacked() {
  mkdir -p "$work/torch/lib"
  : >"$work/torch/__init__.py"
  unzip -qjo "$release"/libtorch-cpu-linux-x64.*.nupkg 'runtimes/linux-x64/native/*' -d "$work/torch/lib"
}

try() { # image
  mkdir -p "$work/data"
  cp "$here/try.sh" "$work/data"
  chown -R 1234:1234 "$work/data"
  local container; container=$(buildah from --pull-never "$1")
  buildah run --user 1234:1234 -v "$work/data:/data" "$container" -- sh -c 'xkd --version && bash /data/try.sh xkd "/data/$0"' "$1"
}

gpu=$(sed -nE 's/.*--build-arg BASE=([^ ]+) .*/\1/p' "$release/Dockerfile")
say "the image of Dockerfile"
base docker.io/library/debian:12-slim
buildah bud -q --pull-never -t cpu -f "$release/Dockerfile" "$release" >/dev/null
try cpu
say "the image of Dockerfile on $gpu"
base "docker.io/$gpu" python3
buildah bud -q --pull-never --build-arg "BASE=$gpu" -t gpu -f "$release/Dockerfile" "$release" >/dev/null
try gpu | sed -n 2p | grep /opt/libtorch

# Apptainer is in no Debian: what its sections say is run in their order, in a root.
say "the sections of apptainer.def"
section() { awk -v name="%$1" '/^%/ { on = ($1 == name); next } on' "$release/apptainer.def"; }
container=$(buildah from --pull-never docker.io/library/debian:12-slim)
root=$(buildah mount "$container")
(cd "$release" && APPTAINER_ROOTFS=$root sh -ec "$(section setup)")
buildah run "$container" -- sh -ec "$(section post)" >/dev/null
buildah run "$container" -- sh -ec "$(section environment); $(section test)"
buildah run "$container" -- sh -ec "set -- doctor; $(section environment); $(section runscript)"
printf 'all of them work\n'
