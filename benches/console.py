"""How quickly the console answers: 100 reviewers at once on a large lake, and search beside DuckDB over the same Parquet.

    python3 benches/console.py --lake target/bench-replay/lake [--recordings tests/demo/recordings] [--seconds 60]

Prints p50, p95 and the worst of each page in milliseconds, then the ratio of search times. The lake is copied nowhere and
changed nowhere: reviews go to a folder of their own. `make bench` makes the lake (100,000 calls)."""

import argparse
import http.client
import random
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "target/release/callsift"
WORDS = ["您好", "红塔山", "不归我管", "没有这样的话", "你自己不会看吗", "好"]


def console(lake, data, recordings):
    """Starts the console and gives its process and address; reading the lake for the first time is timed apart."""
    started = time.monotonic()
    command = [BIN, "console", "--lake", lake, "--data", data, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command + (["--recordings", recordings] if recordings else []), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    address = next(line for line in process.stdout if "http://" in line).split("http://")[1].strip().strip("/")
    print(f"reading the lake: {time.monotonic() - started:.1f} s")
    return process, address


def add_reviewers(lake, data, n):
    """Logs in names and their random passwords."""
    people = []
    for i in range(n):
        command = [BIN, "users", "--lake", lake, "--data", data, "add", f"r{i:03}", "--role", "reviewer"]
        people.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    return people


class Reviewer:
    """One person: a connection, a cookie, a token."""

    def __init__(self, address, name, password):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.cookie, self.times = "", {}
        response, _ = self.send("POST", "/login", {"name": name, "password": password})
        self.cookie = response.getheader("set-cookie").split(";")[0]
        _, page = self.send("GET", "/account")
        self.csrf = page.split('name="csrf" value="')[1].split('"')[0]

    def send(self, method, path, fields=None, label=None):
        body = urllib.parse.urlencode(fields) if fields else None
        headers = {"cookie": self.cookie, "content-type": "application/x-www-form-urlencoded"}
        started = time.monotonic()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        page = response.read().decode(errors="replace")
        self.times.setdefault(label or path, []).append((time.monotonic() - started) * 1000)
        assert response.status in (200, 303, 409), (path, response.status, page[:300])
        return response, page

    def work(self, until, chance):
        """Next call, its page, a verdict on the first finding, the form; search and queue now and then."""
        while time.monotonic() < until:
            self.send("GET", "/queue", label="queue")
            self.send("GET", "/search?q=" + urllib.parse.quote(chance.choice(WORDS)), label="search")
            self.send("GET", "/queue?order=longest&word=" + urllib.parse.quote("再见"), label="queue by word")
            response, _ = self.send("POST", "/queue/next", {"csrf": self.csrf}, label="next call")
            call = response.getheader("location")
            if call.startswith("/calls/"):
                self.judge(call)
            self.send("GET", "/tasks", label="tasks")
            time.sleep(chance.uniform(2, 6))

    def judge(self, call):
        _, page = self.send("GET", call, label="call")
        if 'class="finding"' in page:
            card = page.split('class="finding"')[1]
            value = lambda name: card.split(f'name="{name}" value="')[1].split('"')[0]
            fields = {"csrf": self.csrf, "rule": value("rule"), "place": value("place"), "verdict": "confirmed", "before": ""}
            self.send("POST", call + "/verdict", fields, label="verdict")
        self.send("POST", call + "/form", {"csrf": self.csrf, "before": "", "whole": "1"}, label="form")


def load(address, people, seconds):
    reviewers = [Reviewer(address, name, password) for name, password in people]
    for reviewer in reviewers:
        reviewer.times.clear()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=r.work, args=(until, random.Random(i))) for i, r in enumerate(reviewers)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
        time.sleep(0.02)  # People do not all arrive in one moment.
    for thread in threads:
        thread.join()
    took = time.monotonic() - started
    times = {}
    for reviewer in reviewers:
        for label, values in reviewer.times.items():
            times.setdefault(label, []).extend(values)
    total = sum(map(len, times.values()))
    print(f"\n{len(people)} reviewers, {total} requests in {took:.0f} s: {total / took:.0f} a second\n")
    print(f"{'page':<16}{'n':>7}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}")
    for label, values in sorted(times.items()):
        values.sort()
        p95 = values[min(len(values) - 1, int(len(values) * 0.95))]
        print(f"{label:<16}{len(values):>7}{statistics.median(values):>9.1f}{p95:>9.1f}{values[-1]:>9.1f}")


def search(address, person, lake):
    """One search after the other, beside DuckDB over the same Parquet in the same run."""
    import duckdb

    reviewer = Reviewer(address, *person)
    turns = f"read_parquet('{lake}/turns/*/*.parquet')"
    n = duckdb.sql(f"SELECT count(*) FROM {turns}").fetchall()[0][0]
    print(f"\nsearch over {n} turns, best of 5, ms\n\n{'word':<16}{'console':>9}{'duckdb':>9}{'ratio':>8}")
    for word in WORDS:
        ours, theirs = [], []
        for _ in range(5):
            started = time.monotonic()
            reviewer.send("GET", "/search?q=" + urllib.parse.quote(word))
            ours.append((time.monotonic() - started) * 1000)
            started = time.monotonic()
            duckdb.sql(f"SELECT call_id, turn, text FROM {turns} WHERE contains(text, '{word}') LIMIT 100").fetchall()
            theirs.append((time.monotonic() - started) * 1000)
        print(f"{word:<16}{min(ours):>9.1f}{min(theirs):>9.1f}{min(theirs) / min(ours):>8.1f}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lake", default=str(ROOT / "target/bench-replay/lake"))
    options.add_argument("--recordings")
    options.add_argument("--reviewers", type=int, default=100)
    options.add_argument("--seconds", type=float, default=60)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as data:
        people = add_reviewers(given.lake, data, given.reviewers)
        process, address = console(given.lake, data, given.recordings)
        try:
            search(address, people[0], given.lake)
            load(address, people, given.seconds)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
