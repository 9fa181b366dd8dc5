"""The wide part: runs of one to four characters of the own turn, hashed, with a logistic regression per head.

    python models/train/text/wide.py --shared ../shared --work target/train/text

It is exported into the same graph as the encoder: a table with a row per hash, looked up, summed and normalised there.
Every row holds the square of its inverse document frequency and, times that frequency, a weight per output.
"""
import argparse
import random
import warnings
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from torch import nn

import data
import measure
import noise
from model import encode, make_tokenizer

BUCKETS, LONGEST, LEAST = 1 << 20, 4, 3
PRIMES = (7919, 104729, 611953, 15485863)
STARTS = (0, 1000003, 3000017, 7000003)
# Logits of a head from the table's weights: sentiment has three, the others the difference of their two.
HEAVY = {"cped-rhetorical": 12.0}  # few, and the only ones that people said
COLUMNS = {"sentiment": 3, "rhetorical": 1, "abuse": 1}


def hashes(ids, types):
    """Buckets of all runs in the own turn, its two marks included (numpy, one turn)."""
    ids, types = np.asarray(ids, np.int64), np.asarray(types)
    own = ids[max(0, int(np.argmax(types)) - 1):] if types.any() else ids[:0]
    out = []
    for size in range(1, LONGEST + 1):
        count = len(own) - size + 1
        if count > 0:
            out.append((sum(own[k: k + count] * PRIMES[k] for k in range(size)) + STARTS[size - 1]) % BUCKETS)
    return np.concatenate(out) if out else own


def known(encoded):
    """Buckets of the runs that occur in at least LEAST turns; rarer ones would only be noise for those they fall upon."""
    parts = []
    for ids, types in encoded:
        ids = np.asarray(ids, np.int64)
        own = ids[max(0, int(np.argmax(types)) - 1):] if any(types) else ids[:0]
        exact = [sum(own[k: len(own) - size + 1 + k] << (13 * k) for k in range(size)) for size in range(1, min(LONGEST, len(own)) + 1)]
        if exact:
            both = np.stack([np.concatenate(exact), hashes(ids, types)], 1)
            parts.append(both[np.unique(both[:, 0], return_index=True)[1]])
    parts = np.concatenate(parts)
    _, first, count = np.unique(parts[:, 0], return_index=True, return_counts=True)
    out = np.zeros(BUCKETS, bool)
    out[parts[first[count >= LEAST], 1]] = True
    print(f"{int((count >= LEAST).sum())} runs in {int(out.sum())} of {BUCKETS} buckets", flush=True)
    return out


def matrix(encoded):
    """Counts [turns, buckets]."""
    rows = [hashes(ids, types) for ids, types in encoded]
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    out = csr_matrix((np.ones(at[-1], np.float32), np.concatenate(rows), at), shape=(len(rows), BUCKETS))
    out.sum_duplicates()
    return out


def weigh(counts, idf):
    """As the graph does it: frequency times idf, over the root of the sum of idf² over all runs."""
    squares = counts @ (idf * idf)
    scale = 1 / np.sqrt(np.maximum(squares, 1e-6))
    return counts.multiply(idf[None, :]).multiply(scale[:, None]).tocsr()


class Wide(nn.Module):
    """The table as it stands in the graph."""

    def __init__(self, table, bias):
        super().__init__()
        self.limits = nn.Parameter(torch.tensor(np.maximum(np.abs(table).max(0), 1e-6), dtype=torch.float32))
        self.table = nn.Embedding.from_pretrained(torch.tensor(table, dtype=torch.float32) / self.limits.data)
        self.bias = nn.Parameter(torch.tensor(bias, dtype=torch.float32))

    def forward(self, ids, mask, types):
        """Logits per column [turns, columns]."""
        later = lambda values, by: torch.nn.functional.pad(values[:, by:], (0, by))
        types = types * mask
        own = torch.maximum(types, later(types, 1))
        places, there, total, inside = ids * PRIMES[0], own, [], []
        for size in range(1, LONGEST + 1):
            if size > 1:
                places = places + later(ids, size - 1) * PRIMES[size - 1]
                there = there * later(own, size - 1)
            total.append((places + STARTS[size - 1]) % BUCKETS)
            inside.append(there)
        rows = self.table(torch.cat(total, 1)) * torch.cat(inside, 1)[:, :, None].to(torch.float32)
        sums = rows.sum(1) * self.limits
        return sums[:, 1:] * torch.rsqrt(sums[:, :1].clamp(min=1e-6)) + self.bias


def noisy(rows, confusions, seed=3):
    """The rows, and half of them once more as a recogniser might hear them."""
    rng = random.Random(seed)
    again = [{**found, "text": noise.homophones(found["text"], rng.uniform(0.02, 0.2), confusions, rng)} for found in rows if rng.random() < 0.5]
    return rows + again


def fit(rows, tokenizer, confusions, strengths=(2, 8, 20), rounds=120):
    """(table, bias), the strength of each head chosen on dev."""
    train = noisy([found for found in rows if found["split"] == "train"], confusions)
    dev = [found for found in rows if found["split"] == "dev"]
    turns = lambda found: encode(tokenizer, [("", line["text"]) for line in found])
    encoded = turns(train)
    counts = matrix(encoded)
    frequency = np.asarray((counts > 0).sum(0)).ravel()
    idf = np.where(known(encoded), np.log((1 + len(train)) / (1 + frequency)) + 1, 0).astype(np.float32)
    seen, unseen = weigh(counts, idf), weigh(matrix(turns(dev)), idf)
    table, bias = [idf * idf], []
    for name, labels in data.HEADS.items():
        chosen, others = ([at for at, found in enumerate(part) if found[name] >= 0] for part in (train, dev))
        truth, goal = np.array([train[at][name] for at in chosen]), np.array([dev[at][name] for at in others])
        heavy = np.array([HEAVY.get(train[at]["source"], 1.0) for at in chosen])
        best = None
        for strength in strengths:
            model = LogisticRegression(C=strength, max_iter=rounds, class_weight="balanced", tol=1e-6)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant
                model.fit(seen[chosen], truth, sample_weight=heavy)
            said = model.predict(unseen[others])
            parts = {}
            for source in sorted({dev[at]["source"] for at in others}):
                mine = np.array([dev[at]["source"] == source for at in others])
                if len(set(goal[mine])) > 1:
                    one = np.zeros((len(labels), len(labels)))
                    np.add.at(one, (goal[mine], said[mine]), 1)
                    parts[source] = round(float(measure.macro_f1(one)), 3)
            value = np.mean(list(parts.values()))
            print(f"{name} C={strength} dev macro-F1 {value:.3f} {parts}", flush=True)
            if best is None or value > best[0]:
                best = value, model
        weights, start = best[1].coef_, best[1].intercept_
        table += [idf * row for row in weights]
        bias += list(start)
    return np.stack(table, 1).astype(np.float32), np.array(bias, np.float32)


def main():
    """Writes wide.npz."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--work", default="target/train/text")
    args.add_argument("--seed", type=int, default=7)
    args.add_argument("--minutes", type=float, default=22, help="budget of the encoder; below 5 this part is cut short as well, to try the recipe")
    args = args.parse_args()
    work = Path(args.work)
    rows = data.build(args.shared, args.seed)
    confusions = noise.load(Path(args.shared) / "data/asr_errors/ecspell_sound_confusion.json")
    if not (work / "tokenizer.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        make_tokenizer(found["prev"] + found["text"] for found in rows if found["split"] == "train").save(str(work / "tokenizer.json"))
    table, bias = fit(rows, Tokenizer.from_file(str(work / "tokenizer.json")), confusions, *(((8,), 15) if args.minutes < 5 else ()))
    np.savez_compressed(work / "wide.npz", table=table.astype(np.float16), bias=bias)


if __name__ == "__main__":
    main()
