"""A Gaussian process with a length scale for each dimension, fitted by its posterior; numpy alone.

    y(x) = f(x) + e,   cov f = s^2 (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r),   r^2 = sum_i w_i (x_i - x'_i)^2

with e of a common variance plus one that is known for each point. Source: Rasmussen and Williams, "Gaussian Processes
for Machine Learning", 2006, chapters 2 and 5; the priors on length scales grow with the number of dimensions as in
Hvarfner et al., "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]
ROOT5 = math.sqrt(5.0)
JITTER = 1e-6
MAX_STEPS = 25
PRIOR_SD = 1.0  # of every logarithm


@dataclass(frozen=True)
class Scales:
    """Logarithms of the weights w (dimension,), of s^2 and of the common noise variance, for y of variance 1."""

    weights: Array
    signal: float
    noise: float


def fit_scales(features: Array, owners: NDArray[np.int64], y: Array, extra: Array, noise: float) -> Scales:
    """The most probable scales for standardised y (point,) of known variances `extra`; `noise` is to be expected."""
    num_dims = int(owners.max()) + 1
    centre = np.array([-2 * math.log(0.6 * math.sqrt(num_dims))] * num_dims + [0.0, math.log(noise)])
    spread = np.array([2 * PRIOR_SD] * num_dims + [PRIOR_SD, 1.5 * PRIOR_SD])
    bounds = [(c - 3 * s, c + 3 * s) for c, s in zip(centre, spread, strict=True)]

    def loss(theta: Array) -> tuple[float, Array]:
        away = (theta - centre) / spread
        try:
            value, slope = negative_likelihood(theta, features, owners, y, extra)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(theta)
        return value + 0.5 * float(away @ away), slope + away / spread

    found: Any = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MAX_STEPS})
    return Scales(found.x[:-2], float(found.x[-2]), float(found.x[-1]))


def negative_likelihood(
    theta: Array, features: Array, owners: NDArray[np.int64], y: Array, extra: Array
) -> tuple[float, Array]:
    """The negative logarithm of the probability of y but for a constant, and its slope by theta.

    theta: logarithms of weights, signal, noise. LinAlgError where the kernel is not positive definite.
    """
    weights, signal, noise = np.exp(theta[:-2]), math.exp(theta[-2]), math.exp(theta[-1])
    scaled = features * np.sqrt(weights[owners])
    square = _squares(scaled, scaled)
    root = np.sqrt(5 * square)
    decay = np.exp(-root)
    shape = (1 + root + 5 / 3 * square) * decay
    kernel = signal * shape
    kernel[np.diag_indices_from(kernel)] += noise + extra + JITTER
    factor = cho_factor(kernel, lower=True, check_finite=False)
    alpha = cho_solve(factor, y, check_finite=False)
    inner = np.outer(alpha, alpha) - cho_solve(factor, np.eye(len(y)), check_finite=False)
    slope = inner * (-5 / 6 * signal * (1 + root) * decay)  # by r^2
    by_feature = 2 * (slope.sum(axis=1) @ scaled**2 - np.einsum("if,if->f", scaled, slope @ scaled))
    by_weight = np.bincount(owners, weights=by_feature, minlength=len(weights))
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(factor[0])).sum())
    by_signal = signal * float((inner * shape).sum())
    by_noise = noise * float(np.trace(inner))
    return value, -0.5 * np.array([*by_weight, by_signal, by_noise])


def _squares(a: Array, b: Array) -> Array:
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(square, 0.0))


class GaussianProcess:
    """The posterior after y (point,) at `features`; `extra` are known variances (point,), in the units of y squared."""

    def __init__(
        self,
        features: Array,
        owners: NDArray[np.int64],
        y: Array,
        extra: Array,
        scales: Scales,
    ) -> None:
        self.mean, self.sd = float(np.mean(y)), float(np.std(y)) or 1.0
        targets, known = (y - self.mean) / self.sd, extra / self.sd**2
        self.scales = scales
        self._root = np.sqrt(np.exp(scales.weights)[owners])
        self._scaled = features * self._root
        kernel = self._kernel(self._scaled, self._scaled)
        kernel[np.diag_indices_from(kernel)] += math.exp(scales.noise) + known + JITTER
        self._factor = np.linalg.cholesky(kernel)
        self._alpha = cho_solve((self._factor, True), targets, check_finite=False)

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation (point,) of f, noise left out, in the units of y."""
        cross = self._kernel(features * self._root, self._scaled)
        inner = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = math.exp(self.scales.signal) - (inner**2).sum(axis=0)
        mean = self.mean + self.sd * cross @ self._alpha
        return np.asarray(mean), np.asarray(self.sd * np.sqrt(np.maximum(variance, 1e-10)))

    def _kernel(self, a: Array, b: Array) -> Array:
        square = _squares(a, b)
        root = np.sqrt(5 * square)
        return np.asarray(math.exp(self.scales.signal) * (1 + root + 5 / 3 * square) * np.exp(-root))
