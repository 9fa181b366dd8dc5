"""What it costs to add 20 calls to a lake of 2,000 calls, and to lakes that are larger by days: it should be the same.

A day of 2,000 made calls (centre.py) is inspected; larger lakes are that day under other dates, with other call ids. Then 20
new transcribed calls of a new day are added, some rounds, and the shortest of all counts.
Usage: python3 benches/adding.py [CALLS ...] [--rounds N] [--work DIR]     (default 2000 40000 400000: 1.5 GB of disk)
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import shutil

import centre
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DAY_CALLS = 2000


def mark(*parts: str) -> str:
    """As the lake writes down which line a call was made from."""
    digest = hashlib.sha256(parts[0].encode() + b"\0" + "".join(parts[1:]).encode())
    return digest.hexdigest()[:16]


def replicate(base: pathlib.Path, lake: pathlib.Path, days: int) -> None:
    """Writes the one day of a lake under so many dates, each with call ids of its own."""
    first = datetime.date(2020, 1, 1)
    tables = {t: pq.read_table(next((base / t).glob("*/*.parquet")), partitioning=None) for t in ("calls", "turns", "findings")}
    (lake / ".sources").mkdir(parents=True)
    for number in range(days):
        date = first + datetime.timedelta(days=number)
        for name, table in tables.items():
            ids = pc.binary_join_element_wise(table["call_id"], f"{number:05d}", "-").combine_chunks()
            at = table.schema.get_field_index("call_id")
            other = table.set_column(at, table.schema.field("call_id"), pa.chunked_array([ids]))
            path = lake / name / f"dt={date}/part-00000.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(other, path, compression="zstd")
            if name == "calls":
                lines = [m for i in other["call_id"].to_pylist() for m in (mark(i), mark(i, "x"))]
                (lake / ".sources" / str(date)).write_text("\n".join(lines) + "\n")


def add(work: pathlib.Path, lake: pathlib.Path, number: int, given: list) -> tuple[float, float]:
    """Adds 20 calls; seconds of the command, and of the same command once more, which then has nothing to do."""
    lines = [json.loads(line) for line in open(work / "calls.jsonl", encoding="utf-8")][:20]
    for i, call in enumerate(lines):
        call["call_id"], call["started_at"] = f"n{number}-{i}", f"2026-12-{1 + number:02d}T09:00:00+08:00"
    new = work / "new.jsonl"
    new.write_text("\n".join(json.dumps(call, ensure_ascii=False) for call in lines), encoding="utf-8")
    seconds = []
    for expected in (20, 0):
        summary, took = centre.run("run", "--transcripts", new, "--out", lake, *given)
        assert summary["calls"] == expected, summary
        seconds.append(took)
    return seconds[0], seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="*", type=int, default=[2000, 40_000, 400_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path, default=centre.PROJECT / "target/bench-adding")
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    centre.write_calls(args.work / "calls.jsonl", DAY_CALLS, days=1)
    given = centre.options(args.work, centre.PROJECT / "rules")
    base = args.work / "base"
    centre.run("run", "--transcripts", args.work / "calls.jsonl", "--out", base, *given)
    smallest = None
    print("calls     first  add 20  add 0   of the smallest")
    for calls in args.calls:
        lake = args.work / f"lake-{calls}"
        replicate(base, lake, max(calls // DAY_CALLS, 1))
        first, _ = add(args.work, lake, 0, given)
        rounds = [add(args.work, lake, 1 + n, given) for n in range(args.rounds)]
        best = [min(r[i] for r in rounds) for i in (0, 1)]
        smallest = smallest or best[0]
        print(f"{calls:8d}  {first:5.2f}  {best[0]:6.3f}  {best[1]:6.3f}  {best[0] / smallest:5.2f}", flush=True)
        shutil.rmtree(lake)


if __name__ == "__main__":
    main()
