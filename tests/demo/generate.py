"""Make the bundled demo calls: recordings, scripts, metadata and expectations. Deterministic.

    python tests/demo/generate.py --shared ../shared --work target/train/asr

Agent and customer are two human voices, joined from recorded words and syllables (see ATTRIBUTION.md); nobody ever
made these calls. Needs the packages of models/train/asr/requirements.txt, sox and ffmpeg.
"""
import argparse
import csv
import json
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "models/train/asr")]
import channel
from calls import CALLS
from grammar import sentences
from speak import Speaker
from voices import load_bank

RATE = 16000
NAMES = {"3021": "陈晓", "1086": "刘敏", "2205": "赵刚", "1517": "孙丽", "3148": "周强", "2079": "吴涛", "1933": "何静", "2417": "高洁"}
RULES = [
    "greeting-missing", "identity-missing", "farewell-missing", "forbidden-phrase", "rhetorical-question", "order-readback-missing", "shirking",
    "negative-customer",
]
SUBTYPE = {"alaw": "ALAW", "mulaw": "ULAW", "mono": "ALAW", "fake": "ALAW"}
BROKEN = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>\n<body><h1>Not Found</h1><p>The recording c14.wav has expired.</p></body></html>\n"


def turns(text):
    """Lines of a call: (mark, text or seconds)."""
    for line in text.strip().splitlines():
        if line.startswith("--"):
            yield "hold", float(line[2:])
        else:
            yield line[0], line[2:].strip()


def say_turn(voice, text, rng):
    """All sentences of a turn with short pauses."""
    parts = []
    for sentence in sentences(text):
        said = voice.say(sentence, rng)
        if said is None:
            raise SystemExit(f"this voice cannot say {sentence}")
        parts += [said[0], np.zeros(int(rng.uniform(0.27, 0.4) * RATE), "float32")]
    return np.concatenate(parts[:-1])


def perform(call, voices, rng):
    """The two clean channels (agent, customer) and the script."""
    placed, script, at, last = [], [], rng.uniform(0.5, 1.0), (0.0, 0.0)
    for mark, text in turns(call["text"]):
        if mark == "hold":
            at += text
            continue
        role = "agent" if mark in "Aa" else "customer"
        wave = say_turn(voices[role], text, rng)
        seconds = len(wave) / RATE
        if mark.islower():  # spoken into the last second of the turn before it
            start = max(last[0] + 0.4, last[1] - seconds - rng.uniform(0.2, 0.6))
        else:
            start = at
            last = (start, start + seconds)
            at = start + seconds + rng.uniform(0.3, 0.75)
        placed.append((role, start, wave))
        script.append({"role": role, "start_ms": round(start * 1000), "end_ms": round((start + seconds) * 1000), "text": text})
    length = int((at + rng.uniform(0.3, 0.8)) * RATE)
    lines = {role: np.zeros(length, "float32") for role in ("agent", "customer")}
    for role, start, wave in placed:
        first = int(start * RATE)
        lines[role][first : first + len(wave)] += wave
    return lines["agent"], lines["customer"], sorted(script, key=lambda t: t["start_ms"])


def record(call, agent, customer, path, rng, numbers):
    """Line, coder and container of one call."""
    def line(own, other):
        leak = channel.decibel(-35) * other
        noise = channel.hiss(len(own), rng.uniform(-60, -55), numbers)
        edges = (rng.uniform(200, 300), rng.uniform(3350, 3600))
        return channel.resample2(own + leak + noise, up=False, limits=edges)

    level = [channel.decibel(rng.uniform(-3, 2)) for _ in range(2)]
    agent, customer = agent * level[0], customer * level[1]
    if call["format"] in ("mono", "fake"):
        mixed = line(agent + customer, np.zeros_like(agent))
        data = mixed if call["format"] == "mono" else np.stack([mixed, mixed], 1)
    else:
        data = np.stack([line(agent, customer), line(customer, agent)], 1)
    data = np.clip(data, -1, 1)
    if call["format"] == "mp3":
        plain = path.with_suffix(".tmp.wav")
        sf.write(plain, data, 8000, subtype="PCM_16")
        command = ["ffmpeg", "-y", "-v", "error", "-i", str(plain), "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
        subprocess.check_call([*command, "-c:a", "libmp3lame", "-b:a", "48k", "-joint_stereo", "0", str(path)])
        plain.unlink()
    else:
        sf.write(path, data, 8000, subtype=SUBTYPE[call["format"]], format="WAV")
    return len(data) / 8000


def expectation(call, file):
    """The line of expected.jsonl."""
    expect = {rule: "hit" if rule in call["faults"] else "clear" for rule in RULES}
    if not call["order"]:
        expect["order-readback-missing"] = "not_applicable"
    return {"call_id": call["id"], "file": file, "kind": call["name"], "expect": expect, "status": "ok"}


def metadata(call, file, number):
    """The row of metadata.csv."""
    started = datetime(2026, 11, 16, 9, 12, 30, tzinfo=timezone(timedelta(hours=8))) + timedelta(minutes=37 * number, seconds=11 * number)
    complaint = call["name"] in ("shirking-angry", "complaint-handled")
    return {
        "call_id": call["id"], "file": file, "agent_id": call["agent"], "agent_name": NAMES[call["agent"]],
        "queue": "complaint" if complaint else "order", "direction": call.get("direction", "inbound"), "customer_id": call["customer"],
        "started_at": started.isoformat(), "order": call["order"],
    }


def main():
    """Write everything below this folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds voices/")
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"), help="working folder of the voice bank")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    bank = load_bank(args.shared, args.work)
    voices = {"agent": Speaker(bank, "words"), "customer": Speaker(bank, "syllables")}
    for folder in ("recordings", "scripts"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    rows, expected = [], []
    for number, call in enumerate(CALLS):
        rng, numbers = random.Random(f"{args.seed}-{call['id']}"), np.random.default_rng(args.seed * 100 + number)
        agent, customer, script = perform(call, voices, rng)
        file = f"{call['id']}-{call['name']}." + ("mp3" if call["format"] == "mp3" else "wav")
        seconds = record(call, agent, customer, args.out / "recordings" / file, rng, numbers)
        lines = (json.dumps(turn, ensure_ascii=False) + "\n" for turn in script)
        (args.out / "scripts" / f"{call['id']}.jsonl").write_text("".join(lines), encoding="utf-8")
        rows.append(metadata(call, file, number))
        expected.append(expectation(call, file))
        print(f"{file}: {seconds:.1f} s, {len(script)} turns", flush=True)
    broken = {"id": "c14", "name": "broken", "agent": "1933", "customer": "259004", "order": "", "faults": []}
    (args.out / "recordings" / "c14-broken.wav").write_text(BROKEN, encoding="utf-8")
    rows.append(metadata(broken, "c14-broken.wav", len(CALLS)))
    expected.append({"call_id": "c14", "file": "c14-broken.wav", "kind": "broken", "expect": {}, "status": "failed"})
    with (args.out / "metadata.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (args.out / "expected.jsonl").write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in expected), encoding="utf-8")


if __name__ == "__main__":
    main()
