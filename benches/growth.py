#!/usr/bin/env python3
"""What a day of 10⁴, 10⁶ and 10⁸ calls takes: `growth.py [--seed N]`. Made from measured costs; nothing is run.

Lengths of calls are drawn (log-normal with a mean of three minutes, one in 20,000 forgotten off the hook for hours), shared out among
processes by the hash of their ids (`run --shard`) or the longest first (the Spark job), and summed. Up to a million calls each call is
drawn; beyond that the sum of a share is drawn from the normal distribution with the mean and variance of a million calls.
"""
import argparse
import heapq
import math
import random

# Measured; docs/operations.md and docs/lake.md say how.
CPU_S_PER_AUDIO_MIN = 2.7  # whisper-base, second hearing included
LAKE_KB_PER_CALL = (1.0, 30.0)  # 0.02 to 0.6 GB for 20,000 calls
CATALOGUE_KB_PER_CALL = 9.0  # 6.3 GB for 700,000
COMPACT_CALLS_PER_S = 12_000  # 40,000 calls in 3.3 s
CONSOLE_CALLS = 700_000  # the largest catalogue that was measured
HOLD_S = 0.3  # the lake held for each part that is published, index of some 100,000 calls
MANIFEST_BYTES = 200  # a row of CSV

# Chosen: what a platform team would.
CORES, WINDOW_H, USE = 16, 8, 0.8
CALLS_PER_PART = {10**4: 32, 10**6: 256, 10**8: 1024}
PRICE = 0.04  # a core hour, in whatever money; put your own


def lengths(count, rng):
    """Lengths of calls in minutes."""
    sigma = 0.9
    mu = math.log(3) - sigma**2 / 2
    return [rng.uniform(60, 600) if rng.random() < 1 / 20_000 else rng.lognormvariate(mu, sigma) for _ in range(count)]


def by_hash(calls, shares, rng):
    """The fullest share over the mean, each call in a share by chance."""
    sums = [0.0] * shares
    for call in calls:
        sums[rng.randrange(shares)] += call
    return max(sums) * shares / sum(sums)


def longest_first(calls, shares):
    sums = [(0.0, n) for n in range(shares)]
    for call in sorted(calls, reverse=True):
        total, n = heapq.heappop(sums)
        heapq.heappush(sums, (total + call, n))
    return max(sums)[0] * shares / sum(calls)


def by_hash_large(sample, count, shares, rng):
    mean = sum(sample) / len(sample)
    variance = sum((c - mean) ** 2 for c in sample) / len(sample)
    each = count / shares
    # The number of calls of a share varies by chance, too: a compound sum.
    deviation = math.sqrt(each * (variance + mean**2))
    return max(rng.gauss(each * mean, deviation) for _ in range(shares)) / (each * mean)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=20)
    rng = random.Random(parser.parse_args().seed)
    sample = lengths(10**6, rng)
    mean = sum(sample) / len(sample)
    lines = [("calls a day", []), ("audio, hours", []), ("core hours", []), (f"machines of {CORES} cores, {WINDOW_H} h at {USE:.0%}", []),
             ("processes of 4 cores", []), ("fullest process over the mean: shares by hash", []), ("the same, longest first", []),
             ("longest call, hours of one thread", []), ("manifest", []), ("parts a day before compaction", []),
             ("parts published a second; the lake lets through", []), ("files a day after it", []), ("compaction, one process", []),
             ("lake a day", []), ("days until the console's catalogue is as large as was measured", []), ("cost of 1,000 hours", [])]
    for count in (10**4, 10**6, 10**8):
        calls = sample[:count] if count < 10**6 else sample
        hours = count * mean / 60
        core_hours = hours * 60 * CPU_S_PER_AUDIO_MIN / 3600
        machines = max(1, math.ceil(core_hours / (CORES * WINDOW_H * USE)))
        processes = machines * CORES // 4
        if count <= 10**6:
            skew, best = by_hash(calls, processes, rng), longest_first(calls, processes)
        else:
            skew, best = by_hash_large(sample, count, processes, rng), 1.0
        longest = max(calls)
        parts = math.ceil(count / CALLS_PER_PART[count]) + processes
        rate = parts / (WINDOW_H * 3600 * USE)
        size = [count * kb / 10**6 for kb in LAKE_KB_PER_CALL]
        seconds = count / COMPACT_CALLS_PER_S
        values = [f"{count:,}", f"{hours:,.0f}", f"{core_hours:,.0f}", f"{machines:,}", f"{processes:,}", f"{skew:.2f}", f"{best:.2f}",
                  f"{longest * CPU_S_PER_AUDIO_MIN / 3600:.2f}", size_of(count * MANIFEST_BYTES), f"{parts:,}",
                  f"{rate:.2f}; {1 / HOLD_S:.1f}", f"{3 * max(1, math.ceil(size[1] * 0.6 / 0.128)):,} at most",
                  f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 3600:.1f} h", f"{size[0]:,.2f} to {size[1]:,.1f} GB",
                  f"{CONSOLE_CALLS / count:,.2f}", f"{core_hours / hours * 1000 * PRICE:.2f}"]
        for (_, row), value in zip(lines, values):
            row.append(value)
    for name, row in lines:
        print(f"| {name} | {' | '.join(row)} |")


def size_of(count):
    units = ["B", "kB", "MB", "GB", "TB"]
    step = min(int(math.log10(count) // 3), 4)
    return f"{count / 1000**step:,.0f} {units[step]}"


main()
