"""Write the model folder: int8 ONNX, tokenizer, calibrated temperatures and thresholds, the committed test turns.

    python models/train/text/export.py --shared ../shared --work target/train/text --out models/text-mini-zh
"""
import argparse
import csv
import json
import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

import data
import fuse
import linear
import measure
import noise
from model import LENGTH, Classifier, collate, encode
from onnx_model import OnnxModel, softmax
from train import predict
from wide import Wide

# Turns of each source that are committed for the evaluation; reviews and service sentences may not be.
TESTS = {"own": None, "cped": 1500, "cped-rhetorical": None, "cold": 800, "crosswoz": 600}


def shipped(encoder, wide, tokenizer, dev):
    """Encoder and wide part with the weights that are best on dev; every source with both labels counts the same."""
    scales, everything = [], [(found["prev"], found["text"]) for found in dev]
    deep, broad = predict(encoder, tokenizer, everything), [[] for _ in data.HEADS]
    with torch.inference_mode():
        for start in range(0, len(everything), 128):
            ids, mask, types = collate(encode(tokenizer, everything[start: start + 128]))
            for values, more in zip(broad, fuse.spread(wide(ids, mask, types))):
                values.append(more.numpy())
    for at, name in enumerate(data.HEADS):
        chosen = [k for k, found in enumerate(dev) if found[name] >= 0]
        sources = {found["source"] for found in dev if found[name] > 0}
        chosen = [k for k in chosen if dev[k]["source"] in sources]
        rows = [dev[k] for k in chosen]
        scale = fuse.fit(deep[at][chosen], np.concatenate(broad[at])[chosen], [found[name] for found in rows], even(rows))
        print(f"{name}: encoder {scale[0]}, wide {scale[1]}, offsets {scale[2:]}")
        scales.append(scale)
    return fuse.Both(encoder, wide, scales), scales


def write_onnx(net, out, work):
    """The graph in float, then in 8 bits."""
    net.eval()
    example = (torch.tensor([[2, 9, 3, 10, 11, 3]]), torch.ones(1, 6, dtype=torch.long), torch.tensor([[0, 0, 0, 1, 1, 1]]))
    example = tuple(torch.cat([value, value]) for value in example)
    names, axes = ["input_ids", "attention_mask", "token_type_ids"], {0: "turns", 1: "tokens"}
    outputs = [f"{name}_logits" for name in data.HEADS]
    torch.onnx.export(net, example, str(work / "float.onnx"), input_names=names, output_names=outputs, opset_version=17, dynamo=False,
                      dynamic_axes={**{name: axes for name in names}, **{name: {0: "turns"} for name in outputs}})
    quantize_dynamic(str(work / "float.onnx"), str(out / "model.onnx"), weight_type=QuantType.QInt8, per_channel=True,
                     op_types_to_quantize=["MatMul", "Gemm", "Gather"])
    graph = onnx.load(out / "model.onnx")
    graph.doc_string = "callsift text-mini-zh"
    onnx.save(graph, out / "model.onnx")


def even(rows):
    """Weights with which every source counts the same."""
    counts = {}
    for found in rows:
        counts[found["source"]] = counts.get(found["source"], 0) + 1
    return np.array([1 / counts[found["source"]] for found in rows])


def tune(name, logits, rows):
    """Temperature and thresholds of a head, on dev."""
    truth, labels = np.array([found[name] for found in rows]), data.HEADS[name]
    temperature = measure.temperature_of(logits, truth, even(rows))
    head = {"name": name, "labels": labels, "temperature": temperature, "thresholds": {}}
    if len(labels) == 2:
        head["thresholds"][labels[1]], said = linear.choose_threshold(softmax(logits / temperature)[:, 1], truth, rows)
        print(f"{name}: temperature {temperature}, thresholds on dev: {said}")
        return head, said
    return head, ""


def write_tests(rows, shared, out):
    """Test turns that may be committed, and the homophones that the noise curve needs."""
    out.mkdir(parents=True, exist_ok=True)
    rng, chars = random.Random(11), set()
    with open(out / "turns.tsv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        table.writerow(["source", "template", *data.HEADS, "prev", "text"])
        for source, most in TESTS.items():
            found = [line for line in rows if line["source"] == source and line["split"] == "test"]
            found = [line for line in found if "\t" not in line["text"] + line["prev"]]
            if most and len(found) > most:
                found = rng.sample(found, most)
            for line in found:
                labels = [data.HEADS[head][line[head]] if line[head] >= 0 else "" for head in data.HEADS]
                prev, text = (line[key].replace("\n", " ").replace("\r", " ") for key in ("prev", "text"))
                table.writerow([source, line.get("template", ""), *labels, prev, text])
                chars.update(prev + text)
    confusions = noise.load(Path(shared) / "data/asr_errors/ecspell_sound_confusion.json")
    small = {char: "".join(confusions[char][:12]) for char in sorted(chars) if confusions.get(char)}
    (out / "homophones.json").write_text(json.dumps(small, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def main():
    """Exports."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--work", default="target/train/text")
    args.add_argument("--out", default="models/text-mini-zh")
    args = args.parse_args()
    work, out = Path(args.work), Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    saved = torch.load(work / "best.pt", weights_only=False)
    encoder = Classifier(**saved["settings"])
    encoder.load_state_dict(saved["net"])
    encoder.eval()
    parts = np.load(work / "wide.npz")
    (out / "config.json").unlink(missing_ok=True)
    shutil.copy(work / "tokenizer.json", out / "tokenizer.json")
    rows = data.build(args.shared, saved["seed"])
    dev, heads, reached = [found for found in rows if found["split"] == "dev"], [], {}
    net, scales = shipped(encoder, Wide(parts["table"].astype(np.float32), parts["bias"]), Tokenizer.from_file(str(out / "tokenizer.json")), dev)
    write_onnx(net, out, work)
    model = OnnxModel(out)
    for name in data.HEADS:
        chosen = [found for found in dev if found[name] >= 0]
        logits = model.logits([(found["prev"], found["text"]) for found in chosen], [name])[name]
        head, reached[name] = tune(name, logits, chosen)
        heads.append(head)
    config = {"model_type": "callsift-text", "vocab_size": saved["settings"]["vocabulary"], "hidden_size": saved["settings"]["width"],
              "num_hidden_layers": saved["settings"]["layers"], "num_attention_heads": saved["settings"]["heads"],
              "max_position_embeddings": LENGTH, "callsift": {"max_length": LENGTH, "pair_input": True, "heads": heads}}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    training = json.loads((work / "train.json").read_text()) if (work / "train.json").exists() else {}
    templates = {found["template"] for found in rows if found["source"] == "own"}
    training |= {"kept_step": saved["step"], "templates": len(templates), "thresholds": reached,
                 "encoder_and_wide": {name: scale[:2] for name, scale in zip(data.HEADS, scales)},
                 "labelled_rhetorical": {part: sum(found["source"] == "cped-rhetorical" and found["split"] == part for found in rows) for part in ("train", "dev", "test")},
                 "model_bytes": (out / "model.onnx").stat().st_size}
    (out / "training.json").write_text(json.dumps(training, indent=1) + "\n")
    write_tests(rows, args.shared, out / "eval")
    print(f"model.onnx {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB, {saved['step']} steps")


if __name__ == "__main__":
    main()
