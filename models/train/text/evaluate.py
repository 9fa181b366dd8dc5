"""Measure the exported text model against simpler ones; one table, and figures.json.

    python models/train/text/evaluate.py [--shared ../shared] [--model models/text-base-zh --encoder FOLDER]

The test turns beside the model are enough. Where the shared data folder is present, the linear model is trained too (on the
same turns as the shipped one), and reviews and service sentences, which may not be committed, are tested as well.
"""
import argparse
import csv
import json
import random
import time
from pathlib import Path

import numpy as np

import joined_model
import measure
import noise
from onnx_model import OnnxModel
from patterns import Patterns, plain

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SOURCES = {"sentiment": ["own", "cped", "ewect", "reviews"], "rhetorical": ["own", "cped-rhetorical"], "abuse": ["own", "cold", "cold-whole"],
           "act": ["own", "own-act", "cped-whole"]}
CLEAN = ["crosswoz", "service"]  # nothing rhetorical or abusive in them: only false alarms are counted
NOISE = (0.0, 0.05, 0.1, 0.2)


def read_tests(folder, labels, shared):
    """Test turns with labels as numbers, None where unknown."""
    with open(folder / "turns.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for found in rows:
        for head, names in labels.items():
            found[head] = names.index(found[head]) if found.get(head) else None
    if "act" in labels:
        rows += more_tests(labels, shared)
    if shared:
        import data
        rng, more = random.Random(11), [found for found in data.build(shared) if found["split"] == "test"]
        for source, most in (("reviews", 1500), ("service", 3000)):
            for found in rng.sample([line for line in more if line["source"] == source], most):
                found.update({head: None if found.get(head, -1) < 0 else found[head] for head in labels}, template="")
                rows.append(found)
        for found in more:  # the whole of the file that the committed comments are a sample of
            if found["source"] == "cold":
                rows.append({**found, "source": "cold-whole", "sentiment": None, "rhetorical": None, "template": ""})
    return [{**dict.fromkeys(labels), **found} for found in rows]


def more_tests(labels, shared):
    """What only the joined model was trained for: acts, and microblogs where their set is at hand."""
    import grammar_acts
    import joined_data
    blank = {head: None for head in labels} | {"template": ""}
    out = [{**found, **blank, "template": found["template"], "act": found["act"]} for found in joined_data.acts(7) if found["split"] == "test"]
    own = [found for found in joined_data.grammar.rows(7) if found["split"] == "test" and found["group"] in grammar_acts.ACT_OF]
    out += [{**found, **blank, "template": found["template"], "act": grammar_acts.ACT_OF[found["group"]]} for found in own]
    for found in joined_data.build(shared) if shared else ():
        if found["split"] == "test" and found["source"] == "ewect":
            out.append({**found, **blank, "sentiment": found["sentiment"]})
        elif found["split"] == "test" and found["source"] == "cped" and found["act"] >= 0:
            out.append({**found, **blank, "source": "cped-whole", "act": found["act"]})
    return out


def snow(rows):
    """snownlp's own sentiment, its unsure middle taken for neutral."""
    from snownlp import SnowNLP
    values = [SnowNLP(plain(found["text"]) or "嗯").sentiments for found in rows]
    return np.array([0 if value < 0.4 else 2 if value > 0.6 else 1 for value in values])


def data_heads(model):
    """Heads of a model by name."""
    return {head["name"]: head for head in model.heads}


def clusters_of(rows):
    """Turns of one template belong together."""
    return [found["template"] or f"turn {at}" for at, found in enumerate(rows)]


def share(positive, n):
    """A share with Wilson's interval."""
    return {"n": n, "false_alarms": int(positive), "share": round(float(positive) / n, 4), "share_95": measure.wilson(float(positive), n)}


def judge(name, head, rows, methods):
    """Scores of every method on one head and source."""
    truth, out = [found[name] for found in rows], {}
    for method, said in methods.items():
        out[method] = measure.scores(truth, said, head["labels"], clusters_of(rows))
    return out


def show(name, source, results, labels):
    """Lines of the table."""
    cell = lambda found, key: f"{100 * found[key]:5.1f} [{100 * found[key + '_95'][0]:.0f}–{100 * found[key + '_95'][1]:.0f}]" if key in found else "    –"
    for method, found in results.items():
        cells = "  ".join(f"{label} P {cell(found[label], 'precision')} R {cell(found[label], 'recall')}" for label in labels
                          if found[label]["n"] and label not in ("not_rhetorical", "not_abusive"))
        ece = f"  ECE {found['ece']:.3f}" if "ece" in found else ""
        print(f"{name:10} {source:15} n={found['n']:<5} {method:22} F1 {cell(found, 'macro_f1')}  {cells}{ece}", flush=True)


def main():
    """Prints the table, writes figures.json."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--model", default=str(ROOT / "models/text-mini-zh"))
    args.add_argument("--rules", default=str(ROOT / "rules"))
    args.add_argument("--tests", help="folder of the test turns, where not beside the model")
    args.add_argument("--shared", default="../shared", help="folder with data/, for the linear model and the sets that may not be committed")
    args.add_argument("--work", default=str(ROOT / "target/train/text"), help="where the linear model is kept")
    args.add_argument("--encoder", help="folder of the sentence encoder, where not beside the model")
    args.add_argument("--write", action="store_true", help="write figures.json beside the model")
    args = args.parse_args()
    folder = Path(args.model)
    model, patterns = joined_model.load(folder, args.encoder), Patterns(Path(args.rules))
    joined = not isinstance(model, OnnxModel)
    labels = {head["name"]: head["labels"] for head in model.heads}
    tests = Path(args.tests) if args.tests else ROOT / "models/text-mini-zh/eval" if joined else folder / "eval"
    if not (Path(args.shared) / "data/sentiment").is_dir():
        print(f"no data in {args.shared}: reviews, service sentences and the linear model are left out (figures.json has them as last measured)")
        args.shared = None
    rows = read_tests(tests, labels, args.shared)
    linear = None
    if args.shared:
        import linear as comparison
        linear = comparison.load(args.shared, args.work, joined)
    confusions = {char: list(others) for char, others in noise.load(tests / "homophones.json").items()}
    figures, curve = {"scores": {}, "false_alarms": {}, "noise": {}}, {}
    for head in model.heads:
        name, binary = head["name"], len(head["labels"]) == 2
        for source in SOURCES[name]:
            chosen = [found for found in rows if found["source"] == source and found[name] is not None]
            if not chosen:
                continue
            truth = np.array([found[name] for found in chosen])
            probabilities = model.probabilities([(found["prev"], found["text"]) for found in chosen])[name]
            methods = {"majority": np.full(len(truth), np.bincount(truth).argmax())}
            if binary:
                pattern = getattr(patterns, name)
                methods["patterns"] = np.array([int(pattern(found["text"])) for found in chosen])
            elif name == "sentiment":
                methods["snownlp"] = snow(chosen)
            known = linear and name in linear.models
            if known:
                weights = linear.probabilities(name, chosen)
                methods["linear"] = weights.argmax(1)
                if binary:
                    methods["linear, threshold"] = (weights[:, 1] >= linear.thresholds[name]).astype(int)
            if joined and name in data_heads(model.mini):
                before = model.mini.probabilities([(found["prev"], found["text"]) for found in chosen])[name]
                methods["text-mini-zh"] = before.argmax(1)
                if binary:
                    methods["text-mini-zh, threshold"] = (before[:, 1] >= data_heads(model.mini)[name]["thresholds"][head["labels"][1]]).astype(int)
            methods["model"] = probabilities.argmax(1)
            if binary:
                limit = head["thresholds"][head["labels"][1]]
                methods["model, threshold"] = (probabilities[:, 1] >= limit).astype(int)
                methods["patterns or model"] = np.maximum(methods["patterns"], methods["model, threshold"])
            results = judge(name, head, chosen, methods)
            results["model"]["ece"] = measure.calibration_error(probabilities, truth)
            if "text-mini-zh" in methods:
                results["text-mini-zh"]["ece"] = measure.calibration_error(before, truth)
            if known:
                results["linear"]["ece"] = measure.calibration_error(weights, truth)
            figures["scores"][f"{name}/{source}"] = results
            show(name, source, results, head["labels"])
            curve[name, source] = []
            for amount in NOISE:
                rng = random.Random(5)
                pairs = [tuple(noise.homophones(found[key], amount, confusions, rng) for key in ("prev", "text")) for found in chosen]
                noisy = model.probabilities(pairs)[name]
                point = {"characters": amount, "macro_f1": measure.scores(truth, noisy.argmax(1), head["labels"], clusters_of(chosen), times=1)["macro_f1"]}
                if binary:
                    said = (noisy[:, 1] >= limit).astype(int)
                    point |= {"precision": round(float(truth[said == 1].mean()), 4) if said.any() else None, "recall": round(float(said[truth == 1].mean()), 4)}
                    heard = np.array([int(pattern(text)) for _, text in pairs])
                    point["patterns_recall"] = round(float(heard[truth == 1].mean()), 4)
                if known:
                    again = linear.probabilities(name, [{"text": text} for _, text in pairs]).argmax(1)
                    point["linear_macro_f1"] = measure.scores(truth, again, head["labels"], clusters_of(chosen), times=1)["macro_f1"]
                curve[name, source].append(point)
    for head in (head for head in model.heads if len(head["labels"]) == 2):
        name, limit = head["name"], head["thresholds"][head["labels"][1]]
        for source in CLEAN:
            chosen = [found for found in rows if found["source"] == source and found[name] == 0]
            if chosen:
                probabilities = model.probabilities([(found["prev"], found["text"]) for found in chosen])[name][:, 1]
                alarms = {"patterns": sum(getattr(patterns, name)(found["text"]) for found in chosen)}
                if linear:
                    alarms["linear, threshold"] = (linear.probabilities(name, chosen)[:, 1] >= linear.thresholds[name]).sum()
                alarms["model, threshold"] = (probabilities >= limit).sum()
                alarms["model, 0.9"] = (probabilities >= 0.9).sum()
                found = {method: share(float(count), len(chosen)) for method, count in alarms.items()}
                figures["false_alarms"][f"{name}/{source}"] = found
                print(f"{name:10} {source:15} n={len(chosen):<5} false alarms  " + "  ".join(f"{method} {value['false_alarms']} ({100 * value['share']:.2f} %, ≤ {100 * value['share_95'][1]:.2f})" for method, value in found.items()))
    for (name, source), points in curve.items():
        figures["noise"][f"{name}/{source}"] = points
        print(f"noise {name:10} {source:15} " + "  ".join(f"{100 * point['characters']:.0f} %: F1 {100 * point['macro_f1']:.1f}"
              + (f" (linear {100 * point['linear_macro_f1']:.1f})" if "linear_macro_f1" in point else "")
              + (f" R {100 * point['recall']:.0f} (patterns {100 * point['patterns_recall']:.0f})" if "recall" in point else "") for point in points))
    pairs = [(found["prev"], found["text"]) for found in rows if found["source"] == "own"]
    began = time.perf_counter()
    model.probabilities(pairs)
    figures["turns_per_second_python_1_thread"] = round(len(pairs) / (time.perf_counter() - began))
    figures["thresholds"] = {label: value for head in model.heads for label, value in head["thresholds"].items()}
    training = folder / "training.json"
    figures["training"] = json.loads(training.read_text(encoding="utf-8")) if training.exists() else {}
    figures["temperatures"] = {head["name"]: head["temperature"] for head in model.heads}
    print(f"{figures['turns_per_second_python_1_thread']} turns per second in python onnxruntime, one thread; thresholds {figures['thresholds']}")
    if args.write:
        (folder / "figures.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
