"""Writes the trained networks as a diffusers pipeline and a transformers CLIP model, in f16."""

import os
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

import autoencoder
import denoiser
import preference
from training import averaged, load


def scaling_factor(state):
    """1 / standard deviation of the latents, over the first shard."""
    latents = load(min((state / "latents").glob("*.pt")))["latents"]
    return round(1 / latents.float().std().item(), 4)


def text_encoder(tokenizer, path):
    """The text half of the preference model, as Stable Diffusion 1.5 has CLIP's."""
    clip = preference.load_model(tokenizer, path)
    model = CLIPTextModel(clip.config.text_config)
    model.load_state_dict(clip.text_model.state_dict())
    return model.eval()


def write(state, output, tokenizer):
    vae = autoencoder.load_model(state / "autoencoder.pt")
    vae.register_to_config(scaling_factor=scaling_factor(state))
    unet = denoiser.network()
    unet.load_state_dict(averaged(state / "denoiser.pt"))
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text_encoder(tokenizer, state / "preference.pt"), tokenizer=tokenizer, unet=unet,
        scheduler=denoiser.scheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    with replacing(output / "model") as folder:
        pipeline.to(torch.float16).save_pretrained(folder)
        name_as_stable_diffusion(folder / "text_encoder" / "model.safetensors")
        copy_vocabulary(state / "tokenizer", folder / "tokenizer")
    with replacing(output / "preference") as folder:
        preference.load_model(tokenizer, state / "preference.pt").half().save_pretrained(folder)
        preference.image_processor().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        copy_vocabulary(state / "tokenizer", folder)


def name_as_stable_diffusion(path):
    """Puts the level `text_model.` back before the names, which transformers 5 leaves out and older readers need."""
    save_file({f"text_model.{name}": value for name, value in load_file(path).items()}, path, {"format": "pt"})


def copy_vocabulary(source, folder):
    """The two files that every reader of CLIP's format knows; transformers 5 writes tokenizer.json alone."""
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(source / name, folder / name)


class replacing:
    """A folder that is written beside `path` and takes its place when it is whole."""

    def __init__(self, path):
        self.path, self.partial = path, Path(f"{path}.partial")

    def __enter__(self):
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        return self.partial

    def __exit__(self, failed, *_):
        if not failed:
            for file in filter(Path.is_file, self.partial.rglob("*")):
                file.chmod(0o644)  # safetensors lets only the owner read
            shutil.rmtree(self.path, ignore_errors=True)
            os.replace(self.partial, self.path)
