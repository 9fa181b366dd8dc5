"""Scores with their intervals."""
import numpy as np

from onnx_model import softmax

Z = 1.96


def wilson(hits, n):
    """95 % interval of a share."""
    if n == 0:
        return [0.0, 1.0]
    share, base = hits / n, 1 + Z * Z / n
    middle, half = share + Z * Z / (2 * n), Z * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return [round(max(0.0, float((middle - half) / base)), 4), round(min(1.0, float((middle + half) / base)), 4)]


def macro_f1(tables):
    """Macro-F1 of confusion matrices [..., truth, said], over the labels that occur in truth."""
    tables = np.asarray(tables, float)
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    truth, said = tables.sum(-1), tables.sum(-2)
    f1 = 2 * right / np.maximum(truth + said, 1e-9)
    there = truth > 0
    return (f1 * there).sum(-1) / np.maximum(there.sum(-1), 1)


def scores(truth, said, labels, clusters, seed=3, times=1000):
    """Macro-F1, and precision and recall per label, each with a 95 % interval.

    Whole clusters are drawn again (turns of one template are not independent); where every turn is a cluster of its
    own, precision and recall have Wilson's interval.
    """
    truth, said = np.asarray(truth), np.asarray(said)
    names = {name: at for at, name in enumerate(dict.fromkeys(clusters))}
    tables = np.zeros((len(names), len(labels), len(labels)))
    np.add.at(tables, ([names[name] for name in clusters], truth, said), 1)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=times)
    again = np.tensordot(drawn, tables, 1)
    interval = lambda values: [round(float(value), 4) for value in np.nanpercentile(values, [2.5, 97.5])]
    table = tables.sum(0)
    out = {"n": len(truth), "macro_f1": round(float(macro_f1(table)), 4), "macro_f1_95": interval(macro_f1(again))}
    alone = len(names) == len(truth)
    for at, label in enumerate(labels):
        right, there, given = table[at, at], table[at].sum(), table[:, at].sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall = again[:, at, at] / again[:, :, at].sum(1), again[:, at, at] / again[:, at].sum(1)
        found = {"n": int(there)}
        if given:
            found["precision"] = round(right / given, 4)
            found["precision_95"] = wilson(right, given) if alone or np.isnan(precision).all() else interval(precision)
        if there:
            found["recall"] = round(right / there, 4)
            found["recall_95"] = wilson(right, there) if alone else interval(recall)
        out[label] = found
    return out


def calibration_error(probabilities, truth, bins=10):
    """Expected calibration error of the likeliest label."""
    probabilities, truth = np.asarray(probabilities), np.asarray(truth)
    sure, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return round(float(sum(abs(sure[place == at].mean() - right[place == at].mean()) * (place == at).mean()
                           for at in range(bins) if (place == at).any())), 4)


def lower_bound(hits, right, clusters, seed=5, times=1000):
    """One-sided 95 % lower bound of the precision of the turns that are claimed (`hits` marks them, `right` says which are
    right): whole clusters drawn again, and never above Wilson's bound for as many turns."""
    hits, right = np.asarray(hits, bool), np.asarray(right, bool)
    n = int(hits.sum())
    if n == 0:
        return 0.0
    names = np.unique(np.asarray(clusters)[hits], return_inverse=True)[1]
    given = np.bincount(names).astype(float)
    good = np.bincount(names, weights=right[hits].astype(float))
    drawn = np.random.default_rng(seed).multinomial(len(given), np.full(len(given), 1 / len(given)), size=times)
    again = float(np.percentile((drawn @ good) / (drawn @ given), 5))
    share, z = good.sum() / n, 1.645
    wilson_bound = (share + z * z / (2 * n) - z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    return min(again, float(wilson_bound))


def threshold(positive, truth, clusters, precision=0.9, bound=True, least=0.5):
    """Lowest probability from which precision on these turns is at least this, with its lower bound or (`bound` false) as
    it stands; None where there is none with ten turns or more."""
    positive, truth = np.asarray(positive), np.asarray(truth)
    for limit in np.round(np.arange(least, 0.9951, 0.005), 3):
        hits = positive >= limit
        if hits.sum() < 10:
            break
        if (lower_bound(hits, truth == 1, clusters) if bound else (truth[hits] == 1).mean()) >= precision:
            return float(limit)
    return None


def temperature_of(logits, truth, weights):
    """The temperature with the least weighted loss."""
    rows, steps = np.arange(len(truth)), np.exp(np.linspace(np.log(0.4), np.log(4), 120))
    losses = [-(weights * np.log(softmax(logits / step)[rows, truth] + 1e-9)).sum() for step in steps]
    return round(float(steps[int(np.argmin(losses))]), 3)
