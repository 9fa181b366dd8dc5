"""The tokenizer, and a small encoder with one head per question."""
import torch
import torch.nn.functional as F
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn

from data import HEADS

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH, PLACES = 128, 64  # tokens of an input; positions that are told apart, all later ones count as the last


def make_tokenizer(texts, least=2, most=6000):
    """One token per character; case, width, spaces and punctuation go, for recognised speech has none."""
    tokenizer = Tokenizer(models.WordLevel({token: at for at, token in enumerate(SPECIAL)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"[^\p{L}\p{N}]+"), "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"."), "isolated")
    counts = {}
    for text in texts:
        for char in tokenizer.normalizer.normalize_str(text):
            counts[char] = counts.get(char, 0) + 1
    chars = sorted((char for char in counts if counts[char] >= least), key=lambda char: (-counts[char], char))
    vocabulary = {token: at for at, token in enumerate(SPECIAL + chars[: most - len(SPECIAL)])}
    tokenizer.model = models.WordLevel(vocabulary, unk_token="[UNK]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")])
    return tokenizer


def encode(tokenizer, pairs):
    """Tokens, their turn (0 before, 1 own) of (turn before, turn) pairs, cut as the crate cuts them."""
    tokenizer.enable_truncation(LENGTH)
    tokenizer.no_padding()
    return [(found.ids, found.type_ids) for found in tokenizer.encode_batch([(prev[:LENGTH], text[:LENGTH]) for prev, text in pairs])]


def collate(encoded):
    """Three tensors [turns, tokens], padded to the longest."""
    width = max(len(ids) for ids, _ in encoded)
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in encoded])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in encoded])
    types = torch.tensor([types + [0] * (width - len(types)) for _, types in encoded])
    return ids, mask, types


class Block(nn.Module):
    """Attention and a feed-forward layer, each normalised first."""

    def __init__(self, width, heads, drop):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(drop)

    def forward(self, x, hidden):
        """`hidden` is a large negative number where a token is padding."""
        rows, length, width = x.shape
        parts = self.queries(self.before(x)).view(rows, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        weights = (query @ key.transpose(-1, -2) * self.size ** -0.5 + hidden).softmax(-1)
        mixed = (weights @ value).transpose(1, 2).reshape(rows, length, width)
        x = x + self.drop(self.out(mixed))
        return x + self.drop(self.narrow(F.relu(self.wide(self.between(x)))))


class Classifier(nn.Module):
    """Characters and hashed pairs of neighbouring characters, a few blocks, and the own turn pooled for every head.

    Pairs are looked up inside the graph, so that callers give character tokens only. They stand in for the words that
    an encoder without pre-training would have to learn from too little text.
    """

    def __init__(self, vocabulary, width=128, layers=3, heads=4, buckets=16384, drop=0.2):
        super().__init__()
        self.settings = {"vocabulary": vocabulary, "width": width, "layers": layers, "heads": heads, "buckets": buckets}
        self.buckets = buckets
        self.chars, self.pairs = nn.Embedding(vocabulary, width), nn.Embedding(buckets, width)
        self.places, self.turns = nn.Embedding(PLACES, width), nn.Embedding(2, width)
        for table in (self.chars, self.pairs, self.places, self.turns):
            nn.init.normal_(table.weight, std=0.05)
        self.blocks = nn.ModuleList(Block(width, heads, drop) for _ in range(layers))
        self.last, self.drop = nn.LayerNorm(width), nn.Dropout(0.3)
        self.outputs = nn.ModuleDict({name: nn.Linear(3 * width, len(labels)) for name, labels in HEADS.items()})

    def states(self, input_ids, attention_mask, token_type_ids):
        """What is known of every token [turns, tokens, width]."""
        following = F.pad(input_ids[:, 1:], (0, 1))
        hashed = (input_ids * 7919 + following * 104729) % self.buckets
        places = (torch.cumsum(torch.ones_like(input_ids), 1) - 1).clamp(max=PLACES - 1)
        x = self.chars(input_ids) + self.pairs(hashed) + self.places(places) + self.turns(token_type_ids)
        x = self.drop(x) if self.training else x
        hidden = (1.0 - attention_mask.to(x.dtype))[:, None, None, :] * -1e4
        for block in self.blocks:
            x = block(x, hidden)
        return self.last(x)

    def guesses(self, input_ids, attention_mask, token_type_ids, places):
        """Logits over the vocabulary at the given places, for the training on text alone."""
        return self.states(input_ids, attention_mask, token_type_ids)[places] @ self.chars.weight.T * 2

    def forward(self, input_ids, attention_mask, token_type_ids):
        """Logits of every head, in the order of HEADS."""
        x = self.states(input_ids, attention_mask, token_type_ids)
        own = (token_type_ids * attention_mask).to(x.dtype)[:, :, None]
        mean = (x * own).sum(1) / own.sum(1).clamp(min=1.0)
        peak = (x * own - (1.0 - own) * 1e4).max(1).values
        pooled = self.drop(torch.cat([x[:, 0], mean, peak], -1))
        return tuple(self.outputs[name](pooled) for name in HEADS)
