"""Search of the console beside DuckDB over the same Parquet: words that are said often, seldom and never, of 1 to 6 characters."""

import os
import random
import statistics
import time
import urllib.parse
from pathlib import Path

import duckdb

LENGTHS = (1, 2, 3, 4, 6)
# Shares of all turns from which a word counts as said often.
OFTEN = 1 / 1000


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def parquet(lake: Path) -> str:
    return f"read_parquet('{lake}/turns/*/*.parquet')"


def words(lake: Path, count: int, seed: int = 1) -> list[str]:
    """Two of three words are cut out of random turns, so they are said as often as such words are; the third is put together
    from single characters of several turns: seldom said, or never."""
    sample = duckdb.sql(f"SELECT text FROM {parquet(lake)} WHERE length(text) >= 6 USING SAMPLE reservoir(20000 ROWS) "
                        f"REPEATABLE ({seed})").fetchall()
    chance, texts, out = random.Random(seed), sorted(t for t, in sample), {}
    while len(out) < count:
        length, text = LENGTHS[len(out) % len(LENGTHS)], chance.choice(texts)
        at = chance.randrange(len(text) - length + 1)
        cut = text[at:at + length]
        mixed = "".join(chance.choice(chance.choice(texts)) for _ in range(length))
        word = cut if len(out) // len(LENGTHS) % 3 < 2 else mixed
        if word.isalpha():
            out[word] = True
    return list(out)


def measure(lake: Path):
    """What the turns are: how many, and how much they differ."""
    counts = f"SELECT count(*), count(DISTINCT text), sum(length(text)) FROM {parquet(lake)}"
    turns, texts, characters = duckdb.sql(counts).fetchall()[0]
    pairs = duckdb.sql(f"SELECT count(DISTINCT pair) FROM (SELECT unnest(list_transform(range(1, length(text)), "
                       f"lambda i: text[i:i + 1])) AS pair FROM (SELECT DISTINCT text FROM {parquet(lake)}))").fetchall()[0][0]
    print(f"{turns} turns of {characters / turns:.1f} characters; {texts} differ; {pairs} pairs of neighbouring characters")
    return turns


def forget(*files: Path):
    """Takes files out of the system's memory, so that they are read from the disk again."""
    for path in files:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(person, asked: list[str], work: Path):
    """Each word on the console with nothing in memory, then with all there, the better of two; DuckDB with all there. The
    console answers with a page, the hundred newest; DuckDB with any hundred rows."""
    lake, catalogue = work / "lake", work / "console/catalog.db"
    turns, duck = measure(lake), duckdb.connect()
    duck.execute("SET threads = 2")
    found = f"FROM {parquet(lake)} WHERE contains(text, ?) LIMIT"

    def ours(word):
        started = time.monotonic()
        person.send("GET", "/search?q=" + urllib.parse.quote(word))
        return (time.monotonic() - started) * 1000

    def theirs(word):
        started = time.monotonic()
        duck.execute(f"SELECT call_id, turn, text {found} 100", [word]).fetchall()
        return (time.monotonic() - started) * 1000

    rows = {}
    for word in asked:
        said = duck.execute(f"SELECT count(*) FROM (SELECT 1 {found} {int(turns * OFTEN) + 1})", [word]).fetchall()[0][0]
        kind = "never" if said == 0 else "often" if said > turns * OFTEN else "seldom"
        forget(catalogue)
        times = ours(word), min(ours(word), ours(word)), theirs(word)
        for key in ((len(word), kind), (len(word), "all"), ("all", "all")):
            rows.setdefault(key, []).append(times)
    print(f"\nsearch, {len(asked)} words, milliseconds: p50 and p95\n")
    print(f"{'characters':<12}{'said':<8}{'n':>4}{'console cold':>17}{'console':>17}{'DuckDB':>17}")
    for (length, kind), values in sorted(rows.items(), key=str):
        cells = "".join(f"{statistics.median(v):>9.1f}{percentile(v, 0.95):>8.1f}" for v in map(list, zip(*values)))
        print(f"{length:<12}{kind:<8}{len(values):>4}{cells}")
