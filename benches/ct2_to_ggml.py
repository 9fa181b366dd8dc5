"""A CTranslate2 whisper folder (model.bin, config.json, vocabulary) to a ggml f16 file for whisper.cpp. Needs numpy.

    python benches/ct2_to_ggml.py FOLDER OUT.bin

Both formats hold the same weights, so both recognisers run the same model. Any size with 80 or 128 mels; float weights.
"""
import json
import struct
import sys
from pathlib import Path

import numpy as np

DTYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}
HEAD = 64  # width of an attention head in every whisper


def read_ct2(path):
    """Variables by name: arrays as they are stored."""
    data, at = path.read_bytes(), 0

    def number(form):
        nonlocal at
        value = struct.unpack_from(form, data, at)[0]
        at += struct.calcsize(form)
        return value

    def string():
        nonlocal at
        size = number("<H")
        at += size
        return data[at - size : at - 1].decode()

    _, spec, _ = number("<I"), string(), number("<I")
    if spec != "WhisperSpec":
        raise SystemExit(f"{path} holds a {spec}, not a whisper model")
    variables = {}
    for _ in range(number("<I")):
        name = string()
        shape = [number("<I") for _ in range(number("<B"))]
        kind, size = number("<B"), number("<I")
        variables[name] = np.frombuffer(data, DTYPES[kind], size // np.dtype(DTYPES[kind]).itemsize, at).reshape(shape)
        at += size
    for _ in range(number("<I")):
        alias, name = string(), string()
        variables[alias] = variables[name]
    return variables


def tensors(v):
    """(name of OpenAI's checkpoint, float array) of every weight."""
    width = v["decoder/embeddings/weight"].shape[1]
    for number in (1, 2):
        yield f"encoder.conv{number}.weight", v[f"encoder/conv{number}/weight"]
        yield f"encoder.conv{number}.bias", v[f"encoder/conv{number}/bias"].reshape(-1, 1)
    yield "decoder.token_embedding.weight", v["decoder/embeddings/weight"]
    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        yield f"{side}.positional_embedding", v[f"{side}/position_encodings/encodings"]
        yield from norm(v, f"{side}.{last}", f"{side}/layer_norm")
        for i in range(layers(v, side)):
            block, source = f"{side}.blocks.{i}", f"{side}/layer_{i}"
            yield from attention(v, f"{block}.attn", f"{source}/self_attention", width, (("query", "key", "value"),))
            yield from norm(v, f"{block}.attn_ln", f"{source}/self_attention/layer_norm")
            if side == "decoder":
                yield from attention(v, f"{block}.cross_attn", f"{source}/attention", width, (("query",), ("key", "value")))
                yield from norm(v, f"{block}.cross_attn_ln", f"{source}/attention/layer_norm")
            yield from linear(v, f"{block}.mlp.0", f"{source}/ffn/linear_0")
            yield from linear(v, f"{block}.mlp.2", f"{source}/ffn/linear_1")
            yield from norm(v, f"{block}.mlp_ln", f"{source}/ffn/layer_norm")


def layers(v, side):
    return sum(name.startswith(f"{side}/layer_") and name.endswith("ffn/linear_0/weight") for name in v)


def norm(v, name, source):
    return [(f"{name}.weight", v[f"{source}/gamma"]), (f"{name}.bias", v[f"{source}/beta"])]


def linear(v, name, source):
    return [(f"{name}.weight", v[f"{source}/weight"]), (f"{name}.bias", v[f"{source}/bias"])]


def attention(v, name, source, width, groups):
    """Projections that CTranslate2 stacks, one by one; the last linear layer is the output. Keys have no bias."""
    for index, group in enumerate(groups):
        weights = v[f"{source}/linear_{index}/weight"].reshape(len(group), width, width)
        biases = v[f"{source}/linear_{index}/bias"].reshape(len(group), width)
        for part, weight, bias in zip(group, weights, biases):
            yield f"{name}.{part}.weight", weight
            if part != "key":
                yield f"{name}.{part}.bias", bias
    yield from linear(v, f"{name}.out", f"{source}/linear_{len(groups)}")


def mel_filters(count):
    """Slaney's triangular filters for 16 kHz and 400 samples: what OpenAI's file of filters holds."""
    def to_mel(hertz):
        return np.where(hertz < 1000, hertz * 3 / 200, 15 + np.log(np.maximum(hertz, 1) / 1000) * 27 / np.log(6.4))

    def to_hertz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    edges = to_hertz(np.linspace(0, to_mel(np.array(8000.0)), count + 2))
    ramps = edges[:, None] - np.linspace(0, 8000, 201)[None]
    widths = np.diff(edges)
    filters = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return (filters * (2 / (edges[2:] - edges[:-2]))[:, None]).astype("float32")


def tokens(folder):
    """Bytes of each text token, by id: the vocabulary writes bytes as printable characters (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    table = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(rest)}
    words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    ordered = sorted((number, word) for word, number in words.items())
    return [bytes(table[c] for c in word) for _, word in ordered if not word.startswith("<|")]


def convert(folder, out):
    """Writes the ggml file."""
    v = read_ct2(folder / "model.bin")
    vocabulary, width = v["decoder/embeddings/weight"].shape
    mels = v["encoder/conv1/weight"].shape[1]
    positions = [len(v[f"{side}/position_encodings/encodings"]) for side in ("encoder", "decoder")]
    with out.open("wb") as f:
        def ints(*values):
            f.write(struct.pack(f"<{len(values)}i", *values))

        sizes = [(width, width // HEAD, layers(v, side)) for side in ("encoder", "decoder")]
        ints(0x67676D6C, vocabulary, positions[0], *sizes[0], positions[1], *sizes[1], mels, 1)
        filters = mel_filters(mels)
        ints(*filters.shape)
        f.write(filters.tobytes())
        words = tokens(folder)
        ints(len(words))
        for word in words:
            ints(len(word))
            f.write(word)
        for name, tensor in tensors(v):
            half = tensor.ndim > 1 and "bias" not in name and "positional" not in name
            ints(tensor.ndim, len(name), int(half), *tensor.shape[::-1])
            f.write(name.encode() + tensor.astype("<f2" if half else "<f4").tobytes())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
