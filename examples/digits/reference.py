#!/usr/bin/env python3
"""What the optimum of alignment.yaml looks like on the images themselves.

The alignment problem has the solution p* ∝ q·exp(λᵀr). With q the 1,797 images, each of equal weight, it is
a reweighting, and λ* maximises λᵀb − log mean exp(λᵀr): two unknowns, solved here by Newton's method. A
diffusion chain that has learned the images ends near these numbers; it is not bound to them, for it
generalises.

    pip install numpy safetensors
    python3 examples/digits/reference.py
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

THRESHOLDS = np.array([-0.32, -0.285])  # ink, symmetry: the values of alignment.yaml


def rewards(images):
    """[N, 64] pixels in [−1, 1] → [N, 2]: mean ink, and minus the mean squared left–right difference."""
    pictures = images.reshape(-1, 8, 8)
    difference = pictures - pictures[:, :, ::-1]
    return np.stack([images.mean(axis=1), -np.square(difference).mean(axis=(1, 2))], axis=1)


def tilted(r, multipliers):
    """Weights of p ∝ exp(λᵀr) over the images, and log mean exp(λᵀr)."""
    exponent = r @ multipliers
    weights = np.exp(exponent - exponent.max())
    return weights / weights.sum(), exponent.max() + np.log(weights.mean())


def optimal_multipliers(r, thresholds):
    """Newton's method on the concave dual; both constraints are active here, so no projection is needed."""
    multipliers = np.zeros(len(thresholds))
    for _ in range(50):
        weights, _ = tilted(r, multipliers)
        centred = r - weights @ r
        covariance = centred.T @ (weights[:, None] * centred)
        multipliers = multipliers + np.linalg.solve(covariance, thresholds - weights @ r)
    assert np.all(multipliers > 0), f"a constraint is inactive: {multipliers}"
    return multipliers


def main():
    data = load_file(Path(__file__).parent / "digits.safetensors")
    r = rewards(data["images"].astype(np.float64))
    multipliers = optimal_multipliers(r, THRESHOLDS)
    weights, log_normaliser = tilted(r, multipliers)
    shares = [weights[data["labels"] == digit].sum() for digit in range(10)]
    print("all images: mean   ", np.round(r.mean(axis=0), 4), " deviation", np.round(r.std(axis=0), 4))
    print("optimum: rewards   ", np.round(weights @ r, 4), " multipliers", np.round(multipliers, 3))
    print("optimum: KL (nats) ", round(float(multipliers @ THRESHOLDS - log_normaliser), 4))
    print("share of each digit", np.round(shares, 3))


if __name__ == "__main__":
    main()
