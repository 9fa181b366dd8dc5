"""How quickly the console answers: 100 people at once on a large lake, and search beside DuckDB over the same Parquet.

    python3 benches/console.py [--calls 100000] [--seconds 90] [--words 200]      (a quarter of a large centre: --calls 700000)

Prints how long the lake is read for the first time and what that takes; search times; p50, p95 and the worst of each page in
milliseconds. The lake is made on first use (centre.py) and stays in target/bench-console; all else is made anew each time."""

import argparse
import concurrent.futures
import http.client
import random
import re
import shutil
import statistics
import subprocess
import time
import urllib.parse
from pathlib import Path

import centre
import history
import search

# Pages of figures with the labels of their times.
FIGURES = {"/dashboard": "dashboard", "/dashboard/report": "listening summary", "/agents": "agents"}


class Console:
    """The console over a lake, with its folder and its recordings."""

    def __init__(self, work: Path, again: bool):
        self.lake, self.data, self.recordings = work / "lake", work / "console", work / "recordings"
        for old in [self.recordings, *(self.data.glob("[!c]*") if again else [self.data])]:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        self.recordings.mkdir()
        self.data.mkdir(exist_ok=True)
        self.sounds = centre.record(self.recordings)

    def start(self) -> float:
        """Starts it and gives the seconds until it answers: first the lake is read."""
        started = time.monotonic()
        command = [centre.CALLSIFT, "console", "--lake", self.lake, "--data", self.data, "--recordings", self.recordings,
                   "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = next(line for line in self.process.stdout if "http://" in line).split("http://")[1].strip().strip("/")
        return time.monotonic() - started

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def memory(self, name: str) -> int:
        """Resident memory in MB, now (VmRSS) or at most so far (VmHWM)."""
        return int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) // 1024

    def add(self, name: str, role: str, agent: str = "") -> list[str]:
        """Lets a person in and gives the name and the random password."""
        command = [centre.CALLSIFT, "users", "--lake", self.lake, "--data", self.data, "add", name, "--role", role]
        command += ["--agent-id", agent] if agent else []
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


class Person:
    """Somebody with a browser: a connection, a cookie, a token, and the times of what was asked for."""

    def __init__(self, console: Console, name: str, password: str, role: str = "reviewer", words=("您好",)):
        self.console, self.role, self.words, self.chance = console, role, words, random.Random(name)
        self.connection = http.client.HTTPConnection(console.address, timeout=600)
        self.cookie, self.times = "", {}
        response, _ = self.send("POST", "/login", {"name": name, "password": password})
        self.cookie = response.getheader("set-cookie").split(";")[0]
        self.csrf = self.get("/account").split('name="csrf" value="')[1].split('"')[0]

    def send(self, method, path, fields=None, label=None, span=None):
        """Asks, and notes how long the whole answer took; `span` is a range of bytes."""
        body = urllib.parse.urlencode({"csrf": getattr(self, "csrf", ""), **fields}) if fields is not None else None
        headers = {"cookie": self.cookie, "content-type": "application/x-www-form-urlencoded"}
        headers |= {"range": f"bytes={span[0]}-{span[1]}"} if span else {}
        started = time.monotonic()
        if started - getattr(self, "last", started) > 10:
            self.connection.close()  # The console ends connections that rest for 15 s; the next request opens another one.
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        page = response.read()
        self.last = time.monotonic()
        self.times.setdefault(label or path, []).append((time.monotonic() - started) * 1000)
        good = (206,) if span else (200, 303, 409)
        assert response.status in good, (path, response.status, page[:300].decode(errors="replace"))
        return response, page

    def get(self, path, label=None) -> str:
        return self.send("GET", path, label=label)[1].decode()

    def work(self, until):
        """Until a time: a round of work every 10 to 30 seconds. Hearing and judging a call takes a minute, so this is three
        times what people do."""
        while time.monotonic() < until:
            self.agents_round() if self.role == "agent" else self.round()
            time.sleep(self.chance.uniform(10, 30))

    def round(self):
        word = urllib.parse.quote(self.chance.choice(self.words))
        self.get("/queue", "queue")
        self.get(f"/queue?order=longest&word={word}", "queue by word")
        self.get(f"/search?q={word}", "search")
        response, _ = self.send("POST", "/queue/next", {}, "next call")
        if (call := response.getheader("location")).startswith("/calls/"):
            self.judge(call)
        self.get("/tasks", "tasks")
        if self.role != "reviewer":
            self.look()

    def look(self):
        """Two pages that who leads looks at, one of them of figures."""
        agent = 3000 + self.chance.randrange(centre.AGENTS)
        path, label = self.chance.choice([*FIGURES.items(), (f"/agents/{agent}", "one agent"), (None, None)])
        if path:
            self.get(path, label)
        else:
            rule = self.chance.choice(re.findall(r'href="(/rules/[a-z-]+)"', self.get("/rules", "rules")))
            self.get(rule, "one rule")
            typed = {"text": "坐席：您好，请讲\n客户：红塔山五条\n坐席：你自己不会看吗", "direction": "inbound", "order": ""}
            self.send("POST", rule, typed, "rule tried")
        self.get("/" + (other := self.chance.choice(["reviewers", "appeals", "audit"])), other)

    def judge(self, call, verdict=None):
        """Opens a call, hears it, judges the first finding, hands in the form."""
        page = self.get(call, "call")
        self.hear(call)
        if 'class="finding"' in page:
            card = page.split('class="finding"')[1]
            value = lambda name: card.split(f'name="{name}" value="')[1].split('"')[0]
            fields = {"rule": value("rule"), "place": value("place"), "before": ""}
            fields["verdict"] = verdict or self.chance.choice(["confirmed", "confirmed", "rejected"])
            self.send("POST", call + "/verdict", fields, "verdict")
        self.send("POST", call + "/form", {"before": "", "whole": "1", "whole_reason": "x"}, "form")

    def hear(self, call):
        """What a browser does: waveform, the start of the sound, two stretches further on; one call in ten gives a clip."""
        centre.hear(call.rsplit("/", 1)[1], self.console.recordings, self.console.sounds)
        self.get(call + "/waveform.svg", "waveform")
        response, _ = self.send("GET", call + "/audio", label="sound, start", span=(0, 65_535))
        size = int(response.getheader("content-range").split("/")[1])
        for _ in range(2):
            at = self.chance.randrange(size // 2)
            self.send("GET", call + "/audio", label="sound, further on", span=(at, min(at + 480_000, size - 1)))
        if self.chance.random() < 0.1:
            self.send("GET", call + "/clip?from=5000&to=20000", label="clip")

    def agents_round(self):
        """An agent looks at the own calls and disputes what can be disputed."""
        calls = set(re.findall(r'href="(/calls/[^"#]+)', self.get("/mine", "mine")))
        for call in self.chance.sample(sorted(calls), min(1, len(calls))):
            page = self.get(call, "call")
            if found := re.search(r'name="verdict" value="(\d+)"', page):
                self.send("POST", "/appeals", {"verdict": found[1], "reason": "当时没有这样说"}, "appeal")
        self.get("/appeals", "appeals")


def hire(console: Console, words, people: int, leads: int, agents: int) -> list[Person]:
    """People, of whom some lead, and agents whose calls somebody judged already."""
    names = [(f"p{i:03}", "admin" if i < leads else "reviewer", "") for i in range(people)]
    names += [(f"a{i:03}", "agent", f"{3000 + i}") for i in range(agents)]
    people = [Person(console, *console.add(name, role, agent), role, words) for name, role, agent in names]
    for agent in range(agents):
        page = people[0].get(f"/queue?state=flagged&agent={3000 + agent}")
        for call in list(dict.fromkeys(re.findall(r'href="(/calls/[^"#]+)"', page)))[:3]:
            people[0].judge(call, "confirmed")
    return people


def load(people: list[Person], seconds: float):
    """All of them at once; a page that fails ends it."""
    for person in people:
        person.times.clear()
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(people)) as pool:
        done = []
        for person in people:
            done.append(pool.submit(person.work, started + seconds))
            time.sleep(20 / len(people))  # They do not all arrive in one moment.
    for future in done:
        future.result()
    took, times = time.monotonic() - started, {}
    for label, values in (item for person in people for item in person.times.items()):
        times.setdefault(label, []).extend(values)
    total = sum(map(len, times.values()))
    print(f"\n{len(people)} people, {total} requests in {took:.0f} s: {total / took:.0f} a second\n")
    print(f"{'page':<20}{'n':>7}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}")
    for label, values in sorted(times.items()):
        p95 = search.percentile(values, 0.95)
        print(f"{label:<20}{len(values):>7}{statistics.median(values):>9.1f}{p95:>9.1f}{max(values):>9.1f}")


def remember(console: Console, forms: int, people: int):
    """Gives the reviews database a past."""
    days = sorted(part.name.split("=")[1] for part in (console.lake / "calls").glob("dt=*"))[-30:]
    history.draw(console.lake, console.data, days, [f"p{i:03}" for i in range(people)][-10:])
    history.review(console.data, forms)
    size = sum(f.stat().st_size for f in console.data.glob("reviews.db*")) / 1e6
    print(f"reviews.db {size:.0f} MB")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument("--people", type=int, default=100)
    options.add_argument("--leads", type=int, default=10, help="of the people: they look at figures, rules and logs too")
    options.add_argument("--agents", type=int, default=10, help="besides: they look at their own pages and appeal")
    options.add_argument("--seconds", type=float, default=90)
    options.add_argument("--words", type=int, default=200)
    options.add_argument("--history", type=int, default=0, help="calls that people reviewed before, with a risk queue for each night")
    options.add_argument("--again", action="store_true", help="with the catalogue of the last run, which reads nothing anew")
    given = options.parse_args()
    work = centre.PROJECT / "target/bench-console" / str(given.calls)
    if not (work / "lake").is_dir():
        centre.make_lake(work, given.calls, 90 if given.calls > 300_000 else 30)
    words = search.words(work / "lake", given.words)
    console = Console(work, given.again)
    took = console.start()
    try:
        size = sum(f.stat().st_size for f in console.data.glob("catalog.db*")) / 1e6
        read = "start" if given.again else "first reading"
        print(f"{read}: {took:.1f} s, {console.memory('VmHWM')} MB of memory at most; catalog.db {size:.0f} MB")
        people = hire(console, words, given.people, given.leads, given.agents)
        if given.history:
            remember(console, given.history, given.people)
        search.compare(people[0], words, work)
        started = time.monotonic()
        people[0].get("/dashboard")
        took = time.monotonic() - started
        print(f"\nfigures of the last 30 days, made alone: {took:.1f} s, {console.memory('VmHWM')} MB at most")
        load(people, given.seconds)
        print(f"\nmemory: {console.memory('VmRSS')} MB, at most {console.memory('VmHWM')} MB")
    finally:
        console.stop()


if __name__ == "__main__":
    main()
