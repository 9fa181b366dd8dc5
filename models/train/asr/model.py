"""The small whisper: standard architecture and vocabulary; while training only the tokens in use have rows.

All other tokens of the 51,865 share one row (`rest`), which training pushes down as if it stood there 47,000 times;
at export every unused token gets that row, so none of them can win.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn
from whisper.model import ModelDimensions, Whisper

VOCABULARY = 51865
WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 128, 2, 4, 3


class Net(nn.Module):
    """Whisper over the used tokens, with frame heads and guided cross-attention."""

    def __init__(self, used, head_sizes):
        super().__init__()
        self.used, self.head_sizes = list(used), list(head_sizes)
        rows = len(self.used) + 1
        dims = ModelDimensions(80, 1500, WIDTH, HEADS, ENCODER_LAYERS, rows, 448, WIDTH, HEADS, DECODER_LAYERS)
        self.whisper = Whisper(dims)
        self.heads = nn.Linear(WIDTH, sum(head_sizes))
        row = torch.full((VOCABULARY,), rows - 1)
        row[torch.tensor(self.used)] = torch.arange(rows - 1)
        self.register_buffer("row", row, persistent=False)
        self.rest_bias = math.log(VOCABULARY - rows + 1)
        for block in self.modules():  # whisper.cpp computes GELU by its tanh form
            if isinstance(block, nn.GELU):
                block.approximate = "tanh"
        self.start_scales()

    def start_scales(self):
        """Initial scales without which learning stalls: the convolutions drown in the sinusoidal positions."""
        enc, dec = self.whisper.encoder, self.whisper.decoder
        enc.conv1.weight.data.mul_(2)
        enc.conv2.weight.data.mul_(8)
        nn.init.normal_(dec.token_embedding.weight, std=0.02)
        nn.init.normal_(dec.positional_embedding, std=0.01)

    def encode(self, mel):
        """Log-mel (batch, 80, 2T) -> (batch, T, width), positions from 0."""
        enc = self.whisper.encoder
        x = F.gelu(enc.conv1(mel), approximate="tanh")
        x = F.gelu(enc.conv2(x), approximate="tanh").permute(0, 2, 1)
        x = x + enc.positional_embedding[: x.shape[1]]
        for block in enc.blocks:
            x = block(x)
        return enc.ln_post(x)

    def decode(self, ids, audio, spans):
        """Logits over used tokens + rest, and the guidance loss: -log attention mass on the frames of the next token."""
        dec = self.whisper.decoder
        x = dec.token_embedding(self.row[ids]) + dec.positional_embedding[: ids.shape[-1]]
        known = spans[..., 0] >= 0
        at = torch.arange(audio.shape[1])
        inside = (at >= spans[..., 0:1] - 2) & (at < spans[..., 1:2] + 2) & known[..., None]
        guide, size = x.new_zeros(()), WIDTH // HEADS
        for i, block in enumerate(dec.blocks):
            x = x + block.attn(block.attn_ln(x), mask=dec.mask)[0]
            cross, seen = block.cross_attn, block.cross_attn_ln(x)
            if i and known.any():
                q, k = cross.query(seen)[..., :size], cross.key(audio)[..., :size]
                weights = ((q @ k.transpose(1, 2)) * size**-0.5).softmax(-1)
                guide = guide - torch.log((weights * inside).sum(-1)[known] + 1e-5).mean() / (len(dec.blocks) - 1)
            x = x + cross(seen, audio)[0]
            x = x + block.mlp(block.mlp_ln(x))
        return dec.ln(x) @ dec.token_embedding.weight.T, guide

    def full_state(self):
        """State dict of a whisper with all 51,865 rows."""
        state = {k: v.detach().clone() for k, v in self.whisper.state_dict().items()}
        table = state["decoder.token_embedding.weight"]
        state["decoder.token_embedding.weight"] = table[self.row]
        return state

    def take_full_state(self, state, heads=None):
        """Start from a whisper with all rows; `rest` starts at zero."""
        state = {k: v.float() for k, v in state.items()}
        table = state["decoder.token_embedding.weight"][torch.tensor(self.used)]
        state["decoder.token_embedding.weight"] = torch.cat([table, torch.zeros(1, WIDTH)])
        self.whisper.load_state_dict(state)
        if heads and heads["weight"].shape == self.heads.weight.shape:
            self.heads.load_state_dict({k: v.float() for k, v in heads.items()})
            return True
        return False
