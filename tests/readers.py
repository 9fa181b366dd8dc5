"""Reads every table of a lake with DuckDB, Polars and pyarrow and fails where they do not agree.

    python tests/readers.py LAKE
"""

import glob
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def digest(rows):
    """Rows as sorted text, with times as microseconds and floats rounded: what must be equal."""

    def plain(value):
        if isinstance(value, float):
            return round(value, 9)
        if isinstance(value, list):
            return [plain(item) for item in value]
        if hasattr(value, "timestamp"):
            return int(value.timestamp())
        return str(value) if hasattr(value, "isoformat") else value

    return sorted(repr({key: plain(row[key]) for key in sorted(row)}) for row in rows)


def newest_first(pattern):
    """Files by the number of their columns: Polars takes the first one's for those of the table."""
    return sorted(glob.glob(pattern), key=lambda name: (-len(pq.read_schema(name)), name))


def arrow_dataset(folder):
    """A table whose parts may be of several versions."""
    parts = ds.dataset(folder, partitioning="hive")
    schemas = [pq.read_schema(name).remove_metadata() for name in parts.files]
    return ds.dataset(folder, partitioning="hive", schema=pa.unify_schemas([parts.schema.remove_metadata(), *schemas]))


def main(lake):
    for table in ["calls", "turns", "findings"]:
        pattern = f"{lake}/{table}/*/*.parquet"
        cursor = duckdb.sql(f"SELECT * FROM read_parquet('{pattern}', hive_partitioning = true, union_by_name = true)")
        by_duckdb = [dict(zip(cursor.columns, row)) for row in cursor.fetchall()]
        by_polars = pl.scan_parquet(newest_first(pattern), hive_partitioning=True, missing_columns="insert").collect().to_dicts()
        by_arrow = arrow_dataset(f"{lake}/{table}").to_table().to_pylist()
        digests = [digest(rows) for rows in (by_duckdb, by_polars, by_arrow)]
        for name, other in zip(["Polars", "pyarrow"], digests[1:]):
            for ours, theirs in zip(digests[0], other):
                if ours != theirs:
                    sys.exit(f"{table}: DuckDB and {name} disagree:\n  {ours}\n  {theirs}")
            if len(digests[0]) != len(other):
                sys.exit(f"{table}: DuckDB reads {len(digests[0])} rows, {name} {len(other)}")
        print(f"{table}: {len(by_duckdb)} rows, {len(cursor.columns)} columns, three readers agree")


if __name__ == "__main__":
    main(sys.argv[1])
