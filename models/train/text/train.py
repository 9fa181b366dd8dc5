"""Train the text encoder. Resumes from its checkpoint.

    python models/train/text/train.py --shared ../shared --work target/train/text --minutes 22

First it learns to guess hidden characters, from all texts without labels; then the heads are added. A batch mixes the
sources by SHARES; each head learns from the rows that carry its label. The best state on dev is kept.
"""
import argparse
import json
import math
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from tokenizers import Tokenizer

import data
import noise
from model import LENGTH, Classifier, collate, encode, make_tokenizer

SHARES = {"cped": 0.21, "reviews": 0.12, "cold": 0.22, "own": 0.24, "service": 0.08, "crosswoz": 0.02,
          "cped-rhetorical": 0.05, "cped-calm": 0.04, "cped-weak": 0.02}
BATCH, RATE, NOISY, HIDDEN, MASK = 64, 1.0e-3, 0.3, 0.1, 4
GUESSING = 0.4  # share of the time in which hidden characters are guessed


def vary(found, confusions, rng):
    """(turn before, turn) as the model meets it: sometimes without the turn before, sometimes misheard."""
    prev = "" if rng.random() < 0.25 else found["prev"]
    text = found["text"]
    if rng.random() < NOISY:
        share = rng.uniform(0.02, 0.2)
        prev, text = noise.homophones(prev, share, confusions, rng), noise.homophones(text, share, confusions, rng)
    return prev, text


def batch_of(pools, confusions, rng):
    """Rows drawn by source."""
    names = list(pools)
    return [rng.choice(pools[name]) for name in rng.choices(names, [SHARES[name] for name in names], k=BATCH)]


def masked(encoded, rng):
    """Characters hidden here and there, so that no single one decides."""
    return [([MASK if at > MASK and rng.random() < HIDDEN else at for at in ids], types) for ids, types in encoded]


def plain_texts(shared, rows):
    """(turn before, turn) of everything that is no test turn, labelled or not."""
    held = {found["text"] for found in rows if found["split"] != "train"}
    pairs = [(found["prev"], found["text"]) for found in rows if found["split"] == "train"]
    folder = Path(shared) / "data"
    pairs += [("", line.strip()) for line in open(folder / "dialogues/service_sentences.txt", encoding="utf-8")]
    pairs += [("", line["text"]) for line in data.read_tsv(folder / "sentiment/reviews.tsv") if len(line["text"]) <= 60]
    return [pair for pair in pairs if pair[1] not in held and len(pair[1]) >= 4]


def guess_loss(net, encoded):
    """Loss of guessing every seventh character or so, hidden together with the pairs that it is part of."""
    ids, mask, types = collate(encoded)
    chosen = (torch.rand(ids.shape) < 0.15) & (ids > MASK)
    if not chosen.any():
        return None
    told = torch.where(chosen & (torch.rand(ids.shape) < 0.9), torch.full_like(ids, MASK), ids)
    return F.cross_entropy(net.guesses(told, mask, types, chosen), ids[chosen])


def halves(encoded):
    """Positions of the shorter and of the longer half."""
    order = sorted(range(len(encoded)), key=lambda at: len(encoded[at][0]))
    return order[: len(order) * 5 // 8], order[len(order) * 5 // 8:]


def loss_of(outputs, rows):
    """Sum over the heads of the mean loss of the rows that have its label."""
    total = 0.0
    for name, logits in zip(data.HEADS, outputs):
        labels = torch.tensor([found[name] for found in rows])
        if (labels >= 0).any():
            total = total + F.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=0.03)
    return total


@torch.inference_mode()
def predict(net, tokenizer, pairs, size=128):
    """Logits of every head for (turn before, turn) pairs."""
    net.eval()
    order = sorted(range(len(pairs)), key=lambda at: len(pairs[at][0][:LENGTH]) + len(pairs[at][1][:LENGTH]))
    out = [np.zeros((len(pairs), len(labels)), np.float32) for labels in data.HEADS.values()]
    for start in range(0, len(order), size):
        chosen = order[start: start + size]
        for values, logits in zip(out, net(*collate(encode(tokenizer, [pairs[at] for at in chosen])))):
            values[chosen] = logits.numpy()
    return out


def score(net, tokenizer, rows):
    """Macro-F1 per head and source, and their mean."""
    outputs = predict(net, tokenizer, [(found["prev"], found["text"]) for found in rows])
    scores = {}
    for name, logits in zip(data.HEADS, outputs):
        for source in sorted({found["source"] for found in rows}):
            chosen = [at for at, found in enumerate(rows) if found["source"] == source and found[name] >= 0]
            truth = [rows[at][name] for at in chosen]
            if len(set(truth)) > 1:
                scores[f"{name}/{source}"] = f1_score(truth, logits[chosen].argmax(1), average="macro", labels=sorted(set(truth)))
    return scores, float(np.mean(list(scores.values())))


def main():
    """Trains for the given time."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--shared", default="../shared")
    args.add_argument("--work", default="target/train/text")
    args.add_argument("--minutes", type=float, default=22)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--seed", type=int, default=7)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng, work = random.Random(args.seed), Path(args.work)
    work.mkdir(parents=True, exist_ok=True)
    rows = data.build(args.shared, args.seed)
    confusions = noise.load(Path(args.shared) / "data/asr_errors/ecspell_sound_confusion.json")
    train = [found for found in rows if found["split"] == "train"]
    if (work / "checkpoint.pt").exists():
        tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    else:
        tokenizer = make_tokenizer(found["prev"] + found["text"] for found in train)
        tokenizer.save(str(work / "tokenizer.json"))
    texts = plain_texts(args.shared, rows)
    pools = {name: [found for found in train if found["source"] == name] for name in SHARES}
    dev = [found for found in rows if found["split"] == "dev"]
    rng_dev = random.Random(1)
    dev = [found for found in dev if found["source"] in ("own",) or rng_dev.random() < 0.4]
    net = Classifier(tokenizer.get_vocab_size())
    size = sum(value.numel() for value in net.parameters())
    print(f"{len(train)} turns to train on, {len(dev)} for dev, {tokenizer.get_vocab_size()} characters, {size / 1e6:.2f} M parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.02, fused=True)
    average = {key: value.clone() for key, value in net.state_dict().items()}
    step, spent, best, path = 0, 0.0, 0.0, work / "checkpoint.pt"
    if path.exists():
        saved = torch.load(path, weights_only=False)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent, best = saved["average"], saved["step"], saved["spent"], saved["best"]
        rng.setstate(saved["rng"])
        print(f"going on from step {step}", flush=True)
    began, limit, losses, last_eval = time.monotonic() - spent, args.minutes * 60, [], spent
    probe = Classifier(**net.settings)
    guessing = False
    while True:
        spent = time.monotonic() - began
        done = min(1.0, spent / limit)
        if done < 1.0:
            net.train()
            guessing = done < GUESSING
            share = (done - GUESSING) / (1 - GUESSING)
            rate = RATE * min(1.0, (step + 1) / 200) * (1.0 if guessing else 0.03 + 0.97 * (0.5 + 0.5 * math.cos(math.pi * share)))
            for group in optimiser.param_groups:
                group["lr"] = rate
            if guessing:
                chosen = rng.choices(texts, k=2 * BATCH)
                encoded = encode(tokenizer, chosen)
            else:
                chosen = batch_of(pools, confusions, rng)
                encoded = masked(encode(tokenizer, [vary(found, confusions, rng) for found in chosen]), rng)
            optimiser.zero_grad(set_to_none=True)
            loss = 0.0
            for part in halves(encoded):  # short turns apart from long ones: less padding
                inputs = [encoded[at] for at in part]
                value = guess_loss(net, inputs) if guessing else loss_of(net(*collate(inputs)), [chosen[at] for at in part])
                if value is None:
                    continue
                value = value * (len(part) / len(encoded))
                value.backward()
                loss += value.item()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            if step % 5 == 0:
                keep = min(0.985, step / (step + 50))
                for key, value in net.state_dict().items():
                    average[key].mul_(keep).add_(value, alpha=1 - keep)
            losses.append(loss)
            step += 1
        if done >= 1.0 or spent - last_eval > max(60.0, limit / 12):
            probe.load_state_dict(average)
            scores, mean = score(probe, tokenizer, dev)
            last_eval = time.monotonic() - began
            shown = " ".join(f"{key} {value:.3f}" for key, value in scores.items())
            print(f"step {step} loss {np.mean(losses[-300:]):.3f} dev {mean:.4f} ({shown}) left {max(0, limit - last_eval) / 60:.1f} min", flush=True)
            if mean > best and not guessing:
                best = mean
                torch.save({"net": average, "settings": net.settings, "step": step, "dev": scores, "seed": args.seed,
                            "minutes": spent / 60}, work / "best.pt")
            torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "average": average, "step": step,
                        "spent": last_eval, "best": best, "rng": rng.getstate()}, str(path) + ".part")
            os.replace(str(path) + ".part", path)
            if done >= 1.0:
                break
    (work / "train.json").write_text(json.dumps({"steps": step, "dev": best, "seed": args.seed, "minutes": round(spent / 60, 1),
                                                 "parameters": size, "turns": len(train)}) + "\n")


if __name__ == "__main__":
    main()
