"""whisper.cpp on the exported file, called as the Rust side calls it: packed windows, trimmed context, greedy, one segment."""
import numpy as np
import _pywhispercpp as cpp
from pywhispercpp.model import Model

from windows import RATE, TIME0, TOKENS, context

GAP, PAD = 0.3, 0.2  # seconds between packed pieces, around each piece


class Recogniser:
    """One model file."""

    def __init__(self, path, threads=1):
        quiet = {"print_progress": False, "print_realtime": False, "print_timestamps": False}
        self.model = Model(str(path), n_threads=threads, language="zh", no_context=True, single_segment=True, suppress_nst=True, temperature_inc=0.0, redirect_whispercpp_logs_to=None, **quiet)

    def window(self, wave):
        """One window -> [(start, end, text)] by its timestamp pairs; times in seconds of the window."""
        wave = np.concatenate([wave, np.zeros(max(0, RATE - len(wave)), "float32")]).astype("float32")
        self.model.transcribe(wave, audio_ctx=context(len(wave) / RATE))
        inner = self.model._ctx
        out, start, text = [], 0.0, []
        for segment in range(cpp.whisper_full_n_segments(inner)):
            for i in range(cpp.whisper_full_n_tokens(inner, segment)):
                token = cpp.whisper_full_get_token_id(inner, segment, i)
                if token >= TIME0:
                    if text:
                        out.append((start, (token - TIME0) / 50, TOKENS.decode(text)))
                        text = []
                    start = (token - TIME0) / 50
                elif token < TOKENS.eot:
                    text.append(token)
        if text:
            out.append((start, len(wave) / RATE, TOKENS.decode(text)))
        return out

    def text(self, wave):
        """All text of one window."""
        return "".join(text for _, _, text in self.window(wave))


def pack(wave, spans, longest):
    """Cut the spans (seconds) out of a channel, padded, and pack them into windows of at most `longest` seconds."""
    windows, current, length = [], [], 0.0
    for start, end in spans:
        piece = wave[max(0, int((start - PAD) * RATE)) : int((end + PAD) * RATE)]
        seconds = len(piece) / RATE
        if current and length + GAP + seconds > longest:
            windows.append(np.concatenate(current))
            current, length = [], 0.0
        if current:
            current.append(np.zeros(int(GAP * RATE), "float32"))
            length += GAP
        current.append(piece)
        length += seconds
    return [*windows, np.concatenate(current)] if current else windows
