"""One loop for the three networks: AdamW, averaged weights, and a state file that survives a kill at any moment."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch

SAVE_EVERY = 60.0  # seconds: what a kill can cost


@dataclass(frozen=True)
class Settings:
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 200
    decay: float = 0.25  # the share of the steps, at the end, in which the learning rate falls to zero
    averaging: float = 0.999  # of the weights, per step
    weight_decay: float = 0.01

    def rate(self, step):
        """Constant between warm-up and decay, so that a run can be made longer where it stands."""
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.learning_rate * min(1.0, (step + 1) / self.warmup, max(left, 0.01))


def save_atomically(value, path):
    """Writes beside `path`, syncs and renames: the file is the old or the new one, never half of one."""
    partial = Path(f"{path}.partial")
    with open(partial, "wb") as file:
        torch.save(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path):
    return torch.load(path, map_location="cpu", weights_only=True)


def averaged(path):
    """The averaged weights of a state file."""
    return load(path)["average"]


def steps_done(path):
    return load(path)["step"] if Path(path).exists() else 0


def fit(module, loss, settings, path):
    """Trains `module` on `loss(step)` up to `settings.steps`, from the state file if there is one.

    The batch is a function of the step, so that a resumed run sees what an uninterrupted one would have seen.
    Leaves the averaged weights in the module.
    """
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    average, step = {name: value.clone() for name, value in module.state_dict().items()}, 0
    if Path(path).exists():
        state = load(path)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        average, step = state["average"], state["step"]
        print(f"{path.stem}: goes on at step {step} of {settings.steps}", flush=True)
    saved = logged = time.monotonic()
    recent = []
    while step < settings.steps:
        recent.append(update(module, loss, optimizer, settings, step))
        step += 1
        average_weights(average, module, min(settings.averaging, step / (step + 10)))
        now, last = time.monotonic(), step == settings.steps
        if now - logged > 20 or last:
            pace = (now - logged) / len(recent)
            print(f"{path.stem}: step {step} loss {sum(recent) / len(recent):.4f} {pace:.2f} s/step", flush=True)
            logged, recent = now, []
        if now - saved > SAVE_EVERY or last:
            state = {"module": module.state_dict(), "average": average, "optimizer": optimizer.state_dict()}
            save_atomically({**state, "step": step}, path)
            saved = now
    module.load_state_dict(average)


def update(module, loss, optimizer, settings, step):
    torch.manual_seed(step)
    for group in optimizer.param_groups:
        group["lr"] = settings.rate(step)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(step)
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()
    return value.item()


@torch.no_grad()
def average_weights(average, module, keep):
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - keep)
