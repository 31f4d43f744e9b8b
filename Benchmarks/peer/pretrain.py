#!/usr/bin/env python3
"""PyTorch peer of `saddle bench pretrain`: 1,000 training steps of a score network on 2-D data.

One step, with the network of score_network.py (T = 200, linear betas 0.0005 … 0.1, float32):
  1. draw 512 rows of a data set of 65,536 points from N(0, 0.3 I) with replacement, 512 timesteps uniform on
     0 … 199, and 512×2 standard normal numbers ε;
  2. x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε, loss = mean over all elements of (ε_θ(x_t, t) − ε)²;
  3. backward, gradient clipped to global norm 1.0;
  4. AdamW: learning rate 1e-3, betas 0.9 and 0.999, eps 1e-8, weight decay 1e-4.
Drawing the random numbers is part of the step. A repeat is 1,000 further steps of the same network, after 50
to warm up.
"""

import torch
from torch import nn

from score_network import TIMESTEPS, ScoreNetwork, alpha_bars, forward_flops
from timing import arguments, report

DIMENSION, POINTS, BATCH, STEPS = 2, 65_536, 512, 1_000


def main():
    options = arguments(__doc__, repeats=3)
    torch.manual_seed(0)
    data = 0.3**0.5 * torch.randn(POINTS, DIMENSION)
    signal, noise_level = alpha_bars().sqrt(), (1 - alpha_bars()).sqrt()
    network = ScoreNetwork(DIMENSION)
    forward = torch.compile(network) if options.compile else network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)

    def step():
        x0 = data[torch.randint(POINTS, (BATCH,))]
        t = torch.randint(TIMESTEPS, (BATCH,))
        noise = torch.randn(BATCH, DIMENSION)
        xt = signal[t, None] * x0 + noise_level[t, None] * noise
        loss = nn.functional.mse_loss(forward(xt, t), noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    def steps(count):
        for _ in range(count):
            step()

    flops = 3 * STEPS * forward_flops(BATCH, BATCH, DIMENSION)
    report("pretrain", lambda: steps(STEPS), lambda: steps(50), flops, options)


if __name__ == "__main__":
    main()
