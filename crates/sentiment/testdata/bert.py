"""Makes `bert/`: a random two-layer BERT as Hugging Face exports sequence classifiers, and what numpy computes with its weights.

Its labels are LABEL_0 to LABEL_2, as of a model that nobody named. Needs the `onnx` and `tokenizers` packages.
"""
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from make import HERE, VOCAB, tokenizer, write

WIDTH, HEADS, INNER, LAYERS, PLACES = 16, 2, 32, 2, 64
TEXTS = ["你好，谢谢", "太差了，滚", "我的"]
rng = np.random.default_rng(5)
weights = {}


def weight(name, *shape):
    weights[name] = rng.normal(0, 0.5, shape).astype(np.float32)
    return name


def build():
    nodes, count = [], [0]

    def op(kind, *inputs, **attributes):
        count[0] += 1
        nodes.append(helper.make_node(kind, list(inputs), [f"v{count[0]}"], **attributes))
        return f"v{count[0]}"

    fixed = lambda name, values, dtype=np.int64: weights.setdefault(name, np.array(values, dtype)) is not None and name
    linear = lambda x, name, a, b: op("Add", op("MatMul", x, weight(f"{name}.weight", a, b)), weight(f"{name}.bias", b))
    norm = lambda x, name: op("LayerNormalization", x, weight(f"{name}.gamma", WIDTH), weight(f"{name}.beta", WIDTH), epsilon=1e-12)
    length = op("Shape", "input_ids", start=1, end=2)
    places = op("Slice", weight("position_embeddings", PLACES, WIDTH), fixed("zero", [0]), length, fixed("axis0", [0]))
    x = op("Add", op("Gather", weight("word_embeddings", len(VOCAB), WIDTH), "input_ids"), places)
    x = norm(op("Add", x, op("Gather", weight("token_type_embeddings", 2, WIDTH), "token_type_ids")), "embeddings")
    mask = op("Unsqueeze", op("Cast", "attention_mask", to=TensorProto.FLOAT), fixed("axes", [1, 2]))
    hidden = op("Mul", op("Sub", fixed("one", 1.0, np.float32), mask), fixed("low", -1e4, np.float32))
    for at in range(LAYERS):
        split = lambda value, order: op("Transpose", op("Reshape", value, fixed("shape", [0, -1, HEADS, WIDTH // HEADS])), perm=order)
        query = split(linear(x, f"{at}.query", WIDTH, WIDTH), [0, 2, 1, 3])
        key = split(linear(x, f"{at}.key", WIDTH, WIDTH), [0, 2, 3, 1])
        value = split(linear(x, f"{at}.value", WIDTH, WIDTH), [0, 2, 1, 3])
        scores = op("Div", op("MatMul", query, key), fixed("root", (WIDTH // HEADS) ** 0.5, np.float32))
        mixed = op("MatMul", op("Softmax", op("Add", scores, hidden), axis=-1), value)
        mixed = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]), fixed("flat", [0, -1, WIDTH]))
        x = norm(op("Add", x, linear(mixed, f"{at}.output", WIDTH, WIDTH)), f"{at}.first")
        wide = linear(x, f"{at}.wide", WIDTH, INNER)
        x = norm(op("Add", x, linear(op("Relu", wide), f"{at}.narrow", INNER, WIDTH)), f"{at}.second")
    first = op("Gather", x, fixed("cls", 0), axis=1)
    nodes.append(helper.make_node("Identity", [linear(op("Tanh", linear(first, "pooler", WIDTH, WIDTH)), "classifier", WIDTH, 3)], ["logits"]))
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names]
    graph = helper.make_graph(nodes, "bert", inputs, [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
                              [numpy_helper.from_array(value, name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="callsift testdata")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def numpy_logits(ids):
    """One text without padding, written down apart from the graph."""
    w = weights
    norm = lambda x, name: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * w[f"{name}.gamma"] + w[f"{name}.beta"]
    linear = lambda x, name: x @ w[f"{name}.weight"] + w[f"{name}.bias"]
    x = norm(w["word_embeddings"][ids] + w["position_embeddings"][: len(ids)] + w["token_type_embeddings"][0], "embeddings")
    size = WIDTH // HEADS
    for at in range(LAYERS):
        query, key, value = (linear(x, f"{at}.{name}") for name in ("query", "key", "value"))
        parts = []
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            powers = np.exp(query[:, own] @ key[:, own].T / np.sqrt(size))
            parts.append(powers / powers.sum(1, keepdims=True) @ value[:, own])
        x = norm(x + linear(np.concatenate(parts, 1), f"{at}.output"), f"{at}.first")
        x = norm(x + linear(np.maximum(linear(x, f"{at}.wide"), 0), f"{at}.narrow"), f"{at}.second")
    return linear(np.tanh(linear(x[0], "pooler")), "classifier")


model, reader = build(), Tokenizer.from_str(json.dumps(tokenizer()))
expected = {}
for text in TEXTS:
    powers = np.exp(numpy_logits(np.array(reader.encode(text).ids)))
    expected[text] = [round(float(value), 5) for value in powers / powers.sum()]
write(HERE / "bert", model, tokenizer=tokenizer(), expected=expected,
      config={"model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": WIDTH,
              "id2label": {str(at): f"LABEL_{at}" for at in range(3)}})
