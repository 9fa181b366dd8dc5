#!/usr/bin/env python3
"""Inspects the recordings of a manifest with Spark and publishes whole days of tables.

    spark-submit callsift_spark.py --manifest MANIFEST --out OUT [options] [-- options of callsift worker]

Spark (3.5 or 4) schedules and retries; `callsift worker` does the work; this file connects them and sees to what Spark does not
check: columns by name, every recording answered once, days replaced as a whole. README.md beside it says how to run it.
"""
import argparse
import hashlib
import heapq
import json
import math
import re
import subprocess
import sys
import threading

TABLES = {"turns": ["turn"], "findings": ["rule_id", "hit_index"], "calls": []}
"""Tables in the order in which they are published, and what rows of a call are ordered by."""

CALLS_PER_FILE = 50_000


class Refused(Exception):
    """What must not be published, or cannot be done, and why."""


def command_line(arguments):
    """Options of this program, and those of `callsift worker` behind `--`."""
    own, _, worker = " ".join(["\0".join(arguments)]).partition("\0--\0")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--manifest", required=True, help="Parquet, or .csv or .json(l): recording_id, uri, dt, metadata")
    parser.add_argument("--out", required=True, help="folder of the tables: calls/dt=…, turns/dt=…, findings/dt=…")
    parser.add_argument("--staging", help="folder of work under way, on the same file system [default: OUT.staging]")
    parser.add_argument("--callsift", default="callsift", help="the command, as executors find it")
    parser.add_argument("--size-column", help="column that work is divided by [default: duration_ms or bytes, if there]")
    parser.add_argument("--partitions", type=int, help="tasks [default: four for each core, one for each recording at most]")
    parser.add_argument("--allow-removal", action="store_true", help="replace days although calls of theirs are not in the manifest")
    options = parser.parse_args([a for a in own.split("\0") if a])
    options.worker = [a for a in worker.split("\0") if a]
    options.staging = options.staging or options.out.rstrip("/") + ".staging"
    return options


class Files:
    """The file system that Spark writes to: local, HDFS, object storage."""

    def __init__(self, spark, root):
        self.jvm = spark._jvm
        self.hadoop = self.path(root).getFileSystem(spark._jsc.hadoopConfiguration())

    def path(self, name):
        return self.jvm.org.apache.hadoop.fs.Path(name)

    def exists(self, name):
        return self.hadoop.exists(self.path(name))

    def names(self, folder):
        found = self.hadoop.listStatus(self.path(folder)) if self.exists(folder) else []
        return sorted(entry.getPath().getName() for entry in found)

    def move(self, source, target):
        self.hadoop.mkdirs(self.path(target).getParent())
        if not self.hadoop.rename(self.path(source), self.path(target)):
            raise Refused(f"cannot rename {source} to {target}")

    def remove(self, name):
        self.hadoop.delete(self.path(name), True)

    def read(self, name):
        stream = self.hadoop.open(self.path(name))
        try:
            return self.jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()

    def write(self, name, text, anew=False):
        """Writes a file whole or not at all; with `anew` it must not be there."""
        if anew:
            self.hadoop.mkdirs(self.path(name).getParent())
            stream = self.hadoop.create(self.path(name), False)
        else:
            half = name.rsplit("/", 1)
            half = f"{half[0]}/.{half[1]}.tmp"
            stream = self.hadoop.create(self.path(half), True)
        stream.write(bytearray(text.encode()))
        stream.close()
        if not anew:
            self.remove(name)
            self.move(half, name)


# The manifest


def read_manifest(spark, path):
    """The manifest with all columns as texts, so that no time passes through the time zone of a Python process."""
    from pyspark.sql import functions as F

    if path.endswith(".csv"):
        table = spark.read.option("header", True).csv(path)
    elif path.endswith((".json", ".jsonl")):
        table = spark.read.json(path)
    else:
        table = spark.read.parquet(path)
    missing = {"recording_id", "uri", "dt"} - set(table.columns)
    if missing:
        raise Refused(f"the manifest has no column {', '.join(sorted(missing))}; it has {', '.join(table.columns)}")

    def text(name, kind):
        column = F.col(f"`{name}`")
        instant = F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX") if kind == "timestamp" else column.cast("string")
        return instant.alias(name)

    return table.select(*[text(name, kind) for name, kind in table.dtypes])


def check_manifest(table):
    """Refuses a manifest whose answers could not be checked."""
    from pyspark.sql import functions as F

    day = F.to_date("dt", "yyyy-MM-dd")
    odd = F.col("recording_id").isNull() | (F.trim("recording_id") == "") | F.col("uri").isNull() | day.isNull()
    counts = table.agg(F.count("*"), F.count_distinct("recording_id"), F.sum(odd.cast("int"))).first()
    rows, distinct, odd = (int(n or 0) for n in counts)
    if rows == 0:
        raise Refused("the manifest has no rows")
    if odd:
        raise Refused(f"{odd} rows of the manifest lack recording_id, uri or a day (dt, YYYY-MM-DD)")
    if distinct != rows:
        raise Refused(f"recording_id stands twice: {rows} rows, {distinct} ids")


def divide(sizes, parts):
    """Indices of recordings by task: the longest first, each to the task that has least; the fullest task first."""
    tasks = [(0, number, []) for number in range(parts)]
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        total, number, own = heapq.heappop(tasks)
        own.append(index)
        heapq.heappush(tasks, (total + max(sizes[index], 1), number, own))
    return [own for _, _, own in sorted(tasks, key=lambda task: (-task[0], task[1])) if own]


def planned(spark, table, options):
    """The manifest, each task's recordings in a partition of its own; nothing is shuffled, so a lost executor costs its own work alone."""
    names = table.columns
    size = options.size_column or next((name for name in ("duration_ms", "bytes") if name in names), None)
    if size and size not in names:
        raise Refused(f"the manifest has no column {size}")
    # Sorted: the same manifest gives the same tasks, however it is stored.
    rows = sorted((tuple(row) for row in table.collect()), key=lambda row: row[names.index("recording_id")])
    sizes = [float(row[names.index(size)] or 0) if size else 1 for row in rows]
    context = spark.sparkContext
    parts = options.partitions or min(len(rows), 4 * context.defaultParallelism)
    tasks = [[rows[index] for index in own] for own in divide(sizes, parts)]
    sent = context.parallelize(tasks, len(tasks)).flatMap(lambda task: task)
    columns = ", ".join(f"`{name}` STRING" for name in names)
    return spark.createDataFrame(sent, columns, verifySchema=False)


# The work


def worker(command, names, version):
    """What a task does: its rows through one `callsift worker`."""

    def answer(batches):
        import pyarrow as pa

        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        sent, failed = [0], []

        def feed():
            try:
                stream = None
                for batch in batches:
                    stream = stream or pa.ipc.new_stream(process.stdin, batch.schema)
                    stream.write_batch(batch)
                    sent[0] += batch.num_rows
                if stream is None:
                    stream = pa.ipc.new_stream(process.stdin, pa.schema([("recording_id", pa.string()), ("uri", pa.string())]))
                stream.close()
            except BrokenPipeError:
                pass  # Its exit code says why.
            except BaseException as error:  # Of Spark's side, in this thread: the task must fail by it.
                failed.append(error)
            finally:
                try:
                    process.stdin.close()
                except OSError:
                    pass

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        try:
            came = 0
            try:
                with pa.ipc.open_stream(process.stdout) as results:
                    found = (results.schema.metadata or {}).get(b"callsift.results_version", b"none").decode()
                    if found != version:
                        raise RuntimeError(f"this executor's callsift writes results of version {found}, the driver's {version}")
                    for batch in results:
                        came += batch.num_rows
                        # By name: Spark takes columns by their place and would not notice.
                        yield pa.RecordBatch.from_arrays([batch.column(name) for name in names], names=names)
            except pa.ArrowInvalid as error:
                failed.append(error)
            feeder.join()
            code = process.wait()
            if code != 0:
                raise RuntimeError(f"callsift worker ended with code {code}; its messages are in this executor's stderr")
            if failed:
                raise failed[0]
            if came != sent[0]:
                raise RuntimeError(f"callsift worker answered {came} of {sent[0]} recordings")
        finally:
            process.kill()
            process.wait()

    return answer


def stage(spark, options, job):
    """Has all recordings inspected and the tables of their days written where no reader looks."""
    # Read once: the file may change meanwhile, and every check is against the same rows.
    table = read_manifest(spark, options.manifest).persist()
    try:
        inspect(spark, options, job, table)
        found = spark.read.parquet(f"{job}/results")
        check_results(table, found, table.count())
    finally:
        table.unpersist()
    days = {str(row[0]): row[1] for row in found.groupBy("dt").count().collect()}
    write_tables(spark, found, job, days)
    return days, found.where("status = 'error'").count()


def inspect(spark, options, job, table):
    """Has every recording answered by a worker, into one file a task."""
    check_manifest(table)
    ddl = subprocess.run([options.callsift, "schema", "--ddl", "spark"], check=True, capture_output=True, text=True).stdout
    names = [line.split(" ", 1)[0] for line in ddl.splitlines()]
    version = re.search(r"results_version INT COMMENT '(\d+)'", ddl).group(1)
    command = [options.callsift, "worker", "--threads", spark.conf.get("spark.task.cpus", "1"), *options.worker]
    results = planned(spark, table, options).mapInArrow(worker(command, names, version), ddl)
    results.write.mode("overwrite").parquet(f"{job}/results")


def write_tables(spark, found, job, days):
    """Writes the rows of each table by day, sorted by call, in few files."""
    from pyspark.sql import functions as F

    files = math.ceil(max(days.values()) / CALLS_PER_FILE)
    parts = min(files * len(days), 4 * spark.sparkContext.defaultParallelism)
    for name, order in TABLES.items():
        rows = found.select("dt", F.inline(name))
        rows = rows.repartition(parts, "dt", F.pmod(F.hash("call_id"), F.lit(files)))
        rows = rows.sortWithinPartitions("dt", "call_id", *order)
        rows.write.mode("overwrite").partitionBy("dt").parquet(f"{job}/tables/{name}")


def check_results(table, found, expected):
    """Every recording of the manifest was answered once, under its day."""
    from pyspark.sql import functions as F

    count, distinct = found.agg(F.count("*"), F.count_distinct("recording_id")).first()
    if (count, distinct) != (expected, expected):
        raise Refused(f"{expected} recordings were asked, {count} answered, {distinct} of them different: nothing is published")
    wanted = table.select("recording_id", F.to_date("dt", "yyyy-MM-dd").alias("dt"))
    strays = found.select("recording_id", "dt").exceptAll(wanted).count()
    if strays:
        raise Refused(f"{strays} answers are not of this manifest, or of another day: nothing is published")


# Publication


def check_days(spark, files, out, job, days, allow_removal):
    """Refuses to replace a day by one that lacks calls of it."""
    for day in sorted(days):
        if not files.exists(f"{out}/calls/dt={day}"):
            continue
        published = spark.read.parquet(f"{out}/calls/dt={day}").select("call_id")
        new = spark.read.parquet(f"{job}/tables/calls/dt={day}").select("call_id")
        gone = published.join(new, "call_id", "left_anti").count()
        if gone and not allow_removal:
            raise Refused(
                f"dt={day}: {gone} published calls are not in the manifest, which must hold whole days; nothing is published "
                "(--allow-removal replaces the day all the same)"
            )


def commit_of(files, out, day):
    name = f"{out}/commits/dt={day}.json"
    return json.loads(files.read(name))["commit"] if files.exists(name) else 0


def mark(files, out, day, commit, writing):
    files.write(f"{out}/commits/dt={day}.json", json.dumps({"dt": day, "commit": commit, "writing": writing}) + "\n")


def prepare(files, out, job, days):
    """Writes down what is to be published: from here on it will be, by this run or the next."""
    plan = [
        {
            "dt": day,
            "commit": commit_of(files, out, day),
            "tables": [name for name in TABLES if files.exists(f"{job}/tables/{name}/dt={day}")],
        }
        for day in sorted(days)
    ]
    files.write(f"{job}/publish.json", json.dumps(plan))


def publish(files, out, job):
    """Puts the days of a job in the place of what was there. Repeated after a kill, it goes on where it was."""
    for entry in json.loads(files.read(f"{job}/publish.json")):
        day = entry["dt"]
        mark(files, out, day, entry["commit"], True)
        for name in TABLES:
            new, place, old = (f"{root}/{name}/dt={day}" for root in (f"{job}/tables", out, f"{job}/old"))
            is_new = name in entry["tables"]
            if (files.exists(new) or not is_new) and files.exists(place):
                files.remove(old)
                files.move(place, old)
            if is_new and files.exists(new):
                files.move(new, place)
        mark(files, out, day, entry["commit"] + 1, False)
    files.remove(job)


def finish_others(files, out, staging):
    """Publishes what killed runs had ready. What they had not is left: it may be another's work under way."""
    for name in files.names(staging):
        job = f"{staging}/{name}"
        if files.exists(f"{job}/publish.json"):
            print(f"callsift_spark: finishes the publication of {name}", file=sys.stderr)
            publish(files, out, job)


class Lock:
    """One publication at a time in a folder."""

    def __init__(self, files, out, owner):
        self.files, self.name, self.owner = files, f"{out}/.publishing", owner

    def __enter__(self):
        try:
            self.files.write(self.name, self.owner, anew=True)
        except Exception as error:
            other = self.files.read(self.name) if self.files.exists(self.name) else str(error)
            raise Refused(f"{other} is publishing here; if it is no more, remove {self.name} and run again") from error

    def __exit__(self, *_):
        self.files.remove(self.name)


def run(spark, options):
    """A manifest to published days."""
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    spark.conf.set("spark.sql.parquet.compression.codec", "zstd")
    out, staging = options.out.rstrip("/"), options.staging.rstrip("/")
    files = Files(spark, out)
    owner = spark.sparkContext.applicationId
    key = hashlib.sha256("\0".join([options.manifest, owner]).encode()).hexdigest()[:12]
    job = f"{staging}/job-{key}"
    try:
        days, failures = stage(spark, options, job)
        with Lock(files, out, owner):
            finish_others(files, out, staging)
            check_days(spark, files, out, job, days, options.allow_removal)
            prepare(files, out, job, days)
            publish(files, out, job)
    except Refused:
        files.remove(job)
        raise
    return {"days": days, "recordings": sum(days.values()), "failed": failures}


def main():
    from pyspark.sql import SparkSession

    options = command_line(sys.argv[1:])
    spark = SparkSession.builder.appName("callsift").getOrCreate()
    try:
        print(json.dumps(run(spark, options)))
    except Refused as refusal:
        sys.exit(f"callsift_spark: {refusal}")
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
