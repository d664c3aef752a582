#!/usr/bin/env bash
# Writes docs/reference.md from the command and its configurations: tools/docs/build.sh
# With the word site it also makes a site of all pages, in out/site (docfx, which .NET restores): tools/docs/build.sh site
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
dotnet build tests/Cli -c Release --nologo -v quiet
XKD_TEST_REFERENCE=write tests/Cli/bin/Release/net10.0/linux-x64/Xkd.Cli.Tests -class '*ReferencePageTests' -noLogo
[ "${1:-}" = site ] || exit 0
dotnet tool restore
dotnet docfx tools/docs/docfx.json
printf 'out/site/index.html\n'
