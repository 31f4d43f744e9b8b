#!/usr/bin/env python3
"""PyTorch peer of `saddle bench algorithm2`: one dual iteration of Algorithm 2 with three 2-D models.

All four networks (three models, one product) are those of score_network.py (T = 200, float32), timesteps
counted from 0, 128 chains. One iteration, starting from λ = (1/3, 1/3, 1/3):
  1. annealed ULA on the surrogate: x ~ N(0, I) [128, 2]; at each of 10 timesteps round(linspace(199, 0, 10)),
     10 steps x ← x + h s + √(2h) z with s = −Σ λ_i ε_i(x, t) / √(1−ᾱ_t) and h = 0.1 (1−ᾱ_t):
     100 × 3 network evaluations of 128 rows at one timestep;
  2. one score-matching step of the product network on the 128 samples: timesteps uniform on 0 … 199,
     mean squared error, backward, clipping to global norm 1.0, AdamW (1e-3, 0.9, 0.999, 1e-8, 1e-4);
  3. Lemma 2 for each model against the product network: the 128 samples noised at the 32 timesteps
     round(linspace(0, 199, 32)), the noise common to all models (4,096 rows, 3 + 1 network evaluations),
     the trapezoid in log γ of the mean of ‖ε_p − ε_i‖², plus the head ½ ‖·‖² at the smallest γ;
  4. λ ← projection of λ + KL on the simplex.
Where rows of an evaluation share a timestep, the layers that see only the timestep are evaluated once for all
of them: 1 row in part 1 and 32 rows in part 3.
"""

import torch
from torch import nn

from score_network import TIMESTEPS, ScoreNetwork, alpha_bars, forward_flops, perturbed
from timing import arguments, report

DIMENSION, MODELS, CHAINS, LEVELS, STEPS_PER_LEVEL, NODES = 2, 3, 128, 10, 10, 32


def spread(first, last, count):
    """`count` whole timesteps evenly from first to last."""
    return torch.linspace(first, last, count).round().long()


@torch.no_grad()
def annealed_ula(models, weights, alpha_bar):
    """Part 1 → samples [CHAINS, d]."""
    x = torch.randn(CHAINS, DIMENSION)
    for t in spread(TIMESTEPS - 1, 0, LEVELS).split(1):
        variance = float(1 - alpha_bar[t])
        step = 0.1 * variance
        for _ in range(STEPS_PER_LEVEL):
            epsilon = sum(weight * model(x, t) for weight, model in zip(weights, models))
            x = x - (step / variance**0.5) * epsilon + (2 * step) ** 0.5 * torch.randn_like(x)
    return x


def score_matching_step(network, product, optimizer, samples, alpha_bar):
    """Part 2."""
    t = torch.randint(TIMESTEPS, (CHAINS,))
    noise = torch.randn_like(samples)
    a = alpha_bar[t, None]
    loss = nn.functional.mse_loss(product(a.sqrt() * samples + (1 - a).sqrt() * noise, t), noise)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


@torch.no_grad()
def divergences(models, product, samples, alpha_bar):
    """Part 3 → KL(p‖q_i) [MODELS] in nats."""
    t = spread(0, TIMESTEPS - 1, NODES)[:, None]
    a = alpha_bar[t][..., None]
    x = a.sqrt() * samples + (1 - a).sqrt() * torch.randn(NODES, CHAINS, DIMENSION)
    log_gamma = 0.5 * ((1 - a) / a).log().flatten()
    epsilon = product(x, t)
    squares = torch.stack([(epsilon - model(x, t)).square().sum(-1).mean(-1) for model in models])
    return torch.trapezoid(squares, log_gamma) + 0.5 * squares[:, 0]


def simplex_projection(v):
    """The nearest point of the probability simplex (sort and threshold; Duchi et al. 2008)."""
    ordered = v.sort(descending=True).values
    excess = (ordered.cumsum(0) - 1) / torch.arange(1, len(v) + 1)
    return (v - excess[ordered > excess][-1]).clamp(min=0)


def main():
    options = arguments(__doc__, repeats=9)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    network, *models = [perturbed(ScoreNetwork(DIMENSION), generator) for _ in range(1 + MODELS)]
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    product = network
    if options.compile:
        product, *models = [torch.compile(each) for each in (network, *models)]
    alpha_bar = alpha_bars()

    def work():
        weights = torch.full((MODELS,), 1 / MODELS)
        samples = annealed_ula(models, weights, alpha_bar)
        score_matching_step(network, product, optimizer, samples, alpha_bar)
        return simplex_projection(weights + divergences(models, product, samples, alpha_bar))

    flops = (
        LEVELS * STEPS_PER_LEVEL * MODELS * forward_flops(CHAINS, 1, DIMENSION)
        + 3 * forward_flops(CHAINS, CHAINS, DIMENSION)
        + (MODELS + 1) * forward_flops(CHAINS * NODES, NODES, DIMENSION)
    )
    report("algorithm2", work, work, flops, options)


if __name__ == "__main__":
    main()
