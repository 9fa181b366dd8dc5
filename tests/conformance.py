"""Reads a lake with each reader that is installed and prints a table: rows, sums and nested values must be the same in all.

    python tests/conformance.py LAKE VIEWS-SPARK.sql VIEWS-CLICKHOUSE.sql

Exit code 1 where a reader differs or fails."""

import importlib.metadata
import json
import os
import pathlib
import sys

# Per table: rows, a sum of integers, a sum of floats, the number of nested values, and the sum of nested ones.
ASKED = {
    "calls": ("silence_ms", "agent_cpm", "rules_hit", "channel_snr_db"),
    "turns": ("end_ms", "confidence", "words", "char_start_ms"),
    "findings": ("hit_index", "points", None, None),
}
SQL = {
    table: ", ".join(
        ["count(*)", f"sum({whole})", f"round(sum({part}), 3)"]
        + ([f"sum({{length}}({items}))", "round(sum({total}), 3)"] if items else [])
    )
    for table, (whole, part, items, _) in ASKED.items()
}


def plain(row):
    return [round(float(v or 0), 3) for v in row]


def by_sql(query, length, total):
    """Answers of an engine that takes SQL; `total` sums the numbers in a list."""
    out = {}
    for table, (_, _, _, numbers) in ASKED.items():
        select = SQL[table].format(length=length, total=total.format(numbers or ""))
        out[table] = plain(query(f"SELECT {select} FROM {table}"))
    return out


def duckdb(lake):
    import duckdb as engine

    connection = engine.connect()
    for table in ASKED:
        files = f"{lake}/{table}/*/*.parquet"
        connection.sql(f"CREATE VIEW {table} AS FROM read_parquet('{files}', union_by_name = true, hive_partitioning = true)")
    return by_sql(lambda sql: connection.sql(sql).fetchall()[0], "len", "coalesce(list_sum({0}), 0)")


def by_rows(rows_of):
    out = {}
    for table, (whole, part, items, numbers) in ASKED.items():
        rows = rows_of(table, [c for c in (whole, part, items, numbers) if c])
        found = [len(rows), sum(r[whole] for r in rows), sum(r[part] for r in rows)]
        if items:
            found.append(sum(len(r[items]) for r in rows))
            found.append(sum(v for r in rows for v in r[numbers] if v is not None))
        out[table] = plain(found)
    return out


def polars(lake):
    import polars as pl

    def rows(table, columns):
        frame = pl.scan_parquet(f"{lake}/{table}/*/*.parquet", hive_partitioning=True, missing_columns="insert")
        return frame.select(columns).collect().to_dicts()

    return by_rows(rows)


def pandas(lake):
    import pandas as pd

    def rows(table, columns):
        frame = pd.read_parquet(f"{lake}/{table}", columns=columns, dtype_backend="pyarrow")
        return frame.to_dict("records")

    return by_rows(rows)


def pyarrow(lake):
    import pyarrow.dataset as ds

    return by_rows(lambda table, columns: ds.dataset(f"{lake}/{table}", partitioning="hive").to_table(columns).to_pylist())


def datafusion(lake):
    import datafusion as engine

    context = engine.SessionContext()
    for table in ASKED:
        context.register_parquet(table, f"{lake}/{table}/", table_partition_cols=[("dt", __import__("pyarrow").string())])

    def rows(table, columns):
        return context.sql(f"SELECT {', '.join(columns)} FROM {table}").to_pylist()

    return by_rows(rows)


def chdb(lake):
    from chdb import session

    engine = session.Session()
    for statement in pathlib.Path(sys.argv[3]).read_text().split(";\n"):
        if statement.strip():
            engine.query(statement)
    # The views of `callsift schema --sql` are asked, too.
    for view in ("v_calls", "v_findings", "v_hits", "v_rules", "v_agents"):
        engine.query(f"SELECT * FROM {view}")
    query = lambda sql: json.loads(str(engine.query(sql, "JSONCompact")))["data"][0]
    return by_sql(query, "length", "arraySum(arrayMap(x -> ifNull(x, 0), {0}))")


def pyspark(lake):
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    engine = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
    engine.sparkContext.setLogLevel("ERROR")
    text = pathlib.Path(sys.argv[2]).read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for statement in lines.split(";\n"):
        if statement.strip().strip(";"):
            engine.sql(statement.strip().strip(";"))
    for view in ("v_calls", "v_findings", "v_hits", "v_rules", "v_agents"):
        engine.sql(f"SELECT * FROM {view}").collect()
    query = lambda sql: list(engine.sql(sql).collect()[0])
    return by_sql(query, "size", "aggregate({0}, cast(0 as double), (a, x) -> a + coalesce(x, 0))")


def main(lake):
    readers = [duckdb, polars, pandas, pyarrow, datafusion, chdb, pyspark]
    first, wrong = None, False
    print("| reader | version | calls | turns | findings | as DuckDB |\n|---|---|--:|--:|--:|---|")
    for reader in readers:
        name = reader.__name__
        version = importlib.metadata.version(name)
        try:
            found = reader(lake)
        except Exception as error:
            wrong = True
            print(f"| {name} | {version} | | | | FAILED: {str(error).splitlines()[0][:200]} |", flush=True)
            continue
        first = first or found
        same = all(len(a) == len(b) and all(abs(x - y) < 0.01 for x, y in zip(a, b)) for a, b in zip(found.values(), first.values()))
        wrong |= not same
        counts = " | ".join(str(int(found[table][0])) for table in ASKED)
        print(f"| {name} | {version} | {counts} | {'yes' if same else f'NO: {found} {first}'} |", flush=True)
    sys.exit(wrong)


if __name__ == "__main__":
    main(sys.argv[1])
