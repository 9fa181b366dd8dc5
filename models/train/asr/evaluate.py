"""Measure the exported model with whisper.cpp: character error rate with bootstrap interval, timestamp error.

    python models/train/asr/evaluate.py --shared ../shared
    python models/train/asr/evaluate.py --make --shared ../shared --work target/train/asr   (writes the test set, once)

Sets: (a) held-back sentences of the two trained voices, clip by clip and joined to windows of up to 20 and 30 s, (b) a
held-back voice, (c) the bundled demo calls, cut at the times of their scripts and packed into windows of 12, 20 and 30 s,
(d) real read sentences (only where the shared data folder is present).
"""
import argparse
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
import channel
from grammar import Grammar, excluded_sentences, han, held_back, sentences
from recognise import Recogniser, pack

RATE = 16000


def distance(a, b):
    """Edit distance of two strings."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def interval(pairs, seed=1, rounds=2000):
    """CER in % of [(errors, length)] with a 95 % bootstrap interval over the clips."""
    pairs = np.array(pairs, float)
    draws = np.random.default_rng(seed).integers(0, len(pairs), (rounds, len(pairs)))
    rates = pairs[draws, 0].sum(1) / pairs[draws, 1].sum(1) * 100
    return [round(float(v), 2) for v in (pairs[:, 0].sum() / pairs[:, 1].sum() * 100, *np.percentile(rates, [2.5, 97.5]))]


def read(path):
    """All channels at 16 kHz."""
    data, rate = sf.read(path, dtype="float32", always_2d=True)
    if rate == 8000:
        return [channel.resample2(np.ascontiguousarray(c), up=True) for c in data.T]
    if rate != RATE:
        raise SystemExit(f"{path}: {rate} Hz is not expected here")
    return list(data.T)


def make(shared, work, out, seed=31):
    """Write the committed test set: 40 clips of the trained voices, 20 of the held-back one, 8 kHz A-law put into Opus."""
    from speak import Speaker
    from voices import load_bank

    bank = load_bank(shared, work)
    grammar = Grammar(None, excluded_sentences([ROOT / "tests/demo/scripts"]), free=0)
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    speakers = {v: Speaker(bank, v) for v in bank}
    rows = []
    for i in range(60):
        name, voice = ("seen", ("words", "syllables")[i % 2]) if i < 40 else ("held-back-voice", "pinyin")
        role = "agent" if voice == "words" or (voice == "pinyin" and i % 2) else "customer"
        parts, segments, at = [np.zeros(int(0.2 * RATE), "float32")], [], 0.2
        goal = rng.uniform(3, 9)
        while at < goal:
            for text in sentences(grammar.template(role, rng)):
                if han(text) in grammar.excluded or not held_back(text):
                    continue
                said = speakers[voice].say(text, rng)
                if said is None:
                    continue
                length = len(said[0]) / RATE
                gap = rng.uniform(0.27, 0.5)
                parts += [said[0], np.zeros(int(gap * RATE), "float32")]
                segments.append([round(at, 3), round(at + length, 3), text])
                at += length + gap
        wave = np.concatenate(parts)
        noise = channel.hiss(len(wave), rng.uniform(-62, -52), numbers)
        line = channel.resample2(wave + noise, up=False, limits=(rng.uniform(200, 300), rng.uniform(3350, 3600)))
        file = f"{name}-{i % 40:02d}.opus"
        sf.write(out / file, channel.code(line), 8000, format="OGG", subtype="OPUS", compression_level=0.97)
        rows.append({"file": file, "set": name, "voice": voice, "text": "".join(s[2] for s in segments), "segments": segments})
    (out / "manifest.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    print(f"{len(rows)} clips, {sum(p.stat().st_size for p in out.iterdir())/1e6:.2f} MB")


def clips(folder):
    """The committed test set: {set: [(name, windows, text, segments)]}."""
    sets = {}
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sets.setdefault(row["set"], []).append((row["file"], [read(folder / row["file"])[0]], row["text"], row["segments"]))
    return sets


def joined(entries, longest):
    """The same clips put together, each voice for itself, to windows of at most `longest` seconds."""
    out, gap = [], np.zeros(int(0.3 * RATE), "float32")
    for parity in (0, 1):  # the voices alternate
        wave, text, segments, names = [], "", [], []
        for name, (clip,), said, spans in [*entries[parity::2], (None, (None,), "", [])]:
            length = sum(map(len, wave))
            if wave and (name is None or (length + len(clip)) / RATE > longest):
                out.append((" ".join(names), [np.concatenate(wave[:-1])], text, segments))
                wave, text, segments, names, length = [], "", [], [], 0
            if name is not None:
                segments = segments + [[a + length / RATE, b + length / RATE, t] for a, b, t in spans]
                wave, text, names = [*wave, clip, gap], text + said, [*names, name]
    return out


def demo(folder, longest):
    """The demo calls: one entry for each channel, packed into windows; mono and fake stereo are taken once."""
    out = []
    for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["status"] != "ok":
            continue
        turns = [json.loads(t) for t in (folder / "scripts" / f"{row['call_id']}.jsonl").read_text(encoding="utf-8").splitlines()]
        waves = read(folder / "recordings" / row["file"])
        mixed = len(waves) == 1 or np.array_equal(waves[0], waves[1])
        for wave, role in [(waves[0], None)] if mixed else zip(waves, ("agent", "customer")):
            mine = [t for t in turns if role in (None, t["role"])]
            spans = [(t["start_ms"] / 1000, t["end_ms"] / 1000) for t in mine]
            out.append((f"{row['call_id']} {role or 'both'}", pack(wave, spans, longest), "".join(t["text"] for t in mine), None))
    return out


def real(folder):
    """Real read sentences."""
    rows = (json.loads(line) for line in (folder / "manifest.jsonl").open(encoding="utf-8"))
    return [(r["file"], [read(folder / r["file"])[0]], r["text"], None) for r in rows]


def measure(recogniser, entries, verbose):
    """CER of a set, and differences of segment starts and ends where the number of segments is right."""
    pairs, shifts, seconds, spent = [], [], 0.0, 0.0
    for name, windows, text, segments in entries:
        begin = time.time()
        found = [part for window in windows for part in recogniser.window(window)]
        spent += time.time() - begin
        seconds += sum(map(len, windows)) / RATE
        heard, said = han("".join(part[2] for part in found)), han(text)
        pairs.append((distance(said, heard), len(said)))
        if segments and len(found) == len(segments):
            shifts += [abs(f[k] - s[k]) for f, s in zip(found, segments) for k in (0, 1)]
        if verbose:
            print(f"{name}: {pairs[-1][0]}/{pairs[-1][1]}\n  said  {text}\n  heard {''.join(part[2] for part in found)}", flush=True)
    rate, low, high = interval(pairs)
    figures = {"clips": len(pairs), "characters": sum(p[1] for p in pairs), "cer_percent": rate, "interval_95": [low, high]}
    figures["audio_seconds"], figures["real_time_factor"] = round(seconds, 1), round(spent / seconds, 3)
    if shifts:
        figures["timestamp_median_error_ms"], figures["timestamps"] = round(float(np.median(shifts)) * 1000), len(shifts)
    return figures


def main():
    """Parse the arguments, measure, print, write figures.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models/whisper-mini-zh/ggml-model-q8_0.bin")
    parser.add_argument("--eval", type=Path, default=ROOT / "models/whisper-mini-zh/eval")
    parser.add_argument("--demo", type=Path, default=ROOT / "tests/demo")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"))
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    parser.add_argument("--sets", default="seen,seen-20s,seen-30s,held-back-voice,demo,demo-20s,demo-30s,real")
    parser.add_argument("--limit", type=int, help="at most this many clips of each set")
    parser.add_argument("--make", action="store_true", help="write the test set instead")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    if args.make:
        return make(args.shared, args.work, args.eval)
    sets = clips(args.eval) if (args.eval / "manifest.jsonl").exists() else {}
    for seconds in (20.0, 30.0):
        if "seen" in sets:
            sets[f"seen-{seconds:.0f}s"] = joined(sets["seen"], seconds)
    sets["demo"] = demo(args.demo, 12.0)
    sets["demo-20s"], sets["demo-30s"] = demo(args.demo, 20.0), demo(args.demo, 30.0)
    speech = args.shared / "data/speech/aishell_S0252"
    if (speech / "manifest.jsonl").exists() and "real" in args.sets:
        sets["real"] = real(speech)
    recogniser, figures = Recogniser(args.model), {}
    for name in args.sets.split(","):
        if name not in sets:
            print(f"{name}: data not present, left out")
            continue
        figures[name] = measure(recogniser, sets[name][: args.limit], args.verbose)
        f = figures[name]
        stamps = f", timestamps off by {f['timestamp_median_error_ms']} ms (median of {f['timestamps']})" if "timestamps" in f else ""
        print(f"{name}: CER {f['cer_percent']:.1f} % [{f['interval_95'][0]:.1f}, {f['interval_95'][1]:.1f}], {f['clips']} clips, {f['characters']} characters, RTF {f['real_time_factor']:.3f}{stamps}", flush=True)
    if args.out:
        args.out.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
