"""The comparison: jieba words and logistic regression.

    python models/train/text/linear.py --shared ../shared --work target/train/text
"""
import argparse
import pickle
from functools import lru_cache
from pathlib import Path

import numpy as np

import data
import measure
from patterns import plain

PARTS = {"calls": {"own", "service", "crosswoz"}, "comments": {"cold"}, "television": {"cped-rhetorical"}}
PRECISION = 0.9


@lru_cache(maxsize=None)
def words(text):
    """Words of a turn, without punctuation."""
    import jieba
    jieba.setLogLevel(60)
    return jieba.lcut(plain(text))


class Linear:
    """Words, one and two, weighted by TF-IDF; thresholds as for the encoder, on dev."""

    def __init__(self, rows):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        self.models, self.thresholds = {}, {}
        for name, labels in data.HEADS.items():
            train, dev = ([found for found in rows if found["split"] == split and found[name] >= 0] for split in ("train", "dev"))
            texts = TfidfVectorizer(tokenizer=words, token_pattern=None, lowercase=True, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
            seen = texts.fit_transform([found["text"] for found in train])
            truth, unseen = np.array([found[name] for found in dev]), texts.transform([found["text"] for found in dev])
            best = None
            for strength in (1, 8):  # as is best on dev
                model = LogisticRegression(C=strength, max_iter=200, class_weight="balanced")
                model.fit(seen, [found[name] for found in train])
                table = np.zeros((len(labels), len(labels)))
                np.add.at(table, (truth, model.predict(unseen)), 1)
                value = float(measure.macro_f1(table))
                print(f"{name} C={strength} dev macro-F1 {value:.3f}", flush=True)
                if best is None or value > best[0]:
                    best = value, model
            self.models[name] = texts, best[1]
            if len(labels) == 2:
                self.thresholds[name], said = choose_threshold(best[1].predict_proba(unseen)[:, 1], truth, dev)
                print(f"{name}: {said}", flush=True)

    def probabilities(self, name, rows):
        """Probabilities of the labels of a head."""
        texts, model = self.models[name]
        return model.predict_proba(texts.transform([found["text"] for found in rows]))


def choose_threshold(positive, truth, rows):
    """The highest of the thresholds for turns of calls, for comments and for television dialogue: the lower bound of the
    precision on dev is to be 0.9, or, where so few turns cannot show that, the precision as it stands. A part where neither
    is reached does not count. Also what was reached, in words."""
    limits, said = [], []
    for part, sources in PARTS.items():
        mine = np.array([found["source"] in sources for found in rows])
        if not (truth[mine] == 1).any():
            continue
        clusters = np.array([found.get("template") or f"turn {at}" for at, found in enumerate(rows)])[mine]
        for bound in (True, False):
            limit = measure.threshold(positive[mine], truth[mine], clusters, PRECISION, bound)
            if limit is not None:
                break
        if limit is not None:
            limits.append(limit)
        said.append(f"{part}: not reached" if limit is None else f"{part}: {limit} ({'lower bound' if bound else 'as it stands'})")
    return max(limits, default=0.995), "; ".join(said)


def load(shared, work, joined=False):
    """The trained comparison, trained now where it is not there yet; `joined` with the turns of the heads that join models."""
    path = Path(work) / ("linear-joined.pkl" if joined else "linear.pkl")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        import joined_data
        path.write_bytes(pickle.dumps(Linear((joined_data if joined else data).build(shared))))
    return pickle.loads(path.read_bytes())


def main():
    """Trains it."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--work", default="target/train/text")
    args = args.parse_args()
    import linear  # so that the pickle names the module, not __main__
    linear.load(args.shared, args.work)


if __name__ == "__main__":
    main()
