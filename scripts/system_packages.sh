#!/bin/sh
# Debian packages that pip can't bring. Usage: system_packages.sh demo|test
# demo: a venv, Pango for WeasyPrint, a font with Chinese and Japanese. test: Chromium, pdf tools and Java (for Spark) on top.
set -eu

packages="python3-venv libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk"
[ "${1:-demo}" = test ] && packages="$packages chromium poppler-utils"
# Spark needs Java 17 or newer, from wherever it comes
[ "${1:-demo}" = test ] && ! command -v java >/dev/null 2>&1 && packages="$packages default-jre-headless"

command -v dpkg-query >/dev/null 2>&1 || { echo "Not a Debian system: please install the likes of: $packages" >&2; exit 0; }
missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then run=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then run="sudo"
else
    echo "These Debian packages are missing:$missing" >&2
    echo "Ask an administrator to run: apt-get install$missing" >&2
    exit 1
fi
$run apt-get update -qq
# shellcheck disable=SC2086  # one word a package
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $missing >/dev/null
