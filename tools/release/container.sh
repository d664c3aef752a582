#!/bin/sh
# Puts a release into an image of Debian or Ubuntu; Dockerfile and apptainer.def run it beside the archive.
# libtorch for the CPU is fetched, or taken from libtorch-cpu-linux-x64.*.nupkg beside the archive; an image that has PyTorch keeps its own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ca-certificates ffmpeg
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libturbojpeg0 ||
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libturbojpeg
rm -rf /var/lib/apt/lists/*

mkdir -p /opt/xkd "$XKD_CACHE_DIR"
tar -xzf "$here"/xkd-*-linux-x64.tar.gz -C /opt/xkd --strip-components=1
ln -s /opt/xkd/xkd /usr/local/bin/xkd
if torch=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))' 2>/dev/null); then
  ln -s "$torch" "$XKD_LIBTORCH"
elif ls "$here"/libtorch-cpu-linux-x64.*.nupkg >/dev/null 2>&1; then
  xkd doctor --install-libtorch "$here" --libtorch "$XKD_LIBTORCH"
else
  xkd doctor --install-libtorch --libtorch "$XKD_LIBTORCH"
fi

# Once here, so that a user of any number, or of a file system that cannot be written, finds the copy of the binding that this system needs.
xkd --version
chmod 1777 "$XKD_CACHE_DIR"
