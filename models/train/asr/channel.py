"""The telephone: 8 kHz band, A-law or µ-law coding, level, line noise, cross-talk. Also whisper's log-mel."""
from functools import lru_cache

import numpy as np
import scipy.fft as fft

RATE = 16000


def decibel(value):
    """Amplitude factor of a level in dB."""
    return 10 ** (value / 20)



@lru_cache(maxsize=1)
def _alaw_table():
    """A-law round trip of every 16-bit sample."""
    pcm = np.arange(-32768, 32768)
    size = np.minimum(np.where(pcm >= 0, pcm, -pcm - 1) >> 3, 4095)
    exponent = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(int) - 4, 0)
    step = np.maximum(exponent, 1)
    value = ((size >> step) << step) + (1 << (step - 1))
    return (np.where(pcm >= 0, value, -value) * 8).astype("float32")


@lru_cache(maxsize=1)
def _mulaw_table():
    """µ-law round trip of every 16-bit sample."""
    pcm = np.arange(-32768, 32768)
    size = np.minimum(np.abs(pcm), 32635) + 132
    exponent = np.floor(np.log2(size)).astype(int) - 7
    value = ((((size >> (exponent + 3)) & 15) << 3) + 132 << exponent) - 132
    return (np.where(pcm >= 0, value, -value)).astype("float32")


def code(wave, law="alaw"):
    """Through the G.711 coder and back, float in and out."""
    table = _alaw_table() if law == "alaw" else _mulaw_table()
    return table[np.clip(np.round(wave * 32768), -32768, 32767).astype(int) + 32768] / 32768


def band(count, low, high, slope=8):
    """Gains of the telephone band for the lower half of a spectrum (0..4 kHz) of `count` bins."""
    freq = np.linspace(0, 4000, count, dtype="float32")
    return 1 / np.sqrt(1 + (low / np.maximum(freq, 1)) ** slope) / np.sqrt(1 + (freq / high) ** (2 * slope))


def resample2(wave, up, limits=None):
    """16 kHz -> 8 kHz (with a band-pass where `limits` names its edges) or back, by FFT with a brick wall at 4 kHz."""
    if up:
        size = fft.next_fast_len(len(wave) + 400, real=True)
        spectrum = fft.rfft(wave, size)
        full = np.zeros(size + 1, spectrum.dtype)
        full[: len(spectrum) - 1] = spectrum[:-1]
        return (fft.irfft(full, size * 2)[: 2 * len(wave)] * 2).astype("float32")
    size = fft.next_fast_len(len(wave) // 2 + 400, real=True)
    spectrum = fft.rfft(wave, size * 2)[: size // 2 + 1]
    if limits:
        spectrum = spectrum * band(len(spectrum), *limits)
    return (fft.irfft(spectrum, size)[: (len(wave) + 1) // 2] * 0.5).astype("float32")


def telephone(wave, rng, noise, law="alaw"):
    """Band, 8 kHz, noise (already scaled, at 16 kHz), coder, back to 16 kHz."""
    edges = (rng.uniform(150, 320), rng.uniform(3300, 3750))
    return resample2(code(resample2(wave + noise, up=False, limits=edges), law), up=True)[: len(wave)]


def hiss(count, level, numbers):
    """Line noise: white with some low hum-like colour, RMS at `level` dBFS."""
    noise = numbers.standard_normal(count, dtype="float32")
    if numbers.random() < 0.5:
        noise[1:] = noise[1:] + 0.7 * noise[:-1]
    return noise * (decibel(level) / (np.sqrt((noise * noise).mean()) + 1e-9))


def channel(wave, rng, numbers, other=None, coded=0.8):
    """A random line: level, cross-talk from `other`, noise, telephone coding on most. 16 kHz in and out."""
    wave = wave * decibel(rng.uniform(-12, 5))
    if other is not None and len(other):
        leak = np.resize(other, len(wave)) * decibel(rng.uniform(-44, -30))
        wave = wave + leak.astype("float32")
    noise = np.zeros(len(wave), "float32")
    if rng.random() < 0.85:
        noise = hiss(len(wave), rng.uniform(-72, -46), numbers)
    if rng.random() < coded:
        return telephone(np.clip(wave, -1, 1), rng, noise, "alaw" if rng.random() < 0.8 else "mulaw")
    return np.clip(wave + noise, -1, 1).astype("float32")


@lru_cache(maxsize=1)
def _mel_filters():
    import torch
    from whisper.audio import mel_filters

    return mel_filters("cpu", 80), torch.hann_window(400)


def log_mel(wave, frames):
    """First `frames` frames (10 ms) of the log-mel that whisper.cpp makes of `wave` followed by 30 s of zeros."""
    import torch

    filters, window = _mel_filters()
    need = min(len(wave) // 160 + 3, frames)
    signal = torch.from_numpy(np.ascontiguousarray(wave, "float32"))
    signal = torch.nn.functional.pad(signal, (0, max(0, need * 160 + 400 - len(wave))))
    power = torch.stft(signal, 400, 160, window=window, return_complex=True)[:, :need].abs() ** 2
    log = torch.clamp(filters @ power, min=1e-10).log10()
    log = torch.nn.functional.pad(log, (0, frames - need), value=-10.0)
    return (torch.maximum(log, log.max() - 8.0) + 4.0) / 4.0
