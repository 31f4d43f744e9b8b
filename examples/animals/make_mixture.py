#!/usr/bin/env python3
"""Draws the samples of mixture.yaml: pictures of the animals model, as vectors.

    pip install --requirement examples/animals/recipe/requirements.txt
    examples/animals/make_mixture.py [PICTURES]      PICTURES: folder for the pictures; default runs/mixture-pictures

Each file has `samples` [N, 256] f16: pictures of 64 × 64 pixels in grey, scaled to 16 × 16, row by row, from −1 (white) to 1
(black), as the report draws them.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODELS = {"lobster": ["a lobster"], "octopus": ["an octopus"]}
COUNT = 256


def pictures(prompts, folder):
    if not (folder / f"image-{COUNT * len(prompts) - 1:04}.png").exists():
        command = [os.environ.get("SADDLE", "saddle"), "sample", "--model", HERE / "model", "--count", COUNT]
        command += ["--steps", 15, "--guidance", 5, "--output", folder, "--prompt", *prompts]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("image-*.png"))


def vector(path):
    small = Image.open(path).convert("L").resize((16, 16), Image.Resampling.BOX)
    return 1 - np.asarray(small, np.float32).reshape(-1) / 127.5


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs" / "mixture-pictures"
    for name, prompts in MODELS.items():
        samples = np.stack([vector(path) for path in pictures(prompts, folder / name)]).astype(np.float16)
        # One entry only: the writer does not keep the order of several, and files would differ from run to run.
        source = f"examples/animals/make_mixture.py: {COUNT} pictures each of {', '.join(prompts)}"
        save_file({"samples": samples}, HERE / "mixture" / f"{name}.safetensors", {"source": source})
        print(f"{name}: {len(samples)} pictures")


if __name__ == "__main__":
    main()
