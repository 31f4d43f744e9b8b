"""One dual iteration of Algorithm 3 as the authors' code makes it, on PyTorch: the product's noise and the members' are
predictions of their own, 2m passes at a noise level, and m at a step of the sampler.

Adapters are PEFT's, switched in turn; a pass takes the empty and the conditional text in one batch.
"""

import argparse

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

import timing

GUIDANCE = 5.0


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, torch_dtype=torch.float32)
    names = [f"member{index}" for index in range(len(options.adapters))]
    for name, file in zip(names, options.adapters):
        pipeline.load_lora_weights(file, adapter_name=name)
    loop = Loop(pipeline, names, options)
    timing.report_updates(loop.iteration, options.updates)


class Loop:
    def __init__(self, pipeline, names, options):
        self.pipeline, self.unet, self.names, self.options = pipeline, pipeline.unet, names, options
        self.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
        self.scheduler.set_timesteps(options.steps)
        conditional, empty = pipeline.encode_prompt(options.prompt, "cpu", options.batch, True, "")
        self.context = torch.cat([empty, conditional])
        self.multipliers = torch.full((len(names),), 1 / len(names))

    @torch.no_grad()
    def iteration(self):
        size = self.unet.config.sample_size
        x = torch.randn(self.options.batch, 4, size, size)
        for t in self.scheduler.timesteps:
            x = self.scheduler.step(self.product(x, t), t, x).prev_sample
        divergences = torch.zeros(len(self.names))
        noise = torch.randn_like(x)
        for t in self.scheduler.timesteps:
            noised = self.scheduler.add_noise(x, noise, t)
            product = self.product(noised, t)
            for index, name in enumerate(self.names):
                divergences[index] += (product - self.predict(name, noised, t)).square().mean()
        ascended = self.multipliers + divergences
        u = ascended.sort(descending=True).values
        shift = (u.cumsum(0) - 1) / torch.arange(1, len(u) + 1)
        self.multipliers = (ascended - shift[u > shift][-1]).clamp(min=0)

    def product(self, x, t):
        return sum(weight * self.predict(name, x, t) for weight, name in zip(self.multipliers, self.names))

    def predict(self, name, x, t):
        self.unet.set_adapter(name)
        empty, conditional = self.unet(torch.cat([x, x]), t, self.context).sample.chunk(2)
        return empty + GUIDANCE * (conditional - empty)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="diffusers directory")
    parser.add_argument("adapters", nargs="+", help="LoRA files")
    parser.add_argument("--prompt", default="a cat")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--updates", type=int, required=True, help="after one that is not measured")
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
