"""Sounds of a telephone line that are no speech, at 8 kHz. Each takes a random generator and gives samples within ±1."""
import numpy as np

RATE = 8000
DTMF = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "#": (941, 1477)}


def _time(seconds):
    return np.arange(int(seconds * RATE)) / RATE


def _cadence(seconds, on, off, frequency=450.0):
    t = _time(seconds)
    return 0.25 * np.sin(2 * np.pi * frequency * t) * (t % (on + off) < on)


def ring_back(_):
    """Ring-back tone of mainland China: 450 Hz, 1 s on, 4 s off."""
    return _cadence(11, 1.0, 4.0)


def busy(_):
    """Busy tone: 450 Hz, 0.35 s on, 0.35 s off."""
    return _cadence(7, 0.35, 0.35)


def dtmf(_):
    """Eight keys, 120 ms each."""
    t = _time(0.12)
    keys = [0.2 * sum(np.sin(2 * np.pi * f * t) for f in DTMF[key]) for key in "1595#915"]
    return np.concatenate([part for key in keys for part in (key, np.zeros(RATE // 5))] * 2)


def hum(numbers):
    """Mains: 50 Hz with its overtones."""
    t = _time(6)
    return sum(0.12 / n * np.sin(2 * np.pi * 50 * n * t + numbers.uniform(0, 6)) for n in range(1, 12))


def white(numbers):
    """White noise at −30 dBFS."""
    return 0.03 * numbers.standard_normal(6 * RATE)


def pink(numbers):
    """Noise whose power falls by 3 dB per octave."""
    spectrum = np.fft.rfft(numbers.standard_normal(6 * RATE))
    wave = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)))
    return 0.05 * wave / wave.std()


def typing(numbers):
    """Keys: short decaying clicks, four to eight a second."""
    wave, at = np.zeros(8 * RATE), 0.1
    while at < 7.8:
        t = _time(0.03)
        click = numbers.standard_normal(len(t)) * np.exp(-t * 250) + 0.4 * np.sin(2 * np.pi * 1800 * t) * np.exp(-t * 180)
        first = int(at * RATE)
        wave[first : first + len(t)] += numbers.uniform(0.1, 0.35) * click
        at += numbers.uniform(0.12, 0.25)
    return wave


def cough(numbers):
    """Three bursts of coloured noise, each with a sharp start, a body and a tail."""
    wave = np.zeros(6 * RATE)
    for at in (0.5, 1.1, 3.5):
        t = _time(0.45)
        noise = np.convolve(numbers.standard_normal(len(t)), np.hanning(9) / 4, "same")
        shape = np.minimum(t / 0.01, 1) * (np.exp(-t * 18) + 0.25 * np.exp(-((t - 0.22) ** 2) / 0.004))
        first = int(at * RATE)
        wave[first : first + len(t)] += 0.5 * noise * shape
    return wave


def music(_):
    """Music on hold: a slow tune of decaying notes over a chord."""
    wave, step = np.zeros(12 * RATE), int(0.4 * RATE)
    tune = [0, 4, 7, 12, 9, 7, 4, 2] * 4
    for index, note in enumerate(tune[: len(wave) // step - 2]):
        t = _time(1.0)
        for interval, level in ((0, 0.14), (-12, 0.08), (7, 0.05)):
            frequency = 392 * 2 ** ((note + interval) / 12)
            tone = sum(np.sin(2 * np.pi * frequency * n * t) / n**2 for n in (1, 2, 3))
            first = index * step
            wave[first : first + len(t)] += level * tone * np.exp(-t * 3)
    return wave


NOISES = {f.__name__: f for f in (ring_back, busy, dtmf, hum, white, pink, typing, cough, music)}
