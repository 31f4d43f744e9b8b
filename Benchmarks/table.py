#!/usr/bin/env python3
"""Prints the Markdown table of Benchmarks/run.

    python3 Benchmarks/table.py SADDLE.jsonl PYTORCH.jsonl

Each file holds one JSON object per line with `name` and `seconds`; from Saddle also `blas_core`, from the peers
`gflops`, `threads` and `torch`.
"""

import json
import platform
import statistics
import sys
from pathlib import Path


def read(path):
    """The results in a file, by name of the benchmark."""
    results = {}
    for line in Path(path).read_text().splitlines():
        if line.strip():
            result = json.loads(line)
            results.setdefault(result["name"], []).append(result)
    return results


def median(results):
    return statistics.median(result["seconds"] for result in results)


def spread(results):
    """Largest over smallest: how far the rounds can be trusted."""
    seconds = [result["seconds"] for result in results]
    return max(seconds) / min(seconds)


def processor():
    """The CPU's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown CPU")


def main():
    saddle, pytorch = read(sys.argv[1]), read(sys.argv[2])
    print("| benchmark | Saddle (s) | PyTorch (s) | PyTorch / Saddle | Saddle (GFLOP/s) | spread of rounds |")
    print("|---|---|---|---|---|---|")
    for name, peer in pytorch.items():
        ours, theirs = median(saddle[name]), median(peer)
        rate = peer[0]["gflops"] * peer[0]["seconds"] / ours
        spreads = f"{spread(saddle[name]):.2f}, {spread(peer):.2f}"
        print(f"| {name} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.2f} | {rate:.0f} | {spreads} |")
    rounds = len(next(iter(pytorch.values())))
    ours, theirs = next(iter(saddle.values()))[0], next(iter(pytorch.values()))[0]
    print(
        f"\n{processor()}, {theirs['threads']} threads, medians of {rounds} rounds; "
        f"OpenBLAS with its {ours['blas_core']} kernels, PyTorch {theirs['torch']}."
    )


if __name__ == "__main__":
    main()
