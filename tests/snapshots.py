"""Reads a lake while it is replayed, in both ways of docs/schema.md, until its input ends: callsift LAKE."""
import os, subprocess, sys, tempfile, threading
import duckdb

callsift, lake = sys.argv[1:]
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()


def tables(folder):
    db = duckdb.connect()
    for name, table in [("c", "calls"), ("f", "findings")]:
        db.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{folder}/{table}/*/*.parquet', hive_partitioning = true)")
    return db


def one(db, query):
    return db.execute(query).fetchone()[0]


def apart(db):
    return one(db, "SELECT count(*) FROM c ANTI JOIN f USING (call_id, ruleset_hash) WHERE c.status = 'ok'")


reads = whole = taken = 0
with tempfile.TemporaryDirectory() as folder:
    while not ended.is_set() or whole == 0 or taken == 0:
        reads += 1
        try:
            db = tables(lake)
        except duckdb.Error:  # a file was replaced between two looks at it: to be read again
            db = None
        if db and apart(db) == 0:
            whole += 1
            assert one(db, "SELECT count(DISTINCT call_id) FROM c JOIN f USING (call_id, ruleset_hash)") == 60
        to = os.path.join(folder, str(reads))
        made = subprocess.run([callsift, "snapshot", "--lake", lake, "--out", to], capture_output=True, text=True)
        if made.returncode == 0:
            taken += 1
            db = tables(to)
            assert apart(db) == 0 and one(db, "SELECT count(*) FROM c") == 60
            assert one(db, "SELECT count(*) FROM f JOIN c USING (call_id) WHERE f.ruleset_hash <> c.ruleset_hash") == 0
        else:
            assert "replay" in made.stderr, made.stderr
print(f"{reads} reads, {whole} whole, {taken} snapshots")
