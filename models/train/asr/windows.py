"""Training examples: windows as the recogniser will meet them, with tokens, frame labels and attention spans.

A window holds one or several sentences of one channel (sometimes of both voices), packed with short gaps. Its encoder
context is the one the Rust side asks for: ceil8(50 * seconds + 128) frames, at least 384, at most 1500.
"""
import math
import random

import numpy as np
import torch
import whisper

import channel
from grammar import HAN, sentences
from speak import Speaker, split_syllable, syllables

RATE = 16000
TOKENS = whisper.tokenizer.get_tokenizer(True, language="zh", task="transcribe")
START, EOT, NO_TIMES, TIME0 = list(TOKENS.sot_sequence), TOKENS.eot, TOKENS.no_timestamps, TOKENS.timestamp_begin
NO_SPEECH = TOKENS.no_speech


def context(seconds):
    """Encoder frames (20 ms) for a window of this length: the formula of the Rust side."""
    return min(1500, max(384, math.ceil((50 * seconds + 128) / 8) * 8))


class Frames:
    """Frame labels: syllable -> classes of initial, final and tone. Class 0 of each is silence."""

    def __init__(self, bank):
        names = {s for w in bank["words"] if len(w) < 4 for s in syllables(w)} | set(bank["syllables"]) | set(bank["pinyin"])
        self.names = sorted(names)
        self.index = {name: i + 1 for i, name in enumerate(self.names)}
        split = [("sil", "sil", "sil")] + [split_syllable(name) for name in self.names]
        self.values = [sorted({s[k] for s in split}) for k in range(3)]
        self.sizes = [len(v) for v in self.values]
        self.classes = torch.tensor([[self.values[k].index(s[k]) for k in range(3)] for s in split])


class Source:
    """Draws windows. `voices` names the voice of each role."""

    def __init__(self, bank, grammar, seed):
        self.rng, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.voices = {"agent": Speaker(bank, "words"), "customer": Speaker(bank, "syllables")}
        if bank.get("espeak"):
            self.voices["espeak"] = Speaker(bank, "espeak")
        self.grammar, self.frames, self.last = grammar, Frames(bank), np.zeros(0, "float32")

    def spoken(self, limit):
        """Sentences with waveforms and gaps that fit into `limit` seconds: (wave, [(start, end, text, spans)])."""
        rng = self.rng
        role = rng.choice(["agent", "customer"])
        other, mixed = ("customer" if role == "agent" else "agent"), rng.random() < 0.15
        if "espeak" in self.voices and rng.random() < 0.06:
            role = "espeak"
        packed = rng.random() < 0.5  # every sentence a piece of its own, as the packer joins them
        lead = 0.2 if packed else rng.uniform(0.0, 0.45) if rng.random() < 0.9 else rng.uniform(0, 0.9)
        parts, segments, at = [np.zeros(int(lead * RATE), "float32")], [], lead
        target = rng.uniform(limit * 0.45, limit)
        tries = 0
        while tries < 6 and at < target:
            voice = other if mixed and rng.random() < 0.5 else role
            persona = voice if voice != "espeak" and rng.random() < 0.93 else rng.choice(("customer", "agent"))
            level = channel.decibel(rng.uniform(-3, 3)) if mixed else 1.0
            for text in sentences(self.grammar.sentence(persona, rng)):
                said = self.voices[voice].say(text, rng)
                if said is None or at + len(said[0]) / RATE > limit - 0.1:
                    tries += 1
                    break
                length = len(said[0]) / RATE
                segments.append((at, at + length, text, said[1]))
                gap = rng.uniform(0.25, 0.7) if rng.random() < 0.9 else rng.uniform(0.7, 1.5)
                gap = rng.uniform(0.55, 0.8) if packed and rng.random() < 0.7 else gap
                parts += [said[0] * level, np.zeros(int(gap * RATE), "float32")]
                at += length + gap
        wave = np.concatenate(parts)
        tail = at - (segments[-1][1] if segments else 0)
        cut = rng.uniform(0, max(0.0, tail - 0.05)) if segments else 0
        return wave[: int((at - cut) * RATE)], segments

    def window(self, limit):
        """One example: (wave, token ids, attention spans, frame labels)."""
        rng = self.rng
        if rng.random() < 0.03:
            wave, segments = np.zeros(int(rng.uniform(0.5, limit) * RATE), "float32"), []
        else:
            wave, segments = self.spoken(limit)
            while not segments:
                wave, segments = self.spoken(limit)
        clean = wave
        leak = self.last if rng.random() < 0.25 else None
        wave = channel.channel(wave, rng, self.numbers, leak)
        if segments and rng.random() < 0.4:  # the packer puts digital silence into its gaps
            keep = np.zeros(len(wave), "float32")
            for a, b, _, _ in segments:
                keep[max(0, int((a - 0.2) * RATE)) : int((b + 0.2) * RATE)] = 1
            wave = wave * keep
        if segments:
            self.last = clean
        return (wave, *self.targets(segments), self.labels(segments))

    def labels(self, segments):
        """Syllable class of each 20 ms frame up to the end of the window; 0 is silence."""
        out = np.zeros(1500, "int64")
        for start, _, _, spans in segments:
            for a, b, name in spans:
                first = int(start * 50 + a / 320)
                out[first : max(int(start * 50 + b / 320), first + 1)] = self.frames.index.get(name, 0)
        return out

    def targets(self, segments):
        """Token ids from the start token on, and for each the frames where it is spoken (-1 where nowhere)."""
        times = self.rng.random() < 0.55
        ids, spans = list(START), [(-1, -1)] * len(START)

        def stamp(seconds):
            ids.append(TIME0 + round(seconds * 50))
            spans.append((max(0, int(seconds * 50) - 3), int(seconds * 50) + 4))

        if not times:
            ids.append(NO_TIMES)
            spans.append((-1, -1))
        elif not segments:
            ids.append(TIME0)
            spans.append((-1, -1))
        for start, end, text, joins in segments:
            if times:
                stamp(start)
            owner, k = [], -1
            for char in text:
                spoken = bool(HAN.match(char))
                k += spoken
                owner += [k if spoken else None] * len(char.encode())
            at = 0
            for token in TOKENS.encode(text):
                size = len(TOKENS.encoding.decode_single_token_bytes(token))
                own = [z for z in owner[at : at + size] if z is not None]
                at += size
                ids.append(token)
                if own and own[-1] < len(joins):
                    first, last = joins[own[0]][0], joins[own[-1]][1]
                    spans.append((int(start * 50 + first / 320), int(start * 50 + last / 320) + 1))
                else:
                    spans.append((-1, -1))
            if times:
                stamp(end)
        ids.append(EOT)
        spans.append((-1, -1))
        return ids, spans

    def batch(self, limit, count, full=False):
        """A batch of windows: dict of tensors. `full` gives the whole 30 s context."""
        rows = [self.window(limit) for _ in range(count)]
        seconds = max(len(row[0]) for row in rows) / RATE
        size = 1500 if full else context(seconds)
        mel = torch.stack([channel.log_mel(row[0], size * 2) for row in rows])
        for m in mel:
            if self.rng.random() < 0.3:
                height = self.rng.randint(1, 8)
                low = self.rng.randint(0, 80 - height)
                m[low : low + height] = m.min()
        longest = max(len(row[1]) for row in rows)
        ids = torch.full((count, longest), EOT)
        mask = torch.zeros(count, longest, dtype=torch.bool)
        spans = torch.full((count, longest, 2), -1)
        for i, row in enumerate(rows):
            ids[i, : len(row[1])] = torch.tensor(row[1])
            mask[i, : len(row[1])] = True
            spans[i, : len(row[2])] = torch.tensor(row[2])
        labels = torch.stack([torch.from_numpy(row[3][:size]) for row in rows])
        return {"mel": mel, "ids": ids, "mask": mask, "spans": spans, "labels": labels}
