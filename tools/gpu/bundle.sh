#!/usr/bin/env bash
# Makes one archive under 30 MB that trains on a machine with a GPU and a PyTorch install, but without .NET, ICU or the internet:
#   tools/gpu/bundle.sh [FOLDER]      → FOLDER/xkd-gpu (unpacked) and FOLDER/xkd-gpu.tar.gz; FOLDER is out/bundle by default
# There: tar xzf xkd-gpu.tar.gz && xkd-gpu/run.sh first   (see run.sh and docs/gpu.md)
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
out=$(mkdir -p "${1:-$root/out/bundle}" && cd "${1:-$root/out/bundle}" && pwd)
bundle=$out/xkd-gpu
rm -rf "$bundle" "$bundle.tar.gz"

dotnet publish "$root/tools/gpu/Xkd.Gpu.csproj" -c Release --nologo -v quiet -p:Bundle=true -o "$bundle"

cd "$bundle"
find . -maxdepth 1 -name "*.xml" ! -name Xkd.Model.xml -delete # that one says what the keys mean
rm -rf samples golden ./*.pdb xkd-decode* xkd xkd.* Xkd.Conformance* # media is decoded where ffmpeg is
strip --strip-unneeded libSkiaSharp.so 2>/dev/null || true # smaller where binutils is there
cp -r "$root/tools/bench/peers" "$root/tools/gpu/run.sh" "$root/tests/golden" .
tar -C "$out" -czf "$bundle.tar.gz" xkd-gpu
size=$(stat -c %s "$bundle.tar.gz")
printf '%s: %d bytes\n' "$bundle.tar.gz" "$size"
[ "$size" -lt 30000000 ] || { echo "the bundle is over 30 MB" >&2; exit 1; }
