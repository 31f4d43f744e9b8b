"""Options, timing and memory of the peers that are networks of Stable Diffusion 1.5 with random weights."""

import json
import statistics
import time
from pathlib import Path

import torch

import timing

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def arguments(description):
    """The options of `saddle bench unet|vae|text`."""
    parser = timing.parser(description, repeats=3)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--latent", type=int, default=64, help="height and width of the latents")
    parser.add_argument("--backward", action="store_true", help="forward and backward")
    parser.add_argument("--segments", action="store_true", help="with --backward: gradient checkpointing")
    parser.add_argument("--dtype", choices=TYPES, default="f32")
    return timing.parse(parser)


def build(constructor, options):
    """A frozen network with random weights of the type asked for."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = constructor().to(TYPES[options.dtype])
    model.to_empty(device="cpu").requires_grad_(False)
    for parameter in model.parameters():
        # Of the size that layers start with, so that numbers stay in range.
        if parameter.dim() > 1:
            bound = parameter[0].numel() ** -0.5
            parameter.data.uniform_(-bound, bound)
        else:
            parameter.data.fill_(0.5)
    for name, buffer in model.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.numel()).reshape(buffer.shape))
    return model.eval()


def save_memory(model, options):
    """Gradient checkpointing, where it is asked for; diffusers looks at it in training mode only."""
    if options.segments:
        model.train()
        model.enable_gradient_checkpointing()


def adapt(model, targets):
    """Adds a LoRA adapter of rank 4; returns its factors."""
    from peft import LoraConfig

    model.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=targets, init_lora_weights="gaussian"))
    return [p for p in model.parameters() if p.requires_grad]


def status(name):
    """An entry of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) << 10
    raise KeyError(name)


def report(name, forward, inputs, options):
    """Times `forward`, or `forward` with the gradients of `inputs`, and measures how far memory grows in the first pass."""

    def work():
        if not options.backward:
            with torch.no_grad():
                return forward()
        y = forward()
        return torch.autograd.grad(y, inputs, y.detach())

    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    growth = status("VmHWM") - before
    seconds = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "name": name,
                "seconds": statistics.median(seconds),
                "threads": options.threads,
                "repeats": options.repeats,
                "activation_bytes": growth,
                "torch": torch.__version__,
            }
        )
    )
