"""Writes small autoencoders with random weights and what diffusers makes of an image: python make_autoencoders.py"""

import json
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

HERE = Path(__file__).parent
SEED = 11
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def randomize(model: torch.nn.Module) -> None:
    """Weights large enough that every part of the network matters."""
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.data = torch.randn_like(parameter) * 0.2 + float("norm" in name and name.endswith("weight"))
        else:
            parameter.data = torch.randn_like(parameter) / parameter[0].numel() ** 0.5


def old_name(name: str) -> str:
    for new, old in OLD_NAMES.items():
        name = name.replace(f".{new}.", f".{old}.")
    return name


def make(name: str, height: int, width: int, dtype: torch.dtype, has_old_names: bool, **options) -> dict:
    """A component's directory; returns the reference."""
    levels = len(options["block_out_channels"])
    options |= {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    model = AutoencoderKL(**options).eval()
    randomize(model)
    model = model.to(dtype).float()
    images = torch.rand(2, 3, height, width) * 2 - 1
    factor = 2 ** (levels - 1)
    latents = torch.randn(2, model.config.latent_channels, height // factor, width // factor)
    seed = torch.randn(2, 3, height, width)
    with torch.no_grad():
        posterior = model.encode(images).latent_dist
    tracked = latents.clone().requires_grad_()
    decoded = model.decode(tracked / model.config.scaling_factor).sample
    decoded.backward(seed)

    directory = HERE / name
    directory.mkdir(exist_ok=True)
    tensors = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
    if has_old_names:
        # The first releases kept these matrices as 1×1 convolutions.
        tensors = {
            old_name(key): value[..., None, None].contiguous() if old_name(key) != key and value.ndim == 2 else value
            for key, value in tensors.items()
        }
    save_file(tensors, directory / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL", **options}))
    values = {
        "images": images, "mean": posterior.mean, "log_variance": posterior.logvar, "latents": latents,
        "decoded": decoded.detach(), "seed": seed, "gradient": tracked.grad,
    }
    return {f"{name}.{key}": value.contiguous() for key, value in values.items()}


def main() -> None:
    torch.manual_seed(SEED)
    reference = make(
        "old", 16, 24, torch.float16, True, block_out_channels=[8, 12, 16], layers_per_block=1, norm_num_groups=4,
    )
    reference |= make(
        "bare", 12, 8, torch.float32, False, block_out_channels=[6, 12], layers_per_block=2, norm_num_groups=3, latent_channels=3,
        scaling_factor=0.5, use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=False,
    )
    metadata = {"seed": str(SEED), "diffusers": diffusers.__version__}
    save_file(reference, HERE / "autoencoders.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
