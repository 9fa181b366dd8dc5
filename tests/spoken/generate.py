"""Speak labelled calls, so that rules can be judged by what a recogniser makes of them. Deterministic by seed.

    python tests/spoken/generate.py --shared ../shared --out target/spoken
    callsift eval --spoken target/spoken           heard by the model of the configuration

One call of each scenario of tests/labelled that both channels can carry is said by two voices (ATTRIBUTION.md), each with its
own pace and pitch. Pauses, overlaps and lengths are those of the script; labels that depend on time are worked out again from
the times of the sound, and left out where a value comes too near a limit. Line: band, 8 kHz, noise, cross-talk, A-law.

Writes `NAME.wav` for each call and `dev.jsonl`, `test.jsonl`, `fresh.jsonl`: the calls as said (turns, metadata, `expect`), with
`file`.
"""
import argparse
import json
import random
import sys
import zlib
from functools import cache, partial
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "labelled"), str(HERE.parents[1] / "models/train/asr")]
import build
import channel
from channel import resample
from speakers import JOINED, NEURAL, RATE, Cache, Joined, Neural, spoken

BAND = (300, 3400)
# Labels that follow from times; what the others say does not change with the pace of a voice.
TIMED = {
    "long-silence", "hold-notice-missing", "hold-thanks-missing", "unclear-speech", "interrupting", "monologue", "long-call",
}


def scenarios():
    """(scenario, turns, what was said, call) for each one that two channels and a clear voice can carry."""
    for scenario in build.read_scenarios():
        call, turns, _, said = build.make(scenario, 0)
        faint = any("conf" in turn for turn in scenario["turns"])
        if call["layout"] == "stereo" and not faint:
            yield scenario, turns, said, call


def cast(rng):
    """Two different voices, each with pace and pitch: [(name, speed, factor)] of agent and customer."""
    names = list(NEURAL)
    if rng.random() < 0.15:
        names = [rng.choice(JOINED), rng.choice(NEURAL)]
    rng.shuffle(names)
    return [(name, round(rng.uniform(0.85, 1.2), 2), rng.uniform(0.94, 1.06)) for name in names[:2]]


def place(scenario, turns, waves):
    """Start and end of each turn in milliseconds: the pauses and overlaps of the script around the length of the sound."""
    shift, over, last = 0, 0, 0
    for turn, wave in zip(turns, waves):
        length = len(wave) * 1000 / RATE
        gap = turn["start"] - over
        over = max(over, turn["end"])
        turn["start"] = round(max(last + gap, 200))
        turn["end"] = round(turn["start"] + length)
        last = max(last, turn["end"])
    wanted = float(scenario["head"].get("len", 0)) * 1000
    free = [i for i in range(1, len(turns)) if turns[i]["start"] > turns[i - 1]["end"] and "gap" not in turns[i]]
    extra = (wanted - last - 600) / max(1, len(free))
    if 0 < extra < 6000:
        for i in free:
            for turn in turns[i:]:
                turn["start"], turn["end"] = round(turn["start"] + extra), round(turn["end"] + extra)
    return max(turn["end"] for turn in turns) + 700


def labels(scenario, turns, duration, call):
    """The verdicts, those that follow from times by the times of the sound."""
    expect = {rule: label for rule, label in call["expect"].items() if rule not in TIMED}
    try:
        times = build.by_times(scenario, turns, duration)
    except build.Bad:
        return expect
    return expect | {rule: label for rule, label in times.items() if scenario["over"].get(rule, label) == label}


def record(turns, waves, duration, path, rng, numbers):
    """Levels, cross-talk, noise, band and coder; writes the stereo A-law file, the agent on the left."""
    lines = [np.zeros(int((duration / 1000 + 2) * RATE), "float32") for _ in "AC"]
    for turn, wave in zip(turns, waves):
        first = turn["start"] * RATE // 1000
        lines["AC".index(turn["role"])][first : first + len(wave)] += wave / max(0.05, np.abs(wave).max())
    count = int(duration * RATE // 1000)
    lines = [line[:count] * channel.decibel(rng.uniform(-16, -6)) for line in lines]
    noise, sides = rng.uniform(-64, -50), []
    for own, other in (lines, lines[::-1]):
        heard = own + channel.decibel(rng.uniform(-50, -36)) * other + channel.hiss(count, noise, numbers)
        sides.append(channel.resample2(heard, up=False, limits=BAND))
    sf.write(path, np.clip(np.stack(sides, 1), -1, 1), RATE // 2, subtype="ALAW", format="WAV")


def speak(voices, kept, turns, said, rng):
    """The sound of each turn, and who spoke; other voices are tried where one lacks a sound."""
    for _ in range(8):
        parts = dict(zip("AC", cast(rng)))
        waves = []
        for turn, text in zip(turns, said):
            name, speed, factor = parts[turn["role"]]
            wave = kept.say(name, voices[name], spoken(text), speed)
            if wave is None:
                print(f"{name} cannot say {text}", file=sys.stderr)
                break
            waves.append(resample(wave, factor))
        else:
            return waves, parts
    raise SystemExit(f"no voice can say {said}")


def voices(args):
    """Name to voice, each loaded when it is first heard."""
    neural = {name: cache(partial(Neural, name)) for name in NEURAL}
    joined = {name: cache(partial(Joined, name, args.shared, args.work)) for name in JOINED}
    return neural | joined


def make(args):
    """Writes every call, the sets in turn, so that what is there after a stop is a fair part."""
    known, kept, rows = voices(args), Cache(args.out / "cache"), {name: [] for name in args.sets}
    wanted = (made for made in scenarios() if made[0]["set"] in rows)
    todo = sorted(wanted, key=lambda s: zlib.crc32(s[0]["name"].encode()))
    for number, (scenario, turns, said, call) in enumerate(todo[: args.calls]):
        seed = zlib.crc32(f"{args.seed}/{scenario['name']}".encode())
        rng, numbers = random.Random(seed), np.random.default_rng(seed)
        waves, parts = speak(known, kept, turns, said, rng)
        duration = place(scenario, turns, waves)
        file = f"{scenario['name']}.wav"
        record(turns, waves, duration, args.out / file, rng, numbers)
        lines = [
            {"role": {"A": "agent", "C": "customer"}[t["role"]], "start_ms": t["start"], "end_ms": t["end"], "text": spoken(text)}
            for t, text in zip(turns, said)
        ]
        head = {k: v for k, v in call.items() if k not in ("turns", "expect", "call_id", "duration_ms")}
        cast_names = {"agent": parts["A"][0], "customer": parts["C"][0]}
        rows[scenario["set"]].append(
            {"call_id": scenario["name"], "file": file, **head, "duration_ms": round(duration), "voices": cast_names,
             "turns": sorted(lines, key=lambda t: t["start_ms"]), "expect": labels(scenario, turns, duration, call)}
        )
        print(f"{number + 1}/{len(todo)} {file} {duration / 1000:.0f} s", flush=True)
        for name, calls in rows.items():
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in sorted(calls, key=lambda c: c["call_id"]))
            (args.out / f"{name}.jsonl").write_text(text, encoding="utf-8")


def main():
    """Write the calls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds voices/")
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"), help="folder for the joined voices")
    parser.add_argument("--out", type=Path, default=Path("target/spoken"))
    parser.add_argument("--sets", nargs="+", choices=build.SETS, default=list(build.SETS), help="sets of tests/labelled")
    parser.add_argument("--calls", type=int, help="so many only")
    parser.add_argument("--seed", type=int, default=22)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    make(args)


if __name__ == "__main__":
    main()
