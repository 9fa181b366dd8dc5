#!/usr/bin/env bash
# Runs fuzz targets one after the other, each for so many seconds, and prints a row of figures for each.
#   run.sh [SECONDS] [TARGET ...]     needs: rustup toolchain install nightly; cargo install cargo-fuzz
# Inputs that it grew, and those that broke something, stay in target/fuzz. FUZZ_BUILT=FOLDER runs what was built there.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
shift || true
root=$(cd ../.. && pwd)
work=$root/target/fuzz
built=${FUZZ_BUILT:-}
if [ -z "$built" ]; then
    built=$work/target
    cargo +nightly fuzz build --fuzz-dir . --target-dir "$built"
fi
[ $# -gt 0 ] || set -- probe decode transcripts metadata rules readback
# What the targets read from; in memory, where the machine has a folder there.
files=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" callsift-fuzz.XXXXXX)
trap 'rm -rf "$files"' EXIT
# No ffmpeg: it is a process of its own, and nothing that is fuzzed here.
export CALLSIFT_FFMPEG=/nonexistent

# A byte before each recording chooses its name, one before each part its table.
seeds() {
    local to=$work/seeds/$1 i=0 file
    mkdir -p "$to"
    case $1 in
        probe | decode)
            for file in "$root"/crates/audio/testdata/*.*; do
                case $file in *.sh) continue ;; *.g722) i=1 ;; *.gsm) i=5 ;; *) i=0 ;; esac
                { printf "\\x0$i"; cat "$file"; } > "$to/$(basename "$file")"
            done ;;
        transcripts)
            head -n 40 "$root/tests/labelled/dev.jsonl" | split -l 1 - "$to/line-"
            head -n 3 "$root/tests/labelled/dev.jsonl" > "$to/three" ;;
        metadata)
            cp "$root/tests/demo/metadata.csv" "$to/demo.csv"
            printf '录音;工号;开始时间\n0001.wav;="0021";2026/11/5 9:03\n' > "$to/semicolons.csv"
            iconv -f UTF-8 -t GB18030 "$to/semicolons.csv" > "$to/gbk.csv"
            iconv -f UTF-8 -t UTF-16 "$to/semicolons.csv" > "$to/utf16.csv"
            printf '{"file":"a.wav","agent_id":"7","started_at":"上午9:03"}\n' > "$to/lines.jsonl" ;;
        rules)
            for file in "$root"/rules/*/*.yaml; do cp "$file" "$to/$(basename "$file")"; done ;;
        readback)
            for file in "$root"/crates/store/test-data/*/*/*/*.parquet; do
                case $file in */turns/*) i=0 ;; */findings/*) i=1 ;; *) i=2 ;; esac
                { printf "\\x0$i"; cat "$file"; } > "$to/$(echo "${file#*test-data/}" | tr / -)"
            done ;;
    esac
}

echo "| target | inputs tried | a second | grown corpus | code edges | memory, MB | broken |"
echo "|---|---:|---:|---:|---:|---:|---:|"
for target in "$@"; do
    seeds "$target"
    mkdir -p "$work/corpus/$target" "$work/broken/$target"
    log=$work/$target.log
    code=0
    # A reviewer may try a rule of 8,000 characters; a table of the lake is read from its end.
    longest=40000
    [ "$target" != rules ] || longest=8000
    # Recordings may ask for some memory. The time is that of the wall, and other programs take theirs.
    CALLSIFT_FUZZ_FOLDER=$files ASAN_OPTIONS=detect_odr_violation=0 "$(echo "$built"/*-linux-gnu)/release/$target" \
        "$work/corpus/$target" "$work/seeds/$target" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=3072 \
        -max_len="$longest" -print_final_stats=1 -artifact_prefix="$work/broken/$target/" > "$log" 2>&1 || code=$?
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    corpus=$(find "$work/corpus/$target" -type f | wc -l)
    broken=$(find "$work/broken/$target" -type f | wc -l)
    [ "$code" = 0 ] || [ "$broken" != 0 ] || broken="did not run: $log"
    echo "| $target | $(stat number_of_executed_units) | $(stat average_exec_per_sec) | $corpus | $edges | $(stat peak_rss_mb) | $broken |"
done
