"""Replay of many stored calls: calls per second, Parquet in and out.

The calls are made from the labelled ones (centre.py) and lie in thirty days.
Usage: python3 benches/replay.py [CALLS] [--rules DIR] [--work DIR]     (100,000 calls take some minutes and 2 GB of disk)
"""

import argparse
import pathlib
import shutil

import centre


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="?", type=int, default=100_000)
    parser.add_argument("--rules", type=pathlib.Path, default=centre.PROJECT / "rules")
    parser.add_argument("--work", type=pathlib.Path, default=centre.PROJECT / "target/bench-replay")
    args = parser.parse_args()
    for folder in ("lake", "making"):
        shutil.rmtree(args.work / folder, ignore_errors=True)
    lake = centre.make_lake(args.work, args.calls, rules=args.rules)
    size = sum(f.stat().st_size for f in lake.rglob("*.parquet")) / 1e6
    for _ in range(2):
        summary, seconds = centre.run("replay", "--lake", lake, *centre.options(args.work, args.rules))
        rate = summary["calls"] / seconds
        print(f"replay: {summary['calls']} calls of {size:.0f} MB, {seconds:.1f} s, {rate:.0f} calls/s, Parquet in and out")


if __name__ == "__main__":
    main()
