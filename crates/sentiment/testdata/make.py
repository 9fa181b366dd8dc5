"""Makes the tiny text models of the tests: `two_heads/`, `plain/`, and `joined/` with its `encoder/`. Needs the `onnx` package.

A bag of characters: each character's embedding votes for labels, masked tokens count for nothing. 好 and 谢 are positive,
差 and 滚 negative, 吗 rhetorical; in `two_heads` a token of the first text of a pair votes a tenth. `encoder` gives the votes as
its vector; `joined` adds the turn's own vector, a tenth of the one before, and the logits of `plain`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "好", "谢", "差", "滚", "吗", "你", "您", "我", "的"]
VOTES = {"好": [0, 0, 4, 0, 0], "谢": [0, 0, 3, 0, 0], "差": [4, 0, 0, 0, 0], "滚": [6, 0, 0, 0, 0], "吗": [0, 1, 0, -1, 5]}


def tokenizer():
    special = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, t in enumerate(VOCAB[:4])]
    part = lambda name, kind: {name: {"id": kind[0], "type_id": kind[1]}}
    cls, sep0, sep1 = (part("SpecialToken", k) for k in (("[CLS]", 0), ("[SEP]", 0), ("[SEP]", 1)))
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, part("Sequence", ("A", 0)), sep0],
            "pair": [cls, part("Sequence", ("A", 0)), sep0, part("Sequence", ("B", 1)), sep1],
            "special_tokens": {t: {"id": t, "ids": [VOCAB.index(t)], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {t: i for i, t in enumerate(VOCAB)}},
    }


def constant(name, value, dtype):
    return numpy_helper.from_array(np.array(value, dtype=dtype), name)


def graph(outputs, token_types):
    table = np.zeros((len(VOCAB), 5), np.float32)
    for char, votes in VOTES.items():
        table[VOCAB.index(char)] = votes
    node = helper.make_node
    nodes = [node("Gather", ["table", "input_ids"], ["votes"]),
             node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT)]
    weight = "mask"
    if token_types:
        # weight = mask * (0.1 + 0.9 * type)
        nodes += [node("Cast", ["token_type_ids"], ["type"], to=TensorProto.FLOAT), node("Mul", ["type", "nine"], ["t9"]),
                  node("Add", ["t9", "one"], ["t"]), node("Mul", ["mask", "t"], ["weighted"])]
        weight = "weighted"
    nodes += [node("Unsqueeze", [weight, "last"], ["column"]), node("Mul", ["votes", "column"], ["masked"]),
              node("ReduceSum", ["masked", "tokens"], ["all"], keepdims=0)]
    for name, start, end in outputs:
        nodes.append(node("Slice", ["all", f"{name}_a", f"{name}_b", "last1"], [name]))
    fixed = [constant("table", table, np.float32), constant("last", [2], np.int64), constant("tokens", [1], np.int64),
             constant("last1", [1], np.int64), constant("nine", 0.9, np.float32), constant("one", 0.1, np.float32)]
    for name, start, end in outputs:
        fixed += [constant(f"{name}_a", [start], np.int64), constant(f"{name}_b", [end], np.int64)]
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if token_types else [])
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in names]
    given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", e - s]) for n, s, e in outputs]
    model = helper.make_model(helper.make_graph(nodes, "votes", inputs, given, fixed),
                              opset_imports=[helper.make_opsetid("", 17)], producer_name="callsift testdata")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def joined():
    node, floats = helper.make_node, lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["turns", size])
    nodes = [node("Mul", ["before", "tenth"], ["less"]), node("Add", ["own", "less"], ["both"]),
             node("Slice", ["both", "from", "to", "axis"], ["three"]), node("Add", ["three", "labels"], ["sentiment_logits"]),
             node("Slice", ["both", "to", "end", "axis"], ["act_logits"])]
    fixed = [constant("tenth", 0.1, np.float32)]
    fixed += [constant(name, [value], np.int64) for name, value in (("from", 0), ("to", 3), ("end", 5), ("axis", 1))]
    model = helper.make_model(helper.make_graph(nodes, "joined", [floats("own", 5), floats("before", 5), floats("labels", 3)],
                                                [floats("sentiment_logits", 3), floats("act_logits", 2)], fixed),
                              opset_imports=[helper.make_opsetid("", 17)], producer_name="callsift testdata")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def sha256(folder):
    return hashlib.sha256((HERE / folder / "model.onnx").read_bytes()).hexdigest()


def write(folder, model, **files):
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


sentiment = ["negative", "neutral", "positive"]
write(HERE / "plain", graph([("logits", 0, 3)], False), tokenizer=tokenizer(),
      config={"model_type": "bert", "id2label": {str(i): label for i, label in enumerate(sentiment)}})
write(HERE / "two_heads", graph([("sentiment_logits", 0, 3), ("rhetorical_logits", 3, 5)], True), tokenizer=tokenizer(), config={
    "callsift": {"pair_input": True, "max_length": 16, "batch": 3, "heads": [
        {"name": "sentiment", "labels": sentiment, "temperature": 2.0, "thresholds": {"negative": 0.6}},
        {"name": "rhetorical", "labels": ["plain", "rhetorical"]},
    ]}})
write(HERE / "encoder", graph([("sentence", 0, 5)], False), tokenizer=tokenizer())
write(HERE / "joined", joined(), config={
    "callsift": {"batch": 2, "joins": {"sentences": {"model": "encoder", "sha256": sha256("encoder")},
                                       "labels": {"model": "plain", "sha256": sha256("plain")}},
                 "heads": [{"name": "sentiment", "labels": sentiment}, {"name": "act", "labels": ["statement", "question"]}]}})
