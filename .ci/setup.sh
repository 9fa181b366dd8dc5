#!/usr/bin/env bash
# Installs what a build and the tests need and what is not there yet; quick when all is there.
#   .ci/setup.sh ENV_FOLDER
set -euo pipefail
env=${1:-.callsift}
cd "$(dirname "$0")/.."
say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

have cargo || die "Rust is missing: install it with rustup, then run this again"
have python3 || die "Python 3 is missing: install python3, then run this again"

# Build tools from the distribution where we may; cmake from PyPI otherwise.
wanted=()
have cmake || wanted+=(cmake)
have c++ || wanted+=(g++)
have make || wanted+=(make)
# A browser and Chinese letters: for the tests of the console only.
have chromium || wanted+=(chromium)
have chromedriver || wanted+=(chromium-driver)
[ -n "$(fc-list :lang=zh 2>/dev/null | head -1)" ] || wanted+=(fonts-wqy-microhei fontconfig)
python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
if [ ${#wanted[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && have apt-get; then
    say "installing ${wanted[*]}"
    # Without a network the missing parts are named below, one by one.
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >&2 \
        || say "apt-get did not install everything; going on without"
fi
have c++ || die "a C++ compiler is missing: install g++, then run this again"

mkdir -p "$env"
if [ ! -x "$env/venv/bin/python" ]; then
    say "making a Python environment in $env/venv"
    python3 -m venv "$env/venv" || die "python3 cannot make a virtual environment: install python3-venv, then run this again"
fi
# Readers that the tests compare and the driver of the browser tests, pinned; pytz is what DuckDB needs for time zones.
readers="duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1 pytz==2026.6 selenium==4.45.0 openpyxl==3.1.5"
have cmake || readers="$readers cmake"
if [ "$(cat "$env/venv/readers" 2>/dev/null)" != "$readers" ]; then
    say "installing $readers"
    # shellcheck disable=SC2086 # a list of words
    "$env/venv/bin/python" -m pip install --quiet --disable-pip-version-check $readers >&2
    printf '%s' "$readers" > "$env/venv/readers"
fi

python3 models/fetch.py --dest "$env" >&2
