#!/usr/bin/env bash
# Runs beside the bundle, on the machine with the GPU, in two calls of about five minutes; docs/gpu.md says what each part answers:
#   run.sh first|second [--device cuda|cpu] [--out FOLDER] [--small]
# first    versions, doctor, selfcheck, the step alone at four batch sizes, without the kernels, attention without cuDNN, the reference numbers, what products and attention reach
# second   a cache of noise, training on it with its feed, 40 steps of a run, the step beside eager PyTorch
# A part that fails or takes too long costs no other. FOLDER (xkd-gpu-out) receives first.log, what all parts say; first.json, their results, an object a
# line; first.txt, the table; and of the run metrics.jsonl and profile.json: all as they come, and no more than eight small files of both calls.
# --small, which a CPU implies, takes the tiny configuration. libtorch is that of the Python on the PATH unless XKD_LIBTORCH names one; without a Python
# that has PyTorch the parts that are its own are skipped. Exit code 1 if a part failed.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
usage() { echo "run.sh: $1; see its head" >&2; exit 2; }
call=${1:-} device=cuda out=$PWD/xkd-gpu-out small=''
case $call in first|second) shift ;; *) usage "first or second, not \"$call\"" ;; esac
while [ $# -gt 0 ]; do
  case $1 in
    --device|--out) [ $# -gt 1 ] || usage "$1 needs a value"; declare "${1#--}=$2"; shift 2 ;;
    --small) small=1; shift ;;
    *) usage "unknown argument $1" ;;
  esac
done
[ "$device" = cuda ] || small=1

# Importing PyTorch takes seconds, finding it does not.
python=$(command -v python3 || command -v python || true)
torch=$([ -n "$python" ] && "$python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null)
XKD_LIBTORCH=${XKD_LIBTORCH:-${torch:+$torch/lib}}
[ -n "$XKD_LIBTORCH" ] || usage "no Python with PyTorch on the PATH: set XKD_LIBTORCH to the folder that holds libtorch_cpu.so"
# Hashing takes the system's OpenSSL, or the one that came with the Python.
if [ -n "$python" ] && ! ldconfig -p 2>/dev/null | grep -q libssl; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$("$python" -c 'import sys; print(sys.base_prefix)')/lib"
fi

mkdir -p "$out" && out=$(cd "$out" && pwd) && work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
log=$out/$call.log json=$out/$call.json table=$out/$call.txt xkd=$here/xkd-gpu failed=0
: >"$log" >"$json" >"$table"
config=$here/configs/pretrain/xkd.yaml top=256 alone=(32 64 128 256) rounds=4 steps=40 patience=1
beside=(tuned:256 tuned:128 tuned:32 released:64 compiled:256)
if [ -n "$small" ]; then
  config=$here/configs/pretrain/tiny.yaml top=2 alone=(1 2) beside=(tuned:2 compiled:1) rounds=1 steps=10 patience=10
fi
export XKD_LIBTORCH here device python torch work json xkd config top rounds steps

# One part: what it is called, its limit in seconds, which of its lines to show (an extended regular expression; the last match), and its command.
part() {
  local name=$1 limit=$(($2 * patience)) figure=$3 began=$SECONDS before rc state
  shift 3
  echo "== $name: $*" >>"$log"
  before=$(wc -c <"$log")
  timeout -k 10 "$limit" bash -o pipefail -c '"$@"' part "$@" >>"$log" 2>&1 </dev/null
  rc=$?
  case $rc in
    0) state=ok ;;
    77) state=skipped ;;
    124|137) state="timed out" ;;
    *) state="failed $rc" ;;
  esac
  case $rc in 0|77) ;; *) failed=1; tail -c "+$((before + 1))" "$log" | tail -n 15 ;; esac
  [ "$rc" != 77 ] || figure='.+' # why
  figure=$(tail -c "+$((before + 1))" "$log" | grep -oE "$figure" | tail -n 1)
  printf '%-14s %4d s  %-10s %s\n' "$name" $((SECONDS - began)) "$state" "$figure" | tee -a "$table"
}

skip() { echo "$1"; return 77; }
versions() {
  nvidia-smi || echo "no nvidia-smi"
  echo "kernel $(cat /proc/sys/kernel/osrelease), $(grep -c ^processor /proc/cpuinfo) cores, $(grep MemTotal /proc/meminfo)"
  [ -n "$torch" ] || { echo "no Python with PyTorch; libtorch $XKD_LIBTORCH"; return 0; }
  "$python" -c '
import importlib.metadata as m, sys
names = [n for d in m.distributions() for n in [d.metadata["Name"] or ""] if n in ("torch", "triton") or n.startswith("nvidia-c")]
print(f"Python {sys.version.split()[0]}, " + ", ".join(f"{n} {m.version(n)}" for n in sorted(set(names), reverse=True)))'
}
# What counts here is libtorch and the device's numbers; ffmpeg may be missing.
doctor() {
  "$xkd" doctor >"$work/doctor"
  cat "$work/doctor"
  grep -q "^ok   numerics $device" "$work/doctor" && ! grep '^FAIL' "$work/doctor" | grep -qv '^FAIL ffmpeg'
}
result() { tr -d '\n' | grep . >>"$json"; }
profile() { "$xkd" profile "$@" --config "$config" --device "$device" --json | result; }
flash() { # ATen then takes its own attention kernel before cuDNN's
  local name=TORCH_CUDNN_SDPA_DEPRIORITIZED
  [ "$device" = cpu ] || grep -q "$name" "$XKD_LIBTORCH/libtorch_cuda.so" || skip "this libtorch does not read $name" || return
  export $name=1
  profile step --batch "$top"
}
rates() {
  [ -n "$torch" ] || skip "no Python with PyTorch" || return
  "$python" "$here/peers/device_rates.py" "$device" "$top" >>"$json"
}
train() {
  "$xkd" train --config "$config" --set "batch=$top" train.log_every=5 train.images_every=0 --data "$work/cache" --out "$work/run" \
    --device "$device" --max-steps "$steps" --profile
}
beside() { "$xkd" step "$rounds" "${torch:+$here/peers}" "$python" "$config" "$device" "$2" "$1" alone; }
export -f skip versions doctor result profile flash rates train beside

first() {
  part versions 20 '.*(torch [0-9][^,]*|no Python.*)' versions
  part doctor 90 "numerics $device.*" doctor
  part selfcheck 90 '.+' "$xkd" selfcheck --device "$device"
  for batch in "${alone[@]}"; do part "step-$batch" 60 'batch [0-9]+: .*' profile step --batch "$batch"; done
  part "plain-$top" 60 'batch [0-9]+: .*' profile step --batch "$top" --set train.kernels=plain
  part "flash-$top" 60 'batch [0-9]+: .*' flash
  part golden 90 '[0-9]+ passed, [0-9]+ failed' "$xkd" golden "$here/golden" --device "$device"
  part rates 60 'products .*' rates
}

second() {
  part cache 60 '.* GB' "$xkd" cache "$work/cache" "$config" $((4 * top))
  part profile-train 150 '[0-9.]+ samples/s, .* waiting for data' profile train --set "batch=$top" --data "$work/cache"
  part train 90 '[0-9.]+ ms/step.* mfu [0-9.]+ %' train
  for file in metrics.jsonl profile.json; do [ ! -e "$work/run/$file" ] || cp "$work/run/$file" "$out/"; done
  rm -rf "$work/run" "$work/cache" # checkpoints of gigabytes
  for pair in "${beside[@]}"; do
    limit=$([ "${pair%:*}" = compiled ] && echo 150 || echo 60)
    part "${pair/:/-}" "$limit" '.*(a step of [0-9]+,.*|is left out: .*)' beside "${pair%:*}" "${pair#*:}"
  done
}

"$call"
{ echo "== $call"; cat "$table"; } | tee -a "$log"
[ "$failed" = 0 ] || { echo "some parts failed: $log"; exit 1; }
echo "all parts done: $out"
