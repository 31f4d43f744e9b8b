"""The authors' residual MLP score network ε(x, t), and the noise schedule of the benchmarks.

Legend: B rows, d data dimension, H = 128 hidden, W = 256 widened, T = 200 timesteps, t counted from 0.
"""

import torch
from torch import nn

TIMESTEPS, HIDDEN, WIDENED, BLOCKS = 200, 128, 256, 4
BETA_START, BETA_END = 0.0005, 0.1


class ResidualBlock(nn.Module):
    """h + out(silu(inner(silu(widen(silu(norm(h))) + time(e)))))."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(HIDDEN)
        self.widen = nn.Linear(HIDDEN, WIDENED)
        self.time = nn.Linear(HIDDEN, WIDENED)
        self.inner = nn.Linear(WIDENED, WIDENED)
        self.out = nn.Linear(WIDENED, HIDDEN)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h, embedding):
        widened = self.widen(nn.functional.silu(self.norm(h))) + self.time(embedding)
        inner = self.inner(nn.functional.silu(widened))
        return h + self.out(nn.functional.silu(inner))


class ScoreNetwork(nn.Module):
    """x [..., d], t [...] → ε [..., d]. A t of fewer rows than x is broadcast after its own layers."""

    def __init__(self, dimension):
        super().__init__()
        self.embedding = nn.Embedding(TIMESTEPS, HIDDEN)
        self.input = nn.Linear(dimension, HIDDEN)
        self.blocks = nn.ModuleList(ResidualBlock() for _ in range(BLOCKS))
        self.output = nn.Linear(HIDDEN, dimension)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x, t):
        embedding = self.embedding(t)
        h = self.input(x)
        for block in self.blocks:
            h = block(h, embedding)
        return self.output(h)


def perturbed(network, generator):
    """Gives the zero-initialised layers small random weights, so that no product in a timing is zero."""
    with torch.no_grad():
        for layer in [block.out for block in network.blocks] + [network.output]:
            layer.weight.normal_(0, 0.02, generator=generator)
    return network


def alpha_bars():
    """ᾱ_t [T] of the linear schedule."""
    return torch.cumprod(1 - torch.linspace(BETA_START, BETA_END, TIMESTEPS, dtype=torch.float64), 0).float()


def forward_flops(rows, time_rows, dimension):
    """Multiply–adds × 2 of the linear layers in one forward pass; a backward pass costs twice that."""
    per_row = 2 * dimension * HIDDEN + BLOCKS * (2 * HIDDEN * WIDENED + WIDENED * WIDENED)
    return 2 * (rows * per_row + time_rows * BLOCKS * HIDDEN * WIDENED)
