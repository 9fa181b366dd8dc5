"""callsift beside faster-whisper and whisper.cpp: same calls, same weights, same cores, one after another, several rounds.

    make bench-peers CT2=FOLDER            (FOLDER: CTranslate2 form of the model, which `callsift models pull` leaves)
    python benches/peers.py --ct2 FOLDER --model whisper-base --calls target/real --rounds 3 --out benches/runs/NAME.json

Each measurement is a program of its own; processor time, wall time and peak memory are those of that program, models loaded
included. All texts are scored by `callsift eval --speech`. The peers hear each channel alone, as callsift does, through
their own voice activity detection. They are set to Mandarin, and carry no text over from window to window; the rest is their
default (second attempts at higher temperatures included: without them faster-whisper's errors double).
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
CALLSIFT = ROOT / "target/release/callsift"
BATCH = 8
ENGINES = {
    "callsift": {},
    "faster-whisper beam 1": {"beam_size": 1},
    "faster-whisper beam 5": {"beam_size": 5},
    "faster-whisper batched": {"beam_size": 1, "batch_size": BATCH},
    "whisper.cpp": {},
}


def channels(calls):
    """(file, channel, 16 kHz samples) of every call that the references name."""
    from faster_whisper.audio import decode_audio

    lines = (calls / "references.jsonl").read_text(encoding="utf-8").splitlines()
    for file in sorted({json.loads(line)["file"] for line in lines}):
        for channel, wave in enumerate(decode_audio(str(calls / file), split_stereo=True)):
            yield file, channel, wave


def with_vocabulary(ct2, scratch):
    """The folder itself, or links to its files beside a vocabulary made of its tokenizer: `callsift models pull` needs none."""
    if any((ct2 / name).is_file() for name in ("vocabulary.json", "vocabulary.txt")):
        return ct2
    tokenizer = json.loads((ct2 / "tokenizer.json").read_text(encoding="utf-8"))
    ids = {**tokenizer["model"]["vocab"], **{token["content"]: token["id"] for token in tokenizer["added_tokens"]}}
    # Time tokens are in no tokenizer: 0 to 30 s, in steps of 20 ms.
    words = sorted(ids, key=ids.get) + [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    (scratch / "vocabulary.json").write_text(json.dumps(words), encoding="utf-8")
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (scratch / name).symlink_to((ct2 / name).resolve())
    return scratch


def faster_whisper(args, options):
    """Segments (file, channel, start s, end s, text) by faster-whisper, int8."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    with tempfile.TemporaryDirectory() as scratch:
        folder = with_vocabulary(args.ct2, Path(scratch))
        model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=args.threads)
    common = {"language": "zh", "vad_filter": True, "condition_on_previous_text": False, **options}
    if "batch_size" in options:
        model = BatchedInferencePipeline(model)
    for file, channel, wave in channels(args.calls):
        for segment in model.transcribe(wave, **common)[0]:
            yield file, channel, segment.start, segment.end, segment.text


def whisper_cpp(args, _):
    """The same by whisper.cpp, which has no detector of its own in this package."""
    from pywhispercpp.model import Model

    model = Model(str(args.ggml), n_threads=args.threads, print_progress=False, print_realtime=False, redirect_whispercpp_logs_to=None)
    for file, channel, wave in channels(args.calls):
        for segment in model.transcribe(wave, language="zh", no_context=True):
            yield file, channel, segment.t0 / 100, segment.t1 / 100, segment.text


def hear(args):
    """The measured program of a peer: writes what it heard as lines that `callsift eval --hypotheses` reads."""
    engine = whisper_cpp if args.hear == "whisper.cpp" else faster_whisper
    with args.out.open("w", encoding="utf-8") as out:
        for file, channel, start, end, text in engine(args, ENGINES[args.hear]):
            line = {"file": file, "channel": channel, "start_ms": round(start * 1000), "end_ms": round(end * 1000), "text": text}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def measured(command):
    """(standard output, processor seconds, wall seconds, peak memory in MB) of a program."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    return output, used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024


def once(engine, args, folder):
    """One measurement of one engine."""
    score = [CALLSIFT, "eval", "--speech", args.calls, "--json"]
    if engine == "callsift":
        output, cpu, wall, memory = measured([*score, "--model", args.model, "--workers", str(args.threads)])
    else:
        heard = folder / "heard.jsonl"
        peer = [sys.executable, __file__, "--hear", engine, "--ct2", args.ct2, "--ggml", args.ggml, "--calls", args.calls]
        _, cpu, wall, memory = measured([*peer, "--threads", str(args.threads), "--out", heard])
        output = subprocess.check_output([*score, "--hypotheses", heard], text=True, cwd=ROOT)
    figures = json.loads(output)
    kept = {name: figures[name] for name in ("cer", "cer_interval", "turn_cer", "substitutions", "deletions", "insertions")}
    return {"engine": engine, "cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "peak_mb": round(memory), **kept}


def machine():
    """What the figures were measured on."""
    cpu = dict(line.split(":", 1) for line in subprocess.check_output(["lscpu"], text=True, env={**os.environ, "LC_ALL": "C"}).splitlines() if ":" in line)
    flags = cpu.get("Flags", "").split()
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    return {
        "cpu": cpu.get("Model name", "").strip(), "cores": len(os.sched_getaffinity(0)), "flags": [f for f in wanted if f in flags],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30), "system": platform.system(),
        "load": round(os.getloadavg()[0], 2),
    }


def table(runs):
    """Medians over rounds, and what each needs beside callsift."""
    def mid(engine, name):
        return median(run[name] for run in runs if run["engine"] == engine)

    print(f"\n{'':24}{'CPU s':>8}{'×':>6}{'wall s':>8}{'×':>6}{'MB':>7}{'CER %':>7}{'in turn':>9}")
    for engine in dict.fromkeys(run["engine"] for run in runs):
        row = [mid(engine, name) for name in ("cpu_s", "wall_s", "peak_mb", "cer", "turn_cer")]
        ratios = [row[0] / mid("callsift", "cpu_s"), row[1] / mid("callsift", "wall_s")]
        print(f"{engine:24}{row[0]:8.1f}{ratios[0]:6.2f}{row[1]:8.1f}{ratios[1]:6.2f}{row[2]:7.0f}{row[3] * 100:7.1f}{row[4] * 100:9.1f}")


def compare(args):
    """All engines, round by round."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        args.ggml = Path(folder) / "model.bin"
        subprocess.check_call([sys.executable, ROOT / "benches/ct2_to_ggml.py", args.ct2, args.ggml])
        before = machine()
        for number in range(args.rounds):
            for engine in args.engines:
                run = {"round": number + 1, **once(engine, args, Path(folder))}
                print(f"round {number + 1}  {engine}: CPU {run['cpu_s']} s, wall {run['wall_s']} s, CER {run['cer']:.3f}", flush=True)
                runs.append(run)
    packages = ("faster-whisper", "ctranslate2", "pywhispercpp", "numpy")
    versions = {"callsift": subprocess.check_output([CALLSIFT, "--version"], text=True).split()[-1]}
    versions |= {name: version(name) for name in packages} | {"python": platform.python_version()}
    code = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    result = {
        "date": date.today().isoformat(), "commit": code, "machine": before, "versions": versions, "threads": args.threads,
        "calls": args.calls.name, "rounds": args.rounds, "runs": runs,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    table(runs)
    print(f"\nThe ratios are to callsift. Raw numbers: {args.out}")


def main():
    """Compare, or be the measured program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct2", type=Path, required=True, help="folder with model.bin, config.json, tokenizer.json, vocabulary")
    parser.add_argument("--model", default="whisper-base", help="the same weights for callsift: a name or a path")
    parser.add_argument("--calls", type=Path, default=ROOT / "target/real", help="folder with references.jsonl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--out", type=Path, default=ROOT / f"benches/runs/peers-{date.today().isoformat()}.json")
    parser.add_argument("--hear", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--ggml", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    for name in ("ct2", "calls", "out"):
        setattr(args, name, getattr(args, name).absolute())
    hear(args) if args.hear else compare(args)


if __name__ == "__main__":
    main()
