"""Writes schedulers.json: what diffusers' DDIMScheduler computes, for SchedulerTests.

Run with diffusers 0.42 and torch: python make_schedulers.py
The scheduler's module is given a torch whose float32 is float64, so its tables come out in double
precision by its own code.
"""

import json
import pathlib
import types

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddim


class DoubleTorch(types.ModuleType):
    """torch with float64 in the place of float32."""

    def __getattr__(self, name):
        return torch.float64 if name == "float32" else getattr(torch, name)


torch.set_default_dtype(torch.float64)
scheduling_ddim.torch = DoubleTorch("torch")

STABLE_DIFFUSION = {
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
    "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
    "clip_sample": False,
}
CASES = {
    "defaults": ({}, [1, 3, 15, 999, 1000]),
    "stable diffusion": (STABLE_DIFFUSION, [1, 7, 15, 25, 50, 300]),
    "cosine, linspace": (
        {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "linspace", "clip_sample_range": 2.0},
        [1, 2, 15, 64, 1000],
    ),
    "zero terminal SNR, trailing, v": (
        STABLE_DIFFUSION
        | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing", "prediction_type": "v_prediction"},
        [1, 15, 48, 96, 112, 1000],
    ),
    "sample, short": (
        {"num_train_timesteps": 200, "beta_start": 0.0005, "beta_end": 0.1, "prediction_type": "sample",
         "clip_sample": False, "timestep_spacing": "trailing"},
        [1, 48, 100, 200],
    ),
    "trained betas": ({"trained_betas": [0.01, 0.02, 0.05, 0.1, 0.2], "clip_sample": False,
                       "num_train_timesteps": 5}, [1, 2, 5]),
}


def stepping(scheduler, count, eta, generator):
    """Every step of a sampler whose network outputs are given numbers."""
    scheduler.set_timesteps(count)
    draw = lambda: torch.randn(count, 3, generator=generator)
    x, outputs, noises = torch.randn(1, 3, generator=generator), draw(), draw()
    states = [x[0].tolist()]
    for i, t in enumerate(scheduler.timesteps):
        x = scheduler.step(outputs[i : i + 1], int(t), x, eta=eta, variance_noise=noises[i : i + 1]).prev_sample
        states.append(x[0].tolist())
    return {"count": count, "eta": eta, "outputs": outputs.tolist(), "noises": noises.tolist(), "states": states}


def case(name, configuration, counts):
    generator = torch.Generator().manual_seed(0)
    scheduler = scheduling_ddim.DDIMScheduler.from_config(configuration)
    timesteps = {}
    for count in counts:
        scheduler.set_timesteps(count)
        timesteps[str(count)] = scheduler.timesteps.tolist()
    total = scheduler.config.num_train_timesteps
    digests = []
    for count in range(1, total + 1):
        scheduler.set_timesteps(count)
        kept = scheduler.timesteps.numpy()[:count]  # a few counts of `trailing` get one step more, at -1
        digests.append(int(((np.arange(count) + 1) * kept).sum() % 1000003))
    table = scheduler.alphas_cumprod.numpy()
    sampled = sorted({*range(0, total, max(1, total // 20)), total - 1})
    few = min(counts[2] if len(counts) > 2 else 5, 5)
    return {
        "name": name, "configuration": configuration, "timesteps": timesteps, "digests": digests,
        "alphasCumprod": {str(t): float(table[t]) for t in sampled},
        "steppings": [stepping(scheduler, few, eta, generator) for eta in (0.0, 0.3, 1.0)],
    }


document = {
    "generator": "make_schedulers.py", "diffusers": diffusers.__version__, "torch": torch.__version__, "seed": 0,
    "cases": [case(name, *rest) for name, rest in CASES.items()],
}
target = pathlib.Path(__file__).with_name("schedulers.json")
target.write_text(json.dumps(document, separators=(",", ":")) + "\n")
