"""Timing and output shared by the peers: warm-up, median of repeats, one line of JSON."""

import argparse
import json
import os
import resource
import statistics
import time

import torch


def parser(description, repeats):
    """Options common to all peers. Threads default to the cores this process may run on."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=repeats)
    return parser


def parse(parser):
    """The options of the command line; sets the number of threads."""
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    return options


def arguments(description, repeats):
    """The options of peers whose networks `torch.compile` can take."""
    options = parser(description, repeats)
    options.add_argument("--compile", action="store_true", help="compile the networks with torch.compile")
    return parse(options)


def durations(work, count):
    """Seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def report_updates(update, count):
    """Prints the seconds of `count` updates after a warm-up, and the peak of the process."""
    seconds = durations(update, count + 1)[1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "torch": torch.__version__}))


def report(name, work, warm_up, flops, options):
    """Runs `warm_up` unmeasured, then `work` `repeats` times, and prints the median in seconds."""
    warm_up()
    median = statistics.median(durations(work, options.repeats))
    print(
        json.dumps(
            {
                "name": name,
                "seconds": median,
                "threads": options.threads,
                "repeats": options.repeats,
                "gflops": flops / median / 1e9,
                "compiled": options.compile,
                "torch": torch.__version__,
            }
        )
    )
