#!/usr/bin/env bash
# Tries an installed xkd from end to end in a folder of its own: demo, ingest, train, evaluate, predict, features, report.
#   tools/release/try.sh PROGRAM [FOLDER]      PROGRAM: xkd as installed, by name or path
# It needs ffmpeg and what the program needs, and takes about a minute. Exit code 0 where all of it worked.
set -euo pipefail
program=${1:?usage: try.sh PROGRAM [FOLDER]}
mkdir -p "${2:-.}"
cd "${2:-$(mktemp -d)}"
xkd() { command "$program" --quiet "$@" || { printf 'try.sh: exit %s of: xkd %s\n' $? "$*" >&2; exit 1; }; }
there() { [ -s "$1" ] || { printf 'try.sh: %s was not written\n' "$1" >&2; exit 1; }; }

command "$program" --version
xkd doctor >/dev/null
xkd demo --short --out demo
there demo/report.html

for class in high low; do
  mkdir -p "media/$class"
  for i in 0 1 2 3 4; do
    ffmpeg -v error -y -f lavfi -i "testsrc2=s=$([ $class = high ] && echo 48x96 || echo 96x48):r=8:d=4" -f lavfi -i "sine=$((300 + 100 * i)):d=4" -shortest "media/$class/$i.mp4"
  done
done
xkd ingest --dataset folder --root media --out cache --json >ingest.json
grep -q '"decoded_by_libraries": 10' ingest.json || { echo 'try.sh: the decoder of the libraries was not used:' >&2; cat ingest.json >&2; exit 1; }
xkd train --config tiny --data cache --out run --max-steps 4 --set batch=4 --device cpu
xkd eval linear --config folder --train cache --val cache --weights run --out probe --set batch=4 optim.epochs=2
xkd predict --model probe media/high/0.mp4 media/low/0.mp4 --out predictions.csv
xkd features --weights run --data cache --out features.parquet
xkd report run --out run.html
for file in cache/manifest run/metrics.jsonl predictions.csv features.parquet run.html; do there "$file"; done
[ "$(wc -l <predictions.csv)" = 3 ] || { cat predictions.csv >&2; exit 1; }
printf 'all of it worked, in %s\n' "$PWD"
