#!/usr/bin/env python3
"""Prints the Markdown tables of Benchmarks/run.

    python3 Benchmarks/table.py DIRECTORY

The directory has `jobs`, a name with options per line, and for the n-th job `saddle-n` and `pytorch-n` with one JSON
object per round: `seconds`, `threads`, and where they are measured `gflops` and `activation_bytes`; from Saddle also
`blas_core`, from the peers `torch`.
"""

import json
import platform
import statistics
import sys
from pathlib import Path


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def median(results, key="seconds"):
    return statistics.median(result[key] for result in results)


def spread(results):
    """Largest over smallest: how far the rounds can be trusted."""
    seconds = [result["seconds"] for result in results]
    return max(seconds) / min(seconds)


def rate(saddle, pytorch):
    """GFLOP/s of Saddle, by the operations that either side counted."""
    counted = saddle[0] if "gflops" in saddle[0] else pytorch[0]
    return counted["gflops"] * counted["seconds"] / median(saddle)


def processor():
    """The CPU's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown CPU")


def print_times(jobs):
    print("| benchmark | Saddle (s) | PyTorch (s) | PyTorch / Saddle | Saddle (GFLOP/s) | spread of rounds |")
    print("|---|---|---|---|---|---|")
    for job, saddle, pytorch in jobs:
        ours, theirs = median(saddle), median(pytorch)
        spreads = f"{spread(saddle):.2f}, {spread(pytorch):.2f}"
        print(f"| {job} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.2f} | {rate(saddle, pytorch):.0f} | {spreads} |")


def print_memory(jobs):
    """Growth of the processes over weights and libraries."""
    measured = [job for job in jobs if all("activation_bytes" in side[0] for side in job[1:])]
    if not measured:
        return
    print("\n| benchmark | Saddle (MiB) | PyTorch (MiB) | Saddle / PyTorch |\n|---|---|---|---|")
    for job, saddle, pytorch in measured:
        ours, theirs = (median(side, "activation_bytes") / 2**20 for side in (saddle, pytorch))
        print(f"| {job} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |")


def main():
    directory = Path(sys.argv[1])
    jobs = [
        (job, read(directory / f"saddle-{index}"), read(directory / f"pytorch-{index}"))
        for index, job in enumerate((directory / "jobs").read_text().splitlines())
    ]
    print_times(jobs)
    print_memory(jobs)
    _, saddle, pytorch = jobs[0]
    print(
        f"\n{processor()}, {pytorch[0]['threads']} threads, medians of {len(pytorch)} rounds; "
        f"OpenBLAS with its {saddle[0]['blas_core']} kernels, PyTorch {pytorch[0]['torch']}."
    )


if __name__ == "__main__":
    main()
