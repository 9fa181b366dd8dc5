"""The telephone: room, level, cross-talk, line noise, 8 kHz band, A-law, µ-law or AMR coding. Also whisper's log-mel."""
import ctypes
from ctypes.util import find_library
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


@lru_cache(maxsize=1)
def _amr():
    """The AMR narrow-band coder (opencore-amr), None where the library is not installed."""
    name = find_library("opencore-amrnb")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.Encoder_Interface_init.restype = library.Decoder_Interface_init.restype = ctypes.c_void_p
    library.Encoder_Interface_Encode.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.Decoder_Interface_Decode.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.Encoder_Interface_exit.argtypes = library.Decoder_Interface_exit.argtypes = [ctypes.c_void_p]
    return library


def amr(wave, mode=7):
    """8 kHz through AMR-NB and back, modes 0 (4.75 kbit/s) to 7 (12.2 kbit/s); the coder's delay of 5 ms stays."""
    library = _amr()
    if library is None:
        return code(wave)
    size = (len(wave) + 159) // 160
    pcm = np.zeros(size * 160, "int16")
    pcm[: len(wave)] = np.clip(np.round(wave * 32768), -32768, 32767)
    out, packet = np.zeros_like(pcm), ctypes.create_string_buffer(64)
    coder, decoder = library.Encoder_Interface_init(0), library.Decoder_Interface_init()
    for at in range(0, size * 320, 320):
        library.Encoder_Interface_Encode(coder, mode, pcm.ctypes.data + at, packet, 0)
        library.Decoder_Interface_Decode(decoder, packet, out.ctypes.data + at, 0)
    library.Encoder_Interface_exit(coder)
    library.Decoder_Interface_exit(decoder)
    return out[: len(wave)].astype("float32") / 32768


def room(wave, seconds, level, numbers):
    """Adds the echo of a small room: noise that decays by 60 dB within `seconds`, `level` dB beside the direct sound."""
    count = int(seconds * RATE)
    answer = numbers.standard_normal(count, dtype="float32") * 10 ** (-3 * np.arange(count, dtype="float32") / count)
    answer[: RATE // 500] = 0
    answer *= decibel(level) / (np.sqrt((answer * answer).sum()) + 1e-9)
    size = fft.next_fast_len(len(wave) + count, real=True)
    echo = fft.irfft(fft.rfft(wave, size) * fft.rfft(answer, size), size)[: len(wave)]
    return (wave + echo).astype("float32")


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


def resample(wave, factor):
    """As many samples times `factor`, by cutting or padding the spectrum; with the rate kept, slower and lower above 1."""
    if abs(factor - 1) < 1e-9:
        return wave
    count = round(len(wave) * factor)
    spectrum, out = fft.rfft(wave), np.zeros(count // 2 + 1, complex)
    shared = min(len(out), len(spectrum))
    out[:shared] = spectrum[:shared]
    return (fft.irfft(out, count) * factor).astype("float32")


def telephone(wave, rng, noise, coder="alaw"):
    """Band, 8 kHz, noise (already scaled, at 16 kHz), coder (alaw, mulaw or an AMR mode), back to 16 kHz."""
    edges = (rng.uniform(150, 320), rng.uniform(3300, 3750))
    line = resample2(wave + noise, up=False, limits=edges)
    line = amr(line, coder) if isinstance(coder, int) else code(line, coder)
    return resample2(line, up=True)[: len(wave)]


def hiss(count, level, numbers):
    """Line noise: white with some low hum-like colour, RMS at `level` dBFS."""
    noise = numbers.standard_normal(count, dtype="float32")
    if numbers.random() < 0.5:
        noise[1:] = noise[1:] + 0.7 * noise[:-1]
    return noise * (decibel(level) / (np.sqrt((noise * noise).mean()) + 1e-9))


def channel(wave, rng, numbers, other=None, coded=0.8):
    """A random line: room, level, cross-talk from `other`, noise, telephone coding on most. 16 kHz in and out."""
    if rng.random() < 0.2:
        wave = room(wave, rng.uniform(0.1, 0.45), rng.uniform(-18, -4), numbers)
    wave = wave * decibel(rng.uniform(-12, 5))
    if other is not None and len(other):
        leak = np.resize(other, len(wave)) * decibel(rng.uniform(-44, -30))
        wave = wave + leak.astype("float32")
    noise = np.zeros(len(wave), "float32")
    if rng.random() < 0.85:
        noise = hiss(len(wave), rng.uniform(-72, -46), numbers)
    if rng.random() >= coded:
        return np.clip(wave + noise, -1, 1).astype("float32")
    kind = rng.random()
    coder = rng.choice((7, 7, 7, 5, 4, 2)) if kind < 0.15 else "mulaw" if kind < 0.3 else "alaw"
    return telephone(np.clip(wave, -1, 1), rng, noise, coder)


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
