"""A made call centre: as many calls as one asks for, whose turns vary as speech does, a lake of them, and recordings.

The calls are those of tests/labelled/dev.jsonl under new ids, with other goods, figures and agents. Their first and last two
turns keep their sentences, so that greetings and farewells are there; of the others most are drawn from the grammars
that the models are trained with, and a third of them gets a name or a place of two to six characters that come as often as
characters do: the 100 commonest make up half of all, the 1,000 commonest nine tenths."""

import collections
import datetime
import importlib.util
import itertools
import json
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CALLSIFT = PROJECT / "target/release/callsift"
LAST_DAY = datetime.date(2026, 11, 21)
AGENTS, UNITS = 200, 16
FIGURE = re.compile(r"\d{2,}|[零一二两三四五六七八九十百千万幺]{2,}|[一二两三四五六七八九十](?=[条箱瓶袋件包])")


def grammar(kind: str):
    """The grammar of a model's training texts; both files bear one name, so each is loaded as a module of its own."""
    folder = PROJECT / "models/train" / kind
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(f"grammar_{kind}", folder / "grammar.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Speech:
    """Turns that differ from call to call."""

    def __init__(self, chance: random.Random):
        self.chance, self.spoken, self.typed = chance, grammar("asr"), grammar("text")
        self.sentences = self.spoken.Grammar(faults=0.01)
        # Neither rude nor abusive: rules would find something in every call.
        self.templates = [t[1] for t in self.typed.templates() if t[2][0] != self.typed.NEG and t[2][1:] == (0, 0)]
        goods = {self.spoken.expand(b, chance) for b in self.spoken.SLOTS["brand"]} | set(self.typed.SLOTS["item"])
        self.goods = sorted(goods)
        self.good = re.compile("|".join(sorted(goods, key=len, reverse=True)))
        self.characters, self.weights = self.frequencies()

    def frequencies(self) -> tuple[list[str], list[float]]:
        """Characters of GB 2312, those of the grammars first, and how often each comes, added up."""
        known = collections.Counter("".join(self.drawn(i % 2) for i in range(20_000)))
        rows = [[bytes((row, cell)).decode("gb2312", "ignore") for cell in range(0xA1, 0xFF)] for row in range(0xB0, 0xF8)]
        rest = [c for row in (rows[:40], rows[40:]) for c in self.chance.sample(sum(row, []), sum(map(len, row))) if c]
        ranked = list(dict.fromkeys([c for c, _ in known.most_common() if "一" <= c <= "鿿"] + rest))
        return ranked, list(itertools.accumulate(math.exp(-r / 1500) / (r + 20) for r in range(len(ranked))))

    def drawn(self, typed: bool, role: str = "agent") -> str:
        if typed:
            return self.typed.fill(self.chance.choice(self.templates), self.chance)
        return self.sentences.sentence(role, self.chance)

    def call(self, turns: list[dict]) -> list[dict]:
        """The turns of a call, said anew; what is said twice in it stays the same twice."""
        same: dict[str, str] = {}
        other = lambda found: same.setdefault(found[0], self.instead(found[0]))
        out = []
        for at, turn in enumerate(turns):
            text = FIGURE.sub(other, self.good.sub(other, turn["text"]))
            if 2 <= at < len(turns) - 2:
                if (kind := self.chance.random()) < 0.75:
                    text = self.drawn(kind < 0.3, turn["role"])
                if self.chance.random() < 1 / 3:
                    some = "".join(self.chance.choices(self.characters, cum_weights=self.weights, k=self.chance.randint(2, 6)))
                    head, comma, tail = text.partition("，")
                    text = f"{head}{some}{comma}{tail}"
            out.append({**turn, "text": text})
        return out

    def instead(self, word: str) -> str:
        """Other goods for goods, a figure of the same kind for a figure."""
        if word in self.goods:
            return self.chance.choice(self.goods)
        if word.isdigit():
            return str(self.chance.randrange(10 ** (len(word) - 1), 10 ** len(word)))
        if re.search("[十百千万]", word) or len(word) == 1:
            return self.spoken.counted(self.chance.randint(1, 10 ** min(4, len(word) + 1) // 10))
        return self.spoken.digits(self.chance, len(word))


def write_calls(path: pathlib.Path, count: int, days: int = 30, seed: int = 1) -> int:
    """Writes `count` calls of the last `days` days and returns their turns."""
    calls = [json.loads(line) for line in open(PROJECT / "tests/labelled/dev.jsonl", encoding="utf-8")]
    chance = random.Random(seed)
    speech, turns = Speech(chance), 0
    with open(path, "w", encoding="utf-8") as out:
        for i in range(count):
            call, agent = dict(calls[i % len(calls)]), chance.randrange(AGENTS)
            call.pop("expect", None)
            call["call_id"], call["agent_id"] = f"g{i:07d}", f"{3000 + agent}"
            call["unit"] = f"{agent % UNITS + 1}组"
            day = LAST_DAY - datetime.timedelta(days=days - 1 - i * days // count)
            call["started_at"] = f"{day}T{8 + i % 10:02d}:{i % 60:02d}:00+08:00"
            call["turns"] = speech.call(call["turns"])
            turns += len(call["turns"])
            out.write(json.dumps(call, ensure_ascii=False) + "\n")
    return turns


def run(*args: object) -> tuple[dict, float]:
    """Runs callsift and returns its summary and the seconds that it took."""
    started = time.perf_counter()
    done = subprocess.run([CALLSIFT, *map(str, args)], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"callsift {args[0]} ended with {done.returncode}")
    return json.loads(done.stdout), time.perf_counter() - started


def options(work: pathlib.Path, rules: pathlib.Path) -> list[object]:
    """Without the text model: what is measured is the rules, or only a lake is wanted."""
    config = work / "callsift.toml"
    config.write_text("[models]\ntext = \"\"\n", encoding="utf-8")
    return ["--rules", rules, "--profile", "all", "--json", "--config", config]


def make_lake(work: pathlib.Path, calls: int, days: int = 30, rules: pathlib.Path = PROJECT / "rules") -> pathlib.Path:
    """Makes calls and inspects them; says how long that took."""
    work.mkdir(parents=True, exist_ok=True)
    turns = write_calls(work / "calls.jsonl", calls, days)
    given = ["--transcripts", work / "calls.jsonl", "--out", work / "making", "--calls-per-part", 2000]
    _, seconds = run("run", *given, *options(work, rules))
    print(f"run --transcripts: {calls} calls, {turns} turns, {seconds:.1f} s, {calls / seconds:.0f} calls/s")
    return (work / "making").rename(work / "lake")


def record(folder: pathlib.Path, count: int = 40, seed: int = 1) -> list[pathlib.Path]:
    """Writes recordings of one to three minutes, 8 kHz, two channels that speak in turn; every other one is A-law."""
    chance, out = random.Random(seed), []
    for i in range(count):
        law, path = i % 2, folder / f"sound{i:02d}.wav"
        width, quiet = (1, b"\xd5") if law else (2, b"\0\0")
        data = bytearray()
        for second in range(chance.randint(60, 180)):
            voice = chance.randbytes(8000 * width)
            for at in range(0, len(voice), width):
                frame = voice[at:at + width], quiet
                data += frame[second % 2] + frame[1 - second % 2]
        form = struct.pack("<HHIIHH", 6 if law else 1, 2, 8000, 16000 * width, 2 * width, 8 * width)
        path.write_bytes(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + form
                         + b"data" + struct.pack("<I", len(data)) + data)
        out.append(path)
    return out


def hear(call_id: str, folder: pathlib.Path, sounds: list[pathlib.Path]) -> None:
    """Gives a call its recording: a link under the name that a transcribed call has in the lake, its file and line."""
    line = int(call_id[1:]) + 1
    try:
        os.link(sounds[line % len(sounds)], folder / f"calls.jsonl:{line}")
    except FileExistsError:
        pass  # Somebody heard it before.
