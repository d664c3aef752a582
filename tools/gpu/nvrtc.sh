#!/usr/bin/env bash
# Fetches NVIDIA's runtime compiler (17 MB) out of Debian's non-free section into a folder, for the tests that compile kernels. Nothing is installed and the
# system's package sources stay as they are; neither a GPU nor a driver is needed.
#   tools/gpu/nvrtc.sh FOLDER      → FOLDER/libnvrtc.so.*; nothing is done where it is there
set -euo pipefail
[ $# = 1 ] || { echo "nvrtc.sh: name the folder it shall lie in" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
! compgen -G "$folder/libnvrtc.so.*" >/dev/null || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt fetches as a user of its own

# The archive and the release as this machine has them.
read -r uri release < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'ORIGIN: Debian' 'LABEL: Debian' | head -n 1) || true
[ -n "${uri:-}" ] || { echo "nvrtc.sh: no archive of Debian's in apt's sources, run apt-get update; without it name a libnvrtc by XKD_NVRTC" >&2; exit 1; }
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,etc}
echo "deb $uri $release non-free" >"$work/list"
apt=(-qq -o Dir::State="$work/state" -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/list" -o Dir::Etc::sourceparts="$work/etc"
  -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update >&2
mapfile -t packages < <(apt-cache "${apt[@]}" pkgnames libnvrtc | grep -E '^libnvrtc(-builtins)?[0-9.]+$')
[ ${#packages[@]} -gt 0 ] || { echo "nvrtc.sh: $release's non-free has no libnvrtc for this processor" >&2; exit 1; }
cd "$work"
apt-get "${apt[@]}" download "${packages[@]}" >&2
for package in ./*.deb; do dpkg-deb -x "$package" "$work/root"; done
find "$work/root" -name 'libnvrtc*.so*' -exec cp -P {} "$folder/" \;
compgen -G "$folder/libnvrtc.so.*" >/dev/null || { echo "nvrtc.sh: no libnvrtc in ${packages[*]}" >&2; exit 1; }
