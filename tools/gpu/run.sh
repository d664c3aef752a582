#!/usr/bin/env bash
# Runs beside the bundle, on the machine with the GPU: smoke test, reference numbers, benchmark beside eager PyTorch, a short training.
#   run.sh [--device cuda|cpu] [--data CACHE] [--golden FOLDER] [--out FOLDER] [--config FILE] [--set KEY=VALUE]… [--steps N] [--rounds N] [smoke|golden|bench|train]…
# Without a list of parts all are run, training where --data names a cache. libtorch is that of the Python on the PATH unless XKD_LIBTORCH names one; without a Python that has
# PyTorch the benchmark times this side alone. Every part's output is kept in FOLDER; the last line says which parts failed.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
device=cuda data='' golden=$here/golden out=${OUT:-$PWD/xkd-gpu-out} config=$here/configs/pretrain/xkd.yaml steps=200 rounds=5 parts=() set=()
while [ $# -gt 0 ]; do
  case $1 in
    --device|--data|--golden|--out|--config|--steps|--rounds) declare "${1#--}=$2"; shift 2 ;;
    --set) set+=(--set "$2"); shift 2 ;;
    smoke|golden|bench|train) parts+=("$1"); shift ;;
    *) echo "run.sh: unknown argument $1; see its head" >&2; exit 2 ;;
  esac
done
if [ ${#parts[@]} = 0 ]; then
  parts=(smoke golden bench)
  if [ -n "$data" ]; then parts+=(train); else echo "run.sh: no --data CACHE, so no training"; fi
fi
mkdir -p "$out"

python=$(command -v python3 || command -v python || true)
torch_lib() { "$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))' 2>/dev/null; }
if [ -z "${XKD_LIBTORCH:-}" ]; then
  XKD_LIBTORCH=$([ -n "$python" ] && torch_lib) || { echo "run.sh: no Python with PyTorch on the PATH; set XKD_LIBTORCH to the folder that holds libtorch_cpu.so" >&2; exit 2; }
fi
# Hashing takes the system's OpenSSL, or the one that came with the Python.
if [ -n "$python" ] && ! ldconfig -p 2>/dev/null | grep -q libssl; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$("$python" -c 'import sys; print(sys.base_prefix)')/lib"
fi
export XKD_LIBTORCH DOTNET_GCgen0size=${DOTNET_GCgen0size:-1000000}
peers=$([ -n "$python" ] && torch_lib >/dev/null && echo "$here/peers" || true)

# What counts here is libtorch and the device's numbers; ffmpeg may be missing.
smoke() {
  "$here/xkd-gpu" doctor >"$out/doctor.txt"
  cat "$out/doctor.txt"
  grep -q "^ok   numerics $device" "$out/doctor.txt" && ! grep '^FAIL' "$out/doctor.txt" | grep -qv '^FAIL ffmpeg'
}
golden() { "$here/xkd-gpu" golden "$golden" --device "$device"; }
bench() { "$here/xkd-gpu" step "$rounds" "$peers" "$python" "$config" "$device"; }
train() {
  [ -n "$data" ] || { echo "no --data CACHE: nothing to train on"; return 2; }
  "$here/xkd-gpu" train --config "$config" "${set[@]}" --data "$data" --out "$out/run" --resume auto --device "$device" --max-steps "$steps"
}

failed=()
for part in "${parts[@]}"; do
  echo "== $part"
  "$part" 2>&1 | tee "$out/$part.log"
  rc=${PIPESTATUS[0]}
  [ "$rc" = 0 ] || failed+=("$part ($rc)")
done
if [ ${#failed[@]} -gt 0 ]; then echo "failed: ${failed[*]}"; exit 1; fi
echo "all parts done: ${parts[*]}; output in $out"
