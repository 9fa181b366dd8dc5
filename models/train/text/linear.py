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

CALLS = {"own", "service", "crosswoz", "cped-rhetorical"}
PRECISION = 0.9


@lru_cache(maxsize=None)
def words(text):
    """Words of a turn, without punctuation."""
    import jieba
    jieba.setLogLevel(60)
    return jieba.lcut(plain(text))


class Linear:
    """Words, one and two, weighted by TF-IDF; thresholds as for the encoder, on dev."""

    def __init__(self, shared):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        rows, self.models, self.thresholds = data.build(shared), {}, {}
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
                self.thresholds[name] = choose_threshold(best[1].predict_proba(unseen)[:, 1], truth, dev)

    def probabilities(self, name, rows):
        """Probabilities of the labels of a head."""
        texts, model = self.models[name]
        return model.predict_proba(texts.transform([found["text"] for found in rows]))


def choose_threshold(positive, truth, rows):
    """The higher of the thresholds for turns of calls and for comments, so that neither has less precision."""
    calls = np.array([found["source"] in CALLS for found in rows])
    parts = [part for part in (calls, ~calls) if part.any()]
    return max(measure.threshold(positive[part], truth[part], np.ones(part.sum()), PRECISION) for part in parts)


def load(shared, work):
    """The trained comparison, trained now where it is not there yet."""
    path = Path(work) / "linear.pkl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Linear(shared)))
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
