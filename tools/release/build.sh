#!/usr/bin/env bash
# Builds a release of the last commit, in a clone of its own: tools/release/build.sh [FOLDER]      (out/release by default)
#   xkd-VERSION-linux-x64.tar.gz   the program with its runtime, configurations and samples; of the machine it needs ffmpeg, and libtorch once
#   xkd.VERSION.nupkg              the program as a .NET tool
#   Xkd.*.VERSION.nupkg, .snupkg   the four libraries, and their symbols
#   xkd-VERSION.cdx.json           what is within (CycloneDX)
#   Dockerfile, apptainer.def      images of it
#   SHA256SUMS
# The archive is the same bytes for the same commit and SDK.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
out=$(mkdir -p "${1:-$root/out/release}" && cd "${1:-$root/out/release}" && pwd)
say() { printf 'build.sh: %s\n' "$*" >&2; }

[ -z "$(git -C "$root" status --porcelain)" ] || say "what is not committed is left out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone -q "$root" "$work/xkd"
cd "$work/xkd"
origin=$(git -C "$root" remote get-url origin 2>/dev/null) && git remote set-url origin "$origin" || git remote remove origin
version=$(sed -nE 's:.*<Version>(.*)</Version>.*:\1:p' Directory.Build.props)
[ "$(git tag --points-at HEAD --list "v$version")" ] || say "this commit is not tagged v$version: a trial build"
rm -f "$out"/xkd[.-]* "$out"/Xkd.* "$out/SHA256SUMS"

# --- packages -----------------------------------------------------------------------------------------------------------
# Built for others: no path of this machine is in them, and the lock files decide what they are made of.
dotnet restore XKD.sln --locked-mode --nologo -v quiet
for project in src/Storage src/Pipeline src/Ingest src/Model tools/xkd; do
  say "packing $project"
  dotnet pack $project -c Release --nologo -v quiet -p:ContinuousIntegrationBuild=true -o "$out"
done

# --- the archive --------------------------------------------------------------------------------------------------------
name=xkd-$version-linux-x64
say "building $name"
dotnet publish tools/xkd -c Release --nologo -v quiet -p:Bundle=true -p:ContinuousIntegrationBuild=true -o "$work/$name/lib"
cd "$work/$name"
# The documentation of keys is read by `xkd config`; other comments, debuggers' libraries and garbage collectors that are not chosen are not.
find lib -maxdepth 1 \( -name '*.pdb' -o -name '*.xml' ! -name Xkd.Model.xml \) -delete
rm -f lib/createdump lib/libmscordaccore.so lib/libmscordbi.so lib/libclrgc*.so lib/libcoreclrtraceptprovider.so
ln -s lib/xkd xkd
ln -s lib/configs configs
cp "$work"/xkd/{README.md,CHANGELOG.md,LICENSE,THIRD-PARTY.md} .
cp -r "$work/xkd/docs" .

# Licences that packages bring as text, and the one that asks for its text and is in none of them.
mkdir licences
cp "$work/xkd/tools/release/Apache-2.0.txt" licences
packages=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
sed -nE 's/^\| ([A-Za-z0-9.]+) \| ([0-9][0-9.]*) \|.*/\L\1\/\2/p' THIRD-PARTY.md | while read -r package; do
  find "$packages/$package" -maxdepth 1 -type f -iregex '.*/\(licen[cs]e\|notice\|third-?party\)[^/]*' 2>/dev/null |
    while read -r text; do cp "$text" "licences/${package/\//-}-$(basename "$text")"; done
done
runtime=$(ls -d "$packages"/microsoft.netcore.app.runtime.linux-x64/* | sort -V | tail -n 1)
cp "$runtime/LICENSE.TXT" licences/dotnet-LICENSE.TXT
cp "$runtime/THIRD-PARTY-NOTICES.TXT" licences/dotnet-THIRD-PARTY-NOTICES.TXT

time=$(git -C "$work/xkd" log -1 --format=%ct)
chmod -R u+rwX,go+rX,go-w .
tar -C "$work" --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -9n >"$out/$name.tar.gz"

cp "$work"/xkd/tools/release/{Dockerfile,apptainer.def,container.sh} "$out"

# --- what is within -----------------------------------------------------------------------------------------------------
cd "$work/xkd"
dotnet tool restore >/dev/null
dotnet dotnet-CycloneDX tools/xkd/Xkd.Cli.csproj --exclude-dev --output-format Json --set-name xkd --set-version "$version" \
  --output "$out" --filename "xkd-$version.cdx.json" >"$work/sbom.log" || { tail -n 5 "$work/sbom.log" >&2; exit 1; }

cd "$out"
sha256sum xkd[.-]* Xkd.* >SHA256SUMS
size=$(stat -c %s "$name.tar.gz")
ls -l --block-size=K "$out" | awk 'NR > 1 { print $5, $9 }'
[ "$size" -le 40000000 ] || { say "the archive has $size bytes; 40,000,000 are allowed"; exit 1; }
