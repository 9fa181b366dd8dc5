"""A past for the console: a risk queue drawn and saved for every night, and what reviewers said of calls in the weeks before.

Verdicts and forms are written into the reviews database as the console writes them, seven hits in ten confirmed; draws come from
`callsift sample --save` itself."""

import json
import sqlite3
import statistics
import subprocess
import time
from pathlib import Path

import centre

VERDICT = """INSERT INTO verdicts (call_id, slot, rule_id, place, source, verdict, note, ruleset_hash, user_id, at_us)
             VALUES (?, 0, ?, ?, 'finding', ?, '', '', ?, ?)"""
FORM = """INSERT INTO forms (call_id, slot, items, score, strengths, weaknesses, keep, whole, user_id, at_us, upto)
          VALUES (?, 0, ?, ?, '态度亲切', '未复述订单', ?, ?, ?, ?, 1 << 60)"""


def draw(lake: Path, data: Path, days: list[str], reviewers: list[str]) -> None:
    """Draws and saves a risk queue for each day; says how long that took."""
    took = []
    for day in days:
        started = time.monotonic()
        command = [centre.CALLSIFT, "sample", "--lake", lake, "--data", data, "--plan", centre.PROJECT / "plans/risk-queue.toml",
                   "--from", day, "--to", day, "--seed", day, "--reviewers", ",".join(reviewers), "--save"]
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.monotonic() - started)
    print(f"{len(days)} nights drawn and saved: {statistics.median(took):.1f} s each, at most {max(took):.1f} s")


def review(data: Path, forms: int) -> None:
    """Has so many calls reviewed: all that were drawn, then others with hits and without."""
    db = sqlite3.connect(data / "reviews.db", isolation_level=None)
    db.execute(f"ATTACH 'file:{data / 'catalog.db'}?mode=ro' AS cat")
    people = [row[0] for row in db.execute("SELECT id FROM users WHERE role = 'reviewer' ORDER BY id")]
    calls = db.execute("""SELECT c.id, c.call_id, c.date, c.hits, d.call_id IS NOT NULL AND d.part = 'random' FROM cat.calls c
                          LEFT JOIN (SELECT call_id, max(part) AS part FROM draw_calls WHERE picked = 1 GROUP BY 1) d
                            ON d.call_id = c.call_id
                          WHERE c.status = 'ok' ORDER BY d.call_id IS NULL, c.hits = 0, (c.id * 7919) % 10007 LIMIT ?""", [forms])
    said, written = 0, 0
    db.execute("BEGIN")
    for number, (row, call, date, hits, whole) in enumerate(calls.fetchall()):
        person, at = people[number % len(people)], int(time.mktime(time.strptime(date, "%Y-%m-%d"))) * 1_000_000 + 100_000_000_000
        places = db.execute("SELECT DISTINCT rule_id, place FROM cat.findings WHERE call = ? AND verdict = 'hit'", [row]).fetchall()
        words = [(call, rule, place, "confirmed" if (row + i) % 10 < 7 else "rejected", person, at + i)
                 for i, (rule, place) in enumerate(places)]
        db.executemany(VERDICT, words)
        items = {rule: 5.0 for _, rule, _, verdict, *_ in words if verdict == "confirmed"}
        db.execute(FORM, [call, json.dumps(items), 100.0 - 5 * len(items), number % 50 == 0, whole or hits == 0, person, at + 99])
        said, written = said + len(words), written + 1
    db.execute("COMMIT")
    db.close()
    print(f"history: {written} forms, {said} verdicts")
