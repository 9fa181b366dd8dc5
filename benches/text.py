"""Turns per second of the text classifier, in Rust and in python onnxruntime, on the same file, turns and calls, in one run.

    make bench-text            (or: python benches/text.py --binary target/release/examples/bench_text)
    python benches/text.py --model .callsift/models/sentence-encoder      (or models/text-base-zh, with --encoder)

Both tokenize, batch (16 turns of like length of one call) and compute. With two threads Rust runs a classifier in each, as the
pipeline does; Python is measured with two threads inside the runtime and with two sessions in two threads, and the
better counts. The rounds alternate, so that other work on the machine hits both; the median of the rounds is printed.
"""
import argparse
import csv
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models/train/text"))
import onnxruntime

import joined_model
from onnx_model import OnnxModel
from vectors import Encoder


def pairs_of(call):
    """(turn before, turn) of a call."""
    return list(zip([""] + call[:-1], call))


class Vectors:
    """The sentence encoder alone, asked as a text model is."""

    def __init__(self, folder, threads):
        self.encoder = Encoder(folder, threads)

    def probabilities(self, pairs):
        self.encoder.vectors([text for _, text in pairs])


def load(args, threads):
    """The model in python: text model, joined one or encoder."""
    if not (args.model / "config.json").exists():
        return Vectors(args.model, threads)
    joined = (args.model / "config.json").read_text(encoding="utf-8").find('"joins"') >= 0
    return joined_model.load(args.model, args.encoder) if joined else OnnxModel(args.model, threads)


def python_rate(models, calls, turns):
    """Turns per second with one session a thread."""
    rest, lock = iter(calls), threading.Lock()

    def work(model):
        while True:
            with lock:
                call = next(rest, None)
            if call is None:
                return
            model.probabilities(pairs_of(call))

    begin = time.perf_counter()
    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turns / (time.perf_counter() - begin)


def main():
    """Prints the table."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--model", type=Path, default=ROOT / "models/text-mini-zh")
    args.add_argument("--encoder", help="sentence encoder of a joined model, where not beside it")
    args.add_argument("--binary", type=Path, default=ROOT / "target/release/examples/bench_text")
    args.add_argument("--turns", type=int, default=2400)
    args.add_argument("--call", type=int, default=60, help="turns of one call")
    args.add_argument("--rounds", type=int, default=5)
    args = args.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with open(ROOT / "models/text-mini-zh/eval/turns.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    turns = [row["text"] for row in rows if row["source"] in ("own", "crosswoz", "cped")]
    turns = [text for text in turns if any(char.isalnum() for char in text)][: args.turns]
    calls = [turns[at: at + args.call] for at in range(0, len(turns), args.call)]
    kinds = {"python 1": [load(args, 1)], "python 2": [load(args, 2)], "python 1+1": [load(args, 1), load(args, 1)]}
    rates = {name: [] for name in ("rust 1", "rust 2", *kinds)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "turns.txt"
        file.write_text("\n".join(turns) + "\n", encoding="utf-8")
        for models in kinds.values():
            python_rate(models, calls[:2], 1)
        for _ in range(args.rounds):
            for threads in (1, 2):
                command = [args.binary, args.model, file, str(threads), str(args.call)]
                rates[f"rust {threads}"].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            for name, models in kinds.items():
                rates[name].append(python_rate(models, calls, len(turns)))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{len(turns)} turns in calls of {args.call}, median of {args.rounds} rounds; {os.cpu_count()} cores, {platform.machine()}, onnxruntime {onnxruntime.__version__}")
    for threads, other in ((1, middle["python 1"]), (2, max(middle["python 2"], middle["python 1+1"]))):
        rust = middle[f"rust {threads}"]
        print(f"{threads} thread{'s' * (threads > 1)}: rust {rust:.0f} turns per second, python {other:.0f}, ratio {rust / other:.2f}")


if __name__ == "__main__":
    main()
