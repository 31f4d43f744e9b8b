"""The decoder of diffusers' AutoencoderKL of Stable Diffusion 1.5 with random weights: the work of `saddle bench vae`."""

import torch
from diffusers import AutoencoderKL

import network


def main():
    options = network.arguments(__doc__)
    vae = network.build(
        lambda: AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        ),
        options,
    )
    network.save_memory(vae, options)
    # Image by image, as Saddle does it.
    vae.enable_slicing()
    shape = (options.batch, 4, options.latent, options.latent)
    latents = torch.randn(shape, dtype=network.TYPES[options.dtype], requires_grad=options.backward)
    network.report("vae", lambda: vae.decode(latents / 0.18215).sample, [latents], options)


if __name__ == "__main__":
    main()
