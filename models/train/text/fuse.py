"""Encoder and wide part together: per head a weight for each and an offset per label, fitted on dev."""
import numpy as np
import torch
from torch import nn

import data
from wide import COLUMNS


def spread(columns):
    """Wide columns as logits of every head: the binary heads have one column, for their second label."""
    out, at = [], 0
    for name in data.HEADS:
        part = columns[:, at: at + COLUMNS[name]]
        out.append(part if COLUMNS[name] > 1 else torch.cat([torch.zeros_like(part), part], 1))
        at += COLUMNS[name]
    return out


class Both(nn.Module):
    """The shipped graph."""

    def __init__(self, encoder, wide, scales):
        super().__init__()
        self.encoder, self.wide = encoder, wide
        self.scales = nn.ParameterList([nn.Parameter(torch.tensor(scale, dtype=torch.float32)) for scale in scales])

    def forward(self, input_ids, attention_mask, token_type_ids):
        """Logits of every head, in the order of HEADS."""
        deep = self.encoder(input_ids, attention_mask, token_type_ids)
        broad = spread(self.wide(input_ids, attention_mask, token_type_ids))
        return tuple(scale[0] * a + scale[1] * b + scale[2:] for a, b, scale in zip(deep, broad, self.scales))


def fit(deep, broad, truth, weights):
    """[weight of the encoder, of the wide part, offset per label] with the least weighted loss."""
    deep, broad, truth, weights = (torch.tensor(np.asarray(value)) for value in (deep, broad, truth, weights))
    scale = torch.tensor([0.5, 0.5] + [0.0] * deep.shape[1], dtype=torch.float32, requires_grad=True)
    optimiser = torch.optim.LBFGS([scale], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        logits = scale[0] * deep + scale[1] * broad + scale[2:]
        value = (nn.functional.cross_entropy(logits, truth, reduction="none") * weights).sum() / weights.sum() + 1e-3 * scale[2:].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return [round(float(value), 4) for value in scale.detach()]
