#!/bin/sh
# Make the lock files anew: every version that the demo and the tests install, for all Pythons and systems.
set -eu
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool"
"$tool/bin/pip" install --quiet uv
for extra in "" dev; do
    "$tool/bin/uv" pip compile --quiet --universal --no-annotate --no-emit-find-links --no-emit-index-url \
        --python-version 3.11 ${extra:+--extra $extra} \
        --custom-compile-command "make lock" pyproject.toml --output-file "requirements${extra:+-$extra}.lock"
done
