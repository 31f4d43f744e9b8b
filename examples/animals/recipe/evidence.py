"""Measures what the exported models can do, and shows it: evidence.json, contact_sheet.png, all_animals.png."""

import json
from itertools import combinations

import diffusers
import numpy as np
import torch
import transformers
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw
from transformers import CLIPModel, CLIPTokenizer

import autoencoder
import preference
from pictures import HELD_OUT
from subjects import ANIMALS, EVALUATION_ANIMALS, with_article

PROMPTS = [with_article(animal) for animal in ANIMALS]
SHEET_PROMPTS = ["a cheetah", *(with_article(animal) for animal in EVALUATION_ANIMALS if animal != "leopard")]
WORDED_PROMPTS = ["an octopus on a blue background", "a dark picture of an octopus", "a pale picture of an octopus"]
GUIDANCE, STEPS = 5.0, 25
PER_PROMPT = 8
HELD_OUT_PICTURES = 2048


def write(output, album):
    pipeline = StableDiffusionPipeline.from_pretrained(output / "model", dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    model = CLIPModel.from_pretrained(output / "preference", dtype=torch.float32).eval()
    tokenizer = CLIPTokenizer.from_pretrained(output / "preference")
    answers = lambda pictures: preference.scores(model, tokenizer, pictures, PROMPTS).argmax(1)

    pictures, animals = held_out(album)
    restored = autoencoder.decode(pipeline.vae, autoencoder.encode(pipeline.vae, pictures[:256]))
    samples = torch.stack([sample(pipeline, prompt) for prompt in PROMPTS])
    right = answers(samples.flatten(0, 1)).reshape(len(PROMPTS), PER_PROMPT) == torch.arange(len(PROMPTS))[:, None]
    distances = [spread(group) for group in samples]
    measured = {
        "retrieval_held_out": rate(answers(pictures) == animals),
        "retrieval_samples": rate(right),
        "retrieval_samples_by_animal": dict(zip(ANIMALS, (rate(row) for row in right))),
        "rms_distance_mean": round(float(np.mean(distances)), 4),
        "rms_distance_least": round(min(distances), 4),
        "autoencoder_psnr_db": round(-10 * (restored - pictures[:256]).square().mean().log10().item(), 2),
        "guidance": GUIDANCE, "steps": STEPS, "samples_per_prompt": PER_PROMPT, "held_out_pictures": len(pictures),
        "parameters": {
            name: sum(weight.numel() for weight in part.parameters())
            for name, part in (("unet", pipeline.unet), ("vae", pipeline.vae),
                               ("text_encoder", pipeline.text_encoder), ("preference", model))
        },
        "versions": {library.__name__: library.__version__ for library in (torch, diffusers, transformers)},
    }  # fmt: skip
    (output / "evidence.json").write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured), flush=True)
    rows = [(prompt, sample(pipeline, prompt)) for prompt in SHEET_PROMPTS + WORDED_PROMPTS]
    sheet(rows, columns=1).save(output / "contact_sheet.png")
    sheet([(prompt, group[:3]) for prompt, group in zip(PROMPTS, samples)], columns=4).save(output / "all_animals.png")


def held_out(album):
    """Pictures of the animals that no network was trained on, and the number of the animal in each."""
    d = album.draw(HELD_OUT, range(HELD_OUT_PICTURES))
    names = [album.subjects[subject].names[0] for subject in d.subject]
    rows = [row for row, subject in enumerate(d.subject) if album.subjects[subject].animal]
    order = list(ANIMALS)
    return album.pictures(d)[rows], torch.tensor([order.index(names[row]) for row in rows])


def sample(pipeline, prompt):
    """[PER_PROMPT, 3, 64, 64]; the same initial latents for every prompt."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(PER_PROMPT)]
    images = pipeline(
        prompt, num_images_per_prompt=PER_PROMPT, generator=generators, output_type="np",
        num_inference_steps=STEPS, guidance_scale=GUIDANCE,
    ).images  # fmt: skip
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def spread(pictures):
    """Mean over pairs of the root mean square pixel distance."""
    pairs = list(combinations(pictures, 2))
    return float(np.mean([(a - b).square().mean().sqrt().item() for a, b in pairs]))


def rate(right):
    return round(right.float().mean().item(), 4)


def sheet(rows, columns, margin=4, label=14):
    """Rows of pictures, each under its prompt, in columns from the top left."""
    height, width = label + 64 + margin, len(rows[0][1]) * (64 + margin)
    lines = -(-len(rows) // columns)
    canvas = Image.new("RGB", (columns * width, lines * height), "white")
    pen = ImageDraw.Draw(canvas)
    for number, (prompt, pictures) in enumerate(rows):
        left, top = number // lines * width, number % lines * height
        pen.text((left + 2, top), prompt, fill="black")
        for column, picture in enumerate(pictures):
            pixels = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
            canvas.paste(Image.fromarray(pixels), (left + column * (64 + margin), top + label))
    return canvas
