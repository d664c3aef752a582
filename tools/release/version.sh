#!/usr/bin/env bash
# Names the next release: tools/release/version.sh 0.2.0
# Writes the version where the build takes it from, puts what CHANGELOG.md has as unreleased under it, and commits both.
# Then: git tag v0.2.0 && tools/release/build.sh
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
die() { printf 'version.sh: %s\n' "$*" >&2; exit 2; }
next=${1:-}
now=$(sed -nE 's:.*<Version>(.*)</Version>.*:\1:p' Directory.Build.props)
[[ $next =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || die "'$next' is no version: MAJOR.MINOR.PATCH, such as 0.2.0, or 0.2.0-rc.1 (https://semver.org); now it is $now"
# Version sort puts 0.2.0 before 0.2.0-rc.1, and ~ sorts before the end of a word.
[ "$now" = "$next" ] || [ "$(printf '%s\n' "${now/-/\~}" "${next/-/\~}" | sort -V | tail -n 1)" = "${next/-/\~}" ] || die "$next is before $now, which is the version now"
[ -z "$(git tag --list "v$next")" ] || die "v$next is a release already"
[ -z "$(git status --porcelain)" ] || die "there are changes that are not committed"
grep -q '^## \[Unreleased\]$' CHANGELOG.md || die "CHANGELOG.md has no heading '## [Unreleased]'"

sed -i "s:<Version>.*</Version>:<Version>$next</Version>:" Directory.Build.props
sed -i "s/^## \[Unreleased\]$/## [Unreleased]\n\n## [$next] - $(date -u +%F)/" CHANGELOG.md
sed -i -E "s/\\b(xkd[-.])${now//./\\.}/\1$next/; s/(Include=\"Xkd\.[A-Za-z]+\" Version=\")${now//./\\.}/\1$next/" docs/install.md docs/library.md
# Lock files name the version of the projects that others stand on.
git ls-files -z -- '*packages*.lock.json' | xargs -0 sed -i -E "s/(\"(Xkd\.[A-Za-z.]+|xkd)\": \"\[)${now//./\\.}(, \)\")/\1$next\3/"
git commit -qam "Version $next"
printf 'version %s; next: git tag v%s && tools/release/build.sh\n' "$next" "$next"
