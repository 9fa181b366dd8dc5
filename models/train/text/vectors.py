"""Vectors of the sentence encoder in onnxruntime, kept on disk by text."""
import json
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

# Characters of a turn that are read, and tokens, as the crate cuts them.
CHARACTERS, TOKENS, WIDTH = 128, 128, 512


class Encoder:
    """The folder that models/sentences.py writes."""

    def __init__(self, folder, threads=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(Path(folder) / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.no_padding()

    def vectors(self, texts, size=32):
        """[texts, 512], each of length 1."""
        encoded = [found.ids for found in self.tokenizer.encode_batch([text[:CHARACTERS] for text in texts])]
        order, out = sorted(range(len(encoded)), key=lambda at: len(encoded[at])), np.zeros((len(encoded), WIDTH), np.float32)
        for start in range(0, len(order), size):
            chosen = order[start: start + size]
            width = max(len(encoded[at]) for at in chosen)
            ids = np.array([encoded[at] + [0] * (width - len(encoded[at])) for at in chosen], np.int64)
            mask = np.array([[1] * len(encoded[at]) + [0] * (width - len(encoded[at])) for at in chosen], np.int64)
            out[chosen] = self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return out


class Kept:
    """Vectors of many texts, in half precision; what was made once is read again."""

    def __init__(self, encoder, folder):
        self.encoder, self.texts, self.rows = encoder, Path(folder) / "vectors.json", Path(folder) / "vectors.npy"
        there = self.texts.exists() and self.rows.exists()
        self.values = np.load(self.rows) if there else np.zeros((0, WIDTH), np.float16)
        self.places = {text: at for at, text in enumerate(json.loads(self.texts.read_text(encoding="utf-8")) if there else [])}

    def make(self, texts):
        """Makes those that are missing."""
        missing = [text for text in dict.fromkeys(text[:CHARACTERS] for text in texts) if text not in self.places]
        if not missing:
            return
        print(f"{len(missing)} vectors to make", flush=True)
        made = [self.encoder.vectors(missing[at: at + 4096]).astype(np.float16) for at in range(0, len(missing), 4096)]
        self.places.update({text: len(self.values) + at for at, text in enumerate(missing)})
        self.values = np.concatenate([self.values, *made])
        np.save(self.rows, self.values)
        self.texts.write_text(json.dumps(list(self.places), ensure_ascii=False), encoding="utf-8")

    def at(self, texts):
        """Places in `values`."""
        return np.array([self.places[text[:CHARACTERS]] for text in texts])
