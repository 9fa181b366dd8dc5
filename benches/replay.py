"""Replay of many stored calls: calls per second, Parquet in and out.

The calls are those of tests/labelled/dev.jsonl, over and over under new ids, spread over thirty days.
Usage: python3 benches/replay.py [CALLS] [--rules DIR] [--work DIR]     (100,000 calls take some minutes and 2 GB of disk)
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CALLSIFT = PROJECT / "target/release/callsift"
DAYS = 30


def write_calls(path: pathlib.Path, count: int) -> int:
    """Writes `count` calls and returns their turns."""
    calls = [json.loads(line) for line in open(PROJECT / "tests/labelled/dev.jsonl", encoding="utf-8")]
    turns = 0
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            call = dict(calls[i % len(calls)])
            call.pop("expect", None)
            call["call_id"] = f"g{i:07d}"
            call["started_at"] = f"2026-10-{1 + i * DAYS // count:02d}T{8 + i % 10:02d}:{i % 60:02d}:00+08:00"
            turns += len(call["turns"])
            out.write(json.dumps(call, ensure_ascii=False) + "\n")
    return turns


def run(*args: object) -> tuple[dict, float]:
    """Runs callsift and returns its summary and the seconds that it took."""
    started = time.perf_counter()
    done = subprocess.run([CALLSIFT, *map(str, args)], stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"callsift {args[0]} ended with {done.returncode}")
    return json.loads(done.stdout), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="?", type=int, default=100_000)
    parser.add_argument("--rules", type=pathlib.Path, default=PROJECT / "rules")
    parser.add_argument("--work", type=pathlib.Path, default=PROJECT / "target/bench-replay")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    calls, lake = args.work / "calls.jsonl", args.work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    turns = write_calls(calls, args.calls)
    # Without the text model: what is measured is the rules.
    config = args.work / "callsift.toml"
    config.write_text("[models]\ntext = \"\"\n", encoding="utf-8")
    common = ["--rules", args.rules, "--profile", "all", "--json", "--config", config]
    _, seconds = run("run", "--transcripts", calls, "--out", lake, "--calls-per-part", 2000, *common)
    print(f"run --transcripts: {args.calls} calls, {turns} turns, {seconds:.1f} s, {args.calls / seconds:.0f} calls/s")
    size = sum(f.stat().st_size for f in lake.rglob("*.parquet")) / 1e6
    for _ in range(2):
        summary, seconds = run("replay", "--lake", lake, *common)
        rate = summary["calls"] / seconds
        print(f"replay: {summary['calls']} calls of {size:.0f} MB, {seconds:.1f} s, {rate:.0f} calls/s, Parquet in and out")


if __name__ == "__main__":
    main()
