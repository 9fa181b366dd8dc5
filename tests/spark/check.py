"""Spark and callsift on the demo calls: `check.py CALLSIFT WORK`. Two executors on loopback; compared with `run` by DuckDB.

With the name of a model behind it, it measures what a second executor brings.

What must hold: the rows are those of `run`, also where a worker or an executor dies; a day is replaced as a whole or not at all.
"""
import csv
import json
import os
import shutil
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/spark"))
import callsift_spark as job  # noqa: E402

CALLSIFT, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
RECORDINGS = ROOT / "tests/demo/recordings"
WORKER = ["--recordings", str(RECORDINGS), "--rules", str(ROOT / "rules"), "--model", "whisper-mini-zh"]


def session(executors=2):
    from pyspark.sql import SparkSession

    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    return (
        SparkSession.builder.master(f"local-cluster[{executors},1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        # Another zone than that of the calls and of this machine: instants must not care.
        .config("spark.sql.session.timeZone", "America/New_York")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )


def manifest(name, repeat=1, drop=()):
    rows = list(csv.DictReader(open(ROOT / "tests/demo/metadata.csv", encoding="utf-8-sig")))
    path = WORK / name
    with open(path, "w", newline="") as out:
        names = {"call_id": "recording_id", "file": "uri"}
        columns = [names.get(column, column) for column in rows[0]] + ["dt", "bytes"]
        writer = csv.writer(out)
        writer.writerow(columns)
        for turn in range(repeat):
            for row in rows:
                if row["call_id"] not in drop:
                    size = (RECORDINGS / row["file"]).stat().st_size
                    values = {**row, "call_id": row["call_id"] + (f"-{turn}" if turn else "")}
                    writer.writerow([*values.values(), "2026-11-16", size])
    return str(path)


def typed(source):
    """The manifest as Parquet, as a warehouse has it."""
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    table = pc.read_csv(source, convert_options=pc.ConvertOptions(column_types={"agent_id": pa.string(), "customer_id": pa.string()}))
    for name, kind in (("started_at", pa.timestamp("us", "UTC")), ("dt", pa.date32())):
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    path = source.replace(".csv", ".parquet")
    pq.write_table(table, path)
    return path


def command(mode, recording, marker):
    """A command that is the real one with a hand on it."""
    path = WORK / f"callsift-{mode}"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/spark/shaky.py" {mode} {recording} "{marker}" "{CALLSIFT}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def options(manifest_file, out, callsift=CALLSIFT, *more):
    arguments = ["--manifest", manifest_file, "--out", str(out), "--callsift", str(callsift), "--partitions", "4", *more]
    return job.command_line([*arguments, "--", *WORKER])


def files(root, table):
    return f"read_parquet('{root}/{table}/dt=*/*.parquet', hive_partitioning = true, union_by_name = true)"


def ask(sql):
    return duckdb.sql(sql).fetchall()[0][0]


def same(out, lake, but=()):
    """The tables of both are equal, but for calls that are named. The manifest's `bytes` stand in `extra` of one alone."""
    for table in job.TABLES:
        mine, theirs = (duckdb.sql(f"FROM {files(root, table)}").columns for root in (out, lake))
        assert mine == theirs, (table, set(mine) ^ set(theirs))
        kept = ", ".join(f'"{name}"' for name in theirs if name != "extra")
        where = " AND ".join(f"call_id <> '{call}'" for call in but) or "true"
        a, b = (f"(SELECT {kept} FROM {files(root, table)} WHERE {where})" for root in (out, lake))
        counts = [ask(f"SELECT count(*) FROM ({text})") for text in (a, b, f"{a} EXCEPT ALL {b}", f"{b} EXCEPT ALL {a}")]
        assert counts[0] == counts[1] > 0 and counts[2:] == [0, 0], (table, counts)


def commit(out):
    return json.loads((Path(out) / "commits/dt=2026-11-16.json").read_text())


def refused(spark, given):
    try:
        job.run(spark, given)
    except job.Refused as why:
        return str(why)
    raise AssertionError("it was not refused")


def descendants(root):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
                parents[int(entry.name)] = int(text.rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def kill_an_executor(marker, killed):
    """Once the marker is there: SIGKILL for the executor whose task began the recording, found among our own processes."""
    while not os.path.exists(marker):
        time.sleep(0.02)
    for pid in sorted(descendants(os.getpid())):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "CoarseGrainedExecutorBackend" in line and any("worker" in cmdline(child) for child in descendants(pid) - {pid}):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            return


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def check(spark, lake, day):
    step = lambda text: print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
    out = WORK / "out"
    given = manifest("day.csv")
    result = job.run(spark, options(given, out))
    assert result == {"days": {day: 14}, "recordings": 14, "failed": 1}, result
    same(out, lake)
    assert commit(out) == {"dt": day, "commit": 1, "writing": False} and not os.listdir(str(out) + ".staging")
    step("the rows are those of `run`")

    job.run(spark, options(given, out))
    same(out, lake)
    assert commit(out)["commit"] == 2
    step("a rerun replaces the day by the same rows")

    why = refused(spark, options(manifest("less.csv", drop=["c05"]), out))
    assert "1 published calls are not in the manifest" in why, why
    same(out, lake)
    step("a manifest that lacks a call does not replace the day")

    doubled = WORK / "doubled.csv"
    text = Path(given).read_text().splitlines()
    doubled.write_text("\n".join([*text, text[1]]))
    assert "stands twice" in refused(spark, options(str(doubled), out))
    doubled.write_text("\n".join(text).replace("2026-11-16,", ",", 1))
    assert "lack recording_id, uri or a day" in refused(spark, options(str(doubled), out))
    step("manifests whose answers could not be checked are refused")

    job.run(spark, options(typed(given), WORK / "out-typed"))
    same(WORK / "out-typed", lake)
    step("a manifest with instants and days in place of texts gives the same")

    marker = WORK / "once"
    job.run(spark, options(given, WORK / "out-once", command("once", "c05", marker)))
    assert marker.exists()
    same(WORK / "out-once", lake)
    step("a worker that aborts once costs no row")

    result = job.run(spark, options(given, WORK / "out-always", command("always", "c05", WORK / "always")))
    assert result["failed"] == 2, result
    same(WORK / "out-always", lake, but=["c05"])
    reason = ask(f"SELECT fail_reason FROM {files(WORK / 'out-always', 'calls')} WHERE call_id = 'c05'")
    assert "the process died 2 times" in reason
    step("a recording that always aborts is one failed row")

    broken = options(given, WORK / "out-broken")
    broken.worker = [*WORKER, "--profile", "none-such"]
    try:
        job.run(spark, broken)
        raise AssertionError("a job without rules published")
    except AssertionError:
        raise
    except Exception as error:  # Whatever class Spark wraps it in.
        assert "ended with code 2" in str(error), error
    assert not (WORK / "out-broken").exists()
    step("a worker that cannot start publishes nothing")

    marker, killed = WORK / "killed", []
    hand = threading.Thread(target=kill_an_executor, args=(marker, killed), daemon=True)
    hand.start()
    job.run(spark, options(given, WORK / "out-killed", command("tell", "c05", marker)))
    hand.join(10)
    assert killed, "no executor was found"
    same(WORK / "out-killed", lake)
    step("an executor that is killed costs no row and doubles none")

    interrupted(spark, lake, given, day)
    step("a publication that is killed anywhere is finished by the next run")


def interrupted(spark, lake, given, day):
    """Fails at each change of the file system in turn; the next run must finish it."""

    class Killed(Exception):
        pass

    class Fragile(job.Files):
        left = 0

        def step(self):
            type(self).left -= 1
            if self.left < 0:
                raise Killed

        def move(self, *names):
            self.step()
            super().move(*names)

        def remove(self, *names):
            self.step()
            super().remove(*names)

    out, work = WORK / "out-cut", WORK / "cut-staging"
    job.run(spark, options(given, out))
    template = work / "template"
    days, _ = job.stage(spark, options(given, out), f"file://{template}")
    before = WORK / "cut-before"
    shutil.copytree(out, before)
    for steps in range(40):
        shutil.rmtree(out)
        shutil.copytree(before, out)
        staging = work / f"at-{steps}"
        shutil.copytree(template, staging / "job")
        Fragile.left = 10**6
        files = Fragile(spark, str(out))
        job.prepare(files, str(out), f"{staging}/job", days)
        Fragile.left = steps
        try:
            job.publish(files, str(out), f"{staging}/job")
            done = True
        except Killed:
            done = False
            # Half a file of the mark counts as writing, as readers are told.
            marks = out / "commits/dt=2026-11-16.json"
            assert not marks.exists() or commit(out)["writing"] or commit(out)["commit"] in (1, 2)
        Fragile.left = 10**6
        job.finish_others(files, str(out), str(staging))
        same(out, lake)
        assert commit(out) == {"dt": day, "commit": 2, "writing": False}, (steps, commit(out))
        if done:
            assert steps > 8, steps
            return
    raise AssertionError("the publication takes more steps than were looked at")


def measure(model):
    """One executor and two, each with one thread, on the demo calls three times over: 41 minutes of audio."""
    for executors in (1, 2):
        spark = session(executors)
        given = options(manifest("long.csv", repeat=3), WORK / f"out-{executors}")
        given.worker[-1] = model
        start = time.time()
        result = job.run(spark, given)
        print(f"{executors} executors: {result['recordings']} recordings in {time.time() - start:.1f} s", flush=True)
        spark.stop()


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if sys.argv[3:]:
        return measure(sys.argv[3])
    lake = WORK / "lake"
    code = os.spawnv(os.P_WAIT, str(CALLSIFT), [
        str(CALLSIFT), "run", "--recordings", str(RECORDINGS), "--metadata", str(ROOT / "tests/demo/metadata.csv"),
        "--rules", str(ROOT / "rules"), "--model", "whisper-mini-zh", "--lake", str(lake)])
    assert code == 1, code
    spark = session()
    try:
        check(spark, lake, "2026-11-16")
    finally:
        spark.stop()
    print("spark", __import__("pyspark").__version__, "ok")


main()
