"""Train the table of crates/text/src/punctuation: which mark stands after a character. Deterministic; standard library only.

    python models/train/punctuation/train.py --shared ../shared --heldout target/punctuation-heldout.txt

An averaged perceptron over character n-grams around each place, learnt from typed dialogues (CrossWOZ, Apache-2.0; see
ATTRIBUTION.md beside this file). Every fifth dialogue is held back: its lines are written for `callsift eval --punctuation`.
The features must stay those of crates/text/src/punctuation/mod.rs.
"""
import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[2] / "crates/text/src/punctuation/table.txt"
MARKS = "_，。？"
SAME = {",": "，", "、": "，", "；": "，", ";": "，", "：": "，", "！": "。", "!": "。", "?": "？"}
EPOCHS, SCALE, LEAST = 6, 100, 100


def cut(text):
    """Characters of a line, and the mark after each (index into MARKS)."""
    chars, labels = [], []
    for i, c in enumerate(text):
        if c.isalnum():
            chars.append(c.lower())
            labels.append(0)
        elif labels:
            end = c == "." and not text[i + 1 : i + 2].isdigit()
            mark = MARKS.find("。" if end else SAME.get(c, c))
            labels[-1] = max(labels[-1], mark)
    return chars, labels


def features(chars, i, since):
    """Names of what surrounds the place after character `i`, `since` characters after the last mark."""
    at = lambda k: chars[i + k] if 0 <= i + k < len(chars) else "^"
    a, b, c, d, e, f = at(-2), at(-1), at(0), at(1), at(2), at(3)
    clause = "".join(chars[max(0, i + 1 - since) : i + 1])
    asks = any(w in clause for w in ("什么", "哪", "几", "多少", "怎么", "谁", "是否", "吗", "呢", "有没有", "能不能", "是不是"))
    return (
        "b", f"0{c}", f"1{d}", f"2{b}{c}", f"3{d}{e}", f"4{c}{d}", f"5{a}{b}{c}", f"6{d}{e}{f}", f"7{b}{c}{d}", f"8{c}{d}{e}",
        f"l{min(since, 12)}", f"q{int(asks)}", f"r{int(asks)}{c}{d}",
    )


def decide(weights, chars, i, since):
    """The best mark; the last character of a turn has one."""
    names = features(chars, i, since)
    scores = [0] * 4
    for name in names:
        for k, w in enumerate(weights.get(name, ())):
            scores[k] += w
    allowed = (2, 3) if i + 1 == len(chars) else (0, 1, 2, 3)
    return max(allowed, key=lambda k: (scores[k], -k)), names


def train(lines):
    """Averaged weights, whole numbers, small ones left out."""
    weights, totals, stamps, step = {}, defaultdict(lambda: [0] * 4), defaultdict(lambda: [0] * 4), 0
    rng = random.Random(16)
    for _ in range(EPOCHS):
        rng.shuffle(lines)
        for chars, labels in lines:
            since = 0
            for i, label in enumerate(labels):
                since += 1
                step += 1
                if i + 1 == len(chars) and label < 2:
                    continue
                found, names = decide(weights, chars, i, since)
                if found != label:
                    for name in names:
                        row, total, stamp = weights.setdefault(name, [0] * 4), totals[name], stamps[name]
                        for k, change in ((label, 1), (found, -1)):
                            total[k] += row[k] * (step - stamp[k])
                            stamp[k] = step
                            row[k] += change
                since = 0 if label else since
    out = {}
    for name, row in weights.items():
        mean = [(totals[name][k] + row[k] * (step - stamps[name][k])) * SCALE / step for k in range(4)]
        mean = [round(v) for v in mean]
        if max(map(abs, mean)) >= LEAST:
            out[name] = mean
    return out


def main():
    """Train, write the table and the held-back lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/dialogues/")
    parser.add_argument("--heldout", type=Path, required=True, help="file for the lines that are not learnt from")
    parser.add_argument("--table", type=Path, default=TABLE)
    args = parser.parse_args()
    source = (args.shared / "data/dialogues/crosswoz_val.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [[turn["text"] for turn in json.loads(line)["turns"]] for line in source]
    held = [text for i, turns in enumerate(texts) if i % 5 == 0 for text in turns]
    lines = [cut(text) for i, turns in enumerate(texts) if i % 5 for text in turns]
    args.heldout.parent.mkdir(parents=True, exist_ok=True)
    args.heldout.write_text("".join(f"{' '.join(text.split())}\n" for text in held), encoding="utf-8")
    weights = train([line for line in lines if line[0]])
    rows = (f"{name}\t{' '.join(map(str, row))}\n" for name, row in sorted(weights.items()))
    args.table.write_text("".join(rows), encoding="utf-8")
    print(f"{len(weights)} features, {args.table.stat().st_size // 1024} kB, {len(held)} lines held back")


if __name__ == "__main__":
    main()
