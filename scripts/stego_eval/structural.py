"""Watchers that need no training: they estimate how much LSB replacement a picture has had.

Each returns an estimated rate (bits a sample); a clean picture reads about 0.
"""

import numpy as np

from .jpegio import DCT


def _planes(samples):
    return [samples] if samples.ndim == 2 else [samples[:, :, c] for c in range(3)]


def sample_pairs(samples):
    """Dumitrescu, Wu, Wang 2003, IEEE TSP 51(7): pairs of neighbours along rows and columns."""
    return float(np.mean([_sample_pairs(plane.astype(np.int32)) for plane in _planes(samples)]))


def _sample_pairs(plane):
    first = np.concatenate([plane[:, :-1].ravel(), plane[:-1].ravel()])
    second = np.concatenate([plane[:, 1:].ravel(), plane[1:].ravel()])
    # X: the even one is the smaller; Y: the odd one is; kappa: equal but for the lowest bit.
    x = np.sum(((second & 1 == 0) & (first < second)) | ((second & 1 == 1) & (first > second)))
    y = np.sum(((second & 1 == 0) & (first > second)) | ((second & 1 == 1) & (first < second)))
    kappa = np.sum(first >> 1 == second >> 1)
    a, b, c = kappa / 2, 2 * x - len(first), float(y - x)
    if a == 0:
        return 0.0
    root = b * b - 4 * a * c
    if root < 0:
        return float(np.clip(-b / (2 * a), 0, 1))
    roots = (-b + np.array([1, -1]) * np.sqrt(root)) / (2 * a)
    return float(roots[np.argmin(np.abs(roots))])


def regular_singular(samples):
    """RS analysis: Fridrich, Goljan, Du 2001, IEEE Multimedia 8(4), mask 0110."""
    return float(np.mean([_regular_singular(plane) for plane in _planes(samples)]))


def _groups(plane, negative, flipped):
    """Share of groups of four whose roughness rises less the share where it falls."""
    values = plane[:, : plane.shape[1] // 4 * 4].reshape(-1, 4).astype(np.int32)
    if flipped:
        values = values ^ 1
    rough = lambda v: np.abs(np.diff(v, axis=1)).sum(axis=1)
    moved = values.copy()
    middle = moved[:, 1:3]
    moved[:, 1:3] = ((middle + 1) ^ 1) - 1 if negative else middle ^ 1
    before, after = rough(values), rough(moved)
    return float(np.mean(after > before) - np.mean(after < before))


def _regular_singular(plane):
    d0, d1 = _groups(plane, False, False), _groups(plane, False, True)
    n0, n1 = _groups(plane, True, False), _groups(plane, True, True)
    a, b, c = 2 * (d1 + d0), n0 - n1 - d1 - 3 * d0, d0 - n0
    if abs(a) < 1e-12:
        z = -c / b if b else 0.0
    else:
        root = max(b * b - 4 * a * c, 0.0)
        roots = (-b + np.array([1, -1]) * np.sqrt(root)) / (2 * a)
        z = float(roots[np.argmin(np.abs(roots))])
    return z / (z - 0.5)


def weighted_stego(samples):
    """Ker, Boehme 2008, SPIE 6819: predicted from eight neighbours, flat places weigh most."""
    return float(np.mean([_weighted(plane.astype(np.float64)) for plane in _planes(samples)]))


def _weighted(plane):
    p = np.pad(plane, 1, mode="reflect")
    part = lambda r, c: p[1 + r : p.shape[0] - 1 + r, 1 + c : p.shape[1] - 1 + c]
    sides = [part(-1, 0), part(1, 0), part(0, -1), part(0, 1)]
    corners = [part(-1, -1), part(-1, 1), part(1, -1), part(1, 1)]
    guess = 0.5 * sum(sides) - 0.25 * sum(corners)
    spread = np.var(sides + corners, axis=0)
    weight = 1 / (5 + spread)
    weight /= weight.sum()
    towards = plane - (plane.astype(np.int64) ^ 1)
    return float(2 * np.sum(weight * towards * (plane - guess)))


ESTIMATORS = {"SPA": sample_pairs, "RS": regular_singular, "WS": weighted_stego}


def possible_blocks(samples, table):
    """Which 8 x 8 blocks of a grey picture can be a decompressed JPEG with this table: H/8 x W/8.

    The block is compressed again and decompressed; a possible one comes back to within rounding.
    Blocks with saturated samples count as possible, since clipping hides the truth.
    """
    high, wide = samples.shape[0] // 8, samples.shape[1] // 8
    cut = samples[: 8 * high, : 8 * wide].astype(np.float64)
    blocks = cut.reshape(high, 8, wide, 8).transpose(0, 2, 1, 3)
    coefficients = np.rint(DCT @ (blocks - 128) @ DCT.T / table) * table
    back = DCT.T @ coefficients @ DCT + 128
    # A decoder's integer arithmetic may round otherwise than we do: one off is no proof.
    same = np.abs(np.clip(back, 0, 255) - blocks).max(axis=(2, 3)) <= 1.0
    clipped = ((blocks == 0) | (blocks == 255)).any(axis=(2, 3))
    return same | clipped
