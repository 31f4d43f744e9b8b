"""Writes resampling.json: what torchvision computes in double precision, for the tests of resizing and blurring.

Run with torchvision: python make_resampling.py
Inputs are sines of a quadratic phase, which the tests make for themselves; outputs and gradients of L = <dy, y> are
stored whole, channels last.
"""

import json
import pathlib

import torch
import torchvision
from torchvision.transforms import functional as T

from make_image_operations import channels_first, results, wave


def case(image, transform, described):
    x = wave(image, 0.0).requires_grad_()
    y = transform(channels_first(x)).permute(0, 2, 3, 1).contiguous()
    return {"image": image, "shape": list(y.shape)} | described | results(y, {"x": x})


def resize(image, size, mode):
    return case(image, lambda x: T.resize(x, size, T.InterpolationMode(mode), antialias=True), {"filter": mode})


def blur(image, radius, deviation):
    kernel = 2 * radius + 1
    return case(image, lambda x: T.gaussian_blur(x, kernel, deviation), {"radius": radius, "deviation": deviation})


SIZES = [([2, 9, 14, 3], [5, 6]), ([1, 4, 5, 3], [7, 13]), ([1, 16, 3, 2], [4, 8]), ([1, 6, 6, 1], [6, 1])]

if __name__ == "__main__":
    fixture = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "resizings": [resize(*size, mode) for size in SIZES for mode in ("bilinear", "bicubic")],
        "blurs": [blur([2, 6, 7, 1], 2, 1.0), blur([1, 3, 8, 3], 2, 0.6), blur([1, 4, 2, 2], 1, 2.0)],
    }
    pathlib.Path(__file__).with_name("resampling.json").write_text(json.dumps(fixture) + "\n")
