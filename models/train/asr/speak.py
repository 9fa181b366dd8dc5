"""Join recorded units into sentences; every join is known, so each syllable comes with its span in samples."""
import logging
import re
from functools import lru_cache

import jieba
import numpy as np
from pypinyin import Style, pinyin

from grammar import HAN, han

jieba.setLogLevel(logging.ERROR)
RATE = 16000
INITIALS = "zh ch sh b p m f d t n l g k h j q x r z c s y w".split()


@lru_cache(maxsize=200_000)
def syllables(text):
    """Toned syllables of a text of Chinese characters, neutral tone as 5: ('ni3', 'hao3')."""
    return tuple(p[0] for p in pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True, errors="ignore"))


def split_syllable(syllable):
    """'zhong1' -> ('zh', 'ong', '1')."""
    tone = syllable[-1] if syllable[-1] in "12345" else "5"
    body = syllable.rstrip("12345").replace("v", "ü")
    for initial in INITIALS:
        if body.startswith(initial):
            return initial, body[len(initial) :] or "-", tone
    return "-", body, tone


class Speaker:
    """Says Chinese text with one voice of the bank."""

    def __init__(self, bank, voice, pitch=0.03):
        self.units, self.pitch = bank[voice], pitch
        self.by_word = voice == "words"
        self.sounds = {}
        if self.by_word:
            for word in self.units:
                if len(word) == 1 and HAN.fullmatch(word):
                    self.sounds.setdefault(syllables(word)[0], self.units[word])
            for word, unit in self.units.items():  # sounds that no single character has: cut out of a word
                said = syllables(word) if len(han(word)) == len(word) else ()
                for i, syllable in enumerate(said if len(said) == len(word) else ()):
                    share = len(unit) // len(said)
                    self.sounds.setdefault(syllable, unit[i * share : (i + 1) * share])
        else:
            self.sounds = self.units
        self.clause = lru_cache(maxsize=50_000)(self._clause)

    def _sound(self, syllable):
        """The unit of a syllable; another tone where the bank has none."""
        base = {"n": "en", "ng": "en", "m": "en"}.get(syllable.rstrip("12345"), syllable.rstrip("12345"))
        for name in (base, base.replace("ü", "v")):
            for tone in syllable[-1:] + "1234":
                if name + tone in self.sounds:
                    return self.sounds[name + tone]
        return None

    def _clause(self, text):
        """Units of a run of characters: [(waveform, syllables)], None where a sound is missing."""
        spoken = syllables(text)
        if len(spoken) != len(text):
            return None
        if not self.by_word:
            out = [(self._sound(s), (s,)) for s in spoken]
            return None if any(u is None for u, _ in out) else out
        out, at = [], 0
        for word in jieba.cut(text):
            said = spoken[at : at + len(word)]
            at += len(word)
            if word in self.units and syllables(word) == said:
                out.append((self.units[word], said))
                continue
            for char, syllable in zip(word, said):
                same = char in self.units and syllables(char)[0] == syllable
                unit = self.units[char] if same else self._sound(syllable)
                if unit is None and char in self.units:
                    unit = self.units[char]
                if unit is None:
                    return None
                out.append((unit, (syllable,)))
        return out

    def say(self, text, rng):
        """One sentence -> (float32 waveform, [(start, end, syllable)] in samples), None where it cannot be said."""
        parts, spans, at = [], [], 0
        for part in re.split("([，。？、])", text):
            if not part:
                continue
            if part in "，、":
                pause = rng.randint(1200, 3600)
                parts.append(np.zeros(pause, "float32"))
                at += pause
                continue
            units = self.clause(han(part))
            if units is None:
                return None
            wave = np.zeros(0, "float32")
            for unit, said in units:
                unit = unit.astype("float32")
                lap = min(rng.randint(80, 400), len(wave) // 3, len(unit) // 3)
                if lap > 0:
                    fade = np.linspace(0, 1, lap, dtype="float32")
                    wave = np.concatenate([wave[:-lap], wave[-lap:] * (1 - fade) + unit[:lap] * fade, unit[lap:]])
                else:
                    wave = np.concatenate([wave, unit])
                start, share = at + len(wave) - len(unit), len(unit) / len(said)
                spans += [(start + share * i, start + share * (i + 1), s) for i, s in enumerate(said)]
            parts.append(wave)
            at += len(wave)
        if not spans:
            return None
        wave, rate = np.concatenate(parts), rng.uniform(1 - self.pitch, 1 + self.pitch)
        wave = np.interp(np.arange(int(len(wave) / rate)) * rate, np.arange(len(wave)), wave).astype("float32")
        return wave, [(a / rate, b / rate, s) for a, b, s in spans]
