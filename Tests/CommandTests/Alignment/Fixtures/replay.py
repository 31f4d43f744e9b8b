"""Replays a trace of `saddle align --trace` in PyTorch and diffusers.

    python replay.py MODEL CONFIG.yaml TRACE RUN [EXPECTED]

CONFIG.yaml is the resolved one in the run directory RUN. Prints max |x − ref| / max |ref| for the latents, images,
rewards, terms of the divergence and gradients; writes PyTorch's numbers to EXPECTED, the fixture of the tests.
"""

import json
import sys
from pathlib import Path

import torch
import yaml
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def luminance(x):
    return (x * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1)


def local_contrast(x):
    y = luminance(x)[:, None]
    kernel = torch.exp(-torch.arange(-2.0, 3.0) ** 2 / 2)
    kernel = kernel / kernel.sum()
    padded = torch.nn.functional.pad(y, (2, 2, 2, 2), mode="reflect")
    blurred = torch.nn.functional.conv2d(padded, (kernel[:, None] * kernel)[None, None])
    return (y - blurred).abs().mean((1, 2, 3))


STATISTICS = {
    "brightness": lambda x: luminance(x).mean((1, 2)),
    "saturation": lambda x: ((x.amax(1) - x.amin(1)) / (x.amax(1) + 1e-8)).mean((1, 2)),
    "local-contrast": local_contrast,
}


def reward(name):
    statistic, direction = name.rsplit("-", 1)
    sign = 1 if direction == "high" else -1
    return lambda x: sign * STATISTICS[statistic](x)


def main(model, config, trace, run):
    torch.manual_seed(0)
    config, given = yaml.safe_load(Path(config).read_text()), load_file(trace)
    pipeline = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32, safety_checker=None)
    unet, vae, scheduler = pipeline.unet, pipeline.vae, pipeline.scheduler
    factors = {k.removeprefix("adapter/unet."): v for k, v in given.items() if k.startswith("adapter/")}
    for part in (unet, vae):
        part.requires_grad_(False)
    layers = sorted({k.rsplit(".lora_", 1)[0] for k in factors})
    ranks = {layer: len(factors[layer + ".lora_A.weight"]) for layer in layers}
    unet.add_adapter(LoraConfig(r=1, target_modules=layers, rank_pattern=ranks))
    for layer in layers:
        unet.get_submodule(layer).scaling["default"] = float(given[f"scale/unet.{layer}"])
    parameters = {n.replace(".default", ""): p for n, p in unet.named_parameters() if "lora_" in n}
    for name, value in factors.items():
        parameters[name].data.copy_(value)
        parameters[name].requires_grad_(True)

    sampling, objective = config["sampling"], config["objective"]
    n, steps, first = len(given["latents"]), sampling["steps"], int(given["truncation_step"])
    scheduler.set_timesteps(steps)
    with safe_open(trace, "pt") as file:
        prompts = json.loads(file.metadata()["prompts"])
    embed = lambda texts: pipeline.text_encoder(
        pipeline.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    )[0].detach()
    context = torch.cat([embed([sampling["negative_prompt"]] * n), embed(prompts)])

    def predict(x, t, adapted):
        (unet.enable_adapters if adapted else unet.disable_adapters)()
        empty, conditional = unet(torch.cat([x, x]), t, context).sample.chunk(2)
        return empty + sampling["guidance"] * (conditional - empty)

    x, terms = given["initial_latents"], []
    for i, t in enumerate(scheduler.timesteps):
        with torch.set_grad_enabled(i >= first):
            eps = predict(x, t, True)
            x_next = scheduler.step(eps, t, x, eta=sampling["eta"], variance_noise=given["noise"][i]).prev_sample
        if i >= first:
            through = objective["gradient"] == "through_states"
            if through:
                base, fixed = predict(x, t, False), eps
            else:
                with torch.no_grad():
                    base = predict(x.detach(), t, False)
                fixed = predict(x.detach(), t, True)
            difference = (fixed - base).square()
            if objective["weights"] == "exact":
                previous = t - scheduler.config.num_train_timesteps // steps
                a = scheduler.alphas_cumprod[t].double()
                b = (scheduler.alphas_cumprod[previous] if previous >= 0 else scheduler.final_alpha_cumprod).double()
                sigma2 = sampling["eta"] ** 2 * (1 - b) / (1 - a) * (1 - a / b)
                c = (1 - b - sigma2).clamp(min=0).sqrt() - (b * (1 - a) / a).sqrt()
                terms.append(float(c**2 / (2 * sigma2)) * difference.sum((1, 2, 3)))
            else:
                terms.append(difference.mean((1, 2, 3)))
        else:
            terms.append(torch.zeros(n))
        x = x_next
    images = vae.decode(x / vae.config.scaling_factor).sample
    pixels = (images / 2 + 0.5).clamp(0, 1)
    rewards = {r["name"]: reward(r["reward"])(pixels) for r in config["rewards"]}
    statistics = json.loads((Path(run) / "base-statistics.json").read_text())["rewards"]
    loss = objective["kl_coefficient"] * torch.stack(terms).sum(0).mean()
    for r, multiplier in zip(config["rewards"], given["multipliers"]):
        deviation = statistics[r["reward"]]["deviation"] if r["normalize"] == "base" else 1
        loss = loss - multiplier * rewards[r["name"]].mean() / deviation
    unet.enable_adapters()  # disabling took their gradients away
    loss.backward()

    expected = {"latents": x, "images": images, "kl_terms": torch.stack(terms)}
    expected |= {f"reward/{name}": value for name, value in rewards.items()}
    gradient = lambda p: torch.zeros_like(p) if p.grad is None else p.grad
    expected |= {f"gradient/unet.{name}": gradient(parameters[name]) for name in factors}
    expected = {name: value.detach().contiguous() for name, value in expected.items()}
    return given, expected


if __name__ == "__main__":
    given, expected = main(*sys.argv[1:5])
    worst = 0
    scale = max(v.abs().max() for k, v in expected.items() if k.startswith("gradient/"))
    for name, value in expected.items():
        reference = scale if name.startswith("gradient/") else value.abs().max()
        error = float((given[name] - value).abs().max() / reference)
        worst = max(worst, error)
        if not name.startswith("gradient/"):
            print(f"{name:30} {error:.2e}")
    gradients = [float((given[k] - v).abs().max() / scale) for k, v in expected.items() if k.startswith("gradient/")]
    print(f"{'gradients':30} {max(gradients):.2e}, largest {float(scale):.3g}")
    print(f"worst {worst:.2e}")
    if len(sys.argv) > 5:
        save_file(expected, sys.argv[5])
