#!/usr/bin/env bash
# Shows that the golden cases catch mistakes: breaks one constant of the production source at a time, in a scratch clone, and
# expects cases to turn red. Usage: tests/Conformance/mutate.sh   (minutes; needs what ./xkd test needs)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q "$root" "$work/xkd"
cd "$work/xkd"
caught=0 missed=0
build() { dotnet build tests/Conformance -c Release -v quiet --nologo -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false >"$work/log" 2>&1 </dev/null; }
golden() { tests/Conformance/bin/Release/net10.0/linux-x64/Xkd.Conformance "$@"; }
build && golden >/dev/null || { echo "the golden cases do not pass unmutated"; exit 1; }
mutate() { # file, what stands there, what is put in its place
  grep -qF -- "$2" "$1" || { echo "MISSED $1: no '$2' to mutate"; missed=$((missed + 1)); return; }
  python3 - "$1" "$2" "$3" <<'P'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
open(path, "w").write(text.replace(old, new, 1))
P
  if build; then
    red=$(golden | grep '^FAIL' | sed 's/^FAIL \([a-z0-9_]*\).*/\1/' | tr '\n' ' ') || true
  else red="(does not build)"; fi
  git checkout -q -- "$1"
  if [ -n "$red" ] && [ "$red" != "(does not build)" ]; then echo "CAUGHT $1: '$2' -> '$3': $red"; caught=$((caught + 1));
  else echo "MISSED $1: '$2' -> '$3' $red"; missed=$((missed + 1)); fi
}
# A setting, input or result that nothing of the runner looks at must fail its case by name.
plant() { # python expression on the manifest's cases by id, what the failure must name
  rm -rf "$work/planted"; cp -r tests/golden "$work/planted"
  python3 - "$work/planted/manifest.json" "$1" <<'P'
import json, sys
path, change = sys.argv[1:]
manifest = json.load(open(path))
exec(change, {"case": {c["id"]: c for c in manifest["cases"]}})
json.dump(manifest, open(path, "w"))
P
  if { golden "$work/planted" || true; } | grep -F -- "$2" >/dev/null; then echo "CAUGHT $2"; caught=$((caught + 1)); else echo "MISSED $2"; missed=$((missed + 1)); fi
}
plant 'case["spec_augment"]["config"]["crops"]["crop0"]["pad"] = [1, 2]' 'config.crops.crop0.pad[1]: stated by the case, never used'
plant 'case["spec_augment"]["config"]["crops"]["crop0"]["canvas"] = [80, 170]' 'out/crop0'
plant 'case["audio_frontend"]["config"]["alt"] = {"n_fft": 512, "window": "hamming"}' 'config.alt.window: stated by the case, never used'
plant 'case["linear_svm"]["config"]["bias"] = False' 'config.bias: stated by the case, never used'
plant 'case["audio_frontend"]["scalars"]["frames_9s"] = 1' 'scalar:frames_9s: expected by the case, never compared'
M=src/Model/Method P=src/Pipeline
mutate $M/Losses/PatchReconstruction.cs 'patches.shape[^1] - 1' 'patches.shape[^1] - 0'
mutate $M/Losses/PatchReconstruction.cs 'Eps = 1e-6' 'Eps = 1e-2'
mutate $M/Networks/Layers.cs 'Eps = 1e-5' 'Eps = 1e-3'
mutate $M/Networks/MaskedAutoencoder.cs 'MidpointRounding.ToEven' 'MidpointRounding.AwayFromZero'
mutate $M/Networks/PositionResampling.cs 'Nudge = 0.1' 'Nudge = 0.3'
mutate $M/Optim/HostUpdate.cs 'Eps = 1e-6' 'Eps = 1e-1'
mutate $M/Optim/HostUpdate.cs '? schedule.WeightDecay : 0' '? schedule.WeightDecay : schedule.WeightDecay'
mutate $M/XkdModel.cs '"kd_v2a", objective.Cmkd / 2' '"kd_v2a", objective.Cmkd / 3'
mutate $M/XkdModel.cs 'temperatures.StudentAudio, temperatures.TeacherVideo' 'temperatures.StudentAudio, temperatures.TeacherAudio'
mutate $P/LogMel/MelFilterBank.cs 'normalizeGain: true' 'normalizeGain: false'
mutate $P/LogMel/PowerSpectrum.cs '0.5 * Math.Cos(2 * Math.PI * n / nFft)' '0.5 * Math.Cos(2 * Math.PI * n / (nFft - 1))'
mutate $P/Augment/ColorKernels.cs 'Create(19595 |' 'Create(19000 |'
mutate $M/Optim/Schedules.cs 'Math.PI' '3.1'
echo "$caught caught, $missed missed"
[ "$missed" = 0 ]
