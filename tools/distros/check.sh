#!/usr/bin/env bash
# Tries what the README says of Debian's releases: makes a fresh root of each, clones the committed checkout into it, runs
# `./xkd demo --short` and `./xkd test` there as a new user would, and prints a table. Then it tries the program of a release, in a
# root that has ffmpeg and nothing else. Needs root and mmdebstrap.
#   tools/distros/check.sh [bookworm|trixie|sid]… [--only demo|test|AREA|program] [--release DIR] [--keep] [--roots DIR]
# Without a name: bookworm and trixie. --release tries the program that tools/release/build.sh wrote there; else one is built of the checkout.
# --keep keeps the root, with what was built in it, and the next call uses it again.
# Roots and logs lie in --roots/RELEASE (/var/tmp/xkd-distros). The .NET SDK is this machine's; packages of NuGet that this
# machine has are not fetched again. Exit code 1 where a demo or a test failed.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
die() { printf 'check.sh: %s\n' "$*" >&2; exit 2; }
say() { printf 'check.sh: %s\n' "$*" >&2; }

releases=() only='' made='' keep='' roots=/var/tmp/xkd-distros
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=1 ;;
    --only|--release|--roots)
      [ $# -gt 1 ] || die "$1 needs a word behind it: --only demo|test|AREA|program, --release DIR, --roots DIR"
      case $1 in --only) only=$2 ;; --release) made=$2 ;; *) roots=$2 ;; esac
      shift ;;
    -*) die "no option '$1'; known: --only demo|test|AREA|program, --release DIR, --keep, --roots DIR" ;;
    *) releases+=("$1") ;;
  esac
  shift
done
[ ${#releases[@]} -gt 0 ] || releases=(bookworm trixie)
[ "$(id -u)" = 0 ] || die "a root of another release needs root; type: sudo $0 ${releases[*]}"
for tool in mmdebstrap git unshare dotnet; do
  command -v "$tool" >/dev/null || die "$tool is missing; type: apt-get install mmdebstrap git util-linux dotnet-sdk-10.0"
done
unshare --mount --pid --fork true 2>/dev/null || die "this machine lets nobody mount (a container?); run it with the right to, such as docker run --privileged"
sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
mkdir -p "$roots"
roots=$(readlink -f "$roots")

# Runs a command in namespaces of its own: whatever ends this script, no mount and no process is left.
child=''
trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM HUP
apart() {
  setpriv --pdeathsig KILL unshare --propagation private --mount-proc --pid --fork --kill-child "$@" </dev/null &
  child=$!
  local rc=0
  wait "$child" || rc=$?
  child=''
  return "$rc"
}

# The archive as this machine reaches it, with the other release's name; mmdebstrap's own choice where it has none of Debian's.
sources() { # release
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'ORIGIN: Debian' 'LABEL: Debian' 2>/dev/null | head -n 1)
  [ -n "$uri" ] || return 0
  printf 'deb %s %s main\n' "$uri" "$1"
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'ORIGIN: Debian' 'LABEL: Debian-Security' 2>/dev/null | head -n 1)
  [ -z "$uri" ] || [ "$1" = sid ] || printf 'deb %s %s-security main\n' "$uri" "$1"
}

# What .NET's documentation asks for, certificates and git; ./xkd brings the rest, or says what is missing.
build_needs='ca-certificates,git,tzdata,zlib1g,libgcc-s1,libstdc++6,^libicu[0-9]+$,^libssl3(t64)?$'

make_root() { # release, folder, packages
  local log=$2/root.log
  say "making a root of $1"
  mkdir -p "$2/root"
  : >"$2/.xkd-distro"
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIP)' >"$2/apt.conf" || true
  sources "$1" >"$2/sources.list"
  apart mmdebstrap --mode=root --variant=apt --format=directory --aptopt="$2/apt.conf" \
    --include="$3" \
    "$1" "$2/root" $([ ! -s "$2/sources.list" ] || echo "$2/sources.list") >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "mmdebstrap made no root of $1; the whole log is $log"; }
  : >"$2/whole"
}

# Only in a folder that this script made, and never through a mount.
remove_root() { # folder
  [ -e "$1" ] || return 0
  [ -f "$1/.xkd-distro" ] || die "$1 was not made by this script; remove it or name another folder by --roots"
  ! grep -qF " $1/" /proc/mounts || die "something is mounted below $1; unmount it"
  rm -rf --one-file-system "$1/whole" "$1/root"
}

# Runs a command in the root, with this machine's .NET and packages.
inside() { # root, command…
  local root=$1; shift
  mounted "$root" "$sdk" chroot "$root" "$@"
}

mounted() { # root, SDK or nothing, command…
  apart bash -c '
    set -e
    root=$1 sdk=$2 packages=$3; shift 3
    mkdir -p "$root"/{opt/nuget,etc/dotnet}
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    if [ -n "$sdk" ]; then
      mkdir -p "$root/usr/share/dotnet"
      mount --bind "$sdk" "$root/usr/share/dotnet"
      mount -o remount,bind,ro "$root/usr/share/dotnet"
    fi
    if [ -d "$packages" ]; then
      mount --bind "$packages" "$root/opt/nuget"
      mount -o remount,bind,ro "$root/opt/nuget"
    fi
    for name in ${!XKD_@} TMPDIR DOTNET_ROOT NUGET_PACKAGES; do unset "$name"; done
    export XKD_BUILD_ARGS=-p:RunAnalyzers=false # they find the same everywhere, in most of the time of a build
    export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 NUGET_FALLBACK_PACKAGES=/opt/nuget
    exec "$@"' _ "$1" "$2" "$packages" "${@:3}"
}

prepare() { # folder: what the host knows of networks and certificates, the SDK's place, the checkout as committed
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
  [ ! -s /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  mkdir -p "$1/root/.nuget/NuGet" "$1/etc/dotnet"
  [ ! -f ~/.nuget/NuGet/NuGet.Config ] || cp ~/.nuget/NuGet/NuGet.Config "$1/root/.nuget/NuGet/"
  echo /usr/share/dotnet >"$1/etc/dotnet/install_location"
  ln -sf /usr/share/dotnet/dotnet "$1/usr/local/bin/dotnet"
  git -c safe.directory='*' -C "$here" bundle create -q "$1/root/checkout" HEAD
  inside "$1" bash -ec 'git init -q /root/xkd; cd /root/xkd; git fetch -q /root/checkout HEAD; git reset -q --hard FETCH_HEAD; dotnet --version' >/dev/null
}

# The program of a release, from its archive alone: no .NET, an empty environment, a user without a name.
program() { # release
  local dir=$roots/$1-program archive
  say "$1: the program of a release"
  archive=$(ls "${made:-$roots/release}"/xkd-*-linux-x64.tar.gz 2>/dev/null) || {
    [ -z "$made" ] || die "$made has no archive of a release; type: tools/release/build.sh $made"
    "$here/tools/release/build.sh" "$roots/release" >"$roots/release.log" 2>&1 || { tail -n 15 "$roots/release.log" >&2; return 1; }
    archive=$(ls "$roots"/release/xkd-*-linux-x64.tar.gz)
  }
  [ -n "$keep" ] && [ -f "$dir/whole" ] || { remove_root "$dir"; make_root "$1" "$dir" ffmpeg; }
  rm -rf "$dir/root/opt/xkd" "$dir/root/home/try"
  mkdir -p "$dir/root/opt/xkd" "$dir/root/home/try"
  tar -C "$dir/root/opt/xkd" --strip-components=1 -xzf "$archive"
  cp "$here/tools/release/try.sh" "$dir/root/home/try/"
  chown -R 1234:1234 "$dir/root/home/try"
  mounted "$dir/root" '' chroot --userspec=1234:1234 "$dir/root" env -i PATH=/usr/bin:/bin HOME=/home/try bash -ec '
    cd
    /opt/xkd/xkd doctor --install-libtorch /opt/nuget/libtorch-cpu-linux-x64/2.10.0
    bash try.sh /opt/xkd/xkd work' >"$dir/try.log" 2>&1 || { tail -n 15 "$dir/try.log" >&2; return 1; }
  [ -n "$keep" ] || remove_root "$dir"
}

failed=0 rows=()
check() { # release
  local dir=$roots/$1 start=$SECONDS log rc demo=- passed=- bad=- skipped=- libav=- glibc=- ffmpeg=- program=-
  local root=$dir/root
  if [ -z "$only" ] || [ "$only" = program ]; then
    program=passed
    program "$1" || { program=failed; failed=1; }
  fi
  if [ "$only" = program ]; then
    rows+=("$1|$glibc|$ffmpeg|$libav|$demo|$passed|$bad|$skipped|$program|$(((SECONDS - start + 30) / 60))")
    return
  fi
  [ -n "$keep" ] && [ -f "$dir/whole" ] || { remove_root "$dir"; make_root "$1" "$dir" "$build_needs"; }
  prepare "$root" || die "the checkout, or the .NET SDK of $sdk, is of no use in $1"
  if [ -z "$only" ] || [ "$only" = demo ]; then
    say "$1: ./xkd demo --short"
    log=$dir/demo.log rc=0
    inside "$root" bash -c 'cd /root/xkd && ./xkd demo --short' >"$log" 2>&1 || rc=$?
    demo=passed
    [ "$rc" = 0 ] || { demo="failed ($rc)"; failed=1; tail -n 15 "$log" >&2; }
  fi
  if [ "$only" != demo ]; then
    local area=''
    [ -z "$only" ] || [ "$only" = test ] || area=$only
    say "$1: ./xkd test $area"
    log=$dir/test.log rc=0
    inside "$root" bash -c "cd /root/xkd && ./xkd test $area" >"$log" 2>&1 || rc=$?
    read -r passed bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1) || { passed=0 bad='no end'; }
    skipped=$(sed -nE 's/.*Total: .*Skipped: ([0-9]+).*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
    [ "$rc" = 0 ] || { failed=1; grep -E '\[FAIL\]' "$log" >&2 || tail -n 15 "$log" >&2; }
  fi
  # Of the sample clips, how many ingest decoded by the libraries, without a process of ffmpeg for each.
  inside "$root" bash -c 'cd /root/xkd && ./xkd ingest --dataset folder --root tools/xkd/samples --out "$(mktemp -d)/cache" --json' \
    >"$dir/ingest.log" 2>&1 || true
  libav=$(sed -nE 's/.*"decoded_by_libraries": ?([0-9]+).*/\1/p' "$dir/ingest.log")
  libav=${libav:-?}/$(sed -nE 's/.*"committed": ?([0-9]+).*/\1/p' "$dir/ingest.log")
  glibc=$(inside "$root" ldd --version | sed -n '1s/.* //p')
  ffmpeg=$(inside "$root" ffmpeg -version 2>/dev/null | sed -nE '1s/^ffmpeg version ([^ -]+).*/\1/p') || ffmpeg=none
  rows+=("$1|$glibc|$ffmpeg|$libav|$demo|$passed|$bad|$skipped|$program|$(((SECONDS - start + 30) / 60))")
  [ -n "$keep" ] || remove_root "$dir"
}

[ -z "$(git -c safe.directory='*' -C "$here" status --porcelain)" ] || say "what is not committed is left out"
rm -rf "$roots/release" # of an earlier commit
for release in "${releases[@]}"; do check "$release"; done
printf '%s\n' 'release|glibc|FFmpeg|by libav|demo|passed|failed|skipped|program|minutes' "${rows[@]}" |
  awk -F'|' '{ printf "%-10s %-7s %-9s %-8s %-12s %-7s %-7s %-8s %-8s %s\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }'
exit "$failed"
