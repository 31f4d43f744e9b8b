"""Replays a trace of `saddle compose --trace`, and the run after it, in PyTorch and diffusers.

    python replay.py CONFIG.yaml TRACE RUN [EXPECTED]

CONFIG.yaml is the resolved one in the run directory RUN, with `training.draws: common` and `divergence.stride: 1`.
Computes from the trace's random numbers alone: ε_i and Σ λ_i ε_i at the first step, the DDIM trajectory in score or
weight space, and KL(p‖q_i) of every sample; then, as many iterations as the run has, the dual path of plain ascent on
the simplex. Prints max |x − ref| / max |ref|; writes PyTorch's numbers to EXPECTED, the fixture of the tests.
"""

import json
import sys
from pathlib import Path

import torch
import yaml
from diffusers import StableDiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load_file, save_file


class Member:
    """A pipeline whose weights have Σ w ΔW of some adapters added."""

    def __init__(self, directory, adapters=(), concept=None):
        self.pipeline = StableDiffusionPipeline.from_pretrained(directory, torch_dtype=torch.float32, safety_checker=None)
        self.concept = concept
        for path, weight in adapters:
            self.add(path, weight)

    def add(self, path, weight):
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get("lora_adapter_metadata", "{}"))
        for key in tensors:
            if not key.endswith(".lora_A.weight"):
                continue
            network, layer = key.removesuffix(".lora_A.weight").split(".", 1)
            down, up = tensors[key].float(), tensors[key.replace("lora_A", "lora_B")].float()
            scale = metadata.get(f"{network}.lora_alpha", len(down)) / metadata.get(f"{network}.r", len(down))
            model = getattr(self.pipeline, network)
            if network == "text_encoder" and not hasattr(model, "text_model"):
                layer = layer.removeprefix("text_model.")
            model.get_submodule(layer).weight.data += weight * scale * up @ down

    def embed(self, texts):
        ids = self.pipeline.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        return self.pipeline.text_encoder(ids)[0]

    def outputs(self, x, t, texts, negative):
        texts = [self.concept] * len(x) if self.concept else texts
        context = torch.cat([self.embed([negative] * len(x)), self.embed(texts)])
        return self.pipeline.unet(torch.cat([x, x]), t, context).sample.chunk(2)


def guided(outputs, g):
    empty, conditional = outputs
    return empty + g * (conditional - empty)


def members_of(config):
    base = config["model"]
    if config["adapters"]:
        return {a["name"]: Member(base, [(a["file"], 1)]) for a in config["adapters"]}
    if config["models"]:
        return {m["name"]: Member(m["model"]) for m in config["models"]}
    return {text.replace(" ", "-"): Member(base, concept=text) for text in config["prompts"]}


@torch.no_grad()
def iteration(config, given, prompts, members, multipliers):
    """What one iteration of Algorithm 3 computes at given multipliers."""
    sampling, divergence = config["sampling"], config["divergence"]
    negative, g = sampling["negative_prompt"], sampling["guidance"]
    weights = dict(zip(members, multipliers))
    one = None
    if config["combine"] == "weight":
        one = Member(config["model"], [(a["file"], w) for a, w in zip(config["adapters"], multipliers)])
    predict = lambda x, t: {name: m.outputs(x, t, prompts, negative) for name, m in members.items()}

    def composed(x, t, outputs, g):
        if one:
            return guided(one.outputs(x, t, prompts, negative), g)
        return sum(weights[name] * guided(outputs[name], g) for name in members)

    scheduler = next(iter(members.values())).pipeline.scheduler
    scheduler.set_timesteps(sampling["steps"])
    x, result = given["initial_latents"], {}
    for i, t in enumerate(scheduler.timesteps):
        outputs = predict(x, t)
        noise = composed(x, t, outputs, g)
        if i == 0:
            result |= {f"epsilon/{name}": guided(outputs[name], g) for name in members} | {"epsilon": noise}
        x = scheduler.step(noise, t, x, eta=sampling["eta"], variance_noise=given["noise"][i]).prev_sample
    result["latents"] = x

    g = divergence["guidance"] or g
    is_guided = (divergence["noise"] or ("guided" if config["adapters"] or config["models"] else "unguided")) == "guided"
    alphas = scheduler.alphas_cumprod.double()
    total = {name: torch.zeros(len(x), dtype=torch.double) for name in members}
    levels = [int(t) for t in given["divergence_timesteps"]]
    gamma = [float(((1 - alphas[t]) / alphas[t]).sqrt()) for t in levels]
    for k, t in enumerate(levels):
        if divergence["weights"] == "uniform":
            weight = 1 / x[0].numel()
        else:  # the trapezoid in log γ, ½ of the integrand below the first node and above the last
            below, above = gamma[max(k - 1, 0)], gamma[min(k + 1, len(gamma) - 1)]
            weight = float(torch.tensor(above / below, dtype=torch.double).log()) / 2
            weight += 0.5 * (k == 0) + 0.5 * (k == len(gamma) - 1)
        noised = alphas[t].sqrt().float() * x + (1 - alphas[t]).sqrt().float() * given["divergence_noise"][k]
        outputs = predict(noised, t)
        p = composed(noised, t, outputs, g)
        for name in members:
            q = guided(outputs[name], g) if is_guided else outputs[name][1]
            total[name] += weight * (p - q).double().square().sum((1, 2, 3))
    return result | {f"divergence/{name}": value.float() for name, value in total.items()}


def simplex(y):
    """The projection onto the simplex (Held et al. 1974)."""
    u, i = y.sort(descending=True).values, torch.arange(1, len(y) + 1)
    shift = (u.cumsum(0) - 1) / i
    return (y - shift[u > shift][-1]).clamp(min=0)


def main(config, trace, run):
    config, given = yaml.safe_load(Path(config).read_text()), load_file(trace)
    with safe_open(trace, "pt") as file:
        prompts = json.loads(file.metadata()["prompts"])
    members = members_of(config)
    multipliers = torch.full((len(members),), 1 / len(members), dtype=torch.double)
    step, path, expected = config["dual"]["step"], [], {}
    iterations = json.loads((Path(run) / "summary.json").read_text())["iterations"]
    for index in range(iterations):
        path.append(multipliers)
        result = iteration(config, given, prompts, members, multipliers.tolist())
        if index == 0:
            expected = result
        divergences = torch.stack([result[f"divergence/{name}"].double().mean() for name in members])
        multipliers = simplex(multipliers + step * config["dual"]["decay"] ** index * divergences)
    expected["path"] = torch.stack(path + [multipliers]).float()
    rows = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
    taken = torch.tensor([[row[f"multiplier/{name}"] for name in members] for row in rows])
    last = json.loads((Path(run) / "summary.json").read_text())["last_multipliers"]
    return given | {"path": torch.cat([taken, torch.tensor([last])])}, expected


if __name__ == "__main__":
    given, expected = main(*sys.argv[1:4])
    for name, value in expected.items():
        print(f"{name:30} {float((given[name] - value).abs().max() / value.abs().max()):.2e}")
    if len(sys.argv) > 4:
        save_file({name: value.contiguous() for name, value in expected.items()}, sys.argv[4])
