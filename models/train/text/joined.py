"""Train the heads on the sentence encoder and write models/text-base-zh: model.onnx, config.json, training.json.

    python models/train/text/joined.py --shared ../shared --encoder FOLDER --work target/train/text-base

Minutes on one core: vectors are made once and kept in --work; a small network learns from them (hidden.py); its logits and
those of text-mini-zh are then weighed against each other on dev, every source counting the same.
"""
import argparse
import json
import random
from pathlib import Path

import numpy as np

import joined_data
import joined_export
import noise
from hidden import SCALE, Hidden
from joined_data import HEADS, KINDS
from onnx_model import OnnxModel
from patterns import plain
from vectors import Encoder, Kept

ROOT = Path(__file__).resolve().parents[3]
SHARES = {"cped": 0.18, "reviews": 0.08, "cold": 0.20, "own": 0.20, "service": 0.06, "crosswoz": 0.02, "cped-rhetorical": 0.05,
          "cped-calm": 0.03, "cped-weak": 0.01, "ewect": 0.15, "own-act": 0.03}
BATCH, RATE, STEPS = 512, 1e-3, 3000
ALONE = 0.4  # share of the turns that are read without the turn before
FORMS = ("raw", "plain", "noisy")  # as written; as recognised; as recognised with errors
FORM_SHARES = (0.4, 0.35, 0.25)


def forms(rows, confusions, seed=3):
    """(turn before, turn) of every row in each form."""
    rng, out = random.Random(seed), {form: [] for form in FORMS}
    for found in rows:
        pair = (found["prev"], found["text"])
        bare = tuple(plain(text[:128]) for text in pair)
        share = rng.uniform(0.02, 0.2) if found["split"] == "train" and rng.random() < 0.35 else 0
        out["raw"].append(pair)
        out["plain"].append(bare)
        out["noisy"].append(tuple(noise.homophones(text, share, confusions, rng) for text in bare))
    return out


def balance(rows):
    """Weights per head: television's moods count alike whatever their number, for their shares differ by the play; rare acts more."""
    weights = {name: np.ones(len(rows), np.float32) for name in HEADS}
    for name, source, power in (("sentiment", "cped", 1.0), ("sentiment", "ewect", 0.5), ("act", "cped", 0.5)):
        mine = [at for at, found in enumerate(rows) if found["source"] == source and found[name] >= 0]
        labels = np.array([rows[at][name] for at in mine])
        counts = np.bincount(labels, minlength=len(HEADS[name])).clip(min=1)
        each = (1.0 / counts) ** power
        weights[name][mine] = each[labels] * len(mine) / each[labels].sum()
    return weights


class Table:
    """Vectors of every row in every form, by their places."""

    def __init__(self, rows, kept, confusions):
        self.values, made = kept.values, forms(rows, confusions)
        kept.make([text for form in FORMS for pair in made[form] for text in pair] + [""])
        self.values = kept.values
        self.own = {form: kept.at([pair[1] for pair in made[form]]) for form in FORMS}
        self.before = {form: kept.at([pair[0] for pair in made[form]]) for form in FORMS}
        self.nothing = int(kept.at([""])[0])

    def take(self, rows, form):
        """Vectors of turns and of the turns before them, scaled."""
        return tuple(self.values[places[form][rows]].astype(np.float32) * SCALE for places in (self.own, self.before))

    def draw(self, rows, rng):
        """As training meets them."""
        kinds = rng.choice(len(FORMS), len(rows), p=FORM_SHARES)
        own, before = (np.choose(kinds, [places[form][rows] for form in FORMS]) for places in (self.own, self.before))
        before = np.where(rng.random(len(rows)) < ALONE, self.nothing, before)
        return tuple(self.values[places].astype(np.float32) * SCALE for places in (own, before))


def learn(rows, table, steps, **settings):
    """The network, trained."""
    heads = {**HEADS, "kind": KINDS}
    net, rng = Hidden({name: len(labels) for name, labels in heads.items()}, **settings), np.random.default_rng(11)
    labels = {name: np.array([found[name] for found in rows]) for name in heads}
    weights = balance(rows) | {"kind": np.ones(len(rows), np.float32)}
    pools = {source: np.array([at for at, found in enumerate(rows) if found["source"] == source and found["split"] == "train"]) for source in SHARES}
    shares = np.array(list(SHARES.values())) / sum(SHARES.values())
    for step in range(steps):
        counts = rng.multinomial(BATCH, shares)
        chosen = np.concatenate([rng.choice(pool, count) for pool, count in zip(pools.values(), counts)])
        rate = RATE * min(1, (step + 1) / 100) * (1 - step / steps) + 1e-5
        net.step(*table.draw(chosen, rng), {name: value[chosen] for name, value in labels.items()},
                 {name: value[chosen] for name, value in weights.items()}, rate)
    return net


def hints(rows, folder, work):
    """Logits of text-mini-zh, all heads side by side."""
    path, texts = work / "hints.npz", [[found["prev"], found["text"]] for found in rows]
    if path.exists():
        kept = np.load(path, allow_pickle=False)
        if kept["texts"].tobytes() == np.frombuffer(json.dumps(texts).encode(), np.uint8).tobytes():
            return kept["logits"]
    model = OnnxModel(folder)
    names = [head["name"] for head in model.heads]
    logits = model.logits([tuple(pair) for pair in texts], names, size=32)
    logits = np.concatenate([logits[name] for name in names], 1).astype(np.float32)
    np.savez(path, texts=np.frombuffer(json.dumps(texts).encode(), np.uint8), logits=logits)
    return logits


def main():
    """Trains and exports."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--encoder", default=str(ROOT / ".callsift/models/sentence-encoder"))
    args.add_argument("--mini", default=str(ROOT / "models/text-mini-zh"))
    args.add_argument("--work", default=str(ROOT / "target/train/text-base"))
    args.add_argument("--out", default=str(ROOT / "target/train/text-base/text-base-zh"))
    args.add_argument("--steps", type=int, default=STEPS)
    args = args.parse_args()
    work = Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    rows = joined_data.build(args.shared)
    confusions = noise.load(Path(args.shared) / "data/asr_errors/ecspell_sound_confusion.json")
    table = Table(rows, Kept(Encoder(args.encoder), work), confusions)
    net = learn(rows, table, args.steps)
    dev = np.array([at for at, found in enumerate(rows) if found["split"] == "dev"])
    dev_rows = [rows[at] for at in dev]
    seen = np.concatenate([net.hidden(*table.take(dev, form)) for form in ("raw", "plain")])
    beside = np.tile(hints(dev_rows, args.mini, work), (2, 1))
    joined_export.write(net, seen, beside, dev_rows, args)


if __name__ == "__main__":
    main()
