"""A small network in numpy: a turn's vector and that of the turn before it to hidden values, from these to all heads."""
import numpy as np

# Vectors have length 1; so scaled a number is of the size of 1.
SCALE = np.float32(22.6)


class Hidden:
    """Two layers side by side (own turn, turn before), then one layer per head. Adam; the kept weights are averaged."""

    def __init__(self, heads, own=192, before=24, drop=0.5, decay=0.01, seed=7, width=512):
        self.rng, self.heads, self.drop, self.decay, self.steps = np.random.default_rng(seed), heads, drop, decay, 0
        draw = lambda rows, columns: self.rng.normal(0, np.sqrt(2 / rows), (rows, columns)).astype(np.float32)
        self.now = {"own": draw(width, own), "before": draw(width, before), "bias": np.zeros(own + before, np.float32)}
        for name, labels in heads.items():
            self.now |= {"w " + name: draw(own + before, labels), "b " + name: np.zeros(labels, np.float32)}
        self.kept = {name: value.copy() for name, value in self.now.items()}
        self.moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in self.now.items()}

    def hidden(self, own, before, weights=None):
        """Hidden values [turns, own + before]."""
        at = weights or self.kept
        return np.maximum(np.concatenate([own @ at["own"], before @ at["before"]], 1) + at["bias"], 0)

    def last(self, names):
        """Weights and bias from the hidden values to the logits of these heads, side by side."""
        return tuple(np.concatenate([self.kept[part + name] for name in names], -1) for part in ("w ", "b "))

    def step(self, own, before, labels, weights, rate):
        """One step; `labels` and `weights` per head, -1 where a turn has no label."""
        at, hidden = self.now, self.hidden(own, before, self.now)
        mask = (self.rng.random(hidden.shape, dtype=np.float32) > self.drop) / np.float32(1 - self.drop)
        seen, back, slopes = hidden * mask, np.zeros_like(hidden), {}
        for name in self.heads:
            rows = np.flatnonzero(labels[name] >= 0)
            if len(rows) == 0:
                continue
            logits = seen[rows] @ at["w " + name] + at["b " + name]
            powers = np.exp(logits - logits.max(1, keepdims=True))
            slope = powers / powers.sum(1, keepdims=True)
            slope[np.arange(len(rows)), labels[name][rows]] -= 1
            slope *= (weights[name][rows] / max(len(rows), len(own) / 4))[:, None]
            slopes["w " + name], slopes["b " + name] = seen[rows].T @ slope, slope.sum(0)
            back[rows] += slope @ at["w " + name].T
        back *= mask * (hidden > 0)
        size = at["own"].shape[1]
        slopes |= {"own": own.T @ back[:, :size], "before": before.T @ back[:, size:], "bias": back.sum(0)}
        self.move(slopes, rate)

    def move(self, slopes, rate):
        """Adam with decay of the weights, and the running average."""
        self.steps += 1
        share = min(0.999, (self.steps + 1) / (self.steps + 10))
        for name, slope in slopes.items():
            first, second = self.moments[name]
            first += 0.1 * (slope - first)
            second += 0.001 * (slope * slope - second)
            by = first / (1 - 0.9 ** self.steps) / (np.sqrt(second / (1 - 0.999 ** self.steps)) + 1e-8)
            if slope.ndim > 1:
                by = by + self.decay * self.now[name]
            self.now[name] -= np.float32(rate) * by.astype(np.float32)
        for name, value in self.now.items():
            self.kept[name] += np.float32(1 - share) * (value - self.kept[name])
