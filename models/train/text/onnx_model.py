"""The exported model, run as the crate runs it."""
import json
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def softmax(logits):
    """Rows that sum to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


class OnnxModel:
    """A folder with model.onnx, tokenizer.json and, once tuned, config.json."""

    def __init__(self, folder, threads=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(Path(folder) / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        config = Path(folder) / "config.json"
        self.heads = json.loads(config.read_text())["callsift"]["heads"] if config.exists() else []
        self.length = json.loads(config.read_text())["callsift"]["max_length"] if config.exists() else 64
        self.tokenizer.enable_truncation(self.length)
        self.tokenizer.no_padding()

    def logits(self, pairs, names, size=16):
        """Logits of the named heads for (turn before, turn) pairs."""
        clipped = [(prev[: self.length], text[: self.length]) for prev, text in pairs]
        encoded = self.tokenizer.encode_batch(clipped)
        order = sorted(range(len(encoded)), key=lambda at: len(encoded[at].ids))
        out = {name: [None] * len(pairs) for name in names}
        for start in range(0, len(order), size):
            chosen = order[start: start + size]
            width = max(len(encoded[at].ids) for at in chosen)
            pad = lambda values: values + [0] * (width - len(values))
            feed = {"input_ids": np.array([pad(encoded[at].ids) for at in chosen], np.int64),
                    "attention_mask": np.array([pad([1] * len(encoded[at].ids)) for at in chosen], np.int64),
                    "token_type_ids": np.array([pad(encoded[at].type_ids) for at in chosen], np.int64)}
            for name, values in zip(names, self.session.run([f"{name}_logits" for name in names], feed)):
                for at, value in zip(chosen, values):
                    out[name][at] = value
        return {name: np.array(values) for name, values in out.items()}

    def probabilities(self, pairs):
        """Calibrated probabilities per head."""
        logits = self.logits(pairs, [head["name"] for head in self.heads])
        return {head["name"]: softmax(logits[head["name"]] / head["temperature"]) for head in self.heads}
