"""DCTR, 8,000 features of a JPEG's luma, and its selection-channel-aware form.

Holub, Fridrich 2015, IEEE TIFS 10(2), "Low-complexity features for JPEG steganalysis using
undecimated DCT"; the weights: Denemark, Boroumand, Fridrich 2016, IEEE TIFS 11(8), section IV.
"""

import numpy as np

from .costs import juniward, probabilities
from .jpegio import DCT, pixels

BINS = 5  # 0..3, and 4 for all that is larger
DIMENSIONS = 64 * 25 * BINS


def _phases(high, wide):
    """The class, 0..24, of each residual's place relative to the 8 x 8 grid.

    The residual at (r, c) belongs to the block that begins there; places that mirror each other
    share a class: 0, 1 with 7, 2 with 6, 3 with 5, 4.
    """
    fold = np.array([0, 1, 2, 3, 4, 3, 2, 1])
    rows, columns = fold[np.arange(high) % 8], fold[np.arange(wide) % 8]
    return rows[:, None] * 5 + columns[None, :]


def _filtered(planes, kernels, axis):
    """Every plane (count x H x W) seen through 8 kernels along one axis: count x 8 x ..."""
    room = planes.shape[axis] - 7
    cut = lambda n: planes[:, n : n + room] if axis == 1 else planes[:, :, n : n + room]
    out = []
    for kernel in kernels:
        total = kernel[0] * cut(0)
        for n in range(1, 8):
            total += kernel[n] * cut(n)
        out.append(total)
    return np.stack(out, axis=1)


def _undecimated(image, basis):
    """The image seen through all 64 pairs of row and column kernels: 64 x (H-7) x (W-7).

    The pair of row frequency k and column frequency l stands at 8 l + k.
    """
    across = _filtered(image[None], basis, 2)[0]
    both = _filtered(across, basis, 1)
    return both.reshape(64, *both.shape[2:])


def step(table):
    """The quantisation of the residuals: 4 at quality 75, falling to 0.8 at 95."""
    # The quality is read off the first AC step of the standard table, 11 at quality 50.
    scale = (np.mean(table) / STANDARD_MEAN) * 100
    quality = 100 - scale / 2 if scale <= 100 else 5000 / scale
    return max(8 * (2 - round(quality) / 50), 0.2)


STANDARD_MEAN = 57.625  # of the standard luma table at quality 50


def features(luma, coefficients=None, weights=None):
    """The 8,000 features, float32. `weights` counts each residual by what a change would do."""
    image = pixels(luma, coefficients).astype(np.float32)
    planes = _undecimated(image, DCT.astype(np.float32))
    high, wide = planes.shape[1:]
    base = (_phases(high, wide) * BINS).ravel()
    quantum = np.float32(1 / step(luma.table))
    found = np.empty((64, 25 * BINS), np.float32)
    for mode in range(64):
        levels = np.abs(planes[mode]) * quantum
        levels = np.minimum(levels + np.float32(0.5), BINS - 0.5).astype(np.intp)
        weight = None if weights is None else weights[mode]
        found[mode] = np.bincount(base + levels.ravel(), weight, minlength=25 * BINS)
    found = found.reshape(64, 25, BINS)
    return (found / np.maximum(found.sum(axis=2, keepdims=True), 1e-12)).ravel()


def weights(luma, bits):
    """How far J-UNIWARD with this payload would move each residual: 64 x (places), float32.

    The watcher knows the costs; he computes them from what he has, cover or stego.
    """
    cost = juniward(luma)
    plus, minus = probabilities(cost, cost, bits)
    moved = (plus + minus) * luma.table
    spread = np.abs(DCT).T @ moved @ np.abs(DCT)
    blocks = spread.shape[:2]
    image = spread.transpose(0, 2, 1, 3).reshape(8 * blocks[0], 8 * blocks[1])
    planes = _undecimated(image.astype(np.float32), np.abs(DCT).astype(np.float32))
    return np.sqrt(planes).reshape(64, -1)
