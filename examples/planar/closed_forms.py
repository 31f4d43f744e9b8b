#!/usr/bin/env python3
"""Exact optima of the planar examples, from closed forms alone (numpy is all it needs).

Prints, for each YAML file of this folder, the optimal multipliers, the divergences or rewards they lead to,
the objective, and what equal weights give instead. The same numbers stand as comments in the YAML files.

    python3 examples/planar/closed_forms.py
"""

from itertools import combinations

import numpy as np

# The default noise schedule and sampler of a run: linear betas, every step, eta = 1.
TRAIN_STEPS, BETA_START, BETA_END, ETA = 200, 0.0005, 0.1, 1.0

PRODUCTS = {
    "product.yaml": {
        "wide": ([0.9, 0.0], [[0.30, 0.10], [0.10, 0.20]]),
        "narrow": ([-0.4, 0.5], [[0.05, 0.00], [0.00, 0.08]]),
    },
    "product-three.yaml": {
        "left-low": ([-1.0, -0.3], [[0.3, 0.0], [0.0, 0.3]]),
        "left-high": ([-1.0, 0.4], [[0.3, 0.0], [0.0, 0.3]]),
        "right": ([1.0, 0.0], [[0.3, 0.0], [0.0, 0.3]]),
    },
}
MIXTURES = {
    "mixture.yaml": {
        "small": ([-1.5, 0.0], [[0.02, 0.00], [0.00, 0.02]]),
        "large": ([1.5, 0.0], [[0.18, 0.00], [0.00, 0.18]]),
    },
}
ALIGNMENTS = {
    "alignment.yaml": {"right": ([1.0, 0.0], 0.8), "slanted": ([0.6, 0.8], 0.2)},
}


def gaussian_kl(p, q):
    """KL(p‖q) of two Gaussians, each a pair (mean, covariance), in nats."""
    (mean_p, covariance_p), (mean_q, covariance_q) = p, q
    precision_q = np.linalg.inv(covariance_q)
    difference = mean_q - mean_p
    log_ratio = np.linalg.slogdet(covariance_q)[1] - np.linalg.slogdet(covariance_p)[1]
    trace = np.trace(precision_q @ covariance_p)
    return 0.5 * (trace + difference @ precision_q @ difference - len(mean_p) + log_ratio)


def product(gaussians, weights):
    """The normalised product Π q_i^{λ_i}: precisions, and precision-weighted means, add up."""
    precisions = [np.linalg.inv(covariance) for _, covariance in gaussians]
    covariance = np.linalg.inv(sum(w * P for w, P in zip(weights, precisions)))
    mean = covariance @ sum(w * P @ m for w, P, (m, _) in zip(weights, precisions, gaussians))
    return mean, covariance


def product_divergences(gaussians, weights):
    """KL(p_λ‖q_i) for every i, which is also the gradient of the dual function D(λ)."""
    composed = product(gaussians, weights)
    return np.array([gaussian_kl(composed, gaussian) for gaussian in gaussians])


def optimal_product_weights(gaussians, step=0.05, tolerance=1e-10):
    """argmax of D(λ) on the simplex by exponentiated gradient; the duality gap certifies the answer."""
    weights = np.full(len(gaussians), 1 / len(gaussians))
    while True:
        divergences = product_divergences(gaussians, weights)
        if divergences.max() - weights @ divergences < tolerance:
            return weights
        weights = weights * np.exp(step * (divergences - divergences.max()))
        weights /= weights.sum()


def differential_entropy(covariance):
    """½ log det(2πe S), in nats."""
    return 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.asarray(covariance))[1]


def chain_gain():
    """V = Σ σ_t² A_t²: how far one unit of multiplier moves E x_0 of the DDIM chain that samples N(0, I).

    With the exact ε = √(1−ᾱ_t)·x a step is x_{t−1} = a_t x_t + σ_t z, and a shift of its mean reaches x_0
    multiplied by A_t = Π_{s<t} a_s.
    """
    alpha_bar = np.cumprod(1 - np.linspace(BETA_START, BETA_END, TRAIN_STEPS))
    previous = np.concatenate([[1.0], alpha_bar[:-1]])
    sigma2 = ETA**2 * (1 - previous) / (1 - alpha_bar) * (1 - alpha_bar / previous)
    factor = np.sqrt(previous * alpha_bar) + np.sqrt((1 - previous - sigma2) * (1 - alpha_bar))
    reach = np.concatenate([[1.0], np.cumprod(factor)[:-1]])
    return np.sum(sigma2 * reach**2)


def optimal_alignment_multipliers(W, thresholds):
    """argmax_{λ≥0} λᵀb − ½ λᵀWWᵀλ: the one set of active constraints that satisfies the KKT conditions."""
    gram = W @ W.T
    for size in range(len(thresholds) + 1):
        for active in map(list, combinations(range(len(thresholds)), size)):
            multipliers = np.zeros(len(thresholds))
            multipliers[active] = np.linalg.solve(gram[np.ix_(active, active)], thresholds[active])
            feasible = np.all(gram @ multipliers >= thresholds - 1e-12)
            if feasible and np.all(multipliers >= 0):
                return multipliers
    raise ValueError("the thresholds contradict each other")


def row(label, names, values):
    """Prints one labelled line of name = value pairs."""
    print(f"  {label:<24}" + "  ".join(f"{name} {value:.4f}" for name, value in zip(names, values)))


def report_product(models):
    names = list(models)
    gaussians = [(np.array(mean), np.array(covariance)) for mean, covariance in models.values()]
    weights = optimal_product_weights(gaussians)
    equal = np.full(len(names), 1 / len(names))
    row("multipliers", names, weights)
    row("divergences", names, product_divergences(gaussians, weights))
    row("objective = bound", ["u"], [product_divergences(gaussians, weights).max()])
    row("mean", "xy", product(gaussians, weights)[0])
    row("equal: divergences", names, product_divergences(gaussians, equal))
    row("equal: mean", "xy", product(gaussians, equal)[0])


def report_mixture(models):
    names = list(models)
    entropies = np.array([differential_entropy(covariance) for _, covariance in models.values()])
    equal = np.full(len(names), 1 / len(names))
    row("elbo: multipliers", names, np.exp(entropies) / np.exp(entropies).sum())
    row("elbo: objective", ["u"], [np.log(np.exp(entropies).sum())])
    row("kl: multipliers", names, equal)
    row("kl: objective", ["u"], [np.log(len(names))])
    row("equal: cross-entropies", names, entropies - np.log(equal))


def report_alignment(rewards):
    names = list(rewards)
    W = np.array([direction for direction, _ in rewards.values()])
    thresholds = np.array([threshold for _, threshold in rewards.values()])
    ideal, gain = optimal_alignment_multipliers(W, thresholds), chain_gain()
    row("chain: V", ["V"], [gain])
    row("multipliers", names, ideal / gain)
    row("rewards", names, W @ W.T @ ideal)
    row("objective = KL", ["KL"], [0.5 * ideal @ W @ W.T @ ideal / gain])
    row("many steps: multipliers", names, ideal)


def main():
    reports = ((PRODUCTS, report_product), (MIXTURES, report_mixture), (ALIGNMENTS, report_alignment))
    for problems, report in reports:
        for name, problem in problems.items():
            print(name)
            report(problem)


if __name__ == "__main__":
    main()
