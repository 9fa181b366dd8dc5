"""The text models on whole calls: labelled ones as written, and spoken ones as said and as whisper-base heard them.

    python models/train/text/heard.py [--encoder FOLDER] [FILE.jsonl ...]

A call's score is that of its likeliest turn of the role; right is what the call's label of the rule says. Read it as what a
model alone would find and claim, for the rules of the same name.
"""
import argparse
import json
from pathlib import Path

import numpy as np

import joined_model
import measure

ROOT = Path(__file__).resolve().parents[3]
# Rule, role, head, label, and the probability at which it is counted where the model names none.
ASKED = (("negative-customer", "customer", "sentiment", "negative", 0.95), ("rhetorical-question", "agent", "rhetorical", "rhetorical", None),
         ("abusive-language", "agent", "abuse", "abusive", None))
FILES = [ROOT / "tests" / name for name in ("labelled/dev.jsonl", "labelled/test.jsonl", "labelled/fresh.jsonl", "spoken/dev.jsonl", "spoken/heard-dev.jsonl",
                                            "spoken/test.jsonl", "spoken/heard-test.jsonl")]


def average_precision(scores, truth):
    """Area under the curve of precision over recall; None where nothing is to be found."""
    order = np.argsort(-scores, kind="stable")
    right = truth[order]
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right == 1].mean()) if right.any() else None


def measured(model, calls):
    """Lines of the table: rule, calls to be found, claims, right ones, average precision."""
    pairs, heads = [], {head["name"]: head for head in model.heads}
    for call in calls:
        texts = [turn["text"] for turn in call["turns"]]
        pairs += zip(["", *texts[:-1]], texts)
    said = model.probabilities(pairs)
    for rule, role, head, label, limit in ASKED:
        limit = limit or heads[head]["thresholds"][label]
        column, at, scores, truth = heads[head]["labels"].index(label), 0, [], []
        for call in calls:
            own = said[head][at: at + len(call["turns"]), column]
            at += len(call["turns"])
            if call["expect"].get(rule) in ("hit", "clear"):
                mine = [prob for prob, turn in zip(own, call["turns"]) if turn["role"] == role and any(map(str.isalnum, turn["text"]))]
                scores.append(max(mine, default=0.0))
                truth.append(int(call["expect"][rule] == "hit"))
        scores, truth = np.array(scores), np.array(truth)
        yield rule, int(truth.sum()), int((scores >= limit).sum()), int(truth[scores >= limit].sum()), average_precision(scores, truth), limit


def main():
    """Prints the table."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--encoder")
    args.add_argument("files", nargs="*", type=Path, default=FILES)
    args = args.parse_args()
    names = ["text-mini-zh", *(["text-base-zh"] if args.encoder else [])]
    models = {name: joined_model.load(ROOT / "models" / name, args.encoder) for name in names}
    for file in args.files:
        calls = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        print(f"{file.parent.name}/{file.name}: {len(calls)} calls, {sum(len(call['turns']) for call in calls)} turns")
        for name, model in models.items():
            for rule, there, claims, right, area, limit in measured(model, calls):
                low, high = measure.wilson(right, claims)
                print(f"  {name:13} {rule:20} from {limit:<5} finds {right:2} of {there:2}, wrongly {claims - right:2}"
                      f"  precision {100 * right / max(claims, 1):3.0f} ({100 * low:.0f}–{100 * high:.0f})  average precision {area or 0:.2f}")


if __name__ == "__main__":
    main()
