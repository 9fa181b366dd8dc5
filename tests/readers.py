"""Reads every table of a lake with DuckDB, Polars and pyarrow and fails where they do not agree.

    python tests/readers.py LAKE
"""

import sys

import duckdb
import polars as pl
import pyarrow.dataset as ds


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


def main(lake):
    for table in ["calls", "turns", "findings"]:
        glob = f"{lake}/{table}/*/*.parquet"
        cursor = duckdb.sql(f"SELECT * FROM read_parquet('{glob}', hive_partitioning = true)")
        by_duckdb = [dict(zip(cursor.columns, row)) for row in cursor.fetchall()]
        by_polars = pl.scan_parquet(glob, hive_partitioning=True).collect().to_dicts()
        by_arrow = ds.dataset(f"{lake}/{table}", partitioning="hive").to_table().to_pylist()
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
