"""Train the small Mandarin whisper on joined speech. Resumes from its checkpoint.

    python models/train/asr/train.py --shared ../shared --work target/train/asr --minutes 100

One process per core, each with one thread (threads of one process wait for each other whenever the machine is shared);
gradients are averaged every step. Progress lines carry the time left.
"""
import argparse
import math
import os
import random
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import torch
import torch.distributed as dist
import torch.nn.functional as F

from grammar import Grammar, excluded_sentences
from model import Net
from voices import load_bank
from windows import EOT, NO_SPEECH, NO_TIMES, START, TIME0, TOKENS, Frames, Source

# (seconds at most, whole 30 s context, windows per process and step, share of steps in the first third and after it)
SHAPES = [
    (5.1, False, 10, 0.30, 0.10), (8.0, False, 7, 0.26, 0.16), (12.0, False, 5, 0.17, 0.24), (20.0, False, 4, 0.0, 0.28),
    (24.0, False, 3, 0.10, 0.10), (25.0, True, 3, 0.17, 0.12),
]
# The same for training that goes on from a good state: windows of up to 30 s.
LONG_SHAPES = [
    (6.0, False, 9, 0.08, 0.08), (12.0, False, 5, 0.22, 0.22), (20.0, False, 3, 0.20, 0.20), (30.0, False, 2, 0.40, 0.40), (29.0, True, 2, 0.10, 0.10),
]
FIRST = 0.33  # share of the time on mostly short windows
FRAMES = 0.08  # share of the time on frame labels alone, where training starts from nothing
NEAR = {-2: 0.05, -1: 0.2, 0: 0.5, 1: 0.2, 2: 0.05}  # soft target of a timestamp, in steps of 20 ms


def used_tokens(grammar, bank):
    """Every token that training can meet."""
    rng, used = random.Random(1), set(START) | {NO_TIMES, NO_SPEECH, EOT} | set(range(TIME0, TIME0 + 1501))
    for text in grammar.service:
        used.update(TOKENS.encode(text))
    for word in grammar.words:
        used.update(TOKENS.encode(word))
    for role in ("agent", "customer"):
        for _ in range(30000):
            used.update(TOKENS.encode(grammar.template(role, rng)))
    for mark in "，。？、":
        used.update(TOKENS.encode(mark))
    for char in sorted({c for w in bank["words"] for c in w}):
        used.update(TOKENS.encode(char))
    return sorted(used)


def text_loss(logits, rows, tokens, mask):
    """Cross-entropy; timestamps with a soft target over their neighbours. Also the accuracy on text tokens."""
    logp = logits.float().log_softmax(-1)
    time_token = tokens >= TIME0
    picked = -logp.gather(-1, rows[..., None])[..., 0]
    soft = torch.zeros_like(picked)
    for shift, weight in NEAR.items():
        soft = soft - weight * logp.gather(-1, (rows + shift).clamp(0, logits.shape[-1] - 2)[..., None])[..., 0]
    exact = (tokens == TIME0) | (tokens >= TIME0 + 1499)
    loss = torch.where(time_token & ~exact, soft, picked)
    text = mask & ~time_token
    right = (logits.argmax(-1) == rows)[text].float().mean()
    return loss[mask].mean(), right.item()


def step_loss(net, batch, frames, rest, frames_only=False):
    """Loss of one batch and figures for the log; at the start of a training from nothing only the frames are learned."""
    ids, mask = batch["ids"], batch["mask"]
    audio = net.encode(batch["mel"])
    labels = batch["labels"].reshape(-1)
    goal = frames.classes[labels]
    parts = net.heads(audio).reshape(-1, sum(frames.sizes)).split(frames.sizes, -1)
    frame = sum(F.cross_entropy(part, goal[:, k]) for k, part in enumerate(parts))
    spoken = labels > 0
    hits = [(p.argmax(-1) == goal[:, k])[spoken].float().mean().item() for k, p in enumerate(parts)]
    figures = {"frame": frame.item(), "heads": sum(hits) / 3}
    if frames_only:
        return frame, figures
    told = ids[:, :-1].clone()
    spoil = (torch.rand(told.shape) < 0.03) & (told < EOT)
    told[spoil] = torch.tensor(net.used)[torch.randint(0, len(net.used) // 2, (int(spoil.sum()),))]
    logits, guide = net.decode(told, audio, batch["spans"][:, 1:])
    logits = torch.cat([logits[..., :-1], logits[..., -1:] + net.rest_bias * rest], -1)
    goal_ids = ids[:, 1:].clone()
    empty = ~((ids[:, 3:] < EOT).any(1))
    goal_ids[empty, 0] = NO_SPEECH
    loss, right = text_loss(logits, net.row[goal_ids], goal_ids, mask[:, 1:])
    figures |= {"ce": loss.item(), "guide": guide.item(), "right": right}
    return loss + 0.2 * frame + 0.5 * guide, figures


def smooth(old, new):
    """Running means for the log; values that are not numbers are skipped."""
    mixed = {k: 0.97 * old.get(k, v) + 0.03 * v for k, v in new.items() if v == v}
    return {**old, **mixed}


def average_gradients(params, world):
    """Mean over the processes, through one flat buffer."""
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in params])
    if world > 1:
        dist.all_reduce(flat)
        flat /= world
    norm = flat.norm()
    flat *= min(1.0, 1.0 / (float(norm) + 1e-6))
    at = 0
    for p in params:
        p.grad = flat[at : at + p.numel()].view_as(p)
        at += p.numel()


def save(path, net, average, opt, step, elapsed, scratch):
    """Checkpoint, replaced atomically."""
    state = {"scratch": scratch, "net": net.state_dict(), "average": average, "opt": opt.state_dict(), "step": step, "elapsed": elapsed}
    torch.save({**state, "used": net.used, "head_sizes": net.head_sizes}, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def worker(rank, args):
    """One process of the training."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    world = args.processes
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    bank = load_bank(args.shared, args.work)
    grammar = Grammar(args.shared, excluded_sentences(args.exclude), bank["words"], args.free, args.faults)
    path = args.work / "checkpoint.pt"
    state = torch.load(path, map_location="cpu") if path.exists() else None
    frames = Frames(bank)
    start = torch.load(args.init, map_location="cpu") if args.init and not state else {}
    used = (state or start).get("used")
    net = Net(used_tokens(grammar, bank) if used is None else used, frames.sizes)
    step, elapsed, average, scratch = 0, 0.0, None, not args.init
    params = [p for p in net.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    if state:
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        step, elapsed, average, scratch = state["step"], state["elapsed"], state["average"], state.get("scratch", False)
    elif "average" in start:
        net.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in start["average"].items()})
        print(f"started from {args.init.name}", flush=True)
    elif start:
        heads = net.take_full_state(start["net"], start.get("ctc"))
        print(f"started from {args.init.name}, frame heads {'kept' if heads else 'new'}", flush=True)
    average = average or {k: v.detach().clone() for k, v in net.state_dict().items()}
    source = Source(bank, grammar, seed=args.seed * 1000 + step * 10 + rank)
    if rank == 0:
        print(f"{len(net.used)} tokens in use, {sum(p.numel() for p in params)/1e6:.2f} M weights trained, from step {step}, {elapsed/60:.1f} min done", flush=True)
    last, figures = time.time(), {}
    limit = args.minutes * 60
    while elapsed < limit:
        share = elapsed / limit
        rate = args.lr * min(1.0, (step + 1) / 150) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in opt.param_groups:
            group["lr"] = rate
        shapes = SHAPES if scratch else LONG_SHAPES
        shape = random.Random(step * 7919 + args.seed).choices(shapes, [s[3 if share < FIRST else 4] for s in shapes])[0]
        seconds = shape[0] if not shape[1] else random.Random(step).uniform(4, shape[0])
        batch = source.batch(seconds, shape[2], shape[1])
        loss, now = step_loss(net, batch, frames, min(1.0, step / 400), scratch and share < FRAMES)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(params, world)
        opt.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        if rank == 0:
            for key, value in net.state_dict().items():
                average[key].lerp_(value, 1 - keep) if value.is_floating_point() else average[key].copy_(value)
        figures = smooth(figures, now)
        tick = torch.tensor([time.time() - last], dtype=torch.float64)
        last = time.time()
        if world > 1:
            dist.broadcast(tick, 0)
        elapsed += tick.item()
        if rank == 0 and step % 50 == 0:
            line = " ".join(f"{k} {v:.3f}" for k, v in figures.items())
            print(f"step {step} {elapsed/60:.1f}/{args.minutes:g} min {line} lr {rate:.5f} left {(limit-elapsed)/60:.0f} min", flush=True)
        if rank == 0 and (step % 200 == 0 or elapsed >= limit):
            save(path, net, average, opt, step, elapsed, scratch)
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()


def main():
    """Parse the arguments and start the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds voices/ and data/")
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"), help="working folder (bank, checkpoint)")
    parser.add_argument("--init", type=Path, help="weights to start from where there is no checkpoint yet (from nothing where none are named)")
    parser.add_argument("--exclude", type=Path, nargs="*", default=[Path("tests/demo/scripts"), Path("models/whisper-mini-zh/eval")], help="folders whose sentences are kept out")
    parser.add_argument("--minutes", type=float, default=100, help="training time in all, over all runs")
    parser.add_argument("--lr", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--free", type=float, default=0.12, help="share of sentences from outside the grammar")
    parser.add_argument("--faults", type=float, default=0.3, help="share of faults and complaints among template sentences")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--port", type=int, default=29517)
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    load_bank(args.shared, args.work)
    if args.processes > 1:
        torch.multiprocessing.spawn(worker, (args,), args.processes)
    else:
        worker(0, args)


if __name__ == "__main__":
    main()
