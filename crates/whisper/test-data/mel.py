#!/usr/bin/env python3
"""Writes mel.json: log-mel features of a made-up signal by OpenAI's mel filters, for the test in src/mel.rs.

    python3 crates/whisper/test-data/mel.py mel_filters.npz > crates/whisper/test-data/mel.json

mel_filters.npz lies in whisper/assets/ of the package openai-whisper (20250625). The steps are those of
whisper/audio.py, log_mel_spectrogram, in NumPy: 30 s window, periodic Hann, centred frames, the last one left out.
"""

import json
import sys

import numpy as np

FRAMES = [0, 1, 2, 9, 10, 57, 99, 100, 148, 149, 150, 151, 152, 199]


def signal():
    at = np.arange(24000, dtype=np.int64)
    return (((at * at * 7 + at * 131) % 6000 - 3000) * (at // 1600 % 3) / 32768).astype(np.float32)


def log_mel(samples, filters):
    padded = np.pad(np.pad(samples.astype(np.float64), (0, 480000 - len(samples))), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1]
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    values = np.log10(np.maximum(filters @ power.T, 1e-10))
    return (np.maximum(values, values.max() - 8.0) + 4.0) / 4.0


def main():
    filters = np.load(sys.argv[1])
    features = {str(bands): log_mel(signal(), filters[f"mel_{bands}"]) for bands in (80, 128)}
    rows = {}
    for bands, values in features.items():
        rows[bands] = [[round(float(value), 5) for value in values[:, frame]] for frame in FRAMES]
    print(json.dumps({"frames": FRAMES, "features": rows}))


if __name__ == "__main__":
    main()
