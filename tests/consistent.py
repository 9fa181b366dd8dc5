"""Reads a lake again and again while others write to it, by the rule of docs/schema.md, and fails where what the rule lets through
does not belong together.

    python tests/consistent.py LAKE duckdb|polars STOP

Ends when the file STOP is there, and prints how many days were read, left out, and how many readings failed and were repeated."""

import json
import pathlib
import sys
import time


def commits(lake):
    """The line of each day."""
    lines = {}
    for path in (lake / "commits").glob("dt=*.json"):
        line = json.loads(path.read_text())
        lines[line["dt"]] = (line["commit"], line["writing"])
    return lines


def by_duckdb(lake):
    import duckdb

    connection = duckdb.connect()
    options = "hive_partitioning = true, hive_types = {{'dt': VARCHAR}}, union_by_name = true"
    read = "SELECT {} FROM read_parquet('{}/{}/*/*.parquet', " + options + ")"
    rows = lambda columns, table: connection.sql(read.format(columns, lake, table)).fetchall()
    return (
        rows("dt, call_id, status, ruleset_hash, turns", "calls"),
        rows("dt, call_id, ruleset_hash", "findings"),
        rows("dt, call_id, turn", "turns"),
    )


def by_polars(lake):
    import polars as pl

    def rows(columns, table):
        frame = pl.scan_parquet(f"{lake}/{table}/*/*.parquet", hive_schema={"dt": pl.String}, missing_columns="insert")
        return frame.select(columns).collect().rows()

    return (
        rows(["dt", "call_id", "status", "ruleset_hash", "turns"], "calls"),
        rows(["dt", "call_id", "ruleset_hash"], "findings"),
        rows(["dt", "call_id", "turn"], "turns"),
    )


def faults(day, calls, findings, turns):
    """What does not belong together on a day."""
    ids = [call[1] for call in calls]
    if len(ids) != len(set(ids)):
        yield "a call stands twice"
    if not {f[1] for f in findings} <= set(ids) or not {t[1] for t in turns} <= set(ids):
        yield "findings or turns without their call"
    judged = {(c[1], c[3]) for c in calls if c[2] == "ok"}
    found = {(f[1], f[2]) for f in findings}
    if not judged <= found:
        yield "calls without findings of their rules"
    if any(f not in {(c[1], c[3]) for c in calls} for f in found):
        yield "findings of other rules than their call's"
    heard = {}
    for turn in turns:
        heard[turn[1]] = heard.get(turn[1], 0) + 1
    if any(heard.get(c[1], 0) != c[4] for c in calls):
        yield "calls with more or fewer turns than they say"


def main(lake, reader, stop):
    read = {"duckdb": by_duckdb, "polars": by_polars}[reader]
    whole = left = failed = mixed = 0
    while not stop.exists():
        before = commits(lake)
        try:
            tables = read(lake)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # A file went or changed under the reader: read again. Not so where nobody wrote. Polars says so by a panic, too,
            # which is no Exception.
            after = commits(lake)
            if before == after and not any(writing for _, writing in after.values()):
                raise
            failed += 1
            continue
        after = commits(lake)
        for day in sorted({call[0] for call in tables[0]} | {f[0] for f in tables[1]} | {t[0] for t in tables[2]}):
            rows = [[row for row in table if row[0] == day] for table in tables]
            wrong = list(faults(day, *rows))
            if before.get(day) == after.get(day) and not before.get(day, (0, False))[1]:
                whole += 1
                if wrong:
                    sys.exit(f"{reader}: {day}, commit {after.get(day)}: {'; '.join(wrong)}")
            else:
                left += 1
                mixed += bool(wrong)
        time.sleep(0.01)
    print(json.dumps({"whole": whole, "left": left, "mixed": mixed, "failed": failed}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
