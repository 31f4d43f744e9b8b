"""What diffusers makes of the exported model, for comparison with other implementations.

`reference/initial.safetensors`: `latents` [2, 4, 16, 16], where sampling starts. `reference/expected.safetensors`:
the tensors that `saddle sample --save-latents` writes, computed in f32 on the CPU.
"""

import diffusers
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

PROMPT, NEGATIVE, STEPS, GUIDANCE = "an octopus", "", 10, 5.0


@torch.no_grad()
def write(output):
    pipeline = StableDiffusionPipeline.from_pretrained(output / "model", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    initial = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    latents = pipeline(
        [PROMPT] * 2, negative_prompt=[NEGATIVE] * 2, latents=initial, num_inference_steps=STEPS,
        guidance_scale=GUIDANCE, output_type="latent",
    ).images  # fmt: skip
    prompt, negative = pipeline.encode_prompt(PROMPT, "cpu", 2, True, NEGATIVE)
    first = pipeline.scheduler.timesteps[0]
    expected = {
        "latents": latents,
        "images": pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample,
        "text_embeddings": prompt,
        "epsilon_uncond": pipeline.unet(initial, first, negative).sample,
        "epsilon_cond": pipeline.unet(initial, first, prompt).sample,
    }
    folder = output / "reference"
    folder.mkdir(exist_ok=True)
    source = {
        "source": f"diffusers {diffusers.__version__}, f32, DDIM, prompt '{PROMPT}', negative prompt '{NEGATIVE}', "
        f"{STEPS} steps, guidance {GUIDANCE}, eta 0"
    }
    save_file({"latents": initial}, folder / "initial.safetensors", source)
    save_file({name: value.contiguous() for name, value in expected.items()}, folder / "expected.safetensors", source)
