"""diffusers' UNet2DConditionModel of Stable Diffusion 1.5 with random weights: the work of `saddle bench unet`."""

import torch
from diffusers import UNet2DConditionModel

import network


def main():
    options = network.arguments(__doc__)
    unet = network.build(
        lambda: UNet2DConditionModel(cross_attention_dim=768, sample_size=options.latent), options
    )
    network.save_memory(unet, options)
    factors = network.adapt(unet, ["to_q", "to_k", "to_v", "to_out.0"]) if options.backward else []
    dtype = network.TYPES[options.dtype]
    latents = torch.randn(options.batch, 4, options.latent, options.latent, dtype=dtype)
    context = torch.randn(options.batch, 77, 768, dtype=dtype)
    latents.requires_grad_(options.backward)
    network.report("unet", lambda: unet(latents, 500, context).sample, [latents, *factors], options)


if __name__ == "__main__":
    main()
