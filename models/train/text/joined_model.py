"""text-base-zh, run as the crate runs it: the sentence encoder, text-mini-zh, and the heads that join them."""
import json
from pathlib import Path

import numpy as np
import onnxruntime

from onnx_model import OnnxModel, softmax
from vectors import Encoder


def load(folder, encoder=None):
    """The model of a folder, whichever form it has."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))["callsift"]
    return JoinedModel(folder, config, encoder) if "joins" in config else OnnxModel(folder)


class JoinedModel:
    """A folder whose config.json names the models that it joins; they lie beside it, or `encoder` says where."""

    def __init__(self, folder, config, encoder=None):
        folder, options = Path(folder), onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.heads = config["heads"]
        self.mini = OnnxModel(folder.parent / config["joins"]["labels"]["model"])
        self.encoder = Encoder(encoder or folder.parent / config["joins"]["sentences"]["model"])

    def probabilities(self, pairs):
        """Calibrated probabilities per head of (turn before, turn) pairs."""
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        places = {text: at for at, text in enumerate(texts)}
        vectors = self.encoder.vectors(texts)
        before, own = (vectors[[places[pair[at]] for pair in pairs]] for at in (0, 1))
        names = [head["name"] for head in self.mini.heads]
        logits = self.mini.logits(pairs, names, size=32)
        feed = {"own": own, "before": before, "labels": np.concatenate([logits[name] for name in names], 1).astype(np.float32)}
        said = self.session.run([f"{head['name']}_logits" for head in self.heads], feed)
        return {head["name"]: softmax(logits / head["temperature"]) for head, logits in zip(self.heads, said)}
