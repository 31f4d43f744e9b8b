"""One update of alignment as the authors' code makes it, on PyTorch: the loop of AlignProp with a second UNet for the KL.

Truncated back-propagation through DDIM sampling with η = 1: each call of the UNet and the decoder is recomputed in the
backward pass; the text-conditioned and the empty prediction are calls of their own; before step K predictions are
detached; from K on the mean square of their distance from the frozen UNet's, without a gradient, is added to the loss.
"""

import argparse

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig
from torch.utils.checkpoint import checkpoint

import timing

GUIDANCE, KL_COEFFICIENT, WEIGHT = 5.0, 0.1, 0.2


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, torch_dtype=torch.float32)
    reference = UNet2DConditionModel.from_pretrained(options.model, subfolder="unet", torch_dtype=torch.float32)
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, reference):
        part.requires_grad_(False)
    attention = ["to_q", "to_k", "to_v", "to_out.0"]
    pipeline.unet.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=attention, init_lora_weights="gaussian"))
    loop = Loop(pipeline, reference, options)
    timing.report_updates(loop.update, options.updates)


class Loop:
    def __init__(self, pipeline, reference, options):
        self.unet, self.vae, self.reference, self.options = pipeline.unet, pipeline.vae, reference, options
        self.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
        self.scheduler.set_timesteps(options.steps)
        self.prompts = pipeline.encode_prompt(options.prompt, "cpu", options.batch, True, "")
        parameters = [p for p in self.unet.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4)
        self.parameters = parameters

    def update(self):
        images, divergence = self.sample()
        pixels = (images / 2 + 0.5).clamp(0, 1)
        loss = KL_COEFFICIENT * divergence - WEIGHT * sum(reward(pixels).mean() for reward in (saturation, contrast))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def sample(self):
        size = self.unet.config.sample_size
        x, divergence = torch.randn(self.options.batch, 4, size, size), 0.0
        for index, t in enumerate(self.scheduler.timesteps):
            predict = lambda context: checkpoint(self.unet, x, t, context, use_reentrant=False).sample
            conditional, empty = map(predict, self.prompts)
            if index < self.options.first:
                conditional, empty = conditional.detach(), empty.detach()
            noise = empty + GUIDANCE * (conditional - empty)
            if index >= self.options.first:
                with torch.no_grad():
                    conditional, empty = (self.reference(x, t, context).sample for context in self.prompts)
                base = empty + GUIDANCE * (conditional - empty)
                divergence = divergence + (noise - base).square().mean()
            x = self.scheduler.step(noise, t, x, eta=1.0).prev_sample
        decode = lambda latents: self.vae.decode(latents).sample
        return checkpoint(decode, x / self.vae.config.scaling_factor, use_reentrant=False), divergence


def saturation(x):
    return -((x.amax(1) - x.amin(1)) / (x.amax(1) + 1e-8)).mean((1, 2))


def contrast(x):
    y = (x * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1)
    kernel = torch.exp(-torch.arange(-2.0, 3.0) ** 2 / 2)
    kernel = kernel / kernel.sum()
    padded = torch.nn.functional.pad(y[:, None], (2, 2, 2, 2), mode="reflect")
    blurred = torch.nn.functional.conv2d(padded, (kernel[:, None] * kernel)[None, None])
    return -(y - blurred[:, 0]).abs().mean((1, 2))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="diffusers directory")
    parser.add_argument("--prompt", default="a cat")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--first", type=int, required=True, help="K: steps from here on are differentiated")
    parser.add_argument("--updates", type=int, required=True, help="after one that is not measured")
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
