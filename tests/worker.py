"""The other side of `callsift worker`: manifests as other programs write them, and results read back.

manifest CSV OUT [plain]    the rows of a metadata file as an Arrow stream; `plain` as texts alone, else in types that differ
compare RESULTS LAKE        whether the results are what `run` wrote into a lake, row by row and column by column
rows RESULTS                recording, status, error and attempt of each batch, one a line
"""
import csv
import datetime
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def manifest(source, out, form=""):
    rows = list(csv.DictReader(open(source, encoding="utf-8-sig")))
    names = {"call_id": "recording_id", "file": "uri"}
    columns = {names.get(name, name): [row[name] or None for row in rows] for name in rows[0]}
    if form != "plain":
        start = [t and datetime.datetime.fromisoformat(t) for t in columns.pop("started_at")]
        columns = {
            "uri": pa.array(columns.pop("uri"), pa.large_string()),
            "started_at": pa.array(start, pa.timestamp("ms", "America/New_York")),
            "recording_id": pa.array(columns.pop("recording_id"), pa.string_view()),
            "agent_id": pa.array([int(a) if a else None for a in columns.pop("agent_id")], pa.int16()),
            **columns,
        }
    table = pa.table(columns)
    with pa.ipc.new_stream(out, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=5):
            stream.write_batch(batch)


def batches(path):
    with pa.ipc.open_stream(path) as stream:
        return list(stream)


def compare(results, lake):
    found = batches(results)
    assert all(batch.num_rows == 1 for batch in found), [batch.num_rows for batch in found]
    for table in ("calls", "turns", "findings"):
        rows = [row for batch in found for row in batch.column(table)[0].as_py()]
        parts = sorted(Path(lake, table).glob("dt=*/*.parquet"))
        stored = pa.concat_tables([pq.ParquetFile(part).read() for part in parts])
        assert stored.num_rows > 0, table
        names = [field.name for field in found[0].schema.field(table).type.value_type]
        assert names == stored.schema.names, table
        key = lambda row: repr((row["call_id"], row.get("turn"), row.get("rule_id"), row.get("hit_index")))
        mine, theirs = sorted(rows, key=key), sorted(stored.to_pylist(), key=key)
        assert len(mine) == len(theirs), (table, len(mine), len(theirs))
        for one, other in zip(mine, theirs):
            differ = {name: (one[name], other[name]) for name in names if one[name] != other[name]}
            assert not differ, (table, one["call_id"], differ)
        days = {row["call_id"]: part.parent.name[3:] for part in parts for row in pq.ParquetFile(part).read().to_pylist()}
        for batch in found:
            assert all(days[row["call_id"]] == str(batch.column("dt")[0]) for row in batch.column(table)[0].as_py())
        print(table, len(mine))


def rows(results):
    for batch in batches(results):
        row = batch.select(["recording_id", "status", "error", "attempt"]).to_pylist()[0]
        print("\t".join("" if value is None else str(value) for value in row.values()))


{"manifest": manifest, "compare": compare, "rows": rows}[sys.argv[1]](*sys.argv[2:])
