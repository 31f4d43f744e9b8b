"""Writes image_operations.json: what PyTorch computes in double precision, for the tests of convolutions, group norm
and attention.

Run with torch: python make_image_operations.py
Inputs are sines of a quadratic phase, which the tests make for themselves; outputs and gradients of
L = <dy, y> are stored whole, channels last.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(shape, phase):
    count = math.prod(shape)
    return torch.tensor([math.sin(0.7 * i + 0.013 * i * i + phase) for i in range(count)]).reshape(shape)


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def numbers(x):
    return [float(f"{v:.9g}") for v in x.detach().reshape(-1).tolist()]


def results(y, inputs):
    """y and the gradients of the inputs, by name."""
    y.backward(wave(y.shape, 9.0))
    return {"y": numbers(y)} | {f"d_{name}": numbers(x.grad) for name, x in inputs.items()}


def convolution(image, weight, stride, padding):
    """padding: top, bottom, left, right."""
    x = wave(image, 0.0).requires_grad_()
    w = wave(weight, 1.0).requires_grad_()
    b = wave(weight[:1], 2.0).requires_grad_()
    top, bottom, left, right = padding
    padded = F.pad(channels_first(x), (left, right, top, bottom))
    y = F.conv2d(padded, channels_first(w), b, stride=stride).permute(0, 2, 3, 1).contiguous()
    described = {"image": image, "weight": weight, "stride": stride, "padding": padding, "shape": list(y.shape)}
    return described | results(y, {"x": x, "weight": w, "bias": b})


def group_norm(image, groups, silu):
    x = wave(image, 0.0).requires_grad_()
    scale = wave(image[-1:], 1.0).requires_grad_()
    shift = wave(image[-1:], 2.0).requires_grad_()
    y = F.group_norm(channels_first(x), groups, scale, shift, eps=1e-5).permute(0, 2, 3, 1)
    y = (F.silu(y) if silu else y).contiguous()
    return {"image": image, "groups": groups, "silu": silu} | results(y, {"x": x, "scale": scale, "shift": shift})


def attention(batch, queries, keys, heads, width, causal):
    q = wave([batch, queries, heads, width], 0.0).requires_grad_()
    k = wave([batch, keys, heads, width], 1.0).requires_grad_()
    v = wave([batch, keys, heads, width], 2.0).requires_grad_()
    y = F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v)), is_causal=causal)
    y = y.transpose(1, 2).contiguous()
    sizes = {"batch": batch, "queries": queries, "keys": keys, "heads": heads, "width": width, "causal": causal}
    return sizes | results(y, {"q": q, "k": k, "v": v})


if __name__ == "__main__":
    fixture = {
        "torch": torch.__version__,
        "convolutions": [
            convolution([2, 5, 7, 3], [4, 3, 3, 3], 1, [1, 1, 1, 1]),
            convolution([1, 8, 8, 4], [3, 3, 3, 4], 2, [1, 1, 1, 1]),
            convolution([1, 9, 6, 2], [3, 3, 3, 2], 2, [0, 1, 0, 1]),  # the VAE's downsampler
            convolution([2, 4, 5, 3], [6, 1, 1, 3], 1, [0, 0, 0, 0]),
            convolution([1, 12, 8, 3], [5, 4, 4, 3], 4, [0, 0, 0, 0]),
            convolution([1, 7, 6, 2], [3, 5, 3, 2], 3, [2, 1, 0, 2]),
            convolution([1, 4, 4, 2], [2, 1, 3, 2], 1, [3, 0, 1, 2]),
            convolution([1, 11, 14, 16], [18, 3, 3, 16], 1, [1, 1, 1, 1]),
        ],
        "group_norms": [
            group_norm([2, 3, 5, 8], 4, False),
            group_norm([2, 4, 4, 12], 3, True),
            group_norm([1, 6, 5, 32], 32, True),
        ],
        "attentions": [
            attention(2, 5, 5, 2, 8, False),
            attention(1, 9, 7, 3, 4, False),
            attention(2, 6, 6, 2, 4, True),
            attention(1, 70, 77, 1, 4, False),
        ],
    }
    pathlib.Path(__file__).with_name("image_operations.json").write_text(json.dumps(fixture) + "\n")
