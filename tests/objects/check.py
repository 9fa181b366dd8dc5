"""callsift on object storage: `check.py CALLSIFT WORK [S3S_FS]`. Servers on loopback: moto for what the protocol can do, s3s-fs for
signatures, which moto does not check.

What must hold: recordings and lake there give the bytes of a run on folders; a killed run goes on on another machine; two runs at once
spoil nothing; what is wrong is said.
"""
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
CALLSIFT, WORK = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
S3S_FS = sys.argv[3] if len(sys.argv) > 3 else shutil.which("s3s-fs")
NAMES = ["c03-greeting-missing.wav", "c05-rhetorical-question.wav", "c06-forbidden-phrase.wav", "c12-clean-mono.wav", "c14-broken.wav"]
SECRET = "right-secret"
FIXED = ["--rules", str(ROOT / "rules"), "--model", "whisper-mini-zh", "--calls-per-part", "1"]


def step(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server that was started here and is ended here."""

    def __init__(self, name, command, port):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        self.client = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}))

    def end(self):
        self.process.terminate()
        self.process.wait()

    def keys(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="centre", Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def tables(self, lake):
        found = {}
        for key in self.keys(lake + "/"):
            if key.endswith(".parquet"):
                found[key[len(lake) + 1:]] = self.client.get_object(Bucket="centre", Key=key)["Body"].read()
        return found


def environment(url, cache, secret=SECRET, patience="20"):
    own = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": secret,
           "AWS_DEFAULT_REGION": "us-east-1", "CALLSIFT_CACHE": str(WORK / "cache" / cache), "CALLSIFT_PATIENCE_S": patience}
    return {**{k: v for k, v in os.environ.items() if not k.startswith("AWS_")}, **own}


def callsift(env, *args):
    done = subprocess.run([CALLSIFT, *args], env=env, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def local_tables(lake):
    return {str(path.relative_to(lake)): path.read_bytes() for path in Path(lake).rglob("*.parquet")}


def run_args(lake, *more):
    return ["run", "--recordings", "s3://centre/recordings/2026-11-16", "--metadata", "s3://centre/tables/metadata.csv",
            "--lake", f"s3://centre/{lake}", *FIXED, "--json", *more]


def check(server, whole):
    client = server.client
    client.create_bucket(Bucket="centre")
    for name in NAMES:
        client.upload_file(str(ROOT / "tests/demo/recordings" / name), "centre", f"recordings/2026-11-16/{name}")
    client.upload_file(str(ROOT / "tests/demo/metadata.csv"), "centre", "tables/metadata.csv")

    env = environment(server.url, f"{server.name}-one")
    code, out, err = callsift(env, *run_args("lake"))
    assert code == 1, (code, err)
    assert server.tables("lake") == local_tables(whole), sorted(server.tables("lake"))
    left = [key for key in server.keys("lake/") if "/.staging" in key or "/.index" in key or "/.lock" in key]
    assert not left, left
    step(f"{server.name}: recordings and lake there give the bytes of a run on folders")

    code, out, err = callsift(environment(server.url, f"{server.name}-two"), *run_args("lake"))
    summary = json.loads(out)
    assert (code, summary["calls"], summary["skipped"]) == (0, 0, 5), (code, err, summary)
    step(f"{server.name}: another machine knows what is done")

    killed = subprocess.Popen([CALLSIFT, *run_args("killed")], env=environment(server.url, f"{server.name}-killed"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while killed.poll() is None and len([k for k in server.keys("killed/calls/")]) < 2:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = len(server.keys("killed/calls/"))
    code, out, err = callsift(environment(server.url, f"{server.name}-three"), *run_args("killed"))
    summary = json.loads(out)
    assert code <= 1 and summary["skipped"] >= 2, (code, err, summary)
    assert server.tables("killed") == local_tables(whole)
    step(f"{server.name}: killed with {done} of 5 calls there, the next machine did the other {summary['calls']}")

    both = [subprocess.Popen([CALLSIFT, *run_args("both")], env=environment(server.url, f"{server.name}-both-{n}"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in range(2)]
    ends = [(process.communicate()[1], process.returncode) for process in both]
    codes = sorted(code for _, code in ends)
    refused = [text for text, code in ends if code == 3]
    assert codes in ([1, 3], [0, 1]) and all("meanwhile" in text or "under way" in text for text in refused), ends
    callsift(environment(server.url, f"{server.name}-four"), *run_args("both"))
    assert server.tables("both") == local_tables(whole)
    step(f"{server.name}: of two runs at once one is refused, and the lake is whole")

    reports = [callsift(env, "report", "--json", "--lake", lake)[1] for lake in ("s3://centre/lake", str(whole), f"file://{whole}")]
    assert reports[0] == reports[1] == reports[2] != "", reports
    for command in (["compact"], ["replay", "--rules", str(ROOT / "rules")]):
        ends = [callsift(env, *command, "--lake", lake) for lake in ("s3://centre/lake", str(whole) + "-copy")]
        assert [end[0] for end in ends] == [0, 0], ends
    assert server.tables("lake") == local_tables(str(whole) + "-copy")
    step(f"{server.name}: report, compact and replay there do what they do here")
    console(server, env)
    worker(server, whole)

    code, _, err = callsift(env, "report", "--lake", "s3://no-such-bucket/lake")
    assert code == 2 and "no such bucket" in err, (code, err)
    step(f"{server.name}: a missing bucket is said: {err.strip()[:110]}")


def console(server, env):
    """The console shows a lake that lies there, and keeps people's words here."""
    code, _, err = callsift(env, "console", "--lake", "s3://centre/lake")
    assert code == 2 and "--data" in err, (code, err)
    port = free_port()
    data = WORK / f"{server.name}-data"
    process = subprocess.Popen([CALLSIFT, "console", "--lake", "s3://centre/lake", "--data", str(data), "--first-users", "3021",
                                "--listen", f"127.0.0.1:{port}"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        while "console:" not in (line := process.stdout.readline()):
            assert line, "the console ended"
        with __import__("urllib.request").request.urlopen(f"http://127.0.0.1:{port}/login", timeout=10) as page:
            assert page.status == 200
    finally:
        process.terminate()
        process.wait()
    assert (data / "reviews.db").exists() or list(data.glob("*.db")), list(data.iterdir())
    assert not [key for key in server.keys("lake/") if "/console/" in key]
    step(f"{server.name}: the console reads it there")


def worker(server, whole):
    """`callsift worker` fetches recordings by their addresses; one that is not there is a failed row."""
    import pyarrow as pa

    uris = [f"s3://centre/recordings/2026-11-16/{name}" for name in NAMES[:2]] + ["s3://centre/recordings/none.wav"]
    table = pa.table({"recording_id": ["c03", "c05", "gone"], "uri": uris, "dt": ["2026-11-16"] * 3})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    spool = WORK / "spool"
    spool.mkdir(exist_ok=True)
    env = {**environment(server.url, "worker"), "TMPDIR": str(spool)}
    command = [CALLSIFT, "worker", *FIXED[:4]]
    done = subprocess.run(command, env=env, input=sink.getvalue().to_pybytes(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [batch.to_pylist()[0] for batch in pa.ipc.open_stream(done.stdout)]
    assert [row["status"] for row in rows] == ["ok", "ok", "error"] and "no such" in rows[2]["error"], rows[2]["error"]
    folder = duck(f"SELECT audio_sha256, score FROM read_parquet('{whole}/calls/*/*.parquet') WHERE call_id IN ('c03', 'c05') ORDER BY call_id")
    assert [(row["calls"][0]["audio_sha256"], row["calls"][0]["score"]) for row in rows[:2]] == folder
    assert rows[0]["calls"][0]["recording"] == uris[0] and not list(spool.glob("[!.]*")), list(spool.iterdir())
    gone = {**env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "CALLSIFT_PATIENCE_S": "2"}
    done = subprocess.run(command, env=gone, input=sink.getvalue().to_pybytes(), capture_output=True, timeout=300)
    assert done.returncode == 75, (done.returncode, done.stderr)
    step(f"{server.name}: the worker fetches recordings, and ends with code 75 where the server is gone")


def duck(sql):
    return __import__("duckdb").sql(sql).fetchall()


def wrong_secret(server):
    env = environment(server.url, "wrong", secret="wrong-secret")
    for args in (["report", "--lake", "s3://centre/lake"], run_args("lake")):
        code, out, err = callsift(env, *args)
        assert code == 2 and "credentials" in err and "wrong-secret" not in err + out, (code, err)
    step(f"{server.name}: a wrong secret is refused: {err.strip()[:110]}")


def bad_servers():
    """Nobody there, one that only fails, one that never answers: an error within the patience that was asked for."""

    class Fails(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(503)

        def log_message(self, *_):
            pass

    failing = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fails)
    threading.Thread(target=failing.serve_forever, daemon=True).start()
    silent = socket.create_server(("127.0.0.1", 0))
    for name, port in (("absent", free_port()), ("failing", failing.server_address[1]), ("silent", silent.getsockname()[1])):
        start = time.time()
        code, _, err = callsift(environment(f"http://127.0.0.1:{port}", name, patience="3"), "report", "--lake", "s3://centre/lake")
        took = time.time() - start
        assert code == 3 and "does not answer as it should" in err and took < 60, (name, code, took, err)
        step(f"a server that is {name} is said after {took:.0f} s: {err.strip()[:110]}")
    failing.shutdown()


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "recordings").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(ROOT / "tests/demo/recordings" / name, WORK / "recordings" / name)
    whole = WORK / "whole"
    code = subprocess.run([CALLSIFT, "run", "--recordings", str(WORK / "recordings"), "--metadata", str(ROOT / "tests/demo/metadata.csv"),
                           "--lake", str(whole), *FIXED], capture_output=True).returncode
    assert code == 1, code
    # Where a recording could not be read its row says so with the path that it was read by.
    shutil.copytree(whole, str(whole) + "-copy")
    bad_servers()
    port = free_port()
    moto = Server("moto", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)
    try:
        check(moto, whole)
    finally:
        moto.end()
    if not S3S_FS:
        print("s3s-fs: NOT CHECKED: it is not installed (cargo install s3s-fs --version 0.14.1 --features binary)")
        return
    shutil.rmtree(str(whole) + "-copy")
    shutil.copytree(whole, str(whole) + "-copy")
    port, root = free_port(), WORK / "s3s"
    root.mkdir()
    s3s = Server("s3s-fs", [S3S_FS, "--host", "127.0.0.1", "--port", str(port), "--access-key", "key", "--secret-key", SECRET, str(root)], port)
    try:
        check(s3s, whole)
        wrong_secret(s3s)
    finally:
        s3s.end()


main()
