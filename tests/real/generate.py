"""Make stereo telephone calls of real read Mandarin, with references. Deterministic by seed.

    python tests/real/generate.py --shared ../shared                          the two calls and the noises of `make test`
    python tests/real/generate.py --shared ../shared --set big --out target/real   ten calls, 20 minutes, for `make eval`

Agent and customer each have a channel. They read AISHELL sentences (ATTRIBUTION.md) in turns of one to three, with pauses,
answers that come late and answers that come too early; nobody ever made these calls. The agent is one speaker. The
customer is the same speaker at another pitch and pace (resampled), and in some turns another of twenty speakers. Each clip
is used once. Line: band of 300 to 3400 Hz, 8 kHz, levels that differ, noise, cross-talk, A-law.

References: one JSON object per turn, in `references.jsonl`: file, channel, start_ms and end_ms of the sound, text, clips.
`noises.wav` holds what is no speech, one sound after the other; `noises.jsonl` says where which begins.
"""
import argparse
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "models/train/asr")]
import channel
from channel import resample
from noises import NOISES, RATE as LINE_RATE

RATE = 16000
BAND = (300, 3400)
SETS = {"test": {"calls": 2, "seconds": 110}, "big": {"calls": 10, "seconds": 124}}


class Clips:
    """The clips of a folder with manifest.jsonl, each handed out once, in an order that the seed decides."""

    def __init__(self, folder, rng):
        lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        self.folder, self.left = folder, [json.loads(line) for line in lines]
        # A text that is read twice would be two chances for one error.
        self.left = list({clip["text"]: clip for clip in self.left}.values())
        rng.shuffle(self.left)

    def take(self):
        """(clip, its wave without the silence around it, 16 kHz)."""
        clip = self.left.pop()
        wave, rate = sf.read(self.folder / clip["file"], dtype="float32")
        return clip, trim(resample(wave, RATE / rate))


def trim(wave, keep_ms=50):
    """From the first to the last sound of 50 ms that stands out of the clip's own noise, with a rim; peak 1."""
    frame, rim = RATE // 100, RATE * keep_ms // 1000
    count = len(wave) // frame
    level = 20 * np.log10(np.sqrt((wave[: count * frame].reshape(count, frame) ** 2).mean(1)) + 1e-6)
    loud = level > max(np.percentile(level, 10) + 10, level.max() - 34)
    steady = np.flatnonzero(np.convolve(loud, np.ones(5), "valid") == 5)
    wave = wave[max(0, steady[0] * frame - rim) : (steady[-1] + 5) * frame + rim]
    return wave / np.abs(wave).max()


def say(own, others, factor, rng):
    """One turn: (wave, text, clip names). One clip of another speaker where `others` says so, up to three of the own."""
    parts, texts, names = [], [], []
    for _ in range(1 if others else rng.choice((1, 1, 2, 2, 3))):
        clip, wave = (others or own).take()
        parts += [wave if others else resample(wave, factor), np.zeros(int(rng.uniform(0.15, 0.5) * RATE), "float32")]
        texts.append(clip["text"])
        names.append(Path(clip["file"]).stem)
    return np.concatenate(parts[:-1]), "".join(texts), names


def gap(rng):
    """Seconds from one speaker's end to the other's start: mostly short, sometimes long, sometimes before the end."""
    kind = rng.random()
    if kind < 0.12:
        return -rng.uniform(0.3, 1.2)
    return rng.uniform(1.5, 4.0) if kind > 0.9 else rng.uniform(0.2, 1.0)


def perform(seconds, own, others, count, rng):
    """A call of about `seconds`: both clean channels at 16 kHz, and the turns."""
    factor = rng.choice((rng.uniform(0.9, 0.94), rng.uniform(1.07, 1.12)))
    placed, at, speaker = [], rng.uniform(0.6, 1.5), 0
    strangers = seconds / (count + 1)
    while at < seconds - 4:
        stranger = speaker == 1 and others.left and at > strangers
        strangers += seconds / (count + 1) if stranger else 0
        wave, text, names = say(own, others if stranger else None, factor if speaker else 1, rng)
        placed.append((speaker, at, wave * channel.decibel(rng.uniform(-3, 0)), text, names))
        end = at + len(wave) / RATE
        # On one channel turns stay apart, also where an answer came early.
        last = max((start + len(w) / RATE for who, start, w, *_ in placed if who != speaker), default=0)
        at, speaker = max(end + gap(rng), last + 0.6), 1 - speaker
    length = int((max(start + len(wave) / RATE for _, start, wave, *_ in placed) + rng.uniform(0.5, 1.2)) * RATE)
    lines = [np.zeros(length, "float32") for _ in range(2)]
    for speaker, start, wave, *_ in placed:
        first = int(start * RATE)
        lines[speaker][first : first + len(wave)] += wave
    turns = [
        {"channel": who, "start_ms": round(start * 1000), "end_ms": round((start + len(wave) / RATE) * 1000), "text": text, "clips": names}
        for who, start, wave, text, names in placed
    ]
    return lines, turns


def record(lines, path, rng, numbers):
    """Level, cross-talk, noise, band and coder; writes the stereo A-law file."""
    lines = [line * channel.decibel(rng.uniform(-14, -4)) for line in lines]
    sides = []
    for own, other in (lines, lines[::-1]):
        heard = own + channel.decibel(rng.uniform(-50, -40)) * other + channel.hiss(len(own), rng.uniform(-62, -54), numbers)
        sides.append(channel.resample2(heard, up=False, limits=BAND))
    sf.write(path, np.clip(np.stack(sides, 1), -1, 1), LINE_RATE, subtype="ALAW", format="WAV")


def calls(args):
    """Writes calls and references."""
    size, order = SETS[args.set], random.Random(f"{args.seed}-{args.set}")
    speech = args.shared / "data/speech"
    own, others = Clips(speech / "aishell_S0252", order), Clips(speech / "aishell_clips", order)
    count, references = len(others.left) // size["calls"], []
    for number in range(1, size["calls"] + 1):
        rng, numbers = random.Random(f"{args.seed}-{number}"), np.random.default_rng(args.seed * 100 + number)
        lines, turns = perform(size["seconds"], own, others, count, rng)
        file = f"real{number:02}.wav"
        record(lines, args.out / file, rng, numbers)
        references += [{"file": file, **turn} for turn in turns]
        print(f"{file}: {len(lines[0]) / RATE:.1f} s, {len(turns)} turns, {sum(len(t['text']) for t in turns)} characters", flush=True)
    write_lines(args.out / "references.jsonl", references)


def write_lines(path, rows):
    """One JSON object per line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def noises(args):
    """Writes the sounds that are no speech, each 5 s and more, with a second of line noise between them, on two channels."""
    numbers = np.random.default_rng(args.seed)
    sides, rows = [[], []], []
    for index, (name, make) in enumerate(NOISES.items()):
        side = sides[index % 2]
        at = sum(map(len, side))
        side += [make(numbers), np.zeros(LINE_RATE)]
        rows.append({"file": "noises.wav", "channel": index % 2, "sound": name, "start_ms": at * 1000 // LINE_RATE})
    length = max(sum(map(len, side)) for side in sides)
    heard = [np.concatenate([*side, np.zeros(length - sum(map(len, side)))]) + 0.0008 * numbers.standard_normal(length) for side in sides]
    sf.write(args.out / "noises.wav", np.clip(np.stack(heard, 1), -1, 1), LINE_RATE, subtype="ALAW", format="WAV")
    write_lines(args.out / "noises.jsonl", rows)


def main():
    """Write the set below the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/speech/")
    parser.add_argument("--set", choices=SETS, default="test", help="two calls and the noises, or ten calls")
    parser.add_argument("--out", type=Path, default=HERE / "calls")
    parser.add_argument("--seed", type=int, default=16)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    calls(args)
    if args.set == "test":
        noises(args)
    elif HERE not in args.out.resolve().parents:
        shutil.copy(HERE / "ATTRIBUTION.md", args.out)


if __name__ == "__main__":
    main()
