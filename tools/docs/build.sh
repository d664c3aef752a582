#!/usr/bin/env bash
# Writes what is made of the code: docs/reference.md, THIRD-PARTY.md and the libraries' PublicApi.txt: tools/docs/build.sh
# With the word site it also makes a site of all pages, in out/site (docfx, which .NET restores): tools/docs/build.sh site
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dotnet build tests/Cli -c Release --nologo -v quiet
XKD_TEST_REFERENCE=write tests/Cli/bin/Release/net10.0/linux-x64/Xkd.Cli.Tests -class '*ReferencePageTests' -class '*ThirdPartyTests' -class '*PublicApiTests' -noLogo
[ "${1:-}" = site ] || exit 0

# docfx takes what lies below its configuration: the pages, and what they link to.
rm -rf out/pages out/site
mkdir -p out/pages
find ./*.md docs src/Model/Torch/Kernels/README.md bench/results samples tools/xkd/samples tools/python LICENSE \( -name bin -o -name obj \) -prune -o -type f \
  \( -name '*.md' -o -name '*.png' -o -name '*.cs' -o -name '*.csproj' -o -name '*.py' -o -name '*.ipynb' -o -name LICENSE \) -exec cp --parents -t out/pages {} +
cp tools/docs/docfx.json tools/docs/toc.yml out/pages
dotnet tool restore
dotnet docfx out/pages/docfx.json --output out/site
printf '<meta http-equiv="refresh" content="0; url=README.html">\n' >out/site/index.html
printf 'out/site/index.html\n'
