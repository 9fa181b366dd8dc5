#!/bin/bash
# A Java runtime for Spark, where there is none: with apt-get as root, else what to install.
set -euo pipefail
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Spark needs Java 17: install openjdk-17-jre-headless" >&2
    exit 1
fi
apt-get update -qq
apt-get install -qq --yes --no-install-recommends openjdk-17-jre-headless >/dev/null
