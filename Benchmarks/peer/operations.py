"""Convolutions, attention, linear layers and group norm at the sizes of Stable Diffusion 1.5, two images of 64 x 64
latents: the work of `saddle bench operations`.

Channels first, as diffusers runs them. The last line sums all cases; `cases` has each, by Saddle's names.
"""

import json
import statistics

import torch
import torch.nn.functional as F

import timing


def with_gradient(function, *inputs):
    """The function and the gradients of its inputs, for an upstream gradient of ones."""
    leaves = [x.detach().requires_grad_() for x in inputs]

    def run():
        y = function(*leaves)
        torch.autograd.grad(y, leaves, torch.ones_like(y))

    return run


def convolutions():
    for channels, side in [(320, 64), (640, 32), (1280, 16), (1280, 8)]:
        x, weight = torch.randn(2, channels, side, side), torch.randn(channels, channels, 3, 3)
        flops = 36 * side * side * channels * channels
        name = f"convolution {channels} {side}x{side}"

        def convolve(x, weight=weight):
            return F.conv2d(x, weight, padding=1)

        yield name, flops, lambda x=x, convolve=convolve: convolve(x)
        yield name + " with gradient", 2 * flops, with_gradient(convolve, x)


def linears():
    for rows, inputs, outputs in [(8192, 320, 320), (8192, 320, 2560), (2048, 640, 640), (512, 1280, 10240)]:
        x, weight = torch.randn(rows, inputs), torch.randn(outputs, inputs)
        name = f"linear {rows}x{inputs}x{outputs}"
        yield name, 2 * rows * inputs * outputs, lambda x=x, weight=weight: F.linear(x, weight)


def attentions():
    for queries, keys, width in [(4096, 4096, 40), (1024, 1024, 80), (256, 256, 160), (4096, 77, 40)]:
        query, key, value = (torch.randn(2, 8, tokens, width) for tokens in (queries, keys, keys))
        flops = 64 * queries * keys * width
        name = f"attention {queries}x{keys}x{width}"
        attend = F.scaled_dot_product_attention
        yield name, flops, lambda q=query, k=key, v=value: attend(q, k, v)
        yield name + " with gradient", 3.5 * flops, with_gradient(attend, query, key, value)


def norms():
    x, scale = torch.randn(2, 320, 64, 64), torch.randn(320)
    hidden = torch.randn(8192, 2560)

    def gated():
        h, g = hidden.chunk(2, dim=-1)
        return h * F.gelu(g)

    yield "group norm with SiLU 320 64x64", 0, lambda: F.silu(F.group_norm(x, 32, scale, scale))
    yield "geglu 8192x2560", 0, gated


def main():
    options = timing.arguments(__doc__, repeats=7)
    torch.manual_seed(0)
    cases = []
    for family in (convolutions, linears, attentions, norms):
        for name, flops, work in family():
            grad = torch.enable_grad() if name.endswith("gradient") else torch.no_grad()
            with grad:
                work()
                median = statistics.median(timing.durations(work, options.repeats))
            cases.append({"name": name, "seconds": median} | ({"gflops": flops / median / 1e9} if flops else {}))
    print(
        json.dumps(
            {
                "name": "operations",
                "seconds": sum(case["seconds"] for case in cases),
                "threads": options.threads,
                "repeats": options.repeats,
                "gflops": max(case.get("gflops", 0) for case in cases),
                "torch": torch.__version__,
                "cases": cases,
            }
        )
    )


if __name__ == "__main__":
    main()
