#!/usr/bin/env bash
# Ingests a folder by one process and by several at once, of which one is killed (-9) in the middle and started again, and compares both caches:
#   tools/cluster/partitions.sh ROOT [PARTS] [FOLDER]     4 parts; caches go below FOLDER, a new temporary folder by default
# What the processes say goes to a temporary file; the last line here is the comparison's, the exit code too.
# FOLDER may be s3://bucket/prefix, with the usual AWS_ variables: then the parts' cache lies there.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
media=$1 parts=${2:-4} out=${3:-$(mktemp -d)}
single=$out/single shared=$out/shared
case $out in s3://*) single=$(mktemp -d)/single ;; esac
log=$(mktemp)
bench=$root/tools/bench/bin/Release/net10.0/linux-x64/Xkd.Bench
[ -x "$bench" ] || dotnet build "$root/tools/bench" -c Release --nologo -v quiet
xkd=$root/tools/xkd/bin/Release/net10.0/linux-x64/xkd
"$root/xkd" --help >/dev/null # builds it

# Items that failed (3) do so in both caches.
xkd() { "$xkd" "$@" || [ $? = 3 ]; }
part() { xkd ingest --dataset folder --root "$media" --out "$shared" --workers 1 --partition "$1/$parts" --json >/dev/null 2>>"$log"; }
committed() { "$xkd" inspect "$shared" --json 2>/dev/null | grep -o '"clips": *[0-9]*' | grep -o '[0-9]*' || echo 0; }

started=$SECONDS
pids=()
for i in $(seq 1 "$parts"); do part "$i" & pids+=($!); done
until [ "$(committed)" -gt 0 ]; do kill -0 "${pids[0]}" || break; done    # the first commits are there: part 1 is in the middle
child=$(pgrep -P "${pids[0]}" | head -n 1 || true)
kill -9 ${child:-} "${pids[0]}" && echo "killed part 1 after $((SECONDS - started)) s, $(committed) clips committed by all"
part 1 && echo "part 1 done again"
for pid in "${pids[@]:1}"; do wait "$pid"; done
xkd ingest --merge "$shared"
echo "$parts parts: $((SECONDS - started)) s"
started=$SECONDS
xkd ingest --dataset folder --root "$media" --out "$single" --json >/dev/null 2>>"$log"
echo "single process: $((SECONDS - started)) s"
"$root/xkd" verify "$shared"
"$bench" same "$single" "$shared"
