"""Build the bank of recorded units (words and syllables) that the training speech is joined from.

Three human voices are read from the shared data folder, trimmed, brought to one level and to one conversational
pace (WSOLA by sox over the whole voice at once, so that unit offsets scale exactly). A fourth, made by espeak-ng where it
is installed, gives a little variety. The result is one pickle: ``{voice: {unit: float16 waveform at 16 kHz}}``.

    python models/train/asr/voices.py --shared ../shared --work target/train/asr
"""
import argparse
import math
import pickle
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import resample_poly

RATE = 16000
# Pace factor for each voice: the recordings are slow citations, the factors bring them to about 4-5 characters a second.
TEMPO = {"words": 1.45, "syllables": 1.9, "pinyin": 2.7}


def load_unit(path):
    """Read one recording: mono, 16 kHz, trimmed to its sound, RMS 0.06. None when it holds next to nothing."""
    wave, rate = sf.read(path, dtype="float32")
    if wave.ndim > 1:
        wave = wave.mean(1)
    if rate != RATE:
        div = math.gcd(rate, RATE)
        wave = resample_poly(wave, RATE // div, rate // div).astype("float32")
    energy = np.convolve(wave * wave, np.ones(160) / 160, "same")
    loud = np.where(energy > max(energy.max() * 2e-3, 1e-7))[0]
    if len(loud) < 400:
        return None
    wave = wave[max(0, loud[0] - 160) : min(len(wave), loud[-1] + 320)]
    wave = wave * (0.06 / (np.sqrt((wave * wave).mean()) + 1e-6))
    return np.clip(wave, -1, 1)


def unit_name(path):
    """`cmn-你好.mp3` -> `你好`, `ma3.mp3` -> `ma3`."""
    name = unicodedata.normalize("NFC", path.stem)
    return name[4:] if name.startswith("cmn-") else name


def change_pace(units, factor, work):
    """Speed up all units of a voice at once; offsets are scaled by the measured ratio."""
    gap = np.zeros(2400, "float32")
    parts, spans, at = [], [], 0
    for wave in units.values():
        parts += [wave, gap]
        spans.append((at, at + len(wave)))
        at += len(wave) + len(gap)
    joined = np.concatenate(parts)
    source, target = work / "pace_in.wav", work / "pace_out.wav"
    sf.write(source, joined, RATE, subtype="PCM_16")
    subprocess.check_call(["sox", str(source), str(target), "tempo", "-s", str(factor)])
    fast, _ = sf.read(target, dtype="float32")
    ratio = len(fast) / len(joined)
    source.unlink()
    target.unlink()
    return {
        key: fast[max(0, int(a * ratio) - 80) : int(b * ratio) + 80].astype("float16")
        for key, (a, b) in zip(units, spans)
    }


def synthetic(names, work):
    """The syllables as espeak-ng says them; nothing where it is not installed."""
    units, target = {}, work / "espeak.wav"
    if shutil.which("espeak-ng") is None:
        print("espeak-ng is not installed: its voice is left out")
        return units
    for name in names:
        if re.fullmatch("[a-zü]+[1-5]", name):
            text = name.replace("v", "ü")
            subprocess.check_call(["espeak-ng", "-v", "cmn-latn-pinyin", "-s", "170", "-w", str(target), text])
            wave = load_unit(target)
            if wave is not None:
                units[name] = wave.astype("float16")
    target.unlink(missing_ok=True)
    return units


def build(shared, work):
    """Read all voices and write `bank.pkl`."""
    bank = {}
    for voice, factor in TEMPO.items():
        units = {}
        for path in sorted((shared / "voices" / voice).glob("*.mp3")):
            try:
                wave = load_unit(path)
            except sf.LibsndfileError as error:
                print(f"skipped {path.name}: {error}")
                continue
            if wave is not None:
                units[unit_name(path)] = wave
        bank[voice] = change_pace(units, factor, work)
        minutes = sum(map(len, bank[voice].values())) / RATE / 60
        print(f"{voice}: {len(units)} units, {minutes:.1f} minutes at pace {factor}", flush=True)
    bank["espeak"] = synthetic(bank["syllables"], work)
    minutes = sum(map(len, bank["espeak"].values())) / RATE / 60
    print(f"espeak: {len(bank['espeak'])} units, {minutes:.1f} minutes", flush=True)
    with open(work / "bank.pkl", "wb") as out:
        pickle.dump(bank, out, protocol=4)


def load_bank(shared, work):
    """The bank, built on first use."""
    path = Path(work) / "bank.pkl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        build(Path(shared), Path(work))
    with open(path, "rb") as file:
        return pickle.load(file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds voices/ and data/")
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"), help="working folder")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    build(args.shared, args.work)
